# SPDX-License-Identifier: GPL-3.0-or-later
"""ALIAS records: targets elsewhere, asked of a real resolver whose answers change, and targets in zones of ours."""
import os
import shutil
import signal

import pytest

from ask import query, rrset, serial
from net import CLIENT_LINK
from transfer_peers import SEARCH, transfer
from volley import Process, own_network, small_zone, wait_until

pytestmark = pytest.mark.release

RESOLVER = "10.53.0.31"


class Resolver:
    """Unbound, with data that a test sets: names below `out.test.` that have none do not exist, or are refused; those below
    `dead.test.` are refused, and those below `many.test.` all have the same address."""

    def __init__(self, network, directory):
        self.network, self.directory = network, directory
        self.config = directory / "unbound.conf"
        self.process = None
        network.client.ip("addr", "add", f"{RESOLVER}/24", "dev", CLIENT_LINK)
        self.write()

    def write(self, *data, out="static"):
        lines = "".join(f"  local-data: '{line}'\n" for line in data)
        self.config.write_text(f"""server:
  interface: {RESOLVER}
  access-control: 10.53.0.0/24 allow
  username: ""
  chroot: ""
  directory: "{self.directory}"
  pidfile: ""
  use-syslog: no
  logfile: ""
  num-threads: 1
  do-ip6: no
  module-config: "iterator"
  local-zone: "test." nodefault
  local-zone: "out.test." {out}
  local-zone: "dead.test." refuse
  local-zone: "many.test." redirect
  local-data: "many.test. 60 A 192.0.2.9"
{lines}remote-control:
  control-enable: no
""")

    def start(self):
        self.process = Process("unbound", self.network.client.command(
            shutil.which("unbound", path=SEARCH), "-d", "-p", "-c", self.config), self.directory / "unbound.log")
        self.process.wait_for_log("start of service")

    def set(self, *data, **how):
        self.write(*data, **how)
        if self.process:
            os.kill(self.process.pid, signal.SIGHUP)

    def stop(self):
        if self.process:
            self.process.stop()
        self.process = None


def settings(**more):
    return {"forwarders": [RESOLVER], "allow": ["out.test.", "dead.test.", "many.test."], "ttl-min": "1s", "ttl-max": "2s",
            "keep-missing": "1h", "rate": "10000", "parallel": "256"} | {
                key.replace("_", "-"): value for key, value in more.items()}


FIRST = ("www.out.test. 1 A 198.51.100.1", "www.out.test. 1 AAAA 2001:db8::1")


@pytest.fixture(scope="module", name="world")
def _world(tmp_path_factory):
    directory = tmp_path_factory.mktemp("alias")
    with own_network(directory) as volley:
        volley.keep_state()
        volley.spare_clients()
        volley.control_in_network = True
        volley.other_settings["alias"] = settings()
        volley.resolver = Resolver(volley.network, directory)
        volley.resolver.set(*FIRST)
        volley.resolver.start()
        add(volley, "apex.test.", "@ 300 ALIAS www.out.test.", "other ANAME www.out.test.")
        try:
            yield volley.start()
        finally:
            volley.resolver.stop()


@pytest.fixture(name="volley")
def _volley(world):
    """With the resolver as it is at first."""
    world.resolver.set(*FIRST)
    if not world.resolver.process:
        world.resolver.start()
    return world


def add(volley, name, *lines):
    volley.zone_settings[name] = {"living": True, "transfer-to": [{"from": ["10.53.0.0/24"]}]}
    volley.add_zone(name, small_zone(1, *lines))


def add_live(volley, name, *lines):
    add(volley, name, *lines)
    volley.ctl("reload")


def addresses(volley, name, rrtype="A"):
    found = rrset(query(volley.network, name, rrtype).answer, name, rrtype)
    return found[1] if found else set()


def wait_for(volley, name, wanted, rrtype="A"):
    wait_until(lambda: addresses(volley, name, rrtype) == wanted,
               lambda: f"{name} {rrtype} {wanted}: there is {addresses(volley, name, rrtype)}, {volley.ctl('aliases').stdout}")


def alias(volley, name):
    """What volleyctl says about one; or None."""
    return next((one for one in volley.ctl_json("aliases")["aliases"] if one["name"] == name), None)


def wait_for_error(volley, name, text):
    wait_until(lambda: text in (alias(volley, name) or {"error": ""})["error"],
               lambda: f"{name}: {text}, there is {alias(volley, name)}")


def attempts(volley):
    return volley.request(command="status")["aliases"]["attempts"]


def test_apex_and_other_names_have_the_addresses(volley):
    for name in ("apex.test.", "other.apex.test."):
        wait_for(volley, name, {"198.51.100.1"})
        wait_for(volley, name, {"2001:db8::1"}, "AAAA")
    assert rrset(query(volley.network, "apex.test.").answer, "apex.test.", "A")[0] == 2, "300, within bounds"
    shown = alias(volley, "apex.test.")
    assert shown["target"] == "www.out.test." and shown["addresses"] == ["198.51.100.1", "2001:db8::1"], shown
    assert shown["source"] == "resolver" and not shown["missing"] and shown["error"] == "" and shown["resolved_unix_s"] > 0
    assert query(volley.network, "apex.test.", "TYPE65401").answer == []
    assert query(volley.network, "apex.test.", "TYPE240").answer == []
    assert query(volley.network, "apex.test.", "SOA").rcode() == 0
    text = volley.ctl("aliases", "apex.test.").stdout
    assert "apex.test. -> www.out.test.: 198.51.100.1 2001:db8::1" in text


def test_transfers_have_addresses_and_no_alias(volley):
    wait_for(volley, "apex.test.", {"198.51.100.1"})
    zone = transfer(volley.network, "apex.test.")
    assert {str(one) for one in zone.get_rdataset("apex.test.", "A")} == {"198.51.100.1"}
    assert {str(one) for one in zone.get_rdataset("apex.test.", "AAAA")} == {"2001:db8::1"}
    assert not zone.get_rdataset("apex.test.", "TYPE240") and not zone.get_rdataset("apex.test.", "TYPE65401")


def test_a_target_that_changes_is_one_change_of_the_zone(volley):
    wait_for(volley, "apex.test.", {"198.51.100.1"})
    wait_for(volley, "other.apex.test.", {"198.51.100.1"})
    zone = transfer(volley.network, "apex.test.")
    before, seen = serial(volley.network, "apex.test."), attempts(volley)
    wait_until(lambda: attempts(volley) > seen + 4, "more attempts")
    assert serial(volley.network, "apex.test.") == before, "the serial moves without a change"
    volley.resolver.set("www.out.test. 1 A 198.51.100.2", "www.out.test. 1 A 198.51.100.3")
    wait_for(volley, "apex.test.", {"198.51.100.2", "198.51.100.3"})
    wait_for(volley, "apex.test.", set(), "AAAA")
    assert serial(volley.network, "apex.test.") > before
    assert volley.ctl_json("zone", "history", "apex.test.")["changes"][-1]["cause"] == "alias"
    zone = transfer(volley.network, "apex.test.", zone=zone)  # IXFR
    assert {str(one) for one in zone.get_rdataset("apex.test.", "A")} == {"198.51.100.2", "198.51.100.3"}
    assert not zone.get_rdataset("apex.test.", "AAAA")


def test_a_missing_target_is_kept_and_then_dropped(volley):
    wait_for(volley, "apex.test.", {"198.51.100.1"})
    volley.resolver.set("nothing.out.test. 1 A 198.51.100.1")
    wait_for_error(volley, "apex.test.", "does not exist; the last ones are kept")
    assert alias(volley, "apex.test.")["missing"]
    assert addresses(volley, "apex.test.") == {"198.51.100.1"}
    assert any("could not be resolved" in one for one in volley.request(command="status")["trouble"])
    volley.other_settings["alias"] = settings(keep_missing="0")
    volley.write_config()
    volley.ctl("reload")
    wait_for(volley, "apex.test.", set())
    answer = query(volley.network, "apex.test.")
    assert answer.rcode() == 0 and answer.authority, "NODATA"
    volley.other_settings["alias"] = settings()
    volley.write_config()
    volley.ctl("reload")
    volley.resolver.set(*FIRST)
    wait_for(volley, "apex.test.", {"198.51.100.1"})


def test_a_target_that_fails_keeps_its_addresses(volley):
    volley.resolver.set(*FIRST, "failing.out.test. 1 A 198.51.100.7")
    add_live(volley, "failing.test.", "@ ALIAS failing.out.test.", "never ALIAS x.dead.test.")
    wait_for(volley, "failing.test.", {"198.51.100.7"})
    wait_for_error(volley, "never.failing.test.", "SERVFAIL")
    assert query(volley.network, "never.failing.test.").rcode() == 0
    volley.resolver.set(out="refuse")
    wait_for_error(volley, "failing.test.", "SERVFAIL")
    assert addresses(volley, "failing.test.") == {"198.51.100.7"}
    volley.resolver.set(*FIRST, "failing.out.test. 1 A 198.51.100.8")
    wait_for(volley, "failing.test.", {"198.51.100.8"})
    assert alias(volley, "failing.test.")["error"] == ""


@pytest.mark.heavy
def test_a_resolver_that_is_away_keeps_all_addresses(volley):
    wait_for(volley, "apex.test.", {"198.51.100.1"})
    volley.resolver.stop()
    wait_for_error(volley, "apex.test.", "no answer from the forwarders")
    assert addresses(volley, "apex.test.") == {"198.51.100.1"}
    volley.resolver.set("www.out.test. 1 A 198.51.100.6")
    volley.resolver.start()
    wait_for(volley, "apex.test.", {"198.51.100.6"})


def test_targets_in_zones_of_ours_need_no_resolver(volley):
    add(volley, "hosts.test.", "web 60 A 192.0.2.20", "*.wild A 192.0.2.21", "hop CNAME web", "away CNAME www.out.test.",
        "sub NS ns.elsewhere.")
    volley.add_zone("file.test.", small_zone(1, "web A 192.0.2.20"))
    add_live(volley, "own.test.", "@ ALIAS web.hosts.test.", "wild ALIAS a.b.wild.hosts.test.", "hop ALIAS hop.hosts.test.",
             "away ALIAS away.hosts.test.", "chain ALIAS own.test.", "none ALIAS none.hosts.test.",
             "file ALIAS web.file.test.", "here ALIAS host", "host A 192.0.2.30", "one ALIAS two", "two ALIAS one")
    for name in ("own.test.", "hop.own.test.", "chain.own.test."):
        wait_for(volley, name, {"192.0.2.20"})
    wait_for(volley, "wild.own.test.", {"192.0.2.21"})
    wait_for(volley, "away.own.test.", {"198.51.100.1"})
    wait_for(volley, "here.own.test.", {"192.0.2.30"})
    assert alias(volley, "own.test.")["source"] == "zones" and alias(volley, "away.own.test.")["source"] == "resolver"
    wait_for_error(volley, "none.own.test.", "the target does not exist")
    wait_for_error(volley, "file.own.test.", "zone file.test., which is served here but does not live")
    wait_for_error(volley, "one.own.test.", "leads back to itself")
    volley.ctl("zone", "set", "hosts.test.", "web", "A", "192.0.2.22")
    for name in ("own.test.", "hop.own.test.", "chain.own.test."):
        wait_for(volley, name, {"192.0.2.20", "192.0.2.22"})
    volley.ctl("zone", "unset", "hosts.test.", "web")
    wait_for(volley, "own.test.", set())
    volley.ctl("zone", "set", "hosts.test.", "none", "A", "192.0.2.23")
    wait_for(volley, "none.own.test.", {"192.0.2.23"})
    volley.ctl("zone", "set", "own.test.", "host", "AAAA", "2001:db8::30")
    wait_for(volley, "here.own.test.", {"2001:db8::30"}, "AAAA")


def edit(volley, zone, *lines):
    answer = volley.request(command="zone-edit", zone=zone, text="".join(f"{line}\n" for line in lines))
    assert answer["ok"], answer


def test_a_circle_through_a_cname_or_a_wildcard_ends(volley):
    """Addresses that change places would do so for ever."""
    add_live(volley, "round.test.", "one ALIAS a", "two ALIAS b", "a A 192.0.2.61", "b A 192.0.2.62", "*.w ALIAS a", "x ALIAS b")
    for name, address in (("one", "61"), ("two", "62"), ("any.w", "61"), ("x", "62")):
        wait_for(volley, f"{name}.round.test.", {f"192.0.2.{address}"})
    edit(volley, "round.test.", "- one ALIAS", "+ one 60 ALIAS hop", "+ hop 60 CNAME two", "- two ALIAS", "+ two 60 ALIAS one",
         "- *.w ALIAS", "+ *.w 60 ALIAS x", "- x ALIAS", "+ x 60 ALIAS any.w")
    for name in ("one", "two", "*.w", "x"):
        wait_for_error(volley, f"{name}.round.test.", "leads back to itself")
    before, seen = serial(volley.network, "round.test."), attempts(volley)
    wait_until(lambda: attempts(volley) > seen + 8, "more attempts")
    assert serial(volley.network, "round.test.") == before, "addresses go round"
    edit(volley, "round.test.", "- hop CNAME", "+ hop 60 A 192.0.2.64")
    for name in ("one", "two"):
        wait_for(volley, f"{name}.round.test.", {"192.0.2.64"})


def test_an_alias_that_goes_before_it_is_looked_up(volley):
    """New ones are looked up together, a little later. Some go before that."""
    add_live(volley, "gone.test.", "web A 192.0.2.63")
    for _ in range(50):
        for sign in "+-":
            edit(volley, "gone.test.", *(f"{sign} n{number} 60 ALIAS web" for number in range(3)))
    edit(volley, "gone.test.", "+ n 60 ALIAS web")
    wait_for(volley, "n.gone.test.", {"192.0.2.63"})


def test_targets_that_are_not_allowed_are_not_asked_for(volley):
    add_live(volley, "abuse.test.", "@ ALIAS www.out.test.", "a ALIAS www.elsewhere.test.", "b ALIAS xout.test.")
    wait_for(volley, "abuse.test.", {"198.51.100.1"})
    for name in ("a.abuse.test.", "b.abuse.test."):
        wait_for_error(volley, name, "is not in a domain of alias.allow")


def test_by_hand(volley):
    add_live(volley, "hand.test.", "www A 192.0.2.40", "name CNAME www")
    volley.ctl("zone", "set", "hand.test.", "@", "300", "ALIAS", "www.out.test.")
    wait_for(volley, "hand.test.", {"198.51.100.1"})
    volley.ctl("zone", "set", "hand.test.", "@", "ALIAS", "www")
    wait_for(volley, "hand.test.", {"192.0.2.40"})
    for arguments, reason in (
            (("set", "hand.test.", "@", "A", "192.0.2.41"), "ALIAS and addresses"),
            (("set", "hand.test.", "www", "ALIAS", "www.out.test."), "ALIAS and addresses"),
            (("set", "hand.test.", "name", "ALIAS", "www.out.test."), "CNAME and other data"),
            (("set", "hand.test.", "@", "TYPE240", "\\# 1 00"), "unknown type"),
            (("set", "hand.test.", "@", "ALIAS", "\\# 2 0000"), "malformed"),
            (("set", "file.hand.", "@", "ALIAS", "www"), "not in the configuration")):
        result = volley.ctl("zone", *arguments, check=False)
        assert result.returncode == 1 and reason in result.stderr, result.stderr
    exported = volley.ctl("zone", "export", "hand.test.").stdout
    assert "hand.test. 300 IN ALIAS www.hand.test." in exported and exported.count("192.0.2.40") == 1
    volley.ctl("zone", "unset", "hand.test.", "@", "ALIAS")
    assert addresses(volley, "hand.test.") == set() and alias(volley, "hand.test.") is None
    volley.ctl("zone", "begin", "hand.test.")
    volley.ctl("zone", "unset", "hand.test.", "www", "A")
    volley.ctl("zone", "set", "hand.test.", "www", "ALIAS", "www.out.test.")
    volley.ctl("zone", "commit", "hand.test.")
    wait_for(volley, "www.hand.test.", {"198.51.100.1"})
    volley.ctl("zone", "begin", "hand.test.")
    volley.ctl("zone", "unset", "hand.test.", "www", "ALIAS")
    volley.ctl("zone", "set", "hand.test.", "www", "A", "198.51.100.1")
    volley.ctl("zone", "commit", "hand.test.")
    assert addresses(volley, "www.hand.test.") == {"198.51.100.1"} and alias(volley, "www.hand.test.") is None


def test_the_file_goes_on_beside_the_addresses(volley):
    add_live(volley, "files.test.", "@ ALIAS www.out.test.", "www A 192.0.2.50")
    wait_for(volley, "files.test.", {"198.51.100.1"})
    before = serial(volley.network, "files.test.")
    volley.add_zone("files.test.", small_zone(1, "@ ALIAS www.out.test.", "www A 192.0.2.51"))
    volley.ctl("reload", "files.test.")
    assert addresses(volley, "www.files.test.") == {"192.0.2.51"}
    assert addresses(volley, "files.test.") == {"198.51.100.1"} and serial(volley.network, "files.test.") > before
    volley.add_zone("files.test.", small_zone(1, "@ A 192.0.2.52", "www TYPE65401 \\# 14 03777777036f75740474657374 00"))
    volley.ctl("reload", "files.test.")
    assert addresses(volley, "files.test.") == {"192.0.2.52"}
    wait_for(volley, "www.files.test.", {"198.51.100.1"})


@pytest.mark.parametrize("lines, line, reason", [
    (("@ ALIAS a.", "@ A 192.0.2.1"), 5, "ALIAS and addresses"),
    (("@ ALIAS a.", "@ ALIAS b."), 6, "more than one ALIAS"),
    (("w ALIAS a.", "w CNAME b."), 5, "CNAME and other data"),
    (("w NS a.", "w ALIAS b."), 6, "at or below a delegation"),
    (("@ DNSKEY 257 3 13 MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXYwMTIzNDU2Nzg5YWJjZGVmZ2hpamtsbW5vcHFyc3R1dg==",
      "w ALIAS b."), 6, "signed elsewhere"),
    (("w ALIAS",), 5, "target"),
    (("w ALIAS a. b.",), 5, "more words"),
    (("w ALIAS a..b",), 5, "ALIAS"),
    (("w TYPE65401 \\# 1 05",), 5, "malformed data"),
    (("w TYPE240 \\# 1 00",), 5, "not allowed"),
])
def test_errors_in_zone_files_have_their_line(world, tmp_path, lines, line, reason):
    file = tmp_path / "bad.zone"
    file.write_text(small_zone(1, *lines))
    result = world.ctl("check-zone", "bad.test.", str(file), check=False)
    assert result.returncode == 1
    assert any(f"{file}:{line}: error" in one and reason in one for one in result.stdout.splitlines()), result.stdout


def test_a_zone_that_does_not_live_has_none(volley):
    volley.add_zone("dull.test.", small_zone(1, "www A 192.0.2.1", "@ ALIAS www"))
    result = volley.ctl("reload", check=False)
    volley.remove_zone("dull.test.")
    assert result.returncode == 1 and ":6: " in result.stdout + result.stderr
    assert "give it living: true" in result.stdout + result.stderr
    volley.ctl("reload")


def test_bad_settings_are_refused(volley, tmp_path):
    text = volley.config.read_text()
    for old, new, reason in ((f'["{RESOLVER}"]', '["resolver"]', "alias.forwarders[0]: resolver: must be"),
                             ('ttl-min: "1s"', 'ttl-min: "2h"', "alias.ttl-min: must not be above"),
                             ('["out.test.", "dead.test.", "many.test."]', "[]", "needs alias.allow"),
                             ('rate: "10000"', 'rate: "0"', "alias.rate: must be")):
        bad = tmp_path / "bad.yaml"
        assert old in text
        bad.write_text(text.replace(old, new))
        result = volley.ctl("check", str(bad), check=False)
        assert result.returncode == 1 and reason in result.stdout, result.stdout


def test_last_known_addresses_outlive_control(volley):
    wait_for(volley, "apex.test.", {"198.51.100.1"})
    before = serial(volley.network, "apex.test.")
    wait_until(lambda: (alias(volley, "apex.test.") or {}).get("resolved_unix_s"), "a time")
    wait_until(lambda: (volley.state / "aliases").stat().st_size > 0, "the notes")
    volley.resolver.set(out="refuse")
    wait_for_error(volley, "apex.test.", "SERVFAIL")
    volley.control.kill()
    volley.start_control()
    volley.wait_for_connection()
    assert addresses(volley, "apex.test.") == {"198.51.100.1"}
    wait_for_error(volley, "apex.test.", "SERVFAIL")
    shown = alias(volley, "apex.test.")
    assert shown["resolved_unix_s"] > 0 and shown["addresses"] == ["198.51.100.1", "2001:db8::1"], shown
    assert serial(volley.network, "apex.test.") == before
    volley.resolver.set("www.out.test. 1 A 198.51.100.5")
    wait_for(volley, "apex.test.", {"198.51.100.5"})


@pytest.mark.heavy
def test_ten_thousand(volley):
    lines = [f"n{i} ALIAS n{i}.many.test." for i in range(10000)]
    add_live(volley, "many-aliases.test.", *lines)
    wait_until(lambda: len([1 for one in volley.ctl_json("aliases", "many-aliases.test.")["aliases"]
                            if one["addresses"] == ["192.0.2.9"]]) == 10000, "all addresses", 120)
    for i in (0, 5000, 9999):
        assert addresses(volley, f"n{i}.many-aliases.test.") == {"192.0.2.9"}
    zone = transfer(volley.network, "many-aliases.test.")
    assert len([1 for _, rdataset in zone.iterate_rdatasets() if rdataset.rdtype == 1]) == 10001
    # few changes, not one for each
    assert len(volley.ctl_json("zone", "history", "many-aliases.test.")["changes"]) < 1000
    volley.remove_zone("many-aliases.test.")
    volley.ctl("reload")
    assert alias(volley, "n0.many-aliases.test.") is None
