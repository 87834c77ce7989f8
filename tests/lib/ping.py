# SPDX-License-Identifier: GPL-3.0-or-later
"""ICMP echo, from the client's namespace."""
import socket
import struct

from wire import checksum


def echo_request(server, number=1):
    """An ICMP message; the kernel fills in the checksum of one over IPv6."""
    if ":" in server:
        return struct.pack("!BBHHH", 128, 0, 0, 53, number)
    request = struct.pack("!BBHHH", 8, 0, 0, 53, number)
    return request[:2] + struct.pack("!H", checksum(request)) + request[4:]


def echo(network, server, timeout=2):
    """Sends an echo request and waits for the reply."""
    request = echo_request(server)
    if ":" in server:
        client = network.client.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        wanted, skip = 129, 0
    else:
        client = network.client.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        wanted, skip = 0, 20
    with client:
        client.settimeout(timeout)
        client.sendto(request, (server, 0))
        while (reply := client.recv(1500))[skip] != wanted:
            pass
    return reply[skip + 4:skip + 8] == request[4:]
