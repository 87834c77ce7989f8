# SPDX-License-Identifier: GPL-3.0-or-later
"""volley-control is killed at any moment of transfers out: what clients have afterwards is no transfer, or a whole one; the
zones here and at a secondary (Knot DNS) are versions that there were, whole."""
import random
import re
import threading
import time

import dns.exception
import dns.rdatatype
import dns.xfr
import pytest

from ask import serial
from transfer_peers import KnotDns, serial_of, transfer
from volley import own_network, small_zone, wait_until

ZONE = "plain.out.knot.test."
NAMES = 3000   # several messages
CLIENTS = 4


class Knot(KnotDns):
    ways = {"in": (), "out": ("plain",)}


def version(number):
    """Each name has its text."""
    return small_zone(number, *(f"n{i} TXT {number}" for i in range(NAMES)))


def texts(zone):
    return {rdata.strings[0] for _, rdataset in zone.iterate_rdatasets() if rdataset.rdtype == dns.rdatatype.TXT
            for rdata in rdataset}


def assert_whole(zone):
    """Returns its serial."""
    number = serial_of(zone)
    assert texts(zone) == {str(number).encode()}
    assert sum(rdataset.rdtype == dns.rdatatype.TXT for _, rdataset in zone.iterate_rdatasets()) == NAMES
    return number


class Client(threading.Thread):
    """Fetches the zone again and again, from nothing and from what it has; what is whole is looked at."""

    def __init__(self, network):
        super().__init__(daemon=True)
        self.network = network
        self.ending = threading.Event()
        self.whole, self.broken, self.error = 0, 0, None

    def run(self):
        zone = None
        while not self.ending.is_set():
            try:
                zone = transfer(self.network, ZONE, zone=zone)
                assert_whole(zone)
                self.whole += 1
                if random.random() < 0.5:
                    zone = None
            except (OSError, EOFError, dns.exception.DNSException):
                self.broken += 1
                zone = None
                self.ending.wait(0.001)
            except AssertionError as error:
                self.error = error
                return

    def stop(self):
        self.ending.set()
        self.join()
        if self.error:
            raise self.error


def exported(volley):
    """The serial and the set of texts of the zone as it is in the store."""
    text = volley.ctl("zone", "export", ZONE).stdout
    found = re.findall(r'TXT\s+"?(\d+)"?', text)
    assert len(found) == NAMES, text[:2000]
    return int(re.search(r"SOA\s+\S+\s+\S+\s+(\d+)", text)[1]), set(map(int, found))


def secondary_serial(network, knot):
    try:
        return serial(network, ZONE, knot.address)
    except (OSError, dns.exception.Timeout):
        return None


@pytest.fixture(name="world")
def _world(tmp_path):
    """Volley, and Knot with the zone."""
    with own_network(tmp_path) as volley:
        volley.keep_state()
        volley.spare_clients()
        volley.control_in_network = True
        knot = Knot(volley.network, tmp_path)
        volley.other_settings["remotes"] = [{"name": "knot", "address": [knot.address]}]
        volley.zone_settings[ZONE] = {"transfer-to": [{"from": ["10.53.0.0/24"]}], "notify": ["knot"]}
        volley.add_zone(ZONE, version(1))
        knot.start()
        try:
            volley.start()
            yield volley, knot
        finally:
            knot.stop()


@pytest.fixture(name="clients")
def _clients(world):
    """They begin when the test starts them."""
    made = [Client(world[0].network) for _ in range(CLIENTS)]
    yield made
    for client in made:
        client.ending.set()
    for client in made:
        if client.is_alive():
            client.join()


@pytest.mark.release
@pytest.mark.parametrize("kills", [1, pytest.param(100, marks=pytest.mark.heavy)])
def test_kills_leave_whole_zones(world, clients, note, kills):
    rng = random.Random(kills)
    volley, knot = world
    volley.ctl("zone", "notify", ZONE)
    wait_until(lambda: secondary_serial(volley.network, knot) == 1, "the first transfer")
    for client in clients:
        client.start()
    number = seen = 1
    for _ in range(kills):
        number += 1
        volley.zone_file(ZONE).write_text(version(number))
        volley.ctl("reload")
        time.sleep(rng.uniform(0, 0.05))  # of transfers, which take that long
        volley.control.kill()
        found = assert_whole(transfer(volley.network, ZONE, knot.address))
        assert seen <= found <= number
        seen = found
        volley.start_control()
        volley.wait_for_connection()
        assert exported(volley) == (number, {number})
    wait_until(lambda: all(client.whole and client.broken for client in clients) or any(
        client.error for client in clients), "each client has had whole transfers and broken ones")
    volley.ctl("zone", "notify", ZONE)
    wait_until(lambda: secondary_serial(volley.network, knot) == number, knot.process.log)
    for client in clients:
        client.stop()
    assert assert_whole(transfer(volley.network, ZONE, knot.address)) == number
    note(f"{sum(client.whole for client in clients)} transfers were whole, {sum(client.broken for client in clients)}"
         f" broken by {kills} kills")
