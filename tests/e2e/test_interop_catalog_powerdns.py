# SPDX-License-Identifier: GPL-3.0-or-later
"""Catalogs with PowerDNS, both ways, with groups and changes of ownership; and what it fetches by IXFR. What comes is
compared record by record."""
import hashlib
import json
import sqlite3

import dns.exception
import dns.name
import dns.zone
import pytest

from ask import serial
from net import SERVER4
from pdns import PowerDnsDatabase
from transfer_peers import expected, records, transfer, zone_text
from volley import own_network, small_zone, wait_until

pytestmark = pytest.mark.release

OURS, OTHER = "ours.test.", "other.test."     # Volley makes them
THEIRS, TARGET = "theirs.test.", "target.test."  # PowerDNS makes the first; the other one is a file of Volley's
PLAIN = "plain.test."


def configure(volley, peer):
    volley.keep_state()
    volley.spare_clients()
    volley.control_in_network = True
    volley.other_settings["remotes"] = [{"name": "pdns", "address": [peer.address]}]
    volley.other_settings["templates"] = [
        {"name": "theirs", "primaries": ["pdns"]}, {"name": "gold", "primaries": ["pdns"], "refresh-min": "1m"}]
    groups = [{"template": "theirs"}, {"group": "gold", "template": "gold"}]
    out = {"transfer-to": [{"from": ["10.53.0.0/24"]}], "notify": ["pdns"]}
    for name in (OURS, OTHER):
        volley.zones[name] = None
        volley.zone_settings[name] = {"catalog": "producer"} | out
    for name, settings in (("v1.test.", {}), ("v2.test.", {"catalog-group": "gold"})):
        volley.zone_settings[name] = {"catalog-zone": OURS} | settings | out
        volley.add_zone(name, zone_text(1))
    volley.zone_settings[PLAIN] = out
    volley.add_zone(PLAIN, zone_text(1))
    volley.add_secondary(THEIRS, ["pdns"], catalog="consumer", catalog_templates=groups)
    volley.zone_settings[TARGET] = {"catalog": "consumer", "catalog-templates": groups}
    volley.add_zone(TARGET, small_zone(1, 'version 0 TXT "2"'))


def fill(peer):
    peer.configure()
    for name in ("p1.test.", "p2.test."):
        peer.load(name, zone_text(1))
    peer.add_catalog(THEIRS)
    peer.util("set-catalog", "p1.test.", THEIRS)
    peer.util("set-catalog", "p2.test.", THEIRS)
    peer.util("set-option", "p2.test.", "producer", "group", "gold")
    peer.util("set-option", "p2.test.", "producer", "unique", "second")
    peer.add_secondary(OURS, "consumer")
    peer.add_secondary(OTHER, "consumer")
    peer.add_secondary(PLAIN)


@pytest.fixture(scope="module", name="world")
def _world(tmp_path_factory):
    directory = tmp_path_factory.mktemp("pdns")
    with own_network(directory) as volley:
        peer = PowerDnsDatabase(volley.network, directory)
        configure(volley, peer)
        fill(peer)
        peer.start()
        volley.start()
        try:
            yield volley, peer
        finally:
            peer.stop()


def logs(world, what):
    return lambda: f"{what}\n{world[0].control.log()[-3000:]}\n{world[1].process.log()[-3000:]}"


def wait_for(world, name, wanted, address):
    def there():
        try:
            return serial(world[0].network, name, address) == wanted
        except dns.exception.Timeout:
            return False

    wait_until(there, logs(world, f"{name} {wanted} at {address}"), 30)


def exported(volley, name):
    return records(dns.zone.from_text(volley.ctl("zone", "export", name).stdout, name, relativize=False))


def member(volley, name):
    """What Volley shows of a member, or None."""
    return next((zone.get("member") for zone in volley.ctl_json("zones")["zones"] if zone["name"] == name), None)


def at_peer(peer, name):
    """Number, catalog and options of a zone in PowerDNS's database, or None."""
    with sqlite3.connect(peer.database) as opened:
        row = opened.execute("SELECT id, catalog, options FROM domains WHERE name = ?", (name.rstrip("."),)).fetchone()
    return row and (row[0], row[1], json.loads(row[2] or "{}"))


def sent(volley, zone):
    """The kinds of the zone's transfers to others that have ended, the oldest first."""
    past = volley.ctl_json("transfers", "--past")["past"]
    return [one["kind"] for one in reversed(past) if (one["direction"], one["zone"]) == ("out", zone)]


def label(zone):
    return hashlib.sha256(dns.name.from_text(zone).to_wire()).hexdigest()[:32]


def test_volley_consumes(world):
    volley, _ = world
    for name in ("p1.test.", "p2.test."):
        wait_for(world, name, 1, SERVER4)
        assert exported(volley, name) == expected(name, 1)
    assert member(volley, "p1.test.")["template"] == "theirs"
    found = member(volley, "p2.test.")
    assert (found["label"], found["groups"], found["template"]) == ("second", ["gold"], "gold")


def test_volley_follows(world):
    volley, peer = world
    wait_for(world, "p1.test.", 1, SERVER4)
    peer.load("p3.test.", zone_text(3))
    peer.util("set-catalog", "p3.test.", THEIRS)
    peer.util("set-catalog", "p1.test.", "")
    wait_for(world, "p3.test.", 3, SERVER4)
    wait_for(world, "p1.test.", "REFUSED", SERVER4)
    assert exported(volley, "p3.test.") == expected("p3.test.", 3)


def test_a_zone_leaves_the_catalog_of_powerdns_by_coo(world):
    """It keeps its records, as its label is the same: there is one transfer alone."""
    volley, peer = world
    wait_for(world, "p2.test.", 1, SERVER4)
    peer.util("set-option", "p2.test.", "producer", "coo", TARGET)
    volley.ctl("zone", "set", TARGET, "second.zones", "0", "PTR", "p2.test.")
    wait_until(lambda: member(volley, "p2.test.")["catalog"] == TARGET, logs(world, "moved"), 30)
    peer.util("set-catalog", "p2.test.", "")
    peer.load("p4.test.", small_zone(4))
    peer.util("set-catalog", "p4.test.", THEIRS)
    wait_for(world, "p4.test.", 4, SERVER4)  # so that the catalog without the zone has come
    assert member(volley, "p2.test.")["catalog"] == TARGET
    known = volley.ctl_json("zone", "status", "p2.test.")["secondary"]
    assert (known["axfr"], known["ixfr"]) == (1, 0), known
    assert exported(volley, "p2.test.") == expected("p2.test.", 1)


def test_powerdns_consumes(world):
    volley, peer = world
    for name in ("v1.test.", "v2.test."):
        wait_for(world, name, 1, peer.address)
        assert records(transfer(volley.network, name, peer.address)) == expected(name, 1)
    assert at_peer(peer, "v1.test.")[1] == OURS.rstrip(".")
    _, catalog, options = at_peer(peer, "v2.test.")
    assert catalog == OURS.rstrip(".")
    assert options["consumer"] == {"unique": f"{label('v2.test.')}.", "group": ["gold"]}


def test_powerdns_follows(world):
    volley, peer = world
    wait_for(world, "v1.test.", 1, peer.address)
    volley.zone_settings["v3.test."] = volley.zone_settings["v1.test."]
    volley.add_zone("v3.test.", zone_text(3))
    volley.remove_zone("v1.test.")
    volley.ctl("reload")
    wait_for(world, "v3.test.", 3, peer.address)
    wait_for(world, "v1.test.", "REFUSED", peer.address)
    assert records(transfer(volley.network, "v3.test.", peer.address)) == expected("v3.test.", 3)


def test_a_zone_moves_to_another_catalog_of_volley_by_coo(world):
    volley, peer = world
    wait_for(world, "v2.test.", 1, peer.address)
    number = at_peer(peer, "v2.test.")[0]
    volley.ctl("zone", "set", OURS, f"coo.{label('v2.test.')}.zones", "0", "PTR", OTHER)
    # PowerDNS must have read this before the other catalog lists the zone: it does not try a zone twice
    wait_until(lambda: at_peer(peer, "v2.test.")[2].get("consumer", {}).get("coo"), logs(world, "coo"), 30)
    volley.ctl("zone", "set", OTHER, f"{label('v2.test.')}.zones", "0", "PTR", "v2.test.")
    wait_until(lambda: at_peer(peer, "v2.test.")[1] == OTHER.rstrip("."), logs(world, "moved"), 30)
    volley.zone_settings["v2.test."]["catalog-zone"] = OTHER
    volley.zone_settings["v4.test."] = volley.zone_settings["v2.test."] | {"catalog-zone": OURS}
    volley.add_zone("v4.test.", small_zone(4))
    volley.ctl("reload")
    wait_for(world, "v4.test.", 4, peer.address)  # so that the catalog without the zone has come
    assert at_peer(peer, "v2.test.")[:2] == (number, OTHER.rstrip(".")), "the same zone, that was never gone"
    assert records(transfer(volley.network, "v2.test.", peer.address)) == expected("v2.test.", 1)


def test_powerdns_fetches_changes_by_ixfr(world):
    volley, peer = world
    wait_for(world, PLAIN, 1, peer.address)
    before = len(sent(volley, PLAIN))
    volley.zone_file(PLAIN).write_text(zone_text(2))
    volley.ctl("reload")
    wait_for(world, PLAIN, 2, peer.address)
    assert records(transfer(volley.network, PLAIN, peer.address)) == expected(PLAIN, 2)
    wait_until(lambda: len(sent(volley, PLAIN)) > before, lambda: volley.ctl("transfers", "--past").stdout)
    assert sent(volley, PLAIN)[before:] == ["IXFR"]
