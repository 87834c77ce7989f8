# SPDX-License-Identifier: GPL-3.0-or-later
"""What packets for the kernel take from queries, on a port that DPDK owns alone: answers in a second of the lcore's CPU
time, from a queue with pings and datagrams to closed ports among the queries, and from the same queue without them. The
pcap port stands for the NIC, as in pcap_case.py: both sides are loaded, and run in turns. "told" has how many packets a
second were for the kernel, and what became of them. tests/e2e/test_exception.py shows that BGP holds beside a flood.

On a port over packet sockets, which takes a tenth of these queries, a hundred thousand packets more would be a fourth of
all packets, and the case would measure the socket.
"""

import functools
import shlex

from . import packets, zones
from .measure import progress, repeat, summary
from .pcap_case import CPUS, TURN_SECONDS, Side, run_in_turns
from .sandbox import Namespace, PerfError, Sandbox
from .volley import WARM_UP_SECONDS, Volley, page_flags

NAMES = 100_000
QUESTIONS = 65536
SECONDS = 5
# Queries between two packets for the kernel: at three million a second and more, these are 100,000.
OTHER_PERIOD = 30
FLOOD_RATE_MIN = 100_000
KERNEL, ADDRESS = "volley0", "10.53.0.1"


class ExceptionCase:
    name = "exception"
    summary = "one lcore beside 100,000 packets a second and more for the kernel; against the lcore alone"

    def run(self, options):
        self.options, self.seconds = options, options.seconds or SECONDS
        self.commands, self.told = {}, []
        with Sandbox() as sandbox:
            self.workload = zones.make_hosts(options.directory, options.seed, options.names or NAMES, QUESTIONS)
            self.pcaps = {"reference": sandbox.directory / "queries.pcap", "volley": sandbox.directory / "mixed.pcap"}
            for name, pcap in self.pcaps.items():
                packets.write_queries(pcap, self.workload.questions, options.seed,
                                      other_period=OTHER_PERIOD if name == "volley" else 0)
            rounds = repeat(self.name, options.pairs, self.round)
        return summary(self.name, "answers/s/lcore", "the same queue without other packets", rounds,
                       seconds=self.seconds, told=self.told, command=self.commands)

    def round(self):
        starts = {name: functools.partial(self.start, name) for name in ("volley", "reference")}
        return run_in_turns(starts, self.seconds)

    def start(self, name, sandbox):
        namespace = Namespace(sandbox, name)
        port = f"pcap:{self.pcaps[name]},loop,kernel={KERNEL},address={ADDRESS}/24"
        volley = Volley(sandbox, self.options.build_dir, [port], self.workload.zones, CPUS,
                        [*page_flags(self.options), "--idle", "spin"], namespace.enter)
        # so that the kernel answers, whoever asks
        namespace.ip("link", "set", KERNEL, "arp", "off")
        namespace.ip("route", "add", "default", "dev", KERNEL)
        self.commands[name] = shlex.join(volley.command)

        def measure(seconds, warm_up):
            return volley.measure(seconds, self.workload.expect, warm_up)[0]

        def stop():
            if name == "volley":
                self.tell(volley)
            volley.stop()

        measure(TURN_SECONDS, WARM_UP_SECONDS)
        volley.dataplane.pause()
        return Side(volley.dataplane, measure, stop)

    def tell(self, volley):
        """Notes how many packets were for the kernel in a second of the lcore's CPU time."""
        before, (cpu_before,) = volley.dataplane.sample(volley.stats)
        volley.measure(1, self.workload.expect)
        after, (cpu_after,) = volley.dataplane.sample(volley.stats)
        told = {name: after["verdicts"][name] - before["verdicts"][name] for name in ("pass", "exception_full")}
        rate = round(sum(told.values()) / (cpu_after - cpu_before))
        told |= {"for_kernel_per_s": rate}
        told |= {name: after["ports"][0]["kernel"][name] - before["ports"][0]["kernel"][name]
                 for name in ("to_kernel", "from_kernel", "kernel_lost")}
        self.told.append(told)
        progress(f"{self.name}: {told}")
        if rate < FLOOD_RATE_MIN:
            raise PerfError(f"only {rate} packets a second were for the kernel")


CASES = [ExceptionCase()]
