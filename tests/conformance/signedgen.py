# SPDX-License-Identifier: GPL-3.0-or-later
"""Random zones of zonegen.py, signed in all ways, and questions about them."""
import functools

import dns.name

import questions
import signing
import zonegen
from questions import Question
from signed_zone import NSEC3, SignedZone
from zonegen import Zone, below

# What is not random in the random zones: the signer makes these.
SIGNERS_OWN = ("DNSKEY", "NSEC3")
TYPES = ["A", "AAAA", "TXT", "MX", "NS", "SOA", "CNAME", "DNAME", "DS", "ANY", "RRSIG", "NSEC", "NSEC3",
         "NSEC3PARAM", "DNSKEY", "CDS", "SRV", "TYPE65280"]
SIZES = [512, 1232, 4096, 4096, 4096, 65535]
DO = 0x8000


class Signed(Zone):
    """A zone whose text is signed; its records are those before that."""

    def __init__(self, origin, records, method):
        super().__init__(origin, [record for record in records if record.type not in SIGNERS_OWN])
        self.method = method
        self.texts = {}

    def __reduce__(self):
        """In another process it is signed anew."""
        return Signed, (self.origin, self.records, self.method)

    def text(self, serial=1):
        if serial not in self.texts:
            self.texts[serial] = signing.sign_text(self.origin, self.method, super().text(serial))
        return self.texts[serial]

    def reduced(self, records):
        return Signed(self.origin, records, self.method)

    @functools.cached_property
    def reference(self):
        """Of the zone with serial 1."""
        return SignedZone(self.origin, self.text())


def make_method(dice):
    """NSEC, NSEC3 or opt-out, with one key, two of them, or those of two algorithms, by one of two signers."""
    keys = dice.choice([(signing.P256,)] * 5 + [(signing.P256, signing.P256), (signing.P256, signing.ED25519)])
    signer = "ldns" if dice.random() < 0.25 and len(keys) == 1 else "bind"
    kind = dice.choice(["nsec", "nsec3", "optout"])
    if kind == "nsec":
        return signing.NSEC._replace(keys=keys, signer=signer)
    salt = dice.choice(["-", "-", "aabbccdd", "f" * 16])
    return signing.Method(salt, dice.choice([0, 0, 1, 12]), kind == "optout", keys, signer)


def make_families(dice, zone_count):
    """Families with at least this many zones that a signer takes; each family in one way."""
    families, count = [], 0
    while count < zone_count:
        method = make_method(dice)
        family = [Signed(zone.origin, zone.records, method) for zone in zonegen.make_family(dice, len(families))]
        try:
            for zone in family:
                zone.text()
        except signing.NotSigned:
            continue
        families.append(family)
        count += len(family)
    return families


def hashed_owners(zone):
    """The owners of NSEC3 as text; none in a zone that is not signed."""
    return [dns.name.from_wire(owner, 0)[0].to_text() for owner, sets in zone.reference.sets.items()
            if NSEC3 in sets] if hasattr(zone, "reference") else []


def names_to_ask(dice, family):
    """As questions.names_to_ask(), and names of the NSEC3 chain."""
    asked = questions.names_to_ask(dice, family)
    for zone in family:
        owners = hashed_owners(zone)
        for owner in dice.sample(owners, min(len(owners), 3)):
            asked += [(owner, {"NSEC3"}), (below("a", owner), set())]
    return asked


def make_question(dice, name, there):
    """None when the name would be too long."""
    try:
        wire = questions.wire_name(name)
    except ValueError:
        return None
    chosen = dice.choice(sorted(there)) if there and dice.random() < 0.4 else dice.choice(TYPES)
    rrtype, flags = questions.type_number(chosen), 0
    for bit, probability in ((questions.RD, 0.3), (questions.CD, 0.1), (questions.AD, 0.1)):
        flags |= bit if dice.random() < probability else 0
    if dice.random() < 0.2:
        wire = questions.other_case(dice, wire)
    tail, room = b"", questions.ROOM
    if dice.random() < 0.92:
        size = dice.choice(SIZES)
        tail = questions.opt(size, DO if dice.random() < 0.9 else 0)
        room = max(questions.ROOM, min(questions.ROOM_MAX, size))
    return Question(questions.message(wire, rrtype, 1, flags, tail, 1 if tail else 0), wire, rrtype, 1,
                    dice.random() < 0.25, "plain", room)


def wants_signatures(question):
    """Whether DO is set."""
    return question.message[11] == 1 and bool(question.message[-4] & 0x80)


def make_questions(dice, families, count):
    """As questions.make_questions()."""
    made, names = [], [names_to_ask(dice, family) for family in families]
    while len(made) < count:
        number = dice.randrange(len(families))
        if question := make_question(dice, *dice.choice(names[number])):
            made.append((number, question))
    return made
