# SPDX-License-Identifier: GPL-3.0-or-later
"""Volley itself: its build, its two programs, its counters."""

import json
import pathlib
import time

from .measure import progress
from .sandbox import PerfError, run_tool

SOURCE = pathlib.Path(__file__).resolve().parents[2]
READY_SECONDS = 900
WARM_UP_SECONDS = 1


def build(build_dir):
    """A release build in build_dir, made or brought up to date."""
    if not (build_dir / "build.ninja").exists():
        progress(f"setting up a release build in {build_dir}")
        run_tool("meson", "setup", "--buildtype=release", build_dir, SOURCE)
    progress("building")
    run_tool("ninja", "-C", build_dir)


class Volley:

    def __init__(self, sandbox, build_dir, ports, zones, cpus, more_flags=(), enter=()):
        """cpus: of control, which idles during a measurement, and of the lcore."""
        self.build_dir = build_dir
        directory = sandbox.directory
        self.control_socket = directory / "control.sock"
        dataplane_socket = directory / "dataplane.sock"
        config = directory / "volley.yaml"
        config.write_text(
            f"control:\n  socket: {self.control_socket}\n  state-dir: {directory}\n"
            f"dataplane:\n  socket: {dataplane_socket}\nzones:\n"
            + "".join(f"  - name: {name}\n    file: {path}\n" for name, path in zones),
            encoding="ascii")
        port_flags = [word for port in ports for word in ("--port", port)]
        control_cpu, lcore_cpu = cpus
        self.command = [str(word) for word in (
            build_dir / "dataplane" / "volley-dataplane", *port_flags,
            "--cpus", lcore_cpu, "--socket", dataplane_socket, *more_flags)]
        self.dataplane = sandbox.start([*enter, *self.command])
        self.dataplane.wait_for(r"\bready: ", READY_SECONDS)
        self.control = sandbox.start(["taskset", "-c", control_cpu,
                                      build_dir / "control" / "volley-control",
                                      "--config", config])
        self.control.wait_for(r"\bready: ", READY_SECONDS)
        zone_cnt = self.stats()["zone_cnt"]
        if zone_cnt != len(zones):
            raise PerfError(f"the dataplane serves {zone_cnt} of {len(zones)} zones:\n"
                            + self.control.log())

    def stats(self):
        return json.loads(run_tool(self.build_dir / "control" / "volleyctl", "--socket",
                                   self.control_socket, "--json", "stats"))

    def totals(self):
        return self.stats()["totals"]

    def measure(self, seconds, expect):
        """Answers in a second of the lcore's CPU time, and packets per burst; an error unless each
        answer is one that the counter `expect` counts (None: any NOERROR or NXDOMAIN)."""
        time.sleep(WARM_UP_SECONDS)
        before, cpu_before = self.dataplane.sample(self.totals)
        time.sleep(seconds)
        after, cpu_after = self.dataplane.sample(self.totals)
        grown = {name: after[name] - before[name] for name in after}
        check_counters(grown, expect)
        return (grown["tx_packets"] / (cpu_after - cpu_before),
                grown["rx_packets"] / grown["bursts"])

    def stop(self):
        self.control.stop()
        self.dataplane.stop()


def check_counters(grown, expect):
    sent = grown["tx_packets"]
    if expect is None:
        good = grown["rcode_noerror"] + grown["rcode_nxdomain"]
    else:
        good = grown[expect]
    # the counters of one lcore are read while it writes them, up to a burst apart
    if sent == 0 or abs(good - sent) > sent // 1000 or grown["rcode_refused"]:
        wrong = {name: value for name, value in grown.items() if value}
        raise PerfError(f"not every answer was as expected ({expect or 'NOERROR or NXDOMAIN'}):"
                        f" {json.dumps(wrong)}")
