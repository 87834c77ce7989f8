# SPDX-License-Identifier: GPL-3.0-or-later
"""Do two lcores do twice the work of one? Two pcap ports with an lcore each, against one.

Rates are per second of each lcore's CPU time, summed over the lcores: with two CPUs, main threads
and everybody else take time from them, which that leaves out.
"""

import shlex

from . import huge_pages, packets, zones
from .answers import check_answers
from .measure import interleave, summary
from .pcap_case import CPUS, SPARE_MBUFS
from .sandbox import Sandbox
from .volley import Volley, page_flags

NAMES = 100_000
QUESTIONS = 65536
SECONDS = 5


class TwoLcoresCase:
    name = "two-lcores"
    summary = "two lcores on two pcap ports against one lcore; the sum of rates per CPU time"

    def run(self, options):
        names = options.names or NAMES
        seconds = options.seconds or SECONDS
        commands = {}
        with Sandbox() as sandbox:
            workload = zones.make_hosts(options.directory, options.seed, names, QUESTIONS)
            pcaps = []
            for idx in range(2):
                pcaps.append(sandbox.directory / f"queries{idx}.pcap")
                packets.write_queries(pcaps[idx], workload.questions, options.seed + idx)
            if options.huge_pages:
                mbufs = 2 * (QUESTIONS + SPARE_MBUFS)
                huge_pages.reserve(sandbox, huge_pages.need_mib(mbufs, names))
            check_answers(workload, options, 4, None, CPUS)

            def run(side, lcore_cpus, lcore_pcaps):
                with Sandbox() as run_sandbox:
                    volley = Volley(run_sandbox, options.build_dir,
                                    [f"pcap:{pcap},loop" for pcap in lcore_pcaps], workload.zones,
                                    (CPUS[0], lcore_cpus),
                                    ["--idle", "spin", *page_flags(options)])
                    rate, _ = volley.measure(seconds, workload.expect)
                    volley.stop()
                    commands[side] = shlex.join(volley.command)
                    return rate

            rounds = interleave(self.name, options.pairs, {
                "volley": lambda: run("volley", f"{CPUS[0]},{CPUS[1]}", pcaps),
                "reference": lambda: run("reference", CPUS[1], pcaps[:1])})
        return summary(self.name, "answers/s of CPU time", "Volley, one lcore", rounds,
                       names=names, questions=QUESTIONS, seconds=seconds, command=commands)


CASES = [TwoLcoresCase()]
