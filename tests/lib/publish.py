# SPDX-License-Identifier: GPL-3.0-or-later
"""The publish socket from both sides (include/volley/publish.h): a dataplane that only collects
images and the defence, and a control that sends whatever it likes."""
import ctypes
import fcntl
import os
import socket
import struct
import time

HELLO, IMAGE, COMMIT, RESULT, DEFENCE, REQUEST, RESPONSE, CONNECTION, RESPONSE_AFTER, STEER = range(1, 11)
OK, BUSY, MALFORMED, REFUSED, UNKNOWN, NO_MEMORY, STALE = range(7)
VERSION, IMAGE_VERSION = 6, 7

HEADER = struct.Struct("=IIQ")
HELLO_BODY = struct.Struct("=IIIIQQ")
IMAGE_BODY = struct.Struct("=Q")
COMMIT_BODY = struct.Struct("=QQIIII")
RESULT_BODY = struct.Struct("=II240s")
REQUEST_BODY = struct.Struct("=IHH16sII")
CONNECTION_BODY = struct.Struct("=IHHII16s16s")
CONNECTION_TLS = 1

# include/volley/image.h
IMAGE_HEADER_BYTES = 256
CHECKSUM_OFFSET = 24
SUM_BYTES = 1 << 18  # image_sum.h

# include/volley/defence.h: up to the rates of sources
DEFENCE_HEAD = struct.Struct("=QIIQ IIII 8I II II 48s II I 2I 6I 2I 2I I I I")
DEFENCE_MAGIC, DEFENCE_VERSION = 0x434e4644594c56, 7
PREFIX_RANGES = 1 << 18
PREFIX_TABLE_BYTES = 8 + 4 * (65537 + 524289 + 65536) + (8 + 24) * PREFIX_RANGES + (1 << 21) + (1 << 19)
DEFENCE_TABLE_OFFSET = DEFENCE_HEAD.size + 8 + 65536 // 8
DEFENCE_BYTES = DEFENCE_TABLE_OFFSET + PREFIX_TABLE_BYTES
OFF, DRY_RUN, ON = range(3)
WISH_TRANSFERS, WISH_TLS = 1, 2
NO_RATE = (0, 0)

SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


def message(kind, seq, body=b""):
    return HEADER.pack(kind, HEADER.size + len(body), seq) + body


def sealed_memfd(data, seals=SEALS):
    fd = os.memfd_create("image", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(fd, data)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    return fd


def with_checksum(data):
    """The image with the checksum that fits it."""
    xxhash = ctypes.CDLL("libxxhash.so.0")
    xxhash.XXH3_64bits_withSeed.restype = ctypes.c_uint64
    xxhash.XXH3_64bits_withSeed.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64]
    data = bytearray(data)
    data[CHECKSUM_OFFSET:CHECKSUM_OFFSET + 8] = bytes(8)
    parts = [bytes(data[:IMAGE_HEADER_BYTES])]
    parts += [bytes(data[max(at, IMAGE_HEADER_BYTES):at + SUM_BYTES]) for at in range(0, len(data), SUM_BYTES)]
    digest = sum(xxhash.XXH3_64bits_withSeed(part, len(part), seed) for seed, part in enumerate(parts))
    struct.pack_into("=Q", data, CHECKSUM_OFFSET, digest % 2**64)
    return bytes(data)


def defence(generation=1, mode=OFF, source_mode=OFF, rates=(NO_RATE,) * 4, sources=(NO_RATE,) * 3,
            unserved=NO_RATE, requests=NO_RATE, secrets=(), slip=2, badcookie=False, connections=0, opcodes=0):
    """A struct vly_defence without prefixes. Rates are (cost, burst) in units of 16 ns; `rates` are of responses, by
    kind; `secrets` of cookies: current, previous, next."""
    flat = [number for rate in rates for number in rate]
    sources = [max(cost for cost, _ in sources), 0, *(number for rate in sources for number in rate)]
    head = DEFENCE_HEAD.pack(
        DEFENCE_MAGIC, DEFENCE_VERSION, DEFENCE_BYTES, generation, mode, slip, 24, 56, *flat, badcookie, 0,
        bool(secrets), (1 << len(secrets)) - 1, b"".join(secrets), connections, 0, source_mode, *sources, *unserved, *requests, opcodes, 0,
        0)
    return head + bytes(DEFENCE_BYTES - len(head))


class Collector:
    """Stands in for the dataplane until control has committed, and keeps what it was given."""

    def __init__(self, path):
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(str(path))
        self.listener.listen()
        self.listener.settimeout(30)
        self.path = path
        self.defences = []  # every block, in its order

    def accept(self):
        """Accepts one control, and greets it as a dataplane without images does."""
        control, _ = self.listener.accept()
        counters = os.memfd_create("counters", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(counters, 4096)
        body = HELLO_BODY.pack(VERSION, IMAGE_VERSION, os.getpid(), 1, 1, 0)
        socket.send_fds(control, [message(HELLO, 0, body)], [counters])
        os.close(counters)
        return control

    def images(self):
        """Accepts one control and returns the images of its first commit, newest first."""
        held = {}
        with self.accept() as control:
            control.settimeout(30)
            while True:
                data, fds, _, _ = socket.recv_fds(control, 65536, 1)
                kind, _, seq = HEADER.unpack_from(data)
                if kind == IMAGE:
                    (image_id,) = IMAGE_BODY.unpack_from(data, HEADER.size)
                    held[image_id] = os.pread(fds[0], os.fstat(fds[0]).st_size, 0)
                if kind == DEFENCE:
                    self.defences.append(os.pread(fds[0], os.fstat(fds[0]).st_size, 0))
                for fd in fds:
                    os.close(fd)
                control.send(message(RESULT, seq, RESULT_BODY.pack(OK, 0, b"")))
                if kind == COMMIT:
                    _, since, _, count, flags, _ = COMMIT_BODY.unpack_from(data, HEADER.size)
                    assert since == 0 and flags == 0, "all images, in one message"
                    ids = struct.unpack_from(f"={count}Q", data, HEADER.size + COMMIT_BODY.size)
                    return [held[image_id] for image_id in sorted(ids, reverse=True)]

    def close(self):
        self.listener.close()
        os.unlink(self.path)


class Publisher:
    """A control that does what a test wants."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(30)
        self.socket.connect(str(path))
        data, fds, _, _ = socket.recv_fds(self.socket, 65536, 1)
        for fd in fds:
            os.close(fd)
        self.first = HEADER.unpack_from(data)[0]
        self.seq = 0
        if self.first == HELLO:
            (self.publish_version, self.image_version, self.pid, self.lcore_cnt, self.start_ns,
             self.generation) = HELLO_BODY.unpack_from(data, HEADER.size)
        else:
            self.code = RESULT_BODY.unpack_from(data, HEADER.size)[0]

    def send(self, data, fds=()):
        """Sends a packet and returns (code, zones, text) of its RESULT, or None when hung up on."""
        try:
            socket.send_fds(self.socket, [data], list(fds))
            answer = self.socket.recv(65536)
        except (BrokenPipeError, ConnectionResetError):
            return None
        if not answer:
            return None
        kind, length, seq = HEADER.unpack_from(answer)
        assert (kind, length) == (RESULT, len(answer))
        code, zones, text = RESULT_BODY.unpack_from(answer, HEADER.size)
        return code, zones, text.split(b"\0")[0].decode()

    def next_seq(self):
        self.seq += 1
        return self.seq

    def image(self, image_id, data, seals=SEALS):
        fd = sealed_memfd(data, seals)
        try:
            return self.send(message(IMAGE, self.next_seq(), IMAGE_BODY.pack(image_id)), [fd])
        finally:
            os.close(fd)

    def defence(self, data, seals=SEALS):
        fd = sealed_memfd(data, seals)
        try:
            return self.send(message(DEFENCE, self.next_seq()), [fd])
        finally:
            os.close(fd)

    def commit(self, generation, image_ids, since=0, removed=(), more=False):
        """All images of the table; or what has come since a generation, and what is removed."""
        body = COMMIT_BODY.pack(generation, since, len(removed), len(image_ids), more, 0)
        body += struct.pack(f"={len(removed) + len(image_ids)}Q", *removed, *image_ids)
        return self.send(message(COMMIT, self.next_seq(), body))

    def close(self):
        self.socket.close()


def connect(path, seconds=10):
    """A Publisher whose turn it is: the dataplane sees the end of the one before a moment later."""
    deadline = time.monotonic() + seconds
    while (made := Publisher(path)).first != HELLO:
        made.close()
        assert time.monotonic() < deadline, "another control stays connected"
        time.sleep(0.01)
    return made
