# SPDX-License-Identifier: GPL-3.0-or-later
"""Consecutive versions of a signed root zone: a few delegations change with each, and what follows from that is signed
anew, with a key of ours. All other signatures stay.

    /usr/bin/python3 tests/conformance/root_series.py ROOT-ZONE DIRECTORY COUNT     # writes DIRECTORY/1, 2, ...
"""
import random
import sys
from collections import namedtuple
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import signing  # noqa: E402

DNSSEC = ("RRSIG", "NSEC", "DNSKEY", "ZONEMD")
FIRST_SERIAL = 4294967290  # so that serials wrap on the way
Record = namedtuple("Record", "owner ttl type data")


def read(text):
    """All records of a zone that has one in each line, with absolute names."""
    records = []
    for line in text.splitlines():
        if line and line[0] not in ";$":
            owner, ttl, _, rrtype, data = line.split(None, 4)
            records.append(Record(owner.lower(), ttl, rrtype, data))
    return records


def write(records):
    return "".join(f"{one.owner} {one.ttl} IN {one.type} {one.data}\n" for one in records)


class Series:
    """`records` are those of the version `number`, which begins with 1; `changed` are names that it changed."""

    def __init__(self, source, seed=1):
        self.dice = random.Random(seed)
        self.number, self.changed = 1, []
        records = [one for one in read(Path(source).read_text()) if one.type not in DNSSEC]
        self.records = self._sign([self._soa(one) if one.type == "SOA" else one for one in records])

    @property
    def serial(self):
        number = FIRST_SERIAL + self.number - 1
        return number if number < 1 << 32 else number - (1 << 32) + 1  # without 0

    def _soa(self, record):
        words = record.data.split()
        words[2] = str(self.serial)
        return record._replace(data=" ".join(words))

    @staticmethod
    def _sign(records):
        return read(signing.sign_text(".", signing.NSEC, write(one for one in records if one.type != "DNSKEY")))

    def text(self):
        return write(self.records)

    def delegations(self):
        return sorted({one.owner for one in self.records if one.type == "NS" and one.owner != "."})

    def _drop(self, owner, *types):
        """Without these types, or all; and without the signatures of them."""
        self.records = [one for one in self.records if one.owner != owner or types and one.type not in types and not (
            one.type == "RRSIG" and one.data.split()[0] in types)]

    def _change_servers(self, owner):
        self._drop(owner, "NS")
        self.records += [Record(owner, "172800", "NS", f"{letter}.nic.{owner}") for letter in "abc"]
        self._drop(f"a.nic.{owner}", "A", "AAAA")
        self.records.append(Record(f"a.nic.{owner}", "172800", "A", f"192.0.2.{self.dice.randrange(256)}"))

    def _change_digest(self, owner):
        self._drop(owner, "DS")
        self.records.append(Record(owner, "86400", "DS", f"{self.dice.randrange(65536)} 13 2 "
                                                         f"{self.dice.randbytes(32).hex()}"))

    def _become_insecure(self, owner):
        self._drop(owner, "DS")

    def _remove(self, owner):
        for name in {one.owner for one in self.records if one.owner == owner or one.owner.endswith("." + owner)}:
            self._drop(name)

    def step(self):
        """Goes on to the next version."""
        self.number += 1
        dice, added = self.dice, f"x{self.number}{self.dice.randrange(1000)}."
        changed = dice.sample(self.delegations(), 7)
        for change, owner in zip((self._change_servers, self._change_servers, self._change_digest, self._change_digest,
                                  self._become_insecure, self._remove, self._remove), changed):
            change(owner)
        self._change_servers(added)
        if dice.random() < 0.5:
            self._change_digest(added)
        self.changed = [*changed, added]
        soa = [self._soa(one) for one in self.records if one.type == "SOA"]
        self._drop(".", "SOA")
        self.records = self._sign(soa + self.records)


def main(source, directory, count):
    series = Series(source)
    for number in range(1, int(count) + 1):
        Path(directory, str(number)).write_text(series.text())
        print(number, series.serial, *series.changed)
        series.step()


if __name__ == "__main__":
    main(*sys.argv[1:])
