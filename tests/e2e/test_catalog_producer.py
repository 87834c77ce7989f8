# SPDX-License-Identifier: GPL-3.0-or-later
"""Catalog zones that Volley makes: they list zones of the configuration."""
import hashlib

import dns.name
import dns.rdatatype
import pytest

from ask import query, serial
from volley import own_network, small_zone, wait_until

pytestmark = pytest.mark.release

CATALOG = "made.test."


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with own_network(tmp_path_factory.mktemp("producer")) as volley:
        volley.keep_state()
        volley.zones[CATALOG] = None
        volley.zone_settings[CATALOG] = {"catalog": "producer"}
        for number in (1, 2):
            listed(volley, number)
        volley.add_zone("unlisted.test.", small_zone(1))
        yield volley.start()


def listed(volley, number, **settings):
    name = f"p{number}.test."
    volley.zone_settings[name] = {"catalog-zone": CATALOG} | settings
    volley.add_zone(name, small_zone(number))


def label(zone):
    """Stable, so that a restart or a lost store resets nothing at the consumers."""
    return hashlib.sha256(dns.name.from_text(zone).to_wire()).hexdigest()[:32]


def records(volley):
    """All records but the SOA, as "OWNER TYPE DATA"."""
    shown = volley.request(command="zone-records", zone=CATALOG)
    assert shown["ok"], shown
    return shown


def value(volley, owner, rrtype):
    answer = query(volley.network, f"{owner}.{CATALOG}", rrtype).answer
    return {rdata.to_text() for rdata in answer[0]} if answer else set()


def members(volley):
    """The labels and zones of those that are asked for."""
    return {zone for zone in (f"p{number}.test." for number in range(1, 6))
            if value(volley, f"{label(zone)}.zones", "PTR") == {zone}}


def wait_for(volley, *zones):
    wait_until(lambda: members(volley) == set(zones), lambda: f"{members(volley)}\n{volley.control.log()}")


def test_it_lists_the_zones_from_the_start(running):
    wait_for(running, "p1.test.", "p2.test.")
    assert value(running, "version", "TXT") == {'"2"'}
    assert query(running.network, CATALOG, "NS").answer[0].to_text().endswith("NS invalid.")
    assert value(running, f"{label('unlisted.test.')}.zones", "PTR") == set()
    assert running.ctl_json("status")["trouble"] == []


def test_it_follows_the_configuration_by_changes(running):
    before = serial(running.network, CATALOG)
    listed(running, 3, **{"catalog-group": "gold"})
    running.remove_zone("p1.test.")
    running.ctl("reload")
    wait_for(running, "p2.test.", "p3.test.")
    assert value(running, f"group.{label('p3.test.')}.zones", "TXT") == {'"gold"'}
    assert serial(running.network, CATALOG) == before + 1
    running.zone_settings["p3.test."]["catalog-group"] = "silver"
    running.write_config()
    running.ctl("reload")
    wait_until(lambda: value(running, f"group.{label('p3.test.')}.zones", "TXT") == {'"silver"'}, "another group")
    assert serial(running.network, CATALOG) == before + 2
    running.ctl("reload", "--force", check=False)
    running.ctl("reload")
    assert serial(running.network, CATALOG) == before + 2


def test_other_properties_stay_and_go_with_their_member(running):
    mine = f"x.ext.{label('p2.test.')}.zones"
    for owner in (mine, f"x.ext.{label('p3.test.')}.zones", "y.ext"):
        running.ctl("zone", "set", CATALOG, owner, "0", "TXT", "custom")
    running.remove_zone("p3.test.")
    running.ctl("reload")
    wait_for(running, "p2.test.")
    assert value(running, mine, "TXT") == value(running, "y.ext", "TXT") == {'"custom"'}
    assert value(running, f"x.ext.{label('p3.test.')}.zones", "TXT") == set()


def test_a_label_of_somebody_else_stays(running):
    """So an operator resets a zone."""
    running.ctl("zone", "begin", CATALOG)
    running.ctl("zone", "unset", CATALOG, f"{label('p2.test.')}.zones", "PTR")
    running.ctl("zone", "unset", CATALOG, f"x.ext.{label('p2.test.')}.zones", "TXT")
    running.ctl("zone", "set", CATALOG, "other.zones", "0", "PTR", "p2.test.")
    running.ctl("zone", "commit", CATALOG)
    listed(running, 4)
    running.ctl("reload")
    wait_for(running, "p4.test.")
    assert value(running, "other.zones", "PTR") == {"p2.test."}


def test_a_restart_changes_nothing(running):
    before = serial(running.network, CATALOG)
    running.control.stop()
    running.start_control()
    assert serial(running.network, CATALOG) == before
    listed(running, 5)
    running.ctl("reload")
    wait_for(running, "p4.test.", "p5.test.")
    assert serial(running.network, CATALOG) == before + 1
