# SPDX-License-Identifier: GPL-3.0-or-later
"""A primary whose transfers a test writes message by message, over TCP, and SOA over UDP; and NOTIFY."""
import socket
import struct
import threading

import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.query
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from net import CLIENT4, SERVER4


def soa(zone, serial, times="3600 600 1209600 300"):
    return dns.rrset.from_text(zone, 300, "IN", "SOA", f"ns.{zone} h.{zone} {serial} {times}")


def records(zone, *lines):
    """rrsets of one record each; a line is "OWNER TYPE DATA", the owner relative to the zone."""
    split = [line.split(None, 2) for line in lines]
    origin = dns.name.from_text(zone)
    return [dns.rrset.from_text_list(f"{owner}.{zone}" if owner != "@" else zone, 300, "IN", rrtype, [data],
                                     origin=origin, relativize=False)
            for owner, rrtype, data in split]


def base(zone):
    return records(zone, "@ NS ns", "ns A 192.0.2.1", "www A 192.0.2.2")


def message(query, *rrsets):
    """A response with each of them as a record of its own, in this order."""
    response = dns.message.make_response(query)
    response.flags |= dns.flags.AA
    response.answer = list(rrsets)
    return response


def axfr(query, zone, serial, *more):
    first = soa(zone, serial)
    return [message(query, first, *base(zone), *more, first)]


class Primary:
    """`answers` maps a zone to a function of the query that yields responses (or octets of messages, or octets of the
    stream with "raw" in front); a zone without one has `serials`, and only base(). `udp_answers` does the same for
    responses over UDP, or octets of them."""

    def __init__(self, namespace, keyring=None):
        self.answers, self.udp_answers, self.serials, self.queries = {}, {}, {}, []
        self.keyring = keyring
        self.connection_cnt = 0
        self.is_paused = False  # it closes connections, and drops queries
        self.soa = lambda zone: soa(zone, self.serials[zone])
        with namespace.entered():
            self.tcp = socket.create_server((CLIENT4, 53), backlog=128)
            self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.udp.bind((CLIENT4, 53))
        self.threads = [threading.Thread(target=serve, daemon=True) for serve in (self._serve_tcp, self._serve_udp)]
        for thread in self.threads:
            thread.start()

    def _serve_udp(self):
        while True:
            try:
                octets, client = self.udp.recvfrom(65535)
            except OSError:
                return
            query = dns.message.from_wire(octets, keyring=self.keyring)
            zone = query.question[0].name.to_text()
            self.queries.append((zone, "udp", query.question[0].rdtype))
            if zone not in self.serials or self.is_paused:
                continue
            answer = self.udp_answers.get(zone, lambda query, zone=zone: [message(query, self.soa(zone))])
            for response in answer(query):
                octets = response if isinstance(response, bytes) else response.to_wire()
                self.udp.sendto(octets, client)

    def _serve_tcp(self):
        while True:
            try:
                connection, _ = self.tcp.accept()
            except OSError:
                return
            self.connection_cnt += 1
            threading.Thread(target=self._serve_client, args=(connection,), daemon=True).start()

    def _serve_client(self, connection):
        try:
            while len(length := connection.recv(2, socket.MSG_WAITALL)) == 2:
                octets = connection.recv(struct.unpack("!H", length)[0], socket.MSG_WAITALL)
                query = dns.message.from_wire(octets, keyring=self.keyring)
                zone = query.question[0].name.to_text()
                self.queries.append((zone, "tcp", query.question[0].rdtype))
                if self.is_paused:
                    return
                self._answer(connection, query, zone)
                if zone in self.answers:
                    return
        except OSError:
            return
        finally:
            connection.close()

    def _answer(self, connection, query, zone):
        answer = self.answers.get(zone, lambda query: axfr(query, zone, self.serials[zone]))
        context = None
        for response in answer(query):
            if isinstance(response, tuple):
                connection.sendall(response[1])
                continue
            if isinstance(response, dns.message.Message):
                octets = response.to_wire(multi=True, tsig_ctx=context)
                context = response.tsig_ctx
            else:
                octets = response
            connection.sendall(struct.pack("!H", len(octets)) + octets)

    def pause(self):
        self.is_paused = True

    def resume(self):
        self.is_paused = False

    def stop(self):
        self.tcp.shutdown(socket.SHUT_RDWR)
        self.tcp.close()
        self.udp.close()


def notify(network, zone, serial=None, server=SERVER4, key=None):
    """Sends NOTIFY from the client's address, signed with the key if there is one; returns the RCODE."""
    query = dns.message.make_query(zone, "SOA")
    query.flags = dns.flags.AA
    query.set_opcode(dns.opcode.NOTIFY)
    if serial is not None:
        query.answer = [soa(zone, serial)]
    if key is not None:
        query.use_tsig({key.name: key}, keyname=key.name, algorithm=key.algorithm)
    with network.client.entered():
        return dns.query.udp(query, server, timeout=10).rcode()
