# SPDX-License-Identifier: GPL-3.0-or-later
"""Peers that send an octet now and then: primaries, and clients that ask for transfers or send NOTIFY."""
import socket
import threading

import dns.edns
import dns.message
import dns.opcode
import dns.rcode
import pytest

from ask import serial
from net import CLIENT4
from primary import Primary, message, notify, soa
from stream import Stream, framed
from test_transfer_out import Primary as Sender
from test_transfer_out import receive_wire, send
from volley import own_network, small_zone, wait_until

pytestmark = pytest.mark.release

SLOW, GOOD = "slow.test.", "good.test."
LORISES = 20
PADDING = 400


@pytest.fixture(name="volley")
def _volley(tmp_path):
    with own_network(tmp_path) as volley:
        volley.be_secondary()
        volley.other_settings["transfers"] = {"in-max": "1"}
        volley.add_secondary(SLOW, ["primary"])
        volley.add_secondary(GOOD, ["primary"])
        yield volley


@pytest.fixture(name="source")
def _source(volley):
    made = Primary(volley.network.client)
    made.serials |= {SLOW: 1, GOOD: 1}
    made.ended = threading.Event()
    yield made
    made.ended.set()
    made.stop()


def wait_for_serial(volley, zone, wanted):
    wait_until(lambda: serial(volley.network, zone) == wanted, lambda: f"{zone}\n{volley.control.log()}", 120)


def drip(source, seconds):
    """A transfer of which one octet comes at a time."""
    def answer(asked):
        for octet in framed(message(asked, soa(SLOW, 2)).to_wire()):
            yield "raw", bytes([octet])
            if source.ended.wait(seconds):
                return

    return answer


def transfers_asked(source):
    """How often the slow zone was asked for over TCP."""
    return sum(query[:2] == (SLOW, "tcp") for query in source.queries)


def offer_drips(volley, source, seconds):
    for zone in (SLOW, GOOD):
        wait_for_serial(volley, zone, 1)
    before = transfers_asked(source)
    source.answers[SLOW] = drip(source, seconds)
    source.serials |= {SLOW: 2, GOOD: 2}
    assert notify(volley.network, SLOW, 2) == dns.rcode.NOERROR
    wait_until(lambda: transfers_asked(source) > before, "it has the only place")
    assert notify(volley.network, GOOD, 2) == dns.rcode.NOERROR


def test_a_primary_that_drips_has_its_time(volley, source):
    """It has the only place; the other zone gets it afterwards."""
    volley.other_settings["transfers"]["in-time"] = "1s"
    volley.start()
    offer_drips(volley, source, 0.05)
    volley.control.wait_for_log(f"zone {SLOW}: primary primary: the transfer takes longer than transfers.in-time")
    wait_for_serial(volley, GOOD, 2)
    assert serial(volley.network, SLOW) == 1


@pytest.mark.heavy
def test_a_primary_that_sends_an_octet_in_a_minute(volley, source):
    """With the limits as they are by default."""
    volley.start()
    offer_drips(volley, source, 60)
    volley.control.wait_for_log(f"zone {SLOW}: primary primary: a message of the peer was not complete within 30000 ms")
    wait_for_serial(volley, GOOD, 2)
    assert serial(volley.network, SLOW) == 1


def slow_messages():
    """An AXFR query and a NOTIFY, as octets of a stream, with so much padding that they last longer than any limit."""
    padded = {"use_edns": 0, "options": [dns.edns.GenericOption(dns.edns.OptionType.PADDING, bytes(PADDING))]}
    query = dns.message.make_query(GOOD, "NS", **padded)
    query.set_opcode(dns.opcode.NOTIFY)
    return [framed(dns.message.make_query(GOOD, "AXFR", **padded).to_wire()), framed(query.to_wire())]


def is_open(stream):
    stream.socket.setblocking(False)
    try:
        return stream.socket.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def test_clients_that_drip_keep_nobody_out(volley, source):
    volley.dataplane_settings |= {"stream-read": "1"}
    volley.zone_settings[GOOD]["transfer-to"] = [{"from": [CLIENT4]}]
    volley.start()
    wait_for_serial(volley, GOOD, 1)
    streams = [(Stream(volley.network), slow_messages()[number % 2]) for number in range(LORISES)]
    sent = 0
    while any(is_open(stream) for stream, _ in streams):
        for stream, octets in streams:
            try:
                stream.socket.send(octets[sent:sent + 1])
            except OSError:
                continue
        sent += 1
        assert sent < len(streams[0][1]) - 1, "none of them came to its end"
        # honest ones meanwhile
        source.serials[GOOD] += 1
        assert notify(volley.network, GOOD, source.serials[GOOD]) == dns.rcode.NOERROR
        wait_for_serial(volley, GOOD, source.serials[GOOD])
        with Stream(volley.network) as honest:
            answer = dns.message.from_wire(honest.ask(dns.message.make_query(GOOD, "AXFR").to_wire()))
            assert answer.answer[0][0].serial == source.serials[GOOD]
    assert sum(stream["connections"]["closed_slow_query"] for stream in volley.stats()["streams"]) == LORISES
    for stream, _ in streams:
        stream.socket.close()


@pytest.mark.heavy
def test_a_second_request_that_drips_has_its_time(tmp_path):
    """The connection is volley-control's then."""
    sender = Sender(tmp_path)
    sender.add("small.test.", small_zone(1))
    try:
        sender.start_control()
        ask_by_drips(sender)
        assert len(sender.records("small.test.")) == 3
    finally:
        sender.stop()


def ask_by_drips(sender):
    """A whole request, and one that comes so slowly that the connection is closed."""
    with sender.connect() as connection:
        send(connection, dns.message.make_query("small.test.", "SOA"))
        assert receive_wire(connection)
        connection.settimeout(1)
        for octet in framed(dns.message.make_query("small.test.", "AXFR").to_wire())[:-1]:
            try:
                connection.send(bytes([octet]))
                if connection.recv(1) == b"":
                    break
            except socket.timeout:
                continue
            except OSError:
                break
        else:
            raise AssertionError("it was not closed")
