# SPDX-License-Identifier: GPL-3.0-or-later
"""A large zone is replaced while Volley is under load: are answers lost, or late?

The load is kxdpgun's, at a share of what Volley answered over this veth pair just before, in the
slowest of a few slices: a shared host is not always equally fast, and what only its best moments
allow would be overload in others. Beside it the probe measures latency. A query without answer
counts, whoever asked it.
The lcore has a CPU of its own, as where those are set apart: whatever else may move shares the
client's. There control has the weight that its systemd unit gives it, and at most a share of the
CPU, as CPUQuota= would give it: a hypervisor may grant less than all CPUs can use, and once that is
used up it lets them stand still, the lcore's, too, until its next period begins.
When kxdpgun had to wait, it makes up for that faster than it was told to: what then waits in the
lcore's backlog is told, and what finds its ring full and is lost, with a reload or without. So are
the shares of time for which others kept the lcore from its CPU, and for which a hypervisor says
that it kept a CPU from us. It may also run both CPUs on one core (placement.py): the lcore then
answers half as much while the client's is busy, which is less than the load. So the halves of the
time before are compared, too: what differs there is no reload's.
"""

import dataclasses
import os
import pathlib
import shlex
import signal
import time

from . import apart, clients, huge_pages, zones
from .afxdp_case import CLIENT_CPU, CPUS, TESTPMD_MBUFS
from .measure import comparison, progress, summary
from .memory import settle
from .probe import SECONDS_MAX, Probe, percentile
from .sandbox import PerfError, Sandbox, VethPair
from .volley import Volley, page_flags
from .zone_case import NAMES

QUESTIONS = 65536
LOAD_SHARE = 0.7
CAPACITY_SLICES = 10
CAPACITY_SECONDS = 2

# The kernel lets go of a socket's queue some time after its process has ended.
PAUSE_SECONDS = 1

# A guest reports memory that became free to its hypervisor within seconds, which may stop its CPUs.
REPORTING_SECONDS = 5

# Not so short that a shared host does not disturb it, as it will disturb the longer reload.
BEFORE_SECONDS = 60

# Of the client's CPU, which the load keeps busy, 5,000 a second took a sixth.
PROBE_RATE = 1_000
WARM_UP_SECONDS = 1

# Of the client's CPU, in each period.
CONTROL_SHARE = 0.2
PERIOD_US = 10_000

# Of each round, beside latencies. What is lost but neither before nor during the reload found the
# ring full in the seconds around, or was lost on the way.
TOLD = ("capacity", "load", "asked", "lost", "lost_before", "lost_during", "waited_before",
        "waited_during", "reload_seconds", "lcore_waited_shares", "stolen_shares")


class ReloadCase:
    name = "reload"
    summary = "reload of a changed zone of 10 million names at 70 % of capacity: p99.9 and losses"

    def run(self, options):
        names = options.names or NAMES
        with Sandbox() as sandbox:
            if options.huge_pages:
                huge_pages.reserve(sandbox, huge_pages.need_mib(TESTPMD_MBUFS, names))
            progress(f"{self.name}: writing two zones of {names} names")
            reloads = Reloads(options, sandbox, names)
            rounds = []
            for idx in range(options.pairs):
                rounds.append(reloads.run())
                progress(f"{self.name}: {idx + 1}/{options.pairs}: {rounds[-1]}")
        result = summary(self.name, "µs, p99.9", "Volley, before the reload", pairs_of(rounds, 99.9),
                         1, parts=parts_of(rounds),
                         lost_per_s={"before": lost_per_s(rounds, "lost_before", "before_seconds"),
                                     "during": lost_per_s(rounds, "lost_during", "reload_seconds")},
                         **{name: [values[name] for values in rounds] for name in TOLD},
                         probe_rate=PROBE_RATE, control_share=CONTROL_SHARE, names=names,
                         seconds=reloads.seconds, command=reloads.commands)
        # what found the ring full before the reload was not lost by it
        result["failed"] = sum(result["lost"]) > sum(result["lost_before"])
        result["met"] &= not result["failed"]
        return result


def pairs_of(rounds, percent, span="during", reference="before"):
    return [{"volley": values[span][percent], "reference": values[reference][percent]}
            for values in rounds]


def parts_of(rounds):
    """Beside the median also what the same minutes do to p99.9 when nothing is reloaded."""
    quiet = pairs_of(rounds, 99.9, "second_half", "first_half")
    return {"p50": {"unit": "µs, p50", **comparison(pairs_of(rounds, 50), 1)},
            "no reload, second half of before against its first": {
                "unit": "µs, p99.9", **comparison(quiet, 1)}}


def lost_per_s(rounds, lost, seconds):
    return round(sum(values[lost] for values in rounds) / sum(values[seconds] for values in rounds))


@dataclasses.dataclass
class State:
    """Counters at a moment, or how far they went between two."""

    missed: int  # packets that found the lcore's ring full
    waited: int  # packets that waited in its backlog
    waited_s: float  # that others kept the lcore from its CPU
    stolen_s: float  # that a hypervisor kept from a CPU, as far as it tells
    unix_ns: int

    def until(self, later):
        return State(later.missed - self.missed, later.waited - self.waited,
                     later.waited_s - self.waited_s, later.stolen_s - self.stolen_s,
                     later.unix_ns - self.unix_ns)

    @property
    def seconds(self):
        return self.unix_ns / 1e9


class Reloads:
    """Volley with a zone of which there are two versions."""

    def __init__(self, options, sandbox, names):
        self.options = options
        self.seconds = options.seconds or BEFORE_SECONDS
        workload = zones.make_hosts(options.directory, options.seed, names, QUESTIONS)
        self.versions = [zones.host_file(options.directory, options.seed, names, serial)
                         for serial in (2, 1)]
        self.zone_file = sandbox.directory / "live.zone"
        self.replace_file(workload.zones[0][1])
        self.lists = [sandbox.directory / name for name in ("probe.txt", "kxdpgun.txt")]
        zones.write_question_list(self.lists[0], workload.questions)
        zones.write_question_list(self.lists[1], workload.questions, with_edns=True)
        self.pair = VethPair(sandbox)
        group = make_cpu_group(sandbox, CONTROL_SHARE)
        self.volley = Volley(sandbox, options.build_dir, [f"af_xdp:{self.pair.SERVER_INTERFACE}"],
                             [(zones.ORIGIN, self.zone_file)], CPUS,
                             ["--idle", "spin", *page_flags(options)], self.pair.server.enter)
        apart.lower(self.volley.control.popen.pid)
        (group / "cgroup.procs").write_text(str(self.volley.control.popen.pid))
        apart.set_apart(sandbox, CLIENT_CPU)
        settle(self.volley.processes)
        self.commands = {"volley": shlex.join(self.volley.command)}

    def replace_file(self, version):
        """As an operator would: the name stands for the old file or for the whole new one."""
        new = self.zone_file.with_suffix(".new")
        new.symlink_to(version)
        new.replace(self.zone_file)

    def run(self):
        """Load before and during a reload."""
        # files that were written for it, or by the reload before
        os.sync()
        with Sandbox() as sandbox:
            capacity = min(self.slice_capacity(sandbox) for _ in range(CAPACITY_SLICES))
            load = round(capacity * LOAD_SHARE)
            time.sleep(REPORTING_SECONDS)
            gun = clients.start_kxdpgun(sandbox, self.pair, self.lists[1], SECONDS_MAX, CLIENT_CPU,
                                        load - PROBE_RATE, apart.FIRST_ON_CPU)
            time.sleep(WARM_UP_SECONDS)
            probe = Probe(sandbox, self.options.build_dir, self.pair, self.lists[0], PROBE_RATE,
                          SECONDS_MAX, CLIENT_CPU)
            time.sleep(WARM_UP_SECONDS)
            start = self.state()
            time.sleep(self.seconds / 2)
            middle = self.state()
            time.sleep(self.seconds / 2)
            began = self.state()
            self.reload()
            done = self.state()
            time.sleep(WARM_UP_SECONDS)
            told = probe.end()
            queries, replies, _ = clients.read_kxdpgun(gun.end(signal.SIGINT, 60))
            spans = {"before": (start, began), "during": (began, done),
                     "first_half": (start, middle), "second_half": (middle, began)}
            latencies = {name: percentiles(probe.latencies_us(begin.unix_ns, end.unix_ns)[0])
                         for name, (begin, end) in spans.items()}
            self.commands["client"] = f"{shlex.join(gun.command)} & {shlex.join(probe.command)}"
        self.check_live()
        settle(self.volley.processes)
        before, during = start.until(began), began.until(done)
        return {**latencies, "capacity": capacity, "load": load, "asked": queries + told["sent"],
                "lost": queries - replies + told["sent"] - told["answered"],
                "lost_before": before.missed, "lost_during": during.missed,
                "waited_before": before.waited, "waited_during": during.waited,
                "before_seconds": round(before.seconds, 2),
                "reload_seconds": round(during.seconds, 2),
                "lcore_waited_shares": [round(span.waited_s / span.seconds, 4)
                                        for span in (before, during)],
                "stolen_shares": [round(span.stolen_s / os.cpu_count() / span.seconds, 4)
                                  for span in (before, during)]}

    def slice_capacity(self, sandbox):
        time.sleep(PAUSE_SECONDS)
        return clients.kxdpgun(sandbox, self.pair, self.lists[1], CAPACITY_SECONDS, CLIENT_CPU)[0]

    def reload(self):
        """To the other version of the zone."""
        self.versions.reverse()
        self.replace_file(self.versions[1])
        self.volley.ask_control("reload")

    def state(self):
        stats = self.volley.stats()
        return State(sum(port["rx_missed"] for port in stats["ports"]),
                     stats["totals"]["rx_waited"], self.volley.dataplane.lcore_seconds(1)[0],
                     stolen_seconds(), time.time_ns())

    def check_live(self):
        serial = int(self.zone_file.resolve().stem.rpartition("-")[2])
        if f'"serial": {serial}' not in self.volley.ask_control("zones"):
            raise PerfError(f"serial {serial} is not live after the reload:\n"
                            + self.volley.ask_control("zones"))


def stolen_seconds():
    """Of all CPUs together."""
    return (int(pathlib.Path("/proc/stat").read_text().split(maxsplit=9)[8])
            / os.sysconf("SC_CLK_TCK"))


def make_cpu_group(sandbox, share):
    """A group of processes that together get this share of a CPU. The sandbox removes it, once
    those are gone that were started later."""
    quota_us = round(PERIOD_US * share)
    root = pathlib.Path("/sys/fs/cgroup/cpu")
    files = {"cpu.cfs_period_us": PERIOD_US, "cpu.cfs_quota_us": quota_us}
    if not root.is_dir():
        root = root.parent
        (root / "cgroup.subtree_control").write_text("+cpu")
        files = {"cpu.max": f"{quota_us} {PERIOD_US}"}
    group = root / sandbox.directory.name
    group.mkdir()
    sandbox.callback(group.rmdir)
    for name, value in files.items():
        (group / name).write_text(str(value))
    return group


def percentiles(latencies):
    return {percent: percentile(latencies, percent) for percent in (50, 99.9)}


CASES = [ReloadCase()]
