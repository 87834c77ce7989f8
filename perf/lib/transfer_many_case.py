# SPDX-License-Identifier: GPL-3.0-or-later
"""Transfers of many: 100,000 small zones that a catalog lists, from the secondary's start without data until it has answered for
each of them; and 50 secondaries that fetch one zone at once."""

import functools
import itertools
import json
import os
import pathlib
import select
import struct
import sys
import time

from . import beside, transfers, zones
from .measure import interleave, progress, refer_to_lowest, repeat, summary
from .sandbox import Sandbox, VethPair

ZONES = 100_000
CATALOG = "catalog.invalid."
WINDOW = 100             # members that are asked for at a time
AGAIN_SECONDS = 0.1
BOOTSTRAP_SECONDS = 3600
MEMORY_SECONDS = 1
PAUSE_SECONDS = 1
MIB = 1 << 20

RECORDS = 1_000_000
# The head of zones.host_file has five records, and an AXFR ends with the SOA once more.
RECORDS_BESIDE = 6
CLIENTS = 50
OUT_SECONDS = 1800
QUESTIONS = 65536
RECEIVE = pathlib.Path(__file__).with_name("receive.py")


def write_catalog(path, names):
    lines = ["$TTL 0\n@ SOA invalid. invalid. 1 3600 600 2147483646 0\n@ NS invalid.\nversion TXT \"2\"\n"]
    zones.write_lines(path, itertools.chain(lines, (f"m{idx}.zones PTR {name}\n" for idx, name in enumerate(names))))


def volley_consumer(sandbox, options, pair, more=""):
    templates = "templates:\n  - name: members\n    primaries: [upstream]\n"
    return transfers.volley(sandbox, options, pair, [(CATALOG, None)], """\
    primaries: [upstream]
    catalog: consumer
    catalog-templates:
      - template: members
""" + more, templates)


def knot_consumer(sandbox, _options, pair):
    member = f"""\
  - id: members
    storage: {sandbox.directory}/knot
    semantic-checks: off
    master: upstream
    acl: [transfer, upstream]
"""
    return transfers.Knot(sandbox, pair.server, pair.SERVER_ADDRESS, member, {CATALOG: """\
    master: upstream
    acl: [transfer, upstream]
    catalog-role: interpret
    catalog-template: members
"""})


class Members:
    """Asks for the SOA of each member until it is answered, some of them at a time."""

    def __init__(self, sandbox, pair, names):
        self.socket = sandbox.enter_context(transfers.open_socket(pair))
        self.socket.connect((pair.SERVER_ADDRESS, transfers.PORT))
        self.socket.setblocking(False)
        self.rest = iter(names)
        self.numbers = itertools.cycle(range(1 << 16))
        self.asked = {}        # what is not answered: {number: (name, when it was asked last)}
        self.answered = 0
        for _ in range(WINDOW):
            self.next()

    def next(self):
        name = next(self.rest, None)
        if name is not None:
            # a member that was not answered for long may still have the number
            number = next(number for number in self.numbers if number not in self.asked)
            self.ask(number, zones.name_to_wire(name))

    def ask(self, number, name):
        self.asked[number] = (name, time.monotonic())
        try:
            self.socket.send(transfers.question(number, 0, name, transfers.TYPE_SOA))
        except (ConnectionRefusedError, BlockingIOError):
            pass

    def work(self, seconds):
        """For about that long; returns whether all are answered."""
        deadline = time.monotonic() + seconds
        while self.asked and time.monotonic() < deadline:
            if select.select([self.socket], [], [], AGAIN_SECONDS / 4)[0]:
                self.receive()
            now = time.monotonic()
            for number, (name, when) in list(self.asked.items()):
                if now - when >= AGAIN_SECONDS:
                    self.ask(number, name)
        return not self.asked

    def receive(self):
        """What is there, at most a window of it."""
        for _ in range(WINDOW):
            try:
                response = self.socket.recv(65535)
            except (BlockingIOError, ConnectionRefusedError):
                return
            number, = struct.unpack_from("!H", response)
            if number in self.asked and transfers.is_answered(response):
                del self.asked[number]
                self.answered += 1
                self.next()

    def wait(self, server, sample=lambda: None):
        """Until each is answered; calls sample() now and then."""
        deadline = time.monotonic() + BOOTSTRAP_SECONDS
        while not self.work(MEMORY_SECONDS):
            transfers.check_alive(server)
            sample()
            if time.monotonic() > deadline:
                server.processes[-1].fail(f"answered for {self.answered} zones in {BOOTSTRAP_SECONDS} seconds")


class CatalogCase:
    name = "transfer-catalog"
    summary = ("100,000 small zones that a catalog lists, from the secondary's start to the first answer for each of"
               " them; against Knot DNS")
    consumers = {"volley": volley_consumer, "reference": knot_consumer}

    def run(self, options):
        zone_cnt = options.zones or options.names or ZONES
        with Sandbox() as sandbox:
            progress(f"{self.name}: the primary loads {zone_cnt} zones")
            workload = zones.make_many_zones(options.directory, options.seed, zone_cnt, 1)
            names = [name for name, _ in workload.zones]
            catalog = sandbox.directory / "catalog.zone"
            write_catalog(catalog, names)
            pair = VethPair(sandbox)
            transfers.spare_ports(pair)
            primary = transfers.start_small_primary(sandbox, pair, [*workload.zones, (CATALOG, catalog)])
            memory, cpu = ({side: [] for side in self.consumers} for _ in range(2))
            rounds = interleave(self.name, options.pairs, {
                side: functools.partial(self.measure, options, pair, names, side, memory, cpu) for side in self.consumers})
            result = summary(self.name, "s", "Knot DNS", rounds, 2, names=zone_cnt, peak_mib=memory, cpu_seconds=cpu)
            return beside.add(result, self.measure_beside(options, pair, names, primary.process))

    def measure_beside(self, options, pair, names, primary):
        """Queries for another zone meanwhile. The primary is silent until they are asked."""
        with Sandbox() as sandbox:
            path, questions = beside.make_zone(sandbox.directory)
            wake = transfers.silence(sandbox, primary)
            server = volley_consumer(sandbox, options, pair, beside.entry(path))
            server.dataplane.wait_for(r"\bready: ", BOOTSTRAP_SECONDS)
            queries = beside.Beside(self.name, sandbox, pair, server, questions)
            client = transfers.Client(sandbox, pair)

            def bootstrap():
                wake()
                client.notify(zones.name_to_wire(CATALOG))
                Members(sandbox, pair, names).wait(server)

            return queries.measure(bootstrap)

    def measure(self, options, pair, names, side, memory, cpu):
        """Seconds."""
        time.sleep(PAUSE_SECONDS)
        with Sandbox() as sandbox:
            start = time.monotonic()
            server = self.consumers[side](sandbox, options, pair)
            members, peak = Members(sandbox, pair, names), transfers.Peak(server)
            members.wait(server, peak.sample)
            seconds = time.monotonic() - start
            memory[side].append(round(peak.rest() / MIB))
            cpu[side].append(round(transfers.cpu_seconds(server), 2))
            progress(f"{self.name}: {server.command.split()[0].rpartition('/')[2]}: {seconds:.2f} s")
            return seconds


def volley_out(sandbox, options, pair, path):
    return transfers.volley(sandbox, options, pair, [(zones.ORIGIN, path)],
                            f"    transfer-to:\n      - from: [{transfers.NEIGHBOURS}]\n")


def knot_out(sandbox, _options, pair, path):
    return transfers.Knot(sandbox, pair.server, pair.SERVER_ADDRESS, "    zonefile-sync: -1\n",
                          {zones.ORIGIN: f"    file: {path}\n    acl: transfer\n"})


def nsd_out(sandbox, _options, pair, path):
    """With a process for each CPU; its transfers are done by those that answer."""
    return transfers.Nsd(sandbox, pair.server, pair.SERVER_ADDRESS, f"""\
zone:
  name: "{zones.ORIGIN}"
  zonefile: "{path}"
  provide-xfr: {transfers.NEIGHBOURS} NOKEY
""", os.cpu_count())


class OutCase:
    name = "transfer-out"
    summary = ("50 secondaries fetch a zone of a million records at once, seconds until the last has it; against the"
               " better of Knot DNS and NSD")
    servers = {"volley": volley_out, "Knot DNS": knot_out, "NSD": nsd_out}

    def run(self, options):
        records = options.names or RECORDS
        clients = options.clients or CLIENTS
        path = zones.host_file(options.directory, options.seed, records)
        told = {server: [] for server in self.servers}
        self.beside = None
        self.questions = zones.make_hosts(options.directory, options.seed, records, QUESTIONS).questions
        rounds = repeat(self.name, options.pairs, lambda: {
            server: self.measure(options, server, path, records, clients, told[server]) for server in self.servers})
        others = [server for server in self.servers if server != "volley"]
        best = refer_to_lowest(rounds, others)
        result = summary(self.name, "s", best, rounds, 2, names=records, clients=clients,
                         others={server: [round(values[server], 2) for values in rounds] for server in others},
                         transfers=told)
        return beside.add(result, self.beside)

    def measure(self, options, server, path, records, clients, told):
        """Seconds until the last client has all."""
        with Sandbox() as sandbox:
            pair = VethPair(sandbox)
            primary = self.servers[server](sandbox, options, pair, path)
            transfers.Client(sandbox, pair).wait(primary, zones.name_to_wire(zones.ORIGIN), transfers.TYPE_SOA,
                                                 transfers.START_SECONDS, 0.1)
            peak = transfers.Peak(primary)
            peak.rest()
            before = transfers.cpu_seconds(primary)
            found = self.receive(sandbox, pair, records, clients, peak)
            told.append(found | {"server_cpu_seconds": round(transfers.cpu_seconds(primary) - before, 2),
                                 "server_peak_mib": round(peak.octets / MIB)})
            progress(f"{self.name}: {server}: {json.dumps(told[-1])}")
            if server == "volley" and self.beside is None:
                # once, behind the first round
                self.beside = beside.Beside(self.name, sandbox, pair, primary, self.questions).measure(
                    lambda: self.receive(sandbox, pair, records, clients, peak))
            return found["seconds"]

    def receive(self, sandbox, pair, records, clients, peak):
        """The figures of the clients, when the last of them has the zone."""
        receiver = sandbox.start([*pair.client.enter, sys.executable, "-B", RECEIVE, "--server", pair.SERVER_ADDRESS,
                                  "--zone", zones.ORIGIN, "--clients", clients, "--records", records + RECORDS_BESIDE,
                                  "--seconds", OUT_SECONDS])
        peak.wait(lambda: receiver.popen.poll() is not None, OUT_SECONDS + 60, "the transfers")
        return json.loads(receiver.wait_end(1).splitlines()[-1])


CASES = [CatalogCase(), OutCase()]
