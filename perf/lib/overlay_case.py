# SPDX-License-Identifier: GPL-3.0-or-later
"""What changed names cost: the fast path on a living zone, one name in a hundred of which is in overlays, against the same
zone without changes. Beside it, from perf/overlays.c, answers in memory alone, and what a commit costs the table."""

import json
import random
import shlex

from . import packets, zones
from .changes_case import Control
from .measure import comparison, progress, repeat, summary
from .pcap_case import CPUS, Side, TURN_SECONDS, run_in_turns
from .sandbox import PerfError, Sandbox
from .volley import WARM_UP_SECONDS, Volley, build_helper, page_flags

NAMES = 10_000_000
QUESTIONS = 65536
SECONDS = 5
CHANGED_SHARE = 100       # one name in so many
NAMES_PER_CHANGE = 1000   # a change of many more would make a complete form
ZONES = 1_000_000
END_SECONDS = 1800


def change(control, labels, indices):
    """Other TTLs, so that the answers stay right."""
    lines = [f"- {labels.label(idx)} A\n+ {labels.label(idx)} 300 A {zones.address(idx)}\n" for idx in indices]
    answer = control.ask({"command": "zone-edit", "zone": zones.ORIGIN, "text": "".join(lines)})
    if not answer.get("changed"):
        raise PerfError(f"nothing has changed: {json.dumps(answer)[:500]}")


class OverlayCase:
    name = "overlay-speed"
    summary = ("A queries, a living zone of 10 million names, 1 % of them in overlays; one lcore, pcap port, against the"
               " same without changes")

    def run(self, options):
        names = options.names or NAMES
        with Sandbox() as sandbox:
            workload = zones.make_hosts(options.directory, options.seed, names, QUESTIONS)
            pcap = sandbox.directory / "queries.pcap"
            packets.write_queries(pcap, workload.questions, options.seed)
            starts = {side: lambda inner, side=side: self.start(inner, options, workload, pcap, names, side)
                      for side in ("volley", "reference")}
            rounds = repeat(self.name, options.pairs,
                            lambda: run_in_turns(starts, options.seconds or SECONDS))
            return summary(self.name, "answers/s/lcore", "without overlays", rounds, names=names,
                           questions=QUESTIONS, **self.in_memory(options, names))

    def start(self, sandbox, options, workload, pcap, names, side):
        volley = Volley(sandbox, options.build_dir, [f"pcap:{pcap},loop"], workload.zones, CPUS,
                        ["--idle", "spin", *page_flags(options)], zone_settings="    living: true\n")
        if side == "volley":
            self.change_names(volley, options.seed, names)

        def measure(seconds, warm_up):
            return volley.measure(seconds, workload.expect, warm_up)[0]

        measure(TURN_SECONDS, WARM_UP_SECONDS)
        volley.dataplane.pause()
        return Side(volley.dataplane, measure, volley.stop)

    def change_names(self, volley, seed, names):
        control, labels = Control(volley.control_socket), zones.Labels(seed)
        chosen = random.Random(seed).sample(range(names), max(1, names // CHANGED_SHARE))
        progress(f"{self.name}: changing {len(chosen)} names")
        for start in range(0, len(chosen), NAMES_PER_CHANGE):
            change(control, labels, chosen[start:start + NAMES_PER_CHANGE])

    def in_memory(self, options, names):
        """Nanoseconds of an answer without and with overlays, by kind; microseconds of commits."""
        command = ["taskset", "-c", CPUS[1], build_helper(options.build_dir, "overlays"), "--names", names,
                   "--zones", options.zones or min(names, ZONES), "--rounds", options.pairs]
        with Sandbox() as sandbox:
            process = sandbox.start(command)
            told = json.loads(process.wait_end(END_SECONDS))
        kinds = {kind: comparison([{"volley": 1e9 / with_ns, "reference": 1e9 / without_ns}
                                   for without_ns, with_ns in pairs])
                 for kind, pairs in told["kinds"].items()}
        return {"in_memory": kinds, "commit_us": told["commit_us"], "command": {"overlays": shlex.join(process.command)}}


CASES = [OverlayCase()]
