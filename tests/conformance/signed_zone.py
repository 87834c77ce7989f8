# SPDX-License-Identifier: GPL-3.0-or-later
"""A signed zone as a naive reference sees it: sets of records, names, and the order that denies others.

Names are in wire form in lower case, records in the form of answers.parse().
"""
import base64
import hashlib
import struct

import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.zone
import dns.zonefile

from answers import lower_naptr
from canonical import read_record
from lookup import suffixes

NS, CNAME, SOA, NAPTR, DNAME, DS, RRSIG, NSEC, DNSKEY, NSEC3, NSEC3PARAM = 2, 5, 6, 35, 39, 43, 46, 47, 48, 50, 51
BASE32 = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789abcdefghijklmnopqrstuv")


def canonical_key(name):
    """Sorts names in canonical order (RFC 4034 §6.1)."""
    labels, at = [], 0
    while name[at]:
        labels.append(name[at + 1:at + 1 + name[at]])
        at += 1 + name[at]
    return tuple(reversed(labels))


def is_at_or_below(name, ancestor):
    return ancestor in suffixes(name)


def wildcard_of(name):
    return b"\1*" + name


def hash_of(name, salt, iterations):
    """RFC 5155 §5, as a label's octets."""
    digest = hashlib.sha1(name + salt).digest()
    for _ in range(iterations):
        digest = hashlib.sha1(digest + salt).digest()
    return base64.b32encode(digest).translate(BASE32)


def types_of(bitmap):
    """The types in a bitmap of NSEC and NSEC3 (RFC 4034 §4.1.2)."""
    types, at = set(), 0
    while at < len(bitmap):
        window, length = bitmap[at], bitmap[at + 1]
        for place in range(8 * length):
            if bitmap[at + 2 + place // 8] & 0x80 >> place % 8:
                types.add(256 * window + place)
        at += 2 + length
    return types


def covered_type(record):
    """Of an RRSIG."""
    return struct.unpack_from("!H", record[4])[0]


def lower_names(record):
    """The signer of RRSIG and the next name of NSEC without case: servers keep it or not (RFC 6840 §5.1)."""
    owner, rrtype, rrclass, ttl, rdata = record
    start = {RRSIG: 18, NSEC: 0}.get(rrtype)
    if start is None:
        return record
    at = start
    while rdata[at]:
        at += 1 + rdata[at]
    return owner, rrtype, rrclass, ttl, rdata[:start] + rdata[start:at].lower() + rdata[at:]


def comparable(owner, ttl, rdata):
    """A record of a zone in the form in which parse() gives it."""
    wire = rdata.to_wire()
    record, _ = read_record(owner + struct.pack("!HHIH", rdata.rdtype, 1, ttl, len(wire)) + wire, 0)
    return lower_names(lower_naptr(record) if record[1] == NAPTR else record)


class SignedZone:
    """All records of a zone by name and type, from a file's text."""

    def __init__(self, origin, text):
        apex = dns.name.from_text(origin)
        self.origin = apex.to_wire().lower()
        self.sets, self.signatures = {}, {}
        for owner, ttl, rdata in read_records(apex, text):
            record = comparable(owner, ttl, rdata)
            if record[1] == RRSIG:
                self.signatures.setdefault((owner, covered_type(record)), set()).add(record)
            self.sets.setdefault(owner, {}).setdefault(record[1], set()).add(record)
        self.soa, = self.sets[self.origin][SOA]
        self.denying = [record for sets in self.sets.values() for rrtype in (NSEC, NSEC3)
                        for record in sets.get(rrtype, ())]
        self._find_names()

    def _find_names(self):
        """Those that exist: not what only NSEC3 has (RFC 5155 §7.2.8), nor what is below a cut or a DNAME."""
        self.existing = {self.origin}
        for owner, sets in self.sets.items():
            if set(sets) <= {NSEC3, RRSIG} and NSEC3 in sets or self.turn(owner, owner):
                continue
            for name in suffixes(owner):
                self.existing.add(name)
                if name == self.origin:
                    break

    def above(self, name):
        """The name and its ancestors in the zone, from the apex down."""
        found = []
        for ancestor in suffixes(name):
            found.append(ancestor)
            if ancestor == self.origin:
                return found[::-1]
        return []

    def turn(self, name, spare=None):
        """(cut or DNAME that the name is at or below, its type), the topmost; None: neither. `spare` is no cut."""
        for ancestor in self.above(name):
            if NS in self.sets.get(ancestor, ()) and ancestor not in (spare, self.origin):
                return ancestor, NS
            if DNAME in self.sets.get(ancestor, ()) and ancestor != name:
                return ancestor, DNAME
        return None

    def encloser(self, name):
        return next(ancestor for ancestor in suffixes(name) if ancestor in self.existing)

    def records(self, owner, rrtype, signed=True, name=None):
        """An RRset with its signatures, with another owner if `name` is given."""
        found = self.sets[owner][rrtype] | (self.signatures.get((owner, rrtype), set()) if signed else set())
        return {(name or owner,) + record[1:] for record in found}

    def negative_soa(self, signed):
        """With the TTL of RFC 2308 §5."""
        ttl = min(self.soa[3], struct.unpack("!I", self.soa[4][-4:])[0])
        return {record[:3] + (ttl,) + record[4:] for record in self.records(self.origin, SOA, signed)}


def read_records(apex, text):
    """(owner, TTL, rdata) of a zone's text; dnspython's own zone keeps one TTL for each RRset, as we do."""
    zone = dns.zone.from_text(text, origin=apex, relativize=False, check_origin=False)
    for name, ttl, rdata in zone.iterate_rdatas():
        yield name.to_wire().lower(), ttl, rdata
