# SPDX-License-Identifier: GPL-3.0-or-later
"""The first version of a large zone is answered before it is on disk."""
import json
import subprocess

import dns.name
import dns.rcode
import pytest

from ask import query, serial
from net import CLIENT4
from primary import Primary, base, message, notify, soa
from volley import own_network, small_disk, wait_until

ZONE = "large.test."
# Two of them fill a page of the store, so that it needs more room than the transfer.
TEXT = b"".join(b"\xfa" + b"x" * 250 for _ in range(6)) + b"\x08" + b"y" * 8
RECORDS = 2200
# So many are kept in files while they are checked and compiled.
MANY_RECORDS = 12000
PER_MESSAGE = 40
AHEAD = f"zone {ZONE}: serial 1 is answered, and is being written to disk"


def large(asked, number, cnt=RECORDS):
    """An AXFR of some 3 MB, or more."""
    first = soa(ZONE, number)
    yield message(asked, first, *base(ZONE))
    apex = dns.name.from_text(ZONE).to_wire()
    tail = b"\0\x10\0\1\0\0\1\x2c" + len(TEXT).to_bytes(2, "big") + TEXT
    for start in range(0, cnt, PER_MESSAGE):
        head = bytearray(message(asked).to_wire())
        head[6:8] = PER_MESSAGE.to_bytes(2, "big")
        owners = (f"n{i:05}".encode() for i in range(start, start + PER_MESSAGE))
        yield bytes(head) + b"".join(bytes([len(owner)]) + owner + apex + tail for owner in owners)
    yield message(asked, first)


@pytest.fixture
def volley(tmp_path):
    with own_network(tmp_path) as volley:
        volley.keep_state()
        volley.spare_clients()
        volley.control_in_network = True
        volley.other_settings["remotes"] = [{"name": "plain", "address": [CLIENT4]}]
        volley.primary = Primary(volley.network.client)
        volley.primary.serials[ZONE] = 1
        volley.primary.answers[ZONE] = lambda asked: large(asked, volley.primary.serials[ZONE])
        volley.add_secondary(ZONE, ["plain"])
        yield volley
        volley.primary.stop()


def status(volley):
    return json.loads(volley.ctl("--json", "zone", "status", ZONE).stdout)["secondary"]


def is_whole(volley, cnt=RECORDS):
    return serial(volley.network, ZONE) == 1 and all(
        query(volley.network, f"n{i:05}.{ZONE}", "TXT").rcode() == dns.rcode.NOERROR for i in (0, cnt // 2, cnt - 1))


def test_it_is_kept_and_changes_like_others(volley):
    volley.primary.answers[ZONE] = lambda asked: large(asked, volley.primary.serials[ZONE], MANY_RECORDS)
    volley.start()
    volley.control.wait_for_log(AHEAD)
    assert is_whole(volley, MANY_RECORDS)
    wait_until(lambda: status(volley)["state"] == "current", lambda: status(volley))
    shown = status(volley)
    assert shown["answered"]["serial"] == shown["committed"]["serial"] == 1
    volley.primary.pause()
    volley.control.kill()
    volley.start_control()
    volley.wait_for_connection()
    assert is_whole(volley, MANY_RECORDS)
    volley.primary.resume()
    volley.primary.serials[ZONE] = 2
    wait_until(lambda: notify(volley.network, ZONE) == dns.rcode.NOERROR and serial(volley.network, ZONE) == 2,
               volley.control.log)


@pytest.mark.release
def test_a_restart_before_it_is_on_disk_transfers_it_again(volley):
    volley.start()
    volley.control.wait_for_log(AHEAD)
    volley.control.kill()
    volley.primary.pause()
    volley.start_control()
    volley.wait_for_connection()
    # all of it, or nothing
    assert query(volley.network, ZONE, "SOA").rcode() == dns.rcode.SERVFAIL or is_whole(volley)
    volley.primary.resume()
    volley.ctl("zone", "refresh", ZONE)
    wait_until(lambda: is_whole(volley), volley.control.log)


@pytest.mark.release
def test_what_the_disk_has_no_room_for_is_not_answered_for_long(volley, tmp_path):
    state = tmp_path / "state"
    with small_disk(state, 4096):
        volley.primary.serials["good.test."] = 1
        volley.add_secondary("good.test.", ["plain"])
        volley.start()
        volley.control.wait_for_log(AHEAD)
        volley.control.wait_for_log(f"warning: zone {ZONE}: .*the disk is full")
        wait_until(lambda: query(volley.network, ZONE, "SOA").rcode() == dns.rcode.SERVFAIL, volley.control.log)
        assert status(volley)["state"] == "no data"
        assert serial(volley.network, "good.test.") == 1
        subprocess.run(["mount", "-o", "remount,size=32m", state], check=True)
        volley.ctl("zone", "retransfer", ZONE)
        wait_until(lambda: is_whole(volley), volley.control.log)
        # the second time it was on disk before
        assert volley.control.log().count("is being written to disk") == 1
        assert status(volley)["committed"]["serial"] == 1
        volley.control.stop()
