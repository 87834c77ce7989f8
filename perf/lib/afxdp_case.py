# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases on an AF_XDP port: a veth pair between two namespaces, the server's lcore or its only
worker on one core, the client on the other.

How far Volley is ahead of another server is bounded by the client, the kernel and the driver:
"testpmd" in such a result is what testpmd 5tswap, which only swaps addresses and ports, reaches in
Volley's place, against that server in the same round. What was measured while the CPUs were not as
on a machine of one's own is measured again (placement.py)."""

import argparse
import collections
import dataclasses
import functools
import pathlib
import shlex
import statistics
import typing

from . import clients, huge_pages, signed_zones, testpmd, zones
from .measure import comparison, interleave, summary
from .placement import Placement
from .sandbox import PerfError, Sandbox, VethPair
from .servers import Knot, Nsd
from .testpmd import Testpmd
from .volley import Volley, page_flags

CLIENT_CPU = 0
SERVER_CPU = 1
# The main threads of Volley and testpmd sleep on the client's core.
CPUS = (CLIENT_CPU, SERVER_CPU)

NAMES = 100_000
QUESTIONS = 65536

# As Volley has its port. Busy polling, rings of 512 and bursts of 64 made no difference to testpmd
# beyond the noise: kxdpgun's core is the busier one.
TESTPMD_MBUFS = 16384
TESTPMD_BURST = 32
TESTPMD_PORT = "busy_budget=0"
TESTPMD_RINGS = ("--rxd=2048", "--txd=2048")

# The side that does no more than the port asks for.
LIMIT = "testpmd"


@dataclasses.dataclass
class Bench:
    """What the sides of one case share."""

    options: argparse.Namespace
    seconds: int
    workload: zones.Workload
    question_list: pathlib.Path
    load: typing.Callable      # one of clients.*
    placement: typing.Optional[Placement]   # None: runs count wherever the CPUs were
    told: dict = dataclasses.field(default_factory=lambda: collections.defaultdict(list))
    commands: dict = dataclasses.field(default_factory=dict)

    def run_server(self, start, side):
        """The answered rate of what start(bench, sandbox, pair) starts on a new veth pair."""
        with Sandbox() as sandbox:
            pair = VethPair(sandbox)
            server = start(self, sandbox, pair)
            # testpmd sends queries back, which have the RCODE of a NOERROR
            load = clients.kxdpgun if side == LIMIT else self.load
            load = functools.partial(load, sandbox, pair, self.question_list, self.seconds,
                                     CLIENT_CPU)
            rate, told = self.placement.measure(load) if self.placement else load()
            if isinstance(server, Volley):
                check_lcore_answered(server, self.workload.expect)
            self.told[side].append(told)
            self.commands[side] = shlex.join(server.command)
            server.stop()
            return rate

    def outcome(self):
        """What the load told of its runs, by side: the median of questions a second, or the sum of
        queries lost. Of those Volley may have none. And what was repeated, if anything may be."""
        told = {f"{side}_{name}": round(total(run[name] for run in runs))
                for name, total in (("asked", statistics.median), ("lost", sum))
                for side, runs in self.told.items() if all(name in run for run in runs)}
        if self.placement:
            told |= self.placement.tell()
        return told | {"failed": told["volley_lost"] > 0} if "volley_lost" in told else told


def start_volley(bench, sandbox, pair):
    return Volley(sandbox, bench.options.build_dir, [f"af_xdp:{pair.SERVER_INTERFACE}"],
                  bench.workload.zones, CPUS, ["--idle", "spin", *page_flags(bench.options)],
                  pair.server.enter)


def start_testpmd(bench, sandbox, pair):
    return Testpmd(sandbox, f"net_af_xdp0,iface={pair.SERVER_INTERFACE},{TESTPMD_PORT}",
                   TESTPMD_MBUFS, TESTPMD_BURST, CPUS, TESTPMD_RINGS, pair.server.enter,
                   bench.options.huge_pages)


def start_knot(bench, sandbox, pair):
    return Knot(sandbox, pair, bench.workload.zones, SERVER_CPU)


def start_nsd(bench, sandbox, pair):
    return Nsd(sandbox, pair, bench.workload.zones, SERVER_CPU)


def check_lcore_answered(volley, expect):
    """The kernel had no part in it: the lcore sent answers, and `expect` counted each."""
    totals = volley.totals()
    if totals["tx_packets"] == 0 or totals[expect] != totals["tx_packets"]:
        wrong = {name: value for name, value in totals.items() if value}
        raise PerfError(f"the lcore did not answer everything as expected ({expect}): {wrong}")


def limit_part(rounds):
    """About how Volley would compare with the reference if it cost nothing."""
    if LIMIT not in rounds[0]:
        return {}
    limits = [values | {"volley": values[LIMIT]} for values in rounds]
    return {"parts": {f"{testpmd.NAME} in Volley's place": {"unit": "answers/s",
                                                            **comparison(limits)}}}


@dataclasses.dataclass
class AfxdpCase:
    name: str
    summary: str
    start_reference: typing.Callable
    reference_name: str
    load: typing.Callable
    with_edns: bool            # whether the list of questions says so, as kxdpgun wants it
    seconds: int = 5
    with_limit: bool = False   # whether testpmd has a turn, too
    each_counts: bool = False  # wherever the CPUs were: what was lost was lost
    make: typing.Callable = zones.make_hosts
    names: int = NAMES
    is_kept: bool = False      # the zone, from one run to the next

    def run(self, options):
        with Sandbox() as sandbox:
            names = options.names or self.names
            directory = options.zone_cache if self.is_kept else options.directory
            workload = self.make(directory, options.seed, names, QUESTIONS)
            if options.huge_pages:
                huge_pages.reserve(sandbox, huge_pages.need_mib(TESTPMD_MBUFS, names))
            question_list = sandbox.directory / "questions.txt"
            zones.write_question_list(question_list, workload.questions, self.with_edns,
                                      workload.wants_dnssec)
            seconds = options.seconds or self.seconds
            bench = Bench(options, seconds, workload, question_list, self.load,
                          None if self.each_counts else Placement(options.build_dir, CPUS))
            sides = {"volley": start_volley, "reference": self.start_reference}
            if self.with_limit:
                sides[LIMIT] = start_testpmd
            rounds = interleave(self.name, options.pairs,
                                {side: functools.partial(bench.run_server, start, side)
                                 for side, start in sides.items()})
            return summary(self.name, "answers/s", self.reference_name, rounds, names=names,
                           questions=QUESTIONS, seconds=seconds, server_cpu=SERVER_CPU,
                           client_cpu=CLIENT_CPU, command=bench.commands, **limit_part(rounds),
                           **bench.outcome())


CASES = [
    AfxdpCase("afxdp-knot", "AF_XDP on a veth pair, kxdpgun; against Knot DNS in XDP mode",
              start_knot, Knot.NAME, clients.kxdpgun, with_edns=True, with_limit=True),
    AfxdpCase("afxdp-nsd", "AF_XDP on a veth pair, kxdpgun; against NSD",
              start_nsd, Nsd.NAME, clients.kxdpgun, with_edns=True),
    AfxdpCase("afxdp-limit", "AF_XDP on a veth pair, kxdpgun; against testpmd 5tswap there",
              start_testpmd, testpmd.NAME, clients.kxdpgun, with_edns=True),
    AfxdpCase("dnsperf", "AF_XDP on a veth pair, dnsperf, nothing lost; against NSD",
              start_nsd, Nsd.NAME, clients.dnsperf, with_edns=False, seconds=30,
              each_counts=True),
    *(AfxdpCase(f"signed-{name}-knot", f"{what}, signed with ECDSA P-256, DO=1; on a veth pair,"
                " kxdpgun, against Knot DNS in XDP mode", start_knot, Knot.NAME,
                functools.partial(clients.kxdpgun, rcode=rcode), with_edns=True, with_limit=True,
                make=make, names=signed_zones.NAMES, is_kept=True)
      for name, what, make, rcode in signed_zones.KINDS),
]
