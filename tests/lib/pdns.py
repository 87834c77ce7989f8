# SPDX-License-Identifier: GPL-3.0-or-later
"""PowerDNS with a database: its zones are made, changed and put into catalogs by its own tool."""
import sqlite3
import subprocess
from pathlib import Path

from net import SERVER4
from transfer_peers import PowerDns

SCHEMA = Path("/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql")


class PowerDnsDatabase(PowerDns):
    """It answers IXFR with the whole zone. As a secondary it asks for changes by IXFR."""

    name, number = "pdnsdb", 26
    ways = {"in": (), "out": ()}

    def __init__(self, network, directory):
        super().__init__(network, directory)
        self.database = self.directory / "zones.sqlite3"
        with sqlite3.connect(self.database) as made:
            made.executescript(SCHEMA.read_text())

    def start(self):
        """The configuration is there already when zones were made before."""
        self.configure()
        super().start()

    def configure(self):
        (self.directory / f"pdns-{self.name}.conf").write_text(self.config())

    def arguments(self, config):
        config.unlink()
        return [f"--config-dir={self.directory}", f"--config-name={self.name}"]

    def config(self):
        return f"""launch=gsqlite3
gsqlite3-database={self.database}
gsqlite3-pragma-synchronous=0
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
{self.settings()}"""

    def util(self, *words):
        try:
            return self.tool("pdnsutil", *words).stdout.decode()
        except subprocess.CalledProcessError as error:
            raise AssertionError(f"pdnsutil {words}: {error.stdout}{error.stderr}") from None

    def load(self, name, text):
        """A zone that it is primary of, new or another version."""
        self.file(name).write_text(f"$ORIGIN {name}\n{text}")
        self.util("load-zone", name, str(self.file(name)))
        self.util("set-kind", name, "primary")

    def add_secondary(self, name, kind="secondary"):
        """A zone that it fetches from Volley, with changes by IXFR; or, with the kind consumer, a catalog. PowerDNS fetches
        catalogs by AXFR alone."""
        with sqlite3.connect(self.database) as opened:
            number = opened.execute("INSERT INTO domains (name, master, type) VALUES (?, ?, ?)", (
                name.rstrip("."), SERVER4, {"secondary": "SLAVE", "consumer": "CONSUMER"}[kind])).lastrowid
            if kind == "secondary":
                opened.execute("INSERT INTO domainmetadata (domain_id, kind, content) VALUES (?, 'IXFR', '1')", (number,))

    def add_catalog(self, name):
        self.util("create-zone", name, "invalid.")
        self.util("set-kind", name, "producer")

    def notify(self, name):
        self.tool("pdns_control", "notify", name.rstrip("."))

    def zones(self, direction=None):
        """All zones; none with a direction, as this peer takes no part in the tests of single links."""
        return [] if direction else self.util("list-all-zones").split()
