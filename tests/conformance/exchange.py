# SPDX-License-Identifier: GPL-3.0-or-later
"""Many messages to one server over UDP and TCP, quickly, with silence told from loss.

Silence is a valid response to some messages: behind each window goes a question that every server answers,
again and again until it does; what is then not there for a moment was not sent.
"""
import select
import socket
import struct
import time

WINDOW = 48
SENTINEL_ID = 0xffff
GRACE = 0.02
TRIES = 3


def open_socket(network, address, kind):
    made = network.client.socket(socket.AF_INET, kind)
    made.connect((address, 53))
    return made


class Udp:
    """Asks one server; `sentinel` is a message without an id that it surely answers."""

    def __init__(self, network, address, sentinel):
        self.socket = open_socket(network, address, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.setblocking(False)
        self.sentinel = struct.pack("!H", SENTINEL_ID) + sentinel[2:]

    def ask(self, messages, may_be_silent):
        """The response to each message, None for silence. `may_be_silent`: whether one may be expected."""
        responses = [None] * len(messages)
        for silent in (False, True):
            chosen = [index for index in range(len(messages)) if bool(may_be_silent[index]) == silent]
            for start in range(0, len(chosen), WINDOW):
                self._ask_window(messages, chosen[start:start + WINDOW], responses, silent)
        return responses

    def _ask_window(self, messages, chosen, responses, silent):
        waiting = dict(enumerate(chosen))  # id → place
        for _ in range(TRIES):
            for number, index in waiting.items():
                self._send(struct.pack("!H", number) + messages[index][2:])
            self._receive(waiting, responses, GRACE if silent else 1.0)
            if not waiting or (silent and self._is_idle(waiting, responses)):
                return

    def _send(self, message):
        self.socket.send(message)

    def _take(self, waiting, responses):
        """One datagram; whether it was the sentinel's."""
        try:
            message = self.socket.recv(65535)
        except OSError:
            return False
        number = struct.unpack_from("!H", message)[0] if len(message) >= 2 else None
        if number in waiting:
            responses[waiting.pop(number)] = message
        return number == SENTINEL_ID

    def _receive(self, waiting, responses, timeout):
        while waiting and select.select([self.socket], [], [], timeout)[0]:
            self._take(waiting, responses)

    def _is_idle(self, waiting, responses):
        """Whether the server has worked off what it got: it answers the sentinel, then nothing more comes."""
        for _ in range(50):
            self._send(self.sentinel)
            deadline = time.monotonic() + 0.2
            while (left := deadline - time.monotonic()) > 0:
                if select.select([self.socket], [], [], left)[0] and self._take(waiting, responses):
                    self._receive(waiting, responses, GRACE)
                    return True
        raise AssertionError("the server no longer answers")

    def close(self):
        self.socket.close()


def read_stream(client, buffer, seconds=3.0):
    """The next message of a stream and the octets behind it; None when the stream ends or is silent."""
    client.settimeout(seconds)
    while len(buffer) < 2 or len(buffer) < 2 + struct.unpack_from("!H", buffer)[0]:
        try:
            more = client.recv(65536)
            # NSD waits for the acknowledgement before it sends the next one
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        except OSError:
            return None, buffer
        if not more:
            return None, buffer
        buffer += more
    length = struct.unpack_from("!H", buffer)[0]
    return bytes(buffer[2:2 + length]), buffer[2 + length:]


def ask_stream(network, address, messages):
    """The response to each message over TCP, pipelined; a connection that ends early is opened anew."""
    responses = [None] * len(messages)
    at, stuck = 0, 0
    while at < len(messages) and stuck < TRIES:
        with open_socket(network, address, socket.SOCK_STREAM) as client:
            before = at
            buffer = b""
            while at < len(messages):
                window = range(at, min(at + 16, len(messages)))
                out = b"".join(struct.pack("!2H", len(messages[index]), index & 0xffff) + messages[index][2:]
                               for index in window)
                try:
                    client.sendall(out)
                except OSError:
                    break
                for _ in window:
                    message, buffer = read_stream(client, buffer)
                    if message is None:
                        break
                    index = window.start + ((struct.unpack_from("!H", message)[0] - window.start) & 0xffff)
                    if index in window:
                        responses[index] = message
                while at < window.stop and responses[at] is not None:
                    at += 1
                if at < window.stop:
                    break
        stuck = stuck + 1 if at == before else 0
    return responses


def answers_streams(network, address, message):
    """Whether the server answers over TCP at all."""
    try:
        with network.client.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
            client.settimeout(1.0)
            client.connect((address, 53))
            client.sendall(struct.pack("!H", len(message)) + message)
            return read_stream(client, b"", 1.0)[0] is not None
    except OSError:
        return False
