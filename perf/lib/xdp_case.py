# SPDX-License-Identifier: GPL-3.0-or-later
"""Nanoseconds that the XDP program takes for a packet, served or dropped, with all rules on; beside
the smallest program that finds DNS and redirects it. From perf/xdp.c."""

import json
import shlex
import statistics

from .measure import at_most, comparison, progress, summary
from .sandbox import PerfError, Sandbox
from .volley import build_helper

# Denied ones, of each family.
PREFIXES = 100_000
REPEAT = 2_000_000
ROUNDS_OF_A_PAIR = 3
CPU = 1
END_SECONDS = 1800

SERVED = "served IPv4"
TARGET_SERVED = at_most(2.5)
TARGET_DROP = at_most(1.5)


def target_of(kind):
    return TARGET_SERVED if kind.startswith("served") else TARGET_DROP


def rounds_of(told, kind):
    return [{"volley": volley, "reference": reference}
            for volley, reference in (values[kind] for values in told["rounds"])]


def part_of(told, kind):
    result = comparison(rounds_of(told, kind), 1)
    del result["pairs"]
    target = target_of(kind)
    return {"unit": "ns/packet", **result, "target": target.tell(),
            "met": target.is_met(result["ratio"])}


class XdpCase:
    name = "xdp"
    summary = ("the XDP program, per packet served or dropped, with all rules on; against the"
               " smallest that redirects DNS")

    def run(self, options):
        build_helper(options.build_dir, "smallest.o")
        command = ["taskset", "-c", CPU, build_helper(options.build_dir, "xdp"),
                   "--program", options.build_dir / "bpf" / "volley_xdp.o",
                   "--smallest", options.build_dir / "perf" / "smallest.o",
                   "--prefixes", options.names or PREFIXES, "--repeat", REPEAT,
                   "--rounds", ROUNDS_OF_A_PAIR * options.pairs]
        progress(f"{self.name}: {ROUNDS_OF_A_PAIR * options.pairs} rounds of {REPEAT} packets")
        with Sandbox() as sandbox:
            process = sandbox.start(command)
            told = json.loads(process.wait_end(END_SECONDS))
        kinds = [kind for kind in told["rounds"][0] if kind != "nothing"]
        if SERVED not in kinds:
            raise PerfError("perf/xdp.c tells nothing of served queries")
        parts = {kind: part_of(told, kind) for kind in kinds}
        for kind, part in parts.items():
            progress(f"{self.name}: {kind}: {part['volley']} ns, smallest {part['reference']} ns,"
                     f" ratio {part['ratio']}, target met: {part['met']}")
        result = summary(self.name, "ns/packet", "smallest XDP program", rounds_of(told, SERVED), 1)
        result["met"] = all(part["met"] for part in parts.values())
        nothing = statistics.median(values["nothing"] for values in told["rounds"])
        more = {key: value for key, value in told.items() if key != "rounds"}
        return result | more | {
            "parts": parts, "loop_of_the_kernel_ns": round(nothing, 1), "repeat": REPEAT,
            "command": {"volley": shlex.join(process.command)}}


CASES = [XdpCase()]
