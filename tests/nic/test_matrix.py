# SPDX-License-Identifier: GPL-3.0-or-later
"""Every cell of the matrix serves as a name server's port must. Counters tell who answered."""
import json
import socket
import struct
import threading

import pytest

from ask import exchange, open_client
from lab import TAG
from volley import wait_until
from wire import ETH_VLAN, Wire, dns_query, frame, ipv4, ipv6, udp

pytestmark = pytest.mark.alone

WWW = dns_query("www.test.")
QUERIES = 24
RELOADS = 3
# A guest without KVM that shares its CPUs answers late now and then.
ANSWER_SECONDS = 10
COUNTED_SECONDS = 20
KILLED = 128 + 9
XDP_NATIVE = 1  # XDP_ATTACHED_DRV
BOTH = pytest.mark.parametrize("version", [4, 6], ids=["ipv4", "ipv6"])


def server_of(link, version):
    return link.server4 if version == 4 else link.server6


def address_of(serial):
    return bytes([192, 0, 2, serial])


def ask(link, server, timeout=ANSWER_SECONDS):
    """The address that www.test. has in the answer."""
    answer = exchange(link, WWW, server, timeout)
    assert answer[:2] == WWW[:2] and answer[3] & 15 == 0, answer.hex()
    return answer[-4:]


def counts(served):
    """(responses of each lcore, datagrams that stream threads got, verdicts of all XDP programs)"""
    stats = served.stats()
    verdicts = {}
    for port in stats["ports"]:
        for name, count in port["xdp_verdicts"].items():
            verdicts[name] = verdicts.get(name, 0) + count
    return ([lcore["counters"]["tx_packets"] for lcore in stats["lcores"]],
            sum(stream["connections"]["udp_queries"] for stream in stats["streams"]), verdicts)


def counted(served, before, asked):
    """What was added since `before`, once all that was asked is in it."""
    def look():
        lcores, streams, verdicts = counts(served)
        added = ([now - then for now, then in zip(lcores, before[0])], streams - before[1],
                 {name: verdicts[name] - before[2][name] for name in verdicts})
        is_whole = served.cell.is_pci or added[2]["serve"] + added[2]["no_lcore"] >= asked
        return added if sum(added[0]) + added[1] >= asked and is_whole else None

    return wait_until(look, lambda: f"{asked} answers in {before} and {counts(served)}", COUNTED_SECONDS)


@BOTH
def test_lcores_answer_udp(served, version, note):
    """Each lcore, when there are several. On queues without one, stream threads do."""
    before = counts(served)
    for _ in range(QUERIES):
        assert ask(served.link, server_of(served.link, version)) == address_of(1)
    lcores, streams, verdicts = counted(served, before, QUERIES)
    note(f"Linux {served.lab.kernel.series}, {served.cell.name}, IPv{version}: of {QUERIES} answers lcores gave "
         f"{lcores}, stream threads {streams}; XDP: {({name: cnt for name, cnt in verdicts.items() if cnt})}")
    assert sum(lcores) + streams == QUERIES
    if served.cell.unserved_queues:
        assert sum(lcores) > 0 and streams == verdicts["no_lcore"] > 0
    else:
        assert streams == 0
    if served.cell.spreads:
        assert all(lcores)
    if not served.cell.is_pci:
        assert verdicts["serve"] == sum(lcores)


def ask_tagged(wire, link, version, sport):
    """The answer to a query in a frame with a VLAN tag, or None."""
    client, build = (link.client4, ipv4) if version == 4 else (link.client6, ipv6)
    server = server_of(link, version)
    wire.send(frame(link, build(client, server, udp(client, server, WWW, sport=sport)), [(ETH_VLAN, TAG)]))
    return wire.receive(lambda found: found.dport == sport, ANSWER_SECONDS)


@BOTH
def test_tagged_queries_get_tagged_answers(served, version):
    if served.cell.untagged:
        pytest.skip(served.cell.untagged)
    link, before = served.link, counts(served)
    wire = Wire(link, link.tap)
    try:
        answer = ask_tagged(wire, link, version, 4242)
    finally:
        wire.close()
    assert answer and answer.tags == [(ETH_VLAN, TAG)]
    assert answer.checksums_right and answer.payload[-4:] == address_of(1)
    lcores, streams, _ = counted(served, before, 1)
    assert (sum(lcores), streams) == (1, 0)


@BOTH
def test_stream_threads_answer_tcp(served, version):
    with served.link.client.socket(socket.AF_INET6 if version == 6 else socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(ANSWER_SECONDS)
        client.connect((server_of(served.link, version), 53))
        client.sendall(struct.pack("!H", len(WWW)) + WWW)
        with client.makefile("rb") as answers:
            (length,) = struct.unpack("!H", answers.read(2))
            assert answers.read(length)[-4:] == address_of(1)


@BOTH
def test_neighbours_are_found_and_ping_works(served, version):
    link, server = served.link, server_of(served.link, version)
    link.forget_neighbours()
    assert link.neighbour(server) is None
    found = link.client.run("busybox", "ping" if version == 4 else "ping6", "-c", 3, "-W", ANSWER_SECONDS, server)
    assert found.returncode == 0, found.stdout + found.stderr
    assert link.neighbour(server) == served.mac


class Asker(threading.Thread):
    """Asks as fast as answers come, and keeps them."""

    def __init__(self, link):
        super().__init__()
        self.client = open_client(link, link.server4)
        self.client.settimeout(ANSWER_SECONDS)
        self.asked, self.serials, self.ending = 0, [], threading.Event()

    def run(self):
        while not self.ending.is_set():
            self.asked += 1
            self.client.send(WWW)
            try:
                self.serials.append(self.client.recv(512)[-1])
            except OSError:
                return

    def stop(self):
        self.ending.set()
        self.join()
        self.client.close()


def test_reloads_under_load_lose_nothing(served, note):
    asker = Asker(served.link)
    asker.start()
    try:
        for serial in range(2, 2 + RELOADS):
            served.write_zone(serial)
            served.ctl("reload", "test.")
            assert ask(served.link, served.link.server6) == address_of(serial)
    finally:
        asker.stop()
        served.write_zone(1)
        served.ctl("reload", "test.")
    note(f"Linux {served.lab.kernel.series}, {served.cell.name}: {asker.asked} queries during {RELOADS} reloads")
    assert len(asker.serials) == asker.asked
    assert asker.serials == sorted(asker.serials)
    assert set(asker.serials) >= set(range(1, 1 + RELOADS))


def test_a_dataplane_that_was_killed_starts_again(served):
    assert served.kill("dataplane", "KILL") == KILLED
    served.restart_dataplane()
    before = counts(served)
    assert ask(served.link, served.link.server4) == address_of(1)
    counted(served, before, 1)
    if not served.cell.is_pci:
        assert "left by a killed volley-dataplane" in served.log("dataplane")


def runs_natively(lab, interface):
    """Whether the driver itself runs the interface's XDP program."""
    (link,) = json.loads(lab.machine.output("ip", "-j", "-d", "link", "show", "dev", interface))
    return link["xdp"]["mode"] == XDP_NATIVE


def test_preflight_agrees(served, note):
    """It finds no fault in a machine where Volley serves, and knows whether the driver has native XDP."""
    results = served.preflight()
    for result in results:
        if result["status"] == "warn":
            note(f"Linux {served.lab.kernel.series}, {served.cell.name}: preflight warns: {result['check']} "
                 f"{result['subject']}: {result['reason']}")
    assert not [result for result in results if result["status"] == "fail"]
    names = {result["check"] for result in results}
    assert ("vfio" in names) == served.cell.is_pci and ("driver" in names) != served.cell.is_pci
    for result in results:
        if result["check"] == "driver":
            assert ("has native XDP" in result["reason"]) == runs_natively(served.lab, result["subject"]), result
    warned = {result["check"] for result in results if result["status"] == "warn"}
    assert ("queues" in warned) == served.cell.unserved_queues


def test_nothing_is_left_after_the_end(served):
    assert served.lab.state() != served.state_before
    assert served.stop() == {"dataplane": 0, "control": 0}
    wait_until(lambda: served.lab.state() == served.state_before,
               lambda: f"there is\n{served.lab.state()}\nand was\n{served.state_before}", COUNTED_SECONDS)
