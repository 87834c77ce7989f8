# SPDX-License-Identifier: GPL-3.0-or-later
"""Knot DNS as the primary of zones."""
import shutil
import subprocess

from volley import Process, wait_until

PROGRAM = shutil.which("knotd", path="/usr/sbin:/usr/bin:/sbin")
CONTROL = shutil.which("knotc", path="/usr/sbin:/usr/bin:/sbin")
CONFIG = """server:
  listen: {address}@53
  rundir: {directory}/run
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: {directory}/db
log:
  - target: stderr
    any: info
{keys}remote:
  - id: secondary
    address: {secondary}@53
{remote_key}acl:
  - id: transfer
    address: 0.0.0.0/0
    action: [transfer]
{acl_key}zone:
{zones}"""
ZONE = """  - domain: {name}
    file: {file}
    journal-content: all
    zonefile-load: difference
    zonefile-sync: -1
    notify: secondary
    acl: transfer
"""


class Knot:
    """Runs in a namespace; `zones` are {name: text}. `key` is (name, algorithm, secret) or None."""

    def __init__(self, namespace, directory, address, secondary, zones, key=None):
        self.namespace, self.directory, self.address = namespace, directory, address
        directory.mkdir(exist_ok=True)
        for name in ("run", "db"):
            (directory / name).mkdir(exist_ok=True)
        for name, text in zones.items():
            self.file(name).write_text(text)
        name, algorithm, secret = key or ("", "", "")
        self.config = directory / "knot.conf"
        self.config.write_text(CONFIG.format(
            address=address, directory=directory, secondary=secondary,
            keys=f"key:\n  - id: {name}\n    algorithm: {algorithm}\n    secret: {secret}\n" if key else "",
            remote_key=f"    key: {name}\n" if key else "", acl_key=f"    key: {name}\n" if key else "",
            zones="".join(ZONE.format(name=name, file=self.file(name)) for name in zones)))
        self.start()

    def file(self, name):
        return self.directory / f"{name}zone"

    def start(self):
        self.process = Process("knotd", self.namespace.command(PROGRAM, "-c", self.config), self.directory / "knot.log")
        wait_until(lambda: self.knotc("status", check=False).returncode == 0, "knotd runs")

    def knotc(self, *words, check=True):
        return subprocess.run([CONTROL, "-c", self.config, *words], check=check, capture_output=True, text=True,
                              timeout=60)

    def change(self, name, *changes):
        """One transaction of (what, words...), such as ("zone-set", "www", "300", "A", "192.0.2.1")."""
        self.knotc("zone-begin", name)
        for what, *words in changes:
            self.knotc(what, name, *words)
        self.knotc("zone-commit", name)

    def stop(self):
        self.process.stop()
