# SPDX-License-Identifier: GPL-3.0-or-later
"""Dynamic updates (RFC 2136) over TCP, signed by TSIG: their messages, the program that sends them (perf/updates.c), and
the servers that take them, each as it comes, on the same disk."""

import base64
import hashlib
import hmac
import ipaddress
import json
import struct
import time

from . import zones
from .sandbox import PerfError
from .volley import NO_DEFENCE, Volley, build_helper, page_flags

READY_SECONDS = 3600
FIRST_SECONDS = 600
SECRET_OCTETS = bytes(range(32))
SECRET = base64.b64encode(SECRET_OCTETS).decode()
KEY = "perf"
KEY_WIRE = zones.name_to_wire(f"{KEY}.")
ALGORITHM_WIRE = zones.name_to_wire("hmac-sha256.")
CLASS_ANY, TYPE_TSIG, FUDGE_SECONDS = 255, 250, 300
HEAD = struct.Struct("!HHHHHH")
UPDATE = 5 << 11


def message(number, zone, owner, address):
    """One that adds an A record; a signature holds for five minutes."""
    body = (zones.name_to_wire(zone) + struct.pack("!HH", 6, 1)
            + zones.name_to_wire(owner) + struct.pack("!HHIH", 1, 1, 300, 4) + ipaddress.IPv4Address(address).packed)
    head = HEAD.pack(number & 0xffff, UPDATE, 1, 0, 1, 0)
    now = struct.pack("!HI", 0, int(time.time())) + struct.pack("!H", FUDGE_SECONDS)
    signed = head + body + KEY_WIRE + struct.pack("!HI", CLASS_ANY, 0) + ALGORITHM_WIRE + now + b"\0\0\0\0"
    mac = hmac.digest(SECRET_OCTETS, signed, hashlib.sha256)
    data = ALGORITHM_WIRE + now + struct.pack("!H", len(mac)) + mac + struct.pack("!HHH", number & 0xffff, 0, 0)
    whole = (HEAD.pack(number & 0xffff, UPDATE, 1, 0, 1, 1) + body + KEY_WIRE
             + struct.pack("!HHIH", TYPE_TSIG, CLASS_ANY, 0, len(data)) + data)
    return struct.pack("!H", len(whole)) + whole


class Messages:
    """No two alike."""

    def __init__(self):
        self.made = 0

    def write(self, path, cnt, zone_and_owner=lambda number: (zones.ORIGIN, f"u{number}.{zones.ORIGIN}")):
        with open(path, "wb") as out:
            for _ in range(cnt):
                self.made += 1
                out.write(message(self.made, *zone_and_owner(self.made), zones.address(self.made & 0xffff)))
        return path


def start(sandbox, options, pair, path, clients, seconds, interval_us=0):
    return sandbox.start([*pair.client.enter, build_helper(options.build_dir, "updates"), "--server", pair.SERVER_ADDRESS,
                          "--messages", path, "--clients", clients, "--seconds", seconds, "--interval-us", interval_us])


def send_first(sandbox, options, pair, made):
    """One update, whose time is not counted: a server may take seconds for the first one in a large zone."""
    file = made.write(sandbox.directory / "first", 1)
    read(start(sandbox, options, pair, file, 1, FIRST_SECONDS).wait_end(FIRST_SECONDS + 60))


def read(log):
    """Milliseconds of each update that was acknowledged, and the seconds that all took."""
    told = json.loads(log.splitlines()[-1])
    if not told["us"]:
        raise PerfError("no update was acknowledged")
    return [us / 1000 for us in told["us"]], told["seconds"], told["left"]


def percentiles(times):
    ordered = sorted(times)
    return {"median": round(ordered[len(ordered) // 2], 2), "p99": round(ordered[len(ordered) * 99 // 100], 2)}


class OurUpdates(Volley):
    def __init__(self, sandbox, options, pair, zone_list, cpus=None, idle="sleep"):
        settings = f"    update:\n      - key: {KEY}\n"
        keys = f"keys:\n  - name: {KEY}\n    secret: {SECRET}\n"
        super().__init__(sandbox, options.build_dir, [f"af_xdp:{pair.SERVER_INTERFACE}"], zone_list, cpus,
                         ["--idle", idle, *page_flags(options)], pair.server.enter, defence=NO_DEFENCE + keys,
                         zone_settings=settings)


class KnotUpdates:
    def __init__(self, sandbox, options, pair, zone_list):
        del options
        directory = sandbox.directory / "knot"
        directory.mkdir()
        config = directory / "knot.conf"
        zone_text = "".join(f"  - domain: {name}\n    file: {path}\n" for name, path in zone_list)
        config.write_text(f"""\
server:
    rundir: {directory}
    user: root
    listen: {pair.SERVER_ADDRESS}@53
log:
  - target: stderr
    any: info
database:
    storage: {directory}
    journal-db-max-size: 16G
key:
  - id: {KEY}
    algorithm: hmac-sha256
    secret: {SECRET}
acl:
  - id: updates
    key: {KEY}
    action: update
template:
  - id: default
    storage: {directory}
    zonefile-sync: -1
    acl: updates
zone:
{zone_text}""", encoding="ascii")
        self.process = sandbox.start([*pair.server.enter, "knotd", "-c", config])
        self.process.wait_for(r"loaded, serial|server started", READY_SECONDS)


class BindUpdates:
    def __init__(self, sandbox, options, pair, zone_list):
        del options
        directory = sandbox.directory / "named"
        directory.mkdir()
        config = directory / "named.conf"
        zone_text = "".join(f'zone "{name}" {{ type primary; file "{path}"; allow-update {{ key {KEY}; }}; }};\n'
                            for name, path in zone_list)
        config.write_text(f"""\
options {{ directory "{directory}"; pid-file none; session-keyfile none; listen-on {{ {pair.SERVER_ADDRESS}; }};
          listen-on-v6 {{ none; }}; recursion no; }};
controls {{ }};
key {KEY} {{ algorithm hmac-sha256; secret "{SECRET}"; }};
{zone_text}""", encoding="ascii")
        self.process = sandbox.start([*pair.server.enter, "named", "-g", "-c", config])
        self.process.wait_for(r"all zones loaded", READY_SECONDS)


SERVERS = {"volley": OurUpdates, "Knot DNS": KnotUpdates, "BIND": BindUpdates}
