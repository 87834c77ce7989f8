# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages that volley-control answers, while it does not: they wait in the dataplane, so many and so long."""
import signal
import socket

import dns.message
import dns.query
import dns.rcode
import dns.update
import pytest

from net import SERVER4
from volley import own_network, small_zone, wait_until

pytestmark = pytest.mark.release

ZONE = "u.test."


@pytest.fixture
def stopped(tmp_path):
    """Control does nothing; resumed afterwards."""
    with own_network(tmp_path) as volley:
        volley.keep_state()
        volley.spare_clients()
        volley.other_settings["keys"] = [{"name": "k", "secret": "c2VjcmV0"}]
        volley.zone_settings[ZONE] = {"update": [{"key": "k"}]}
        volley.add_zone(ZONE, small_zone(1))
        volley.start()
        assert refused(volley)
        volley.control.popen.send_signal(signal.SIGSTOP)
        yield volley
        volley.control.popen.send_signal(signal.SIGCONT)


def update():
    message = dns.update.UpdateMessage(ZONE)
    message.add("new", 60, "A", "192.0.2.1")
    return message


def refused(volley):
    """Whether an update, which is not signed, gets its response."""
    with volley.network.client.entered():
        try:
            return dns.query.tcp(update(), SERVER4, timeout=30).rcode() == dns.rcode.REFUSED
        except (EOFError, ConnectionResetError):
            return False


def connect(volley):
    with volley.network.client.entered():
        client = socket.create_connection((SERVER4, 53))
    wire = update().to_wire()
    client.sendall(len(wire).to_bytes(2, "big") + wire)
    return client


def is_closed(client, seconds):
    client.settimeout(seconds)
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def test_when_no_more_may_wait_connections_are_closed(stopped):
    wire = update().to_wire()
    with stopped.network.client.entered():
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def is_full():
        for _ in range(50):  # what the socket's buffer has room for
            client.sendto(wire, (SERVER4, 53))
        with connect(stopped) as last:
            return is_closed(last, 0.05)

    wait_until(is_full, "1024 that wait")
    client.close()
    with stopped.network.client.entered():
        asked = dns.message.make_query(ZONE, "SOA")
        assert dns.query.tcp(asked, SERVER4, timeout=30).answer, "the same threads answer queries"
    stopped.control.popen.send_signal(signal.SIGCONT)
    wait_until(lambda: refused(stopped), "room")


@pytest.mark.heavy
def test_who_waits_too_long_gets_no_response(stopped):
    with connect(stopped) as client:
        assert is_closed(client, 30)
    stopped.control.popen.send_signal(signal.SIGCONT)
    assert refused(stopped)
    assert stopped.dataplane.running()
