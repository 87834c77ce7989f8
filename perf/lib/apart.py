# SPDX-License-Identifier: GPL-3.0-or-later
"""A CPU for an lcore alone, as where CPUs are set apart for them: whatever else may move shares the client's CPU. A client
would have a machine of its own, so it runs before what else is on its CPU (FIRST_ON_CPU)."""

import contextlib
import os
import pathlib
import re

FIRST_ON_CPU = ("chrt", "-f", 1)

# About what CPUWeight=20 is, in the kernel's nice values: 215 beside 1024.
NICE = 7

UNBOUND_WORK = pathlib.Path("/sys/devices/virtual/workqueue/cpumask")


def lower(pid):
    """Gives a process the share of a busy CPU that NICE says. Its session is a group of its own
    where the kernel makes one of each, so that its threads' nice values count only among them."""
    group = pathlib.Path(f"/proc/{pid}/autogroup")
    if group.exists():
        group.write_text(f"{NICE}\n")
    for thread in os.listdir(f"/proc/{pid}/task"):
        os.setpriority(os.PRIO_PROCESS, int(thread), NICE)


def bind_lcores(dataplane, cpu):
    """Puts the lcores of a dataplane that was started without CPUs on one."""
    for thread in pathlib.Path(f"/proc/{dataplane.popen.pid}/task").iterdir():
        if re.match(r"rte-worker-\d+", (thread / "comm").read_text()):
            set_affinity(int(thread.name), {cpu})


def set_apart(sandbox, cpu):
    """What may run on `cpu` and others keeps to it until the sandbox ends, and so does what it
    starts."""
    before = {thread: affinity(thread) for thread in all_threads()}
    bound = {thread for thread, cpus in before.items() if len(cpus) <= 1}
    sandbox.callback(set_free, cpu, bound, os.sched_getaffinity(0))
    for thread in before.keys() - bound:
        set_affinity(thread, {cpu})
    for mask in (UNBOUND_WORK, *pathlib.Path("/proc/irq").glob("*/smp_affinity")):
        with contextlib.suppress(OSError):
            set_mask(sandbox, mask, f"{1 << cpu:x}")


def set_free(cpu, bound, cpus):
    """Of what keeps to `cpu`, all but threads that were bound before."""
    for thread in all_threads():
        if thread not in bound and affinity(thread) == {cpu}:
            set_affinity(thread, cpus)


def all_threads():
    return [int(path.name) for path in pathlib.Path("/proc").glob("[0-9]*/task/[0-9]*")]


def affinity(thread):
    try:
        return os.sched_getaffinity(thread)
    except ProcessLookupError:
        return set()


def set_affinity(thread, cpus):
    # some of the kernel's can't be moved, and a thread may have ended
    with contextlib.suppress(OSError):
        os.sched_setaffinity(thread, cpus)


def set_mask(sandbox, path, mask):
    before = path.read_text()
    path.write_text(mask)
    sandbox.callback(path.write_text, before)
