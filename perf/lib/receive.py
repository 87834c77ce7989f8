# SPDX-License-Identifier: GPL-3.0-or-later
"""Many clients that fetch one zone by AXFR at once. Each counts the records of the messages; all must be NOERROR.
Nothing is kept. Prints one JSON object."""

import argparse
import errno
import json
import os
import selectors
import socket
import struct
import sys
import time

BUFFER_OCTETS = 1 << 20
HEADER = struct.Struct("!HHHHHHH")   # with the length before it
TYPE_AXFR = 252


def name_to_wire(name):
    return b"".join(bytes((len(label),)) + label.encode() for label in name.rstrip(".").split(".")) + b"\0"


class Client:
    """A server may take its time to accept the connection, while others receive."""

    def __init__(self, server, query):
        self.query = struct.pack("!H", len(query)) + query
        self.socket = socket.socket()
        self.socket.setblocking(False)
        status = self.socket.connect_ex((server, 53))
        if status not in (0, errno.EINPROGRESS):
            sys.exit(f"connect: {os.strerror(status)}")
        self.head = b""        # the octets of a header that is not complete
        self.skip = 0          # octets of a message that are still to come
        self.records = self.octets = self.messages = 0

    def send_query(self):
        self.socket.getpeername()    # fails if it is not connected
        if self.socket.send(self.query) != len(self.query):
            sys.exit("the query was not sent as one")

    def take(self, view):
        """A piece of the stream."""
        self.octets += len(view)
        at = 0
        while at < len(view):
            if self.skip:
                step = min(self.skip, len(view) - at)
                self.skip -= step
                at += step
                continue
            step = min(HEADER.size - len(self.head), len(view) - at)
            self.head += view[at:at + step]
            at += step
            if len(self.head) == HEADER.size:
                self.begin_message()

    def begin_message(self):
        length, _, flags, _, answer_cnt, _, _ = HEADER.unpack(self.head)
        if flags & 15:
            sys.exit(f"a response has RCODE {flags & 15}")
        if length < HEADER.size - 2:
            sys.exit(f"a message has {length} octets")
        self.head, self.skip = b"", length - (HEADER.size - 2)
        self.records += answer_cnt
        self.messages += 1

    def has(self, records):
        return self.records >= records and not self.skip


def receive(clients, records, begin, seconds):
    """Seconds at which each had all."""
    ends = []
    buffer = bytearray(BUFFER_OCTETS)
    view = memoryview(buffer)
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client.socket, selectors.EVENT_WRITE, client)
        while len(ends) < len(clients):
            if time.monotonic() > begin + seconds:
                sys.exit(f"{len(ends)} of {len(clients)} have the zone after {seconds} s;"
                         f" records: {[client.records for client in clients]}")
            for key, events in selector.select(1):
                client = key.data
                if events & selectors.EVENT_WRITE:
                    client.send_query()
                    selector.modify(client.socket, selectors.EVENT_READ, client)
                    continue
                cnt = client.socket.recv_into(view)
                if cnt == 0:
                    sys.exit(f"the connection was closed after {client.records} of {records} records")
                client.take(view[:cnt])
                if client.has(records):
                    ends.append(time.monotonic() - begin)
                    selector.unregister(client.socket)
    return ends


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True)
    parser.add_argument("--zone", required=True)
    parser.add_argument("--clients", type=int, required=True)
    parser.add_argument("--records", type=int, required=True, help="of the transfer, with both SOA")
    parser.add_argument("--seconds", type=int, required=True, help="at most")
    options = parser.parse_args()
    query = struct.pack("!HHHHHH", 1, 0, 1, 0, 0, 0) + name_to_wire(options.zone) + struct.pack("!HH", TYPE_AXFR, 1)
    begin = time.monotonic()
    clients = [Client(options.server, query) for _ in range(options.clients)]
    ends = receive(clients, options.records, begin, options.seconds)
    if any(client.records != options.records for client in clients):
        sys.exit(f"wrong numbers of records: {[client.records for client in clients]}, not {options.records}")
    print(json.dumps({"seconds": round(ends[-1], 3), "first": round(ends[0], 3), "octets": clients[0].octets,
                      "messages": clients[0].messages, "client_cpu_seconds": round(time.process_time(), 2)}))


if __name__ == "__main__":
    main()
