# SPDX-License-Identifier: GPL-3.0-or-later
"""Responses in a form in which servers are compared: names uncompressed and in lower case, records in any order."""
import struct
from collections import namedtuple

import dns.message
import dns.exception

from canonical import read_name, read_record

TC, AA, RCODE = 0x0200, 0x0400, 0x000f
NAPTR, OPT = 35, 41

# `flags` is the header's second pair of octets, `question` raw octets; the sections are sorted tuples of
# (owner, type, class, TTL, RDATA); `opt` is None or (owner, payload, extended rcode, version, flags, options).
Answer = namedtuple("Answer", "flags question answer authority additional opt octets")
Broken = namedtuple("Broken", "reason octets")


def parse_opt(record):
    owner, _, payload, ttl, rdata = record
    options, at = [], 0
    while at + 4 <= len(rdata):
        code, length = struct.unpack_from("!2H", rdata, at)
        options.append((code, rdata[at + 4:at + 4 + length]))
        at += 4 + length
    return owner, payload, ttl >> 24, ttl >> 16 & 255, ttl & 0xffff, tuple(options)


def lower_naptr(record):
    """The name at the end of NAPTR is compressed by nobody, and in lower case with some."""
    owner, rrtype, rrclass, ttl, rdata = record
    at = 4
    for _ in range(3):
        at += 1 + rdata[at]
    return owner, rrtype, rrclass, ttl, rdata[:at] + rdata[at:].lower()


def parse(message):
    """An Answer; None for no response; Broken for what is no message."""
    if message is None:
        return None
    try:
        _, flags, questions, *counts = struct.unpack_from("!6H", message)
        at, question = 12, b""
        for _ in range(questions):
            _, end = read_name(message, at)
            question += message[at:end + 4]
            at = end + 4
        sections, opts = [], []
        for count in counts:
            records = []
            for _ in range(count):
                record, at = read_record(message, at)
                record = lower_naptr(record) if record[1] == NAPTR else record
                (opts if record[1] == OPT else records).append(record)
            sections.append(tuple(sorted(records)))
        if at != len(message):
            return Broken(f"{len(message) - at} octets behind the last record", message)
        if len(opts) > 1:
            return Broken("two OPT records", message)
        return Answer(flags, question, *sections, parse_opt(opts[0]) if opts else None, len(message))
    except (struct.error, IndexError, ValueError) as error:
        return Broken(str(error), message)


def text(message):
    """A response for people."""
    if message is None:
        return "    no response"
    try:
        shown = dns.message.from_wire(message, ignore_trailing=True, raise_on_truncation=False).to_text()
    except (dns.exception.DNSException, ValueError) as error:
        shown = f"not a message ({error}): {message.hex()}"
    lines = shown.splitlines()
    if len(lines) > 40:
        lines = lines[:40] + [f"... {len(lines) - 40} more lines"]
    return "\n".join(f"    {line}" for line in lines + [f"; {len(message)} octets"])


def same(one, other):
    """Equal but for their length."""
    if isinstance(one, Answer) and isinstance(other, Answer):
        return one[:-1] == other[:-1]
    return one is None and other is None
