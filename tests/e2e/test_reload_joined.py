# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests for reloads that have not begun are served by one, and everybody who asked gets an answer."""
import os
import re
import signal
import subprocess
import time

import pytest

from ask import serial
from volley import VOLLEYCTL, environment, small_zone, wait_until

BIG = "big.test."
SMALL = "small.test."
OTHER = "other.test."
# A reload takes long enough for others to be asked for meanwhile.
NAMES = 300_000


def big_zone(number):
    return small_zone(number, f"$GENERATE 1-{NAMES} h$ A 192.0.2.1")


@pytest.fixture
def served(volley):
    volley.add_zone(BIG, big_zone(1))
    volley.add_zone(SMALL, small_zone(1))
    volley.add_zone(OTHER, small_zone(1))
    return volley.start()


def loads(volley, cnt=3):
    """How many reloads of everything have ended."""
    return len(re.findall(rf"loaded \d+ of {cnt} zones?", volley.control.log()))


def ask(volley, *names):
    return subprocess.Popen([VOLLEYCTL, "--socket", str(volley.control_socket), "reload", *names], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment())


def pending(volley):
    return volley.ctl_json("status")["control"]["reloads_pending"]


def begin(volley):
    """One that runs from now on, of the big zone alone."""
    running = ask(volley, BIG)
    deadline = time.monotonic() + 60
    while pending(volley) != 1:
        assert time.monotonic() < deadline
        assert running.poll() is None, "too fast for this test"
    return running


def wait_until_pending(volley, cnt):
    wait_until(lambda: pending(volley) == cnt, f"{cnt} pending")


def test_many_signals(served):
    """200 of them make one reload wait, and a zone asked for then waits for two reloads at most."""
    running = begin(served)
    most = 0
    for number in range(200):
        os.kill(served.control.pid, signal.SIGHUP)
        if number % 20 == 19:
            most = max(most, pending(served))
    assert most == 2
    before = loads(served)
    served.zone_file(SMALL).write_text(small_zone(2))
    served.ctl("reload", SMALL)
    assert serial(served.network, SMALL) == 2
    assert loads(served) - before <= 2
    wait_until_pending(served, 0)
    assert running.wait(60) == 0
    assert serial(served.network, SMALL) == 2


def test_everybody_gets_an_answer(served):
    """What was asked for while another reload ran is read once, and by then the files are those of before the request."""
    running = begin(served)
    before = loads(served)
    served.zone_file(SMALL).write_text(small_zone(5))
    served.zone_file(OTHER).write_text("broken\n")
    everything = [ask(served) for _ in range(8)]
    wait_until_pending(served, 2)
    small, other = ask(served, SMALL), ask(served, OTHER)
    assert running.wait(60) == 0
    said = [process.communicate(timeout=60)[0] for process in everything]
    assert all(process.returncode == 1 for process in everything)
    assert all(f"{served.zone_file(OTHER)}:1" in text and "1 of 3 zones did not load" in text for text in said)
    assert "loaded 1 of 1 zone, 3 records" in small.communicate(timeout=60)[0] and small.returncode == 0
    other_said = other.communicate(timeout=60)[0]
    assert other.returncode == 1 and "1 of 1 zone did not load" in other_said and SMALL not in other_said
    assert loads(served) - before < 8
    assert serial(served.network, SMALL) == 5 and serial(served.network, OTHER) == 1


def test_same_zone(served):
    running = begin(served)
    served.zone_file(SMALL).write_text(small_zone(7))
    before = loads(served, 1)
    asked = [ask(served, SMALL) for _ in range(10)]
    wait_until_pending(served, 2)
    assert running.wait(60) == 0
    assert [process.wait(60) for process in asked] == [0] * 10
    assert serial(served.network, SMALL) == 7
    # the running one, and then one or, for those who came later than it began, a few
    assert loads(served, 1) - before < 10


def test_broken_configuration(served):
    """It is no reason not to read a zone: who asked for that gets it."""
    running = begin(served)
    served.zone_file(SMALL).write_text(small_zone(9))
    good = served.config.read_text()
    served.config.write_text(good + "surprise: 1\n")
    everything = ask(served)
    wait_until_pending(served, 2)
    small, unknown = ask(served, SMALL), ask(served, "nobody.test.")
    assert running.wait(60) == 0
    assert everything.wait(60) == 1 and "surprise" in everything.stdout.read()
    assert small.wait(60) == 0
    assert unknown.wait(60) == 1 and "nobody.test." in unknown.stdout.read()
    assert serial(served.network, SMALL) == 9
    wait_until_pending(served, 0)
