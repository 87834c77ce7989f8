# SPDX-License-Identifier: GPL-3.0-or-later
"""File descriptors: none are left, more come than were asked for, or somebody else's were inherited."""
import os
import re
import resource
import socket
import subprocess
import time
from pathlib import Path

import pytest

from publish import HEADER, HELLO, HELLO_BODY, IMAGE_VERSION, VERSION, message
from test_trouble import huge_pages
from volley import CONTROL, DATAPLANE, Process, small_zone, wait_until


def descriptors(pid):
    """What the descriptors of a process are, without their numbers, and without its log."""
    links = [os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir()]
    return sorted(re.sub(r":\[\d+\]", "", link) for link in links if not link.endswith(".log"))


def sleeps(pid):
    """Whether the main thread waits for something, just now."""
    return Path(f"/proc/{pid}/task/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "S"


def test_no_descriptor_left_for_control(volley):
    """A connection that can't be taken is said, costs nothing, and is taken when one is to be had."""
    volley.add_zone("test.", small_zone(1))
    pid = volley.start_dataplane().pid
    limit = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    # those that are always there: it opens others for a moment, ten times a second
    used = set.intersection(*({int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir()} for _ in range(50)))
    first_free = next(fd for fd in range(len(used) + 1) if fd not in used)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (first_free, limit[1]))
    client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    client.connect(str(volley.publish_socket))
    volley.dataplane.wait_for_log("cannot accept a connection, will retry: Too many open files")
    seen = []
    for _ in range(100):
        seen.append(sleeps(pid))
        time.sleep(0.005)
    assert sum(seen) > 50, "the main thread does not rest"
    resource.prlimit(pid, resource.RLIMIT_NOFILE, limit)
    client.settimeout(30)
    assert HEADER.unpack_from(client.recv(65536))[0] == HELLO
    client.close()


def test_more_descriptors_than_one_with_a_message(volley):
    """Control keeps none of them."""
    volley.add_zone("test.", small_zone(1))
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(volley.publish_socket))
    listener.listen()
    listener.settimeout(30)
    control = volley.start_control()
    counters = os.memfd_create("one-too-many", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    body = HELLO_BODY.pack(VERSION, IMAGE_VERSION, os.getpid(), 1, 1, 0)
    connection, _ = listener.accept()
    connection.settimeout(30)
    with connection:
        socket.send_fds(connection, [message(HELLO, 0, body)], [counters, counters])
        assert connection.recv(65536)  # it goes on, so it has seen them
        assert not [what for what in descriptors(control.pid) if "one-too-many" in what]
    os.close(counters)
    listener.close()


def is_sanitized():
    return "libasan" in subprocess.run(["ldd", DATAPLANE], check=True, capture_output=True, text=True).stdout


@pytest.mark.alone
def test_start_without_huge_pages_inherits_nothing(volley):
    """DPDK has opened some of them, and more, by the time that it has to do without."""
    if is_sanitized():
        pytest.skip("the sanitizer wants more address space than huge pages may have here")
    flags = ["--port", "null", "--memory", "60", "--socket", volley.publish_socket]
    seen = {}
    with huge_pages(256):
        for name, limit, more in (("again", ["prlimit", "--as=2000000000"], []),
                                  ("at once", [], ["--huge-pages", "off"])):
            dataplane = Process("dataplane", [*limit, DATAPLANE, *flags, *more], volley.directory / f"{name}.log")
            volley.processes.append(dataplane)
            dataplane.wait_for_log("waiting for zones: ")
            seen[name] = descriptors(dataplane.pid)
            assert ("restarting with ordinary pages" in dataplane.log()) == (name == "again")
            assert dataplane.stop() == 0
    assert seen["again"] == seen["at once"]


def test_too_few_descriptors_for_control(volley):
    """With any limit on open files it starts or says why not; it never crashes."""
    volley.add_zone("test.", small_zone(1))
    for limit in range(6, 24):  # with less, libuv aborts
        control = volley._spawn("control", ["prlimit", f"--nofile={limit}", CONTROL, "--config", volley.config],
                                {"ASAN_OPTIONS": "exitcode=99:detect_leaks=0"})  # looking for leaks takes some, too
        wait_until(lambda: not control.running() or "ready: " in control.log(), "ended or ready")
        assert control.stop() in (0, 1, None) and control.popen.returncode in (0, 1), control.log()
        assert control.popen.returncode == 0 or "error: " in control.log()
