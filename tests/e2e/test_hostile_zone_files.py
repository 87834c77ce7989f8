# SPDX-License-Identifier: GPL-3.0-or-later
"""Zone files made to be slow or large: the time to read them grows with their size, not with its square. All take seconds; with
a loop in a loop, they would take minutes to hours."""
import subprocess

import pytest

from test_check_zone import HEAD, check_zone
from volley import VOLLEYCTL, environment

pytestmark = pytest.mark.release

LINES = 100_000
KEYS = " ".join(f"key{key}" for key in range(10, 16000))
FILES = {
    # libzscanner looks for the next LF behind an error
    "cr-alone": lambda: "".join(f"h{i} A 192.0.2.2\r" for i in range(10 * LINES)),
    "svcb-keys": lambda: "".join(f"h{i}+ SVCB 1 . {KEYS}\n" for i in range(200)),
    "svcb-keys-the-first-last": lambda: "".join(f"h{i}+ SVCB 1 . key65000 {KEYS}\n" for i in range(200)),
    "cds": lambda: "".join(f"@ CDS {i % 65536} 9 2 {i:06X}\n@ DNSKEY 256 3 8 AAAA{i:08}\n" for i in range(LINES)),
    "one-target": lambda: "".join(f"m{i} MX 1 t\nt TXT {i}\n" for i in range(LINES)),
    "one-host": lambda: "t A 192.0.2.1\n" + "".join(f"m{i} MX 1 t\nt TXT {i}\n" for i in range(LINES)),
    "one-alias-target": lambda: "".join(f"m{i} CNAME t\nt TXT {i}\n" for i in range(LINES // 4)),
}


@pytest.mark.parametrize("kind", FILES)
def test_time_is_linear(tmp_path, kind):
    zone = tmp_path / "zone"
    zone.write_text(HEAD + FILES[kind](), newline="")
    result = check_zone("example.", zone)
    assert result.returncode == 0, result.stdout[-500:]
    assert "0 errors" in result.stdout + result.stderr


def test_words_without_end(tmp_path):
    zone = tmp_path / "zone"
    zone.write_text(HEAD + "a+ NSEC b (" + " A" * (1 << 18) + "\n)\nb A oops\n")
    result = check_zone("example.", zone)
    assert result.returncode == 1
    found = result.stdout + result.stderr
    assert ":6: error: the record has more than 262,144 words" in found
    assert ":8: error: A: " in found
    assert "2 errors" in found


def test_out_of_memory_is_one_error(tmp_path):
    """Wherever it happens: in the file's text, the records, the names, or the table of names."""
    zone = tmp_path / "zone"
    zone.write_text(HEAD + "".join(f"h{i} A 192.0.2.2\n" for i in range(5 * LINES)))
    failures = 0
    for mebibytes in range(30, 130, 5):
        result = subprocess.run(["prlimit", f"--as={mebibytes << 20}", VOLLEYCTL, "check-zone", "example.", zone], check=False,
                                capture_output=True, text=True, env=environment(), timeout=120)
        failures += result.returncode == 1
        assert result.returncode == 0 or (result.stdout + result.stderr).count("out of memory") == 1, (mebibytes, result)
    assert failures > 5
