# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients: one question with dnspython, many with dnsperf."""
import re
import signal
import socket
import subprocess
import time

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

from net import SERVER4

TIMEOUT = 3.0


def open_client(network, server=SERVER4):
    """A connected UDP socket in the client's namespace."""
    client = network.client.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(TIMEOUT)
    client.connect((server, 53))
    return client


def exchange(network, wire_query, server=SERVER4, timeout=TIMEOUT):
    """Sends octets, returns the octets that come back; raises TimeoutError when nothing does."""
    with open_client(network, server) as client:
        client.settimeout(timeout)
        client.send(wire_query)
        return client.recv(65535)


def query(network, name, rrtype="A", server=SERVER4, **options):
    """One question; `options` are dnspython's make_query(): use_edns, payload, want_dnssec."""
    question = dns.message.make_query(name, rrtype, **options)
    question.flags = 0
    wire_response = exchange(network, question.to_wire(), server)
    response = dns.message.from_wire(wire_response)
    assert question.is_response(response), f"{response} is no response to {question}"
    response.octets = len(wire_response)
    return response


def rrset(section, name, rrtype):
    """The TTL and the set of the records' texts, or None."""
    for found in section:
        if found.name.to_text().lower() == name and found.rdtype == dns.rdatatype.from_text(rrtype):
            return found.ttl, {record.to_text() for record in found}
    return None


def serial(network, zone, server=SERVER4):
    """The serial that the server answers with, or the RCODE's text when there is no SOA."""
    response = query(network, zone, "SOA", server)
    if not response.answer:
        return dns.rcode.to_text(response.rcode())
    return response.answer[0][0].serial


def wait_until_answered(network, zone, seconds=30):
    """Seconds until the zone's SOA is answered with authority."""
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        with open_client(network) as client:
            client.settimeout(0.01)
            client.send(dns.message.make_query(zone, "SOA").to_wire())
            try:
                if dns.message.from_wire(client.recv(65535)).rcode() == dns.rcode.NOERROR:
                    return time.monotonic() - start
            except OSError:
                time.sleep(0.001)  # a refusal comes at once
    raise AssertionError(f"{zone} was not answered within {seconds} s")


class Dnsperf:
    """dnsperf from the client's namespace, for some seconds, at a rate or as fast as it can."""

    def __init__(self, network, data, seconds, rate=None, server=SERVER4):
        command = ["dnsperf", "-s", server, "-d", data, "-l", seconds, "-t", 2, "-T", 1, "-c", 4]
        command += ["-Q", rate] if rate else []
        self.popen = subprocess.Popen(network.client.command(*command), text=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def interrupt(self):
        """Ends it early."""
        self.popen.send_signal(signal.SIGINT)

    def finish(self):
        """Waits for its end; returns sent, completed, lost, queries per second, and interrupted: sent just
        before interrupt(), so that their answers were not waited for."""
        text = self.popen.communicate()[0]
        values = {}
        for key, pattern in (("sent", r"Queries sent:\s+(\d+)"), ("completed", r"Queries completed:\s+(\d+)"),
                             ("lost", r"Queries lost:\s+(\d+)"), ("rate", r"Queries per second:\s+([\d.]+)")):
            match = re.search(pattern, text)
            assert match, f"dnsperf said: {text}"
            values[key] = float(match[1]) if key == "rate" else int(match[1])
        match = re.search(r"Queries interrupted:\s+(\d+)", text)
        values["interrupted"] = int(match[1]) if match else 0
        return values
