# SPDX-License-Identifier: GPL-3.0-or-later
"""A batch of random zones asked on all four servers, and what is left unexplained made small."""
import random
import tempfile
from collections import Counter, namedtuple
from pathlib import Path

import dns.name
import dns.rdatatype

import answers
import differences
import questions
import reference
import signed_differences
import signing
import zonegen
from lookup import Family
from world import OURS, World

# `rows` counts how often each peer's row was needed, `left` are the differences that no row explains. In signed zones,
# `judged` counts the answers that the reference looked at, `wrong` are its texts about them, without explained ones.
Batch = namedtuple("Batch", "zones questions streamed compared rows left refused judged wrong")
Left = namedtuple("Left", "signature family question peer")


def case_of(world, number, question, peer, ours, theirs):
    return differences.Case(peer, question, world.families[number], answers.parse(ours), answers.parse(theirs),
                            lambda name: world.whole(name, question))


def explain(case):
    # first those that ask the reference: the others take away what it looks at
    return differences.explain(
        case, (signed_differences.ROWS if signed_differences.is_signed(case) else []) + differences.ROWS)


def signature(case):
    """What kind of difference it is, so that one of a kind is looked at."""
    if not differences.is_answer(case):
        return case.peer, case.question.kind, str(type(case.ours)), str(type(case.theirs))
    changed = [field for field in answers.Answer._fields[1:6]
               if getattr(case.ours, field) != getattr(case.theirs, field)]
    return case.peer, case.question.kind, case.ours.flags & 0x860f, case.theirs.flags & 0x860f, *changed


def compare(world, asked, given):
    """Holds Volley's answers to those of each peer: how many, the rows used, and Left ones."""
    compared, rows, left = 0, Counter(), []
    peers = [world.comparable(number) for number in range(len(world.families))]
    for index, (number, question) in enumerate(asked):
        ours = given[OURS][index]
        for peer in peers[number]:
            theirs = given[peer][index]
            compared += 1
            if ours and theirs and ours[2:] == theirs[2:]:
                continue
            case = case_of(world, number, question, peer, ours, theirs)
            used = explain(case)
            if used is None:
                left.append(Left(signature(case), world.families[number], question, peer))
            else:
                rows.update((row, peer) for row in used)
    return compared, rows, left


def is_odd(family, question):
    """Whether the peers may answer from another zone, or follow a chain that nobody else follows."""
    known, of_parent = Family(family), question.qtype == differences.DS
    name = question.name
    return known.leaves_zone(name, of_parent) or known.is_long(name, of_parent) or any(
        passed and known.is_mixed(passed, of_parent) for passed in known.chain(name))


def judge(world, asked, given):
    """What the reference says to the answers of each server: how many it looked at, and what is wrong."""
    judged, wrong = Counter(), []
    peers = [world.comparable(number) for number in range(len(world.families))]
    for index, (number, question) in enumerate(asked):
        family = world.families[number]
        zone = signed_differences.zone_of(family, question)
        for name in [OURS, *peers[number]] if zone else []:
            answer = answers.parse(given[name][index])
            if name != OURS and (answer is None or is_odd(family, question)):
                continue
            try:
                found = signed_differences.complaints(zone, question, answer) if answer else ["no response"]
            except reference.NotJudged:
                continue
            judged[name] += 1
            if found and (name == OURS or not signed_differences.explain_fault(name, zone, question, answer)):
                wrong.append("\n".join([f"{name}, {zone.origin} {zone.method}:", describe(question), *found,
                                        answers.text(given[name][index])]))
    return judged, wrong


def run_batch(seed, zone_count, question_count, maker=zonegen, asker=questions):
    """One world of `zone_count` zones at least, and that many questions."""
    dice = random.Random(seed)
    families = maker.make_families(dice, zone_count)
    asked = asker.make_questions(dice, families, question_count)
    with tempfile.TemporaryDirectory(prefix="volley-conformance-") as directory:
        world = World(Path(directory), families)
        try:
            given = world.ask([question for _, question in asked])
            # A message lost is not a difference: whatever is left is asked once more.
            compared, rows, left = compare(world, asked, given)
            left = [one for one in left if still_left(world, one)]
            streamed = sum(question.tcp for _, question in asked) if OURS in world.streams else 0
            assert world.answered_by_streams() == 0
            refused = Counter({name: len(zones) for name, zones in world.refused.items()})
            judged, wrong = judge(world, asked, given) if hasattr(families[0][0], "reference") else (Counter(), [])
            return Batch(len(world.zones()), len(asked), streamed, compared, rows, left, refused, judged, wrong)
        finally:
            world.close()


def still_left(world, one):
    number = world.families.index(one.family)
    given = world.ask([one.question], [OURS, one.peer])
    case = case_of(world, number, one.question, one.peer, given[OURS][0], given[one.peer][0])
    return explain(case) is None


class Shrinker:
    """Takes records away from the zones of a difference while it stays."""

    def __init__(self, one, directory):
        self.one = one
        self.world = World(directory, [one.family])

    def differs(self, family):
        try:
            if not self.world.reload([family]):
                return False
        except signing.NotSigned:
            return False
        return still_left(self.world, self.one._replace(family=family))

    @staticmethod
    def is_fixed(zone, record):
        return record.owner == zone.origin and record.type in ("SOA", "NS")

    def shrink(self):
        """The smallest family found; the question stays."""
        family = self.one.family
        if not self.differs(family):
            return family
        spare = [(place, record) for place, zone in enumerate(family) for record in zone.records
                 if not self.is_fixed(zone, record)]
        size = max(1, len(spare) // 2)
        while spare:
            for start in range(0, len(spare), size):
                fewer = spare[:start] + spare[start + size:]
                smaller = self._with(family, fewer)
                if self.differs(smaller):
                    spare = fewer
                    break
            else:
                if size == 1:
                    break
                size = max(1, size // 2)
        return self._with(family, spare)

    def _with(self, family, spare):
        kept = [set() for _ in family]
        for place, record in spare:
            kept[place].add(record)
        return [zone.reduced([record for record in zone.records
                              if self.is_fixed(zone, record) or record in kept[place]])
                for place, zone in enumerate(family)]

    def answers(self, family):
        self.world.reload([family])
        return {name: given[0] for name, given in self.world.ask([self.one.question]).items()}

    def close(self):
        self.world.close()


def describe(question):
    return (f"{dns.name.from_wire(question.name, 0)[0]} class {question.qclass} "
            f"{dns.rdatatype.to_text(question.qtype)} over {'TCP' if question.tcp else 'UDP'}, "
            f"{question.kind}: {question.message.hex()}")


def report(one):
    """A difference made as small as it gets, with all four answers."""
    with tempfile.TemporaryDirectory(prefix="volley-shrink-") as directory:
        shrinker = Shrinker(one, Path(directory))
        try:
            family = shrinker.shrink()
            lines = [f"{one.peer} answers otherwise, and no row of differences.py explains it", describe(one.question)]
            for zone in family:
                lines += [f"  zone {zone.origin}"] + [f"    {line}" for line in zone.text().splitlines()]
            for name, message in shrinker.answers(family).items():
                lines += [f"  {name}:", answers.text(message)]
            return "\n".join(lines)
        finally:
            shrinker.close()
