# SPDX-License-Identifier: GPL-3.0-or-later
"""Nanoseconds per stage and query, from perf/stages.c. There is nothing to compare with."""

import json
import shlex

from .measure import progress
from .sandbox import Sandbox
from .volley import build_helper

NAMES = 1_000_000
QUESTIONS = 1 << 18
ROUNDS = 21
CPU = 1


class StagesCase:
    name = "stages"
    summary = "where the time goes: cycles and nanoseconds per stage and query"

    def run(self, options):
        names = options.names or NAMES
        with Sandbox() as sandbox:
            command = ["taskset", "-c", CPU, build_helper(options.build_dir, "stages"),
                       "--names", names, "--questions", QUESTIONS, "--rounds", ROUNDS]
            progress(f"{self.name}: five kinds of zones of {names} names")
            process = sandbox.start(command)
            told = json.loads(process.wait_end(1800))
        totals = {kind: sum(stage["ns"] for stage in stages.values())
                  for kind, stages in told["kinds"].items()}
        return {"case": self.name, "unit": "ns/query", "volley": round(totals["positive"], 1),
                "reference": None, "reference_name": None, "ratio": None, **told,
                "command": {"volley": shlex.join(process.command)}}


CASES = [StagesCase()]
