# SPDX-License-Identifier: GPL-3.0-or-later
"""Changing what is served: zones, configuration, and what happens to what is wrong in them."""
import json
import os
import re
import signal
import socket

import pytest

from ask import query, rrset, serial
from volley import CONTROL, Process, own_network, small_zone, wait_until

pytestmark = pytest.mark.fast_path


def add_zones(volley):
    volley.zones = {}
    volley.add_zone("one.test.", small_zone(1, "www A 192.0.2.10"))
    volley.add_zone("two.test.", small_zone(1))


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with own_network(tmp_path_factory.mktemp("reload"), streams=False) as volley:
        add_zones(volley)
        yield volley.start()


@pytest.fixture
def served(running):
    """Serves two zones with serial 1, whatever the test before has done."""
    add_zones(running)
    running.ctl("reload")
    assert [serial(running.network, name) for name in running.zones] == [1, 1]
    return running


def test_new_serial_is_answered_when_reload_returns(served):
    for number in range(2, 12):
        served.zone_file("one.test.").write_text(small_zone(number, f"www A 192.0.2.{number}"))
        served.ctl("reload", "one.test.")
        assert serial(served.network, "one.test.") == number
        assert rrset(query(served.network, "www.one.test.").answer, "www.one.test.", "A")[1] == {
            f"192.0.2.{number}"}
    assert serial(served.network, "two.test.") == 1


def test_reload_of_everything(served):
    for name in served.zones:
        served.zone_file(name).write_text(small_zone(7))
    served.ctl("reload")
    assert [serial(served.network, name) for name in served.zones] == [7, 7]


def test_sighup_reloads_everything(served):
    served.zone_file("one.test.").write_text(small_zone(8))
    os.kill(served.control.pid, signal.SIGHUP)
    wait_until(lambda: serial(served.network, "one.test.") == 8, "serial 8")


@pytest.mark.parametrize("line, text", [
    (5, "www A 192.0.2.300"),
    (5, "www AAAA 2001:db8::g"),
    (5, "www NOTYPE x"),
    (5, "x" * 64 + " A 192.0.2.1"),
    (5, "www MX 10"),
], ids=["address", "IPv6 address", "type", "label of 64", "field missing"])
def test_broken_zone_names_file_and_line_and_leaves_the_old_one(served, line, text):
    file = served.zone_file("one.test.")
    file.write_text(small_zone(2, text))
    result = served.ctl("reload", "one.test.", check=False)
    assert result.returncode == 1
    assert f"{file}:{line}:" in result.stderr + result.stdout
    assert serial(served.network, "one.test.") == 1
    assert query(served.network, "www.one.test.").answer
    file.write_text(small_zone(3))
    served.ctl("reload", "one.test.")
    assert serial(served.network, "one.test.") == 3


@pytest.mark.parametrize("text, reason", [
    ("", "empty"),
    ("$TTL 60\n@ NS ns1\n", "SOA"),
    (small_zone(2, "www CNAME a", "www A 192.0.2.1"), "CNAME"),
], ids=["empty file", "no SOA", "CNAME and other data"])
def test_zone_that_makes_no_sense(served, text, reason):
    served.zone_file("one.test.").write_text(text)
    result = served.ctl("reload", "one.test.", check=False)
    assert result.returncode == 1
    said = result.stderr + result.stdout
    assert str(served.zone_file("one.test.")) in said and reason in said
    assert serial(served.network, "one.test.") == 1


def test_truncated_zone_file(served):
    """Cut inside a record, as by a full disk."""
    whole = small_zone(2, *(f"n{i} TXT ( \"one of many\"\n \"in lines\" )" for i in range(1000)))
    file = served.zone_file("one.test.")
    file.write_text(whole[:whole.rindex("(") + 10])
    result = served.ctl("reload", "one.test.", check=False)
    assert result.returncode == 1 and str(file) in result.stderr + result.stdout
    assert serial(served.network, "one.test.") == 1


def test_missing_zone_file(served):
    file = served.zone_file("one.test.")
    file.unlink()
    result = served.ctl("reload", "one.test.", check=False)
    assert result.returncode == 1 and str(file) in result.stderr + result.stdout
    assert serial(served.network, "one.test.") == 1


def test_one_broken_zone_does_not_keep_the_others_back(served):
    served.zone_file("one.test.").write_text("broken\n")
    served.zone_file("two.test.").write_text(small_zone(9))
    assert served.ctl("reload", check=False).returncode == 1
    assert serial(served.network, "two.test.") == 9
    assert serial(served.network, "one.test.") == 1


def test_unknown_zone(served):
    result = served.ctl("reload", "nobody.test.", check=False)
    assert result.returncode == 1 and "nobody.test." in result.stderr + result.stdout


def test_zone_added_and_removed_in_the_configuration(served):
    assert serial(served.network, "three.test.") == "REFUSED"
    served.add_zone("three.test.", small_zone(3))
    served.ctl("reload")
    assert serial(served.network, "three.test.") == 3
    served.remove_zone("one.test.")
    served.ctl("reload")
    assert serial(served.network, "one.test.") == "REFUSED"
    assert serial(served.network, "three.test.") == 3


def test_child_zone_beside_its_parent(served):
    """The nearest apex answers; without the child, its parent's referral is back."""
    served.zone_file("one.test.").write_text(small_zone(2, "sub NS ns.sub", "ns.sub A 192.0.2.5"))
    served.ctl("reload")
    assert not query(served.network, "ns.sub.one.test.").answer
    served.add_zone("sub.one.test.", small_zone(5, "ns A 192.0.2.5"))
    served.ctl("reload")
    assert query(served.network, "ns.sub.one.test.").answer
    served.remove_zone("sub.one.test.")
    served.ctl("reload")
    response = query(served.network, "ns.sub.one.test.")
    assert rrset(response.authority, "sub.one.test.", "NS")


@pytest.mark.parametrize("extra, line", [
    ("surprise: 1\n", 1),
    ("control:\n  sokcet: /run/x\n", 2),
    ("control:\n  socket: [1, 2]\n", 2),
    ("dataplane:\n  udp-payload-max: many\n", 2),
    ("dataplane:\n  idle: nap\n", 2),
], ids=["top-level key", "key", "kind of value", "number", "choice"])
def test_wrong_configuration_names_the_line(served, extra, line):
    old = served.config.read_text()
    zones = old[old.index("zones:"):]
    served.config.write_text(extra + zones)
    for command in (("check", str(served.config)), ("reload",)):
        result = served.ctl(*command, check=False)
        assert result.returncode == 1, command
        assert f"{served.config.name}:{line}:" in result.stderr + result.stdout
    assert serial(served.network, "one.test.") == 1
    served.config.write_text(old)
    served.ctl("check", str(served.config))
    served.ctl("reload")


def test_wrong_configuration_at_start(volley):
    volley.config.write_text("control:\n  sokcet: /run/x\nzones: []\n")
    control = Process("control", [CONTROL, "--config", volley.config], volley.directory / "bad.log")
    assert control.wait() == 1
    assert f"{volley.config.name}:2:" in control.log() and "sokcet" in control.log()


def test_volleyctl_shows_zones_and_status(served):
    text = json.dumps(served.ctl_json("zones"))
    assert "one.test." in text and "two.test." in text
    assert re.search(r"^one\.test\. +1 +4 +loaded ", served.ctl("zones").stdout, re.MULTILINE)
    status = served.ctl_json("status")
    assert status["ok"] and status["control"]["pid"] == served.control.pid
    assert status["dataplane"]["connected"] and status["dataplane"]["pid"] == served.dataplane.pid
    assert status["dataplane"]["zones"] == status["zones"]["loaded"] == 2 and not status["failed"]
    text = served.ctl("status").stdout
    assert f"pid {served.control.pid}" in text and f"pid {served.dataplane.pid}" in text
    assert "2 configured, 2 loaded" in text


def test_volleyctl_exit_codes(volley):
    add_zones(volley)
    volley.start()
    assert volley.ctl("no-such-command", check=False).returncode == 2
    volley.dataplane.stop()
    volley.wait_for_connection(False)
    assert volley.ctl("stats", check=False).returncode == 4
    volley.control.stop()
    assert volley.ctl("status", check=False).returncode == 3


def test_control_socket_mode(served):
    assert served.control_socket.stat().st_mode & 0o777 == 0o660


@pytest.mark.parametrize("section, key, value, programs", [
    ("dataplane", "udp-payload-max", 1000, "volley-dataplane"),
    ("control", "socket-group", "nobody-has-it", "volley-control"),
    ("control", "state-dir", "elsewhere", "volley-control and volley-dataplane")])
def test_what_waits_for_a_restart_is_said(served, section, key, value, programs):
    """A reload that leaves something of the configuration out of force says who must be restarted."""
    settings = served.dataplane_settings if section == "dataplane" else served.control_settings
    before = dict(settings)
    settings[key] = str(served.directory / value) if key == "state-dir" else value
    served.write_config()
    assert f"restart {programs}\n" in served.ctl("reload").stdout
    assert "restart" not in served.ctl("reload").stdout
    settings.clear()
    settings.update(before)
    served.write_config()
    served.ctl("reload")


GARBAGE = [b"\n", b"garbage\n", b"{}\n", b"[]\n", b"null\n", b"{\"command\": 5}\n",
           b"{\"command\": \"reload\", \"zones\": 7}\n", b"{\"command\": \"reload\", \"zones\": [7]}\n",
           b"{\"command\": \"no such\"}\n", b"\0\n", b"\xff\xfe\n", b"[" * 5000 + b"\n",
           b"{\"command\": \"" + b"a" * 2_000_000 + b"\"}\n"]


@pytest.mark.parametrize("line", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_on_the_control_socket(served, line):
    """Answered with an error, or hung up on; the next one is served."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(10)
        client.connect(str(served.control_socket))
        answer = b""
        try:
            client.sendall(line)
            client.shutdown(socket.SHUT_WR)
            while data := client.recv(65536):
                answer += data
        except (BrokenPipeError, ConnectionResetError):
            pass
        for text in answer.splitlines():
            assert json.loads(text)["ok"] is False
    assert served.ctl_json("status")["ok"]


def test_client_that_hangs_does_not_hold_others_up(served):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.connect(str(served.control_socket))
        client.sendall(b"{\"command\":")
        served.ctl("reload")
        served.ctl("status")
