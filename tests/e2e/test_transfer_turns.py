# SPDX-License-Identifier: GPL-3.0-or-later
"""Zones of one primary share connections; a primary that is dead does not hold up others; one that is away for a moment is
asked again soon."""
import socket

import pytest

from ask import serial
from net import CLIENT4
from primary import Primary, axfr, notify
from volley import own_network, wait_until

pytestmark = pytest.mark.release
SLOTS = 4
ZONES = [f"z{i}.test." for i in range(40)]
DEAD_PORT = 5300


@pytest.fixture(name="volley")
def _volley(tmp_path):
    with own_network(tmp_path) as volley:
        volley.be_secondary()
        volley.other_settings["transfers"] = {"in-max": SLOTS}
        yield volley


@pytest.fixture(name="source")
def _source(volley):
    made = Primary(volley.network.client)
    yield made
    made.stop()


def wait_for(volley, names, wanted):
    wait_until(lambda: all(serial(volley.network, name) == wanted for name in names),
               lambda: f"serial {wanted}; control says\n{volley.control.log()}")


def test_zones_share_connections(volley, source):
    """Also a refresh by TCP, with IXFR; and those whose primary closes each connection after one transfer."""
    closing = ZONES[:5]
    for name in ZONES:
        source.serials[name] = 1
        volley.add_secondary(name, ["primary"])
    volley.start()
    wait_for(volley, ZONES, 1)
    assert source.connection_cnt <= SLOTS
    for name in closing:
        source.serials[name] = 2
        source.answers[name] = lambda asked, name=name: axfr(asked, name, 2)
        notify(volley.network, name, 2)
    wait_for(volley, closing, 2)
    assert "failed" not in volley.control.log() and "broke off" not in volley.control.log()


def test_a_used_connection_that_answers_another_query_is_no_failure(volley, source):
    stray, used = ZONES[:2]
    for name in (stray, used):
        source.serials[name] = 1
        volley.add_secondary(name, ["primary"])
    volley.start()
    wait_for(volley, (stray, used), 1)
    before = source.connection_cnt

    def answer(asked):
        if source.connection_cnt == before:
            asked.id ^= 1
        return axfr(asked, stray, 2)
    source.answers[stray] = answer
    source.serials[stray] = 2
    notify(volley.network, stray, 2)
    wait_for(volley, (stray,), 2)
    assert "warning: zone" not in volley.control.log()


def test_a_dead_primary_does_not_hold_up_others(volley, source):
    volley.other_settings["remotes"].append({"name": "dead", "address": [f"{CLIENT4}@{DEAD_PORT}"]})
    source.serials = {name: 1 for name in ZONES[:5]}
    for name in ZONES[5:]:
        volley.add_secondary(name, ["dead"])
    for name in ZONES[:5]:
        volley.add_secondary(name, ["primary"])
    with volley.network.client.entered():
        dead = socket.create_server((CLIENT4, DEAD_PORT))  # that nobody accepts from
    with dead:
        volley.start()
        wait_for(volley, ZONES[:5], 1)

        def running():
            return [entry for entry in volley.ctl_json("transfers")["transfers"] if entry["zone"] in ZONES[5:]]

        wait_until(lambda: len(running()) == SLOTS // 2, lambda: f"half of the places are used: {running()}")


def test_a_primary_that_is_away_for_a_moment_is_asked_again_soon(volley, source):
    """The SOA's retry time is 600 s."""
    name = ZONES[0]
    source.serials[name] = 1
    volley.add_secondary(name, ["primary"])
    volley.start()
    wait_for(volley, [name], 1)
    source.pause()
    asked = len(source.queries)
    source.serials[name] = 2
    notify(volley.network, name, 2)
    wait_until(lambda: len(source.queries) > asked + 1, "it is asked, and asked again")
    source.resume()
    wait_for(volley, [name], 2)
