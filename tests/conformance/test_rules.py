# SPDX-License-Identifier: GPL-3.0-or-later
"""One test for each rule of answering, named after the section that asks for it.

A question is "NAME TYPE"; the response is written as "RCODE FLAGS" and then lines "SECTION OWNER TYPE RDATA", where
the section is an (answer), au (authority) or ad (additional). Sections not written are empty. "au ZONE SOA" stands for
the SOA of a zone.
"""
import struct

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import pytest

import questions
from ask import exchange
from rules import MESSAGES, RULES, ZONES
from volley import own_network

SECTIONS = (("an", "answer"), ("au", "authority"), ("ad", "additional"))


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with own_network(tmp_path_factory.mktemp("rules"), streams=False) as volley:
        volley.spare_clients()
        for origin, text in ZONES.items():
            volley.add_zone(origin, text)
        yield volley.start().network


def record_line(section, owner, rrtype, rdata):
    if rrtype == "SOA" and section == "au":
        rdata = ""
    return f"{section} {owner} {rrtype} {rdata}".strip()


def said(response):
    """A response in the form that the rules are written in."""
    flags = dns.flags.to_text(response.flags & (dns.flags.AA | dns.flags.TC | dns.flags.RA | dns.flags.AD))
    lines = [f"{dns.rcode.to_text(response.rcode())} {flags}".strip()]
    for short, section in SECTIONS:
        for rrset in getattr(response, section):
            lines += [record_line(short, rrset.name.to_text(), dns.rdatatype.to_text(rrset.rdtype), record.to_text())
                      for record in rrset]
    return lines[:1] + sorted(lines[1:])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.section}: {rule.question}".replace(" ", "_"))
def test_answer(served, rule):
    name, rrtype = rule.question.split()
    query = questions.message(questions.wire_name(name), questions.type_number(rrtype), tail=questions.opt(1232),
                              arcount=1)
    octets = exchange(served, query)
    response = dns.message.from_wire(octets, raise_on_truncation=False)
    # dnspython takes a record that is there twice for one (RFC 2181 §5)
    assert struct.unpack_from("!H", octets, 6)[0] == sum(map(len, response.answer))
    expected = [line.strip() for line in rule.response.strip().splitlines()]
    assert said(response) == expected[:1] + sorted(expected[1:]), rule.section


@pytest.mark.parametrize("rule", MESSAGES, ids=lambda rule: f"{rule.section}: {rule.what}".replace(" ", "_"))
def test_message(served, rule):
    if rule.rcode is None:
        with pytest.raises(TimeoutError):
            exchange(served, rule.message, timeout=0.3)
        return
    response = exchange(served, rule.message)
    _, flags, *counts = struct.unpack_from("!6H", response)
    got = {"rcode": flags & 15, "flags": flags & 0x07f0, "opcode": flags >> 11 & 15, "questions": counts[0],
           "answers": counts[1] > 0, "opts": 0}
    if len(response) > 12:
        parsed = dns.message.from_wire(response, raise_on_truncation=False)
        got |= {"rcode": parsed.rcode(), "opts": int(parsed.edns >= 0), "payload": parsed.payload,
                "version": parsed.edns, "edns_flags": parsed.ednsflags & 0xffff}
    assert flags & 0x8000 and response[:2] == rule.message[:2]
    wanted = {"rcode": rule.rcode} | rule.wanted
    assert {key: got[key] for key in wanted} == wanted, rule.section


def test_negative_ttl(served):
    """RFC 2308 §3: the SOA's TTL is the lesser of its own and its MINIMUM."""
    query = questions.message(questions.wire_name("nothing.example."), 1)
    response = dns.message.from_wire(exchange(served, query))
    assert response.authority[0].ttl == 300


def test_ttl_with_the_top_bit_set(served):
    """RFC 2181 §8: it counts as 0."""
    query = questions.message(questions.wire_name("old.same.example."), 1)
    assert dns.message.from_wire(exchange(served, query)).answer[0].ttl == 0


def test_signed_query(served):
    """RFC 8945 §5.2.1, §5.3.2: BADKEY in a TSIG record without a MAC, the key's name and the time being the query's."""
    signed = questions.tsig(b"\3key\0", b"m" * 32)
    query = questions.message(questions.wire_name("host1.example."), 1, tail=signed, arcount=1)
    response = exchange(served, query)
    expected = signed.replace(b"\0\x20" + b"m" * 32, b"\0\0")[:-4] + struct.pack("!HH", 17, 0)
    expected = expected[:13] + struct.pack("!H", len(expected) - 15) + expected[15:]
    assert response[3] & 15 == dns.rcode.NOTAUTH
    assert response[-len(expected):] == expected and len(response) < len(query)


def test_case_of_question(served):
    """RFC 1034 §3.1, RFC 4343 §4.1: names are equal in any case, and the question comes back as it was."""
    query = questions.message(questions.wire_name("HoSt1.eXample."), 1)
    response = exchange(served, query)
    assert response[12:len(query)] == query[12:] and struct.unpack_from("!H", response, 6)[0] == 1


def test_glue_that_does_not_fit(served):
    """RFC 9471 §3.1: glue below the cut that does not fit sets TC=1; RFC 2181 §9: with more room there is none."""
    name = questions.wire_name("www.many.glue.example.")
    short = exchange(served, questions.message(name, 1))
    assert struct.unpack_from("!H", short, 2)[0] & 0x0200 and len(short) <= 512
    whole = dns.message.from_wire(exchange(served, questions.message(name, 1, tail=questions.opt(1232), arcount=1)))
    assert not whole.flags & dns.flags.TC
    assert {rrset.name.to_text() for rrset in whole.additional} == {f"n{i}.many.glue.example." for i in range(12)}


def test_payload_is_clamped(served):
    """RFC 6891 §6.2.3, §6.2.5: less than 512 is taken for 512; more than ours is answered within ours."""
    name = questions.wire_name("big.example.")
    for payload, limit in ((0, 512), (511, 512), (512, 512), (1000, 1000), (1232, 1232), (4096, 1232), (65535, 1232)):
        response = exchange(served, questions.message(name, 16, tail=questions.opt(payload), arcount=1))
        assert len(response) <= limit
        assert struct.unpack_from("!H", response, 2)[0] & 0x0200, payload
        middle = exchange(served, questions.message(questions.wire_name("middle.example."), 16,
                                                    tail=questions.opt(payload), arcount=1))
        assert bool(struct.unpack_from("!H", middle, 2)[0] & 0x0200) == (limit < 900), payload
