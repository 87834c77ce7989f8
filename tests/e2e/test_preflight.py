# SPDX-License-Identifier: GPL-3.0-or-later
"""volleyctl preflight on a machine that is not fit, as far as a machine can be made so: each check says what is wrong and
how to cure it. tests/unit/common/preflight provokes the rest with folders in place of /proc and /sys."""
import json
import os
import re
import socket
import subprocess
from pathlib import Path

import pytest

from net import SERVER4, SERVER_LINK, Network
from volley import BUILD, VOLLEYCTL, Volley, environment, small_zone, wait_until

CPUS = sorted(os.sched_getaffinity(0))
KEYS = {"check", "status", "subject", "reason", "cure"}
LINE = re.compile(r"(ok|warn|fail) {1,4} (\w+) +\S.*: .+")


@pytest.fixture
def net():
    made = Network()
    yield made
    made.delete()


class Machine:
    """Runs preflight for a configuration in the server's namespace."""

    def __init__(self, net, directory):
        self.net, self.config = net, directory / "volley.yaml"
        self.settings = {"ports": [f"af_xdp:{SERVER_LINK}"], "cpus": str(CPUS[-1])}

    def run(self, *words, json_wanted=True):
        lines = [f"  {key}: {json.dumps(value)}" for key, value in self.settings.items()]
        self.config.write_text("\n".join(["dataplane:", *lines, "zones: []", ""]))
        flags = ["--json"] if json_wanted else []
        return self.net.server.run(*words, VOLLEYCTL, *flags, "preflight", "--config", self.config,
                                   env=environment())

    def found(self, check, *words):
        """The results of that check; the status that preflight ends with fits all results."""
        ended = self.run(*words)
        answer = json.loads(ended.stdout)
        statuses = [result["status"] for result in answer["checks"]]
        assert all(set(result) == KEYS for result in answer["checks"])
        assert (answer["failed"], answer["warnings"]) == (statuses.count("fail"), statuses.count("warn"))
        assert answer["ok"] == (answer["failed"] == 0) and ended.returncode == (0 if answer["ok"] else 1)
        return [result for result in answer["checks"] if result["check"] == check]

    def expect(self, check, status, reason="", cure="", words=()):
        found = self.found(check, *words)
        assert any(result["status"] == status and reason in result["reason"] and cure in result["cure"]
                   for result in found), found
        if status == "ok":
            assert {result["status"] for result in found} == {"ok"}, found
        else:
            assert all(result["cure"] for result in found if result["status"] != "ok"), found


@pytest.fixture
def machine(net, tmp_path):
    return Machine(net, tmp_path)


def test_lines(machine):
    ended = machine.run(json_wanted=False)
    *lines, last = ended.stdout.splitlines()
    assert all(LINE.fullmatch(line) for line in lines), ended.stdout
    statuses = [line.split()[0] for line in lines]
    warned = statuses.count("warn")
    warnings = "1 warning" if warned == 1 else f"{warned} warnings"
    assert last == f"{statuses.count('ok')} ok, {warnings}, {statuses.count('fail')} failed"
    assert ended.returncode == 0 and ended.stderr == "", ended


def test_without_a_configuration(machine):
    """The machine alone is checked, unless the usual configuration is there."""
    if Path("/etc/volley/volley.yaml").exists():
        pytest.skip("Volley is installed here")
    ended = machine.net.server.run(VOLLEYCTL, "preflight", env=environment())
    names = {line.split()[1] for line in ended.stdout.splitlines()[:-1]}
    assert {"config", "kernel", "bpf", "port53"} <= names and not {"interface", "cpus"} & names
    assert ended.returncode == 0, ended


def test_configuration_that_is_broken(machine):
    machine.settings["idle"] = "never"
    machine.expect("config", "fail", "volley.yaml:4: dataplane.idle", "volleyctl check")
    machine.settings["idle"] = "sleep"
    machine.expect("config", "ok")


@pytest.mark.parametrize("arguments", [("preflight", "more"), ("status", "--config", "x")])
def test_wrong_usage(arguments):
    ended = subprocess.run([VOLLEYCTL, *arguments], capture_output=True, text=True, check=False)
    assert ended.returncode == 2 and "volleyctl: " in ended.stderr


def check_of(machine):
    """What `volleyctl check` says of the same configuration."""
    return subprocess.run([VOLLEYCTL, "check", machine.config], capture_output=True, text=True, check=False)


def test_port_without_queues(machine):
    machine.settings["ports"] = [f"af_xdp:{SERVER_LINK},queues=0"]
    machine.expect("config", "fail", "queues=")
    ended = check_of(machine)
    assert ended.returncode == 1 and "volley.yaml:2: dataplane.ports[0]" in ended.stdout


def test_cpu_that_does_not_exist(machine):
    machine.settings["cpus"] = "1023"
    machine.expect("cpus", "fail", "no such CPU", "dataplane.cpus")
    ended = check_of(machine)
    assert ended.returncode == 1 and "volley.yaml:3: dataplane.cpus: this machine has no CPU 1023" in ended.stdout


def test_fewer_cpus_than_queues(machine):
    machine.settings["ports"] = [f"af_xdp:{SERVER_LINK},queues=2"]
    machine.expect("cpus", "fail", "1 CPU for 2 queues", "dataplane.cpus")
    ended = check_of(machine)
    assert ended.returncode == 1 and "volley.yaml:3: dataplane.cpus: 1 CPU for 2 queues" in ended.stdout


@pytest.mark.skipif(len(CPUS) < 2, reason="needs two CPUs")
def test_cpu_that_is_not_ours(machine):
    machine.expect("cpus", "ok")
    machine.expect("cpus", "fail", "excludes it", "AllowedCPUs=", ("taskset", "-c", CPUS[0]))


def test_interface(machine):
    machine.expect("interface", "ok")
    machine.net.server.ip("link", "set", SERVER_LINK, "down")
    machine.expect("interface", "fail", "down", f"ip link set dev {SERVER_LINK} up")
    machine.settings["ports"] = ["af_xdp:nowhere0"]
    machine.expect("interface", "fail", "does not exist", "ip -brief link")


def test_carrier(machine):
    machine.net.client.ip("link", "set", "client0", "down")
    wait_until(lambda: machine.found("interface")[0]["status"] != "ok", "the kernel sees it after a while")
    machine.expect("interface", "warn", "no carrier", "cable")


def test_mtu(machine):
    machine.expect("mtu", "ok", "MTU 1500")
    for mtu, text in ((9000, "MTU 9000"), (1200, "below 1280")):
        machine.net.server.ip("link", "set", SERVER_LINK, "mtu", str(mtu))
        machine.expect("mtu", "fail", text, f"ip link set dev {SERVER_LINK} mtu 1500")


def test_driver(machine):
    machine.expect("driver", "ok", "veth has native XDP")
    machine.net.server.ip("link", "add", "bridge0", "type", "bridge")
    machine.settings["ports"] = ["af_xdp:bridge0"]
    machine.expect("driver", "warn", "virtual interface (bridge)", "port of the bridge")


def test_queues(machine):
    machine.expect("queues", "ok")
    for namespace, link in ((machine.net.server, SERVER_LINK), (machine.net.client, "client0")):
        namespace.run("ethtool", "-L", link, "rx", "2", "tx", "2", check=True)
    machine.expect("queues", "warn", "arrive on 2 queues, but lcores serve only 1", f"ethtool -L {SERVER_LINK} rx 1")
    machine.settings |= {"ports": [f"af_xdp:{SERVER_LINK},queues=8"]}
    machine.expect("queues", "fail", "queues=8", "queues=1")


def test_other_xdp_program(machine):
    machine.expect("xdp", "ok", "no XDP program")
    machine.net.server.ip("link", "set", "dev", SERVER_LINK, "xdp", "obj",
                          str(BUILD / "perf/smallest.o"), "sec", "xdp")
    machine.expect("xdp", "fail", "another XDP program", f"ip link set dev {SERVER_LINK} xdp off")


@pytest.mark.parametrize("kind, protocol", [(socket.SOCK_DGRAM, "UDP"), (socket.SOCK_STREAM, "TCP")])
def test_port_53_is_in_use(machine, kind, protocol):
    machine.expect("port53", "ok")
    with machine.net.server.socket(socket.AF_INET, kind) as held:
        held.bind((SERVER4, 53))
        if kind == socket.SOCK_STREAM:
            held.listen()
        machine.expect("port53", "fail", f"({os.getpid()}) uses port 53 of {SERVER4}", "stop it")
        (result,) = [each for each in machine.found("port53") if each["status"] == "fail"]
        assert result["subject"] == protocol
        machine.settings["listen"] = ["10.53.0.9"]
        machine.expect("port53", "ok")
        machine.settings |= {"listen": [SERVER4], "stream-threads": "0"}
        machine.expect("port53", "ok", "not used")


def test_rights(machine):
    machine.expect("rights", "ok")
    machine.expect("rights", "fail", "CAP_NET_RAW, CAP_SYS_ADMIN missing", "root",
                   ("setpriv", "--bounding-set", "-net_raw,-sys_admin"))


def test_locked_memory(machine):
    machine.expect("memlock", "ok", "CAP_IPC_LOCK")
    machine.expect("memlock", "fail", "8 MiB may be locked", "LimitMEMLOCK=",
                   ("prlimit", "--memlock=8388608:8388608", "setpriv", "--bounding-set", "-ipc_lock"))


def test_huge_pages(machine):
    machine.settings["memory"] = "1048576"
    machine.expect("hugepages", "warn", "packets need up to 1048576", "vm.nr_hugepages=")
    machine.settings["huge-pages"] = "off"
    machine.expect("hugepages", "ok", "off")


def pci_devices():
    return [path for path in Path("/sys/bus/pci/devices").glob("*")
            if (path / "driver").exists() and not (path / "driver").resolve().name.startswith(("vfio", "mlx"))]


def test_pci_device(machine):
    machine.settings["ports"] = ["pci:ffff:ff:1f.7"]
    machine.expect("vfio", "fail", "does not exist", "lspci")
    if devices := pci_devices():
        driver = (devices[0] / "driver").resolve().name
        machine.settings["ports"] = [f"pci:{devices[0].name}"]
        machine.expect("vfio", "fail", f"bound to {driver}", f"--bind=vfio-pci {devices[0].name}")


NFT = "add table inet t; add chain inet t c { type filter hook input priority 0; }; add rule inet t c udp dport 53 drop"


def test_nftables(machine):
    machine.expect("firewall", "ok")
    machine.net.server.run("nft", NFT, check=True)
    machine.expect("firewall", "warn", "rules (1)", "volleyctl defence deny")


@pytest.mark.parametrize("command", ["iptables-legacy", "ip6tables-legacy"])
def test_iptables(machine, command):
    if machine.net.server.run(command, "-A", "INPUT", "-p", "udp", "-j", "DROP").returncode != 0:
        pytest.skip(f"the kernel has no tables for {command}")
    machine.expect("firewall", "warn", "rules (1)", "iptables-save")
    machine.net.server.run(command, "-F", check=True)
    machine.expect("firewall", "ok")


def test_dataplane_at_start(net, tmp_path):
    """What would not show by itself is a warning in its log, and it starts; what it meets itself is not said twice."""
    net.server.run("nft", NFT, check=True)
    volley = Volley(net, tmp_path)
    volley.add_zone("test.", small_zone(1))
    try:
        volley.start()
        log = volley.dataplane.log()
        assert re.search(r"warning: preflight: firewall: nftables: its rules .1. do not apply .*; volleyctl defence deny", log), log
        assert not re.search(r"preflight: (interface|queues|hugepages|port53|xdp): ", log), log
        # a running dataplane is in nobody's way, nor is its XDP program
        machine = Machine(net, tmp_path)
        machine.settings["cpus"] = str(CPUS[-1])
        machine.expect("port53", "ok")
        machine.expect("xdp", "ok", "Volley's own")
    finally:
        volley.stop()


def test_dataplane_without_a_nic_says_nothing(net, tmp_path):
    net.server.run("nft", NFT, check=True)
    volley = Volley(net, tmp_path)
    volley.dataplane_settings["ports"] = ["null"]
    try:
        assert "preflight: " not in volley.start_dataplane().log()
    finally:
        volley.stop()
