# SPDX-License-Identifier: GPL-3.0-or-later
"""One XDP program for all kernels: Debian's load it, and it gives the verdicts that native code gives."""
import re

import pytest

from kernels import PACKAGES, Kernel, Unavailable
from machine import Machine
from volley import BUILD

pytestmark = pytest.mark.alone

UNIT_TEST = BUILD / "tests/unit/dataplane/test_dataplane_xdp_program"
# Without KVM, on a busy machine.
UNIT_TEST_SECONDS = 400
TESTS_MIN = 8


@pytest.fixture(params=PACKAGES)
def guest(request):
    try:
        machine = Machine(Kernel(request.param))
    except Unavailable as error:
        pytest.skip(str(error))
    yield machine
    machine.close()


def test_unit_test_passes(guest, note):
    """None of its tests is skipped, and among them is one that limits the verifier's work."""
    result = guest.run(UNIT_TEST, "--jobs=1", f"--timeout={UNIT_TEST_SECONDS}", seconds=UNIT_TEST_SECONDS)
    text = re.sub(r"\x1b\[[\d;]*m", "", result.stdout + result.stderr)
    assert result.returncode == 0, text[-2000:]
    tested, passing = re.search(r"Tested: (\d+) \| Passing: (\d+)", text).groups()
    assert int(tested) == int(passing) >= TESTS_MIN, text[-2000:]
    (instructions,) = re.findall(r"^verified instructions: (\d+)$", text, re.MULTILINE)
    note(f"XDP program on Linux {guest.kernel.release}: {instructions} verified instructions")
