# SPDX-License-Identifier: GPL-3.0-or-later
"""The root zone as it is signed: all its names and types, and names that it does not have, with DO=1 as NSD answers them.

A sample of 1500 questions; all of them with VOLLEY_HEAVY.
"""
import os
import random
import struct

import pytest

import answers
import exchange
import nsd
from ask import wait_until_answered
from many import ask_all
from net import SERVER4, Network
from test_answers_as_nsd import owners_and_types, root_zone_file, sibling, text_of, wire_query
from volley import own_network
from wire import opt

SAMPLE = None if os.environ.get("VOLLEY_HEAVY") else 1500
DO = opt(4096, do=True)
TYPES_ASKED_EVERYWHERE = (1, 2, 6, 43, 46, 47, 48, 50, 255, 65280)
NS, ANY = 2, 255
SHOWN = 20


def questions(file):
    """(wire name, type, OPT): what the zone has, and as much that it has not."""
    owners, dice = owners_and_types(".", file), random.Random(53)
    there = [(name, rrtype) for name, rrtypes in owners.items() for rrtype in rrtypes]
    absent = [(name, rrtype) for name in owners for rrtype in TYPES_ASKED_EVERYWHERE]
    for name in owners:
        absent += [(sibling(name), 1), (b"\3www" + name, 28), (b"\1a\1b" + sibling(name), 43)] if name != b"\0" else []
    size = SAMPLE or len(there) + len(absent)
    return [(*question, DO) for question in dice.sample(there, min(len(there), size // 2)) +
            dice.sample(absent, min(len(absent), size // 2))]


def everything(network, queries, server=SERVER4):
    """The response to each query: over TCP where UDP's has TC."""
    given = ask_all(network, queries, server)
    cut = [index for index, message in enumerate(given) if message and struct.unpack_from("!H", message, 2)[0] & 0x200]
    for index, message in zip(cut, exchange.ask_stream(network, server, [queries[index] for index in cut])):
        given[index] = message
    return given, len(cut)


def required(message):
    """Without what may be left out: addresses of hosts that a referral does not need."""
    answer = answers.parse(message)
    if not isinstance(answer, answers.Answer):
        return answer
    cuts = [record[0] for record in answer.authority if record[1] == NS and not answer.answer]
    kept = tuple(record for record in answer.additional if any(record[0].endswith(cut) for cut in cuts))
    return answer._replace(additional=kept, octets=0)


@pytest.mark.skipif(nsd.PROGRAM is None, reason="NSD is not installed")
def test_signed_root_zone(tmp_path, note):
    file = root_zone_file()
    if not file.exists():
        pytest.skip(f"no root zone: {file} does not exist, VOLLEY_ROOT_ZONE names another")
    asked = questions(file)
    queries = [wire_query(*question) for question in asked]
    network = Network()
    reference = nsd.start(network, tmp_path, [(".", file)])
    try:
        wait_until_answered(network, ".")
        theirs, _ = everything(network, queries)
    finally:
        reference.stop()
        network.delete()
    with own_network(tmp_path) as volley:
        volley.spare_clients()
        volley.add_zone(".", file=file)
        volley.start()
        wait_until_answered(volley.network, ".")
        ours, cut = everything(volley.network, queries)
    wrong = [f"{text_of(question)}:\n{answers.text(our)}\nNSD:\n{answers.text(their)}"
             for question, our, their in zip(asked, ours, theirs)
             if question[1] != ANY and required(our) != required(their)]
    note(f"{file.name}, DO=1: {len(asked)} questions ({cut} over TCP), {len(wrong)} answered otherwise than by NSD")
    assert not wrong, f"{len(wrong)} of {len(asked)}\n" + "\n".join(wrong[:SHOWN])
    assert all(message and answers.parse(message).opt for message in ours)
