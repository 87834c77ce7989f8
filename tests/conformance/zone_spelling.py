# SPDX-License-Identifier: GPL-3.0-or-later
"""Random records of every type in every legal spelling, with the octets that they must become: the records that two
readers find in a zone of these can be compared, with each other and with the intended ones.
"""
import base64
import struct

import zone_wire
from zone_fields import FIELDS, ORIGIN, ORIGIN_TEXT, any_case, label_text, labels, name_wire, octets, seconds_text
from zone_wire import TYPES, Record


def gaps(dice, words):
    """Words with anything between them that is allowed there: blanks, and in parentheses line ends and comments."""
    text, depth = b"", 0
    for word in words:
        if dice.random() < 0.06:
            text += b" (" + dice.choice([b"", b" "])
            depth += 1
        blank = dice.choice([b" ", b" ", b"\t", b"  \t "])
        if depth and dice.random() < 0.3:
            blank = dice.choice([b"\n ", b" \r\n\t", b' ; a "comment (\n', b"\n\n", b"\n"])
        text += blank + word
    for _ in range(depth):
        text += dice.choice([b" )", b"\n)", b" ; end\n )"])
    return text


def line_end(dice):
    return dice.choice([b"\n", b"\n", b"\n", b"\r\n", b" ; comment\n", b"\t\n", b" \r\n"])


def generic(dice, wire):
    """RFC 3597's form, in even words."""
    text = any_case(dice, wire.hex().encode())
    words = [text[at:at + 32] for at in range(0, len(text), 32)] if dice.random() < 0.5 else [text] if text else []
    return [b"\\#", b"%d" % len(wire), *words]


class Zone:
    """Text of random records, and the records that it holds."""

    def __init__(self, dice):
        self.dice, self.text, self.records = dice, b"", set()

    def owner(self, index, rrtype):
        """A new name for each record: an alias allows no other data."""
        dice = self.dice
        parts = [b"%d-" % index + octets(dice, 6)] + (labels(dice, 2) if dice.random() < 0.2 else [])
        if rrtype in ("NSEC3",):
            parts = [base64.b32hexencode(struct.pack("!I", index) + bytes(16)).lower()]
        text = b".".join(label_text(dice, label) for label in parts)
        wire = zone_wire.lower(name_wire(parts)) + ORIGIN
        return wire, dice.choice([text, text, text + b"." + ORIGIN_TEXT])

    def head(self, rrtype):
        """(words before the RDATA, TTL): class and TTL in any order, or left out."""
        dice = self.dice
        ttl = dice.choice([0, 1, 300, 3600, 86400, 604800, 2147483647])
        ttl_word = seconds_text(dice, ttl)
        class_word = dice.choice([b"IN", b"in", b"CLASS1"])
        kinds = dice.choice([[ttl_word, class_word], [class_word, ttl_word], [ttl_word], [class_word], []])
        type_text = dice.choice([any_case(dice, rrtype.encode())] * 5 + [b"TYPE%d" % TYPES[rrtype]])
        return [*kinds, type_text], ttl if ttl_word in kinds else None

    def add(self, index, rrtype):
        dice = self.dice
        wire, words = b"", []
        for field in FIELDS[rrtype]:
            more, more_words = field(dice)
            wire, words = wire + more, words + more_words
        if dice.random() < 0.05:
            words = generic(dice, wire)
        owner, owner_text = self.owner(index, rrtype)
        head, ttl = self.head(rrtype)
        self.text += owner_text + gaps(dice, head + words) + line_end(dice)
        if rrtype == "DS":
            self.text += owner_text + b" NS ns1\n"
            self.records.add(Record(owner, 3600, 2, b"\3ns1" + ORIGIN))
        self.records.add(Record(owner, 3600 if ttl is None else ttl, TYPES[rrtype], wire))


def make(dice, per_type):
    """A zone with some records of every type."""
    zone = Zone(dice)
    chosen = [rrtype for rrtype in FIELDS for _ in range(per_type)]
    dice.shuffle(chosen)
    for index, rrtype in enumerate(chosen):
        zone.add(index, rrtype)
    return zone
