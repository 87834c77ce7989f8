# SPDX-License-Identifier: GPL-3.0-or-later
"""volley-control is stopped and killed in each of its states, with a dataplane and without one: a stop is clean, what is
served goes on being served, and the next start finds everything whole."""
import signal
import socket

import pytest

import endings
from endings import ENDING, Asker, Pending, beside, end, served, write_zones  # beside and served: fixtures
from volley import CONTROL, own_network, wait_until


def change(served):
    """New zones on disk, which nobody has read yet."""
    served.number += 1
    write_zones(served.volley, served.number)


# What control does when its end comes. Each brings it there, and gives what is to be closed afterwards.


def starting(volley):
    volley.control.kill()
    endings.wait_for_program(volley.spawn_control(), CONTROL)
    return []


def loading_at_start(volley):
    volley.control.kill()
    volley.spawn_control()
    endings.wait_until_loading(volley)
    return []


def idle(_):
    return []


def loading(volley):
    pending = Pending(volley, command="reload")
    endings.wait_until_loading(volley)
    return [pending]


def publishing(volley):
    """The dataplane does not take what it is handed, or is not there."""
    if volley.dataplane.running():
        volley.dataplane.popen.send_signal(signal.SIGSTOP)
    pending = Pending(volley, command="reload")
    pending.wait_for_phase("publishing")
    return [pending]


def several_reloads(volley):
    pending = [Pending(volley, command="reload", zones=[endings.SMALL]) for _ in range(3)] + [
        Pending(volley, command="reload")]
    endings.wait_until_loading(volley)
    return pending


def storing(volley):
    """Only what is live is stored, so that there is no such state without a dataplane."""
    pending = Pending(volley, command="reload")
    wait_until(lambda: endings.half_written(volley), "the image is being written")
    return [pending]


def watched(volley):
    """Commands that answer later, and one that asks again and again."""
    pending = [Pending(volley, command="top") for _ in range(3)]
    volley.request(command="status")  # comes after them
    return pending


def changing_the_defence(volley):
    """The first waits for the dataplane, the second for the first."""
    volley.dataplane.popen.send_signal(signal.SIGSTOP)
    pending = [Pending(volley, command="defence-deny", prefixes=["198.51.100.0/24"]),
               Pending(volley, command="defence-set", key="responses.slip", value="3")]
    volley.request(command="status")
    return pending


WITH_DATAPLANE = (starting, loading_at_start, idle, loading, publishing, several_reloads, storing, watched,
                  changing_the_defence)
WITHOUT = (starting, loading_at_start, idle, loading, publishing, several_reloads)
# A signal that comes before a program has said what it wants to do with it.
TOO_EARLY = (starting,)


def end_control(volley, state, number):
    if state in TOO_EARLY and number != signal.SIGKILL:
        volley.control.popen.send_signal(number)
        assert volley.control.wait() in (0, -number), volley.control.log()
    else:
        end(volley.control, number)
    if number != signal.SIGKILL and state not in TOO_EARLY:
        endings.assert_nothing_is_left(volley, "control", volley.control_socket)


@endings.in_each(WITH_DATAPLANE, idle)
def test_control_ends_beside_a_dataplane(served, state, number):
    """Not one query is lost, and none is answered from anything but the old zones or the new ones."""
    volley, old = served.volley, served.number
    with Asker(volley.network, {old, old + 1}) as asker:
        asker.wait_for_answers()
        change(served)
        pending = state(volley)
        stopped = state in (publishing, changing_the_defence)
        lost = asker.lost
        end_control(volley, state, number)
        volley.dataplane.popen.send_signal(signal.SIGCONT)
        asker.wait_for_answers()
        assert stopped or asker.lost == lost
        volley.start_control()
        volley.wait_for_connection()
        asker.allowed = {served.number}
        asker.wait_for_answers()
        assert stopped or asker.lost == lost
    for each in pending:
        each.close()
    endings.assert_whole_state(volley, served.number)
    shown = volley.ctl_json("defence", "show")
    prefixes = [each["prefix"] for each in shown["prefixes"]["entries"] if each["from"] == "operator"]
    assert prefixes in ([], ["198.51.100.0/24"])
    assert [each["key"] for each in shown["settings"] if each["from"] == "operator"] in ([], ["responses.slip"])
    for prefix in prefixes:
        volley.ctl("defence", "forget", prefix)
    for each in shown["settings"]:
        if each["from"] == "operator":
            volley.ctl("defence", "unset", each["key"])
    served.settled = True


@endings.in_each(WITHOUT, idle)
def test_control_ends_without_a_dataplane(served, state, number):
    volley = served.volley
    assert volley.dataplane.stop() == 0
    volley.wait_for_connection(False)
    change(served)
    pending = state(volley)
    end_control(volley, state, number)
    volley.start_dataplane()
    volley.start_control()
    endings.assert_whole_state(volley, served.number)
    for each in pending:
        each.close()
    served.settled = True


CLIENTS = {"top": ["top"], "one top": ["top", "--once"], "drops": ["drops", "--follow"], "reload": ["reload"],
           "status": ["status"], "deny": ["defence", "deny", "203.0.113.0/24"]}


@ENDING
@pytest.mark.parametrize("arguments", CLIENTS.values(), ids=CLIENTS.keys())
def test_volleyctl_ends(served, arguments, number):
    """While control has not yet looked at what they ask for: it outlives them, and has no more open files than
    before."""
    volley = served.volley
    change(served)
    before = volley.control.open_files()
    volley.control.popen.send_signal(signal.SIGSTOP)
    clients = [volley.spawn_ctl(*arguments) for _ in range(5)]
    for client in clients:
        wait_until(client.has_socket, "connected")
        client.popen.send_signal(number)
        assert client.wait() == -number, client.log()
    volley.control.popen.send_signal(signal.SIGCONT)
    volley.ctl("reload")
    volley.ctl("defence", "forget", "203.0.113.0/24", check=False)
    wait_until(lambda: volley.control.open_files() <= before, "what they had open is closed")
    endings.assert_fast_path_answers(volley, served.number)


@ENDING
def test_live_top_ends(served, number):
    volley = served.volley
    before = volley.control.open_files()
    client = volley.spawn_ctl("top")
    client.wait_for_log("queries/s")
    client.popen.send_signal(number)
    assert client.wait() in (0, -number), client.log()
    wait_until(lambda: volley.control.open_files() <= before, "what it had open is closed")
    volley.ctl("status")


@ENDING
def test_volleyctl_ends_without_control(tmp_path, number):
    """It waits for somebody who took the connection and says nothing."""
    with socket.socket(socket.AF_UNIX) as listener, own_network(tmp_path) as volley:
        listener.bind(str(volley.control_socket))
        listener.listen()
        client = volley.spawn_ctl("status")
        accepted, _ = listener.accept()
        with accepted:
            client.popen.send_signal(number)
            assert client.wait() == -number, client.log()
