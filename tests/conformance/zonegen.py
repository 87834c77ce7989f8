# SPDX-License-Identifier: GPL-3.0-or-later
"""Random zones that hold every corner of RFC 1034 §4.3.2, RFC 4592 and RFC 6672, from a seed.

Zones come in families: a zone, sometimes its parent or child, sometimes a neighbour that it refers to.
Labels come from a small set, so that names often are equal, or near each other.
"""
from collections import namedtuple

Record = namedtuple("Record", "owner ttl type rdata")

LABELS = ["a", "b", "c", "d", "www", "ns", "x-1", "_sip", "_tcp", "Big", "mixED"]
LONG_LABEL = "l" * 63
NAME_MAX = 250  # characters: no name is too long, whatever escapes make of it
OUTSIDE = ["out.side.invalid.", "a.b.outside.invalid.", "."]
TTLS = [0, 1, 60, 300, 3600, 86400, 604800]
HEX = "0123456789abcdef"
BASE32 = "0123456789abcdefghijklmnopqrstuv"
# Types whose RDATA ends in a name, or two, which is compared without case (RFC 4034 §6.2).
NAMED = {"NS": 1, "CNAME": 1, "DNAME": 1, "PTR": 1, "MX": 1, "SRV": 1, "AFSDB": 1, "KX": 1, "NAPTR": 1, "RP": 2}


class Zone:
    """An origin and its records; the SOA is the first."""

    def __init__(self, origin, records):
        self.origin, self.records = origin, records

    def text(self, serial=None):
        lines = []
        for record in self.records:
            rdata = record.rdata
            if serial is not None and record.type == "SOA":
                words = rdata.split()
                words[2] = str(serial)
                rdata = " ".join(words)
            lines.append(f"{record.owner} {record.ttl} IN {record.type} {rdata}\n")
        return "".join(lines)

    def reduced(self, records):
        """The same zone with other records."""
        return Zone(self.origin, records)

    def owners(self):
        return {record.owner.lower() for record in self.records}


def below(label, name):
    return f"{label}." if name == "." else f"{label}.{name}"


def parent(name):
    rest = name.split(".", 1)[1]
    return rest or "."


def label_count(name):
    return 0 if name == "." else name.count(".")


def other_spelling(rrtype, rdata):
    """The same RDATA with its names in another case."""
    words = rdata.split(" ")
    at = len(words) - NAMED[rrtype]
    return " ".join(words[:at] + [word.swapcase() for word in words[at:]])


def is_below(name, ancestor):
    return name.lower().endswith("." + ancestor.lower()) and name.lower() != ancestor.lower()


class _Builder:
    """One zone while it is being made up."""

    def __init__(self, dice, origin, others):
        self.dice, self.origin, self.others = dice, origin, others
        self.names = [origin]
        self.sets = {}  # (owner in lower case, type) → TTL, {rdata: None}, owner

    def chance(self, probability):
        return self.dice.random() < probability

    def label(self):
        if self.chance(0.13):
            return "*"
        if self.chance(0.02):
            return self.dice.choice([LONG_LABEL, "sp\\032ace", "do\\.t", "\\200\\001", "**", "*a"])
        return self.dice.choice(LABELS)

    def new_name(self):
        """A name below one that is there, now and then with empty non-terminals, or very deep."""
        name = self.dice.choice(self.names)
        if label_count(name) > 12:
            name = self.origin
        for _ in range(self.dice.choice([1, 1, 1, 1, 2, 2, 3])):
            name = below(self.label(), name)
        if self.chance(0.02):
            for _ in range(self.dice.randint(10, 60)):
                name = below(self.dice.choice("abc"), name)
        if name not in self.names:
            self.names.append(name)
        return name

    def target(self):
        """A name to refer to: there, near, below, elsewhere."""
        kind = self.dice.random()
        if kind < 0.5:
            return self.dice.choice(self.names)
        if kind < 0.72:
            return below(self.label(), self.dice.choice(self.names))
        if kind < 0.8:
            return below(self.label(), below(self.label(), self.dice.choice(self.names)))
        if kind < 0.9 and self.others:
            other = self.dice.choice(self.others)
            return self.dice.choice([other, below(self.dice.choice(LABELS), other)])
        return self.dice.choice(OUTSIDE[:2])

    def add(self, owner, rrtype, rdata, ttl=None):
        ttl = self.dice.choice(TTLS) if ttl is None else ttl
        if len(owner) > NAME_MAX or max(map(len, rdata.split()), default=0) > NAME_MAX and rrtype != "TXT":
            return
        kept = self.sets.setdefault((owner.lower(), rrtype), (ttl, {}, owner))
        kept[1].setdefault(rdata)

    def remove(self, owner):
        for key in [key for key in self.sets if key[0] == owner.lower()]:
            del self.sets[key]

    def hex(self, octets):
        return "".join(self.dice.choice(HEX) for _ in range(2 * octets))

    def address(self):
        return f"192.0.2.{self.dice.randint(0, 255)}"

    def address6(self):
        return f"2001:db8::{self.dice.randint(1, 65535):x}"

    def ds(self):
        return f"{self.dice.randint(1, 65535)} 8 2 {self.hex(32)}"

    def add_big(self, owner):
        """An RRset of more octets than a client without EDNS takes, than 1232, or than 4096."""
        octets = self.dice.choice([450, 520, 1100, 1300, 4200, 9000])
        if self.chance(0.5):
            for number in range(octets // 16):
                self.add(owner, "A", f"198.51.{number // 250}.{number % 250}")
            return
        length = self.dice.choice([40, 200, 255])
        for number in range(max(1, octets // (length + 13))):
            self.add(owner, "TXT", f'"{number:04}{"t" * (length - 4)}"')

    def add_data(self, owner):
        """One RRset of a random type that may stand beside any other."""
        dice = self.dice
        makers = {
            "A": self.address, "AAAA": self.address6,
            "TXT": lambda: f'"{self.hex(dice.randint(0, 20))}" "b"',
            "MX": lambda: f"{dice.randint(0, 99)} {self.target()}",
            "SRV": lambda: f"0 5 53 {self.target()}",
            "PTR": self.target,
            "RP": lambda: f"{self.target()} {self.target()}",
            "AFSDB": lambda: f"1 {self.target()}",
            "KX": lambda: f"10 {self.target()}",
            "HINFO": lambda: '"PDP-11" "Unix"',
            "NAPTR": lambda: f'100 10 "{dice.choice("UASas")}" "SIP+D2U" "" {self.target()}',
            "CAA": lambda: '0 issue "ca.example.net"',
            "SSHFP": lambda: f"1 1 {self.hex(20)}",
            "TLSA": lambda: f"3 1 1 {self.hex(32)}",
            "LOC": lambda: "52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m",
            "SVCB": lambda: dice.choice([f"0 {self.target()}", f"1 {self.target()} port=8053"]),
            "HTTPS": lambda: dice.choice([f"0 {self.target()}", f'1 {self.target()} alpn="h2"', '1 . alpn="h2"']),
            "URI": lambda: '10 1 "https://example.com/"',
            "TYPE65280": lambda: f"\\# 4 {self.hex(4)}",
        }
        weights = [8, 5, 6, 5, 3] + [2 if name in ("NAPTR", "SVCB", "HTTPS") else 1 for name in list(makers)[5:]]
        rrtype = dice.choices(list(makers), weights)[0]
        for _ in range(dice.choice([1, 1, 1, 2, 3])):
            self.add(owner, rrtype, makers[rrtype]())

    def add_cut(self, owner):
        """A delegation with glue inside it, beside it, or none, and data that it hides."""
        for _ in range(self.dice.choice([1, 2, 2, 3, 13 if self.chance(0.1) else 2])):
            kind = self.dice.random()
            if kind < 0.5:
                server = below(self.dice.choice(["ns", "ns1", "ns2", "ns.deep"]), owner)
            elif kind < 0.75:
                server = self.target()
            else:
                server = self.dice.choice(OUTSIDE[:2])
            self.add(owner, "NS", server)
            if is_below(server, owner) and "*" not in server and self.chance(0.85):
                self.add(server, "A", self.address())
                if self.chance(0.5):
                    self.add(server, "AAAA", self.address6())
        if self.chance(0.35):
            for _ in range(self.dice.choice([1, 2])):
                self.add(owner, "DS", self.ds())
        if self.chance(0.3):
            self.add_data(below(self.label(), owner))

    def add_dname(self, owner):
        """A DNAME, mostly beside nothing, and data that it hides."""
        target = self.target()
        if self.chance(0.12):
            target = ".".join([LONG_LABEL, "m" * self.dice.randint(40, 63), "n" * 60]) + "." + target
        self.add(owner, "DNAME", target)
        if self.chance(0.4):
            self.add_data(owner)

    def add_returning(self, owner):
        """A wildcard alias that leads to itself, or to a name that it stands for, maybe by way of another alias."""
        wildcard, name = below("*", owner), below(self.label(), owner)
        by_way = below(self.label(), self.origin)
        target = self.dice.choice([wildcard, name, below(self.label(), name), by_way])
        self.add(wildcard, "CNAME", target)
        self.names.append(wildcard)
        if target == by_way:
            self.add(by_way, "CNAME", name)

    def add_nsec3(self):
        """A name that owns NSEC3, and maybe something else."""
        owner, following = (below("".join(self.dice.choice(BASE32) for _ in range(32)), self.origin) for _ in "ab")
        self.add(owner, "NSEC3", f"1 0 0 - {following.split('.')[0]} A", 300)
        if self.chance(0.2):
            self.add(owner if self.chance(0.5) else below(self.label(), owner), "A", self.address())
        self.names.append(owner)

    def add_name(self):
        owner = self.new_name()
        kind = self.dice.random()
        if kind < 0.45:
            for _ in range(self.dice.choice([1, 1, 2, 3])):
                self.add_data(owner)
        elif kind < 0.70:
            if self.chance(0.05):
                self.add_returning(owner)
            else:
                self.add(owner, "CNAME", owner if self.chance(0.03) else self.target())
        elif kind < 0.84:
            self.add_cut(owner)
        elif kind < 0.95:
            self.add_dname(owner)
        else:
            self.add_big(owner)

    def repair(self):
        """Takes away what some server refuses to load: a CNAME or DNAME that is not alone of its kind."""
        for owner in sorted({key[0] for key in self.sets}):
            types = {key[1] for key in self.sets if key[0] == owner}
            for alone in ("CNAME", "DNAME"):
                if alone in types:
                    first = next(iter(self.sets[owner, alone][1]))
                    ttl, _, text = self.sets[owner, alone]
                    self.sets[owner, alone] = (ttl, {first: None}, text)
            if "CNAME" in types:
                keep = "CNAME" if self.chance(0.5) and owner != self.origin.lower() else None
                for rrtype in sorted(types):
                    if (rrtype == "CNAME") != (keep == "CNAME"):
                        del self.sets[owner, rrtype]
            elif {"DNAME", "NS"} <= types and owner != self.origin.lower():
                del self.sets[owner, self.dice.choice(["DNAME", "NS"])]
        # BIND refuses the first, NSD and Knot the second: most zones are without.
        if self.chance(0.85):
            self.drop(lambda owner, rrtype: rrtype == "NS" and owner.startswith("*.") and owner != self.origin.lower())
        if self.chance(0.93):
            dnames = [owner for owner, rrtype in self.sets if rrtype == "DNAME"]
            self.drop(lambda owner, rrtype: any(owner.endswith("." + dname) for dname in dnames))
        for owner, rrtype in list(self.sets):
            if rrtype == "DS" and (owner, "NS") not in self.sets:
                del self.sets[owner, rrtype]

    def drop(self, is_unwanted):
        for key in [key for key in self.sets if is_unwanted(*key)]:
            del self.sets[key]

    def records(self):
        soa_ttl = self.dice.choice(TTLS)
        minimum = self.dice.choice(TTLS)
        made = [Record(self.origin, soa_ttl, "SOA",
                       f"{below('ns', self.origin)} {below('host.master', self.origin)} 1 7200 3600 1209600 {minimum}")]
        for (_, rrtype), (ttl, rdatas, owner) in self.sets.items():
            made += [Record(owner, ttl, rrtype, rdata) for rdata in rdatas]
            made += [Record(owner, ttl, rrtype, other_spelling(rrtype, rdata)) for rdata in rdatas
                     if rrtype in NAMED and self.chance(0.1)]
        return made


def make_zone(dice, origin, others, children):
    """One zone. `others` are origins to refer to, `children` those to delegate."""
    builder = _Builder(dice, origin, others)
    for _ in range(dice.randint(3, 22)):
        builder.add_name()
    if builder.chance(0.1):
        builder.add_nsec3()
    if builder.chance(0.2):
        builder.add_data(origin)
    apex_dname = builder.chance(0.04)
    if apex_dname:
        builder.add(origin, "DNAME", builder.target())
    if builder.chance(0.2):
        builder.add(origin, "DNSKEY", "257 3 8 AwEAAag/8mDt9YW2Nk7YBnPN7d1VrG1LkZ4=")
    builder.repair()
    server = below("ns", origin)
    builder.remove(server)
    builder.drop(lambda owner, rrtype: owner == origin.lower() and rrtype in ("NS", "DS", "CNAME"))
    if not apex_dname:
        builder.add(origin, "NS", server, 3600)
        builder.add(server, "A", builder.address())
    if apex_dname or builder.chance(0.5):
        builder.add(origin, "NS", OUTSIDE[0], 3600)
    for child in children:
        builder.remove(child)
        builder.add_cut(child)
        if builder.chance(0.5):
            builder.add(child, "DS", builder.ds())
    builder.repair()
    return Zone(origin, builder.records())


def make_family(dice, number):
    """Some zones that know of each other."""
    apex = dice.choice(["f{}.test.", "F{}.Deep.Er.example.", "f{}."]).format(number)
    kind = dice.random()
    if kind < 0.5:
        return [make_zone(dice, apex, [], [])]
    if kind < 0.75:
        child = below(dice.choice(["child", "b.a", "a", "*", "x.y.z"]), apex)
        return [make_zone(dice, apex, [child], [child] if dice.random() < 0.7 else []),
                make_zone(dice, child, [apex], [])]
    neighbour = f"g{number}.test."
    return [make_zone(dice, apex, [neighbour], []), make_zone(dice, neighbour, [apex], [])]


def make_families(dice, zone_count):
    """Families with at least this many zones in all."""
    families, count = [], 0
    while count < zone_count:
        families.append(make_family(dice, len(families)))
        count += len(families[-1])
    return families
