# SPDX-License-Identifier: GPL-3.0-or-later
"""The clock of the machine is set back or forth: what is served, what is kept and what operators set must bear it."""
import os
import struct
import subprocess

import pytest

from ask import serial
from volley import small_zone

pytestmark = [pytest.mark.fast_path, pytest.mark.release]

DAY = 24 * 60 * 60
# Stands between volley-control and the time of day; the offset is in a file, so that it changes while it runs.
SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

static int64_t offset(void)
{
	static volatile const int64_t *at;
	if (!at)
		at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, open(getenv("CLOCK_OFFSET"), O_RDONLY | O_CLOEXEC), 0);
	return *at;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	static int (*real)(clockid_t, struct timespec *);
	if (!real)
		real = dlsym(RTLD_NEXT, "clock_gettime");
	int result = real(clock, now);
	if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
		now->tv_sec += offset();
	return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec exact;
	(void)zone;
	clock_gettime(CLOCK_REALTIME, &exact);
	now->tv_sec = exact.tv_sec;
	now->tv_usec = exact.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *at)
{
	struct timespec exact;
	clock_gettime(CLOCK_REALTIME, &exact);
	if (at)
		*at = exact.tv_sec;
	return exact.tv_sec;
}
"""


class Clock:
    """What volley-control takes for the time of day."""

    def __init__(self, directory):
        self.library, self.file = directory / "clock.so", directory / "clock-offset"
        source = directory / "clock.c"
        source.write_text(SHIM)
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", self.library, source, "-ldl"], check=True)
        self.file.write_bytes(bytes(4096))

    def set(self, seconds):
        with open(self.file, "r+b") as file:
            file.write(struct.pack("=q", seconds))

    def environment(self):
        sanitizer = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
        return sanitizer | {"LD_PRELOAD": str(self.library), "CLOCK_OFFSET": str(self.file)}


@pytest.fixture
def clock(tmp_path):
    return Clock(tmp_path)


@pytest.fixture
def served(volley, clock):
    volley.keep_state()
    volley.add_zone("test.", small_zone(1))
    volley.control_environment = clock.environment()
    return volley.start()


def change(volley, number):
    volley.zone_file("test.").write_text(small_zone(number))
    volley.ctl("reload")
    assert serial(volley.network, "test.") == number


def entries(volley):
    return [each["prefix"] for each in volley.ctl_json("defence", "show")["prefixes"]["entries"]]


FIRST, SECOND = "198.51.100.7", "203.0.113.7"


def test_the_clock_is_the_one_that_is_set(served, clock):
    """Else the other tests prove nothing."""
    uptime = served.ctl_json("status")["control"]["uptime_s"]
    assert uptime < DAY
    clock.set(10 * DAY)
    served.ctl("defence", "deny", "198.51.100.0/24", "--for", "1h")
    (entry,) = served.ctl_json("defence", "show")["prefixes"]["entries"]
    assert entry["until"] > os.stat(served.config).st_mtime + 9 * DAY


@pytest.mark.parametrize("seconds", [-DAY, DAY, -3650 * DAY], ids=["a day back", "a day on", "ten years back"])
def test_clock_is_set_while_control_runs(served, clock, seconds):
    served.ctl("defence", "deny", "198.51.100.0/24")
    clock.set(seconds)
    change(served, 2)
    served.ctl("defence", "deny", "203.0.113.0/24")
    assert served.denies(FIRST) and served.denies(SECOND)
    clock.set(0)
    change(served, 3)
    served.ctl("defence", "forget", "203.0.113.0/24")
    assert served.denies(FIRST) and not served.denies(SECOND)


@pytest.mark.parametrize("how", ["stop", "kill"])
@pytest.mark.parametrize("seconds", [-DAY, DAY, -3650 * DAY], ids=["a day back", "a day on", "ten years back"])
def test_control_starts_at_another_time(served, clock, seconds, how):
    """The dataplane has lived on, and takes what comes from an earlier time."""
    served.ctl("defence", "deny", "198.51.100.0/24")
    change(served, 2)
    for offset in (seconds, 0):
        getattr(served.control, how)()
        clock.set(offset)
        served.start_control()
        served.wait_for_connection()
        assert serial(served.network, "test.") == 2
        assert entries(served) == ["198.51.100.0/24"]
        assert served.denies(FIRST)
        served.ctl("defence", "deny", "203.0.113.0/24")
        assert served.denies(SECOND)
        served.ctl("defence", "forget", "203.0.113.0/24")
        assert not served.denies(SECOND)
        assert serial(served.network, "test.") == 2
    change(served, 3)
    served.ctl("defence", "forget", "198.51.100.0/24")
    assert not served.denies(FIRST)


def test_denial_that_ends_while_control_is_down(served, clock):
    """An hour has passed at the next start; then the clock is set right, and nothing comes back."""
    served.ctl("defence", "deny", "198.51.100.0/24", "--for", "1h")
    assert served.denies(FIRST)
    served.control.stop()
    clock.set(2 * 60 * 60)
    served.start_control()
    served.wait_for_connection()
    assert entries(served) == [] and not served.denies(FIRST)
    served.control.stop()
    clock.set(0)
    served.start_control()
    served.wait_for_connection()
    assert entries(served) == [] and not served.denies(FIRST)
