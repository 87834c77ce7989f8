# SPDX-License-Identifier: GPL-3.0-or-later
"""Cookies and response limits, as real clients meet them. The defence's blocks are made and sent by hand."""
import itertools
import re
import socket
import struct

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import pytest

import publish
from ask import exchange
from net import CLIENT4, CLIENT_LINK, SERVER4, SERVER6
from stream import Stream
from volley import Process, own_network, small_zone
from wire import Wire, dns_query, frame, ipv4, opt, udp

OLD, NEW = b"one secret......", b"another one....."
CLIENT_COOKIE = b"8 octets"
COOKIE = 10

# In units of 16 ns: ten at once, and then one in a second, so that a test that has used them up has time to look.
FEW = ((62_500_000, 625_000_000),) * 4

BIG = "big TXT " + " ".join(f'"{number}{"x" * 240}"' for number in range(4))


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A dataplane with a zone, and no control any more."""
    with own_network(tmp_path_factory.mktemp("guard")) as volley:
        volley.add_zone("test.", small_zone(1, "www A 192.0.2.10", BIG))
        volley.network.server.ip("route", "add", "10.54.0.0/16", "via", CLIENT4)
        volley.start()
        volley.control.stop()
        yield volley


serials = itertools.count(1)


@pytest.fixture
def neighbourhood(served):
    """The /24 ("10.54.7.") that the client speaks from to the server's IPv4 address: a new one, which has not spent
    anything yet."""
    prefix = f"10.54.{next(serials)}."
    client = served.network.client
    client.ip("addr", "add", f"{prefix}2/24", "dev", CLIENT_LINK)
    client.ip("route", "replace", SERVER4, "dev", CLIENT_LINK, "src", f"{prefix}2")
    yield prefix
    client.ip("route", "del", SERVER4, "dev", CLIENT_LINK)


@pytest.fixture
def defend(served, neighbourhood):
    """defend(...): sends a block, as publish.defence() makes it."""
    del neighbourhood
    publisher = publish.connect(served.publish_socket)

    def send(**settings):
        code, _, text = publisher.defence(publish.defence(**settings))
        assert code == publish.OK, text

    yield send
    publisher.close()


def run(network, *command):
    result = network.client.run(*command)
    assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
    return result.stdout


def question(name="www.test.", rrtype="A", cookie=None, payload=1232):
    options = [] if cookie is None else [dns.edns.GenericOption(COOKIE, cookie)]
    made = dns.message.make_query(name, rrtype, use_edns=0, payload=payload, options=options)
    made.flags = 0
    return made


def cookie_of(response):
    """The octets of its COOKIE option, or None."""
    found = [option for option in response.options if option.otype == COOKIE]
    return found[0].to_wire() if found else None


def ask(network, cookie=None, server=SERVER4, name="www.test.", rrtype="A"):
    """The response; None when there is none."""
    try:
        return dns.message.from_wire(exchange(
            network, question(name, rrtype, cookie).to_wire(), server, timeout=0.3))
    except TimeoutError:
        return None


def exhaust(network, **options):
    """Asks until a response is limited; it is returned."""
    for _ in range(200):
        response = ask(network, **options)
        if response is None or response.flags & dns.flags.TC or response.rcode() == dns.rcode.BADCOOKIE:
            return response
    raise AssertionError("nothing was limited")


@pytest.mark.parametrize("server", [SERVER4, SERVER6])
def test_kdig_learns_a_cookie_and_keeps_it(served, defend, server):
    defend(secrets=[OLD])
    said = run(served.network, "kdig", f"@{server}", "www.test.", "A", "+cookie=0102030405060708", "+noretry")
    learned = re.search(r"COOKIE: (\w+)", said)[1]
    assert "192.0.2.10" in said and learned.startswith("0102030405060708") and len(learned) == 48
    said = run(served.network, "kdig", f"@{server}", "www.test.", "A", f"+cookie={learned}", "+noretry")
    assert re.search(r"COOKIE: (\w+)", said)[1] == learned


@pytest.mark.parametrize("more", [(), ("+tcp",)])
def test_dig_finds_its_cookie_good(served, defend, more):
    defend(secrets=[OLD])
    said = run(served.network, "dig", f"@{SERVER4}", "www.test.", "A", "+cookie=0102030405060708", *more)
    assert "192.0.2.10" in said and "(good)" in said and "Malformed" not in said


def test_cookie_without_a_question(served, defend):
    defend(secrets=[OLD])
    option = struct.pack("!HH", COOKIE, 8) + CLIENT_COOKIE
    head = opt()[:-2] + struct.pack("!H", len(option))
    octets = struct.pack("!6H", 0x5353, 0, 0, 0, 0, 1) + head + option
    response = dns.message.from_wire(exchange(served.network, octets))
    assert response.rcode() == dns.rcode.NOERROR and not response.question
    assert cookie_of(response) == cookie_of(ask(served.network, CLIENT_COOKIE))


def test_formerr_for_a_malformed_cookie(served, defend):
    defend(secrets=[OLD])
    said = run(served.network, "dig", f"@{SERVER4}", "www.test.", "A", "+nocookie", "+ednsopt=10:010203")
    assert "FORMERR" in said and "OPT PSEUDOSECTION" in said


def test_without_secrets_cookies_are_ignored(served, defend):
    defend()
    response = ask(served.network, CLIENT_COOKIE)
    assert response.answer and cookie_of(response) is None


def test_tcp_gives_the_cookie_that_udp_takes(served, defend):
    defend(secrets=[OLD], mode=publish.ON, rates=FEW, slip=1)
    with Stream(served.network) as stream:
        # one that is not ours is no error
        stream.send(question(cookie=CLIENT_COOKIE + bytes(16)).to_wire())
        response = dns.message.from_wire(stream.receive())
    assert response.answer and cookie_of(response)[:8] == CLIENT_COOKIE
    assert exhaust(served.network).flags & dns.flags.TC
    assert ask(served.network, cookie_of(response)).answer


def test_limits_spare_tcp(served, defend):
    defend(mode=publish.ON, rates=FEW, slip=0)
    assert exhaust(served.network) is None
    with Stream(served.network) as stream:
        for _ in range(50):
            stream.send(question().to_wire())
        for _ in range(50):
            assert dns.message.from_wire(stream.receive()).answer


def test_slow_path_over_udp_has_the_same_limits(served, defend, neighbourhood):
    """IP options lead a query to the stream threads."""
    client = f"{neighbourhood}2"
    wire = Wire(served.network, CLIENT_LINK)
    defend(mode=publish.ON, rates=FEW, slip=1, secrets=[OLD])
    try:
        truncated = answered = 0
        for number in range(40):
            octets = dns_query("www.test.", message_id=number, edns=opt())
            wire.send(frame(served.network, ipv4(client, SERVER4, udp(client, SERVER4, octets, sport=7002),
                                                 options=b"\1\1\1\0")))
            found = wire.receive(lambda datagram: datagram.dport == 7002)
            assert found and found.payload[:2] == struct.pack("!H", number)
            truncated += bool(found.payload[2] & 2)
            answered += found.payload[7] == 1
            assert len(found.payload) <= len(octets) or not found.payload[2] & 2
        assert answered >= 10 and truncated == 40 - answered > 0
    finally:
        wire.close()


@pytest.mark.release  # with sanitizers a new defence takes so long that the rate has recovered
def test_rolled_secret_loses_nobody(served, defend):
    limits = {"mode": publish.ON, "rates": FEW, "slip": 1}
    defend(secrets=[OLD], **limits)
    cookie = cookie_of(ask(served.network, CLIENT_COOKIE))
    assert exhaust(served.network).flags & dns.flags.TC
    for secrets in ([OLD, bytes(16), NEW], [NEW, OLD]):
        defend(secrets=secrets, **limits)
        assert ask(served.network).flags & dns.flags.TC
        response = ask(served.network, cookie)
        assert response.answer, "the cookie is not good any more"
        cookie = cookie_of(response)
    defend(secrets=[NEW], **limits)
    assert ask(served.network, cookie).answer
    defend(secrets=[OLD], **limits)
    assert ask(served.network, cookie).flags & dns.flags.TC


def test_dig_comes_back_with_the_cookie_of_badcookie(served, defend):
    defend(secrets=[OLD], mode=publish.ON, rates=FEW, slip=1, badcookie=True)
    assert exhaust(served.network).flags & dns.flags.TC
    response = ask(served.network, CLIENT_COOKIE)
    assert response.rcode() == dns.rcode.BADCOOKIE and cookie_of(response)
    said = run(served.network, "dig", f"@{SERVER4}", "www.test.", "A", "+cookie", "+ignore")
    assert "BADCOOKIE, retrying" in said and "192.0.2.10" in said and "(good)" in said


def flood(network, wire, sources, count):
    """Queries for the largest answer, from spoofed neighbours of the client."""
    octets = dns_query("big.test.", 16, edns=opt())
    for number in range(count):
        source = sources[number % len(sources)]
        wire.send(frame(network, ipv4(source, SERVER4, udp(source, SERVER4, octets, sport=1024 + number))))


@pytest.mark.parametrize("program", [("dig",), ("kdig",), ("dig", "+cookie")])
def test_client_behind_a_spoofed_prefix_gets_through(served, defend, neighbourhood, program):
    network = served.network
    wire = Wire(network, CLIENT_LINK)
    defend(secrets=[OLD], mode=publish.ON, rates=FEW, slip=2)
    try:
        flood(network, wire, [f"{neighbourhood}{host}" for host in range(100, 120)], 300)
        # which of the limited responses come, one in two, is random
        said = run(network, program[0], f"@{SERVER4}", "big.test.", "TXT", *program[1:], "+tries=24" if
                   program[0] == "dig" else "+retry=24", "+timeout=1")
        assert said.count("xxxxx") >= 4
    finally:
        wire.close()


def test_spoofed_flood_is_not_amplified(served, defend):
    network = served.network
    defend(secrets=[OLD], mode=publish.ON, rates=FEW, slip=2)
    octets = dns_query("big.test.", 16, edns=opt())
    client = network.client.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(0.3)
    client.connect((SERVER4, 53))
    came, slipped = 0, 0
    with client:
        for _ in range(4):
            for _ in range(100):
                client.send(octets)
            try:
                while True:
                    response = client.recv(65535)
                    came += len(response)
                    slipped += bool(response[2] & 2)
            except TimeoutError:
                pass
    assert came <= 400 * len(octets), "more octets came out than went in"
    assert 120 <= slipped <= 280


def test_dnsperf_sends_cookies(served, defend, tmp_path):
    defend(secrets=[OLD], mode=publish.ON, rates=FEW, slip=0)
    cookie = cookie_of(ask(served.network, CLIENT_COOKIE))
    (tmp_path / "questions").write_text("www.test. A\n")
    said = run(served.network, "dnsperf", "-s", SERVER4, "-d", tmp_path / "questions", "-l", 1, "-Q", 2000,
               "-E", f"{COOKIE}:{cookie.hex()}")
    assert re.search(r"Queries lost: +0 ", said) and re.search(r"NOERROR \d+ \(100.00%\)", said)
    # the same without a cookie
    said = run(served.network, "dnsperf", "-s", SERVER4, "-d", tmp_path / "questions", "-l", 1, "-Q", 2000,
               "-t", 0.3, "-e")
    assert int(re.search(r"Queries lost: +(\d+)", said)[1]) > 100


NAMED = """options {{
  directory "{directory}";
  listen-on port 5300 {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
  pid-file none;
  session-keyfile none;
  recursion yes;
  dnssec-validation no;
  empty-zones-enable no;
  qname-minimization off;
  require-server-cookie no;
}};
controls {{ }};
zone "test" {{ type static-stub; server-addresses {{ {server}; }}; }};
"""


@pytest.fixture
def resolver(served, tmp_path):
    """BIND as a resolver at the client's end, sending cookies, which it does unless told otherwise."""
    config = tmp_path / "named.conf"
    config.write_text(NAMED.format(directory=tmp_path, server=SERVER4))
    process = Process("named", served.network.client.command(
        "/usr/sbin/named", "-f", "-g", "-n", 1, "-c", config), tmp_path / "named.log")
    try:
        process.wait_for_log("all zones loaded")
        yield process
    finally:
        process.kill()


@pytest.mark.parametrize("limits", [
    {}, {"mode": publish.ON, "rates": FEW, "slip": 1}, {"mode": publish.ON, "rates": FEW, "slip": 1, "badcookie": True}])
def test_bind_resolves_with_cookies(served, defend, resolver, limits):
    network = served.network
    defend(secrets=[OLD], **limits)
    if limits:
        exhaust(network, name="nothing.test.")
        exhaust(network)
    for number in range(30):
        name = f"n{number}.test." if number % 3 else "www.test."
        said = run(network, "dig", "@127.0.0.1", "-p", 5300, name, "A", "+nocookie")
        assert ("192.0.2.10" if number % 3 == 0 else "NXDOMAIN") in said, resolver.log()
