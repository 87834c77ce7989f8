# SPDX-License-Identifier: GPL-3.0-or-later
"""Interleaved measurements of two sides and what is told of them."""

import statistics
import sys


def progress(text):
    print(text, file=sys.stderr, flush=True)


def interleave(case, pair_cnt, ours, theirs):
    """Calls ours() and theirs() in turn, pair_cnt times; returns the pairs of rates."""
    pairs = []
    for idx in range(pair_cnt):
        pair = (ours(), theirs())
        pairs.append(pair)
        progress(f"{case}: pair {idx + 1}/{pair_cnt}: volley {pair[0]:,.0f},"
                 f" reference {pair[1]:,.0f}, ratio {pair[0] / pair[1]:.3f}")
    return pairs


def summary(case, unit, reference_name, pairs, **more):
    """The result of a case. The ratio is the median of the pairs' ratios: two runs of one pair saw the
    machine in about the same state. The spread is that of the pairs' ratios, lowest and highest."""
    ratios = [ours / theirs for ours, theirs in pairs]
    return {
        "case": case,
        "unit": unit,
        "volley": round(statistics.median(ours for ours, _ in pairs)),
        "reference": round(statistics.median(theirs for _, theirs in pairs)),
        "reference_name": reference_name,
        "ratio": round(statistics.median(ratios), 3),
        "spread": [round(min(ratios), 3), round(max(ratios), 3)],
        "pairs": [[round(ours), round(theirs)] for ours, theirs in pairs],
        **more,
    }
