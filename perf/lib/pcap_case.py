# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases on the pcap port: one lcore, queries from memory, answers dropped; against testpmd 5tswap.

Rates are per second of the lcore's CPU time, on both sides. On an idle machine that is the same as
per second; on a shared one it leaves out the time in which somebody else had the core.

Without huge pages testpmd spreads its mbufs, one to a page, and Volley does not: "packed_reference"
is testpmd with its mbufs packed too.
"""

import argparse
import dataclasses
import pathlib
import shlex
import statistics
import typing

from . import huge_pages, packets, testpmd, zones
from .answers import check_answers
from .measure import interleave, median_ratio, progress, summary
from .sandbox import Sandbox
from .volley import Volley, page_flags

# Of main threads, which sleep or wait, and of the lcore.
CPUS = (0, 1)
# DPDK's pcap driver copies each packet from a ring that holds the whole file: the pool must have as
# many mbufs, and those in flight.
SPARE_MBUFS = 16384


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

    def run(self, options):
        names = options.names or self.names
        with Sandbox() as sandbox:
            progress(f"{self.name}: writing zones of {names} names and {self.questions} questions")
            workload = self.make(options.directory, options.seed, names, self.questions)
            pcap = sandbox.directory / "queries.pcap"
            packets.write_queries(pcap, workload.questions, options.seed, self.ip_version,
                                  self.vlan)
            if options.huge_pages:
                huge_pages.reserve(sandbox, huge_pages.need_mib(self.questions + SPARE_MBUFS,
                                                                names))
            progress(f"{self.name}: checking the answers")
            check_answers(workload, options, self.ip_version, self.vlan, CPUS)

            seconds = options.seconds or self.seconds
            runs = Runs(options, seconds, workload, pcap)
            rounds = interleave(self.name, options.pairs, {
                "volley": runs.volley,
                "reference": runs.testpmd,
                "packed_reference": lambda: runs.testpmd("packed_reference", testpmd.PACKED)})
            packed_rate = statistics.median(rates["packed_reference"] for rates in rounds)
            return summary(self.name, "answers/s/lcore", testpmd.NAME, rounds,
                           packed_reference=round(packed_rate),
                           packed_ratio=median_ratio(rounds, "packed_reference"), names=names,
                           questions=self.questions, seconds=seconds, burst=runs.burst,
                           command=runs.commands)


@dataclasses.dataclass
class Runs:
    """The two sides of a case: each call is one run."""

    options: argparse.Namespace
    seconds: int
    workload: zones.Workload
    pcap: pathlib.Path
    burst: int = 0
    commands: dict = dataclasses.field(default_factory=dict)

    def volley(self):
        with Sandbox() as sandbox:
            volley = Volley(sandbox, self.options.build_dir, [f"pcap:{self.pcap},loop"],
                            self.workload.zones, CPUS,
                            ["--idle", "spin", *page_flags(self.options)])
            rate, packets_per_burst = volley.measure(self.seconds, self.workload.expect)
            volley.stop()
            self.burst = round(packets_per_burst)
            self.commands["volley"] = shlex.join(volley.command)
            return rate

    def testpmd(self, side="reference", more_flags=()):
        """With the burst that Volley had in the run before."""
        with Sandbox() as sandbox:
            reference = testpmd.Testpmd(sandbox, f"net_pcap0,rx_pcap={self.pcap},infinite_rx=1",
                                        len(self.workload.questions) + SPARE_MBUFS, self.burst,
                                        CPUS, more_flags, huge_pages=self.options.huge_pages)
            rate = reference.measure(self.seconds)
            reference.stop()
            self.commands[side] = shlex.join(reference.command)
            return rate


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
]
