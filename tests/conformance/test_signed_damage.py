# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed zones with one thing changed at random: Volley has a finding when BIND's dnssec-verify fails, and else none."""
import json
import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from volley import VOLLEYCTL, environment

pytestmark = pytest.mark.skipif(not shutil.which("dnssec-verify"), reason="BIND's tools are not installed")
SIGNED = Path(__file__).resolve().parents[1] / "unit/control/zone/signed"
# One algorithm each: BIND wants a signature of every algorithm of the zone, Volley one that a validator follows (RFC 6840 §5.11).
FILES = ["nsec-8", "nsec-13", "nsec-15", "nsec3-13", "nsec3-14", "optout-13"]
CHECKS = {"error", "signature-missing", "signature-invalid", "signature-expired", "nsec-chain", "nsec3-chain"}
CASES = 2000 if os.environ.get("VOLLEY_HEAVY") else 60


def damaged(lines, rnd):
    """The lines with a record removed, with another owner, or with one character of its data changed; not the last one
    before padding, some of whose bits nobody reads."""
    lines, at = list(lines), rnd.randrange(len(lines))
    fields = lines[at].split("\t")
    kind = rnd.choice(("remove", "owner", "data"))
    if kind == "remove":
        del lines[at]
        return lines
    if kind == "owner":
        fields[0] = rnd.choice(("new.", "x.y.z.", "a.")) + fields[0]
    else:
        text = list(fields[4])
        place = rnd.choice([i for i, octet in enumerate(text) if octet.isalnum() and text[i + 1:i + 2] != ["="]])
        text[place] = rnd.choice("abcdefgh0123456789")
        fields[4] = "".join(text)
    lines[at] = "\t".join(fields)
    return lines


def volley_finds(zone):
    result = subprocess.run([VOLLEYCTL, "--json", "check-zone", "example.", zone], capture_output=True, text=True,
                            env=environment(), timeout=60)
    return [finding for finding in json.loads(result.stdout)["findings"] if finding["check"] in CHECKS]


def bind_finds(zone):
    result = subprocess.run(["dnssec-verify", "-q", "-o", "example.", zone], capture_output=True, text=True, timeout=60)
    return (result.stdout + result.stderr).strip() if result.returncode else ""


def test_damage_is_found_as_bind_finds_it(tmp_path):
    seed = random.randrange(1 << 32)
    rnd = random.Random(seed)
    zone = tmp_path / "zone"
    faulty = 0
    for _ in range(CASES):
        file = rnd.choice(FILES)
        lines = damaged((SIGNED / f"{file}.zone").read_text().splitlines(), rnd)
        zone.write_text("\n".join(lines) + "\n")
        ours, theirs = volley_finds(zone), bind_finds(zone)
        assert bool(ours) == bool(theirs), f"seed {seed}, {file}: Volley {ours}; BIND {theirs!r}\n{zone.read_text()}"
        faulty += bool(ours)
    assert CASES // 2 < faulty < CASES
