# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to the kernel of a port that DPDK owns alone. Here a packet socket stands for such a port: what the kernel
itself receives on the interface is dropped behind it."""
import json
import signal
import struct
import threading
import time
from contextlib import contextmanager

import pytest

from ask import exchange, query
from bird import HOLD_SECONDS, Bird
from net import CLIENT4, CLIENT6, CLIENT_LINK, SERVER4, SERVER6, SERVER_LINK
from ping import echo, echo_request
from stream import Stream
from volley import DATAPLANE, READY, small_zone, wait_until
from wire import Wire, dns_query, frame, ipv4, ipv6, udp

WAIT_SECONDS = 20
KERNEL = "volley0"
WWW = dns_query("www.test.")
BOTH = pytest.mark.parametrize("server", [SERVER4, SERVER6], ids=["ipv4", "ipv6"])
LINK = [f"address={SERVER4}/24", f"address={SERVER6}/64"]


def leave_to_dpdk(network):
    """The interface has no address, and whatever comes in is dropped behind the packet sockets. Packets have whole
    checksums, as on a wire."""
    network.client.run("ethtool", "-K", CLIENT_LINK, "tx", "off", check=True)
    server = network.server
    server.ip("addr", "flush", "dev", SERVER_LINK)
    server.run("tc", "qdisc", "add", "dev", SERVER_LINK, "clsact", check=True)
    # a program of one instruction: return TC_ACT_SHOT
    server.run("tc", "filter", "add", "dev", SERVER_LINK, "ingress", "bpf", "direct-action", "bytecode", "1,6 0 0 2",
               check=True)


def port(*options):
    return ",".join([f"af_packet:{SERVER_LINK}", f"kernel={KERNEL}", *options])


@pytest.fixture
def made(volley):
    """Not started yet, of this test alone."""
    leave_to_dpdk(volley.network)
    volley.dataplane_settings["ports"] = [port(*LINK)]
    volley.dataplane_settings["listen"] = [SERVER4, SERVER6]
    volley.add_zone("test.", small_zone(1, "www A 192.0.2.10"))
    return volley


def interface(network, name=KERNEL):
    """What ip(8) says of it, or None."""
    found = network.server.run("ip", "-j", "addr", "show", "dev", name)
    return json.loads(found.stdout)[0] if found.returncode == 0 else None


def addresses(network):
    return {(each["local"], each["prefixlen"]) for each in interface(network)["addr_info"]
            if each["scope"] != "link"}


def kernel_stats(volley):
    return volley.stats()["ports"][0]["kernel"]


def verdicts(volley):
    return volley.ctl_json("stats")["verdicts"]


# What works over it


@BOTH
def test_neighbours_ping_tcp_and_udp(made, server):
    """ARP or ND comes first, as the client knows nobody. Stream threads answer TCP; lcores answer UDP."""
    made.start()
    made.network.client.ip("neigh", "flush", "dev", CLIENT_LINK)
    assert echo(made.network, server, WAIT_SECONDS)
    (neighbour,) = json.loads(made.network.client.ip("-j", "neigh", "show", server, "dev", CLIENT_LINK))
    assert bytes.fromhex(neighbour["lladdr"].replace(":", "")) == made.network.server_mac
    before = made.stats()
    with Stream(made.network, server, WAIT_SECONDS) as stream:
        assert stream.ask(WWW)[7] == 1
    assert query(made.network, "www.test.", "A", server).answer
    after = made.stats()
    assert [stats["streams"][0]["counters"]["rx_packets"] for stats in (before, after)] == [0, 1]
    assert [stats["totals"]["rcode_noerror"] for stats in (before, after)] == [0, 1]
    seen = after["ports"][0]["kernel"]
    assert seen["interface"] == KERNEL and seen["to_kernel"] > 3 and seen["from_kernel"] > 3
    assert seen["kernel_lost"] == 0
    assert after["verdicts"]["pass"] >= seen["to_kernel"] and after["verdicts"]["no_kernel_path"] == 0


@BOTH
def test_a_large_response_over_tcp(made, server):
    """Segments of a whole MTU, many at once."""
    made.add_zone("large.", small_zone(1, *(f"@ TXT {'x' * 250}{i}" for i in range(240))))
    made.start()
    with Stream(made.network, server, WAIT_SECONDS) as stream:
        for _ in range(20):
            assert len(stream.ask(dns_query("large.", 16))) > 60000


def odd_packets(client, server, datagram):
    """Fragments; over IPv4 an option, as packet sockets of DPDK get fragments put together."""
    if ":" not in server:
        return [ipv4(client, server, datagram, options=b"\1\1\1\0")]
    return [ipv6(client, server, struct.pack("!BBHI", 17, 0, offset << 3 | more, 10) + piece, 44)
            for offset, more, piece in ((0, 1, datagram[:16]), (2, 0, datagram[16:]))]


@pytest.mark.parametrize("client, server", [(CLIENT4, SERVER4), (CLIENT6, SERVER6)], ids=["ipv4", "ipv6"])
def test_odd_udp_goes_to_the_stream_threads(made, open_wire, client, server):
    made.start()
    assert echo(made.network, server, WAIT_SECONDS)  # so that the kernel knows the client
    wire = open_wire(made)
    for data in odd_packets(client, server, udp(client, server, WWW, sport=6001)):
        wire.send(frame(made.network, data))
    found = wire.receive(lambda datagram: datagram.dport == 6001, WAIT_SECONDS)
    assert found and found.checksums_right and found.payload[7] == 1
    wait_until(lambda: made.stats()["streams"][0]["connections"]["udp_queries"] == 1, "who answered")


def test_vlan_tags_are_kept(made, open_wire):
    """In both directions; the kernel's interface for the VLAN would be on top of ours."""
    made.start()
    outside, inside = open_wire(made), Wire(made.network, KERNEL, made.network.server)
    tags = [(0x8100, 0x6007)]
    outside.send(frame(made.network, ipv4(CLIENT4, SERVER4, udp(CLIENT4, SERVER4, WWW, dport=6001)), tags))
    found = inside.receive(lambda datagram: datagram.dport == 6001, WAIT_SECONDS, made.network.server_mac)
    assert found and found.tags == tags and found.checksums_right
    head = made.network.client_mac + made.network.server_mac + b"\x81\0\x60\x07\x08\0"
    inside.send(head + ipv4(SERVER4, CLIENT4, udp(SERVER4, CLIENT4, WWW, dport=6002)))
    found = outside.receive(lambda datagram: datagram.dport == 6002, WAIT_SECONDS)
    assert found and found.tags == tags and found.checksums_right
    inside.close()


def test_the_kernel_has_the_port_until_there_are_zones(made):
    """Ping works; port 53 is closed, as on a port that the kernel owns."""
    made.start_dataplane()
    assert echo(made.network, SERVER4, WAIT_SECONDS)
    with pytest.raises(ConnectionRefusedError):
        exchange(made.network, WWW, timeout=WAIT_SECONDS)
    made.start_control()
    made.dataplane.wait_for_log(READY)
    assert query(made.network, "www.test.").answer


def test_several_queues(made):
    """Each lcore has rings of its own; the first one sends for the kernel."""
    made.dataplane_settings["ports"] = [port("queues=2", *LINK)]
    made.start()
    for _ in range(20):
        assert echo(made.network, SERVER4, WAIT_SECONDS) and echo(made.network, SERVER6, WAIT_SECONDS)
    assert query(made.network, "www.test.").answer


# The interface


def test_it_is_like_the_port_and_has_the_addresses(made):
    made.network.server.ip("link", "set", SERVER_LINK, "mtu", "1400")
    made.dataplane_settings["listen"] = [SERVER4, "10.53.0.77", SERVER6, "fd53::77"]
    made.start()
    found = interface(made.network)
    assert bytes.fromhex(found["address"].replace(":", "")) == made.network.server_mac
    assert found["mtu"] == 1400 and "UP" in found["flags"]
    assert addresses(made.network) == {(SERVER4, 24), ("10.53.0.77", 32), (SERVER6, 64), ("fd53::77", 128)}
    assert f"interface {KERNEL}" in made.dataplane.log()
    assert f"interface to the kernel: {KERNEL}" in made.ctl("stats").stdout
    for address in ("10.53.0.77", "fd53::77"):
        made.network.client.ip("route", "replace", address, "dev", CLIENT_LINK)
        assert query(made.network, "www.test.", "A", address).answer


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_it_is_gone_after_the_end(made, number):
    made.start()
    assert interface(made.network)
    made.dataplane.popen.send_signal(number)
    assert made.dataplane.wait() == (0 if number == signal.SIGTERM else -signal.SIGKILL)
    assert interface(made.network) is None
    assert json.loads(made.network.server.ip("-j", "addr", "show", "to", SERVER4)) in ([], [{}])
    made.start_dataplane()
    assert echo(made.network, SERVER4, WAIT_SECONDS)
    made.processes = [process for process in made.processes if process.running()]


def test_somebody_deletes_it(made, open_wire):
    made.start()
    made.network.server.ip("link", "del", KERNEL)
    said = made.dataplane.wait_for_log(r"error: (port .*)")[1]
    assert said == (f"port af_packet:{SERVER_LINK}: its interface {KERNEL} is gone: nothing goes to the kernel until "
                    "volley-dataplane is restarted")
    wire = open_wire(made)
    wire.send(frame(made.network, ipv4(CLIENT4, SERVER4, udp(CLIENT4, SERVER4, WWW, sport=6001))))
    assert wire.receive(lambda found: found.dport == 6001, WAIT_SECONDS)


# Starts that fail


def fails(made, *wanted):
    dataplane = made.spawn_dataplane()
    assert dataplane.wait(WAIT_SECONDS) == 1
    (line,) = [line for line in dataplane.log().splitlines() if "error: " in line]
    assert all(text in line for text in wanted), line
    made.processes.remove(dataplane)


def test_a_kernel_without_taps(made, tmp_path):
    """Its device is hidden from the dataplane."""
    settings = ["--port", port(), "--socket", tmp_path / "other.sock"]
    result = made.network.server.run("unshare", "-m", "sh", "-c", 'mount -t tmpfs none /dev/net && exec "$0" "$@"',
                                     DATAPLANE, *settings)
    assert result.returncode == 1
    assert "can't open /dev/net/tun" in result.stderr and "; modprobe tun, or kernel=off" in result.stderr


def test_the_name_is_taken(made):
    made.network.server.ip("link", "add", KERNEL, "type", "veth", "peer", "name", "other")
    fails(made, f"interface {KERNEL} to the kernel", "another interface has this name", "kernel=NAME")


def test_the_address_is_taken(made):
    made.network.server.ip("link", "add", "other", "type", "veth", "peer", "name", "peer")
    made.network.server.ip("addr", "add", f"{SERVER6}/64", "dev", "other")
    fails(made, f"the address {SERVER6} is in use on interface other", "ip addr del")
    assert interface(made.network) is None


def test_ipv6_is_switched_off(made):
    made.network.server.run("sysctl", "-w", "net.ipv6.conf.default.disable_ipv6=1", check=True)
    fails(made, f"can't get the address {SERVER6}/64", "IPv6 is switched off")


def test_an_address_on_lo_is_no_trouble(made):
    """That is where anycast addresses stand on many machines."""
    made.network.server.ip("addr", "add", "192.0.2.53/32", "dev", "lo")
    made.dataplane_settings["listen"] = ["192.0.2.53"]
    made.start()
    made.network.client.ip("route", "add", "192.0.2.53", "via", SERVER4)
    assert echo(made.network, "192.0.2.53", WAIT_SECONDS)
    with Stream(made.network, "192.0.2.53", WAIT_SECONDS) as stream:
        assert stream.ask(WWW)[7] == 1


# Floods


def flood_frames(network):
    for number in range(64):
        yield frame(network, ipv4(CLIENT4, SERVER4, echo_request(SERVER4, number), protocol=1))
        yield frame(network, ipv6(CLIENT6, SERVER6, udp(CLIENT6, SERVER6, WWW, dport=10000 + number)))


def asked_again(network, server):
    """Whether there is an answer. A packet socket loses some packets of a flood when its lcore gets no CPU."""
    for _ in range(WAIT_SECONDS):
        try:
            return exchange(network, WWW, server, 1)[7] == 1
        except TimeoutError:
            pass
    return False


@contextmanager
def flood(made):
    """As many packets as one thread sends, most of which have no way to the kernel."""
    frames, stop = list(flood_frames(made.network)), threading.Event()

    def send():
        wire = Wire(made.network, CLIENT_LINK)
        while not stop.is_set():
            for each in frames:
                wire.send(each)
        wire.close()

    thread = threading.Thread(target=send)
    thread.start()
    try:
        wait_until(lambda: verdicts(made)["exception_full"] > 1000, lambda: verdicts(made))
        yield
    finally:
        stop.set()
        thread.join()


def test_a_flood_takes_nothing_from_the_others(made):
    """Of pings and of UDP to closed ports: most is dropped and counted, and neighbours, TCP and queries go on."""
    made.start()
    with flood(made):
        for server in (SERVER4, SERVER6):
            made.network.client.ip("neigh", "flush", "dev", CLIENT_LINK)
            with Stream(made.network, server, WAIT_SECONDS) as stream:
                assert stream.ask(WWW)[7] == 1
            assert asked_again(made.network, server)
    assert "exception_full" in made.ctl("stats").stdout
    assert echo(made.network, SERVER4, WAIT_SECONDS)


ANYCAST = "192.0.2.53"


def test_bgp_holds_beside_a_flood(made, tmp_path):
    """BIRD announces the address of `listen`; the session lives through a flood that is longer than its hold time."""
    made.dataplane_settings["listen"] = [ANYCAST]
    made.start()
    ours = Bird(made.network.server, tmp_path, SERVER4, CLIENT4, 64512, 64513, [f"{ANYCAST}/32"])
    theirs = Bird(made.network.client, tmp_path, CLIENT4, SERVER4, 64513, 64512)
    try:
        theirs.wait_until_established()
        wait_until(lambda: SERVER4 in made.network.client.ip("route", "show", ANYCAST), "the route")
        before, since = theirs.session(), time.monotonic()
        with flood(made):
            while time.monotonic() - since < 2 * HOLD_SECONDS:
                assert asked_again(made.network, ANYCAST)
        assert theirs.session() == before
    finally:
        theirs.stop()
        ours.stop()
