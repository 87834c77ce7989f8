# SPDX-License-Identifier: GPL-3.0-or-later
"""volleyctl check-zone --print, record by record as named-checkzone -D has it, or for a reason that zone_differences.md
gives: on all zone files at hand, and on random records of every type in every legal spelling.

    VOLLEY_SEED=N        the seed; else a new one each time, which is printed
    VOLLEY_SPELLINGS=N   records of each type, 120 by default
"""
import os
import random
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import peers
import zone_differences
import zone_fields
import zone_mixed
import zone_spelling
import zone_text
import zone_wire
import zonegen
from volley import ROOT, environment

pytestmark = pytest.mark.skipif(not peers.PROGRAMS["bind"], reason="BIND is not installed")
PER_ZONE = 12  # records of each type in a zone
FUZZED = 100  # files of the fuzzer's corpus; all of them with VOLLEY_HEAVY
FAMILIES = 10
MIXED, MIXED_LINES = 60, 100
SHOWN = 6
WORKERS = 4  # which wait for other programs


def zone_files(dice):
    """(origin, file): those of the repository, with a sample of the fuzzer's, and those of the peers' packages."""
    zones = ROOT / "tests/conformance/zones"
    found = [("example.", ROOT / "config/zones/example.zone"),
             ("2.0.192.in-addr.arpa.", ROOT / "config/zones/2.0.192.zone"), ("uri.arpa.", zones / "rfc8976-a4.zone"),
             ("conformance.test.", zones / "conformance.zone")]
    found += [("example.", zones / f"rfc8976-a{number}.zone") for number in (1, 2, 3)]
    found += [(origin, file) for origin, file in (
        ("0.in-addr.arpa.", "db.0"), ("127.in-addr.arpa.", "db.127"), ("255.in-addr.arpa.", "db.255"),
        ("empty.", "db.empty"), ("localhost.", "db.local"))]
    corpus = sorted((ROOT / "tests/fuzz/corpus/zone").iterdir())
    found += [("z.", file) for file in (corpus if os.environ.get("VOLLEY_HEAVY") else dice.sample(corpus, FUZZED))]
    return [(origin, Path("/etc/bind") / file if isinstance(file, str) else file) for origin, file in found]


def new_dice():
    seed = int(os.environ.get("VOLLEY_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"seed {seed}")
    return seed, random.Random(seed)


def compare(origin, file):
    """The rows that explain the differences of a zone file; and lines that show those that none explains."""
    case = zone_differences.Case(origin, file.read_bytes(), zone_wire.read_with_volley(origin, file),
                                 zone_wire.read_with_bind(origin, file))
    return zone_differences.explain(case)


def test_table_is_rendered():
    """zone_differences.md shows the rows as they are."""
    assert (Path(__file__).parent / "zone_differences.md").read_text() == zone_differences.table(), (
        "make it anew: tests/conformance/zone_differences.py > tests/conformance/zone_differences.md")


def require_explained(done, what, note):
    """`done`: (file, the rows used, lines that no row explains) of each comparison."""
    rows = Counter(row for _, used, _ in done for row in used)
    left = ["\n".join([f"{file}:", *lines[:SHOWN]]) for file, _, lines in done if lines]
    note(f"{what}; rows used: " + ", ".join(f"{row} {times}" for row, times in rows.most_common()))
    assert not left, f"{what}: {len(left)} that no row explains\n" + "\n\n".join(left[:SHOWN])


def test_files(note, tmp_path):
    def compared(numbered):
        number, (origin, file) = numbered
        copy = tmp_path / f"{number}.zone"
        copy.write_bytes(file.read_bytes())
        return file, *compare(origin, copy)

    seed, dice = new_dice()
    files = [(origin, file) for origin, file in zone_files(dice) if file.exists()]  # packages may be missing
    for family in zonegen.make_families(dice, FAMILIES):
        for zone in family:
            files.append((zone.origin, tmp_path / f"random{len(files)}"))
            files[-1][1].write_text(zone.text())
    with ThreadPoolExecutor(WORKERS) as pool:
        done = list(pool.map(compared, enumerate(files)))
    require_explained(done, f"seed {seed}: {len(files)} zone files", note)


def test_mixed(note, tmp_path):
    """Plain and odd lines, directives and included files in any order."""
    def compared(number):
        directory = tmp_path / str(number)
        directory.mkdir()
        zone = zone_mixed.Mixed(random.Random(seed + number), "zone", MIXED_LINES)
        for name, text in zone.files.items():
            (directory / name).write_bytes((zone_text.HEAD if name == "zone" else b"") + text)
        return directory / "zone", *compare("example.", directory / "zone")

    seed, _ = new_dice()
    with ThreadPoolExecutor(WORKERS) as pool:
        done = list(pool.map(compared, range(MIXED)))
    require_explained(done, f"seed {seed}: {MIXED} zones of mixed lines", note)


@pytest.mark.skipif(not peers.PROGRAMS["nsd"], reason="NSD is not installed")
def test_nsd_reads_all(tmp_path):
    """Records of every type are printed in a form that NSD reads, too."""
    seed, dice = new_dice()
    file = tmp_path / "zone"
    file.write_bytes(zone_text.HEAD + zone_spelling.make(dice, PER_ZONE).text)
    taken, lines, findings = zone_wire.print_with_volley("example.", file)
    assert taken, findings
    file.write_bytes(b"".join(line + b"\n" for line in lines))
    done = subprocess.run(["nsd-checkzone", "example.", file], capture_output=True, check=False, env=environment())
    errors = [line for line in (done.stdout + done.stderr).decode(errors="replace").split("\n") if "error:" in line]
    assert done.returncode == 0, f"seed {seed}, {file}:\n" + "\n".join(errors[:SHOWN])


def test_spellings(note, tmp_path):
    seed, dice = new_dice()
    per_type, records = int(os.environ.get("VOLLEY_SPELLINGS") or 120), 0
    for _ in range(-(-per_type // PER_ZONE)):
        zone = zone_spelling.make(dice, min(PER_ZONE, per_type))
        file = tmp_path / "zone"
        file.write_bytes(zone_text.HEAD + zone.text)
        meant = zone.records | zone_text.HEAD_RECORDS
        for name, read in (("Volley", zone_wire.read_with_volley("example.", file)),
                           ("BIND", zone_wire.read_with_bind("example.", file))):
            errors = [finding for finding in read.findings if finding.severity == "error"]
            assert read.records is not None, (
                f"seed {seed}: {name} refuses {file}: {errors[:SHOWN]}{read.text.decode(errors='replace')}")
            assert read.records == meant, f"seed {seed}: {name}, {file}:\n" + "\n".join(
                zone_differences.lines_of(read.records, meant, name, "the intended")[:SHOWN])
        records += len(meant)
    note(f"seed {seed}: {records} records of {len(zone_fields.FIELDS)} types")
