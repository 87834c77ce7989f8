# SPDX-License-Identifier: GPL-3.0-or-later
"""Catalog zones (RFC 9432): members come, change and go with the catalog's records."""
import json
import re
import time

import dns.rcode
import pytest

from ask import query, rrset, serial
from volley import own_network, small_zone, wait_until

pytestmark = pytest.mark.release

CATALOG = small_zone(1, 'version 0 TXT "2"', ttl=0)
TEMPLATES = [{"name": "files", "file": "members/%s.zone"}, {"name": "gold", "file": "gold/%s.zone"},
             {"name": "alive", "file": "members/%s.zone", "living": True}]
BY_GROUP = [{"template": "files"}, {"group": "gold", "template": "gold"}, {"group": "alive", "template": "alive"}]


def prepare(volley, *catalogs):
    """A configuration with these catalogs, and files of members."""
    volley.keep_state()
    volley.other_settings["templates"] = TEMPLATES
    for name in catalogs:
        volley.zone_settings[name] = {"catalog": "consumer", "catalog-templates": BY_GROUP}
        volley.add_zone(name, CATALOG)
    for folder in ("members", "gold"):
        (volley.directory / folder).mkdir()
    volley.add_zone("listed.test.", small_zone(7))


def put(volley, zone, number, folder="members"):
    (volley.directory / folder / f"{zone}.zone").write_text(small_zone(number))


def member(volley, label, zone, *properties, catalog="cat.test."):
    """Adds a member in one transaction."""
    volley.ctl("zone", "begin", catalog)
    volley.ctl("zone", "set", catalog, f"{label}.zones", "0", "PTR", f"{zone}.")
    for name, rrtype, value in properties:
        volley.ctl("zone", "set", catalog, f"{name}.{label}.zones", "0", rrtype, value)
    volley.ctl("zone", "commit", catalog)


def served(volley, zone):
    """The serial of a zone as it is answered, or None."""
    answer = query(volley.network, zone, "SOA")
    return answer.answer[0][0].serial if answer.rcode() == dns.rcode.NOERROR and answer.answer else None


def wait_for(volley, zone, number):
    wait_until(lambda: served(volley, zone) == number, lambda: f"serial {number} of {zone}: {served(volley, zone)}")


def zones(volley):
    return {zone["name"]: zone for zone in volley.ctl_json("zones")["zones"]}


def trouble(volley):
    return "\n".join(volley.ctl_json("status")["trouble"])


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with own_network(tmp_path_factory.mktemp("catalog")) as volley:
        prepare(volley, "cat.test.", "other.test.")
        for number in range(1, 9):
            put(volley, f"m{number}.test", number)
        put(volley, "m1.test", 101, "gold")
        yield volley.start()


def test_members_come_change_group_and_go(running):
    assert zones(running)["cat.test."]["catalog"] == {"read": True, "members": 0, "contested": 0, "problem": ""}
    member(running, "one", "m1.test")
    wait_for(running, "m1.test", 1)
    assert zones(running)["m1.test."]["member"]["template"] == "files"
    assert "(member of cat.test.)" in running.ctl("zones").stdout
    running.ctl("zone", "set", "cat.test.", "group.one.zones", "0", "TXT", "gold")
    wait_for(running, "m1.test", 101)
    assert zones(running)["m1.test."]["member"] == {
        "catalog": "cat.test.", "label": "one", "groups": ["gold"], "template": "gold", "problem": ""}
    running.ctl("zone", "unset", "cat.test.", "one.zones")
    wait_until(lambda: "more" in trouble(running) or "has properties" in trouble(running), "a broken catalog")
    assert served(running, "m1.test") == 101
    running.ctl("zone", "unset", "cat.test.", "group.one.zones")
    wait_for(running, "m1.test", None)
    assert "m1.test." not in zones(running)
    assert trouble(running) == ""
    assert serial(running.network, "listed.test.") == 7


BROKEN = [("version", "TXT", "3", "it has more than one TXT record at the name version"),
          ("two.zones", "PTR", "m3.test.", "the member two.zones has more than one PTR record"),
          ("again.zones", "PTR", "m2.test.", "zone m2.test. is in it twice: as again.zones and as two.zones"),
          ("self.zones", "PTR", "CAT.test.", "the member self.zones is the catalog itself")]


@pytest.mark.parametrize("owner,rrtype,value,why", BROKEN)
def test_a_broken_catalog_changes_nothing_and_says_why(running, owner, rrtype, value, why):
    if "m2.test." not in zones(running):
        member(running, "two", "m2.test")
        wait_for(running, "m2.test", 2)
    running.ctl("zone", "set", "cat.test.", owner, "0", rrtype, value)
    running.control.wait_for_log(f"catalog cat.test. is broken: {why}; its members stay as they are")
    assert f"catalog cat.test. is broken: {why}" in trouble(running)
    assert "(broken catalog: " in running.ctl("zones").stdout
    running.ctl("zone", "unset", "cat.test.", owner, rrtype, value)
    wait_until(lambda: trouble(running) == "", "a good catalog")
    assert served(running, "m2.test") == 2


def test_a_zone_of_the_configuration_wins(running):
    member(running, "listed", "listed.test")
    wait_until(lambda: "zone listed.test. of catalog cat.test. is not served as its member: the configuration has a zone"
               in trouble(running), lambda: trouble(running))
    assert served(running, "listed.test") == 7
    assert zones(running)["listed.test."]["member"]["problem"]
    running.ctl("zone", "unset", "cat.test.", "listed.zones")
    wait_until(lambda: trouble(running) == "", "nothing left")
    assert served(running, "listed.test") == 7


def test_members_that_fail_do_not_hold_up_others(running):
    running.ctl("zone", "begin", "cat.test.")
    for label, zone in (("x1", "nofile.test."), ("x2", "m4.test."), ("x3", "\\/etc\\/x.test."), ("x4", "m5.test.")):
        running.ctl("zone", "set", "cat.test.", f"{label}.zones", "0", "PTR", zone)
    running.ctl("zone", "commit", "cat.test.")
    wait_for(running, "m4.test", 4)
    wait_for(running, "m5.test", 5)
    assert "can't be part of the name of a file" in trouble(running)
    failed = {zone["zone"] for zone in running.ctl_json("status")["failed"]}
    assert failed == {"nofile.test."}
    for label in ("x1", "x2", "x3", "x4"):
        running.ctl("zone", "unset", "cat.test.", f"{label}.zones")
    wait_for(running, "m4.test", None)
    wait_until(lambda: trouble(running) == "", lambda: trouble(running))


def test_a_zone_moves_between_catalogs_by_coo_with_its_data(running):
    member(running, "five", "m5.test", ("group", "TXT", "alive"))
    wait_for(running, "m5.test", 5)
    running.ctl("zone", "set", "m5.test.", "added", "A", "192.0.2.55")
    member(running, "five", "m5.test", ("group", "TXT", "alive"), catalog="other.test.")
    wait_until(lambda: zones(running)["other.test."]["catalog"]["contested"] == 1, "a contest")
    assert zones(running)["m5.test."]["member"]["catalog"] == "cat.test."
    running.ctl("zone", "set", "cat.test.", "coo.five.zones", "0", "PTR", "other.test.")
    wait_until(lambda: zones(running)["m5.test."]["member"]["catalog"] == "other.test.", "the move")
    running.ctl("zone", "begin", "cat.test.")
    for name in ("five.zones", "group.five.zones", "coo.five.zones"):
        running.ctl("zone", "unset", "cat.test.", name)
    running.ctl("zone", "commit", "cat.test.")
    wait_until(lambda: zones(running)["other.test."]["catalog"]["contested"] == 0, "no contest")
    assert rrset(query(running.network, "added.m5.test").answer, "added.m5.test.", "A")[1] == {"192.0.2.55"}


def test_a_new_label_resets_the_zone(running):
    assert rrset(query(running.network, "added.m5.test").answer, "added.m5.test.", "A")
    running.ctl("zone", "begin", "other.test.")
    for name in ("five.zones", "group.five.zones"):
        running.ctl("zone", "unset", "other.test.", name)
    running.ctl("zone", "set", "other.test.", "six.zones", "0", "PTR", "m5.test.")
    running.ctl("zone", "set", "other.test.", "group.six.zones", "0", "TXT", "alive")
    running.ctl("zone", "commit", "other.test.")
    wait_until(lambda: served(running, "m5.test") == 5, "the zone of the file")
    assert query(running.network, "added.m5.test").rcode() == dns.rcode.NXDOMAIN
    assert zones(running)["m5.test."]["member"]["label"] == "six"


def test_a_restart_serves_members_at_once(running):
    """Even those of a catalog that is broken by then."""
    assert "m2.test." in zones(running) and "m5.test." in zones(running)
    saved = running.state / "catalogs"
    saved.rmdir()
    saved.write_text("")  # no directory can be made there
    running.ctl("zone", "set", "cat.test.", "version", "0", "TXT", "3")
    running.control.wait_for_log("the last good version of catalog cat.test. could not be saved")
    wait_until(lambda: "is broken" in trouble(running), "the broken catalog")
    saved.unlink()
    running.ctl("zone", "set", "cat.test.", "other", "0", "TXT", "still broken")
    wait_until((saved / "cat.test.").exists, "the last good version")
    before = running.stats()["generation"]
    running.control.stop()
    assert served(running, "m2.test") == 2
    running.start_control()
    assert {"m2.test.", "m5.test."} <= set(zones(running))
    assert (served(running, "m2.test"), served(running, "m5.test")) == (2, 5)
    assert "catalog cat.test. is broken" in trouble(running)
    assert running.stats()["generation"] >= before
    running.ctl("zone", "unset", "cat.test.", "version", "TXT", "3")
    running.ctl("zone", "unset", "cat.test.", "other")
    wait_until(lambda: trouble(running) == "", lambda: trouble(running))


def test_a_catalog_that_is_configured_no_more_takes_its_members_along(running):
    file = running.zones["other.test."]
    running.remove_zone("other.test.")
    running.ctl("reload")
    assert served(running, "m5.test") is None
    running.add_zone("other.test.", file=file)
    running.ctl("reload")
    wait_for(running, "m5.test", 5)


def test_templates_follow_the_configuration(running):
    put(running, "m2.test", 202, "gold")
    running.zone_settings["cat.test."]["catalog-templates"] = [{"template": "gold"}]
    running.write_config()
    running.ctl("reload")
    wait_for(running, "m2.test", 202)
    running.zone_settings["cat.test."]["catalog-templates"] = BY_GROUP
    running.write_config()
    running.ctl("reload")
    wait_for(running, "m2.test", 2)


def test_the_configuration_takes_a_member_over_and_gives_it_back(running):
    running.add_zone("m2.test.", small_zone(77))
    running.ctl("reload")
    assert served(running, "m2.test") == 77
    assert "zone m2.test. of catalog cat.test. is not served as its member" in trouble(running)
    running.remove_zone("m2.test.")
    running.ctl("reload")
    wait_for(running, "m2.test", 2)
    assert trouble(running) == ""


def test_members_without_a_template_are_shown(running):
    running.zone_settings["cat.test."]["catalog-templates"] = [{"group": "gold", "template": "gold"}]
    running.write_config()
    running.ctl("reload")
    wait_for(running, "m2.test", None)
    assert "catalog-templates has no template for its groups" in trouble(running)
    assert served(running, "m5.test") == 5
    running.zone_settings["cat.test."]["catalog-templates"] = BY_GROUP
    running.write_config()
    running.ctl("reload")
    wait_for(running, "m2.test", 2)


def test_many_members_come_and_go_in_batches(tmp_path):
    """Of 4096: the loop serves others between them."""
    count = 9000
    with own_network(tmp_path) as volley:
        volley.keep_state()
        volley.other_settings["remotes"] = [{"name": "nobody", "address": ["127.0.0.1"]}]
        volley.other_settings["templates"] = [{"name": "members", "primaries": ["nobody"]}]
        volley.zone_settings["cat.test."] = {"catalog": "consumer", "catalog-templates": [{"template": "members"}]}
        volley.add_zone("cat.test.", CATALOG)
        volley.start()

        def edit(sign):
            lines = "".join(f"{sign} l{number}.zones 0 PTR m{number}.many.\n" for number in range(count))
            assert volley.request(command="zone-edit", zone="cat.test.", text=lines)["ok"]

        def listed():
            return volley.ctl_json("status")["zones"]["configured"]

        def batches():
            return [int(cnt) for cnt in re.findall(r"loaded (\d+) of", volley.control.log())[1:]]

        edit("+")
        wait_until(lambda: batches() == [4096, 4096, count - 2 * 4096], lambda: f"they come in batches: {batches()}")
        assert listed() == count + 1
        assert query(volley.network, f"m{count - 1}.many", "SOA").rcode() == dns.rcode.SERVFAIL
        edit("-")
        wait_until(lambda: listed() == 1, lambda: f"none is served: {listed()}")


@pytest.mark.heavy
def test_ten_thousand_members(tmp_path):
    count = 10000
    with own_network(tmp_path) as volley:
        prepare(volley, "cat.test.")
        (volley.directory / "one.zone").write_text(small_zone(3))
        volley.other_settings["templates"] = [{"name": "files", "file": "members/%s.zone"}]
        volley.zone_settings["cat.test."]["catalog-templates"] = [{"template": "files"}]
        volley.write_config()
        for number in range(count):
            (volley.directory / f"members/m{number}.many.zone").symlink_to(volley.directory / "one.zone")
        volley.start()
        lines = "".join(f"+ l{number}.zones 0 PTR m{number}.many.\n" for number in range(count))
        started = time.monotonic()
        assert volley.request(command="zone-edit", zone="cat.test.", text=lines)["ok"]
        wait_for(volley, f"m{count - 1}.many", 3)
        print(f"{count} members served after {time.monotonic() - started:.2f} s")
        volley.ctl("zone", "unset", "cat.test.", "l5.zones")
        wait_for(volley, "m5.many", None)
        assert served(volley, "m6.many") == 3
        assert volley.ctl_json("status")["zones"]["loaded"] == count + 1
        print(json.dumps(volley.ctl_json("status")["images"]))
