# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases that are made, not written: each octet in each place, each column, each type."""
import base64
import struct

import zone_wire
from zone_text import Case, Record
from zone_wire import NAMES, TYPES

ORIGIN = b"\7example\0"
TTL = 3600
# Octets that mean something unless a backslash is before them or quotes are around them, and line ends.
SPECIAL = b'\n\r\t "();\\'
PLAIN = bytes(octet for octet in range(1, 256) if octet not in SPECIAL)
DIGITS = b"0123456789"
KEY = bytes(range(7, 35))
KEY_TEXT = base64.b64encode(KEY)
DIGEST = bytes(range(0x31, 0x31 + 20))
LONG_DIGEST = bytes(range(0x41, 0x41 + 32))
ZONEMD_DIGEST = bytes(range(0x51, 0x51 + 48))
NEW = ("CLA", "IPN")  # newer than BIND 9.18
SIGNER = b"\1s\0"

# Fields before data in Base64 or hexadecimal digits: text, octets, the data.
BASE64_FIELDS = {
    "DNSKEY": (b"256 3 8", b"\1\0\3\10"), "CDNSKEY": (b"257 3 8", b"\1\1\3\10"), "KEY": (b"256 3 8", b"\1\0\3\10"),
    "RKEY": (b"0 3 8", b"\0\0\3\10"), "CERT": (b"1 2 8", b"\0\1\0\2\10"), "OPENPGPKEY": (b"", b""), "DHCID": (b"", b""),
    "IPSECKEY": (b"10 0 2 .", b"\12\0\2"),
    "RRSIG": (b"A 8 1 3600 20300101000000 20200101000000 1 s.",
              b"\0\1\10\1" + struct.pack("!3IH", 3600, 1893456000, 1577836800, 1) + SIGNER)}
HEX_FIELDS = {
    "DS": (b"1 8 2", b"\0\1\10\2", LONG_DIGEST), "CDS": (b"1 8 2", b"\0\1\10\2", LONG_DIGEST),
    "TA": (b"1 8 2", b"\0\1\10\2", LONG_DIGEST), "DLV": (b"1 8 2", b"\0\1\10\2", LONG_DIGEST),
    "TLSA": (b"3 1 1", b"\3\1\1", LONG_DIGEST), "SMIMEA": (b"3 1 1", b"\3\1\1", LONG_DIGEST),
    "SSHFP": (b"1 1", b"\1\1", DIGEST), "ZONEMD": (b"1 1 1", b"\0\0\0\1\1\1", ZONEMD_DIGEST)}


def owner(text):
    return bytes([len(text)]) + text + ORIGIN


def octets_of_owners():
    """Each octet in a label as it stands, behind a backslash, and as \\DDD."""
    kinds = {"plain": [(octet, bytes([octet])) for octet in PLAIN if octet != ord(".")],
             "behind-a-backslash": [(octet, b"\\" + bytes([octet])) for octet in range(1, 256)
                                    if octet not in DIGITS + b"\r\n"],
             "as-digits": [(octet, b"\\%03d" % octet) for octet in range(256)]}
    for kind, spelled in kinds.items():
        case = Case(f"octets-of-owners-{kind}", "RFC 1035 §5.1, RFC 2181 §11")
        for octet, text in spelled:
            case.lines.append(b"%d-a" % octet + text + b"b" + text + b" A 192.0.2.1")
            name = zone_wire.lower(b"%d-a" % octet + bytes([octet]) + b"b" + bytes([octet]))
            case.records.add(Record(owner(name), TTL, 1, bytes([192, 0, 2, 1])))
        yield case
        yield octets_of_targets(kind, spelled)


def octets_of_targets(kind, spelled):
    """The same in names that stand in data."""
    case = Case(f"octets-of-names-in-data-{kind}", "RFC 1035 §5.1, RFC 2181 §11")
    for octet, text in spelled:
        raw = bytes([octet])
        case.lines += [b"p%d PTR x" % octet + text + b"y.z" + text + b"w.y.",
                       b"m%d MX 10 x" % octet + text]
        case.records.add(Record(owner(b"p%d" % octet), TTL, 12, b"\3x" + raw + b"y\3z" + raw + b"w\1y\0"))
        case.records.add(Record(owner(b"m%d" % octet), TTL, 15, b"\0\12" + b"\2x" + raw + ORIGIN))
    return case


def first_octets_of_owners():
    """Each octet as the first of a line, but where it has a meaning there."""
    case = Case("first-octets-of-owners", "RFC 1035 §5.1, RFC 2181 §11")
    for octet in PLAIN:
        if octet in b".$":
            continue
        name = bytes([octet]) + b"%d" % octet
        case.lines.append(name + b" A 192.0.2.1")
        case.records.add(Record(owner(zone_wire.lower(name)), TTL, 1, bytes([192, 0, 2, 1])))
    yield case


def octets_of_strings():
    """Each octet in a string, quoted or not."""
    def case_of(kind, spelled, quote):
        case = Case(f"octets-of-strings-{kind}", "RFC 1035 §5.1")
        for octet, text in spelled:
            case.lines.append(b"t%d TXT " % octet + quote + b"a" + text + b"b" + quote)
            case.records.add(Record(owner(b"t%d" % octet), TTL, 16, b"\3a" + bytes([octet]) + b"b"))
        return case

    plain = [(octet, bytes([octet])) for octet in PLAIN]
    behind = [(octet, b"\\" + bytes([octet])) for octet in range(1, 256) if octet not in DIGITS + b"\r\n"]
    digits = [(octet, b"\\%03d" % octet) for octet in range(256)]
    quoted = [(octet, bytes([octet])) for octet in range(1, 256) if octet not in b'\r\n"\\']
    yield case_of("plain", plain, b"")
    yield case_of("behind-a-backslash", behind, b"")
    yield case_of("as-digits", digits, b"")
    yield case_of("quoted", quoted, b'"')
    yield case_of("quoted-behind-a-backslash", behind, b'"')
    yield case_of("quoted-as-digits", digits, b'"')


def split(text, at):
    return text[:at] + b" " + text[at:]


def columns():
    """Data of each type, wrapped at each column, and at all of them."""
    fields = {name: (*field, KEY, KEY_TEXT) for name, field in BASE64_FIELDS.items()}
    fields |= {name: (*field, field[2].hex().encode()) for name, field in HEX_FIELDS.items()}
    for name, (before, octets, data, text) in fields.items():
        case = Case(f"columns-of-{name.lower()}",
                    "RFC 4034 §2.2, §3.2, §5.3, RFC 4255 §3.2, RFC 6698 §2.2, RFC 8976 §2.3")
        spelled = [split(text, at) for at in range(1, len(text))]
        spelled += [b" ".join(text[at:at + 1] for at in range(len(text))),
                    b"(" + b"\n ".join(text[at:at + 5] for at in range(0, len(text), 5)) + b")",
                    b"( ; comment\n" + b" ; more\n\t".join(text[at:at + 7] for at in range(0, len(text), 7)) + b"\n)"]
        for number, data_text in enumerate(spelled):
            label = b"k%d" % number
            if name == "DS":
                case.lines.append(label + b" NS ns1")
                case.records.add(Record(owner(label), TTL, 2, b"\3ns1" + ORIGIN))
            case.lines.append(b" ".join((label, name.encode(), before, data_text)))
            case.records.add(Record(owner(label), TTL, TYPES[name], octets + data))
        yield case


def bitmap(types):
    """The types as in RFC 4034 §4.1.2."""
    windows = {}
    for rrtype in types:
        octets = windows.setdefault(rrtype >> 8, bytearray(32))
        octets[(rrtype & 255) >> 3] |= 0x80 >> (rrtype & 7)
    made = b""
    for window in sorted(windows):
        octets = bytes(windows[window]).rstrip(b"\0")
        made += bytes([window, len(octets)]) + octets
    return made


def type_lists(case, name):
    """Adds the type to lists of types and as RRSIG's type, as a mnemonic in either case and as TYPEn."""
    number = TYPES[name]
    for index, text in enumerate((name, name.lower(), f"TYPE{number}")):
        text, label = text.encode(), b"n%d-%d" % (number, index)
        case.lines += [label + b" NSEC z. " + text, b"h" + label + b" NSEC3 1 0 0 - " + b"0" * 32 + b" A " + text,
                       b"c" + label + b" CSYNC 1 1 " + text,
                       b"r" + label + b" RRSIG " + text + b" 8 1 3600 20300101000000 20200101000000 1 s. AQID"]
        for rrtype, before, rdata in (
                (47, b"", b"\1z\0" + bitmap([number])),
                (50, b"h", bytes([1, 0, 0, 0, 0, 20]) + bytes(20) + bitmap([1, number])),
                (62, b"c", b"\0\0\0\1\0\1" + bitmap([number])),
                (46, b"r", struct.pack("!H", number) + BASE64_FIELDS["RRSIG"][1][2:] + b"\1\2\3")):
            case.records.add(Record(owner(before + label), TTL, rrtype, rdata))


def mnemonics():
    """Each type of IANA's list where a type is named."""
    section = "RFC 4034 §4.2, RFC 5155 §3.3, RFC 7477 §2.1.2, RFC 3597 §5"
    known = Case("types-in-lists", section)
    unknown = Case("new-types-in-lists", section, bind="BIND does not know them")
    for name in TYPES:
        type_lists(unknown if name in NEW else known, name)
    yield known
    yield unknown
    everything = Case("all-types-in-one-list", "RFC 4034 §4.1.2")
    names = [f"TYPE{number}" if name in NEW else name for name, number in TYPES.items()]
    everything.lines.append(b"a NSEC z. " + " ".join(reversed(names)).encode() + b" TYPE65535 TYPE1")
    everything.records.add(Record(owner(b"a"), TTL, 47, b"\1z\0" + bitmap([*NAMES, 65535])))
    yield everything


def line_ends():
    """CRLF behind each kind of record that the other cases have."""
    for number, tail in enumerate((b"", b" ", b"\t", b" ; comment", b";", b" ( )", b" (", )):
        case = Case(f"crlf-{number}", "RFC 1035 §5.1")
        more = b"\r\n)" if tail.endswith(b"(") else b""
        for name, rdata, wire in ((b"A", b"192.0.2.1", bytes([192, 0, 2, 1])), (b"TXT", b'"x"', b"\1x"),
                                  (b"TXT", b"y", b"\1y"), (b"MX", b"1 m.", b"\0\1\1m\0"),
                                  (b"NSEC", b"z. A", b"\1z\0" + bitmap([1])), (b"PTR", b"a", b"\1a" + ORIGIN),
                                  (b"DHCID", b"AQID", b"\1\2\3"), (b"TYPE999", b"\\# 1 01", b"\1")):
            label = b"l%d" % len(case.lines)
            case.lines.append(label + b" " + name + b" " + rdata + tail + more + b"\r")
            case.records.add(Record(owner(label), TTL, zone_wire.type_number(name.decode()), wire))
        yield case


def large_sets():
    """An RRset that no message can hold, and the largest string."""
    case = Case("rrset-of-80000-octets", "RFC 1035 §4.2.2", warnings=[("zone", 1, "[answer-size]")])
    for number in range(5000):
        case.lines.append(b"a A 10.0.%d.%d" % divmod(number, 256))
        case.records.add(Record(owner(b"a"), TTL, 1, bytes([10, 0, *divmod(number, 256)])))
    yield case


def made():
    """All of them."""
    for maker in (octets_of_owners, first_octets_of_owners, octets_of_strings, columns, mnemonics, line_ends,
                  large_sets):
        yield from maker()
