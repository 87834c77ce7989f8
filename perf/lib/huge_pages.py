# SPDX-License-Identifier: GPL-3.0-or-later
"""Huge pages for the time of a case."""

import pathlib

from .sandbox import PerfError

PAGE_MIB = 2
RESERVED = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages")

# Of an mbuf, and of what EAL, ports and a small image want besides. Of a name's share of an image:
# generous, as delegations and small zones take more than hosts.
MBUF_BYTES = 4096
OTHER_MIB = 512
NAME_BYTES = 512


def need_mib(mbuf_cnt, name_cnt):
    return OTHER_MIB + (mbuf_cnt * MBUF_BYTES + name_cnt * NAME_BYTES) // (1 << 20)


def reserve(sandbox, mib):
    """Has the kernel reserve that many more, until the sandbox ends."""
    before = int(RESERVED.read_text())
    wanted = before + mib // PAGE_MIB
    sandbox.callback(RESERVED.write_text, f"{before}\n")
    RESERVED.write_text(f"{wanted}\n")
    got = int(RESERVED.read_text())
    if got < wanted:
        raise PerfError(f"the kernel reserves only {(got - before) * PAGE_MIB} of {mib} MiB in huge"
                        " pages: free some memory")
