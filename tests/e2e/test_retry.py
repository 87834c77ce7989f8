# SPDX-License-Identifier: GPL-3.0-or-later
"""--retry, by hand: the same process starts until it works; a signal ends it at any time."""
import os
import random
import re
import signal
import socket
import time
from pathlib import Path

import pytest

from ask import serial, wait_until_answered
from net import SERVER_LINK
from volley import CONTROL, DATAPLANE, VOLLEYCTL, small_zone, wait_until

ENDED_BY_SIGTERM = (0, -signal.SIGTERM)


@pytest.fixture
def prepared(volley):
    volley.add_zone("test.", small_zone(1))
    return volley


def spawn_control(volley, *flags):
    volley.control = volley._spawn("control", [CONTROL, "--config", volley.config, *flags])
    return volley.control


def attempts(process):
    """How many starts have failed, as the process was told when it was started again."""
    words = open(f"/proc/{process.pid}/environ").read().split("\0")
    states = [word.split("=")[1] for word in words if word.startswith("VOLLEY_RETRY=")]
    return int(states[0].split()[0]) if states else 0


def wait_for_attempts(process, cnt):
    wait_until(lambda: not process.running() or attempts(process) >= cnt, process.log)
    assert process.running(), process.log()


def write(file, text):
    """At once, so that no attempt finds half of it."""
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)


def break_config(volley):
    write(volley.config, "zone: [\n")


def test_without_the_flag_a_start_that_fails_is_the_end(prepared):
    prepared.dataplane_settings["ports"] = ["af_xdp:nosuch0"]
    dataplane = prepared.spawn_dataplane()
    assert dataplane.wait() == 1
    (line,) = dataplane.log().splitlines()
    assert "interface nosuch0: does not exist" in line
    break_config(prepared)
    control = spawn_control(prepared)
    assert control.wait() == 1
    (line,) = control.log().splitlines()
    assert "volley.yaml:" in line


def test_flags_alone_are_not_tried_again_when_they_are_wrong(prepared):
    """They would be wrong the next time, too."""
    dataplane = prepared._spawn("dataplane", [DATAPLANE, "--retry", "--port", "nonsense"])
    assert dataplane.wait() == 2, dataplane.log()


def test_the_process_stays(prepared):
    """An interface that comes later, without volleyctl."""
    prepared.network.server.ip("link", "set", SERVER_LINK, "name", "other0")
    dataplane = prepared._spawn("dataplane", prepared.network.server.command(
        DATAPLANE, "--retry", "--port", f"af_xdp:{SERVER_LINK}", "--socket", prepared.publish_socket))
    prepared.dataplane = dataplane
    wait_for_attempts(dataplane, 3)
    prepared.network.server.ip("link", "set", "other0", "name", SERVER_LINK)
    prepared.start_control()
    wait_until_answered(prepared.network, "test.")
    assert serial(prepared.network, "test.") == 1
    assert len(re.findall("does not exist", dataplane.log())) == 1, dataplane.log()
    assert "VOLLEY_RETRY=" not in dataplane.log()
    assert dataplane.stop() == 0


def test_a_second_reason_is_said_too(prepared):
    prepared.network.server.ip("link", "set", SERVER_LINK, "down")
    prepared.network.server.ip("link", "set", SERVER_LINK, "name", "other0")
    dataplane = prepared.spawn_dataplane("--", "--retry")
    dataplane.wait_for_log("does not exist")
    prepared.network.server.ip("link", "set", "other0", "name", SERVER_LINK)
    dataplane.wait_for_log("is down")
    prepared.network.server.ip("link", "set", SERVER_LINK, "name", "other0")
    dataplane.wait_for_log("(?s)does not exist.*is down.*does not exist")
    assert dataplane.stop() in ENDED_BY_SIGTERM


@pytest.mark.parametrize("broken", ["configuration", "interface", "socket"])
def test_signal_at_any_time_ends_it(prepared, broken):
    """While volleyctl waits, before DPDK's start and in the midst of it. An attempt with DPDK takes longer than the
    first pauses, so that most signals come while it starts."""
    random.seed(1)
    if broken == "interface":
        prepared.dataplane_settings["ports"] = ["af_xdp:nosuch0"]
    elif broken == "socket":  # made after the port
        prepared.dataplane_settings |= {"ports": ["null"], "socket": "/nosuch/dataplane.sock"}
    prepared.write_config()
    if broken == "configuration":
        break_config(prepared)
    for _ in range(15):
        process = prepared._spawn("dataplane", prepared.network.server.command(
            VOLLEYCTL, "exec", "dataplane", "--config", prepared.config, "--retry"))
        time.sleep(random.uniform(0, 0.5))
        assert process.running(), process.log()
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait() in ENDED_BY_SIGTERM, process.log()


def test_control_starts_when_its_configuration_is_corrected(prepared):
    prepared.start_dataplane()
    good = prepared.config.read_text()
    break_config(prepared)
    control = spawn_control(prepared, "--retry")
    wait_for_attempts(control, 3)
    write(prepared.config, good)
    control.wait_for_log("ready: 1 zone")
    assert len(re.findall("volley.yaml:", control.log())) == 1, control.log()
    assert re.search(r"started after \d+ failed attempts?", control.log())
    prepared.ctl("status")
    assert serial(prepared.network, "test.") == 1


def test_control_whose_socket_has_no_directory_yet(prepared):
    later = prepared.directory / "later"
    prepared.control_settings["socket"] = str(later / "control.sock")
    prepared.write_config()
    control = spawn_control(prepared, "--retry")
    wait_for_attempts(control, 3)
    assert len(re.findall(str(later), control.log())) == 1, control.log()
    later.mkdir()
    control.wait_for_log("ready: 1 zone")
    prepared.ctl("status", check=False)


def test_control_ends_at_a_signal_while_it_waits(prepared):
    break_config(prepared)
    control = spawn_control(prepared, "--retry")
    wait_for_attempts(control, 2)
    assert control.stop() in ENDED_BY_SIGTERM


def pipes(process):
    """DPDK and libuv make some in each attempt."""
    directory = f"/proc/{process.pid}/fd"
    found = set()
    for name in os.listdir(directory):
        try:
            found.add(os.readlink(f"{directory}/{name}"))
        except FileNotFoundError:
            pass
    return {name for name in found if name.startswith("pipe:")}


def test_an_attempt_leaves_nothing_open_to_the_next(prepared):
    """A start may fail for days."""
    prepared.dataplane_settings |= {"ports": ["null"], "socket": "/nosuch/dataplane.sock"}
    process = prepared.spawn_dataplane("--", "--retry")
    wait_for_attempts(process, 1)
    early = set()
    while attempts(process) < 3:
        early |= pipes(process)
    wait_for_attempts(process, 4)
    assert early, process.log()
    assert not early & pipes(process)
    assert process.stop() in ENDED_BY_SIGTERM


def test_port_53_that_somebody_takes_before_there_are_zones(prepared):
    """The start is over when the first zones are answered, and not before."""
    process = prepared.spawn_dataplane("--", "--retry")
    process.wait_for_log("waiting for zones: ")
    with prepared.network.server.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("0.0.0.0", 53))
        spawn_control(prepared)
        wait_for_attempts(process, 3)
        assert len(re.findall("UDP port 53 of .* is in use", process.log())) == 1, process.log()
    wait_until_answered(prepared.network, "test.")
    assert process.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("program", ["control", "dataplane", "volleyctl"])
def test_the_first_process_of_a_container_ends_at_a_signal(prepared, program, number):
    """A process with pid 1 gets no signal that it does not handle."""
    command = {"control": [CONTROL, "--config", prepared.directory / "missing", "--retry"],
               "dataplane": [DATAPLANE, "--port", "af_xdp:nosuch0", "--retry"],
               "volleyctl": [VOLLEYCTL, "exec", "dataplane", "--config", prepared.directory / "missing", "--retry"]}
    process = prepared._spawn(program, ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child",
                                        *command[program]])
    process.wait_for_log("retrying the start")
    time.sleep(random.uniform(0, 0.5))  # in the pause, in the next attempt, or between them
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    os.kill(int(children.split()[0]), number)
    try:
        assert process.wait() == 128 + number
    finally:
        process.kill()
