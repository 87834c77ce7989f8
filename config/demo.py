# SPDX-License-Identifier: GPL-3.0-or-later
"""Volley on a veth pair, alive in a network namespace, for as long as one likes to look at it.

The server's end of the pair is in a namespace of its own, so that this machine's kernel routes queries
over the pair and does not answer them by itself; in the namespace, the kernel goes on answering
ARP, neighbour discovery and ping. Started by config/demo, which installs and builds first.
"""
import argparse
import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
BUILD = Path(os.environ.get("VOLLEY_BUILD", HERE.parent / "build")).resolve()
STATE = Path("/run/volley-demo")
NAMESPACE = "volley-demo"
CLIENT_LINK, SERVER_LINK = "volley-demo0", "volley-demo1"
ADDRESSES = ("10.53.0.1", "fd53::1")
CONTROL_SOCKET = STATE / "control.sock"

# How long the slowest start may take: a zone of ten million names on a small machine.
READY_SECONDS = 300
STOP_SECONDS = 10

EXAMPLE_ZONES = [
    ("example.", HERE / "zones/example.zone"),
    ("2.0.192.in-addr.arpa.", HERE / "zones/2.0.192.zone"),
]
EXAMPLE_QUESTIONS = [
    ("www.example.", "A"), ("chain.example.", "AAAA"), ("host.child.example.", "A"),
    ("nothing.example.", "A"), ("80.2.0.192.in-addr.arpa.", "PTR"),
]


class DemoError(Exception):
    """What went wrong, for the person in front of the terminal."""


def say(text):
    print(text, flush=True)


def arguments():
    parser = argparse.ArgumentParser(
        prog="config/demo",
        description="Serves zones through AF_XDP on a veth pair: 10.53.0.1 and fd53::1, port 53, seen "
                    "from this machine. Ctrl-C ends it and removes all it made.",
        epilog=f"While it runs, sockets, configuration and logs are in {STATE}: "
               f"build/control/volleyctl --socket {CONTROL_SOCKET} status")
    parser.add_argument("--once", action="store_true", help="show the first answers, then exit")
    parser.add_argument("--zone", action="append", default=[], metavar="NAME=FILE",
                        help="serve this zone instead of the examples (repeatable)")
    parser.add_argument("--config", type=Path, metavar="FILE",
                        help="serve the zones of this configuration, with its settings; "
                             "ports, addresses, CPUs and sockets stay the demo's")
    parser.add_argument("--no-install", action="store_true", help="install no packages")
    parser.add_argument("--peer", choices=("knot", "nsd"),
                        help="run Knot DNS in XDP mode, or NSD, on the same pair instead of Volley")
    return parser.parse_args()


def zones_of(args, config):
    """(name, absolute path) of all zones to serve."""
    zones = []
    for zone in config.get("zones") or []:
        zones.append((str(zone["name"]), (args.config.parent / zone["file"]).resolve()))
    for text in args.zone:
        name, separator, file = text.partition("=")
        if not separator or not name or not file:
            raise DemoError(f"--zone {text}: give it as NAME=FILE")
        zones.append((name, Path(file).resolve()))
    zones = zones or EXAMPLE_ZONES
    for name, file in zones:
        if not os.access(file, os.R_OK):
            raise DemoError(f"zone {name}: can't read {file}")
    return [(name if name.endswith(".") else name + ".", file) for name, file in zones]


def volley_config(config, zones):
    """The caller's settings, but on the demo's port, with the demo's sockets."""
    dataplane = dict(config.get("dataplane") or {})
    for key in ("cpus", "listen"):
        dataplane.pop(key, None)
    dataplane.update({"socket": str(STATE / "dataplane.sock"), "ports": [f"af_xdp:{SERVER_LINK}"]})
    control = dict(config.get("control") or {})
    control.update({"socket": str(CONTROL_SOCKET), "state-dir": str(STATE / "state")})
    zones = [{"name": name, "file": str(file)} for name, file in zones]
    # this machine is the one client, and may be a load generator: no limit would spare it
    defence = config.get("defence") or {"allow": ["10.53.0.0/24", "fd53::/64"]}
    merged = dict(config, control=control, dataplane=dataplane, defence=defence, zones=zones)
    return yaml.safe_dump(merged, sort_keys=False)


def knot_config(zones):
    served = "".join(f"  - domain: {name}\n    file: {file}\n" for name, file in zones)
    return f"""server:
    rundir: {STATE}
    listen: [ {", ".join(f"{address}@53" for address in ADDRESSES)} ]
xdp:
    listen: {SERVER_LINK}
control:
    listen: {STATE}/knot.sock
database:
    storage: {STATE}
log:
  - target: stderr
    any: info
template:
  - id: default
    storage: {STATE}
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
zone:
{served}"""


def nsd_config(zones):
    served = "".join(f'zone:\n  name: "{name}"\n  zonefile: "{file}"\n' for name, file in zones)
    listen = "".join(f"  ip-address: {address}\n" for address in ADDRESSES)
    return f"""server:
{listen}  server-count: 1
  username: ""
  database: ""
  pidfile: ""
  zonesdir: "{STATE}"
  zonelistfile: "{STATE}/nsd.zones"
  xfrdfile: "{STATE}/nsd.xfrd"
  xfrdir: "{STATE}"
  minimal-responses: yes
remote-control:
  control-enable: no
{served}"""


def ip(*words):
    subprocess.run(["ip", *words], check=True)


@contextlib.contextmanager
def only_demo():
    """The state directory, locked for the life of this process: there is one demo on a machine."""
    locked = None
    # A demo that ends just now removes the directory from under our lock: then once more.
    while not (locked and STATE.exists() and os.path.samestat(os.fstat(locked), STATE.stat())):
        STATE.mkdir(mode=0o700, exist_ok=True)
        locked = os.open(STATE, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(locked, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoError(f"another demo runs already, see {STATE}") from None
    try:
        remove_network("what a killed demo left behind")
        yield
    finally:
        remove_network()
        shutil.rmtree(STATE, ignore_errors=True)


def remove_network(why=None):
    """Removes pair and namespace, whoever made them; says so when it is given a reason."""
    link = Path("/sys/class/net", CLIENT_LINK).exists()
    namespace = Path("/run/netns", NAMESPACE).exists()
    if why and (link or namespace):
        say(f"removing {why}")
        for child in STATE.iterdir():
            shutil.rmtree(child) if child.is_dir() else child.unlink()
    if namespace:
        wait_for_empty_namespace()
    # The link goes while both its ends have names; the namespace alone would take its time.
    if link:
        ip("link", "del", CLIENT_LINK)
    if namespace:
        ip("netns", "del", NAMESPACE)


def wait_for_empty_namespace():
    """Servers end when their demo dies (see Server), but not before its lock is free."""
    deadline = time.monotonic() + STOP_SECONDS
    while pids := subprocess.run(["ip", "netns", "pids", NAMESPACE], capture_output=True, text=True,
                                 check=True).stdout.split():
        if time.monotonic() > deadline:
            raise DemoError(f"processes {', '.join(pids)} still run in namespace {NAMESPACE}: stop them")
        time.sleep(0.05)


def make_network():
    ip("netns", "add", NAMESPACE)
    ip("link", "add", CLIENT_LINK, "type", "veth", "peer", "name", SERVER_LINK, "netns", NAMESPACE)
    for where, link, host in (([], CLIENT_LINK, 2), (["-n", NAMESPACE], SERVER_LINK, 1)):
        ip(*where, "addr", "add", f"10.53.0.{host}/24", "dev", link)
        # nodad: fd53::1 is to answer at once, and nobody else is on this wire
        ip(*where, "addr", "add", f"fd53::{host}/64", "dev", link, "nodad")
        ip(*where, "link", "set", link, "up")
    ip("-n", NAMESPACE, "link", "set", "lo", "up")


@contextlib.contextmanager
def undisturbed():
    """A signal waits until the block has ended: else a server that has just started would not be stopped."""
    came = []
    handlers = {number: signal.signal(number, lambda *signal_: came.append(signal_))
                for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    if came:
        end_by_signal(*came[0])


class Server:
    """A process that ends with this one, even when this one is killed."""

    def __init__(self, name, *command):
        self.name = name
        self.log = STATE / f"{name}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *map(str, command)], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True, env=environment())

    def check(self):
        code = self.process.poll()
        if code is not None:
            lines = self.log.read_text(errors="replace").splitlines()[-10:]
            raise DemoError("\n  ".join([f"{self.name} ended with {code}:", *lines]))

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            say(f"{self.name} does not end: killing it")
            self.process.kill()
            self.process.wait()


def environment():
    """volleyctl finds the dataplane of this build; Debian keeps servers in sbin."""
    path = [str(BUILD / "control"), str(BUILD / "dataplane"), os.environ.get("PATH", ""), "/usr/sbin"]
    # DPDK's run-time directory goes with ours, even when the dataplane is killed
    return dict(os.environ, PATH=":".join(path), RUNTIME_DIRECTORY=str(STATE))


# `ip netns exec` would hide /sys/fs/bpf.
IN_NAMESPACE = ["nsenter", f"--net=/run/netns/{NAMESPACE}"]


def start(servers, name, *command):
    with undisturbed():
        servers.append(Server(name, *command))


def start_servers(args, config, zones, servers):
    """Starts what was asked for; `servers` is filled as they start, so that each is stopped."""
    file = STATE / (args.peer or "volley")
    if args.peer == "knot":
        file.write_text(knot_config(zones))
        start(servers, "knotd", *IN_NAMESPACE, "knotd", "-c", file)
    elif args.peer == "nsd":
        file.write_text(nsd_config(zones))
        start(servers, "nsd", *IN_NAMESPACE, "nsd", "-d", "-c", file)
    else:
        file = file.with_suffix(".yaml")
        file.write_text(volley_config(config, zones))
        start(servers, "volley-dataplane", *IN_NAMESPACE, "volleyctl", "exec", "dataplane", "--config", file)
        start(servers, "volley-control", "volley-control", "--config", file)


def soa_query(zone):
    labels = [label for label in zone.split(".") if label]
    name = b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"
    return b"\x53\x53\0\0\0\1\0\0\0\0\0\0" + name + b"\0\6\0\1"


def answers(address, query):
    """Whether the server answers with authority."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.settimeout(0.2)
        try:
            client.connect((address, 53))
            client.send(query)
            response = client.recv(65535)
        except OSError:
            return False
    return len(response) >= 12 and response[:2] == query[:2] and response[3] & 15 == 0


def volleyctl(command):
    """The answer of control to a command, or None while it does not listen yet."""
    result = subprocess.run(["volleyctl", "--socket", CONTROL_SOCKET, "--json", command],
                            capture_output=True, text=True, check=False, env=environment())
    return json.loads(result.stdout) if result.returncode == 0 else None


def check_zones():
    """A zone that does not load is never answered: no use to wait for it."""
    for failure in (volleyctl("status") or {}).get("failed", []):
        raise DemoError("zone {zone} {file}:{line}: {error}".format(**failure))


def wait_until_ready(servers, zones, check):
    deadline = time.monotonic() + READY_SECONDS
    for name, _ in zones:
        for address in ADDRESSES:
            while not answers(address, soa_query(name)):
                for server in servers:
                    server.check()
                check()
                if time.monotonic() > deadline:
                    raise DemoError(f"no answer for {name} from {address} in {READY_SECONDS} s; "
                                    f"logs are in {STATE} until you press Ctrl-C")
                time.sleep(0.05)


def dig(address, name, rrtype, *options):
    command = ["dig", f"@{address}", name, rrtype, "+norecurse", "+tries=1", "+time=2", *options]
    say("$ " + " ".join(command))
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise DemoError(f"dig: {result.stdout.strip() or result.stderr.strip()}")
    say(re.sub(r"\n{2,}", "\n", result.stdout).strip("\n") + "\n")


def show_answers(zones):
    """The first answers, over IPv4 and IPv6 in turn."""
    questions = EXAMPLE_QUESTIONS if zones == EXAMPLE_ZONES else [(name, "SOA") for name, _ in zones[:4]]
    brief = ("+nocmd", "+nostats", "+noquestion", "+nocookie")
    for address in ADDRESSES:
        for name, rrtype in questions:
            dig(address, name, rrtype, *brief)


def volley_counters():
    """Packets that the lcores took and gave, and those the XDP program sent to them."""
    stats = volleyctl("stats")
    if not stats:
        raise DemoError("volleyctl stats gave no counters")
    return {"lcores received": stats["totals"]["rx_packets"],
            "lcores sent": stats["totals"]["tx_packets"],
            "XDP program sent to lcores": sum(port["xdp_verdicts"]["serve"] for port in stats["ports"])}


def kernel_counters():
    """UDP datagrams over both families that the namespace's kernel saw, with or without a socket."""
    files = ["/proc/net/snmp", "/proc/net/snmp6"]
    text = subprocess.run([*IN_NAMESPACE, "cat", *files], capture_output=True, text=True,
                          check=True).stdout
    header, values = (line.split() for line in text.splitlines() if line.startswith("Udp:"))
    udp4 = dict(zip(header, values))
    udp6 = dict(line.split() for line in text.splitlines() if line.startswith("Udp6"))
    return {"kernel's UDP received": int(udp4["InDatagrams"]) + int(udp6["Udp6InDatagrams"]),
            "kernel's UDP without a socket": int(udp4["NoPorts"]) + int(udp6["Udp6NoPorts"])}


def settled_counters():
    """XDP counters are copied every 100 ms: wait for that."""
    time.sleep(0.3)
    return volley_counters() | kernel_counters()


def show_proof(zones):
    """Shows the answers between two looks at the counters."""
    before = settled_counters()
    show_answers(zones)
    after = settled_counters()
    say("While these were answered, packets counted by:")
    for what, value in after.items():
        say(f"  {what:<30} {value - before[what]:>6}")
    say("")


def serve(args, config, zones):
    servers = []
    try:
        make_network()
        start_servers(args, config, zones, servers)
        wait_until_ready(servers, zones, (lambda: None) if args.peer else check_zones)
        if args.peer:
            show_answers(zones)
        else:
            show_proof(zones)
        if args.once:
            return
        say("ready")
        while True:
            time.sleep(0.5)
            for server in servers:
                server.check()
    finally:
        # What follows is short and must not be cut short.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for server in reversed(servers):
            server.stop()


def end_by_signal(number, _frame):
    sys.exit(0 if number == signal.SIGINT else 128 + number)


def main():
    args = arguments()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end_by_signal)
    try:
        config = yaml.safe_load(args.config.read_text()) or {} if args.config else {}
        zones = zones_of(args, config)
        with only_demo():
            serve(args, config, zones)
    except (DemoError, OSError, yaml.YAMLError, subprocess.CalledProcessError) as error:
        sys.exit(f"demo: {error}")


if __name__ == "__main__":
    main()
