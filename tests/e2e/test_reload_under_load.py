# SPDX-License-Identifier: GPL-3.0-or-later
"""A large zone is replaced again and again while it is queried: nothing is lost, nothing is mixed.

Two variants of the zone differ in serial and in every address. dnsperf runs at half of what it reached
before; beside it, a watcher asks for names with several records and looks into each answer.
"""
import os
import struct
import threading

import pytest

from ask import Dnsperf, open_client, serial
from volley import small_zone
from wire import dns_query

pytestmark = [pytest.mark.fast_path, pytest.mark.alone]

MEASURE_SECONDS = 3


def large_zone(path, number, names):
    """Variant `number`: each name has two addresses, which both carry the number."""
    with open(path, "w", encoding="ascii") as file:
        file.write(small_zone(number))
        octet = number % 250 + 1
        for start in range(0, names, 10_000):
            file.writelines(f"n{i:07} A 10.{octet}.{i >> 8 & 255}.{i & 255}\n A 11.{octet}.{i >> 8 & 255}.{i & 255}\n"
                            for i in range(start, min(start + 10_000, names)))


class Watcher(threading.Thread):
    """Asks as fast as it gets answers, and keeps what is wrong with them."""

    def __init__(self, network, names):
        super().__init__()
        self.client = open_client(network)
        self.names = names
        self.allowed = set()
        self.asked = self.answered = 0
        self.wrong = []
        self.ending = threading.Event()

    def run(self):
        number = 0
        while not self.ending.is_set():
            number = (number + 7919) % self.names
            # Read before the question leaves: it may rightly be answered by what was live then.
            allowed = frozenset(self.allowed)
            self.asked += 1
            self.client.send(dns_query(f"n{number:07}.large.test.", message_id=number & 0xffff))
            try:
                response = self.client.recv(512)
            except TimeoutError:
                self.wrong.append(f"n{number:07}: lost")
                continue
            self.answered += 1
            self.check(number, response, allowed | self.allowed)

    def check(self, number, response, allowed):
        if struct.unpack_from("!H", response)[0] != number & 0xffff or response[7] != 2:
            self.wrong.append(f"n{number:07}: {response.hex()}")
            return
        first, second = response[-20:-16] if len(response) > 40 else b"", response[-4:]
        if first[1:] != second[1:] or second[1] not in allowed:
            self.wrong.append(f"n{number:07}: {first.hex()} {second.hex()}, allowed {sorted(allowed)}")

    def stop(self):
        self.ending.set()
        self.join()
        self.client.close()


def replace_under_load(volley, tmp_path, note, names, times):
    variants = [tmp_path / f"variant{number}" for number in (0, 1)]
    for number, path in enumerate(variants):
        large_zone(path, number + 1, names)
    live = tmp_path / "live.zone"
    os.symlink(variants[0], live)
    volley.spare_clients()
    volley.add_zone("large.test.", file=live)
    volley.start()
    data = tmp_path / "queries"
    data.write_text("".join(f"n{i * 31 % names:07}.large.test. A\n" for i in range(10_000)))

    most = Dnsperf(volley.network, data, MEASURE_SECONDS).finish()
    watcher = Watcher(volley.network, names)
    watcher.allowed = {2}
    watcher.start()
    # Ended by a signal when the last replacement is done.
    perf = Dnsperf(volley.network, data, 3600, rate=int(most["rate"] / 2))
    try:
        for turn in range(times):
            number = (turn + 1) % 2
            # Both are allowed while the reload runs, only the new one once it has returned.
            watcher.allowed = {2, 3}
            os.replace(symlink(variants[number], tmp_path / "next"), live)
            volley.ctl("reload", "large.test.")
            assert serial(volley.network, "large.test.") == number + 1
            watcher.allowed = {number + 2}
    finally:
        watcher.stop()
        perf.interrupt()
    result = perf.finish()
    note(f"{names} names, {times} replacements: at {result['rate']:.0f} queries/s of {most['rate']:.0f}, "
         f"{result['sent']} sent, {result['lost']} lost, {watcher.answered} looked into")
    assert result["lost"] == 0
    assert result["completed"] + result["interrupted"] == result["sent"]
    assert not watcher.wrong, watcher.wrong[:10]
    assert watcher.answered == watcher.asked > 0


def symlink(target, path):
    os.symlink(target, path)
    return path


def test_hundred_thousand_names_replaced_five_times(volley, tmp_path, note):
    replace_under_load(volley, tmp_path, note, 100_000, 5)


@pytest.mark.heavy
def test_million_names_replaced_twenty_times(volley, tmp_path, note):
    replace_under_load(volley, tmp_path, note, 1_000_000, 20)
