# SPDX-License-Identifier: GPL-3.0-or-later
"""Transfers out: AXFR and IXFR over connections that are handed to volley-control. Others test how the dataplane hands
them over; here a stand-in does."""
import base64
import hashlib
import re
import socket
import ssl
import subprocess

import dns.message
import dns.opcode
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.tsig
import dns.tsigkeyring
import pytest

from handover import Handover, read_exactly
from volley import Volley, small_zone

SECRET = "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY="
KEYS = [{"name": f"{name}.", "algorithm": "hmac-sha256", "secret": SECRET} for name in ("good", "other")]
INSIDE = {"from": ["192.0.2.0/24"]}
BIG = 5_000
MIDDLE = 2_000
HUGE = 100_000

pytestmark = pytest.mark.release


def make_certificate(path, name):
    """A key and a certificate of its own; returns its pin."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-days", "30", "-keyout",
                    f"{path}.key", "-out", f"{path}.pem"], check=True, capture_output=True)
    public = subprocess.run(["openssl", "x509", "-in", f"{path}.pem", "-pubkey", "-noout"], check=True,
                            capture_output=True, text=True).stdout
    return base64.b64encode(hashlib.sha256(ssl.PEM_cert_to_DER_cert(
        public.replace("PUBLIC KEY", "CERTIFICATE"))).digest()).decode()


def names(count):
    return {f"n{i}": f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}" for i in range(count)}


class Primary(Volley):
    """A control without a dataplane of ours."""

    def __init__(self, directory):
        super().__init__(None, directory)
        self.keep_state()
        self.other_settings["keys"] = KEYS
        self.handover = Handover(self.publish_socket)
        self.pin = make_certificate(directory / "server", "primary.test")
        self.client_pin = make_certificate(directory / "client", "secondary.test")
        make_certificate(directory / "stranger", "stranger.test")
        self.other_settings["tls"] = [{"name": "xot", "certificate-file": f"{directory}/server.pem",
                                       "key-file": f"{directory}/server.key"}]
        self.other_settings["transfers"] = {"tls": "xot", "out-max": "1200"}

    def add(self, name, text, *rules, **settings):
        self.zone_settings[name] = {"transfer-to": list(rules or [INSIDE]), "living": True} | settings
        self.add_zone(name, text)

    def connect(self):
        connection = socket.create_connection(("127.0.0.1", self.handover.port), 30)
        connection.settimeout(30)
        return connection

    def dig(self, *words):
        return subprocess.run(["dig", "@127.0.0.1", "-p", str(self.handover.port), "+tcp", *words], capture_output=True,
                              text=True, timeout=60, check=False).stdout

    def records(self, zone, kind="AXFR", *words):
        """The records of a transfer, each in one line."""
        text = self.dig("+noall", "+answer", "+onesoa" if kind == "AXFR" else "+nocmd", zone, kind, *words)
        return [re.sub(r"\s+", " ", line) for line in text.splitlines() if line and not line.startswith(";")]

    def stop(self):
        self.handover.close()
        super().stop()


@pytest.fixture(scope="module", name="primary")
def _primary(tmp_path_factory):
    primary = Primary(tmp_path_factory.mktemp("transfers"))
    primary.add("small.test.", small_zone(1, "www A 192.0.2.10", "mail MX 10 www"))
    primary.add("big.test.", small_zone(1, *(f"{name} A {address}" for name, address in names(BIG).items())))
    primary.add("middle.test.", small_zone(1, *(f"{name} A {address}" for name, address in names(MIDDLE).items())))
    primary.add("signed.test.", small_zone(1), {"key": "good."})
    primary.add("inside.test.", small_zone(1), {"from": ["198.51.100.0/24"]})
    primary.add("tls.test.", small_zone(1), {"key": "good.", "tls": "required"})
    primary.add("pinned.test.", small_zone(1), {"certificate-pins": [primary.client_pin]})
    primary.zone_settings["none.test."] = {"living": True}
    primary.add_zone("none.test.", small_zone(1))
    primary.add_zone("file.test.", small_zone(1))
    primary.start_control()
    yield primary
    primary.stop()


def send(connection, query):
    wire = query if isinstance(query, bytes) else query.to_wire()
    connection.sendall(len(wire).to_bytes(2, "big") + wire)


def receive_wire(connection):
    head = read_exactly(connection, 2)
    return head and read_exactly(connection, int.from_bytes(head, "big"))


def ask(primary, query):
    with primary.connect() as connection:
        send(connection, query)
        return dns.message.from_wire(receive_wire(connection), ignore_trailing=False)


def serial(primary, zone):
    return ask(primary, dns.message.make_query(zone, "SOA")).answer[0][0].serial


def ixfr(zone, since, **options):
    query = dns.message.make_query(zone, "IXFR", **options)
    query.authority.append(dns.rrset.from_text(zone, 0, "IN", "SOA", f". . {since} 0 0 0 0"))
    return query


def transfer(primary, query, keyring=None):
    """All messages of a response, read by dnspython, which verifies signatures."""
    with primary.connect() as connection:
        send(connection, query)
        return receive_transfer(connection, query, keyring)


def receive_transfer(connection, query, keyring=None):
    messages, soas, context = [], 0, None
    while True:
        wire = receive_wire(connection)
        response = dns.message.from_wire(
            wire, keyring=keyring, request_mac=query.mac, xfr=True, origin=None, tsig_ctx=context,
            multi=True, one_rr_per_rrset=True)
        context = response.tsig_ctx
        messages.append(response)
        if response.rcode():
            return messages
        soas += sum(rrset.rdtype == dns.rdatatype.SOA for rrset in response.answer)
        if len(messages[0].answer) == 1 or (soas >= 2 and response.answer[-1].rdtype == dns.rdatatype.SOA and
                                            response.answer[-1][0].serial == messages[0].answer[0][0].serial):
            return messages


def test_axfr_has_all_records_and_no_others(primary):
    records = primary.records("small.test.")
    assert sorted(records) == sorted([
        "small.test. 3600 IN SOA ns1.small.test. hostmaster.small.test. 1 3600 600 1209600 300",
        "small.test. 3600 IN NS ns1.small.test.", "ns1.small.test. 3600 IN A 192.0.2.1",
        "mail.small.test. 3600 IN MX 10 www.small.test.", "www.small.test. 3600 IN A 192.0.2.10"])


def test_a_large_zone_record_by_record(primary):
    records = primary.records("big.test.")
    expected = {f"{name}.big.test. 3600 IN A {address}" for name, address in names(BIG).items()}
    assert len(records) == BIG + 3
    assert expected < set(records)


@pytest.mark.heavy
def test_a_huge_zone_record_by_record(primary):
    primary.add("huge.test.", small_zone(1, *(f"{name} A {address}" for name, address in names(HUGE).items())))
    primary.ctl("reload")
    records = primary.records("huge.test.")
    assert len(records) == HUGE + 3
    assert {f"{name}.huge.test. 3600 IN A {address}" for name, address in names(HUGE).items()} < set(records)
    primary.remove_zone("huge.test.")
    primary.ctl("reload")


def test_messages_are_filled_and_names_compressed(primary):
    messages = transfer(primary, dns.message.make_query("big.test.", "AXFR"))
    assert [len(message.question) for message in messages] == [1] + [0] * (len(messages) - 1)
    assert len(messages) < BIG * 24 / 16000  # a pointer, ten octets, an address, and a label


def test_several_requests_on_one_connection(primary):
    with primary.connect() as connection:
        queries = [dns.message.make_query("SMALL.test.", kind) for kind in ("SOA", "AXFR", "A", "SOA", "AXFR")]
        for query in queries:
            send(connection, query)
        for query in queries:
            kind = query.question[0].rdtype
            if kind == dns.rdatatype.AXFR:
                messages = receive_transfer(connection, query)
                assert messages[0].id == query.id and len(messages[0].answer) == 6
                assert "SMALL" in str(messages[0].question[0].name), "the client's spelling"
            else:
                response = dns.message.from_wire(receive_wire(connection))
                assert query.is_response(response)
                assert response.rcode() == (dns.rcode.REFUSED if kind == dns.rdatatype.A else 0)
                assert len(response.answer) == (kind == dns.rdatatype.SOA)


@pytest.mark.parametrize("zone, rcode", [
    ("none.test.", "REFUSED"), ("file.test.", "REFUSED"), ("inside.test.", "REFUSED"), ("signed.test.", "REFUSED"),
    ("tls.test.", "REFUSED"), ("nowhere.test.", "NOTAUTH"), ("sub.small.test.", "NOTAUTH")])
@pytest.mark.parametrize("kind", ["AXFR", "IXFR"])
def test_who_may_not(primary, zone, rcode, kind):
    query = ixfr(zone, 1) if kind == "IXFR" else dns.message.make_query(zone, kind)
    assert dns.rcode.to_text(ask(primary, query).rcode()) == rcode


def signed(query, name="good.", secret=SECRET):
    keyring = dns.tsigkeyring.from_text({name: secret})
    query.use_tsig(keyring, name, algorithm=dns.tsig.HMAC_SHA256)
    return query, keyring


def test_a_signed_transfer_has_all_its_messages_signed(primary):
    query, keyring = signed(dns.message.make_query("big.test.", "AXFR"))
    messages = transfer(primary, query, keyring)
    assert len(messages) > 3 and all(message.had_tsig for message in messages)
    query, keyring = signed(dns.message.make_query("signed.test.", "AXFR"))
    assert len(transfer(primary, query, keyring)[0].answer) == 4


@pytest.mark.parametrize("name, secret, error", [
    ("other.", SECRET, None), ("unknown.", SECRET, dns.tsig.PeerBadKey),
    ("good.", SECRET.replace("M", "N"), dns.tsig.PeerBadSignature)])
def test_wrong_keys(primary, name, secret, error):
    query, keyring = signed(dns.message.make_query("signed.test.", "AXFR"), name, secret)
    if error:
        with pytest.raises(error):
            transfer(primary, query, keyring)
    else:  # signed well, but with a key that may not
        assert transfer(primary, query, keyring)[0].rcode() == dns.rcode.REFUSED


def test_the_key_does_not_go_round_tls(primary):
    query, keyring = signed(dns.message.make_query("tls.test.", "AXFR"))
    (message,) = transfer(primary, query, keyring)
    assert message.rcode() == dns.rcode.REFUSED and message.had_tsig


def test_malformed_requests_are_answered_and_the_connection_closed(primary):
    for wire, rcode in ((dns.message.make_query("small.test.", "IXFR").to_wire(), "FORMERR"),
                        (dns.message.make_query("small.test.", "AXFR").to_wire() + b"x", "FORMERR"),
                        (b"\0\1\1\0\0\2" + bytes(6), "FORMERR")):
        with primary.connect() as connection:
            send(connection, wire)
            assert dns.rcode.to_text(receive_wire(connection)[3] & 15) == rcode
            assert receive_wire(connection) is None
    with primary.connect() as connection:  # a response
        send(connection, b"\0\1\x81\0" + bytes(8))
        assert receive_wire(connection) is None
    update = dns.message.make_query("small.test.", "SOA")
    update.set_opcode(dns.opcode.UPDATE)
    assert ask(primary, update).rcode() == dns.rcode.NOTIMP


class Copy:
    """A secondary's copy: the records as lines."""

    def __init__(self, primary, zone):
        self.primary, self.zone = primary, zone
        self.records = set(primary.records(zone))
        self.serial = self.soa_serial(next(line for line in self.records if " SOA " in line))

    @staticmethod
    def soa_serial(line):
        return int(line.split()[6])

    def catch_up(self):
        """By IXFR. Returns the number of difference sequences."""
        lines = self.primary.records(self.zone, f"IXFR={self.serial}")
        last = self.soa_serial(lines[0])
        if len(lines) == 1:
            return 0
        adding, sequences = True, 0
        assert self.soa_serial(lines[1]) == self.serial, f"no difference: {lines[:3]}"
        for line in lines[1:-1]:
            if " SOA " in line:
                adding = not adding
                sequences += not adding
            if adding:
                assert line not in self.records
                self.records.add(line)
            else:
                self.records.remove(line)
        assert lines[-1] == lines[0] and adding
        self.serial = last
        return sequences

    def compare(self):
        assert self.records == set(self.primary.records(self.zone))


def test_ixfr_across_changes(primary):
    copy = Copy(primary, "big.test.")
    assert copy.catch_up() == 0
    primary.ctl("zone", "set", "big.test.", "new", "300", "A", "192.0.2.77")
    assert copy.catch_up() == 1
    copy.compare()
    for number in range(5):
        primary.ctl("zone", "set", "big.test.", f"more{number}", "A", f"192.0.2.{number}")
    primary.ctl("zone", "unset", "big.test.", "more0")
    primary.ctl("zone", "unset", "big.test.", "n5")
    assert copy.catch_up() == 1, "condensed to one sequence"
    copy.compare()
    assert copy.catch_up() == 0
    assert not any("more0" in line for line in copy.records)


def test_ixfr_from_an_unknown_serial_is_the_whole_zone(primary):
    (message,) = transfer(primary, ixfr("small.test.", 4_000_000_000))
    assert len(message.answer) == 6 and message.question[0].rdtype == dns.rdatatype.IXFR


def test_ixfr_of_somebody_who_is_ahead_is_the_soa(primary):
    (message,) = transfer(primary, ixfr("small.test.", serial(primary, "small.test.") + 5))
    assert len(message.answer) == 1


def test_a_zone_that_changes_meanwhile_is_sent_as_one_version(primary):
    with primary.connect() as slow:
        query = dns.message.make_query("big.test.", "AXFR")
        send(slow, query)
        first = receive_wire(slow)
        begun = dns.message.from_wire(first, one_rr_per_rrset=True).answer[0][0].serial
        for number in range(5):
            primary.ctl("zone", "set", "big.test.", f"while{number}", "A", f"192.0.2.{number}")
        now = set(primary.records("big.test."))
        assert sum("while" in line for line in now) == 5
        records = [rrset for rrset in dns.message.from_wire(first, one_rr_per_rrset=True).answer]
        while records[-1].rdtype != dns.rdatatype.SOA or len(records) == 1:
            records += dns.message.from_wire(receive_wire(slow), one_rr_per_rrset=True).answer
        assert records[-1][0].serial == begun == records[0][0].serial
        assert not any("while" in str(rrset.name) for rrset in records)


def test_a_thousand_clients_at_once(primary):
    query = dns.message.make_query("middle.test.", "AXFR")
    messages = transfer(primary, query)
    assert sum(len(message.answer) for message in messages) == MIDDLE + 4
    with primary.connect() as connection:
        send(connection, query)
        whole = b"".join(len(wire).to_bytes(2, "big") + wire for wire in
                         (receive_wire(connection) for _ in messages))
    connections = [primary.connect() for _ in range(1000)]
    for connection in connections:
        send(connection, query)
    for connection in reversed(connections):
        with connection:
            assert read_exactly(connection, len(whole)) == whole


def resident_bytes(process):
    text = open(f"/proc/{process.pid}/status", encoding="ascii").read()
    return int(re.search(r"VmRSS:\s+(\d+) kB", text)[1]) * 1024


def test_slow_clients_take_little_memory(primary):
    query = dns.message.make_query("big.test.", "AXFR")
    transfer(primary, query)
    before = resident_bytes(primary.control)
    connections = [primary.connect() for _ in range(200)]
    for connection in connections:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        send(connection, query)
    for connection in connections:
        assert len(receive_wire(connection)) > 1000
    assert resident_bytes(primary.control) - before < len(connections) * 120_000
    for connection in connections:
        connection.close()


def test_a_hostile_secondary(primary):
    # half a request, and nothing more
    halves = [primary.connect() for _ in range(50)]
    for connection in halves:
        connection.sendall(b"\0\x20\0\1")
    # a thousand requests at once
    query = dns.message.make_query("small.test.", "AXFR")
    with primary.connect() as connection:
        for _ in range(1000):
            send(connection, query)
        for _ in range(1000):
            assert len(dns.message.from_wire(receive_wire(connection)).answer) >= 4
    # resets in the middle
    for _ in range(50):
        with primary.connect() as connection:
            send(connection, dns.message.make_query("big.test.", "AXFR"))
            receive_wire(connection)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert len(primary.records("small.test.")) == 5
    for connection in halves:
        connection.close()


def test_ixfr_goes_on_over_reloads_of_the_file(primary):
    copy = Copy(primary, "small.test.")
    primary.zone_file("small.test.").write_text(small_zone(copy.serial + 1, "www A 192.0.2.11", "mail MX 10 www"))
    primary.ctl("reload", "small.test.")
    assert copy.catch_up() == 1
    copy.compare()
    assert "www.small.test. 3600 IN A 192.0.2.11" in copy.records


def kdig(primary, zone, *words, port=None):
    result = subprocess.run(
        ["kdig", "@127.0.0.1", "-p", str(port or primary.handover.tls_port), "+noall", "+answer", *words, zone, "AXFR"],
        capture_output=True, text=True, timeout=60, check=False)
    lines = [line for line in result.stdout.splitlines() if line and not line.startswith(";")]
    return lines, result.stdout + result.stderr


def test_xot(primary):
    trust = [f"+tls-pin={primary.pin}"]
    signature = ["-y", f"hmac-sha256:good.:{SECRET}"]
    assert len(kdig(primary, "small.test.", *trust)[0]) == 6
    assert len(kdig(primary, "big.test.", *trust)[0]) >= BIG
    assert len(kdig(primary, "tls.test.", *trust, *signature)[0]) == 4
    assert "REFUSED" in kdig(primary, "tls.test.", *trust)[1], "not signed"
    assert "REFUSED" in kdig(primary, "tls.test.", "+tcp", *signature, port=primary.handover.port)[1]


@pytest.mark.parametrize("certificate, permitted", [("client", True), ("stranger", False), (None, False)])
def test_the_certificate_of_the_client(primary, certificate, permitted):
    words = [f"+tls-pin={primary.pin}"]
    if certificate:
        path = primary.directory / certificate
        words += [f"+tls-certfile={path}.pem", f"+tls-keyfile={path}.key"]
    lines, text = kdig(primary, "pinned.test.", *words)
    assert len(lines) == (4 if permitted else 0)
    assert permitted or "REFUSED" in text


def test_who_does_not_speak_tls_is_closed(primary):
    with socket.create_connection(("127.0.0.1", primary.handover.tls_port), 30) as connection:
        send(connection, dns.message.make_query("small.test.", "AXFR"))
        rest = connection.recv(65536)
        assert b"small" not in rest
