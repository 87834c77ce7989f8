# SPDX-License-Identifier: GPL-3.0-or-later
"""What a change costs beside very many zones that do not change.

The reference is the time that it may take. A dataplane is connected, on one end of a veth pair, and a
reload has ended when its lcore answers from the new zones.
"""

import json
import socket
import statistics
import time

from . import zones
from .measure import progress, repeat, summary
from .sandbox import PerfError, Sandbox, VethPair
from .volley import Volley, page_flags

IDLE_ZONES = 200_000
ONE_ZONES = 1_000_000

IDLE_SECONDS = 1.0
ONE_MILLISECONDS = 10.0

# In one round; each changes another zone.
RELOADS = 200

# From the last write of the image cache on it leaves time for this many reloads and more.
SETTLE_SECONDS = 2


class Control:
    """The control socket, as volleyctl uses it but without a process for each request."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.answers = self.socket.makefile("rb")

    def ask(self, request):
        """The answer at the end of a command."""
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        while "ok" not in (answer := json.loads(self.answers.readline())):
            pass
        if not answer["ok"]:
            raise PerfError(f"{request['command']} failed: {json.dumps(answer)[:500]}")
        return answer

    def reload(self, *names):
        """Seconds, and the answer."""
        start = time.monotonic()
        answer = self.ask({"command": "reload"} | ({"zones": list(names)} if names else {}))
        return time.monotonic() - start, answer


class ChangesCase:
    digits = 2

    def run(self, options):
        zone_cnt = options.zones or options.names or self.zone_cnt
        with Sandbox() as sandbox:
            progress(f"{self.name}: writing {zone_cnt} zone files")
            workload = zones.make_zone_files(options.directory, options.seed, zone_cnt, 1)
            pair = VethPair(sandbox)
            server = Volley(sandbox, options.build_dir, [f"af_xdp:{pair.SERVER_INTERFACE}"],
                            workload.zones, None, page_flags(options), pair.server.enter,
                            sandbox.directory / "state")
            server.control.wait_for(r"image cache: stored", 600)
            time.sleep(SETTLE_SECONDS)
            control = Control(server.control_socket)
            self.start(control, workload.zones)
            rounds = repeat(self.name, options.pairs, lambda: {
                "volley": self.measure(control), "reference": self.limit})
            result = summary(self.name, self.unit, self.reference_name, rounds, self.digits,
                             names=zone_cnt, **self.more())
            server.stop()
            return result

    def more(self):
        return {}


class ReloadIdleCase(ChangesCase):
    name = "reload-idle"
    summary = "volleyctl reload with 200,000 zone files, none of which has changed; against a second"
    zone_cnt = IDLE_ZONES
    unit, limit, reference_name = "s", IDLE_SECONDS, "a second"

    def start(self, control, zone_list):
        del zone_list
        control.reload()

    def measure(self, control):
        seconds, answer = control.reload()
        if answer["unchanged"] != answer["zones"]:
            raise PerfError(f"{answer['unchanged']} of {answer['zones']} zones are unchanged")
        return seconds


class ReloadOneCase(ChangesCase):
    name = "reload-one"
    summary = "volleyctl reload ZONE, one of a million whose file has changed; against 10 ms"
    zone_cnt = ONE_ZONES
    unit, limit, reference_name = "ms", ONE_MILLISECONDS, "10 ms"

    def start(self, control, zone_list):
        del control
        self.zones, self.at, self.all = zone_list, 0, []

    def measure(self, control):
        """Milliseconds, the median."""
        times = []
        for _ in range(RELOADS):
            name, path = self.zones[self.at * 7919 % len(self.zones)]
            self.at += 1
            changed = path.with_name("changed")
            changed.write_bytes(path.read_bytes() + b"changed A 192.0.2.1\n")
            changed.rename(path)
            times.append(control.reload(name)[0] * 1000)
        self.all += times
        return statistics.median(times)

    def more(self):
        ordered = sorted(self.all)
        return {"reloads": len(ordered), "p99": round(ordered[len(ordered) * 99 // 100], 2),
                "longest": round(ordered[-1], 2)}


CASES = [ReloadIdleCase(), ReloadOneCase()]
