# SPDX-License-Identifier: GPL-3.0-or-later
"""Nanoseconds per stage and query, from perf/stages.c. There is nothing to compare with."""

import json
import shlex

from .measure import progress
from .sandbox import Sandbox
from .volley import build_helper

NAMES = 1_000_000
QUESTIONS = 1 << 18
ROUNDS = 42
ROUNDS_MAX = 1000
CPU = 1
END_SECONDS = 1800

# So few that all of it stays in the first and second level caches: what is left is no waiting.
CACHED_NAMES = 1000


class StagesCase:
    name = "stages"
    summary = "where the time goes: cycles and nanoseconds per stage and query"

    def run(self, options):
        names = options.names or NAMES
        command = ["taskset", "-c", CPU, build_helper(options.build_dir, "stages")]
        cached, _ = run_stages(command, CACHED_NAMES)
        told, line = run_stages(command, names)
        positive = told["kinds"]["positive"]["together"]["ns"]
        return {"case": self.name, "unit": "ns/query", "volley": round(positive, 1),
                "reference": None, "reference_name": None, "ratio": None, **told, "cached": cached,
                "command": {"volley": line}}


def run_stages(command, names):
    """What perf/stages tells with that many names, and its command line."""
    progress(f"stages: a zone of {names} names of each kind")
    questions = min(QUESTIONS, names)
    rounds = ROUNDS * QUESTIONS // questions
    with Sandbox() as sandbox:
        process = sandbox.start([*command, "--names", names, "--questions", questions,
                                 "--rounds", min(rounds, ROUNDS_MAX)])
        return json.loads(process.wait_end(END_SECONDS)), shlex.join(process.command)


CASES = [StagesCase()]
