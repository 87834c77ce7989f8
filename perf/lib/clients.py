# SPDX-License-Identifier: GPL-3.0-or-later
"""Load generators on the client's end of a veth pair. Each returns the rate of answers, and what
else is to be told of the run, in a dictionary."""

import re

from .sandbox import PerfError

# More than a core sends: kxdpgun then goes as fast as it can.
KXDPGUN_QPS = 5_000_000
KXDPGUN_BATCH = 32


def find(pattern, log, program):
    match = re.search(pattern, log)
    if not match:
        raise PerfError(f"{program}: its output lacks {pattern!r}:\n{log}")
    return match


def start_kxdpgun(sandbox, pair, question_list, seconds, cpu, qps, first=(), flags=()):
    """first: words before the command. Below what it can do it sleeps between batches."""
    return sandbox.start([
        *pair.client.enter, *first, "kxdpgun", "-t", seconds, "-Q", qps, "-b", KXDPGUN_BATCH,
        "-F", cpu, "-I", pair.CLIENT_INTERFACE, *flags, "-i", question_list,
        pair.SERVER_ADDRESS])


def read_kxdpgun(log, rcode="NOERROR"):
    """Queries, replies and replies a second; an error if anything but that RCODE came back."""
    queries = int(find(r"total queries: +(\d+)", log, "kxdpgun").group(1))
    match = find(r"total replies: +(\d+) \((\d+) pps\)", log, "kxdpgun")
    replies, rate = int(match.group(1)), int(match.group(2))
    good = re.search(rf"responded {rcode}: +(\d+)", log)
    if replies == 0 or not good or int(good.group(1)) != replies:
        raise PerfError(f"kxdpgun: not every answer is a {rcode}:\n{log}")
    return queries, replies, rate


def kxdpgun(sandbox, pair, question_list, seconds, cpu, rcode="NOERROR"):
    """As fast as it can, answered or not: "asked" tells how fast that was."""
    process = start_kxdpgun(sandbox, pair, question_list, seconds, cpu, KXDPGUN_QPS)
    queries, _, rate = read_kxdpgun(process.wait_end(seconds + 30), rcode)
    return rate, {"asked": round(queries / seconds)}


def dnsperf(sandbox, pair, question_list, seconds, cpu):
    """As fast as answers come, up to 256 queries outstanding."""
    process = sandbox.start([
        *pair.client.enter, "taskset", "-c", cpu, "dnsperf", "-s", pair.SERVER_ADDRESS,
        "-d", question_list, "-l", seconds, "-e", "-c", 8, "-T", 1, "-q", 256])
    log = process.wait_end(seconds + 30)
    rate = float(find(r"Queries per second: +([\d.]+)", log, "dnsperf").group(1))
    lost = int(find(r"Queries lost: +(\d+)", log, "dnsperf").group(1))
    codes = find(r"Response codes: +(.*)", log, "dnsperf").group(1)
    if not re.fullmatch(r"NOERROR \d+ \(100\.00%\)", codes.strip()):
        raise PerfError(f"dnsperf: not every answer is a NOERROR: {codes}")
    return rate, {"lost": lost}
