# SPDX-License-Identifier: GPL-3.0-or-later
"""Adds up test results of JUnit files, from pytest and from Criterion.

    tally.py FILE...

Prints "PASSED FAILED SKIPPED", then one line for each skip's reason with its count.
"""
import sys
from collections import Counter
from xml.etree import ElementTree


def results(file):
    """Yields (outcome, reason) for each test case of a file. A program that was killed leaves none, or half of one."""
    try:
        cases = list(ElementTree.parse(file).getroot().iter("testcase"))
    except ElementTree.ParseError as error:
        print(f"{file}: {error}: the test program did not end by itself", file=sys.stderr)
        yield "failed", None
        return
    for case in cases:
        kinds = {child.tag: child for child in case}
        if "failure" in kinds or "error" in kinds or case.get("status") in ("FAILED", "ERRORED"):
            yield "failed", None
        elif "skipped" in kinds or case.get("status") == "SKIPPED":
            skip = kinds.get("skipped")
            yield "skipped", (skip.get("message") if skip is not None else None) or "no reason given"
        else:
            yield "passed", None


def main():
    outcomes, reasons = Counter(), Counter()
    for file in sys.argv[1:]:
        for outcome, reason in results(file):
            outcomes[outcome] += 1
            if reason:
                reasons[reason] += 1
    print(outcomes["passed"], outcomes["failed"], outcomes["skipped"])
    for reason, count in sorted(reasons.items()):
        print(f"skipped {count}: {reason}")


if __name__ == "__main__":
    main()
