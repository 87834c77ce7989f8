# SPDX-License-Identifier: GPL-3.0-or-later
"""Unbound, a validating resolver that has Volley as its only authority and the zone's key, believes every answer.

A zone has 600 hosts, and 400 absent names are asked; 100,000 and 20,000 with VOLLEY_HEAVY=1.
"""
import os
import random
import re
import shutil
from collections import Counter, namedtuple

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import pytest

import signing
import unbound
from ask import wait_until_answered
from many import ask_all
from net import SERVER4
from volley import own_network

DELV = shutil.which("delv", path=signing.SEARCH)
DNSVIZ = shutil.which("dnsviz", path=signing.SEARCH)
ZONEMASTER = shutil.which("zonemaster-cli", path=signing.SEARCH)
ZONEMASTER_TESTS = "dnssec", "nameserver", "zone", "basic", "consistency", "syntax"
HEAVY = bool(os.environ.get("VOLLEY_HEAVY"))
HOSTS = 100_000 if HEAVY else 600
ABSENT = 20_000 if HEAVY else 400
GROUPS = 100 if HEAVY else 20  # of each other kind of name
ORIGIN, SAFE, FREE = "big.test.", "safe.big.test.", "free.big.test."
METHODS = {"nsec": signing.NSEC, "nsec3": signing.NSEC3._replace(salt="aabbccdd", iterations=5),
           "optout": signing.OPTOUT}
if HEAVY:
    METHODS["two-algorithms"] = signing.NSEC3._replace(keys=(signing.P256, signing.ED25519))
APEX = "$TTL 3600\n@ SOA ns hostmaster 1 7200 3600 1209600 300\n@ NS ns\nns A 10.53.0.1\n"
# Question and what is to come; `secure` None: in an opt-out span it is not, else it is.
Asked = namedtuple("Asked", "name type rcode secure answered")

# The fuzz targets reach the same code with sanitizers.
pytestmark = [pytest.mark.release, pytest.mark.skipif(not (unbound.PROGRAM and signing.BIND_SIGNER),
                                                      reason="Unbound and dnssec-signzone are not both installed")]


def ds_text(origin, method):
    """The DS records of a zone's keys."""
    keys = [dns.rdata.from_text("IN", "DNSKEY", data) for data in signing.dnskeys(method)]
    return "".join(f"{origin} DS {dns.dnssec.make_ds(dns.name.from_text(origin), key, 'SHA256').to_text()}\n"
                   for key in keys)


def parent_text(method):
    lines = [APEX]
    lines += [f"h{number} A 192.0.2.{number % 250}\n" for number in range(HOSTS)]
    for number in range(GROUPS):
        lines.append(f"deep.er.e{number} TXT below\n*.w{number} TXT wildcard\nx.w{number} A 192.0.2.7\n"
                     f"c{number} CNAME h{number}\nlost{number} CNAME no.where{number}\nto{number} CNAME q.w{number}\n"
                     f"cut{number} NS ns.elsewhere.invalid.\nbelow.far{number} NS ns.elsewhere.invalid.\n")
    lines += ["moved DNAME er.e1\n"]
    for child in (SAFE, FREE):
        lines.append(f"{child} NS ns.{child}\nns.{child} A 10.53.0.1\n")
    return "".join(lines) + ds_text(SAFE, method)


def questions(dice):
    asked = [Asked(f"h{number}", "A", 0, True, True) for number in range(HOSTS)]
    for number in range(GROUPS):
        asked += [Asked(f"deep.er.e{number}", "TXT", 0, True, True), Asked(f"er.e{number}", "A", 0, True, False),
                  Asked(f"e{number}", "A", 0, True, False), Asked(f"q.w{number}", "TXT", 0, None, True),
                  Asked(f"p.q.w{number}", "TXT", 0, None, True), Asked(f"q.w{number}", "MX", 0, None, False),
                  Asked(f"x.w{number}", "TXT", 0, True, False), Asked(f"h{number}", "AAAA", 0, True, False),
                  Asked(f"c{number}", "A", 0, True, True), Asked(f"lost{number}", "A", 3, None, True),
                  Asked(f"to{number}", "TXT", 0, None, True), Asked(f"to{number}", "MX", 0, None, True),
                  Asked(f"cut{number}", "DS", 0, None, False), Asked(f"below.far{number}", "DS", 0, None, False),
                  Asked(f"far{number}", "A", 0, None, False), Asked(f"y.far{number}", "A", 3, None, False)]
    asked += [Asked("deep.moved", "TXT", 0, True, True), Asked("no.moved", "TXT", 3, None, True)]
    for rrtype in ("SOA", "NS", "DNSKEY"):
        asked.append(Asked("", rrtype, 0, True, True))
    asked += [Asked("www.safe", "A", 0, True, True), Asked("no.safe", "A", 3, None, False), Asked("safe", "DS", 0, True, True),
              Asked("www.free", "A", 0, False, True), Asked("no.free", "A", 3, False, False),
              Asked("free", "DS", 0, None, False)]
    for number in range(ABSENT):
        label = "".join(dice.choices("abcdefghijklmnopqrstuvwxyz-0123456789", k=dice.randint(1, 30))).strip("-") + "0"
        under = dice.choice(["", "", f".h{dice.randrange(HOSTS)}", f".er.e{dice.randrange(GROUPS)}"])
        asked.append(Asked(f"{label}--{number}{under}", dice.choice(["A", "TXT", "DS"]), 3, None, False))
    return asked


def serve(volley, method):
    """Serves the zone, a signed child and an unsigned one."""
    child = APEX + "www A 192.0.2.80\n"
    for origin, text, how in ((ORIGIN, parent_text(method), method), (SAFE, child, method), (FREE, child, None)):
        volley.zone_file(origin).write_text(text)
        if how:
            signing.sign_file(origin, how, volley.zone_file(origin), volley.zone_file(origin))
        volley.add_zone(origin, file=volley.zone_file(origin))
    volley.spare_clients()
    volley.start()
    wait_until_answered(volley.network, ORIGIN)


def anchors(method):
    return [f"{ORIGIN} 3600 IN DNSKEY {data}" for data in signing.dnskeys(method)]


def absolute(name):
    return f"{name}.{ORIGIN}" if name else ORIGIN


def resolve(volley, asked):
    """Unbound's response to each question."""
    queries = [dns.message.make_query(absolute(one.name), one.type, want_dnssec=True).to_wire() for one in asked]
    return [message and dns.message.from_wire(message)
            for message in ask_all(volley.network, queries, unbound.ADDRESS)]


def verdict(response):
    """RCODE, whether AD is set, whether something is in the answer section."""
    if response is None:
        return None
    return response.rcode(), bool(response.flags & dns.flags.AD), bool(response.answer)


@pytest.fixture(scope="module", params=METHODS)
def validated(request, tmp_path_factory):
    """Volley with the signed zones, and Unbound, for one way to sign."""
    method, directory = METHODS[request.param], tmp_path_factory.mktemp("validated")
    with own_network(directory) as volley:
        serve(volley, method)
        resolver = unbound.start(volley.network, directory / "unbound", [ORIGIN], anchors(method))
        try:
            yield volley, method
        finally:
            resolver.kill()


def test_every_answer_is_believed(validated, note):
    volley, method = validated
    asked = questions(random.Random(53))
    spare = not method.optout
    wrong, kinds = [], Counter()
    for one, response in zip(asked, resolve(volley, asked)):
        wanted = one.rcode, spare if one.secure is None else one.secure, one.answered
        kinds[wanted] += 1
        if verdict(response) != wanted:
            wrong.append(f"{absolute(one.name)} {one.type}: {verdict(response)}, not {wanted}\n{response}")
    note(f"{method}: {len(asked)} questions, {len(wrong)} not as wanted; (RCODE, AD, answered): {dict(kinds)}")
    assert not wrong, f"{len(wrong)} of {len(asked)}\n" + "\n".join(wrong[:8])


def spoil(volley, *spoiled):
    """Changes an octet in the signature of each (owner, type) in the zone's file, which dnssec-signzone has written."""
    file = volley.zone_file(ORIGIN)
    lines = file.read_text().splitlines()
    for owner, rrtype in spoiled:
        place = next(index for index, line in enumerate(lines)
                     if re.match(rf"{re.escape(absolute(owner))}\s.*\sRRSIG\s+{rrtype}\s", line))
        words = lines[place].split()
        words[-1] = ("B" if words[-1][0] == "A" else "A") + words[-1][1:]
        lines[place] = " ".join(words)
    file.write_text("\n".join(lines) + "\n")
    volley.ctl("reload")


def test_what_is_tampered_with_is_not_believed(tmp_path):
    """One octet of a signature makes its answers fail, and no others."""
    method = METHODS["nsec"]
    with own_network(tmp_path) as volley:
        serve(volley, method)
        spoil(volley, ("h1", "A"), ("h2", "NSEC"), ("*.w1", "TXT"), ("safe", "DS"))
        resolver = unbound.start(volley.network, tmp_path / "unbound", [ORIGIN], anchors(method))
        try:
            asked = [("h1", "A"), ("h2", "AAAA"), ("q.w1", "TXT"), ("www.safe", "A"), ("h1", "AAAA"), ("h2", "A"),
                     ("q.w2", "TXT"), ("www.free", "A")]
            responses = resolve(volley, [Asked(name, rrtype, 0, True, True) for name, rrtype in asked])
            assert [response.rcode() for response in responses] == [dns.rcode.SERVFAIL] * 4 + [dns.rcode.NOERROR] * 4
        finally:
            resolver.kill()


@pytest.mark.skipif(DELV is None, reason="delv is not installed")
def test_delv(validated, tmp_path):
    """BIND's validator asks Volley itself."""
    volley, method = validated
    keys = "".join("  {} static-key {} {} {} \"{}\";\n".format(ORIGIN, *data.split(" ", 3))
                   for data in signing.dnskeys(method))
    anchor = tmp_path / "anchors"
    anchor.write_text(f"trust-anchors {{\n{keys}}};\n")
    for name, rrtype, said in (
            ("h1", "A", "fully validated"), ("h1", "TXT", "negative response, fully validated"),
            ("q.w1", "TXT", "unsigned answer" if method.optout else "fully validated"), ("er.e1", "A", "negative response, fully validated"),
            ("deep.moved", "TXT", "fully validated"), ("c1", "A", "fully validated"),
            ("nothing", "A", "negative response, fully validated")):
        done = volley.network.client.run(DELV, f"@{SERVER4}", "-a", anchor, f"+root={ORIGIN}", absolute(name), rrtype)
        assert f"; {said}" in done.stdout, f"{name} {rrtype}: {done.stdout}{done.stderr}"


@pytest.mark.heavy
@pytest.mark.skipif(DNSVIZ is None, reason="dnsviz is not installed")
def test_dnsviz(validated, tmp_path):
    """It finds nothing wrong with the zone, a host, and a name that a wildcard stands for."""
    volley, method = validated
    volley.network.client.ip("route", "add", "default", "via", SERVER4)  # it wants to see one
    probed, keys = tmp_path / "probe.json", tmp_path / "keys"
    keys.write_text("".join(f"{anchor}\n" for anchor in anchors(method)))
    done = volley.network.client.run(DNSVIZ, "probe", "-4", "-A", "-a", ORIGIN, "-x", f"{ORIGIN}+:ns.{ORIGIN}={SERVER4}",
                                     "-o", probed, ORIGIN, f"h1.{ORIGIN}", f"q.w1.{ORIGIN}")
    assert done.returncode == 0, done.stderr
    shown = volley.network.client.run(DNSVIZ, "print", "-t", keys, "-r", probed).stdout
    marks = Counter(re.findall(r"^ *\[(.)\]", shown, re.MULTILINE))
    # what an opt-out span denies is insecure
    assert set(marks) <= ({".", "-"} if method.optout else {"."}) and marks["."] > 30, shown


@pytest.mark.heavy
@pytest.mark.skipif(ZONEMASTER is None, reason="zonemaster-cli is not installed")
def test_zonemaster(validated, tmp_path):
    """It finds no error, with the zone's keys as they would stand in the parent zone. Its tests of the delegation itself
    are left out: they want more name servers."""
    volley, method = validated
    hints, host = tmp_path / "hints", f"ns.{ORIGIN}"
    hints.write_text(f". 3600 IN NS {host}\n{host} 3600 IN A {SERVER4}\n")
    command = [ZONEMASTER, "--no-ipv6", "--hints", hints, "--level", "INFO", "--raw", "--show-testcase",
               "--ns", f"{host}/{SERVER4}"]
    for line in ds_text(ORIGIN, method).splitlines():
        command += ["--ds", ",".join(line.split()[2:])]
    for test in ZONEMASTER_TESTS:
        command += ["--test", test]
    done = volley.network.client.run(*command, ORIGIN.rstrip("."))
    levels = Counter(re.findall(r"^ *[0-9.]+ ([A-Z]+) ", done.stdout, re.MULTILINE))
    assert not levels["ERROR"] and not levels["CRITICAL"] and levels["INFO"] > 30, done.stdout + done.stderr
    assert re.search(r" (DNSSEC\d+) ", done.stdout), done.stdout
