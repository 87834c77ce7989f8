# SPDX-License-Identifier: GPL-3.0-or-later
"""A large zone is replaced while Volley is under load: are answers lost, or late?

The load is kxdpgun's, at a share of what Volley answered at most over this veth pair; beside it the
probe measures latency. A query without answer counts, whoever asked it.
The lcore has a CPU of its own. Control and the dataplane's main thread share the client's, where
the client comes first, or its own waiting would be taken for losses; control has the weight that
its systemd unit gives it. A round in which somebody else had the lcore's CPU is not counted.
"""

import os
import pathlib
import shlex
import signal
import time

from . import clients, zones
from .afxdp_case import CLIENT_CPU, CPUS
from .measure import comparison, progress, summary
from .memory import settle
from .probe import FIRST, SECONDS_MAX, Probe, percentile
from .sandbox import PerfError, Sandbox, VethPair
from .volley import Volley, page_flags
from .zone_case import NAMES

QUESTIONS = 65536
LOAD_SHARE = 0.7
CAPACITY_SECONDS = 5
PROBE_RATE = 5_000
BEFORE_SECONDS = 5
WARM_UP_SECONDS = 1

# About what CPUWeight=20 is, in the kernel's nice values: 215 beside 1024.
NICE = 7

# Of a round, that the lcore may wait for its CPU: as much as the kernel's own threads take. Rounds
# with more are repeated, up to so many for each that counts.
WAITED_SHARE_MAX = 0.002
TRIALS_MAX = 5


class ReloadCase:
    name = "reload"
    summary = "reload of a changed zone of 10 million names at 70 % of capacity: p99.9 and losses"

    def run(self, options):
        names = options.names or NAMES
        with Sandbox() as sandbox:
            progress(f"{self.name}: writing two zones of {names} names")
            reloads = Reloads(options, sandbox, names)
            rounds = reloads.run_all(self.name)
        lost, lost_before = (sum(values[name] for values in rounds)
                             for name in ("lost", "lost_before"))
        high, middle = ([{"volley": values["during"][percent],
                          "reference": values["before"][percent]} for values in rounds]
                        for percent in (99.9, 50))
        result = summary(self.name, "µs, p99.9", "Volley, before the reload", high, 1,
                         parts={"p50": {"unit": "µs, p50", **comparison(middle, 1)}},
                         lost=lost, lost_before=lost_before,
                         disturbed=reloads.disturbed,
                         asked=sum(values["asked"] for values in rounds),
                         **{name: [values[name] for values in rounds]
                            for name in ("reload_seconds", "lcore_waited_share")},
                         capacity=reloads.capacity, load=reloads.load, probe_rate=PROBE_RATE,
                         names=names, seconds=reloads.seconds, command=reloads.commands)
        # what found the ring full before the reload was not lost by it
        result["failed"] = lost > lost_before
        result["met"] &= not result["failed"]
        return result


class Reloads:
    """Volley with a zone of which there are two versions."""

    def __init__(self, options, sandbox, names):
        self.options = options
        self.seconds = options.seconds or BEFORE_SECONDS
        self.disturbed = 0
        workload = zones.make_hosts(options.directory, options.seed, names, QUESTIONS)
        self.versions = [zones.host_file(options.directory, options.seed, names, serial)
                         for serial in (2, 1)]
        self.zone_file = sandbox.directory / "live.zone"
        self.replace_file(workload.zones[0][1])
        self.lists = [sandbox.directory / name for name in ("probe.txt", "kxdpgun.txt")]
        zones.write_question_list(self.lists[0], workload.questions)
        zones.write_question_list(self.lists[1], workload.questions, with_edns=True)
        self.pair = VethPair(sandbox)
        self.volley = Volley(sandbox, options.build_dir, [f"af_xdp:{self.pair.SERVER_INTERFACE}"],
                             [(zones.ORIGIN, self.zone_file)], CPUS,
                             ["--idle", "spin", *page_flags(options)], self.pair.server.enter)
        lower(self.volley.control.popen.pid)
        settle(self.volley.processes)
        self.capacity, _ = clients.kxdpgun(sandbox, self.pair, self.lists[1], CAPACITY_SECONDS,
                                           CLIENT_CPU)
        self.load = round(self.capacity * LOAD_SHARE) - PROBE_RATE
        self.commands = {"volley": shlex.join(self.volley.command)}

    def replace_file(self, version):
        """As an operator would: the name stands for the old file or for the whole new one."""
        new = self.zone_file.with_suffix(".new")
        new.symlink_to(version)
        new.replace(self.zone_file)

    def run_all(self, case):
        rounds = []
        for _ in range(TRIALS_MAX * self.options.pairs):
            values = self.run()
            progress(f"{case}: {len(rounds) + 1}/{self.options.pairs}: {values}")
            if values["lcore_waited_share"] <= WAITED_SHARE_MAX:
                rounds.append(values)
            else:
                progress(f"{case}: others had the lcore's CPU: not counted")
                self.disturbed += 1
            if len(rounds) == self.options.pairs:
                return rounds
        raise PerfError(f"the machine is too busy: in {self.disturbed} rounds others had the"
                        " lcore's CPU")

    def run(self):
        """One reload, with the other version of the zone."""
        missed = [self.missed()]
        waited, begin = self.lcore_waited(), time.monotonic()
        with Sandbox() as sandbox:
            gun = clients.start_kxdpgun(sandbox, self.pair, self.lists[1], SECONDS_MAX, CLIENT_CPU,
                                        self.load, FIRST)
            time.sleep(WARM_UP_SECONDS)
            probe = Probe(sandbox, self.options.build_dir, self.pair, self.lists[0], PROBE_RATE,
                          SECONDS_MAX, CLIENT_CPU)
            time.sleep(WARM_UP_SECONDS)
            start_ns = time.time_ns()
            time.sleep(self.seconds)
            self.versions.reverse()
            self.replace_file(self.versions[1])
            missed.append(self.missed())
            reload_ns = time.time_ns()
            self.volley.ask_control("reload")
            done_ns = time.time_ns()
            time.sleep(WARM_UP_SECONDS)
            told = probe.end()
            queries, replies, _ = clients.read_kxdpgun(gun.end(signal.SIGINT, 60))
            before, _ = probe.latencies_us(start_ns, reload_ns)
            during, _ = probe.latencies_us(reload_ns, done_ns)
            self.commands["client"] = f"{shlex.join(gun.command)} & {shlex.join(probe.command)}"
            waited = (self.lcore_waited() - waited) / (time.monotonic() - begin)
        self.check_live()
        settle(self.volley.processes)
        return {"before": percentiles(before), "during": percentiles(during),
                "lost": queries - replies + told["sent"] - told["answered"],
                "lost_before": missed[1] - missed[0], "asked": queries + told["sent"],
                "reload_seconds": round((done_ns - reload_ns) / 1e9, 2),
                "lcore_waited_share": round(waited, 4)}

    def lcore_waited(self):
        """Seconds that others kept the lcore from its CPU."""
        return self.volley.dataplane.lcore_seconds(1)[0]

    def missed(self):
        """Packets that found the lcore's ring full."""
        return sum(port["rx_missed"] for port in self.volley.stats()["ports"])

    def check_live(self):
        serial = int(self.zone_file.resolve().stem.rpartition("-")[2])
        if f'"serial": {serial}' not in self.volley.ask_control("zones"):
            raise PerfError(f"serial {serial} is not live after the reload:\n"
                            + self.volley.ask_control("zones"))


def lower(pid):
    """Gives a process the share of a busy CPU that NICE says. Its session is a group of its own
    where the kernel makes one of each, so that its threads' nice values count only among them."""
    group = pathlib.Path(f"/proc/{pid}/autogroup")
    if group.exists():
        group.write_text(f"{NICE}\n")
    for thread in os.listdir(f"/proc/{pid}/task"):
        os.setpriority(os.PRIO_PROCESS, int(thread), NICE)


def percentiles(latencies):
    return {percent: percentile(latencies, percent) for percent in (50, 99.9)}


CASES = [ReloadCase()]
