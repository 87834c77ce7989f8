# SPDX-License-Identifier: GPL-3.0-or-later
"""Zone files as sets of records in wire form, as Volley reads them, and as BIND does.

A record is (owner, TTL, type, RDATA), the owner in lower case. Volley prints text, and BIND turns that into octets: its
own format "raw" has each RDATA as it is on the wire. Data in the notation of RFC 3597 are taken as they stand.
"""
import re
import struct
import subprocess
from collections import namedtuple

import dns.rdata

from volley import VOLLEYCTL, environment

Record = namedtuple("Record", "owner ttl type rdata")
Finding = namedtuple("Finding", "file line severity text")
Read = namedtuple("Read", "records findings text")  # records: None when the zone is refused

BIND_CHECKS = [word for flag in "nmMSTrW" for word in (f"-{flag}", "ignore")] + ["-i", "none", "-k", "ignore"]
RAW_HEAD = struct.Struct("!6I")  # format, version, dump time, flags, serial, last transfer
RAW_SET = struct.Struct("!IHHHIIH")  # length, class, type, covers, TTL, records, length of the owner
FINDING = re.compile(rb"^(/[^:\n]*)(?::(\d+))?: (error|warning): (.*)$")
GENERIC = re.compile(rb"^(\S+)\s(\d+)\sIN\s(\S+)\s\\# (\d+) ?([0-9a-fA-F ]*)$")
REFUSED = rb"(?m)^(?:\w+: )?%s:(\d+): (?!old style|signature has)"
# Forms of types with data that BIND refuses: numbers as struct has them, names (n), hexadecimal digits (x), and a key
# without a value (k).
FORMS = {"DS": "HBBx", "CDS": "HBBx", "TA": "HBBx", "DLV": "HBBx", "SSHFP": "BBx", "ZONEMD": "IBBx", "MD": "n",
         "MF": "n", "NS": "n", "SOA": "nnIIIII", "IPSECKEY": "BBBn", "SVCB": "Hnk"}
ROOT_HEAD = b"""$TTL 1
. SOA printed. printed. 1 1 1 1 1
. NS printed.
printed. A 192.0.2.1
"""
ROOT_LINES = ROOT_HEAD.count(b"\n")

ESCAPE = re.compile(rb"\\(\d{3}|[^\d])|(\.)|([^\\.]+)", re.DOTALL)

TYPES = {name: number for number, name in (word.split(":") for word in """
1:A 2:NS 3:MD 4:MF 5:CNAME 6:SOA 7:MB 8:MG 9:MR 10:NULL 11:WKS 12:PTR 13:HINFO 14:MINFO 15:MX 16:TXT 17:RP 18:AFSDB
19:X25 20:ISDN 21:RT 22:NSAP 23:NSAP-PTR 24:SIG 25:KEY 26:PX 27:GPOS 28:AAAA 29:LOC 30:NXT 31:EID 32:NIMLOC 33:SRV
34:ATMA 35:NAPTR 36:KX 37:CERT 38:A6 39:DNAME 40:SINK 42:APL 43:DS 44:SSHFP 45:IPSECKEY 46:RRSIG 47:NSEC 48:DNSKEY
49:DHCID 50:NSEC3 51:NSEC3PARAM 52:TLSA 53:SMIMEA 55:HIP 56:NINFO 57:RKEY 58:TALINK 59:CDS 60:CDNSKEY 61:OPENPGPKEY
62:CSYNC 63:ZONEMD 64:SVCB 65:HTTPS 66:DSYNC 67:HHIT 68:BRID 99:SPF 100:UINFO 101:UID 102:GID 103:UNSPEC 104:NID
105:L32 106:L64 107:LP 108:EUI48 109:EUI64 256:URI 257:CAA 258:AVC 259:DOA 260:AMTRELAY 261:RESINFO 262:WALLET 263:CLA
264:IPN 32768:TA 32769:DLV""".split())}
TYPES = {name: int(number) for name, number in TYPES.items()}
NAMES = {number: name for name, number in TYPES.items()}


def type_number(text):
    return TYPES[text] if text in TYPES else int(text.removeprefix("TYPE"))


def type_name(number):
    return NAMES.get(number, f"TYPE{number}")


def lower(name):
    """A name in wire form, in lower case."""
    return bytes(octet + 32 if 65 <= octet <= 90 else octet for octet in name)


def wire_name(text):
    """An absolute name as text in wire form."""
    labels, label = [], b""
    for digits, dot, plain in ((match[1], match[2], match[3]) for match in ESCAPE.finditer(text)):
        if dot:
            labels.append(label)
            label = b""
        elif digits:
            label += bytes([int(digits)]) if len(digits) == 3 else digits
        else:
            label += plain
    return b"".join(bytes([len(label)]) + label for label in labels if label) + b"\0"


def name_text(wire, origin=b"\7example\0"):
    """A name in lower case as text, every odd octet as \\DDD; relative to the origin when it is below."""
    def label_text(label):
        return "".join(chr(octet) if re.match(rb"[a-z0-9_*-]", bytes([octet])) else f"\\{octet:03d}" for octet in label)
    if wire == origin:
        return "@"
    end = wire.endswith(origin) and origin != b"\0"
    rest, labels = wire[:-len(origin)] if end else wire[:-1], []
    while rest:
        labels.append(label_text(rest[1:1 + rest[0]]))
        rest = rest[1 + rest[0]:]
    return ".".join(labels) + ("" if end else ".")


def raw_records(octets):
    """The records of a zone in BIND's format "raw", and how many stand there twice."""
    at, found = RAW_HEAD.size, []
    while at < len(octets):
        _, _, rrtype, _, ttl, count, length = RAW_SET.unpack_from(octets, at)
        at += RAW_SET.size
        owner = lower(octets[at:at + length])
        at += length
        for _ in range(count):
            size, = struct.unpack_from("!H", octets, at)
            found.append(Record(owner, ttl, rrtype, octets[at + 2:at + 2 + size]))
            at += 2 + size
    return found


def read_with_bind(origin, file):
    """The zone as BIND reads it."""
    done = subprocess.run(["named-compilezone", *BIND_CHECKS, "-F", "raw", "-o", "/dev/stdout", origin, file.name],
                          cwd=file.parent, capture_output=True, check=False, env=environment())
    records = frozenset(raw_records(done.stdout)) if done.returncode == 0 else None
    return Read(records, [], done.stderr)


def print_with_volley(origin, file):
    """(taken, lines that are records, findings), as volleyctl shows them."""
    done = subprocess.run([VOLLEYCTL, "check-zone", "--print", origin, str(file)], cwd=file.parent,
                          capture_output=True, check=False, env=environment())
    assert done.returncode in (0, 1), f"volleyctl ended with {done.returncode}: {done.stderr.decode()}"
    findings = []
    for match in map(FINDING.match, (done.stdout + done.stderr).split(b"\n")):
        if match:
            findings.append(Finding(match[1].decode(), int(match[2] or 0), match[3].decode(),
                                    match[4].decode(errors="backslashreplace")))
    lines = [line for line in done.stdout.split(b"\n") if line and not FINDING.match(line)]
    return done.returncode == 0, lines, findings


def generic_record(line):
    """The record of a line in the notation of RFC 3597, or None."""
    match = GENERIC.match(line)
    if not match:
        return None
    rdata = bytes.fromhex(match[5].decode())
    assert len(rdata) == int(match[4]), line
    return Record(lower(wire_name(match[1])), int(match[2]), type_number(match[3].decode()), rdata)


def own_record(line):
    """The record of a line that BIND would not take where it stands."""
    owner, ttl, _, rrtype, *words = line.split()
    number, rdata = type_number(rrtype.decode()), b""
    if rrtype.decode() not in FORMS or len(words) < len(FORMS[rrtype.decode()]):
        rdata = dns.rdata.from_text(1, number, b" ".join(words).decode()).to_wire()
        return Record(lower(wire_name(owner)), int(ttl), number, rdata)
    for kind in FORMS[rrtype.decode()]:
        if kind == "n":
            rdata += wire_name(words.pop(0))
        elif kind == "k":
            rdata += {b"no-default-alpn": b"\0\2\0\0"}[words.pop(0)]
        elif kind == "x":
            rdata += bytes.fromhex(b"".join(words).decode())
        else:
            rdata += struct.pack("!" + kind, int(words.pop(0)))
    return Record(lower(wire_name(owner)), int(ttl), number, rdata)


def is_of_head(record):
    return record.ttl == 1 and (record.owner, record.type) in ((b"\0", 6), (b"\0", 2), (b"\7printed\0", 1))


def printed_records(file, lines):
    """The records of printed lines: in RFC 3597's notation, as BIND reads them, and those that BIND takes for invalid.
    BIND reads them as the inside of the root zone, where it expects nothing of them."""
    found = {}
    for line in lines:
        owner, _, _, rrtype, *_ = line.split()
        known = rrtype == b"SOA" or rrtype == b"NS" and (owner == b"." or owner.startswith(b"*."))
        record = own_record(line) if known else generic_record(line)
        if record:
            found[line] = record
    left = [line for line in lines if line not in found]
    while True:  # each time with fewer lines
        file.write_bytes(ROOT_HEAD + b"".join(line + b"\n" for line in left))
        bind = read_with_bind(".", file)
        if bind.records is not None:
            return [*found.values(), *(record for record in bind.records if not is_of_head(record))]
        told = {int(number) - ROOT_LINES for number in re.findall(REFUSED % re.escape(file.name.encode()), bind.text)}
        odd = {line: own_record(line) for number, line in enumerate(left, 1) if number in told}
        assert odd, f"BIND does not take what was printed: {bind.text.decode(errors='replace')}"
        found |= odd
        left = [line for line in left if line not in odd]


def read_with_volley(origin, file):
    """The zone as Volley reads and prints it; no record may be printed twice."""
    taken, lines, findings = print_with_volley(origin, file)
    if not taken:
        return Read(None, findings, b"")
    text = b"\n".join(lines)
    records = printed_records(file.with_name(file.name + ".printed"), lines)
    assert len(set(records)) == len(lines), f"a record is printed twice: {text.decode()}"
    return Read(frozenset(records), findings, text)
