# SPDX-License-Identifier: GPL-3.0-or-later
"""A catalog from Knot DNS, whose members are transferred from there, too."""
import dns.rcode
import pytest

from ask import query, rrset, serial
from knot import Knot
from net import CLIENT4, SERVER4
from volley import own_network, small_zone, wait_until

pytestmark = pytest.mark.release

CATALOG = "cat.test."


def zone(number):
    return small_zone(number, f"www A 192.0.2.{number}")


@pytest.fixture(name="volley")
def _volley(tmp_path):
    with own_network(tmp_path) as volley:
        volley.be_secondary()
        volley.other_settings["templates"] = [{"name": "members", "primaries": ["primary"]}]
        volley.add_secondary(CATALOG, ["primary"], catalog="consumer", catalog_templates=[{"template": "members"}])
        yield volley


def served(volley, name):
    found = rrset(query(volley.network, f"www.{name}", "A").answer, f"www.{name}", "A")
    return found[1] if found else None


def wait_for(volley, name, address):
    wait_until(lambda: served(volley, name) == (address and {address}),
               lambda: f"{address} of {name}; control says\n{volley.control.log()}")


def names(volley):
    return {zone["name"] for zone in volley.ctl_json("zones")["zones"]}


def test_members_are_transferred_and_follow_the_catalog(volley):
    catalog = small_zone(1, 'version 0 TXT "2"', "one.zones 0 PTR m1.test.", "two.zones 0 PTR m2.test.", ttl=0)
    knot = Knot(volley.network.client, volley.directory / "knot", CLIENT4, SERVER4,
                {CATALOG: catalog} | {f"m{number}.test.": zone(number) for number in (1, 2, 3)})
    volley.start()
    wait_for(volley, "m1.test.", "192.0.2.1")
    wait_for(volley, "m2.test.", "192.0.2.2")
    knot.change("m1.test.", ("zone-set", "www", "3600", "A", "192.0.2.77"), ("zone-unset", "www", "A", "192.0.2.1"))
    wait_for(volley, "m1.test.", "192.0.2.77")
    knot.change(CATALOG, ("zone-set", "three.zones", "0", "PTR", "m3.test."), ("zone-unset", "two.zones", "PTR"))
    wait_for(volley, "m3.test.", "192.0.2.3")
    wait_until(lambda: "m2.test." not in names(volley), "removal")
    assert query(volley.network, "m2.test.", "SOA").rcode() == dns.rcode.REFUSED
    knot.stop()
    volley.control.stop()
    volley.start_control()
    assert names(volley) == {CATALOG, "m1.test.", "m3.test."}
    assert served(volley, "m1.test.") == {"192.0.2.77"}
    assert serial(volley.network, "m3.test.") == 3
    assert volley.ctl_json("status")["trouble"] == []
