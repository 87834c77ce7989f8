# SPDX-License-Identifier: GPL-3.0-or-later
"""Two network namespaces joined by a veth pair: one for the server, one for clients.

Everything is private to the test that made it, so that tests neither see each other nor the machine's
own network. Sockets stay in the namespace that they were opened in, so a test needs no other process.
"""
import ctypes
import itertools
import json
import os
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path

SERVER4, SERVER6 = "10.53.0.1", "fd53::1"
CLIENT4, CLIENT6 = "10.53.0.2", "fd53::2"
SERVER_LINK, CLIENT_LINK = "server0", "client0"
CLONE_NEWNET = 0x40000000

_serial = itertools.count()
_libc = ctypes.CDLL(None, use_errno=True)


def ip(*words):
    """Runs ip(8) and returns what it prints."""
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


class Namespace:
    """A named network namespace."""

    def __init__(self, name):
        self.name = name
        self.path = Path("/run/netns", name)
        ip("netns", "add", name)
        self.ip("link", "set", "lo", "up")

    def ip(self, *words):
        return ip("-n", self.name, *words)

    def command(self, *words):
        """The command that runs `words` in here; `ip netns exec` would hide /sys/fs/bpf."""
        return ["nsenter", f"--net={self.path}", *map(str, words)]

    def run(self, *words, **options):
        """Runs a program in here to its end."""
        options = {"capture_output": True, "text": True, "timeout": 120} | options
        return subprocess.run(self.command(*words), **options)

    @contextmanager
    def entered(self):
        """This thread is in the namespace inside the block."""
        with open("/proc/thread-self/ns/net") as home, open(self.path) as there:
            _setns(there)
            try:
                yield
            finally:
                _setns(home)

    def socket(self, *arguments):
        with self.entered():
            return socket.socket(*arguments)

    def counters(self):
        """The kernel's SNMP counters of both families, such as UdpInDatagrams and Udp6NoPorts."""
        text = self.run("cat", "/proc/net/snmp", "/proc/net/snmp6", check=True).stdout
        lines = [line.split() for line in text.splitlines()]
        values = {}
        for header, row in zip(lines, lines[1:]):
            if header[0] == row[0] and header[0].endswith(":") and not header[1].isdigit():
                values |= {header[0][:-1] + key: int(value) for key, value in zip(header[1:], row[1:])}
        values |= {line[0]: int(line[1]) for line in lines if len(line) == 2 and line[1].isdigit()}
        return values

    def delete(self):
        ip("netns", "del", self.name)


def _setns(file):
    if _libc.setns(file.fileno(), CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


class Network:
    """Client and server namespace and the pair between them."""

    def __init__(self):
        serial = f"{os.getpid()}-{next(_serial)}"
        self.server = Namespace(f"vly-s{serial}")
        self.client = Namespace(f"vly-c{serial}")
        self.client.ip("link", "add", CLIENT_LINK, "type", "veth",
                       "peer", "name", SERVER_LINK, "netns", self.server.name)
        for side, link, host in ((self.client, CLIENT_LINK, 2), (self.server, SERVER_LINK, 1)):
            side.ip("addr", "add", f"10.53.0.{host}/24", "dev", link)
            side.ip("addr", "add", f"fd53::{host}/64", "dev", link, "nodad")
            side.ip("link", "set", link, "up")
        self.server_mac = self._mac(self.server, SERVER_LINK)
        self.client_mac = self._mac(self.client, CLIENT_LINK)

    @staticmethod
    def _mac(namespace, link):
        words = namespace.ip("link", "show", "dev", link).split()
        return bytes.fromhex(words[words.index("link/ether") + 1].replace(":", ""))

    def delete(self):
        """Deletes the pair first: a namespace lets go of its links later than one would like."""
        subprocess.run(["ip", "-n", self.client.name, "link", "del", CLIENT_LINK],
                       capture_output=True, check=False)
        self.client.delete()
        self.server.delete()


def attached(network):
    """Name and id of the XDP program on the server's interface, or None."""
    (link,) = json.loads(network.server.ip("-j", "-d", "link", "show", "dev", SERVER_LINK))
    if "xdp" not in link:
        return None
    program = link["xdp"]["prog"]
    return f"{program.get('name')} {program['id']}"
