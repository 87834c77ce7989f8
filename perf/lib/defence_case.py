# SPDX-License-Identifier: GPL-3.0-or-later
"""What the defence costs who is not attacked: the fast path with everything on, against everything
off. One lcore, pcap port, rates per second of its CPU time as in pcap_case.py.

Rates are so high that nobody is above one. The case itself has the sources of `fastpath`; the parts
have sources all over IPv4, whose cells and ranges no cache holds, and queries with cookies.
"""

import dataclasses
import ipaddress
import pathlib
import random
import shlex
import struct
import time
import typing

from . import packets, zones
from .measure import comparison, interleave, progress, summary
from .sandbox import PerfError, Sandbox
from .volley import NO_DEFENCE, Volley, page_flags

CPUS = (0, 1)
NAMES = 100_000
QUESTIONS = 65536
SECONDS = 5
DENIED = 100_000

DEFENCE = """defence:
  source-rate:
    mode: on
    address: 10000000
    network: 10000000
    wide: 10000000
  deny-file: {deny_file}
  responses:
    mode: on
    answer: 10000000
    referral: 10000000
    nxdomain: 10000000
    error: 10000000
    badcookie: on
  cookies:
    mode: on
    secrets-file: {secrets_file}
"""

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
    defence: str
    commands: dict = dataclasses.field(default_factory=dict)

    def side(self, name, pcap, load):
        on = name == "volley"
        with Sandbox() as sandbox:
            volley = Volley(sandbox, self.options.build_dir, [f"pcap:{pcap},loop"],
                            self.workload.zones, CPUS,
                            ["--idle", "spin", *page_flags(self.options)],
                            defence=self.defence if on else NO_DEFENCE)
            rate, _ = volley.measure(self.seconds, self.workload.expect)
            check(volley.stats(), load.counter if on else None)
            volley.stop()
            self.commands[name] = shlex.join(volley.command)
            return rate


def check(stats, counter):
    """Nothing was limited or dropped, and cookies were looked at."""
    totals = stats["totals"]
    wrong = {name: value for name, value in totals.items()
             if value and name.startswith(("limited_", "slipped", "badcookie"))}
    lost = totals["rx_packets"] - totals["tx_packets"] - totals["tx_full"]
    if wrong or lost > totals["rx_packets"] // 1000:
        raise PerfError(f"the defence took {lost} packets: {wrong}")
    # control has sent the defence a moment after the first packets came
    if counter and totals[counter] < totals["rx_packets"] // 2:
        raise PerfError(f"{counter} is {totals[counter]} of {totals['rx_packets']}")


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
            runs = Runs(options, seconds, workload, self.defence(sandbox.directory, options.seed))
            results = {}
            for number, (part, load) in enumerate(LOADS.items()):
                pcap = sandbox.directory / f"{number}.pcap"
                packets.write_queries(pcap, workload.questions, options.seed,
                                      sources=load.sources, options=load.options)
                results[part] = interleave(part or self.name, options.pairs, {
                    side: lambda side=side, pcap=pcap, load=load: runs.side(side, pcap, load)
                    for side in ("volley", "reference")})
            unit = "answers/s/lcore"
            parts = {part: {"unit": unit, **comparison(rounds)}
                     for part, rounds in results.items() if part}
            return summary(self.name, unit, "Volley, defence off", results[None], names=names,
                           questions=QUESTIONS, seconds=seconds, denied=DENIED, parts=parts,
                           command=runs.commands)

    @staticmethod
    def defence(directory, seed):
        deny_file = pathlib.Path(directory, "deny.txt")
        deny_list(deny_file, seed)
        secrets_file = pathlib.Path(directory, "secrets")
        secrets_file.write_text("".join(f"{number:032x}\n" for number in (1, 2, 3)), "ascii")
        secrets_file.chmod(0o600)
        return DEFENCE.format(deny_file=deny_file, secrets_file=secrets_file)


CASES = [DefenceCase()]
