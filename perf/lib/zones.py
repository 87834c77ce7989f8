# SPDX-License-Identifier: GPL-3.0-or-later
"""Zone files and the questions that go with them, the same for the same seed.

Each make_* function writes zone files into a directory and returns a Workload: those files,
questions about them, and how to tell a right answer.
"""

import dataclasses
import ipaddress
import itertools
import os
import pathlib
import random
import re
import typing

from .sandbox import PerfError

TYPE_NUMBER = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "MX": 15, "TXT": 16, "AAAA": 28, "DS": 43,
               "RRSIG": 46, "NSEC": 47, "DNSKEY": 48, "NSEC3": 50}
TYPE_NAME = {number: name for name, number in TYPE_NUMBER.items()}

ORIGIN = "volley.example."
ADDRESS_BASE = int(ipaddress.IPv4Address("10.0.0.0"))
SMALL_ADDRESS = "192.0.2.4"
LINES_PER_WRITE = 50_000


@dataclasses.dataclass
class Workload:
    zones: list       # pairs of zone name and file
    questions: list   # pairs of name (bytes, wire form) and type (number)
    expect: str       # the counter that must grow with every answer; None: any NOERROR or NXDOMAIN
    is_right: typing.Callable  # takes a response as dns.message.Message
    wants_dnssec: bool = False  # queries have DO=1


def name_to_wire(name):
    labels = name.rstrip(".").split(".") if name != "." else []
    return b"".join(bytes((len(label),)) + label.encode() for label in labels) + b"\0"


def wire_to_name(wire):
    labels = []
    at = 0
    while wire[at]:
        labels.append(wire[at + 1:at + 1 + wire[at]].decode())
        at += 1 + wire[at]
    return ".".join(labels) + "."


class Labels:
    """label(i): host labels, different for different i, of lengths like those in real zones."""

    CONSONANTS = "bcdfghjklmnprstvw"
    VOWELS = "aeiou"

    def __init__(self, seed):
        rng = random.Random(seed)
        self.words = ["".join(rng.choice(self.VOWELS if at % 2 else self.CONSONANTS)
                              for at in range(rng.randint(2, 12))) for _ in range(4093)]

    def label(self, idx):
        return f"{self.words[idx * 40503 % 4093]}{idx}"


def address(idx):
    """The IPv4 address of host idx, below 2^24, in text."""
    return str(ipaddress.IPv4Address(ADDRESS_BASE + idx))


def write_lines(path, lines):
    with open(path, "w", encoding="ascii") as out:
        while chunk := list(itertools.islice(lines, LINES_PER_WRITE)):
            out.writelines(chunk)


def zone_head(serial=1):
    yield f"$ORIGIN {ORIGIN}\n$TTL 3600\n"
    yield f"@ SOA ns1 hostmaster {serial} 7200 3600 1209600 300\n"
    yield "@ NS ns1\n@ NS ns2\nns1 A 192.0.2.1\nns2 A 192.0.2.2\n"


def host_zone(labels, name_cnt, serial=1):
    """The lines of a zone of name_cnt hosts, each with one A record, which the serial changes."""
    yield from zone_head(serial)
    for idx in range(name_cnt):
        yield f"{labels.label(idx)} A {address(idx ^ serial - 1)}\n"


def host_file(directory, seed, name_cnt, serial=1):
    """That zone's file, written unless it is there."""
    path = pathlib.Path(directory, f"hosts-{name_cnt}-{serial}.zone")
    if not path.exists():
        write_lines(path, host_zone(Labels(seed), name_cnt, serial))
    return path


def host_idx(label):
    return int(re.search(rb"\d+$", label).group())


def addresses(rrsets, owner):
    """The A records of `owner` (a tuple of labels) among rrsets, in text."""
    return [rdata.address for rrset in rrsets for rdata in rrset
            if rrset.rdtype == TYPE_NUMBER["A"] and rrset.name.labels == owner]


def is_right_host(response):
    labels = response.question[0].name.labels
    return addresses(response.answer, labels) == [address(host_idx(labels[0]))]


def is_right_nxdomain(response):
    return (response.rcode() == 3 and not response.answer
            and [rrset.rdtype for rrset in response.authority] == [TYPE_NUMBER["SOA"]])


def is_right_referral(response):
    cut = response.question[0].name.labels[1:]
    servers = [rrset for rrset in response.authority
               if rrset.rdtype == TYPE_NUMBER["NS"] and rrset.name.labels == cut]
    return (len(servers) == 1 and len(servers[0]) == 2 and not response.answer
            and addresses(response.additional, (b"ns1",) + cut) == [address(host_idx(cut[0]))])


def is_right_small(response):
    return addresses(response.answer, response.question[0].name.labels) == [SMALL_ADDRESS]


def is_right_root(response):
    """Whatever is asked, there is an answer, a referral, or the SOA of a negative answer."""
    return response.rcode() in (0, 3) and (response.answer or response.authority)


def sample(rng, population, cnt):
    """cnt indices below population, different ones as far as there are enough."""
    if cnt <= population:
        return rng.sample(range(population), cnt)
    return [rng.randrange(population) for _ in range(cnt)]


def make_hosts(directory, seed, name_cnt, question_cnt):
    """A questions for existing names of one zone."""
    labels = Labels(seed)
    path = host_file(directory, seed, name_cnt)
    origin = name_to_wire(ORIGIN)
    questions = []
    for idx in sample(random.Random(seed), name_cnt, question_cnt):
        label = labels.label(idx).encode()
        questions.append((bytes((len(label),)) + label + origin, TYPE_NUMBER["A"]))
    return Workload([(ORIGIN, path)], questions, "rcode_noerror", is_right_host)


def make_nxdomain(directory, seed, name_cnt, question_cnt):
    """Random labels below the apex of the same zone: none exists."""
    return Workload([(ORIGIN, host_file(directory, seed, name_cnt))],
                    absent_questions(seed, question_cnt), "rcode_nxdomain", is_right_nxdomain)


def absent_questions(seed, question_cnt):
    rng = random.Random(seed)
    origin = name_to_wire(ORIGIN)
    alphabet = b"abcdefghijklmnopqrstuvwxyz0123456789"
    questions = []
    for _ in range(question_cnt):
        # a letter comes last, so the label is none of Labels
        label = bytes(rng.choices(alphabet, k=rng.randint(6, 15))) + b"x"
        questions.append((bytes((len(label),)) + label + origin, TYPE_NUMBER["A"]))
    return questions


def delegations(labels, cut_cnt):
    yield from zone_head()
    for idx in range(cut_cnt):
        cut = labels.label(idx)
        yield (f"{cut} NS ns1.{cut}\n{cut} NS ns2.{cut}\n"
               f"ns1.{cut} A {address(idx)}\nns2.{cut} A {address(idx ^ 0x800000)}\n")


def make_referral(directory, seed, name_cnt, question_cnt):
    """Names below the cuts of a zone like that of a TLD: two name servers with glue for each."""
    labels = Labels(seed)
    path = pathlib.Path(directory, "delegations.zone")
    write_lines(path, delegations(labels, name_cnt))
    questions = delegation_questions(labels, seed, name_cnt, question_cnt)
    return Workload([(ORIGIN, path)], questions, "referrals", is_right_referral)


def delegation_questions(labels, seed, name_cnt, question_cnt, which=lambda idx: idx):
    """A questions for names below the delegations that `which` makes of random ones."""
    origin = name_to_wire(ORIGIN)
    questions = []
    for idx in sample(random.Random(seed), name_cnt, question_cnt):
        cut = labels.label(which(idx)).encode()
        questions.append((b"\3www" + bytes((len(cut),)) + cut + origin, TYPE_NUMBER["A"]))
    return questions


def is_right_alias(response):
    """The alias, and the address of the host that it stands for."""
    labels = response.question[0].name.labels
    host = (labels[0].removeprefix(b"alias-"),) + labels[1:]
    return (len(response.answer) == 2
            and addresses(response.answer, host) == [address(host_idx(labels[0]))])


def is_right_wildcard(response):
    labels = response.question[0].name.labels
    return addresses(response.answer, labels) == [address(host_idx(labels[1]))]


def wildcards(labels, name_cnt):
    yield from zone_head()
    for idx in range(name_cnt):
        yield f"*.{labels.label(idx)} A {address(idx)}\n"


def make_wildcard(directory, seed, name_cnt, question_cnt):
    """Names that only a wildcard covers, one of many."""
    labels = Labels(seed)
    path = pathlib.Path(directory, "wildcards.zone")
    write_lines(path, wildcards(labels, name_cnt))
    rng = random.Random(seed)
    questions = [(name_to_wire(f"{labels.label(rng.randrange(1_000_000))}.{labels.label(idx)}"
                               f".{ORIGIN}"), TYPE_NUMBER["A"])
                 for idx in sample(rng, name_cnt, question_cnt)]
    return Workload([(ORIGIN, path)], questions, "rcode_noerror", is_right_wildcard)


def aliases(labels, name_cnt):
    yield from zone_head()
    for idx in range(name_cnt):
        label = labels.label(idx)
        yield f"alias-{label} CNAME {label}\n{label} A {address(idx)}\n"


def make_cname(directory, seed, name_cnt, question_cnt):
    """Aliases of hosts in the same zone, as many as hosts."""
    labels = Labels(seed)
    path = pathlib.Path(directory, "aliases.zone")
    write_lines(path, aliases(labels, name_cnt))
    questions = [(name_to_wire(f"alias-{labels.label(idx)}.{ORIGIN}"), TYPE_NUMBER["A"])
                 for idx in sample(random.Random(seed), name_cnt, question_cnt)]
    return Workload([(ORIGIN, path)], questions, "rcode_noerror", is_right_alias)


SMALL_ZONE = ["$TTL 3600\n@ SOA ns1 hostmaster 1 7200 3600 1209600 300\n",
              "@ NS ns1\n@ NS ns2\nns1 A 192.0.2.1\nns2 A 192.0.2.2\n",
              f"@ A 192.0.2.3\n@ MX 10 www\nwww A {SMALL_ADDRESS}\n"]
FILES_PER_FOLDER = 1000


def make_many_zones(directory, seed, zone_cnt, question_cnt):
    """zone_cnt zones of eight records, from one file: it is relative to the zone's name."""
    path = pathlib.Path(directory, "small.zone")
    write_lines(path, iter(SMALL_ZONE))
    return small_zones(seed, zone_cnt, question_cnt, lambda idx: path)


def make_zone_files(directory, seed, zone_cnt, question_cnt):
    """The same zones, each from a file of its own."""
    def path(idx):
        return pathlib.Path(directory, "zones", str(idx // FILES_PER_FOLDER), f"{idx}.zone")

    for idx in range(zone_cnt):
        path(idx).parent.mkdir(parents=True, exist_ok=True)
        write_lines(path(idx), iter(SMALL_ZONE))
    return small_zones(seed, zone_cnt, question_cnt, path)


def small_zones(seed, zone_cnt, question_cnt, path):
    labels = Labels(seed)
    zones = [(f"{labels.label(idx)}.example.", path(idx)) for idx in range(zone_cnt)]
    suffix = name_to_wire("example.")
    questions = []
    for idx in sample(random.Random(seed), zone_cnt, question_cnt):
        label = labels.label(idx).encode()
        questions.append((b"\3www" + bytes((len(label),)) + label + suffix, TYPE_NUMBER["A"]))
    return Workload(zones, questions, "rcode_noerror", is_right_small)


def mixed_case(rng, wire):
    return bytes(c ^ 0x20 if chr(c).isalpha() and rng.getrandbits(1) else c for c in wire)


def root_zone_path():
    """The file that VOLLEY_ROOT_ZONE names, or the one beside the checkout."""
    default = pathlib.Path(__file__).resolve().parents[2] / "../shared/data/root.zone"
    path = pathlib.Path(os.environ.get("VOLLEY_ROOT_ZONE", default)).resolve()
    if not path.is_file():
        raise PerfError(f"{path}: no such file; let VOLLEY_ROOT_ZONE name a root zone")
    return path


def make_mixed_root(_directory, seed, _name_cnt, question_cnt):
    """What a root server hears: names below TLDs, TLDs, the apex, and a third of NXDOMAIN; half of
    the questions have their letters' case mixed (dns-0x20)."""
    root_zone = root_zone_path()
    text = root_zone.read_text(encoding="ascii")
    tlds = sorted(set(re.findall(r"^([a-z0-9-]+)\.\s+\d+\s+IN\s+NS\s", text, re.M | re.I)))
    if not tlds:
        raise PerfError(f"{root_zone}: found no delegations in it; is it the root zone?")
    rng = random.Random(seed)
    labels = Labels(seed)
    types = ["A"] * 55 + ["AAAA"] * 25 + ["NS"] * 8 + ["DS"] * 6 + ["MX"] * 3 + ["TXT"] * 3
    questions = []
    for _ in range(question_cnt):
        kind = rng.random()
        qtype = TYPE_NUMBER[rng.choice(types)]
        host = labels.label(rng.randrange(1_000_000))
        if kind < 0.50:
            name = f"www.{host}.{rng.choice(tlds)}."
        elif kind < 0.62:
            name = f"{rng.choice(tlds)}."
        elif kind < 0.66:
            name, qtype = ".", TYPE_NUMBER[rng.choice(["NS", "SOA", "DNSKEY"])]
        else:
            name = f"{host}." if kind < 0.85 else f"{host}.local-{host}."
        wire = name_to_wire(name)
        questions.append((mixed_case(rng, wire) if rng.getrandbits(1) else wire, qtype))
    return Workload([(".", root_zone)], questions, None, is_right_root)


def write_question_list(path, questions, with_edns=False, wants_dnssec=False):
    """The questions as text: what kxdpgun (with its flags E, or D for DO=1) and dnsperf read."""
    flag = " D" if wants_dnssec else " E" if with_edns else ""
    write_lines(path, (f"{wire_to_name(name)} {TYPE_NAME[qtype]}{flag}\n"
                       for name, qtype in questions))
