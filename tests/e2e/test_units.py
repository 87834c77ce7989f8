# SPDX-License-Identifier: GPL-3.0-or-later
"""The units under a real systemd: whatever goes wrong, both programs serve again without a hand as soon as
the cause is gone, and the log says the cause once."""
import json
import os
import re
import socket
import subprocess
import time
from contextlib import contextmanager

import pytest

from ask import query, serial, wait_until_answered
from container import HEALTH, SYSTEMD, UNITS, Container, install
from net import CLIENT4, CLIENT_LINK, SERVER_LINK, Network
from primary import Primary
from volley import SANITIZER, small_zone, wait_until

CONTROL, DATAPLANE = UNITS

# systemd's own limit is 5 starts in 10 s: when as many as this have failed, it would have given up.
ATTEMPTS = 6

CONFIG = f"""dataplane:
  ports: ["af_xdp:{SERVER_LINK}"]
zones:
  - name: test.
    file: test.zone
"""

pytestmark = [pytest.mark.release, pytest.mark.skipif(not SYSTEMD.exists(), reason=f"no {SYSTEMD}")]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    directory = tmp_path_factory.mktemp("installed")
    install(directory)
    return directory


@pytest.fixture
def lan():
    """A network of this test alone."""
    made = Network()
    yield made
    made.delete()


@pytest.fixture
def machine(lan, installed, tmp_path):
    """A container with a good configuration, not booted yet."""
    made = Container(lan.server, installed, tmp_path)
    (made.etc / "volley.yaml").write_text(CONFIG)
    (made.etc / "test.zone").write_text(small_zone(1, "www A 192.0.2.10"))
    try:
        yield made
        if made.init:
            stop(made)
    finally:
        made.end()


def stop(machine):
    """Both units end at once and well, in whatever state they are."""
    for unit in UNITS:
        machine.systemctl("stop", unit)
        assert machine.show(unit, "Result") == "success", machine.logs()
        assert machine.show(unit, "ActiveState") == "inactive", machine.logs()
    assert not SANITIZER.search(machine.logs().encode()), machine.logs()


def serves(machine, lan):
    """Both are active and not about to be started anew, and the fast path answers."""
    wait_until_answered(lan, "test.")
    wait_until(lambda: machine.volleyctl("stats", check=False).returncode == 0, machine.logs)
    # a stream thread may have answered, of a dataplane that is about to end
    wait_until(lambda: lcore_answers_soon(machine, lan), machine.logs)
    for unit in UNITS:
        wait_until(lambda: machine.is_active(unit), machine.logs)  # control says so after its first load
        assert machine.show(unit, "SubState") == "running"


def lcore_answers(machine, lan):
    """Whether a query is answered, and not by the stream threads' sockets in the kernel's way."""
    before = lan.server.counters()["UdpInDatagrams"]
    assert query(lan, "www.test.").answer, machine.logs()
    return lan.server.counters()["UdpInDatagrams"] == before


def wait_for_attempts(machine, unit, cnt=ATTEMPTS):
    """Until the unit's process has started in vain so often; systemd has not been asked for another one."""
    wait_until(lambda: machine.attempts(unit) >= cnt or machine.show(unit, "NRestarts") != "0", machine.logs)
    assert machine.show(unit, "NRestarts") == "0", machine.logs()
    assert machine.is_starting(unit), f"{unit} is {machine.show(unit, 'Result')}\n{machine.logs()}"
    assert "The start fails and is retried: " in machine.show(unit, "StatusText")


def wait_for_restart(machine, unit, pid):
    """Until the unit is active with another process than this one."""
    def has_ended_or_restarted():
        state = machine.show(unit, "ActiveState")
        return state == "failed" or state == "active" and machine.main_pid(unit) not in (0, pid)
    wait_until(has_ended_or_restarted, machine.logs)
    assert machine.show(unit, "ActiveState") != "failed", f"{machine.show(unit, 'Result')}\n{machine.logs()}"


def said(machine, unit, pattern):
    return len(re.findall(pattern, machine.log(unit)))


def delete_link(lan):
    lan.client.ip("link", "del", CLIENT_LINK)


def make_link(lan):
    lan.client.ip("link", "add", CLIENT_LINK, "type", "veth", "peer", "name", SERVER_LINK, "netns", lan.server.name)
    for side, link, host in ((lan.client, CLIENT_LINK, 2), (lan.server, SERVER_LINK, 1)):
        side.ip("addr", "add", f"10.53.0.{host}/24", "dev", link)
        side.ip("link", "set", link, "up")


@contextmanager
def port_53_taken(lan):
    """Somebody else's name server."""
    sockets = [lan.server.socket(socket.AF_INET, kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)]
    try:
        for taken in sockets:
            taken.bind(("0.0.0.0", 53))
        sockets[0].listen()
        yield
    finally:
        for taken in sockets:
            taken.close()


def write_configuration(machine, text):
    """At once, so that no attempt finds half of it."""
    new = machine.etc / "volley.yaml.new"
    new.write_text(text)
    new.replace(machine.etc / "volley.yaml")


def break_configuration(machine):
    write_configuration(machine, CONFIG + "zone: [\n")


def correct_configuration(machine):
    write_configuration(machine, CONFIG)


def test_units_are_valid(installed, tmp_path):
    units = [str(next(installed.rglob(unit))) for unit in UNITS]
    # the programs are where the units look for them only after an installation
    for unit in units:
        text = re.sub(r"(?m)^(Exec\w+)=\S+", r"\1=/bin/true", open(unit).read())
        (tmp_path / os.path.basename(unit)).write_text(text)
    result = subprocess.run(["systemd-analyze", "verify", "--man=no", "--generators=no",
                             *(str(tmp_path / unit) for unit in UNITS)], capture_output=True, text=True, check=False)
    ours = [line for line in result.stderr.splitlines() if "volley" in line]
    assert result.returncode == 0 and not ours, result.stderr


@pytest.mark.parametrize("unit, exposure_max", [(CONTROL, 2.5), (DATAPLANE, 4.5)])
def test_unit_is_confined(installed, note, unit, exposure_max):
    """As systemd rates it, from 0 to 10."""
    result = subprocess.run(["systemd-analyze", "security", "--offline=yes", next(installed.rglob(unit))],
                            capture_output=True, text=True, check=True)
    exposure = float(re.search(r"Overall exposure level for \S+: ([\d.]+)", result.stdout)[1])
    note(f"{unit}: exposure {exposure}")
    assert exposure < exposure_max, result.stdout


def test_control_has_no_powers(machine, lan):
    machine.boot()
    serves(machine, lan)
    status = dict(line.split(":\t", 1) for line in
                  machine.run("cat", f"/proc/{machine.main_pid(CONTROL)}/status").stdout.splitlines() if ":\t" in line)
    assert machine.run("id", "-u", "volley").stdout.strip() in status["Uid"].split() and "0" not in status["Uid"].split()
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[name], 16) == 0, status
    assert machine.run("stat", "--format=%U %a", "/run/volley/dataplane.sock").stdout.split() == ["volley", "600"]


def test_control_fetches_zones(machine, lan):
    """The unit leaves it the network that it needs."""
    (machine.etc / "volley.yaml").write_text(CONFIG + f"""  - name: fed.
    primaries: [primary]
remotes:
  - name: primary
    address: ["{CLIENT4}"]
""")
    primary = Primary(lan.client)
    primary.serials["fed."] = 7
    try:
        machine.boot()
        serves(machine, lan)
        wait_until(lambda: serial(lan, "fed.") == 7, lambda: machine.volleyctl("zone", "status", "fed.").stdout + machine.logs(), 10)
    finally:
        primary.stop()


def test_reload_of_the_unit(machine, lan):
    """It returns when the new zone is answered, and fails when a zone does."""
    machine.boot()
    serves(machine, lan)
    (machine.etc / "test.zone").write_text(small_zone(2))
    machine.systemctl("reload", CONTROL)
    assert serial(lan, "test.") == 2
    (machine.etc / "test.zone").write_text("@ nonsense\n")
    assert machine.systemctl("reload", CONTROL, check=False).returncode != 0
    assert machine.is_active(CONTROL) and serial(lan, "test.") == 2


@pytest.mark.parametrize("unit", UNITS)
def test_process_that_stands_still(machine, lan, unit):
    """No signal of its own is left to it: systemd's watchdog sees that."""
    drop_in = machine.directory / "units" / f"{unit}.d" / "soon.conf"
    drop_in.write_text("[Service]\nWatchdogSec=1\n")
    machine.boot()
    serves(machine, lan)
    pid = machine.main_pid(unit)
    machine.run("kill", "-STOP", pid)
    wait_for_restart(machine, unit, pid)
    assert machine.show(unit, "NRestarts") == "1"
    serves(machine, lan)


def test_watchdog_that_is_off(machine, lan):
    """Then nobody reports to systemd's, so that it must not wait for that."""
    (machine.etc / "volley.yaml").write_text(CONFIG.replace("zones:", "  watchdog-ms: 0\nzones:"))
    machine.boot()
    serves(machine, lan)
    assert machine.show(DATAPLANE, "WatchdogUSec") == "0"


def test_zones_that_come_late(machine, lan):
    """Without zones the dataplane is not started, and is not given up, however long it takes."""
    (machine.directory / "units/multi-user.target.wants" / CONTROL).unlink()
    drop_in = machine.directory / "units" / f"{DATAPLANE}.d" / "soon.conf"
    drop_in.write_text("[Unit]\nJobRunningTimeoutSec=2\n")
    machine.boot()
    wait_until(lambda: machine.show(DATAPLANE, "StatusText") == "Waiting for zones from volley-control", machine.logs)
    assert machine.is_starting(DATAPLANE)
    assert machine.show(DATAPLANE, "TimeoutStartUSec") == "infinity"
    # systemctl and the boot give up waiting; the start does not
    wait_until(lambda: machine.show(DATAPLANE, "Job") == "", machine.logs)
    assert "timed out" in machine.systemctl("start", DATAPLANE, check=False).stderr
    assert machine.is_starting(DATAPLANE)
    machine.systemctl("start", CONTROL)
    serves(machine, lan)
    assert machine.show(DATAPLANE, "StatusText") == "Answers queries on 1 ports with 1 lcores"
    assert machine.show(CONTROL, "StatusText") == "Serves 1 of 1 zones"


def test_both_start_and_keep_what_they_must(machine, lan):
    machine.boot()
    serves(machine, lan)
    assert "hash-key" in machine.run("ls", "/var/lib/volley").stdout
    assert said(machine, CONTROL, "error|warning") == 0, machine.logs()
    assert said(machine, DATAPLANE, "error") == 0, machine.logs()


def test_interface_that_comes_after_the_boot(machine, lan):
    delete_link(lan)
    machine.boot()
    wait_for_attempts(machine, DATAPLANE)
    assert said(machine, DATAPLANE, f"interface {SERVER_LINK}: does not exist") == 1, machine.logs()
    lines = machine.log(DATAPLANE).count("\n")
    wait_for_attempts(machine, DATAPLANE, ATTEMPTS + 1)
    assert machine.log(DATAPLANE).count("\n") == lines, machine.logs()
    make_link(lan)
    serves(machine, lan)
    assert said(machine, DATAPLANE, r"started after \d+ failed attempts?") == 1


def test_interface_that_is_down_at_the_boot(machine, lan):
    lan.server.ip("link", "set", SERVER_LINK, "down")
    machine.boot()
    wait_for_attempts(machine, DATAPLANE)
    assert said(machine, DATAPLANE, f"interface {SERVER_LINK} is down") == 1, machine.logs()
    lan.server.ip("link", "set", SERVER_LINK, "up")
    serves(machine, lan)


def test_port_53_that_is_taken_for_ten_seconds(machine, lan, note):
    with port_53_taken(lan):
        start = time.monotonic()
        machine.boot()
        # 0.1 + 0.2 + 0.4 + 0.8 + 1.6 s, and 2 s for each further one
        wait_for_attempts(machine, DATAPLANE, 9)
        note(f"port 53 was taken for {time.monotonic() - start:.1f} s, in which 9 starts failed")
        assert said(machine, DATAPLANE, "port 53 of .* is in use") == 1, machine.logs()
    serves(machine, lan)


def test_configuration_that_is_broken_at_the_boot(machine, lan):
    break_configuration(machine)
    machine.boot()
    wait_for_attempts(machine, CONTROL)
    for unit in UNITS:
        assert said(machine, unit, r"volley\.yaml:\d+:") == 1, machine.logs()
        assert machine.is_starting(unit), machine.logs()
    correct_configuration(machine)
    serves(machine, lan)


@pytest.mark.parametrize("unit", UNITS)
def test_restart_with_a_broken_configuration(machine, lan, unit):
    """The other one goes on meanwhile."""
    machine.boot()
    serves(machine, lan)
    other = UNITS[unit == CONTROL]
    pid = machine.main_pid(other)
    break_configuration(machine)
    machine.systemctl("restart", "--no-block", unit)
    wait_until(lambda: said(machine, unit, r"volley\.yaml:\d+:"), machine.logs)
    if unit == CONTROL:
        wait_for_attempts(machine, CONTROL)
        assert serial(lan, "test.") == 1
    wait_until(lambda: machine.is_starting(unit), machine.logs)
    (machine.etc / "test.zone").write_text(small_zone(2, "www A 192.0.2.11"))
    correct_configuration(machine)
    serves(machine, lan)
    assert said(machine, unit, r"volley\.yaml:\d+:") == 1, machine.logs()
    assert machine.main_pid(other) == pid
    if unit == CONTROL:
        assert serial(lan, "test.") == 2


def test_configuration_that_names_the_wrong_interface(machine, lan):
    """It is read anew at each attempt, not only when it can't be read."""
    (machine.etc / "volley.yaml").write_text(CONFIG.replace(SERVER_LINK, "nosuch0"))
    machine.boot()
    wait_for_attempts(machine, DATAPLANE, 3)
    correct_configuration(machine)
    serves(machine, lan)


def test_flags_that_the_dataplane_refuses(machine, lan):
    (machine.etc / "volley.yaml").write_text(CONFIG.replace("zones:", "  cpus: 0\nzones:").replace(
        f"{SERVER_LINK}", f"{SERVER_LINK},queues=2"))
    machine.boot()
    wait_for_attempts(machine, DATAPLANE, 3)
    assert said(machine, DATAPLANE, "--cpus: 1 CPUs for 2 queues") == 1, machine.logs()
    correct_configuration(machine)
    serves(machine, lan)


@pytest.mark.parametrize("unit", UNITS)
def test_killed_seven_times(machine, lan, unit, note):
    machine.boot()
    serves(machine, lan)
    start = time.monotonic()
    for _ in range(7):
        pid = machine.main_pid(unit)
        machine.systemctl("kill", "--signal=KILL", unit)
        wait_for_restart(machine, unit, pid)
    note(f"{unit}: killed 7 times within {time.monotonic() - start:.1f} s")
    serves(machine, lan)
    assert machine.show(unit, "NRestarts") == "7"


def test_stop_ends_a_start_that_is_tried_again(machine, lan):
    """stop() of the fixture measures nothing but that it works; here the pauses are at their longest."""
    delete_link(lan)
    break_configuration(machine)
    machine.boot()
    wait_for_attempts(machine, CONTROL)
    pids = [machine.main_pid(unit) for unit in UNITS]
    stop(machine)
    for pid in pids:
        assert machine.run("test", "-e", f"/proc/{pid}", check=False).returncode == 1


def test_interface_that_is_deleted_and_made_again(machine, lan):
    machine.boot()
    serves(machine, lan)
    delete_link(lan)
    make_link(lan)
    serves(machine, lan)


def test_xdp_program_that_is_taken_off(machine, lan):
    machine.boot()
    serves(machine, lan)
    lan.server.ip("link", "set", SERVER_LINK, "xdp", "off")
    wait_until(lambda: lcore_answers_soon(machine, lan), machine.logs)
    serves(machine, lan)


def lcore_answers_soon(machine, lan):
    try:
        return lcore_answers(machine, lan)
    except OSError:
        return False


def test_health_checks(machine):
    """volley-health has what it needs in its unit: echo requests and commands; and nothing of what it must not have."""
    (machine.etc / "volley.yaml").write_text(CONFIG + f"""health:
  checks:
    - {{name: ping, type: icmp, address: {CLIENT4}}}
    - {{name: secrets, type: command, command: [/bin/sh, -c, "ls /var/lib/volley 2>&1; exit 0"]}}
""")
    machine.boot()

    def checks():
        answer = machine.volleyctl("checks", "--json", check=False)
        found = {each["name"]: each for each in json.loads(answer.stdout)["checks"]} if answer.returncode == 0 else {}
        return found if found and all(each["state"] == "up" for each in found.values()) else None
    found = wait_until(checks, machine.logs)
    assert found["ping"]["reason"] == "reply"
    assert "Permission denied" in found["secrets"]["reason"], found
    machine.systemctl("kill", "--signal=SIGKILL", HEALTH)
    wait_until(lambda: said(machine, CONTROL, "volley-health is connected") == 2, machine.logs)
    machine.systemctl("stop", HEALTH)
    assert machine.show(HEALTH, "Result") == "success", machine.logs()
