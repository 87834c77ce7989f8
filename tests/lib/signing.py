# SPDX-License-Identifier: GPL-3.0-or-later
"""Zones signed with BIND's dnssec-signzone or with ldns-signzone, in one of several ways.

Keys are made once in a process: those of another zone are the same ones with another owner.
"""
import functools
import shutil
import subprocess
import tempfile
from collections import namedtuple
from pathlib import Path

SEARCH = "/usr/sbin:/usr/bin:/sbin"
KEYGEN = shutil.which("dnssec-keygen", path=SEARCH)
BIND_SIGNER = shutil.which("dnssec-signzone", path=SEARCH)
LDNS_SIGNER = shutil.which("ldns-signzone", path=SEARCH)
# Fixed, so that no test depends on the day it runs.
INCEPTION, EXPIRATION = "20200101000000", "20370101000000"
P256, ED25519 = "ECDSAP256SHA256", "ED25519"

# `salt` None: NSEC. `keys` are algorithms, each key signs every RRset. `signer` is "bind" or "ldns".
Method = namedtuple("Method", "salt iterations optout keys signer")
NSEC = Method(None, 0, False, (P256,), "bind")
NSEC3 = Method("-", 0, False, (P256,), "bind")
OPTOUT = NSEC3._replace(optout=True)


class NotSigned(Exception):
    """The signer refuses the zone."""


def _run(*words):
    return subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=600, check=False)


@functools.lru_cache(maxsize=None)
def _key(algorithm, number):
    """A key's DNSKEY data, the file of its private half as text, and "+algorithm+tag"."""
    with tempfile.TemporaryDirectory(prefix="volley-key-") as directory:
        made = _run(KEYGEN, "-q", "-a", algorithm, "-f", "KSK", "-K", directory, "key.test.")
        assert made.returncode == 0, made.stderr
        base = Path(directory, made.stdout.strip())
        line = [line for line in base.with_name(base.name + ".key").read_text().splitlines() if line[0] != ";"][0]
        private = base.with_name(base.name + ".private").read_text()
        return line.split(" DNSKEY ")[1], private, base.name.removeprefix("Kkey.test.")


def dnskeys(method=NSEC):
    """The RDATA of the zone's keys as text."""
    return [_key(algorithm, number)[0] for number, algorithm in enumerate(method.keys)]


def _write_keys(directory, origin, method):
    """The names of the files, without their endings."""
    bases = []
    for number, algorithm in enumerate(method.keys):
        data, private, ending = _key(algorithm, number)
        bases.append(directory / f"Kzone{number}{ending}")
        bases[-1].with_name(bases[-1].name + ".key").write_text(f"{origin} 3600 IN DNSKEY {data}\n")
        bases[-1].with_name(bases[-1].name + ".private").write_text(private)
    return bases


def _bind_command(origin, method, unsigned, signed):
    command = [BIND_SIGNER, "-o", origin, "-f", signed, "-s", INCEPTION, "-e", EXPIRATION, "-P", "-z", "-n", 1,
               "-d", unsigned.parent, "-O", "full"]
    if method.salt is not None:
        command += ["-3", method.salt, "-H", method.iterations] + ["-A"] * method.optout
    return command + [unsigned]


def _ldns_command(origin, method, unsigned, signed):
    command = [LDNS_SIGNER, "-o", origin, "-f", signed, "-i", INCEPTION, "-e", EXPIRATION, "-A"]
    if method.salt is not None:
        salt = [] if method.salt == "-" else ["-s", method.salt]
        command += ["-n", "-t", method.iterations] + salt + ["-p"] * method.optout
    return command + [unsigned]


def sign_file(origin, method, unsigned, signed):
    """Signs a zone's file into another one."""
    with tempfile.TemporaryDirectory(prefix="volley-sign-") as directory:
        copy = Path(directory, "zone")
        keys = _write_keys(Path(directory), origin, method)
        copy.write_text(Path(unsigned).read_text() + "".join(
            f"{origin} 3600 IN DNSKEY {data}\n" for data in dnskeys(method)))
        make = _ldns_command if method.signer == "ldns" else _bind_command
        done = _run(*make(origin, method, copy, signed), *keys)
        if done.returncode:
            raise NotSigned(done.stdout + done.stderr)


def sign_text(origin, method, text):
    """The signed zone as text; with dnssec-signzone one record in each line."""
    with tempfile.TemporaryDirectory(prefix="volley-sign-") as directory:
        unsigned, signed = Path(directory, "unsigned"), Path(directory, "signed")
        unsigned.write_text(text)
        sign_file(origin, method, unsigned, signed)
        return signed.read_text()
