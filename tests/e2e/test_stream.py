# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes through the kernel, TCP and the UDP that the fast path leaves, is answered all the same."""
import socket
import struct

import dns.flags
import dns.message
import dns.rcode
import pytest

from ask import exchange, query, rrset
from net import CLIENT4, CLIENT6, SERVER4, SERVER6
from wire import dns_query, frame, ipv4, ipv6, udp

BOTH = pytest.mark.parametrize("server", [SERVER4, SERVER6], ids=["ipv4", "ipv6"])
WWW = dns_query("www.example.")


def connect(network, server):
    client = network.client.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_STREAM)
    client.settimeout(5)
    client.connect((server, 53))
    return client


def framed(message):
    return struct.pack("!H", len(message)) + message


def receive(client):
    """One message from a stream."""
    data = b""
    while len(data) < 2 or len(data) < 2 + struct.unpack_from("!H", data)[0]:
        more = client.recv(65537)
        assert more, f"closed after {len(data)} octets"
        data += more
    assert len(data) == 2 + struct.unpack_from("!H", data)[0]
    return data[2:]


@BOTH
def test_answers_are_those_of_udp(example, server):
    with connect(example.network, server) as client:
        for name, rrtype in (("www.example.", 1), ("no.example.", 1), ("x.child.example.", 28), ("chain.example.", 1),
                             ("refused.test.", 1)):
            octets = dns_query(name, rrtype)
            client.sendall(framed(octets))
            assert receive(client) == exchange(example.network, octets, server)


@BOTH
def test_truncated_answer_is_whole_over_tcp(example, server):
    assert query(example.network, "long.example.", "TXT", server).flags & dns.flags.TC
    with connect(example.network, server) as client:
        client.sendall(framed(dns_query("long.example.", 16)))
        response = dns.message.from_wire(receive(client))
    assert not response.flags & dns.flags.TC
    assert len(rrset(response.answer, "long.example.", "TXT")[1]) == 4


def test_octet_by_octet(example):
    with connect(example.network, SERVER4) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in framed(WWW):
            client.sendall(bytes([octet]))
        assert receive(client)[:2] == WWW[:2]


def test_many_queries_at_once(example):
    """Pipelined in one segment: each is answered, in any order (RFC 7766 §7)."""
    with connect(example.network, SERVER4) as client:
        client.sendall(b"".join(framed(dns_query("www.example.", message_id=i)) for i in range(100)))
        data, ids = b"", set()
        while len(ids) < 100:
            data += client.recv(65536)
            while len(data) >= 2 and len(data) >= 2 + (length := struct.unpack_from("!H", data)[0]):
                ids.add(struct.unpack_from("!H", data, 2)[0])
                data = data[2 + length:]
    assert ids == set(range(100))


@pytest.mark.parametrize("data", [b"\0\0", b"\0\1\0", framed(WWW[:2] + b"\x80" + WWW[3:]), b"GET / HTTP/1.0\r\n\r\n"],
                         ids=["no octets", "one octet", "response", "web browser"])
def test_nonsense_does_no_harm(example, data):
    with connect(example.network, SERVER4) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        while client.recv(4096):
            pass
    with connect(example.network, SERVER4) as client:
        client.sendall(framed(WWW))
        assert receive(client)[:2] == WWW[:2]


def through_the_kernel():
    """Queries that the fast path passes, as lists of IP packets."""
    for client, server in ((CLIENT4, SERVER4), (CLIENT6, SERVER6)):
        whole = udp(client, server, WWW, sport=5300)
        if ":" in server:
            fragments = [struct.pack("!BBHI", 17, 0, offset | more, 9) + part
                         for offset, more, part in ((0, 1, whole[:16]), (16, 0, whole[16:]))]
            yield "IPv6 fragments", [ipv6(client, server, part, 44) for part in fragments]
            yield "IPv6 destination options", [ipv6(client, server, b"\x11\0\1\4\0\0\0\0" + whole, 60)]
        else:
            yield "IPv4 fragments", [ipv4(client, server, whole[:16], fragment=0x2000),
                                     ipv4(client, server, whole[16:], fragment=2)]
            yield "IPv4 options", [ipv4(client, server, whole, options=b"\1\1\1\1")]


@pytest.mark.parametrize("packets", [pytest.param(packets, id=what) for what, packets in through_the_kernel()])
def test_udp_that_the_fast_path_leaves(example, wire, packets):
    before = example.stats()["totals"]["rx_packets"]
    for packet in packets:
        wire.send(frame(example.network, packet))
    response = wire.receive(lambda found: found.dport == 5300)
    assert response and response.payload[:2] == WWW[:2]
    assert dns.message.from_wire(response.payload).rcode() == dns.rcode.NOERROR
    assert example.stats()["totals"]["rx_packets"] == before
