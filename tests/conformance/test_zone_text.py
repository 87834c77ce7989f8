# SPDX-License-Identifier: GPL-3.0-or-later
"""Zone files as operators bring them: each case of zone_cases.txt and zone_kinds.py, as volleyctl check-zone --print
shows it; a sample of them as clients see it; and BIND, which must agree with a case that does not say otherwise."""
import struct

import pytest

import peers
import questions
import zone_text
import zone_wire
from ask import exchange
from canonical import read_name, read_record
from volley import wait_until

pytestmark = pytest.mark.skipif(not peers.PROGRAMS["bind"], reason="BIND is not installed")
CASES = zone_text.all_cases()
NAMED = {case.name: case for case in CASES}
EDNS = questions.opt(1232)
# Cases that clients are asked about; their records are no delegations and fit a UDP answer.
SERVED = [name for name in NAMED if name.startswith("types-of")] + """
dnskey-wrapped-inside-a-quartet punctuation-of-owners mailbox-with-a-plus-sign utf8-in-strings latin1-in-strings
octets-of-names octets-of-owners-plain octets-of-names-in-data-plain class-by-number ttl-of-the-whole-range
origin-relative include-with-relative-origin include-takes-the-owner include-gives-back-its-ttl
strings-side-by-side svcb-keys svcb-comma-in-alpn svcb-vectors
nid-without-leading-zeros generate-quoted generate-nibbles hip wks nsap loc keys amtrelay doa sink dsync
drone-identities users crlf-everywhere parentheses-nested the-same-alias-twice names-without-regard-to-case
""".split()
NOT_ASKED = {2, 46, 47, 50}  # delegations, and types with answers of their own kind


def difference(found, expected):
    lines = [f"only in Volley: {zone_text.record_text(record)}" for record in sorted(found - expected)]
    return "\n".join(lines + [f"missing: {zone_text.record_text(record)}" for record in sorted(expected - found)])


def in_file(findings, severity):
    return [(finding.file.rpartition("/")[2], finding.line, finding.text) for finding in findings
            if finding.severity == severity]


def assert_told(findings, case, place):
    """A finding at the place that a case names, with its words."""
    file, line, words = place
    line += case.first_line() if file == "zone" else 0
    assert any(found[:2] == (file, line) and words in found[2] for found in findings), (
        f"no finding at {file}:{line} with {words!r}, but {findings}")


@pytest.mark.parametrize("name", NAMED)
def test_read(name, tmp_path):
    case = NAMED[name]
    read = zone_wire.read_with_volley(case.origin, case.write(tmp_path))
    if case.refused:
        assert read.records is None, f"not refused: {read.text.decode()}"
        assert_told(in_file(read.findings, "error"), case, case.refused)
        return
    assert read.records is not None, f"refused: {read.findings}"
    expected = case.records | (frozenset() if case.whole else zone_text.HEAD_RECORDS)
    assert read.records == expected, difference(read.records, expected)
    for place in case.warnings:
        assert_told(in_file(read.findings, "warning"), case, place)


@pytest.mark.parametrize("name", NAMED)
def test_bind_agrees(name, tmp_path):
    case = NAMED[name]
    lines = zone_text.bind_differs(case, tmp_path)
    if case.bind:
        assert lines, f"BIND agrees, though the case says: {case.bind}"
    else:
        assert not lines, "\n".join(lines)


def answer(volley, owner, rrtype):
    """The records of an answer, those of the owner and type alone."""
    message = exchange(volley.network, questions.message(owner, rrtype, tail=EDNS, arcount=1))
    counts = struct.unpack_from("!4H", message, 4)
    _, at = read_name(message, 12)
    at += 4
    found = set()
    for _ in range(counts[1]):
        (name, kind, _, ttl, rdata), at = read_record(message, at)
        found.add((name, ttl, kind, rdata.lower()))
    return {record for record in found if record[2] == rrtype}


def test_served(volley, tmp_path):
    """The answers have the octets that the cases say."""
    volley.spare_clients()
    volley.add_zone("example.", text=zone_text.HEAD.decode())
    volley.start()
    for name in SERVED:
        case = NAMED[name]
        volley.add_zone("example.", file=case.write(tmp_path))
        volley.ctl("reload")
        sets = {}
        for record in case.records:
            sets.setdefault((record.owner, record.type), set()).add(
                (record.owner, record.ttl, record.type, record.rdata.lower()))
        for (owner, rrtype), expected in sets.items():
            if rrtype not in NOT_ASKED:
                found = wait_until(lambda: answer(volley, owner, rrtype), f"{name}: {owner} {rrtype}")
                assert found == expected, f"{name}: {owner} {rrtype}"
