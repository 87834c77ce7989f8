# SPDX-License-Identifier: GPL-3.0-or-later
"""The start-up cache: what has not changed is not read again, and nothing that happens to it costs more than reading."""
import os
import re
import shutil
import struct
import time
from contextlib import contextmanager
from pathlib import Path

import dns.rcode
import pytest

from ask import query, serial
from volley import small_disk, small_zone, wait_until

pytestmark = pytest.mark.fast_path

TEST = "test."
OTHER = "other."
VERSION_OFF = 8  # struct vly_image_header
# Names of a zone whose image takes some time to write.
MANY = 200_000


@pytest.fixture
def cached(volley):
    """Two zones, served and kept: the second one includes a file."""
    volley.keep_state()
    volley.add_zone(TEST, small_zone(1, "www A 192.0.2.10"))
    (volley.directory / "more.zone").write_text("more A 192.0.2.30\n")
    volley.add_zone(OTHER, small_zone(1, "$INCLUDE more.zone"))
    volley.start()
    kept(volley)
    return volley


def images(volley):
    return volley.state / "images"


def image_files(volley):
    return sorted(images(volley).glob("*.image"))


def kept(volley):
    """Waits until what is live is on disk."""
    return volley.control.wait_for_log(r"image cache: stored (\d+) zones? in (\d+) images?")


def restart(volley):
    """Returns how many zones came from the cache."""
    volley.control.kill()
    volley.start_control()
    return from_cache(volley)


def from_cache(volley):
    told = volley.control.wait_for_log(r"loaded \d+ of \d+ zones?, .* (\d+) zones? from the image cache")
    status = volley.ctl_json("status")
    assert status["zones"]["from_cache"] >= int(told[1])
    return int(told[1])


def address(volley, name):
    return query(volley.network, name).answer[0][0].to_text()


def rewrite(volley, name, text):
    """A new version that a stamp can tell, and that may be kept: it is older than a clock's tick when it is read."""
    volley.zone_file(name).write_text(text)
    time.sleep(0.05)


def warnings(volley):
    return [line for line in volley.control.log().splitlines() if ": warning: " in line]


def test_unchanged_zones_are_not_read_again(cached):
    assert restart(cached) == 2
    assert serial(cached.network, TEST) == serial(cached.network, OTHER) == 1
    assert query(cached.network, "more.other.").answer
    assert cached.ctl_json("status")["zones"] == {"configured": 2, "loaded": 2, "from_cache": 2, "failed": 0}
    assert not warnings(cached)


def test_restart_of_both(cached):
    cached.dataplane.kill()
    cached.control.kill()
    cached.start()
    assert from_cache(cached) == 2
    assert serial(cached.network, TEST) == 1


def test_zone_file_deleted(cached):
    """The file is named as lost, and its zone answered as before."""
    cached.zone_file(TEST).unlink()
    restart(cached)
    assert serial(cached.network, TEST) == serial(cached.network, OTHER) == 1
    assert "the previous version stays in service" in cached.control.log()
    zones = cached.ctl_json("status")["zones"]
    assert (zones["loaded"], zones["failed"]) == (2, 1)


def test_changed_zone_that_does_not_load(cached):
    rewrite(cached, TEST, "nonsense\n")
    restart(cached)
    assert serial(cached.network, TEST) == 1
    assert f"{cached.zone_file(TEST)}:1" in cached.control.log()
    rewrite(cached, TEST, small_zone(3))
    cached.ctl("reload")
    assert serial(cached.network, TEST) == 3


def test_changed_file_is_read(cached):
    rewrite(cached, TEST, small_zone(2))
    assert restart(cached) == 1
    assert serial(cached.network, TEST) == 2
    assert serial(cached.network, OTHER) == 1


def test_change_that_leaves_size_and_time(cached):
    file = cached.zone_file(TEST)
    before = file.stat()
    rewrite(cached, TEST, file.read_text().replace("192.0.2.10", "192.0.2.99"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert restart(cached) == 1
    assert address(cached, "www.test.") == "192.0.2.99"


def test_changed_include_is_read(cached):
    (cached.directory / "more.zone").write_text("more A 192.0.2.31\n")
    assert restart(cached) == 1
    assert address(cached, "more.other.") == "192.0.2.31"


def test_reload_is_kept(cached):
    rewrite(cached, TEST, small_zone(2))
    cached.ctl("reload")
    wait_until(lambda: len(re.findall("image cache: stored", cached.control.log())) == 2, "kept again")
    assert len(image_files(cached)) == 2, "the other zone is still answered from the first one"
    assert restart(cached) == 2
    assert [serial(cached.network, name) for name in (TEST, OTHER)] == [2, 1]
    kept(cached)
    cached.ctl("reload", "--force")
    wait_until(lambda: len(image_files(cached)) == 1, "the images that were replaced are gone")
    assert restart(cached) == 2


def test_an_image_with_a_replaced_version_of_a_removed_zone(cached):
    rewrite(cached, TEST, small_zone(2))
    cached.ctl("reload", TEST)
    wait_until(lambda: len(re.findall("image cache: stored", cached.control.log())) == 2, "kept again")
    cached.remove_zone(TEST)
    assert restart(cached) == 0, "both images have the removed zone"
    assert query(cached.network, TEST, "SOA").rcode() == dns.rcode.REFUSED
    assert serial(cached.network, OTHER) == 1


def test_removed_zone_is_not_answered(cached):
    cached.remove_zone(TEST)
    assert restart(cached) == 0
    assert serial(cached.network, OTHER) == 1
    assert cached.ctl_json("status")["zones"]["configured"] == 1


def test_added_zone(cached):
    cached.add_zone("new.", small_zone(7))
    assert restart(cached) == 2
    assert serial(cached.network, "new.") == 7


def damage(file, position, octets=b"\xff\xff\xff\xff"):
    with open(file, "r+b") as image:
        image.seek(position)
        image.write(octets)


@pytest.mark.parametrize("harm, reason", [
    (lambda file: damage(file, -200 + file.stat().st_size), "its checksum is wrong"),
    (lambda file: os.truncate(file, 300), "size does not match"),
    (lambda file: os.truncate(file, 0), "size does not match"),
    (lambda file: damage(file, VERSION_OFF, struct.pack("=I", 99)), "another image version"),
    (lambda file: file.unlink(), "No such file"),
    (lambda file: (file.unlink(), file.mkdir()), "directory|size does not match"),
], ids=["damaged", "truncated", "empty", "other version", "gone", "directory"])
def test_image_of_no_use_is_named_and_replaced(cached, harm, reason):
    [image] = image_files(cached)
    harm(image)
    assert restart(cached) == 0
    line = warnings(cached)[0]
    assert str(image) in line and re.search(reason, line)
    assert serial(cached.network, TEST) == serial(cached.network, OTHER) == 1
    if image.is_dir():
        return
    assert len(warnings(cached)) == 1
    kept(cached)
    assert restart(cached) == 2


def test_index_of_no_use(cached):
    index = images(cached) / "index"
    good = index.read_bytes()
    for bad in (b"", good[:-30], good.replace(b"zone 0", b"zone 9"), b"\0" * 300, good + b"end\n", os.urandom(4000)):
        cached.control.kill()
        index.write_bytes(bad)
        cached.start_control()
        assert from_cache(cached) == 0
        assert serial(cached.network, TEST) == 1
        assert len(re.findall("image cache not used: .*index: it is damaged", cached.control.log())) == 1
        kept(cached)
    assert restart(cached) == 2


@pytest.mark.parametrize("settings", [{"answers": {"any": "all"}}, {"checks": {"duplicate": "error"}}],
                         ids=["answers", "checks"])
def test_other_settings_compile_anew(cached, settings):
    cached.other_settings = settings
    assert restart(cached) == 0
    kept(cached)
    assert restart(cached) == 2


def test_other_hash_key(cached):
    cached.control.kill()
    (cached.state / "hash-key").unlink()
    cached.dataplane.kill()
    cached.start()
    assert from_cache(cached) == 0
    assert serial(cached.network, TEST) == 1


def test_off(cached):
    cached.control_settings["image-cache"] = "off"
    before = [file.stat().st_mtime_ns for file in images(cached).iterdir()]
    assert restart(cached) == 0
    rewrite(cached, TEST, small_zone(2))
    cached.ctl("reload")
    assert serial(cached.network, TEST) == 2
    assert [file.stat().st_mtime_ns for file in images(cached).iterdir()] == before


def test_full_disk(volley):
    """One line, and service as without a cache; nothing is left that takes room."""
    volley.add_zone(TEST, small_zone(1, "$GENERATE 1-2000 h$ A 192.0.2.1"))
    volley.keep_state()
    with small_disk(volley.state, 100):
        volley.start()
        volley.control.wait_for_log("image cache not written: .*No space left")
        for number in (2, 3):
            volley.zone_file(TEST).write_text(small_zone(number, "$GENERATE 1-2000 h$ A 192.0.2.1"))
            volley.ctl("reload")
            assert serial(volley.network, TEST) == number
        assert not list(images(volley).iterdir())
        assert restart(volley) == 0
        volley.control.stop()


def test_disk_that_fills_while_an_image_is_written(volley):
    """There is room for the image that is live, and not for its successor beside it."""
    def addresses(serial_number):
        return small_zone(serial_number, f"$GENERATE 1-20000 h$ A 192.0.2.{serial_number}")

    def room():
        return volley.request(command="status")["images"]["bytes"] // 1024

    volley.add_zone(TEST, addresses(1))
    volley.keep_state()
    with small_disk(volley.state, 3000):
        volley.start()
        kept(volley)
        assert 1500 < room() < 3000, "one fits, two do not"
        rewrite(volley, TEST, addresses(2))
        volley.ctl("reload")
        volley.control.wait_for_log("image cache not written: .*No space left|cache: stored(?s:.*)cache: stored")
        assert serial(volley.network, TEST) == 2
        assert not list(images(volley).glob("*.new")), "what was half written takes no room"
        for ending in ("kill", "stop"):
            getattr(volley.control, ending)()
            volley.start_control()
            from_cache(volley)
            assert serial(volley.network, TEST) == 2, "never the version before"
            assert address(volley, "h20000.test.") == "192.0.2.2"
        rewrite(volley, TEST, small_zone(3))
        volley.ctl("reload")
        wait_until(lambda: re.search(r"image cache: stored .*\n", volley.control.log()) and len(image_files(volley)) == 1,
                   "a smaller one is kept again")
        assert restart(volley) == 1
        assert serial(volley.network, TEST) == 3
        volley.control.stop()


def test_directory_that_is_a_file(volley):
    volley.add_zone(TEST, small_zone(1))
    volley.keep_state()
    volley.state.mkdir()
    images(volley).write_text("no directory")
    volley.start()
    volley.control.wait_for_log("image cache not written: ")
    assert serial(volley.network, TEST) == 1


def test_killed_while_writing(volley):
    """Whatever is on disk then, the next start serves the right version, and cleans up."""
    volley.keep_state()
    volley.add_zone(TEST, small_zone(1, f"$GENERATE 1-{MANY} h$ A 192.0.2.1"))
    volley.start_dataplane()
    for number in range(2, 5):
        rewrite(volley, TEST, small_zone(number, f"$GENERATE 1-{MANY} h$ A 192.0.2.1"))
        volley.start_control()
        wait_until(lambda: list(images(volley).glob("*.image.new")), "the image is being written")
        volley.control.kill()
        assert serial(volley.network, TEST) == number
    volley.start_control()
    assert serial(volley.network, TEST) == number
    kept(volley)
    assert len(image_files(volley)) == 1 and not list(images(volley).glob("*.new"))
    assert restart(volley) == 1
    shutil.rmtree(images(volley))
    assert restart(volley) == 0


@contextmanager
def huge_pages(cnt):
    setting = Path("/proc/sys/vm/nr_hugepages")
    before = setting.read_text()
    try:
        setting.write_text(str(cnt))
        if int(setting.read_text()) < cnt:
            pytest.skip(f"the machine gives no {cnt} huge pages")
        yield
    finally:
        setting.write_text(before)


@pytest.mark.alone
def test_image_in_huge_pages(volley):
    """A large image goes into huge pages while enough are free, and comes back into them."""
    volley.keep_state()
    volley.dataplane_settings["huge-pages"] = "off"
    volley.add_zone(TEST, small_zone(1, f"$GENERATE 1-{MANY} h$ A 192.0.2.1"))
    with huge_pages(100):
        volley.start()
        volley.control.wait_for_log("image of [0-9]+ MiB is in huge pages")
        assert serial(volley.network, TEST) == 1
        kept(volley)
        assert restart(volley) == 1
        volley.control.wait_for_log("image of [0-9]+ MiB is in huge pages")
        assert address(volley, f"h{MANY}.test.") == "192.0.2.1"
        volley.control.kill()
        volley.dataplane.kill()
    volley.start()
    volley.control.wait_for_log("image of [0-9]+ MiB is in ordinary pages")
    assert from_cache(volley) == 1
    assert address(volley, f"h{MANY}.test.") == "192.0.2.1"
