# SPDX-License-Identifier: GPL-3.0-or-later
"""DNS over TCP, octet by octet: each message behind its length (RFC 1035 §4.2.2)."""
import selectors
import socket
import struct
import time

from net import SERVER4


def framed(message):
    return struct.pack("!H", len(message)) + message


class Stream:
    """A connection from the client's namespace."""

    def __init__(self, network, server=SERVER4, timeout=5.0, source=None, receive_buffer=None):
        family = socket.AF_INET6 if ":" in server else socket.AF_INET
        self.socket = network.client.socket(family, socket.SOCK_STREAM)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        if source:
            self.socket.bind((source, 0))
        self.socket.connect((server, 53))
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, *messages):
        self.socket.sendall(b"".join(map(framed, messages)))

    def receive(self, chunk=65536):
        """The next message; None when the server has closed."""
        while len(self.rest) < 2 or len(self.rest) < 2 + struct.unpack("!H", self.rest[:2])[0]:
            data = self.socket.recv(chunk)
            if not data:
                assert not self.rest, "closed in the middle of a message"
                return None
            self.rest += data
        end = 2 + struct.unpack("!H", self.rest[:2])[0]
        message, self.rest = self.rest[2:end], self.rest[end:]
        return message

    def ask(self, message):
        self.send(message)
        return self.receive()

    def seconds_until_closed(self, seconds=10):
        """Reads nothing but the end, be it FIN or RST; fails when it does not come."""
        start = time.monotonic()
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionError:
            pass
        return time.monotonic() - start

    def reset(self):
        """Closes by RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def connect_many(network, count, server=SERVER4, seconds=60):
    """As many connected non-blocking sockets, opened a few hundred at a time."""
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    made = []
    deadline = time.monotonic() + seconds
    with network.client.entered():
        while len(made) < count:
            batch = [socket.socket(family, socket.SOCK_STREAM) for _ in range(min(500, count - len(made)))]
            with selectors.DefaultSelector() as selector:
                for client in batch:
                    client.setblocking(False)
                    client.connect_ex((server, 53))
                    selector.register(client, selectors.EVENT_WRITE)
                while selector.get_map():
                    assert time.monotonic() < deadline, f"{len(made)} of {count} connections were made"
                    for key, _ in selector.select(1):
                        error = key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                        assert error == 0, f"connection {len(made)}: {error}"
                        selector.unregister(key.fileobj)
            made += batch
    return made
