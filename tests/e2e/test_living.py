# SPDX-License-Identifier: GPL-3.0-or-later
"""Living zones: changed while they are served, by volleyctl."""
import time

import pytest

from ask import query, rrset, serial
from volley import own_network, small_zone, wait_until

pytestmark = pytest.mark.release


def living(volley, name="living.test.", text=None, **settings):
    """Adds a zone that lives."""
    volley.zone_settings[name] = {"living": True} | settings
    volley.add_zone(name, text or small_zone(1, "www A 192.0.2.10"))


def big_zone():
    """A zone that is large enough for overlays."""
    lines = [f"n{i} A 192.0.2.{i % 250}" for i in range(1000)]
    lines += ["alias CNAME target", "mail MX 10 target", "*.wild A 192.0.2.7", "child NS ns.child", "ns.child A 192.0.2.8"]
    return small_zone(1, *lines)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with own_network(tmp_path_factory.mktemp("living")) as volley:
        volley.keep_state()
        living(volley)
        living(volley, "big.test.", big_zone())
        volley.add_zone("file.test.", small_zone(1, "www A 192.0.2.10"))
        yield volley.start()


def addresses(volley, name, **how):
    found = rrset(query(volley.network, name, **how).answer, name, "A")
    return found[1] if found else set()


def test_a_record_is_answered_when_volleyctl_returns(running):
    before = serial(running.network, "living.test.")
    for number in range(1, 6):
        running.ctl("zone", "set", "living.test.", f"new{number}", "300", "A", f"192.0.2.{number}")
        assert serial(running.network, "living.test.") == before + number
        assert addresses(running, f"new{number}.living.test.") == {f"192.0.2.{number}"}


def test_other_zones_are_as_before(running):
    assert addresses(running, "www.file.test.") == {"192.0.2.10"}


def test_unset_removes_a_record_an_rrset_or_a_name(running):
    for data in ("192.0.2.1", "192.0.2.2"):
        running.ctl("zone", "set", "living.test.", "gone", "A", data)
    running.ctl("zone", "set", "living.test.", "gone", "TXT", '"a text"')
    running.ctl("zone", "unset", "living.test.", "gone", "A", "192.0.2.1")
    assert addresses(running, "gone.living.test.") == {"192.0.2.2"}
    running.ctl("zone", "unset", "living.test.", "gone", "A")
    assert query(running.network, "gone.living.test.").rcode() == 0
    running.ctl("zone", "unset", "living.test.", "gone")
    assert query(running.network, "gone.living.test.").rcode() == 3


@pytest.mark.parametrize("arguments, reason", [
    (("set", "living.test.", "www", "CNAME", "other"), "CNAME and other data"),
    (("set", "living.test.", "www", "A", "192.0.2.300"), "line 1"),
    (("set", "living.test.", "www.elsewhere.", "A", "192.0.2.3"), "not in the zone"),
    (("set", "living.test.", "www", "RRSIG", "A 8 2 300 20300101000000 20200101000000 1 test. AAAA"), "signed"),
    (("unset", "living.test.", "www", "TXT"), "no such TXT record"),
    (("unset", "living.test.", "@", "SOA"), "SOA"),
    (("set", "file.test.", "www", "A", "192.0.2.3"), "living: true"),
    (("set", "nowhere.test.", "www", "A", "192.0.2.3"), "not in the configuration"),
    (("commit", "living.test."), "no transaction"),
    (("revert", "living.test.", "4000000000"), "zone history"),
], ids=lambda value: "-".join(value[:1]) if isinstance(value, tuple) else None)
def test_what_is_refused_changes_nothing(running, arguments, reason):
    before = serial(running.network, "living.test.")
    result = running.ctl("zone", *arguments, check=False)
    assert result.returncode == 1
    assert reason in result.stdout + result.stderr
    assert serial(running.network, "living.test.") == before
    assert addresses(running, "www.living.test.") == {"192.0.2.10"}


def test_a_transaction_is_one_change(running):
    before = serial(running.network, "living.test.")
    running.ctl("zone", "begin", "living.test.")
    running.ctl("zone", "set", "living.test.", "t1", "A", "192.0.2.1")
    running.ctl("zone", "set", "living.test.", "t2", "A", "192.0.2.2")
    running.ctl("zone", "unset", "living.test.", "t1", "A", "192.0.2.1")
    again = running.ctl("zone", "begin", "living.test.", check=False)
    assert again.returncode == 1 and "begun by" in again.stderr + again.stdout
    diff = running.ctl("zone", "diff", "living.test.").stdout
    assert "+t2.living.test." in diff and "t1" not in diff
    assert serial(running.network, "living.test.") == before
    running.ctl("zone", "commit", "living.test.")
    assert serial(running.network, "living.test.") == before + 1
    assert addresses(running, "t2.living.test.") == {"192.0.2.2"}


def test_abort_drops_the_transaction(running):
    before = serial(running.network, "living.test.")
    running.ctl("zone", "begin", "living.test.")
    running.ctl("zone", "set", "living.test.", "never", "A", "192.0.2.1")
    running.ctl("zone", "abort", "living.test.")
    assert serial(running.network, "living.test.") == before
    assert query(running.network, "never.living.test.").rcode() == 3


def test_revert_brings_back_what_was_there_with_a_new_serial(running):
    before = serial(running.network, "living.test.")
    exported = running.ctl("zone", "export", "living.test.").stdout
    running.ctl("zone", "set", "living.test.", "www", "300", "A", "192.0.2.99")
    running.ctl("zone", "unset", "living.test.", "ns1")
    running.ctl("zone", "revert", "living.test.", str(before))
    assert serial(running.network, "living.test.") == before + 3
    again = running.ctl("zone", "export", "living.test.").stdout
    assert [line for line in exported.splitlines() if " SOA " not in line] == [
        line for line in again.splitlines() if " SOA " not in line]
    history = running.ctl_json("zone", "history", "living.test.")["changes"]
    assert [change["to"] for change in history[-3:]] == [before + 1, before + 2, before + 3]
    assert {change["cause"] for change in history[-3:]} == {"volleyctl"}


def test_edit_submits_what_the_editor_has_changed(running, tmp_path, monkeypatch):
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nsed -i 's/192.0.2.10/192.0.2.11/' \"$1\"\n")
    editor.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(editor))
    running.ctl("zone", "edit", "living.test.")
    assert addresses(running, "www.living.test.") == {"192.0.2.11"}
    editor.write_text("#!/bin/sh\nsed -i 's/192.0.2.11/192.0.2.10/' \"$1\"\n")
    running.ctl("zone", "edit", "living.test.")
    assert addresses(running, "www.living.test.") == {"192.0.2.10"}


def test_zones_shows_the_present_serial(running):
    running.ctl("zone", "set", "living.test.", "counted", "A", "192.0.2.1")
    shown = {zone["name"]: zone for zone in running.ctl_json("zones")["zones"]}
    assert shown["living.test."]["serial"] == serial(running.network, "living.test.")
    assert shown["living.test."]["changes"] > 0
    assert shown["living.test."]["living"] and not shown["file.test."]["living"]


def test_a_restart_keeps_all_changes(running):
    running.ctl("zone", "set", "living.test.", "kept", "A", "192.0.2.1")
    before = serial(running.network, "living.test.")
    running.control.stop()
    assert serial(running.network, "living.test.") == before
    running.start_control()
    assert serial(running.network, "living.test.") == before
    assert addresses(running, "kept.living.test.") == {"192.0.2.1"}
    running.ctl("zone", "set", "living.test.", "more", "A", "192.0.2.1")
    assert serial(running.network, "living.test.") == before + 1


def test_a_changed_file_changes_the_zone_unless_others_have(running):
    living(running, "two.test.")
    running.ctl("reload")
    file = running.zone_file("two.test.")
    file.write_text(small_zone(5, "www A 192.0.2.10", "new A 192.0.2.11"))
    running.ctl("reload", "two.test.")
    assert serial(running.network, "two.test.") == 5
    assert addresses(running, "new.two.test.") == {"192.0.2.11"}
    file.write_text(small_zone(5, "www A 192.0.2.10", "newer A 192.0.2.12"))
    running.ctl("reload")
    assert serial(running.network, "two.test.") == 6, "the file has forgotten the serial"
    assert addresses(running, "newer.two.test.") == {"192.0.2.12"}
    assert running.ctl_json("zone", "history", "two.test.")["changes"][-1]["cause"] == "file"
    running.ctl("zone", "set", "two.test.", "own", "A", "192.0.2.13")
    file.write_text(small_zone(9, "www A 192.0.2.10"))
    refused = running.ctl("reload", "two.test.", check=False)
    assert refused.returncode == 1 and "zone export" in refused.stdout
    assert serial(running.network, "two.test.") == 7
    file.write_text(running.ctl("zone", "export", "two.test.").stdout)
    running.ctl("reload", "two.test.")
    assert serial(running.network, "two.test.") == 7


def test_a_broken_file_leaves_the_zone_as_it_is(running):
    living(running, "three.test.")
    running.ctl("reload")
    running.zone_file("three.test.").write_text(small_zone(5, "www A 192.0.2.300"))
    refused = running.ctl("reload", "three.test.", check=False)
    assert refused.returncode == 1 and "line 5" in refused.stdout
    assert serial(running.network, "three.test.") == 1
    running.ctl("zone", "set", "three.test.", "own", "A", "192.0.2.13")
    assert serial(running.network, "three.test.") == 2
    running.remove_zone("three.test.")
    running.ctl("reload")


def test_a_zone_that_lives_no_more_is_answered_from_its_file(running):
    living(running, "four.test.")
    running.ctl("reload")
    running.ctl("zone", "set", "four.test.", "own", "A", "192.0.2.13")
    del running.zone_settings["four.test."]
    running.write_config()
    running.ctl("reload")
    assert serial(running.network, "four.test.") == 1
    assert query(running.network, "own.four.test.").rcode() == 3
    assert running.ctl("zone", "set", "four.test.", "own", "A", "192.0.2.13", check=False).returncode == 1
    running.remove_zone("four.test.")
    running.ctl("reload")
    assert serial(running.network, "four.test.") == "REFUSED"


def test_a_removed_zone_is_refused_when_reload_returns(running):
    living(running, "alone.test.")
    running.ctl("reload")
    running.remove_zone("alone.test.")
    running.ctl("reload")
    assert serial(running.network, "alone.test.") == "REFUSED"


def test_removed_zones_leave_the_images_that_they_shared(running):
    names = [f"shared{number}.test." for number in range(8)]
    for name in names:
        living(running, name)
    running.ctl("reload")
    running.ctl("zone", "set", names[0], "own", "A", "192.0.2.13")
    for name in names[1:]:
        running.remove_zone(name)
    running.ctl("reload")
    assert [serial(running.network, name) for name in names] == [2] + 7 * ["REFUSED"]
    running.ctl("zone", "set", names[0], "more", "A", "192.0.2.13")
    assert serial(running.network, names[0]) == 3
    running.remove_zone(names[0])
    running.ctl("reload")


@pytest.mark.parametrize("policy", ["unixtime", "dateserial"])
def test_serials_follow_the_policy(running, policy):
    living(running, f"{policy}.test.", serial=policy)
    running.ctl("reload")
    running.ctl("zone", "set", f"{policy}.test.", "own", "A", "192.0.2.13")
    now = int(time.time()) if policy == "unixtime" else int(time.strftime("%Y%m%d00", time.gmtime()))
    assert abs(serial(running.network, f"{policy}.test.") - now) < 100


def test_new_settings_of_answers_are_for_living_zones_too(running):
    running.ctl("zone", "set", "living.test.", "@", "MX", "10 www")
    assert query(running.network, "living.test.", "MX").additional
    running.other_settings["answers"] = {"additional": "none"}
    running.write_config()
    running.ctl("reload")
    wait_until(lambda: not query(running.network, "living.test.", "MX").additional, "the new form")
    del running.other_settings["answers"]
    running.write_config()
    running.ctl("reload")
    wait_until(lambda: query(running.network, "living.test.", "MX").additional, "the old form")


def test_a_refused_commit_leaves_the_transaction_open(running):
    running.ctl("zone", "begin", "living.test.")
    running.ctl("zone", "set", "living.test.", "www", "CNAME", "other")
    assert running.ctl("zone", "commit", "living.test.", check=False).returncode == 1
    running.ctl("zone", "unset", "living.test.", "www", "A")
    running.ctl("zone", "diff", "living.test.")
    running.ctl("zone", "abort", "living.test.")


def change(volley, *lines):
    answer = volley.request(command="zone-edit", zone="big.test.", text="\n".join(lines))
    assert answer["ok"], answer
    assert serial(volley.network, "big.test.") == answer["serial"]


def big(volley, name):
    response = query(volley.network, f"{name}.big.test.")
    return {record.to_text() for found in response.answer for record in found if found.rdtype == 1}


def layers(volley):
    return {zone["name"]: zone for zone in volley.request(command="zones")["zones"]}["big.test."]["layers"]


def test_many_changes_stay_in_few_layers(running):
    for i in range(40):
        change(running, f"+ n{i} A 198.51.100.{i}", f"- n{i} A 192.0.2.{i}")
        assert layers(running) <= 5
    assert [big(running, f"n{i}") for i in range(60)] == [
        {f"198.51.100.{i}" if i < 40 else f"192.0.2.{i}"} for i in range(60)]


def test_what_depends_on_a_name_follows_it(running):
    assert query(running.network, "alias.big.test.").rcode() == 3
    change(running, "+ target A 192.0.2.1")
    assert big(running, "alias") == {"192.0.2.1"}
    assert query(running.network, "mail.big.test.", "MX").additional
    change(running, "+ target A 192.0.2.2", "- target A 192.0.2.1")
    assert big(running, "alias") == {"192.0.2.2"}
    change(running, "- target")
    assert query(running.network, "alias.big.test.").rcode() == 3
    assert not query(running.network, "mail.big.test.", "MX").additional


def test_wildcards_cuts_and_empty_names(running):
    change(running, "+ *.wild A 192.0.2.9", "- *.wild A 192.0.2.7")
    assert big(running, "any.wild") == {"192.0.2.9"}
    change(running, "+ deep.below.wild A 192.0.2.3")
    assert big(running, "below.wild") == set()
    assert big(running, "other.wild") == {"192.0.2.9"}
    change(running, "- deep.below.wild")
    assert big(running, "below.wild") == {"192.0.2.9"}
    change(running, "+ ns.child A 192.0.2.18", "- ns.child A 192.0.2.8")
    glue = rrset(query(running.network, "x.child.big.test.").additional, "ns.child.big.test.", "A")
    assert glue[1] == {"192.0.2.18"}
    change(running, "- child")
    assert query(running.network, "x.child.big.test.").rcode() == 3
    assert big(running, "ns.child") == {"192.0.2.18"}


def test_a_changed_soa_is_answered_everywhere(running):
    change(running, f"+ @ SOA ns1 other {serial(running.network, 'big.test.')} 3600 600 1209600 60")
    answer = query(running.network, "nothing.big.test.")
    assert "other.big.test." in answer.authority[0].to_text()
