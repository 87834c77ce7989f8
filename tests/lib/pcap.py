# SPDX-License-Identifier: GPL-3.0-or-later
"""Capture files."""
import struct
from pathlib import Path

PCAP_HEADER = struct.pack("=IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)


def pcap_record(frame):
    return struct.pack("=IIII", 0, 0, len(frame), len(frame)) + frame


def pcap_frames(path):
    """All frames of a file."""
    data = Path(path).read_bytes()
    at, frames = len(PCAP_HEADER), []
    while at + 16 <= len(data):
        (length,) = struct.unpack_from("=I", data, at + 8)
        frames.append(data[at + 16:at + 16 + length])
        at += 16 + length
    return frames
