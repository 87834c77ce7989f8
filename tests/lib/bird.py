# SPDX-License-Identifier: GPL-3.0-or-later
"""BIRD, as a BGP speaker of one session."""
import subprocess

from volley import Process, wait_until

HOLD_SECONDS = 6
CONFIG = """
router id {ours};
protocol device {{ scan time 1; }}
protocol kernel {{ ipv4 {{ import none; export where source = RTS_BGP; }}; }}
protocol static {{ ipv4; {routes} }}
protocol bgp session {{
	local {ours} as {our_as};
	neighbor {theirs} as {their_as};
	hold time {hold};
	keepalive time {keepalive};
	connect retry time 1;
	connect delay time 1;
	error wait time 1, 1;
	ipv4 {{ import all; export where source = RTS_STATIC; }};
}}
"""


class Bird:
    """Runs in a namespace until stop(); `routes` are prefixes that it announces."""

    def __init__(self, namespace, directory, ours, theirs, our_as, their_as, routes=()):
        self.socket = directory / f"bird{our_as}.ctl"
        config = directory / f"bird{our_as}.conf"
        config.write_text(CONFIG.format(
            ours=ours, theirs=theirs, our_as=our_as, their_as=their_as, hold=HOLD_SECONDS, keepalive=HOLD_SECONDS // 3,
            routes=" ".join(f"route {route} unreachable;" for route in routes)))
        self.process = Process("bird", namespace.command("bird", "-f", "-c", config, "-s", self.socket),
                               directory / f"bird{our_as}.log")

    def session(self):
        """The line of the session: its state, and since when."""
        shown = subprocess.run(["birdc", "-s", self.socket, "show", "protocols", "session"], check=False,
                               capture_output=True, text=True)
        return shown.stdout.splitlines()[-1] if shown.stdout else ""

    def wait_until_established(self):
        wait_until(lambda: "Established" in self.session(), self.session)

    def stop(self):
        self.process.stop()
