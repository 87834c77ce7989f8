# SPDX-License-Identifier: GPL-3.0-or-later
"""The zones of RFC 8976, Appendix A, whose digests show that every octet was read as it should be."""
import hashlib
import struct
from pathlib import Path

import pytest

import peers
import zone_wire

pytestmark = pytest.mark.skipif(not peers.PROGRAMS["bind"], reason="BIND is not installed")
ZONES = Path(__file__).parent / "zones"
NS, PTR, MX, RRSIG, ZONEMD = 2, 12, 15, 46, 63
SIMPLE = 1
HASHES = {1: hashlib.sha384, 2: hashlib.sha512}
# Types whose RDATA ends in names, which canonical form has in lower case (RFC 4034 §6.2); octets before these.
NAMES_FROM = {NS: 0, PTR: 0, MX: 2}


def labels(name):
    """A name as canonical order compares it (RFC 4034 §6.1)."""
    found, at = [], 0
    while name[at]:
        found.append(name[at + 1:at + 1 + name[at]])
        at += 1 + name[at]
    return tuple(found[::-1])


def canonical_rdata(record):
    at = NAMES_FROM.get(record.type)
    return record.rdata if at is None else record.rdata[:at] + zone_wire.lower(record.rdata[at:])


def is_digested(record, apex):
    if not record.owner.endswith(apex):
        return False
    covered = struct.unpack_from("!H", record.rdata)[0] if record.type == RRSIG else record.type
    return record.owner != apex or covered != ZONEMD


def digest(records, apex, algorithm):
    """The digest of scheme SIMPLE (RFC 8976 §3.3.1)."""
    found = {(labels(record.owner), record.type, canonical_rdata(record)): record
             for record in records if is_digested(record, apex)}
    made = HASHES[algorithm]()
    for (_, rrtype, rdata), record in sorted(found.items()):
        made.update(record.owner + struct.pack("!2HIH", rrtype, 1, record.ttl, len(rdata)) + rdata)
    return made.digest()


@pytest.mark.parametrize("origin, file, digests", [
    ("example.", "rfc8976-a1.zone", 1), ("example.", "rfc8976-a2.zone", 1), ("example.", "rfc8976-a3.zone", 2),
    ("uri.arpa.", "rfc8976-a4.zone", 1)])
def test_digest(origin, file, digests, tmp_path):
    copy = tmp_path / file
    copy.write_bytes((ZONES / file).read_bytes())
    read = zone_wire.read_with_volley(origin, copy)
    assert read.records is not None, read.findings
    apex = zone_wire.wire_name(origin.encode())
    compared = 0
    for record in read.records:
        if record.owner == apex and record.type == ZONEMD:
            _, scheme, algorithm = struct.unpack_from("!I2B", record.rdata)
            if scheme == SIMPLE and algorithm in HASHES:
                assert digest(read.records, apex, algorithm) == record.rdata[6:]
                compared += 1
    assert compared == digests
