# SPDX-License-Identifier: GPL-3.0-or-later
"""A query whose checksums are wrong is not answered; one that a sender on this machine left to offload is."""
import socket

import pytest

from net import CLIENT4, CLIENT6, CLIENT_LINK, SERVER4, SERVER6, SERVER_LINK
from volley import own_network, small_zone, wait_until
from wire import Wire, dns_query, frame, ipv4, ipv6, pseudo_sum, udp

WAIT_SECONDS = 20
WWW = dns_query("www.test.")
BOTH = pytest.mark.parametrize("client, server", [(CLIENT4, SERVER4), (CLIENT6, SERVER6)], ids=["ipv4", "ipv6"])


@pytest.fixture(scope="module", params=["af_xdp", "af_packet"])
def served(request, tmp_path_factory):
    """Nothing but lcores answers."""
    with own_network(tmp_path_factory.mktemp("sums"), streams=False) as volley:
        volley.dataplane_settings["ports"] = [f"{request.param}:{SERVER_LINK}"]
        volley.add_zone("test.", small_zone(1, "www A 192.0.2.10"))
        yield volley.start()


@pytest.fixture
def wire(served):
    end = Wire(served.network, CLIENT_LINK)
    yield end
    end.close()


def packet(client, server, sport, udp_wrong=None, **wrong):
    datagram = udp(client, server, WWW, sport=sport, **(udp_wrong or {}))
    return (ipv6 if ":" in server else ipv4)(client, server, datagram, **wrong)


def drops(volley):
    return volley.ctl_json("stats")["verdicts"]["bad_checksum"]


def check_dropped(served, wire, data):
    """It is counted, and a query behind it is the first that gets an answer."""
    before = drops(served)
    wire.send(frame(served.network, data))
    wait_until(lambda: drops(served) == before + 1, lambda: drops(served) - before)
    wire.send(frame(served.network, packet(CLIENT4, SERVER4, 7001)))
    found = wire.receive(lambda datagram: datagram.dport in (6001, 7001), WAIT_SECONDS)
    assert found and found.dport == 7001
    assert drops(served) == before + 1


def check_answered(served, wire, data):
    before = drops(served)
    wire.send(frame(served.network, data))
    found = wire.receive(lambda datagram: datagram.dport == 6001, WAIT_SECONDS)
    assert found and found.checksums_right
    assert drops(served) == before


@BOTH
def test_right(served, wire, client, server):
    check_answered(served, wire, packet(client, server, 6001))


@BOTH
@pytest.mark.parametrize("flip", [1, 0x100, 0x8000, 0xffff])
def test_wrong_udp_checksum(served, wire, client, server, flip):
    right = int.from_bytes(udp(client, server, WWW, sport=6001)[6:8], "big")
    check_dropped(served, wire, packet(client, server, 6001, {"checksum": right ^ flip}))


@pytest.mark.parametrize("value", [0, 1, 0xffff])
def test_wrong_ipv4_header_checksum(served, wire, value):
    check_dropped(served, wire, packet(CLIENT4, SERVER4, 6001, checksum=value))


def test_no_udp_checksum(served, wire):
    """Legal over IPv4 (RFC 768), not over IPv6 (RFC 8200)."""
    check_answered(served, wire, packet(CLIENT4, SERVER4, 6001, {"checksum": 0}))
    check_dropped(served, wire, packet(CLIENT6, SERVER6, 6001, {"checksum": 0}))


@BOTH
def test_left_to_offload(served, wire, client, server):
    """A veth pair completes no checksum: that of a local sender is the sum of the pseudo header, and no other value
    than this one may be wrong."""
    partial = pseudo_sum(client, server, WWW)
    check_answered(served, wire, packet(client, server, 6001, {"checksum": partial}))
    check_dropped(served, wire, packet(client, server, 6001, {"checksum": partial ^ 1}))


@pytest.mark.parametrize("server", [SERVER4, SERVER6])
@pytest.mark.parametrize("offload", ["on", "off"])
def test_the_kernels_own_sender(served, server, offload):
    """With offload and without. The socket is not connected, as the kernel refuses the copy that it gets beside an
    af_packet port."""
    served.network.client.run("ethtool", "-K", CLIENT_LINK, "tx", offload, check=True)
    before = drops(served)
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with served.network.client.socket(family, socket.SOCK_DGRAM) as client:
        client.settimeout(WAIT_SECONDS)
        client.sendto(WWW, (server, 53))
        assert client.recv(65535)[:2] == WWW[:2]
    assert drops(served) == before


def test_they_are_shown(served, wire):
    wire.send(frame(served.network, packet(CLIENT4, SERVER4, 6001, {"checksum": 7})))
    wait_until(lambda: "bad_checksum" in served.ctl("drops").stdout, "a sample")
    assert "wrong IPv4 header checksum or UDP checksum" in served.ctl("stats").stdout
