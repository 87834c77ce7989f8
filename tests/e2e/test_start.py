# SPDX-License-Identifier: GPL-3.0-or-later
"""From the command line to the first answer: what a dataplane does while it has no zones, and when it can't start."""
import socket
import struct
import subprocess
import threading
import time

import dns.message
import dns.rcode
import pytest

from ask import open_client, query, serial, wait_until_answered
from net import CLIENT_LINK, SERVER4, SERVER6, SERVER_LINK
from pcap import PCAP_HEADER, pcap_frames, pcap_record
from volley import DATAPLANE, Process, environment, small_zone
from wire import dns_query


class Bisection:
    """Finds the packet memory with which the lcore is the first that gets none.

    A looped capture is held in packet memory, so that its length takes the rest away octet by octet.
    """

    def __init__(self, directory):
        self.directory = directory
        self.count = 0

    def start(self, frame_cnt):
        """The exit status, None if it had to be stopped, and the log."""
        self.count += 1
        capture = self.directory / "queries.pcap"
        capture.write_bytes(PCAP_HEADER + frame_cnt * pcap_record(bytes(42)))
        dataplane = Process("dataplane", [
            DATAPLANE, "--port", f"pcap:{capture},loop", "--huge-pages", "off", "--memory", "48",
            "--socket", self.directory / "dataplane.sock"], self.directory / f"{self.count}.log")
        try:
            dataplane.wait_for_log("(waiting for zones|ready): ")
        except AssertionError:
            return dataplane.wait(), dataplane.log()
        assert dataplane.stop() == 0
        return None, dataplane.log()

    def find(self):
        good, bad = 100, 60000
        while bad - good > 1:
            middle = (good + bad) // 2
            status, log = self.start(middle)
            if status is None:
                good = middle
            elif "error: lcore" in log:
                return status, log
            else:
                bad = middle
        pytest.fail(f"with {good} packets it starts, with {bad} it does not, and no lcore is the reason")


def test_lcore_that_gets_no_memory_ends_the_start(tmp_path):
    status, log = Bisection(tmp_path).find()
    assert status == 1
    line = next(line for line in log.splitlines() if "error: lcore" in line)
    assert "lcore 1 cannot start" in line and "queue 0" in line and "Cannot allocate memory" in line
    assert "waiting for zones" not in log and "ready" not in log


def test_log_whose_reader_dies(volley):
    """The next line finds a pipe without a reader."""
    volley.add_zone("test.", small_zone(1))
    command = volley.network.server.command(
        DATAPLANE, "--port", f"af_xdp:{SERVER_LINK}", "--socket", volley.publish_socket)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment()) as dataplane:
        try:
            for line in dataplane.stderr:
                if "waiting for zones" in line or "ready" in line:
                    break
            dataplane.stderr.close()
            volley.start_control()  # "control: connected", and what follows
            wait_until_answered(volley.network, "test.")
            assert dataplane.poll() is None
            dataplane.terminate()
            assert dataplane.wait(30) == 0
        finally:
            dataplane.kill()


def refused(network, server, kind):
    """Whether the server's kernel says that nobody is there; an answer is a failure."""
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with network.client.socket(family, kind) as client:
        client.settimeout(5)
        try:
            client.connect((server, 53))
            client.send(dns_query("test."))
            answer = client.recv(512)
        except ConnectionRefusedError:
            return True
    raise AssertionError(f"answered without zones: {answer.hex()}")


@pytest.mark.parametrize("port", [f"af_xdp:{SERVER_LINK}", f"af_packet:{SERVER_LINK}"])
def test_silence_without_zones(volley, port):
    """Resolvers take REFUSED for a lame server; that nobody is there, or silence, sends them to another one."""
    volley.dataplane_settings["ports"] = [port]
    volley.add_zone("test.", small_zone(1))
    volley.start_dataplane()
    for server in (SERVER4, SERVER6):
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            assert refused(volley.network, server, kind)
    assert "ready" not in volley.dataplane.log()
    volley.start_control()
    volley.dataplane.wait_for_log("ready: 1 lcores, 1 ports")
    if port.startswith("af_xdp"):  # beside a packet socket, the kernel goes on saying that nobody is there
        assert serial(volley.network, "test.") == serial(volley.network, "test.", SERVER6) == 1


def test_a_capture_waits_for_the_zones(volley):
    """Ports without an XDP program are left alone as well: the queries that came first are answered from the zones."""
    volley.add_zone("test.", small_zone(1))
    capture, answers = volley.directory / "in.pcap", volley.directory / "out.pcap"
    message = dns_query("ns1.test.")
    udp = struct.pack("!HHHH", 4000, 53, 8 + len(message), 0) + message
    address = socket.inet_aton("192.0.2.7") + socket.inet_aton("192.0.2.53")
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + address
    total = sum(struct.unpack("!10H", head))
    total = ~(total + (total >> 16)) & 0xffff
    packet = head[:10] + struct.pack("!H", total) + head[12:] + udp
    frame = bytes(6) + b"\2\0\0\0\0\1" + b"\x08\x00" + packet
    capture.write_bytes(PCAP_HEADER + 20 * pcap_record(frame))
    volley.dataplane_settings["ports"] = [f"pcap:{capture},out={answers}"]
    volley.start_dataplane()
    volley.start_control()
    deadline = time.monotonic() + 30
    while volley.ctl_json("stats")["totals"]["tx_packets"] < 20:
        assert time.monotonic() < deadline, volley.ctl("stats").stdout
        time.sleep(0.02)
    assert volley.dataplane.stop() == 0  # the file is complete only then
    codes = [dns.message.from_wire(frame[42:]).rcode() for frame in pcap_frames(answers)]
    assert codes == 20 * [dns.rcode.NOERROR]


def test_udp_port_taken_before_the_zones_come(volley):
    volley.add_zone("test.", small_zone(1))
    dataplane = volley.start_dataplane()
    with volley.network.server.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((SERVER4, 53))
        volley.start_control()
        assert dataplane.wait() == 1
    assert "UDP port 53 of 0.0.0.0 is in use" in dataplane.log()
    assert "ready" not in dataplane.log()


class Asker:
    """Asks all the time, and counts the answers by their RCODE."""

    def __init__(self, network):
        self.network = network
        self.codes = {}
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        message = dns_query("ns1.test.")
        with open_client(self.network) as client:
            client.settimeout(0.005)
            while not self.stopping.is_set():
                try:
                    client.send(message)
                    code = dns.rcode.to_text(client.recv(512)[3] & 15)
                    self.codes[code] = self.codes.get(code, 0) + 1
                except OSError:
                    pass  # silence, or nobody there

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()


def test_restarts_refuse_nobody(volley):
    """A dataplane that comes back has no zones for a moment, and says so by silence alone."""
    volley.add_zone("test.", small_zone(1))
    volley.spare_clients()
    volley.start()
    with Asker(volley.network) as asker:
        for i in range(10):
            if i % 2:
                volley.dataplane.kill()
            else:
                assert volley.dataplane.stop() == 0
            volley.start_dataplane().wait_for_log("ready: ")
            wait_until_answered(volley.network, "test.")
    assert set(asker.codes) == {"NOERROR"}, asker.codes
    assert query(volley.network, "ns1.test.").answer


def test_mtu_that_xdp_can_t_take(volley):
    """The reason, the limit and the cure stand in one line, which is the only error."""
    for side, link in ((volley.network.client, CLIENT_LINK), (volley.network.server, SERVER_LINK)):
        side.ip("link", "set", link, "mtu", "9000")
    dataplane = volley.spawn_dataplane()
    assert dataplane.wait() == 1
    volley.processes.remove(dataplane)
    (line,) = [line for line in dataplane.log().splitlines() if "info:" not in line]
    assert "error: " in line and "MTU is too large" in line and "3498" in line
    assert f"ip link set dev {SERVER_LINK} mtu 1500" in line
