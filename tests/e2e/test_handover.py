# SPDX-License-Identifier: GPL-3.0-or-later
"""What the dataplane leaves to volley-control: NOTIFY, connections for zone transfers, and those to the port of TLS. The
test is the control."""
import array
import fcntl
import os
import socket
import ssl
import struct
import subprocess
import termios
import threading

import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

import publish
from ask import query
from net import CLIENT4, CLIENT6, SERVER4, SERVER6
from publish import (CONNECTION, CONNECTION_BODY, CONNECTION_TLS, OK, REFUSED, REQUEST, REQUEST_BODY, RESPONSE,
                     RESPONSE_AFTER, WISH_TLS, WISH_TRANSFERS, Collector, message)
from stream import Stream, framed
from volley import Volley, own_network, small_zone, wait_until

ZONE = "t.test."
NOTIFY, UPDATE = 1 << 4, 1 << 5
TLS_PORT = 853
BOTH = pytest.mark.parametrize("server, client", [(SERVER4, CLIENT4), (SERVER6, CLIENT6)], ids=["ipv4", "ipv6"])


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    with own_network(tmp_path_factory.mktemp("collect")) as volley:
        volley.add_zone(ZONE, small_zone(1, "www A 192.0.2.10"))
        collector = Collector(volley.publish_socket)
        try:
            volley.start_control()
            yield collector.images()[0]
        finally:
            collector.close()


class Control(publish.Publisher):
    """Takes what it wants, one after the other."""

    def serve(self, image, generation=1, **defence):
        assert self.defence(publish.defence(**defence))[0] == OK
        assert self.image(generation, image)[0] == OK
        assert self.commit(generation, [generation])[0] == OK

    def receive(self, expected):
        data, fds, _, _ = socket.recv_fds(self.socket, 1 << 17, 2)
        kind, size, seq = publish.HEADER.unpack_from(data)
        assert (kind, size) == (expected, len(data))
        return data[publish.HEADER.size:], seq, fds

    def request(self):
        """(seq, over a stream, client, port, message) of the next one."""
        body, seq, fds = self.receive(REQUEST)
        flags, port, size, client, draft, _ = REQUEST_BODY.unpack_from(body)
        assert not fds and not draft and len(body) == REQUEST_BODY.size + size
        return seq, flags, client, port, body[REQUEST_BODY.size:]

    def respond(self, seq, octets):
        self.socket.send(message(RESPONSE, seq, octets))

    def respond_after(self, commit_seq, seq, octets):
        self.socket.send(message(RESPONSE_AFTER, seq, struct.pack("=Q", commit_seq) + octets))

    def connection(self):
        """(flags, client, local, octets, socket) of the next one; addresses with ports."""
        body, _, fds = self.receive(CONNECTION)
        flags, port, local_port, size, _, client, local = CONNECTION_BODY.unpack_from(body)
        assert len(fds) == 1 and len(body) == CONNECTION_BODY.size + size
        assert not os.get_blocking(fds[0])
        taken = socket.socket(fileno=fds[0])
        taken.settimeout(10)
        return flags, (client, port), (local, local_port), body[CONNECTION_BODY.size:], taken


def mapped(address):
    return bytes(10) + b"\xff\xff" + socket.inet_aton(address) if "." in address \
        else socket.inet_pton(socket.AF_INET6, address)


@pytest.fixture(scope="module")
def served(tmp_path_factory, image):
    with own_network(tmp_path_factory.mktemp("handover")) as volley:
        volley.start_dataplane("--", "--stream-tls-port", str(TLS_PORT))
        control = Control(volley.publish_socket)
        control.serve(image, opcodes=NOTIFY | UPDATE, connections=WISH_TRANSFERS | WISH_TLS)
        volley.dataplane.wait_for_log("ready: ")
        volley.test_control = control
        yield volley
        control.close()


def in_background(function):
    """Starts it, and returns what waits for its result."""
    results = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()

    def result():
        thread.join(30)
        assert results, "it failed, or still runs"
        return results[0]
    return result


def notify():
    made = dns.message.make_query(ZONE, "SOA")
    made.set_opcode(dns.opcode.NOTIFY)
    made.flags = dns.flags.AA | dns.opcode.to_flags(dns.opcode.NOTIFY)
    return made


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
@BOTH
def test_notify(served, server, client, tcp):
    ask = dns.query.tcp if tcp else dns.query.udp
    asked = notify()

    def send():
        with served.network.client.entered():
            return ask(asked, server, timeout=10)

    answer = in_background(send)
    seq, flags, address, port, octets = served.test_control.request()
    assert (flags, address, octets) == (tcp, mapped(client), asked.to_wire()) and port > 0
    served.test_control.respond(seq, dns.message.make_response(asked).to_wire())
    assert answer().rcode() == dns.rcode.NOERROR


def test_response_after_a_commit(served):
    """It goes to the client if the last commit is live, and is ignored if that was refused or is another one."""
    control, asked = served.test_control, notify()
    good = dns.message.make_response(asked)
    wrong = dns.message.make_response(asked)
    wrong.set_rcode(dns.rcode.SERVFAIL)

    def send():
        with served.network.client.entered():
            return dns.query.udp(asked, SERVER4, timeout=10)

    answer = in_background(send)
    seq, *_ = control.request()
    assert control.commit(2, [1])[0] == OK
    before = control.seq
    assert control.commit(2, [1])[0] == REFUSED
    for commit_seq in (control.seq, before, 0):
        control.respond_after(commit_seq, seq, wrong.to_wire())
    assert control.commit(3, [1])[0] == OK
    control.respond_after(before, seq, wrong.to_wire())
    control.respond_after(control.seq, seq, good.to_wire())
    assert answer().rcode() == dns.rcode.NOERROR


def transfer_answer(asked):
    response = dns.message.make_response(asked)
    response.flags |= dns.flags.AA
    soa = dns.rrset.from_text(ZONE, 3600, "IN", "SOA", f"ns1.{ZONE} hostmaster.{ZONE} 7 3600 600 1209600 300")
    response.answer = [soa, dns.rrset.from_text(f"www.{ZONE}", 60, "IN", "A", "192.0.2.10")]
    first, last = response.to_wire(), dns.message.make_response(asked)
    last.answer = [soa]
    return framed(first) + framed(last.to_wire())


def first_message(octets):
    (size,) = struct.unpack_from("!H", octets)
    return dns.message.from_wire(octets[2:2 + size]), octets[2 + size:]


@BOTH
def test_dig_axfr(served, server, client):
    dig = in_background(lambda: served.network.client.run("dig", "+noall", "+answer", f"@{server}", ZONE, "AXFR"))
    flags, (address, port), local, octets, taken = served.test_control.connection()
    asked, rest = first_message(octets)
    assert (flags, address, local) == (0, mapped(client), (mapped(server), 53)) and port > 0
    assert asked.question[0].rdtype == dns.rdatatype.AXFR and rest == b""
    with taken:
        assert taken.getpeername()[:2] == (client, port)
        taken.sendall(transfer_answer(asked))
    lines = dig().stdout.splitlines()
    assert len(lines) == 3 and "192.0.2.10" in lines[1]


def test_ixfr_and_what_was_read_behind_it(served):
    ixfr = dns.message.make_query(ZONE, "IXFR")
    ixfr.authority.append(dns.rrset.from_text(ZONE, 0, "IN", "SOA", ". . 1 0 0 0 0"))
    www = dns.message.make_query(f"www.{ZONE}", "A")
    with Stream(served.network) as stream:
        stream.send(www.to_wire(), ixfr.to_wire(), www.to_wire())
        assert dns.message.from_wire(stream.receive()).answer
        _, _, _, octets, taken = served.test_control.connection()
        assert octets == framed(ixfr.to_wire()) + framed(www.to_wire())
        with taken:
            stream.send(b"later, and not for the dataplane")
            assert taken.recv(100) == framed(b"later, and not for the dataplane")
        assert stream.receive() is None, "closed by us, who have it"


def test_no_descriptor_is_left(served):
    """Whoever closes first."""
    before = served.dataplane.open_files()
    asked = framed(dns.message.make_query(ZONE, "AXFR").to_wire())
    for reset in (False, True) * 20:
        stream = Stream(served.network)
        stream.socket.sendall(asked)
        _, _, _, _, taken = served.test_control.connection()
        if reset:
            stream.reset()
        taken.close()
        if not reset:
            assert stream.receive() is None
            stream.socket.close()
    wait_until(lambda: served.dataplane.open_files() == before, lambda: f"{served.dataplane.open_files()}, not {before}")


def test_axfr_over_udp_stays_refused(served):
    answer = query(served.network, ZONE, "AXFR")
    assert answer.rcode() == dns.rcode.REFUSED


# The port of TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-subj", "/CN=test", "-keyout", directory / "key", "-out", directory / "certificate"],
                   check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "certificate", directory / "key")
    context.set_alpn_protocols(["dot"])
    return context


@BOTH
def test_kdig_over_tls(served, certificate, server, client):
    kdig = in_background(lambda: served.network.client.run("kdig", "+tls", "+short", f"@{server}", ZONE, "AXFR"))
    flags, (address, _), local, octets, taken = served.test_control.connection()
    assert (flags, address, local, octets) == (CONNECTION_TLS, mapped(client), (mapped(server), TLS_PORT), b"")
    with certificate.wrap_socket(taken, server_side=True) as stream:
        asked, _ = first_message(stream.recv(1000))
        stream.sendall(transfer_answer(asked))
    assert "192.0.2.10" in kdig().stdout


def tls_connection(served):
    with served.network.client.entered():
        made = socket.create_connection((SERVER4, TLS_PORT), timeout=10)
    return made


def unread(stream):
    """The octets that wait in a socket."""
    size = array.array("i", [0])
    fcntl.ioctl(stream, termios.FIONREAD, size)
    return size[0]


def is_closed(stream):
    try:
        return stream.recv(1) == b""
    except ConnectionResetError:
        return True


# These come last: they change what the control wants.


def test_without_a_wish(served):
    control = served.test_control
    assert control.defence(publish.defence(2))[0] == OK
    with Stream(served.network) as stream:
        asked = dns.message.make_query(ZONE, "AXFR").to_wire()
        assert dns.message.from_wire(stream.ask(asked)).rcode() == dns.rcode.REFUSED
    try:
        with tls_connection(served) as refused:
            assert is_closed(refused)
    except ConnectionResetError:  # it was closed before connect() returned
        pass
    with served.network.client.entered():
        assert dns.query.udp(notify(), SERVER4, timeout=10).rcode() == dns.rcode.NOTIMP


def test_control_has_gone(served):
    """What it was given and has not taken is closed; what comes later is refused."""
    control, before = served.test_control, served.dataplane.open_files()
    assert control.defence(publish.defence(3, connections=WISH_TRANSFERS | WISH_TLS))[0] == OK
    asked = dns.message.make_query(ZONE, "AXFR").to_wire()
    waiting = [Stream(served.network) for _ in range(10)]
    for stream in waiting:
        stream.send(asked)
    octets = len(waiting) * (publish.HEADER.size + CONNECTION_BODY.size + 2 + len(asked))
    wait_until(lambda: unread(control.socket) == octets, "sent to the control")
    control.close()
    for stream in waiting:
        assert is_closed(stream.socket)
        stream.socket.close()
    served.dataplane.wait_for_log("connection closed: closed by volley-control")
    with Stream(served.network) as stream:
        assert dns.message.from_wire(stream.ask(asked)).rcode() == dns.rcode.REFUSED
    try:
        with tls_connection(served) as refused:
            assert is_closed(refused)
    except ConnectionResetError:  # it was closed before connect() returned
        pass
    wait_until(lambda: served.dataplane.open_files() < before, "its own descriptors are closed")
