# SPDX-License-Identifier: GPL-3.0-or-later
"""Secondary zones: with Knot DNS as their primary; their times, restarts, several primaries, reviews."""
import threading

import dns.edns
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.zone
import pytest

from ask import query, rrset, serial
from knot import Knot
from net import CLIENT4, SERVER4
from primary import Primary, base, message, notify, soa
from signing import NSEC, sign_text
from volley import own_network, small_zone, wait_until

ZONE = "s.test."
KEY = ("transfer.", "hmac-sha256", "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=")
MANY = [f"h{i} A 192.0.2.{i % 250}" for i in range(400)]


@pytest.fixture(name="volley")
def _volley(tmp_path):
    with own_network(tmp_path) as volley:
        volley.be_secondary()
        yield volley


def primary(volley, text, **how):
    return Knot(volley.network.client, volley.directory / "knot", CLIENT4, SERVER4, {ZONE: text}, **how)


def address(volley, name):
    found = rrset(query(volley.network, name, "A").answer, name, "A")
    return found[1] if found else None


def wait_for_serial(volley, wanted):
    wait_until(lambda: serial(volley.network, ZONE) == wanted,
               lambda: f"serial {wanted}; control says\n{volley.control.log()}")


def test_a_zone_is_transferred_and_follows_its_primary(volley):
    knot = primary(volley, small_zone(1, *MANY))
    volley.add_secondary(ZONE, ["primary"])
    volley.start()
    wait_for_serial(volley, 1)
    assert address(volley, f"h7.{ZONE}") == {"192.0.2.7"}
    knot.change(ZONE, ("zone-set", "www", "300", "A", "192.0.2.99"), ("zone-unset", "h7", "A"))
    wait_for_serial(volley, 2)
    assert address(volley, f"www.{ZONE}") == {"192.0.2.99"}
    assert query(volley.network, f"h7.{ZONE}", "A").rcode() == dns.rcode.NXDOMAIN
    volley.control.wait_for_log("serial 2 by IXFR from primary primary")
    knot.stop()


@pytest.mark.release
def test_a_signed_transfer(volley):
    knot = primary(volley, small_zone(1, *MANY), key=KEY)
    name, algorithm, secret = KEY
    volley.other_settings["keys"] = [{"name": name, "algorithm": algorithm, "secret": secret},
                                     {"name": "other.", "secret": secret}]
    volley.other_settings["remotes"] = [{"name": "unsigned", "address": [CLIENT4]},
                                        {"name": "wrong", "address": [CLIENT4], "key": "other."},
                                        {"name": "right", "address": [CLIENT4], "key": name}]
    volley.add_secondary(ZONE, ["unsigned", "wrong", "right"])
    volley.start()
    wait_for_serial(volley, 1)
    knot.change(ZONE, ("zone-set", "www", "300", "A", "192.0.2.99"))
    wait_for_serial(volley, 2)
    volley.control.wait_for_log("by IXFR from primary right")
    knot.stop()


@pytest.fixture(name="source")
def _source(volley):
    """A primary whose zone has short times."""
    made = Primary(volley.network.client)
    made.serials[ZONE] = 1
    made.times = "1 1 3 300"
    made.answers[ZONE] = lambda asked: [
        message(asked, soa(ZONE, made.serials[ZONE], made.times), *base(ZONE),
                soa(ZONE, made.serials[ZONE], made.times))]
    made.soa = lambda zone: soa(zone, made.serials[zone], made.times)
    yield made
    made.stop()


def extended_error(volley):
    response = query(volley.network, ZONE, "SOA", use_edns=0)
    return dns.rcode.to_text(response.rcode()), [option.code for option in response.options
                                                 if option.otype == dns.edns.EDE]


def test_a_zone_that_was_never_transferred_says_so(volley):
    volley.add_secondary(ZONE, ["primary"])
    volley.start()
    assert extended_error(volley) == ("SERVFAIL", [14])
    volley.control.wait_for_log(f"warning: zone {ZONE}: primary primary: ")


@pytest.mark.release
def test_a_zone_expires_and_comes_back(volley, source):
    volley.add_secondary(ZONE, ["primary"], expire_min="1s", refresh_min="1s", retry_min="1s")
    volley.start()
    wait_for_serial(volley, 1)
    source.pause()
    volley.control.wait_for_log(f"zone {ZONE} has expired")
    wait_until(lambda: extended_error(volley) == ("SERVFAIL", [24]), lambda: str(extended_error(volley)))
    # it stays so over a restart, as nobody has confirmed it
    volley.control.kill()
    volley.start_control()
    volley.wait_for_connection()
    assert extended_error(volley) == ("SERVFAIL", [24])
    volley.control.wait_for_log(f"zone {ZONE} has expired")
    source.resume()
    wait_for_serial(volley, 1)


@pytest.mark.release
def test_a_restart_serves_what_was_there_before_any_transfer(volley, source):
    source.times = "3600 600 86400 300"
    volley.add_secondary(ZONE, ["primary"])
    volley.start()
    wait_for_serial(volley, 1)
    source.pause()
    volley.control.stop()
    volley.dataplane.stop()
    volley.start()
    assert serial(volley.network, ZONE) == 1
    source.resume()
    source.serials[ZONE] = 2
    notify(volley.network, ZONE, 2)
    wait_for_serial(volley, 2)


def test_a_primary_that_fails_is_passed_over(volley, source):
    source.times = "3600 600 86400 300"
    volley.other_settings["remotes"] = [{"name": "dead", "address": ["10.53.0.77", "10.53.0.1@5399"]},
                                        {"name": "primary", "address": [CLIENT4]}]
    volley.add_secondary(ZONE, ["dead", "primary"])
    volley.network.server.ip("route", "add", "unreachable", "10.53.0.77")
    volley.start()
    wait_for_serial(volley, 1)
    assert f"zone {ZONE}: primary dead: " in volley.control.log()


@pytest.mark.release
def test_a_transfer_has_a_time(volley, source):
    def slow(asked):
        yield message(asked, soa(ZONE, 1))
        while not ended.wait(0.1):
            yield message(asked, *base(ZONE))

    ended = threading.Event()
    source.answers[ZONE] = slow
    volley.other_settings["transfers"] = {"in-time": "1s"}
    volley.add_secondary(ZONE, ["primary"])
    volley.start()
    volley.control.wait_for_log("primary primary: the transfer takes longer than transfers.in-time")
    ended.set()


def test_a_serial_that_goes_back_needs_an_operator(volley, source):
    source.times = "3600 600 86400 300"
    source.serials[ZONE] = 5
    volley.add_secondary(ZONE, ["primary"])
    volley.start()
    wait_for_serial(volley, 5)
    source.serials[ZONE] = 3
    volley.ctl("zone", "refresh", ZONE)
    volley.control.wait_for_log("its serial 3 is older than ours, 5")
    assert serial(volley.network, ZONE) == 5
    volley.ctl("zone", "retransfer", ZONE)
    wait_for_serial(volley, 3)


@pytest.mark.release
def test_a_version_waits_for_its_review(volley, source):
    source.times = "3600 600 86400 300"
    volley.add_secondary(ZONE, ["primary"], hold="review")
    volley.start()
    volley.control.wait_for_log(f"serial 1 waits for a review: volleyctl zone accept {ZONE}")
    assert extended_error(volley) == ("SERVFAIL", [14])
    volley.ctl("zone", "accept", ZONE)
    wait_for_serial(volley, 1)
    source.serials[ZONE] = 2
    notify(volley.network, ZONE, 2)
    volley.control.wait_for_log("serial 2 waits for a review")
    assert serial(volley.network, ZONE) == 1
    volley.ctl("zone", "accept", ZONE)
    wait_for_serial(volley, 2)
    source.serials[ZONE] = 3
    notify(volley.network, ZONE, 3)
    volley.control.wait_for_log("serial 3 waits for a review")
    del volley.zone_settings[ZONE]["hold"]
    volley.write_config()
    volley.ctl("reload")
    wait_for_serial(volley, 3)


def signed_version(number):
    """All RRsets of a signed zone, the SOA first and last."""
    zone = dns.zone.from_text(sign_text(ZONE, NSEC, small_zone(number, "www A 192.0.2.2")), ZONE, relativize=False)
    sets = []
    for name, rdataset in zone.iterate_rdatasets():
        made = dns.rrset.RRset(name, rdataset.rdclass, rdataset.rdtype, rdataset.covers)
        made.update(rdataset)
        made.ttl = rdataset.ttl
        sets.append(made)
    (first,) = [made for made in sets if made.rdtype == dns.rdatatype.SOA]
    return [first, *(made for made in sets if made is not first), first]


def damaged(sets):
    """The address of www is another one than was signed."""
    www = [made for made in sets if made.rdtype == dns.rdatatype.A and made.name.to_text() == f"www.{ZONE}"][0]
    other = dns.rrset.from_text(www.name, www.ttl, "IN", "A", "192.0.2.3")
    return [other if made is www else made for made in sets]


@pytest.mark.release
def test_a_bogus_version_is_refused(volley, source):
    version = {number: signed_version(number) for number in (1, 2, 3)}
    version[2] = damaged(version[2])
    source.answers[ZONE] = lambda asked: [message(asked, *version[source.serials[ZONE]])]
    volley.add_secondary(ZONE, ["primary"], on_bogus="refuse")
    volley.start()
    wait_for_serial(volley, 1)
    source.serials[ZONE] = 2
    notify(volley.network, ZONE, 2)
    volley.control.wait_for_log("primary primary: serial 2: bogus: .*")
    assert serial(volley.network, ZONE) == 1
    source.serials[ZONE] = 3
    notify(volley.network, ZONE, 3)
    wait_for_serial(volley, 3)


@pytest.mark.release
def test_what_is_fetched_before_the_dataplane_starts_is_answered_then(volley):
    knot = primary(volley, small_zone(3, *MANY))
    volley.add_secondary(ZONE, ["primary"])
    volley.start_control()
    wait_until(lambda: "serial 3 by AXFR" in volley.control.log(), volley.control.log)
    assert "state      current" not in volley.ctl("zone", "status", ZONE).stdout
    volley.start_dataplane()
    wait_for_serial(volley, 3)
    wait_until(lambda: "state      current" in volley.ctl("zone", "status", ZONE).stdout,
               lambda: volley.ctl("zone", "status", ZONE).stdout, 20)
    knot.stop()
