# SPDX-License-Identifier: GPL-3.0-or-later
"""The accepted differences between what Volley and BIND read in a zone file: one row each, and the only ones.

A row's rule gets a Case and takes away from both what the row forgives, nothing else; what is then still different is no
accepted difference. zone_differences.md shows the rows to people:

    PYTHONPATH=tests/lib tests/conformance/zone_differences.py > tests/conformance/zone_differences.md
"""
from collections import namedtuple

import zone_text

# `ours` and `theirs` are zone_wire.Read: records, or None when the zone is refused.
Case = namedtuple("Case", "origin text ours theirs")
Row = namedtuple("Row", "name what section why rule")

ROWS = []


def row(what, section, why):
    """Puts a rule into the table; its name is the row's."""
    def add(rule):
        ROWS.append(Row(rule.__name__.replace("_", "-"), what, section, why, rule))
        return rule
    return add


def same(case):
    return case.ours.records == case.theirs.records


def agreed(case):
    """Both made equal: what the rule saw is all that differs."""
    return case._replace(theirs=case.theirs._replace(records=case.ours.records))


def bind_refuses(case, words):
    """Whether BIND alone refuses the zone, for a reason with these words."""
    return case.ours.records is not None and case.theirs.records is None and words in case.theirs.text


def volley_refuses(case, words):
    """Whether Volley alone refuses the zone, and each error has one of these words."""
    errors = [finding.text for finding in case.ours.findings if finding.severity == "error"]
    return case.ours.records is None and case.theirs.records is not None and all(
        any(word in error for word in words) for error in errors)


def lines_of(ours, theirs, us="Volley", them="BIND"):
    """What differs, for people."""
    if ours is None or theirs is None:
        return [] if ours == theirs else [f"{us if ours is None else them} alone refuses it"]
    return [f"only {us if record in ours else them}: {zone_text.record_text(record)}" for record in sorted(ours ^ theirs)]


def explain(case):
    """The names of the rows that explain what differs, and lines that show what none explains."""
    used = []
    for candidate in ROWS:
        if same(case):
            break
        changed = candidate.rule(case)
        if changed is not None and changed != case:
            used.append(candidate.name)
            case = changed
    told = [finding.text for finding in case.ours.findings if finding.severity == "error"]
    return used, [] if same(case) else lines_of(case.ours.records, case.theirs.records) + told[:3] + (
        case.theirs.text.decode(errors="replace").split("\n")[:3])


TABLE_HEAD = """# Accepted differences of zone files

What Volley reads in a zone file (`volleyctl check-zone --print`) is compared with what BIND reads in it
(`named-checkzone -i none -k ignore -D`), record by record. Where they differ, a row here explains it, or the test fails.
Made by `zone_differences.py` from its rules.

| row | Volley | section | BIND |
|---|---|---|---|
"""


def table():
    return TABLE_HEAD + "".join(f"| {' | '.join((row.name, row.what, row.section, row.why))} |\n" for row in ROWS)


if __name__ == "__main__":
    print(table(), end="")
