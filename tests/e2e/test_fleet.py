# SPDX-License-Identifier: GPL-3.0-or-later
"""A hidden primary and three Volleys, each in a network namespace of its own, that get their zones by its catalog: one is
cut off from the primary for longer than the zone's expire time, one is restarted, one has a wrong clock."""
import itertools
import os
import subprocess
from pathlib import Path

import dns.edns
import dns.rcode
import pytest

from ask import query, serial
from knot import Knot
from net import CLIENT4, SERVER_LINK, Namespace
from volley import Volley, small_zone, wait_until

CATALOG, ZONE = "cat.test.", "member.test."
KEY = ("transfer.", "hmac-sha256", "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=")
EXPIRE_S = 4
DAY = 86400  # more than the hour that the others keep the zone
CLOCK = Path(__file__).parents[1] / "lib/wrong_clock.c"
NAMES = ("cut", "restarted", "late")

pytestmark = [pytest.mark.release, pytest.mark.heavy]
_serial = itertools.count()


class Site:
    """A server's namespace, which is joined to that of the primary and the clients."""

    def __init__(self, client, number):
        self.client = client
        self.server = Namespace(f"vly-f{os.getpid()}-{next(_serial)}")
        self.address, gateway, link = f"10.54.{number}.1", f"10.54.{number}.2", f"site{number}"
        client.ip("link", "add", link, "type", "veth", "peer", "name", SERVER_LINK, "netns", self.server.name)
        for side, device, address in ((client, link, gateway), (self.server, SERVER_LINK, self.address)):
            side.ip("addr", "add", f"{address}/24", "dev", device)
            side.ip("link", "set", device, "up")
        self.server.ip("route", "add", CLIENT4, "via", gateway)
        self.gateway = gateway

    def cut(self):
        """The primary is out of reach; clients are not."""
        self.server.ip("route", "replace", "unreachable", CLIENT4)

    def join(self):
        self.server.ip("route", "del", "unreachable", CLIENT4)
        self.server.ip("route", "replace", CLIENT4, "via", self.gateway)

    def delete(self):
        self.server.delete()


class Member(Volley):
    def __init__(self, site, directory, expire_min):
        directory.mkdir()
        super().__init__(site, directory)
        self.keep_state()
        self.spare_clients()
        self.control_in_network = True
        name, algorithm, secret = KEY
        self.other_settings["keys"] = [{"name": name, "algorithm": algorithm, "secret": secret}]
        self.other_settings["remotes"] = [{"name": "hidden", "address": [CLIENT4], "key": name}]
        self.other_settings["templates"] = [{"name": "members", "primaries": ["hidden"], "refresh-min": "1s",
                                             "retry-min": "1s", "expire-min": expire_min}]
        self.add_secondary(CATALOG, ["hidden"], catalog="consumer", catalog_templates=[{"template": "members"}])

    def set_clock(self, ahead_s):
        clock = self.directory / "clock.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", clock, CLOCK], check=True)
        self.control_environment = {"LD_PRELOAD": str(clock), "CLOCK_AHEAD_S": str(ahead_s)}

    def restart(self):
        self.control.stop()
        self.dataplane.stop()
        self.start()

    def answer(self):
        """The serial, or RCODE and extended errors."""
        response = query(self.network, ZONE, "SOA", self.network.address, use_edns=0)
        if response.answer:
            return response.answer[0][0].serial
        return (dns.rcode.to_text(response.rcode()),
                [option.code for option in response.options if option.otype == dns.edns.EDE])

    def wait_for(self, answer):
        wait_until(lambda: self.answer() == answer, lambda: f"{answer}, not {self.answer()}\n{self.status()}"
                                                            f"{self.control.log()}")

    def status(self):
        return self.ctl("zone", "status", ZONE).stdout

    def wait_for_state(self, text):
        wait_until(lambda: text in self.status(), lambda: f"{text}\n{self.status()}")


def member_zone(number):
    return small_zone(number, f"www A 192.0.2.{number}").replace("3600 600 1209600", f"1 1 {EXPIRE_S}")


@pytest.fixture(name="fleet")
def _fleet(tmp_path):
    client = Namespace(f"vly-f{os.getpid()}-{next(_serial)}")
    client.ip("addr", "add", f"{CLIENT4}/32", "dev", "lo")
    sites = [Site(client, number) for number in range(len(NAMES))]
    fleet = {name: Member(site, tmp_path / name, "1s" if name == "cut" else "1h") for name, site in zip(NAMES, sites)}
    catalog = small_zone(1, 'version 0 TXT "2"', "one.zones 0 PTR " + ZONE, ttl=0)
    primary = Knot(client, tmp_path / "knot", CLIENT4, sites[0].address, {CATALOG: catalog, ZONE: member_zone(1)}, key=KEY)
    try:
        yield primary, fleet
    finally:
        primary.stop()
        try:
            for member in fleet.values():
                member.stop()
        finally:
            for site in sites:
                site.delete()
            client.delete()


def change(primary, number):
    primary.file(ZONE).write_text(member_zone(number))
    primary.knotc("zone-reload", ZONE)


def test_what_each_answers_and_shows(fleet, note):
    primary, members = fleet
    cut, restarted, late = (members[name] for name in NAMES)
    for member in members.values():
        member.start()
    for member in members.values():
        member.wait_for(1)
    cut.network.cut()
    change(primary, 2)
    # one is cut off, and then too old
    cut.wait_for_state("state      unconfirmed: no primary has confirmed 1 since ")
    for member in (restarted, late):
        member.wait_for(2)
    cut.wait_for(("SERVFAIL", [24]))
    cut.wait_for_state("state      expired: no primary has confirmed 1 since ")
    assert "queries get SERVFAIL" in cut.status() and "failed " in cut.status()
    # one is restarted while the primary is down, and answers at once
    primary.stop()
    restarted.restart()
    assert restarted.answer() == 2
    primary.start()
    change(primary, 3)
    restarted.wait_for(3)
    restarted.wait_for_state("state      current")
    # the clock of one is a day ahead: its zone has expired, and no signature is good
    late.set_clock(DAY)
    late.restart()
    late.wait_for(("SERVFAIL", [24]))
    late.wait_for_state("state      expired: ")
    wait_until(lambda: "clock" in late.status(), late.status)
    shown = {name: member.status().splitlines()[1] for name, member in members.items()}
    note("; ".join(f"{name}: {line.removeprefix('state').strip()}" for name, line in shown.items()))
    # all of it passes
    cut.network.join()
    late.set_clock(0)
    late.restart()
    change(primary, 4)
    for member in members.values():
        member.wait_for(4)
        member.wait_for_state("state      current")
        assert serial(member.network, CATALOG, member.network.address) == 1
