# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases about one large zone, or many small ones: how long until they are served, and what memory
that takes.

Servers run on all CPUs, with as many threads as they choose, on one end of a veth pair; the first
answer is what a client at the other end gets, who asks a thousand times a second.
"""

import shlex
import shutil
import time

from . import huge_pages, signed_zones, zones
from .afxdp_case import TESTPMD_MBUFS
from .measure import interleave, progress, refer_to_lowest, summary
from .memory import busy_seconds, settle
from .probe import SECONDS_MAX, Probe
from .sandbox import Sandbox, VethPair
from .servers import Knot, Nsd
from .volley import Volley, page_flags

NAMES = 10_000_000
ZONE_FILES = 200_000
QUESTIONS = 1000
RATE = 1000
MIB = 1 << 20

SERVERS = {"knot": Knot, "nsd": Nsd}


class Bench:
    """Zones, and the servers that load them. Each run has a sandbox of its own."""

    def __init__(self, case, options, sandbox, make=zones.make_hosts, names=NAMES, is_kept=False):
        """is_kept: the zone, from one run to the next."""
        self.options = options
        self.names = options.names or names
        progress(f"{case}: writing {self.names} {'zone files' if names == ZONE_FILES else 'names'}")
        directory = options.zone_cache if is_kept else options.directory
        self.workload = make(directory, options.seed, self.names, QUESTIONS)
        self.question_list = sandbox.directory / "questions.txt"
        zones.write_question_list(self.question_list, self.workload.questions)
        self.commands = {}
        if options.huge_pages:
            huge_pages.reserve(sandbox, huge_pages.need_mib(TESTPMD_MBUFS, self.names))

    def start_volley(self, sandbox, pair, state_dir=None):
        return Volley(sandbox, self.options.build_dir, [f"af_xdp:{pair.SERVER_INTERFACE}"],
                      self.workload.zones, None, page_flags(self.options), pair.server.enter,
                      state_dir, wait=False)

    def load(self, side, state_dir=None, then=lambda server: None):
        """Seconds from a server's start to its first answer, and what then(server) returns."""
        with Sandbox() as sandbox:
            pair = VethPair(sandbox)
            probe = Probe(sandbox, self.options.build_dir, pair, self.question_list, RATE,
                          SECONDS_MAX, flags=["--until-answer"])
            start_ns = time.time_ns()
            if side in SERVERS:
                server = SERVERS[side](sandbox, pair, self.workload.zones, None, wait=False)
            else:
                server = self.start_volley(sandbox, pair, state_dir)
            while probe.process.popen.poll() is None and all_run(server):
                time.sleep(0.05)
            first_ns = probe.wait_end(1)["first_answer_unix_ns"]
            server.wait_ready()
            result = then(server)
            self.commands[side] = shlex.join(server.command)
            server.stop()
            return (first_ns - start_ns) / 1e9, result


def all_run(server):
    for process in server.processes:
        if process.popen.poll() is not None:
            process.fail(f"ended with status {process.popen.returncode}")
    return True


def against_others(case, options, unit, digits, measure, bench=None, **more):
    """measure(bench, side) of Volley, Knot and NSD in turn; the lower of those is the reference."""
    with Sandbox() as sandbox:
        bench = Bench(case, options, sandbox, **bench or {})
        rounds = interleave(case, options.pairs, {
            side: lambda side=side: measure(bench, side) for side in ("volley", *SERVERS)})
        lowest = refer_to_lowest(rounds, SERVERS)
        others = {side: [round(values[side], digits) for values in rounds] for side in SERVERS}
        return summary(case, unit, SERVERS[lowest].NAME, rounds, digits, others=others,
                       names=bench.names, command=bench.commands, **more)


SIGNED = dict(make=signed_zones.make_positive, names=signed_zones.NAMES, is_kept=True)


class LoadCase:
    name = "load"
    summary = "from start to first answer with a zone of 10 million names; against Knot and NSD"
    bench = {}

    def run(self, options):
        return against_others(self.name, options, "s", 2, lambda bench, side: bench.load(side)[0],
                              self.bench)


class SignedLoadCase(LoadCase):
    name = "signed-load"
    summary = "the same with a zone of a million names, signed with ECDSA P-256, NSEC"
    bench = SIGNED


class ZonesCase:
    name = "zones"
    summary = "from start to first answer with 200,000 zone files of eight records; against Knot and NSD"

    def run(self, options):
        cpu_seconds = {side: [] for side in ("volley", *SERVERS)}

        def load(bench, side):
            seconds, cpu = bench.load(side, then=lambda server: busy_seconds(server.processes))
            cpu_seconds[side].append(round(cpu, 2))
            return seconds

        return against_others(self.name, options, "s", 2, load, cpu_seconds=cpu_seconds,
                              bench=dict(make=zones.make_zone_files, names=ZONE_FILES))


class MemoryCase:
    name = "memory"
    summary = "memory of all processes with 10 million names; against Knot and NSD"
    bench = {}

    def run(self, options):
        def used_mib(bench, side):
            return bench.load(side, then=lambda server: settle(server.processes) / MIB)[1]

        return against_others(self.name, options, "MiB", 0, used_mib, self.bench)


class SignedMemoryCase(MemoryCase):
    name = "signed-memory"
    summary = "the same with a zone of a million names, signed with ECDSA P-256, NSEC"
    bench = SIGNED


class RestartCase:
    name = "restart"
    summary = "starting again with 10 million names, from the state directory; against the first load"

    def run(self, options):
        with Sandbox() as sandbox:
            bench = Bench(self.name, options, sandbox)
            runs = Restarts(bench, sandbox)
            rounds = interleave(self.name, options.pairs, {"reference": runs.first,
                                                           "volley": runs.again})
            return summary(self.name, "s", "Volley, first load", rounds, 2, names=bench.names,
                           state_mib=runs.state_mib, command=bench.commands)


class Restarts:
    """In turn: a first load in an empty state directory, and a start with what that left there."""

    def __init__(self, bench, sandbox):
        self.bench = bench
        self.state_dir = sandbox.directory / "state"
        self.state_mib = 0

    def first(self):
        self.state_dir.mkdir()
        # what it keeps for the next start is written when it rests
        seconds, _ = self.bench.load("volley", self.state_dir,
                                     lambda server: settle(server.processes))
        self.state_mib = round(sum(path.stat().st_size for path in self.state_dir.rglob("*")) / MIB)
        return seconds

    def again(self):
        seconds, _ = self.bench.load("volley", self.state_dir)
        shutil.rmtree(self.state_dir)
        return seconds


CASES = [LoadCase(), SignedLoadCase(), ZonesCase(), MemoryCase(), SignedMemoryCase(), RestartCase()]
