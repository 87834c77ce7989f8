# SPDX-License-Identifier: GPL-3.0-or-later
"""The Debian package on a machine with a real systemd, from its installation to its purge: what it leaves, and what
clients lose at each step."""
import os
import select
import threading
import time

import dns.rdatatype
import pytest

from ask import open_client, serial, wait_until_answered
from container import SYSTEMD, UNITS, Container
from net import SERVER_LINK, Network, attached
from package import NEW, OLD, build_both, prepared
from volley import small_zone, wait_until
from wire import dns_query

CONTROL, DATAPLANE = UNITS

CONFIG = f"""dataplane:
  ports: ["af_xdp:{SERVER_LINK}"]
zones:
  - name: test.
    file: zones/test.zone
"""

# A client sends a query each millisecond, which is far below any limit. A guest without KVM can't answer so fast while
# other programs start.
PERIOD_SECONDS = float(os.environ.get("VOLLEY_PERIOD_SECONDS") or 0.001)

pytestmark = [pytest.mark.alone, pytest.mark.release, pytest.mark.skipif(not SYSTEMD.exists(), reason=f"no {SYSTEMD}")]


class Client(threading.Thread):
    """Asks at a steady rate, whether answers come or not, and counts the queries that stay without one."""

    def __init__(self, network):
        super().__init__(daemon=True)
        self.network = network
        self.sent = 0
        self.unanswered = {}  # when they were sent, by number
        self.ending = threading.Event()

    def run(self):
        query = dns_query("test.", dns.rdatatype.SOA)
        with open_client(self.network) as client:
            client.setblocking(False)
            due = time.monotonic()
            while not self.ending.is_set():
                self.unanswered[self.sent] = time.monotonic()
                self._send(client, (self.sent & 0xffff).to_bytes(2, "big") + query[2:])
                self.sent += 1
                # one that got no CPU time does not make up for it
                due = max(due + PERIOD_SECONDS, time.monotonic())
                self._receive_until(client, due)
            # a busy machine answers late
            self._receive_until(client, time.monotonic() + 5, lambda: not self.unanswered)

    @staticmethod
    def _send(client, query):
        try:
            client.send(query)
        except OSError:  # the refusal of an earlier one
            pass

    def _receive_until(self, client, deadline, is_done=lambda: False):
        while (left := deadline - time.monotonic()) > 0 and not is_done():
            if not select.select([client], [], [], left)[0]:
                return
            try:
                self._take(client.recv(512))
            except OSError:  # the refusal of a query
                pass

    def _take(self, response):
        """The last query that has this id is the one that it answers."""
        if response[3] & 15 == 0 and response[7] == 1:
            last = self.sent - 1
            self.unanswered.pop(last - (last - int.from_bytes(response[:2], "big") & 0xffff), None)

    def answered(self):
        return self.sent - len(self.unanswered)

    def __enter__(self):
        self.start()
        wait_until(lambda: self.answered() >= 100, "answers")
        return self

    def __exit__(self, *_):
        answered = self.answered()
        wait_until(lambda: self.answered() >= answered + 100, "answers")
        self.ending.set()
        self.join()

    def lost(self):
        """As text: how many, and from the first to the last of them."""
        times = list(self.unanswered.values())
        period = times[-1] - times[0] if times else 0
        return f"{len(times)} of {self.sent} queries lost, within {period * 1000:.0f} ms"


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    return prepared() or build_both(tmp_path_factory.mktemp("packages"))


@pytest.fixture
def lan():
    made = Network()
    yield made
    made.delete()


@pytest.fixture
def machine(lan, tmp_path):
    """Booted, without Volley."""
    made = Container(lan.server, None, tmp_path)
    try:
        made.boot()
        yield made
    finally:
        made.end()


def dpkg(machine, *words):
    return machine.run("env", "DEBIAN_FRONTEND=noninteractive", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "dpkg", *words)


def install(machine, package):
    name = os.path.basename(package)
    (machine.directory / "log" / name).write_bytes(package.read_bytes())
    dpkg(machine, "--install", f"/var/log/volley/{name}")


def configure(machine):
    machine.path("etc/volley/zones").mkdir()
    machine.path("etc/volley/zones/test.zone").write_text(small_zone(1))
    machine.path("etc/volley/volley.yaml").write_text(CONFIG)


def start(machine, lan):
    """As README.md says it."""
    machine.volleyctl("check", "/etc/volley/volley.yaml")
    machine.systemctl("enable", "--now", *UNITS)
    wait_until_answered(lan, "test.")
    for unit in UNITS:
        assert machine.is_active(unit), machine.logs()


def version_of(machine, unit):
    """Of the program that runs."""
    return machine.run(f"/proc/{machine.main_pid(unit)}/exe", "--version").stdout.split()[1]


def exists(machine, name):
    return machine.run("test", "-e", name, check=False).returncode == 0


def test_life(machine, lan, packages, note):
    old, new = packages

    install(machine, old)
    for unit in UNITS:
        assert not machine.is_active(unit), "there is nothing to serve yet"
        assert machine.systemctl("is-enabled", unit, check=False).stdout.strip() == "disabled"
    assert machine.run("stat", "--format=%U:%G %a", "/run/volley").stdout.strip() == "volley:volley 755"

    configure(machine)
    start(machine, lan)
    assert {version_of(machine, unit) for unit in UNITS} == {OLD}
    assert attached(lan)

    with Client(lan) as client:
        machine.path("etc/volley/zones/test.zone").write_text(small_zone(2))
        machine.systemctl("reload", CONTROL)
        assert serial(lan, "test.") == 2
    note(f"systemctl reload: {client.lost()}")
    assert not client.unanswered

    with Client(lan) as client:
        machine.systemctl("restart", CONTROL)
    note(f"systemctl restart volley-control: {client.lost()}")
    assert not client.unanswered

    pids = [machine.main_pid(unit) for unit in UNITS]
    with Client(lan) as client:
        install(machine, new)
        assert {version_of(machine, unit) for unit in UNITS} == {NEW}, "the upgrade ends when they serve"
    note(f"upgrade: {client.lost()}")
    assert all(machine.is_active(unit) and machine.main_pid(unit) != pid for unit, pid in zip(UNITS, pids))
    assert machine.path("etc/volley/volley.yaml").read_text() == CONFIG

    with Client(lan) as client:
        pid = machine.main_pid(DATAPLANE)
        machine.systemctl("kill", "--signal=KILL", DATAPLANE)
        wait_until(lambda: machine.is_active(DATAPLANE) and machine.main_pid(DATAPLANE) != pid, machine.logs)
    note(f"kill -9 of volley-dataplane: {client.lost()}")

    dpkg(machine, "--remove", "volley")
    for unit in UNITS:
        assert not machine.is_active(unit)
    assert attached(lan) is None
    assert not exists(machine, "/run/volley") and not exists(machine, "/usr/bin/volleyctl")
    assert machine.path("etc/volley/volley.yaml").read_text() == CONFIG, "the configuration stays until the purge"
    assert exists(machine, "/var/lib/volley/hash-key"), "the state stays until the purge"

    dpkg(machine, "--purge", "volley")
    assert not exists(machine, "/etc/volley/volley.yaml") and not exists(machine, "/var/lib/volley")
    assert exists(machine, "/etc/volley/zones/test.zone"), "it is the operator's"
    assert machine.run("id", "volley").returncode == 0, "a user stays, as files may be its own"
    assert not machine.run("find", "/etc/systemd/system", "-name", "volley-*.service").stdout


def test_upgrade_of_what_is_stopped_or_waits(machine, lan, packages):
    """What is stopped stays so, and a program that can't start does not hold the upgrade up."""
    old, new = packages
    install(machine, old)
    configure(machine)
    start(machine, lan)
    machine.systemctl("stop", DATAPLANE)
    machine.path("etc/volley/volley.yaml").write_text("zone: [\n")
    (drop_in := machine.path(f"etc/systemd/system/{CONTROL}.d/soon.conf")).write_text("[Unit]\nJobRunningTimeoutSec=1\n")
    install(machine, new)
    assert machine.show(DATAPLANE, "ActiveState") == "inactive"
    assert machine.is_starting(CONTROL)
    assert "volley.yaml:1: " in machine.show(CONTROL, "StatusText")
    drop_in.unlink()
    machine.systemctl("daemon-reload")
    machine.path("etc/volley/volley.yaml").write_text(CONFIG)
    machine.systemctl("start", *UNITS)
    assert serial(lan, "test.") == 1
