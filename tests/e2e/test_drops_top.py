# SPDX-License-Identifier: GPL-3.0-or-later
"""To see it: samples of what is dropped and limited, and rates of the last second."""
import json
import os
import re
import socket
import subprocess
import threading
import time

import pytest

from ask import Dnsperf, open_client
from net import CLIENT4, CLIENT_LINK, SERVER4, SERVER6
from volley import START_SECONDS, VOLLEYCTL, environment, own_network, small_zone, wait_until
from wire import Wire, dns_query, frame, ipv4, ipv6, udp


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with own_network(tmp_path_factory.mktemp("drops"), streams=False) as volley:
        volley.add_zone("test.", small_zone(1, "www A 192.0.2.10"))
        volley.add_zone("sub.test.", small_zone(1, "www A 192.0.2.11"))
        volley.keep_state()
        volley.start()
        volley.ctl("defence", "deny", "198.51.100.0/24", "2001:db8:bad::/48")
        yield volley


@pytest.fixture
def send(served):
    """send(source, message, sport=): a query with a spoofed source."""
    wire = Wire(served.network, CLIENT_LINK)

    def send_one(source, message, sport=4242):
        wrap, server = (ipv6, SERVER6) if ":" in source else (ipv4, SERVER4)
        wire.send(frame(served.network, wrap(source, server, udp(source, server, message, sport=sport))))

    yield send_one
    wire.close()


def drops_of(volley, **wanted):
    """The samples that have these members, once there is one."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        drops = volley.ctl_json("drops")["drops"]
        found = [drop for drop in drops if all(drop.get(key) == value for key, value in wanted.items())]
        if found:
            return found
        assert time.monotonic() < deadline, f"no {wanted} in {drops}"
        time.sleep(0.05)


def test_dropped_packets_are_sampled(served, send):
    now = time.time()
    send("198.51.100.7", dns_query("Who.is.TEST", 28), sport=777)
    (drop,) = drops_of(served, source="198.51.100.7")
    assert (drop["reason"], drop["source_port"], drop["qname"], drop["qtype"]) == ("denied", 777, "Who.is.TEST.", "AAAA")
    assert drop["port"] == "af_xdp:server0" and drop["weight"] == 1 and drop["bytes"] > 60
    assert abs(drop["time_ns"] / 1e9 - now) < 60
    text = served.ctl("drops").stdout
    assert re.search(r"\d\d:\d\d:\d\d\.\d{3}  denied .* 198\.51\.100\.7#777 +Who\.is\.TEST\. AAAA\n", text)


def test_dropped_ipv6(served, send):
    send("2001:db8:bad::1", dns_query("six.test."))
    (drop,) = drops_of(served, source="2001:db8:bad::1")
    assert drop["qname"] == "six.test."


def test_reasons(served, send):
    send("192.0.2.9", dns_query("www.test.", flags=0x8000))
    send("192.0.2.9", dns_query("www.test."), sport=11211)
    send("192.0.2.9", b"short")
    for reason in ("dns_response", "reflector", "dns_short"):
        assert drops_of(served, source="192.0.2.9", reason=reason)


def test_hostile_octets_are_escaped(served, send):
    """Nothing that a packet holds reaches the terminal but printable ASCII."""
    name = b"\x07\x1b[2J\r\n\x00" + b"\x03\xff\x9bA" + b"\0"
    message = dns_query("x")[:12] + name + b"\0\1\0\1"
    send("198.51.100.66", message)
    (drop,) = drops_of(served, source="198.51.100.66")
    assert drop["qname"] == "\\027[2J\\013\\010\\000.\\255\\155A."
    printed = subprocess.run([VOLLEYCTL, "--socket", served.control_socket, "drops"], check=True, capture_output=True,
                             env=environment()).stdout
    assert all(octet == 10 or 32 <= octet < 127 for octet in printed)


def test_limited_responses_are_sampled(served):
    served.ctl("defence", "set", "responses.nxdomain", "1")
    served.ctl("defence", "set", "responses.burst-ms", "1")
    try:
        with open_client(served.network) as client:
            for number in range(100):
                client.send(dns_query(f"n{number}.test."))
        found = drops_of(served, reason="limited_nxdomain")
        assert found[0]["source"] == CLIENT4 and re.fullmatch(r"n\d+\.test\.", found[0]["qname"])
        assert served.stats()["totals"]["limited_nxdomain"] > 0
        assert "limited_nxdomain" in served.ctl("stats").stdout
    finally:
        served.ctl("defence", "unset", "responses.nxdomain")
        served.ctl("defence", "unset", "responses.burst-ms")


class Flood:
    """Frames from one denied source as fast as Python sends them."""

    def __init__(self, volley, source):
        self.wire = Wire(volley.network, CLIENT_LINK)
        self.data = frame(volley.network, ipv4(source, SERVER4, udp(source, SERVER4, dns_query("flood.test."))))
        self.stop = threading.Event()
        self.sent = 0
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        while not self.stop.is_set():
            for _ in range(20):
                self.wire.send(self.data)
            self.sent += 20
            time.sleep(0.005)

    def __enter__(self):
        self.start = time.monotonic()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        self.wire.close()

    def rate(self):
        return self.sent / (time.monotonic() - self.start)


@pytest.mark.alone
def test_weights_tell_the_rate(served):
    """Few samples stand for many packets: their weights and times tell how many."""
    def samples():
        drops = served.ctl_json("drops")["drops"]
        return [drop for drop in drops if drop.get("source") == "198.51.100.200" and "per_s" in drop]

    def seconds_of(found):
        return (found[-1]["time_ns"] - found[0]["time_ns"]) / 1e9 if found else 0

    with Flood(served, "198.51.100.200") as flood:
        wait_until(lambda: len(samples()) > 20 and seconds_of(samples()) > 0.8, "samples")
        found, rate = samples(), flood.rate()
    assert 20 < len(found) <= 100
    seconds = seconds_of(found)
    estimated = sum(drop["weight"] for drop in found[1:]) / seconds
    assert rate / 2 < estimated < rate * 2, (rate, estimated)
    assert all(drop["per_s"] > 0 for drop in found)


def test_follow(served, send):
    """Each sample once, as it comes; it ends when nobody reads."""
    done = threading.Event()

    def keep_sending():
        # the XDP program runs on the sender's CPU, and its samples are in order for each CPU
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        for number in range(1000):
            send("198.51.100.50", dns_query(f"n{number}.test."))
            if done.wait(0.02):
                return

    follower = subprocess.Popen([VOLLEYCTL, "--socket", served.control_socket, "--json", "drops", "--follow"],
                                stdout=subprocess.PIPE, text=True, env=environment())
    sender = threading.Thread(target=keep_sending)
    sender.start()
    try:
        numbers = []
        for line in follower.stdout:
            drop = json.loads(line)
            if drop.get("source") == "198.51.100.50":
                numbers.append(int(re.fullmatch(r"n(\d+)\.test\.", drop["qname"]).group(1)))
            if len(numbers) == 25:
                break
        assert numbers == sorted(set(numbers)) and len(numbers) == 25
        follower.stdout.close()
        assert follower.wait(20) != 0
    finally:
        done.set()
        sender.join()
        follower.kill()
        follower.wait()


def test_cursor_of_something_else(served):
    """Numbers of an earlier dataplane, or of none: nothing breaks."""
    for cursor in ([], [1 << 62] * 3, [-1] * 3, [0] * 4000):
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(served.control_socket))
            control.sendall(json.dumps({"command": "drops", "cursor": cursor}).encode() + b"\n")
            answer = json.loads(control.makefile().readline())
            assert answer["ok"] and len(answer["cursor"]) == 2  # of the lcore, and of XDP programs


@pytest.mark.alone
def test_top(served, tmp_path):
    """Rates, busy share, zones by the longest match, sources, drops by reason."""
    data = tmp_path / "queries"
    data.write_text("www.test. A\n" * 3 + "www.sub.test. A\n" + "nothing.here. A\n")
    before = served.stats()["totals"]["rx_packets"]
    perf = Dnsperf(served.network, data, 600, rate=2000)
    with Flood(served, "198.51.100.201"):
        wait_until(lambda: served.stats()["totals"]["rx_packets"] > before + 1000, "the load is under way")
        top = served.ctl_json("top", "--once")
    perf.interrupt()
    perf.finish()
    assert 0.9 < top["seconds"] < 5
    (lcore,) = top["lcores"]
    assert 1000 < lcore["rx_per_s"] < 3000 and 1000 < lcore["tx_per_s"] < 3000
    assert 0 < lcore["busy"] < 1
    assert top["drops"]["denied"] > 100 and top["drops"]["bad_length"] == 0
    zones = {line["zone"]: line["per_s"] for line in top["zones"]}
    assert set(zones) == {"test.", "sub.test.", "(no zone)"}
    assert zones["test."] > zones["sub.test."]
    assert 500 < sum(zones.values()) < 4000
    assert top["sources"][0]["source"] == CLIENT4 and 500 < top["sources"][0]["per_s"] < 4000
    assert top["dropped_sources"][0]["source"] == "198.51.100.201"


def test_top_as_text(served):
    def text_without_drops():
        text = served.ctl("top", "--once").stdout
        return text if "dropped or limited/s\n  nothing" in text else None

    text = wait_until(text_without_drops, "what the test before has sent is forgotten")
    assert "queries/s" in text and "busy" in text
    assert "\033" not in text


def test_top_live(served):
    """A screen each second, until it is interrupted."""
    top = subprocess.Popen([VOLLEYCTL, "--socket", served.control_socket, "top"], stdout=subprocess.PIPE,
                           env=environment())
    try:
        text = b""
        while text.count(b"\033[H\033[J") < 3:
            text += top.stdout.read1()
        assert text.count(b"queries/s") >= 2
    finally:
        top.terminate()
        top.wait()


def test_without_a_dataplane(volley):
    volley.add_zone("test.", small_zone(1))
    volley.start_control()
    for command in (("top", "--once"), ("drops",), ("drops", "--follow"), ("top",)):
        result = volley.ctl(*command, check=False)
        assert result.returncode == 4 and "no dataplane is connected" in result.stderr


def test_dataplane_restarts_while_it_is_watched(volley):
    volley.add_zone("test.", small_zone(1))
    volley.start()
    before = volley.control.open_files()
    watcher = subprocess.Popen([VOLLEYCTL, "--socket", volley.control_socket, "top", "--once"],
                               stderr=subprocess.PIPE, text=True, env=environment())
    wait_until(lambda: volley.control.open_files() > before, "control watches")
    volley.dataplane.kill()
    assert watcher.wait(30) in (1, 4)
    assert "dataplane" in watcher.stderr.read()
