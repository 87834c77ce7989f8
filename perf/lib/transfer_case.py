# SPDX-License-Identifier: GPL-3.0-or-later
"""One large zone that comes from a primary (Knot DNS), which is started once: the whole of it, from the secondary's start
without data to its first answer, with the memory that this takes; and one record of it, from NOTIFY to the answer."""

import statistics
import time

from . import beside, transfers, zones
from .measure import TARGETS, comparison, progress, refer_to_lowest, repeat, summary
from .probe import Probe
from .sandbox import Sandbox, VethPair

NAMES = 10_000_000
RECORDS_OF_HEAD = 5      # of zones.host_file
QUESTIONS = 1000
RATE = 1000
CHANGES = 50
LIMIT_MS = 10.0
# NOTIFY, SOA query, connection, IXFR, query.
ROUND_TRIPS = 5
TRANSFER_SECONDS = 3600
CHANGE_SECONDS = 120
# The kernel lets go of a queue some time after the process that had a socket there has ended.
PAUSE_SECONDS = 1
MIB = 1 << 20

OTHERS = [name for name in transfers.SECONDARIES if name != "volley"]


def measure_first(case, options, pair, primary):
    """Queries for another zone while Volley fetches its first version. The primary is silent until they are asked."""
    with Sandbox() as sandbox:
        path, questions = beside.make_zone(sandbox.directory)
        wake = transfers.silence(sandbox, primary)
        server = transfers.volley_secondary(sandbox, options, pair, zones.ORIGIN, beside.entry(path))
        server.dataplane.wait_for(r"\bready: ", TRANSFER_SECONDS)
        queries = beside.Beside(case, sandbox, pair, server, questions)
        client = transfers.Client(sandbox, pair)

        def fetch():
            wake()
            zone = zones.name_to_wire(zones.ORIGIN)
            client.notify(zone)
            client.wait(server, zone, transfers.TYPE_SOA, TRANSFER_SECONDS, transfers.SAMPLE_SECONDS)

        return queries.measure(fetch)


class InCase:
    name = "transfer-in"
    summary = ("from a secondary's start to its first answer, a zone of 10 million records by AXFR, and the peak memory"
               " of all its processes; against the better of Knot DNS and NSD")

    def run(self, options):
        names = options.names or NAMES - RECORDS_OF_HEAD
        with Sandbox() as sandbox:
            progress(f"{self.name}: the primary loads {names} names")
            workload = zones.make_hosts(options.directory, options.seed, names, QUESTIONS)
            question_list = sandbox.directory / "questions.txt"
            zones.write_question_list(question_list, workload.questions)
            pair = VethPair(sandbox)
            primary = transfers.start_primary(sandbox, pair, workload.zones)
            memory, cpu = [], []

            def one_round():
                found = {server: self.measure(options, pair, question_list, server) for server in transfers.SECONDARIES}
                memory.append({server: octets / MIB for server, (_, octets, _) in found.items()})
                cpu.append({server: seconds for server, (_, _, seconds) in found.items()})
                return {server: seconds for server, (seconds, _, _) in found.items()}

            result = self.result(repeat(self.name, options.pairs, one_round), memory, cpu, names)
            return beside.add(result, measure_first(self.name, options, pair, primary.process))

    def result(self, rounds, memory, cpu, names):
        best = refer_to_lowest(rounds, OTHERS)
        smallest = refer_to_lowest(memory, OTHERS)
        target = TARGETS["transfer-in, memory"]
        part = {"unit": "MiB, peak", "reference_name": smallest, **comparison(memory)}
        part |= {"target": target.tell(), "met": target.is_met(part["ratio"])}
        result = summary(self.name, "s", best, rounds, 2, parts={"memory": part}, names=names,
                         others={server: [round(values[server], 2) for values in rounds] for server in OTHERS},
                         others_memory={server: [round(values[server]) for values in memory] for server in OTHERS},
                         cpu_seconds={server: [round(values[server], 2) for values in cpu] for server in transfers.SECONDARIES})
        result["met"] &= part["met"]
        return result

    def measure(self, options, pair, question_list, server):
        """Seconds, octets at the peak, and CPU seconds until it rests."""
        time.sleep(PAUSE_SECONDS)
        with Sandbox() as sandbox:
            probe = Probe(sandbox, options.build_dir, pair, question_list, RATE, TRANSFER_SECONDS, flags=["--until-answer"])
            start_ns = time.time_ns()
            secondary = transfers.SECONDARIES[server](sandbox, options, pair, zones.ORIGIN)
            peak = transfers.Peak(secondary)
            peak.wait(lambda: probe.process.popen.poll() is not None, TRANSFER_SECONDS, "the transfer")
            seconds = (probe.wait_end(1)["first_answer_unix_ns"] - start_ns) / 1e9
            peak.rest()
            progress(f"{self.name}: {server}: {seconds:.2f} s, {peak.octets >> 20} MiB")
            return seconds, peak.octets, transfers.cpu_seconds(secondary)


def knot_without_files(sandbox, options, pair, name):
    """It would write all of a zone file after each change; its journal has the changes."""
    return transfers.knot_secondary(sandbox, options, pair, name, "    zonefile-sync: -1\n")


class IxfrCase:
    name = "transfer-ixfr"
    summary = ("one new record of a zone of 10 million names, from NOTIFY to the answer at the secondary, median of 50;"
               " against the better of Knot DNS and NSD")
    secondaries = transfers.SECONDARIES | {"Knot DNS": knot_without_files}

    def run(self, options):
        names = options.names or NAMES
        changes = options.changes or CHANGES
        with Sandbox() as sandbox:
            progress(f"{self.name}: the primary loads {names} names")
            pair = VethPair(sandbox)
            path = zones.host_file(options.directory, options.seed, names)
            transfers.start_primary(sandbox, pair, [(zones.ORIGIN, path)])
            self.primary = transfers.Client(sandbox, pair, transfers.PRIMARY, CHANGE_SECONDS)
            self.change_cnt, self.trips, self.beside = 0, [], None
            self.questions = zones.make_hosts(options.directory, options.seed, names, QUESTIONS).questions
            longest = {server: 0 for server in self.secondaries}
            rounds = repeat(self.name, options.pairs, lambda: {
                server: self.measure(options, pair, server, changes, longest) for server in self.secondaries})
        best = refer_to_lowest(rounds, OTHERS)
        trips_ms = ROUND_TRIPS * statistics.median(self.trips)
        beyond = statistics.median(values["volley"] for values in rounds) - trips_ms
        result = summary(self.name, "ms, median", best, rounds, 2, names=names, changes=changes,
                         others={server: [round(values[server], 2) for values in rounds] for server in OTHERS},
                         round_trips=ROUND_TRIPS, round_trips_ms=round(trips_ms, 2), beyond_round_trips_ms=round(beyond, 2), limit_beyond_ms=LIMIT_MS,
                         longest_ms={server: round(ms, 2) for server, ms in longest.items()})
        # beside a zone that is in memory there is little left to be a fifth of
        result["met"] |= beyond <= LIMIT_MS
        return beside.add(result, self.beside)

    def measure(self, options, pair, server, changes, longest):
        """Milliseconds, the median."""
        time.sleep(PAUSE_SECONDS)
        with Sandbox() as sandbox:
            secondary = self.secondaries[server](sandbox, options, pair, zones.ORIGIN)
            client = transfers.Client(sandbox, pair)
            client.wait(secondary, zones.name_to_wire(zones.ORIGIN), transfers.TYPE_SOA, TRANSFER_SECONDS, 0.1)
            transfers.Peak(secondary).rest()
            if server == "volley":
                self.trips += [self.round_trip(client) for _ in range(changes)]
            times = [self.change(client, secondary) for _ in range(changes)]
            longest[server] = max(longest[server], *times)
            progress(f"{self.name}: {server}: median {statistics.median(times):.2f} ms, longest {max(times):.2f} ms")
            if server == "volley" and self.beside is None:
                self.beside = self.measure_beside(sandbox, pair, secondary, client, changes)
            return statistics.median(times)

    def measure_beside(self, sandbox, pair, secondary, client, changes):
        """Once, behind the times of the first round."""
        queries = beside.Beside(self.name, sandbox, pair, secondary, self.questions)
        times = []
        found = queries.measure(lambda: times.extend(self.change(client, secondary) for _ in range(changes)))
        return found | {"median_ms": round(statistics.median(times), 2), "longest_ms": round(max(times), 2)}

    def round_trip(self, client):
        """Milliseconds of one query."""
        start = time.monotonic()
        client.ask(zones.name_to_wire(zones.ORIGIN), transfers.TYPE_SOA)
        return (time.monotonic() - start) * 1000

    def change(self, client, secondary):
        """Milliseconds. The primary has the change before its secondary hears of it."""
        self.change_cnt += 1
        owner = f"change{self.change_cnt}.{zones.ORIGIN}"
        owner, zone = zones.name_to_wire(owner), zones.name_to_wire(zones.ORIGIN)
        self.primary.add(zone, owner, zones.SMALL_ADDRESS)
        start = time.monotonic()
        client.notify(zone)
        client.wait(secondary, owner, transfers.TYPE_A, CHANGE_SECONDS, client.PAUSE_SECONDS)
        return (time.monotonic() - start) * 1000


CASES = [InCase(), IxfrCase()]
