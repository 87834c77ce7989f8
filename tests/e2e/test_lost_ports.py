# SPDX-License-Identifier: GPL-3.0-or-later
"""Interfaces that go away, or change, under a running dataplane."""

import pytest

from ask import exchange, serial, wait_until_answered
from net import CLIENT_LINK, SERVER_LINK
from volley import small_zone, wait_until
from wire import dns_query

SECOND_LINK, SECOND_CLIENT_LINK, SECOND_ADDRESS = "server1", "client1", "10.54.0.1"


@pytest.fixture
def served(volley):
    volley.add_zone("test.", small_zone(1))
    return volley.start()


@pytest.fixture
def two_ports(volley):
    network = volley.network
    network.client.ip("link", "add", SECOND_CLIENT_LINK, "type", "veth",
                      "peer", "name", SECOND_LINK, "netns", network.server.name)
    for side, link, address in ((network.client, SECOND_CLIENT_LINK, "10.54.0.2/24"),
                                (network.server, SECOND_LINK, f"{SECOND_ADDRESS}/24")):
        side.ip("addr", "add", address, "dev", link)
        side.ip("link", "set", link, "up")
    volley.dataplane_settings["ports"] = [f"af_xdp:{SERVER_LINK}", f"af_xdp:{SECOND_LINK}"]
    volley.dataplane_settings["stream-threads"] = "0"  # so that only lcores can have answered
    volley.add_zone("test.", small_zone(1))
    return volley.start()


def troubles(volley):
    return volley.ctl_json("status")["dataplane"]["troubles"]


def wait_for_trouble(volley, part):
    """Returns the one trouble when it has this part: a port that is being deleted may have another one before."""
    def has_come():
        found = troubles(volley)
        return found[0] if len(found) == 1 and part in found[0] else None

    return wait_until(has_come, lambda: f"{troubles(volley)}\n{volley.dataplane.log()}")


def wait_until_well(volley):
    wait_until(lambda: troubles(volley) == [], lambda: troubles(volley))


def take_off_xdp(volley):
    for mode in ("xdpdrv", "xdpgeneric", "xdp"):
        volley.network.server.run("ip", "link", "set", SERVER_LINK, mode, "off")


def delete_link(volley):
    volley.network.client.ip("link", "del", CLIENT_LINK)


@pytest.mark.parametrize("lose, reason", [(take_off_xdp, "has lost our XDP program"), (delete_link, "is gone")],
                         ids=["xdp off", "deleted"])
def test_the_only_port_is_lost(served, lose, reason):
    """Nothing is left to do but to end, for systemd to try again."""
    lose(served)
    assert served.dataplane.wait() == 1
    log = served.dataplane.log()
    assert f"port af_xdp:{SERVER_LINK}: interface {SERVER_LINK} {reason}" in log
    assert "no port works any more" in log


def test_started_again_after_the_program_was_taken_off(served):
    take_off_xdp(served)
    assert served.dataplane.wait() == 1
    served.start_dataplane()
    wait_until_answered(served.network, "test.")
    assert served.xdp_verdicts()["serve"] > 0


@pytest.mark.parametrize("lose, reason", [(take_off_xdp, "has lost our XDP program"), (delete_link, "is gone")],
                         ids=["xdp off", "deleted"])
def test_one_port_of_two_is_lost(two_ports, lose, reason):
    """The other one goes on, and the operator is told."""
    assert troubles(two_ports) == []
    lose(two_ports)
    text = wait_for_trouble(two_ports, reason)
    assert text.startswith(f"port af_xdp:{SERVER_LINK}: the interface {reason}")
    assert f"problem: {text}" in two_ports.ctl("status").stdout
    assert [port["xdp"] for port in two_ports.stats()["ports"]] == [False, True]
    assert serial(two_ports.network, "test.", SECOND_ADDRESS) == 1
    assert two_ports.dataplane.running()
    two_ports.network.client.ip("link", "del", SECOND_CLIENT_LINK)
    assert two_ports.dataplane.wait() == 1


def test_carrier_lost_and_found(served):
    served.network.client.ip("link", "set", CLIENT_LINK, "down")
    wait_for_trouble(served, "has no carrier")
    served.dataplane.wait_for_log(f"interface {SERVER_LINK} has no carrier")
    served.network.client.ip("link", "set", CLIENT_LINK, "up")
    wait_until_well(served)
    served.dataplane.wait_for_log("works again")
    wait_until_answered(served.network, "test.")


def test_mtu_changed(served):
    """Packet buffers are as large as the MTU at the start asked for."""
    for side, link in ((served.network.server, SERVER_LINK), (served.network.client, CLIENT_LINK)):
        side.ip("link", "set", link, "mtu", "3000")
    wait_for_trouble(served, "another MTU")
    assert serial(served.network, "test.") == 1
    served.network.server.ip("link", "set", SERVER_LINK, "mtu", "1500")
    wait_until_well(served)


def test_renamed(served):
    """A name is only a name: the port is the interface."""
    served.network.server.ip("link", "set", SERVER_LINK, "name", "renamed0")
    before = served.xdp_verdicts()["serve"]
    exchange(served.network, dns_query("test."))
    assert served.xdp_verdicts()["serve"] == before + 1
    assert troubles(served) == [] and served.dataplane.running()
