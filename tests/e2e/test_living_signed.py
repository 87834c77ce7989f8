# SPDX-License-Identifier: GPL-3.0-or-later
"""Living zones that are signed elsewhere: their file brings changes and signatures, and nothing else changes them."""
import base64
import itertools

import dns.dnssec
import dns.name
import dns.rdatatype
import pytest
from dns.rdtypes.ANY import NSEC3

import signing
from ask import query, rrset, serial
from volley import own_network, small_zone, wait_until

ZONE = "signed.test."
WWW = f"www.{ZONE}"
OTHER_END = "20360101000000"
SERIALS = itertools.count(1)

pytestmark = [pytest.mark.release, pytest.mark.skipif(not signing.BIND_SIGNER, reason="dnssec-signzone is not installed")]


def signed(*lines, number=None, method=signing.NSEC):
    """The zone with its next serial."""
    return signing.sign_text(ZONE, method, small_zone(number or next(SERIALS), *lines))


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with own_network(tmp_path_factory.mktemp("signed")) as volley:
        volley.keep_state()
        volley.zone_settings[ZONE] = {"living": True}
        volley.add_zone(ZONE, signed("www A 192.0.2.1"))
        yield volley.start()


def reload(volley, text, check=True):
    """Returns what reload says, and the serial then."""
    volley.zone_file(ZONE).write_text(text)
    said = volley.ctl("reload", ZONE, check=check)
    return said.stdout, serial(volley.network, ZONE)


def ask(volley, name, rrtype="A"):
    return query(volley.network, name, rrtype, use_edns=0, payload=4096, want_dnssec=True)


def addresses(volley, name=WWW):
    answer = ask(volley, name).answer
    return (rrset(answer, name, "A") or (0, set()))[1]


def denial(volley):
    """The types that deny a name."""
    response = ask(volley, f"nothing.{ZONE}")
    assert response.rcode() == 3
    return {dns.rdatatype.to_text(found.rdtype) for found in response.authority} - {"SOA", "RRSIG"}


def state(volley):
    return next(zone for zone in volley.ctl_json("zones")["zones"] if zone["name"] == ZONE)


def test_its_file_changes_it(running):
    assert addresses(running) == {"192.0.2.1"} and state(running)["signatures"] == "good"
    _, number = reload(running, signed("www A 192.0.2.2", "new A 192.0.2.3"))
    assert number == 2 and addresses(running) == {"192.0.2.2"}
    assert rrset(ask(running, f"new.{ZONE}").answer, f"new.{ZONE}", "RRSIG")
    assert denial(running) == {"NSEC"}
    assert running.ctl_json("zone", "history", ZONE)["changes"][-1]["cause"] == "file"


def test_signatures_alone_are_a_change(running, monkeypatch):
    reload(running, signed("www A 192.0.2.1"))
    before = state(running)["signatures_expire_unix_s"]
    monkeypatch.setattr(signing, "EXPIRATION", OTHER_END)
    reload(running, signed("www A 192.0.2.1"))
    assert addresses(running) == {"192.0.2.1"} and state(running)["signatures_expire_unix_s"] < before


def test_a_serial_that_is_not_larger_is_refused(running):
    _, number = reload(running, signed("www A 192.0.2.1"))
    for wrong in (number, number - 1):
        said, now = reload(running, signed("www A 192.0.2.20", number=wrong), check=False)
        assert now == number and "sign it again with a larger serial" in said
        assert addresses(running) == {"192.0.2.1"}


@pytest.mark.parametrize("words", ["set {zone} www A 192.0.2.30", "unset {zone} www", "revert {zone} {number}"])
def test_volleyctl_does_not_change_it(running, words):
    _, number = reload(running, signed("www A 192.0.2.1"))
    _, last = reload(running, signed("www A 192.0.2.2"))
    refused = running.ctl("zone", *words.format(zone=ZONE, number=number).split(), check=False)
    assert refused.returncode == 1 and "change it where it is signed" in refused.stdout + refused.stderr
    assert serial(running.network, ZONE) == last and addresses(running) == {"192.0.2.2"}


def test_checks_of_signed_zones_are_made(running):
    _, number = reload(running, signed("www A 192.0.2.1"))
    running.other_settings["checks"] = {"signature-invalid": "error"}
    running.write_config()
    running.ctl("reload")
    said, now = reload(running, signed("www A 192.0.2.99").replace("192.0.2.99", "192.0.2.98"), check=False)
    assert "does not verify" in said and now == number
    del running.other_settings["checks"]
    running.write_config()
    running.ctl("reload", check=False)
    assert addresses(running) == {"192.0.2.98"}, "without that, it is a warning"


def test_another_chain_none_and_one_again(running):
    for method, types in ((signing.NSEC3, {"NSEC3"}), (signing.OPTOUT, {"NSEC3"}), (None, set()), (signing.NSEC, {"NSEC"}), (None, set())):
        text = signed("www A 192.0.2.1", method=method) if method else small_zone(next(SERIALS), "www A 192.0.2.1")
        reload(running, text)
        assert denial(running) == types and bool(rrset(ask(running, WWW).answer, WWW, "RRSIG")) == bool(method)
        assert ("signatures" in state(running)) == bool(method)
    running.ctl("zone", "set", ZONE, "www", "A", "192.0.2.40")  # it is not signed now
    assert addresses(running) == {"192.0.2.1", "192.0.2.40"}


def test_a_restart_keeps_it(running):
    running.ctl("zone", "unset", ZONE, "www", "A", "192.0.2.40")
    next(SERIALS), next(SERIALS)
    running.zone_file(ZONE).write_text(running.ctl("zone", "export", ZONE).stdout)
    running.ctl("reload", ZONE)
    _, number = reload(running, signed("www A 192.0.2.5", method=signing.NSEC3))
    before = ask(running, f"nothing.{ZONE}").to_text().split("\n", 1)[1]
    running.control.kill()
    running.start_control()
    assert serial(running.network, ZONE) == number and addresses(running) == {"192.0.2.5"}
    assert ask(running, f"nothing.{ZONE}").to_text().split("\n", 1)[1] == before
    assert state(running)["signatures"] == "good"


# ---- a zone that is large enough to be compiled beside the writer ----

LARGE = "large.test."


def large(*lines, number):
    """With opt-out, delegations need no signatures; with another salt, there is no overlay."""
    delegations = [f"d{index} NS ns.elsewhere.invalid." for index in range(11000)]
    return signing.sign_text(LARGE, signing.OPTOUT._replace(salt=f"{number:02x}"), small_zone(number, *lines, *delegations))


def test_a_large_zone_does_not_hold_up_others(running):
    texts = [large(f"www A 192.0.2.{number}", number=number) for number in (1, 2, 3)]
    running.zone_settings |= {LARGE: {"living": True}, "small.test.": {"living": True}}
    running.add_zone(LARGE, texts[0])
    running.add_zone("small.test.", small_zone(1))
    running.ctl("reload", check=False)
    running.zone_file(LARGE).write_text(texts[1])
    reloading = running.spawn_ctl("reload", LARGE)
    for number in range(20):
        running.ctl("zone", "set", "small.test.", f"n{number}", "A", "192.0.2.9")
    assert serial(running.network, "small.test.") == 21
    assert reloading.wait(60) == 0
    assert serial(running.network, LARGE) == 2 and addresses(running, f"www.{LARGE}") == {"192.0.2.2"}
    assert query(running.network, f"d77.{LARGE}", "NS").authority
    assert ask(running, f"nothing.{LARGE}").rcode() == 3

    # what is on disk when control is killed is answered after its start
    running.zone_file(LARGE).write_text(texts[2])
    before = running.ctl_json("zone", "history", LARGE)["changes"]
    running.spawn_ctl("reload", LARGE)
    wait_until(lambda: running.ctl_json("zone", "history", LARGE)["changes"] != before, "the change is not on disk")
    running.control.kill()
    running.start_control()
    assert serial(running.network, LARGE) == 3 and addresses(running, f"www.{LARGE}") == {"192.0.2.3"}


def in_order(name, method):
    """What the chain has in place of a name."""
    if method is signing.NSEC:
        return dns.name.from_text(name)
    return dns.dnssec.nsec3_hash(name, "", method.iterations, 1)


def pairs(response, method):
    """The records that deny something in a response, as pairs of what the chain has in place of names."""
    if method is signing.NSEC:
        return [(found.name, item.next) for found in response.authority if found.rdtype == dns.rdatatype.NSEC for item in found]
    return [(found.name.labels[0].decode().upper(), base64.b32encode(item.next).translate(NSEC3.b32_normal_to_hex).decode())
            for found in response.authority if found.rdtype == dns.rdatatype.NSEC3 for item in found]


def is_covered(response, name, method):
    missing = in_order(name, method)
    return any(owner < missing < after or (after <= owner and (owner < missing or missing < after))
               for owner, after in pairs(response, method))


def is_matched(response, name, method):
    return any(owner == in_order(name, method) for owner, _ in pairs(response, method))


@pytest.mark.parametrize("kind", ["NSEC", "NSEC3", "OPTOUT"])
def test_changes_are_overlays(running, kind):
    method, zone = getattr(signing, kind), f"{kind.lower()}.test."
    lines = {f"n{number:03}": f"n{number:03} A 192.0.2.1" for number in range(120)}

    def text(number):
        return signing.sign_text(zone, method, small_zone(number, *lines.values(), f"d{number} NS ns.elsewhere.invalid."))

    running.zone_settings |= {zone: {"living": True}}
    running.add_zone(zone, text(1))
    running.ctl("reload", check=False)
    layers = []
    for number in range(2, 8):
        gone, new = f"n{10 + number:03}", f"n{10 + number:03}x"
        del lines[gone]
        lines[new] = f"{new} A 192.0.2.{number}"
        running.zone_file(zone).write_text(text(number))
        running.ctl("reload", zone)
        assert serial(running.network, zone) == number
        assert addresses(running, f"{new}.{zone}") == {f"192.0.2.{number}"}
        for name in (f"{gone}.{zone}", f"{new}x.{zone}", f"d{number - 1}.{zone}"):
            response = ask(running, name)
            assert response.rcode() == 3 and is_covered(response, name, method), name
        assert is_matched(ask(running, f"{new}.{zone}", "TXT"), f"{new}.{zone}", method)
        referral, cut = ask(running, f"d{number}.{zone}"), f"d{number}.{zone}"
        assert (is_covered if kind == "OPTOUT" else is_matched)(referral, cut, method)
        layers.append(next(one["layers"] for one in running.ctl_json("zones")["zones"] if one["name"] == zone))
    # a complete form and up to three overlays; then one overlay in place of these
    assert layers == [2, 3, 4, 2, 3, 4]
