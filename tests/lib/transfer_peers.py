# SPDX-License-Identifier: GPL-3.0-or-later
"""Other name servers as primaries and secondaries of Volley, each at an address of its own in the client's namespace.

A link is one zone that one peer and Volley have in one direction ("in": the peer is the primary) and by one way: plain,
tsig or xot.
"""
import itertools
import os
import shutil
import signal
import subprocess

import dns.query
import dns.rdatatype
import dns.tsigkeyring
import dns.xfr
import dns.zone

from net import CLIENT4, CLIENT_LINK, SERVER4
from volley import Process, wait_until

SEARCH = "/usr/sbin:/usr/bin:/sbin"
KEY, ALGORITHM, SECRET = "transfer.", "hmac-sha256", "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY="
KEYRING = dns.tsigkeyring.from_text({KEY: SECRET})
SERVER_NAME, PEER_NAME = "volley.test", "peer.test"

FIXED = r"""@ NS ns1
@ NS ns.elsewhere.
ns1 A 192.0.2.1
ns1 AAAA 2001:db8::1
@ MX 10 Mail
Mail A 192.0.2.2
@ TXT "one" "two; three" "\"quoted\" \200"
@ CAA 0 issue "ca.example"
*.wild 60 A 192.0.2.3
a\.dot TXT "escaped owner"
alias CNAME ns1
sub NS ns.sub
sub DS 12345 13 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
ns.sub A 192.0.2.4
dname DNAME elsewhere.
_sip._tcp SRV 1 2 5060 ns1
naptr NAPTR 100 10 "u" "E2U+sip" "!^.*$!sip:info@example.com!" .
_443._tcp.www TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
www SSHFP 1 1 0123456789abcdef0123456789abcdef01234567
https HTTPS 1 . alpn="h2" port=8443
odd TYPE65280 \# 4 01020304
"""


def zone_text(serial):
    """A zone that takes several messages; two versions differ in a few records."""
    lines = [f"$TTL 300\n@ SOA ns1 hostmaster {serial} 3600 600 1209600 60\n", FIXED]
    lines += [f"h{i} A 192.0.2.{i % 250}\nh{i} TXT \"{'x' * 120}\"\n" for i in range(400) if i % 7 != serial % 7]
    return "".join(lines)


def records(zone):
    """All of a dnspython zone, in canonical form."""
    return {(name.canonicalize().to_text(), rdata.rdtype, rdataset.ttl, rdata.to_digestable())
            for name, rdataset in zone.iterate_rdatasets() for rdata in rdataset}


def expected(name, serial):
    return records(dns.zone.from_text(zone_text(serial), name, relativize=False, check_origin=False))


def transfer(network, name, address=SERVER4, signed=False, zone=None):
    """AXFR; or IXFR from what `zone` has, which is changed."""
    zone = zone if zone is not None else dns.zone.Zone(name, relativize=False)
    query, _ = dns.xfr.make_query(zone, keyring=KEYRING if signed else None)
    with network.client.entered():
        dns.query.inbound_xfr(address, zone, query, lifetime=20)
    return zone


def transfer_again(network, name, address):
    """NSD resets connections when it goes over to a new version."""
    def tried():
        try:
            return transfer(network, name, address)
        except (ConnectionError, EOFError):
            return None

    return wait_until(tried, f"{name} from {address}", 20)


def serial_of(zone):
    return zone.get_rdataset(zone.origin, "SOA")[0].serial


def certificates(directory):
    """An authority, and certificates of Volley and the peers, by openssl(1)."""
    def openssl(*words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, cwd=directory)

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out",
            "ca.pem", "-days", 30, "-subj", "/CN=authority")
    for name, host in (("volley", SERVER_NAME), ("peer", PEER_NAME)):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out",
                f"{name}.csr", "-subj", f"/CN={host}")
        (directory / f"{name}.ext").write_text(f"subjectAltName=DNS:{host}\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", 30,
                "-out", f"{name}.pem", "-extfile", f"{name}.ext")


class Peer:
    """`ways` are {direction: ways that it has}; `sends_ixfr`: as a primary it can, and rightly."""

    name, program, number = "", "", 0
    ways = {"in": ("plain", "tsig"), "out": ("plain", "tsig")}
    sends_ixfr = True

    def __init__(self, network, directory):
        self.network, self.directory = network, directory / self.name
        self.certificates = directory
        self.address = f"10.53.0.{self.number}"
        self.directory.mkdir()
        network.client.ip("addr", "add", f"{self.address}/24", "dev", CLIENT_LINK)
        for name in self.zones("in"):
            self.file(name).write_text(zone_text(1))

    def links(self, direction):
        """(name, way) of each zone."""
        return [(f"{way}.{direction}.{self.name}.test.", way) for way in self.ways[direction]]

    def zones(self, direction):
        return [name for name, way in self.links(direction)]

    def file(self, name):
        return self.directory / f"{name}zone"

    def start(self):
        config = self.directory / f"{self.name}.conf"
        config.write_text(self.config())
        self.process = Process(self.name, self.network.client.command(shutil.which(self.program, path=SEARCH),
                                                                      *self.arguments(config)), self.directory / "log")

    def change(self, name, serial):
        """A new version of a zone that it is primary of; it sends NOTIFY."""
        self.file(name).write_text(zone_text(serial))
        self.reload(name)

    def reload(self, name):
        del name
        os.kill(self.process.pid, signal.SIGHUP)

    def stop(self):
        self.process.stop()


class Bind(Peer):
    name, program, number = "bind", "named", 21
    ways = {"in": ("plain", "tsig", "xot"), "out": ("plain", "tsig", "xot")}

    def arguments(self, config):
        return ["-f", "-g", "-n", 1, "-c", config]

    def config(self):
        zones = ""
        for name, way in self.links("in"):
            key = f" key {KEY}" if way == "tsig" else ""
            allow = {"plain": "allow-transfer { 10.53.0.0/24; };", "tsig": f"allow-transfer {{ key {KEY}; }};",
                     "xot": "allow-transfer port 853 transport tls { any; };"}[way]
            zones += (f'zone "{name}" {{ type primary; file "{self.file(name)}"; ixfr-from-differences yes; {allow}'
                      f" notify explicit; also-notify {{ {SERVER4}{key}; }}; }};\n")
        for name, way in self.links("out"):
            how = {"plain": "", "tsig": f" key {KEY}", "xot": " port 853 tls volley"}[way]
            zones += (f'zone "{name}" {{ type secondary; file "{self.file(name)}"; masterfile-format text;'
                      f" primaries {{ {SERVER4}{how}; }}; allow-transfer {{ any; }}; notify no; }};\n")
        home = self.certificates
        return f"""options {{
  directory "{self.directory}";
  pid-file none;
  session-keyfile none;
  listen-on {{ {self.address}; }};
  listen-on port 853 tls peer {{ {self.address}; }};
  listen-on-v6 {{ none; }};
  notify-source {self.address};
  transfer-source {self.address};
  recursion no;
  check-names primary ignore;
  min-refresh-time 1;
  min-retry-time 1;
  notify-delay 0;
  serial-query-rate 1000;
  dnssec-validation no;
}};
controls {{ }};
key "{KEY}" {{ algorithm {ALGORITHM}; secret "{SECRET}"; }};
tls peer {{ cert-file "{home}/peer.pem"; key-file "{home}/peer.key"; }};
tls volley {{ ca-file "{home}/ca.pem"; remote-hostname "{SERVER_NAME}"; }};
{zones}"""


class Nsd(Peer):
    """The IXFR that 4.6.1 makes of two zone files adds records of the apex that have not changed. Nobody can say what else
    is wrong with it then, and the whole zone is fetched."""

    name, program, number = "nsd", "nsd", 22
    ways = {"in": ("plain", "tsig"), "out": ("plain", "tsig", "xot")}
    sends_ixfr = False

    def arguments(self, config):
        return ["-d", "-c", config]

    def config(self):
        zones = ""
        for name, way in self.links("in"):
            key = KEY if way == "tsig" else "NOKEY"
            zones += (f'zone:\n  name: "{name}"\n  zonefile: "{self.file(name)}"\n  provide-xfr: 10.53.0.0/24 {key}\n'
                      f"  notify: {SERVER4} {key}\n  outgoing-interface: {self.address}\n  store-ixfr: yes\n"
                      "  create-ixfr: yes\n")
        for name, way in self.links("out"):
            key = KEY if way == "tsig" else "NOKEY"
            tls = " volley" if way == "xot" else ""
            zones += (f'zone:\n  name: "{name}"\n  zonefile: "{self.file(name)}"\n  request-xfr: {SERVER4} {key}{tls}\n'
                      f"  allow-notify: {SERVER4} NOKEY\n  allow-notify: {SERVER4} {KEY}\n"
                      f"  outgoing-interface: {self.address}\n  provide-xfr: 10.53.0.0/24 NOKEY\n"
                      "  max-retry-time: 1\n")
        return f"""server:
  ip-address: {self.address}
  server-count: 1
  username: ""
  database: ""
  pidfile: ""
  zonesdir: "{self.directory}"
  zonelistfile: "{self.directory}/zones"
  xfrdfile: "{self.directory}/xfrd"
  xfrdir: "{self.directory}"
  xfrd-reload-timeout: 0
  rrl-ratelimit: 0
  tls-cert-bundle: "{self.certificates}/ca.pem"
remote-control:
  control-enable: no
key:
  name: "{KEY}"
  algorithm: {ALGORITHM}
  secret: "{SECRET}"
tls-auth:
  name: volley
  auth-domain-name: "{SERVER_NAME}"
{zones}"""


class KnotDns(Peer):
    name, program, number = "knot", "knotd", 23

    def arguments(self, config):
        (self.directory / "db").mkdir()
        return ["-c", config]

    def config(self):
        zones = ""
        for name, way in self.links("in"):
            zones += (f'  - domain: "{name}"\n    file: "{self.file(name)}"\n    journal-content: all\n'
                      f"    zonefile-load: difference\n    zonefile-sync: -1\n    notify: {way}\n    acl: {way}\n")
        for name, way in self.links("out"):
            zones += (f'  - domain: "{name}"\n    file: "{self.file(name)}"\n    master: {way}\n'
                      f"    acl: [{way}, test]\n    retry-min-interval: 1\n")
        return f"""server:
  listen: {self.address}@53
  rundir: {self.directory}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 2
database:
  storage: {self.directory}/db
log:
  - target: stderr
    any: info
key:
  - id: {KEY}
    algorithm: {ALGORITHM}
    secret: {SECRET}
remote:
  - id: plain
    address: {SERVER4}@53
    via: {self.address}
  - id: tsig
    address: {SERVER4}@53
    via: {self.address}
    key: {KEY}
acl:
  - id: plain
    address: {SERVER4}
    action: [transfer, notify]
  - id: tsig
    key: {KEY}
    action: [transfer, notify]
  - id: test
    address: {CLIENT4}
    action: transfer
zone:
{zones}"""


class PowerDns(Peer):
    """With the backend that reads zone files. It answers IXFR with the whole zone."""

    name, program, number = "pdns", "pdns_server", 24
    sends_ixfr = False

    def arguments(self, config):
        self.keys(config)
        return [f"--config-dir={self.directory}", f"--config-name={self.name}"]

    def tool(self, program, *words):
        return subprocess.run([shutil.which(program, path=SEARCH), f"--config-dir={self.directory}",
                               f"--config-name={self.name}", *words], check=True, capture_output=True, timeout=60)

    def keys(self, config):
        """Which zone has the key is in a database."""
        config.rename(self.directory / f"pdns-{self.name}.conf")
        self.tool("pdnsutil", "create-bind-db", str(self.directory / "meta.sqlite3"))
        self.tool("pdnsutil", "import-tsig-key", KEY, ALGORITHM, SECRET)
        for direction, role in (("in", "primary"), ("out", "secondary")):
            for name, way in self.links(direction):
                if way == "tsig":
                    self.tool("pdnsutil", "activate-tsig-key", name, KEY, role)

    def settings(self):
        """With any backend."""
        return f"""\
local-address={self.address}
query-local-address={self.address}
primary=yes
secondary=yes
allow-axfr-ips=10.53.0.0/24
allow-notify-from={SERVER4}
also-notify={SERVER4}
only-notify=
xfr-cycle-interval=1
receiver-threads=1
distributor-threads=1
socket-dir={self.directory}
daemon=no
guardian=no
disable-syslog=yes
log-timestamp=no
loglevel=6
zone-cache-refresh-interval=0
setuid=
setgid=
security-poll-suffix=
"""

    def config(self):
        zones = "".join(f'zone "{name}" {{ type master; file "{self.file(name)}"; }};\n' for name in self.zones("in"))
        zones += "".join(f'zone "{name}" {{ type slave; file "{self.file(name)}"; masters {{ {SERVER4}; }}; }};\n'
                         for name in self.zones("out"))
        (self.directory / "named.conf").write_text(zones)
        return f"""launch=bind
bind-config={self.directory}/named.conf
bind-dnssec-db={self.directory}/meta.sqlite3
{self.settings()}"""

    def reload(self, name):
        self.tool("pdns_control", "bind-reload-now", name.rstrip("."))
        self.tool("pdns_control", "notify", name.rstrip("."))


class Unbound(Peer):
    """A resolver with an auth-zone. Nobody can transfer it from there."""

    name, program, number = "unbound", "unbound", 25
    ways = {"in": (), "out": ()}

    def arguments(self, config):
        return ["-d", "-p", "-c", config]

    def config(self):
        return f"""server:
  interface: {self.address}
  outgoing-interface: {self.address}
  access-control: 10.53.0.0/24 allow
  username: ""
  chroot: ""
  directory: "{self.directory}"
  pidfile: ""
  use-syslog: no
  logfile: ""
  verbosity: 2
  num-threads: 1
  do-ip6: no
  module-config: "iterator"
  local-zone: "test." nodefault
remote-control:
  control-enable: no
auth-zone:
  name: "out.unbound.test."
  primary: {SERVER4}
  allow-notify: {SERVER4}
  for-downstream: yes
  for-upstream: no
  fallback-enabled: no
  zonefile: "{self.directory}/zone"
"""


PEERS = (Bind, Nsd, KnotDns, PowerDns)
