# SPDX-License-Identifier: GPL-3.0-or-later
"""A store that can't be written: updates are refused with SERVFAIL, log and status say why, answers go on, and what the
reason names cures it."""
import os
import shutil
import struct
import subprocess
from contextlib import contextmanager
from pathlib import Path

import dns.query
import dns.rcode
import dns.tsig
import dns.update
import pytest

from ask import query, serial
from net import SERVER4
from volley import own_network, small_disk, small_zone, wait_until

pytestmark = pytest.mark.release

ZONE = "living.test."
SECRET = "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY="
KEY = dns.tsig.Key("k.", SECRET, "hmac-sha256.")


@pytest.fixture
def volley(tmp_path):
    with own_network(tmp_path) as made:
        made.keep_state()
        made.spare_clients()
        made.control_settings["image-cache"] = "off"
        made.other_settings["keys"] = [{"name": "k.", "secret": SECRET}]
        made.zone_settings[ZONE] = {"update": [{"key": "k."}]}
        made.add_zone(ZONE, small_zone(1, "www A 192.0.2.10"))
        made.add_zone("file.test.", small_zone(1))
        yield made


def text(strings):
    return " ".join(["x" * 200] * strings)


def update(volley, strings=1):
    """Adds a record of so many strings by dynamic update; its RCODE."""
    update.number = getattr(update, "number", 0) + 1
    message = dns.update.UpdateMessage(ZONE)
    message.add(f"r{update.number}", 60, "TXT", text(strings))
    message.use_tsig({KEY.name: KEY}, keyname=KEY.name, algorithm=KEY.algorithm)
    with volley.network.client.entered():
        return dns.rcode.to_text(dns.query.tcp(message, SERVER4, timeout=10).rcode())


def refusals(volley):
    return [text for text in volley.request(command="status")["trouble"] if "changes of living zones are refused" in text]


def check_refused(volley, reason, strings=1):
    """Updates fail, by whatever way they come, for a reason that is said once; and answers go on."""
    before = serial(volley.network, ZONE)
    assert update(volley, strings) == "SERVFAIL"
    failed = volley.ctl("zone", "set", ZONE, "new", "TXT", text(strings), check=False)
    assert failed.returncode == 1 and reason in failed.stdout + failed.stderr
    assert [reason in text for text in refusals(volley)] == [True], refusals(volley)
    assert volley.control.log().count("changes of living zones are refused") == 1, volley.control.log()
    assert reason in volley.control.log()
    assert serial(volley.network, ZONE) == before
    assert query(volley.network, f"www.{ZONE}").answer and query(volley.network, f"new.{ZONE}").rcode() == 3


def check_cured(volley):
    before = serial(volley.network, ZONE)
    assert update(volley) == "NOERROR"
    assert serial(volley.network, ZONE) == before + 1
    assert not refusals(volley)


@contextmanager
def failing_disk(directory, image):
    """A file system that becomes read-only when the kernel finds an error; yields how to have it find one, and how to
    mount a copy in its place."""
    def mount(image):
        subprocess.run(["mount", "-o", "loop,errors=remount-ro", image, directory], check=True)
        source = subprocess.run(["findmnt", "-no", "SOURCE", directory], check=True, capture_output=True, text=True)
        return Path("/sys/fs/ext4") / Path(source.stdout.strip()).name / "trigger_fs_error"

    def mount_copy():
        subprocess.run(["umount", "-l", directory], check=True)
        shutil.copy(image, f"{image}.copy")
        mount(f"{image}.copy")

    if not shutil.which("mkfs.ext4"):
        pytest.skip("mkfs.ext4 (e2fsprogs) is missing")
    directory.mkdir()
    with open(image, "wb") as file:
        file.truncate(8 << 20)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    try:
        trigger = mount(image)
    except subprocess.CalledProcessError:
        pytest.skip("no file systems in files (loop devices) here")
    try:
        if not os.access(trigger, os.W_OK):
            pytest.skip(f"{trigger} can't be written here")
        yield lambda: trigger.write_text("1"), mount_copy
    finally:
        subprocess.run(["umount", "-l", directory], check=True)


def test_a_disk_that_becomes_read_only(volley):
    with failing_disk(volley.state, volley.directory / "disk.img") as (fail, mount_copy):
        volley.start()
        assert update(volley) == "NOERROR"
        fail()
        check_refused(volley, "mount the file system for writing")
        mount_copy()
        wait_until(lambda: update(volley) == "NOERROR", "a change")
        check_cured(volley)
        volley.control.stop()


@pytest.mark.heavy
def test_a_disk_that_is_read_only_at_the_start(volley):
    with small_disk(volley.state, 4096):
        volley.start()
        assert update(volley) == "NOERROR"
        number = serial(volley.network, ZONE)
        volley.control.stop()
        subprocess.run(["mount", "-o", "remount,ro", volley.state], check=True)
        volley.start_control()
        assert serial(volley.network, ZONE) == number
        check_refused(volley, "mount the file system for writing")
        subprocess.run(["mount", "-o", "remount,rw", volley.state], check=True)
        check_cured(volley)


@pytest.mark.heavy
def test_a_disk_that_is_full(volley):
    with small_disk(volley.state, 1024):
        volley.start()
        filler = volley.state / "filler"
        with open(filler, "wb") as file:
            with pytest.raises(OSError):
                while True:
                    os.write(file.fileno(), bytes(4096))
        wait_until(lambda: update(volley) == "SERVFAIL", "a refusal")
        check_refused(volley, "make room on it")
        filler.unlink()
        check_cured(volley)


def leave_pages(data, count):
    """Has the store's file end so many pages before the largest size that it may have, all pages before them lost."""
    pages = (1 << 38) // 4096
    with open(data, "r+b") as file:
        for at in (0, 4096):  # the two pages that begin the file: which one counts, changes with each commit
            file.seek(at + 16 + 24 + 2 * 48)  # head, magic to size of the map, two trees
            last, = struct.unpack("<Q", file.read(8))
            assert 0 < last < 1000
            file.seek(-8, os.SEEK_CUR)
            file.write(struct.pack("<Q", pages - count))
        file.truncate((pages - count + 1) * 4096)


def test_a_store_of_its_largest_size(volley):
    with small_disk(volley.state, 16384):
        volley.zone_settings["large.test."] = {"living": True}
        volley.add_zone("large.test.", small_zone(1, *[f"n{number} TXT {'x' * 200}" for number in range(1000)]))
        volley.start()
        assert update(volley) == "NOERROR"
        volley.control.stop()
        leave_pages(volley.state / "zones/data.mdb", 20)
        volley.start_control()
        wait_until(lambda: update(volley) == update(volley) == "SERVFAIL", "refusals")
        check_refused(volley, "remove zones", strings=100)  # for which what is free here and there does not do
        volley.remove_zone("large.test.")
        volley.ctl("reload")
        wait_until(lambda: update(volley) == "NOERROR", "a change")
        check_cured(volley)


def test_a_store_that_is_damaged_at_the_start(volley):
    volley.start()
    assert update(volley) == "NOERROR"
    number = serial(volley.network, ZONE)
    volley.control.stop()
    data = volley.state / "zones/data.mdb"
    shutil.copy(data, volley.directory / "good.mdb")
    with open(data, "r+b") as file:
        file.seek(4096 * 2)
        file.write(bytes(data.stat().st_size - 4096 * 2))
    volley.start_control()
    assert serial(volley.network, "file.test.") == 1
    wait_until(lambda: update(volley) != "NOTIMP", "control has the dataplane")
    assert update(volley) == "SERVFAIL"
    assert "the store is damaged: restore the directory from a copy" in volley.control.log()
    failed = volley.request(command="status")["failed"]
    assert [ZONE] == [zone["zone"] for zone in failed] and "the store is damaged" in failed[0]["error"]
    shutil.copy(volley.directory / "good.mdb", data)
    wait_until(lambda: volley.ctl("reload", check=False).returncode == 0, "the store is opened again")
    assert serial(volley.network, ZONE) == number
    check_cured(volley)
