# SPDX-License-Identifier: GPL-3.0-or-later
"""Zones with faults that other servers put up with are served, with a warning; `checks` makes errors of them."""
import json

import dns.rcode
import pytest

from ask import query, rrset
from volley import small_zone

APEX = "$TTL 300\n@ SOA ns1.example.net. hostmaster.example.net. 1 3600 600 86400 60\n"
DIGEST = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
FAULTS = {
    "no-ns": APEX,
    "out-of-zone": small_zone(1, "www.example.net. A 192.0.2.1"),
    "ds-at-apex": small_zone(1, f"@ DS 1 8 2 {DIGEST}"),
    "digest-length": small_zone(1, "sub NS ns1.example.net.", "sub DS 1 8 2 ABCD"),
    "svcb": small_zone(1, "@ HTTPS 1 . no-default-alpn"),
    "location": small_zone(1, "@ LOC 90 0 1 N 0 0 0 E 0m"),
    "cds": small_zone(1, "@ DNSKEY 257 3 8 AQMFD5raczCJHViKtLYhWGz8", f"@ CDS 1 8 2 {DIGEST}"),
}


def findings(volley, check, severity):
    """What `volleyctl check` says about this check, with this severity; None: the default."""
    if severity:
        volley.other_settings["checks"] = {check: severity}
    volley.write_config()
    found = volley.ctl_json("check", str(volley.config)) if severity != "error" else json.loads(
        volley.ctl("--json", "check", str(volley.config), check=False).stdout)
    return [finding["severity"] for finding in found["findings"] if finding["check"] == check]


@pytest.mark.parametrize("check", FAULTS)
def test_fault(volley, check):
    volley.add_zone("good.test.", small_zone(1))
    volley.add_zone("one.test.", FAULTS[check] + "www A 192.0.2.80\n")
    volley.start()
    assert rrset(query(volley.network, "www.one.test.").answer, "www.one.test.", "A")[1] == {"192.0.2.80"}
    assert query(volley.network, "www.example.net.").rcode() == dns.rcode.REFUSED
    assert findings(volley, check, None) == ["warning"]
    assert findings(volley, check, "error") == ["error"]
    assert volley.ctl("reload", check=False).returncode == 1
    assert findings(volley, check, "ignore") == []
    volley.ctl("reload")
