# SPDX-License-Identifier: GPL-3.0-or-later
"""Where and with what a case was measured: goes with each result."""

import datetime
import os
import pathlib
import re
import subprocess

from .volley import SOURCE


def first_line(*command):
    """Of what the command prints, wherever; None if there is no such command."""
    try:
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                              check=False)
    except OSError:
        return None
    return next(iter((done.stdout + done.stderr).splitlines()), None)


def version(*command):
    line = first_line(*command)
    found = re.search(r"\d+(\.\d+)+", line) if line else None
    return found.group() if found else None


def proc_field(path, name):
    found = re.search(rf"^{name}\s*:\s*(.*)$", pathlib.Path(path).read_text(encoding="ascii"), re.M)
    return found.group(1) if found else None


def huge_page_setting(name):
    text = pathlib.Path("/sys/kernel/mm/transparent_hugepage", name).read_text(encoding="ascii")
    return re.search(r"\[(\w+)\]", text).group(1)


def environment(options):
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
        "commit": first_line("git", "-C", SOURCE, "describe", "--always", "--dirty"),
        "cpu": proc_field("/proc/cpuinfo", "model name"),
        "cpus": len(os.sched_getaffinity(0)),
        "hypervisor": "hypervisor" in proc_field("/proc/cpuinfo", "flags").split(),
        "memory_mib": int(proc_field("/proc/meminfo", "MemTotal").split()[0]) // 1024,
        "kernel": os.uname().release,
        "huge_pages": options.huge_pages,
        "transparent_huge_pages": huge_page_setting("enabled"),
        "transparent_huge_pages_shmem": huge_page_setting("shmem_enabled"),
        "dpdk": version("pkg-config", "--modversion", "libdpdk"),
        "knot": version("knotd", "--version"),
        "nsd": version("nsd", "-v"),
    }
