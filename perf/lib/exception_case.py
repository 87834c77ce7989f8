# SPDX-License-Identifier: GPL-3.0-or-later
"""What a flood of packets for the kernel takes from queries, on a port that DPDK owns alone: answers in a second of the
lcore's CPU time, beside 100,000 pings and datagrams to closed ports a second and without them. A packet socket
stands for the NIC; what the kernel itself gets on that interface is dropped. tests/e2e/test_exception.py shows that BGP
holds meanwhile.

The flood, its answers and the client run on one CPU, the lcore has the other."""

import json
import shlex
import time

from . import clients, zones
from .afxdp_case import CLIENT_CPU, CPUS
from .measure import progress, repeat, summary
from .sandbox import Sandbox, VethPair, run_tool
from .floods_case import server_mac
from .volley import Volley, build_helper, page_flags

NAMES = 10_000
QUESTIONS = 16384
FLOOD_RATE = 100_000
SECONDS = 5
LEAD_SECONDS = 2
# More than the lcore answers over packet sockets, and less than fills the client's CPU.
QUERY_RATE = 400_000
KERNEL = "volley0"
def leave_to_dpdk(pair):
    """Nothing that comes in on the server's interface gets to its kernel."""
    interface = pair.SERVER_INTERFACE
    pair.server.ip("addr", "flush", "dev", interface)
    run_tool(*pair.server.enter, "tc", "qdisc", "add", "dev", interface, "clsact")
    run_tool(*pair.server.enter, "tc", "filter", "add", "dev", interface, "ingress", "bpf", "direct-action",
             "bytecode", "1,6 0 0 2")


class ExceptionCase:
    name = "exception"
    summary = "one lcore beside 100,000 packets a second for the kernel; against the lcore alone"

    def run(self, options):
        self.options, self.seconds = options, options.seconds or SECONDS
        self.flood, self.commands, self.told = build_helper(options.build_dir, "flood"), {}, []
        with Sandbox() as sandbox:
            workload = zones.make_hosts(options.directory, options.seed, options.names or NAMES, QUESTIONS)
            self.questions = sandbox.directory / "questions.txt"
            zones.write_question_list(self.questions, workload.questions)
            rounds = repeat(self.name, options.pairs, lambda: self.round(workload))
        return summary(self.name, "answers/s/lcore", "the same lcore without the flood", rounds,
                       flood_rate=FLOOD_RATE, seconds=self.seconds, told=self.told, command=self.commands)

    def round(self, workload):
        """Both sides with one server: without the flood, with it, without it again."""
        with Sandbox() as sandbox:
            pair = VethPair(sandbox)
            leave_to_dpdk(pair)
            port = f"af_packet:{pair.SERVER_INTERFACE},kernel={KERNEL},address={pair.SERVER_ADDRESS}/24"
            server = Volley(sandbox, self.options.build_dir, [port], workload.zones, CPUS,
                            [*page_flags(self.options), "--idle", "spin"], pair.server.enter)
            seconds = 3 * (self.seconds + LEAD_SECONDS) + LEAD_SECONDS
            client = clients.start_kxdpgun(sandbox, pair, self.questions, seconds, CLIENT_CPU, QUERY_RATE)
            time.sleep(LEAD_SECONDS)
            first = server.measure(self.seconds, None)[0]
            beside = self.measure_beside_flood(sandbox, pair, server)
            last = server.measure(self.seconds, None)[0]
            self.commands |= {"volley": shlex.join(server.command), "client": shlex.join(client.command)}
            server.stop()
        return {"volley": beside, "reference": (first + last) / 2}

    def measure_beside_flood(self, sandbox, pair, server):
        before = server.stats()
        flood = sandbox.start([
            *pair.client.enter, "taskset", "-c", CLIENT_CPU, self.flood, "--interface", pair.CLIENT_INTERFACE,
            "--server", pair.SERVER_ADDRESS, "--server-mac", server_mac(pair), "--name", "example", "--kind", "kernel",
            "--seconds", self.seconds + LEAD_SECONDS, "--rate", FLOOD_RATE])
        rate = server.measure(self.seconds, None)[0]
        self.commands["flood"] = shlex.join(flood.command)
        sent = json.loads(flood.wait_end(60))
        after = server.stats()
        told = {name: after["verdicts"][name] - before["verdicts"][name] for name in ("pass", "exception_full")}
        told |= {"flood_per_s": round(sent["sent"] / sent["seconds"])}
        told |= {name: after["ports"][0]["kernel"][name] - before["ports"][0]["kernel"][name]
                 for name in ("to_kernel", "from_kernel", "kernel_lost")}
        self.told.append(told)
        progress(f"{self.name}: {told}")
        return rate


CASES = [ExceptionCase()]
