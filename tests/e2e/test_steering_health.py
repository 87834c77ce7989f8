# SPDX-License-Identifier: GPL-3.0-or-later
"""Steered names follow health checks: real servers in a namespace, their deaths, and those of both programs."""
import json
import subprocess

import pytest
from ask import query, rrset
from health import checked
from net import CLIENT4
from volley import VOLLEYCTL, small_zone, wait_until

# three failures in a row, so that a machine that is busy for a moment flips nothing
TIMES = {"interval": "200ms", "timeout": "200ms", "rise": "1", "fall": "3", "hold-down": "0s"}
FAILOVER = ("near", "mid", "far")
ADDRESS = {"near": CLIENT4, "mid": "192.0.2.2", "far": "192.0.2.3"}
MEMBER = {"near": "near/a", "mid": "mid/b", "far": "far/c"}


class Site:
    """A name that is answered from the first of three pools that is up. Each pool has one server, and its check stands
    where it may stand: at the pool, at the member, and in health.checks."""

    def __init__(self, setup, fallback="nothing"):
        self.setup, self.volley = setup, setup.volley
        self.volley.spare_clients()
        self.server = {pool: setup.server() for pool in FAILOVER}
        setup.settings["checks"].append(
            {"name": "third", "type": "http", "address": CLIENT4, "port": str(self.server["far"].port)} | TIMES)
        self.near = {"name": "near", "members": [{"name": "a", "A": CLIENT4}], "check": self.web("near")}
        self.mid = {"name": "mid", "members": [
            {"name": "b", "A": ADDRESS["mid"], "address": CLIENT4, "check": self.web("mid")}]}
        far = {"name": "far", "members": [{"name": "c", "A": ADDRESS["far"]}], "check": {"use": "third"}}
        self.volley.other_settings["steer"] = {
            "pools": [self.near, self.mid, far],
            "policies": [{"name": "web", "failover": FAILOVER, "fallback": fallback}]}
        self.volley.zone_settings["test."] = {"steer": [{"name": "www", "types": ["A"], "policy": "web"}]}
        self.volley.add_zone("test.", small_zone(1))

    def web(self, pool):
        return {"type": "http", "port": str(self.server[pool].port)} | TIMES

    def start(self):
        self.setup.start_health()
        self.volley.start()
        self.wait_for_checks(near="up", mid="up", far="up")
        self.wait_for_answer("near")

    def kill(self, pool):
        self.server[pool].close()
        self.setup.servers.remove(self.server[pool])

    def revive(self, pool):
        self.server[pool] = self.setup.server(port=self.server[pool].port)

    def answer(self):
        found = rrset(query(self.volley.network, "www.test.").answer, "www.test.", "A")
        return found[1] if found else set()

    def wait_for_answer(self, *pools):
        wanted = {ADDRESS[pool] for pool in pools}
        wait_until(lambda: self.answer() == wanted, lambda: f"{wanted}: {self.answer()}, {self.members()}")

    def members(self):
        """By the name of their pool."""
        return {pool: self.volley.ctl_json("pool", "show", pool)["pools"][0]["members"][0] for pool in FAILOVER}

    def states(self):
        return {pool: member["check"] for pool, member in self.members().items()}

    def wait_for_checks(self, **states):
        wait_until(lambda: states.items() <= self.states().items(), lambda: f"{states}: {self.members()}")


@pytest.fixture
def setup(tmp_path):
    with checked(tmp_path) as made:
        yield made


def test_failover_as_servers_die(setup):
    site = Site(setup)
    site.start()
    volley = site.volley
    site.kill("near")
    site.wait_for_answer("mid")
    volley.control.wait_for_log(r"check near/a \(http 10\.53\.0\.2 port \d+\) is down after .* s up: ")
    volley.control.wait_for_log(r"pool member near/a is down: .*onnect")
    site.server["mid"].status = 500
    site.wait_for_answer("far")
    site.kill("far")
    site.wait_for_answer()  # fallback: nothing
    assert site.states() == {"near": "down", "mid": "down", "far": "down"}
    shown = volley.ctl("pool", "show", "mid").stdout
    assert f"http {CLIENT4} port {site.server['mid'].port}: down, checked " in shown, shown
    assert "check: down for " in shown and shown.count("status 500, not 200-299") >= 2, shown
    listed = volley.ctl("pool", "list").stdout
    assert "0 of 1 up, weighted, checks: 0 up, 1 down (b: status 500, not 200-299)" in listed, listed
    assert set(setup.checks()) == {"near/a", "mid/b", "third"}, "what is used by its name is checked once"
    site.server["mid"].status = 200
    site.wait_for_answer("mid")
    site.revive("near")
    site.wait_for_answer("near")
    volley.control.wait_for_log(r"pool member near/a is up: status 200")


def test_operators_and_reloads(setup):
    """An operator overrules checks; a check that is changed leaves its member as it is; one that goes frees it."""
    site = Site(setup, fallback="everything")
    site.start()
    site.kill("near")
    site.wait_for_answer("mid")
    site.volley.ctl("pool", "up", "near/a", "--for", "1h")
    assert site.answer() == {ADDRESS["near"]}
    site.volley.ctl("pool", "up", "near/a")
    assert site.answer() == {ADDRESS["mid"]}
    site.near["check"] |= {"fall": "100", "path": "/other"}
    site.volley.write_config()
    site.volley.ctl("reload")
    assert site.states()["near"] == "down" and site.answer() == {ADDRESS["mid"]}
    assert site.members()["near"]["checks"][0]["state"] == "unknown"
    del site.near["check"]
    site.volley.write_config()
    site.volley.ctl("reload")
    assert site.states()["near"] == "none"
    site.wait_for_answer("near")
    site.volley.control.wait_for_log("pool member near/a is up: it is not checked any more")
    site.volley.ctl("pool", "down", "near")
    site.kill("mid")
    site.kill("far")
    site.wait_for_answer("near")  # fallback: all members of the first pool


def test_flapping_is_held_down(setup):
    site = Site(setup)
    site.near["check"] |= {"fall": "1", "hold-down": "1s", "hold-down-max": "1h"}
    site.start()

    def fall():
        site.server["near"].status = 500
        site.wait_for_checks(near="down")
        site.server["near"].status = 200
    fall()
    site.wait_for_checks(near="up")  # the first fall is not held
    fall()
    setup.wait_for("near/a", "down", "held down for")
    site.wait_for_answer("mid")
    assert "held down for" in site.volley.ctl("pool", "show", "near").stdout
    site.wait_for_answer("near")


def test_states_outlive_both_programs(setup):
    """They stay while volley-health is away, when volley-control starts without it, and when it returns."""
    site = Site(setup)
    site.start()
    volley = site.volley
    site.kill("near")
    site.wait_for_answer("mid")
    since = site.members()["near"]["since_unix_s"]
    setup.health.kill()
    volley.processes.remove(setup.health)
    wait_until(lambda: "volley-health is not connected" in setup.troubles(), "a trouble is shown")
    shown = volley.ctl("pool", "show", "near").stdout
    assert "check: down for " in shown and "checked " in shown and "(last known)" in shown, shown
    assert site.answer() == {ADDRESS["mid"]}
    volley.control.stop()
    assert site.answer() == {ADDRESS["mid"]}, "the dataplane goes on alone"
    volley.start_control()
    wait_until(lambda: volley.ctl_json("steer")["is_made"] and volley.is_connected(), "a new block")
    assert site.answer() == {ADDRESS["mid"]}
    assert site.states() == {"near": "down", "mid": "up", "far": "up"}
    assert site.members()["near"]["since_unix_s"] == since
    setup.start_health()
    wait_until(lambda: all(member["checks"][0]["current"] for member in site.members().values()), "states are current")
    assert site.answer() == {ADDRESS["mid"]} and site.members()["near"]["since_unix_s"] == since
    site.revive("near")
    site.wait_for_answer("near")


def test_configuration_errors(tmp_path):
    config = tmp_path / "volley.yaml"
    config.write_text("zones: []\nsteer: " + json.dumps({"pools": [
        {"name": "a", "members": [{"name": "one", "MX": "10 mx.example."}], "check": {"type": "icmp"}},
        {"name": "b", "members": [{"name": "one", "A": "192.0.2.1"}], "check": {"use": "nothing"}},
    ]}))
    result = subprocess.run([VOLLEYCTL, "check", config], capture_output=True, text=True, timeout=60, check=False)
    output = result.stdout + result.stderr
    assert result.returncode == 1, output
    assert "steer.pools[0].members[0]: its check needs A, AAAA or address: there is nothing to be checked" in output
    assert "steer.pools[1].check.use: there is no check of this name in health.checks" in output
