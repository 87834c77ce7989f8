# SPDX-License-Identifier: GPL-3.0-or-later
"""NSD, Knot and BIND with the same zones, each at an address of its own in one namespace.

All are set up as the operator of a public authoritative server would: answers with no more than the client
needs, no recursion, no rate limit, UDP answers of at most 1232 octets, nothing told about the server itself,
and zones taken as they are (BIND's integrity checks are off: it would refuse what the others serve).
"""
import os
import shutil
import signal
import socket
import struct
import time

import nsd
from net import Namespace
from volley import Process

PAYLOAD = 1232
ADDRESSES = {"nsd": "127.0.0.11", "knot": "127.0.0.12", "bind": "127.0.0.13"}
SEARCH = "/usr/sbin:/usr/bin:/sbin"
PROGRAMS = {name: shutil.which(file, path=SEARCH) for name, file in
            (("nsd", "nsd"), ("knot", "knotd"), ("bind", "named"))}


def nsd_config(directory, zones):
    return nsd.config_text(directory, (ADDRESSES["nsd"],), zones, (
        "hide-version: yes", "hide-identity: yes", f"ipv4-edns-size: {PAYLOAD}", "tcp-count: 100"))


def knot_config(directory, zones):
    served = "".join(f'  - domain: "{name}"\n    file: "{file}"\n' for name, file in zones)
    return f"""server:
  listen: {ADDRESSES["knot"]}@53
  rundir: {directory}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
  udp-max-payload: {PAYLOAD}
  version: ""
  identity: ""
log:
  - target: stderr
    any: info
database:
  storage: {directory}/knot-db
template:
  - id: default
    semantic-checks: off
    zonefile-sync: -1
    journal-content: none
    zonefile-load: whole
zone:
{served}"""


def bind_config(directory, zones):
    served = "".join(f'zone "{name}" {{ type primary; file "{file}"; }};\n' for name, file in zones)
    return f"""options {{
  directory "{directory}";
  listen-on port 53 {{ {ADDRESSES["bind"]}; }};
  listen-on-v6 {{ none; }};
  pid-file none;
  session-keyfile none;
  recursion no;
  dnssec-validation no;
  minimal-responses yes;
  zero-no-soa-ttl no;
  notify no;
  version none;
  hostname none;
  server-id none;
  answer-cookie no;
  empty-zones-enable no;
  rrset-order {{ order none; }};
  edns-udp-size {PAYLOAD};
  max-udp-size {PAYLOAD};
  allow-transfer {{ none; }};
  check-names primary ignore;
  check-names secondary ignore;
  check-names response ignore;
  check-integrity no;
  check-mx ignore;
  check-mx-cname ignore;
  check-srv-cname ignore;
  check-sibling no;
  check-wildcard no;
  check-dup-records ignore;
  check-spf ignore;
  max-zone-ttl unlimited;
  max-records-per-type 0;
  max-types-per-name 0;
}};
controls {{ }};
logging {{ category default {{ default_stderr; }}; category query-errors {{ null; }}; category lame-servers {{ null; }};
  category security {{ null; }}; category client {{ null; }}; }};
view "internet" IN {{ {served} }};
view "chaos" CHAOS {{ }};  // in place of the built-in one, which answers 3 questions a second
"""


class Peers:
    """The three servers on one directory of zone files."""

    def __init__(self, directory, names=tuple(ADDRESSES)):
        self.directory = directory
        self.names = [name for name in names if PROGRAMS[name]]
        self.namespace = Namespace(f"vly-p{os.getpid()}-{id(self) & 0xffffff:x}")
        for name in self.names:
            self.namespace.ip("addr", "add", f"{ADDRESSES[name]}/32", "dev", "lo")
        self.processes = {}

    @property
    def client(self):
        """Where sockets to the servers are opened, as of a net.Network."""
        return self.namespace

    def start(self, zones):
        """`zones` are (name, file)."""
        for name in self.names:
            home = self.directory / name
            home.mkdir(exist_ok=True)
            config = home / f"{name}.conf"
            config.write_text(globals()[f"{name}_config"](home, zones))
            command = {"nsd": ["-d", "-c", config], "knot": ["-c", config],
                       "bind": ["-f", "-g", "-n", 1, "-c", config]}[name]
            self.processes[name] = Process(
                name, self.namespace.command(PROGRAMS[name], *command), home / f"{name}.log")

    def reload(self):
        """All read their zone files again; wait_for_serial() tells when they have."""
        for process in self.processes.values():
            os.kill(process.pid, signal.SIGHUP)

    def stop(self):
        for process in self.processes.values():
            process.kill()
        self.processes = {}

    def delete(self):
        self.stop()
        self.namespace.delete()


def serial(network, address, origin_wire):
    """The serial of a zone at a server, None when there is none, within a moment."""
    with network.client.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.3)
        client.connect((address, 53))
        try:
            client.send(struct.pack("!6H", 7, 0, 1, 0, 0, 0) + origin_wire + b"\0\6\0\1")
            message = client.recv(65535)
        except OSError:
            return None
    if struct.unpack_from("!H", message, 6)[0] == 0:
        return None
    return struct.unpack_from("!I", message, len(message) - 20)[0]


def wait_for_serial(network, address, origin_wire, wanted, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if serial(network, address, origin_wire) == wanted:
            return True
        time.sleep(0.005)
    return False
