# SPDX-License-Identifier: GPL-3.0-or-later
"""One defence, whichever way a query comes in: lists and rates hold for plain UDP, for UDP with IP options, in
fragments and behind IPv6 extension headers, and the lists hold for TCP. Counters tell who decided."""
import struct

import pytest

from net import CLIENT4, CLIENT6, CLIENT_LINK, SERVER4, SERVER6
from stream import Stream
from volley import own_network, small_zone, wait_until
from wire import Wire, dns_query, frame, ipv4, ipv6, udp

WAIT_SECONDS = 20
WWW = dns_query("www.test.")
RESPONSE = WWW[:2] + b"\x80" + WWW[3:]
STATUS, NOTIFY, UPDATE = (WWW[:2] + bytes([opcode << 3]) + WWW[3:] for opcode in (2, 4, 5))

# A denied prefix, and a longer one inside of it that is allowed.
DENIED = {4: "10.54.1.0/24", 6: "fd54:1::/48"}
DENIED_CLIENT = {4: "10.54.1.1", 6: "fd54:1::1"}
ALLOWED = {4: "10.54.1.64/26", 6: "fd54:1:0:64::/64"}
ALLOWED_CLIENT = {4: "10.54.1.65", 6: "fd54:1:0:64::1"}
OTHER_CLIENT = {4: "10.54.2.1", 6: "fd54:2::1"}
DENIED_LATER = {4: "10.54.2.0/24", 6: "fd54:2::/48"}
SERVER = {4: SERVER4, 6: SERVER6}


def plain(source, server, datagram):
    return [(ipv6 if ":" in source else ipv4)(source, server, datagram)]


def with_options(source, server, datagram):
    return [ipv4(source, server, datagram, options=b"\1\1\1\0")]


def in_fragments4(source, server, datagram):
    return [ipv4(source, server, datagram[:16], fragment=0x2000), ipv4(source, server, datagram[16:], fragment=2)]


def behind_destination_options(source, server, datagram):
    return [ipv6(source, server, b"\x11\0\1\4\0\0\0\0" + datagram, 60)]


def in_one_fragment6(source, server, datagram):
    return [ipv6(source, server, struct.pack("!BBHI", 17, 0, 0, 9) + datagram, 44)]


def in_fragments6(source, server, datagram):
    return [ipv6(source, server, struct.pack("!BBHI", 17, 0, 1, 10) + datagram[:16], 44),
            ipv6(source, server, struct.pack("!BBHI", 17, 0, 16, 10) + datagram[16:], 44)]


# IP version, who judges, and what makes packets of a datagram
WAYS = {
    "ipv4": (4, "xdp", plain),
    "ipv4 options": (4, "streams", with_options),
    "ipv4 fragments": (4, "streams", in_fragments4),
    "ipv6": (6, "xdp", plain),
    "ipv6 destination options": (6, "streams", behind_destination_options),
    "ipv6 fragment header": (6, "streams", in_one_fragment6),
    "ipv6 fragments": (6, "streams", in_fragments6),
}
EVERY_WAY = pytest.mark.parametrize("way", WAYS)
BOTH = pytest.mark.parametrize("version", [4, 6], ids=["ipv4", "ipv6"])


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with own_network(tmp_path_factory.mktemp("ways")) as volley:
        volley.add_zone("test.", small_zone(1, "www A 192.0.2.10"))
        volley.other_settings["defence"] = {"source-rate": {"mode": "off"}}
        volley.keep_state()
        server, client = volley.network.server, volley.network.client
        server.ip("route", "add", "10.54.0.0/16", "via", CLIENT4)
        server.ip("route", "add", "fd54::/16", "via", CLIENT6)
        for clients in (DENIED_CLIENT, ALLOWED_CLIENT, OTHER_CLIENT):
            client.ip("addr", "add", f"{clients[4]}/32", "dev", CLIENT_LINK)
            client.ip("addr", "add", f"{clients[6]}/128", "dev", CLIENT_LINK, "nodad")
        volley.start()
        volley.ctl("defence", "deny", *DENIED.values())
        volley.ctl("defence", "allow", *ALLOWED.values())
        yield volley


@pytest.fixture
def line(served):
    made = Wire(served.network, CLIENT_LINK)
    yield made
    made.close()


def counts(volley):
    """The verdicts of those who judge: {"xdp": {...}, "streams": {...}}."""
    stats = volley.ctl_json("stats")
    streams = {}
    for stream in stats["streams"]:
        for name, count in stream["verdicts"].items():
            streams[name] = streams.get(name, 0) + count
    return {"xdp": stats["ports"][0]["xdp_verdicts"], "streams": streams}


def connections(volley, name):
    return sum(stream["connections"][name] for stream in volley.ctl_json("stats")["streams"])


def send(volley, line, way, source, message, sport):
    version, _, pack = WAYS[way]
    for packet in pack(source, SERVER[version], udp(source, SERVER[version], message, sport=sport)):
        line.send(frame(volley.network, packet))


def rise(volley, before, way, reason, by):
    """Waits until who judges this way has counted so many, and says what rose by how much."""
    judge = WAYS[way][1]

    def gained():
        now = counts(volley)
        return {(who, name): count - before[who].get(name, 0) for who in now for name, count in now[who].items()
                if count != before[who].get(name, 0) and name not in ("pass", "serve", "other_host")}

    wait_until(lambda: gained().get((judge, reason), 0) >= by, lambda: f"{judge}: {reason} +{by}, not {gained()}")
    return gained()


def check_dropped(volley, line, way, reason, source, message, sport):
    """Two of these are counted by this reason, where the way leads to, and by no other; none is answered."""
    before = counts(volley)
    for _ in range(2):
        send(volley, line, way, source, message, sport)
    assert rise(volley, before, way, reason, 2) == {(WAYS[way][1], reason): 2}
    check_served(volley, line, way, ALLOWED_CLIENT[WAYS[way][0]], but_not=sport)


def check_served(volley, line, way, source, sport=7001, but_not=None):
    """A query is answered, and who judges this way has served it; no response goes to the port `but_not`."""
    version, judge, _ = WAYS[way]
    before = counts(volley)[judge]["serve"]
    send(volley, line, way, source, WWW, sport)
    found = line.receive(lambda datagram: datagram.dport in (sport, but_not), WAIT_SECONDS)
    assert found and found.dport == sport and found.payload[7] == 1, f"IPv{version}: no answer"
    wait_until(lambda: counts(volley)[judge]["serve"] == before + 1, f"{judge} has served it")


@EVERY_WAY
def test_denied_prefix(served, line, way):
    check_dropped(served, line, way, "denied", DENIED_CLIENT[WAYS[way][0]], WWW, 6001)


@EVERY_WAY
def test_allowed_prefix_inside_of_a_denied_one(served, line, way):
    check_served(served, line, way, ALLOWED_CLIENT[WAYS[way][0]])


@EVERY_WAY
def test_reflector_port(served, line, way):
    check_dropped(served, line, way, "reflector", OTHER_CLIENT[WAYS[way][0]], WWW, 11211)


@EVERY_WAY
@pytest.mark.parametrize("reason, message, sport", [
    ("bad_source", WWW, 0), ("dns_short", WWW[:11], 6002), ("dns_response", RESPONSE, 6003)],
    ids=["port 0", "short", "response"])
def test_form(served, line, way, reason, message, sport):
    check_dropped(served, line, way, reason, OTHER_CLIENT[WAYS[way][0]], message, sport)


@EVERY_WAY
def test_source_rate(served, line, way):
    """One a second, in no more than a packet at once: of ten, some are served and most are not."""
    for key, value in (("mode", "on"), ("address", 1), ("network", 0), ("wide", 0)):
        served.ctl("defence", "set", f"source-rate.{key}", str(value))
    try:
        before = counts(served)
        for _ in range(10):
            send(served, line, way, OTHER_CLIENT[WAYS[way][0]], WWW, 7002)
        rose = rise(served, before, way, "source_rate", 5)
        assert set(rose) == {(WAYS[way][1], "source_rate")}
        check_served(served, line, way, ALLOWED_CLIENT[WAYS[way][0]])
    finally:
        for key in ("mode", "address", "network", "wide"):
            served.ctl("defence", "unset", f"source-rate.{key}")


@EVERY_WAY
@pytest.mark.parametrize("message", [STATUS, NOTIFY, UPDATE], ids=["status", "notify", "update"])
def test_unserved_rate(served, line, way, message):
    served.ctl("defence", "set", "unserved-rate", "1")
    try:
        before = counts(served)
        for _ in range(10):
            send(served, line, way, OTHER_CLIENT[WAYS[way][0]], message, 7003)
        rose = rise(served, before, way, "unserved", 5)
        assert set(rose) == {(WAYS[way][1], "unserved")}
        check_served(served, line, way, OTHER_CLIENT[WAYS[way][0]])
    finally:
        served.ctl("defence", "unset", "unserved-rate")


def is_closed(stream):
    try:
        return stream.ask(WWW) is None
    except ConnectionError:
        return True


@BOTH
def test_tcp_of_a_denied_prefix_is_closed(served, version):
    before, refused = counts(served)["streams"]["denied"], connections(served, "refused_denied")
    try:
        with Stream(served.network, SERVER[version], source=DENIED_CLIENT[version]) as stream:
            assert is_closed(stream)
    except ConnectionError:
        pass  # closed before connect() returned
    wait_until(lambda: counts(served)["streams"]["denied"] == before + 1, "counted as denied")
    assert connections(served, "refused_denied") == refused + 1


@BOTH
def test_tcp_of_an_allowed_prefix_inside_of_it(served, version):
    accepted = connections(served, "accepted")
    with Stream(served.network, SERVER[version], source=ALLOWED_CLIENT[version]) as stream:
        assert stream.ask(WWW)[7] == 1
    assert connections(served, "accepted") == accepted + 1


@BOTH
def test_tcp_client_that_is_denied_meanwhile(served, version):
    """A connection that is open when the denial comes ends at its next query."""
    closed = connections(served, "closed_denied")
    with Stream(served.network, SERVER[version], source=OTHER_CLIENT[version]) as stream:
        assert stream.ask(WWW)[7] == 1
        served.ctl("defence", "deny", DENIED_LATER[version])
        try:
            assert is_closed(stream)
            wait_until(lambda: connections(served, "closed_denied") == closed + 1, "counted as closed")
        finally:
            served.ctl("defence", "forget", DENIED_LATER[version])
    with Stream(served.network, SERVER[version], source=OTHER_CLIENT[version]) as stream:
        assert stream.ask(WWW)[7] == 1


@pytest.mark.parametrize("way", [way for way in WAYS if WAYS[way][1] == "streams"])
def test_samples_name_the_source(served, line, way):
    """`volleyctl drops` shows what stream threads drop, as it shows the rest."""
    source = DENIED_CLIENT[WAYS[way][0]]

    def sampled():
        return [drop for drop in served.ctl_json("drops")["drops"]
                if drop["reason"] == "denied" and drop.get("source_port") == 6600]

    send(served, line, way, source, WWW, 6600)
    wait_until(lambda: any(drop["source"] == source for drop in sampled()), sampled)
    drop = next(drop for drop in sampled() if drop["source"] == source)
    assert (drop["qname"], drop["qtype"]) == ("www.test.", "A")


def test_stats_show_what_stream_threads_drop(served, line):
    check_dropped(served, line, "ipv4 options", "denied", DENIED_CLIENT[4], WWW, 6001)
    text = served.ctl("stats").stdout
    threads = text[text.index("stream threads"):text.index("\nport ")]
    assert "denied" in threads and "dropped: a denied source" in threads
