# SPDX-License-Identifier: GPL-3.0-or-later
"""Many questions to one server, quickly: prepared octets, a window of them under way at a time."""
import select
import socket
import struct

from ask import open_client

# Below 64 KiB of responses on their way, which any socket buffer holds.
WINDOW = 32
TRIES = 3
TIMEOUT = 1.0


def ask_all(network, queries, server):
    """The response to each query, by its place in the list; None where none came in three tries.

    The message id is the query's place, so queries come with any id.
    """
    responses = [None] * len(queries)
    with open_client(network, server) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        client.setblocking(False)
        for start in range(0, len(queries), WINDOW):
            waiting = set(range(start, min(start + WINDOW, len(queries))))
            for _ in range(TRIES):
                for index in waiting:
                    client.send(struct.pack("!H", index & 0xffff) + queries[index][2:])
                receive(client, start, waiting, responses)
                if not waiting:
                    break
    return responses


def receive(client, start, waiting, responses):
    """Takes responses until none is missing, or none came for a while."""
    while waiting and select.select([client], [], [], TIMEOUT)[0]:
        message = client.recv(65535)
        index = start + ((struct.unpack_from("!H", message)[0] - start) & 0xffff)
        if index in waiting:
            waiting.remove(index)
            responses[index] = message
