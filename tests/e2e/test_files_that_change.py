# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are cut, written on or replaced while they are read: an error or a whole version, and nobody dies."""
import os
import shutil
import subprocess
import time

import pytest

from ask import serial
from volley import VOLLEYCTL, environment, small_zone

ZONE = "big.test."
LINES = 2_000_000
CHANGED = "the file changed while it was being read"

# The fuzz targets reach what reads files with sanitizers.
pytestmark = pytest.mark.release


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A file of some 60 MB, with serial 2."""
    file = tmp_path_factory.mktemp("original") / "zone"
    with open(file, "w") as out:
        out.write(small_zone(2))
        for start in range(0, LINES, 10_000):
            out.write("".join(f"host{i} IN A 198.51.{i >> 8 & 255}.{i & 255}\n" for i in range(start, start + 10_000)))
    return file


def has_open(pid, file):
    try:
        return any(os.readlink(entry.path) == str(file) for entry in os.scandir(f"/proc/{pid}/fd"))
    except OSError:
        return False  # closed while we looked


def wait_until_open(process, file):
    """Until the program has the file open, or has ended."""
    deadline = time.monotonic() + 60
    while not has_open(process.pid, file) and process.poll() is None:
        assert time.monotonic() < deadline


def wait_until_read(process, file):
    """Until it has been closed again: from now on it is parsed."""
    wait_until_open(process, file)
    deadline = time.monotonic() + 60
    while has_open(process.pid, file) and process.poll() is None:
        assert time.monotonic() < deadline


def cut(file, original):
    del original
    os.truncate(file, 0)


def cut_a_little(file, original):
    del original
    os.truncate(file, file.stat().st_size - 1)


def grow(file, original):
    del original
    with open(file, "ab") as out:
        out.write(b"more A 192.0.2.1\n")


def copy_over(file, original):
    shutil.copyfile(original, file)


def rename_over(file, original):
    shutil.copyfile(original, file.with_suffix(".new"))
    file.with_suffix(".new").rename(file)


HARMS = [cut, cut_a_little, grow, copy_over, rename_over]


def check_zone(zone, file):
    return subprocess.Popen([VOLLEYCTL, "check-zone", zone, str(file)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True, env=environment())


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("wait", [wait_until_open, wait_until_read], ids=["read", "parsed"])
def test_check_zone(tmp_path, original, harm, wait):
    file = tmp_path / "zone"
    shutil.copyfile(original, file)
    process = check_zone(ZONE, file)
    wait(process, file)
    harm(file, original)
    said = process.communicate()[0]
    assert process.returncode in (0, 1), said
    if process.returncode == 1:
        assert harm is not rename_over and f"{file}: {CHANGED}" in said
    if wait is wait_until_read:
        assert process.returncode == 0, "it had been read"


def test_included_file(tmp_path, original):
    """The place of the $INCLUDE is named."""
    included = tmp_path / "included"
    zone = tmp_path / "zone"
    zone.write_text(small_zone(1) + "$INCLUDE included\n")
    for _ in range(20):
        shutil.copyfile(original, included)
        with open(included, "r+") as text:
            text.write("$TTL 0001\n;")
        process = check_zone(ZONE, zone)
        wait_until_open(process, included)
        cut(included, original)
        said = process.communicate()[0]
        assert process.returncode in (0, 1), said
        if CHANGED in said or "the file is empty" in said:
            assert f"{zone}:5: " in said and str(included) in said
            return
    pytest.fail("it was never cut while it was read")


@pytest.mark.parametrize("harm", HARMS)
def test_reload_of_a_running_server(volley, original, harm):
    """It goes on answering, from the old version or from the whole new one."""
    file = volley.zone_file(ZONE)
    volley.add_zone(ZONE, small_zone(1))
    volley.add_zone("other.", small_zone(1))
    volley.start()
    assert serial(volley.network, ZONE) == 1
    shutil.copyfile(original, file)
    process = subprocess.Popen([VOLLEYCTL, "--socket", str(volley.control_socket), "reload", ZONE], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment())
    wait_until_open(volley.control.popen, file)
    harm(file, original)
    said = process.communicate()[0]
    assert process.returncode in (0, 1), said
    assert volley.control.running()
    assert serial(volley.network, ZONE) == (2 if process.returncode == 0 else 1)
    assert process.returncode == 0 or (CHANGED in said and str(file) in said)
    rename_over(file, original)
    volley.ctl("reload", ZONE)
    assert serial(volley.network, ZONE) == 2


def test_deny_file(volley):
    """A list that is cut while it is read is no list with fewer prefixes."""
    denied = volley.directory / "denied"
    whole = "".join(f"10.{i >> 8}.{i & 255}.0/24\n" for i in range(65536))
    denied.write_text(whole)
    volley.other_settings["defence"] = {"deny-file": "denied"}
    volley.add_zone("test.", small_zone(1))
    volley.start()
    deadline = time.monotonic() + 60
    while not volley.ctl_json("defence", "show")["in_force"]:
        assert time.monotonic() < deadline
    for _ in range(30):
        denied.write_text(whole)
        process = subprocess.Popen([VOLLEYCTL, "--socket", str(volley.control_socket), "reload"], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment())
        while not has_open(volley.control.pid, denied) and process.poll() is None:
            pass
        os.truncate(denied, len(whole) // 2)
        said = process.communicate()[0]
        if process.returncode == 1:
            assert CHANGED in said
            break
    in_force = volley.ctl_json("defence", "show")["prefixes"]["in_force"]["deny"]
    assert in_force in (65536, 32768)
    assert process.returncode == 0 or in_force == 65536


def test_deny_file_that_can_not_be_read_at_the_start(volley):
    """The zones are served without it, and the status says so until it has been read."""
    volley.other_settings["defence"] = {"deny-file": "denied"}
    volley.add_zone("test.", small_zone(1))
    volley.start()
    trouble = "the prefixes of defence.deny-file are not denied"
    assert [each for each in volley.ctl_json("status")["trouble"] if trouble in each]
    assert trouble in volley.ctl("status").stdout and trouble in volley.ctl("defence", "show").stdout
    assert volley.ctl("reload", check=False).returncode == 1
    assert trouble in volley.ctl("status").stdout
    (volley.directory / "denied").write_text("203.0.113.0/24\n")
    volley.ctl("reload")
    assert trouble not in volley.ctl("status").stdout
    assert volley.ctl_json("defence", "show")["prefixes"]["in_force"]["deny"] == 1
