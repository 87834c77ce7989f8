# SPDX-License-Identifier: GPL-3.0-or-later
"""The transfers that have ended, in and out, as volleyctl transfers --past shows them; and TLS without a port."""
import dns.message
import pytest

from net import CLIENT4
from primary import Primary, axfr, notify, records
from stream import Stream
from test_transfer_out import make_certificate
from volley import own_network, wait_until

pytestmark = pytest.mark.release

ZONE = "s.test."


@pytest.fixture(name="volley")
def _volley(tmp_path):
    with own_network(tmp_path) as volley:
        volley.be_secondary()
        volley.add_secondary(ZONE, ["primary"], transfer_to=[{"from": [CLIENT4]}])
        yield volley


@pytest.fixture(name="source")
def _source(volley):
    made = Primary(volley.network.client)
    made.serials[ZONE] = 1
    yield made
    made.stop()


def past(volley):
    return volley.ctl_json("transfers", "--past")["past"]


def wait_for(volley, count):
    return wait_until(lambda: (found := past(volley)) and len(found) == count and found, lambda: f"{count}: {past(volley)}")


def test_ended_transfers_are_shown(volley, source):
    make_certificate(volley.directory / "server", "server.test")
    volley.other_settings["tls"] = [{"name": "own", "certificate-file": f"{volley.directory}/server.pem",
                                     "key-file": f"{volley.directory}/server.key"}]
    volley.other_settings["transfers"] = {"tls": "own"}
    volley.start()
    volley.control.wait_for_log("warning: transfers.tls is not used: dataplane.stream-tls-port is 0")
    (first,) = wait_for(volley, 1)
    wanted = {"direction": "in", "zone": ZONE, "peer": f"primary {CLIENT4}", "kind": "AXFR", "tls": False, "serial": 1,
              "messages": 1, "failed": False, "why": ""}
    assert {key: first[key] for key in wanted} == wanted and first["bytes"] > 100
    # one that is refused, and tried as AXFR after IXFR
    source.serials[ZONE] = 2
    source.answers[ZONE] = lambda asked: axfr(asked, ZONE, 2, *records("other.test.", "a A 192.0.2.1"))
    notify(volley.network, ZONE, 2)
    failed = wait_for(volley, 3)[0]
    assert failed["failed"] and failed["serial"] == 2 and "a.other.test." in failed["why"]
    wait_until(lambda: volley.is_connected(), "connected")
    with Stream(volley.network) as client:
        answer = dns.message.from_wire(client.ask(dns.message.make_query(ZONE, "AXFR").to_wire()))
        assert answer.answer[0][0].serial == 1
    out = wait_for(volley, 4)[0]
    assert (out["direction"], out["zone"], out["serial"], out["failed"]) == ("out", ZONE, 1, False)
    assert out["peer"].startswith(f"{CLIENT4}@")
    lines = volley.ctl("transfers", "--past").stdout.splitlines()
    assert len(lines) == 4 and lines[0].endswith("done") and f"out  AXFR {ZONE}  {CLIENT4}@" in lines[0]
    assert "failed: " in lines[1]
    assert volley.ctl("transfers", "--future", check=False).returncode == 2
