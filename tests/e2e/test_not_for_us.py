# SPDX-License-Identifier: GPL-3.0-or-later
"""What is not for the lcores, or for this host, or from anybody: each has a reason of its own, on ports with an XDP
program and on those without."""
import struct

import pytest

from ask import open_client, query
from net import CLIENT4, CLIENT6, CLIENT_LINK, SERVER4, SERVER6, SERVER_LINK
from volley import own_network, small_zone, wait_until
from wire import dns_query, frame, ipv4, ipv6, udp

WAIT_SECONDS = 20
WWW = dns_query("www.test.")
BOTH = pytest.mark.parametrize("client, server", [(CLIENT4, SERVER4), (CLIENT6, SERVER6)], ids=["ipv4", "ipv6"])


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with own_network(tmp_path_factory.mktemp("ours")) as volley:
        volley.add_zone("test.", small_zone(1, "www A 192.0.2.10"))
        yield volley.start()


@pytest.fixture
def made(volley):
    """Not started yet, of this test alone."""
    volley.add_zone("test.", small_zone(1, "www A 192.0.2.10"))
    return volley


def in_driver(volley):
    return volley.ctl_json("stats")["ports"][0]["xdp_verdicts"]


def by_lcores(volley):
    return volley.ctl_json("stats")["verdicts"]


def by_streams(volley, name="serve"):
    return sum(stream["verdicts"][name] for stream in volley.ctl_json("stats")["streams"])


def packet(source, server, sport=7001, message=WWW):
    return (ipv6 if ":" in server else ipv4)(source, server, udp(source, server, message, sport=sport))


def to_mac(mac, data):
    return mac + data[6:]


def answered(wire, sport, seconds=WAIT_SECONDS):
    return wire.receive(lambda found: found.dport == sport, seconds)


def rise(read, before, reason, by):
    """Waits until `reason` has risen so far; returns all that rose, but for what the kernel's own traffic is."""
    def rose():
        now = read()
        return {name: now[name] - before[name] for name in now if now[name] != before[name] and name != "pass"}

    wait_until(lambda: rose().get(reason, 0) >= by, rose)
    return rose()


# Other hosts' MAC addresses


@BOTH
@pytest.mark.parametrize("octet", range(6))
def test_frame_for_another_host(served, open_wire, client, server, octet):
    """It is counted, the kernel drops it, and nobody answers."""
    wire = open_wire(served)
    before, streams, kernel = in_driver(served), by_streams(served), served.network.server.counters()
    mac = bytearray(served.network.server_mac)
    mac[octet] ^= 4
    data = frame(served.network, packet(client, server, 6001))
    wire.send(to_mac(bytes(mac), data))
    assert rise(lambda: in_driver(served), before, "other_host", 1) == {"other_host": 1}
    wire.send(frame(served.network, packet(client, server, 7001)))
    found = wire.receive(lambda datagram: datagram.dport in (6001, 7001), WAIT_SECONDS)
    assert found and found.dport == 7001
    assert rise(lambda: in_driver(served), before, "serve", 1) == {"other_host": 1, "serve": 1}
    assert by_streams(served) == streams
    after = served.network.server.counters()
    assert [after[name] - kernel[name] for name in ("UdpInDatagrams", "Udp6InDatagrams")] == [0, 0]


def test_another_address_of_the_interface_is_the_kernels(made, open_wire):
    """Such as that of a macvlan: the kernel takes its frames, and stream threads answer."""
    server = made.network.server
    server.ip("link", "add", "virtual", "link", SERVER_LINK, "address", "02:00:5e:00:01:35", "type", "macvlan",
              "mode", "bridge")
    server.ip("addr", "add", "10.53.0.9/24", "dev", "virtual")
    server.ip("link", "set", "virtual", "up")
    made.start()
    wire = open_wire(made)
    before = in_driver(made)
    wire.send(to_mac(b"\x02\0\x5e\0\x01\x35", frame(made.network, packet(CLIENT4, "10.53.0.9"))))
    assert answered(wire, 7001)
    assert rise(lambda: in_driver(made), before, "other_host", 1)["other_host"] >= 1
    assert by_streams(made) == 1


def test_interface_gets_another_mac_address(made, open_wire):
    made.start()
    wire = open_wire(made)
    old, new = made.network.server_mac, b"\x02\0\0\0\x53\x53"
    made.network.server.ip("link", "set", SERVER_LINK, "address", new.hex(":"))
    made.dataplane.wait_for_log("the MAC address of interface .* has changed")
    before, streams = in_driver(made), by_streams(made)
    wire.send(to_mac(new, frame(made.network, packet(CLIENT4, SERVER4))))
    assert answered(wire, 7001)
    assert rise(lambda: in_driver(made), before, "serve", 1) == {"serve": 1}
    wire.send(to_mac(old, frame(made.network, packet(CLIENT4, SERVER4))))
    assert rise(lambda: in_driver(made), before, "other_host", 1) == {"serve": 1, "other_host": 1}
    assert by_streams(made) == streams


# Sources that can't be


NOBODY4 = ["127.0.0.1", "127.255.255.255", SERVER4]
NOBODY6 = ["::1", "::ffff:10.53.0.2", "::10.53.0.2", SERVER6]


def check_nobody(volley, wire, source):
    server = SERVER6 if ":" in source else SERVER4
    before = in_driver(volley)
    wire.send(frame(volley.network, packet(source, server)))
    assert rise(lambda: in_driver(volley), before, "bad_source", 1) == {"bad_source": 1}


@pytest.mark.parametrize("source", NOBODY4 + NOBODY6)
def test_source_that_nobody_has(served, open_wire, source):
    check_nobody(served, open_wire(served), source)


def test_any_of_our_addresses_as_a_source(made, open_wire):
    """Those of `listen`, whichever was asked."""
    made.dataplane_settings["listen"] = [SERVER4, "10.53.0.77", SERVER6, "fd53::77"]
    made.start()
    wire = open_wire(made)
    for source in ("10.53.0.77", "fd53::77", SERVER4, SERVER6, "127.0.0.1", "::1"):
        check_nobody(made, wire, source)
    assert query(made.network, "www.test.").answer


# Queues without an lcore


def ask_from_many_ports(network, cnt):
    for _ in range(cnt):
        with open_client(network) as client:
            client.send(WWW)
            assert client.recv(65535)[7] == 1


def test_queries_on_a_queue_without_an_lcore(made):
    """The interface gets a second queue when the dataplane runs, as virtio's driver opens one for XDP. All queries
    are answered; those of the second queue by stream threads, which is counted, and said with the cure."""
    for namespace, link in ((made.network.server, SERVER_LINK), (made.network.client, CLIENT_LINK)):
        namespace.run("ethtool", "-L", link, "rx", 2, "tx", 2, check=True)
    made.spare_clients()
    made.start()
    assert made.ctl_json("status")["dataplane"]["troubles"] == []
    ask_from_many_ports(made.network, 64)
    got = wait_until(lambda: (now := in_driver(made))["serve"] + now["no_lcore"] == 64 and now, lambda: in_driver(made))
    assert got["no_lcore"] > 0 and got["serve"] > 0
    assert by_streams(made) == got["no_lcore"]
    said = made.dataplane.wait_for_log(r"warning: (port af_xdp:server0: queries arrive on queue .*)")[1]
    assert "queue 1, which no lcore serves" in said
    assert f"ethtool -L {SERVER_LINK} rx 1, or queues=2" in said
    wait_until(lambda: "on 1 of its queues" in str(made.ctl_json("status")["dataplane"]["troubles"]), "told")
    assert "queries arrive on 1 of its queues that no lcore serves" in made.ctl("status").stdout
    ask_from_many_ports(made.network, 64)
    wait_until(lambda: (now := in_driver(made))["serve"] + now["no_lcore"] == 128, lambda: in_driver(made))
    assert made.dataplane.log().count("queries arrive on queue") == 1, "once a minute at most"


# Ports without an XDP program


def test_port_without_a_kernel_path(made, open_wire):
    """What an af_packet port's lcore gets and is not for it, is dropped, and called so."""
    made.dataplane_settings["ports"] = [f"af_packet:{SERVER_LINK}"]
    made.start()
    wire = open_wire(made)
    before = by_lcores(made)
    wire.send(frame(made.network, ipv4(CLIENT4, SERVER4, udp(CLIENT4, SERVER4, WWW), options=b"\1\1\1\1")))
    wire.send(frame(made.network, ipv4(CLIENT4, SERVER4, b"\x08\0\xf7\xff\0\0\0\0", protocol=1)))
    rise(lambda: by_lcores(made), before, "no_kernel_path", 2)
    assert by_lcores(made)["pass"] == 0
    mac = made.network.server_mac[:5] + bytes([made.network.server_mac[5] ^ 1])
    before = by_lcores(made)
    wire.send(to_mac(mac, frame(made.network, packet(CLIENT4, SERVER4, 6001))))
    rise(lambda: by_lcores(made), before, "other_host", 1)
    wire.send(frame(made.network, packet("127.0.0.1", SERVER4)))
    rise(lambda: by_lcores(made), before, "bad_source", 1)
    wire.send(frame(made.network, packet(CLIENT4, SERVER4)))
    found = wire.receive(lambda datagram: datagram.dport in (6001, 7001), WAIT_SECONDS)
    assert found and found.dport == 7001
    text = made.ctl("stats").stdout
    assert "no_kernel_path" in text and "this port has no way to the kernel" in text


def write_pcap(path, frames):
    """libpcap's file format, Ethernet."""
    with open(path, "wb") as file:
        file.write(struct.pack("=IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for data in frames:
            file.write(struct.pack("=IIII", 0, 0, len(data), len(data)) + data)


def test_frame_too_large_for_a_buffer(made, tmp_path):
    """Queries padded up to the MTU and beyond: what leaves no room in its buffer, or takes several, is dropped by a
    reason of its own."""
    sizes = [*range(1400, 1800, 8), 5000, 9000]
    write_pcap(tmp_path / "in.pcap", [
        frame(made.network, packet(CLIENT4, SERVER4, message=WWW + bytes(size))) for size in sizes])
    made.dataplane_settings["ports"] = [f"pcap:{tmp_path}/in.pcap"]
    made.start()
    got = wait_until(lambda: sum((now := by_lcores(made)).values()) == len(sizes) and now, lambda: by_lcores(made))
    assert got["serve"] > 0 and got["too_large"] > 2
    assert got["serve"] + got["too_large"] == len(sizes)
