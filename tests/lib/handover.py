# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for the dataplane towards volley-control, and hands over connections as stream threads do: clients connect to
a port of the loopback interface."""
import os
import socket
import struct
import threading

from publish import (COMMIT, CONNECTION, DEFENCE, HEADER, HELLO, HELLO_BODY, IMAGE, IMAGE_VERSION, OK, RESULT, RESULT_BODY,
                     STEER, VERSION, message)

CONNECTION_BODY = struct.Struct("=IHHII16s16s")
TLS = 1


def mapped(address):
    if ":" in address:
        return socket.inet_pton(socket.AF_INET6, address)
    return bytes(10) + b"\xff\xff" + socket.inet_pton(socket.AF_INET, address)


def read_exactly(connection, count):
    octets = b""
    while len(octets) < count:
        more = connection.recv(count - len(octets))
        if not more:
            return None
        octets += more
    return octets


class Handover:
    """`client` is the address that control is told; `port` and `tls_port` are for clients."""

    def __init__(self, path, client="192.0.2.53"):
        self.client = client
        self.commits = 0
        self.publish = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.publish.bind(str(path))
        self.publish.listen()
        self.control = None
        self.lock = threading.Lock()
        self.listeners = [self._listen(False), self._listen(True)]
        self.port, self.tls_port = (listener.getsockname()[1] for listener in self.listeners)
        self._run(self._serve_control)

    @staticmethod
    def _run(function, *arguments):
        threading.Thread(target=function, args=arguments, daemon=True).start()

    def _listen(self, is_tls):
        listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self._run(self._accept, listener, is_tls)
        return listener

    def _accept(self, listener, is_tls):
        while True:
            try:
                connection, address = listener.accept()
            except OSError:  # closed
                return
            if is_tls:
                self.hand_over(connection, address[1], TLS)
            else:
                self._run(self._first_message, connection, address[1])

    def _first_message(self, connection, port):
        """The dataplane has read at least the first message."""
        try:
            head = read_exactly(connection, 2)
            body = head and read_exactly(connection, int.from_bytes(head, "big"))
        except OSError:
            body = None
        if body is None:
            connection.close()
        else:
            self.hand_over(connection, port, 0, head + body)

    def hand_over(self, connection, port, flags, octets=b""):
        body = CONNECTION_BODY.pack(flags, port, 53, len(octets), 0, mapped(self.client), mapped("192.0.2.1"))
        with connection, self.lock:
            socket.send_fds(self.control, [message(CONNECTION, 0, body + octets)], [connection.fileno()])

    def _serve_control(self):
        while True:
            try:
                control, _ = self.publish.accept()
            except OSError:
                return
            counters = os.memfd_create("counters", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            os.ftruncate(counters, 4096)
            socket.send_fds(control, [message(HELLO, 0, HELLO_BODY.pack(VERSION, IMAGE_VERSION, os.getpid(), 1, 1, 0))],
                            [counters])
            os.close(counters)
            self.control = control
            self._acknowledge(control)

    def _acknowledge(self, control):
        while True:
            try:
                data, fds, _, _ = socket.recv_fds(control, 1 << 20, 1)
            except OSError:  # closed
                return
            for fd in fds:
                os.close(fd)
            if not data:
                return
            kind, _, seq = HEADER.unpack_from(data)
            if kind in (IMAGE, COMMIT, DEFENCE, STEER):
                with self.lock:
                    control.send(message(RESULT, seq, RESULT_BODY.pack(OK, 1, b"")))
            self.commits += kind == COMMIT

    def close(self):
        for listener in [*self.listeners, self.publish]:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        if self.control:
            self.control.shutdown(socket.SHUT_RDWR)
            self.control.close()
