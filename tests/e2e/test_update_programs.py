# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that change zones by dynamic update, as operators run them: certbot and lego for certificates, Kea's DHCP-DDNS."""
import json
import socket
import struct
import subprocess

import dns.rcode
import pytest

from acme import Authority
from ask import query, rrset
from net import CLIENT4, SERVER4
from volley import Process, own_network, small_zone, wait_until

pytestmark = pytest.mark.release

ZONE = "u.test."
SECRET = "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY="


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with own_network(tmp_path_factory.mktemp("programs")) as volley:
        volley.keep_state()
        volley.spare_clients()
        volley.other_settings["keys"] = [{"name": "acme", "secret": SECRET}, {"name": "dhcp", "secret": SECRET}]
        volley.zone_settings[ZONE] = {"update": [
            {"key": "acme", "names": ["_acme-challenge.*"], "types": ["TXT"]},
            {"key": "dhcp", "types": ["A", "DHCID"]}]}
        volley.add_zone(ZONE, small_zone(1, "www A 192.0.2.10"))
        volley.zone_settings["2.0.192.in-addr.arpa."] = {"update": [{"key": "dhcp", "types": ["PTR", "DHCID"]}]}
        volley.add_zone("2.0.192.in-addr.arpa.", small_zone(1))
        yield volley.start()


def texts(volley, name):
    found = rrset(query(volley.network, name + ".", "TXT").answer, name + ".", "TXT")
    return {text.strip('"') for text in found[1]} if found else set()


@pytest.fixture
def authority(running, tmp_path):
    made = Authority(running.network.client, CLIENT4, tmp_path, lambda name: texts(running, name))
    yield made
    made.close()


def run(volley, *command, **options):
    done = subprocess.run([str(word) for word in volley.network.client.command(*command)], capture_output=True, text=True,
                          timeout=120, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def check_certificate(path, *names):
    shown = subprocess.run(["openssl", "x509", "-in", path, "-noout", "-ext", "subjectAltName"], check=True,
                           capture_output=True, text=True).stdout
    for name in names:
        assert f"DNS:{name}" in shown


def check_authority(volley, authority, *names):
    """Each record was there when it was looked for, and is gone now."""
    assert sorted(authority.tried) == sorted((name, True) for name in names)
    for name in names:
        assert query(volley.network, name + ".", "TXT").rcode() == dns.rcode.NXDOMAIN


def test_certbot(running, authority, tmp_path):
    credentials = tmp_path / "rfc2136.ini"
    credentials.write_text(f"dns_rfc2136_server = {SERVER4}\ndns_rfc2136_name = acme.\ndns_rfc2136_secret = {SECRET}\n"
                           "dns_rfc2136_algorithm = HMAC-SHA256\n")
    credentials.chmod(0o600)
    run(running, "certbot", "certonly", "-n", "--agree-tos", "--register-unsafely-without-email", "--server",
        authority.base + "/directory", "--dns-rfc2136", "--dns-rfc2136-credentials", credentials,
        "--dns-rfc2136-propagation-seconds", "0", "--config-dir", tmp_path / "config", "--work-dir", tmp_path / "work",
        "--logs-dir", tmp_path / "logs", "-d", "www.u.test", "-d", "*.shop.u.test")
    check_certificate(tmp_path / "config/live/www.u.test/cert.pem", "www.u.test", "*.shop.u.test")
    check_authority(running, authority, "_acme-challenge.www.u.test", "_acme-challenge.shop.u.test")


def test_lego(running, authority, tmp_path):
    run(running, "env", f"RFC2136_NAMESERVER={SERVER4}:53", "RFC2136_TSIG_KEY=acme.", f"RFC2136_TSIG_SECRET={SECRET}",
        "RFC2136_TSIG_ALGORITHM=hmac-sha256.", "RFC2136_POLLING_INTERVAL=1", "RFC2136_PROPAGATION_TIMEOUT=20",
        "lego", "--server", authority.base + "/directory", "--path", tmp_path, "--email", "hostmaster@u.test",
        "--accept-tos", "--dns", "rfc2136", "--dns.disable-cp", "--dns.resolvers", f"{SERVER4}:53", "-d", "lego.u.test",
        "run")
    check_certificate(tmp_path / "certificates/lego.u.test.crt", "lego.u.test")
    check_authority(running, authority, "_acme-challenge.lego.u.test")


def ddns_config(directory):
    def domain(name):
        return {"ddns-domains": [{"name": name, "key-name": "dhcp.", "dns-servers": [{"ip-address": SERVER4}]}]}

    path = directory / "kea.json"
    path.write_text(json.dumps({"DhcpDdns": {
        "ip-address": CLIENT4, "port": 53001, "dns-server-timeout": 2000,
        "tsig-keys": [{"name": "dhcp.", "algorithm": "HMAC-SHA256", "secret": SECRET}],
        "forward-ddns": domain(ZONE), "reverse-ddns": domain("2.0.192.in-addr.arpa."),
        "loggers": [{"name": "kea-dhcp-ddns", "severity": "INFO", "output_options": [{"output": "stdout"}]}]}}))
    return path


def lease(volley, adds, name, address):
    """What the DHCP server tells it about a lease that begins or ends."""
    text = json.dumps({"change-type": 0 if adds else 1, "forward-change": True, "reverse-change": True, "fqdn": name,
                       "ip-address": address, "dhcid": "000001" + "5a" * 32, "lease-expires-on": "20990101000000",
                       "lease-length": 3600, "use-conflict-resolution": True}).encode()
    with volley.network.client.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(struct.pack("!H", len(text)) + text, (CLIENT4, 53001))


def test_kea(running, tmp_path):
    process = Process("kea", ["env", f"KEA_PIDFILE_DIR={tmp_path}", f"KEA_LOCKFILE_DIR={tmp_path}", *running.network.client.command(
        "kea-dhcp-ddns", "-c", ddns_config(tmp_path))], tmp_path / "log")
    try:
        process.wait_for_log("DHCP_DDNS_STARTED|DHCP_DDNS_RUN|DCTL_RUN_PROCESS")
        lease(running, True, "laptop.u.test.", "192.0.2.77")
        wait_until(lambda: rrset(query(running.network, "77.2.0.192.in-addr.arpa.", "PTR").answer, "77.2.0.192.in-addr.arpa.",
                                 "PTR"), process.log)
        assert rrset(query(running.network, "laptop.u.test.", "A").answer, "laptop.u.test.", "A")[1] == {"192.0.2.77"}
        assert rrset(query(running.network, "laptop.u.test.", "DHCID").answer, "laptop.u.test.", "DHCID")
        lease(running, False, "laptop.u.test.", "192.0.2.77")
        wait_until(lambda: query(running.network, "77.2.0.192.in-addr.arpa.", "PTR").rcode() == dns.rcode.NXDOMAIN,
                   process.log)
        assert query(running.network, "laptop.u.test.", "A").rcode() == dns.rcode.NXDOMAIN
    finally:
        process.kill()
