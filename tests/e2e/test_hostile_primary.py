# SPDX-License-Identifier: GPL-3.0-or-later
"""A primary that sends what it must not: the zone stays as it was, the reason is said, and other zones go on."""
import contextlib
import struct

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.tsig
import pytest

from ask import query, rrset, serial
from net import CLIENT4
from primary import Primary, axfr, base, message, notify, records, soa
from volley import own_network, small_disk, wait_until

IXFR = dns.rdatatype.IXFR
SECRET = "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY="
KEY = dns.tsig.Key("k.", SECRET, "hmac-sha256.")
STRANGE = dns.tsig.Key("strange.", SECRET, "hmac-sha256.")
OTHER = dns.tsig.Key("k.", "b3RoZXIgc2VjcmV0", "hmac-sha256.")
OLD = {"wrap.test.": 4294967295}


def other_class(zone):
    record = dns.rrset.from_text(f"a.{zone}", 300, "CH", "TXT", "x")
    return record


def loop(asked, zone):
    """A good message, with a record whose owner is a pointer to itself behind the first."""
    octets = bytearray(message(asked, soa(zone, 2)).to_wire())
    octets[7] += 1
    return [bytes(octets) + struct.pack("!HHHIH", 0xc000 | len(octets), 1, 1, 300, 4) + b"\1\2\3\4"]


def endless(asked, zone):
    yield message(asked, soa(zone, 2))
    text = " ".join(['"' + "x" * 250 + '"'] * 200)
    octets = message(asked, *records(zone, f"r TXT {text}")).to_wire()
    for _ in range(100000):
        yield octets


def deep(asked, zone):
    """A small transfer, whose names share no labels: its tree is many times as large."""
    labels = "a." * 110
    yield message(asked, soa(zone, 2), *base(zone))
    for part in range(0, 600, 100):
        yield message(asked, *(one for i in range(part, part + 100) for one in records(zone, f"{labels}{i} A 192.0.2.9")))
    yield message(asked, soa(zone, 2))


def signed(asked, *rrsets, key=KEY):
    response = message(asked, *rrsets)
    response.use_tsig({KEY.name: key}, keyname=KEY.name, algorithm=key.algorithm)
    response.request_mac = asked.mac
    return response


def unsigned_for_long(asked, zone):
    yield signed(asked, soa(zone, 2))
    for i in range(120):
        yield message(asked, *records(zone, f"r{i} A 192.0.2.9")).to_wire()
    yield signed(asked, soa(zone, 2))


def wrong_at_the_end(asked, zone):
    first = soa(zone, 2)
    octets = bytearray(signed(asked, first, *base(zone), first).to_wire())
    octets[-8] ^= 1  # of the MAC: original ID, error and length of other data follow
    return [bytes(octets)]


def unsigned_at_the_end(asked, zone):
    first = soa(zone, 2)
    return [signed(asked, first, *base(zone)), message(asked, first).to_wire()]


# what the primary sends, and what is said
REFUSED = {
    "middle": (lambda asked, zone: [message(asked, soa(zone, 2), *base(zone), soa(zone, 3), soa(zone, 2))],
               "another SOA record in the middle"),
    "open": (lambda asked, zone: [message(asked, soa(zone, 2), *base(zone))], "the transfer broke off"),
    "first": (lambda asked, zone: [message(asked, *base(zone), soa(zone, 2))], "does not begin with an SOA"),
    "outside": (lambda asked, zone: axfr(asked, zone, 2, *records("elsewhere.", "a A 192.0.2.9")), "not in the zone"),
    "class": (lambda asked, zone: axfr(asked, zone, 2, other_class(zone)), "class 3"),
    "below": (lambda asked, zone: axfr(asked, zone, 2, soa(f"b.{zone}", 2)), "SOA record below the apex"),
    "behind": (lambda asked, zone: [message(asked, soa(zone, 2), *base(zone), soa(zone, 2), *base(zone))],
               "behind the last SOA"),
    "cname": (lambda asked, zone: axfr(asked, zone, 2, *records(zone, "www CNAME ns")), "serial 2 is refused"),
    "empty": (lambda asked, zone: [message(asked)], "no records"),
    "rcode": (lambda asked, zone: [bytes(message(asked).to_wire()[:3] + b"\5" + message(asked).to_wire()[4:])],
              "RCODE 5"),
    "loop": (loop, "malformed"),
    "endless": (endless, "in-size allows"),
    "deep": (deep, "4 times transfers.in-size"),
    "back": (lambda asked, zone: axfr(asked, zone, 0), "serial 0 is older than ours, 1"),
    "gap": (unsigned_for_long, None),
    "mac": (wrong_at_the_end, None),
    "unsigned": (unsigned_at_the_end, None),
    "nokey": (lambda asked, zone: [signed(asked, soa(zone, 2), *base(zone), soa(zone, 2), key=OTHER)], None),
}
WITH_KEY = ("gap", "mac", "unsigned", "nokey")


def ixfr_or(steps):
    """IXFR is answered with the steps, AXFR with a good zone."""
    def answer(asked, zone):
        if asked.question[0].rdtype != IXFR:
            return axfr(asked, zone, 2)
        return [message(asked, *steps(zone))]
    return answer


# IXFR that does not fit: AXFR follows
FALLS_BACK = {
    "absent": (ixfr_or(lambda zone: [soa(zone, 2), soa(zone, 1), *records(zone, "no A 192.0.2.3"), soa(zone, 2),
                                     soa(zone, 2)]), "there is no such record"),
    "nosoa": (ixfr_or(lambda zone: [soa(zone, 2), soa(zone, 1), *records(zone, "www A 192.0.2.2")]), "broke off"),
    "gone": (ixfr_or(lambda zone: [soa(zone, 2), soa(zone, 0), soa(zone, 2), soa(zone, 2)]), "begins at serial 0"),
    "twice": (ixfr_or(lambda zone: [soa(zone, 2), soa(zone, 1), soa(zone, 2), *records(zone, "www A 192.0.2.2"),
                                    soa(zone, 2)]), "there"),
}

# unusual, and good
TAKEN = {
    "repeats": lambda asked, zone: axfr(asked, zone, 2, *records(zone, *["www A 192.0.2.2"] * 1000)),
    "large": lambda asked, zone: [
        message(asked, soa(zone, 2), *base(zone)),
        message(asked, *records(zone, "big TXT " + " ".join(['"' + "x" * 255 + '"'] * 255))),
        message(asked, soa(zone, 2))],
    "wrap": lambda asked, zone: axfr(asked, zone, 3),
}


def forged_and_good(asked, zone):
    return [signed(asked, soa(zone, 2), key=OTHER), signed(asked, soa(zone, 2))]


def truncated(asked, _zone):
    response = message(asked)
    response.flags |= dns.flags.TC
    return [response]


# of the SOA over UDP: the zone waits for a review, so that NOTIFY is followed by such a query
UDP = {"forged": forged_and_good, "truncated": truncated}


def zone_of(case):
    return f"{case}.test."


@pytest.fixture(name="hostile", scope="module")
def _hostile(tmp_path_factory):
    with own_network(tmp_path_factory.mktemp("hostile")) as volley:
        volley.keep_state()
        volley.spare_clients()
        volley.control_in_network = True
        volley.other_settings |= {
            "keys": [{"name": "k.", "secret": SECRET}, {"name": "strange.", "secret": SECRET}],
            "transfers": {"in-size": "2M"},
            "tls": [{"name": "any", "verify": "opportunistic"}],
            "remotes": [{"name": "plain", "address": [CLIENT4]}, {"name": "signed", "address": [CLIENT4], "key": "k."},
                        {"name": "loose", "address": ["10.53.0.1", CLIENT4], "tls": "any"}]}
        primary = Primary(volley.network.client, keyring={KEY.name: KEY})
        for case in [*REFUSED, *FALLS_BACK, *TAKEN, "good", "ahead"]:
            zone = zone_of(case)
            primary.serials[zone] = OLD.get(zone, 1)
            if case in WITH_KEY:
                primary.answers[zone] = lambda asked, zone=zone: [signed(asked, soa(zone, 1), *base(zone), soa(zone, 1))]
            volley.add_secondary(zone, ["signed" if case in WITH_KEY else "plain"])
        primary.serials["loose.test."] = 1
        volley.add_secondary("loose.test.", ["loose"])
        served = dict(primary.serials)
        for case, answer in UDP.items():
            zone = zone_of(case)
            primary.serials[zone] = 1
            primary.udp_answers[zone] = lambda asked, zone=zone, answer=answer: answer(asked, zone)
            volley.add_secondary(zone, ["signed"], hold="review")
        primary.serials["lame.test."] = 1
        primary.udp_answers["lame.test."] = lambda asked: [dns.message.make_response(asked)]
        volley.add_secondary("lame.test.", ["plain"], hold="review")
        volley.start()
        for zone, first in served.items():
            wait_until(lambda zone=zone, first=first: serial(volley.network, zone) == first,
                       lambda zone=zone: f"{zone} is transferred\n{volley.control.log()}")
        volley.primary = primary
        yield volley
        primary.stop()


def send(volley, case, answer):
    zone = zone_of(case)
    volley.primary.answers[zone] = lambda asked: answer(asked, zone)
    assert notify(volley.network, zone, key=KEY if case in WITH_KEY else None) == dns.rcode.NOERROR
    return zone


def good_zone_goes_on(volley):
    """A change of another zone comes through."""
    volley.primary.serials["good.test."] += 1
    notify(volley.network, "good.test.")
    wait_until(lambda: serial(volley.network, "good.test.") == volley.primary.serials["good.test."], "the good zone")


@pytest.mark.parametrize("case", REFUSED)
def test_a_broken_transfer_changes_nothing(hostile, case):
    answer, reason = REFUSED[case]
    zone = send(hostile, case, answer)
    said = hostile.control.wait_for_log(f"warning: zone {zone}: primary .*")
    assert reason is None or reason in said.group()
    assert serial(hostile.network, zone) == 1
    assert rrset(query(hostile.network, f"www.{zone}").answer, f"www.{zone}", "A")[1] == {"192.0.2.2"}
    good_zone_goes_on(hostile)


@pytest.mark.parametrize("case", FALLS_BACK)
def test_an_ixfr_that_does_not_fit_is_followed_by_axfr(hostile, case):
    answer, reason = FALLS_BACK[case]
    zone = send(hostile, case, answer)
    said = hostile.control.wait_for_log(f"zone {zone}: IXFR from .*; AXFR follows")
    assert reason in said.group()
    wait_until(lambda: serial(hostile.network, zone) == 2, "AXFR")


def huge(asked, zone):
    """An IXFR of 100 MB, in a transfer that may be as large."""
    yield message(asked, soa(zone, 2), soa(zone, 1))
    text = " ".join(['"' + "x" * 250 + '"'] * 250)
    octets = message(asked, *records(zone, f"r TXT {text}")).to_wire()
    for _ in range(1600):
        yield octets


def test_an_ixfr_that_would_fill_memory_is_followed_by_axfr(tmp_path):
    zone = "huge.test."
    with own_network(tmp_path) as volley:
        volley.be_secondary()
        primary = Primary(volley.network.client)
        primary.serials[zone] = 1
        volley.add_secondary(zone, ["primary"])
        volley.start()
        wait_until(lambda: serial(volley.network, zone) == 1, volley.control.log)
        primary.answers[zone] = lambda asked: (
            huge(asked, zone) if asked.question[0].rdtype == IXFR else axfr(asked, zone, 2))
        assert notify(volley.network, zone) == dns.rcode.NOERROR
        volley.control.wait_for_log(f"zone {zone}: IXFR from primary primary: its changes take more than 64 MiB; AXFR follows")
        wait_until(lambda: serial(volley.network, zone) == 2, "AXFR")
        primary.stop()


@pytest.mark.parametrize("case", TAKEN)
def test_an_unusual_transfer_is_taken(hostile, case):
    zone = send(hostile, case, TAKEN[case])
    wait_until(lambda: serial(hostile.network, zone) in (2, 3), lambda: f"it is taken\n{hostile.control.log()}")
    assert rrset(query(hostile.network, f"www.{zone}").answer, f"www.{zone}", "A")[1] == {"192.0.2.2"}


@pytest.mark.parametrize("case", UDP)
def test_a_response_over_udp_that_is_no_proof_does_not_end_the_query(hostile, case):
    zone = zone_of(case)
    hostile.control.wait_for_log(f"zone {zone}: serial 1 waits for a review")
    before = len(hostile.primary.queries)
    hostile.primary.serials[zone] = 2
    assert notify(hostile.network, zone, key=KEY) == dns.rcode.NOERROR
    hostile.control.wait_for_log(f"zone {zone}: serial 2 waits for a review")
    ways = [way for asked, way, _ in hostile.primary.queries[before:] if asked == zone]
    assert ways == ["udp", "tcp"]


def test_a_refused_version_that_comes_again_stays_refused(hostile):
    """Without a serial over UDP, the zone is transferred each time."""
    zone = zone_of("truncated")
    hostile.control.wait_for_log(f"zone {zone}: serial . waits for a review")
    hostile.ctl("zone", "reject", zone)
    said = hostile.control.wait_for_log(f"zone {zone}: serial . was refused by a review").group()
    before = len(hostile.primary.queries)
    assert notify(hostile.network, zone, key=KEY) == dns.rcode.NOERROR
    wait_until(lambda: (zone, "tcp", dns.rdatatype.AXFR) in hostile.primary.queries[before:], "it is transferred")
    wait_until(lambda: "waiting" in hostile.ctl("zone", "status", zone).stdout, "the transfer has ended")
    assert hostile.ctl("zone", "accept", zone, check=False).returncode != 0
    assert said.split(": ", 2)[-1] in hostile.ctl("zone", "status", zone).stdout
    hostile.ctl("zone", "retransfer", zone)
    wait_until(lambda: hostile.ctl("zone", "accept", zone, check=False).returncode == 0, "an operator transfers it")
    wait_until(lambda: serial(hostile.network, zone) == hostile.primary.serials[zone], lambda: hostile.control.log())


def test_opportunistic_tls_goes_on_by_tcp_when_its_port_is_closed(hostile):
    """The first address has no server at all: the second one is tried all the same, and in the same way again."""
    hostile.primary.serials["loose.test."] = 2
    assert notify(hostile.network, "loose.test.") == dns.rcode.NOERROR
    wait_until(lambda: serial(hostile.network, "loose.test.") == 2, lambda: hostile.control.log())


def test_a_serial_needs_an_authoritative_response(hostile):
    zone = "lame.test."
    hostile.control.wait_for_log(f"zone {zone}: serial 1 waits for a review")
    assert notify(hostile.network, zone) == dns.rcode.NOERROR
    hostile.control.wait_for_log(f"zone {zone}: primary plain: the response to the SOA query is not authoritative")


def test_a_notify_ahead_of_its_primary_costs_little(hostile):
    before = len(hostile.primary.queries)
    for _ in range(50):
        assert notify(hostile.network, "ahead.test.", 9) == dns.rcode.NOERROR
    assert serial(hostile.network, "ahead.test.") == 1
    asked = [zone for zone, *_ in hostile.primary.queries[before:] if zone == "ahead.test."]
    assert 1 <= len(asked) <= 5


def test_notify_is_for_those_who_may(hostile):
    assert notify(hostile.network, "unknown.test.") == dns.rcode.NOTAUTH
    hostile.network.client.ip("addr", "add", "10.53.0.9/24", "dev", "client0")
    wrong = dns.message.make_query("good.test.", "SOA")
    wrong.set_opcode(4)
    with hostile.network.client.entered():
        assert dns.query.udp(wrong, "10.53.0.1", source="10.53.0.9", timeout=10).rcode() == dns.rcode.REFUSED


def test_notify_of_a_primary_with_a_key_needs_that_key(hostile):
    zone = zone_of("mac")
    before = len(hostile.primary.queries)
    assert notify(hostile.network, zone) == dns.rcode.REFUSED
    assert notify(hostile.network, zone, key=STRANGE) == dns.rcode.REFUSED
    with pytest.raises(dns.tsig.PeerBadSignature):
        notify(hostile.network, zone, key=OTHER)
    good_zone_goes_on(hostile)
    assert zone not in [asked for asked, *_ in hostile.primary.queries[before:]]


def test_memory_stays_bounded(hostile):
    """All of the above has been received."""
    status = open(f"/proc/{hostile.control.pid}/status", encoding="ascii").read()
    peak = int(status.split("VmHWM:")[1].split()[0])
    assert peak < 400_000, f"{peak} KiB"


def test_a_full_disk_keeps_the_old_zone(tmp_path):
    with own_network(tmp_path) as volley, small_disk(tmp_path / "state", 4096):
        volley.keep_state()
        volley.spare_clients()
        volley.control_in_network = True
        volley.other_settings["remotes"] = [{"name": "plain", "address": [CLIENT4]}]
        primary = Primary(volley.network.client)
        primary.serials |= {"full.test.": 1, "good.test.": 1}
        for zone in primary.serials:
            volley.add_secondary(zone, ["plain"])
        volley.primary = primary
        volley.start()
        for zone in primary.serials:
            wait_until(lambda zone=zone: serial(volley.network, zone) == 1, zone)
        send(volley, "full", endless)
        volley.control.wait_for_log("zone full.test.: .*could not be kept on disk: No space left on device")
        assert serial(volley.network, "full.test.") == 1
        good_zone_goes_on(volley)
        primary.stop()


@pytest.mark.release
def test_a_version_that_was_accepted_waits_again_when_the_disk_is_full(tmp_path):
    with own_network(tmp_path) as volley, small_disk(tmp_path / "state", 4096):
        volley.keep_state()
        volley.spare_clients()
        volley.control_in_network = True
        volley.other_settings["remotes"] = [{"name": "plain", "address": [CLIENT4]}]
        primary = Primary(volley.network.client)
        primary.serials["held.test."] = 1
        primary.answers["held.test."] = lambda asked: axfr(
            asked, "held.test.", 1, *records("held.test.", *[f"r{i} TXT {'x' * 200}" for i in range(250)]))
        volley.add_secondary("held.test.", ["plain"], hold="review")
        volley.start()
        volley.control.wait_for_log("zone held.test.: serial 1 waits for a review")
        with contextlib.suppress(OSError), open(tmp_path / "state" / "filler", "wb", buffering=0) as filler:
            while True:
                filler.write(bytes(4096))
        primary.pause()
        volley.ctl("zone", "accept", "held.test.")
        volley.control.wait_for_log("warning: zone held.test.: .*the disk is full")
        (tmp_path / "state" / "filler").unlink()
        wait_until(lambda: volley.ctl("zone", "accept", "held.test.", check=False).returncode == 0, volley.control.log)
        wait_until(lambda: serial(volley.network, "held.test.") == 1, lambda: volley.control.log())
        primary.stop()
