# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases on the pcap port: one lcore, queries from memory, answers dropped; against testpmd 5tswap.

Rates are per second of the lcore's CPU time, on both sides. On an idle machine that is the same as
per second; on a shared one it leaves out the time in which somebody else had the core.

All sides of a round are started, then run in short turns on the lcore's CPU while the others are
stopped: neighbours of a virtual machine make it half as fast for seconds or minutes, which each side
then meets alike. Only where that takes too much memory, each side runs by itself.

Without huge pages testpmd spreads its mbufs, one to a page, and Volley does not: "packed_reference"
is testpmd with its mbufs packed too.
"""

import argparse
import contextlib
import dataclasses
import pathlib
import shlex
import statistics
import typing

from . import huge_pages, packets, signed_zones, testpmd, zones
from .answers import check_answers
from .measure import median_ratio, progress, repeat, summary
from .sandbox import Process, Sandbox
from .volley import WARM_UP_SECONDS, Volley, page_flags

# Of main threads, which sleep or wait, and of the lcore.
CPUS = (0, 1)
# DPDK's pcap driver copies each packet from a ring that holds the whole file: the pool must have as
# many mbufs, and those in flight.
SPARE_MBUFS = 16384

# That are loaded at once when they take turns, each with mbufs of its own.
SIDE_CNT = 3

# Of one turn, and before it what fills caches again. A count and its CPU time are of one moment
# within a hundredth of a turn, mostly.
TURN_SECONDS = 0.5
TURN_WARM_UP_SECONDS = 0.05

# With more of them, packets and their copies take gigabytes of each side, which a host may take from
# a virtual machine while they are not used: the sides then run one after the other.
TURNS_QUESTIONS_MAX = 1 << 17


def takes_turns(question_cnt):
    return question_cnt <= TURNS_QUESTIONS_MAX


@dataclasses.dataclass
class PcapCase:
    name: str
    summary: str
    make: typing.Callable   # one of zones.make_*
    names: int
    questions: int = 65536
    seconds: int = 5
    ip_version: int = 4
    vlan: int | None = None
    is_kept: bool = False   # the zone, from one run to the next

    def run(self, options):
        names = options.names or self.names
        with Sandbox() as sandbox:
            progress(f"{self.name}: writing zones of {names} names and {self.questions} questions")
            directory = options.zone_cache if self.is_kept else options.directory
            workload = self.make(directory, options.seed, names, self.questions)
            pcap = sandbox.directory / "queries.pcap"
            packets.write_queries(pcap, workload.questions, options.seed, self.ip_version,
                                  self.vlan, wants_dnssec=workload.wants_dnssec)
            if options.huge_pages:
                side_cnt = SIDE_CNT if takes_turns(self.questions) else 1
                mbufs = side_cnt * (self.questions + SPARE_MBUFS)
                huge_pages.reserve(sandbox, huge_pages.need_mib(mbufs, names))
            progress(f"{self.name}: checking the answers")
            check_answers(workload, options, self.ip_version, self.vlan, CPUS)

            seconds = options.seconds or self.seconds
            state_dir = sandbox.directory / "state"
            state_dir.mkdir()
            runs = Runs(options, seconds, workload, pcap, state_dir)
            rounds = repeat(self.name, options.pairs, runs.round)
            packed_rate = statistics.median(rates["packed_reference"] for rates in rounds)
            return summary(self.name, "answers/s/lcore", testpmd.NAME, rounds,
                           packed_reference=round(packed_rate),
                           packed_ratio=median_ratio(rounds, "packed_reference"), names=names,
                           questions=self.questions, seconds=seconds, burst=runs.burst,
                           command=runs.commands)


@dataclasses.dataclass
class Side:
    """A program that is loaded, and stopped between its turns."""

    process: Process
    measure: typing.Callable   # (seconds, warm_up): a rate
    stop: typing.Callable
    rates: list = dataclasses.field(default_factory=list)

    def take_turn(self, seconds):
        self.process.resume()
        self.rates.append(self.measure(seconds, TURN_WARM_UP_SECONDS))
        self.process.pause()


def run_in_turns(starts, seconds):
    """The rates of sides that are loaded at once, over all of their turns; start(sandbox) makes a Side."""
    with contextlib.ExitStack() as stack:
        sides = {name: start(stack.enter_context(Sandbox())) for name, start in starts.items()}
        for _ in range(max(1, round(seconds / TURN_SECONDS))):
            for side in sides.values():
                side.take_turn(min(seconds, TURN_SECONDS))
        for side in sides.values():
            side.process.resume()
            side.stop()
        return {name: statistics.mean(side.rates) for name, side in sides.items()}


@dataclasses.dataclass
class Runs:
    """The sides of a case."""

    options: argparse.Namespace
    seconds: int
    workload: zones.Workload
    pcap: pathlib.Path
    state_dir: pathlib.Path    # of all rounds, so that only the first one parses zones
    burst: int = 0
    commands: dict = dataclasses.field(default_factory=dict)

    def round(self):
        """Every side's rate."""
        sides = {"volley": self.start_volley,
                 "reference": self.start_testpmd,
                 "packed_reference": self.start_packed_testpmd}
        if takes_turns(len(self.workload.questions)):
            return run_in_turns(sides, self.seconds)
        rates = {}
        for name, start in sides.items():
            rates |= run_in_turns({name: start}, self.seconds)
        return rates

    def start_volley(self, sandbox):
        volley = Volley(sandbox, self.options.build_dir, [f"pcap:{self.pcap},loop"],
                        self.workload.zones, CPUS,
                        ["--idle", "spin", *page_flags(self.options)],
                        state_dir=self.state_dir)
        self.commands["volley"] = shlex.join(volley.command)

        def measure(seconds, warm_up):
            rate, packets_per_burst = volley.measure(seconds, self.workload.expect, warm_up)
            self.burst = round(packets_per_burst)
            return rate

        measure(TURN_SECONDS, WARM_UP_SECONDS)
        volley.dataplane.pause()
        return Side(volley.dataplane, measure, volley.stop)

    def start_packed_testpmd(self, sandbox):
        return self.start_testpmd(sandbox, "packed_reference", testpmd.PACKED)

    def start_testpmd(self, sandbox, name="reference", more_flags=()):
        """With the burst that Volley has."""
        reference = testpmd.Testpmd(sandbox, f"net_pcap0,rx_pcap={self.pcap},infinite_rx=1",
                                    len(self.workload.questions) + SPARE_MBUFS, self.burst, CPUS,
                                    more_flags, huge_pages=self.options.huge_pages)
        self.commands[name] = shlex.join(reference.command)
        reference.measure(TURN_SECONDS, WARM_UP_SECONDS)
        reference.process.pause()
        return Side(reference.process, reference.measure, reference.stop)


FASTPATH_NOTE = "one lcore, pcap port, against testpmd 5tswap"

CASES = [
    PcapCase("fastpath", f"A queries, a zone of 100,000 names; {FASTPATH_NOTE}",
             zones.make_hosts, 100_000),
    PcapCase("fastpath-10m", f"2^20 A queries, a zone of 10 million names; {FASTPATH_NOTE}",
             zones.make_hosts, 10_000_000, 1 << 20),
    PcapCase("ipv6-vlan", f"fastpath over IPv6 with a VLAN tag; {FASTPATH_NOTE}",
             zones.make_hosts, 100_000, ip_version=6, vlan=53),
    PcapCase("nxdomain", f"random labels below a zone of a million names; {FASTPATH_NOTE}",
             zones.make_nxdomain, 1_000_000),
    PcapCase("referral", f"names below a million delegations with glue; {FASTPATH_NOTE}",
             zones.make_referral, 1_000_000),
    PcapCase("wildcard", f"names below a million wildcards; {FASTPATH_NOTE}",
             zones.make_wildcard, 1_000_000),
    PcapCase("cname", f"a million aliases of hosts in the zone; {FASTPATH_NOTE}",
             zones.make_cname, 1_000_000),
    PcapCase("many-zones", f"a million zones of eight records; {FASTPATH_NOTE}",
             zones.make_many_zones, 1_000_000),
    PcapCase("mixed-root", f"the root zone, types, case and NXDOMAIN mixed; {FASTPATH_NOTE}",
             zones.make_mixed_root, 0),
    *(PcapCase(f"signed-{name}", f"{what}, signed with ECDSA P-256, DO=1; {FASTPATH_NOTE}", make,
               signed_zones.NAMES, is_kept=True)
      for name, what, make, _ in signed_zones.KINDS),
]
