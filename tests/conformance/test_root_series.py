# SPDX-License-Identifier: GPL-3.0-or-later
"""Consecutive versions of a signed root zone, by IXFR from Knot DNS: after each, Volley answers as NSD does that has the
version from a file, with DO and without."""
import random
from contextlib import ExitStack

import dns.name
import dns.rdatatype
import pytest

import answers
import knot
import nsd
import signing
from ask import serial
from net import CLIENT4, CLIENT_LINK, SERVER4
from root_series import Series
from test_answers_as_nsd import root_zone_file, sibling, text_of, wire_query
from test_signed_root import everything, required
from volley import Process, own_network, wait_until
from wire import opt

REFERENCE = "10.53.0.22"
WAYS = (opt(4096, do=True), opt(4096))
ABSENT = tuple(map(dns.rdatatype.from_text, ("A", "NS", "SOA", "AAAA", "DS", "RRSIG", "NSEC", "DNSKEY", "TXT")))
SHOWN = 10

pytestmark = [
    pytest.mark.release,
    pytest.mark.skipif(None in (nsd.PROGRAM, knot.PROGRAM, signing.BIND_SIGNER), reason="NSD, Knot or BIND is missing"),
    pytest.mark.skipif(not root_zone_file().exists(), reason=f"there is no {root_zone_file()}"),
]


def wire(name):
    return dns.name.from_text(name).to_wire()


def about(owner, types):
    """Questions about a name: what it has, what it has not, and names beside and below that nobody has."""
    name = wire(owner)
    asked = [(name, rrtype) for rrtype in {*types, *ABSENT}]
    if owner != ".":
        asked += [(sibling(name), 1), (sibling(name), 43), (b"\3www" + name, 28), (b"\1a\1b" + sibling(name), 1)]
    return asked


def questions(series, size, dice):
    """About all names that have changed, those below them, and `size` more; or everything."""
    types = {owner: set() for owner in series.changed} | {".": set()}
    for record in series.records:
        types.setdefault(record.owner, set()).add(dns.rdatatype.from_text(record.type))
    near = {owner for owner in types for changed in series.changed if owner == changed or owner.endswith("." + changed)}
    near.add(".")
    asked = [question for owner in sorted(near) for question in about(owner, types[owner])]
    rest = [question for owner in sorted(set(types) - near) for question in about(owner, types[owner])]
    asked += rest if size is None else dice.sample(rest, size)
    return [(*question, way) for question in asked for way in WAYS]


def difference(asked, ours, theirs):
    return [f"{text_of(question)}:\n{answers.text(our)}\nNSD:\n{answers.text(their)}"
            for question, our, their in zip(asked, ours, theirs) if required(our) != required(their)]


class Reference:
    """NSD beside the primary, which reads the version from its file."""

    def __init__(self, network, directory, file):
        network.client.ip("addr", "add", f"{REFERENCE}/24", "dev", CLIENT_LINK)
        config = directory / "nsd.conf"
        config.write_text(nsd.config_text(directory, (REFERENCE,), [(".", file)]))
        command = network.client.command(nsd.PROGRAM, "-d", "-c", config)
        self.process = Process("nsd", command, directory / "nsd.log")

    def reload(self):
        self.process.popen.send_signal(1)

    def stop(self):
        self.process.stop()


def ask_both(network, series, size, dice):
    asked = questions(series, size, dice)
    queries = [wire_query(*question) for question in asked]
    sides = []
    for server in (SERVER4, REFERENCE):
        sides.append(everything(network, queries, server)[0])
    return asked, difference(asked, *sides)


def replay(volley, directory, steps, size, note):
    series = Series(root_zone_file())
    network, file = volley.network, directory / "root.zone"
    file.write_text(series.text())
    with ExitStack() as stack:
        primary = knot.Knot(network.client, directory / "knot", CLIENT4, SERVER4, {".": series.text()})
        stack.callback(primary.stop)
        reference = Reference(network, directory, file)
        stack.callback(reference.stop)
        total = compare_versions(volley, series, (primary, reference, file), steps, size)
    note(f"{steps} steps of a signed root zone by IXFR, {total} questions, all answered as by NSD")


def compare_versions(volley, series, sources, steps, size):
    """Returns the number of questions."""
    primary, reference, file = sources
    network, dice, total = volley.network, random.Random(53), 0
    volley.add_secondary(".", ["primary"])
    volley.start()
    for number in range(steps + 1):
        if number > 0:
            series.step()
            file.write_text(series.text())
            primary.file(".").write_text(series.text())
            primary.knotc("zone-reload", ".")
            reference.reload()
        for server in (REFERENCE, SERVER4):
            wait_until(lambda: serial(network, ".", server) == series.serial, lambda: volley.control.log())
        asked, wrong = ask_both(network, series, size, dice)
        total += len(asked)
        assert not wrong, f"serial {series.serial}: {len(wrong)} of {len(asked)}\n" + "\n".join(wrong[:SHOWN])
    log = volley.control.log()
    assert log.count(" by IXFR from primary ") == steps and log.count(" by AXFR from primary ") == 1, log
    return total


@pytest.fixture(name="volley")
def _volley(tmp_path):
    with own_network(tmp_path) as volley:
        volley.be_secondary()
        yield volley


def test_a_few_versions(volley, tmp_path, note):
    replay(volley, tmp_path, 2, 200, note)


@pytest.mark.heavy
def test_many_versions(volley, tmp_path, note):
    """The serials wrap on the way."""
    replay(volley, tmp_path, 30, 5000, note)


@pytest.mark.heavy
def test_all_questions_after_a_step(volley, tmp_path, note):
    replay(volley, tmp_path, 1, None, note)
