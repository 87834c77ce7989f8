# SPDX-License-Identifier: GPL-3.0-or-later
"""Are the answers right that a benchmark counts? Reads those of a pcap port, and compares."""

import os
import threading

import dns.exception
import dns.message

from . import packets
from .sandbox import PerfError, Sandbox
from .volley import Volley

# Answers sent before the zones were there may still be on their way: what a pipe and stdio hold.
SKIPPED = 20_000
CHECKED = 2_000
READ_SECONDS = 60


class AnswerReader(threading.Thread):
    """Reads a pcap stream from a FIFO to its end, so that no writer hangs; keeps some packets."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path = path
        self.wanted = threading.Event()
        self.complete = threading.Event()
        self.packets = []

    def run(self):
        with open(self.path, "rb") as stream:
            stream.read(packets.PCAP_HEADER_BYTES)
            skipped = 0
            while head := stream.read(packets.PCAP_RECORD.size):
                packet = stream.read(packets.PCAP_RECORD.unpack(head)[2])
                if not self.wanted.is_set() or len(self.packets) == CHECKED:
                    continue
                skipped += 1
                if skipped > SKIPPED:
                    self.packets.append(packet)
                if len(self.packets) == CHECKED:
                    self.complete.set()


def check_answers(workload, options, ip_version, vlan, cpus):
    """Has some of the workload's questions answered; PerfError at the first wrong answer."""
    with Sandbox() as sandbox:
        questions = workload.questions[:CHECKED]
        pcap = sandbox.directory / "check.pcap"
        packets.write_queries(pcap, questions, options.seed, ip_version, vlan,
                              wants_dnssec=workload.wants_dnssec)
        fifo = sandbox.directory / "answers.pcap"
        os.mkfifo(fifo)
        reader = AnswerReader(fifo)
        reader.start()
        Volley(sandbox, options.build_dir, [f"pcap:{pcap},loop,out={fifo}"], workload.zones, cpus,
               ["--huge-pages", "off"])
        reader.wanted.set()
        if not reader.complete.wait(READ_SECONDS):
            raise PerfError(f"fewer than {CHECKED} answers in {READ_SECONDS} seconds")
    asked = set(questions)
    for packet in reader.packets:
        check_answer(packet, asked, workload.is_right)


def check_answer(packet, asked, is_right):
    message = packets.dns_message(packet)
    try:
        response = dns.message.from_wire(message)
        question = response.question[0]
        name = question.name.to_wire()
    except (dns.exception.DNSException, IndexError) as error:
        raise PerfError(f"an answer that can't be read: {error!r}: {message.hex()}") from error
    if (name, question.rdtype) not in asked:
        raise PerfError(f"an answer to what nobody asked: {response}")
    if response.edns != 0 or not is_right(response):
        raise PerfError(f"a wrong answer:\n{response}")
