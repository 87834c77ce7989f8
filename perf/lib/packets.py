# SPDX-License-Identifier: GPL-3.0-or-later
"""Pcap files of DNS queries: Ethernet, perhaps a VLAN tag, IPv4 or IPv6, UDP with its checksum."""

import ipaddress
import random
import struct

PCAP_HEADER = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)
PCAP_HEADER_BYTES = len(PCAP_HEADER)
PCAP_RECORD = struct.Struct("<IIII")

SERVER_MAC = bytes.fromhex("020000000053")
PCAP_PORT_MAC = bytes.fromhex("027063617000")  # of DPDK's first pcap port
CLIENT_MAC = bytes.fromhex("020000000001")
SERVER = {4: ipaddress.ip_address("10.53.0.1").packed, 6: ipaddress.ip_address("fd53::1").packed}
# Queries come from many hosts of these networks.
CLIENT_NET = {4: ipaddress.ip_address("10.64.0.0").packed[:2],
              6: ipaddress.ip_address("fd53:64::").packed[:12]}

DNS_PORT = 53


def checksum(data):
    """RFC 1071, even length: the one's complement sum of 16-bit words is the number mod 65535."""
    return 0xffff - (int.from_bytes(data, "big") % 0xffff)


DO = 0x8000


def edns(options=b"", flags=0):
    return bytes((0,)) + struct.pack("!HHIH", 41, 1232, flags, len(options)) + options


def cookie_option(octets):
    return struct.pack("!HH", 10, len(octets)) + octets


def dns_query(message_id, name, qtype, opt):
    return (struct.pack("!HHHHHH", message_id, 0, 1, 0, 0, 1) + name
            + struct.pack("!HH", qtype, 1) + opt)


def udp(version, source, source_port, payload, port=DNS_PORT):
    length = 8 + len(payload)
    head = struct.pack("!HHHH", source_port, port, length, 0)
    pseudo = source + SERVER[version] + struct.pack("!HH", 17, length)
    padded = payload + b"\0" if length % 2 else payload
    head = head[:6] + struct.pack("!H", checksum(pseudo + head + padded) or 0xffff)
    return head + payload


def ip_header(version, source, payload_len, protocol=17):
    if version == 6:
        return struct.pack("!IHBB", 6 << 28, payload_len, protocol, 64) + source + SERVER[6]
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + payload_len, 0, 0x4000, 64, protocol, 0)
    sum_ = checksum(head + source + SERVER[4])
    return head[:10] + struct.pack("!H", sum_) + source + SERVER[4]


def ethernet_header(version, vlan):
    ethertype = struct.pack("!H", 0x86dd if version == 6 else 0x0800)
    tag = b"" if vlan is None else struct.pack("!HH", 0x8100, vlan)
    return SERVER_MAC + CLIENT_MAC + tag + ethertype


def ping(source, number):
    """An ICMP echo request over IPv4, of the size that ping sends."""
    body = struct.pack("!HH", number & 0xffff, number >> 16 & 0xffff) + bytes(56)
    head = struct.pack("!BBH", 8, 0, checksum(struct.pack("!BBH", 8, 0, 0) + body))
    return ip_header(4, source, len(head + body), 1) + head + body


def to_closed_port(source, number):
    """A datagram over IPv4 to a port at which nobody listens."""
    payload = udp(4, source, 1024 + number % 64512, bytes(32), port=9)
    return ip_header(4, source, len(payload)) + payload


def for_kernel(source, number):
    """Pings and datagrams to closed ports, in turn."""
    link = PCAP_PORT_MAC + ethernet_header(4, None)[len(PCAP_PORT_MAC):]
    return link + (ping if number % 2 else to_closed_port)(source, number)


def write_queries(path, questions, seed, version=4, vlan=None, options=None, sources=None, other_period=0,
                  wants_dnssec=False):
    """One packet for each question, each from a random host and port: hosts of CLIENT_NET, or those
    that `sources` makes of 32 random bits. `options` makes EDNS options of a random generator. With
    `other_period`, there is a packet for the kernel behind so many queries (IPv4)."""
    rng = random.Random(seed)
    link = ethernet_header(version, vlan)
    net = CLIENT_NET[version]
    flags = DO if wants_dnssec else 0
    plain = edns(flags=flags)
    with open(path, "wb", buffering=1 << 20) as out:
        out.write(PCAP_HEADER)
        for number, (name, qtype) in enumerate(questions, 1):
            bits = rng.getrandbits(64)
            source = net + (bits & 0xffffffff).to_bytes(4, "big")[len(net) - len(SERVER[version]):]
            if sources:
                source = sources(bits & 0xffffffff)
            opt = edns(options(rng), flags) if options else plain
            payload = udp(version, source, 1024 + (bits >> 32) % 64512,
                          dns_query(bits >> 48, name, qtype, opt))
            packet = link + ip_header(version, source, len(payload)) + payload
            out.write(PCAP_RECORD.pack(0, 0, len(packet), len(packet)) + packet)
            if other_period and number % other_period == 0:
                packet = for_kernel(source, number // other_period)
                out.write(PCAP_RECORD.pack(0, 0, len(packet), len(packet)) + packet)


def dns_message(packet):
    """The DNS message of a packet as write_queries() makes them, or of its reply."""
    at = 12
    if packet[at:at + 2] == b"\x81\x00":
        at += 4
    at += 2 + (40 if packet[at:at + 2] == b"\x86\xdd" else 20)
    return packet[at + 8:]
