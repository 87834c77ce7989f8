# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs under test, run as an operator would run them."""
import ctypes
import json
import os
import re
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

from net import CLIENT4, CLIENT_LINK, SERVER4, SERVER_LINK, Network
from wire import Wire, dns_query, frame, ipv4, udp

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("VOLLEY_BUILD", ROOT / "build")).resolve()
DATAPLANE = BUILD / "dataplane/volley-dataplane"
CONTROL = BUILD / "control/volley-control"
VOLLEYCTL = BUILD / "control/volleyctl"

# Generous: sanitizers and a busy machine make everything ten times slower.
START_SECONDS = 60
STOP_SECONDS = 30
# What a dataplane says once a control may come, and once it answers.
STARTED = "waiting for zones: "
READY = "ready: "
SANITIZER = re.compile(rb"ERROR: \w+Sanitizer|runtime error:|WARNING: \w+Sanitizer")
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)

SOA = """$TTL {ttl}
@ SOA ns1 hostmaster {serial} 3600 600 1209600 300
@ NS ns1
ns1 A 192.0.2.1
"""


def small_zone(serial, *lines, ttl=3600):
    """Zone text with an apex, one name server, and these lines."""
    return SOA.format(serial=serial, ttl=ttl) + "".join(line + "\n" for line in lines)


def wait_until(condition, what, seconds=START_SECONDS):
    """Asks the condition again and again until it holds; returns what it gave. `what` was waited for; or it is called
    to tell what there is instead."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what() if callable(what) else what}: not within {seconds} s"
        time.sleep(0.01)
    return found


def yaml_value(value):
    """JSON is YAML, and says every string and list right."""
    return json.dumps(value)


def _prepare_child():
    """Dies with the tests, and takes SIGINT, which is ignored by what a shell has started in the background."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Process:
    """A program with its log in a file; dies with the tests."""

    def __init__(self, name, command, log, more_environment=()):
        self.name, self.log_path = name, log
        self.log_start = log.stat().st_size if log.exists() else 0
        with open(log, "ab") as out:
            self.popen = subprocess.Popen(
                list(map(str, command)), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env=environment() | dict(more_environment), start_new_session=True,
                preexec_fn=_prepare_child)

    @property
    def pid(self):
        return self.popen.pid

    def log(self):
        """What this life of it has said."""
        return self.log_path.read_bytes()[self.log_start:].decode(errors="replace")

    def running(self):
        return self.popen.poll() is None

    def has_socket(self):
        """Whether it has one open."""
        def target(file):
            try:
                return os.readlink(file)
            except FileNotFoundError:  # closed meanwhile
                return ""

        return any(target(file).startswith("socket:") for file in Path(f"/proc/{self.pid}/fd").iterdir())

    def open_files(self):
        """How many it has."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def wait_for_log(self, pattern, seconds=START_SECONDS):
        """Waits until the log has the pattern; returns the match."""
        deadline = time.monotonic() + seconds
        while True:
            ended = not self.running()
            if match := re.search(pattern, self.log()):
                return match
            if ended or time.monotonic() > deadline:
                what = f"ended with {self.popen.returncode}" if ended else f"is silent for {seconds} s"
                raise AssertionError(f"{self.name} {what}, no {pattern!r} in:\n{self.log()}")
            time.sleep(0.01)

    def wait(self, seconds=STOP_SECONDS):
        return self.popen.wait(seconds)

    def stop(self):
        """SIGTERM; returns the exit status, None when it was no longer running."""
        if not self.running():
            return None
        self.popen.terminate()
        try:
            return self.popen.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not end on SIGTERM:\n{self.log()}") from None

    def kill(self):
        self.popen.kill()
        self.popen.wait()


def environment():
    """The build's own programs come first; sanitizers stop at the first finding."""
    path = f"{VOLLEYCTL.parent}:{DATAPLANE.parent}:{os.environ['PATH']}:/usr/sbin"
    sanitizers = {
        "ASAN_OPTIONS": "exitcode=99:detect_leaks=1:fast_unwind_on_malloc=0",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
        "LSAN_OPTIONS": f"suppressions={ROOT}/tests/lsan.supp:print_suppressions=0",
    }
    return os.environ | sanitizers | {"PATH": path, "VOLLEY_BUILD": str(BUILD)}


class Volley:
    """A dataplane and a control on a Network, with their files under `directory`."""

    def __init__(self, network, directory):
        self.network = network
        self.directory = Path(directory)
        self.state = self.directory / "state"
        self.zones = {}
        self.zone_settings = {}  # by name, such as {"example.": {"living": True}}
        # which can't be made, so that nothing outlives control; or keep_state()
        self.control_settings = {
            "socket": str(self.directory / "control.sock"), "state-dir": str(self.state / "missing")}
        self.dataplane_settings = {
            "socket": str(self.directory / "dataplane.sock"), "ports": [f"af_xdp:{SERVER_LINK}"]}
        self.other_settings = {}  # by section, such as {"answers": {"any": "all"}}
        self.config = self.directory / "volley.yaml"
        self.dataplane = self.control = None
        self.processes = []
        self.clients = 0
        self.control_environment = {}  # beside that of everybody
        self.control_in_network = False  # it reaches the client's addresses, as for transfers

    @property
    def publish_socket(self):
        return Path(self.dataplane_settings["socket"])

    @property
    def control_socket(self):
        return Path(self.control_settings["socket"])

    def zone_file(self, name):
        return self.directory / f"{name.rstrip('.') or 'root'}.zone"

    def add_zone(self, name, text=None, file=None):
        """Lists a zone in the configuration, from text written here or from a file that exists."""
        if text is not None:
            file = self.zone_file(name)
            file.write_text(text)
        self.zones[name] = Path(file)
        self.write_config()

    def be_secondary(self):
        """Of the remote "primary", which is at the client's address."""
        self.keep_state()
        self.spare_clients()
        self.control_in_network = True
        self.other_settings["remotes"] = [{"name": "primary", "address": [CLIENT4]}]

    def keep_state(self):
        """What control is to remember goes to `state`, which it makes."""
        self.control_settings["state-dir"] = str(self.state)

    def without_streams(self):
        """Nothing in the kernel listens on port 53: whatever is answered, an lcore has answered."""
        self.dataplane_settings["stream-threads"] = "0"

    def spare_clients(self):
        """No rate and no limit for anybody: for tests that ask more than one client would."""
        self.other_settings["defence"] = {"allow": ["0.0.0.0/0", "::/0"]}
        self.write_config()

    def add_secondary(self, name, primaries, **settings):
        """A zone without a file; `settings` have _ for -."""
        self.zones[name] = None
        self.zone_settings[name] = {"primaries": primaries} | {
            key.replace("_", "-"): value for key, value in settings.items()}
        self.write_config()

    def remove_zone(self, name):
        del self.zones[name]
        self.write_config()

    def write_config(self):
        lines = ["control:"]
        lines += [f"  {key}: {yaml_value(value)}" for key, value in self.control_settings.items()]
        lines += ["dataplane:"]
        lines += [f"  {key}: {yaml_value(value)}" for key, value in self.dataplane_settings.items()]
        for section, settings in self.other_settings.items():
            if isinstance(settings, list):
                lines += [f"{section}: {yaml_value(settings)}"]
                continue
            lines += [f"{section}:"] + [f"  {key}: {yaml_value(value)}" for key, value in settings.items()]
        lines += ["zones:" if self.zones else "zones: []"]
        for name, file in self.zones.items():
            lines += [f"  - name: {yaml_value(name)}"] + ([f"    file: {yaml_value(str(file))}"] if file else [])
            lines += [f"    {key}: {yaml_value(value)}" for key, value in self.zone_settings.get(name, {}).items()]
        self.config.write_text("\n".join(lines) + "\n")

    def _spawn(self, name, command, more_environment=()):
        process = Process(name, command, self.directory / f"{name}.log", more_environment)
        self.processes.append(process)
        return process

    def spawn_dataplane(self, *flags):
        """Starts it, with flags behind those of the configuration, and does not wait."""
        self.write_config()
        self.dataplane = self._spawn("dataplane", self.network.server.command(
            VOLLEYCTL, "exec", "dataplane", "--config", self.config, *flags))
        return self.dataplane

    def start_dataplane(self, *flags):
        """Returns when it answers; without a control that gives it zones, when it waits for one."""
        served = self.control is not None and self.control.running()
        self.spawn_dataplane(*flags).wait_for_log(READY if served else STARTED)
        return self.dataplane

    def spawn_control(self):
        """Starts it, and does not wait."""
        self.write_config()
        command = [CONTROL, "--config", self.config]
        if self.control_in_network:
            command = self.network.server.command(*command)
        self.control = self._spawn("control", command, self.control_environment)
        return self.control

    def start_control(self):
        self.spawn_control().wait_for_log(READY)
        return self.control

    def start(self):
        self.start_dataplane()
        self.start_control()
        self.dataplane.wait_for_log(READY)
        return self

    def ctl(self, *arguments, check=True, timeout=300):
        """Runs volleyctl; with `check`, its failure fails the test."""
        result = subprocess.run([VOLLEYCTL, "--socket", self.control_socket, *arguments], check=False,
                                capture_output=True, text=True, timeout=timeout, env=environment())
        if check:
            assert result.returncode == 0, f"volleyctl {arguments}: {result.stdout}{result.stderr}"
        return result

    def spawn_ctl(self, *arguments):
        """Starts volleyctl, and does not wait."""
        self.clients += 1
        process = Process("volleyctl", [VOLLEYCTL, "--socket", self.control_socket, *arguments],
                          self.directory / f"volleyctl{self.clients}.log")
        self.processes.append(process)
        return process

    def ctl_json(self, *arguments):
        return json.loads(self.ctl("--json", *arguments).stdout)

    def is_connected(self):
        """Whether control has the dataplane."""
        return self.request(command="status")["dataplane"]["connected"]

    def wait_for_connection(self, connected=True):
        wait_until(lambda: self.is_connected() == connected, "connected" if connected else "disconnected")

    def request(self, **members):
        """One request on the control socket, such as command="stats", and its answer."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(START_SECONDS)
            client.connect(str(self.control_socket))
            client.sendall(json.dumps(members).encode() + b"\n")
            with client.makefile() as answers:
                return json.loads(answers.readline())

    def stats(self):
        """Counters that have every packet sent before the call: the dataplane copies those of the XDP program now
        and then, and tells when."""
        asked_ns = time.monotonic_ns()
        deadline = time.monotonic() + START_SECONDS
        while True:
            stats = self.request(command="stats")
            assert stats["ok"], stats
            if stats["ports_read_ns"] >= asked_ns:
                return stats
            assert time.monotonic() < deadline, "the dataplane no longer copies the counters of the XDP program"
            time.sleep(0.005)

    def xdp_verdicts(self):
        return self.stats()["ports"][0]["xdp_verdicts"]

    def denies(self, source):
        """Whether the XDP program counts a query from this IPv4 address as denied."""
        before = self.xdp_verdicts()["denied"]
        wire = Wire(self.network, CLIENT_LINK)
        wire.send(frame(self.network, ipv4(source, SERVER4, udp(source, SERVER4, dns_query("test.")))))
        wire.close()
        return self.xdp_verdicts()["denied"] - before == 1

    def stop(self):
        """Ends what still runs; every exit must have been clean, and no sanitizer may have spoken."""
        try:
            for process in reversed(self.processes):
                process.popen.send_signal(signal.SIGCONT)  # a test that failed may have stopped it
                assert process.stop() in (0, None), f"{process.name}:\n{process.log()}"
        finally:
            for process in self.processes:
                if process.running():
                    process.kill()
        for log in self.directory.glob("*.log"):
            found = SANITIZER.search(log.read_bytes())
            assert not found, f"{log}:\n{log.read_text(errors='replace')[-8000:]}"


@contextmanager
def own_network(directory, streams=True):
    """A Volley, nothing of it started, on a network of its own; both are gone afterwards. Without `streams` only
    lcores answer."""
    volley = Volley(Network(), directory)
    if not streams:
        volley.without_streams()
    try:
        yield volley
    finally:
        try:
            volley.stop()
        finally:
            volley.network.delete()


@contextmanager
def small_disk(directory, kib):
    """A file system of that size in `directory`, which is made if it is not there."""
    directory.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kib}k", "small", directory], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", directory], check=True)
