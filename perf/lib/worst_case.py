# SPDX-License-Identifier: GPL-3.0-or-later
"""Cycles of the most expensive query that a search over the zones of the fuzz targets finds, beside
those of a plain one. From perf/worst.c."""

import json
import shlex

from .measure import comparison, progress, summary
from .sandbox import Sandbox
from .volley import build_helper

CPU = 1
END_SECONDS = 1800


def rounds_of(told):
    return [{"volley": worst, "reference": plain} for worst, plain in told["rounds"]]


class WorstCase:
    name = "worst"
    summary = "the most expensive query that there is, in cycles; against a plain one"

    def run(self, options):
        command = ["taskset", "-c", CPU, build_helper(options.build_dir, "worst"),
                   "--rounds", options.pairs, "--seed", options.seed]
        progress(f"{self.name}: looking for it")
        with Sandbox() as sandbox:
            process = sandbox.start(command)
            told = json.loads(process.wait_end(END_SECONDS))
        for transport, part in told.items():
            part |= comparison(rounds_of(part))
            del part["rounds"]
            progress(f"{self.name}: {transport}: {part['volley']} cycles, plain"
                     f" {part['reference']}, ratio {part['ratio']}")
        udp = told["udp"]
        rounds = [{"volley": worst, "reference": plain} for worst, plain in udp["pairs"]]
        return summary(self.name, "cycles/query", "plain", rounds) | {
            "query": udp["query"], "response_bytes": udp["response_bytes"],
            "stream": told["stream"], "command": {"volley": shlex.join(process.command)}}


CASES = [WorstCase()]
