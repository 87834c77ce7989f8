# SPDX-License-Identifier: GPL-3.0-or-later
"""Queries with TSIG: the dataplane answers them, and volley-control verifies the query and signs the response."""
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.tsig
import pytest

from net import SERVER4, SERVER6
from volley import own_network, small_zone

ZONE = "u.test."
SECRET = "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY="
ALGORITHMS = ("hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512", "hmac-sha256-128")


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with own_network(tmp_path_factory.mktemp("signed-queries")) as volley:
        volley.keep_state()
        volley.spare_clients()
        volley.other_settings["keys"] = [{"name": name, "algorithm": name, "secret": SECRET} for name in ALGORITHMS]
        volley.zone_settings[ZONE] = {"living": True}
        volley.add_zone(ZONE, small_zone(1, "www A 192.0.2.10", *(f"many TXT {'x' * 100}{number}" for number in range(10))))
        volley.add_zone("file.test.", small_zone(7))
        yield volley.start()


def ask(volley, name, rrtype="A", key="hmac-sha256", algorithm=None, secret=SECRET, tcp=False, server=SERVER4, **how):
    """The response, which dnspython has verified."""
    message = dns.message.make_query(name, rrtype, **how)
    ring = dns.tsig.Key(key, secret, (algorithm or key) + ".")
    message.use_tsig({ring.name: ring}, keyname=ring.name, algorithm=ring.algorithm)
    with volley.network.client.entered():
        return (dns.query.tcp if tcp else dns.query.udp)(message, server, timeout=10)


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize("key", ALGORITHMS)
def test_response_is_signed(running, key, tcp):
    response = ask(running, "www." + ZONE, key=key, tcp=tcp)
    assert response.had_tsig and response.rcode() == dns.rcode.NOERROR and response.flags & dns.flags.AA
    assert [str(record) for record in response.answer[0]] == ["192.0.2.10"]


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_every_kind_of_answer(running, tcp):
    """Also over IPv6, for zones of files, and for what has no answer."""
    for name, rrtype, rcode in ((ZONE, "SOA", "NOERROR"), ("file.test.", "SOA", "NOERROR"), ("absent." + ZONE, "A", "NXDOMAIN"),
                                ("www." + ZONE, "AAAA", "NOERROR"), ("elsewhere.", "A", "REFUSED")):
        response = ask(running, name, rrtype, tcp=tcp, server=SERVER6, use_edns=0)
        assert response.had_tsig and dns.rcode.to_text(response.rcode()) == rcode
        assert response.edns == 0


def test_response_that_does_not_fit_with_its_signature(running):
    """It would have 1,191 octets without one."""
    cut = ask(running, "many." + ZONE, "TXT", use_edns=0, payload=1232)
    assert cut.flags & dns.flags.TC and cut.had_tsig and not cut.answer
    assert len(ask(running, "many." + ZONE, "TXT", tcp=True).answer[0]) == 10


def test_unknown_key_and_wrong_secret(running):
    for how, error in (({"key": "nobody", "algorithm": "hmac-sha256"}, dns.tsig.PeerBadKey),
                       ({"secret": "d3Jvbmc="}, dns.tsig.PeerBadSignature)):
        for tcp in (False, True):
            with pytest.raises(error):
                ask(running, ZONE, "SOA", tcp=tcp, **how)


def test_others_of_the_same_connection(running):
    """Signed and unsigned queries, in turn and at once: the responses come in order."""
    messages = []
    for number in range(6):
        message = dns.message.make_query(f"n{number}.{ZONE}", "A")
        if number % 2:
            ring = dns.tsig.Key("hmac-sha256", SECRET, "hmac-sha256.")
            message.use_tsig({ring.name: ring}, keyname=ring.name, algorithm=ring.algorithm)
        messages.append(message)
    with running.network.client.socket(dns.query.socket.AF_INET, dns.query.socket.SOCK_STREAM) as client:
        client.settimeout(10)
        client.connect((SERVER4, 53))
        wires = [message.to_wire() for message in messages]
        client.sendall(b"".join(len(wire).to_bytes(2, "big") + wire for wire in wires))
        for message in messages:
            response, _ = dns.query.receive_tcp(client, keyring=message.keyring, request_mac=message.mac)
            assert response.id == message.id and response.had_tsig == message.had_tsig
