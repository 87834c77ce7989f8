# SPDX-License-Identifier: GPL-3.0-or-later
"""Interleaved measurements of two sides and what is told of them."""

import dataclasses
import statistics
import sys


@dataclasses.dataclass
class Target:
    """A bound of a case's ratio."""

    bound: float
    is_least: bool = True      # else the ratio may not be above it

    def is_met(self, ratio):
        return ratio >= self.bound if self.is_least else ratio <= self.bound

    def tell(self):
        return {"at_least" if self.is_least else "at_most": self.bound}


def at_least(bound):
    return Target(bound)


def at_most(bound):
    return Target(bound, is_least=False)


TARGETS = {
    "fastpath": at_least(0.60),
    "fastpath-10m": at_least(0.42),
    "ipv6-vlan": at_least(0.55),
    "nxdomain": at_least(0.50),
    "referral": at_least(0.45),
    "many-zones": at_least(0.38),
    "overlay-speed": at_least(0.93),
    "mixed-root": at_least(0.45),
    "signed-positive": at_least(0.40),
    "signed-referral": at_least(0.35),
    "signed-nodata": at_least(0.35),
    "signed-nsec": at_least(0.25),
    "signed-nsec3": at_least(0.18),
    "signed-optout": at_least(0.20),
    "signed-positive-knot": at_least(2.0),
    "signed-referral-knot": at_least(2.0),
    "signed-nodata-knot": at_least(2.0),
    "signed-nsec-knot": at_least(2.5),
    "signed-nsec3-knot": at_least(2.5),
    "signed-optout-knot": at_least(2.0),
    "signed-load": at_most(0.5),
    "signed-memory": at_most(0.5),
    "two-lcores": at_least(1.9),
    "afxdp-knot": at_least(2.5),
    "afxdp-limit": at_least(0.95),
    "latency": at_most(1.0),
    "load": at_most(0.5),
    "zones": at_most(1.0),
    "memory": at_most(0.35),
    "restart": at_most(0.1),
    "reload": at_most(1.5),
    "reload-idle": at_most(1.0),
    "reload-one": at_most(1.0),
    "update-rate": at_least(3.0),
    "update-latency": at_most(1.0),
    "update-many": at_least(1.0),
    "transfer-in": at_most(0.6),
    "transfer-in, memory": at_most(0.5),
    "transfer-ixfr": at_most(0.2),
    "transfer-catalog": at_most(0.5),
    "transfer-out": at_most(1.0),
    # of a served query; drops have their own
    "xdp": at_most(2.5),
    "defence": at_least(0.9),
    "amplification": at_most(1.0),
    "exception": at_least(0.97),
    "worst": at_most(20.0),
}


def progress(text):
    print(text, file=sys.stderr, flush=True)


def repeat(case, round_cnt, measure):
    """Calls measure(), which returns a round's values by side, round_cnt times; returns the rounds.
    There is "volley", and mostly "reference"."""
    rounds = []
    for idx in range(round_cnt):
        values = measure()
        rounds.append(values)
        text = ", ".join(f"{side} {value:,.{0 if value >= 1000 else 2}f}"
                         for side, value in values.items())
        if "reference" in values:
            text += f", ratio {values['volley'] / values['reference']:.3f}"
        progress(f"{case}: {idx + 1}/{round_cnt}: {text}")
    return rounds


def interleave(case, round_cnt, sides):
    """Calls the sides in turn, round_cnt times; returns each round's values by side."""
    return repeat(case, round_cnt, lambda: {side: run() for side, run in sides.items()})


def refer_to_lowest(rounds, sides):
    """Makes the side with the lowest median the rounds' reference; returns its name."""
    lowest = min(sides, key=lambda side: statistics.median(values[side] for values in rounds))
    for values in rounds:
        values["reference"] = values[lowest]
    return lowest


def median_ratio(rounds, side):
    """Of the rounds' ratios: the runs of one round saw the machine in about the same state."""
    return round(statistics.median(values["volley"] / values[side] for values in rounds), 3)


def comparison(rounds, digits=0):
    """Both sides' medians, and their ratio. The spread is the lowest and the highest ratio of a
    round."""
    def rounded(value):
        return round(value, digits or None)

    ratios = [values["volley"] / values["reference"] for values in rounds]
    return {
        "volley": rounded(statistics.median(values["volley"] for values in rounds)),
        "reference": rounded(statistics.median(values["reference"] for values in rounds)),
        "ratio": median_ratio(rounds, "reference"),
        "spread": [round(min(ratios), 3), round(max(ratios), 3)],
        "pairs": [[rounded(values["volley"]), rounded(values["reference"])] for values in rounds],
    }


def summary(case, unit, reference_name, rounds, digits=0, **more):
    """The result of a case."""
    result = {"case": case, "unit": unit, "reference_name": reference_name,
              **comparison(rounds, digits)}
    if case in TARGETS:
        result |= {"target": TARGETS[case].tell(), "met": TARGETS[case].is_met(result["ratio"])}
    return result | more
