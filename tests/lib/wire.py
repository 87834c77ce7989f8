# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames and messages put together by hand, right or wrong, and checked without the kernel's help."""
import errno
import select
import socket
import struct
import time

ETH_P_ALL = 3
ETH_IPV4, ETH_IPV6, ETH_VLAN = 0x0800, 0x86dd, 0x8100
SOL_PACKET, PACKET_AUXDATA = 263, 8
TP_STATUS_VLAN_VALID = 0x10


def dns_query(name, rrtype=1, message_id=0x5353, flags=0, edns=None):
    """A query in wire form; `edns` is an OPT record, or None."""
    labels = [label.encode() for label in name.rstrip(".").split(".") if label]
    wire = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    header = struct.pack("!6H", message_id, flags, 1, 0, 0, 1 if edns else 0)
    return header + wire + struct.pack("!2H", rrtype, 1) + (edns or b"")


def opt(payload=1232, version=0, do=False, rcode_high=0):
    ttl = rcode_high << 24 | version << 16 | (0x8000 if do else 0)
    return b"\0" + struct.pack("!HHIH", 41, payload, ttl, 0)


def checksum(data):
    """RFC 1071; 0 for data that holds its own right checksum."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def address(text):
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def udp(source, target, payload, sport=4242, dport=53, **wrong):
    """A UDP datagram with its checksum; `length` and `checksum` override what it claims."""
    length = wrong.get("length", 8 + len(payload))
    head = struct.pack("!4H", sport, dport, length, 0)
    pseudo = address(source) + address(target) + struct.pack("!2H", 17, length)
    value = checksum(pseudo + (head + payload)[:length]) or 0xffff
    return head[:6] + struct.pack("!H", wrong.get("checksum", value)) + payload


def pseudo_sum(source, target, payload):
    """The UDP checksum as a Linux sender leaves it to a device that is to complete it."""
    return ~checksum(address(source) + address(target) + struct.pack("!2H", 17, 8 + len(payload))) & 0xffff


def ipv4(source, target, payload, protocol=17, fragment=0, **wrong):
    """An IPv4 packet; `version`, `ihl`, `length` and `checksum` override what its header claims."""
    options = wrong.get("options", b"")
    first = wrong.get("version", 4) << 4 | wrong.get("ihl", 5 + len(options) // 4)
    length = wrong.get("length", 20 + len(options) + len(payload))
    head = struct.pack("!BBHHHBBH", first, 0, length, 7, fragment, 64, protocol, 0)
    head += address(source) + address(target)
    value = wrong.get("checksum", checksum(head + options))
    return head[:10] + struct.pack("!H", value) + head[12:] + options + payload


def ipv6(source, target, payload, protocol=17, **wrong):
    """An IPv6 packet; `length` and `version` override what its header claims."""
    head = struct.pack("!IHBB", wrong.get("version", 6) << 28, wrong.get("length", len(payload)),
                       protocol, 64)
    return head + address(source) + address(target) + payload


def frame(network, packet, tags=()):
    """An Ethernet frame from client to server with 802.1Q or 802.1ad tags: (ethertype, id) from outside."""
    kind = ETH_IPV6 if packet and packet[0] >> 4 == 6 else ETH_IPV4
    head = network.server_mac + network.client_mac
    for ethertype, tag in tags:
        head += struct.pack("!HH", ethertype, tag)
    return head + struct.pack("!H", kind) + packet


class Datagram:
    """A UDP datagram taken from a frame. `checksums_right` covers the IPv4 header and UDP."""

    def __init__(self, data):
        (kind,) = struct.unpack_from("!H", data, 12)
        at = 14
        self.tags = []
        while kind in (ETH_VLAN, 0x88a8):
            tag, inner = struct.unpack_from("!HH", data, at)
            self.tags.append((kind, tag))
            kind, at = inner, at + 4
        if kind == ETH_IPV4:
            total, protocol = struct.unpack_from("!H", data, at + 2)[0], data[at + 9]
            addresses, header = data[at + 12:at + 20], data[at:at + 20]
            rest = data[at + 20:at + total]
            right = checksum(header) == 0
        else:
            total, protocol = struct.unpack_from("!H", data, at + 4)[0], data[at + 6]
            addresses = data[at + 8:at + 40]
            rest = data[at + 40:at + 40 + total]
            right = True
        self.is_udp = kind in (ETH_IPV4, ETH_IPV6) and protocol == 17 and len(rest) >= 8
        if self.is_udp:
            self.sport, self.dport, self.length, value = struct.unpack_from("!4H", rest)
            pseudo = addresses + struct.pack("!2H", 17, len(rest))
            self.payload = rest[8:]
            self.checksums_right = right and value != 0 and checksum(pseudo + rest) == 0


class Wire:
    """The client's end of the pair, frame by frame; or an interface of another namespace."""

    def __init__(self, network, link, namespace=None):
        self.network = network
        self.socket = (namespace or network.client).socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.socket.bind((link, ETH_P_ALL))

    def send(self, data):
        """Waits while the interface has no room."""
        deadline = time.monotonic() + 5
        while True:
            try:
                self.socket.send(data)
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS or time.monotonic() > deadline:
                    raise
                time.sleep(0.001)

    def receive(self, wanted, timeout=2.0, mac=None):
        """The first Datagram for which `wanted` holds, and which is for the client or another `mac`, or None."""
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([self.socket], [], [], left)[0]:
                break
            data = self._receive_frame()
            if data[:6] != (mac or self.network.client_mac) or data[12:14] not in (
                    b"\x08\x00", b"\x86\xdd", b"\x81\x00", b"\x88\xa8"):
                continue
            datagram = Datagram(data)
            if datagram.is_udp and wanted(datagram):
                return datagram
        return None

    def _receive_frame(self):
        """The kernel takes the outer tag off the frame and tells it apart: put it back."""
        data, extra, _, _ = self.socket.recvmsg(65536, 128)
        for level, kind, value in extra:
            if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
                status, _, _, _, _, tag, tpid = struct.unpack("IIIHHHH", value[:20])
                if status & TP_STATUS_VLAN_VALID:
                    return data[:12] + struct.pack("!HH", tpid or ETH_VLAN, tag) + data[12:]
        return data

    def close(self):
        self.socket.close()
