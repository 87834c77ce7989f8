# SPDX-License-Identifier: GPL-3.0-or-later
"""One program is older than the other, as in the middle of an upgrade: each says so, goes on, and works with the right
one as soon as that is there."""
import fcntl
import os
import socket
import struct
from contextlib import contextmanager

import pytest

import publish
from ask import serial
from volley import small_zone, wait_until

pytestmark = pytest.mark.fast_path

# include/volley/counters.h
COUNTERS_MAGIC, COUNTERS_BYTES = 0x544e554f43594c56, 4096


def hello(publish_version=publish.VERSION, image_version=publish.IMAGE_VERSION, more=b""):
    body = publish.HELLO_BODY.pack(publish_version, image_version, os.getpid(), 1, 1, 0)
    return publish.message(publish.HELLO, 0, body + more)


def counters(version):
    """The block that another version would share: none of its numbers mean what they meant."""
    fd = os.memfd_create("counters", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(fd, struct.pack("=QI", COUNTERS_MAGIC, version) + b"\xff" * (COUNTERS_BYTES - 12))
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
    return fd


@contextmanager
def other_dataplane(volley, greeting):
    """Greets every control that comes, until the end; gives how many came."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(volley.publish_socket))
        listener.listen()
        listener.settimeout(60)
        yield lambda: greet(listener, greeting)
    volley.publish_socket.unlink()


def greet(listener, greeting):
    """Takes one control and greets it; returns what it sends next, b"" when it hangs up."""
    control, _ = listener.accept()
    control.settimeout(60)
    fd = counters(1)
    with control:
        socket.send_fds(control, [greeting], [fd])
        os.close(fd)
        try:
            return control.recv(65536)
        except ConnectionResetError:
            return b""


@pytest.mark.parametrize("greeting, reason", [
    (hello(publish_version=publish.VERSION - 1), "another version of the publish protocol"),
    (hello(publish_version=publish.VERSION + 1), "another version of the publish protocol"),
    (hello(publish_version=publish.VERSION + 1, more=bytes(500)), "another version of the publish protocol"),
    (hello(image_version=publish.IMAGE_VERSION - 1), "another version of zone images"),
    (hello(image_version=publish.IMAGE_VERSION + 1), "another version of zone images"),
], ids=["older protocol", "newer protocol", "newer and longer", "older images", "newer images"])
def test_dataplane_of_another_version(volley, greeting, reason):
    """It is given nothing, and again and again asked whether it has been replaced."""
    volley.add_zone("test.", small_zone(1))
    with other_dataplane(volley, greeting) as greet_one:
        control = volley.spawn_control()
        for _ in range(3):
            assert greet_one() == b""
        control.wait_for_log(reason)
        status = wait_until(lambda: volley.request(command="status"), "status")
        assert not status["dataplane"]["connected"] and reason in status["dataplane"]["error"]
        assert reason in volley.ctl("status", check=False).stdout
        assert control.log().count(reason) < 3, "said once, not at each attempt"
    volley.start_dataplane()
    volley.wait_for_connection()
    wait_until(lambda: serial(volley.network, "test.") == 1, "the right one serves")


def test_counters_of_another_version(volley):
    """No statistics, and zones all the same: control goes on to hand over the defence and the images."""
    volley.add_zone("test.", small_zone(1))
    with other_dataplane(volley, hello()) as greet_one:
        volley.spawn_control()
        kind, _, _ = publish.HEADER.unpack_from(greet_one())
        assert kind in (publish.DEFENCE, publish.IMAGE, publish.STEER)
        volley.control.wait_for_log("no statistics: the counters have another version")
    volley.start_dataplane()
    volley.wait_for_connection()
    wait_until(lambda: serial(volley.network, "test.") == 1, "the right one serves")
    assert volley.stats()["totals"]["rx_packets"] > 0


@pytest.mark.parametrize("message", [
    publish.message(99, 1), publish.message(publish.COMMIT, 1, bytes(8)), publish.message(publish.HELLO, 1, bytes(64)),
    publish.message(publish.DEFENCE, 1, bytes(400))], ids=["unknown", "shorter commit", "hello", "defence without a file"])
def test_control_of_another_version(volley, message):
    """What it asks is refused or it is sent away; what is served stays, and the right control is taken afterwards."""
    volley.add_zone("test.", small_zone(1))
    volley.start()
    volley.control.kill()
    other = publish.connect(volley.publish_socket)
    answer = other.send(message)
    assert answer is None or answer[0] != publish.OK
    assert serial(volley.network, "test.") == 1
    other.close()
    volley.zone_file("test.").write_text(small_zone(2))
    volley.start_control()
    volley.wait_for_connection()
    wait_until(lambda: serial(volley.network, "test.") == 2, "the right control is taken")


def test_control_that_leaves_at_the_greeting(volley):
    """As one of another version does: nothing is held against the next one."""
    volley.add_zone("test.", small_zone(1))
    volley.start_dataplane()
    for _ in range(20):
        publish.connect(volley.publish_socket).close()
    volley.start_control()
    wait_until(lambda: serial(volley.network, "test.") == 1, "served")
