# SPDX-License-Identifier: GPL-3.0-or-later
"""Transfers out when there are too many, when clients are too slow, and when the disk is full."""
import itertools
import os
import socket
from pathlib import Path

import dns.message
import dns.rcode
import dns.rdatatype
import pytest

from test_transfer_out import Primary, ask, receive_wire, send, serial, transfer
from volley import small_disk, small_zone, wait_until

pytestmark = pytest.mark.release

TEXT = " ".join(f'"{"x" * 250}"' for _ in range(60))
LARGE = small_zone(1, *(f"n{i} TXT {TEXT}" for i in range(1200)))  # 18 MB: more than sockets take
MIDDLE = 700  # one message, which the kernel takes at once


@pytest.fixture(name="primary")
def _primary(tmp_path):
    primary = Primary(tmp_path)
    primary.add("small.test.", small_zone(1))
    primary.add("large.test.", LARGE)
    primary.add("middle.test.", small_zone(1, *(f"n{i} A 192.0.2.1" for i in range(MIDDLE))))
    yield primary
    primary.stop()


def begin(primary, room=4096):
    """A client that reads the first message of a large zone, and no more."""
    connection = primary.connect()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
    send(connection, dns.message.make_query("large.test.", "AXFR"))
    assert len(receive_wire(connection)) > 1000
    return connection


def receive_to_the_end(connection):
    """Whether a transfer of the large zone is whole."""
    try:
        while wire := receive_wire(connection):
            message = dns.message.from_wire(wire, one_rr_per_rrset=True)
            if message.rcode():
                return False
            if len(message.answer) > 1 and message.answer[-1].rdtype == dns.rdatatype.SOA:
                return True
    except ConnectionResetError:
        pass
    return False


def test_more_than_out_max_are_answered_with_servfail(primary):
    primary.other_settings["transfers"]["out-max"] = "3"
    primary.start_control()
    slow = [begin(primary) for _ in range(3)]
    assert ask(primary, dns.message.make_query("small.test.", "AXFR")).rcode() == dns.rcode.SERVFAIL
    assert serial(primary, "small.test.") == 1
    shown = primary.ctl_json("transfers")["transfers"]
    assert [(one["direction"], one["zone"], one["kind"], one["serial"]) for one in shown] == [
        ("out", "large.test.", "AXFR", 1)] * 3
    assert all(one["bytes"] > 10_000 for one in shown)
    slow[0].close()
    wait_until(lambda: ask(primary, dns.message.make_query("small.test.", "AXFR")).rcode() == 0, "its place is free")
    for connection in slow:
        connection.close()


def idle(primary, count):
    """Connections whose query has been answered."""
    connections = []
    for _ in range(count):
        connections.append(primary.connect())
        send(connections[-1], dns.message.make_query("small.test.", "SOA"))
        assert receive_wire(connections[-1])
    return connections


def test_idle_connections_do_not_push_out_those_of_others(primary):
    """There may be 512 connections besides those of transfers (VLY_TRANSFER_SPARE)."""
    primary.other_settings["transfers"]["out-max"] = "1"
    primary.start_control()
    primary.handover.client = "198.51.100.1"
    (other,) = idle(primary, 1)
    primary.handover.client = "192.0.2.53"
    connections = idle(primary, 600)
    assert not receive_wire(connections[0]), "the oldest one of its own network is closed"
    send(other, dns.message.make_query("small.test.", "SOA"))
    assert receive_wire(other)
    send(connections[-1], dns.message.make_query("small.test.", "AXFR"))
    assert receive_to_the_end(connections[-1])
    for connection in [other, *connections]:
        connection.close()


def test_the_rest_of_a_transfer_arrives(primary):
    """It has ended for volley-control when the kernel has it, and its connection may have to make room then."""
    primary.other_settings["transfers"]["out-max"] = "1"
    primary.start_control()
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
        slow.settimeout(30)
        slow.connect(("127.0.0.1", primary.handover.port))
        send(slow, dns.message.make_query("middle.test.", "AXFR"))
        wait_until(lambda: primary.ctl_json("transfers")["out"]["axfr"] == 1, "the transfer has ended")
        connections = idle(primary, 600)
        wire = receive_wire(slow)
        assert len(dns.message.from_wire(wire, one_rr_per_rrset=True).answer) == MIDDLE + 4
        for connection in connections:
            connection.close()


@pytest.mark.heavy
def test_whoever_takes_longer_than_out_time_is_closed(primary):
    primary.other_settings["transfers"]["out-time"] = "2s"
    primary.start_control()
    slow = begin(primary)
    primary.control.wait_for_log(r"a transfer of large\.test\. is broken off: it takes longer than transfers\.out-time")
    with slow:
        assert not receive_to_the_end(slow)
    assert len(transfer(primary, dns.message.make_query("small.test.", "AXFR"))[0].answer) == 4


def test_a_transfer_ends_with_its_permission(primary):
    primary.start_control()
    slow = begin(primary)
    primary.zone_settings["large.test."]["transfer-to"] = [{"from": ["198.51.100.0/24"]}]
    primary.write_config()
    primary.ctl("reload")
    primary.control.wait_for_log(r"a transfer of large\.test\. is broken off: the address is in no prefix")
    with slow:
        assert not receive_to_the_end(slow)


def test_large_zones_fail_on_a_full_disk_and_small_ones_do_not(primary):
    with small_disk(primary.state, 128 << 10):
        primary.start_control()
        with primary.connect() as connection:
            send(connection, dns.message.make_query("large.test.", "AXFR"))
            assert not receive_to_the_end(connection)
        primary.control.wait_for_log(r"transfers of large\.test\. fail: .*/transfers: No space left on device")
        assert len(transfer(primary, dns.message.make_query("small.test.", "AXFR"))[0].answer) == 4
        primary.control.stop()


@pytest.mark.heavy
def test_a_version_is_written_once_for_all_clients(primary):
    primary.start_control()
    slow = [begin(primary) for _ in range(10)]
    assert not list((primary.state / "transfers").iterdir()), "its file has no name"
    assert len(open_spools(primary)) == 1, "one file for ten clients"
    for connection in slow:
        connection.close()
    number = itertools.count()
    wait_until(lambda: primary.ctl("zone", "set", "large.test.", f"h{next(number)}", "A", "192.0.2.1") and
               not open_spools(primary), "the file of an old version that nobody reads is gone")


@pytest.mark.heavy
def test_what_is_not_in_memory_is_read_from_the_disk(primary):
    primary.start_control()
    slow = begin(primary, 1 << 18)
    with primary.connect() as fast:
        send(fast, dns.message.make_query("large.test.", "AXFR"))
        assert receive_to_the_end(fast), "so that the file is whole"
    for spool in open_spools(primary):
        with open(spool, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    assert receive_to_the_end(slow)
    slow.close()


def open_spools(primary):
    """Files without a name that control has open in the directory of transfers."""
    found = []
    for link in Path(f"/proc/{primary.control.pid}/fd").iterdir():
        try:
            if str(link.readlink()).startswith(str(primary.state / "transfers")):
                found.append(link)
        except FileNotFoundError:
            pass
    return found


@pytest.mark.heavy
def test_slow_clients_of_old_versions_make_room(primary):
    """There may be eight versions (VLY_ANSWER_VERSIONS_MAX), and no client counts as slow at first."""
    primary.start_control()
    slow = []
    for number in range(8):
        slow.append(begin(primary))
        primary.ctl("zone", "set", "large.test.", "www", "A", f"192.0.2.{number}")
    wait_until(lambda: ask(primary, dns.message.make_query("large.test.", "AXFR")).rcode() == 0, "a ninth version")
    primary.control.wait_for_log(r"a transfer of large\.test\. is broken off: it is slow")
    wait_until(lambda: len(primary.ctl_json("transfers")["transfers"]) == 7, "one has gone")
    for connection in slow:
        connection.close()
