# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run creates outside itself (files, processes, network namespaces), and its removal."""

import contextlib
import os
import pathlib
import re
import shlex
import signal
import subprocess
import tempfile
import time

STOP_SECONDS = 10
POLL_SECONDS = 0.005

# A count and a CPU time are of one moment within this, about half a hundredth of a run.
SAMPLE_SECONDS = 0.03
SAMPLE_TRIES = 50


class PerfError(Exception):
    """A message for the user: what failed, and what to do."""


def run_tool(*command):
    """Runs a short command to its end and returns its output."""
    command = [str(word) for word in command]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PerfError(f"{shlex.join(command)}: exit status {done.returncode}:"
                        f" {(done.stderr or done.stdout).strip()}")
    return done.stdout


class Process:
    """A running program whose output goes to a log file."""

    def __init__(self, command, log_path, stdin=subprocess.DEVNULL):
        self.command = [str(word) for word in command]
        self.log_path = log_path
        with open(log_path, "wb") as log:
            # its own session: Ctrl-C reaches only us, and we stop the programs in order
            try:
                self.popen = subprocess.Popen(self.command, stdin=stdin, stdout=log,
                                              stderr=subprocess.STDOUT, start_new_session=True)
            except OSError as error:
                raise PerfError(f"{self.command[0]}: {error.strerror}") from error

    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def fail(self, what):
        tail = "\n  ".join(self.log().splitlines()[-15:])
        raise PerfError(f"{shlex.join(self.command)}: {what}; its last words:\n  {tail}")

    def wait_for(self, pattern, timeout, occurrence=1):
        """Waits until the log matches `pattern` that often; returns the last of those matches."""
        deadline = time.monotonic() + timeout
        while True:
            ended = self.popen.poll() is not None
            found = list(re.finditer(pattern, self.log()))
            if len(found) >= occurrence:
                return found[occurrence - 1]
            if ended:
                self.fail(f"ended with status {self.popen.returncode}")
            if time.monotonic() > deadline:
                self.fail(f"did not say {pattern!r} within {timeout} seconds")
            time.sleep(POLL_SECONDS)

    def wait_end(self, timeout):
        """Waits for a successful end; returns the log."""
        try:
            status = self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.fail(f"still runs after {timeout} seconds")
        if status != 0:
            self.fail(f"ended with status {status}")
        return self.log()

    def lcore_seconds(self, field=0):
        """CPU time that each of DPDK's worker lcores in it has had, in their order; or (field 1)
        the time for which it had to wait because somebody else had the CPU."""
        seconds = {}
        for thread in pathlib.Path(f"/proc/{self.popen.pid}/task").iterdir():
            worker = re.match(r"rte-worker-(\d+)", (thread / "comm").read_text())
            if worker:
                time_ns = int((thread / "schedstat").read_text().split()[field])
                seconds[int(worker.group(1))] = time_ns / 1e9
        return [seconds[lcore] for lcore in sorted(seconds)] or self.fail("has no lcore")

    def sample(self, count):
        """count(), and the CPU time that each lcore had had by then."""
        for _ in range(SAMPLE_TRIES):
            before = self.lcore_seconds()
            value = count()
            after = self.lcore_seconds()
            if max(b - a for a, b in zip(before, after)) < SAMPLE_SECONDS:
                return value, [(a + b) / 2 for a, b in zip(before, after)]
        raise PerfError(f"the machine is too busy: asking {self.command[0]} for its counters took"
                        f" more than {SAMPLE_SECONDS} s, {SAMPLE_TRIES} times")

    def end(self, number, timeout):
        """Tells it by a signal to come to its end; returns the log."""
        self.popen.send_signal(number)
        return self.wait_end(timeout)

    def pause(self):
        """Nothing of it runs until resume()."""
        self.popen.send_signal(signal.SIGSTOP)

    def resume(self):
        self.popen.send_signal(signal.SIGCONT)

    def stop(self):
        if self.popen.poll() is None:
            self.popen.terminate()
            self.resume()
            try:
                self.popen.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        if self.popen.stdin:
            with contextlib.suppress(BrokenPipeError):
                self.popen.stdin.close()


class Sandbox(contextlib.ExitStack):
    """Undoes at its end, newest first, what was made through it."""

    def __init__(self):
        super().__init__()
        self.directory = pathlib.Path(
            self.enter_context(tempfile.TemporaryDirectory(prefix="volley-perf-")))
        self.log_cnt = 0

    def start(self, command, stdin=subprocess.DEVNULL):
        self.log_cnt += 1
        name = os.path.basename(str(command[0]))
        process = Process(command, self.directory / f"{self.log_cnt}-{name}.log", stdin)
        self.callback(process.stop)
        return process


class Namespace:
    """A network namespace. nsenter keeps /sys/fs/bpf in sight, which `ip netns exec` hides."""

    def __init__(self, sandbox, role):
        self.name = f"volley-perf-{role}-{os.getpid()}"
        run_tool("ip", "netns", "add", self.name)
        sandbox.callback(run_tool, "ip", "netns", "del", self.name)
        self.enter = ["nsenter", f"--net=/run/netns/{self.name}"]
        self.ip("link", "set", "lo", "up")

    def ip(self, *words):
        return run_tool("ip", "-n", self.name, *words)


class VethPair:
    """A server's and a client's namespace, joined by a veth pair."""

    SERVER_INTERFACE = "server0"
    CLIENT_INTERFACE = "client0"
    SERVER_ADDRESS = "10.53.0.1"
    CLIENT_ADDRESS = "10.53.0.2"

    def __init__(self, sandbox):
        self.server = Namespace(sandbox, "server")
        self.client = Namespace(sandbox, "client")
        run_tool("ip", "link", "add", self.SERVER_INTERFACE, "netns", self.server.name,
                 "type", "veth", "peer", "name", self.CLIENT_INTERFACE, "netns", self.client.name)
        ends = [(self.server, self.SERVER_INTERFACE, self.SERVER_ADDRESS),
                (self.client, self.CLIENT_INTERFACE, self.CLIENT_ADDRESS)]
        for namespace, interface, address in ends:
            namespace.ip("addr", "add", f"{address}/24", "dev", interface)
            namespace.ip("link", "set", interface, "up")
            # a packet that XDP takes from veth has the checksum that the sender's stack wrote
            run_tool(*namespace.enter, "ethtool", "-K", interface, "tx", "off")
        for end, peer_end in zip(ends, ends[::-1]):
            namespace, interface, _ = end
            peer, peer_interface, peer_address = peer_end
            # static: testpmd answers no ARP
            mac = peer.ip("-brief", "link", "show", peer_interface).split()[2]
            namespace.ip("neigh", "replace", peer_address, "lladdr", mac, "dev", interface)


def raise_on_signals():
    """Ctrl-C, SIGTERM and SIGHUP end the run by an exception, so that everything is undone; the
    undoing itself is not interrupted."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt(_number, _frame):
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in numbers:
        signal.signal(number, interrupt)
