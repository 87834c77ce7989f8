# SPDX-License-Identifier: GPL-3.0-or-later
"""Volley in a guest: started, asked and ended from outside."""
import json

from volley import CONTROL, READY, VOLLEYCTL, small_zone, yaml_value

START_SECONDS = 180
STOP_SECONDS = 60
DIRECTORY = "/tmp/volley"
# Runs a program in the background with its log, its number and its exit status in files.
SPAWN = """
cd $1 && rm -f $2.status && : >$2.log
name=$2; shift 2
{ "$@" >$name.log 2>&1 & echo $! >$name.pid; wait $!; echo $? >$name.status; } </dev/null >/dev/null 2>&1 &
until [ -s $name.pid ]; do sleep 0.02; done
"""


class Served:
    """A dataplane with these ports, and a control with one zone."""

    def __init__(self, lab, ports, listen, settings=None):
        self.lab = lab
        self.dataplane_settings = {
            "socket": f"{DIRECTORY}/dataplane.sock", "ports": ports, "listen": listen,
            # without KVM, a machine stands still at times
            "watchdog-ms": 20000} | (settings or {})
        lab.sh(f"rm -rf {DIRECTORY}; mkdir {DIRECTORY}")
        self.write_zone(1)
        lab.write(f"{DIRECTORY}/volley.yaml", self._config())

    def _config(self):
        control = {"socket": f"{DIRECTORY}/control.sock", "state-dir": f"{DIRECTORY}/state"}
        lines = ["control:", *(f"  {key}: {yaml_value(value)}" for key, value in control.items())]
        lines += ["dataplane:", *(f"  {key}: {yaml_value(value)}" for key, value in self.dataplane_settings.items())]
        lines += ["defence:", '  allow: ["0.0.0.0/0", "::/0"]']
        lines += ["zones:", "  - name: test.", f"    file: {DIRECTORY}/test.zone"]
        return "\n".join(lines) + "\n"

    def write_zone(self, serial):
        text = small_zone(serial, f"www A 192.0.2.{serial}", f"www AAAA 2001:db8::{serial}")
        self.lab.write(f"{DIRECTORY}/test.zone", text)

    def spawn(self, name, *command):
        self.lab.sh(SPAWN, DIRECTORY, name, *command)

    def wait_for_log(self, name, pattern):
        """Fails when the program ends, or does not say so in time."""
        status = self.lab.machine.wait(f"{DIRECTORY}/{name}.log", pattern, f"{DIRECTORY}/{name}.status", START_SECONDS)
        why = {1: "ended", 2: "is silent"}.get(status)
        assert status == 0, f"{name} {why}, no {pattern!r} in:\n{self.log(name)}"

    def log(self, name):
        return self.lab.machine.run("cat", f"{DIRECTORY}/{name}.log").stdout

    def spawn_dataplane(self):
        self.spawn("dataplane", VOLLEYCTL, "exec", "dataplane", "--config", f"{DIRECTORY}/volley.yaml")

    def start(self):
        self.spawn_dataplane()
        self.spawn("control", CONTROL, "--config", f"{DIRECTORY}/volley.yaml")
        self.wait_for_log("dataplane", READY)
        self.wait_for_log("control", READY)
        return self

    def restart_dataplane(self):
        self.spawn_dataplane()
        self.wait_for_log("dataplane", READY)

    def wait_for_end(self, name):
        """The program's exit status."""
        path = f"{DIRECTORY}/{name}.status"
        found = self.lab.machine.wait(path, r"\d\n", f"{DIRECTORY}/never", STOP_SECONDS)
        assert found == 0, f"{name} does not end:\n{self.log(name)}"
        return int(self.lab.sh("cat $1", path))

    def kill(self, name, signal):
        """The exit status that this leads to."""
        self.lab.sh("kill -$3 $(cat $1/$2.pid)", DIRECTORY, name, signal)
        return self.wait_for_end(name)

    def stop(self):
        """The exit statuses of those that still ran."""
        running = [name for name in ("dataplane", "control")
                   if self.lab.machine.run("sh", "-c", "cd $1 && [ -s $2.pid ] && [ ! -e $2.status ]", "sh",
                                           DIRECTORY, name).returncode == 0]
        return {name: self.kill(name, "TERM") for name in running}

    def ctl(self, *arguments):
        return self.lab.machine.output(VOLLEYCTL, "--socket", f"{DIRECTORY}/control.sock", *arguments)

    def stats(self):
        return json.loads(self.ctl("--json", "stats"))

    def preflight(self):
        """The results of all checks."""
        ended = self.lab.machine.run(VOLLEYCTL, "--json", "preflight", "--config", f"{DIRECTORY}/volley.yaml")
        return json.loads(ended.stdout)["checks"]
