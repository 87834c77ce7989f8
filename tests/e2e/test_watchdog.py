# SPDX-License-Identifier: GPL-3.0-or-later
"""A thread that hangs: it is noticed, what it had in hand is kept, and the program ends to be started again."""
import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

import dns.name
import pytest

from ask import Dnsperf, serial, wait_until_answered
from hold import hold, thread_id
from pcap import pcap_frames
from stream import Stream
from volley import small_disk, small_zone, wait_until
from wire import dns_query

# sanitizers change all times
pytestmark = pytest.mark.release

# sysexits.h: EX_SOFTWARE
STATUS = 70

# Where a stream thread has queries in hand, and where an lcore has.
STREAM_ANSWERING = ("vly_query_look_up", "vly_query_parse", "vly_query_write")
ANSWERING = ("vly_query_answer", "vly_query_look_up", "vly_query_parse", "vly_query_write", "make_queries", "look_up",
             "write_replies", "classify")


@pytest.fixture
def served(volley):
    volley.add_zone("test.", small_zone(1, "www A 192.0.2.10"))
    volley.keep_state()
    volley.spare_clients()
    volley.dataplane_settings["watchdog-ms"] = "500"
    return volley.start()


@contextlib.contextmanager
def udp_load(volley):
    data = volley.directory / "queries"
    data.write_text("www.test. A\n")
    perf = Dnsperf(volley.network, data, 60)
    try:
        yield
    finally:
        perf.interrupt()
        perf.finish()


@contextlib.contextmanager
def tcp_load(volley):
    """One client that always has 64 queries under way, until the server is gone."""
    def ask():
        burst = 64 * (len(query).to_bytes(2, "big") + query)
        with contextlib.suppress(OSError), Stream(volley.network) as stream:
            while True:
                stream.socket.sendall(burst)
                for _ in range(64):
                    if stream.receive() is None:
                        return

    query = dns_query("www.test.")
    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def ended(dataplane, holder):
    """Waits for the end, and returns the log."""
    assert dataplane.wait() == STATUS, dataplane.log()
    holder.wait()
    return dataplane.log()


def kept(volley, log):
    """The names that were asked for, in the file that the log names. The response is written over the query: what is
    before and behind the question may be ours."""
    path = re.search(r"packets saved in (\S+)", log)[1]
    assert path.startswith(str(volley.state / "stuck"))
    return {dns.name.from_wire(frame[42:], 12)[0].to_text() for frame in pcap_frames(path)}


@pytest.mark.parametrize("spin", [False, True], ids=["waits", "spins"])
def test_lcore_that_hangs(served, note, spin):
    """Answers are back soon after the end, which is all that a supervisor waits for."""
    with udp_load(served):
        holder, since = hold(served.dataplane.pid, "rte-worker-1", *ANSWERING, spin=spin)
        log = ended(served.dataplane, holder)
    end = time.monotonic()
    served.spawn_dataplane()
    wait_until_answered(served.network, "test.")
    back = time.monotonic()
    note(f"lcore hung: program ended after {(end - since) * 1000:.0f} ms (limit 500 ms), answers were back "
         f"{(back - end) * 1000:.0f} ms later")
    assert re.search(r"lcore 1 \(port af_xdp:\S+, queue 0, CPU \d+\) has hung for 500 ms: it is \w+", log)
    assert kept(served, log) == {"www.test."}
    shown = re.search(r"packet 1 of \d+, \d+ octets: ([0-9a-f]+)", log)[1]
    assert b"\3www\4test".hex() in shown
    if spin:
        assert re.search(r"lcore-1 is at .*volley-dataplane\+0x[0-9a-f]+", log)


@pytest.mark.parametrize("spin", [False, True], ids=["waits", "spins"])
def test_stream_thread_that_hangs(served, note, spin):
    with tcp_load(served):
        holder, since = hold(served.dataplane.pid, "volley-stream", *STREAM_ANSWERING, spin=spin)
        log = ended(served.dataplane, holder)
        note(f"stream thread hung: program ended after {(time.monotonic() - since) * 1000:.0f} ms (limit 500 ms)")
    assert "stream thread 0 has hung for 500 ms" in log
    assert kept(served, log) == {"www.test."}
    served.start_dataplane()
    wait_until_answered(served.network, "test.")


def test_idle_stream_thread_that_hangs(served):
    """Nothing in hand is nothing to keep."""
    holder, _ = hold(served.dataplane.pid, "volley-stream")
    log = ended(served.dataplane, holder)
    assert "with 0 messages in hand" in log and "saved" not in log


def test_hang_while_the_main_thread_waits_for_the_lcore(served):
    """A reload makes the main thread wait for every lcore; it can't be the one who notices."""
    reload = None
    with udp_load(served):
        holder, _ = hold(served.dataplane.pid, "rte-worker-1", *ANSWERING)
        served.zone_file("test.").write_text(small_zone(2))
        with contextlib.suppress(subprocess.TimeoutExpired):
            reload = served.ctl("reload", check=False, timeout=60)
        log = ended(served.dataplane, holder)
    assert "lcore 1" in log and "volley-dataplane is restarted" in log
    assert reload is None or reload.returncode != 0
    served.start_dataplane()
    wait_until_answered(served.network, "test.")
    assert serial(served.network, "test.") == 2


def test_hang_at_the_end(served):
    """SIGTERM waits for the lcores, and not for ever."""
    with udp_load(served):
        holder, _ = hold(served.dataplane.pid, "rte-worker-1", *ANSWERING)
        served.dataplane.popen.terminate()
        ended(served.dataplane, holder)


def test_evidence_that_can_t_be_written(served):
    """A full disk is told, and holds up nothing."""
    state = served.state
    served.control.stop()
    with small_disk(state, 4), udp_load(served):
        with contextlib.suppress(OSError), open(state / "fill", "wb") as fill:
            fill.write(bytes(1 << 20))
        holder, _ = hold(served.dataplane.pid, "rte-worker-1", *ANSWERING)
        log = ended(served.dataplane, holder)
    assert re.search(r"cannot save the packets: \S*/state/stuck\S*: No space left on device", log)
    assert "volley-dataplane is restarted" in log


def test_few_files_are_kept(served):
    folder = served.state / "stuck"
    folder.mkdir(parents=True)
    for i in range(8):
        (folder / f"100000000{i}.000-lcore-1.pcap").write_bytes(b"")
    (folder / "notes").write_text("not ours")
    with udp_load(served):
        holder, _ = hold(served.dataplane.pid, "rte-worker-1", *ANSWERING)
        ended(served.dataplane, holder)
    left = sorted(path.name for path in folder.iterdir())
    assert len(left) == 9 and "notes" in left and left[0].startswith("1000000001")


def child_of(pid):
    """The process that `pid` has started, once there is one."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    return int(wait_until(children.read_text, "a child").split()[0])


@pytest.mark.parametrize("first", [False, True], ids=["", "with-pid-1"])
def test_a_reader_of_the_log_that_hangs(served, first):
    """The line finds a full pipe: the end comes all the same. The first process of a container gets no signal that it
    does not handle."""
    served.dataplane.stop()
    reader, writer = os.pipe()
    command = served.dataplane.popen.args
    if first:
        command = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", *command]
    with subprocess.Popen(command, stderr=writer, stdin=subprocess.DEVNULL) as dataplane:
        wait_until_answered(served.network, "test.")
        os.set_blocking(writer, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writer, bytes(4096))
        os.set_blocking(writer, True)
        holder, _ = hold(child_of(dataplane.pid) if first else dataplane.pid, "rte-worker-1")
        try:
            assert dataplane.wait(30) in ((STATUS,) if first else (STATUS, -signal.SIGALRM))
        finally:
            dataplane.kill()
        holder.wait()
    os.close(reader)
    os.close(writer)


def test_the_program_stopped_as_a_whole(served):
    """As a machine that was suspended, or a hypervisor that gave us no time: no thread is to blame."""
    with udp_load(served):
        for _ in range(3):
            os.kill(served.dataplane.pid, signal.SIGSTOP)
            time.sleep(1.5)  # three times the limit: the very thing that is tested
            os.kill(served.dataplane.pid, signal.SIGCONT)
            wait_until_answered(served.network, "test.")
    assert serial(served.network, "test.") == 1
    assert "watchdog" not in served.dataplane.log()


def test_idle_for_longer_than_the_limit(served):
    """Sleeping threads come back often enough; the limit passes twice."""
    pid = served.dataplane.pid
    assert thread_id(pid, "volley-watchdog")
    sleeps = served.ctl_json("stats")["totals"]["sleeps"]
    deadline = time.monotonic() + 30
    while served.ctl_json("stats")["totals"]["sleeps"] < sleeps + 25:  # of 50 ms at the most
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert served.dataplane.running() and served.dataplane.pid == pid
    assert "watchdog" not in served.dataplane.log()


def test_off(volley):
    volley.add_zone("test.", small_zone(1))
    volley.dataplane_settings["watchdog-ms"] = "0"
    volley.start()
    volley.dataplane.wait_for_log("watchdog: disabled")
    with pytest.raises(AssertionError, match="no thread"):
        thread_id(volley.dataplane.pid, "volley-watchdog")
