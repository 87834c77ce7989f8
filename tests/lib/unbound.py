# SPDX-License-Identifier: GPL-3.0-or-later
"""Unbound as a validating resolver in the client's namespace, with one server as its only authority."""
import shutil

from net import SERVER4
from volley import Process

PROGRAM = shutil.which("unbound", path="/usr/sbin:/usr/bin:/sbin")
ADDRESS = "127.0.0.53"


def config_text(directory, zones, anchors):
    """`anchors` are DNSKEY records as text. Nothing is answered from what other answers have proved, so that each
    question reaches the server; and there is no root to ask for anything else."""
    trusted = "".join(f'  trust-anchor: "{anchor}"\n' for anchor in anchors)
    stubs = "".join(f'stub-zone:\n  name: "{zone}"\n  stub-addr: {SERVER4}\n' for zone in zones)
    return f"""server:
  interface: {ADDRESS}
  outgoing-interface: 10.53.0.2
  username: ""
  chroot: ""
  directory: "{directory}"
  pidfile: ""
  use-syslog: no
  logfile: ""
  verbosity: 1
  val-log-level: 2
  num-threads: 1
  do-ip6: no
  module-config: "validator iterator"
  qname-minimisation: no
  aggressive-nsec: no
  harden-referral-path: no
  msg-cache-size: 64m
  rrset-cache-size: 128m
  edns-buffer-size: 1232
  do-not-query-localhost: no
  local-zone: "test." nodefault
  access-control: 127.0.0.0/8 allow
{trusted}remote-control:
  control-enable: no
{stubs}"""


def start(network, directory, zones, anchors):
    """A Process that answers at ADDRESS in the client's namespace."""
    directory.mkdir(parents=True, exist_ok=True)
    config = directory / "unbound.conf"
    config.write_text(config_text(directory, zones, anchors))
    process = Process("unbound", network.client.command(PROGRAM, "-d", "-p", "-c", config), directory / "unbound.log")
    process.wait_for_log("start of service")
    return process
