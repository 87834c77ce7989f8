# SPDX-License-Identifier: GPL-3.0-or-later
"""Transfers out by the whole of it: clients ask the dataplane, which hands their connections over."""
import re
import socket

import dns.message
import dns.query
import dns.rrset
import pytest

from ask import query, serial
from net import SERVER4
from test_transfer_out import SECRET, make_certificate, names
from volley import own_network, small_zone, wait_until

pytestmark = pytest.mark.release

COUNT = 2000


@pytest.fixture(scope="module", name="volley")
def _volley(tmp_path_factory):
    with own_network(tmp_path_factory.mktemp("whole")) as volley:
        volley.keep_state()
        volley.spare_clients()
        directory = volley.directory
        volley.pin = make_certificate(directory / "server", "primary.test")
        volley.other_settings["keys"] = [{"name": "k.", "algorithm": "hmac-sha256", "secret": SECRET}]
        volley.other_settings["tls"] = [{"name": "xot", "certificate-file": f"{directory}/server.pem",
                                         "key-file": f"{directory}/server.key"}]
        volley.other_settings["transfers"] = {"tls": "xot"}
        volley.dataplane_settings["stream-tls-port"] = "853"
        for name, rule in (("z.test.", {"from": ["10.53.0.0/24"]}), ("k.test.", {"key": "k."}),
                           ("tls.test.", {"key": "k.", "tls": "required"}), ("far.test.", {"from": ["192.0.2.0/24"]})):
            volley.zone_settings[name] = {"living": True, "transfer-to": [rule]}
            volley.add_zone(name, small_zone(1, *(f"{host} A {address}" for host, address in names(COUNT).items())))
        yield volley.start()


def ask(volley, program, *words):
    """The records of a transfer, each in one line; and all that the program says."""
    result = volley.network.client.run(program, f"@{SERVER4}", "+tcp", *words)
    lines = [re.sub(r"\s+", " ", line) for line in result.stdout.splitlines()
             if line and not line.startswith(";") and " TSIG" not in line and "\tTSIG" not in line]
    return lines, result.stdout + result.stderr


def test_axfr(volley):
    lines, _ = ask(volley, "dig", "z.test.", "AXFR")
    assert len(lines) == COUNT + 4
    assert {f"{name}.z.test. 3600 IN A {address}" for name, address in names(COUNT).items()} < set(lines)


def test_who_may_not(volley):
    assert "Transfer failed" in ask(volley, "dig", "far.test.", "AXFR")[1]
    assert "Transfer failed" in ask(volley, "dig", "k.test.", "AXFR")[1]


def test_a_key(volley):
    assert len(ask(volley, "kdig", "-y", f"hmac-sha256:k.:{SECRET}", "k.test.", "AXFR")[0]) == COUNT + 4
    assert "REFUSED" in ask(volley, "kdig", "-y", f"hmac-sha256:k.:{SECRET}", "tls.test.", "AXFR")[1]


def test_xot(volley):
    signature = ["-y", f"hmac-sha256:k.:{SECRET}"]
    trust = [f"+tls-pin={volley.pin}"]
    assert len(ask(volley, "kdig", *trust, *signature, "tls.test.", "AXFR")[0]) == COUNT + 4
    assert "REFUSED" in ask(volley, "kdig", *trust, "tls.test.", "AXFR")[1]


def test_ixfr(volley):
    before = serial(volley.network, "z.test.")
    volley.ctl("zone", "set", "z.test.", "new", "300", "A", "192.0.2.77")
    lines, _ = ask(volley, "dig", "z.test.", f"IXFR={before}")
    assert [line.split()[3] for line in lines] == ["SOA", "SOA", "SOA", "A", "SOA"]
    lines, _ = ask(volley, "dig", "z.test.", f"IXFR={before + 1}")
    assert len(lines) == 1


def test_ixfr_over_udp_is_answered_with_the_soa(volley):
    request = dns.message.make_query("z.test.", "IXFR")
    request.authority.append(dns.rrset.from_text("z.test.", 0, "IN", "SOA", ". . 1 0 0 0 0"))
    with volley.network.client.entered():
        response = dns.query.udp(request, SERVER4, timeout=5)
    assert len(response.answer) == 1 and len(response.answer[0]) == 1
    assert response.answer[0][0].serial == serial(volley.network, "z.test.")


def test_other_queries_of_the_connection_before(volley):
    """Those in front of the transfer are answered by the dataplane."""
    with volley.network.client.entered():
        with socket.create_connection((SERVER4, 53), 10) as connection:
            wire = b""
            for kind in ("A", "SOA", "AXFR"):
                one = dns.message.make_query("n1.z.test." if kind == "A" else "z.test.", kind).to_wire()
                wire += len(one).to_bytes(2, "big") + one
            connection.sendall(wire)
            first, second, third = (dns.query.receive_tcp(connection, one_rr_per_rrset=True)[0] for _ in range(3))
    assert str(first.answer[0][0]) == "10.0.0.1"
    assert second.answer[0][0].serial == third.answer[0][0].serial


def test_a_restart_of_control_breaks_nothing(volley):
    volley.control.stop()
    assert query(volley.network, "n1.z.test.").answer
    volley.start_control()
    wait_until(lambda: len(ask(volley, "dig", "z.test.", "AXFR")[0]) > COUNT, "a transfer")
