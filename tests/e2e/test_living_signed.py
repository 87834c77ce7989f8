# SPDX-License-Identifier: GPL-3.0-or-later
"""Living zones that are signed elsewhere: their file brings changes and signatures, and nothing else changes them."""
import itertools

import dns.name
import dns.rdatatype
import pytest

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
    """With opt-out, delegations need no signatures."""
    delegations = [f"d{index} NS ns.elsewhere.invalid." for index in range(11000)]
    return signing.sign_text(LARGE, signing.OPTOUT, small_zone(number, *lines, *delegations))


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


LAYERED = "layered.test."


def covering(volley, name):
    """The NSEC records that deny a name, as pairs of names."""
    response = ask(volley, name)
    assert response.rcode() == 3
    return [(found.name, item.next) for found in response.authority if found.rdtype == dns.rdatatype.NSEC for item in found]


def test_changes_of_a_zone_with_nsec_are_overlays(running):
    lines = {f"n{number:03}": f"n{number:03} A 192.0.2.1" for number in range(120)}

    def text(number):
        return signing.sign_text(LAYERED, signing.NSEC, small_zone(number, *lines.values()))

    running.zone_settings |= {LAYERED: {"living": True}}
    running.add_zone(LAYERED, text(1))
    running.ctl("reload", check=False)
    layers = []
    for number in range(2, 8):
        gone, new = f"n{10 + number:03}", f"n{10 + number:03}x"
        del lines[gone]
        lines[new] = f"{new} A 192.0.2.{number}"
        running.zone_file(LAYERED).write_text(text(number))
        running.ctl("reload", LAYERED)
        assert serial(running.network, LAYERED) == number
        assert addresses(running, f"{new}.{LAYERED}") == {f"192.0.2.{number}"}
        for name in (f"{gone}.{LAYERED}", f"{new}x.{LAYERED}"):
            missing = dns.name.from_text(name)
            assert any(owner < missing < after for owner, after in covering(running, name)), name
        nodata = ask(running, f"{new}.{LAYERED}", "TXT")
        assert any(found.rdtype == dns.rdatatype.NSEC and found.name == dns.name.from_text(f"{new}.{LAYERED}")
                   for found in nodata.authority)
        layers.append(next(zone["layers"] for zone in running.ctl_json("zones")["zones"] if zone["name"] == LAYERED))
    # a complete form and up to three overlays; then one overlay in place of these
    assert layers == [2, 3, 4, 2, 3, 4]
