# SPDX-License-Identifier: GPL-3.0-or-later
"""Images that were kept on disk are trusted no more than others: what the dataplane would refuse, or refuses, is read from
the zone files instead."""
import ctypes
import os
import re
import socket
import struct
import threading

import pytest

import publish
from ask import query, serial
from publish import with_checksum
from test_publish import DAMAGES
from volley import small_zone

# The index tells these before the image is looked at.
TOLD_BY_THE_INDEX = {"magic", "foreign byte order", "other version", "header bytes", "image bytes", "one bit", "no zones",
                     "zone count"}
BROKEN_INSIDE = [name for name in DAMAGES if name not in TOLD_BY_THE_INDEX and not name.startswith(("trunc", "longer"))]
ZONES = {"test.": small_zone(1, "www A 192.0.2.10", "* TXT \"any\"", "alias CNAME www", "sub NS ns.sub",
                             "ns.sub A 192.0.2.5")}


@pytest.fixture
def kept(volley):
    """A zone, its image on disk, and nothing running."""
    volley.keep_state()
    for name, text in ZONES.items():
        volley.add_zone(name, text)
    volley.start()
    volley.control.wait_for_log("image cache: stored")
    volley.control.kill()
    return volley


def sum_of(text):
    xxhash = ctypes.CDLL("libxxhash.so.0")
    xxhash.XXH3_64bits.restype = ctypes.c_uint64
    xxhash.XXH3_64bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    return xxhash.XXH3_64bits(text, len(text))


def replace_image(volley, damage):
    """Damages the one image, with its checksum, its name and the index put right. Returns its file."""
    images = volley.state / "images"
    [old] = images.glob("*.image")
    data = damage(old.read_bytes())
    assert with_checksum(data) == data
    new = images / f"{struct.unpack_from('=Q', data, publish.CHECKSUM_OFFSET)[0]:016x}.image"
    old.unlink()
    new.write_bytes(data)
    text = (images / "index").read_bytes().replace(old.stem.encode(), new.stem.encode())
    text = text[:text.rindex(b"end ")]
    (images / "index").write_bytes(text + f"end {sum_of(text):016x}\n".encode())
    return new


def test_the_index_is_put_right_by_this_test(kept):
    replace_image(kept, lambda image: image)
    kept.start_control()
    kept.control.wait_for_log("1 zone from the image cache")
    assert serial(kept.network, "test.") == 1


@pytest.mark.parametrize("damage", BROKEN_INSIDE)
def test_image_that_the_dataplane_would_refuse(kept, damage):
    """It is found by volley-control, named and removed, and its zones are read from their files."""
    file = replace_image(kept, DAMAGES[damage])
    kept.start_control()
    kept.control.wait_for_log("loaded 1 of 1 zone, .* 0 zones from the image cache")
    assert re.search(f"image cache: {file}: .*reading 1 zone from file instead", kept.control.log())
    assert "refused" not in kept.control.log()
    assert serial(kept.network, "test.") == 1
    assert query(kept.network, "www.test.").answer
    assert not file.exists()


class Refuser:
    """A dataplane that refuses the first images, and counts the images and commits that it gets. Like a real one it does
    not know an image that it has refused: a commit that adds such an image is answered with UNKNOWN."""

    def __init__(self, path, refusals):
        self.refusals, self.image_cnt, self.committed, self.held = refusals, 0, [], set()
        self.collector = publish.Collector(path)
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        control = self.collector.accept()
        while True:
            data, fds, _, _ = socket.recv_fds(control, 65536, 1)
            if not data:
                return
            kind, _, seq = publish.HEADER.unpack_from(data)
            code, text = publish.OK, b""
            if kind == publish.IMAGE:
                code, text = self._take_image(data)
            elif kind == publish.COMMIT:
                code = self._take_commit(data)
            for fd in fds:
                os.close(fd)
            control.send(publish.message(publish.RESULT, seq, publish.RESULT_BODY.pack(code, 1, text)))

    def _take_image(self, data):
        self.image_cnt += 1
        if self.image_cnt <= self.refusals:
            return publish.REFUSED, b"not this one"
        self.held.add(publish.IMAGE_BODY.unpack_from(data, publish.HEADER.size)[0])
        return publish.OK, b""

    def _take_commit(self, data):
        _, _, removed, added, _, _ = publish.COMMIT_BODY.unpack_from(data, publish.HEADER.size)
        ids = struct.unpack_from(f"={removed + added}Q", data, publish.HEADER.size + publish.COMMIT_BODY.size)
        if not self.held.issuperset(ids):
            return publish.UNKNOWN
        self.committed.append(added)
        return publish.OK


@pytest.mark.parametrize("refusals", [1, 2])
def test_image_that_the_dataplane_refuses(kept, refusals):
    """Once more from the files; an image of those that is refused is an error, as without a cache."""
    kept.dataplane.kill()
    kept.publish_socket.unlink(missing_ok=True)
    refuser = Refuser(kept.publish_socket, refusals)
    try:
        kept.start_control()
        log = kept.control.log()
        assert "image cache not used: the dataplane refused the zones: not this one" in log
        assert refuser.image_cnt == 2
        assert refuser.committed == ([1] if refusals == 1 else [])
        zones = kept.ctl_json("status")["zones"]
        assert (zones["loaded"], zones["from_cache"], zones["failed"]) == ((1, 0, 0) if refusals == 1 else (0, 0, 1))
    finally:
        refuser.collector.close()
