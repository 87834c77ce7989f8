# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo, from the outside: what it shows, and that nothing is left of it, whatever ends it."""
import json
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from volley import ROOT, Process, environment, small_zone, wait_until
from wire import dns_query

pytestmark = [pytest.mark.alone, pytest.mark.release]

DEMO = ROOT / "config/demo"
STATE = Path("/run/volley-demo")


def machine():
    """What a demo could leave behind, in every place that one thinks of."""
    def bpf(kind):
        text = subprocess.run(["bpftool", "-j", kind, "show"], check=True, capture_output=True, text=True).stdout
        return {(item["id"], item["type"]) for item in json.loads(text) if "xdp" in item["type"] or
                item["type"] == "xskmap"}

    def huge_pages():
        text = Path("/proc/meminfo").read_text(encoding="ascii")
        return set(re.findall(r"(HugePages_(?:Total|Free|Rsvd)):\s+(\d+)", text))

    def processes():
        text = subprocess.run(["ps", "-ewwo", "pid,args"], check=True, capture_output=True, text=True).stdout
        return {line for line in text.splitlines() if re.search("volley-demo|demo.py", line)}

    def files(directory):
        return {name for name in os.listdir(directory) if re.search("volley-demo|dpdk|rte_|knot|nsd", name)}

    return {"links": files("/sys/class/net"), "namespaces": files("/run/netns"), "programs": bpf("prog"),
            "maps": bpf("map"), "huge pages": huge_pages(), "run": files("/run"), "tmp": files("/tmp"),
            "shared memory": files("/dev/shm"), "processes": processes()}


def left_behind(before):
    after = machine()
    return {what: after[what] - before[what] for what in after if after[what] - before[what]}


@pytest.fixture
def clean():
    """Compares the machine before and after, a moment later: the kernel frees BPF objects in its own time."""
    if STATE.exists() or Path("/sys/class/net/volley-demo0").exists():
        pytest.skip(f"a demo runs on this machine already ({STATE})")
    os.makedirs("/run/netns", exist_ok=True)
    before = machine()
    yield
    deadline = time.monotonic() + 30
    while (left := left_behind(before)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left


def demo(*arguments):
    """The command; it uses the programs under test, and installs and configures nothing."""
    return [DEMO, "--no-install", *map(str, arguments)]


def run_demo(*arguments):
    return subprocess.run(demo(*arguments), capture_output=True, text=True, timeout=300, check=False,
                          env=environment())


@pytest.fixture
def running(clean, tmp_path):
    """Starts demos that are stopped before the machine is looked at again."""
    started = []

    def start(*arguments):
        # tests that were started in the background ignore Ctrl-C, and would hand that on
        command = ["env", "--default-signal=INT", *demo(*arguments)]
        process = Process("demo", command, tmp_path / f"demo{len(started)}.log")
        started.append(process)
        return process

    yield start
    for process in started:
        process.stop()


def counted(output, what):
    return int(re.search(rf"{re.escape(what)}\s+(\d+)", output)[1])


def test_once(clean):
    result = run_demo("--once")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "192.0.2.80" in result.stdout and "2001:db8::80" in result.stdout
    assert "@10.53.0.1" in result.stdout and "@fd53::1" in result.stdout
    asked = result.stdout.count("$ dig ")
    assert asked >= 4
    assert counted(result.stdout, "lcores received") == asked
    assert counted(result.stdout, "lcores sent") == asked
    assert counted(result.stdout, "XDP program sent to lcores") == asked
    assert counted(result.stdout, "kernel's UDP received") == 0
    assert counted(result.stdout, "kernel's UDP without a socket") == 0


def test_own_zones(clean, tmp_path):
    (tmp_path / "one.zone").write_text(small_zone(4711))
    (tmp_path / "two.zone").write_text(small_zone(4712))
    result = run_demo("--once", "--zone", f"one.test={tmp_path}/one.zone", "--zone", f"two.test.={tmp_path}/two.zone")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "4711" in result.stdout and "4712" in result.stdout


def test_own_configuration(clean, tmp_path):
    (tmp_path / "zone").write_text(small_zone(4713))
    (tmp_path / "volley.yaml").write_text(
        "control: {socket: /run/volley/elsewhere.sock}\ndataplane: {ports: [af_xdp:eth0], udp-payload-max: 1400}\n"
        "zones:\n  - name: mine.test.\n    file: zone\n")
    result = run_demo("--once", "--config", tmp_path / "volley.yaml")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "4713" in result.stdout and "udp: 1400" in result.stdout


@pytest.mark.parametrize("arguments, reason", [
    (["--zone", "nonsense"], "NAME=FILE"), (["--zone", "x.=/no/such/file"], "/no/such/file"),
    (["--config", "/no/such/file"], "/no/such/file"), (["--peer", "bind"], "bind")])
def test_wrong_arguments(clean, arguments, reason):
    result = run_demo("--once", *arguments)
    assert result.returncode != 0 and reason in result.stderr


def test_broken_zone_is_named(clean, tmp_path):
    """Nothing else is there to be served: the demo says which line is wrong, and ends."""
    (tmp_path / "zone").write_text("$TTL 60\n@ SOA a b 1 1 1 1 1\n@ NS a\na A 192.0.2.1\nb A 192.0.2.256\n")
    result = run_demo("--once", "--zone", f"x.test.={tmp_path}/zone")
    assert result.returncode != 0
    assert f"{tmp_path}/zone:5:" in result.stderr + result.stdout


def test_ctrl_c(running):
    process = running()
    process.wait_for_log("(?m)^ready$")
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as client:
        client.settimeout(2)
        client.sendto(dns_query("www.example."), ("fd53::1", 53))
        assert client.recv(512)[7] == 2
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait() == 0
    assert "Traceback" not in process.log()


def pids_of_demo():
    return subprocess.run(["ip", "netns", "pids", "volley-demo"], capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("reached", [
    STATE.exists, Path("/run/netns/volley-demo").exists, Path("/sys/class/net/volley-demo0").exists, pids_of_demo],
    ids=["state", "namespace", "link", "servers"])
def test_ctrl_c_at_any_moment(running, reached):
    """Before the network, before the servers, before the answers."""
    process = running()
    wait_until(reached, "the demo is there")
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait() == 0, process.log()
    assert "Traceback" not in process.log()


def test_second_demo_says_so(running):
    first = running()
    first.wait_for_log("(?m)^ready$")
    second = run_demo("--once")
    assert second.returncode == 1 and "another demo" in second.stderr
    assert first.running()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(2)
        client.sendto(dns_query("www.example."), ("10.53.0.1", 53))
        assert client.recv(512)


def test_killed_demo_is_cleared_away_by_the_next(running):
    first = running()
    first.wait_for_log("(?m)^ready$")
    first.kill()
    assert Path("/sys/class/net/volley-demo0").exists()
    result = run_demo("--once")
    assert result.returncode == 0, result.stdout + result.stderr


def test_dataplane_that_dies_ends_the_demo(running):
    process = running()
    process.wait_for_log("(?m)^ready$")
    (pid,) = pids_of_demo().split()
    os.kill(int(pid), signal.SIGKILL)
    assert process.wait() == 1
    assert "volley-dataplane" in process.log()


@pytest.mark.parametrize("peer", ["knot", "nsd"])
def test_peer(clean, peer):
    program = {"knot": "knotd", "nsd": "nsd"}[peer]
    if not any(os.access(f"{path}/{program}", os.X_OK) for path in ("/usr/sbin", "/sbin", "/usr/bin")):
        pytest.skip(f"{program} is not installed")
    result = run_demo("--once", "--peer", peer)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "192.0.2.80" in result.stdout and "2001:db8::80" in result.stdout
