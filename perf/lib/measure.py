# SPDX-License-Identifier: GPL-3.0-or-later
"""Interleaved measurements of two sides and what is told of them."""

import statistics
import sys


def progress(text):
    print(text, file=sys.stderr, flush=True)


def interleave(case, round_cnt, sides):
    """Calls the sides in turn, round_cnt times; returns each round's rates by side. There are
    "volley", "reference", and perhaps more."""
    rounds = []
    for idx in range(round_cnt):
        rates = {side: run() for side, run in sides.items()}
        rounds.append(rates)
        text = ", ".join(f"{side} {rate:,.0f}" for side, rate in rates.items())
        progress(f"{case}: {idx + 1}/{round_cnt}: {text},"
                 f" ratio {rates['volley'] / rates['reference']:.3f}")
    return rounds


def median_ratio(rounds, side):
    """Of the rounds' ratios: the runs of one round saw the machine in about the same state."""
    return round(statistics.median(rates["volley"] / rates[side] for rates in rounds), 3)


def summary(case, unit, reference_name, rounds, **more):
    """The result of a case. The spread is the lowest and the highest ratio of a round."""
    ratios = [rates["volley"] / rates["reference"] for rates in rounds]
    return {
        "case": case,
        "unit": unit,
        "volley": round(statistics.median(rates["volley"] for rates in rounds)),
        "reference": round(statistics.median(rates["reference"] for rates in rounds)),
        "reference_name": reference_name,
        "ratio": median_ratio(rounds, "reference"),
        "spread": [round(min(ratios), 3), round(max(ratios), 3)],
        "pairs": [[round(rates["volley"]), round(rates["reference"])] for rates in rounds],
        **more,
    }
