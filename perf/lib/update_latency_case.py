# SPDX-License-Identifier: GPL-3.0-or-later
"""How long one update takes in a very large zone, beside queries at half of what the server can answer: one client sends
an update each ten milliseconds over TCP and waits for NOERROR. The reference is the time that it may take; Knot DNS and BIND
are beside it, each beside half of its own rate."""

import shutil

from . import clients, updates, zones
from .measure import comparison, progress, repeat, summary
from .sandbox import Sandbox, VethPair

NAMES = 10_000_000
QUESTIONS = 65536
SECONDS = 5
CAPACITY_SECONDS = 3
INTERVAL_US = 10_000
LIMIT_MS = {"median": 5.0, "p99": 25.0}
LOAD_CPU = 0
END_SECONDS = 60
# More than are sent; those of one round are made before it.
MESSAGES_PER_SECOND = 2 * 1_000_000 // INTERVAL_US


class UpdateLatencyCase:
    name = "update-latency"
    summary = ("one A record of a zone of 10 million names by update, beside queries at half the rate that the server can"
               " answer; median and p99 against 5 and 25 ms, beside Knot DNS and BIND")

    def run(self, options):
        names = options.names or NAMES
        seconds = options.seconds or SECONDS
        workload = zones.make_hosts(options.directory, options.seed, names, QUESTIONS)
        told = {server: self.measure(options, server, workload, seconds) for server in updates.SERVERS}
        rounds = {percentile: [{"volley": ours[percentile], "reference": limit} for ours in told["volley"]["rounds"]]
                  for percentile, limit in LIMIT_MS.items()}
        parts = {"p99": {"unit": "ms, p99", "reference_name": "25 ms", **comparison(rounds["p99"], 2)}}
        for server in told:
            if server == "volley":
                continue
            for percentile in LIMIT_MS:
                pairs = [{"volley": ours[percentile], "reference": theirs[percentile]}
                         for ours, theirs in zip(told["volley"]["rounds"], told[server]["rounds"])]
                parts[f"{server} {percentile}"] = {"unit": f"ms, {percentile}", **comparison(pairs, 2)}
        result = summary(self.name, "ms, median", "5 ms", rounds["median"], 2, parts=parts, names=names, seconds=seconds,
                         interval_us=INTERVAL_US, queries={server: one["queries"] for server, one in told.items()})
        result["met"] &= parts["p99"]["ratio"] <= 1
        return result

    def measure(self, options, server, workload, seconds):
        """Loading takes minutes: each server is started once, and has its rounds in a row."""
        with Sandbox() as sandbox:
            path = sandbox.directory / "zone"
            shutil.copyfile(workload.zones[0][1], path)
            question_list = sandbox.directory / "questions.txt"
            zones.write_question_list(question_list, workload.questions)
            pair = VethPair(sandbox)
            progress(f"{self.name}: {server} loads the zone")
            updates.SERVERS[server](sandbox, options, pair, [(zones.ORIGIN, path)])
            capacity, _ = clients.kxdpgun(sandbox, pair, question_list, CAPACITY_SECONDS, LOAD_CPU)
            made = updates.Messages()
            updates.send_first(sandbox, options, pair, made)
            told = {"rounds": [], "queries": {"rate": round(capacity / 2), "sent": 0, "answered": 0}}

            def one_round():
                times = self.one_round(sandbox, options, pair, question_list, round(capacity / 2), made, seconds,
                                       told["queries"])
                told["rounds"].append(updates.percentiles(times))
                return told["rounds"][-1]

            repeat(f"{self.name}: {server}", options.pairs, one_round)
            return told

    def one_round(self, sandbox, options, pair, question_list, rate, made, seconds, queries):
        file = made.write(sandbox.directory / "messages", MESSAGES_PER_SECOND * seconds)
        load = clients.start_kxdpgun(sandbox, pair, question_list, seconds + 2, LOAD_CPU, rate)
        process = updates.start(sandbox, options, pair, file, 1, seconds, INTERVAL_US)
        times, _, _ = updates.read(process.wait_end(seconds + END_SECONDS))
        asked, answered, _ = clients.read_kxdpgun(load.wait_end(seconds + END_SECONDS))
        queries["sent"] += asked
        queries["answered"] += answered
        return times


CASES = [UpdateLatencyCase()]
