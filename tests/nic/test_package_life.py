# SPDX-License-Identifier: GPL-3.0-or-later
"""The Debian package under systemd on Debian's own kernel: tests/e2e/test_package.py, inside a guest."""
import sys
import tempfile
from pathlib import Path

import pytest

from kernels import CACHE, Kernel
from machine import Machine
from package import build_both
from volley import BUILD, ROOT

pytestmark = [pytest.mark.alone, pytest.mark.heavy, pytest.mark.release]

MEMORY_MIB = 3000
LIFE_SECONDS = 900
PERIOD_SECONDS = 0.02
COMMAND = ["-B", "-m", "pytest", "-c", ROOT / "tests/pytest.ini", "-q", "-p", "no:cacheprovider",
           ROOT / "tests/e2e/test_package.py", "-k", "life"]


@pytest.fixture
def packages():
    """Where they are; a guest has a /tmp of its own."""
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as name:
        build_both(Path(name))
        yield name


def test_life(packages, note):
    machine = Machine(Kernel("6.1"), memory_mib=MEMORY_MIB)
    try:
        machine.output("modprobe", "veth")
        result = machine.run(sys.executable, *COMMAND, seconds=LIFE_SECONDS, cwd=ROOT, env={
            "VOLLEY_PACKAGES": packages, "VOLLEY_BUILD": str(BUILD),
            "VOLLEY_PERIOD_SECONDS": str(PERIOD_SECONDS)})
    finally:
        machine.close()
    text = result.stdout + result.stderr
    assert result.returncode == 0 and "1 passed" in text, text[-3000:]
    for line in text.splitlines():
        if line.startswith("note: "):
            note(f"Linux 6.1, package, {line.removeprefix('note: ')}")
