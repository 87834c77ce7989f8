# SPDX-License-Identifier: GPL-3.0-or-later
"""Secondary zones that have expired: they become primaries, their bounds change, nothing is known of their contacts."""
import dns.rcode
import pytest

from ask import query, serial
from primary import Primary, soa
from volley import own_network, small_zone, wait_until

pytestmark = pytest.mark.release

ZONE = "e.test."
BOUNDS = {"refresh-min": "1s", "retry-min": "1s", "expire-min": "1s"}


@pytest.fixture(name="volley")
def _volley(tmp_path):
    """The zone has expired: its primary is silent."""
    with own_network(tmp_path) as volley:
        volley.be_secondary()
        source = Primary(volley.network.client)
        source.serials[ZONE] = 1
        source.soa = lambda zone: soa(zone, 1, "1 1 2 300")
        volley.add_secondary(ZONE, ["primary"], **BOUNDS, expire_max="2s")
        volley.start()
        wait_for_serial(volley, 1)
        source.pause()
        wait_for_expiry(volley)
        yield volley
        source.stop()


def wait_for_serial(volley, wanted):
    wait_until(lambda: serial(volley.network, ZONE) == wanted,
               lambda: f"serial {wanted}; control says\n{volley.control.log()}")


def wait_for_expiry(volley):
    volley.control.wait_for_log(f"zone {ZONE} has expired")
    wait_until(lambda: query(volley.network, ZONE, "SOA").rcode() == dns.rcode.SERVFAIL, "SERVFAIL")


def restart_control(volley):
    volley.control.kill()
    volley.start_control()
    volley.wait_for_connection()


def test_an_expired_zone_comes_back_without_its_primary(volley):
    # other bounds
    volley.zone_settings[ZONE].update({"expire-min": "1d", "expire-max": "2d"})
    volley.write_config()
    restart_control(volley)
    wait_for_serial(volley, 1)
    # it expires, too, when nothing is known of its last contact
    volley.zone_settings[ZONE].update({"expire-min": "1s", "expire-max": "1s"})
    volley.write_config()
    volley.control.kill()
    (volley.state / "secondaries").unlink()
    volley.start_control()
    wait_for_expiry(volley)
    # it becomes a primary
    volley.add_zone(ZONE, small_zone(7))
    volley.zone_settings[ZONE] = {"living": True}
    volley.write_config()
    volley.ctl("reload")
    wait_for_serial(volley, 7)
    restart_control(volley)
    wait_for_serial(volley, 7)
