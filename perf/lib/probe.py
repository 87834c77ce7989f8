# SPDX-License-Identifier: GPL-3.0-or-later
"""perf/probe.c in the client's namespace: asks at a fixed rate, and what its samples tell."""

import array
import json
import math
import signal

from .sandbox import PerfError
from .volley import build_helper

# Longer than any case; whoever starts it ends it.
SECONDS_MAX = 3600


# A client whose own waiting must not be measured: before all else on its CPU, so it has to sleep.
FIRST = ("chrt", "-f", "1")


class Probe:
    def __init__(self, sandbox, build_dir, pair, question_list, rate, seconds, cpu=None, flags=()):
        """With a CPU it runs there before all else, so that its own waiting is not measured."""
        self.until_answer = "--until-answer" in flags
        self.samples = sandbox.directory / "samples"
        first = [*FIRST, "taskset", "-c", cpu] if cpu is not None else []
        command = [*first, build_helper(build_dir, "probe"), "--server", pair.SERVER_ADDRESS,
                   "--questions", question_list, "--rate", rate, "--seconds", seconds, *flags]
        self.command = [str(word) for word in command]
        self.process = sandbox.start([*pair.client.enter, *self.command,
                                      "--samples", self.samples])
        self.process.wait_for("asking", 60)

    def wait_end(self, timeout):
        return self.read(self.process.wait_end(timeout))

    def end(self):
        return self.read(self.process.end(signal.SIGTERM, 60))

    def read(self, log):
        """What the probe says of the whole run."""
        told = json.loads(log.splitlines()[-1])
        # a server that has not loaded its zone yet may say so
        if told["wrong"] and not self.until_answer:
            raise PerfError(f"{told['wrong']} answers were wrong, or came twice")
        return told

    def latencies_us(self, from_unix_ns=0, to_unix_ns=math.inf):
        """In order, of the queries sent in that time; and how many of those got no answer."""
        numbers = array.array("Q", self.samples.read_bytes())
        answered, lost = [], 0
        for sent_ns, latency_ns in zip(numbers[::2], numbers[1::2]):
            if not from_unix_ns <= sent_ns < to_unix_ns:
                continue
            if latency_ns:
                answered.append(latency_ns / 1000)
            else:
                lost += 1
        if not answered:
            raise PerfError("no query was answered")
        return sorted(answered), lost


def percentile(ordered, percent):
    """The value that `percent` of them are not above."""
    return ordered[math.ceil(len(ordered) * percent / 100) - 1]
