# SPDX-License-Identifier: GPL-3.0-or-later
"""Steered names through the real dataplane: by source and client subnet, by weight, when members go down, and after a
restart of either program."""
import collections
import json

import dns.edns
import pytest

from ask import query, rrset
from net import CLIENT4
from volley import Volley, own_network, small_zone, wait_until

POOLS = [
    {"name": "near", "members": [{"name": "a", "A": "192.0.2.1", "AAAA": "2001:db8::1"}]},
    {"name": "far", "members": [{"name": "b", "A": "192.0.2.2", "AAAA": "2001:db8::2"}]},
    {"name": "mixed", "members": [{"name": "c", "A": "192.0.2.3", "weight": "3"}, {"name": "d", "A": "192.0.2.4"}]},
    {"name": "set", "pick": "all", "members": [{"name": "e", "A": "192.0.2.5"}, {"name": "f", "A": "192.0.2.6"}]},
    {"name": "cdn", "members": [{"name": "g", "CNAME": "g.cdn.example."}, {"name": "h", "CNAME": "h.cdn.example."}]},
    {"name": "stays", "pick": "sticky", "members": [{"name": f"s{i}", "A": f"192.0.2.{20 + i}"} for i in range(4)]},
]
POLICIES = [
    {"name": "geo", "geo": {"map": "own", "rules": [{"regions": ["home"], "to": "near"}], "default": "far"}},
    {"name": "fail", "failover": ["near", "far"], "fallback": "nothing", "ttl": {"steady": "60", "failed-over": "5"}},
    {"name": "weights", "to": "mixed"},
    {"name": "all", "to": "set"},
    {"name": "alias", "failover": ["cdn"]},
    {"name": "stick", "to": "stays"},
]
NAMES = [
    {"name": "geo", "types": ["A", "AAAA"], "policy": "geo"},
    {"name": "fail", "types": ["A"], "policy": "fail"},
    {"name": "weights", "types": ["A"], "policy": "weights"},
    {"name": "all", "types": ["A"], "policy": "all"},
    {"name": "alias", "types": ["CNAME"], "policy": "alias"},
    {"name": "*.wild", "types": ["A"], "policy": "fail"},
    {"name": "stick", "types": ["A"], "policy": "stick"},
]
ZONE = small_zone(1, "www A 192.0.2.10", "to-geo CNAME geo", "geo TXT here", "mail MX 10 geo")


def set_up(volley):
    volley.keep_state()
    volley.spare_clients()
    map_file = volley.directory / "own.txt"
    map_file.write_text(f"{CLIENT4}/32 home\n198.51.100.0/24 home\n")
    volley.other_settings["steer"] = {
        "ecs": {"mode": "on"}, "maps": [{"name": "own", "file": str(map_file)}], "pools": POOLS, "policies": POLICIES}
    volley.zone_settings["test."] = {"steer": NAMES}
    volley.add_zone("test.", ZONE)
    volley.zone_settings["live."] = {"steer": NAMES, "living": "true"}
    volley.add_zone("live.", ZONE)


def addresses(volley, name, rrtype="A", **options):
    answer = rrset(query(volley.network, name, rrtype, **options).answer, name, rrtype)
    return answer[1] if answer else None


def settled(volley):
    """The dataplane has the last block."""
    return wait_until(lambda: addresses(volley, "geo.test.") == {"192.0.2.1"}, "steering in force")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with own_network(tmp_path_factory.mktemp("steering")) as volley:
        set_up(volley)
        volley.start()
        settled(volley)
        yield volley


@pytest.fixture(autouse=True)
def all_up(request):
    yield
    if "served" in request.fixturenames:
        volley = request.getfixturevalue("served")
        for pool in POOLS:
            volley.ctl("pool", "up", pool["name"])


def from_subnet(volley, subnet, name="geo.test."):
    """The address, and the scope of the answer."""
    response = query(volley.network, name, use_edns=0, options=[dns.edns.ECSOption(*subnet)])
    scope = next(option.scopelen for option in response.options if isinstance(option, dns.edns.ECSOption))
    return rrset(response.answer, name, "A")[1], scope


@pytest.mark.parametrize("zone", ["test.", "live."])
def test_clients_get_what_their_region_has(served, zone):
    assert addresses(served, f"geo.{zone}") == {"192.0.2.1"}
    assert addresses(served, f"geo.{zone}", "AAAA") == {"2001:db8::1"}
    assert addresses(served, f"geo.{zone}", "TXT") == {'"here"'}, "what is not steered stays"
    assert from_subnet(served, ("198.51.100.7", 32), f"geo.{zone}") == ({"192.0.2.1"}, 24)
    answer, scope = from_subnet(served, ("203.0.113.0", 24), f"geo.{zone}")
    assert answer == {"192.0.2.2"} and 0 < scope <= 24
    alias = query(served.network, f"to-geo.{zone}")
    assert [record.rdtype for record in alias.answer] == [5], "the chain ends before a steered name"
    assert not query(served.network, f"mail.{zone}", "MX").additional


def test_members_are_picked_by_weight(served):
    seen = collections.Counter(addresses(served, "weights.test.").pop() for _ in range(400))
    # binomial with p = 3/4: six standard deviations are 52
    assert set(seen) == {"192.0.2.3", "192.0.2.4"} and abs(seen["192.0.2.3"] - 300) < 52


def test_all_members_and_aliases(served):
    assert addresses(served, "all.test.") == {"192.0.2.5", "192.0.2.6"}
    served.ctl("pool", "down", "set/e")
    assert addresses(served, "all.test.") == {"192.0.2.6"}
    targets = {query(served.network, "alias.test.", "A").answer[0][0].target.to_text() for _ in range(40)}
    assert targets == {"g.cdn.example.", "h.cdn.example."}
    assert len({addresses(served, "stick.test.").pop() for _ in range(20)}) == 1


@pytest.mark.parametrize("name", ["fail.test.", "x.wild.test.", "fail.live."])
def test_failover_and_fallback(served, name):
    def answer():
        return rrset(query(served.network, name).answer, name, "A")

    assert answer() == (60, {"192.0.2.1"})
    served.ctl("pool", "down", "near/a")
    assert answer() == (5, {"192.0.2.2"}), "at once: no message, no reload"
    served.ctl("pool", "down", "far")
    response = query(served.network, name)
    assert response.rcode() == 0 and not response.answer, "fallback: nothing"
    served.ctl("pool", "up", "near")
    assert answer() == (60, {"192.0.2.1"})


def test_what_operators_set_is_shown(served):
    served.ctl("pool", "drain", "mixed/c", "--for", "1h")
    assert {addresses(served, "weights.test.").pop() for _ in range(20)} == {"192.0.2.4"}
    pool, = served.ctl_json("pool", "show", "mixed")["pools"]
    assert [member["drained"] for member in pool["members"]] == [True, False]
    assert pool["members"][0]["until"] > 0 and pool["state"] == "up"
    assert "192.0.2.3" in served.ctl("pool", "show", "mixed").stdout
    assert served.ctl("pool", "down", "none", check=False).returncode == 1


def test_a_map_is_read_again_when_its_file_changes(served):
    map_file = served.directory / "own.txt"
    before = map_file.read_text()
    generation = served.ctl_json("steer")["generation"]
    map_file.write_text(before.replace("198.51.100.0/24", "198.51.100.0/25"))
    wait_until(lambda: from_subnet(served, ("198.51.100.7", 32)) == ({"192.0.2.1"}, 25), "the new map")
    map_file.write_text("not a prefix\n")
    wait_until(lambda: served.ctl_json("steer")["trouble"], "the error of the map")
    assert "map own" in json.dumps(served.ctl_json("status")["trouble"])
    assert from_subnet(served, ("198.51.100.7", 32)) == ({"192.0.2.1"}, 25), "the old one stays"
    map_file.write_text(before)
    wait_until(lambda: not served.ctl_json("steer")["trouble"], "the map is good again")
    assert served.ctl_json("steer")["generation"] > generation
    settled(served)


def test_a_map_is_read_again_while_others_write_beside_it(served):
    map_file = served.directory / "own.txt"
    before = map_file.read_text()

    def has_scope(bits):
        (served.directory / "other.txt").write_text("written all the time")
        return from_subnet(served, ("198.51.100.7", 32)) == ({"192.0.2.1"}, bits)

    map_file.write_text(before.replace("198.51.100.0/24", "198.51.100.0/26"))
    wait_until(lambda: has_scope(26), "the new map")
    map_file.write_text(before)
    wait_until(lambda: has_scope(24), "the old map again")


def test_a_reload_looks_at_maps(tmp_path):
    with own_network(tmp_path) as volley:
        set_up(volley)
        directory = tmp_path / "maps"
        directory.mkdir()
        map_file = directory / "own.txt"
        text = (tmp_path / "own.txt").read_text()
        map_file.write_text(text)
        volley.other_settings["steer"]["maps"][0]["file"] = str(map_file)
        volley.write_config()
        volley.start()
        settled(volley)
        volley.ctl("reload")  # so that the next one finds the configuration unchanged, which had only just been written
        # the kernel watches the directory, not its name
        directory.rename(tmp_path / "old")
        directory.mkdir()
        map_file.write_text(text.replace("198.51.100.0/24", "198.51.100.0/25"))
        assert from_subnet(volley, ("198.51.100.7", 32)) == ({"192.0.2.1"}, 24)
        volley.ctl("reload")
        wait_until(lambda: from_subnet(volley, ("198.51.100.7", 32)) == ({"192.0.2.1"}, 25), "the new map")
        map_file.write_text(text)
        wait_until(lambda: from_subnet(volley, ("198.51.100.7", 32)) == ({"192.0.2.1"}, 24), "a new watch")


def test_a_control_without_steering_ends_it(tmp_path):
    def has_subnet(volley):
        option = dns.edns.ECSOption("198.51.100.0", 24)
        return bool(query(volley.network, "www.test.", use_edns=0, options=[option]).options)

    with own_network(tmp_path) as volley:
        set_up(volley)
        volley.start()
        settled(volley)
        assert has_subnet(volley)
        volley.control.stop()
        del volley.other_settings["steer"]
        volley.zone_settings = {"live.": {"living": "true"}}
        volley.write_config()
        volley.start_control()
        wait_until(lambda: not has_subnet(volley), "client subnets are not known any more")


def test_living_zones_change_beside_steered_names(served):
    served.ctl("zone", "set", "live.", "new", "A", "192.0.2.77")
    assert addresses(served, "new.live.") == {"192.0.2.77"}
    served.ctl("zone", "set", "live.", "geo", "TXT", "there")
    assert addresses(served, "geo.live.", "TXT") == {'"here"', '"there"'}
    assert addresses(served, "geo.live.") == {"192.0.2.1"}
    assert "192.0.2.1 " not in served.ctl("zone", "export", "live.").stdout, "alternatives are not the zone's records"


def test_states_and_answers_outlive_restarts(tmp_path):
    with own_network(tmp_path) as volley:
        set_up(volley)
        volley.start()
        settled(volley)
        volley.ctl("pool", "down", "near/a")
        assert addresses(volley, "fail.test.") == {"192.0.2.2"}
        volley.control.stop()
        assert addresses(volley, "fail.test.") == {"192.0.2.2"}, "the dataplane goes on alone"
        volley.start_control()
        wait_until(lambda: volley.ctl_json("steer")["is_made"], "a new block")
        assert addresses(volley, "fail.test.") == {"192.0.2.2"}, "pools.json says that it is down"
        volley.ctl("pool", "up", "near")
        wait_until(lambda: addresses(volley, "fail.test.") == {"192.0.2.1"}, "the slots of the new block")
        volley.dataplane.stop()
        volley.start_dataplane()
        wait_until(volley.is_connected, "the dataplane is back")
        settled(volley)
        volley.ctl("pool", "down", "near/a")
        assert addresses(volley, "fail.test.") == {"192.0.2.2"}


def test_a_signed_zone_is_refused(tmp_path):
    with own_network(tmp_path) as volley:
        set_up(volley)
        key = "257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ=="
        volley.add_zone("test.", ZONE + f"@ DNSKEY {key}\n")
        volley.start()
        failed = volley.ctl_json("status")["failed"]
        assert [each["zone"] for each in failed] == ["test."]
        assert "signed zones can't be steered yet" in failed[0]["error"]
