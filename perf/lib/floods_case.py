# SPDX-License-Identifier: GPL-3.0-or-later
"""What an honest client loses while somebody floods the same interface: dnsperf at a fixed rate on a
veth pair, and perf/flood.c beside it, as fast as it can, on the client's core. Volley as it is
configured by default, with its defence off, and Knot DNS in XDP mode with response rate limiting.

The flood's packets run the XDP program on the sender's core, so they slow down the flood and the
client alike; `path` tells what got lost before any server had it, and `lcore_waited_s` for how long others
had the lcore's CPU.
"""

import json
import re
import shlex
import time

from . import clients, zones
from .afxdp_case import CLIENT_CPU, CPUS, SERVER_CPU
from .measure import progress
from .sandbox import PerfError, Sandbox, VethPair
from .servers import Knot
from .volley import NO_DEFENCE, Volley, build_helper, page_flags

NAMES = 10_000
QUESTIONS = 16384
RATE = 5000
SECONDS = 10
# The flood is there before the client, and goes on after its last query's time is out.
FLOOD_LEAD_SECONDS = 1
TIMEOUT_SECONDS = 1
AIM = 0.001

# What each flood asks for, where it asks.
FLOODS = {"none": None, "reflected": zones.ORIGIN, "one-source": zones.ORIGIN,
          "spoofed": zones.ORIGIN, "any": "large.example", "nxdomain": zones.ORIGIN,
          "malformed": zones.ORIGIN, "deep": "one.deep.example"}
# Below a DNAME each answer is composed, and costs by its labels: what counts is that work, not the packets.
RATES = {"deep": 40_000}
PATH_COUNTERS = ("tx_dropped", "rx_dropped")

# As many responses a second as Volley's default gives a network, one in two slips.
KNOT_RRL = """\
mod-rrl:
  - id: default
    rate-limit: 10000
    slip: 2
"""


def large_zone(path):
    """The largest RRset of an apex: 1,200 octets of TXT, and what an apex has anyway."""
    text = "".join(f'@ TXT "{number:03d}{"x" * 197}"\n' for number in range(6))
    path.write_text(f"$TTL 3600\n@ SOA ns hostmaster 1 3600 600 1209600 300\n@ NS ns\n"
                    f"ns A 192.0.2.1\n{text}", encoding="ascii")
    return path


def deep_zone(path):
    """A DNAME into a wildcard: any name below it has an address."""
    path.write_text("$TTL 3600\n@ SOA ns hostmaster 1 3600 600 1209600 300\n@ NS ns\nns A 192.0.2.1\n"
                    "one DNAME other\n*.other A 192.0.2.2\n", encoding="ascii")
    return path


def dropped(namespace, interface):
    """The interface's own drops: full rings of the pair."""
    (link,) = json.loads(namespace.ip("-s", "-j", "link", "show", "dev", interface))
    return {"tx_dropped": link["stats64"]["tx"]["dropped"],
            "rx_dropped": link["stats64"]["rx"]["dropped"]}


def backlog_drops():
    """What the kernel's queue between interface and socket had no room for, on all CPUs."""
    with open("/proc/net/softnet_stat", encoding="ascii") as file:
        return sum(int(line.split()[1], 16) for line in file)


class Path:
    """Losses that no server has a part in."""

    def __init__(self, pair):
        self.pair = pair
        self.before = self.read()

    def read(self):
        told = {"backlog": backlog_drops()}
        for side, namespace, interface in (
                ("client", self.pair.client, self.pair.CLIENT_INTERFACE),
                ("server", self.pair.server, self.pair.SERVER_INTERFACE)):
            told |= {f"{side}_{name}": value
                     for name, value in dropped(namespace, interface).items()}
        return told

    def lost(self):
        return {name: value - self.before[name] for name, value in self.read().items()
                if value != self.before[name]}


def server_mac(pair):
    return pair.server.ip("-brief", "link", "show", pair.SERVER_INTERFACE).split()[2]


def read_dnsperf(log):
    def number(pattern):
        return int(clients.find(pattern, log, "dnsperf").group(1))

    sent, lost = number(r"Queries sent: +(\d+)"), number(r"Queries lost: +(\d+)")
    codes = clients.find(r"Response codes: +(.*)", log, "dnsperf").group(1)
    latency = re.search(r"Average Latency \(s\): +([\d.]+)", log)
    return {"sent": sent, "lost": lost, "loss": round(lost / sent, 6), "codes": codes.strip(),
            "latency_us": round(float(latency.group(1)) * 1e6) if latency else None}


class KnotRrl(Knot):
    NAME = "Knot DNS, XDP, mod-rrl"
    MODULES = KNOT_RRL
    GLOBAL_MODULE = "mod-rrl/default"


def start_volley(defence):
    def start(options, sandbox, pair, served):
        return Volley(sandbox, options.build_dir, [f"af_xdp:{pair.SERVER_INTERFACE}"], served, CPUS,
                      page_flags(options), pair.server.enter, defence=defence)
    return start


def start_knot(_options, sandbox, pair, served):
    return KnotRrl(sandbox, pair, served, SERVER_CPU)


SERVERS = {"volley": start_volley(""), "defence off": start_volley(NO_DEFENCE),
           "knot": start_knot}


class FloodsCase:
    name = "floods"
    summary = (f"a client's {RATE:,} queries a second beside floods of seven kinds; against Knot DNS"
               " with RRL, and no defence")

    def run(self, options):
        self.seconds = options.seconds or SECONDS
        self.flood = build_helper(options.build_dir, "flood")
        self.commands = {}
        rounds = []
        with Sandbox() as sandbox:
            workload = zones.make_hosts(options.directory, options.seed,
                                        options.names or NAMES, QUESTIONS)
            questions = sandbox.directory / "questions.txt"
            zones.write_question_list(questions, workload.questions)
            served = [*workload.zones,
                      ("large.example.", large_zone(sandbox.directory / "large.zone")),
                      ("deep.example.", deep_zone(sandbox.directory / "deep.zone"))]
            for number in range(options.pairs):
                rounds.append({kind: {side: self.measure(options, side, kind, served, questions)
                                      for side in SERVERS} for kind in FLOODS})
                progress(f"{self.name}: {number + 1}/{options.pairs} done")
        return self.result(rounds)

    def result(self, rounds):
        floods = {kind: {side: self.median(rounds, kind, side) for side in SERVERS}
                  for kind in FLOODS}
        worst = max(floods[kind]["volley"]["loss"] for kind in FLOODS)
        worst_knot = max(floods[kind]["knot"]["loss"] for kind in FLOODS)
        return {"case": self.name, "unit": "part lost", "volley": worst, "reference": worst_knot,
                "reference_name": KnotRrl.NAME, "ratio": None, "aim": {"at_most": AIM},
                "met": worst <= AIM, "floods": floods, "rate": RATE,
                "seconds": self.seconds, "rounds": len(rounds), "command": self.commands}

    @staticmethod
    def median(rounds, kind, side):
        """The run with the median loss, with all that is told of it, and every run's loss."""
        runs = sorted((each[kind][side] for each in rounds), key=lambda run: run["loss"])
        return runs[len(runs) // 2] | {"losses": [run["loss"] for run in runs]}

    def measure(self, options, side, kind, served, questions):
        with Sandbox() as sandbox:
            pair = VethPair(sandbox)
            server = SERVERS[side](options, sandbox, pair, served)
            path = Path(pair)
            flood = kind != "none" and self.start_flood(sandbox, pair, kind)
            time.sleep(FLOOD_LEAD_SECONDS)
            client = sandbox.start([
                *pair.client.enter, "taskset", "-c", CLIENT_CPU, "dnsperf",
                "-s", pair.SERVER_ADDRESS, "-d", questions, "-l", self.seconds, "-Q", RATE,
                "-c", 4, "-T", 1, "-t", TIMEOUT_SECONDS, "-q", 10 * RATE])
            told = read_dnsperf(client.wait_end(self.seconds + 60))
            if flood:
                told["flood"] = json.loads(flood.wait_end(60))
                told["flood"]["per_s"] = round(told["flood"]["sent"] / told["flood"]["seconds"])
            told["path"] = path.lost()
            if isinstance(server, Volley):
                told |= self.counted(server)
            self.commands |= {side: shlex.join(server.command),
                              "client": shlex.join(client.command)}
            server.stop()
        progress(f"{self.name}: {kind}, {side}: loss {100 * told['loss']:.3f} %,"
                 f" {told['codes']}, {told['latency_us']} us,"
                 f" flood {told.get('flood', {}).get('per_s', 0):,}/s, path {told['path']},"
                 f" xdp {told.get('xdp', {})}, missed {told.get('rx_missed', '-')},"
                 f" lcore waited {told.get('lcore_waited_s', '-')} s")
        return told

    def start_flood(self, sandbox, pair, kind):
        seconds = FLOOD_LEAD_SECONDS + self.seconds + TIMEOUT_SECONDS + 1
        flood = sandbox.start([
            *pair.client.enter, "taskset", "-c", CLIENT_CPU, self.flood,
            "--interface", pair.CLIENT_INTERFACE, "--server", pair.SERVER_ADDRESS,
            "--server-mac", server_mac(pair), "--name", FLOODS[kind].rstrip("."), "--kind", kind,
            "--seconds", seconds, "--rate", RATES.get(kind, 0)])
        self.commands["flood"] = shlex.join(flood.command)
        return flood

    @staticmethod
    def counted(server):
        """What Volley has counted: in XDP, on the way to the lcore, and of responses."""
        time.sleep(0.3)    # the port's counters are copied ten times a second
        stats = server.stats()
        (port,) = stats["ports"]
        limits = {name: value for name, value in stats["totals"].items()
                  if value and (name.startswith(("limited_", "rcode_")) or name in (
                      "slipped", "badcookie", "tx_full", "truncated", "tx_packets"))}
        (waited,) = server.dataplane.lcore_seconds(1)
        return {"lcore_waited_s": round(waited, 3), "xdp": {name: value for name, value in port["xdp_verdicts"].items() if value},
                "rx_missed": port["rx_missed"], "responses": limits}


CASES = [FloodsCase()]
