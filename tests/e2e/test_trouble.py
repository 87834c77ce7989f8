# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine that is not as one would like it: full disks, no huge pages, lost ports, wrong flags."""
import json
import os
import re
import socket
import stat
import subprocess
import time
from contextlib import contextmanager

import pytest

from ask import query, serial, wait_until_answered
from net import SERVER_LINK
from volley import DATAPLANE, READY, Process, small_zone

pytestmark = pytest.mark.fast_path

HUGE_PAGES = "/sys/kernel/mm/hugepages/hugepages-2048kB"


@pytest.fixture
def prepared(volley):
    volley.keep_state()
    volley.add_zone("test.", small_zone(1))
    return volley


@contextmanager
def full_disk(directory):
    """A file system of one page, already full."""
    directory.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "full", directory], check=True)
    try:
        (directory / "fill").write_bytes(bytes(4096))
        yield
    finally:
        subprocess.run(["umount", "-l", directory], check=True)


def test_full_state_directory(prepared):
    """Zones are served all the same: the state directory is for convenience."""
    with full_disk(prepared.state):
        prepared.start()
        assert serial(prepared.network, "test.") == 1
        prepared.zone_file("test.").write_text(small_zone(2))
        prepared.ctl("reload")
        assert serial(prepared.network, "test.") == 2


def test_state_directory_that_is_a_file(prepared):
    """Lines that name it, and service without it."""
    prepared.state.write_text("not a directory")
    prepared.start_dataplane()
    control = prepared.spawn_control()
    control.wait_for_log(re.escape(str(prepared.state)))
    control.wait_for_log(READY)
    assert serial(prepared.network, "test.") == 1


def test_port_down_and_up_again(prepared):
    prepared.start()
    prepared.network.server.ip("link", "set", SERVER_LINK, "down")
    prepared.network.server.ip("link", "set", SERVER_LINK, "up")
    prepared.network.server.ip("addr", "replace", "fd53::1/64", "dev", SERVER_LINK, "nodad")
    wait_until_answered(prepared.network, "test.")
    assert prepared.dataplane.running()


@contextmanager
def huge_pages(count):
    """Sets the machine's reserve for a while; skips where it may not be touched."""
    path = f"{HUGE_PAGES}/nr_hugepages"
    with open(path, encoding="ascii") as file:
        before = int(file.read())
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(str(count))
        with open(path, encoding="ascii") as file:
            if int(file.read()) != count:
                pytest.skip(f"the kernel does not reserve {count} huge pages")
        yield
    finally:
        with open(path, "w", encoding="ascii") as file:
            file.write(str(before))


def free_huge_pages():
    with open(f"{HUGE_PAGES}/free_hugepages", encoding="ascii") as file:
        return int(file.read())


def all_pages_return(count):
    """The kernel lets go of an AF_XDP socket's memory a moment after the process is gone."""
    deadline = time.monotonic() + 10
    while free_huge_pages() != count:
        assert time.monotonic() < deadline, f"{free_huge_pages()} of {count} huge pages are free"
        time.sleep(0.02)


def huge_page_files():
    """Files on every mounted hugetlbfs: what DPDK leaves when it leaves something."""
    with open("/proc/mounts", encoding="utf-8") as mounts:
        paths = [line.split()[1] for line in mounts if line.split()[2] == "hugetlbfs"]
    return {os.path.join(path, name) for path in paths for name in os.listdir(path)}


@pytest.mark.alone
def test_without_huge_pages(prepared):
    with huge_pages(0):
        prepared.start()
        prepared.dataplane.wait_for_log("ordinary pages")
        assert query(prepared.network, "ns1.test.").answer


@pytest.mark.alone
def test_with_huge_pages(prepared):
    with huge_pages(256):
        files = huge_page_files()
        prepared.start()
        prepared.dataplane.wait_for_log("(?i)huge pages")
        assert free_huge_pages() < 256
        assert query(prepared.network, "ns1.test.").answer
        prepared.dataplane.stop()
        all_pages_return(256)
        assert huge_page_files() == files


@pytest.mark.alone
def test_killed_with_huge_pages(prepared):
    with huge_pages(256):
        files = huge_page_files()
        prepared.start().dataplane.kill()
        all_pages_return(256)
        assert huge_page_files() == files


@contextmanager
def control_group_of_huge_pages(directory, most):
    """A control group whose members see all free huge pages, and get this many octets of them."""
    directory.mkdir()
    subprocess.run(["mount", "-t", "cgroup2", "none", directory], check=True)
    group = directory / f"volley-{os.getpid()}"
    try:
        if "hugetlb" not in (directory / "cgroup.controllers").read_text().split():
            pytest.skip("the kernel's control groups (version 2) have no hugetlb controller")
        (directory / "cgroup.subtree_control").write_text("+hugetlb")
        group.mkdir()
        (group / "hugetlb.2MB.max").write_text(str(most))
        yield group
    finally:
        if group.exists():
            for pid in (group / "cgroup.procs").read_text().split():
                (directory / "cgroup.procs").write_text(pid)
            group.rmdir()
        subprocess.run(["umount", directory], check=True)


@pytest.mark.alone
@pytest.mark.parametrize("most, what", [(0, "the free huge pages were taken meanwhile"),
                                        (16 << 20, "another NUMA node, or --memory is too small")])
def test_huge_pages_that_are_gone_in_the_end(prepared, tmp_path, most, what):
    """Another program may take them after they were counted: all of them, or so many that those for packets are lacking."""
    with huge_pages(256), control_group_of_huge_pages(tmp_path / "cgroup", most) as group:
        (group / "cgroup.procs").write_text(str(os.getpid()))
        prepared.start()
        prepared.dataplane.wait_for_log(f"{what}: restarting with ordinary pages")
        assert query(prepared.network, "ns1.test.").answer
        prepared.dataplane.stop()
        prepared.control.stop()


@pytest.mark.alone
def test_too_few_huge_pages(prepared):
    """One page is not enough for packet memory: ordinary memory then."""
    with huge_pages(1):
        prepared.start()
        assert query(prepared.network, "ns1.test.").answer


@pytest.mark.alone
def test_huge_pages_off(prepared):
    prepared.dataplane_settings["huge-pages"] = "off"
    with huge_pages(256):
        prepared.start()
        assert free_huge_pages() == 256
        assert query(prepared.network, "ns1.test.").answer


@pytest.mark.parametrize("flags, status, reason", [
    (["--port", "af_xdp:nosuch0"], 1, "nosuch0"),
    (["--port", "nokind:x"], 2, "nokind"),
    (["--port", "af_xdp:server0,queues=0"], 2, "queues"),
    (["--port", "af_xdp:server0,queues=9"], 1, "queue"),
    (["--port", "af_xdp:server0", "--cpus", "9999"], 2, "9999"),
    (["--port", "af_xdp:server0", "--cpus", "200"], 1, "200"),
    (["--port", "af_xdp:server0", "--listen", "1.2.3"], 2, "1.2.3"),
    (["--port", "af_xdp:server0", "--udp-payload-max", "100"], 2, "100"),
    (["--port", "af_xdp:server0", "--xdp-program", "/no/such.o"], 1, "/no/such.o"),
    (["--port", "af_xdp:server0", "--socket", "/no/such/dir/socket"], 1, "/no/such/dir"),
    (["--port", "pcap:/no/such.pcap"], 1, "/no/such.pcap"),
    (["--no-such-flag"], 2, "no-such-flag"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else None)
def test_start_up_errors(volley, flags, status, reason):
    """One line that says what and where; nothing is left on the interface."""
    if "--socket" not in flags:
        flags = [*flags, "--socket", volley.publish_socket]
    dataplane = Process("dataplane", volley.network.server.command(DATAPLANE, *flags),
                        volley.directory / "refused.log")
    assert dataplane.wait() == status, dataplane.log()
    assert reason in dataplane.log()
    assert "xdp" not in json.loads(volley.network.server.ip("-j", "link", "show", "dev", SERVER_LINK))[0]


def test_started_and_stopped_often(prepared):
    """The kernel gives the queue free in its own time; the next start must not stumble over that."""
    for _ in range(10):
        prepared.start_dataplane()
        assert prepared.dataplane.stop() == 0


def test_stale_socket_is_replaced(prepared):
    """Both sockets exist, and nobody listens: as after a power failure."""
    for path in (prepared.publish_socket, prepared.control_socket):
        kind = socket.SOCK_SEQPACKET if path == prepared.publish_socket else socket.SOCK_STREAM
        with socket.socket(socket.AF_UNIX, kind) as dead:
            dead.bind(str(path))
    prepared.start()
    assert serial(prepared.network, "test.") == 1
    prepared.ctl("status")


def test_socket_path_that_is_a_file_is_left_alone(prepared):
    """A typing error in the configuration must not delete a file."""
    prepared.publish_socket.write_text("precious")
    dataplane = prepared.spawn_dataplane()
    assert dataplane.wait() == 1
    assert str(prepared.publish_socket) in dataplane.log()
    assert prepared.publish_socket.read_text() == "precious"


def test_sockets_are_gone_after_exit(prepared):
    prepared.start()
    prepared.control.stop()
    prepared.dataplane.stop()
    left = [path for path in prepared.directory.rglob("*") if stat.S_ISSOCK(path.lstat().st_mode)]
    assert not left
