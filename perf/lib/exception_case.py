# SPDX-License-Identifier: GPL-3.0-or-later
"""What a flood of packets for the kernel takes from queries, on a port that DPDK owns alone: answers in a second of the
lcore's CPU time, beside 100,000 pings and datagrams to closed ports a second and without them. A packet socket
stands for the NIC; what the kernel itself gets on that interface is dropped. Beside all that, BIRD has a BGP session
over the interface to the kernel, which must not break.

The flood, its answers and the client run on one CPU, the lcore has the other."""

import json
import shlex
import subprocess
import time

from . import clients, zones
from .afxdp_case import CLIENT_CPU, CPUS
from .measure import progress, repeat, summary
from .sandbox import PerfError, Sandbox, VethPair, run_tool
from .floods_case import server_mac
from .volley import Volley, build_helper, page_flags

NAMES = 10_000
QUESTIONS = 16384
FLOOD_RATE = 100_000
SECONDS = 5
LEAD_SECONDS = 2
# More than the lcore answers over packet sockets, and less than fills the client's CPU.
QUERY_RATE = 400_000
HOLD_SECONDS = 6
KERNEL = "volley0"
BIRD = """router id {ours};
protocol device {{ scan time 1; }}
protocol bgp session {{ local {ours} as {our_as}; neighbor {theirs} as {their_as};
hold time {hold}; keepalive time 2; connect retry time 1; connect delay time 1; ipv4 {{ import all; export none; }}; }}
"""


class Bird:
    """One end of a BGP session."""

    def __init__(self, sandbox, namespace, ours, theirs, our_as, their_as):
        self.socket = sandbox.directory / f"bird{our_as}.ctl"
        config = sandbox.directory / f"bird{our_as}.conf"
        config.write_text(BIRD.format(ours=ours, theirs=theirs, our_as=our_as, their_as=their_as, hold=HOLD_SECONDS),
                          encoding="ascii")
        sandbox.start([*namespace.enter, "taskset", "-c", CLIENT_CPU, "bird", "-f", "-c", config, "-s", self.socket])

    def session(self):
        """Its state and since when."""
        shown = subprocess.run(["birdc", "-s", self.socket, "show", "protocols", "session"], check=False,
                               capture_output=True, text=True)
        return shown.stdout.splitlines()[-1] if shown.stdout else ""

    def wait_until_established(self):
        deadline = time.monotonic() + 60
        while "Established" not in self.session():
            if time.monotonic() > deadline:
                raise PerfError(f"BIRD has no session: {self.session()}")
            time.sleep(0.1)


def leave_to_dpdk(pair):
    """Nothing that comes in on the server's interface gets to its kernel."""
    interface = pair.SERVER_INTERFACE
    pair.server.ip("addr", "flush", "dev", interface)
    run_tool(*pair.server.enter, "tc", "qdisc", "add", "dev", interface, "clsact")
    run_tool(*pair.server.enter, "tc", "filter", "add", "dev", interface, "ingress", "bpf", "direct-action",
             "bytecode", "1,6 0 0 2")


class ExceptionCase:
    name = "exception"
    summary = "one lcore beside 100,000 packets a second for the kernel, and BGP; against the lcore alone"

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
            birds = [Bird(sandbox, pair.server, pair.SERVER_ADDRESS, pair.CLIENT_ADDRESS, 64512, 64513),
                     Bird(sandbox, pair.client, pair.CLIENT_ADDRESS, pair.SERVER_ADDRESS, 64513, 64512)]
            birds[1].wait_until_established()
            session = birds[1].session()
            seconds = 3 * (self.seconds + LEAD_SECONDS) + LEAD_SECONDS
            client = clients.start_kxdpgun(sandbox, pair, self.questions, seconds, CLIENT_CPU, QUERY_RATE)
            time.sleep(LEAD_SECONDS)
            first = server.measure(self.seconds, None)[0]
            beside = self.measure_beside_flood(sandbox, pair, server)
            last = server.measure(self.seconds, None)[0]
            if birds[1].session() != session:
                raise PerfError(f"the BGP session broke: {session}, then {birds[1].session()}")
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
