# SPDX-License-Identifier: GPL-3.0-or-later
"""Volley and its peers, with the same zones, side by side."""
import time

import exchange
import peers
import questions
from net import SERVER4, Network
from volley import Volley
from zonegen import Record, Zone

SENTINEL_ZONE = Zone("sentinel.test.", [
    Record("sentinel.test.", 60, "SOA", "ns.sentinel.test. host.sentinel.test. 1 7200 3600 1209600 60"),
    Record("sentinel.test.", 60, "NS", "out.side.invalid.")])
SENTINEL = questions.message(questions.wire_name(SENTINEL_ZONE.origin), 6)
OURS = "volley"


class World:
    """All four servers on the zones of some families, until close()."""

    def __init__(self, directory, families):
        self.directory, self.families = directory, families
        self.serial = 1
        self.files = {}
        for zone in self.zones() + [SENTINEL_ZONE]:
            self.files[zone.origin] = directory / f"{len(self.files)}.zone"
        self.write()
        self.peers = peers.Peers(directory)
        self.volley = Volley(Network(), directory)
        self.volley.spare_clients()
        # as the peers are configured; tests/e2e/test_guard.py is about them
        self.volley.other_settings["defence"]["cookies"] = {"mode": "off"}
        self.udp = {}
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self):
        self.peers.start(list(self.files.items()))
        self.volley.zones = dict(self.files)
        self.volley.start()
        self.servers = {OURS: (self.volley.network, SERVER4)}
        self.servers |= {name: (self.peers, peers.ADDRESSES[name]) for name in self.peers.names}
        for network, address in self.servers.values():
            wire = questions.wire_name(SENTINEL_ZONE.origin)
            assert peers.wait_for_serial(network, address, wire, self.serial), f"{address} does not start"
        self.udp = {name: exchange.Udp(*where, SENTINEL) for name, where in self.servers.items()}
        self.streams = {name for name, where in self.servers.items() if exchange.answers_streams(*where, SENTINEL)}
        time.sleep(0.2)  # BIND loads zones in parallel
        self.refused = self._find_refused()

    def zones(self):
        return [zone for family in self.families for zone in family]

    def write(self):
        for zone in self.zones() + [SENTINEL_ZONE]:
            self.files[zone.origin].write_text(zone.text(self.serial))

    def _find_refused(self):
        """The zones that each server does not serve."""
        zones = [zone.origin for zone in self.zones()]
        asked = [questions.message(questions.wire_name(origin), 6) for origin in zones]
        refused = {}
        for name, udp in self.udp.items():
            answered = udp.ask(asked, [False] * len(asked))
            refused[name] = {origin for origin, message in zip(zones, answered)
                             if message is None or message[7] == 0 or not message[2] & 4}
        return refused

    def comparable(self, number):
        """The peers that serve all that we serve of a family; empty when we refuse some of it."""
        origins = {zone.origin for zone in self.families[number]}
        if origins & self.refused[OURS]:
            return []
        return [name for name in self.peers.names if not origins & self.refused[name]]

    def ask(self, asked, names=None):
        """The responses of each server to the questions, by its name."""
        given = {}
        for name in names or self.servers:
            given[name] = [None] * len(asked)
            streamed = [index for index, question in enumerate(asked) if question.tcp and self.is_streamed(name)]
            chosen = set(streamed)
            plain = [index for index in range(len(asked)) if index not in chosen]
            found = self.udp[name].ask([asked[index].message for index in plain],
                                       [asked[index].kind != "plain" for index in plain])
            for index, message in zip(plain, found):
                given[name][index] = message
            found = exchange.ask_stream(*self.servers[name], [asked[index].message for index in streamed])
            for index, message in zip(streamed, found):
                given[name][index] = message
        return given

    def is_streamed(self, name):
        """Questions go over TCP when both this server and Volley answer there."""
        return {name, OURS} <= self.streams

    def whole(self, name, question):
        """Octets of a server's answer when nothing limits it; None when it can't be had."""
        if not self.is_streamed(name):
            return None
        answered, = exchange.ask_stream(*self.servers[name], [question.message])
        return answered and len(answered)

    def reload(self, families):
        """Other contents for the same zones; True when every server that can has loaded them all."""
        self.families = families
        self.serial += 1
        self.write()
        self.peers.reload()
        self.volley.ctl("reload", check=False)
        loaded = True
        for zone in [SENTINEL_ZONE] + self.zones():
            wire = questions.wire_name(zone.origin)
            for name, (network, address) in self.servers.items():
                if zone.origin not in self.refused[name]:
                    loaded &= peers.wait_for_serial(network, address, wire, self.serial, 1.5)
        return loaded

    def answered_by_streams(self):
        """How many datagrams came to Volley's stream threads: none, or the fast path is not what was compared."""
        return sum(stream["connections"]["udp_queries"] for stream in self.volley.stats()["streams"])

    def close(self):
        for udp in self.udp.values():
            udp.close()
        try:
            self.volley.stop()
        finally:
            self.peers.delete()
            self.volley.network.delete()
