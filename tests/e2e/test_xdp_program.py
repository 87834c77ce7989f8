# SPDX-License-Identifier: GPL-3.0-or-later
"""The XDP program's life: there while the dataplane is, gone after it, never two, never another's."""
import json
import subprocess

import pytest

from ask import query, wait_until_answered
from net import SERVER_LINK, attached
from volley import small_zone

pytestmark = pytest.mark.fast_path

FOREIGN = """
#include <linux/bpf.h>
__attribute__((section("xdp"), used)) int foreign(struct xdp_md *packet) { return XDP_PASS; }
char _license[] __attribute__((section("license"), used)) = "GPL";
"""


def xdp_objects():
    """Ids of all XDP programs and AF_XDP maps in the kernel."""
    def show(kind, wanted):
        text = subprocess.run(["bpftool", "-j", kind, "show"], check=True, capture_output=True, text=True).stdout
        return {(kind, item["id"]) for item in json.loads(text) if item["type"] == wanted}
    return show("prog", "xdp") | show("map", "xskmap")


@pytest.fixture
def served(volley):
    volley.add_zone("test.", small_zone(1))
    return volley


@pytest.mark.alone
def test_gone_after_exit(served):
    before = xdp_objects()
    served.start()
    assert attached(served.network)
    assert len(xdp_objects()) > len(before)
    assert served.dataplane.stop() == 0
    assert attached(served.network) is None
    assert xdp_objects() <= before


@pytest.mark.alone
def test_kill_leaves_it_and_restart_replaces_it(served):
    before = xdp_objects()
    served.start()
    served.dataplane.kill()
    stale = xdp_objects() - before
    served.start_dataplane()
    wait_until_answered(served.network, "test.")
    assert not {program for program in stale if program[0] == "prog"} & xdp_objects()
    for _ in range(3):
        assert query(served.network, "ns1.test.").answer
    assert served.dataplane.stop() == 0
    assert attached(served.network) is None
    assert xdp_objects() <= before


def test_foreign_program_is_left_alone_and_named(served, tmp_path):
    source = tmp_path / "foreign.c"
    source.write_text(FOREIGN)
    subprocess.run(["clang", "-O2", "-g", "-target", "bpf", "-I/usr/include/x86_64-linux-gnu",
                    "-c", source, "-o", source.with_suffix(".o")], check=True)
    served.network.server.ip("link", "set", "dev", SERVER_LINK, "xdp", "obj",
                             str(source.with_suffix(".o")), "sec", "xdp")
    mine = attached(served.network)
    dataplane = served.spawn_dataplane()
    assert dataplane.wait() == 1
    assert SERVER_LINK in dataplane.log() and "xdp" in dataplane.log().lower()
    assert "ready" not in dataplane.log()
    assert attached(served.network) == mine
    served.network.server.ip("link", "set", "dev", SERVER_LINK, "xdp", "off")
    served.start()
    assert query(served.network, "ns1.test.").answer


def test_two_dataplanes_on_one_interface(served, tmp_path):
    """The second neither takes the first one's interface nor its socket."""
    served.start()
    first = served.dataplane
    served.dataplane_settings["socket"] = str(tmp_path / "second.sock")
    second = served.spawn_dataplane()
    assert second.wait() == 1
    assert SERVER_LINK in second.log()
    assert first.running()
    assert query(served.network, "ns1.test.").answer
