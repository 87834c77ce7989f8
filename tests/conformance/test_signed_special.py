# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed zones at the limits: long apexes, two NSEC3 chains, many iterations, odd owners; and answers that do not fit."""
import re
import struct

import dns.message
import dns.rcode
import pytest

import answers
import exchange
import reference
import signing
import unbound
from ask import wait_until_answered
from many import ask_all
from net import SERVER4
from questions import message, opt, type_number, wire_name
from signed_zone import SignedZone

pytestmark = pytest.mark.skipif(not (signing.BIND_SIGNER and signing.LDNS_SIGNER),
                                reason="dnssec-signzone and ldns-signzone are not both installed")

ORIGIN = "special.test."
SALTED = signing.NSEC3._replace(salt="abcd", iterations=3)
TEXT = """$TTL 300
@ SOA ns host 1 3600 600 86400 60
@ NS ns
ns A 192.0.2.1
a.b.c A 192.0.2.2
*.w TXT "wildcard"
x.w A 192.0.2.3
*.alias CNAME away.nothing
cut NS ns.elsewhere.invalid.
far.cut2 NS ns.elsewhere.invalid.
moved DNAME c
""" + "".join(f"big TXT {number:03}{'x' * 200}\n" for number in range(4))
NAMES = ["", "nothing", "y.nothing", "ns", "b.c", "q.b.c", "y.w", "z.y.w", "x.w", "y.alias", "cut", "www.cut", "cut2",
         "www.far.cut2", "a.b.moved", "z.moved", "big"]
TYPES = ["A", "TXT", "DS", "NSEC3PARAM", "DNSKEY"]
TC = 0x0200


def names_below(origin):
    """Those of NAMES that are not too long."""
    wires = []
    for name in NAMES:
        try:
            wires.append(wire_name(f"{name}.{origin}" if name else origin))
        except ValueError:
            continue
    return wires


def ask_everything(volley, origin, size):
    """(name, type, response over UDP, response over TCP) of all questions."""
    asked = [(name, type_number(rrtype)) for name in names_below(origin) for rrtype in TYPES]
    queries = [message(*question, tail=opt(size, 0x8000), arcount=1) for question in asked]
    return zip(asked, ask_all(volley.network, queries, SERVER4), exchange.ask_stream(volley.network, SERVER4, queries))


def judge_everything(volley, origin, text):
    zone = SignedZone(origin, text)
    judged = 0
    for (name, rrtype), datagram, streamed in ask_everything(volley, origin, 4096):
        for response in (datagram, streamed):
            found = reference.complaints(zone, name, rrtype, True, answers.parse(response), response is streamed)
            assert not found, f"{name} {rrtype}: {found}\n{answers.text(response)}"
            judged += 1
    assert judged >= 2 * len(TYPES)


def serve(volley, origin, text):
    volley.add_zone(origin, text)
    volley.spare_clients()
    volley.start()
    wait_until_answered(volley.network, origin)


def apex_of(octets):
    """A name that takes so many."""
    labels = ["l" * 63] * ((octets - 2) // 64)
    rest = octets - 1 - 64 * len(labels)
    name = ".".join(labels + ["r" * (rest - 1)] * bool(rest)) + "."
    assert len(wire_name(name)) == octets
    return name


@pytest.mark.parametrize("octets, method", [(222, SALTED), (222, signing.OPTOUT), (223, signing.NSEC), (246, signing.NSEC)],
                         ids=["222-nsec3", "222-optout", "223-nsec", "246-nsec"])
def test_long_apex(volley, octets, method):
    """A hash's label fits below 222 octets, and no more; NSEC has no such limit."""
    origin = apex_of(octets)
    lines = [line for line in TEXT.splitlines(keepends=True) if octets < 240 or not line.startswith(("*.alias", "far"))]
    text = signing.sign_text(origin, method, "".join(lines))
    volley.zone_file = lambda name: volley.directory / "long.zone"
    serve(volley, origin, text)
    judge_everything(volley, origin, text)


def test_two_chains(volley):
    """While a chain is exchanged, a zone has two, of which one is used for all of a proof."""
    first = signing.sign_text(ORIGIN, SALTED, TEXT)
    second = signing.sign_text(ORIGIN, SALTED._replace(salt="beef", iterations=1), TEXT)
    chain = [line for line in second.splitlines(keepends=True)
             if re.search(r"\sIN\s+(RRSIG\s+NSEC3|NSEC3|NSEC3PARAM)\s", line)]
    assert len(chain) > 20
    text = first + "".join(chain)
    serve(volley, ORIGIN, text)
    judge_everything(volley, ORIGIN, text)


@pytest.mark.skipif(not unbound.PROGRAM, reason="Unbound is not installed")
def test_many_iterations(volley, tmp_path):
    """A validator takes a zone with more than 150 for insecure, not for bogus (RFC 9276 §3.2)."""
    method = SALTED._replace(iterations=200, signer="ldns")
    serve(volley, ORIGIN, signing.sign_text(ORIGIN, method, TEXT))
    resolver = unbound.start(volley.network, tmp_path / "unbound", [ORIGIN],
                             [f"{ORIGIN} DNSKEY {data}" for data in signing.dnskeys(method)])
    try:
        asked = [(name, rrtype) for name in ("nothing", "y.nothing", "ns", "b.c", "q.b.c", "y.w", "a.b.moved")
                 for rrtype in ("A", "TXT", "DS")]
        queries = [dns.message.make_query(f"{name}.{ORIGIN}", rrtype).to_wire() for name, rrtype in asked]
        responses = map(dns.message.from_wire, ask_all(volley.network, queries, unbound.ADDRESS))
        failed = [question for question, response in zip(asked, responses) if response.rcode() == dns.rcode.SERVFAIL]
        assert failed == []
    finally:
        resolver.kill()


@pytest.mark.parametrize("owner", ["short", "0" * 31 + "w", "0" * 33, "x." + "0" * 32], ids=["short", "letter", "long", "deep"])
def test_odd_owner(volley, owner):
    """An NSEC3 whose owner is no hash is refused, or changes nothing."""
    text = signing.sign_text(ORIGIN, SALTED, TEXT)
    odd = f"{owner}.{ORIGIN} 60 IN NSEC3 1 0 3 abcd {'0' * 32} A\n"
    volley.add_zone("other.test.", "@ 60 SOA ns host 1 2 3 4 5\n@ 60 NS ns.elsewhere.invalid.\n")
    volley.add_zone(ORIGIN, text + odd)
    volley.spare_clients()
    volley.start()
    wait_until_answered(volley.network, "other.test.")
    response = dns.message.from_wire(ask_all(volley.network, [message(wire_name(ORIGIN), 6)], SERVER4)[0])
    assert response.rcode() in (dns.rcode.NOERROR, dns.rcode.REFUSED)
    if response.rcode() == dns.rcode.NOERROR:
        judge_everything(volley, ORIGIN, text)


@pytest.mark.parametrize("size", [512, 1232])
def test_room(volley, size):
    """What does not fit has TC=1 and nothing else; what fits is as long as over TCP."""
    method = SALTED._replace(keys=(signing.P256, signing.ED25519))
    serve(volley, ORIGIN, signing.sign_text(ORIGIN, method, TEXT))
    seen = set()
    for (name, rrtype), datagram, streamed in ask_everything(volley, ORIGIN, size):
        assert len(datagram) <= size
        cut = bool(struct.unpack_from("!H", datagram, 2)[0] & TC)
        seen.add(cut)
        if not cut:
            assert datagram[2:] == streamed[2:], f"{name} {rrtype}"
            continue
        assert len(streamed) > size, f"{name} {rrtype}: {len(streamed)} octets fit"
        assert struct.unpack_from("!4H", datagram, 4) == (1, 0, 0, 1)
        assert not struct.unpack_from("!H", streamed, 2)[0] & TC
    assert seen == {False, True}
