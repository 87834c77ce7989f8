# SPDX-License-Identifier: GPL-3.0-or-later
"""What an attacker gains who asks in a victim's name: octets out for each octet in, at the wire.

kxdpgun asks as fast as it can, from all addresses of one /24, for the largest responses that a zone
has. Volley has an AF_XDP port and its default limits; then, to see them alone, those of responses
only; then none. Octets are those that the client's interface sent and received, Ethernet headers
included; beside them, those of the DNS messages alone. The ratio is the worst of all with limits on.
"""

import dataclasses
import json
import pathlib
import shlex
import time

from . import clients, zones
from .afxdp_case import CLIENT_CPU, CPUS
from .measure import TARGETS, progress
from .sandbox import PerfError, Sandbox, VethPair
from .volley import NO_DEFENCE, Volley, page_flags

VICTIM = "10.77.7.0/24"
SECONDS = 60
HEADERS = 14 + 20 + 8
UNIT = "octets out per octet in"

ZONE = "worst.example."


def zone_lines():
    """A TXT RRset of 1,200 octets, a name with as much in many RRsets, and a delegation to 13
    servers: as large as a response over UDP may be, 1,232 octets."""
    yield f"$ORIGIN {ZONE}\n$TTL 3600\n@ SOA ns1 host 1 7200 3600 1209600 300\n@ NS ns1\n"
    yield "ns1 A 192.0.2.1\n"
    for number in range(6):
        yield f'text TXT "{number}{"x" * 182}"\n'
    for number in range(9):
        yield (f"many A 192.0.2.{number}\nmany AAAA 2001:db8::{number}\n"
               f'many MX {number} mail{number}\nmany TXT "{number}{"y" * 45}"\n')
    for number in range(13):
        yield f"cut NS ns{number}.cut\nns{number}.cut A 192.0.2.{number}\n"
        yield f"ns{number}.cut AAAA 2001:db8::{number:x}\n"


ON, RESPONSES, OFF = "on", "on without source rates", "off"
SIDES = {ON: "", RESPONSES: "defence:\n  source-rate:\n    mode: off\n", OFF: NO_DEFENCE}

QUESTIONS = {"TXT": "text TXT", "ANY": "many ANY", "referral": "www.cut A"}


@dataclasses.dataclass
class Octets:
    sent: int
    received: int
    sent_packets: int
    received_packets: int

    def ratio(self):
        return self.received / self.sent

    def message_ratio(self):
        return ((self.received - self.received_packets * HEADERS)
                / (self.sent - self.sent_packets * HEADERS))


def read_interface(pair):
    """What the client's end has sent and received so far."""
    link = pair.client.ip("-s", "-j", "link", "show", pair.CLIENT_INTERFACE)
    stats = json.loads(link)[0]["stats64"]
    return (stats["tx"]["bytes"], stats["rx"]["bytes"], stats["tx"]["packets"],
            stats["rx"]["packets"])


def attack(options, seconds, question, defence):
    """Octets of one attack, its stats, and the server's command line."""
    with Sandbox() as sandbox:
        zone = pathlib.Path(sandbox.directory, "worst.zone")
        zones.write_lines(zone, zone_lines())
        question_list = pathlib.Path(sandbox.directory, "questions.txt")
        name, qtype = question.split()
        question_list.write_text(f"{name}.{ZONE} {qtype} E\n", "ascii")
        pair = VethPair(sandbox)
        pair.server.ip("route", "add", VICTIM, "via", pair.CLIENT_ADDRESS)
        volley = Volley(sandbox, options.build_dir, [f"af_xdp:{pair.SERVER_INTERFACE}"],
                        [(ZONE, zone)], CPUS, ["--idle", "spin", *page_flags(options)],
                        pair.server.enter, defence="answers:\n  any: all\n" + defence)
        before = read_interface(pair)
        process = clients.start_kxdpgun(sandbox, pair, question_list, seconds, CLIENT_CPU,
                                        clients.KXDPGUN_QPS, flags=("-l", VICTIM))
        process.wait_end(seconds + 30)
        time.sleep(0.5)
        octets = Octets(*(b - a for a, b in zip(before, read_interface(pair))))
        stats = volley.stats()
        volley.stop()
        return octets, stats, shlex.join(volley.command)


class AmplificationCase:
    name = "amplification"
    summary = ("octets out per octet in while one prefix is spoofed, for the worst queries of a"
               " zone, AF_XDP on a veth pair; defence on, and off")

    def run(self, options):
        seconds = options.seconds or SECONDS
        told, commands = {}, {}
        for kind, question in QUESTIONS.items():
            for side, defence in SIDES.items():
                octets, stats, commands[side] = attack(options, seconds, question, defence)
                if octets.sent_packets == 0 or octets.received_packets == 0:
                    raise PerfError(f"{kind}: nothing was sent, or nothing came back: {octets}")
                told[f"{kind}, defence {side}"] = {
                    "wire": round(octets.ratio(), 3), "messages": round(octets.message_ratio(), 3),
                    "queries_per_s": round(octets.sent_packets / seconds),
                    "responses_per_s": round(octets.received_packets / seconds),
                    "slipped": stats["totals"]["slipped"],
                    "dropped": stats["ports"][0]["xdp_verdicts"]}
                progress(f"{self.name}: {kind}, defence {side}: {told[f'{kind}, defence {side}']}")
        worst = {side: max(told[f"{kind}, defence {side}"]["wire"] for kind in QUESTIONS)
                 for side in SIDES}
        ratio = max(worst[ON], worst[RESPONSES])
        target = TARGETS[self.name]
        return {"case": self.name, "unit": UNIT, "reference_name": "Volley, defence off",
                "volley": ratio, "reference": worst[OFF], "ratio": ratio,
                "spread": sorted((worst[ON], worst[RESPONSES])), "target": target.tell(),
                "met": target.is_met(ratio), "victim": VICTIM, "seconds": seconds,
                "attacks": told, "command": {f"defence {side}": command
                                             for side, command in commands.items()}}


CASES = [AmplificationCase()]
