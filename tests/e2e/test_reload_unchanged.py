# SPDX-License-Identifier: GPL-3.0-or-later
"""A reload of everything reads the files that have changed, and leaves all other zones as they are."""
import json
import os

import dns.rcode
import pytest

from ask import query, serial
from volley import own_network, small_zone, wait_until

pytestmark = [pytest.mark.fast_path, pytest.mark.release]

# Within a clock tick of being written, a file may change again without a trace in its times; see VLY_FILE_TICK_NS.
TICK_NS = 20_000_000
NAMES = ["a.test.", "b.test.", "c.test."]


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with own_network(tmp_path_factory.mktemp("unchanged"), streams=False) as volley:
        write_all(volley)
        yield volley.start()


def write_all(volley):
    for name in NAMES:
        volley.add_zone(name, small_zone(1))


def settle(volley):
    """Loads all zones, from files that are old enough for their stamps to count."""
    newest = max(path.stat().st_ctime_ns for path in volley.directory.iterdir())
    wait_until(lambda: tick(volley) > newest + 2 * TICK_NS, "the file system's clock")
    assert volley.ctl_json("reload", "--force")["unchanged"] == 0


def tick(volley):
    file = volley.directory.parent / "tick"
    file.write_text("")
    return file.stat().st_ctime_ns


@pytest.fixture
def settled(running):
    write_all(running)
    settle(running)
    return running


def loads(volley):
    """When each zone was loaded, and into which image."""
    return {zone["name"]: (zone["loaded_unix_ns"], zone["image"]) for zone in volley.ctl_json("zones")["zones"]}


def test_nothing_changed(settled):
    before = loads(settled)
    reload = settled.ctl_json("reload")
    assert (reload["zones"], reload["loaded"], reload["unchanged"], reload["records"]) == (3, 3, 3, 9)
    assert loads(settled) == before
    assert "(3 unchanged)" in settled.ctl("reload").stdout
    forced = settled.ctl_json("reload", "--force")
    assert (forced["loaded"], forced["unchanged"]) == (3, 0)
    assert set(loads(settled).values()).isdisjoint(before.values())


def test_only_what_changed_is_read(settled):
    before = loads(settled)
    settled.zone_file("b.test.").write_text(small_zone(2))
    assert settled.ctl_json("reload")["unchanged"] == 2
    assert [serial(settled.network, name) for name in NAMES] == [1, 2, 1]
    after = loads(settled)
    assert {name for name in NAMES if after[name] != before[name]} == {"b.test."}


def test_a_replaced_file_of_the_same_size_and_time(settled):
    file = settled.zone_file("a.test.")
    times = file.stat()
    other = settled.directory / "other"
    other.write_text(small_zone(3))
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.rename(file)
    assert settled.ctl_json("reload")["unchanged"] == 2
    assert serial(settled.network, "a.test.") == 3


def test_a_changed_include(settled):
    include = settled.directory / "included"
    include.write_text("www A 192.0.2.7\n")
    settled.zone_file("a.test.").write_text(small_zone(1, "$INCLUDE included"))
    settle(settled)
    assert settled.ctl_json("reload")["unchanged"] == 3
    include.write_text("www A 192.0.2.8\n")
    assert settled.ctl_json("reload")["unchanged"] == 2
    include.unlink()
    assert json.loads(settled.ctl("--json", "reload", check=False).stdout)["failed"][0]["zone"] == "a.test."


def test_changed_settings_concern_every_zone(settled):
    settled.other_settings["answers"] = {"any": "all"}
    settled.write_config()
    assert settled.ctl_json("reload")["unchanged"] == 0
    del settled.other_settings["answers"]
    settled.write_config()
    assert settled.ctl_json("reload")["unchanged"] == 0
    assert settled.ctl_json("reload")["unchanged"] == 3


def test_a_zone_that_failed_is_read_again(settled):
    settled.zone_file("c.test.").write_text("nonsense\n")
    for _ in range(2):
        reload = json.loads(settled.ctl("--json", "reload", check=False).stdout)
        assert (reload["loaded"], reload["unchanged"]) == (2, 2)
    assert reload["failed"][0]["old_version"] and serial(settled.network, "c.test.") == 1


def test_a_removed_zone_takes_its_neighbours_out_of_the_image(settled):
    before = loads(settled)
    settled.remove_zone("b.test.")
    assert settled.ctl_json("reload")["unchanged"] == 2
    after = loads(settled)
    for name in ("a.test.", "c.test."):
        assert after[name][0] == before[name][0], "not loaded again"
        assert after[name][1] != before[name][1], "but copied out of the image that all three shared"
    assert query(settled.network, "b.test.", "SOA").rcode() == dns.rcode.REFUSED
    assert [serial(settled.network, name) for name in ("a.test.", "c.test.")] == [1, 1]


def test_another_file(settled):
    file = settled.directory / "elsewhere"
    file.write_text(small_zone(9))
    settled.add_zone("a.test.", file=file)
    assert settled.ctl_json("reload")["unchanged"] == 2
    assert serial(settled.network, "a.test.") == 9
