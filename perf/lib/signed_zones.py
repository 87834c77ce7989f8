# SPDX-License-Identifier: GPL-3.0-or-later
"""Zones signed with ECDSA P-256, and the questions that go with them, which are asked with DO=1.

Signing a million names takes minutes, so that signed zones are kept in a folder of their own
(perf/run --zone-cache). Their signatures are good for years. A make_* function returns a Workload,
as those in zones.py do.
"""

import hashlib
import os
import pathlib
import random
import tempfile

from . import zones
from .measure import progress
from .sandbox import run_tool
from .zones import ORIGIN, TYPE_NUMBER

NAMES = 1_000_000

SIGNATURE_SECONDS = 20 * 365 * 86400

# Of the delegations in the opt-out zone, one in so many has a DS, as in the largest TLDs.
SECURE_PERIOD = 20

DENIAL_FLAGS = {
    "nsec": [],
    "nsec3": ["-3", "-", "-H", "0"],
    "optout": ["-3", "-", "-H", "0", "-A"],
}


def sign(source, target, denial):
    """Signs a zone file with a new key, which the result does not need any more."""
    with tempfile.TemporaryDirectory(dir=target.parent) as keys:
        run_tool("dnssec-keygen", "-q", "-K", keys, "-a", "ECDSAP256SHA256", "-f", "KSK", ORIGIN)
        unfinished = pathlib.Path(keys, "signed")
        run_tool("dnssec-signzone", "-q", "-P", "-S", "-z", "-n", os.cpu_count(), "-K", keys, "-d", keys,
                 "-O", "full", "-e", f"now+{SIGNATURE_SECONDS}", *DENIAL_FLAGS[denial],
                 "-o", ORIGIN, "-f", unfinished, source)
        unfinished.rename(target)


def signed_file(cache, kind, denial, seed, name_cnt, lines):
    """The file of a signed zone, made unless it is there; `lines` are the unsigned one's."""
    path = pathlib.Path(cache, f"{kind}-{denial}-{name_cnt}-{seed}.zone")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        progress(f"signing a zone of {name_cnt} names: {path}")
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            unsigned = pathlib.Path(scratch, "unsigned")
            zones.write_lines(unsigned, lines)
            sign(unsigned, path, denial)
    return path


def hosts_file(cache, denial, seed, name_cnt):
    return signed_file(cache, "hosts", denial, seed, name_cnt,
                       zones.host_zone(zones.Labels(seed), name_cnt))


def secure_delegations(labels, cut_cnt, period):
    """Delegations with two servers and their glue; each of `period` has a DS."""
    yield from zones.delegations(labels, cut_cnt)
    for idx in range(0, cut_cnt, period):
        digest = hashlib.sha256(str(idx).encode()).hexdigest()
        yield f"{labels.label(idx)} DS {idx % 65536} 13 2 {digest}\n"


def is_signed(rrsets, owner, rdtype):
    """Whether there is such an RRset with a signature (owner None: of any name)."""
    def has(covers, actual):
        return any(rrset.rdtype == actual and rrset.covers == covers
                   and owner in (None, rrset.name.labels) for rrset in rrsets)

    number = TYPE_NUMBER[rdtype]
    return has(0, number) and has(number, TYPE_NUMBER["RRSIG"])


def signed_cnt(rrsets, rdtype):
    """RRsets of that type; 0 if one has no signature."""
    owners = [rrset.name.labels for rrset in rrsets if rrset.rdtype == TYPE_NUMBER[rdtype]]
    return len(owners) if all(is_signed(rrsets, owner, rdtype) for owner in owners) else 0


def is_right_positive(response):
    return (zones.is_right_host(response)
            and is_signed(response.answer, response.question[0].name.labels, "A"))


def is_right_referral(response):
    cut = response.question[0].name.labels[1:]
    return (zones.is_right_referral(response) and is_signed(response.authority, cut, "DS"))


def is_right_insecure_referral(response):
    """The closest encloser and what covers the delegation; they may be the same record."""
    return (zones.is_right_referral(response) and signed_cnt(response.authority, "NSEC3") in (1, 2)
            and not signed_cnt(response.authority, "DS"))


def denies(rcode, rdtype, cnts):
    """A check of negative answers: the SOA, and as many records that deny as cnts has."""
    def is_right(response):
        return (response.rcode() == rcode and not response.answer
                and is_signed(response.authority, None, "SOA")
                and signed_cnt(response.authority, rdtype) in cnts)
    return is_right


def host_questions(seed, name_cnt, question_cnt, qtype):
    labels = zones.Labels(seed)
    return [(zones.name_to_wire(f"{labels.label(idx)}.{ORIGIN}"), TYPE_NUMBER[qtype])
            for idx in zones.sample(random.Random(seed), name_cnt, question_cnt)]


def workload(path, questions, expect, is_right):
    return zones.Workload([(ORIGIN, path)], questions, expect, is_right, wants_dnssec=True)


def make_positive(cache, seed, name_cnt, question_cnt):
    """A questions for existing names."""
    return workload(hosts_file(cache, "nsec", seed, name_cnt),
                    host_questions(seed, name_cnt, question_cnt, "A"), "rcode_noerror",
                    is_right_positive)


def make_nodata(cache, seed, name_cnt, question_cnt):
    """AAAA questions for the same names: the NSEC of the name denies them."""
    return workload(hosts_file(cache, "nsec", seed, name_cnt),
                    host_questions(seed, name_cnt, question_cnt, "AAAA"), "rcode_noerror",
                    denies(0, "NSEC", (1,)))


def make_nsec(cache, seed, name_cnt, question_cnt):
    """Absent names: one NSEC covers the name, one (perhaps the same) the wildcard."""
    return workload(hosts_file(cache, "nsec", seed, name_cnt),
                    zones.absent_questions(seed, question_cnt), "rcode_nxdomain",
                    denies(3, "NSEC", (1, 2)))


def make_nsec3(cache, seed, name_cnt, question_cnt):
    """Absent names: the closest encloser's NSEC3, and those that cover the next closer name and the
    wildcard."""
    return workload(hosts_file(cache, "nsec3", seed, name_cnt),
                    zones.absent_questions(seed, question_cnt), "rcode_nxdomain",
                    denies(3, "NSEC3", (2, 3)))


def make_referral(cache, seed, name_cnt, question_cnt):
    """Names below delegations with a DS."""
    labels = zones.Labels(seed)
    path = signed_file(cache, "delegations", "nsec", seed, name_cnt,
                       secure_delegations(labels, name_cnt, 1))
    return workload(path, zones.delegation_questions(labels, seed, name_cnt, question_cnt),
                    "referrals", is_right_referral)


def make_optout(cache, seed, name_cnt, question_cnt):
    """Names below delegations without a DS, in an opt-out zone where one in twenty has one."""
    labels = zones.Labels(seed)
    path = signed_file(cache, "delegations", "optout", seed, name_cnt,
                       secure_delegations(labels, name_cnt, SECURE_PERIOD))

    def insecure(idx):
        return idx + 1 if idx % SECURE_PERIOD == 0 else idx

    questions = zones.delegation_questions(labels, seed, name_cnt - 1, question_cnt, insecure)
    return workload(path, questions, "referrals", is_right_insecure_referral)


# name of the case, what it is, its workload, the RCODE of each answer
KINDS = [
    ("positive", "A queries, a zone of a million names", make_positive, "NOERROR"),
    ("referral", "names below a million delegations with DS", make_referral, "NOERROR"),
    ("nodata", "AAAA queries for a million names that have A alone, NSEC", make_nodata, "NOERROR"),
    ("nsec", "random labels below a zone of a million names, NSEC", make_nsec, "NXDOMAIN"),
    ("nsec3", "random labels below a zone of a million names, NSEC3", make_nsec3, "NXDOMAIN"),
    ("optout", "names below a million delegations, few with DS, NSEC3 opt-out", make_optout,
     "NOERROR"),
]
