# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories of zones: files that come, go and change, with nobody asking for a reload."""
import os
import shutil
import signal

import dns.rcode
import pytest

from ask import query, serial
from volley import own_network, small_zone, wait_until

pytestmark = [pytest.mark.fast_path, pytest.mark.release]


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with own_network(tmp_path_factory.mktemp("directories"), streams=False) as volley:
        volley.keep_state()
        volley.add_zone("listed.test.", small_zone(1))
        for name in ("one", "two"):
            (volley.directory / name).mkdir()
        volley.write_config = lambda: volley.config.write_text(config(volley))
        volley.entries = [{"directory": "one"}, {"directory": str(volley.directory / "two"), "pattern": "db.%s"}]
        for number in range(5):
            put(volley, f"z{number}.test", 1)
        (volley.directory / "two/db.other.test").write_text(small_zone(1))
        (volley.directory / "one/..zone").write_text(small_zone(1))
        volley.write_config()
        yield volley.start()


def config(volley):
    """As Volley.write_config() has it, with more entries in `zones`, relative paths among them."""
    listed = [{"name": name, "file": str(file)} for name, file in volley.zones.items()]
    return (f"control: {volley.control_settings}\ndataplane: {volley.dataplane_settings}\n"
            f"zones: {volley.entries if isinstance(volley.entries, dict) else listed + volley.entries}\n")


def put(volley, name, number, directory="one"):
    """Replaces a file by renaming."""
    new = volley.directory / "new"
    new.write_text(small_zone(number))
    new.rename(volley.directory / directory / f"{name}.zone")


def served(volley, name):
    answer = query(volley.network, name, "SOA").answer
    return answer[0][0].serial if answer else None


def wait_for(volley, name, number):
    wait_until(lambda: served(volley, name) == number, f"serial {number} of {name}")


def file_of(volley, name):
    return {zone["name"]: zone for zone in volley.ctl_json("zones")["zones"]}.get(name, {}).get("file")


def names(volley):
    return {zone["name"] for zone in volley.ctl_json("zones")["zones"]}


def test_all_are_served_from_the_start(running):
    assert {"listed.test.", "other.test.", "."} | {f"z{number}.test." for number in range(5)} == names(running)
    assert [served(running, name) for name in ("listed.test", "z0.test", "z4.test", "other.test", ".")] == [1] * 5


def test_a_file_comes_changes_and_goes(running):
    put(running, "new.test", 1)
    wait_for(running, "new.test", 1)
    with open(running.directory / "one/new.test.zone", "w") as file:
        file.write(small_zone(2))
    wait_for(running, "new.test", 2)
    put(running, "new.test", 3)
    wait_for(running, "new.test", 3)
    (running.directory / "one/new.test.zone").unlink()
    wait_until(lambda: "new.test." not in names(running), "removal")
    assert served(running, "new.test") is None  # the root answers


def test_a_removed_zone_leaves_the_image_that_it_shared(running):
    (running.directory / "one/z3.test.zone").unlink()
    wait_until(lambda: "z3.test." not in names(running), "removal")
    assert query(running.network, "z3.test", "SOA").rcode() == dns.rcode.NXDOMAIN
    assert [served(running, f"z{number}.test") for number in (0, 1, 2, 4)] == [1] * 4
    put(running, "z3.test", 1)
    wait_for(running, "z3.test", 1)


def test_a_broken_file_keeps_the_old_version(running):
    (running.directory / "one/z1.test.zone").write_text("nonsense\n")
    wait_until(lambda: running.ctl_json("status")["zones"]["failed"] == 1, "failure")
    assert served(running, "z1.test") == 1
    put(running, "z1.test", 2)
    wait_for(running, "z1.test", 2)
    assert running.ctl_json("status")["zones"]["failed"] == 0


def test_names_that_are_none(running):
    (running.directory / "one/bad..test.zone").write_text(small_zone(1))
    running.control.wait_for_log(r"one/bad\.\.test\.zone is not served: the name has an empty label")
    (running.directory / "one/listed.test.zone").write_text(small_zone(5))
    running.control.wait_for_log(r"one/listed.test.zone is not served: zone listed.test. is served from ")
    (running.directory / "one/z0.test.zone~").write_text("nonsense")
    assert serial(running.network, "listed.test.") == 1
    (running.directory / "one/bad..test.zone").unlink()
    (running.directory / "one/listed.test.zone").unlink()


def test_many_at_once(running):
    before = running.control.log().count("loaded ")
    for number in range(300):
        put(running, f"burst{number}.test", 1)
    wait_for(running, "burst299.test", 1)
    wait_until(lambda: len(names(running)) == 308, "all")
    assert running.control.log().count("loaded ") - before < 100, "gathered"
    for number in range(300):
        (running.directory / f"one/burst{number}.test.zone").unlink()
    wait_until(lambda: len(names(running)) == 8, "none")


def test_more_events_than_the_kernel_keeps(running):
    """It drops those that follow, the one of a new file among them; control looks at the whole directory then."""
    with open("/proc/sys/fs/inotify/max_queued_events", encoding="ascii") as file:
        kept = int(file.read())
    if kept > 100000:
        pytest.skip(f"this kernel keeps {kept} events")
    directory = running.directory / "one"
    running.control.popen.send_signal(signal.SIGSTOP)
    for number in range(kept + 2):  # two files in turn: the kernel joins events that are alike
        os.close(os.open(directory / f"event{number % 2}", os.O_WRONLY | os.O_CREAT))
    put(running, "unheard.test", 1)
    running.control.popen.send_signal(signal.SIGCONT)
    wait_for(running, "unheard.test", 1)
    for name in ("event0", "event1", "unheard.test.zone"):
        (directory / name).unlink()
    wait_until(lambda: "unheard.test." not in names(running), "removal")


def test_a_file_moves_to_another_directory(running):
    put(running, "moved.test", 3)
    wait_for(running, "moved.test", 3)
    for old, new in (("one/moved.test.zone", "two/db.moved.test"), ("two/db.moved.test", "two/db.MOVED.test")):
        answered = [served(running, "moved.test")]
        (running.directory / old).rename(running.directory / new)

        def has_moved(answered=answered, new=new):
            answered.append(served(running, "moved.test"))
            return str(file_of(running, "moved.test.")).endswith(new)

        wait_until(has_moved, f"the zone is read from {new}")
        answered.append(served(running, "moved.test"))
        assert set(answered) == {3}, answered
    put(running, "moved.test", 4)
    running.control.wait_for_log(r"one/moved.test.zone is not served: zone moved.test. is served from ")
    (running.directory / "two/db.MOVED.test").unlink()
    wait_for(running, "moved.test", 4)
    (running.directory / "one/moved.test.zone").unlink()
    wait_until(lambda: "moved.test." not in names(running), "removal")


def test_a_removed_zone_that_is_still_answered_is_reported(running):
    """Its image stays for a zone that does not load."""
    for number in range(8):
        put(running, f"held{number}.test", 1)
    wait_until(lambda: sum(name.startswith("held") for name in names(running)) == 8, "all")
    running.ctl("reload", "--force")
    (running.directory / "one/held0.test.zone").write_text("nonsense\n")
    wait_until(lambda: running.ctl_json("status")["zones"]["failed"] == 1, "failure")
    for number in range(1, 8):
        (running.directory / f"one/held{number}.test.zone").unlink()
    running.control.wait_for_log(r"zone held[1-7].test. was removed but is still served")
    put(running, "held0.test", 2)
    wait_for(running, "held0.test", 2)
    assert [query(running.network, f"held{number}.test").rcode() for number in range(1, 8)] == 7 * [dns.rcode.NXDOMAIN]
    (running.directory / "one/held0.test.zone").unlink()
    wait_until(lambda: not any(name.startswith("held") for name in names(running)), "removal")


def test_two_patterns_in_one_directory(running):
    before = list(running.entries)
    running.entries.append({"directory": "one", "pattern": "second.%s"})
    running.write_config()
    running.ctl("reload")
    (running.directory / "one/second.pattern.test").write_text(small_zone(1))
    wait_for(running, "pattern.test", 1)
    put(running, "pattern1.test", 1)
    wait_for(running, "pattern1.test", 1)
    for file in ("second.pattern.test", "pattern1.test.zone"):
        (running.directory / "one" / file).unlink()
    wait_until(lambda: not any(name.startswith("pattern") for name in names(running)), "removal")
    running.entries = before
    running.write_config()
    running.ctl("reload")


def test_reload_scans(running):
    """Links of a whole directory change without an event: reload finds out."""
    other = running.directory / "three"
    shutil.copytree(running.directory / "two", other)
    (other / "db.more.test").write_text(small_zone(4))
    (other / "db.other.test").write_text(small_zone(2))
    running.entries[1]["directory"] = "three"
    running.write_config()
    running.ctl("reload")
    assert (served(running, "more.test"), served(running, "other.test")) == (4, 2)
    assert served(running, "z0.test") == 1
    (other / "db.last.test").write_text(small_zone(6))
    wait_for(running, "last.test", 6)
    running.entries[1]["directory"] = "two"
    running.write_config()
    running.ctl("reload")
    assert served(running, "more.test") is None and served(running, "other.test") == 1


def test_a_directory_that_is_gone_changes_nothing(running):
    os.rename(running.directory / "two", running.directory / "away")
    result = running.ctl("reload", check=False)
    assert result.returncode == 1 and "two could not be listed: No such file" in result.stderr
    assert served(running, "other.test") == 1
    os.rename(running.directory / "away", running.directory / "two")
    running.ctl("reload")
    put(running, "z0.test", 9)
    wait_for(running, "z0.test", 9)


def test_restart_finds_changes(running):
    running.control.kill()
    put(running, "z2.test", 7)
    (running.directory / "one/z4.test.zone").unlink()
    running.start_control()
    wait_for(running, "z2.test", 7)
    assert "z4.test." not in names(running)


def test_a_directory_without_a_list(running):
    running.entries = {"directory": "one", "pattern": "%s.zone"}
    running.write_config()
    running.ctl("reload")
    assert "z0.test." in names(running) and "listed.test." not in names(running)


@pytest.mark.parametrize("entry, text", [
    ({"directory": "one", "pattern": "zone"}, "zones[0].pattern: must have %s once"),
    ({"directory": "one", "pattern": "a/%s"}, "must not have a slash"),
    ({"directory": "one", "name": "a."}, "zones[0].name: must not stand beside"),
    ({"pattern": "%s", "name": "a.", "file": "a"}, "zones[0].pattern: is of use with"),
    ({"name": "a."}, "zones[0].file: must be given"),
])
def test_bad_entries(running, tmp_path, entry, text):
    config_file = tmp_path / "volley.yaml"
    config_file.write_text(f"zones: [{entry}]\n")
    result = running.ctl("check", config_file, check=False)
    assert result.returncode == 1 and text in result.stdout


def test_check_covers_directories(running, tmp_path):
    (tmp_path / "good.test.zone").write_text(small_zone(1))
    (tmp_path / "bad.test.zone").write_text("nonsense\n")
    (tmp_path / "listed").write_text(small_zone(1))
    (tmp_path / "volley.yaml").write_text("zones: [{name: listed.test, file: listed}, {directory: .}]\n")
    result = running.ctl("check", tmp_path / "volley.yaml", check=False)
    assert result.returncode == 1 and "bad.test.zone:1: error" in result.stdout and "3 zones" in result.stdout
    (tmp_path / "bad.test.zone").unlink()
    assert "2 zones, 6 records" in running.ctl("check", tmp_path / "volley.yaml").stdout
