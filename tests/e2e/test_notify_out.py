# SPDX-License-Identifier: GPL-3.0-or-later
"""NOTIFY to secondaries: to remotes and name servers, coalesced, repeated, signed, over TCP."""
import socket
import ssl
import threading

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.tsigkeyring
import pytest

from handover import Handover, read_exactly
from net import CLIENT4, SERVER4, SERVER6
from test_transfer_out import make_certificate
from volley import own_network, small_zone, wait_until

pytestmark = pytest.mark.release

SECRET = "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY="
DEAD = 40  # more zones than messages to one server (VLY_NOTIFY_PEER_MAX)
KEYRING = dns.tsigkeyring.from_text({"k.": SECRET})


class Listener:
    """A secondary that keeps what it is sent. `answer` is an RCODE, or None: it is silent."""

    def __init__(self, network, port, over_tcp=False, tls=None):
        self.messages, self.answer, self.tls = [], "NOERROR", tls
        kind = socket.SOCK_STREAM if over_tcp else socket.SOCK_DGRAM
        self.socket = network.client.socket(socket.AF_INET, kind)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((CLIENT4, port))
        if over_tcp:
            self.socket.listen()
        threading.Thread(target=self._stream if over_tcp else self._datagrams, daemon=True).start()

    def _take(self, wire):
        message = dns.message.from_wire(wire, keyring=KEYRING)
        self.messages.append(message)
        if self.answer is None:
            return None
        response = dns.message.make_response(message)
        response.set_rcode(dns.rcode.from_text(self.answer))
        if message.had_tsig:
            response.use_tsig(KEYRING, "k.")
        return response.to_wire()

    def _datagrams(self):
        while True:
            wire, address = self.socket.recvfrom(65535)
            if answer := self._take(wire):
                self.socket.sendto(answer, address)

    def _stream(self):
        while True:
            connection, _ = self.socket.accept()
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection:
                wire = read_exactly(connection, int.from_bytes(read_exactly(connection, 2), "big"))
                if answer := self._take(wire):
                    connection.sendall(len(answer).to_bytes(2, "big") + answer)
                    connection.recv(1)

    def serials(self):
        return [message.answer[0][0].serial if message.answer else None for message in list(self.messages)]

    def wait(self, serial):
        wait_until(lambda: serial in self.serials(), lambda: f"NOTIFY of {serial}: there is {self.serials()}")
        return self.messages[self.serials().index(serial)]


@pytest.fixture(scope="module", name="volley")
def _volley(tmp_path_factory):
    with own_network(tmp_path_factory.mktemp("notify")) as volley:
        volley.keep_state()
        volley.control_in_network = True
        handover = Handover(volley.publish_socket)
        pin = make_certificate(volley.directory / "secondary", "secondary.test")
        volley.other_settings["tls"] = [{"name": "strict", "pins": [pin]}]
        volley.other_settings["keys"] = [{"name": "k.", "algorithm": "hmac-sha256", "secret": SECRET}]
        volley.other_settings["remotes"] = [
            {"name": "plain", "address": [f"{CLIENT4}@5301"]},
            {"name": "silent", "address": [f"{CLIENT4}@5302"]},
            {"name": "keyed", "address": [f"{CLIENT4}@5303"], "key": "k."},
            {"name": "stream", "address": [f"{CLIENT4}@5304"]},
            {"name": "second", "address": [f"{CLIENT4}@5305", f"{CLIENT4}@5306"]},
            {"name": "tls", "address": [f"{CLIENT4}@5308"], "tls": "strict"},
            {"name": "denies", "address": [f"{CLIENT4}@5307"]},
            {"name": "dead", "address": [f"{CLIENT4}@5309"]}]
        text = small_zone(1, f"@ NS ns2\nns2 A {CLIENT4}\n@ NS own\nown A {SERVER4}\nown AAAA {SERVER6}\n@ NS ns.elsewhere.\n"
                          "www A 192.0.2.1")
        for remote in ("plain", "silent", "keyed", "stream", "second", "denies", "tls", "ns"):
            volley.zone_settings[f"{remote}.test."] = {"living": True, "notify": [remote]}
            volley.add_zone(f"{remote}.test.", text)
        for number in range(DEAD):
            volley.zone_settings[f"dead{number}.test."] = {"living": True, "notify": ["dead", "plain"]}
            volley.add_zone(f"dead{number}.test.", small_zone(1))
        volley.zone_settings["none.test."] = {"living": True}
        volley.add_zone("none.test.", text)
        try:
            volley.start_control()
            yield volley
        finally:
            handover.close()


def change(volley, zone, number=7):
    volley.ctl("zone", "set", zone, "www", "300", "A", f"192.0.2.{number}")


def test_a_change_is_announced(volley):
    listener = Listener(volley.network, 5301)
    change(volley, "plain.test.")
    message = listener.wait(2)
    assert message.opcode() == dns.opcode.NOTIFY and message.flags & dns.flags.AA
    assert message.question[0].to_text() == "plain.test. IN SOA"
    assert str(message.answer[0].name) == "plain.test."
    # once it is answered, it is not sent again
    change(volley, "plain.test.", 8)
    listener.wait(3)
    assert listener.serials() == [2, 3]


def zones(listener):
    return {message.question[0].name for message in list(listener.messages)}


def test_a_dead_server_takes_few_places(volley):
    dead, living = Listener(volley.network, 5309), Listener(volley.network, 5301)
    dead.answer = None
    for number in range(DEAD):
        volley.ctl("zone", "notify", f"dead{number}.test.")
    wait_until(lambda: len(zones(living)) == DEAD, "the living one has them all")
    assert len(zones(dead)) <= 32


def test_many_changes_are_announced_together(volley):
    listener = Listener(volley.network, 5307)
    listener.answer = "REFUSED"
    for number in range(12):
        change(volley, "denies.test.", number + 10)
    listener.wait(13)
    assert len(listener.messages) < 12, "fewer messages than changes"
    volley.control.wait_for_log(r"NOTIFY of denies\.test\. to denies is answered with RCODE 5")


def test_what_is_not_answered_is_sent_again(volley):
    listener = Listener(volley.network, 5302)
    listener.answer = None
    change(volley, "silent.test.")
    wait_until(lambda: len(listener.messages) == 1, "the first try")
    listener.answer = "NOERROR"
    wait_until(lambda: len(listener.messages) == 2, "the second try")
    assert listener.messages[0].id == listener.messages[1].id


def test_it_is_signed(volley):
    listener = Listener(volley.network, 5303)
    change(volley, "keyed.test.")
    assert listener.wait(2).had_tsig
    change(volley, "keyed.test.", 8)  # the signed answer was taken: no second message for 2
    listener.wait(3)
    assert listener.serials() == [2, 3]


def test_tcp_when_udp_is_closed_and_the_next_address(volley):
    over_tcp = Listener(volley.network, 5304, over_tcp=True)
    other = Listener(volley.network, 5306)
    change(volley, "stream.test.")
    change(volley, "second.test.")
    over_tcp.wait(2)
    other.wait(2)


def test_a_remote_with_tls_is_told_over_tls(volley):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(volley.directory / "secondary.pem", volley.directory / "secondary.key")
    context.set_alpn_protocols(["dot"])
    listener = Listener(volley.network, 5308, over_tcp=True, tls=context)
    change(volley, "tls.test.")
    listener.wait(2)


def test_name_servers(volley):
    listener = Listener(volley.network, 53)
    change(volley, "ns.test.")
    message = listener.wait(2)
    assert str(message.question[0].name) == "ns.test."

    def states():
        return [(one["remote"], one["state"], one["serial"], one["tries"])
                for one in volley.ctl_json("zone", "status", "ns.test.")["notifies"]]

    # not the one of the SOA, not ourselves, and nobody whose address is unknown
    wait_until(lambda: states() == [("ns2.ns.test.", "answered", 2, 1)], states)
    volley.ctl("zone", "notify", "ns.test.")
    wait_until(lambda: len(listener.messages) == 2, "the one that volleyctl wants")
    assert "nobody to notify" in volley.ctl("zone", "notify", "none.test.", check=False).stderr


def test_a_change_is_announced_when_a_dataplane_serves_it(tmp_path):
    with own_network(tmp_path) as volley:
        volley.keep_state()
        volley.control_in_network = True
        volley.other_settings["remotes"] = [{"name": "plain", "address": [f"{CLIENT4}@5301"]}]
        volley.zone_settings["plain.test."] = {"living": True, "notify": ["plain"]}
        volley.add_zone("plain.test.", small_zone(1))
        listener = Listener(volley.network, 5301)
        volley.start_control()
        assert "no-dataplane" in volley.ctl("--json", "zone", "set", "plain.test.", "www", "A", "192.0.2.7", check=False).stdout
        volley.ctl("reload", check=False)
        assert not listener.messages
        handover = Handover(volley.publish_socket)
        try:
            listener.wait(2)
        finally:
            handover.close()
