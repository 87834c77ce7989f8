# SPDX-License-Identifier: GPL-3.0-or-later
"""Dynamic updates, each adding one A record: 64 clients at once, and one alone. A response of NOERROR counts, which Volley
gives when the change is on disk and every lcore answers by it. Against Knot DNS and BIND."""

import dataclasses
import shutil
import statistics

from . import updates, zones
from .measure import comparison, progress, repeat, summary
from .sandbox import PerfError, Sandbox, VethPair

NAMES = 1_000_000
CLIENTS = 64
SECONDS = 3
ALONE_SECONDS = 2
RATE_MAX = 40_000     # so many messages are made for each second
END_SECONDS = 60


@dataclasses.dataclass
class UpdateRateCase:
    name: str = "update-rate"
    summary: str = ("signed updates of one record, 64 clients over TCP, a zone of a million names; against the better of"
                    " Knot DNS and BIND")

    def run(self, options):
        names = options.names or NAMES
        source = zones.host_file(options.directory, options.seed, names)
        seconds = options.seconds or SECONDS
        alone = {server: [] for server in updates.SERVERS}
        rates = repeat(self.name, options.pairs,
                       lambda: {server: self.measure(options, server, source, seconds, alone[server])
                                for server in updates.SERVERS})
        rounds = [{"volley": one["volley"], "reference": max(one["Knot DNS"], one["BIND"])} for one in rates]
        parts = {server: {"unit": "updates/s", **comparison([{"volley": one["volley"], "reference": one[server]} for one in rates])}
                 for server in updates.SERVERS if server != "volley"}
        return summary(self.name, "updates/s", "the better of Knot DNS and BIND", rounds, parts=parts, names=names,
                       clients=CLIENTS, seconds=seconds,
                       one_client_ms={server: updates.percentiles(alone[server]) for server in updates.SERVERS})

    def measure(self, options, server, source, seconds, alone):
        with Sandbox() as sandbox:
            path = sandbox.directory / "zone"
            shutil.copyfile(source, path)
            pair = VethPair(sandbox)
            updates.SERVERS[server](sandbox, options, pair, [(zones.ORIGIN, path)])
            made, file = updates.Messages(), sandbox.directory / "messages"
            updates.send_first(sandbox, options, pair, made)
            alone += self.send(sandbox, options, pair, made.write(file, RATE_MAX // 10 * ALONE_SECONDS), 1, ALONE_SECONDS)
            times = self.send(sandbox, options, pair, made.write(file, RATE_MAX * seconds), CLIENTS, seconds)
            progress(f"{self.name}: {server}: {len(times) / seconds:.0f} updates/s,"
                     f" median {statistics.median(times):.1f} ms")
            return len(times) / seconds

    def send(self, sandbox, options, pair, file, client_cnt, seconds):
        """Milliseconds of each update that was acknowledged within that time."""
        process = updates.start(sandbox, options, pair, file, client_cnt, seconds)
        times, _, left = updates.read(process.wait_end(seconds + END_SECONDS))
        if not left:
            raise PerfError(f"all {len(times)} messages are used up")
        return times


CASES = [UpdateRateCase()]
