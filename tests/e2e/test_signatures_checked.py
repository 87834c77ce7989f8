# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed zones are checked when they are loaded; when their signatures expire shows, and is logged in time."""
import json
import shutil
import subprocess
import time
from datetime import datetime, timezone
from pathlib import Path

import pytest

from volley import VOLLEYCTL, environment, small_zone, wait_until

SIGNED = Path(__file__).resolve().parents[1] / "unit/control/zone/signed"
DIGESTED = Path(__file__).resolve().parents[1] / "conformance/zones"
ZONE = "example."
GOOD = (SIGNED / "nsec-13.zone").read_text()
EXPIRED = (SIGNED / "expired-13.zone").read_text()
END = int(datetime(2090, 1, 1, tzinfo=timezone.utc).timestamp())


def tampered(zone, old="192.0.2.9", new="192.0.2.8"):
    assert zone.count(old) == 1
    return zone.replace(old, new)


def without(zone, begin):
    """The zone without the one line that begins so."""
    lines = zone.splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(begin)]
    assert len(kept) == len(lines) - 1
    return "".join(kept)


DAMAGED = {
    "signature-missing": without(GOOD, "ns.example.\t300\tIN\tRRSIG\tA"),
    "signature-invalid": tampered(GOOD),
    "signature-expired": EXPIRED,
    "nsec-chain": without(GOOD, "mail.example.\t60\tIN\tNSEC"),
    "nsec3-chain": without((SIGNED / "nsec3-13.zone").read_text(),
                           "q4900c1cjmipnhp5mnbgmlte8et5nhog.example.\t60\tIN\tNSEC3"),
    "nsec3-iterations": tampered((SIGNED / "optout-13.zone").read_text(), "NSEC3PARAM\t1 0 5", "NSEC3PARAM\t1 0 151"),
    "zonemd": (DIGESTED / "rfc8976-a1.zone").read_text().replace("203.0.113.63", "203.0.113.64"),
}


def check_zone(tmp_path, text):
    (tmp_path / "zone").write_text(text)
    result = subprocess.run([VOLLEYCTL, "--json", "check-zone", ZONE, tmp_path / "zone"], capture_output=True, text=True,
                            env=environment(), timeout=120)
    assert result.returncode == 0, result.stdout
    return json.loads(result.stdout)["findings"]


@pytest.mark.parametrize("file", sorted(path.name for path in SIGNED.glob("*.zone") if "expired" not in path.name))
def test_sound_zones_have_no_findings(file, tmp_path):
    assert check_zone(tmp_path, (SIGNED / file).read_text()) == []


@pytest.mark.parametrize("check", DAMAGED)
def test_damage_is_a_warning(check, tmp_path):
    findings = check_zone(tmp_path, DAMAGED[check])
    found = [finding for finding in findings if finding["check"] == check]
    assert found and all(finding["severity"] == "warning" for finding in found)
    assert found[0]["line"] > 0


def zone_json(volley, name=ZONE):
    return next(zone for zone in json.loads(volley.ctl("--json", "zones").stdout)["zones"] if zone["name"] == name)


def test_expiry_shows_and_is_cached(volley):
    volley.keep_state()
    volley.add_zone(ZONE, GOOD)
    volley.add_zone("plain.test.", small_zone(1))
    volley.start()
    for _ in range(2):
        zone = zone_json(volley)
        assert zone["signatures"] == "good" and zone["signatures_expire_unix_s"] == END
        assert "signatures" not in zone_json(volley, "plain.test.")
        status = volley.ctl_json("status")["signatures"]
        assert status == {"zones": 1, "expire_soon": 0, "expired": 0, "first_zone": ZONE, "first_expiry_unix_s": END}
        lines = volley.ctl("zones").stdout.splitlines()
        assert "signatures" in lines[0] and " h left " in lines[1]
        assert f"signatures 1 signed zone, first to expire: {ZONE}, " in volley.ctl("status").stdout
        volley.control.wait_for_log("image cache: stored 2 zones")
        volley.control.kill()
        volley.start_control()
        volley.control.wait_for_log("2 zones from the image cache")
    assert "signatures expire" not in volley.control.log()


def test_expired_signatures_are_logged_once(volley):
    volley.add_zone(ZONE, EXPIRED)
    volley.start()
    volley.control.wait_for_log("zone example.: signatures expired on 2026-02-01 00:00:00 UTC")
    volley.ctl("reload")
    volley.ctl("reload", ZONE)
    assert volley.control.log().count("signatures expired on") == 1
    assert zone_json(volley)["signatures"] == "expired"
    assert "problem: the signatures of 1 zone have expired" in volley.ctl("status").stdout
    volley.zone_file(ZONE).write_text(GOOD)
    volley.ctl("reload", ZONE)
    assert zone_json(volley)["signatures"] == "good"
    assert "problem: the signatures" not in volley.ctl("status").stdout


def test_an_error_keeps_the_zone_out(volley):
    volley.other_settings["checks"] = {"signature-invalid": "error"}
    volley.add_zone(ZONE, GOOD)
    volley.start()
    volley.zone_file(ZONE).write_text(tampered(GOOD))
    assert volley.ctl("reload", ZONE, check=False).returncode == 1
    assert zone_json(volley)["state"] == "old version"
    volley.other_settings["checks"]["verify-signatures"] = "none"
    volley.write_config()
    volley.ctl("reload")
    assert zone_json(volley)["state"] == "loaded"


def test_words_of_verify_signatures(volley):
    volley.other_settings["checks"] = {"verify-signatures": "some"}
    volley.add_zone(ZONE, GOOD)
    volley.write_config()
    result = volley.ctl("check", str(volley.config), check=False)
    assert result.returncode == 1
    assert "checks.verify-signatures: must be none, sample or all" in result.stdout + result.stderr


@pytest.mark.skipif(not shutil.which("dnssec-signzone"), reason="BIND's tools are not installed")
def test_time_passes(volley, tmp_path):
    """Signatures that expire while the zone is served: no reload is needed to notice it."""
    (tmp_path / "plain").write_text("$TTL 2\n@ SOA ns mail 1 1 1 1 1\n@ NS ns\nns A 192.0.2.1\n")
    for options in ((), ("-f", "KSK")):
        subprocess.run(["dnssec-keygen", "-q", "-a", "ED25519", *options, ZONE], cwd=tmp_path, check=True, capture_output=True)
    expiry = int(time.time()) + 3
    subprocess.run(["dnssec-signzone", "-q", "-P", "-S", "-s", "now-3600",
                    "-e", datetime.fromtimestamp(expiry, timezone.utc).strftime("%Y%m%d%H%M%S"),
                    "-o", ZONE, "-f", "signed", "plain"], cwd=tmp_path, check=True, capture_output=True)
    volley.add_zone(ZONE, (tmp_path / "signed").read_text())
    volley.start()
    volley.control.wait_for_log("zone example.: signatures expire on .*, within a day|signatures expired on")
    volley.control.wait_for_log("zone example.: signatures expired on")
    assert time.time() > expiry
    wait_until(lambda: zone_json(volley)["signatures"] == "expired", "the signatures do not expire")
