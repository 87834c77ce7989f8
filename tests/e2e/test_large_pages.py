# SPDX-License-Identifier: GPL-3.0-or-later
"""Images on large pages (dataplane/base/large.h): a zone that nobody answered before is answered first; one that replaces
another has its large pages before."""
import mmap
import re
from pathlib import Path

import pytest

from ask import serial
from volley import small_zone, wait_until

TEST = "test."
# An image of some large pages.
NAMES = 100_000
MADV_COLLAPSE = 25
LARGE_PAGE = 2 << 20


@pytest.fixture
def kernel_collapses():
    """Linux 6.1 and later do, if they have transparent huge pages."""
    with mmap.mmap(-1, 2 * LARGE_PAGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        try:
            memory.write(b"x" * len(memory))
            memory.madvise(MADV_COLLAPSE)
        except OSError as error:
            pytest.skip(f"this kernel makes no large pages on demand: {error}")


def zone(number):
    return small_zone(number, *(f"h{i} A 192.0.2.1" for i in range(NAMES)))


def on_large_pages(volley):
    """Octets of memfds that the dataplane has mapped, and those on large pages."""
    mapped = large = 0
    is_image = False
    for line in Path(f"/proc/{volley.dataplane.pid}/smaps").read_text().splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            is_image = "memfd:volley-image" in line and "r--s" in line
        elif is_image and line.startswith("Size:"):
            mapped += int(line.split()[1]) << 10
        elif is_image and line.startswith("ShmemPmdMapped:"):
            large += int(line.split()[1]) << 10
    return mapped, large


def all_large(volley):
    mapped, large = on_large_pages(volley)
    return large >= LARGE_PAGE and mapped - large < LARGE_PAGE


def test_first_version_and_the_next(volley, kernel_collapses):
    volley.add_zone(TEST, zone(1))
    volley.start()
    assert serial(volley.network, TEST) == 1
    wait_until(lambda: all_large(volley), "the first version on large pages")
    volley.add_zone(TEST, zone(2))
    volley.ctl("reload")
    assert serial(volley.network, TEST) == 2
    assert all_large(volley), on_large_pages(volley)
