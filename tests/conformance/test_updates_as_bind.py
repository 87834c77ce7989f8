# SPDX-License-Identifier: GPL-3.0-or-later
"""Random updates (RFC 2136) of random zones, evaluated by ours and by BIND: RCODE and serial are the same after each
message, and all records after each zone.

    VOLLEY_UPDATES        messages, 200 by default, 100,000 with VOLLEY_HEAVY
    VOLLEY_UPDATES_SEED   the first seed
    VOLLEY_UPDATES_CLOSE  compares the records after each message
"""
import os
import random
import socket
import struct
import subprocess
import tempfile
from pathlib import Path

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rdata
import dns.rdatatype
import dns.zone
import pytest

import peers
from updategen import Updates, record, wire
from volley import BUILD, wait_until

HEAVY = bool(os.environ.get("VOLLEY_HEAVY"))
MESSAGES = int(os.environ.get("VOLLEY_UPDATES", 100000 if HEAVY else 200))
SEED = int(os.environ.get("VOLLEY_UPDATES_SEED", 1))
PER_ZONE = 40
CLOSE = bool(os.environ.get("VOLLEY_UPDATES_CLOSE"))
EVALUATOR = BUILD / "tests/conformance/update_eval"


class Bind:
    """named with zones that anybody may change."""

    def __init__(self, directory, zones):
        self.peers = peers.Peers(directory, names=("bind",))
        if not self.peers.names:
            pytest.skip("named is not installed")
        config = peers.bind_config
        try:
            peers.bind_config = lambda home, served: config(home, served).replace(
                " type primary;", " type primary; allow-update { any; }; allow-transfer { any; }; max-journal-size 1m;"
                " serial-update-method increment;")
            self.peers.start(zones)
        finally:
            peers.bind_config = config
        last = wire(zones[-1][0])
        assert peers.wait_for_serial(self.peers, peers.ADDRESSES["bind"], last, 1000), self.peers.processes["bind"].output()
        self.connection = self.peers.client.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.connection.settimeout(20)
        self.connection.connect((peers.ADDRESSES["bind"], 53))

    def exchange(self, message):
        self.connection.sendall(struct.pack("!H", len(message)) + message)
        return self.read(struct.unpack("!H", self.read(2))[0])

    def read(self, count):
        octets = b""
        while len(octets) < count:
            more = self.connection.recv(count - len(octets))
            assert more, "named closed the connection"
            octets += more
        return octets

    def update(self, message):
        return self.exchange(message)[3] & 15

    def serial(self, origin):
        answer = self.exchange(struct.pack("!6H", 7, 0, 1, 0, 0, 0) + wire(origin) + b"\0\6\0\1")
        return struct.unpack_from("!I", answer, len(answer) - 20)[0]

    def records(self, origin):
        with self.peers.namespace.entered():
            answers = list(dns.query.xfr(peers.ADDRESSES["bind"], origin, relativize=False))
        return {(rrset.name.to_text().lower(), rdata.rdtype, rrset.ttl, rdata.to_digestable())
                for answer in answers for rrset in answer.answer for rdata in rrset}

    def stop(self):
        self.connection.close()
        self.peers.delete()


class Ours:
    """The evaluator."""

    def __init__(self):
        self.process = subprocess.Popen([EVALUATOR], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def send(self, kind, payload=b""):
        self.process.stdin.write(kind + struct.pack("!I", len(payload)) + payload)
        self.process.stdin.flush()

    def load(self, origin, text):
        zone = dns.zone.from_text(text, origin, relativize=False)
        records = b""
        for name, ttl, rdata in zone.iterate_rdatas():
            whole = record(name.to_text().lower(), rdata.rdtype, 1, ttl, rdata.to_wire(origin=dns.name.root))
            at = len(name.to_wire())
            records += whole[:at + 2] + whole[at + 4:]  # without the class
        self.send(b"Z", records)

    def update(self, message):
        self.send(b"U", message)
        return self.process.stdout.read(1)[0]

    def records(self):
        self.send(b"D")
        octets = self.process.stdout.read(struct.unpack("!I", self.process.stdout.read(4))[0])
        found, at = set(), 0
        while at < len(octets):
            name, used = dns.name.from_wire(octets, at)
            at += used
            rrtype, ttl, length = struct.unpack_from("!HIH", octets, at)
            rdata = dns.rdata.from_wire(1, rrtype, octets, at + 8, length)
            found.add((name.to_text().lower(), rrtype, ttl, rdata.to_digestable()))
            at += 8 + length
        return found

    def serial(self):
        return next(struct.unpack("!I", data[-20:-16])[0] for _, rrtype, _, data in self.records() if rrtype == 6)

    def stop(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=20) == 0
        self.process.stdout.close()


@pytest.fixture(scope="module")
def both():
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:  # BIND syncs its journal with each update
        yield from run_both(Path(directory))


def run_both(directory):
    count = (MESSAGES + PER_ZONE - 1) // PER_ZONE
    makers, zones = [], []
    for number in range(count):
        maker = Updates(random.Random(SEED * 1000003 + number), f"u{number}.test.")
        text = maker.zone()
        file = directory / f"u{number}.zone"
        file.write_text(text)
        makers.append((maker, text))
        zones.append((f"u{number}.test", file))
    bind, ours = Bind(directory, zones), Ours()
    yield bind, ours, makers
    ours.stop()
    bind.stop()


def describe(maker, message):
    try:
        text = dns.message.from_wire(message)
    except dns.exception.DNSException as error:
        text = error
    return f"{maker.origin}: {message.hex()}\n{text}"


@pytest.mark.release
def test_updates(both):
    bind, ours, makers = both
    rcodes = {}
    for maker, text in makers:
        ours.load(maker.origin, text)
        for number in range(PER_ZONE):
            message = maker.message(number)
            got, expected = ours.update(message), bind.update(message)
            assert got == expected, f"RCODE {got} is not BIND's {expected}\n{describe(maker, message)}\nzone:\n{text}"
            rcodes[got] = rcodes.get(got, 0) + 1
            assert ours.serial() == bind.serial(maker.origin), describe(maker, message)
            if CLOSE:
                assert ours.records() == bind.records(maker.origin), describe(maker, message)
        mine, theirs = ours.records(), bind.records(maker.origin)
        assert mine == theirs, f"{maker.origin}\nonly ours: {mine - theirs}\nonly BIND's: {theirs - mine}"
    # the messages were of all kinds: NOERROR, FORMERR, REFUSED, NXDOMAIN, YXDOMAIN, YXRRSET, NXRRSET, NOTZONE
    assert set(rcodes) >= {0, 1, 3, 6, 7, 8, 10} and rcodes[0] > MESSAGES // 2, rcodes
