# SPDX-License-Identifier: GPL-3.0-or-later
"""The control socket under clients that do not read, do not leave or ask too much; the end of volley-control while
commands are under way; and what volleyctl says of all that."""
import errno
import json
import re
import signal
import socket
import subprocess
import threading
import time
from contextlib import suppress

import pytest

from volley import VOLLEYCTL, environment, small_zone

# As in control/socket/server.h.
IDLE_MAX = 64
SLOW_MAX = 48


@pytest.fixture
def served(volley):
    volley.add_zone("test.", small_zone(1))
    volley.keep_state()
    return volley.start()


class Client:
    """A connection to the control socket that does just what it is told."""

    def __init__(self, volley, *commands):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        deadline = time.monotonic() + 60
        while self.socket.connect_ex(str(volley.control_socket)) == errno.EAGAIN:
            assert time.monotonic() < deadline, "nobody takes this connection"
            time.sleep(0.01)
        self.lines = self.socket.makefile("rb")
        for command in commands:
            self.send(command)

    def send(self, command, **members):
        self.socket.sendall(json.dumps({"command": command} | members).encode() + b"\n")

    def answer(self):
        """The next answer; None at the end of the connection."""
        try:
            while line := self.lines.readline():
                answer = json.loads(line)
                if "ok" in answer:
                    return answer
        except ConnectionResetError:
            pass
        return None

    def close(self):
        self.lines.close()
        self.socket.close()


def wait_until_begun(volley):
    """What was sent before is under way: a connection's request is read after those that came before it."""
    late = Client(volley, "stats")
    assert late.answer()["ok"]
    late.close()


def run_volleyctl(volley, *arguments, **more):
    return subprocess.Popen([VOLLEYCTL, "--socket", volley.control_socket, *arguments], text=True, env=environment(),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)


def end_control(volley):
    volley.control.popen.terminate()
    assert volley.control.wait() == 0, volley.control.log()
    assert "Sanitizer" not in volley.control.log()


@pytest.fixture
def stalled(served):
    """The dataplane does not answer volley-control."""
    served.dataplane.popen.send_signal(signal.SIGSTOP)
    try:
        yield served
    finally:
        served.dataplane.popen.send_signal(signal.SIGCONT)


def test_end_under_top(served):
    watchers = [Client(served, "top") for _ in range(3)]
    wait_until_begun(served)
    end_control(served)
    for watcher in watchers:
        answer = watcher.answer()
        assert answer["code"] == "ending" and answer["error"] == "volley-control is stopping"
        assert watcher.answer() is None


def test_end_under_a_live_top(served):
    """The operator's screen ends, too, whenever in its second the end comes."""
    top = run_volleyctl(served, "top")
    assert "queries/s" in top.stdout.readline() + top.stdout.readline() + top.stdout.readline()
    end_control(served)
    _, errors = top.communicate(timeout=60)
    assert top.returncode == 3 and re.search(
        "volley-control is stopping|volley-control stopped|is volley-control running", errors), errors


def test_end_under_followed_drops(served):
    follower = run_volleyctl(served, "--json", "drops", "--follow")
    wait_until_begun(served)
    end_control(served)
    _, errors = follower.communicate(timeout=60)
    assert follower.returncode == 3 and "volley-control" in errors


def test_end_under_reloads(stalled):
    clients = [Client(stalled, "reload") for _ in range(3)]
    gone = Client(stalled, "reload")
    wait_until_begun(stalled)
    gone.close()
    wait_until_begun(stalled)
    end_control(stalled)
    for client in clients:
        answer = client.answer()
        assert answer["code"] == "ending" and "before the reload is done" in answer["error"]


def test_end_under_changes_of_the_defence(stalled):
    """The first waits for the dataplane, the second for the first; who asked for the third has gone."""
    first, second, gone = Client(stalled), Client(stalled), Client(stalled)
    first.send("defence-deny", prefixes=["198.51.100.0/24"])
    wait_until_begun(stalled)
    second.send("defence-set", key="responses.slip", value="5")
    gone.send("defence-deny", prefixes=["203.0.113.0/24"])
    wait_until_begun(stalled)
    gone.close()
    wait_until_begun(stalled)
    end_control(stalled)
    answer = first.answer()
    assert answer["code"] == "ending" and "may not be in force" in answer["error"]
    answer = second.answer()
    assert answer["code"] == "ending" and "nothing was changed" in answer["error"]
    stalled.dataplane.popen.send_signal(signal.SIGCONT)
    stalled.start_control()
    shown = stalled.ctl_json("defence", "show")
    assert {entry["prefix"] for entry in shown["prefixes"]["entries"]} <= {"198.51.100.0/24"}
    assert [each for each in shown["settings"] if each["from"] == "operator"] == []


def test_volleyctl_says_that_control_ends(tmp_path):
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        ctl = subprocess.Popen([VOLLEYCTL, "--socket", path, "top"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, env=environment())
        connection, _ = listener.accept()
        connection.recv(1000)
        connection.sendall(b'{"ok":false,"code":"ending","error":"volley-control is stopping"}\n')
        connection.close()
        out, errors = ctl.communicate(timeout=60)
    assert (ctl.returncode, out, errors) == (3, "", "volleyctl: volley-control is stopping\n")


def memory_kib(process, kind="VmHWM"):
    """The most that it has used."""
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        return int(re.search(rf"{kind}:\s+(\d+) kB", status.read())[1])


def check_growth(process, before_kib):
    """A sanitizer, known by its terabytes of addresses, keeps what is freed."""
    grown_kib = memory_kib(process) - before_kib
    assert grown_kib < 64 << 10 or memory_kib(process, "VmSize") > 1 << 30, f"{grown_kib} KiB more"


@pytest.fixture
def thousands(volley):
    """3,000 zones: three pages of some 140 kB."""
    file = volley.zone_file("small.")
    file.write_text(small_zone(1))
    volley.zones = {f"z{number}.test.": file for number in range(3000)}
    volley.start_control()
    return volley


def test_answers_that_nobody_reads(thousands):
    """870 kB of requests, 200 MB of answers: they wait for the client, in its memory and not in volley-control's."""
    request = b'{"command":"zones"}'.ljust(579) + b"\n"
    lazy = Client(thousands)
    before = memory_kib(thousands.control)

    def send():
        with suppress(BrokenPipeError):  # at the end of the test
            lazy.socket.sendall(request * 1500)

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    for _ in range(10):
        assert thousands.ctl("status", check=False).returncode == 4  # answered; there is no dataplane
    check_growth(thousands.control, before)
    for _ in range(20):
        assert len(lazy.answer()["zones"]) == 1000
    check_growth(thousands.control, before)
    lazy.socket.shutdown(socket.SHUT_RDWR)
    sender.join(60)
    assert not sender.is_alive()


def test_requests_sent_ahead_are_all_answered(served):
    """Each once and in order, also those that the client's closed end follows."""
    client = Client(served)
    client.socket.sendall(b'{"command":"zones"}\n{"command":"nonsense"}\n' * 2000)
    client.socket.shutdown(socket.SHUT_WR)
    for _ in range(2000):
        assert "zones" in client.answer()
        assert "command must be one of" in client.answer()["error"]
    assert client.answer() is None


def test_zones_in_pages(thousands):
    """volleyctl follows the pages, and prints one document."""
    client = Client(thousands)
    client.send("zones", limit=700)
    page = client.answer()
    assert len(page["zones"]) == 700 and page["next"] == page["zones"][-1]["name"]
    names = [zone["name"] for zone in json.loads(thousands.ctl("--json", "zones").stdout)["zones"]]
    assert len(set(names)) == len(names) == 3000


def test_idle_connections_make_room(served):
    idle = []
    for _ in range(3 * IDLE_MAX):
        idle.append(Client(served, "cookies-show"))
        assert idle[-1].answer()["ok"]
    for number in range(5):
        served.ctl("defence", "deny", f"198.51.100.{number}")
    answer = idle[0].answer()
    assert not answer["ok"] and "idle" in answer["error"]
    assert idle[0].answer() is None
    idle[-1].send("stats")
    assert idle[-1].answer()["ok"]


def test_unread_connections_make_room(thousands):
    """Nor do those keep a place that asked for much and read nothing of it."""
    lazy = [Client(thousands, "zones", "zones") for _ in range(IDLE_MAX)]
    for _ in range(5):
        assert thousands.ctl("status", check=False).returncode == 4
    assert len(lazy) == IDLE_MAX


def test_slow_commands_leave_places_free(stalled):
    clients = [Client(stalled, "reload") for _ in range(SLOW_MAX)]
    wait_until_begun(stalled)
    refused = stalled.ctl("reload", check=False)
    assert refused.returncode == 1 and "too many of these commands" in refused.stderr
    refused = stalled.ctl("top", "--once", check=False)
    assert refused.returncode == 1 and "too many of these commands" in refused.stderr
    idle = [Client(stalled) for _ in range(IDLE_MAX)]
    stalled.ctl("zones")
    stalled.dataplane.popen.send_signal(signal.SIGCONT)
    stalled.ctl("defence", "deny", "198.51.100.0/24")
    assert all(client.answer()["ok"] for client in clients)
    assert len(idle) == IDLE_MAX


def test_busy_connections_keep_nobody_out(stalled):
    """Not even when many wait for the dataplane."""
    clients = [Client(stalled, "reload") for _ in range(SLOW_MAX)]
    wait_until_begun(stalled)
    for number in range(26):
        clients.append(Client(stalled))
        clients[-1].send("defence-deny", prefixes=[f"198.51.100.{number}"])
    wait_until_begun(stalled)
    for _ in range(5):
        stalled.ctl("status")
    stalled.dataplane.popen.send_signal(signal.SIGCONT)
    assert all(client.answer()["ok"] for client in clients)


def test_burst_of_connections(stalled):
    """Clients that do not wait for their turn, while volley-control does something else."""
    stalled.control.popen.send_signal(signal.SIGSTOP)
    burst = []
    try:
        for _ in range(100):
            client = socket.socket(socket.AF_UNIX)
            client.setblocking(False)
            client.connect(str(stalled.control_socket))
            burst.append(client)
    finally:
        stalled.control.popen.send_signal(signal.SIGCONT)
    assert stalled.ctl("status").returncode == 0


def test_request_that_is_too_long(served, tmp_path):
    prefixes = tmp_path / "prefixes"
    prefixes.write_text("# much too long a line of words\n" * 300000)
    result = served.ctl("defence", "deny", "--file", prefixes, check=False)
    assert result.returncode == 1, result
    assert "the request is longer than 8 MiB" in result.stderr
    served.ctl("status")


@pytest.mark.parametrize("arguments", [("stats",), ("--json", "stats"), ("zones",), ("--json", "zones"), ("--help",),
                                       ("top", "--once"), ("top",), ("defence", "show")])
def test_output_that_cannot_be_written(served, arguments):
    with open("/dev/full", "wb") as full:
        result = subprocess.run([VOLLEYCTL, "--socket", served.control_socket, *arguments], stdout=full, text=True,
                                stderr=subprocess.PIPE, env=environment(), check=False, timeout=60)
    assert result.returncode == 1
    assert result.stderr == "volleyctl: the output could not be written: No space left on device\n"


@pytest.mark.parametrize("arguments", [("zones",), ("--json", "zones")])
def test_reader_that_has_seen_enough(thousands, arguments):
    """`| head -1`: no message, and volleyctl does not die of a signal."""
    ctl = run_volleyctl(thousands, *arguments)
    assert ctl.stdout.readline()
    ctl.stdout.close()
    assert ctl.wait(60) == 1
    assert ctl.stderr.read() == ""


def test_log_names_some_of_many_failed_zones(volley):
    """A line for each of a million zones would hold everything up; volleyctl lists them."""
    volley.zones = {f"z{number}.test.": volley.directory / "missing.zone" for number in range(250)}
    volley.start_control()
    log = volley.control.log()
    assert len(re.findall(r"zone z\d+\.test\.: ", log)) == 100
    assert "150 more zones did not load; to list them: volleyctl zones" in log
    zones = json.loads(volley.ctl("--json", "zones").stdout)["zones"]
    assert sum("failure" in zone for zone in zones) == 250


def test_log_names_some_of_many_zones_with_warnings(volley):
    zone = volley.zone_file("warned.")
    zone.write_text(small_zone(1, "www A 192.0.2.1", "www A 192.0.2.1"))
    volley.other_settings["checks"] = {"duplicate": "warning"}
    volley.zones = {f"z{number}.test.": zone for number in range(250)}
    volley.start_control()
    log = volley.control.log()
    assert len(re.findall(r"zone z\d+\.test\.: 1 warning; to list them: volleyctl check-zone", log)) == 100
    assert f"150 more zones have warnings; to list them: volleyctl check {volley.config}" in log
