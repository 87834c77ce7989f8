# SPDX-License-Identifier: GPL-3.0-or-later
"""How long an answer takes at a rate that no server minds, over a veth pair.

From before the system call that sends the query to the kernel's timestamp of the answer, so that
the client's own waiting is left out. Volley idles as configured by default, which is asleep between
queries; "spin" is beside it.
"""

import shlex
import time

from . import huge_pages, zones
from .afxdp_case import CLIENT_CPU, CPUS, QUESTIONS, SERVER_CPU, TESTPMD_MBUFS
from .measure import comparison, interleave, summary
from .probe import Probe, percentile
from .sandbox import Sandbox, VethPair
from .servers import Knot
from .volley import Volley, page_flags

NAMES = 100_000
RATE = 20_000
SECONDS = 10
WARM_UP_SECONDS = 1

# The figures of a run; the second is what the case is judged by, and the first, too.
PERCENTILES = {"p50": 50, "p99.9": 99.9}


class LatencyCase:
    name = "latency"
    summary = f"AF_XDP on a veth pair, {RATE:,} queries a second; against Knot DNS in XDP mode"

    def run(self, options):
        names = options.names or NAMES
        seconds = options.seconds or SECONDS
        with Sandbox() as sandbox:
            workload = zones.make_hosts(options.directory, options.seed, names, QUESTIONS)
            question_list = sandbox.directory / "questions.txt"
            zones.write_question_list(question_list, workload.questions)
            if options.huge_pages:
                huge_pages.reserve(sandbox, huge_pages.need_mib(TESTPMD_MBUFS, names))
            runs = Runs(options, workload, question_list, seconds)
            interleave(self.name, options.pairs, {
                "volley": lambda: runs.run("volley", runs.start_volley("sleep")),
                "reference": lambda: runs.run("reference", runs.start_knot),
                "spin": lambda: runs.run("spin", runs.start_volley("spin"))})
        p50, high = (runs.rounds(percent) for percent in PERCENTILES)
        result = summary(
            self.name, "µs, p99.9", Knot.NAME, high, digits=1,
            parts={"p50": {"unit": "µs, p50", **comparison(p50, 1)},
                   "spin p50": {"unit": "µs, p50", **comparison(spin_rounds(p50), 1)},
                   "spin p99.9": {"unit": "µs, p99.9", **comparison(spin_rounds(high), 1)}},
            lost=runs.lost, late_max_us=runs.late_max_us, names=names, questions=QUESTIONS,
            rate=RATE, seconds=seconds, server_cpu=SERVER_CPU, client_cpu=CLIENT_CPU,
            command=runs.commands)
        # neither may be above Knot's
        result["met"] &= result["parts"]["p50"]["ratio"] <= 1
        result["failed"] = runs.lost["volley"] + runs.lost["spin"] > 0
        return result


def spin_rounds(rounds):
    return [{"volley": values["spin"], "reference": values["reference"]} for values in rounds]


class Runs:
    def __init__(self, options, workload, question_list, seconds):
        self.options = options
        self.workload = workload
        self.question_list = question_list
        self.seconds = seconds
        self.figures = {"volley": [], "reference": [], "spin": []}
        self.lost = dict.fromkeys(self.figures, 0)
        self.late_max_us = 0
        self.commands = {}

    def start_volley(self, idle):
        def start(sandbox, pair):
            return Volley(sandbox, self.options.build_dir, [f"af_xdp:{pair.SERVER_INTERFACE}"],
                          self.workload.zones, CPUS, ["--idle", idle, *page_flags(self.options)],
                          pair.server.enter)
        return start

    def start_knot(self, sandbox, pair):
        return Knot(sandbox, pair, self.workload.zones, SERVER_CPU)

    def run(self, side, start):
        """The highest percentile in µs; keeps all."""
        with Sandbox() as sandbox:
            pair = VethPair(sandbox)
            server = start(sandbox, pair)
            start_ns = time.time_ns() + WARM_UP_SECONDS * 10**9
            probe = Probe(sandbox, self.options.build_dir, pair, self.question_list, RATE,
                          WARM_UP_SECONDS + self.seconds, CLIENT_CPU)
            told = probe.wait_end(self.seconds + 60)
            latencies, lost = probe.latencies_us(start_ns)
            server.stop()
        self.lost[side] += lost
        self.late_max_us = max(self.late_max_us, told["late_max_us"])
        self.commands[side] = shlex.join(server.command)
        self.commands["client"] = shlex.join(probe.command)
        self.figures[side].append({name: percentile(latencies, percent)
                                   for name, percent in PERCENTILES.items()})
        return self.figures[side][-1]["p99.9"]

    def rounds(self, name):
        return [{side: run[name] for side, run in zip(self.figures, runs)}
                for runs in zip(*self.figures.values())]


CASES = [LatencyCase()]
