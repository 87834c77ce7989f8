# SPDX-License-Identifier: GPL-3.0-or-later
"""Other name servers, started on the server's end of a veth pair: with one CPU, or (cpu None) with
all of them and as many threads as they choose. Without `wait` they are but started."""

from .sandbox import PerfError, run_tool

START_SECONDS = 900


KNOT_ONE_WORKER = """\
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
"""


def pin(cpu):
    return [] if cpu is None else ["taskset", "-c", str(cpu)]


class Knot:
    """Knot DNS in XDP mode."""

    NAME = "Knot DNS, XDP"
    MODULES = ""          # sections of modules
    GLOBAL_MODULE = None

    def __init__(self, sandbox, pair, zones, cpu, wait=True):
        self.cpu = cpu
        directory = sandbox.directory / "knot"
        directory.mkdir()
        config = directory / "knot.conf"
        workers = "" if cpu is None else KNOT_ONE_WORKER
        module_text = f"    global-module: {self.GLOBAL_MODULE}\n" if self.GLOBAL_MODULE else ""
        zone_text = "".join(f"  - domain: {name}\n    file: {path}\n" for name, path in zones)
        config.write_text(f"""\
server:
    rundir: {directory}
    user: root
    listen: {pair.SERVER_ADDRESS}@53
{workers}xdp:
    listen: {pair.SERVER_INTERFACE}@53
log:
  - target: stderr
    any: info
database:
    storage: {directory}
{self.MODULES}template:
  - id: default
    storage: {directory}
    zonefile-sync: -1
    journal-content: none
    semantic-checks: off
{module_text}zone:
{zone_text}""", encoding="ascii")
        self.command = [*pin(cpu), "knotd", "-c", str(config)]
        self.process = sandbox.start([*pair.server.enter, *self.command])
        self.processes = [self.process]
        if wait:
            self.wait_ready()

    def wait_ready(self):
        self.process.wait_for("server started", START_SECONDS)
        if "XDP" not in self.process.log():
            raise PerfError("knotd started without XDP")
        if self.cpu is not None:
            # it puts its workers where it likes: the only one onto the first CPU, the client's
            run_tool("taskset", "-a", "-c", "-p", self.cpu, self.process.popen.pid)

    def stop(self):
        self.process.stop()


class Nsd:
    NAME = "NSD"

    def __init__(self, sandbox, pair, zones, cpu, wait=True):
        directory = sandbox.directory / "nsd"
        directory.mkdir()
        config = directory / "nsd.conf"
        zone_text = "".join(f'zone:\n  name: "{name}"\n  zonefile: "{path}"\n'
                            for name, path in zones)
        config.write_text(f"""\
server:
  server-count: 1
  ip-address: {pair.SERVER_ADDRESS}
  username: ""
  chroot: ""
  zonesdir: "{directory}"
  database: ""
  pidfile: "{directory}/nsd.pid"
  xfrdfile: "{directory}/xfrd.state"
  xfrdir: "{directory}"
  zonelistfile: "{directory}/zone.list"
  rrl-ratelimit: 0
  minimal-responses: no
remote-control:
  control-enable: no
{zone_text}""", encoding="ascii")
        self.command = [*pin(cpu), "nsd", "-d", "-c", str(config)]
        self.process = sandbox.start([*pair.server.enter, *self.command])
        self.processes = [self.process]
        if wait:
            self.wait_ready()

    def wait_ready(self):
        self.process.wait_for("nsd started", START_SECONDS)

    def stop(self):
        self.process.stop()
