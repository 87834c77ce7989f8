# SPDX-License-Identifier: GPL-3.0-or-later
"""Many living zones that begin at once: they go into the store together."""
import pytest

from ask import query, rrset
from volley import own_network, small_zone

pytestmark = pytest.mark.release

ZONES = 300


def name(number):
    return f"z{number}.test."


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with own_network(tmp_path_factory.mktemp("many")) as volley:
        volley.keep_state()
        for number in range(ZONES):
            volley.zone_settings[name(number)] = {"living": True}
            volley.add_zone(name(number), small_zone(1, f"www A 192.0.2.{number % 250}"))
        # neither is in the way of the others: one that is too large for a common transaction, and a broken one
        volley.zone_settings["large.test."] = {"living": True}
        volley.add_zone("large.test.", small_zone(1, *(f"n{i} TXT {'x' * 200}" for i in range(6000))))
        volley.zone_settings["broken.test."] = {"living": True}
        volley.add_zone("broken.test.", small_zone(1, "www A 192.0.2.300"))
        yield volley.start()


def address(volley, zone):
    return rrset(query(volley.network, f"www.{zone}").answer, f"www.{zone}", "A")[1]


def test_all_are_served_and_one_error_is_shown(running):
    for number in range(0, ZONES, 7):
        assert address(running, name(number)) == {f"192.0.2.{number % 250}"}
    assert query(running.network, "n5999.large.test.", "TXT").answer
    assert query(running.network, "www.broken.test.").rcode() == 5
    assert "broken.test." in running.ctl("status").stdout


def test_they_can_be_changed_and_are_there_after_a_restart(running):
    for number in (3, ZONES - 1):
        running.ctl("zone", "set", name(number), "new", "300", "A", "192.0.2.7")
    running.control.kill()
    running.start_control()
    for number in (3, ZONES - 1):
        assert rrset(query(running.network, f"new.{name(number)}").answer, f"new.{name(number)}", "A")[1] == {"192.0.2.7"}
    assert address(running, name(5)) == {"192.0.2.5"}
