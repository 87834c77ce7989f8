# SPDX-License-Identifier: GPL-3.0-or-later
"""An answer larger than any message costs its own name and type; the rest of the zone is served."""
import dns.edns
import dns.flags
import dns.message
import dns.rcode
import pytest

from ask import exchange, query
from net import SERVER4, SERVER6
from stream import Stream
from volley import small_zone
from wire import dns_query

TOO_MANY = 5000
A, NS, CNAME, TXT, ANY = 1, 2, 5, 16, 255
# what a message has room for behind a question for text.test. with an OPT
ROOM = 65535 - 12 - (11 + 4) - 11
INVALID_DATA = 24


def addresses(name, cnt=TOO_MANY):
    return [f"{name} A 10.0.{number // 256}.{number % 256}" for number in range(cnt)]


def generic(name, octets):
    return f"{name} TYPE65534 \\# {octets} {'61' * octets}"


def delegation(cnt=700):
    for number in range(cnt):
        host = f"name-server-with-a-long-name-and-number-{number}.cut"
        yield from (f"cut NS {host}", f"{host} A 192.0.2.1", f"{host} AAAA 2001:db8::1")


@pytest.fixture(name="served")
def fixture_served(volley):
    volley.add_zone("test.", small_zone(
        1, *addresses("big"), "big TXT small", generic("text", ROOM - 12), "alias CNAME text",
        *addresses("*.wild"), "*.wild TXT small", "dname DNAME test.", *delegation()))
    return volley.start()


def asked(volley, name, rrtype):
    """The responses over UDP and TCP, with IPv4 and IPv6."""
    message = dns.message.make_query(name, rrtype, use_edns=0, payload=1232)
    message.flags = 0
    for server in (SERVER4, SERVER6):
        yield dns.message.from_wire(exchange(volley.network, message.to_wire(), server))
        with Stream(volley.network, server) as stream:
            yield dns.message.from_wire(stream.ask(message.to_wire()))


@pytest.mark.parametrize("name, rrtype", [
    ("big.test.", A), ("alias.test.", 65534), ("any.wild.test.", A), ("big.dname.test.", A)])
def test_what_no_message_holds_is_servfail(served, name, rrtype):
    for response in asked(served, name, rrtype):
        assert response.rcode() == dns.rcode.SERVFAIL
        assert not response.flags & (dns.flags.AA | dns.flags.TC)
        assert response.question and not (response.answer or response.authority or response.additional)
        assert [option.code for option in response.options if option.otype == dns.edns.EDE] == [INVALID_DATA]
    # without EDNS there is nothing but the header and the question
    plain = dns_query(name, rrtype)
    assert len(exchange(served.network, plain)) == len(plain)


@pytest.mark.parametrize("name, rrtype, answers", [
    ("big.test.", TXT, 1), ("big.test.", ANY, 1), ("big.test.", NS, 0), ("alias.test.", CNAME, 1),
    ("any.wild.test.", TXT, 1), ("big.dname.test.", TXT, 3), ("test.", NS, 1)])
def test_the_rest_of_the_zone_is_served(served, name, rrtype, answers):
    for response in asked(served, name, rrtype):
        assert response.rcode() == dns.rcode.NOERROR
        assert sum(map(len, response.answer)) == answers


def test_a_message_of_65535_octets(served):
    with Stream(served.network) as stream:
        message = dns.message.make_query("text.test.", 65534, use_edns=0).to_wire()
        octets = stream.ask(message)
        assert len(octets) == 65535
        assert len(dns.message.from_wire(octets).answer[0][0].data) == ROOM - 12
    assert query(served.network, "text.test.", "TYPE65534").flags & dns.flags.TC


def test_a_referral_has_what_glue_there_is_room_for(served):
    with Stream(served.network) as stream:
        response = dns.message.from_wire(stream.ask(dns_query("x.cut.test.")))
    assert response.rcode() == dns.rcode.NOERROR and not response.flags & dns.flags.TC
    assert len(response.authority[0]) == 700
    assert 400 < len(response.additional) < 1400
    assert query(served.network, "x.cut.test.").flags & dns.flags.TC


def test_it_is_a_finding(served, tmp_path):
    file = tmp_path / "zone"
    file.write_text(small_zone(1, *addresses("big")))
    done = served.ctl("check-zone", "test.", str(file))
    assert done.returncode == 0 and "[answer-size]" in done.stdout + done.stderr
