# SPDX-License-Identifier: GPL-3.0-or-later
"""NOTIFY that was not answered is sent again after a restart of volley-control, and no other."""
import struct

import pytest

from handover import Handover
from net import CLIENT4
from test_notify_out import Listener, change
from volley import own_network, small_zone, wait_until

pytestmark = pytest.mark.release


@pytest.fixture(name="volley")
def _volley(tmp_path):
    with own_network(tmp_path) as volley:
        volley.keep_state()
        volley.control_in_network = True
        handover = Handover(volley.publish_socket)
        volley.other_settings["remotes"] = [{"name": name, "address": [f"{CLIENT4}@{port}"]}
                                            for name, port in (("one", 5301), ("two", 5302))]
        for zone, targets in (("both.test.", ["one", "two"]), ("one.test.", ["one"])):
            volley.zone_settings[zone] = {"living": True, "notify": targets}
            volley.add_zone(zone, small_zone(1, "www A 192.0.2.1"))
        yield volley
        handover.close()


def notifies(volley, zone):
    return {one["remote"]: (one["state"], one["serial"]) for one in
            volley.request(command="zone-status", zone=zone)["notifies"]}


def records(volley):
    """Those of the file that are not empty."""
    octets = (volley.state / "notified").read_bytes()
    return [record for at in range(0, len(octets), 56) if any(record := octets[at:at + 56])]


def kept(volley):
    """(serial, whether all have answered) of each record: a hash of 16 octets stands before, a checksum behind. That which
    says that the file has all zones has neither."""
    return {struct.unpack_from("=2I", record, 16) for record in records(volley)} - {(0, 0)}


def wait_for(volley, zone, **wanted):
    wait_until(lambda: notifies(volley, zone) == wanted, lambda: f"{wanted}: {notifies(volley, zone)}")


def test_what_was_not_answered_is_sent_again(volley):
    one, two = Listener(volley.network, 5301), Listener(volley.network, 5302)
    two.answer = None
    volley.start_control()
    change(volley, "one.test.")
    change(volley, "both.test.")
    wait_for(volley, "one.test.", one=("answered", 2))
    wait_for(volley, "both.test.", one=("answered", 2), two=("waiting", 2))
    wait_until(lambda: kept(volley) == {(2, 1), (2, 0)}, lambda: f"both are on disk: {kept(volley)}")
    two.wait(2)
    # it is killed before one change can have been kept
    change(volley, "one.test.", 8)
    one.answer = None
    change(volley, "one.test.", 9)
    volley.control.kill()
    one.answer = two.answer = "NOERROR"
    volley.start_control()
    wait_for(volley, "both.test.", one=("answered", 2), two=("answered", 2))
    wait_for(volley, "one.test.", one=("answered", 4))
    # all has been answered: the next start sends nothing
    wait_until(lambda: kept(volley) == {(2, 1), (4, 1)}, lambda: str(kept(volley)))
    volley.control.stop()
    one.messages.clear()
    two.messages.clear()
    volley.start_control()
    change(volley, "both.test.", 8)
    wait_for(volley, "both.test.", one=("answered", 3), two=("answered", 3))
    assert set(one.serials()) == set(two.serials()) == {3}


def test_a_file_that_does_not_have_all_zones_has_nothing_repeated(volley):
    """It is that of an earlier version, which began to keep notes a moment ago."""
    one, two = Listener(volley.network, 5301), Listener(volley.network, 5302)
    volley.start_control()
    wait_until(lambda: kept(volley) == {(1, 1)} and len(records(volley)) == 3, lambda: f"the notes of both: {records(volley)}")
    change(volley, "one.test.")
    wait_until(lambda: kept(volley) == {(1, 1), (2, 1)}, lambda: f"{kept(volley)}")
    volley.control.stop()
    (volley.state / "notified").write_bytes(next(
        record for record in records(volley) if struct.unpack_from("=2I", record, 16) == (2, 1)))
    one.messages.clear()
    volley.start_control()
    wait_until(lambda: len(records(volley)) == 3, lambda: f"both have notes, and the file says so: {records(volley)}")
    change(volley, "one.test.", 8)
    wait_for(volley, "one.test.", one=("answered", 3))
    assert one.serials() == [3] and not two.serials()
    assert notifies(volley, "both.test.") == {}


def test_notes_of_zones_that_were_removed_meanwhile_go(volley):
    Listener(volley.network, 5301)
    volley.start_control()
    change(volley, "one.test.")
    wait_until(lambda: kept(volley) == {(1, 1), (2, 1)}, lambda: f"{kept(volley)}")
    volley.control.stop()
    volley.remove_zone("both.test.")
    volley.start_control()
    wait_until(lambda: kept(volley) == {(2, 1)}, lambda: f"{kept(volley)}")
    # and those of zones that are not notified any more
    volley.zone_settings["one.test."] = {"living": True}
    volley.write_config()
    volley.ctl("reload")
    wait_until(lambda: kept(volley) == set(), lambda: f"{kept(volley)}")
