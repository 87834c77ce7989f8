# SPDX-License-Identifier: GPL-3.0-or-later
"""Volley itself: its build, its two programs, its counters."""

import json
import pathlib
import time

from .measure import progress
from .memory import busy_seconds
from .sandbox import PerfError, run_tool

SOURCE = pathlib.Path(__file__).resolve().parents[2]
READY_SECONDS = 3600
REST_SECONDS = 0.5

# What is measured is the path, and one host asks all questions, unless a case is about the defence.
NO_DEFENCE = """defence:
  source-rate:
    mode: off
  unserved-rate: 0
  reflector-ports: [none]
  responses:
    mode: off
  cookies:
    mode: off
"""
WARM_UP_SECONDS = 1


def build(build_dir):
    """A release build in build_dir, made or brought up to date, and the packages of all cases."""
    run_tool(SOURCE / "config" / "install-packages", "build", "run", "test", "peer", "perf")
    if not (build_dir / "build.ninja").exists():
        progress(f"setting up a release build in {build_dir}")
        run_tool("meson", "setup", "--buildtype=release", build_dir, SOURCE)
    progress("building")
    run_tool("ninja", "-C", build_dir)


def build_helper(build_dir, name):
    """perf/<name>.c, which is no part of a plain build; returns the program."""
    run_tool("ninja", "-C", build_dir, f"perf/{name}")
    return build_dir / "perf" / name


def page_flags(options):
    return ["--huge-pages", "auto" if options.huge_pages else "off"]


class Volley:

    def __init__(self, sandbox, build_dir, ports, zones, cpus=None, more_flags=(), enter=(),
                 state_dir=None, wait=True, defence=NO_DEFENCE, zone_settings="", enter_control=()):
        """cpus: of control, which idles during a measurement, and of the lcores (a number, or text
        such as "0,1"); None leaves both where the kernel puts them. Without `wait` both programs
        are but started. `defence` is that section of the configuration, "" for the defaults. A zone whose
        path is None has no file. `enter_control`: words before volley-control's command, if it connects to
        other servers."""
        self.build_dir = build_dir
        self.zone_cnt = len(zones)
        directory = sandbox.directory
        self.control_socket = directory / "control.sock"
        dataplane_socket = directory / "dataplane.sock"
        config = directory / "volley.yaml"
        config.write_text(
            f"control:\n  socket: {self.control_socket}\n  state-dir: {state_dir or directory}\n"
            f"dataplane:\n  socket: {dataplane_socket}\n{defence}zones:\n"
            + "".join(f"  - name: {name}\n" + (f"    file: {path}\n" if path else "") + zone_settings
                      for name, path in zones),
            encoding="ascii")
        port_flags = [word for port in ports for word in ("--port", port)]
        cpu_flags = ["--cpus", cpus[1]] if cpus else []
        pin_control = ["taskset", "-c", cpus[0]] if cpus else []
        self.command = [str(word) for word in (
            build_dir / "dataplane" / "volley-dataplane", *port_flags, *cpu_flags,
            "--socket", dataplane_socket, *more_flags)]
        self.dataplane = sandbox.start([*enter, *self.command])
        if wait:
            self.dataplane.wait_for(r"\bwaiting for zones: ", READY_SECONDS)
        self.control = sandbox.start([*enter_control, *pin_control, build_dir / "control" / "volley-control",
                                      "--config", config])
        self.processes = [self.dataplane, self.control]
        if wait:
            self.wait_ready()

    def wait_ready(self):
        self.control.wait_for(r"\bready: ", READY_SECONDS)
        zone_cnt = self.stats()["zone_cnt"]
        if zone_cnt != self.zone_cnt:
            raise PerfError(f"the dataplane serves {zone_cnt} of {self.zone_cnt} zones:\n"
                            + self.control.log())
        self.wait_large_pages()

    def wait_large_pages(self):
        """The dataplane answers first, and puts its images on large pages then."""
        deadline = time.monotonic() + READY_SECONDS
        busy = busy_seconds([self.dataplane])
        while time.monotonic() < deadline:
            time.sleep(REST_SECONDS)
            before, busy = busy, busy_seconds([self.dataplane])
            if busy - before < REST_SECONDS / 10:
                return
        raise PerfError(f"the dataplane does not come to rest within {READY_SECONDS} seconds")

    def ask_control(self, *words):
        """volleyctl's command line and what it prints, in JSON."""
        return run_tool(self.build_dir / "control" / "volleyctl", "--socket", self.control_socket,
                        "--json", *words)

    def stats(self):
        return json.loads(self.ask_control("stats"))

    def totals(self):
        return self.stats()["totals"]

    def measure(self, seconds, expect, warm_up=WARM_UP_SECONDS):
        """Answers in a second of CPU time, summed over the lcores, and packets per burst; an error
        unless each answer is one that the counter `expect` counts (None: any NOERROR or
        NXDOMAIN)."""
        time.sleep(warm_up)
        before, cpu_before = self.dataplane.sample(self.stats)
        time.sleep(seconds)
        after, cpu_after = self.dataplane.sample(self.stats)
        grown = {name: after["totals"][name] - before["totals"][name] for name in after["totals"]}
        check_counters(grown, expect)
        rate = sum((b["counters"]["tx_packets"] - a["counters"]["tx_packets"]) / (cpu_b - cpu_a)
                   for a, b, cpu_a, cpu_b in zip(before["lcores"], after["lcores"],
                                                 cpu_before, cpu_after))
        return rate, grown["rx_packets"] / grown["bursts"]

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
