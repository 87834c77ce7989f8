# SPDX-License-Identifier: GPL-3.0-or-later
"""Responses in a form in which two servers' can be compared.

Equal are: header flags, counts, question, and in each section the same records in any order, their names
uncompressed and in lower case. OPT is compared by value, at any place in the additional section.
Nothing else is forgiven.
"""
import struct

# Types whose RDATA may hold compressed names (RFC 3597 §4): octets before the names, number of names.
NAMES_IN_RDATA = {2: (0, 1), 3: (0, 1), 4: (0, 1), 5: (0, 1), 6: (0, 2), 7: (0, 1), 8: (0, 1), 9: (0, 1), 12: (0, 1), 14: (0, 2), 15: (2, 1), 17: (0, 2), 18: (2, 1),
                  21: (2, 1), 33: (6, 1), 36: (2, 1), 39: (0, 1), 64: (2, 1), 65: (2, 1)}
# RRSIG's signer and NSEC's next name are in lower case in one server's memory, as written in another's;
# RFC 6840 §5.1 wants the latter for NSEC, so those octets are compared as they are.


def read_name(message, at):
    """The name at an offset, uncompressed and in lower case, and the offset behind it."""
    labels, end, hops = [], None, 0
    while length := message[at]:
        if length >= 0xc0:
            target = struct.unpack_from("!H", message, at)[0] & 0x3fff
            end = at + 2 if end is None else end
            hops += 1
            if target >= at or hops > 127:
                raise ValueError(f"compression pointer at {at} does not point backwards")
            at = target
            continue
        labels.append(message[at:at + length + 1].lower())
        at += length + 1
    return b"".join(labels) + b"\0", at + 1 if end is None else end


def read_record(message, at):
    """(owner, type, class, TTL, RDATA in comparable form), and the offset behind."""
    owner, at = read_name(message, at)
    rrtype, rrclass, ttl, length = struct.unpack_from("!HHIH", message, at)
    at += 10
    end = at + length
    if end > len(message):
        raise ValueError("record runs out of the message")
    before, names = NAMES_IN_RDATA.get(rrtype, (0, 0))
    rdata, at = message[at:at + before], at + before
    for _ in range(names):
        name, at = read_name(message, at)
        rdata += name
    return (owner, rrtype, rrclass, ttl, rdata + message[at:end]), end


def canonical(message):
    """The message as nested tuples, equal for equal responses; None stays None (no response)."""
    if message is None:
        return None
    _, flags, *counts = struct.unpack_from("!6H", message)
    at = 12
    question = []
    for _ in range(counts[0]):
        _, end = read_name(message, at)
        question.append(message[at:end + 4])
        at = end + 4
    sections = []
    for count in counts[1:]:
        records = []
        for _ in range(count):
            record, at = read_record(message, at)
            records.append(record)
        sections.append(tuple(sorted(records)))
    if at != len(message):
        raise ValueError(f"{len(message) - at} octets behind the last record")
    return flags, tuple(counts), tuple(question), tuple(sections)


def flags_text(flags):
    names = [name for bit, name in ((15, "qr"), (10, "aa"), (9, "tc"), (8, "rd"), (7, "ra"), (5, "ad"), (4, "cd"))
             if flags >> bit & 1]
    return f"{' '.join(names)}, opcode {flags >> 11 & 15}, rcode {flags & 15}"


def difference(ours, theirs):
    """What two canonical messages differ in, for people."""
    if ours is None or theirs is None:
        return f"no response from {'us' if ours is None else 'them'}"
    lines = []
    if ours[0] != theirs[0]:
        lines.append(f"flags: ours {flags_text(ours[0])}; theirs {flags_text(theirs[0])}")
    if ours[2] != theirs[2]:
        lines.append(f"question: ours {ours[2]}; theirs {theirs[2]}")
    for section, one, other in zip(("answer", "authority", "additional"), ours[3], theirs[3]):
        for who, records in (("ours", set(one) - set(other)), ("theirs", set(other) - set(one))):
            for owner, rrtype, _, ttl, rdata in sorted(records):
                lines.append(f"{section}: only in {who}: {owner} TYPE{rrtype} TTL {ttl} {rdata.hex()[:60]}")
        if len(one) != len(other):
            lines.append(f"{section}: {len(one)} records of ours, {len(other)} of theirs")
    return "; ".join(lines)
