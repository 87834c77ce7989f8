# SPDX-License-Identifier: GPL-3.0-or-later
"""What the defence costs who is not attacked: the fast path with everything on, against everything
off. One lcore, pcap port, rates per second of its CPU time as in pcap_case.py.

A round is one process, in which volleyctl puts everything on and off in turns: two processes differ
by a few per cent in what their memory has of the caches alone. Its rates are the medians of the
turns.

Rates of the defence are so high that nobody is above one. The case itself has the sources of
`fastpath`; the parts have sources all over IPv4, whose cells no cache holds, and queries with
cookies.
"""

import dataclasses
import ipaddress
import pathlib
import random
import shlex
import statistics
import struct
import time
import typing

from . import packets, zones
from .measure import comparison, progress, repeat, summary
from .sandbox import PerfError, Sandbox
from .volley import Volley, page_flags

CPUS = (0, 1)
NAMES = 100_000
QUESTIONS = 65536
SECONDS = 1
TURNS = 6
DENIED = 100_000

# Everything off, but set up: the switches are at run time.
DEFENCE = """defence:
  source-rate:
    mode: off
    address: 10000000
    network: 10000000
    wide: 10000000
  responses:
    mode: off
    answer: 10000000
    referral: 10000000
    nxdomain: 10000000
    error: 10000000
    badcookie: on
  cookies:
    mode: off
    secrets-file: {secrets_file}
"""
# Settings, and what they are when all is off and on.
SWITCHES = {
    "source-rate.mode": ("off", "on"),
    "responses.mode": ("off", "on"),
    "cookies.mode": ("off", "on"),
    "unserved-rate": ("0", "100"),
    "reflector-ports": ("none", "17,19,123,161,389,1900,11211"),
}

# A host is in a network whose third octet is even; prefixes are denied where it is odd.
EVEN, ODD = 0xfffffeff, 0x00000100


def unicast(bits):
    """Any address from 1.0.0.0 to 223.255.255.255."""
    return (1 + (bits >> 24) % 223) << 24 | bits & 0xffffff


def same_sources(bits):
    """Of the network that packets.py has."""
    return packets.CLIENT_NET[4] + struct.pack("!H", bits & EVEN & 0xffff)


def spread_sources(bits):
    return struct.pack("!I", unicast(bits) & EVEN)


def deny_list(path, seed):
    """Prefixes of 24 to 32 bits all over IPv4, and of 32 to 64 bits of IPv6."""
    rng = random.Random(seed)
    denied = set()
    while len(denied) < DENIED * 4 // 5:
        network = unicast(rng.getrandbits(32)) & EVEN | ODD
        denied.add(str(ipaddress.ip_network((network, rng.randint(24, 32)), strict=False)))
    while len(denied) < DENIED:
        network = 0x2 << 124 | rng.getrandbits(61) << 64
        denied.add(str(ipaddress.ip_network((network, rng.randint(32, 64)), strict=False)))
    path.write_text("".join(f"{prefix}\n" for prefix in sorted(denied)), encoding="ascii")


def client_cookie(rng):
    return packets.cookie_option(rng.randbytes(8))


def forged_cookie(rng):
    """As new as a cookie can be, so that every secret has to be tried."""
    now = struct.pack("!BxxxI", 1, int(time.time()) & 0xffffffff)
    return packets.cookie_option(rng.randbytes(8) + now + rng.randbytes(8))


@dataclasses.dataclass
class Load:
    sources: typing.Callable
    options: typing.Callable | None = None
    counter: str | None = None     # must grow with every query


LOADS = {
    None: Load(same_sources),
    "sources all over": Load(spread_sources),
    "a client cookie in each query": Load(same_sources, client_cookie, "cookies_new"),
    "a forged cookie in each query": Load(same_sources, forged_cookie, "cookies_invalid"),
}


@dataclasses.dataclass
class Runs:
    options: typing.Any
    seconds: int
    workload: zones.Workload
    directory: pathlib.Path
    command: str = ""

    def __post_init__(self):
        self.deny_file = self.directory / "deny.txt"
        deny_list(self.deny_file, self.options.seed)
        secrets_file = self.directory / "secrets"
        secrets_file.write_text("".join(f"{number:032x}\n" for number in (1, 2, 3)), "ascii")
        secrets_file.chmod(0o600)
        self.defence = DEFENCE.format(secrets_file=secrets_file)

    def round(self, pcap, load):
        rates = {"volley": [], "reference": []}
        with Sandbox() as sandbox:
            volley = Volley(sandbox, self.options.build_dir, [f"pcap:{pcap},loop"],
                            self.workload.zones, CPUS,
                            ["--idle", "spin", *page_flags(self.options)], defence=self.defence)
            for _ in range(TURNS):
                for side, values in rates.items():
                    values.append(self.turn(volley, side == "volley", load))
            volley.stop()
            self.command = shlex.join(volley.command)
        return {side: statistics.median(values) for side, values in rates.items()}

    def turn(self, volley, on, load):
        for key, values in SWITCHES.items():
            volley.ask_control("defence", "set", key, values[on])
        volley.ask_control("defence", "deny" if on else "forget", "--file", self.deny_file)
        before = volley.totals()
        rate, _ = volley.measure(self.seconds, self.workload.expect)
        after = volley.totals()
        check({name: after[name] - before[name] for name in after}, load.counter if on else None)
        return rate


def check(grown, counter):
    """Nothing was limited or dropped, and cookies were looked at."""
    wrong = {name: value for name, value in grown.items()
             if value and name.startswith(("limited_", "slipped", "badcookie"))}
    lost = grown["rx_packets"] - grown["tx_packets"] - grown["tx_full"]
    if wrong or lost > grown["rx_packets"] // 1000:
        raise PerfError(f"the defence took {lost} packets: {wrong}")
    # the counters of one lcore are read while it writes them
    if counter and grown[counter] < grown["rx_packets"] * 99 // 100:
        raise PerfError(f"{counter} is {grown[counter]} of {grown['rx_packets']}")


class DefenceCase:
    name = "defence"
    summary = (f"fastpath with {DENIED:,} denied prefixes, source rates, response limits and"
               " cookies on; against all off")

    def run(self, options):
        names = options.names or NAMES
        seconds = options.seconds or SECONDS
        with Sandbox() as sandbox:
            progress(f"{self.name}: writing a zone of {names} names and {QUESTIONS} questions")
            workload = zones.make_hosts(options.directory, options.seed, names, QUESTIONS)
            runs = Runs(options, seconds, workload, sandbox.directory)
            results = {}
            for number, (part, load) in enumerate(LOADS.items()):
                pcap = sandbox.directory / f"{number}.pcap"
                packets.write_queries(pcap, workload.questions, options.seed,
                                      sources=load.sources, options=load.options)
                results[part] = repeat(part or self.name, options.pairs,
                                       lambda pcap=pcap, load=load: runs.round(pcap, load))
            unit = "answers/s/lcore"
            parts = {part: {"unit": unit, **comparison(rounds)}
                     for part, rounds in results.items() if part}
            return summary(self.name, unit, "Volley, defence off", results[None], names=names,
                           questions=QUESTIONS, seconds=seconds, turns=TURNS, denied=DENIED,
                           parts=parts, command={"both": runs.command})


CASES = [DefenceCase()]
