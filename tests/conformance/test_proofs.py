# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference itself: it believes whole proofs, and nothing that something is missing from, or too much in."""
import pytest

import answers
import proofs
import reference
import signedgen
import signing
from questions import Question, message, opt, type_number, wire_name
from signed_zone import NSEC, NSEC3, RRSIG, SOA, SignedZone

pytestmark = pytest.mark.skipif(not signing.BIND_SIGNER, reason="dnssec-signzone is not installed")

ORIGIN = "proof.test."
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
safe NS ns.elsewhere.invalid.
safe DS 1 8 2 00000000000000000000000000000000000000000000000000000000000000AA
moved DNAME c
"""
METHODS = {"nsec": signing.NSEC, "nsec3": signing.NSEC3._replace(salt="abcd", iterations=3), "optout": signing.OPTOUT}
# Question, RCODE, and how many records deny at most: NSEC, NSEC3, and NSEC3 with opt-out.
CASES = [
    ("nothing", "A", 3, 2, 3, 3),
    ("y.nothing", "A", 3, 2, 3, 3),
    ("ns", "TXT", 0, 1, 1, 1),
    ("@", "DS", 0, 1, 1, 1),
    ("b.c", "A", 0, 1, 1, 1),
    ("q.b.c", "A", 3, 2, 3, 3),
    ("y.w", "TXT", 0, 1, 1, 1),
    ("y.w", "A", 0, 2, 3, 3),
    ("x.w", "TXT", 0, 1, 1, 1),
    ("y.alias", "A", 3, 3, 4, 4),
    ("cut", "A", 0, 1, 1, 2),
    ("www.cut", "A", 0, 1, 1, 2),
    ("cut", "DS", 0, 1, 1, 2),
    ("cut2", "A", 0, 1, 1, 2),
    ("safe", "A", 0, 0, 0, 0),
    ("a.b.moved", "TXT", 0, 1, 1, 1),
    ("z.moved", "TXT", 3, 2, 3, 3),
]


@pytest.fixture(scope="module", params=METHODS)
def zone(request):
    made = SignedZone(ORIGIN, signing.sign_text(ORIGIN, METHODS[request.param], TEXT))
    made.kind = request.param
    return made


def smallest(zone, claims):
    """Records of the zone's chain that prove the claims, as few as it takes."""
    kept = zone.denying
    if not claims:
        return []
    for record in kept:
        fewer = [other for other in kept if other != record]
        if proofs.all_hold(proofs.read(fewer), zone.origin, claims):
            kept = fewer
    return kept


def respond(zone, name, rrtype):
    """A right response, put together from the zone."""
    expected = reference.expect(zone, name, rrtype, True)
    authority = set(expected.authority)
    for record in smallest(zone, expected.claims):
        authority |= zone.records(record[0], record[1])
    flags = 0x8000 | (answers.AA if expected.aa else 0) | expected.rcode
    return answers.Answer(flags, b"", tuple(expected.answer), tuple(sorted(authority)), (), None, 0)


def ask(case):
    owner, rrtype = case[:2]
    return wire_name(ORIGIN if owner == "@" else f"{owner}.{ORIGIN}"), type_number(rrtype)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def test_proofs(zone, case):
    """A whole proof is right, and has the number of records that RFC 4035 and RFC 5155 say."""
    name, rrtype = ask(case)
    response = respond(zone, name, rrtype)
    assert reference.complaints(zone, name, rrtype, True, response) == []
    assert response.flags & answers.RCODE == case[2]
    cnt = case[3 + list(METHODS).index(zone.kind)]
    denying = [record for record in response.authority if record[1] in (NSEC, NSEC3)]
    # a record may do the work of two or three
    assert min(cnt, 1) <= len(denying) <= cnt, denying


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def test_tampered(zone, case):
    """Each record taken away, put in twice, or changed makes it wrong; and so does each other one of the chain."""
    name, rrtype = ask(case)
    response = respond(zone, name, rrtype)

    def is_right(section, records):
        changed = response._replace(**{section: tuple(records)})
        return not reference.complaints(zone, name, rrtype, True, changed)

    for section in ("answer", "authority"):
        records = list(getattr(response, section))
        assert is_right(section, records)
        for index, record in enumerate(records):
            others = records[:index] + records[index + 1:]
            assert not is_right(section, others), f"without {record}"
            assert not is_right(section, records + [record]), f"twice {record}"
            spoilt = record[4][:-1] + bytes([record[4][-1] ^ 0xa5])
            assert not is_right(section, others + [record[:4] + (spoilt,)]), f"changed {record}"
            assert not is_right(section, others + [record[:3] + (record[3] + 1, record[4])]), f"other TTL {record}"
    for owner, sets in zone.sets.items():
        for kind in {NSEC, NSEC3} & set(sets):
            more = zone.records(owner, kind)
            if not more <= set(response.authority):
                assert not is_right("authority", set(response.authority) | more), f"with {owner}"


def test_header(zone):
    """RCODE and AA are judged, and TC ends all questions."""
    name, rrtype = ask(CASES[0])
    response = respond(zone, name, rrtype)
    for flags in (0x8400, 0x8003, 0x8405):
        assert reference.complaints(zone, name, rrtype, True, response._replace(flags=flags))
    assert not reference.complaints(zone, name, rrtype, True, response._replace(flags=0x8603, authority=()))


def test_plain(zone):
    """Without DO there is nothing of all this."""
    name, rrtype = ask(CASES[0])
    response = respond(zone, name, rrtype)
    assert reference.complaints(zone, name, rrtype, False, response)
    soa = [(record[:3] + (60,) + record[4:]) for record in zone.records(zone.origin, SOA, False)]
    assert not reference.complaints(zone, name, rrtype, False, response._replace(authority=tuple(soa)))
    assert all(record[1] != RRSIG for record in soa)


def test_wants_signatures():
    """DO is read from the OPT."""
    name = wire_name(ORIGIN)
    for flags, wanted in ((0x8000, True), (0, False)):
        asked = message(name, 1, tail=opt(1232, flags), arcount=1)
        assert signedgen.wants_signatures(Question(asked, name, 1, 1, False, "plain", 1232)) == wanted
    assert not signedgen.wants_signatures(Question(message(name, 1), name, 1, 1, False, "plain", 512))
