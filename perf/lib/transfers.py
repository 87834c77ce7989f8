# SPDX-License-Identifier: GPL-3.0-or-later
"""Zone transfers: a primary (Knot DNS or NSD) in the client's namespace, in the server's the secondaries and the servers that are
asked for a zone, and the messages that ask them. Each server has as many threads as it chooses."""

import ctypes
import functools
import ipaddress
import itertools
import os
import pathlib
import shlex
import signal
import socket
import struct
import time

from .memory import busy_seconds, used_bytes
from .sandbox import PerfError, VethPair, run_tool
from .volley import NO_DEFENCE, Volley, page_flags

START_SECONDS = 3600
SAMPLE_SECONDS = 0.2
SAMPLE_SHARE = 0.1
REST_SECONDS = 2
REST_SHARE = 0.1
REST_MAX_SECONDS = 600
PORT = 53
HEAD = struct.Struct("!HHHHHH")
TYPE_A, TYPE_SOA = 1, 6
UPDATE = 5 << 11
NOTIFY = 4 << 11 | 1 << 10     # with AA
PRIMARY = VethPair.CLIENT_ADDRESS
NEIGHBOURS = "10.53.0.0/24"
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
# Below those of kxdpgun, which takes what comes to its own ports from the kernel, and beside perf/probe.c's.
OWN_PORTS = itertools.cycle(range(1100, 1900))


def question(number, flags, wire, kind, more=b""):
    return HEAD.pack(number & 0xffff, flags, 1, 0, bool(more), 0) + wire + struct.pack("!HH", kind, 1) + more


def is_answered(response):
    """NOERROR, and it has an answer."""
    _, flags, _, answer_cnt, _, _ = HEAD.unpack_from(response)
    return flags & 15 == 0 and answer_cnt > 0


def enter(descriptor):
    if LIBC.setns(descriptor, CLONE_NEWNET) != 0:
        raise PerfError(f"setns: {os.strerror(ctypes.get_errno())}")


def open_socket(pair):
    """A UDP socket in the client's namespace. The thread returns to its own."""
    with open("/proc/self/ns/net", "rb") as own, open(f"/run/netns/{pair.client.name}", "rb") as there:
        enter(there.fileno())
        try:
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            made.bind((pair.CLIENT_ADDRESS, next(OWN_PORTS)))
            return made
        finally:
            enter(own.fileno())


class Client:
    """Asks a server, one question at a time."""

    LOST_SECONDS = 0.5
    PAUSE_SECONDS = 0.0002

    def __init__(self, sandbox, pair, address=VethPair.SERVER_ADDRESS, seconds=LOST_SECONDS):
        """seconds: to wait for a response."""
        self.socket = sandbox.enter_context(open_socket(pair))
        self.socket.connect((address, PORT))
        self.socket.settimeout(seconds)
        self.numbers = itertools.count(1)

    def ask(self, name, kind, flags=0, more=b""):
        """The response, or None. `more` is one record of the authority section, or of an update."""
        number = next(self.numbers) & 0xffff
        try:
            self.socket.send(question(number, flags, name, kind, more))
            while True:
                response = self.socket.recv(65535)
                if len(response) >= HEAD.size and response[:2] == struct.pack("!H", number):
                    return response
        except (TimeoutError, ConnectionRefusedError):
            return None

    def wait(self, server, name, kind, seconds, pause):
        """Until there is an answer; a server that has ended is an error, and so is one that takes too long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            response = self.ask(name, kind)
            if response and is_answered(response):
                return
            check_alive(server)
            time.sleep(pause)
        server.processes[-1].fail(f"did not answer within {seconds} seconds")

    def add(self, zone, owner, address):
        """Adds an A record by update; the server's answer comes when it has it."""
        record = owner + struct.pack("!HHIH", TYPE_A, 1, 300, 4) + ipaddress.IPv4Address(address).packed
        response = self.ask(zone, TYPE_SOA, UPDATE, record)
        if response is None or HEAD.unpack_from(response)[1] & 15:
            raise PerfError(f"the primary did not take an update: {response}")

    def notify(self, zone):
        self.socket.send(question(next(self.numbers), NOTIFY, zone, TYPE_SOA))


def silence(sandbox, process):
    """Nothing of it and its children runs, until the function that is returned is called, or the sandbox ends."""
    os.killpg(process.popen.pid, signal.SIGSTOP)
    wake = functools.partial(os.killpg, process.popen.pid, signal.SIGCONT)
    sandbox.callback(wake)
    return wake


def check_alive(server):
    for process in server.processes:
        if process.popen.poll() is not None:
            process.fail(f"ended with status {process.popen.returncode}")


class Peak:
    """The most memory that a server's processes had at a time, from samples."""

    def __init__(self, server):
        self.server, self.octets = server, 0

    def sample(self):
        # a process may end while it is looked at
        try:
            self.octets = max(self.octets, used_bytes(self.server.processes))
        except (OSError, KeyError, ValueError):
            pass

    def wait(self, is_done, seconds, what):
        """Samples until then."""
        deadline = time.monotonic() + seconds
        while not is_done():
            check_alive(self.server)
            if time.monotonic() > deadline:
                self.server.processes[-1].fail(f"{what} took more than {seconds} seconds")
            begin = time.monotonic()
            self.sample()
            # a large process takes a while to look at, on a CPU that it may need
            time.sleep(max(SAMPLE_SECONDS, (time.monotonic() - begin) / SAMPLE_SHARE))

    def rest(self):
        """Until the server has little left to do."""
        samples = [(time.monotonic(), cpu_seconds(self.server))]

        def is_done():
            now, cpu = time.monotonic(), cpu_seconds(self.server)
            if now - samples[-1][0] < REST_SECONDS:
                return False
            idle = cpu - samples[-1][1] < REST_SHARE * (now - samples[-1][0])
            samples.append((now, cpu))
            return idle

        self.wait(is_done, REST_MAX_SECONDS, "coming to rest")
        return self.octets


def cpu_seconds(server):
    """Of its processes, but for lcores. The time of a child that has ended counts no more."""
    for _ in range(10):
        try:
            return busy_seconds(server.processes)
        except (OSError, KeyError):
            time.sleep(0.05)
    raise PerfError("processes start and end all the time")


KNOT_HEAD = """\
server:
    rundir: {directory}
    user: root
    listen: {address}@53
    tcp-io-timeout: 60000
log:
  - target: stderr
    any: info
database:
    storage: {directory}
    journal-db-max-size: 16G
    catalog-db-max-size: 4G
remote:
  - id: upstream
    address: {primary}@53
acl:
  - id: transfer
    address: {neighbours}
    action: transfer
  - id: upstream
    address: {primary}
    action: notify
  - id: changes
    address: {primary}
    action: update
template:
  - id: default
    storage: {directory}
    semantic-checks: off
{settings}"""


class Knot:
    """{name: lines of the zone}."""

    def __init__(self, sandbox, namespace, address, settings, zone_lines):
        directory = pathlib.Path(sandbox.directory, "knot")
        directory.mkdir()
        config = directory / "knot.conf"
        with open(config, "w", encoding="ascii") as out:
            out.write(KNOT_HEAD.format(directory=directory, address=address, primary=PRIMARY, neighbours=NEIGHBOURS,
                                       settings=settings) + "zone:\n")
            out.writelines(f"  - domain: {name}\n{lines}" for name, lines in zone_lines.items())
        command = ["knotd", "-c", str(config)]
        self.command = shlex.join(command)
        self.process = sandbox.start([*namespace.enter, *command])
        self.processes = [self.process]

    def wait_ready(self):
        self.process.wait_for("server started", START_SECONDS)


def start_primary(sandbox, pair, zone_list):
    """Of zones with files, which it keeps in memory, with a journal for IXFR."""
    primary = Knot(sandbox, pair.client, PRIMARY, "    zonefile-sync: -1\n    acl: [transfer, changes]\n",
                   {name: f"    file: {path}\n" for name, path in zone_list})
    primary.wait_ready()
    return primary


class Nsd:
    def __init__(self, sandbox, namespace, address, zone_text, servers=1):
        directory = pathlib.Path(sandbox.directory, "nsd")
        directory.mkdir()
        config = directory / "nsd.conf"
        config.write_text(f"""\
server:
  server-count: {servers}
  ip-address: {address}
  username: ""
  chroot: ""
  zonesdir: "{directory}"
  database: ""
  pidfile: "{directory}/nsd.pid"
  xfrdfile: "{directory}/xfrd.state"
  xfrdir: "{directory}"
  zonelistfile: "{directory}/zone.list"
  xfrd-reload-timeout: 0
  rrl-ratelimit: 0
  tcp-count: 1000
remote-control:
  control-enable: no
{zone_text}""", encoding="ascii")
        command = ["nsd", "-d", "-c", str(config)]
        self.command = shlex.join(command)
        self.process = sandbox.start([*namespace.enter, *command])
        self.processes = [self.process]

    def wait_ready(self):
        self.process.wait_for("nsd started", START_SECONDS)


def spare_ports(pair):
    """With one connection for each zone, the ports to one primary are used up, and a search for a free one takes
    milliseconds. A port is used again a second after its connection has ended, instead of a minute."""
    run_tool(*pair.server.enter, "sysctl", "-q", "-w", "net.ipv4.tcp_tw_reuse=1", "net.ipv4.ip_local_port_range=1024 65535")


def start_small_primary(sandbox, pair, zone_list):
    """Of many zones, for as many connections as a secondary makes: Knot DNS has a backlog of ten, and connections that find
    it full wait for a second."""
    primary = Nsd(sandbox, pair.client, PRIMARY, "".join(
        f'zone:\n  name: "{name}"\n  zonefile: "{path}"\n  provide-xfr: {NEIGHBOURS} NOKEY\n' for name, path in zone_list))
    primary.wait_ready()
    return primary


REMOTES = f"remotes:\n  - name: upstream\n    address: [{PRIMARY}]\n"


def volley(sandbox, options, pair, zone_list, zone_settings, more=""):
    server = Volley(sandbox, options.build_dir, [f"af_xdp:{pair.SERVER_INTERFACE}"], zone_list, None, page_flags(options),
                    pair.server.enter, wait=False, defence=NO_DEFENCE + REMOTES + more, zone_settings=zone_settings,
                    enter_control=pair.server.enter)
    server.command = shlex.join(server.command)
    return server


def volley_secondary(sandbox, options, pair, name, more=""):
    """more: lines behind those of the zone."""
    return volley(sandbox, options, pair, [(name, None)], f"    primaries: [upstream]\n{more}")


def knot_secondary(sandbox, _options, pair, name, settings=""):
    """As it comes, it writes a zone file after each change, when it answers from the new version already."""
    return Knot(sandbox, pair.server, pair.SERVER_ADDRESS, settings,
                {name: "    master: upstream\n    acl: [transfer, upstream]\n"})


def nsd_secondary(sandbox, _options, pair, name):
    return Nsd(sandbox, pair.server, pair.SERVER_ADDRESS, f"""\
zone:
  name: "{name}"
  zonefile: "zone"
  request-xfr: {PRIMARY} NOKEY
  allow-notify: {PRIMARY} NOKEY
""")


SECONDARIES = {"volley": volley_secondary, "Knot DNS": knot_secondary, "NSD": nsd_secondary}
