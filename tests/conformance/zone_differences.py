# SPDX-License-Identifier: GPL-3.0-or-later
"""The accepted differences between what Volley and BIND read in a zone file: one row each, and the only ones.

A row's rule gets a Case and makes both sides equal as far as its difference goes, and no further. A difference that is
then left is not accepted. zone_differences.md shows the rows to people:

    PYTHONPATH=tests/lib python3 tests/conformance/zone_differences.py > tests/conformance/zone_differences.md
"""
from collections import namedtuple

import zone_text
import zone_wire

# Types, and the octets that digests of their algorithms have.
DS, SSHFP, CDS, ZONEMD = 43, 44, 59, 63
DIGESTS, FINGERPRINTS, ZONE_DIGESTS = {1: 20, 2: 32, 4: 48}, {1: 20, 2: 32}, {1: 48, 2: 64}
# Types with names in their RDATA that are compared without case.
NAMED = {2, 5, 6, 7, 8, 9, 12, 14, 15, 17, 18, 21, 26, 33, 35, 36, 39}

# `ours` and `theirs` are zone_wire.Read: records, or None when the zone is refused.
Case = namedtuple("Case", "origin text ours theirs")
Row = namedtuple("Row", "name what section why rule")

ROWS = []


def row(what, section, why):
    """Puts a rule into the table; its name is the row's."""
    def add(rule):
        ROWS.append(Row(rule.__name__.replace("_", "-"), what, section, why, rule))
        return rule
    return add


def same(case):
    return case.ours.records == case.theirs.records


def agreed(case):
    """Both made equal: the difference that the rule found is the only one."""
    return case._replace(theirs=case.theirs._replace(records=case.ours.records))


def bind_refuses(case, *words):
    """Whether BIND alone refuses the zone, for a reason with one of these words."""
    return case.ours.records is not None and case.theirs.records is None and any(
        word in case.theirs.text for word in words)


def both_take(case):
    return case.ours.records is not None and case.theirs.records is not None


def with_records(case, change):
    """The case with each record changed, of both."""
    return case._replace(ours=case.ours._replace(records=frozenset(map(change, case.ours.records))),
                         theirs=case.theirs._replace(records=frozenset(map(change, case.theirs.records))))


def lines_of(ours, theirs, us="Volley", them="BIND"):
    """The differences, for people."""
    if ours is None or theirs is None:
        return [] if ours == theirs else [f"{us if ours is None else them} alone refuses it"]
    return [f"only {us if record in ours else them}: {zone_text.record_text(record)}"
            for record in sorted(ours ^ theirs)]


def explain(case):
    """The names of the rows that explain the differences, and lines that show the differences that none explains."""
    used = []
    for candidate in ROWS:
        if same(case):
            break
        changed = candidate.rule(case)
        if changed is not None and changed != case:
            used.append(candidate.name)
            case = changed
    told = [finding.text for finding in case.ours.findings if finding.severity == "error"]
    return used, [] if same(case) else lines_of(case.ours.records, case.theirs.records) + told[:3] + (
        case.theirs.text.decode(errors="replace").split("\n")[:3])


@row("A zone without NS records is loaded, with a warning", "RFC 1035 §5.2", "BIND refuses it, NSD and Knot load it")
def no_ns(case):
    return agreed(case) if bind_refuses(case, b"has no NS records") else None


@row("A zone whose name servers have no address in it is loaded, with a warning", "RFC 1034 §4.2.1",
     "BIND refuses it, NSD and Knot load it")
def no_address(case):
    return agreed(case) if bind_refuses(case, b"has no address records") else None


def digest_octets(record):
    """The octets of a digest, and how many there should be; None for other records, and for algorithms unknown."""
    at, size = {DS: (4, DIGESTS), CDS: (4, DIGESTS), SSHFP: (2, FINGERPRINTS), ZONEMD: (6, ZONE_DIGESTS)}.get(
        record.type, (0, {}))
    return size and record.rdata[at - 1] in size and (len(record.rdata) - at, size[record.rdata[at - 1]])


@row("A digest of a length that its algorithm does not have is loaded, with a warning",
     "RFC 4034 §5.1.3, RFC 4255 §3.1, RFC 8976 §2.2.4", "BIND refuses it; NSD loads it; Knot refuses a DS only")
def digest_length(case):
    if bind_refuses(case, b"unexpected end of input", b"bad hex encoding") and any(
            found and found[0] != found[1] for found in map(digest_octets, case.ours.records)):
        return agreed(case)
    return None


@row("NS at a wildcard is loaded", "RFC 4592 §4.2", "left undefined there; BIND refuses it, NSD and Knot load it")
def wildcard_ns(case):
    return agreed(case) if bind_refuses(case, b"invalid NS owner name (wildcard)") else None


@row("Without a TTL and a $TTL, records before the SOA have the TTL 3600", "RFC 2308 §4", "BIND refuses them")
def no_ttl(case):
    return agreed(case) if bind_refuses(case, b"no TTL specified") else None


def is_repeated(case, record):
    """Whether the first label of a record is there several times."""
    return case.text.count(record.owner[1:1 + record.owner[0]]) > 1


@row("Records of an RRset have the TTL of its first one, even when they are the same", "RFC 2181 §5.2",
     "differing TTLs are deprecated; BIND takes that of another one when they do not stand together")
def first_ttl(case):
    if not both_take(case) or not all(is_repeated(case, record) for record in case.ours.records - case.theirs.records):
        return None
    ttls = {(record.owner, record.type): record.ttl for record in case.ours.records}
    return case._replace(theirs=case.theirs._replace(records=frozenset(
        record._replace(ttl=ttls.get((record.owner, record.type), record.ttl)) for record in case.theirs.records)))


@row("Of records that differ in the case of names alone, the first is served", "RFC 4034 §6.2, RFC 6840 §5.1",
     "BIND serves the last")
def first_spelling(case):
    def lowered(record):
        return record._replace(rdata=zone_wire.lower(record.rdata)) if record.type in NAMED else record
    return with_records(case, lowered) if both_take(case) else None


TABLE_HEAD = """# Accepted differences of zone files

The records that Volley reads in a zone file (`volleyctl check-zone --print`) are compared with those that BIND reads in
it (`named-compilezone -i none -k ignore`), one by one. Where they differ, a row here explains it, or the test fails.
Made by `zone_differences.py` from its rules.

| row | Volley | section | BIND |
|---|---|---|---|
"""


def table():
    return TABLE_HEAD + "".join(f"| {' | '.join((row.name, row.what, row.section, row.why))} |\n" for row in ROWS)


if __name__ == "__main__":
    print(table(), end="")
