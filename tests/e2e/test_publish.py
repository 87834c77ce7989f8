# SPDX-License-Identifier: GPL-3.0-or-later
"""The dataplane trusts no image and no message: damaged ones are refused with the reason, and it lives.

Images are made by the real control, then damaged with the checksum put right, so that each check
behind the checksum is reached.
"""
import itertools
import os
import random
import struct

import pytest

import publish
from ask import open_client, query, serial
from publish import (BUSY, COMMIT, DEFENCE, IMAGE, IMAGE_BODY, IMAGE_HEADER_BYTES, MALFORMED, OK, REFUSED, RESULT, STALE,
                     UNKNOWN, Collector, Publisher, message, sealed_memfd, with_checksum)
from volley import Volley, own_network, small_zone
from wire import dns_query

pytestmark = pytest.mark.fast_path

ZONES = {"test.": small_zone(1, "www A 192.0.2.10", "* TXT \"any\"", "alias CNAME www",
                             "sub NS ns.sub", "ns.sub A 192.0.2.5")}
SECTIONS_OFFSET = 80

# Ids of images are never used twice, and generations only grow.
fresh = itertools.count(1)
ZONES_SECTION, BUCKETS_SECTION, HEAP_SECTION = range(3)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A dataplane without control, shared by all tests: it must live through every one."""
    with own_network(tmp_path_factory.mktemp("publish"), streams=False) as volley:
        for name, text in ZONES.items():
            volley.add_zone(name, text)
        volley.start_dataplane()
        yield volley


@pytest.fixture(scope="module")
def image(served, tmp_path_factory):
    """A real image, as control would have sent it to the dataplane."""
    volley = Volley(served.network, tmp_path_factory.mktemp("collect"))
    for name, text in ZONES.items():
        volley.add_zone(name, text)
    collector = Collector(volley.publish_socket)
    try:
        volley.start_control()
        images = collector.images()
    finally:
        collector.close()
        volley.stop()
    assert len(images) == 1 and with_checksum(images[0]) == images[0]
    return images[0]


@pytest.fixture
def publisher(served, image):
    """Connected, and the good image is live."""
    made = publish.connect(served.publish_socket)
    assert (made.publish_version, made.image_version) == (publish.VERSION, publish.IMAGE_VERSION)
    made.good = next(fresh)
    assert made.image(made.good, image)[0] == OK
    assert made.commit(next(fresh), [made.good])[:2] == (OK, 1)
    yield made
    made.close()
    assert served.dataplane.running()
    assert serial(served.network, "test.") == 1


def section(image, index):
    return struct.unpack_from("=QQ", image, SECTIONS_OFFSET + 16 * index)


def changed(image, offset, form, value):
    """The image with one field changed and the checksum put right."""
    data = bytearray(image)
    struct.pack_into("=" + form, data, offset, value)
    return with_checksum(data)


def nodes(image):
    """Offsets in the image of all nodes, by bucket."""
    start, size = section(image, BUCKETS_SECTION)
    heap, _ = section(image, HEAP_SECTION)
    for bucket in range(start, start + size, 64):
        for ref in struct.unpack_from("=8I", image, bucket + 32):
            if ref:
                yield heap + ref * 8


def apex_node(image):
    heap, _ = section(image, HEAP_SECTION)
    return heap + struct.unpack_from("=I", image, section(image, ZONES_SECTION)[0])[0] * 8


# Offsets in struct vly_image_answer.
WIRE_LEN, KEEP_LEN, FIX_CNT, ANCHOR_LEN = 6, 8, 12, 14


def first_answer(image):
    """Offset of the answer behind the apex's first type."""
    heap, _ = section(image, HEAP_SECTION)
    return heap + struct.unpack_from("=I", image, apex_node(image) + 16 + 2)[0] * 8


def poke(network):
    """Sends questions that reach every kind of answer; what comes back does not matter."""
    with open_client(network) as client:
        client.setblocking(False)
        for name in ("www.test.", "no.test.", "x.sub.test.", "alias.test.", "*.test.", "test."):
            for rrtype in (1, 16, 255):
                client.send(dns_query(name, rrtype))


HUGE = 0xfffffff0
DAMAGES = {
    "magic": lambda image: changed(image, 0, "Q", 0x1122334455667788),
    "foreign byte order": lambda image: with_checksum(image[7::-1] + image[8:]),
    "other version": lambda image: changed(image, 8, "I", publish.IMAGE_VERSION + 1),
    "header bytes": lambda image: changed(image, 12, "I", 128),
    "image bytes": lambda image: changed(image, 16, "Q", len(image) + 64),
    "truncated in the header": lambda image: image[:100],
    "truncated in the heap": lambda image: image[:-64],
    "truncated with its new length": lambda image: changed(image[:-64], 16, "Q", len(image) - 64),
    "one bit": lambda image: image[:-100] + bytes([image[-100] ^ 1]) + image[-99:],
    "longer than it says": lambda image: image + bytes(64),
    "no zones": lambda image: changed(image, 64, "I", 0),
    "zone count": lambda image: changed(image, 64, "I", HUGE),
    "bucket count": lambda image: changed(image, 68, "I", HUGE),
    "no buckets": lambda image: changed(image, 68, "I", 0),
    "no probes": lambda image: changed(image, 72, "I", 0),
    "more probes than buckets": lambda image: changed(image, 72, "I", HUGE),
    "zones outside": lambda image: changed(image, SECTIONS_OFFSET, "Q", 1 << 40),
    "buckets wrap round": lambda image: changed(image, SECTIONS_OFFSET + 16, "Q", (1 << 64) - 64),
    "heap outside": lambda image: changed(image, SECTIONS_OFFSET + 32, "Q", len(image) + 64),
    "heap too long": lambda image: changed(image, SECTIONS_OFFSET + 40, "Q", len(image)),
    "heap not aligned": lambda image: changed(
        image, SECTIONS_OFFSET + 32, "Q", section(image, HEAP_SECTION)[0] + 8),
    "unknown mandatory section": lambda image: changed(image, SECTIONS_OFFSET - 4, "I", 1 << 7),
    "apex outside": lambda image: changed(image, section(image, ZONES_SECTION)[0], "I", HUGE),
    "apex is 0": lambda image: changed(image, section(image, ZONES_SECTION)[0], "I", 0),
    "NXDOMAIN outside": lambda image: changed(image, section(image, ZONES_SECTION)[0] + 4, "I", HUGE),
    "NODATA outside": lambda image: changed(image, section(image, ZONES_SECTION)[0] + 8, "I", HUGE),
    "zone flags": lambda image: changed(image, section(image, ZONES_SECTION)[0] + 28, "H", 1),
    "node of no zone": lambda image: changed(image, apex_node(image), "I", 7),
    "name longer than it is": lambda image: changed(image, apex_node(image) + 4, "B", 200),
    "node flags": lambda image: changed(image, apex_node(image) + 5, "B", 0x80),
    "types without end": lambda image: changed(image, apex_node(image) + 6, "H", 0xffff),
    "other outside": lambda image: changed(image, apex_node(image) + 8, "I", HUGE),
    "wildcard outside": lambda image: changed(image, apex_node(image) + 12, "I", HUGE),
    "answer outside": lambda image: changed(image, apex_node(image) + 16 + 2, "I", HUGE),
    "answer longer than the heap": lambda image: changed(image, first_answer(image) + WIRE_LEN, "H", 0xffff),
    "keeps more than it has": lambda image: changed(image, first_answer(image) + KEEP_LEN, "H", 0xffff),
    "fixes without end": lambda image: changed(image, first_answer(image) + FIX_CNT, "H", 0xffff),
    "no anchor": lambda image: changed(image, first_answer(image) + ANCHOR_LEN, "B", 0),
    "anchor longer than its name": lambda image: changed(image, first_answer(image) + ANCHOR_LEN, "B", 255),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_image_is_refused_with_the_reason(served, image, publisher, damage):
    bad = DAMAGES[damage](image)
    assert bad != image
    number = next(fresh)
    code, _, text = publisher.image(number, bad)
    assert code == REFUSED and len(text) > 10, text
    assert publisher.commit(next(fresh), [number])[0] == UNKNOWN
    assert query(served.network, "www.test.").answer


def test_wildcard_of_an_apex_that_no_bucket_has(served, image, publisher):
    """The apex is reached without the buckets, so what it refers to counts as well."""
    start, size = section(image, BUCKETS_SECTION)
    data = bytearray(changed(image, apex_node(image) + 12, "I", HUGE))
    heap, _ = section(image, HEAP_SECTION)
    ref = (apex_node(image) - heap) // 8
    for bucket in range(start, start + size, 64):
        refs = list(struct.unpack_from("=8I", data, bucket + 32))
        if ref in refs:
            # the last node of the bucket takes the apex's place
            last = max(index for index, used in enumerate(refs) if used)
            refs[refs.index(ref)] = refs[last]
            refs[last] = 0
            struct.pack_into("=8I", data, bucket + 32, *refs)
    assert publisher.image(next(fresh), with_checksum(data))[0] == REFUSED


def test_node_behind_an_empty_slot(image, publisher):
    """Slots are filled from 0; what stands behind an empty one was not verified, or must not be there."""
    start, size = section(image, BUCKETS_SECTION)
    data = bytearray(image)
    for bucket in range(start, start + size, 64):
        refs = list(struct.unpack_from("=8I", data, bucket + 32))
        if 0 in refs:
            # any name that hashes into this bucket finds the tag
            struct.pack_into("=8I", data, bucket, *struct.unpack_from("=I", data, bucket) * 8)
            struct.pack_into("=8I", data, bucket + 32, *[0] * 7, HUGE)
    assert publisher.image(next(fresh), with_checksum(data))[0] == REFUSED


@pytest.mark.parametrize("which", ["apex", "every node"])
def test_dname_flag_without_a_dname(served, image, publisher, which):
    """Whether it is refused or answered somehow is the dataplane's choice; that it lives is not."""
    data = bytearray(image)
    for node in [apex_node(image)] if which == "apex" else nodes(image):
        data[node + 5] |= 4
    number = next(fresh)
    if publisher.image(number, with_checksum(data))[0] == OK:
        assert publisher.commit(next(fresh), [number])[0] == OK
        poke(served.network)
        assert publisher.image(good := next(fresh), image)[0] == OK
        assert publisher.commit(next(fresh), [good])[0] == OK


@pytest.mark.parametrize("seals", [0, publish.fcntl.F_SEAL_SHRINK | publish.fcntl.F_SEAL_GROW],
                         ids=["none", "writable"])
def test_unsealed_image_is_refused(image, publisher, seals):
    assert publisher.image(next(fresh), image, seals)[0] == REFUSED


def test_random_damage(served, image, publisher):
    """A refusal or a live image, never a crash: what was accepted is queried too."""
    dice = random.Random(53)
    for _ in range(300):
        data = bytearray(image)
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(IMAGE_HEADER_BYTES if dice.random() < 0.8 else 0, len(data) - 4)
            struct.pack_into("=I", data, at, dice.choice((0, 1, HUGE, dice.getrandbits(32))))
        number = next(fresh)
        code, _, _ = publisher.image(number, with_checksum(data))
        assert code in (OK, REFUSED)
        if code == OK:
            publisher.commit(next(fresh), [number])
            poke(served.network)
            assert served.dataplane.running()
    number = next(fresh)
    assert publisher.image(number, image)[0] == OK
    assert publisher.commit(next(fresh), [number])[0] == OK


def with_field(offset, form, value):
    data = bytearray(publish.defence(mode=publish.ON))
    struct.pack_into("=" + form, data, offset, value)
    return bytes(data)


BAD_DEFENCES = {
    "magic": (with_field(0, "Q", 1), "not a defence block"),
    "version": (with_field(8, "I", publish.DEFENCE_VERSION + 1), "another version"),
    "its size": (with_field(12, "I", 64), "another size"),
    "short": (publish.defence()[:-8], "wrong size"),
    "long": (publish.defence() + bytes(8), "wrong size"),
    "empty": (b"", "wrong size"),
    "mode": (with_field(24, "I", 3), "response limits: unknown mode"),
    "IPv4 prefix": (with_field(32, "I", 33), "IPv4"),
    "IPv6 prefix": (with_field(36, "I", 0), "IPv6"),
    "rate": (publish.defence(rates=((5, 4),) * 4), "response limits"),
    "source rate": (publish.defence(sources=((1, 1 << 31),) * 3), "source rates"),
    "source mode": (publish.defence(source_mode=9), "source rates: unknown mode"),
    "unserved": (publish.defence(unserved=(0, 7)), "unserved"),
    "too many ranges": (with_field(publish.DEFENCE_TABLE_OFFSET, "I", publish.PREFIX_RANGES + 1), "prefix table"),
    "prefixes out of order": (with_field(publish.DEFENCE_TABLE_OFFSET + 4, "I", 2), "prefix table"),
    "no secret": (with_field(80, "I", 1), "no current secret"),
}


def test_image_that_is_held_already(image, publisher):
    """Control may send all its images again if it does not know which of them the dataplane holds."""
    assert publisher.image(publisher.good, image)[0] == OK
    assert publisher.commit(next(fresh), [publisher.good])[:2] == (OK, 1)
    pending = next(fresh)
    assert publisher.image(pending, image)[0] == OK
    assert publisher.image(pending, image)[0] == OK
    assert publisher.commit(next(fresh), [pending, publisher.good])[:2] == (OK, 1)
    assert publisher.commit(next(fresh), [publisher.good])[:2] == (OK, 1)


@pytest.mark.parametrize("damage", BAD_DEFENCES)
def test_bad_defence_is_refused_with_the_reason(served, publisher, damage):
    block, reason = BAD_DEFENCES[damage]
    code, _, text = publisher.defence(block)
    assert code == REFUSED and reason in text
    assert publisher.commit(next(fresh), [publisher.good])[0] == OK


def test_defence_comes_into_force(served, publisher):
    mappings = []
    for generation in range(1, 5):
        block = publish.defence(generation, publish.ON, publish.DRY_RUN, secrets=[bytes(16)])
        assert publisher.defence(block)[0] == OK
        served.dataplane.wait_for_log(f"defence {generation} is in force")
        with open(f"/proc/{served.dataplane.pid}/maps", encoding="ascii") as maps:
            mappings.append(sum("memfd:image" in line for line in maps))
    assert mappings == mappings[:1] * 4, "blocks that were replaced stay mapped"
    assert publisher.defence(publish.defence(9))[0] == OK


@pytest.mark.parametrize("seals", [0, publish.fcntl.F_SEAL_SHRINK | publish.fcntl.F_SEAL_GROW],
                         ids=["none", "writable"])
def test_unsealed_defence_is_refused(publisher, seals):
    code, _, text = publisher.defence(publish.defence(), seals)
    assert code == REFUSED and "sealed" in text


@pytest.mark.parametrize("packet", [
    b"", b"\0", b"\0" * 15, b"\0" * 16,
    message(IMAGE, 1), message(IMAGE, 1, IMAGE_BODY.pack(2)), message(IMAGE, 1, IMAGE_BODY.pack(0)),
    message(IMAGE, 1, IMAGE_BODY.pack(2) + b"\0"),
    message(COMMIT, 1), message(COMMIT, 1, struct.pack("=QQIIII", 50, 0, 0, 1, 0, 0)),
    message(COMMIT, 1, struct.pack("=QQIIII", 50, 0, 0, 0xffffffff, 0, 0)),
    message(COMMIT, 1, struct.pack("=QQIIIIQ", 50, 0, 0, 0, 0, 0, 1)),
    message(COMMIT, 1, struct.pack("=QQIIIIQ", 50, 0, 1, 0, 0, 0, 1)),
    message(RESULT, 1, bytes(248)), message(99, 1), message(DEFENCE, 1), message(DEFENCE, 1, bytes(8)),
    struct.pack("=IIQ", COMMIT, 0xffffffff, 1), message(COMMIT, 1, bytes(60000)),
], ids=range(19))
def test_malformed_message(served, packet):
    """Refused or hung up on; a good control is served afterwards."""
    client = publish.connect(served.publish_socket)
    if packet:
        result = client.send(packet)
        assert result is None or result[0] == MALFORMED
    client.close()
    assert served.dataplane.running()


def test_descriptor_that_is_no_memfd(publisher):
    with open(os.devnull, "rb") as null:
        code, _, text = publisher.send(message(IMAGE, publisher.next_seq(), IMAGE_BODY.pack(next(fresh))), [null.fileno()])
    assert code == REFUSED and text


def test_too_many_descriptors(served, image):
    """None of them stays open in the dataplane."""
    def open_files():
        return len(os.listdir(f"/proc/{served.dataplane.pid}/fd"))

    client = publish.connect(served.publish_socket)
    before = open_files()
    fds = [sealed_memfd(image) for _ in range(8)]
    for _ in range(4):
        if client.send(message(IMAGE, client.next_seq(), IMAGE_BODY.pack(next(fresh))), fds) is None:
            break
    for fd in fds:
        os.close(fd)
    client.close()
    again = publish.connect(served.publish_socket)
    assert open_files() <= before + 1
    again.close()


def test_images_not_committed_are_forgotten(served, image, publisher):
    before = mappings(served)
    numbers = [next(fresh) for _ in range(20)]
    for number in numbers:
        assert publisher.image(number, image)[0] == OK
    assert publisher.commit(next(fresh), numbers[:1])[0] == OK
    assert mappings(served) <= before + 1


def mappings(volley):
    with open(f"/proc/{volley.dataplane.pid}/maps", encoding="ascii") as maps:
        return sum("memfd:image" in line for line in maps)


def test_one_control_at_a_time(served, publisher):
    second = Publisher(served.publish_socket)
    assert second.first == RESULT and second.code == BUSY
    second.close()
    assert publisher.commit(next(fresh), [publisher.good])[0] == OK


def test_commit_of_an_older_generation(publisher):
    assert publisher.commit(1, [publisher.good])[0] != OK


def test_empty_commit(served, publisher, image):
    """All zones removed: everything is refused, until there are zones again."""
    assert publisher.commit(next(fresh), [])[:2] == (OK, 0)
    assert serial(served.network, "test.") == "REFUSED"
    number = next(fresh)
    assert publisher.image(number, image)[0] == OK
    assert publisher.commit(next(fresh), [number])[:2] == (OK, 1)


def add_image(publisher, image):
    number = next(fresh)
    assert publisher.image(number, image)[0] == OK
    return number


def test_commit_of_a_difference(served, publisher, image):
    live, number = next(fresh), add_image(publisher, image)
    assert publisher.commit(live, [number])[:2] == (OK, 1)
    newer = add_image(publisher, image)
    code, _, text = publisher.commit(next(fresh), [newer], since=live - 1)
    assert code == STALE and str(live) in text
    assert publisher.commit(next(fresh), [HUGE], since=live)[0] == UNKNOWN
    assert publisher.commit(next(fresh), [], since=live, removed=[newer])[0] == MALFORMED
    assert publisher.commit(next(fresh), [newer, newer], since=live)[0] == MALFORMED
    assert publisher.commit(next(fresh), [number], since=live)[0] == MALFORMED
    before = mappings(served)
    then = next(fresh)
    assert publisher.commit(then, [newer], since=live, removed=[number])[:2] == (OK, 1)
    assert serial(served.network, "test.") == 1
    assert mappings(served) == before - 1
    assert publisher.commit(last := next(fresh), [], since=then, removed=[newer])[:2] == (OK, 0)
    assert serial(served.network, "test.") == "REFUSED"
    assert publisher.commit(next(fresh), [add_image(publisher, image)], since=last)[:2] == (OK, 1)


def test_commit_in_several_messages(served, publisher, image):
    live, old = next(fresh), [add_image(publisher, image) for _ in range(3)]
    assert publisher.commit(live, old)[:2] == (OK, 1)
    before = mappings(served)
    number, then = add_image(publisher, image), next(fresh)
    assert publisher.commit(then, [], since=live, removed=old[:1], more=True)[0] == OK
    assert publisher.commit(next(fresh), [], since=live, removed=old[1:], more=True)[0] == MALFORMED, "of another"
    assert publisher.commit(then, [], since=live, removed=old[:2], more=True)[0] == OK
    assert publisher.commit(then, [], since=live, removed=old[2:], more=True)[0] == OK
    assert publisher.commit(then, [number], since=live)[:2] == (OK, 1)
    assert mappings(served) == before - 2
    # the connection ends before the last part
    assert publisher.commit(next(fresh), [], since=then, removed=[number], more=True)[0] == OK
    publisher.close()
    again = publish.connect(served.publish_socket)
    assert again.generation == then
    assert again.commit(next(fresh), [], since=then)[:2] == (OK, 1)
    again.close()


def test_socket_mode(served):
    assert served.publish_socket.stat().st_mode & 0o777 == 0o600
