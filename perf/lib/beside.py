# SPDX-License-Identifier: GPL-3.0-or-later
"""Queries at half the rate that Volley can answer, beside its transfers: none of them may be lost. The lcore has a CPU of
its own (apart.py). What is lost with nothing beside shows what the machine loses by itself."""

import pathlib
import signal
import time

from . import apart, clients, zones
from .measure import progress
from .sandbox import PerfError

ORIGIN = "beside.example."
NAMES = 10_000
CAPACITY_SECONDS = 2
ALONE_SECONDS = 3
LOAD_CPU = 0
LCORE_CPU = 1
# Nothing measured takes longer; whoever starts the queries ends them.
SECONDS_MAX = 7200
STOP_SECONDS = 30
START_SECONDS = 30
POLL_SECONDS = 0.05
BEGUN_CNT = 32
# Of the queries that the rate makes in that time. With fewer sent, the row shows too little.
SENT_SHARE = 0.8


def make_zone(directory):
    """A small zone of its own, for secondaries that have nothing else yet: its file and questions."""
    path = pathlib.Path(directory, "beside.zone")
    zones.write_lines(path, (line for lines in (
        zones.SMALL_ZONE, (f"h{idx} A {zones.address(idx)}\n" for idx in range(NAMES))) for line in lines))
    return path, [(zones.name_to_wire(f"h{idx}.{ORIGIN}"), zones.TYPE_NUMBER["A"]) for idx in range(NAMES)]


def entry(path):
    """Its lines in the configuration, after those of another zone."""
    return f"  - name: {ORIGIN}\n    file: {path}\n"


class Beside:
    def __init__(self, case, sandbox, pair, server, questions):
        """Measures what the server can answer, which has to be at rest."""
        self.case, self.sandbox, self.pair, self.server = case, sandbox, pair, server
        apart.bind_lcores(server.dataplane, LCORE_CPU)
        apart.set_apart(sandbox, LOAD_CPU)
        apart.lower(server.control.popen.pid)
        self.question_list = sandbox.directory / "beside.txt"
        zones.write_question_list(self.question_list, questions)
        capacity, _ = clients.kxdpgun(sandbox, pair, self.question_list, CAPACITY_SECONDS, LOAD_CPU)
        self.rate = round(capacity / 2)
        self.alone = self.during(lambda: time.sleep(ALONE_SECONDS))

    def during(self, work):
        """Queries from before until after work()."""
        load = clients.start_kxdpgun(self.sandbox, self.pair, self.question_list, SECONDS_MAX, LOAD_CPU, self.rate,
                                     apart.FIRST_ON_CPU)
        self.wait_for_queries()
        start = time.monotonic()
        try:
            work()
        finally:
            seconds = time.monotonic() - start
            log = load.end(signal.SIGINT, STOP_SECONDS)
        sent, answered, _ = clients.read_kxdpgun(log)
        return {"seconds": round(seconds, 2), "sent": sent, "answered": answered, "lost": sent - answered}

    def wait_for_queries(self):
        """kxdpgun takes a second to begin, and no signal before."""
        before = self.server.totals()["rx_packets"]
        deadline = time.monotonic() + START_SECONDS
        while self.server.totals()["rx_packets"] < before + BEGUN_CNT:
            if time.monotonic() > deadline:
                raise PerfError(f"kxdpgun sends nothing within {START_SECONDS} seconds")
            time.sleep(POLL_SECONDS)

    def measure(self, work):
        """The figures of the load beside the work. `server` has the counters of the queries that the server dropped."""
        before = self.drops()
        found = self.during(work)
        after = self.drops()
        found["server"] = {name: after[name] - before[name] for name in after if after[name] != before[name]}
        progress(f"{self.case}: beside: {found['lost']} of {found['sent']} queries lost in {found['seconds']} s;"
                 f" {self.alone['lost']} of {self.alone['sent']} with nothing beside")
        return {"rate": self.rate, "alone": self.alone, **found}

    def drops(self):
        """Counters of what the dataplane did not answer."""
        stats = self.server.stats()
        found = {name: stats["totals"][name] for name in ("tx_full", "dropped_message", "rcode_servfail", "rcode_refused")}
        for port in stats["ports"]:
            found |= {f"{port['name']} rx_missed": port["rx_missed"]}
            found |= {f"{port['name']} {name}": cnt for name, cnt in port["xdp_verdicts"].items()
                      if name not in ("pass", "serve")}
        return found


def add(result, found):
    """To a case's result: the row is met only when nothing was lost of a load that was really there."""
    found["met"] = found["lost"] == 0 and found["sent"] >= SENT_SHARE * found["rate"] * found["seconds"]
    result["beside"] = found
    result["met"] &= found["met"]
    return result
