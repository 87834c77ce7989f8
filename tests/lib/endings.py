# SPDX-License-Identifier: GPL-3.0-or-later
"""For tests that end a program at a chosen moment: load that looks into every answer, requests that stay pending, and
what must hold afterwards."""
import json
import os
import signal
import socket
import stat
import threading
from types import SimpleNamespace

import pytest

from ask import open_client, serial, wait_until_answered
from net import attached
from stream import Stream
from volley import own_network, small_zone, wait_until
from wire import dns_query

SMALL, LARGE = "small.test.", "large.test."
# So that reading, handing over and writing the large zone each take long enough to be met.
LARGE_NAMES = 200_000
# With sanitizers, SIGTERM alone: SIGINT is handled by the same function, and after SIGKILL nothing of a program is left to
# look at.
SIGNALS = (signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.release),
           pytest.param(signal.SIGKILL, marks=pytest.mark.release))
ENDING = pytest.mark.parametrize("number", SIGNALS, ids=lambda number: signal.Signals(number).name)


def in_each(states, common):
    """Each of these states with each signal; SIGINT in all but the most common state takes a minute more, and is heavy."""
    def case(state, number):
        marks = [] if number == signal.SIGTERM else [pytest.mark.release]
        if number == signal.SIGINT and state is not common:
            marks.append(pytest.mark.heavy)
        return pytest.param(state, number, marks=marks, id=f"{state.__name__}-{signal.Signals(number).name}")

    return pytest.mark.parametrize("state, number", [
        case(state, number) for state in states for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL)])


def write_zones(volley, number):
    """Both zones with this serial; every address of the small one ends in it."""
    volley.add_zone(SMALL, small_zone(number, f"www A 192.0.2.{number}"))
    volley.add_zone(LARGE, small_zone(number, f"$GENERATE 1-{LARGE_NAMES} h$ A 192.0.2.{number}"))


def settle(volley):
    """Both programs run, with all that is on disk, and what is live is on disk."""
    if not volley.control.running():
        volley.start_control()
    if not volley.dataplane.running():
        volley.start_dataplane()
    volley.wait_for_connection()
    volley.ctl("reload")
    wait_until(lambda: volley.request(command="status")["control"]["reloads_pending"] == 0 and
               is_stored(volley) and not half_written(volley), "settled")


def is_stored(volley):
    """Whether the image cache has what is served, and knows the files that it was read from: it is not written after every
    change, and a file that had only just been written when it was read has no inode there."""
    served = {(zone["name"], zone["serial"]) for zone in volley.request(command="zones")["zones"]}
    index = volley.state / "images/index"
    lines = [line.split(" ") for line in index.read_text().splitlines()] if index.exists() else []
    return served == {(words[-2], int(words[2])) for words in lines if words[0] == "zone" and words[11] != "0"}


@pytest.fixture(scope="module")
def beside(tmp_path_factory):
    """Both programs, in a network of their own, for all tests of a module; its tests use `served`."""
    with own_network(tmp_path_factory.mktemp("beside")) as volley:
        volley.keep_state()
        volley.spare_clients()  # an asker that doesn't pause is more than a client may be
        write_zones(volley, 1)
        yield SimpleNamespace(volley=volley.start(), number=1, settled=False)


@pytest.fixture
def served(beside):
    """Both programs serve serial `number`, and what is live is on disk."""
    if not beside.settled:
        settle(beside.volley)
    beside.settled = False
    yield beside
    let_go_on(beside.volley)


def let_go_on(volley):
    """Whoever was made to stand still."""
    for process in (volley.control, volley.dataplane):
        process.popen.send_signal(signal.SIGCONT)


def wait_for_program(process, program):
    """Until nsenter and volleyctl have become the program itself, which may have ended by then."""
    def runs():
        try:
            return os.readlink(f"/proc/{process.pid}/exe") == str(program)
        except FileNotFoundError:
            return not process.running()
    wait_until(runs, f"{program.name} runs")


def end(process, number):
    """Sends the signal and waits for the end, which must be a clean one unless nobody could see to that."""
    process.popen.send_signal(number)
    process.popen.send_signal(signal.SIGCONT)  # one that stands still goes on with the signal
    status = process.wait()
    assert status == (-signal.SIGKILL if number == signal.SIGKILL else 0), process.log()


class Asker(threading.Thread):
    """Asks for www.small.test. without a pause, and looks into each answer: `allowed` are the serials that it may come
    from. Counts those that do not come, too."""

    def __init__(self, network, allowed):
        super().__init__(daemon=True)
        self.network = network
        self.allowed = allowed
        self.answered = self.lost = 0
        self.wrong = []
        self.ending = threading.Event()

    def run(self):
        with open_client(self.network) as client:
            client.settimeout(1)
            message_id = 0
            while not self.ending.is_set():
                message_id = (message_id + 1) & 0xffff
                before = frozenset(self.allowed)
                try:
                    client.send(dns_query(f"www.{SMALL}", message_id=message_id))
                    response = client.recv(512)
                    while int.from_bytes(response[:2], "big") != message_id:  # late, and counted as lost
                        response = client.recv(512)
                    self._check(response, before | self.allowed)
                except OSError:
                    self.lost += 1
                    self.ending.wait(0.001)

    def _check(self, response, allowed):
        self.answered += 1
        rcode, answers, last = response[3] & 15, response[7], response[-1]
        if rcode != 0 or answers != 1 or response[-4:-1] != b"\xc0\0\2" or last not in allowed:
            self.wrong.append(response.hex())

    def wait_for_answers(self, count=100):
        before = self.answered
        wait_until(lambda: self.answered >= before + count, "answers")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.join()
        assert not self.wrong, self.wrong[:10]


class Pending:
    """A request on the control socket whose answer is not waited for."""

    def __init__(self, volley, **members):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(str(volley.control_socket))
        self.lines = self.socket.makefile("rb")
        self.socket.sendall(json.dumps(members).encode() + b"\n")

    def wait_for_phase(self, phase):
        """Reads what is told of a reload until it is there."""
        for line in self.lines:
            told = json.loads(line)
            assert "progress" in told, f"not {phase} any more: {told}"
            if told["progress"]["phase"] == phase:
                return
        raise AssertionError("volley-control has ended")

    def close(self):
        self.lines.close()
        self.socket.close()


def wait_until_loading(volley):
    """Until control serves its socket and has a reload to do."""
    def is_loading():
        try:
            return volley.request(command="status")["control"]["reloads_pending"] > 0
        except OSError:
            return False
    wait_until(is_loading, "loading")


def half_written(volley):
    return list(volley.state.rglob("*.new"))


def assert_fast_path_answers(volley, number, count=10):
    """The lcores answer with this serial, and nobody else does."""
    def of_streams(stats):
        return sum(stream["connections"]["udp_queries"] for stream in stats["streams"])

    before = volley.stats()
    for _ in range(count):
        assert serial(volley.network, SMALL) == serial(volley.network, LARGE) == number
    after = volley.stats()
    was, now = (stats["ports"][0]["xdp_verdicts"]["serve"] for stats in (before, after))
    assert now - was == 2 * count
    assert after["totals"]["tx_packets"] - before["totals"]["tx_packets"] == 2 * count
    assert of_streams(after) == of_streams(before)


def assert_nothing_is_left(volley, program, path):
    """After a clean end: no XDP program, no socket."""
    if program == "dataplane":
        assert attached(volley.network) is None
        assert volley.network.server.run("ss", "-Hltun").stdout == ""
    assert not path.exists() or not stat.S_ISSOCK(path.lstat().st_mode)


def assert_whole_state(volley, number):
    """Both programs work; files are whole: the next control has everything from the cache and what operators set."""
    wait_until_answered(volley.network, SMALL)
    settle(volley)
    assert_fast_path_answers(volley, number)
    with Stream(volley.network) as stream:
        assert stream.ask(dns_query(f"www.{SMALL}"))[-1] == number
    assert volley.control.stop() == 0
    volley.start_control()
    assert volley.request(command="status")["zones"]["from_cache"] == 2, volley.control.log()
    assert not [line for line in volley.control.log().splitlines() if "cache" in line and "warning" in line]
    volley.wait_for_connection()
    assert_fast_path_answers(volley, number)
