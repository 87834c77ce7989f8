# SPDX-License-Identifier: GPL-3.0-or-later
"""What NSEC and NSEC3 records prove, by RFC 4035 §5.4, RFC 6840 §4 and RFC 5155 §8, without any zone.

A claim is one of
    ("nodata", name, type)            the name has no such type, nor CNAME
    ("nxdomain", name)                nor does a wildcard stand for it
    ("expanded", name, encloser)      the wildcard below `encloser` is the right one for the name
    ("wildcard-nodata", name, type)   nor has the wildcard that stands for it the type
    ("insecure", cut)                 the delegation has no DS
"""
import functools
import struct
from collections import namedtuple

from lookup import suffixes
from signed_zone import CNAME, DNAME, DS, NS, NSEC, SOA, canonical_key, hash_of, is_at_or_below, types_of, wildcard_of

OPT_OUT = 1
Nsec = namedtuple("Nsec", "owner next types")
Nsec3 = namedtuple("Nsec3", "chain owner next optout types")


def read_nsec(record):
    owner, rdata = record[0], record[4]
    at = 0
    while rdata[at]:
        at += 1 + rdata[at]
    return Nsec(owner, rdata[:at + 1].lower(), types_of(rdata[at + 1:]))


def read_nsec3(record):
    owner, rdata = record[0], record[4]
    algorithm, flags, iterations, salt_length = struct.unpack_from("!BBHB", rdata)
    at = 5 + salt_length
    length = rdata[at]
    following = rdata[at + 1:at + 1 + length]
    chain = algorithm, iterations, rdata[5:at], owner[1 + owner[0]:]
    return Nsec3(chain, owner[1:1 + owner[0]], base32hex(following), bool(flags & OPT_OUT),
                 types_of(rdata[at + 1 + length:]))


def base32hex(octets):
    number = int.from_bytes(octets, "big")
    return bytes(b"0123456789abcdefghijklmnopqrstuv"[number >> shift & 31]
                 for shift in range(8 * len(octets) - 5, -1, -5))


def has_no_type(types, rrtype, at_apex):
    """Whether the record's own name has no such type; that of a cut's parent says so about DS alone, and the
    other way round."""
    if rrtype in types or CNAME in types:
        return False
    if rrtype == DS:
        return SOA not in types or at_apex
    return NS not in types or SOA in types


class NsecProof:
    """Records of one zone's NSEC chain; `origin` is their signer."""

    def __init__(self, records, origin):
        self.records, self.origin = records, origin

    def covering(self, name):
        """The record between whose names this one would be, if it may say so (RFC 6840 §4.1)."""
        key = canonical_key(name)
        for record in self.records:
            last = record.next == self.origin
            if not canonical_key(record.owner) < key or not (last or key < canonical_key(record.next)):
                continue
            hides = NS in record.types and SOA not in record.types or DNAME in record.types
            if not (hides and is_at_or_below(name, record.owner)):
                return record
        return None

    def encloser(self, name):
        """The closest encloser of a name that does not exist; None without a proof of that."""
        record = self.covering(name)
        if record is None or is_at_or_below(record.next, name):
            return None
        return next(ancestor for ancestor in suffixes(name)
                    if is_at_or_below(record.owner, ancestor) or is_at_or_below(record.next, ancestor))

    def nodata(self, name, rrtype):
        if any(record.owner == name and has_no_type(record.types, rrtype, name == self.origin)
               for record in self.records):
            return True
        record = self.covering(name)  # an empty non-terminal
        return record is not None and is_at_or_below(record.next, name)

    def nxdomain(self, name):
        encloser = self.encloser(name)
        return encloser is not None and self.encloser(wildcard_of(encloser)) == encloser

    def expanded(self, name, encloser):
        return self.encloser(name) == encloser

    def wildcard_nodata(self, name, rrtype):
        encloser = self.encloser(name)
        return encloser is not None and self.nodata(wildcard_of(encloser), rrtype)

    def insecure(self, cut):
        return any(record.owner == cut and NS in record.types and not {DS, SOA} & record.types
                   for record in self.records)


@functools.lru_cache(maxsize=1 << 16)
def hashed(name, chain):
    algorithm, iterations, salt, _ = chain
    return hash_of(name, salt, iterations) if algorithm == 1 else b""


class Nsec3Proof:
    """Records of one NSEC3 chain."""

    def __init__(self, records, origin):
        self.records, self.origin, self.chain = records, origin, records[0].chain

    def matching(self, name):
        label = hashed(name, self.chain)
        return next((record for record in self.records if record.owner == label), None)

    def covering(self, name):
        label = hashed(name, self.chain)
        for record in self.records:
            if record.owner < record.next:
                if record.owner < label < record.next:
                    return record
            elif label > record.owner or label < record.next:
                return record
        return None

    def encloser(self, name):
        """(closest provable encloser, record that covers the next closer name), or None (RFC 5155 §8.3)."""
        closer = name
        for ancestor in list(suffixes(name))[1:]:
            if found := self.matching(ancestor):
                hides = NS in found.types and SOA not in found.types or DNAME in found.types
                cover = self.covering(closer)
                return None if hides or cover is None else (ancestor, cover)
            if ancestor == self.origin:
                return None
            closer = ancestor
        return None

    def opted_out(self, name):
        """The name, if there is one, is or leads to insecure delegations (RFC 5155 §8.6, §8.9)."""
        found = self.encloser(name)
        return found is not None and found[1].optout

    def nodata(self, name, rrtype):
        if found := self.matching(name):
            return has_no_type(found.types, rrtype, name == self.origin)
        # DS, or an empty non-terminal without an NSEC3 of its own (RFC 5155 §7.1)
        return self.opted_out(name)

    def nxdomain(self, name):
        found = None if self.matching(name) else self.encloser(name)
        return found is not None and self.covering(wildcard_of(found[0])) is not None

    def expanded(self, name, encloser):
        closer = next(ancestor for ancestor in suffixes(name) if ancestor[1 + ancestor[0]:] == encloser)
        return self.covering(closer) is not None

    def wildcard_nodata(self, name, rrtype):
        found = None if self.matching(name) else self.encloser(name)
        if found is None:
            return False
        match = self.matching(wildcard_of(found[0]))
        if match is None:
            cover = self.covering(wildcard_of(found[0]))
            return cover is not None and cover.optout
        return has_no_type(match.types, rrtype, False)

    def insecure(self, cut):
        if found := self.matching(cut):
            return NS in found.types and not {DS, SOA} & found.types
        return self.opted_out(cut)


def holds(records, origin, claim):
    """Whether the records, of one kind and chain, prove the claim."""
    if not records:
        return False
    proof = (NsecProof if isinstance(records[0], Nsec) else Nsec3Proof)(records, origin)
    return getattr(proof, claim[0].replace("-", "_"))(*claim[1:])


def all_hold(records, origin, claims):
    """Whether all claims are proved: each by records of one chain."""
    chains = {}
    for record in records:
        chains.setdefault(getattr(record, "chain", None), []).append(record)
    return all(any(holds(chain, origin, claim) for chain in chains.values()) for claim in claims)


def read(denying):
    """Records of both kinds."""
    return [read_nsec(record) if record[1] == NSEC else read_nsec3(record) for record in denying]


def complaints(denying, origin, claims):
    """What is wrong with the NSEC or NSEC3 records of a response that is to prove the claims, and nothing else."""
    records = read(denying)
    if not all_hold(records, origin, claims):
        # if opt-out leaves the name's encloser without an NSEC3, the span that it is in is enough (RFC 5155 §8.6)
        claims = [("nodata", *claim[1:]) if claim[0] == "wildcard-nodata" else claim for claim in claims]
    if not all_hold(records, origin, claims):
        return [f"the claims {claims} are not proved"]
    return [f"{denying[index]} proves nothing more" for index in range(len(records))
            if all_hold(records[:index] + records[index + 1:], origin, claims)]
