# SPDX-License-Identifier: GPL-3.0-or-later
"""Where NSD, Knot and BIND deny otherwise than the reference: rows as those of differences.py, for signed zones.

A row holds for an answer of a peer's only where the reference has nothing against ours. signed_differences.md shows the
rows to people:

    signed_differences.py > signed_differences.md
"""
import functools
from collections import namedtuple

import differences
import proofs
import questions
import reference
import signedgen
from lookup import Family, suffixes
from signed_zone import CNAME, DNAME, NS, NSEC, NSEC3, RRSIG, SOA, wildcard_of

ANY = reference.ANY
# What a predicate sees: the zone that answers, a signed_zone.SignedZone, and what the reference expects of it.
Seen = namedtuple("Seen", "zone question expected response")
Fault = namedtuple("Fault", "name peers what section why predicate")

FAULTS = []


def fault(peers, what, section, why):
    """Puts a predicate into the table; its name is the row's."""
    def add(predicate):
        FAULTS.append(Fault(predicate.__name__.replace("_", "-"), peers, what, section, why, predicate))
        return predicate
    return add


def zone_of(family, question):
    """The zone of a family that answers a question, or None."""
    found = Family(family).zone_of(question.name, question.qtype == differences.DS)
    return next((zone for zone in family if found and questions.wire_name(zone.origin.lower()) == found.origin), None)


@functools.lru_cache(maxsize=256)
def complaints(zone, question, response):
    """reference.complaints() about a response from one of the zones of signedgen.py."""
    return reference.complaints(zone.reference, question.name, question.qtype, signedgen.wants_signatures(question),
                                response, question.tcp)


@functools.lru_cache(maxsize=256)
def see(zone, question, response):
    expected = reference.expect(zone.reference, question.name, question.qtype, True)
    return Seen(zone.reference, question, expected, response)


# ---- what the predicates ask ----

def is_hashed(zone):
    """Whether the zone has NSEC3."""
    return any(NSEC3 in sets for sets in zone.sets.values())


def has_hash(zone, name):
    """Whether the name has an NSEC3 in the zone's first chain."""
    record = next(record for sets in zone.sets.values() for record in sets.get(NSEC3, ()))
    label = proofs.hashed(name, proofs.read_nsec3(record).chain)
    return bytes([len(label)]) + label + zone.origin in zone.sets


def claimed(seen, *kinds):
    """The names of which the response must prove something."""
    return [claim[1] for claim in seen.expected.claims if not kinds or claim[0] in kinds]


def inner_wildcard(seen):
    """The wildcards that stand for names without giving an answer."""
    return [wildcard_of(seen.zone.encloser(name)) for name in claimed(seen, "wildcard-nodata")]


# ---- the rows ----

@fault(("nsd",), "Names of NSEC3 records alone do not exist", "RFC 5155 §7.2.8",
       "NSD takes them for closest enclosers, and then lacks the proof")
def hash_is_encloser(seen):
    return any(NSEC3 in seen.zone.sets.get(suffix, ()) for name in claimed(seen) + [seen.question.name.lower()]
               for suffix in suffixes(name))


@fault(("nsd",), "Names with an asterisk in them are denied as others are, in zones with NSEC3", "RFC 5155 §7.2.3",
       "NSD adds an NSEC3, as if the name had come out of a wildcard, or lacks one")
def asterisk_denied(seen):
    return is_hashed(seen.zone) and any(suffix[:2] == b"\1*" for name in claimed(seen) for suffix in suffixes(name))


@fault(("knot",), "A wildcard stands for names that begin with an asterisk, too", "RFC 4592 §2.2.1",
       "Knot leaves out the proof that the name itself does not exist")
def asterisk_expanded(seen):
    return any(name[:2] == b"\1*" for name in claimed(seen, "expanded", "wildcard-nodata"))


@fault(("nsd",), "An encloser without NSEC3 is passed over on the way to the closest provable encloser",
       "RFC 5155 §7.2.1", "NSD denies the wildcard of the encloser that has none")
def encloser_opted_out(seen):
    return is_hashed(seen.zone) and any(
        not has_hash(seen.zone, name if name in seen.zone.existing else seen.zone.encloser(name))
        for name in claimed(seen) + inner_wildcard(seen))


@fault(("knot", "bind"), "That a wildcard is an empty non-terminal is proved, too", "RFC 4035 §3.1.3.4",
       "they leave out the NSEC that covers the wildcard; Knot sends the wrong NSEC3")
def empty_wildcard(seen):
    return any(wildcard not in seen.zone.sets for wildcard in inner_wildcard(seen))


@fault(("nsd", "knot"), "A wildcard that owns a DNAME is denied as any other is", "RFC 4035 §3.1.3.4",
       "they lack a part of the proof")
def denied_wildcard_dname(seen):
    return any(DNAME in seen.zone.sets.get(wildcard, ()) for wildcard in inner_wildcard(seen))


@fault(("nsd",), "NODATA at a wildcard comes with the NSEC3 of its encloser", "RFC 5155 §7.2.5",
       "NSD leaves it out in some zones, or the one that covers the name")
def wildcard_encloser(seen):
    return is_hashed(seen.zone) and bool(claimed(seen, "wildcard-nodata"))


@fault(("knot",), "A DNAME at a wildcard keeps its owner in the answer", "RFC 6672 §3.3", "as wildcard-dname")
def signed_wildcard_dname(seen):
    return any(record[1] == DNAME and record[0][:2] == b"\1*" for record in seen.expected.answer)


@fault(("nsd", "knot"), "A CNAME from a DNAME answers ANY, and is not followed", "RFC 1034 §4.3.2 3a",
       "as any-below-dname")
def signed_any_below_dname(seen):
    return seen.question.qtype == ANY and any(record[1] == DNAME for record in seen.expected.answer)


@fault(("nsd", "knot", "bind"), "An alias answers for types NSEC, NSEC3 and RRSIG that its name does not have",
       "RFC 1034 §4.3.2 3a", "as alias-without-rrsig and nsec3-type")
def signed_alias(seen):
    return seen.question.qtype in (RRSIG, NSEC, NSEC3) and any(record[1] == CNAME for record in seen.expected.answer)


@fault(("bind",), "NSEC and RRSIG at a delegation are asked of the child", "RFC 4035 §3.1.4.1",
       "as in NSD and Knot; BIND answers with those of the parent")
def types_at_cut(seen):
    turn = seen.zone.turn(seen.question.name.lower())
    return seen.question.qtype in (RRSIG, NSEC) and turn is not None and turn[1] == NS


@fault(("knot",), "A delegation at a name with an asterisk is denied its DS as others are", "RFC 5155 §7.2.7",
       "Knot adds the NSEC3 of the name above")
def asterisk_delegated(seen):
    return any(suffix[:2] == b"\1*" for name in claimed(seen, "insecure") for suffix in suffixes(name))


@fault(("bind",), "NODATA at a wildcard that opt-out leaves without NSEC3 comes with the opt-out span alone",
       "RFC 5155 §8.6", "BIND adds the NSEC3 that covers the wildcard of the closest provable encloser")
def wildcard_opted_out(seen):
    return is_hashed(seen.zone) and any(not has_hash(seen.zone, wildcard) for wildcard in inner_wildcard(seen))


@fault(("nsd", "knot", "bind"), "Where opt-out leaves an encloser without NSEC3, and the next one above has a wildcard, "
       "nothing proves NXDOMAIN", "RFC 5155 §7.1", "all send what comes near")
def no_proof_exists(seen):
    return not reference.can_prove(seen.zone, seen.expected.claims)


@fault(("knot",), "YXDOMAIN comes with no SOA and no proof", "RFC 6672 §2.2", "as yxdomain")
def signed_yxdomain(seen):
    return seen.expected.rcode == reference.YXDOMAIN


@fault(("knot",), "The NSEC that proves a wildcard's expansion is there even if NSEC was asked for",
       "RFC 4035 §3.1.3.3", "Knot leaves it out")
def nsec_of_wildcard(seen):
    return seen.question.qtype in (NSEC, RRSIG) and bool(claimed(seen, "expanded"))


@fault(("bind",), "The NSEC before the name denies it, also where the name before it is an empty non-terminal's child",
       "RFC 4035 §3.1.3", "BIND now and then sends the one before that")
def nsec_before(seen):
    return not is_hashed(seen.zone) and bool(claimed(seen, "nodata", "nxdomain", "wildcard-nodata"))


@fault(("nsd",), "The end of a chain of DNAMEs is denied as if it had been asked for", "RFC 6672 §5.3.4",
       "NSD lacks a part of the proof when the end is below a name that it has passed")
def denied_behind_dname(seen):
    return any(record[1] == DNAME for record in seen.expected.answer) and bool(seen.expected.claims)


@fault(("knot",), "The SOA of a negative answer is left out only with TC=1", "RFC 2308 §2.2, RFC 2181 §9",
       "as soa-left-out")
def signed_soa_left_out(seen):
    return not seen.question.tcp and any(record[1] == SOA for record in seen.expected.authority) and not any(
        record[1] == SOA for record in seen.response.authority)


@fault(("nsd", "knot", "bind"), "ANY is answered with one RRset and its signatures", "RFC 8482 §4.1", "as any-type")
def signed_any_type(seen):
    return seen.question.qtype == ANY


@fault(("knot",), "RRSIG is answered with all signatures that the name has", "RFC 1034 §4.3.2 3a",
       "as in NSD and BIND; Knot sends those of one RRset (RFC 8482 §4.1)")
def rrsig_type(seen):
    return seen.question.qtype == RRSIG


@fault(("knot",), "A DNAME that a chain has passed is there once, also when it was asked for", "RFC 2181 §5",
       "as repeated-record")
def passed_dname_asked(seen):
    return seen.question.qtype == DNAME and any(record[1] == CNAME for record in seen.expected.answer)


def explain_fault(peer, zone, question, response):
    """The name of the row that says why the reference has something against a peer's response, or None."""
    seen = see(zone, question, response)
    return next((row.name for row in FAULTS if row.predicate and peer in row.peers and row.predicate(seen)), None)


def is_signed(case):
    return hasattr(case.zones[0], "reference")


def rule_of(candidate):
    def rule(case):
        if not differences.is_answer(case):
            return None
        zone = zone_of(case.zones, case.question)
        try:
            if zone is None or complaints(zone, case.question, case.ours):
                return None
            return differences.agreed(case) if candidate.predicate(see(zone, case.question, case.theirs)) else None
        except reference.NotJudged:
            return None
    return rule


def wildcard_delegates(case):
    """The reference does not judge it: RFC 4592 §4.2 leaves it undefined."""
    if differences.is_answer(case) and any(
            record[1] == NS and record[0][:2] == b"\1*" for record in case.ours.authority):
        return differences.agreed(case)
    return None


FAULTS.append(Fault("wildcard-delegates", ("knot",), "A delegation that a wildcard stands for has the proof of that, too",
                    "RFC 4592 §4.2", "left undefined there; Knot sends the NSEC3 of the wildcard alone", None))
ROWS = [differences.Row(*candidate[:-1], rule_of(candidate)) for candidate in FAULTS if candidate.predicate]
ROWS.append(differences.Row(*FAULTS[-1][:-1], wildcard_delegates))

TABLE_HEAD = """# Accepted differences in signed zones

Beside the rows of [differences.md](differences.md), these hold where zones are signed, and only where `reference.py` has
nothing against Volley's answer. Made by `signed_differences.py` from its rows.

| row | Volley | differs from | section | the others |
|---|---|---|---|---|
"""


def table():
    lines = []
    for one in FAULTS:
        differ = ", ".join(differences.PEER_NAMES[name] for name in differences.ALL if name in one.peers)
        lines.append(f"| {' | '.join((one.name, one.what, differ, one.section, one.why))} |")
    return TABLE_HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table(), end="")
