# SPDX-License-Identifier: GPL-3.0-or-later
"""Either program dies at the worst moment; the other one goes on, and both find each other again."""
import time

import pytest

from ask import Dnsperf, query, serial, wait_until_answered
from volley import small_zone, wait_until

pytestmark = pytest.mark.fast_path

# dnsperf is ended by a signal, long before.
SECONDS_MAX = 600


@pytest.fixture
def served(volley):
    volley.add_zone("test.", small_zone(1, "www A 192.0.2.10"))
    return volley.start()


@pytest.fixture
def load(served, tmp_path):
    """Starts dnsperf at a rate far below what this path takes."""
    data = tmp_path / "queries"
    data.write_text("www.test. A\nno.test. A\nns1.test. AAAA\n")
    return lambda seconds: Dnsperf(served.network, data, seconds, rate=2000)


def wait_for_queries(network, count=1000):
    """Until the client's side has received as many answers more: a load is under way."""
    def answers():
        return network.client.counters()["UdpInDatagrams"]
    before = answers()
    wait_until(lambda: answers() >= before + count, f"{count} answers")


def finish(perf):
    """Ends the load; every answer must have come."""
    perf.interrupt()
    result = perf.finish()
    assert result["lost"] == 0
    assert result["completed"] + result["interrupted"] == result["sent"] > 0


@pytest.mark.alone
def test_control_killed_under_load(served, load):
    perf = load(SECONDS_MAX)
    wait_for_queries(served.network)
    served.control.kill()
    wait_for_queries(served.network)
    assert serial(served.network, "test.") == 1
    served.zone_file("test.").write_text(small_zone(2, "www A 192.0.2.11"))
    served.start_control()
    served.wait_for_connection()
    wait_for_queries(served.network)
    finish(perf)
    assert serial(served.network, "test.") == 2


@pytest.mark.alone
def test_control_stopped_under_load(served, load):
    perf = load(SECONDS_MAX)
    wait_for_queries(served.network)
    assert served.control.stop() == 0
    wait_for_queries(served.network)
    served.start_control()
    served.wait_for_connection()
    wait_for_queries(served.network)
    finish(perf)


def test_dataplane_killed_answers_again_from_the_images_held(served, note):
    """The zone file is gone: what is answered again can only come from the image."""
    served.zone_file("test.").unlink()
    wait_until_answered(served.network, "test.")
    served.dataplane.kill()
    killed = time.monotonic()
    served.spawn_dataplane()
    wait_until_answered(served.network, "test.")
    note(f"dataplane killed: away for {(time.monotonic() - killed) * 1000:.0f} ms")
    assert query(served.network, "www.test.").answer
    assert serial(served.network, "test.") == 1
    served.wait_for_connection()


def test_dataplane_killed_many_times(served):
    for _ in range(5):
        served.dataplane.kill()
        served.start_dataplane()
        wait_until_answered(served.network, "test.")
        served.wait_for_connection()
    served.zone_file("test.").write_text(small_zone(2))
    served.ctl("reload")
    assert serial(served.network, "test.") == 2


def test_control_first_then_dataplane(volley):
    volley.add_zone("test.", small_zone(5))
    volley.start_control()
    volley.start_dataplane()
    wait_until_answered(volley.network, "test.")
    assert serial(volley.network, "test.") == 5


def test_zone_changed_while_the_dataplane_is_away(served):
    """A reload cannot be acknowledged then, but what was loaded is what is answered afterwards."""
    served.dataplane.stop()
    served.wait_for_connection(False)
    served.zone_file("test.").write_text(small_zone(6))
    assert served.ctl("reload", check=False).returncode == 4
    served.start_dataplane()
    wait_until_answered(served.network, "test.")
    assert serial(served.network, "test.") == 6


def test_second_control_is_told_that_it_is_one_too_many(served):
    """Its zones do not replace the first one's."""
    first = served.control
    served.control_settings["socket"] = str(served.directory / "second.sock")
    served.zone_file("test.").write_text(small_zone(9))
    second = served.start_control()
    second.wait_for_log("another volley-control")
    assert serial(served.network, "test.") == 1
    assert second.stop() == 0
    assert first.running()
