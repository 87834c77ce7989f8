# SPDX-License-Identifier: GPL-3.0-or-later
"""Random zones that are signed anew again and again while they live: after each change they are answered as after a fresh
load, and as NSD, Knot and BIND answer, or for a reason that a row gives; the reference has nothing against any answer.

    VOLLEY_SEED=N         the seed; else a new one each time, which is printed
    VOLLEY_SIGNED_STEPS   changes of each zone, 1 by default, 40 with VOLLEY_HEAVY
"""
import copy
import os
import random

import pytest

import answers
import compare
import exchange
import peers
import questions
import signedgen
import signing
import zonegen
from net import SERVER4, Network
from volley import Volley
from world import OURS, SENTINEL, World

ZONES, QUESTIONS = 5, 500
STEPS, STEPS_HEAVY = 1, 40
PADDING, PADDED = "padding", 160
LOADED = "loaded"
SHOWN = 4

pytestmark = [
    pytest.mark.release, pytest.mark.alone,
    pytest.mark.skipif(not (signing.BIND_SIGNER and signing.LDNS_SIGNER), reason="dnssec-signzone and ldns-signzone are not both installed"),
    pytest.mark.skipif(not all(peers.PROGRAMS.values()), reason="NSD, Knot and BIND are not all installed")]


class Step(signedgen.Signed):
    """A zone as it is from a certain serial on."""

    def __init__(self, origin, records, method, serial):
        super().__init__(origin, records, method)
        self.serial = serial

    def text(self, serial=None):
        return super().text(serial or self.serial)

    def reduced(self, records):
        return Step(self.origin, records, self.method, self.serial)


class Plain(zonegen.Zone):
    """A zone that is not signed."""


class LivingWorld(World):
    """The zones live, and are served from their files by another Volley beside the peers."""

    def _start(self):
        self.volley.keep_state()
        self.volley.zone_settings = {zone.origin: {"living": True} for zone in self.zones()}
        self.loaded = Volley(Network(), self.directory / LOADED)
        self.loaded.directory.mkdir()
        self.loaded.spare_clients()
        self.loaded.other_settings["defence"]["cookies"] = {"mode": "off"}
        self.loaded.zones = dict(self.files)
        self.loaded.start()
        super()._start()
        self.servers[LOADED] = self.loaded.network, SERVER4
        self.udp[LOADED] = exchange.Udp(*self.servers[LOADED], SENTINEL)
        self.streams.add(LOADED)

    def reload(self, families):
        """Who does not serve a zone as it is now is not asked about it."""
        self.refused[LOADED] = {zone.origin for zone in self.zones()}
        done = super().reload(families)
        self.loaded.ctl("reload", check=False)
        for name, where in self.servers.items():
            self.refused[name] = {zone.origin for zone in self.zones() if not peers.wait_for_serial(
                *where, questions.wire_name(zone.origin), self.serial, 0.1)}
        return done

    def close(self):
        super().close()
        self.loaded.stop()
        self.loaded.network.delete()


def padded(zone):
    """With so many names that a change is an overlay."""
    return zone.records + [zonegen.Record(f"{PADDING}{number}.{zone.origin}" if zone.origin != "." else f"{PADDING}{number}.",
                                          300, "A", "192.0.2.1") for number in range(PADDED)]


def without_padding(zone):
    """What is asked about."""
    thin = copy.copy(zone)
    thin.records = [record for record in zone.records if not record.owner.startswith(PADDING)]
    return thin


def first_families(dice):
    """Some are signed at first, others are not."""
    families = signedgen.make_families(dice, ZONES)
    return [[Step(zone.origin, padded(zone), zone.method, 1) for zone in family] if dice.random() < 0.8 else
            [Plain(zone.origin, padded(zone)) for zone in family] for family in families]


def some_of(dice, zone):
    """The zone without some of its names, with other TTLs at others."""
    gone = {owner for owner in zone.owners() if dice.random() < 0.25 and owner != zone.origin.lower()}
    changed = {owner: dice.choice(zonegen.TTLS) for owner in zone.owners() if dice.random() < 0.1}
    return [record._replace(ttl=changed.get(record.owner.lower(), record.ttl)) for record in zone.records
            if record.owner.lower() not in gone]


def signed_family(dice, family, serial):
    """Each zone of the family changed and signed in one way, mostly the first one; or not signed at all."""
    first = getattr(family[0], "method", None)
    while True:
        method = first if first and dice.random() < 0.75 else signedgen.make_method(dice)
        changed = [some_of(dice, zone) for zone in family]
        if dice.random() < 0.15:
            return [Plain(zone.origin, records) for zone, records in zip(family, changed)]
        made = [Step(zone.origin, records, method, serial) for zone, records in zip(family, changed)]
        try:
            for zone in made:
                zone.text()
        except signing.NotSigned:
            continue
        return made


def check(world, dice):
    """Asks all servers, and says what is wrong."""
    asked = signedgen.make_questions(dice, [[without_padding(zone) for zone in family] for family in world.families], QUESTIONS)
    given = world.ask([question for _, question in asked])
    differ = [f"{compare.describe(question)}\nliving:\n{answers.text(ours)}\nloaded:\n{answers.text(theirs)}"
              for (_, question), ours, theirs in zip(asked, given[OURS], given[LOADED]) if answers.parse(ours) != answers.parse(theirs)]
    assert not differ, f"{len(differ)} answers are not those of a fresh load\n" + "\n\n".join(differ[:SHOWN])
    signed = [index for index, (number, _) in enumerate(asked) if hasattr(world.families[number][0], "reference")]
    asked, given = [asked[index] for index in signed], {
        name: [messages[index] for index in signed] for name, messages in given.items()}
    judged, wrong = compare.judge(world, asked, given)
    ours = [text for text in wrong if text.startswith(OURS)]
    assert not ours, "\n\n".join(ours[:SHOWN])
    compared, _, left = compare.compare(world, asked, given)
    left = [one for one in left if compare.still_left(world, one)]
    assert not left, f"{len(left)} differences\n" + "\n\n".join(compare.report(one) for one in left[:SHOWN])
    return len(asked), judged[OURS], compared


def test_random_signed_zones_that_live(tmp_path, note):
    seed = int(os.environ.get("VOLLEY_SEED") or random.SystemRandom().randrange(1 << 32))
    steps = int(os.environ.get("VOLLEY_SIGNED_STEPS") or (STEPS_HEAVY if os.environ.get("VOLLEY_HEAVY") else STEPS))
    print(f"seed {seed}")
    dice = random.Random(seed)
    first = first_families(dice)
    world, totals, layered = LivingWorld(tmp_path, first), [], 0
    try:
        for step in range(steps):
            world.reload([signed_family(dice, family, world.serial + 1) for family in first])
            assert world.refused[OURS] == world.refused[LOADED], world.volley.control.log()
            totals.append(check(world, dice))
            layered += sum(zone.get("layers", 1) > 1 for zone in world.volley.ctl_json("zones")["zones"])
            if step == 0:  # the same from the store alone
                world.volley.control.stop()
                world.volley.start_control()
                totals.append(check(world, dice))
    finally:
        world.close()
    note(f"seed {seed}: {steps} changes of {len(world.zones())} zones, {layered} of them overlays; questions, judged, comparisons: {totals}")
    assert sum(judged for _, judged, _ in totals) > 0, "the reference has judged nothing"
    assert layered > 0 or steps < STEPS_HEAVY, "no change was an overlay"
