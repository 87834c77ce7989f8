# SPDX-License-Identifier: GPL-3.0-or-later
"""volleyctl check-zone --print, record by record as named-checkzone -D has it, or for a reason that zone_differences.md
gives: on all zone files at hand, and on random records of every type in every legal spelling.

    VOLLEY_SEED=N        the seed; else a new one each time, which is printed
    VOLLEY_SPELLINGS=N   records of each type, 120 by default
"""
import os
import random
from collections import Counter
from pathlib import Path

import pytest

import peers
import zone_differences
import zone_spelling
import zone_text
import zone_wire
from volley import ROOT

pytestmark = pytest.mark.skipif(not peers.PROGRAMS["bind"], reason="BIND is not installed")
PER_ZONE = 12  # records of each type in a zone
SHOWN = 6


def zone_files():
    """(origin, file): those of the repository, and those of the peers' packages."""
    zones = ROOT / "tests/conformance/zones"
    found = [("example.", ROOT / "config/zones/example.zone"),
             ("2.0.192.in-addr.arpa.", ROOT / "config/zones/2.0.192.zone"), ("uri.arpa.", zones / "rfc8976-a4.zone"),
             ("conformance.test.", zones / "conformance.zone")]
    found += [("example.", zones / f"rfc8976-a{number}.zone") for number in (1, 2, 3)]
    found += [(origin, file) for origin, file in (
        ("0.in-addr.arpa.", "db.0"), ("127.in-addr.arpa.", "db.127"), ("255.in-addr.arpa.", "db.255"),
        ("empty.", "db.empty"), ("localhost.", "db.local"))]
    found += [("z.", file) for file in sorted((ROOT / "tests/fuzz/corpus/zone").iterdir())]
    return [(origin, Path("/etc/bind") / file if isinstance(file, str) else file) for origin, file in found]


def compare(origin, file):
    """The rows that explain the differences of a zone file; and lines that show those that none explains."""
    case = zone_differences.Case(origin, file.read_bytes(), zone_wire.read_with_volley(origin, file),
                                 zone_wire.read_with_bind(origin, file))
    return zone_differences.explain(case)


def test_table_is_rendered():
    """zone_differences.md shows the rows as they are."""
    assert (Path(__file__).parent / "zone_differences.md").read_text() == zone_differences.table(), (
        "make it anew: tests/conformance/zone_differences.py > tests/conformance/zone_differences.md")


def test_files(note, tmp_path):
    rows, left, count = Counter(), [], 0
    for origin, file in zone_files():
        if not file.exists():  # of a package that is not installed
            continue
        copy = tmp_path / "zone"
        copy.write_bytes(file.read_bytes())
        used, lines = compare(origin, copy)
        rows.update(used)
        count += 1
        if lines:
            left.append("\n".join([f"{file}:", *lines[:SHOWN]]))
    note(f"{count} zone files; rows used: " + ", ".join(f"{row} {times}" for row, times in rows.most_common()))
    assert not left, f"{len(left)} files that no row explains\n" + "\n\n".join(left[:SHOWN])


def test_spellings(note, tmp_path):
    seed = int(os.environ.get("VOLLEY_SEED") or random.SystemRandom().randrange(1 << 32))
    per_type = int(os.environ.get("VOLLEY_SPELLINGS") or 120)
    print(f"seed {seed}")
    dice, records = random.Random(seed), 0
    for _ in range(-(-per_type // PER_ZONE)):
        zone = zone_spelling.make(dice, min(PER_ZONE, per_type))
        file = tmp_path / "zone"
        file.write_bytes(zone_text.HEAD + zone.text)
        meant = zone.records | zone_text.HEAD_RECORDS
        for name, read in (("Volley", zone_wire.read_with_volley("example.", file)),
                           ("BIND", zone_wire.read_with_bind("example.", file))):
            assert read.records is not None, (f"seed {seed}: {name} refuses {file}: "
                                              f"{[found for found in read.findings if found.severity == 'error'][:SHOWN]}"
                                              f"{read.text.decode(errors='replace')}")
            assert read.records == meant, f"seed {seed}: {name}, {file}:\n" + "\n".join(
                zone_differences.lines_of(read.records, meant, name, "what was meant")[:SHOWN])
        records += len(meant)
    note(f"seed {seed}: {records} records of {len(zone_spelling.FIELDS)} types")
