# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of zone text and the records in it: those of zone_cases.txt.

    export PYTHONPATH=tests/lib
    python3 tests/conformance/zone_text.py --fill    writes the records of cases that have none yet, as BIND reads them
    python3 tests/conformance/zone_text.py           shows where BIND does not agree with a case
"""
import re
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import zone_wire
from zone_wire import Record

FILE = Path(__file__).parent / "zone_cases.txt"
ORIGIN = "example."
HEAD = b"""$ORIGIN example.
$TTL 3600
@ SOA ns1 hostmaster 1 3600 600 86400 300
@ NS ns1
ns1 A 192.0.2.1
"""
HEAD_LINES = HEAD.count(b"\n")
NS1 = b"\3ns1\7example\0"
HEAD_RECORDS = frozenset({
    Record(b"\7example\0", 3600, 6, NS1 + b"\12hostmaster\7example\0" + bytes.fromhex(
        "00000001 00000e10 00000258 00015180 0000012c")),
    Record(b"\7example\0", 3600, 2, NS1), Record(NS1, 3600, 1, bytes([192, 0, 2, 1]))})
OCTET = re.compile(rb"<(CR|FF|TAB|x[0-9a-f]{2})>")
OCTETS = {b"CR": b"\r", b"FF": b"\f", b"TAB": b"\t"}


@dataclass
class Case:
    """Text, and either the records that it holds or the finding for which it is refused."""
    name: str
    section: str
    origin: str = ORIGIN
    whole: bool = False  # the text has a SOA of its own
    lines: list = field(default_factory=list)
    files: dict = field(default_factory=dict)
    records: set = field(default_factory=set)
    refused: tuple = None  # file, line, words
    warnings: list = field(default_factory=list)
    bind: str = ""  # how BIND differs

    def write(self, directory):
        """Writes the files; returns that of the zone."""
        for name, lines in self.files.items():
            (directory / name).write_bytes(joined(lines))
        zone = directory / "zone"
        zone.write_bytes((b"" if self.whole else HEAD) + joined(self.lines))
        return zone

    def first_line(self):
        return 0 if self.whole else HEAD_LINES


def joined(lines):
    """Lines as the octets of a file."""
    text = b"".join(line + b"\n" for line in lines)
    return OCTET.sub(lambda match: OCTETS.get(match[1]) or bytes.fromhex(match[1][1:].decode()),
                     text).replace(b"<END>\n", b"")


def read_place(text):
    """(file, line, words) of "12 words" or "file:12 words"."""
    where, _, words = text.partition(" ")
    file, _, line = where.rpartition(":")
    return file or "zone", int(line), words


def read_record(text):
    owner, ttl, rrtype, rdata = text.split(" ", 3) if text.count(" ") > 2 else (*text.split(" "), "")
    name = owner.encode() if owner.endswith(".") else ORIGIN.encode() if owner == "@" else f"{owner}.{ORIGIN}".encode()
    return Record(zone_wire.wire_name(name), int(ttl), zone_wire.type_number(rrtype), bytes.fromhex(rdata))


def record_text(record):
    owner = zone_wire.name_text(record.owner)
    return f"{owner} {record.ttl} {zone_wire.type_name(record.type)} {record.rdata.hex()}".rstrip()


def read_line(case, line):
    """Takes a line of the file into a case; its first word says where to."""
    kind, _, text = line.partition(" ")
    if kind == ">":
        case.lines.append(text.encode())
    elif kind == "=":
        case.records.add(read_record(text))
    elif kind == "!":
        case.refused = read_place(text)
    elif kind == "?":
        case.warnings.append(read_place(text))
    elif kind == "~":
        case.bind = text
    elif kind == ":origin":
        case.origin, case.whole = text, True
    elif kind.endswith(">"):
        case.files.setdefault(kind[:-1], []).append(text.encode())
    else:
        raise ValueError(f"zone_cases.txt: {line}")


def read_file():
    """All cases of the file."""
    cases = []
    for line in FILE.read_text(encoding="utf-8").split("\n"):
        head = re.match(r"^\[([a-z0-9-]+)\] (.+)$", line)
        if head:
            cases.append(Case(head[1], head[2]))
        elif line and not line.startswith("#"):
            read_line(cases[-1], line)
    return cases


def all_cases():
    """Those of the file, and those that are made."""
    import zone_kinds  # which needs this module
    return read_file() + list(zone_kinds.made())


def bind_records(case, directory):
    """The records that BIND reads in it besides the head, or None; and the messages of BIND."""
    found = zone_wire.read_with_bind(case.origin, case.write(directory))
    if found.records is None:
        return None, found.text.decode(errors="replace")
    return found.records - (frozenset() if case.whole else HEAD_RECORDS), ""


def fill():
    """Adds the records of cases that have none; those that BIND refuses are for people to write."""
    wanted = {}
    for case in read_file():
        if case.records or case.refused or case.bind:
            continue
        with tempfile.TemporaryDirectory() as directory:
            records, told = bind_records(case, Path(directory))
        if records is None:
            print(f"{case.name}: BIND refuses it: {told}", file=sys.stderr)
        wanted[case.name] = sorted(map(record_text, records or ()))
    lines, name = [], None
    for line in FILE.read_text(encoding="utf-8").split("\n"):
        ends = not line or line[0] in "[#?~"
        if ends and wanted.get(name):
            lines += [f"= {record}" for record in wanted.pop(name)]
        if line.startswith("["):
            name = line[1:line.index("]")]
        lines.append(line)
    FILE.write_text("\n".join(lines), encoding="utf-8")


def bind_differs(case, directory):
    """The differences of BIND from the case, as lines; empty when it agrees."""
    records, told = bind_records(case, directory)
    if records is None:
        return [] if case.refused else [f"BIND refuses it: {told}"]
    if case.refused:
        return ["BIND takes it"]
    return [f"only {'BIND' if record in records else 'the case'}: {record_text(record)}"
            for record in sorted(records ^ case.records)]


def show_bind():
    """The cases that BIND sees otherwise and that do not say so."""
    for case in all_cases():
        with tempfile.TemporaryDirectory() as directory:
            lines = bind_differs(case, Path(directory))
        if bool(lines) != bool(case.bind):
            print(f"{case.name}: {lines[:6] or 'BIND agrees'}")


if __name__ == "__main__":
    fill() if sys.argv[1:] == ["--fill"] else show_bind()
