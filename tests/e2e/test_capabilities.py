# SPDX-License-Identifier: GPL-3.0-or-later
"""A dataplane that lacks a capability says which one, in one line that blames nothing else."""
import re

import pytest

from net import SERVER_LINK
from volley import DATAPLANE, Process

AF_XDP = f"af_xdp:{SERVER_LINK}"


@pytest.fixture
def start(network, tmp_path):
    """start(port, capabilities to take away, words before the program): a dataplane."""
    made = []

    def start_without(port, taken, *words):
        without = ["setpriv", "--bounding-set", ",".join(f"-{name}" for name in taken)] if taken else []
        made.append(Process("dataplane", network.server.command(
            *words, *without, DATAPLANE, "--port", port, "--socket", tmp_path / "dataplane.sock"),
            tmp_path / "dataplane.log"))
        return made[-1]
    yield start_without
    for process in made:
        process.stop()


def complaint(dataplane):
    """What it has said, which is one line of error and nothing of a library's, before it ended."""
    assert dataplane.wait() == 1, dataplane.log()
    lines = dataplane.log().splitlines()
    assert all(line.startswith("volley-dataplane: ") for line in lines), dataplane.log()
    (error,) = [line for line in lines if ": error: " in line]
    return error


def blamed(error):
    return set(re.findall(r"CAP_\w+", error))


@pytest.mark.parametrize("port, taken, missing", [
    (AF_XDP, ["net_raw"], {"CAP_NET_RAW"}),
    (AF_XDP, ["net_admin"], {"CAP_NET_ADMIN"}),
    (AF_XDP, ["sys_admin"], {"CAP_SYS_ADMIN"}),
    (AF_XDP, ["sys_admin", "bpf"], {"CAP_SYS_ADMIN"}),
    (AF_XDP, ["sys_admin", "perfmon"], {"CAP_SYS_ADMIN"}),
    (AF_XDP, ["net_raw", "net_admin"], {"CAP_NET_RAW", "CAP_NET_ADMIN"}),
    (AF_XDP, ["net_bind_service"], {"CAP_NET_BIND_SERVICE"}),
    (f"af_packet:{SERVER_LINK}", ["net_raw"], {"CAP_NET_RAW"}),
    ("tap:volley0", ["net_admin"], {"CAP_NET_ADMIN"}),
], ids=lambda value: "+".join(sorted(value)) if isinstance(value, (list, set)) else value.split(":")[0])
def test_missing_capability_is_named(start, port, taken, missing):
    error = complaint(start(port, taken))
    assert blamed(error) == missing, error
    assert "MEMLOCK" not in error


def test_memory_that_must_not_be_locked(start):
    error = complaint(start(AF_XDP, ["ipc_lock"], "prlimit", "--memlock=65536:65536"))
    assert blamed(error) == {"CAP_IPC_LOCK"} and "RLIMIT_MEMLOCK" in error, error


@pytest.mark.parametrize("taken", ["sys_admin", "net_admin"])
def test_xdp_program_left_behind_that_must_not_be_touched(start, taken):
    """Removing it needs other calls than loading one does."""
    killed = start(AF_XDP, [])
    killed.wait_for_log("listening on")
    killed.kill()
    error = complaint(start(AF_XDP, [taken]))
    assert blamed(error) == {f"CAP_{taken.upper()}"}, error
    start(AF_XDP, []).wait_for_log("listening on")


def test_capabilities_that_others_imply_are_not_asked_for(start):
    """CAP_SYS_ADMIN comprises them."""
    start(AF_XDP, ["bpf", "perfmon"]).wait_for_log("listening on")
