# SPDX-License-Identifier: GPL-3.0-or-later
"""Complete forms of large living zones on disk: used at the next start, with what has changed since, unless they are damaged."""
import pytest

from ask import query, rrset, serial
from volley import own_network, small_zone

pytestmark = pytest.mark.release

NAMES = 60_000
ZONE = "big.test."
ON_DISK = r"complete forms of 1 large living zone"
WITH_CHANGES = r"from disk, with what has changed since"
AS_IT_IS = r"from disk, and is the present one"
COMPILED = r"is compiled from the store"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with own_network(tmp_path_factory.mktemp("forms")) as volley:
        volley.keep_state()
        volley.zone_settings[ZONE] = {"living": True}
        volley.add_zone(ZONE, small_zone(1, *(f"n{i} A 192.0.2.{i % 250}" for i in range(NAMES)),
                                         "alias CNAME n5", "mail MX 10 n6", "*.wild A 192.0.2.7", "gone.deep A 192.0.2.8"))
        yield volley.start()


def address(volley, name):
    found = rrset(query(volley.network, f"{name}.{ZONE}").answer, f"{name}.{ZONE}", "A")
    return found[1] if found else set()


def images(volley):
    return list((volley.directory / "state" / "living-images").glob("*.image"))


def restart(volley):
    volley.control.kill()
    volley.start_control()
    return volley.control.log()


def test_a_form_is_used_with_what_has_changed_since(running):
    running.control.wait_for_log(ON_DISK)
    running.ctl("zone", "begin", ZONE)
    for words in (("set", ZONE, "new", "300", "A", "192.0.2.251"), ("unset", ZONE, "n7"), ("unset", ZONE, "gone.deep"),
                  ("set", ZONE, "n5", "A", "192.0.2.252"), ("set", ZONE, "x.wild", "A", "192.0.2.253")):
        running.ctl("zone", *words)
    running.ctl("zone", "commit", ZONE)
    running.ctl("zone", "set", ZONE, "comes", "A", "192.0.2.1")
    running.ctl("zone", "unset", ZONE, "comes")
    before = serial(running.network, ZONE)
    assert WITH_CHANGES.split(",")[1] in restart(running)
    assert serial(running.network, ZONE) == before
    assert address(running, "new") == {"192.0.2.251"}
    assert address(running, "n5") == {"192.0.2.5", "192.0.2.252"}
    assert {"192.0.2.5", "192.0.2.252"} == rrset(query(running.network, f"alias.{ZONE}").answer, f"n5.{ZONE}", "A")[1]
    assert address(running, "x.wild") == {"192.0.2.253"}
    assert address(running, "y.wild") == {"192.0.2.7"}
    assert address(running, "n6") == {"192.0.2.6"}
    for name in ("n7", "gone.deep", "deep", "comes"):
        assert query(running.network, f"{name}.{ZONE}").rcode() == 3, name


def test_the_present_form_is_used_as_it_is(running):
    running.control.wait_for_log(ON_DISK)
    assert AS_IT_IS.split(",")[1] in restart(running)
    assert address(running, "new") == {"192.0.2.251"}
    running.ctl("zone", "set", ZONE, "newer", "A", "192.0.2.2")
    assert address(running, "newer") == {"192.0.2.2"}


@pytest.mark.parametrize("which", ["image", "index"])
def test_a_damaged_file_is_not_used(running, which):
    running.control.wait_for_log(ON_DISK)
    file = images(running)[0] if which == "image" else images(running)[0].with_name("index")
    running.control.kill()
    octets = bytearray(file.read_bytes())
    octets[len(octets) // 2] ^= 1
    file.write_bytes(octets)
    running.start_control()
    assert COMPILED in running.control.log()
    assert address(running, "newer") == {"192.0.2.2"}
    assert query(running.network, f"n7.{ZONE}").rcode() == 3
