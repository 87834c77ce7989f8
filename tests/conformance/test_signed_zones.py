# SPDX-License-Identifier: GPL-3.0-or-later
"""Random signed zones, answered as NSD, Knot and BIND do, or for a reason that a row gives; and the reference has
nothing against any answer.

    VOLLEY_SEED=N             the seed; else a new one each time, which is printed
    VOLLEY_SIGNED_QUESTIONS   questions, 2400 by default, 200,000 with VOLLEY_HEAVY
"""
import os
import random
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

import compare
import peers
import signed_differences
import signedgen
import signing
from world import OURS

QUESTIONS, QUESTIONS_HEAVY = 2400, 200_000
QUESTIONS_PER_ZONE = 120
QUESTIONS_PER_BATCH = 4000
WORKERS = 2
SHOWN = 4

needs_signers = pytest.mark.skipif(not (signing.BIND_SIGNER and signing.LDNS_SIGNER),
                                   reason="dnssec-signzone and ldns-signzone are not both installed")


def test_table_is_rendered():
    """signed_differences.md shows the rows as they are."""
    assert (Path(__file__).parent / "signed_differences.md").read_text() == signed_differences.table(), (
        "make it anew: tests/conformance/signed_differences.py > tests/conformance/signed_differences.md")


def run_batch(seed, question_count):
    return compare.run_batch(seed, -(-question_count // QUESTIONS_PER_ZONE), question_count, signedgen, signedgen)


@pytest.mark.alone
@needs_signers
@pytest.mark.skipif(not all(peers.PROGRAMS.values()), reason="NSD, Knot and BIND are not all installed")
def test_random_signed_zones(note):
    seed = int(os.environ.get("VOLLEY_SEED") or random.SystemRandom().randrange(1 << 32))
    default = QUESTIONS_HEAVY if os.environ.get("VOLLEY_HEAVY") else QUESTIONS
    questions = int(os.environ.get("VOLLEY_SIGNED_QUESTIONS") or default)
    print(f"seed {seed}")
    batches = max(WORKERS, -(-questions // QUESTIONS_PER_BATCH))
    started = time.monotonic()
    with ProcessPoolExecutor(WORKERS) as pool:
        done = list(pool.map(run_batch, [seed * 1000 + index for index in range(batches)],
                             [-(-questions // batches)] * batches))
    rows, refused, judged = (sum((getattr(batch, field) for batch in done), Counter())
                             for field in ("rows", "refused", "judged"))
    left, wrong = ([one for batch in done for one in getattr(batch, field)] for field in ("left", "wrong"))
    note(f"seed {seed}: {sum(batch.zones for batch in done)} signed zones, "
         f"{sum(batch.questions for batch in done)} questions ({sum(batch.streamed for batch in done)} over TCP), "
         f"{sum(batch.compared for batch in done)} comparisons, {sum(rows.values())} accepted differences, "
         f"{len(left)} others, {len(wrong)} wrong, {time.monotonic() - started:.0f} s")
    note("zones refused: " + ", ".join(f"{name} {count}" for name, count in sorted(refused.items())))
    note("judged by the reference: " + ", ".join(f"{name} {count}" for name, count in sorted(judged.items())))
    note("rows used: " + ", ".join(f"{row} ({peer}) {count}" for (row, peer), count in rows.most_common()))
    by_server = Counter(text.split(",")[0] for text in wrong)
    wrong.sort(key=lambda text: not text.startswith(OURS))
    assert not wrong, f"seed {seed}: wrong answers {dict(by_server)}\n" + "\n\n".join(wrong[:SHOWN])
    kinds = {one.signature: one for one in left}
    shown = [compare.report(one) for one in list(kinds.values())[:SHOWN]]
    assert not left, f"seed {seed}: {len(left)} differences of {len(kinds)} kinds\n" + "\n\n".join(shown)
    assert judged[OURS] > questions / 2, "the reference has hardly judged anything"
