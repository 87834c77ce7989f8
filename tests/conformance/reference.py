# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server must answer from one signed zone, decided naively, and whether a response is that.

NSEC and NSEC3 records are not compared with expected ones: proofs.py says what they prove, and whether each is needed.
"""
import struct
from collections import Counter, namedtuple

import proofs
from answers import AA, RCODE, TC
from signed_zone import CNAME, DNAME, DS, NS, NSEC, NSEC3, RRSIG, covered_type, lower_names, wildcard_of

ANY = 255
NXDOMAIN, YXDOMAIN = 3, 6
HOPS_MAX = 10
DENYING = (NSEC, NSEC3)

# `answer` and `authority` are sets of records without those that deny; `claims` those of proofs.py.
Expected = namedtuple("Expected", "rcode aa answer authority claims")


class NotJudged(Exception):
    """Nothing says what is right."""


class _Resolver:
    """One question to one zone."""

    def __init__(self, zone, name, rrtype, do):
        self.zone, self.name, self.rrtype, self.do = zone, name.lower(), rrtype, do
        self.answer, self.claims, self.passed = set(), [], set()  # `passed` are names, and owners of aliases

    def done(self, rcode=0, authority=frozenset(), aa=True):
        return Expected(rcode, aa, self.answer, set(authority), self.claims if self.do else [])

    def negative(self, rcode, *claim):
        self.claims.append(claim)
        return self.done(rcode, self.zone.negative_soa(self.do))

    def add(self, owner, rrtype, name=None):
        self.answer |= self.zone.records(owner, rrtype, self.do, name)

    def resolve(self):
        while not (found := self.step()):
            pass
        return found

    def step(self):
        """One name of the chain; what to answer, or None to go on with the next name."""
        zone, name = self.zone, self.name
        if name in self.passed or len(self.passed) > 2 * HOPS_MAX:
            raise NotJudged("a loop or a long chain")
        self.passed.add(name)
        if not zone.above(name):
            return self.done()
        if turn := zone.turn(name, name if self.rrtype == DS else None):
            return self.referral(turn[0]) if turn[1] == NS else self.rewrite(turn[0])
        if name in zone.existing:
            return self.at(name)
        encloser = zone.encloser(name)
        wildcard = wildcard_of(encloser)
        if wildcard not in zone.existing:
            return self.negative(NXDOMAIN, "nxdomain", name)
        return self.at(wildcard, encloser)

    def at(self, owner, encloser=None):
        """At a node: that of the name, or of the wildcard below `encloser`."""
        sets = self.zone.sets.get(owner, {})
        if encloser is not None and NS in sets:
            raise NotJudged("RFC 4592 §4.2 leaves a delegation at a wildcard undefined")
        if self.rrtype in sets or CNAME in sets or self.rrtype == ANY and sets:
            if encloser is not None:
                self.claims.append(("expanded", self.name, encloser))
        if self.rrtype == RRSIG and RRSIG in sets:
            self.answer |= {(self.name,) + record[1:] for record in sets[RRSIG]}
            return self.done()
        if self.rrtype in sets:
            self.add(owner, self.rrtype, self.name)
            return self.done()
        if self.rrtype == ANY and sets:
            for rrtype in sets:
                self.add(owner, rrtype, self.name)
            return self.done()
        if CNAME in sets:
            self.add(owner, CNAME, self.name)
            self.follow(owner)
            (record,) = sets[CNAME]
            self.name = record[4]
            return None
        if encloser is None:
            return self.negative(0, "nodata", self.name, self.rrtype)
        return self.negative(0, "wildcard-nodata", self.name, self.rrtype)

    def follow(self, alias):
        """How often a server goes round is its own choice."""
        if (alias, "alias") in self.passed:
            raise NotJudged("an alias comes up again")
        self.passed.add((alias, "alias"))

    def rewrite(self, dname):
        self.follow(dname)
        self.add(dname, DNAME)
        (record,) = self.zone.sets[dname][DNAME]
        made = self.name[:-len(dname)] + record[4]
        if len(made) > 255:
            return self.done(YXDOMAIN)
        synthesized = self.name, CNAME, 1, record[3], made
        self.answer.add(synthesized)
        if self.rrtype in (CNAME, ANY):
            return self.done()
        self.name = made
        return None

    def referral(self, cut):
        authority = self.zone.records(cut, NS, False)
        if DS in self.zone.sets[cut]:
            authority |= self.zone.records(cut, DS) if self.do else set()
        else:
            self.claims.append(("insecure", cut))
        return self.done(0, authority, bool(self.answer))


def expect(zone, name, rrtype, do):
    """Raises NotJudged."""
    return _Resolver(zone, name, rrtype, do).resolve()


def answer_complaints(zone, expected, answer, rrtype):
    """ANY and RRSIG may be answered with less: some RRsets with their signatures, some signatures."""
    got = set(answer)
    if rrtype in (ANY, RRSIG) and got and got <= expected.answer:
        for owner, rrtype_there, *_ in got:
            whole = {record for record in expected.answer if record[:2] == (owner, rrtype_there)}
            if rrtype_there != RRSIG and not whole <= got:
                return [f"a part of an RRset: {owner} {rrtype_there}"]
        return []
    return ([f"answer lacks {record}" for record in expected.answer - got] +
            [f"answer has {record}" for record in got - expected.answer])


def can_prove(zone, claims):
    """Whether the zone has the records. An encloser that opt-out has left without NSEC3 may lack them, if the next one
    above it has a wildcard."""
    return proofs.all_hold(proofs.read(zone.denying), zone.origin, claims)


def authority_complaints(zone, expected, authority):
    denying = [record for record in authority if record[1] in DENYING]
    wanted = set(expected.authority)
    for owner, rrtype in {record[:2] for record in denying}:
        if rrtype not in zone.sets.get(owner, ()):
            return [f"the zone has no such record: {owner} {rrtype}"]
        wanted |= zone.records(owner, rrtype)
    # two NSEC3 of one name, in two chains: each is judged with the signatures of both
    found = [f"authority lacks {record}" for record in wanted - set(authority)]
    found += [f"authority has {record}" for record in set(authority) - wanted]
    wrong = proofs.complaints(denying, zone.origin, expected.claims)
    return found + (wrong if wrong and can_prove(zone, expected.claims) else [])


def additional_complaints(zone, additional):
    """Signed RRsets come with their signatures, when there is room (RFC 4035 §3.1.1); glue has none."""
    found = []
    there = {record[:2] for record in additional if record[1] != RRSIG and record[0] in zone.sets}
    for owner, rrtype in there:  # not those that a wildcard provides
        signatures = {record for record in zone.signatures.get((owner, rrtype), ()) if not zone.turn(owner)}
        got = {record for record in additional if record[:2] == (owner, RRSIG) and covered_type(record) == rrtype}
        if got != signatures:
            found.append(f"additional: signatures of {owner} {rrtype}: {len(got)}, not {len(signatures)}")
    return found


def complaints(zone, name, rrtype, do, response, roomy=False):
    """What is wrong with a whole response, an answers.Answer; raises NotJudged. `roomy`: nothing was to be left out."""
    if response.flags & TC:
        return []
    expected = expect(zone, name, rrtype, do)
    answer = [lower_names(record) for record in response.answer]
    authority = [lower_names(record) for record in response.authority]
    found = [f"twice: {record}" for section in (answer, authority)
             for record, count in Counter(section).items() if count > 1]
    if response.flags & RCODE != expected.rcode:
        found.append(f"RCODE {response.flags & RCODE}, not {expected.rcode}")
    if bool(response.flags & AA) != expected.aa:
        found.append(f"AA is not {expected.aa}")
    if do and roomy:
        found += additional_complaints(zone, [lower_names(record) for record in response.additional])
    found += answer_complaints(zone, expected, answer, rrtype)
    return found + authority_complaints(zone, expected, authority)
