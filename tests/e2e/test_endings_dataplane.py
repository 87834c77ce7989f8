# SPDX-License-Identifier: GPL-3.0-or-later
"""volley-dataplane is stopped and killed in each of its states, with a control and without one: a stop leaves nothing
behind, what a kill leaves is replaced, and no answer is ever wrong."""
import signal

import endings
import publish
from endings import ENDING, Asker, Pending, beside, end, served, write_zones  # beside and served: fixtures
from net import attached
from stream import Stream, framed
from volley import DATAPLANE, Process, wait_until
from wire import dns_query


# What the dataplane does when its end comes. Each brings it there, and gives what is to be closed afterwards.


def starting(served):
    served.volley.dataplane.stop()
    endings.wait_for_program(served.volley.spawn_dataplane(), DATAPLANE)
    return []


def opening_its_port(served):
    served.volley.dataplane.stop()
    served.volley.spawn_dataplane().wait_for_log("packet memory: ")
    return []


def waiting_for_zones(served):
    """There is no control to give it some."""
    served.volley.dataplane.stop()
    served.volley.start_dataplane()
    return []


def serving(_):
    return []


def holding_connections(served):
    """One idle, one in the middle of a message, and one that takes no answers."""
    volley = served.volley
    idle, half, slow = (Stream(volley.network, receive_buffer=4096) for _ in range(3))
    assert idle.ask(dns_query(f"www.{endings.SMALL}"))
    half.socket.sendall(framed(dns_query(f"www.{endings.SMALL}"))[:-1])
    slow.send(*[dns_query(f"www.{endings.SMALL}")] * 1000)
    return [stream.socket for stream in (idle, half, slow)]


def handed_zones(served):
    """New zones lie in its socket, and it has not looked yet."""
    served.number += 1
    write_zones(served.volley, served.number)
    served.volley.dataplane.popen.send_signal(signal.SIGSTOP)
    pending = Pending(served.volley, command="reload")
    pending.wait_for_phase("publishing")
    return [pending]


def beside_a_control_that_hangs(served):
    """In the middle of a reload."""
    served.number += 1
    write_zones(served.volley, served.number)
    pending = Pending(served.volley, command="reload")
    endings.wait_until_loading(served.volley)
    served.volley.control.popen.send_signal(signal.SIGSTOP)
    return [pending]


def holding_an_image(served):
    """An image has come, and not yet the commit that would bring it in."""
    volley = served.volley
    file = max((volley.state / "images").glob("*.image"), key=lambda path: path.stat().st_mtime)
    publisher = publish.connect(volley.publish_socket)
    assert publisher.image(7, file.read_bytes())[0] == publish.OK
    return [publisher]


WITH_CONTROL = (starting, opening_its_port, serving, holding_connections, handed_zones, beside_a_control_that_hangs)
WITHOUT = (starting, opening_its_port, waiting_for_zones, serving, holding_connections, holding_an_image)


def end_dataplane(volley, state, number):
    process = volley.dataplane
    if state is starting and number != signal.SIGKILL:
        # it may not yet have said what it wants to do with a signal
        process.popen.send_signal(number)
        assert process.wait() in (0, -number), process.log()
        return
    end(process, number)
    if number != signal.SIGKILL:
        endings.assert_nothing_is_left(volley, "dataplane", volley.publish_socket)


def start_dataplane_anew(volley):
    """What a kill has left on the interface is replaced."""
    left = attached(volley.network)
    volley.start_dataplane()
    wait_until(lambda: attached(volley.network) not in (left, None), "the XDP program is its own")


@endings.in_each(WITH_CONTROL, serving)
def test_dataplane_ends_beside_a_control(served, state, number):
    """The next one serves what control holds; meanwhile nobody gets an answer, rather than a wrong one."""
    volley, old = served.volley, served.number
    with Asker(volley.network, {old, old + 1}) as asker:
        asker.wait_for_answers()
        opened = state(served)
        end_dataplane(volley, state, number)
        volley.control.popen.send_signal(signal.SIGCONT)
        volley.wait_for_connection(False)
        start_dataplane_anew(volley)
        volley.wait_for_connection()
        asker.wait_for_answers()
    for each in opened:
        each.close()
    endings.assert_whole_state(volley, served.number)
    served.settled = True


@endings.in_each(WITHOUT, serving)
def test_dataplane_ends_without_a_control(served, state, number):
    volley = served.volley
    assert volley.control.stop() == 0
    with Asker(volley.network, {served.number}) as asker:
        asker.wait_for_answers()
        opened = state(served)
        end_dataplane(volley, state, number)
        start_dataplane_anew(volley)
        volley.start_control()
        asker.wait_for_answers()
    for each in opened:
        each.close()
    endings.assert_whole_state(volley, served.number)
    served.settled = True


@ENDING
def test_second_dataplane_ends(served, number):
    """Whatever becomes of it, the one that has the interface does not notice."""
    volley = served.volley
    program = attached(volley.network)
    with Asker(volley.network, {served.number}) as asker:
        asker.wait_for_answers()
        second = Process("second", volley.network.server.command(
            DATAPLANE, "--port", volley.dataplane_settings["ports"][0], "--socket", volley.directory / "second.sock"),
            volley.directory / "second.log")
        endings.wait_for_program(second, DATAPLANE)
        second.popen.send_signal(number)
        assert second.wait() in (0, 1, -number), second.log()
        asker.wait_for_answers()
        assert not asker.lost
    assert attached(volley.network) == program
    endings.assert_fast_path_answers(volley, served.number)
    served.settled = True
