# SPDX-License-Identifier: GPL-3.0-or-later
"""What the AF_XDP port takes, what it leaves to the kernel, what it drops, and the frames it sends."""
import random
import socket
import struct

import pytest

from ask import exchange, query
from net import CLIENT4, CLIENT6, SERVER4, SERVER6, SERVER_LINK
from ping import echo
from volley import wait_until
from wire import dns_query, frame, ipv4, ipv6, opt, udp

pytestmark = pytest.mark.fast_path

PASSED = 100
BOTH = pytest.mark.parametrize("client, server", [(CLIENT4, SERVER4), (CLIENT6, SERVER6)], ids=["ipv4", "ipv6"])
WWW = dns_query("www.example.")


def packet(client, server, datagram, **wrong):
    build = ipv6 if ":" in server else ipv4
    return build(client, server, datagram, **wrong)


@BOTH
def test_the_lcore_answers_not_the_kernel(example, client, server):
    before, kernel_before = example.stats(), example.network.server.counters()
    for _ in range(20):
        assert query(example.network, "www.example.", "A", server).answer
    after, kernel_after = example.stats(), example.network.server.counters()
    for name in ("rx_packets", "tx_packets", "queries_ipv6" if ":" in server else "queries_ipv4"):
        assert after["totals"][name] - before["totals"][name] == 20, name
    assert after["ports"][0]["xdp_verdicts"]["serve"] - before["ports"][0]["xdp_verdicts"]["serve"] == 20
    for name in ("UdpInDatagrams", "UdpNoPorts", "UdpOutDatagrams",
                 "Udp6InDatagrams", "Udp6NoPorts", "Udp6OutDatagrams"):
        assert kernel_after[name] == kernel_before[name], name


@BOTH
@pytest.mark.parametrize("name, rrtype, edns", [
    ("www.example.", 1, None), ("no.example.", 1, opt()), ("a.host.child.example.", 28, None),
    ("long.example.", 16, opt()), ("long.example.", 16, None), ("refused.test.", 1, opt()),
    ("odd.example.", 1, None)])
def test_checksums_of_responses(example, wire, client, server, name, rrtype, edns):
    """Full checksums, as the wire wants them: no NIC will complete them on a veth pair."""
    datagram = udp(client, server, dns_query(name, rrtype, edns=edns), sport=5000)
    wire.send(frame(example.network, packet(client, server, datagram)))
    response = wire.receive(lambda found: found.dport == 5000)
    assert response and response.sport == 53
    assert response.checksums_right
    assert response.length == 8 + len(response.payload)


@BOTH
def test_names_of_every_length_have_right_checksums(example, wire, client, server):
    """Odd and even lengths: the sum of an answer is precomputed, and moves by one octet."""
    for length in range(1, 64):
        name = "n" * length + ".example."
        wire.send(frame(example.network,
                        packet(client, server, udp(client, server, dns_query(name), sport=6000 + length))))
        response = wire.receive(lambda found, port=6000 + length: found.dport == port)
        assert response and response.checksums_right, name


def test_query_without_udp_checksum_is_answered(example, wire):
    """Zero means "not computed" over IPv4 (RFC 768)."""
    datagram = udp(CLIENT4, SERVER4, WWW, sport=5001)
    wire.send(frame(example.network, ipv4(CLIENT4, SERVER4, datagram[:6] + b"\0\0" + datagram[8:])))
    response = wire.receive(lambda found: found.dport == 5001)
    assert response and response.checksums_right


@BOTH
@pytest.mark.parametrize("tags", [[(0x8100, 7)], [(0x8100, 0x6007)], [(0x88a8, 5), (0x8100, 7)]],
                         ids=["vlan", "vlan with priority", "qinq"])
def test_tags_are_kept(example, wire, client, server, tags):
    datagram = udp(client, server, WWW, sport=5002)
    wire.send(frame(example.network, packet(client, server, datagram), tags))
    response = wire.receive(lambda found: found.dport == 5002)
    assert response and response.tags == tags
    assert response.checksums_right


def test_minimal_frame_with_padding(example, wire):
    """Ethernet pads short frames: the padding is no part of the query, nor of the response."""
    datagram = udp(CLIENT4, SERVER4, dns_query("."), sport=5003)
    wire.send(frame(example.network, ipv4(CLIENT4, SERVER4, datagram)) + b"\xff" * 20)
    response = wire.receive(lambda found: found.dport == 5003)
    assert response and response.checksums_right and response.payload[3] & 15 == 5


@BOTH
def test_source_port_and_addresses_are_turned_round(example, client, server):
    """The kernel's connected socket takes the response only when all four fit."""
    for _ in range(5):
        assert exchange(example.network, WWW, server)[:2] == WWW[:2]


@pytest.mark.parametrize("server", [SERVER4, SERVER6])
def test_the_kernel_keeps_ping(example, server):
    assert echo(example.network, server)


@pytest.mark.parametrize("server", [SERVER4, SERVER6])
def test_the_kernel_keeps_tcp(example, server):
    """Nothing of ours listens on port 54: the kernel refuses at once."""
    with example.network.client.socket(socket.AF_INET6 if ":" in server else socket.AF_INET,
                                       socket.SOCK_STREAM) as client:
        client.settimeout(2)
        with pytest.raises(ConnectionRefusedError):
            client.connect((server, 54))


def test_the_kernel_keeps_arp_and_nd(example):
    """Forgets the neighbours: the next queries need them again."""
    example.network.client.ip("neigh", "flush", "all")
    example.network.server.ip("neigh", "flush", "all")
    assert query(example.network, "www.example.", "A", SERVER4).answer
    assert query(example.network, "www.example.", "A", SERVER6).answer
    assert echo(example.network, SERVER4) and echo(example.network, SERVER6)


@BOTH
def test_the_kernel_keeps_other_udp_ports(example, client, server):
    with example.network.server.socket(socket.AF_INET6 if ":" in server else socket.AF_INET,
                                       socket.SOCK_DGRAM) as there, \
            example.network.client.socket(there.family, socket.SOCK_DGRAM) as here:
        there.bind((server, 5353))
        there.settimeout(2)
        here.sendto(b"for the kernel", (server, 5353))
        assert there.recv(100) == b"for the kernel"


def passed_packets():
    """What the fast path does not take, and the kernel is to have (DESIGN §6)."""
    for client, server in ((CLIENT4, SERVER4), (CLIENT6, SERVER6)):
        whole = udp(client, server, WWW)
        if ":" in server:
            yield "IPv6 fragment", ipv6(client, server, struct.pack("!BBHI", 17, 0, 1, 9) + whole, 44)
            yield "IPv6 destination options", ipv6(client, server, b"\x11\0\1\4\0\0\0\0" + whole, 60)
        else:
            yield "IPv4 first fragment", ipv4(client, server, whole, fragment=0x2000)
            yield "IPv4 later fragment", ipv4(client, server, whole, fragment=0x0002)
            yield "IPv4 options", ipv4(client, server, whole, options=b"\1\1\1\1")
            yield "IPv4 header of 16 octets", ipv4(client, server, whole, ihl=4)


@pytest.mark.parametrize("data", [pytest.param(data, id=what) for what, data in passed_packets()])
def test_passed_to_the_kernel(example, wire, data):
    """Many at once: ARP and ND, which are passed too, are a few packets at most."""
    before = example.stats()
    for _ in range(PASSED):
        wire.send(frame(example.network, data))
    after = example.stats()
    was, now = (stats["ports"][0]["xdp_verdicts"] for stats in (before, after))
    assert PASSED <= now["pass"] - was["pass"] < 2 * PASSED
    assert {name for name in now if now[name] != was[name]} == {"pass"}
    assert after["totals"]["rx_packets"] == before["totals"]["rx_packets"]


RESPONSE = WWW[:2] + b"\x80" + WWW[3:]


def dropped_packets():
    """Packets that deserve nothing: what is wrong, the counter that says so, and the frame's packet."""
    for client, server, group in ((CLIENT4, SERVER4, "224.0.0.1"), (CLIENT6, SERVER6, "ff02::1")):
        family = "IPv6" if ":" in server else "IPv4"
        unset = "::" if ":" in server else "0.0.0.0"
        whole = udp(client, server, WWW)
        for what, reason, data in (
                ("cut in its header", "truncated", packet(client, server, whole)[:12]),
                ("cut in the UDP header", "truncated", packet(client, server, whole[:4])),
                ("longer than its frame", "bad_length", packet(client, server, whole, length=1000)),
                ("shorter than UDP says", "bad_length",
                 packet(client, server, udp(client, server, WWW, length=1000))),
                ("UDP of 7 octets", "bad_length", packet(client, server, udp(client, server, WWW, length=7))),
                ("UDP from port 0", "bad_source", packet(client, server, udp(client, server, WWW, sport=0))),
                ("from a group", "bad_source", packet(group, server, udp(group, server, WWW))),
                ("from no address", "bad_source", packet(unset, server, udp(unset, server, WWW))),
                ("empty datagram", "dns_short", packet(client, server, udp(client, server, b""))),
                ("header cut off", "dns_short", packet(client, server, udp(client, server, WWW[:11]))),
                ("response", "dns_response", packet(client, server, udp(client, server, RESPONSE)))):
            yield pytest.param(reason, data, id=f"{family} {what}")


@pytest.mark.parametrize("tags", [[], [(0x88a8, 5), (0x8100, 7)]], ids=["untagged", "qinq"])
@pytest.mark.parametrize("reason, data", dropped_packets())
def test_dropped_and_counted_by_reason(example, wire, tags, reason, data):
    """Exactly one drop counter rises, by the packets sent; no lcore sees one of them."""
    before = example.stats()
    for _ in range(3):
        wire.send(frame(example.network, data, tags))
    after = example.stats()
    was, now = (stats["ports"][0]["xdp_verdicts"] for stats in (before, after))
    rose = {name: now[name] - was[name] for name in now if name != "pass" and now[name] != was[name]}
    assert rose == {reason: 3}
    assert after["totals"]["rx_packets"] == before["totals"]["rx_packets"]


def test_random_frames_do_no_harm(example, wire):
    """A thousand valid frames with random octets changed, cut or added."""
    dice = random.Random(53)
    bases = [frame(example.network, packet(client, server, udp(client, server, dns_query(
        "www.example.", edns=opt())))) for client, server in ((CLIENT4, SERVER4), (CLIENT6, SERVER6))]
    for _ in range(1000):
        data = bytearray(dice.choice(bases))
        for _ in range(dice.randint(1, 6)):
            data[dice.randrange(12, len(data))] = dice.randrange(256)
        if dice.random() < 0.3:
            del data[dice.randrange(14, len(data)):]
        wire.send(bytes(data))
    assert query(example.network, "www.example.").answer
    assert example.dataplane.running()


def test_listen_limits_the_addresses(volley):
    """--listen: other addresses on the same port stay the kernel's."""
    volley.network.server.ip("addr", "add", "10.53.0.9/24", "dev", SERVER_LINK)
    volley.dataplane_settings["listen"] = [SERVER4, SERVER6]
    volley.add_zone("listen.test.", "$TTL 60\n@ SOA a b 1 1 1 1 1\n@ NS a\na A 192.0.2.1\n")
    try:
        volley.start()
        assert query(volley.network, "a.listen.test.").answer
        assert query(volley.network, "a.listen.test.", server=SERVER6).answer
        with pytest.raises(OSError):
            exchange(volley.network, dns_query("a.listen.test."), "10.53.0.9", timeout=0.5)
        assert volley.network.server.counters()["UdpNoPorts"] > 0
    finally:
        volley.network.server.ip("addr", "del", "10.53.0.9/24", "dev", SERVER_LINK)


def test_an_idle_lcore_sleeps(volley):
    """`idle: sleep`: without packets the lcore sleeps, again and again."""
    volley.add_zone("idle.test.", "$TTL 60\n@ SOA a b 1 1 1 1 1\n@ NS a\na A 192.0.2.1\n")
    volley.start()
    assert query(volley.network, "a.idle.test.").answer
    before = volley.stats()["totals"]["sleeps"]
    wait_until(lambda: volley.stats()["totals"]["sleeps"] > before + 10, "an idle lcore sleeps")
