# SPDX-License-Identifier: GPL-3.0-or-later
"""volley-control is killed at any moment of transfers in: the zone afterwards is one that its primary had, whole."""
import random
import re
import time

import dns.rcode
import dns.rdatatype
import pytest

from ask import serial
from primary import Primary, message, notify, records, soa
from volley import own_network, wait_until

ZONE = "k.test."
NAMES = 200


def version(number):
    """All records but the SOA; each name has its text."""
    return records(ZONE, "@ NS ns", "ns A 192.0.2.1", *(f"n{i} TXT {number}" for i in range(NAMES)))


class Growing:
    """Answers for the newest version: IXFR from the one before, or AXFR."""

    def __init__(self, network):
        self.number, self.only_axfr = 1, False
        self.primary = Primary(network.client)
        self.primary.serials[ZONE] = 1
        self.primary.answers[ZONE] = self.answer

    def answer(self, asked):
        number = self.number
        first = soa(ZONE, number)
        if asked.question[0].rdtype == dns.rdatatype.IXFR and not self.only_axfr:
            ours = asked.authority[0][0].serial
            if ours == number:
                return [message(asked, first)]
            steps = [part for at in range(ours, number)
                     for part in (soa(ZONE, at), *version(at)[2:], soa(ZONE, at + 1), *version(at + 1)[2:])]
            return [message(asked, first), message(asked, *steps), message(asked, first)]
        return [message(asked, first), message(asked, *version(number)), message(asked, first)]

    def grow(self):
        self.number += 1
        self.primary.serials[ZONE] = self.number


def exported(volley):
    """The serial and the set of texts of the zone as it is in the store."""
    text = volley.ctl("zone", "export", ZONE).stdout
    texts = re.findall(r'TXT\s+"?(\d+)"?', text)
    assert len(texts) == NAMES, text[:2000]
    return int(re.search(r"SOA\s+\S+\s+\S+\s+(\d+)", text)[1]), set(map(int, texts))


@pytest.mark.release
@pytest.mark.parametrize("kills", [1, pytest.param(100, marks=pytest.mark.heavy)])
def test_kills_leave_a_whole_zone(tmp_path, kills):
    rng = random.Random(kills)
    with own_network(tmp_path) as volley:
        volley.be_secondary()
        growing = Growing(volley.network)
        volley.add_secondary(ZONE, ["primary"])
        volley.start()
        wait_until(lambda: serial(volley.network, ZONE) == 1, "the first transfer")
        seen = 1
        for kill in range(kills):
            growing.only_axfr = kill % 2 == 1
            for _ in range(rng.randint(1, 3)):
                growing.grow()
                assert notify(volley.network, ZONE) == dns.rcode.NOERROR
                time.sleep(rng.uniform(0, 0.02))  # of a transfer, which takes that long
            volley.control.kill()
            growing.primary.pause()
            volley.start_control()
            volley.wait_for_connection()
            found, texts = exported(volley)
            assert texts == {found}
            assert seen <= found <= growing.number
            wait_until(lambda found=found: serial(volley.network, ZONE) == found, "what is on disk is answered")
            seen = found
            growing.primary.resume()
        wait_until(lambda: notify(volley.network, ZONE) == dns.rcode.NOERROR and
                   serial(volley.network, ZONE) == growing.number, "the newest version")
        growing.primary.stop()
