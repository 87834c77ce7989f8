# SPDX-License-Identifier: GPL-3.0-or-later
"""perf/placement.c: whether two CPUs have a core each, with a cache in common, as they have where a
machine is one's own. A hypervisor moves them: within seconds they may share one core, or be far
from each other. What is measured meanwhile tells of that, and not of the servers."""

import json
import statistics
import time

from .sandbox import run_tool
from .volley import build_helper

# Seen on a virtual machine (AMD EPYC): two that share a core have 0.51 to 0.58 of its speed each,
# others about 1; a line that stays below a common cache takes 22 to 47 ns, others 119 to 170.
SPEED_MIN = 0.75
LINE_NS_MAX = 90

# It comes and goes in phases of up to some ten seconds.
PATIENCE_SECONDS = 60
LOOK_SECONDS = 0.2


class Placement:
    """Counts the runs that it repeated, and those that it let pass when its patience was at its
    end. With CPUs that were never near each other it has none any more: that machine is so."""

    def __init__(self, build_dir, cpus):
        self.command = [build_helper(build_dir, "placement"), *cpus]
        self.patience = PATIENCE_SECONDS
        self.near = 0
        self.repeated = 0
        self.elsewhere = 0

    def is_near(self):
        rounds = [json.loads(line) for line in run_tool(*self.command).splitlines()]
        speed, line_ns = (statistics.median(values[name] for values in rounds)
                          for name in ("speed", "line_ns"))
        return speed >= SPEED_MIN and line_ns <= LINE_NS_MAX

    def measure(self, run):
        """run(), until the CPUs were near each other both before and after it."""
        deadline = time.monotonic() + self.patience
        while self.wait_near(deadline):
            result = run()
            if self.is_near():
                self.near += 1
                return result
            self.repeated += 1
        self.elsewhere += 1
        if self.near == 0:
            self.patience = 0
        return run()

    def wait_near(self, deadline):
        while time.monotonic() <= deadline:
            if self.is_near():
                return True
            time.sleep(LOOK_SECONDS)
        return False

    def tell(self):
        return {"runs_repeated": self.repeated, "runs_elsewhere": self.elsewhere}
