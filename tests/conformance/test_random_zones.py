# SPDX-License-Identifier: GPL-3.0-or-later
"""Random zones and questions, answered as NSD, Knot and BIND do, or for a reason that differences.md gives.

    VOLLEY_SEED=N        the seed; else a new one each time, which is printed
    VOLLEY_ZONES=N       zones, 500 by default
    VOLLEY_QUESTIONS=N   questions, 200,000 by default
"""
import os
import random
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

import compare
import differences
import peers

ZONES_PER_BATCH = 50
SHOWN = 4
# Two batches at a time: each keeps a client and one server at work.
WORKERS = 2


def number(name, default):
    return int(os.environ.get(name) or default)


def test_table_is_rendered():
    """differences.md shows the rows as they are."""
    assert (Path(__file__).parent / "differences.md").read_text() == differences.table(), (
        "make it anew: tests/conformance/differences.py > tests/conformance/differences.md")


@pytest.mark.alone
@pytest.mark.skipif(not all(peers.PROGRAMS.values()), reason="NSD, Knot and BIND are not all installed")
def test_random_zones(note):
    seed = number("VOLLEY_SEED", random.SystemRandom().randrange(1 << 32))
    zones, questions = number("VOLLEY_ZONES", 500), number("VOLLEY_QUESTIONS", 200_000)
    print(f"seed {seed}")
    batches = max(1, -(-zones // ZONES_PER_BATCH))
    started = time.monotonic()
    with ProcessPoolExecutor(min(WORKERS, batches)) as pool:
        done = list(pool.map(compare.run_batch, [seed * 1000 + index for index in range(batches)],
                             [-(-zones // batches)] * batches, [-(-questions // batches)] * batches))
    rows = sum((batch.rows for batch in done), Counter())
    refused = sum((batch.refused for batch in done), Counter())
    left = [one for batch in done for one in batch.left]
    note(f"seed {seed}: {sum(batch.zones for batch in done)} zones, {sum(batch.questions for batch in done)} questions "
         f"({sum(batch.streamed for batch in done)} over TCP), {sum(batch.compared for batch in done)} comparisons, "
         f"{sum(rows.values())} accepted differences, {len(left)} others, {time.monotonic() - started:.0f} s")
    note("zones refused: " + ", ".join(f"{name} {count}" for name, count in sorted(refused.items())))
    note("rows used: " + ", ".join(f"{row} ({peer}) {count}" for (row, peer), count in rows.most_common()))
    kinds = {one.signature: one for one in left}
    shown = [compare.report(one) for one in list(kinds.values())[:SHOWN]]
    assert not left, f"seed {seed}: {len(left)} differences of {len(kinds)} kinds\n" + "\n\n".join(shown)
