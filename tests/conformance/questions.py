# SPDX-License-Identifier: GPL-3.0-or-later
"""Random questions for zones: what is there, what is near it, and messages that are hardly questions."""
import functools
import struct
from collections import namedtuple

import dns.rdatatype

import zonegen
from zonegen import below, label_count, parent

RD, RA, Z, AD, CD = 0x0100, 0x0080, 0x0040, 0x0020, 0x0010
OPT, ANY = 41, 255
TYPES = ["A", "AAAA", "NS", "SOA", "MX", "TXT", "CNAME", "DNAME", "DS", "ANY", "RRSIG", "NSEC", "NSEC3", "SRV",
         "PTR", "SVCB", "HTTPS", "DNSKEY", "TYPE65280", "HINFO"]
RARE_TYPES = [0, 10, OPT, 128, 249, 253, 254, 65535]
CLASSES = [3, 4, 255, 254, 0, 77]
SIZES = [0, 512, 1232, 4096, 65535]

# `message` has the id 0. `kind` is "plain", or the name of what is odd about it; `room` is what UDP may bring back.
Question = namedtuple("Question", "message name qtype qclass tcp kind room")
ROOM, ROOM_MAX = 512, 1232


@functools.lru_cache(maxsize=65536)
def wire_name(text):
    """A name in presentation format as octets; ValueError when it is longer than 255."""
    wire, label, at = bytearray(), bytearray(), 0
    while at < len(text) and text != ".":
        if text[at] == ".":
            if not 0 < len(label) < 64:
                raise ValueError("label")
            wire += bytes([len(label)]) + label
            label = bytearray()
        elif text[at] == "\\" and text[at + 1].isdigit():
            label.append(int(text[at + 1:at + 4]))
            at += 3
        else:
            at += text[at] == "\\"
            label.append(ord(text[at]))
        at += 1
    if len(wire) > 254:
        raise ValueError("name")
    return bytes(wire) + b"\0"


def type_number(text):
    return text if isinstance(text, int) else int(dns.rdatatype.from_text(text))


def opt(payload, flags=0, version=0, options=b"", rcode=0):
    return struct.pack("!BHHBBHH", 0, OPT, payload, rcode, version, flags, len(options)) + options


def message(name, qtype, qclass=1, flags=0, tail=b"", arcount=0):
    return struct.pack("!6H", 0, flags, 1, 0, 0, arcount) + name + struct.pack("!2H", qtype, qclass) + tail


def other_case(dice, wire):
    return bytes(octet ^ 32 if 65 <= octet & 0xdf <= 90 and dice.random() < 0.5 else octet for octet in wire)


def rdata_name(record):
    """The name that a record points to, or None."""
    if record.type in ("CNAME", "DNAME", "NS", "PTR"):
        return record.rdata
    if record.type in ("MX", "SRV", "NAPTR"):
        return record.rdata.split()[-1]
    return None


def names_to_ask(dice, family):
    """Names of a family with what is near: (name, types that are there)."""
    asked = {}
    for zone in family:
        types = {}
        for record in zone.records:
            types.setdefault(record.owner, set()).add(record.type)
            if target := rdata_name(record):
                types.setdefault(target, set())
        for name, there in types.items():
            asked.setdefault(name, set()).update(there)
            near = [below(dice.choice(zonegen.LABELS), name), below("*", name),
                    below(dice.choice(zonegen.LABELS), below(dice.choice(zonegen.LABELS + ["*"]), name)),
                    below("zz", name)]
            if label_count(name) > 1:
                near += [parent(name), below(dice.choice(["zz", "*", "0"]), parent(name))]
            if dice.random() < 0.1:
                near.append(below("w" * 63, below("v" * dice.randint(1, 63), below("u" * 60, name))))
            for other in near:
                asked.setdefault(other, set()).update(there if dice.random() < 0.5 else ())
    return list(asked.items())


def plain(dice, name, there):
    """A well-formed question; None when the name would be too long."""
    try:
        wire = wire_name(name)
    except ValueError:
        return None
    chance = dice.random()
    if there and chance < 0.4:
        qtype = type_number(dice.choice(sorted(there)))
    elif chance < 0.98:
        qtype = type_number(dice.choice(TYPES))
    else:
        qtype = dice.choice(RARE_TYPES)
    qclass = 1 if dice.random() < 0.99 else dice.choice(CLASSES)
    flags = 0
    for bit, probability in ((RD, 0.3), (CD, 0.1), (AD, 0.1), (Z, 0.02), (RA, 0.01)):
        flags |= bit if dice.random() < probability else 0
    if dice.random() < 0.3:
        wire = other_case(dice, wire)
    tail, arcount, room = b"", 0, ROOM
    if dice.random() < 0.65:
        size = dice.choice(SIZES)
        tail, arcount, room = opt(size, 0x8000 if dice.random() < 0.3 else 0), 1, max(ROOM, min(ROOM_MAX, size))
    return Question(message(wire, qtype, qclass, flags, tail, arcount), wire, qtype, qclass,
                    dice.random() < 0.2, "plain", room)


def _pack(name, qtype, flags=0, counts=(1, 0, 0, 0), tail=b""):
    return struct.pack("!6H", 0, flags, *counts) + name + struct.pack("!2H", qtype, 1) + tail


def tsig(key, mac, tail=b"\0\0\0\0"):
    """A TSIG record (RFC 8945 §4.2), signed at some time, with the original ID 0."""
    rdata = (b"\x0bhmac-sha256\0" + struct.pack("!HIHH", 0, 1_700_000_000, 300, len(mac)) + mac + b"\0\0" + tail)
    return key + struct.pack("!HHIH", 250, 255, 0, len(rdata)) + rdata


def odd_makers(dice, name, qtype):
    """Messages that are not one plain question, by what is odd."""
    whole = _pack(name, qtype)
    cookie = struct.pack("!2H", 10, 8) + dice.randbytes(8)
    unknown = struct.pack("!2H", dice.choice([65001, 20, 999]), 3) + b"abc"
    record = name + struct.pack("!HHIH", 1, 1, 60, 4) + b"\xc0\0\2\1"
    soa = name + struct.pack("!HHIH", 6, 1, 0, 22) + b"\0\0" + struct.pack("!5I", 1, 0, 0, 0, 0)
    return {
        "no-question": lambda: _pack(b"", 0, counts=(0, 0, 0, 0))[:12],
        "no-question-edns": lambda: struct.pack("!6H", 0, 0, 0, 0, 0, 1) + opt(1232),
        "two-questions": lambda: _pack(name, qtype, counts=(2, 0, 0, 0), tail=name + struct.pack("!2H", 28, 1)),
        "opcode": lambda: _pack(name, qtype, flags=dice.choice([1, 2, 3, 6, 7, 15]) << 11),
        "opcode-edns": lambda: _pack(name, qtype, dice.choice([1, 2, 3, 6, 7, 15]) << 11, (1, 0, 0, 1), opt(1232)),
        "notify": lambda: _pack(name, 6, flags=4 << 11),
        "update": lambda: _pack(name, 6, flags=5 << 11),
        "two-opts": lambda: _pack(name, qtype, counts=(1, 0, 0, 2), tail=opt(1232) + opt(1232)),
        "opt-not-at-root": lambda: _pack(name, qtype, counts=(1, 0, 0, 1), tail=b"\1a" + opt(1232)),
        "version-1": lambda: _pack(name, qtype, counts=(1, 0, 0, 1),
                                   tail=opt(1232, version=dice.choice([1, 2, 255]))),
        "version-1-do": lambda: _pack(name, qtype, counts=(1, 0, 0, 1), tail=opt(1232, 0x8000, version=1)),
        "unknown-option": lambda: _pack(name, qtype, counts=(1, 0, 0, 1), tail=opt(1232, options=unknown)),
        "unknown-edns-flags": lambda: _pack(name, qtype, counts=(1, 0, 0, 1), tail=opt(1232, dice.choice(
            [0x4000, 0x0001, 0xc000]))),
        "opt-rcode": lambda: _pack(name, qtype, counts=(1, 0, 0, 1), tail=opt(1232, rcode=dice.choice([1, 255]))),
        "broken-option": lambda: _pack(name, qtype, counts=(1, 0, 0, 1), tail=opt(1232, options=unknown[:-1])),
        "cookie": lambda: _pack(name, qtype, counts=(1, 0, 0, 1), tail=opt(1232, options=cookie)),
        "nsid": lambda: _pack(name, qtype, counts=(1, 0, 0, 1), tail=opt(1232, options=b"\0\3\0\0")),
        "opt-missing": lambda: _pack(name, qtype, counts=(1, 0, 0, 1)),
        "opt-cut": lambda: _pack(name, qtype, counts=(1, 0, 0, 1), tail=opt(1232)[:dice.randint(1, 10)]),
        "trailing": lambda: whole + dice.randbytes(dice.randint(1, 20)),
        "trailing-edns": lambda: _pack(name, qtype, counts=(1, 0, 0, 1), tail=opt(1232) + b"\0\0"),
        "compressed-to-itself": lambda: _pack(b"\xc0\x0c", qtype),
        "compressed-forward": lambda: _pack(b"\1a\xc0\x40", qtype),
        "compressed-header": lambda: _pack(b"\1a\xc0\x04", qtype),
        "label-type": lambda: _pack(b"\x41a\0", qtype),
        "cut-name": lambda: whole[:dice.randint(12, max(12, 10 + len(name)))],
        "cut-type": lambda: whole[:-dice.randint(1, 4)],
        "name-too-long": lambda: _pack(b"\x3f" + b"x" * 63 + name if len(name) > 192 else
                                       (b"\x3f" + b"x" * 63) * 4 + name, qtype),
        "answer-in-query": lambda: _pack(name, qtype, counts=(1, 1, 0, 0), tail=record),
        "authority-in-query": lambda: _pack(name, qtype, counts=(1, 0, 1, 0), tail=record),
        "record-in-additional": lambda: _pack(name, qtype, counts=(1, 0, 0, 1), tail=record),
        "record-and-opt": lambda: _pack(name, qtype, counts=(1, 0, 0, 2), tail=record + opt(1232)),
        "ixfr": lambda: _pack(name, 251, counts=(1, 0, 1, 0), tail=soa),
        "ixfr-edns": lambda: _pack(name, 251, counts=(1, 0, 1, 1), tail=soa + opt(1232)),
        "tsig": lambda: _pack(name, qtype, counts=(1, 0, 0, 1), tail=tsig(b"\3key\0", dice.randbytes(32))),
        "tsig-edns": lambda: _pack(name, qtype, counts=(1, 0, 0, 2),
                                   tail=opt(1232) + tsig(b"\3key\0", dice.randbytes(32))),
        "tsig-not-last": lambda: _pack(name, qtype, counts=(1, 0, 0, 2), tail=tsig(b"\3key\0", b"m" * 32) + opt(1232)),
        "tsig-broken": lambda: _pack(name, qtype, counts=(1, 0, 0, 1), tail=tsig(b"\3key\0", b"m" * 32, b"")),
        "tc-set": lambda: _pack(name, qtype, flags=0x0200),
        "aa-set": lambda: _pack(name, qtype, flags=0x0400),
        "rcode-set": lambda: _pack(name, qtype, flags=dice.choice([3, 5, 15])),
        "response": lambda: _pack(name, qtype, flags=0x8000),
        "header-cut": lambda: whole[:dice.randint(1, 11)],
        "transfer": lambda: _pack(name, dice.choice([251, 252])),
    }


def odd(dice, name):
    """A message with something odd, over UDP."""
    try:
        wire = wire_name(name)
    except ValueError:
        return None
    qtype = type_number(dice.choice(TYPES[:8]))
    makers = odd_makers(dice, wire, qtype)
    kind = dice.choice(list(makers))
    made = makers[kind]()
    return Question(made, wire, qtype, 1, False, kind, ROOM_MAX if b"\0\0\x29" in made[12:] else ROOM)


def make_questions(dice, families, count):
    """`count` questions for the families; each with the number of the family that it is about."""
    made = []
    names = [names_to_ask(dice, family) for family in families]
    while len(made) < count:
        number = dice.randrange(len(families))
        name, there = dice.choice(names[number])
        question = odd(dice, name) if dice.random() < 0.03 else plain(dice, name, there)
        if question:
            made.append((number, question))
    return made
