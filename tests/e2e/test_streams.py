# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers over TCP (RFC 7766), and over UDP what the fast path leaves to the kernel."""
import os
import resource
import select
import socket
import struct
import threading
import time

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import pytest

from ask import exchange, query
from net import CLIENT4, CLIENT6, CLIENT_LINK, SERVER4, SERVER6, SERVER_LINK
from stream import Stream, connect_many, framed
from volley import small_zone, wait_until
from wire import Wire, dns_query, frame, ipv4, opt, udp

BOTH = pytest.mark.parametrize("server", [SERVER4, SERVER6], ids=["ipv4", "ipv6"])
WWW = dns_query("www.example.")
# 240 strings of 250 octets, each in a record of 263
BIG_ZONE = small_zone(1, *(f'big TXT "{number:0250d}"' for number in range(240)))
BIG = dns_query("big.big.test.", 16)
BIG_OCTETS = 60 * 1024
KEEPALIVE = 11


def total(volley, name, group="connections"):
    return sum(stream[group][name] for stream in volley.stats()["streams"])


def open_now(volley):
    return sum(stream["open"] for stream in volley.stats()["streams"])


def memory_kib(process, key="VmRSS"):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(key))


def check_growth(process, grown_kib, max_kib):
    """A sanitizer, known by its terabytes of addresses, keeps what is freed."""
    assert grown_kib < max_kib or memory_kib(process, "VmSize") > 1 << 30


def started(volley, **settings):
    """Volley with small.test. and big.test., and these settings of streams."""
    volley.dataplane_settings |= {f"stream-{key}": str(value) for key, value in settings.items()}
    volley.add_zone("small.test.", small_zone(1, "www A 192.0.2.80"))
    volley.add_zone("big.test.", BIG_ZONE)
    return volley.start()


@pytest.fixture(autouse=True)
def descriptors():
    """Ten thousand clients are as many files of ours."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


SMALL = dns_query("www.small.test.")


# The same answers


@BOTH
@pytest.mark.parametrize("name, rrtype", [
    ("www.example.", 1), ("www.example.", 28), ("no.example.", 1), ("example.", 6), ("chain.example.", 1),
    ("host.child.example.", 1), ("www.example.", 15), ("refused.test.", 1), ("wWw.eXaMpLe.", 1)])
@pytest.mark.parametrize("edns", [None, opt(), opt(version=1), opt(do=True)], ids=["", "edns", "badvers", "do"])
def test_as_over_udp(example, server, name, rrtype, edns):
    message = dns_query(name, rrtype, edns=edns)
    with Stream(example.network, server) as stream:
        assert stream.ask(message) == exchange(example.network, message, server)


@pytest.mark.parametrize("octets", [
    WWW[:4] + b"\0\2" + WWW[6:], WWW[:2] + b"\x28\0" + WWW[4:], WWW[:-1], WWW[:12]],
    ids=["two questions", "update", "class cut off", "header only"])
def test_errors_as_over_udp(example, octets):
    with Stream(example.network) as stream:
        assert stream.ask(octets) == exchange(example.network, octets)


@BOTH
def test_whole_over_tcp_what_is_cut_over_udp(example, server):
    """RFC 7766 §5"""
    message = dns_query("long.example.", 16)
    assert dns.message.from_wire(exchange(example.network, message, server)).flags & dns.flags.TC
    with Stream(example.network, server) as stream:
        response = dns.message.from_wire(stream.ask(message))
    assert not response.flags & dns.flags.TC
    assert len(response.answer[0]) == 4


@BOTH
def test_dig(example, server):
    result = example.network.client.run("dig", "+tcp", "+short", f"@{server}", "www.example.", "AAAA")
    assert result.stdout == "2001:db8::80\n"
    # dig starts with UDP, and comes back over TCP
    result = example.network.client.run("dig", "+noedns", f"@{server}", "long.example.", "TXT")
    assert "retrying in TCP mode" in result.stdout and "ANSWER: 4" in result.stdout


def test_kdig_keeps_the_connection(example):
    accepted = total(example, "accepted")
    result = example.network.client.run(
        "kdig", "+tcp", "+keepopen", "+short", f"@{SERVER4}", *["www.example.", "AAAA"] * 5)
    assert result.stdout.split() == ["2001:db8::80"] * 5
    assert total(example, "accepted") == accepted + 1


# Framing (RFC 7766 §8) and pipelining (§6.2.1.1)


@BOTH
def test_many_queries_in_one_segment(example, server):
    with Stream(example.network, server) as stream:
        ids = list(range(500))
        stream.send(*(dns_query("www.example.", message_id=number) for number in ids))
        assert [int.from_bytes(stream.receive()[:2], "big") for _ in ids] == ids


def test_split_at_every_octet(example):
    octets = framed(WWW) + framed(dns_query("no.example."))
    with Stream(example.network) as stream:
        for split in range(1, len(octets)):
            stream.socket.sendall(octets[:split])
            time.sleep(0.002)
            stream.socket.sendall(octets[split:])
            assert stream.receive()[3] & 15 == dns.rcode.NOERROR
            assert stream.receive()[3] & 15 == dns.rcode.NXDOMAIN


def test_octet_by_octet(example):
    with Stream(example.network) as stream:
        for octet in framed(WWW) * 3:
            stream.socket.sendall(bytes([octet]))
            time.sleep(0.001)
        for _ in range(3):
            assert stream.receive()[:2] == WWW[:2]


def padded(size, name="www.example."):
    """A query of `size` octets, filled by one EDNS option (RFC 7830)."""
    bare = dns_query(name, edns=opt())
    fill = size - len(bare) - 4
    return bare[:-2] + struct.pack("!HHH", fill + 4, 12, fill) + bytes(fill)


@pytest.mark.parametrize("size", [1000, 16381, 16382, 16383, 16384, 40000, 65535])
def test_long_queries(example, size):
    """Of any size, with others before and behind them."""
    with Stream(example.network) as stream:
        stream.send(WWW, padded(size), WWW)
        for _ in range(3):
            assert dns.message.from_wire(stream.receive()).answer


@pytest.mark.parametrize("length", [0, 1, 11])
def test_a_length_too_short_for_dns_ends_it(example, length):
    """What came before is answered."""
    before = total(example, "closed_malformed")
    with Stream(example.network) as stream:
        stream.socket.sendall(framed(WWW) + struct.pack("!H", length))
        assert stream.receive()[:2] == WWW[:2]
        assert stream.receive() is None
    assert total(example, "closed_malformed") == before + 1


def test_a_response_is_never_answered(example):
    with Stream(example.network) as stream:
        stream.send(WWW[:2] + b"\x80" + WWW[3:], dns_query("www.example.", message_id=7))
        assert stream.receive()[:2] == b"\0\7"


@BOTH
def test_half_close(example, server):
    """A client that says it has no more to ask still gets its answers."""
    with Stream(example.network, server) as stream:
        stream.send(*[WWW] * 100)
        stream.socket.shutdown(socket.SHUT_WR)
        for _ in range(100):
            assert stream.receive()[:2] == WWW[:2]
        assert stream.receive() is None


# edns-tcp-keepalive (RFC 7828)


def with_option(code, data, name="www.example."):
    question = dns.message.make_query(name, "A", use_edns=0, options=[dns.edns.GenericOption(code, data)])
    return question.to_wire()


def test_keepalive_is_answered(example):
    with Stream(example.network) as stream:
        for name in ("www.example.", "no.example.", "refused.test."):
            response = dns.message.from_wire(stream.ask(with_option(KEEPALIVE, b"", name)))
            assert [option.data for option in response.options if option.otype == KEEPALIVE] == [b"\0\x64"]
        assert not dns.message.from_wire(stream.ask(dns_query("www.example.", edns=opt()))).options


def test_keepalive_means_nothing_over_udp(example):
    """RFC 7828 §3.2.1: ignored, whatever it holds."""
    for data in (b"", b"\0\1", b"x"):
        response = dns.message.from_wire(exchange(example.network, with_option(KEEPALIVE, data)))
        assert response.rcode() == dns.rcode.NOERROR and not response.options


def test_a_client_sends_keepalive_empty(example):
    with Stream(example.network) as stream:
        response = dns.message.from_wire(stream.ask(with_option(KEEPALIVE, b"\0\1")))
        assert response.rcode() == dns.rcode.FORMERR


@pytest.mark.parametrize("rdata", [b"\0", b"\0\x0b\0", b"\0\x0c\0\5abcd", b"\0\x0c\0\1a\0\x0c"])
def test_malformed_options(example, rdata):
    """RFC 6891 §6.1.2: they fill the OPT record."""
    message = dns_query("www.example.", edns=opt()[:-2] + struct.pack("!H", len(rdata)) + rdata)
    assert exchange(example.network, message)[3] & 15 == dns.rcode.FORMERR
    with Stream(example.network) as stream:
        assert stream.ask(message)[3] & 15 == dns.rcode.FORMERR


# Large answers, slow clients


@BOTH
def test_60_kib_arrive_whole(volley, server):
    started(volley)
    assert dns.message.from_wire(exchange(volley.network, BIG, server)).flags & dns.flags.TC
    with Stream(volley.network, server) as stream:
        octets = stream.ask(BIG)
        assert BIG_OCTETS < len(octets) <= 65535
        response = dns.message.from_wire(octets)
        assert not response.flags & dns.flags.TC and len(response.answer[0]) == 240
        stream.send(*[BIG] * 200)
        for _ in range(200):
            assert stream.receive() == octets


def test_a_client_that_reads_in_small_pieces(volley):
    """Partial writes at odd places; queries wait while responses do."""
    started(volley)
    with Stream(volley.network, receive_buffer=4096) as stream:
        messages = [dns_query("big.big.test.", 16, message_id=number) for number in range(20)]
        messages += [dns_query("www.small.test.", message_id=number) for number in range(20, 1000)]
        sender = threading.Thread(target=stream.send, args=messages)
        sender.start()
        for number in range(1000):
            assert stream.receive(chunk=1501)[:2] == number.to_bytes(2, "big")
        sender.join()
    assert total(volley, "tx_packets", "counters") == 1000, "each is answered once"


def test_a_slow_reader_is_cut_off(volley):
    started(volley, write=1)
    with Stream(volley.network, receive_buffer=4096) as stream:
        stream.send(*[BIG] * 200)
        wait_until(lambda: total(volley, "closed_slow_reader") == 1 and open_now(volley) == 0, "cut off")
        with pytest.raises(ConnectionResetError):
            while stream.receive():
                pass


def test_a_message_must_come_to_its_end(volley):
    """An octet now and then does not count (slowloris)."""
    started(volley, read=1, idle=30)
    with Stream(volley.network) as stream:
        assert stream.ask(SMALL)
        start = time.monotonic()
        with pytest.raises(OSError):
            for octet in framed(padded(4000)):
                stream.socket.sendall(bytes([octet]))
                time.sleep(0.1)
        assert time.monotonic() - start > 0.8, "not before its time"
    assert total(volley, "closed_slow_query") == 1


def test_idle_connections_are_closed(volley):
    started(volley, idle=1)
    with Stream(volley.network) as silent, Stream(volley.network) as asker:
        while not select.select([silent.socket], [], [], 0.1)[0]:
            assert asker.ask(SMALL), "who asks is not idle"
        assert silent.receive() is None
        assert asker.ask(SMALL)
        assert asker.seconds_until_closed() > 0.7, "not before its time"
    assert total(volley, "closed_idle") == 2


def test_the_end_in_every_phase(volley):
    """FIN and RST before, in and behind a message, and while responses wait: nothing is left."""
    started(volley)
    for octets in (b"", b"\0", framed(SMALL)[:9], framed(SMALL), framed(BIG) * 100):
        for how in (Stream.reset, lambda stream: stream.socket.close()):
            for _ in range(5):
                stream = Stream(volley.network, receive_buffer=4096)
                stream.socket.sendall(octets)
                how(stream)
    wait_until(lambda: open_now(volley) == 0, "none is open")
    with Stream(volley.network) as stream:
        assert stream.ask(SMALL)


# Many connections


def test_a_thousand_at_once(volley, note):
    started(volley, client=1000)
    clients = connect_many(volley.network, 1000)
    start = time.monotonic()
    octets = framed(SMALL) * 20
    for client in clients:
        client.setblocking(True)
        client.settimeout(10)
        client.sendall(octets)
    wanted = 20 * len(framed(exchange(volley.network, SMALL)))
    for client in clients:
        got = 0
        while got < wanted:
            data = client.recv(65536)
            assert data, "closed"
            got += len(data)
        assert got == wanted
    note(f"20,000 queries over 1,000 connections in {time.monotonic() - start:.1f} s")
    assert open_now(volley) == 1000
    for client in clients:
        client.close()


def seconds_to_ask(network, server=SERVER4):
    """A new client is answered; how long that took."""
    start = time.monotonic()
    with Stream(network, server) as stream:
        assert stream.ask(SMALL)
    return time.monotonic() - start


def test_ten_thousand_silent_ones_keep_nobody_out(volley, note):
    """More than all: the one idle longest makes room. Memory: some hundred octets for each."""
    started(volley, client=20000, connections=10000, idle=600)
    seconds_to_ask(volley.network)
    before = memory_kib(volley.dataplane)
    clients = connect_many(volley.network, 10100)
    wait_until(lambda: open_now(volley) == 10000 and total(volley, "closed_limit") == 100, "they are there")
    after = memory_kib(volley.dataplane)
    took = seconds_to_ask(volley.network)
    note(f"10,000 silent connections: {after - before} KiB more, a new client waits {1000 * took:.0f} ms")
    check_growth(volley.dataplane, after - before, 10000)
    for client in clients:
        client.close()


def test_half_open_ones_keep_nobody_out(volley):
    """SYNs from addresses that never answer."""
    started(volley)
    volley.network.server.ip("route", "add", "10.54.0.0/16", "via", CLIENT4)
    wire = Wire(volley.network, CLIENT_LINK)
    for number in range(10000):
        source = f"10.54.{number >> 8}.{number & 255}"
        head = struct.pack("!HHIIBBHHH", 1024 + number, 53, number, 0, 5 << 4, 2, 65535, 0, 0)
        pseudo = socket.inet_aton(source) + socket.inet_aton(SERVER4) + struct.pack("!2H", 6, 20)
        total_sum = sum(struct.unpack("!16H", pseudo + head))
        total_sum = (total_sum & 0xffff) + (total_sum >> 16)
        total_sum = ~((total_sum & 0xffff) + (total_sum >> 16)) & 0xffff
        segment = head[:16] + struct.pack("!H", total_sum) + head[18:]
        wire.send(frame(volley.network, ipv4(source, SERVER4, segment, protocol=6)))
    wire.close()
    half_open = volley.network.server.run("ss", "-Htn", "state", "syn-recv").stdout
    assert half_open.count("\n") > 1000, "the SYNs have arrived"
    seconds_to_ask(volley.network)


def test_one_client_has_its_share(volley):
    started(volley, client=5)
    with volley.network.client.entered():
        volley.network.client.ip("addr", "add", "10.53.0.3/24", "dev", CLIENT_LINK)
        volley.network.client.ip("addr", "add", "fd53::3/64", "dev", CLIENT_LINK, "nodad")
    for first, same, server in ((CLIENT4, CLIENT4, SERVER4), (CLIENT6, "fd53::3", SERVER6)):
        mine = [Stream(volley.network, server, source=first) for _ in range(5)]
        assert all(stream.ask(SMALL) for stream in mine)
        with pytest.raises(ConnectionError):
            with Stream(volley.network, server, source=same) as sixth:
                assert sixth.ask(SMALL) is None
                raise ConnectionResetError
        mine[0].socket.close()
        wait_until(lambda: open_now(volley) == 4, "one has left")
        with Stream(volley.network, server, source=same) as again:
            assert again.ask(SMALL)
        for stream in mine:
            stream.socket.close()
        wait_until(lambda: open_now(volley) == 0, "all have left")
    with Stream(volley.network, source="10.53.0.3") as other:
        assert other.ask(SMALL)
    assert total(volley, "refused_prefix") == 2


def test_no_descriptors_left(volley):
    started(volley, client=1000)
    resource.prlimit(volley.dataplane.pid, resource.RLIMIT_NOFILE, (60, 60))
    clients = [Stream(volley.network) for _ in range(200)]
    wait_until(lambda: total(volley, "closed_limit") > 100, "most were sent away")
    seconds_to_ask(volley.network)
    for client in clients:
        client.socket.close()


def test_not_even_one_descriptor_left(volley):
    """A new client is sent away at once, rather than left to wait; later ones are served."""
    started(volley)
    pid = volley.dataplane.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    used = max(int(name) for name in os.listdir(f"/proc/{pid}/fd")) + 1
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (used, before[1]))
    with Stream(volley.network) as stream:
        stream.seconds_until_closed()
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    seconds_to_ask(volley.network)


def test_memory_is_bounded(volley, note):
    """Clients that make us keep all they can: half messages of 64 KiB, and answers that they don't take."""
    started(volley, client=20000, memory=16, read=60, write=60)
    seconds_to_ask(volley.network)
    before = memory_kib(volley.dataplane)
    half = framed(padded(65535))[:65000]
    clients = connect_many(volley.network, 600)
    for client in clients:
        client.setblocking(False)
        try:
            client.send(half)
        except BlockingIOError:
            pass
    readers = connect_many(volley.network, 600)
    for client in readers:
        client.send(framed(BIG) * 100)
    wait_until(lambda: total(volley, "closed_memory") > 0, "not all have room")
    grown = memory_kib(volley.dataplane) - before
    note(f"600 half messages and 600 slow readers: {grown} KiB more, of 16 MiB allowed")
    check_growth(volley.dataplane, grown, 24 * 1024)
    seconds_to_ask(volley.network)
    for client in clients + readers:
        client.close()


def test_a_slow_client_does_not_delay_a_reload(volley, note):
    started(volley, write=60, read=60)
    with Stream(volley.network, receive_buffer=4096) as reader, Stream(volley.network) as writer:
        reader.send(*[BIG] * 200)
        writer.socket.sendall(framed(SMALL)[:-1])
        wait_until(lambda: open_now(volley) == 2, "both are there")
        volley.zone_file("small.test.").write_text(small_zone(2, "www A 192.0.2.81"))
        start = time.monotonic()
        volley.ctl("reload")
        took = time.monotonic() - start
        note(f"reload beside slow clients: {1000 * took:.0f} ms")
        assert open_now(volley) == 2
        writer.socket.sendall(framed(SMALL)[-1:])
        answer = dns.message.from_wire(writer.receive()).answer[0][0]
        assert answer.to_text() == "192.0.2.81", "answered from the new zone"


# UDP that the fast path does not take


def udp_socket(network, server):
    client = network.client.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(3)
    client.connect((server, 53))
    return client


@BOTH
@pytest.mark.parametrize("size", [1600, 5000, 60000])
def test_fragmented_query(example, server, size):
    before = total(example, "udp_queries")
    lcores = example.stats()["totals"]["rx_packets"]
    with udp_socket(example.network, server) as client:
        client.send(padded(size))
        response = dns.message.from_wire(client.recv(65535))
    assert response.answer and not response.flags & dns.flags.TC
    assert total(example, "udp_queries") == before + 1
    assert example.stats()["totals"]["rx_packets"] == lcores


def test_query_with_ip_options(example):
    """No operation and end of list: an IP header of 24 octets."""
    with udp_socket(example.network, SERVER4) as client:
        client.setsockopt(socket.SOL_IP, socket.IP_OPTIONS, b"\1\1\1\0")
        before = total(example, "udp_queries")
        client.send(WWW)
        assert client.recv(65535)[:2] == WWW[:2]
    assert total(example, "udp_queries") == before + 1


def test_query_with_destination_options(example):
    """An IPv6 destination-options header that holds padding."""
    with udp_socket(example.network, SERVER6) as client:
        before = total(example, "udp_queries")
        client.sendmsg([WWW], [(socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS, b"\0\0\1\4\0\0\0\0")])
        assert client.recv(65535)[:2] == WWW[:2]
    assert total(example, "udp_queries") == before + 1


def test_slow_udp_answers_as_the_fast_path(example):
    """The same octets, the same limit, and TC beyond it."""
    for name, rrtype, edns in (("www.example.", 1, None), ("no.example.", 1, opt()), ("long.example.", 16, None),
                               ("long.example.", 16, opt(600)), ("long.example.", 16, opt(4096)),
                               ("refused.test.", 1, None)):
        message = dns_query(name, rrtype, edns=edns)
        with udp_socket(example.network, SERVER4) as client:
            client.setsockopt(socket.SOL_IP, socket.IP_OPTIONS, b"\1\1\1\0")
            client.send(message)
            assert client.recv(65535) == exchange(example.network, message)


def test_slow_udp_answers_from_the_address_that_was_asked(volley):
    started(volley)
    volley.network.server.ip("addr", "add", "10.53.0.9/24", "dev", SERVER_LINK)
    volley.network.server.ip("addr", "add", "fd53::9/64", "dev", SERVER_LINK, "nodad")
    for server in ("10.53.0.9", "fd53::9", SERVER4, SERVER6):
        with udp_socket(volley.network, server) as client:
            client.send(padded(2000, "www.small.test."))
            assert dns.message.from_wire(client.recv(65535)).answer


def test_slow_udp_never_answers_a_response(example, wire):
    response = WWW[:2] + b"\x80" + WWW[3:]
    for octets in (response, WWW[:11], b""):
        wire.send(frame(example.network, ipv4(
            CLIENT4, SERVER4, udp(CLIENT4, SERVER4, octets, sport=7001), options=b"\1\1\1\0")))
    assert wire.receive(lambda found: found.dport == 7001, timeout=0.5) is None


# Start and end


def test_nothing_listens_after_the_end(volley):
    started(volley)
    streams = [Stream(volley.network, server) for server in (SERVER4, SERVER6)]
    assert all(stream.ask(SMALL) for stream in streams)
    assert volley.dataplane.stop() == 0
    assert volley.network.server.run("ss", "-Hltun").stdout == ""
    for stream in streams:
        assert stream.receive() is None
    volley.start_dataplane()
    with Stream(volley.network) as stream:
        assert stream.ask(SMALL)


def test_the_port_is_taken(volley):
    with volley.network.server.socket(socket.AF_INET, socket.SOCK_STREAM) as other:
        other.bind((SERVER4, 53))
        other.listen()
        volley.add_zone("small.test.", small_zone(1))
        process = volley.spawn_dataplane()
        assert process.wait() == 1
    assert f"({os.getpid()})" in process.log()
    assert process.log().count("error") == 1
    volley.processes.remove(process)


def test_no_threads(volley):
    started(volley, threads=0)
    with pytest.raises(ConnectionRefusedError):
        Stream(volley.network)
    assert volley.stats()["streams"] == []
    assert query(volley.network, "www.small.test.").answer


def test_several_threads(volley):
    started(volley, threads=3)
    for server in (SERVER4, SERVER6) * 30:
        with Stream(volley.network, server) as stream:
            assert stream.ask(SMALL)
    accepted = [stream["connections"]["accepted"] for stream in volley.stats()["streams"]]
    assert len(accepted) == 3 and sum(accepted) == 60 and min(accepted) > 0


def test_listen(volley):
    """Other addresses stay free; one that is not there yet is answered on when it comes."""
    volley.dataplane_settings["listen"] = [SERVER4, "10.53.0.8", "fd53::8"]
    volley.network.server.ip("addr", "add", "10.53.0.9/24", "dev", SERVER_LINK)
    started(volley)
    for server in ("10.53.0.9", SERVER6):
        with pytest.raises(ConnectionRefusedError):
            Stream(volley.network, server)
    volley.network.server.ip("addr", "add", "10.53.0.8/24", "dev", SERVER_LINK)
    volley.network.server.ip("addr", "add", "fd53::8/64", "dev", SERVER_LINK, "nodad")
    for server in (SERVER4, "10.53.0.8", "fd53::8"):
        with Stream(volley.network, server) as stream:
            assert stream.ask(SMALL)


def test_stats_for_people(example):
    with Stream(example.network) as stream:
        assert stream.ask(WWW)
        text = example.ctl("stats").stdout
    assert "stream threads" in text and "connections accepted" in text
