# SPDX-License-Identifier: GPL-3.0-or-later
"""Floods as fast as one core sends them: each kind is dropped or limited under its own reason, and who asks
meanwhile, as resolvers do, gets the answer."""
import json
import subprocess

import pytest

from ask import exchange
from net import CLIENT_LINK, SERVER4
from volley import BUILD, own_network, small_zone
from wire import dns_query

pytestmark = pytest.mark.alone

FLOOD = BUILD / "perf/flood"
SECONDS = 2
TRIES = 5
QUERIES = 40

# Kind of flood, and what counts it: verdicts of the XDP program, or totals of the lcore.
REASONS = {
    "reflected": (["dns_response"], []),
    "one-source": (["source_rate"], []),
    "any": ([], ["limited_answer", "slipped"]),
    "nxdomain": ([], ["limited_nxdomain", "slipped"]),
    "malformed": (["bad_length", "dns_short", "unserved"], []),
    "spoofed": ([], []),
    "deep": ([], []),
}
NAMES = {"deep": "one.test"}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with own_network(tmp_path_factory.mktemp("floods"), streams=False) as volley:
        # so low that a flood is above them on any machine; the client is below
        volley.other_settings = {"defence": {
            "source-rate": {"mode": "on", "address": 2000, "network": 4000, "wide": 1000000},
            "responses": {"answer": 500, "nxdomain": 50, "error": 50}}}
        text = "".join(f'@ TXT "{number}{"x" * 200}"\n' for number in range(6))
        volley.add_zone("test.", small_zone(1, "www A 192.0.2.10", "one DNAME other", "*.other A 192.0.2.11") + text)
        yield volley.start()


def start_flood(volley, kind):
    mac = ":".join(f"{octet:02x}" for octet in volley.network.server_mac)
    command = volley.network.client.command(
        FLOOD, "--interface", CLIENT_LINK, "--server", SERVER4, "--server-mac", mac, "--name", NAMES.get(kind, "test"),
        "--kind", kind, "--seconds", SECONDS)
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def answered(volley):
    """Whether one of a few tries is answered: a busy core may lose some."""
    for _ in range(TRIES):
        try:
            exchange(volley.network, dns_query("www.test."), timeout=1)
            return True
        except TimeoutError:
            continue
    return False


@pytest.mark.parametrize("kind", REASONS)
def test_flood(served, kind):
    verdicts, totals = REASONS[kind]
    before, before_xdp = served.stats()["totals"], served.xdp_verdicts()
    with start_flood(served, kind) as flood:
        answers = [answered(served) for _ in range(QUERIES)]
        told = json.loads(flood.communicate(timeout=60)[0])
    assert flood.returncode == 0 and told["sent"] > 1000
    assert all(answers)
    assert answered(served), "after it"
    after, after_xdp = served.stats()["totals"], served.xdp_verdicts()
    assert not [name for name in verdicts if after_xdp[name] <= before_xdp[name]]
    assert not [name for name in totals if after[name] <= before[name]]
    # the client's own are never the reason
    others = {"dns_response", "source_rate", "bad_length", "dns_short", "denied"} - set(verdicts)
    if kind in ("reflected", "malformed", "spoofed", "deep"):
        assert not [name for name in others if after_xdp[name] != before_xdp[name]]
