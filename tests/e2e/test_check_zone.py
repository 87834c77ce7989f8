# SPDX-License-Identifier: GPL-3.0-or-later
"""volleyctl check-zone: what --print and --json write."""
import json
import subprocess

from volley import VOLLEYCTL, environment

HEAD = """$ORIGIN example.
$TTL 3600
@ SOA ns1 hostmaster 1 3600 600 86400 300
@ NS ns1
ns1 A 192.0.2.1
"""

UNORDERED = HEAD + """z.b 60 TXT "a;b" c
B A 192.0.2.9
B A 192.0.2.5
b A 192.0.2.9
sub NS ns.sub
ns.sub A 192.0.2.3
\\043\\001.sub A 192.0.2.4
*.b CNAME @
$GENERATE 1-2 h$ A 192.0.2.$
$INCLUDE more
@ NS NS1
t TYPE300 \\# 2 0102
t TYPE1 192.0.2.6
n NSEC o.example. A TYPE300 RRSIG NSEC
"""

PRINTED = """example.	3600	IN	SOA	ns1.example. hostmaster.example. 1 3600 600 86400 300
example.	3600	IN	NS	ns1.example.
b.example.	3600	IN	A	192.0.2.5
b.example.	3600	IN	A	192.0.2.9
*.b.example.	3600	IN	CNAME	example.
z.b.example.	60	IN	TXT	"a;b" "c"
h1.example.	3600	IN	A	192.0.2.1
h2.example.	3600	IN	A	192.0.2.2
included.example.	3600	IN	AAAA	2001:db8::1
n.example.	3600	IN	NSEC	o.example. A RRSIG NSEC TYPE300
ns1.example.	3600	IN	A	192.0.2.1
sub.example.	3600	IN	NS	ns.sub.example.
\\+\\001.sub.example.	3600	IN	A	192.0.2.4
ns.sub.example.	3600	IN	A	192.0.2.3
t.example.	3600	IN	A	192.0.2.6
t.example.	3600	IN	TYPE300	\\# 2 0102
"""


def check_zone(*arguments):
    return subprocess.run([VOLLEYCTL, "check-zone", *arguments], capture_output=True, text=True, env=environment(), timeout=120)


def test_print_is_canonical(tmp_path):
    zone = tmp_path / "zone"
    zone.write_text(UNORDERED)
    (tmp_path / "more").write_text("included AAAA 2001:db8:0::1\n")
    result = check_zone("--print", "example.", zone)
    assert result.returncode == 0, result.stderr
    assert result.stdout == PRINTED
    assert "1 zone, 18 records; 0 errors" in result.stderr
    zone.write_text(PRINTED)
    assert check_zone("example.", "--print", zone).stdout == PRINTED


def test_findings_do_not_mix_with_the_zone(tmp_path):
    zone = tmp_path / "zone"
    zone.write_text(HEAD + "a 4294967295 A 192.0.2.1\n")
    result = check_zone("--print", "example.", zone)
    assert result.returncode == 0
    assert "warning" not in result.stdout and result.stdout.count("\n") == 4
    assert result.stderr.count("[ttl-range]") == 1, result.stderr


def test_a_zone_with_errors_is_not_printed(tmp_path):
    zone = tmp_path / "zone"
    zone.write_text(HEAD + "a A 192.0.2\n")
    result = check_zone("--print", "example.", zone)
    assert result.returncode == 1
    assert result.stdout == ""
    assert f"{zone}:6: error: " in result.stderr


def test_print_and_json_exclude_each_other(tmp_path):
    result = check_zone("--print", "--json", "example.", tmp_path / "zone")
    assert result.returncode == 2
    assert "either --print or --json" in result.stderr


def test_json_has_every_finding_whatever_its_octets(tmp_path):
    """JSON is UTF-8, but file names and words of zone files need not be."""
    zone = bytes(tmp_path) + b"/z\xfcne"
    with open(zone, "wb") as file:
        file.write(HEAD.encode() + b"b\xe4d MX b\xf6se x\nbad A 1.2.3\n$INCLUDE n\xf6ne\n")
    result = check_zone("--json", "ex\udce4mple.", zone)
    assert result.returncode == 1
    answer = json.loads(result.stdout)
    findings = answer["findings"]
    assert len(findings) == answer["errors"] + answer["warnings"] > 0
    assert all(finding["file"].endswith("/z?ne") for finding in findings)
    result = check_zone("example.", zone, "--json")
    findings = json.loads(result.stdout)["findings"]
    assert len(findings) == json.loads(result.stdout)["errors"] >= 3
    assert {6, 7, 8} <= {finding["line"] for finding in findings}
