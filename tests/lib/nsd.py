# SPDX-License-Identifier: GPL-3.0-or-later
"""NSD with the same zones on a network of its own, as the reference."""
import shutil

from net import SERVER4, SERVER6
from volley import Process

PROGRAM = shutil.which("nsd", path="/usr/sbin:/usr/bin:/sbin")


def config_text(directory, addresses, zones, more=()):
    """`zones` are (name, file), `more` lines for the server clause. minimal-responses, or positive
    answers would bring the zone's name servers, too; no rate limit, since everything is asked."""
    listen = "".join(f"  ip-address: {address}\n" for address in addresses)
    options = "".join(f"  {line}\n" for line in more)
    served = "".join(f'zone:\n  name: "{name}"\n  zonefile: "{file}"\n' for name, file in zones)
    return f"""server:
{listen}{options}  server-count: 1
  username: ""
  database: ""
  pidfile: ""
  zonesdir: "{directory}"
  zonelistfile: "{directory}/nsd.zones"
  xfrdfile: "{directory}/nsd.xfrd"
  xfrdir: "{directory}"
  minimal-responses: yes
  rrl-ratelimit: 0
remote-control:
  control-enable: no
{served}"""


def start(network, directory, zones):
    """Starts NSD; `zones` are (name, file)."""
    config = directory / "nsd.conf"
    config.write_text(config_text(directory, (SERVER4, SERVER6), zones))
    return Process("nsd", network.server.command(PROGRAM, "-d", "-c", config), directory / "nsd.log")
