# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rows of accepted differences ask about a family of zones: which names are there, where aliases lead."""
import functools

import questions

HOPS_MAX = 64
# Hops of a chain beyond which the servers give up at different lengths (BIND at 11).
HOPS_FEW = 10


def suffixes(name):
    """A wire name and its ancestors, down to the root."""
    while True:
        yield name
        if name == b"\0":
            return
        name = name[1 + name[0]:]


class Names:
    """Records and existing names, empty non-terminals among them, of one zone, in lower case wire form."""

    def __init__(self, zone):
        self.origin = questions.wire_name(zone.origin.lower())
        self.records, self.existing = {}, set()
        for record in zone.records:
            owner = questions.wire_name(record.owner.lower())
            self.records.setdefault(owner, {}).setdefault(record.type, []).append(record.rdata)
            if record.type == "NSEC3":
                continue  # RFC 5155 §7.2.8
            for name in suffixes(owner):
                self.existing.add(name)
                if name == self.origin:
                    break

    def target(self, owner, rrtype):
        found = self.records.get(owner, {}).get(rrtype)
        return questions.wire_name(found[0].lower()) if found else None

    def encloser(self, name):
        return next((ancestor for ancestor in suffixes(name) if ancestor in self.existing), None)


@functools.lru_cache(maxsize=256)
def _names(zone):
    return Names(zone)


class Family:
    """Zones that refer to each other."""

    def __init__(self, zones):
        self.zones = [_names(zone) for zone in zones]

    def zone_of(self, name, of_parent=False):
        """The zone that answers for a name; `of_parent`: for its DS, if it is an apex."""
        name = name.lower()
        found = [zone for suffix in suffixes(name) for zone in self.zones if zone.origin == suffix]
        if of_parent and len(found) > 1 and found[0].origin == name:
            return found[1]
        return found[0] if found else None

    def alias(self, name, zone):
        """Where the zone leads for the name: a CNAME's target, DNAME's substitution, or None; b"" for too long."""
        above = [ancestor for ancestor in list(suffixes(name))[1:] if ancestor.endswith(zone.origin)]
        for ancestor in reversed(above):  # a DNAME hides what is below it
            if target := zone.target(ancestor, "DNAME"):
                made = name[:-len(ancestor)] + target
                return made if len(made) <= 255 else b""
        if found := zone.target(name, "CNAME"):
            return found
        if name in zone.existing or not (encloser := zone.encloser(name)):
            return None
        return zone.target(b"\1*" + encloser, "CNAME")

    def chain(self, name, inside=None):
        """The names that aliases lead through, from any zone to any other, or in the zone `inside` only.

        The last is b"" when it got too long.
        """
        passed = [name.lower()]
        while len(passed) < HOPS_MAX and passed[-1]:
            zone = inside or self.zone_of(passed[-1])
            found = zone and zone.encloser(passed[-1]) and self.alias(passed[-1], zone)
            if not found and found != b"":
                break
            passed.append(found)
        return passed

    def leaves_zone(self, name, of_parent=False):
        """Whether aliases lead from the zone of the name into another zone of the family."""
        last = self.chain(name)[-1]
        if of_parent and last and self.zone_of(last) is not self.zone_of(last, True):
            return True
        return len({id(zone) for passed in self.chain(name) if passed and (zone := self.zone_of(passed))}) > 1

    def is_long(self, name, of_parent=False):
        """Whether it has more hops than every server follows, or gets too long on the way."""
        return any(len(passed) > HOPS_FEW or (not passed[-1] and len(passed) > 2)
                   for passed in (self.chain(name), self.chain(name, self.zone_of(name, of_parent))))

    def is_mixed(self, name, of_parent=False):
        """Whether the name would be found elsewhere if all zones' names were those of one zone."""
        zone, name = self.zone_of(name, of_parent), name.lower()
        if zone is None or len(self.zones) == 1:
            return False
        every = set().union(*(other.existing for other in self.zones),
                            *(suffixes(other.origin) for other in self.zones))
        encloser = zone.encloser(name)
        closest = next(ancestor for ancestor in suffixes(name) if ancestor in every)
        wildcard = b"\1*" + encloser
        return closest != encloser or (wildcard in every) != (wildcard in zone.existing)
