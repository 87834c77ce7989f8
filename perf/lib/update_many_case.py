# SPDX-License-Identifier: GPL-3.0-or-later
"""A million zones, each changed once, one after the other: one in a hundred by its file (volleyctl reload ZONE), all others by a
signed update of one client that waits for NOERROR. Volley alone; the reference is the rate that it must reach. Memory is that of both
programs, before and after; no change may end in a reload of all zones."""

import re
import statistics
import time

from . import updates, zones
from .changes_case import Control
from .measure import progress, repeat, summary
from .memory import used_bytes
from .sandbox import PerfError, Sandbox, VethPair

ZONES = 1_000_000
RATE = 200.0
BY_FILE_SHARE = 100
END_SECONDS = 24 * 3600


class UpdateManyCase:
    name = "update-many"
    summary = "a million zones, each changed once by update or file, one after the other; against 200 changes a second"

    def run(self, options):
        zone_cnt = options.zones or options.names or ZONES
        with Sandbox() as sandbox:
            progress(f"{self.name}: writing {zone_cnt} zone files")
            workload = zones.make_zone_files(options.directory, options.seed, zone_cnt, 1)
            pair = VethPair(sandbox)
            begin = time.monotonic()
            server = updates.OurUpdates(sandbox, options, pair, workload.zones)
            started = time.monotonic() - begin
            before = used_bytes(server.processes)
            progress(f"{self.name}: {zone_cnt} zones after {started:.0f} s, {before >> 20} MiB")
            told = {}
            rounds = repeat(self.name, 1, lambda: {
                "volley": self.change_all(sandbox, options, pair, server, workload.zones, told), "reference": RATE})
            after = used_bytes(server.processes)
            full = len(re.findall(rf"loaded \d+ of {zone_cnt} zones", server.control.log())) - 1
            if full:
                raise PerfError(f"{full} reloads of all zones: {server.control.log()[-2000:]}")
            result = summary(self.name, "changes/s", "200 changes a second", rounds, names=zone_cnt, start_seconds=round(started, 1),
                             memory_mib={"before": before >> 20, "after": after >> 20}, full_reloads=full, **told)
            server.stop()
            return result

    def change_all(self, sandbox, options, pair, server, zone_list, told):
        """Changes a second, of all."""
        by_file = zone_list[::BY_FILE_SHARE]
        by_update = [zone for idx, zone in enumerate(zone_list) if idx % BY_FILE_SHARE]
        times = self.change_files(Control(server.control_socket), by_file)
        told["by_file_ms"] = updates.percentiles(times)
        told["by_file_rate"] = round(1000 / statistics.mean(times))
        return self.update(sandbox, options, pair, by_update, told, sum(times) / 1000, len(by_file))

    def change_files(self, control, zone_list):
        """Milliseconds of each."""
        times = []
        for name, path in zone_list:
            changed = path.with_name("changed")
            changed.write_bytes(path.read_bytes().replace(b" hostmaster 1 ", b" hostmaster 2 ") + b"changed A 192.0.2.1\n")
            changed.rename(path)
            times.append(control.reload(name)[0] * 1000)
        return times

    def update(self, sandbox, options, pair, zone_list, told, seconds_before, cnt_before):
        """A signature holds for five minutes, so that the messages are made in several parts."""
        times, spent = [], 0.0
        made, file = updates.Messages(), sandbox.directory / "messages"
        part = 20_000
        for start in range(0, len(zone_list), part):
            chosen = zone_list[start:start + part]
            made.write(file, len(chosen), lambda _number, names=iter(chosen): (lambda zone: (zone, f"changed.{zone}"))(next(names)[0]))
            got, seconds, _ = updates.read(updates.start(sandbox, options, pair, file, 1, 3600).wait_end(END_SECONDS))
            if len(got) != len(chosen):
                raise PerfError(f"{len(got)} of {len(chosen)} zones were changed")
            times += got
            spent += seconds
            progress(f"{self.name}: {len(times)} updates, {len(times) / spent:.0f} a second")
        told["by_update_ms"] = updates.percentiles(times)
        told["by_update_rate"] = round(len(times) / spent)
        return (cnt_before + len(times)) / (seconds_before + spent)


CASES = [UpdateManyCase()]
