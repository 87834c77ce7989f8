# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of the state directory that can't be read may be good: they stay as they are, and nothing is dropped for them."""
import json
import os
import re
import subprocess

import pytest

from ask import query, serial
from net import CLIENT_LINK, SERVER4
from volley import CONTROL, small_zone, wait_until
from wire import Wire, dns_query, frame, ipv4, udp

DENIED = "198.51.100.0/24"
# A root that a file's mode keeps out.
WITHOUT_OVERRIDE = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")
# Descriptors with which control can't start, to those with which it can do all it has to here.
LIMITS = range(8, 40)


@pytest.fixture
def denying(volley):
    """Denies a prefix, and has all of its files in the state directory."""
    volley.keep_state()
    volley.add_zone("test.", small_zone(1))
    volley.start()
    volley.control.wait_for_log("image cache: stored 1 zone in 1 image")
    volley.ctl("defence", "deny", DENIED)
    assert dropped(volley)
    return volley


def state(volley):
    return volley.state


def contents(volley):
    """All files of the state directory, images included."""
    return {str(path.relative_to(state(volley))): path.read_bytes()
            for path in sorted(state(volley).rglob("*")) if path.is_file()}


def start_with(volley, *prefix):
    """Starts control under another program, and waits until it is ready."""
    volley.control = volley._spawn("control", [*prefix, CONTROL, "--config", volley.config])
    volley.control.wait_for_log("ready: ")


def dropped(volley):
    """Whether the XDP program drops a query from the denied prefix."""
    before = volley.xdp_verdicts()["denied"]
    wire = Wire(volley.network, CLIENT_LINK)
    wire.send(frame(volley.network, ipv4("198.51.100.7", SERVER4, udp("198.51.100.7", SERVER4, dns_query("test.")))))
    wire.close()
    return volley.xdp_verdicts()["denied"] - before == 1


def in_force(volley):
    return volley.ctl_json("defence", "show")["in_force"]


def trouble(volley):
    return "\n".join(volley.ctl_json("status")["trouble"])


def expect_kept(volley, file, reason):
    """The denial is in force, the file is as it was, it is said why, and no change is made."""
    assert dropped(volley)
    assert re.search(rf"can't be read: \S*{file}: .*{reason}.*changes are refused", trouble(volley))
    assert "problem    the run-time settings can't be read" in volley.ctl("status").stdout
    assert len(re.findall("can't be read", volley.control.log())) == 1, "said more than once"
    for arguments in (("defence", "deny", "203.0.113.0/24"), ("defence", "forget", DENIED), ("cookies", "roll")):
        result = volley.ctl(*arguments, check=False)
        assert result.returncode == 1 and reason in result.stderr
    assert query(volley.network, "test.", "SOA").answer
    assert dropped(volley)


def expect_as_before(volley, before):
    """All is in force again, without another start, and changes are kept."""
    wait_until(lambda: in_force(volley), "in force")
    assert trouble(volley) == ""
    assert volley.ctl_json("defence", "show")["prefixes"]["entries"] == [{"prefix": DENIED, "action": "deny"}]
    assert dropped(volley)
    after = contents(volley)
    assert after["defence.json"] == before["defence.json"]
    assert not [name for name in after if "damaged" in name]
    volley.ctl("defence", "deny", "203.0.113.0/24")
    assert "203.0.113.0/24" in (state(volley) / "defence.json").read_text()


def test_state_that_may_not_be_read(denying):
    """Denied by its mode, and healed by giving it back."""
    before = contents(denying)
    denying.control.kill()
    (state(denying) / "defence.json").chmod(0)
    start_with(denying, *WITHOUT_OVERRIDE)
    expect_kept(denying, "defence.json", "Permission denied")
    (state(denying) / "defence.json").chmod(0o600)
    expect_as_before(denying, before)


def test_state_of_another_release(denying):
    """A downgrade, and the upgrade that follows it, keep the denials."""
    before = contents(denying)
    file = state(denying) / "defence.json"
    denying.control.kill()
    newer = json.dumps(json.loads(file.read_text()) | {"version": 2, "novelty": [1]})
    file.write_text(newer)
    denying.start_control()
    expect_kept(denying, "defence.json", "another release")
    assert file.read_text() == newer
    denying.control.kill()
    file.write_bytes(before["defence.json"])
    denying.start_control()
    expect_as_before(denying, before)


def test_setting_of_another_release(denying):
    """The denials are in force even in a dataplane that has just been started, and the setting is not lost."""
    file = state(denying) / "defence.json"
    denying.control.kill()
    denying.dataplane.kill()
    newer = json.loads(file.read_text())
    newer["set"]["novel.rate"] = {"value": "5", "until": 4000000000}
    file.write_text(json.dumps(newer))
    denying.start()
    wait_until(lambda: in_force(denying), "in force")
    assert "novel.rate" in trouble(denying)
    assert dropped(denying)
    denying.ctl("defence", "deny", "203.0.113.0/24")
    assert json.loads(file.read_text())["set"] == newer["set"]


def test_directory_and_fifo_in_its_place(denying):
    """Neither blocks the start nor is taken for damage."""
    before = contents(denying)
    file = state(denying) / "defence.json"
    for make, remove in ((os.mkdir, os.rmdir), (os.mkfifo, os.unlink)):
        denying.control.kill()
        file.unlink()
        make(file)
        denying.start_control()
        expect_kept(denying, "defence.json", "not a regular file")
        remove(file)
        file.write_bytes(before["defence.json"])
        wait_until(lambda: in_force(denying), "in force")
        assert dropped(denying)


def test_fifos_in_place_of_key_and_images(denying):
    """The start goes on with a key of its own, and with zones from their files."""
    denying.control.kill()
    files = [state(denying) / "hash-key", *(state(denying) / "images").glob("*")]
    assert len(files) == 3
    for file in files:
        good = file.read_bytes()
        file.unlink()
        os.mkfifo(file, 0o600)
        denying.start_control()
        assert serial(denying.network, "test.") == 1
        denying.control.kill()
        if file.exists():
            file.unlink()
        file.write_bytes(good)
        file.chmod(0o600)


def test_second_damaged_state_does_not_overwrite_the_first(denying):
    for text in ("first", "second", "third"):
        denying.control.kill()
        (state(denying) / "defence.json").write_text(text)
        denying.start_control()
        wait_until(lambda: in_force(denying), "in force")
    kept = {name: data for name, data in contents(denying).items() if "damaged" in name}
    assert kept == {"defence.json.damaged": b"first", "defence.json.damaged.1": b"second",
                    "defence.json.damaged.2": b"third"}
    assert "kept as defence.json.damaged.2" in trouble(denying)


def test_hash_key_that_may_not_be_read(denying):
    """It stays, and the images under it."""
    before = contents(denying)
    denying.control.kill()
    (state(denying) / "hash-key").chmod(0)
    start_with(denying, *WITHOUT_OVERRIDE)
    assert serial(denying.network, "test.") == 1
    assert re.search(r"hash key not saved.*hash-key: Permission denied", trouble(denying))
    denying.zone_file("test.").write_text(small_zone(2))
    denying.ctl("reload")
    denying.control.kill()
    (state(denying) / "hash-key").chmod(0o600)
    assert contents(denying) == before


def test_hash_key_that_a_crash_left_behind(denying):
    """A process id comes again in a container: a file of that name is no obstacle."""
    denying.control.kill()
    (state(denying) / "hash-key").unlink()
    # the next process of a new pid namespace has number 2
    (state(denying) / "hash-key.2").write_bytes(b"half")
    start_with(denying, "unshare", "--pid", "--fork", "--kill-child", "sh", "-c", '"$@"; exit $?', "sh")
    assert trouble(denying) == ""
    assert (state(denying) / "hash-key").stat().st_size == 32
    assert not list(state(denying).glob("hash-key.*"))
    denying.control.kill()


@pytest.mark.parametrize("name", ["index", "image"])
def test_image_cache_that_may_not_be_read(denying, name):
    """It may have the only good version of a zone: it stays until every zone has one."""
    [file] = [path for path in (state(denying) / "images").iterdir() if path.name.endswith(name)]
    before = contents(denying)
    denying.control.kill()
    denying.zone_file("test.").write_text("broken\n")
    denying.add_zone("other.", small_zone(7))
    file.chmod(0)
    start_with(denying, *WITHOUT_OVERRIDE)
    denying.ctl("reload", "other.", check=False)
    wait_until(lambda: "may hold the last good version" in trouble(denying), "told")
    denying.control.kill()
    file.chmod(0o600)
    assert {key: data for key, data in contents(denying).items() if "images" in key} == {
        key: data for key, data in before.items() if "images" in key}
    denying.dataplane.kill()
    denying.start()
    assert serial(denying.network, "test.") == 1, "the last good version"
    assert serial(denying.network, "other.") == 7


def test_cookie_secrets_that_may_not_be_read(denying):
    before = contents(denying)["cookie-secrets"]
    denying.control.kill()
    (state(denying) / "cookie-secrets").chmod(0)
    start_with(denying, *WITHOUT_OVERRIDE)
    assert re.search("cookies are not in use: .*cookie-secrets: Permission denied", trouble(denying))
    assert denying.ctl("cookies", "roll", check=False).returncode == 1
    (state(denying) / "cookie-secrets").chmod(0o600)
    denying.ctl("reload")
    assert trouble(denying) == "" and denying.ctl_json("cookies", "show")["enabled"]
    assert contents(denying)["cookie-secrets"] == before


def test_too_few_descriptors(denying):
    """However many there are, no file of the state directory is changed or set aside, and with enough all is in force."""
    denying.control.kill()
    before = contents(denying)
    for limit in LIMITS:
        control = denying._spawn("control", ["prlimit", f"--nofile={limit}", CONTROL, "--config", denying.config])
        wait_until(lambda: not control.running() or "ready: " in control.log(), control.log)
        control.kill()
        after = contents(denying)
        assert {name: after.get(name) for name in before} == before, f"{limit} descriptors"
        assert not [name for name in after if "damaged" in name], f"{limit} descriptors"
        assert dropped_without_control(denying), f"{limit} descriptors"
    denying.start_control()
    wait_until(lambda: in_force(denying), "in force")
    assert dropped(denying) and trouble(denying) == ""


def dropped_without_control(volley):
    """No answer comes back: control can't be asked for counters."""
    wire = Wire(volley.network, CLIENT_LINK)
    wire.send(frame(volley.network, ipv4("198.51.100.7", SERVER4, udp("198.51.100.7", SERVER4, dns_query("test.")))))
    answer = wire.receive(lambda datagram: datagram.sport == 53, 0.1)
    wire.close()
    return answer is None


def test_descriptors_that_come_back(denying):
    """A state that could not be opened at start is read as soon as it can be."""
    before = contents(denying)
    for limit in reversed(LIMITS):
        denying.control.kill()
        denying.control = denying._spawn(
            "control", ["prlimit", f"--nofile={limit}:1024", CONTROL, "--config", denying.config])
        wait_until(lambda: not denying.control.running() or "ready: " in denying.control.log(),
                   denying.control.log)
        if "can't be read" in denying.control.log() or not denying.control.running():
            break
    if not denying.control.running():
        pytest.skip("no limit lets control start without its state")
    subprocess.run(["prlimit", f"--pid={denying.control.pid}", "--nofile=1024:1024"], check=True)
    wait_until(lambda: in_force(denying), "in force")
    assert denying.ctl_json("defence", "show")["prefixes"]["entries"] == [{"prefix": DENIED, "action": "deny"}]
    assert contents(denying)["defence.json"] == before["defence.json"]
    assert dropped_without_control(denying)
