# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory and rest of a server's processes."""

import os
import pathlib
import time

from .sandbox import PerfError

# Allocators give memory back some time after the work is done: jemalloc over ten seconds.
SETTLED_SAMPLES = 12
SAMPLE_SECONDS = 1
SETTLED_SHARE = 0.01
SETTLE_SECONDS = 300

HUGE_PAGE_BYTES = 2 << 20


def session(pid):
    """pid and whoever descends from it: a sandbox starts each program in a session of its own."""
    pids = []
    for directory in pathlib.Path("/proc").iterdir():
        if directory.name.isdigit():
            try:
                if os.getsid(int(directory.name)) == pid:
                    pids.append(int(directory.name))
            except ProcessLookupError:
                pass
    return pids


def rollup(pid):
    """Fields of smaps_rollup in octets."""
    fields = {}
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, kib, _ = line.split()
        fields[name.rstrip(":")] = int(kib) * 1024
    return fields


def memfds(pid):
    """Octets in each memfd that the process has open, by inode; apart, those in huge pages."""
    sizes = ({}, {})
    for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            if os.readlink(fd).startswith("/memfd:"):
                status = fd.stat()
                is_huge = status.st_blksize == HUGE_PAGE_BYTES
                sizes[is_huge][status.st_dev, status.st_ino] = status.st_blocks * 512
        except FileNotFoundError:
            pass
    return sizes


def used_bytes(processes):
    """Of all processes in sum, each page once: what each has for itself, and its share of what is
    mapped by several. Pages of a memfd count when nobody maps them, too, and huge pages."""
    private = shared = huge_private = huge_shared = 0
    held, held_huge = {}, {}
    for pid in (pid for process in processes for pid in session(process.popen.pid)):
        fields = rollup(pid)
        private += fields["Pss"] - fields["Pss_Shmem"]
        shared += fields["Pss_Shmem"]
        huge_private += fields["Private_Hugetlb"]
        # all of it again in each process that maps it
        huge_shared = max(huge_shared, fields["Shared_Hugetlb"])
        for known, found in zip((held, held_huge), memfds(pid)):
            known |= found
    return (private + max(shared, sum(held.values()))
            + max(huge_private + huge_shared, sum(held_huge.values())))


def busy_seconds(processes):
    """CPU time that they have had, but for an lcore's: it is never done."""
    ticks = 0
    for pid in (pid for process in processes for pid in session(process.popen.pid)):
        for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
            name, _, rest = (thread / "stat").read_text().partition(")")
            if "rte-worker" not in name:
                ticks += sum(map(int, rest.split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def settle(processes):
    """Waits until they do nothing and their memory stands still; returns that."""
    samples = []
    busy = []
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        samples.append(used_bytes(processes))
        busy.append(busy_seconds(processes))
        last = samples[-SETTLED_SAMPLES:]
        if (len(last) == SETTLED_SAMPLES and max(last) - min(last) <= SETTLED_SHARE * max(last)
                and busy[-1] - busy[-SETTLED_SAMPLES] < SETTLED_SAMPLES * SAMPLE_SECONDS / 10):
            return samples[-1]
        time.sleep(SAMPLE_SECONDS)
    raise PerfError(f"memory still changes after {SETTLE_SECONDS} seconds:"
                    f" {samples[-SETTLED_SAMPLES:]}")
