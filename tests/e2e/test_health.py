# SPDX-License-Identifier: GPL-3.0-or-later
"""volley-health and what volley-control makes of it: real servers in a namespace, flips, deaths of both programs."""
import json
import os
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest
from health import checked, tls_context
from net import CLIENT4, SERVER4
from volley import VOLLEYCTL, wait_until


@pytest.fixture
def setup(tmp_path):
    with checked(tmp_path) as made:
        yield made


def make_certificate(directory):
    """Of www.example, by itself, for 30 days: certificate and key."""
    names = directory / "cert.pem", directory / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                    "-subj", "/CN=www.example", "-addext", "subjectAltName=DNS:www.example",
                    "-out", names[0], "-keyout", names[1]], check=True, capture_output=True)
    return names


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("certificate"))


def dns_server(network):
    """Answers each query with NXDOMAIN; returns its port."""
    with network.client.entered():
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((CLIENT4, 0))

    def serve():
        while True:
            query, peer = sock.recvfrom(4096)
            sock.sendto(b"junk", peer)
            sock.sendto(query[:2] + b"\x80\x03" + query[4:], peer)
    threading.Thread(target=serve, daemon=True).start()
    return sock.getsockname()[1]


def test_kinds(setup, certificate, tmp_path):
    """Each kind of check, good and bad, at the same time."""
    web = setup.server()
    tls = setup.server(tls=tls_context(*certificate))
    failing = setup.server()
    failing.status = 503
    ca = str(certificate[0])
    other_ca = str(make_certificate(tmp_path)[0])
    (tmp_path / "up").write_text("up\n")
    (tmp_path / "down").write_text("down because of maintenance\n")
    query = dns_server(setup.network)
    slow = {"interval": "5s", "timeout": "4s", "fall": 1}
    remote = {"address": CLIENT4} | slow
    setup.web("http", web, host="www.example", path="/health?a=b", body="is well", **slow)
    setup.web("http-body", web, body="nothing of the kind", **slow)
    setup.web("http-size", web, body="well", size_max="4", **slow)
    setup.web("http-503", failing, **slow)
    setup.web("http-503-wanted", failing, status="200,500-599", **slow)
    setup.web("https", tls, type="https", host="www.example", ca_file=ca, **slow)
    setup.web("https-unknown", tls, type="https", host="www.example", ca_file=other_ca, **slow)
    setup.web("https-name", tls, type="https", host="other.example", ca_file=ca, **slow)
    setup.web("https-any", tls, type="https", host="other.example", verify="false", **slow)
    setup.web("tls", tls, type="tls", host="www.example", ca_file=ca, certificate_min="10d", **slow)
    setup.web("tls-soon", tls, type="tls", host="www.example", ca_file=ca, certificate_min="60d", **slow)
    setup.web("tls-unknown", tls, type="tls", host="www.example", ca_file=other_ca, **slow)
    setup.web("tcp", web, type="tcp", **slow)
    setup.check("tcp-refused", type="tcp", port=1, **remote)
    setup.check("dns", type="dns", port=query, query="www.example", query_type="A", rcode="NXDOMAIN", **remote)
    setup.check("dns-rcode", type="dns", port=query, query="www.example", query_type="A", **remote)
    setup.check("icmp", type="icmp", **remote)
    setup.check("file", type="file", file=str(tmp_path / "up"), **slow)
    setup.check("file-down", type="file", file=str(tmp_path / "down"), **slow)
    (tmp_path / "ahead").write_text("up\n")
    os.utime(tmp_path / "ahead", (time.time() + 7200,) * 2)
    setup.check("file-ahead", type="file", file=str(tmp_path / "ahead"), age_max="1h", **slow)
    setup.check("file-missing", type="file", file=str(tmp_path / "missing"), **slow)
    setup.check("command", type="command", command=["/bin/sh", "-c", "echo fine for $VOLLEY_ADDRESS; exit 0"], **remote)
    setup.check("command-3", type="command", command=["/bin/sh", "-c", "yes no | head -c 10000000; exit 3"], **slow)
    setup.check("command-missing", type="command", command=["/nowhere/at/all"], **slow)
    setup.start()
    expected = {
        "http": ("up", "status 200"), "http-body": ("down", "is not in the first 11 octets"),
        "http-size": ("down", "first 4 octets"), "http-503": ("down", "status 503, not 200-299"),
        "http-503-wanted": ("up", "status 503"), "https": ("up", "status 200"),
        "https-unknown": ("down", "certificate"), "https-name": ("down", "other.example"), "https-any": ("up", "status 200"),
        "tls": ("up", "expires in "), "tls-soon": ("down", "days, which is less than certificate-min"), "tls-unknown": ("down", "NOT trusted"),
        "tcp": ("up", "connected"), "tcp-refused": ("down", "Connection refused"),
        "dns": ("up", "RCODE 3"), "dns-rcode": ("down", "RCODE 3, not 0"), "icmp": ("up", "reply"),
        "file": ("up", "up"), "file-ahead": ("down", "ahead"), "file-down": ("down", "down"), "file-missing": ("down", "No such file"),
        "command": ("up", f"exit status 0: fine for {CLIENT4}"), "command-3": ("down", "exit status 3: no"),
        "command-missing": ("unknown", "could not be checked: /nowhere/at/all: No such file"),
    }
    for name, (state, reason) in expected.items():
        setup.wait_for(name, state, reason)
    assert set(expected) == set(setup.checks())
    path, host = web.seen[0][1:]
    assert {seen[1:] for seen in web.seen} >= {("/health?a=b", f"www.example:{web.port}")}, (path, host)
    text = setup.volley.ctl("checks").stdout
    assert "http-503" in text and f"http {CLIENT4} port {failing.port}: status 503, not 200-299" in text
    assert "24 checks" in setup.volley.ctl("status", check=False).stdout


@pytest.mark.release  # a sanitizer takes a minute for reading 140 certificates
def test_authorities_of_the_system(setup, certificate):
    """Without `ca-file`, those of the system are asked."""
    tls = setup.server(tls=tls_context(*certificate))
    setup.web("https", tls, type="https", host="www.example", interval="5s", timeout="4s", fall=1)
    setup.web("tls", tls, type="tls", host="www.example", interval="5s", timeout="4s", fall=1)
    setup.start()
    setup.wait_for("https", "down", "self-signed certificate")
    setup.wait_for("tls", "down", "NOT trusted")


def test_flip_in_time(setup):
    """A server that dies is down within fall × interval + timeout, and up again after `rise` successes."""
    server = setup.server()
    setup.web("www", server, fall=3, interval="300ms", timeout="300ms")
    setup.start()
    setup.wait_for("www", "up")
    server.close()
    died = time.time()
    setup.servers.remove(server)
    down = setup.wait_for("www", "down", "onnect")
    # by volley-health's own clock; half a second for a machine that does other things
    assert down["since_ms"] / 1000 - died < 3 * 0.3 + 0.3 + 0.5, down
    setup.volley.control.wait_for_log(r"check www \(http 10\.53\.0\.2 port \d+\) is down after .* s up: ")
    setup.server(port=server.port)
    setup.wait_for("www", "up", "status 200")
    setup.volley.control.wait_for_log(r"check www .* is up after .* s down: status 200")


def test_slow_server_and_command(setup, tmp_path):
    """A run that takes too long fails, and ends: the connection is closed, the command and its children are killed."""
    server = setup.server()
    server.delay = 30
    pids = tmp_path / "pids"
    setup.web("slow", server)
    setup.check("hang", type="command", command=["/bin/sh", "-c", f"sleep 1000 & echo $! >> {pids}; wait"])
    setup.start()
    setup.wait_for("slow", "down", "timed out after 0.1 s, waiting for the response")
    setup.wait_for("hang", "down", "timed out")
    setup.settings["checks"].clear()
    setup.volley.write_config()
    setup.volley.ctl("reload", check=False)

    def gone():
        return all(subprocess.run(["kill", "-0", pid], capture_output=True, check=False).returncode
                   for pid in pids.read_text().split())
    wait_until(gone, "the children of commands are killed")
    assert setup.checks() == {}


def test_what_health_inherits(setup):
    """SIGCHLD is ignored, and a file is open: how commands end is seen nevertheless, and they do not have the file."""
    setup.check("command", type="command", command=["/bin/sh", "-c", "test ! -e /proc/self/fd/7"])
    setup.start(through=["/bin/sh", "-c", 'trap "" CHLD; exec 7</dev/null; exec "$@"', "sh"])
    setup.wait_for("command", "up", "exit status 0")


def test_flapping(setup):
    """Falls that follow each other are held down, longer each time."""
    server = setup.server()
    setup.web("www", server, interval="100ms", timeout="100ms", rise=1, fall=1, hold_down="3s", hold_down_max="1h")
    setup.start()
    setup.wait_for("www", "up")
    server.status = 500
    setup.wait_for("www", "down")
    server.status = 200
    setup.wait_for("www", "up")  # the first fall is not held
    server.status = 500
    fell = setup.wait_for("www", "down")["since_ms"]
    server.status = 200
    setup.wait_for("www", "down", "held down for")
    assert setup.wait_for("www", "up")["since_ms"] - fell >= 3000


def test_health_killed(setup):
    """States and their ages stay while volley-health is away, and nothing flips by its return."""
    server = setup.server()
    setup.web("good", server)
    setup.check("bad", type="tcp", address=CLIENT4, port=1)
    setup.start()
    setup.wait_for("good", "up")
    setup.wait_for("bad", "down")
    setup.health.kill()
    wait_until(lambda: "volley-health is not connected" in setup.troubles(), "a trouble is shown")
    before = setup.checks()
    assert (before["good"]["state"], before["bad"]["state"]) == ("up", "down")
    assert not before["good"]["current"] and "(last known)" in setup.volley.ctl("checks").stdout
    setup.volley.processes.remove(setup.health)
    setup.start_health()
    wait_until(lambda: all(check["current"] for check in setup.checks().values()), "all states are current again")
    after = setup.checks()
    assert {name: check["since_ms"] for name, check in before.items()} == {
        name: check["since_ms"] for name, check in after.items()}
    assert setup.volley.control.log().count(" is up after") == 1
    assert setup.troubles() == ""


def test_control_restarted(setup):
    """volley-health goes on; a new volley-control knows the states at once, and also without volley-health."""
    server = setup.server()
    setup.web("good", server)
    setup.check("bad", type="tcp", address=CLIENT4, port=1)
    setup.start()
    setup.wait_for("good", "up")
    before = setup.wait_for("bad", "down")
    setup.volley.control.stop()
    seen = len(server.seen)
    wait_until(lambda: len(server.seen) > seen + 2, "the checks go on")
    setup.health.stop()
    setup.volley.start_control()
    after = setup.checks()["bad"]
    assert (after["state"], after["since_ms"], after["current"]) == ("down", before["since_ms"], False)
    setup.volley.control.wait_for_log("volley-health is not connected: could not connect to")
    setup.start_health()
    wait_until(lambda: setup.checks()["bad"]["current"], "the state is current")
    assert setup.checks()["bad"]["since_ms"] == before["since_ms"]


def test_many(setup):
    """2,000 checks under bounds for runs at a time and for starts in a second; equal ones are one."""
    server = setup.server()
    server.delay = 0.002
    slow = {"interval": "60s", "timeout": "30s"}
    for i in range(2000):
        setup.web(f"check{i}", server, path=f"/{i}", **slow)
        if i % 100 == 0:
            setup.web(f"check{i}-again", server, path=f"/{i}", **slow)
    setup.start("--running-max", "8", "--start-rate", "1000")
    wait_until(lambda: setup.volley.request(command="status")["health"]["up"] == 2000, "all are up")
    assert len(server.seen) == 2000
    assert server.open_max <= 8
    assert setup.volley.request(command="status")["health"]["names"] == 2020
    assert len(setup.checks()) == 2020  # in pages


def test_refusals(setup):
    """A stranger is not served; lines that mean nothing end the connection; a second volley-health says what is wrong."""
    setup.start_health()
    for line in b'{"end":1}\n', b"nonsense\n", b"x" * 70000, b'{"list":1}\n{"check":7}\n':
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(60)
            client.connect(str(setup.socket))
            try:
                client.sendall(line)
                while client.recv(4096):
                    pass
            except (BrokenPipeError, ConnectionResetError):
                pass
    second = subprocess.run([setup.health.popen.args[-3], "--socket", setup.socket], capture_output=True, text=True, timeout=60,
                            check=False)
    assert second.returncode == 1 and "in use by another volley-health" in second.stderr
    assert setup.health.running()


def test_stranger(setup):
    """Another user can't open the socket; and if he could, he would not be served."""
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        os.chmod(directory, 0o755)
        setup.socket = Path(directory, "health.sock")
        setup.start_health()
        assert setup.socket.stat().st_mode & 0o777 == 0o600
        setup.socket.chmod(0o666)
        stranger = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", "/usr/bin/python3", "-c", f"""
import socket
client = socket.socket(socket.AF_UNIX)
client.connect({str(setup.socket)!r})
print(client.recv(100))
"""], capture_output=True, text=True, timeout=60, check=False)
        assert stranger.stdout == "b''\n", stranger
        setup.health.wait_for_log("a connection of another user was refused")


@pytest.mark.parametrize("settings, error", [
    ({"type": "ping"}, "type: must be tcp, tls, http, https, dns, icmp, command or file"),
    ({"type": "tcp", "address": SERVER4}, "port: must be given"),
    ({"type": "http", "address": "www.example"}, "address: must be an IPv4 or IPv6 address"),
    ({"type": "http", "address": SERVER4, "status": "2xx"}, "status: must be numbers and ranges"),
    ({"type": "http", "address": SERVER4, "timeout": "1m"}, "timeout: must not be longer than interval"),
    ({"type": "icmp", "address": SERVER4, "path": "/"}, "path: is not for checks of type icmp"),
    ({"type": "command", "command": ["true"]}, "command: must begin with the path of a program"),
    ({"type": "http", "address": SERVER4, "interval": "often"}, "interval: must be a time from 100ms to 1d"),
])
def test_configuration_errors(settings, error, tmp_path):
    config = tmp_path / "volley.yaml"
    config.write_text("zones: []\nhealth:\n  checks:\n    - name: one\n" + "".join(
        f"      {key}: {json.dumps(value)}\n" for key, value in settings.items()))
    result = subprocess.run([VOLLEYCTL, "check", config], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1 and f"health.checks[0].{error}" in result.stdout + result.stderr, result
