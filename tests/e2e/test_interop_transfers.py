# SPDX-License-Identifier: GPL-3.0-or-later
"""Transfers with BIND, NSD, Knot and PowerDNS, each as primary and as secondary, plain, with TSIG and over TLS; what
comes is compared record by record. All run at once, and all zones change at once, so that nobody waits for one."""
import contextlib

import dns.exception
import dns.name
import dns.xfr
import dns.zone
import pytest

from ask import query, serial
from net import SERVER4
from transfer_peers import (ALGORITHM, KEY, PEER_NAME, PEERS, SECRET, Unbound, certificates, expected, records, serial_of,
                            transfer, transfer_again, zone_text)
from volley import own_network, wait_until

pytestmark = pytest.mark.release

WAYS = ("plain", "tsig", "xot")
IN = [(peer, way) for peer in PEERS for way in peer.ways["in"]]
OUT = [(peer, way) for peer in PEERS for way in peer.ways["out"]]
EVERYBODY = {"from": ["10.53.0.0/24"]}
UNBOUND = "out.unbound.test."


def add_remotes(volley, peers):
    volley.other_settings["keys"] = [{"name": KEY, "algorithm": ALGORITHM, "secret": SECRET}]
    volley.other_settings["tls"] = [
        {"name": "serve", "certificate-file": "volley.pem", "key-file": "volley.key"},
        {"name": "peer", "ca-file": "ca.pem", "hostname": PEER_NAME}]
    volley.dataplane_settings["stream-tls-port"] = "853"
    volley.other_settings["transfers"] = {"tls": "serve"}
    volley.other_settings["remotes"] = [
        {"name": f"{peer.name}-{way}", "address": [peer.address]} | (
            {"key": KEY} if way == "tsig" else {"tls": "peer"} if way == "xot" else {})
        for peer in peers for way in WAYS]


def add_zones(volley, peer):
    for name, way in peer.links("in"):
        volley.add_secondary(name, [f"{peer.name}-{way}"], transfer_to=[EVERYBODY])
    for name, way in peer.links("out"):
        rule = {"plain": EVERYBODY, "tsig": {"key": KEY}, "xot": {"tls": "required"}}[way]
        notify = "plain" if way == "xot" else way
        volley.zone_settings[name] = {"transfer-to": [rule], "notify": [f"{peer.name}-{notify}"]}
        volley.add_zone(name, zone_text(1))


@pytest.fixture(scope="module", name="world")
def _world(tmp_path_factory):
    directory = tmp_path_factory.mktemp("interop")
    certificates(directory)
    with own_network(directory) as volley:
        volley.keep_state()
        volley.spare_clients()
        volley.control_in_network = True
        peers = {kind: kind(volley.network, directory) for kind in (*PEERS, Unbound)}
        add_remotes(volley, peers.values())
        for kind in PEERS:
            add_zones(volley, peers[kind])
        volley.zone_settings[UNBOUND] = {"transfer-to": [EVERYBODY], "notify": ["unbound-plain"]}
        volley.add_zone(UNBOUND, zone_text(1))
        for peer in peers.values():
            peer.start()
        volley.start()
        for name in volley.zones:
            if ".out." in name:
                volley.ctl("zone", "notify", name)
        try:
            yield volley, peers
        finally:
            for peer in peers.values():
                peer.stop()


@pytest.fixture(scope="module", name="changed")
def _changed(world):
    """Every zone has a new version; and what was transferred before. Who has not got the first one fails elsewhere."""
    volley, peers = world
    before = volley.ctl_json("transfers")["out"]
    for kind in PEERS:
        for name in peers[kind].zones("in"):
            with contextlib.suppress(AssertionError):
                wait_for(volley, peers[kind], name, 1, SERVER4)
            peers[kind].change(name, 2)
        for name in peers[kind].zones("out"):
            with contextlib.suppress(AssertionError):
                wait_for(volley, peers[kind], name, 1, peers[kind].address)
    for name in volley.zones:
        if ".out." in name or name == UNBOUND:
            volley.zone_file(name).write_text(zone_text(2))
    volley.ctl("reload")
    return volley, peers, before


def exported(volley, name):
    return records(dns.zone.from_text(volley.ctl("zone", "export", name).stdout, name, relativize=False))


def wait_for(volley, peer, name, wanted, address):
    def what():
        status = volley.ctl("zone", "status", name).stdout
        return f"{name} {wanted}\n{status}\n{volley.control.log()[-3000:]}\n{peer.process.log()[-3000:]}"

    def there():
        try:
            return serial(volley.network, name, address) == wanted
        except dns.exception.Timeout:
            return False

    wait_until(there, what, 20)


@pytest.mark.parametrize("kind, way", IN)
def test_volley_fetches_the_zone(world, kind, way):
    volley, peers = world
    name = f"{way}.in.{kind.name}.test."
    wait_for(volley, peers[kind], name, 1, SERVER4)
    assert exported(volley, name) == expected(name, 1)


@pytest.mark.parametrize("kind, way", OUT)
def test_a_peer_fetches_the_zone(world, kind, way):
    volley, peers = world
    peer, name = peers[kind], f"{way}.out.{kind.name}.test."
    wait_for(volley, peer, name, 1, peer.address)
    assert records(transfer_again(volley.network, name, peer.address)) == expected(name, 1)


@pytest.mark.parametrize("kind, way", IN)
def test_volley_follows(changed, kind, way):
    volley, peers, _ = changed
    name = f"{way}.in.{kind.name}.test."
    wait_for(volley, peers[kind], name, 2, SERVER4)
    assert exported(volley, name) == expected(name, 2)
    known = volley.ctl_json("zone", "status", name)["secondary"]
    assert known["state"] == "current", known
    assert (known["axfr"], known["ixfr"]) == ((1, 1) if kind.sends_ixfr else (2, 0)), known


@pytest.mark.parametrize("kind, way", OUT)
def test_a_peer_follows(changed, kind, way):
    volley, peers, _ = changed
    peer, name = peers[kind], f"{way}.out.{kind.name}.test."
    wait_for(volley, peer, name, 2, peer.address)
    assert records(transfer_again(volley.network, name, peer.address)) == expected(name, 2)


def test_unbound_follows(changed):
    volley, peers, _ = changed
    unbound = peers[Unbound]
    wait_for(volley, unbound, UNBOUND, 2, unbound.address)
    wanted = dns.zone.from_text(zone_text(2), UNBOUND, relativize=False, check_origin=False)
    for owner, kind in (("h8", "TXT"), ("@", "MX"), ("naptr", "NAPTR"), ("odd", "TYPE65280"), ("any.wild", "A")):
        name = dns.name.from_text(owner, wanted.origin)
        found = {rdata for rrset in query(volley.network, name.to_text(), kind, unbound.address).answer for rdata in rrset}
        stored = name if owner != "any.wild" else dns.name.from_text("*.wild", wanted.origin)
        assert found == set(wanted.get_rdataset(stored, kind)), owner


def test_changes_are_sent_and_not_zones(changed):
    volley, peers, before = changed
    for kind, way in OUT:
        wait_for(volley, peers[kind], f"{way}.out.{kind.name}.test.", 2, peers[kind].address)
    wait_for(volley, peers[Unbound], UNBOUND, 2, peers[Unbound].address)
    now = volley.ctl_json("transfers")["out"]
    assert now["ixfr"] - before["ixfr"] == len(OUT) - len(peers[PEERS[-1]].links("out")) + 1, now


def test_who_has_no_right_gets_nothing(world):
    volley, peers = world
    for kind in PEERS:
        for name, way in peers[kind].links("out"):
            if way != "plain":
                with pytest.raises(dns.xfr.TransferError):
                    transfer(volley.network, name)


def test_dnspython_follows_by_ixfr(changed):
    volley, peers, _ = changed
    name = peers[PEERS[0]].zones("out")[0]
    zone = transfer(volley.network, name)
    first = serial_of(zone)
    volley.ctl("zone", "set", name, "dnspython", "60", "A", "192.0.2.77")
    transfer(volley.network, name, zone=zone)
    assert serial_of(zone) == first + 1
    assert records(zone) == records(transfer(volley.network, name))
