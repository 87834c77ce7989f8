# SPDX-License-Identifier: GPL-3.0-or-later
"""Random zones and random messages of dynamic update (RFC 2136), from a seed.

Names, types and data come from small sets, so that updates meet what is there: the same record in another spelling
or with another TTL, aliases beside data, the last name server, records that come and go within one message. Left out is
what BIND does for reasons of its own: it ignores NS and DNAME at wildcards, removes DS records without NS, and takes
another case of a name in what is added for a change, mostly. So other cases are in prerequisites and removals alone.
"""
import struct

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype

IN, CH, NONE, ANY = 1, 3, 254, 255
LABELS = ("a", "b", "c", "www", "*", "mixed", "ns")
TTLS = (0, 60, 300, 3600)
DATA = {
    "A": ("192.0.2.1", "192.0.2.2", "192.0.2.3"),
    "AAAA": ("2001:db8::1", "2001:db8::2"),
    "TXT": ('"x"', '"X"', '"x" "y"', '""'),
    "MX": ("10 mail.invalid.", "20 mail.invalid.", "10 a.{}"),
    "CNAME": ("a.{}", "b.{}", "out.invalid."),
    "DNAME": ("a.{}", "b.{}", "out.invalid."),
    "NS": ("ns1.invalid.", "ns2.invalid."),
    "SRV": ("0 5 53 a.{}", "1 5 53 a.{}"),
    "PTR": ("a.{}", "out.invalid."),
    "CAA": ('0 issue "ca.invalid"', '0 issue ";"'),
    "RP": ("a.{0} b.{0}",),
    "NAPTR": ('1 2 "U" "E2U" "" a.{}', '1 2 "u" "E2U" "" a.{}'),
    "HTTPS": ("0 a.{}", '1 . alpn="h2"'),
    "TYPE65280": ("\\# 2 abcd", "\\# 0"),
}
CASELESS = ("MX", "CNAME", "DNAME", "NS", "SRV", "PTR", "RP")
META = (252, 253, 254, 249)


def wire(text):
    return dns.name.from_text(text).to_wire()


def rdata_wire(rrtype, text):
    return dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.from_text(rrtype), text).to_wire(origin=dns.name.root)


def record(owner, rrtype, rrclass, ttl, data=b""):
    return wire(owner) + struct.pack("!HHIH", rrtype, rrclass, ttl, len(data)) + data


class Updates:
    """Zones and messages of one origin."""

    def __init__(self, dice, origin):
        self.dice, self.origin = dice, origin

    def owner(self):
        name = self.origin
        for _ in range(self.dice.choice((0, 1, 1, 1, 1, 2, 2, 3))):
            name = f"{self.dice.choice(LABELS)}.{name}"
        return name

    def any_case(self, name):
        return name if self.dice.random() < 0.8 else name.swapcase()

    def owner_and_type(self):
        owner, rrtype = self.owner(), self.dice.choice(list(DATA))
        return (owner, "A") if owner[0] == "*" and rrtype in ("NS", "DNAME") else (owner, rrtype)

    def data(self, rrtype):
        return rdata_wire(rrtype, self.dice.choice(DATA[rrtype]).format(self.origin))

    def any_data(self, rrtype):
        """The same, now and then with names in another case."""
        text = self.dice.choice(DATA[rrtype]).format(self.origin)
        if rrtype in CASELESS and self.dice.random() < 0.3:
            text = text.swapcase()
        return rdata_wire(rrtype, text)

    def soa(self, serial):
        return rdata_wire("SOA", f"ns1.invalid. host.invalid. {serial} 3600 600 86400 {self.dice.choice((60, 300))}")

    def zone(self):
        """Zone text. Each RRset has one TTL, and aliases stand alone."""
        lines = [f"{self.origin} 300 SOA ns1.invalid. host.invalid. 1000 3600 600 86400 60", f"{self.origin} 300 NS ns1.invalid."]
        kinds = {}
        for _ in range(self.dice.randint(0, 25)):
            owner, rrtype = self.owner_and_type()
            there = kinds.setdefault(owner, {})
            if owner == self.origin and rrtype in ("CNAME", "NS", "DNAME") or "CNAME" in there or rrtype in there or there and rrtype == "CNAME":
                continue
            ttl = there.setdefault(rrtype, self.dice.choice(TTLS))
            lines.append(f"{owner} {ttl} {rrtype} {self.dice.choice(DATA[rrtype]).format(self.origin)}")
        return "".join(line + "\n" for line in lines)

    def prerequisite(self):
        owner, rrtype = self.owner_and_type()
        number = dns.rdatatype.from_text(rrtype)
        kind = self.dice.random()
        owner = self.any_case(owner)
        if kind < 0.2:
            return record(owner, self.dice.choice((number, 255)), ANY, 0)
        if kind < 0.7:
            return record(owner, self.dice.choice((number, number, 255)), NONE, 0)
        if kind < 0.97:
            return record(owner, number, IN, 0, self.any_data(rrtype))
        return self.dice.choice((
            record(owner, number, IN, 60, self.data(rrtype)),
            record(owner, number, ANY, 0, self.data(rrtype)),
            record(owner, 65280, CH, 0, b"\0\0"),
            record("elsewhere.invalid.", number, NONE, 0)))

    def change(self):
        owner, rrtype = self.owner_and_type()
        number = dns.rdatatype.from_text(rrtype)
        kind = self.dice.random()
        if kind < 0.55:
            return record(owner, number, IN, self.dice.choice(TTLS), self.data(rrtype))
        if kind < 0.6:
            return record(self.dice.choice((self.origin, owner)), 6, self.dice.choice((IN, IN, NONE, ANY)), 0,
                          self.soa(self.dice.choice((1, 999, 1010, 1100, 5000, 2**31 + 1200, 2**32 - 5))))
        owner = self.any_case(owner)
        if kind < 0.85:
            return record(owner, number, NONE, 0, self.any_data(rrtype))
        if kind < 0.93:
            return record(owner, number, ANY, 0)
        if kind < 0.99:
            return record(owner, 255, ANY, 0)
        return self.dice.choice((
            record("elsewhere.invalid.", number, IN, 60, self.data(rrtype)),
            record(owner, self.dice.choice(META), IN, 60, b"\0\0"),
            record(owner, self.dice.choice(META), ANY, 0),
            record(owner, number, ANY, 0, self.data(rrtype)),
            record(owner, number, NONE, 60, self.data(rrtype)),
            record(owner, 65280, CH, 0, b"\0\0"),
            record(owner, 47, IN, 60, rdata_wire("NSEC", f"{self.origin} A"))))

    def message(self, number):
        prerequisites = [self.prerequisite() for _ in range(self.dice.choice((0, 0, 0, 0, 1, 1, 2)))]
        changes = [self.change() for _ in range(self.dice.choice((0, 1, 1, 1, 2, 2, 3, 5, 10)))]
        soas = [change for change in changes if b"\0\6\0\1" in change]
        changes = [change for change in changes if change not in soas[1:]]  # one; two may lead the serial back
        head = struct.pack("!6H", number & 0xffff, 5 << 11, 1, len(prerequisites), len(changes), 0)
        return head + wire(self.origin) + struct.pack("!HH", 6, IN) + b"".join(prerequisites + changes)
