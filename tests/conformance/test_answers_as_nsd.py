# SPDX-License-Identifier: GPL-3.0-or-later
"""Every question that a zone has an answer to, and many that it has none to, answered as NSD answers them."""
import os
import random
import struct
from pathlib import Path

import dns.name
import dns.rdatatype
import dns.zone
import pytest

import nsd
from ask import wait_until_answered
from canonical import canonical, difference
from many import ask_all
from net import SERVER4, SERVER6, Network
from volley import ROOT, own_network
from wire import opt

OWN_ZONE = Path(__file__).parent / "zones/conformance.zone"
EDNS = opt(1232)
TC = 0x0200
NS, OPT = dns.rdatatype.NS, dns.rdatatype.OPT
ROOM_WITHOUT_EDNS = 512
SHOWN = 40
TYPES_ASKED_EVERYWHERE = (1, 2, 6, 16, 28, 43, 46, 47, 65280)


def root_zone_file():
    named = os.environ.get("VOLLEY_ROOT_ZONE")
    return Path(named) if named else ROOT.parent / "shared/data/root.zone"


def wire_query(name, rrtype, edns):
    """`name` in wire form."""
    header = struct.pack("!6H", 0, 0, 1, 0, 0, 1 if edns else 0)
    return header + name + struct.pack("!2H", rrtype, 1) + (edns or b"")


def owners_and_types(origin, file):
    """Each owner name of the file in wire form with its types."""
    zone = dns.zone.from_file(str(file), origin=origin, relativize=False, check_origin=False)
    return {name.to_wire(): sorted(rdataset.rdtype for rdataset in node) for name, node in zone.items()}


def sibling(name):
    """A name next to this one that hardly exists: one letter more in its first label."""
    label = name[1:1 + name[0]][:62] + b"0"
    return bytes([len(label)]) + label + name[1 + name[0]:]


def questions(origin, file):
    """(wire name, type, OPT or None): all that the zone has, then what it has not."""
    owners = owners_and_types(origin, file)
    every = [(name, rrtype) for name, rrtypes in owners.items() for rrtype in rrtypes]
    dice = random.Random(53)
    mixed = [(bytes(octet - 32 if 97 <= octet <= 122 and dice.random() < 0.5 else octet for octet in name), rrtype)
             for name, rrtype in dice.sample(every, min(len(every), 2000))]
    absent = []
    for name in owners:
        absent += [(name, rrtype) for rrtype in TYPES_ASKED_EVERYWHERE]
        if len(name) < 240:
            absent += [(b"\x05x-y-z" + name, 1), (b"\1a\1b" + name, 28)]
            if name != dns.name.from_text(origin).to_wire():
                absent.append((sibling(name), 1))
    absent = dice.sample(absent, min(len(absent), 20_000))
    without_edns = dice.sample(every, min(len(every), 3000)) + dice.sample(absent, min(len(absent), 1000))
    return ([(name, rrtype, EDNS) for name, rrtype in every + mixed + absent] +
            [(name, rrtype, None) for name, rrtype in without_edns])


def text_of(question):
    name, rrtype, edns = question
    return (f"{dns.name.from_wire(name, 0)[0]} {dns.rdatatype.to_text(rrtype)}"
            f"{' EDNS' if edns else ''}")


def volley_answers(directory, origin, file, queries):
    with own_network(directory, streams=False) as volley:
        volley.spare_clients()
        volley.add_zone(origin, file=file)
        volley.start()
        wait_until_answered(volley.network, origin)
        return {server: ask_all(volley.network, queries, server) for server in (SERVER4, SERVER6)}


def nsd_answers(directory, origin, file, queries):
    network = Network()
    reference = nsd.start(network, directory, [(origin, file)])
    try:
        wait_until_answered(network, origin)
        answers = ask_all(network, queries, SERVER4)
        assert None not in answers, "NSD left questions without a response"
        return answers
    finally:
        reference.stop()
        network.delete()


def without_hosts(response):
    """Ours without the hosts' records that NSD, told to be minimal, adds to NS answers and referrals alone."""
    if response is None:
        return None
    flags, counts, asked, (answer, authority, additional) = response
    if not answer or any(record[1] == NS for record in answer + authority):
        return response
    kept = tuple(record for record in additional if record[1] == OPT)
    return flags, counts[:3] + (len(kept),), asked, (answer, authority, kept)


def short_of_room(ours, theirs, whole):
    """Whether ours is right where our `whole` answer needs more octets than a client without EDNS takes.

    Two servers may then differ. What a truncated response still holds is nobody's business (RFC 2181 §9).
    Which of the addresses that may be left out are left out is the server's choice. Glue below the cut is
    not among these: when it does not fit, TC=1 (RFC 9471 §3.1), where NSD sends some of it. And
    NSD compresses names against all of the question, we only against what the compiled answer knows
    of it, so that some of theirs still fit where ours do not.
    """
    additional = {record for record in whole[3][2] if record[1] != OPT}
    if not ours[0] & TC:
        return ours[0] == theirs[0] and ours[3][:2] == theirs[3][:2] and set(ours[3][2]) < additional
    below_cut = {record for record in additional if record[0].endswith(whole[3][1][0][0])} if whole[3][1] else set()
    return ours[0] == theirs[0] | TC and bool(theirs[0] & TC or below_cut - set(theirs[3][2]) or below_cut == additional)


def compare(tmp_path, note, origin, file):
    asked = questions(origin, file)
    queries = [wire_query(*question) for question in asked]
    # The same once more with EDNS shows what would have been said to a client with more room.
    with_edns = [wire_query(name, rrtype, EDNS) for name, rrtype, edns in asked if not edns]
    first = len(queries) - len(with_edns)
    theirs = nsd_answers(tmp_path, origin, file, queries)
    differences, shortened = [], 0
    for server, ours in volley_answers(tmp_path, origin, file, queries + with_edns).items():
        for index, (question, our, their) in enumerate(zip(asked, ours, theirs)):
            # Most are the same to the octet, which is quicker to see.
            if our == their:
                continue
            our, their = without_hosts(canonical(our)), canonical(their)
            if our == their:
                continue
            whole = ours[len(queries) + index - first] if index >= first else None
            if our and whole and len(whole) - len(EDNS) > ROOM_WITHOUT_EDNS:
                if short_of_room(our, their, without_hosts(canonical(whole))):
                    shortened += 1
                    continue
            differences.append(f"{text_of(question)} over {server}: {difference(our, their)}")
    note(f"{file.name}: {len(asked)} questions over IPv4 and IPv6, {len(differences)} answered otherwise than by NSD, "
         f"{shortened} shortened otherwise to 512 octets")
    assert not differences, "\n".join(differences[:SHOWN])


needs_nsd = pytest.mark.skipif(nsd.PROGRAM is None, reason="NSD is not installed")


@needs_nsd
def test_root_zone(tmp_path, note):
    file = root_zone_file()
    if not file.exists():
        pytest.skip(f"no root zone: {file} does not exist, VOLLEY_ROOT_ZONE names another")
    compare(tmp_path, note, ".", file)


@needs_nsd
def test_own_zone(tmp_path, note):
    compare(tmp_path, note, "conformance.test.", OWN_ZONE)


@needs_nsd
@pytest.mark.parametrize("origin, file", [("example.", "example.zone"), ("2.0.192.in-addr.arpa.", "2.0.192.zone")])
def test_example_zones(tmp_path, note, origin, file):
    compare(tmp_path, note, origin, ROOT / "config/zones" / file)
