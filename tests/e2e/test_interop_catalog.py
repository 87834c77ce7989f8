# SPDX-License-Identifier: GPL-3.0-or-later
"""Catalogs with other servers: BIND and Knot DNS consume one that Volley makes, and Volley consumes one that Knot
makes."""
import dns.exception
import pytest

from ask import serial
from net import SERVER4
from transfer_peers import Bind, KnotDns
from volley import own_network, small_zone, wait_until

pytestmark = pytest.mark.release

MADE, KNOTS = "made.test.", "knots.test."


class BindConsumer(Bind):
    ways = {"in": (), "out": ()}

    def config(self):
        (self.directory / "members").mkdir()
        return f"""options {{
  directory "{self.directory}";
  pid-file none;
  session-keyfile none;
  listen-on {{ {self.address}; }};
  listen-on-v6 {{ none; }};
  transfer-source {self.address};
  recursion no;
  min-refresh-time 1;
  min-retry-time 1;
  notify no;
  serial-query-rate 1000;
  catalog-zones {{
    zone "{MADE}" default-primaries {{ {SERVER4}; }} zone-directory "members" min-update-interval 1;
  }};
}};
controls {{ }};
zone "{MADE}" {{ type secondary; file "made"; primaries {{ {SERVER4}; }}; }};
"""


class KnotBoth(KnotDns):
    """Consumes ours, and makes one of two zones."""

    ways = {"in": (), "out": ()}

    def config(self):
        for number in (1, 2):
            self.file(f"k{number}.test.").write_text(small_zone(number))
        return f"""server:
  listen: {self.address}@53
  rundir: {self.directory}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 2
database:
  storage: {self.directory}/db
log:
  - target: stderr
    any: info
remote:
  - id: volley
    address: {SERVER4}@53
    via: {self.address}
acl:
  - id: volley
    address: {SERVER4}
    action: [transfer, notify]
template:
  - id: default
    storage: {self.directory}
  - id: member
    storage: {self.directory}
    master: volley
    acl: volley
    retry-min-interval: 1
  - id: own
    storage: {self.directory}
    file: "%s.zone"
    catalog-role: member
    catalog-zone: {KNOTS}
    notify: volley
    acl: volley
zone:
  - domain: {MADE}
    master: volley
    acl: volley
    catalog-role: interpret
    catalog-template: member
    retry-min-interval: 1
  - domain: {KNOTS}
    catalog-role: generate
    notify: volley
    acl: volley
  - domain: k1.test
    template: own
  - domain: k2.test
    template: own
"""


@pytest.fixture(scope="module", name="world")
def _world(tmp_path_factory):
    directory = tmp_path_factory.mktemp("catalogs")
    with own_network(directory) as volley:
        volley.keep_state()
        volley.spare_clients()
        volley.control_in_network = True
        peers = [BindConsumer(volley.network, directory), KnotBoth(volley.network, directory)]
        volley.other_settings["remotes"] = [{"name": peer.name, "address": [peer.address]} for peer in peers]
        volley.other_settings["templates"] = [{"name": "knots", "primaries": ["knot"]}]
        out = {"transfer-to": [{"from": ["10.53.0.0/24"]}], "notify": [peer.name for peer in peers]}
        volley.zones[MADE] = None
        volley.zone_settings[MADE] = {"catalog": "producer"} | out
        for number in (1, 2):
            volley.zone_settings[f"v{number}.test."] = {"catalog-zone": MADE} | out
            volley.add_zone(f"v{number}.test.", small_zone(number))
        volley.add_secondary(KNOTS, ["knot"], catalog="consumer", catalog_templates=[{"template": "knots"}])
        for peer in peers:
            peer.start()
        volley.start()
        try:
            yield volley, peers
        finally:
            for peer in peers:
                peer.stop()


def wait_for(world, name, wanted, address):
    volley, peers = world

    def there():
        try:
            return serial(volley.network, name, address) == wanted
        except dns.exception.Timeout:
            return False

    def what():
        logs = "\n".join(peer.process.log()[-3000:] for peer in peers)
        return f"{name} {wanted} at {address}\n{volley.control.log()[-3000:]}\n{logs}"

    wait_until(there, what, 30)


def test_knot_makes_and_volley_consumes(world):
    for number in (1, 2):
        wait_for(world, f"k{number}.test.", number, SERVER4)


def test_volley_makes_and_others_consume(world):
    volley, peers = world
    for number in (1, 2):
        for peer in peers:
            wait_for(world, f"v{number}.test.", number, peer.address)
    volley.zone_settings["v3.test."] = volley.zone_settings["v1.test."]
    volley.add_zone("v3.test.", small_zone(3))
    volley.remove_zone("v1.test.")
    volley.ctl("reload")
    for peer in peers:
        wait_for(world, "v3.test.", 3, peer.address)
        wait_for(world, "v1.test.", "REFUSED", peer.address)
