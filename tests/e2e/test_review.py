# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions that wait for a review: by an operator, and by a command."""
import os
import signal

import dns.rcode
import pytest

from ask import query, serial
from primary import Primary, notify
from volley import own_network, wait_until

ZONE = "s.test."
COMMAND = """#!/bin/sh
case "$VOLLEY_NEW_SERIAL" in
2) echo "first"; echo "$1 $VOLLEY_OLD_SERIAL $(grep -c '192.0.2.2' "$2")" >&2; exit 7;;
3) echo "hangs"; sleep 1000;;
4) kill -TERM $$;;
esac
echo "good: $VOLLEY_ZONE '$VOLLEY_OLD_SERIAL'"
"""


@pytest.fixture(name="volley")
def _volley(tmp_path):
    with own_network(tmp_path) as volley:
        volley.be_secondary()
        volley.command = tmp_path / "review"
        volley.command.write_text(COMMAND)
        volley.command.chmod(0o755)
        yield volley


@pytest.fixture(name="source")
def _source(volley):
    made = Primary(volley.network.client)
    made.serials[ZONE] = 1
    yield made
    made.stop()


def offer(volley, source, number):
    source.serials[ZONE] = number
    notify(volley.network, ZONE, number)


def wait_for_serial(volley, wanted):
    wait_until(lambda: serial(volley.network, ZONE) == wanted,
               lambda: f"serial {wanted}; control says\n{volley.control.log()}")


def status(volley):
    return volley.ctl("zone", "status", ZONE).stdout


def wait_for_status(volley, text):
    wait_until(lambda: text in status(volley), lambda: f"{text}: {status(volley)}")


def refused(volley, *arguments):
    result = volley.ctl(*arguments, check=False)
    assert result.returncode == 1, result.stdout
    return result.stderr


def set_transfers(volley, settings):
    volley.other_settings["transfers"] = settings
    volley.write_config()
    volley.ctl("reload")


def pid_of_command(volley, number):
    """The process id of the command that reviews this serial."""
    file = volley.directory / f"pid.{number}"
    return int(wait_until(lambda: file.exists() and file.read_text().endswith("\n") and file.read_text(), str(file)))


def files(volley):
    return list((volley.state / "transfers").iterdir())


@pytest.mark.release
def test_an_operator_accepts_and_rejects(volley, source):
    volley.add_secondary(ZONE, ["primary"], hold="review")
    volley.start()
    wait_for_status(volley, "state      no data: serial 1 waits for a review")
    assert "serial 1 waits for a review, and not 2" in refused(volley, "zone", "accept", ZONE, "2")
    assert "serial 1 waits for a review, and not 0" in refused(volley, "zone", "reject", ZONE, "0")
    assert volley.ctl("zone", "accept", ZONE, "one", check=False).returncode == 2
    volley.ctl("zone", "accept", ZONE, "1")
    wait_for_serial(volley, 1)
    assert "no version of the zone waits" in refused(volley, "zone", "accept", ZONE)
    offer(volley, source, 2)
    wait_for_status(volley, "state      held: 2 waits for volleyctl zone accept, 1 is answered\n")
    volley.ctl("zone", "reject", ZONE, "2")
    wait_for_status(volley, "state      stale: primary primary says 2, we have answered 1 since ")
    assert "serial 2 was refused by a review" in status(volley)
    assert "no version of the zone waits" in refused(volley, "zone", "accept", ZONE)
    volley.ctl("zone", "refresh", ZONE)  # it stays refused
    wait_for_status(volley, "now        waiting")
    assert "no version of the zone waits" in refused(volley, "zone", "accept", ZONE)
    volley.ctl("zone", "retransfer", ZONE)
    wait_for_status(volley, "state      held: 2 waits")
    volley.ctl("zone", "accept", ZONE)
    wait_for_serial(volley, 2)
    assert "to notify" in refused(volley, "zone", "notify", ZONE)


@pytest.mark.release
def test_a_command_reviews(volley, source):
    source.serials["-x.test."] = 1
    for zone in (ZONE, "-x.test."):
        volley.add_secondary(zone, ["primary"], hold="review", review_command=str(volley.command))
    volley.start()
    volley.control.wait_for_log(f"serial 1: the review command exited with status 0: good: {ZONE} ''")
    volley.control.wait_for_log("-x.test.; the review command can't be run: the zone's name begins with")
    wait_for_serial(volley, 1)
    offer(volley, source, 2)
    said = f"the review command exited with status 7: {ZONE} 1 1"
    volley.control.wait_for_log(f"serial 2: {said}")
    wait_for_status(volley, f"serial 2 was refused by a review: {said}")
    set_transfers(volley, {"review-time": "1s"})
    offer(volley, source, 3)
    late = "the review command took longer than transfers.review-time: hangs"
    wait_for_status(volley, f"3 waits for volleyctl zone accept, 1 is answered; {late}")
    set_transfers(volley, {})
    volley.ctl("zone", "accept", ZONE, "3")
    wait_for_serial(volley, 3)
    offer(volley, source, 4)
    wait_for_status(volley, "4 waits for volleyctl zone accept, 3 is answered; the review command was ended by signal 15")
    volley.command.unlink()
    offer(volley, source, 5)
    missing = "the review command can't be run: no such file or directory"
    wait_for_status(volley, f"5 waits for volleyctl zone accept, 3 is answered; {missing}")
    # the command is there again, and asked again
    volley.command.write_text(COMMAND)
    volley.command.chmod(0o755)
    volley.ctl("zone", "refresh", ZONE)
    wait_for_serial(volley, 5)
    wait_until(lambda: not files(volley), lambda: str(files(volley)))


@pytest.mark.release
def test_an_operator_and_the_end_of_control_end_a_review(volley, source):
    volley.command.write_text(f"#!/bin/sh\necho $$ >{volley.directory}/pid.$VOLLEY_NEW_SERIAL\nexec sleep 1000\n")
    volley.add_secondary(ZONE, ["primary"], hold="review", review_command=str(volley.command))
    volley.start()
    wait_for_status(volley, "now        reviewing")
    wait_until(lambda: volley.ctl("zone", "accept", ZONE, check=False).returncode == 0, "the file is written")
    wait_for_serial(volley, 1)
    offer(volley, source, 2)
    wait_for_status(volley, "the review command runs")
    volley.ctl("zone", "reject", ZONE)
    wait_for_status(volley, "serial 2 was refused by a review")
    offer(volley, source, 3)
    wait_for_status(volley, "the review command runs")
    left = pid_of_command(volley, 3)
    volley.control.kill()
    os.kill(left, signal.SIGKILL)  # nobody else ends it now
    assert len(files(volley)) == 1
    volley.start_control()
    offer(volley, source, 4)
    wait_for_status(volley, "the review command runs")
    assert len(files(volley)) == 1, "that of the killed control was removed"
    assert query(volley.network, ZONE, "SOA").rcode() == dns.rcode.NOERROR


@pytest.mark.release
@pytest.mark.usefixtures("source")
def test_versions_that_wait_have_a_bound(volley):
    volley.other_settings["transfers"] = {"review-size": "1k"}
    volley.add_secondary(ZONE, ["primary"], hold="review")
    volley.start()
    wait_for_status(volley, "of the 1024 octets of transfers.review-size: accept or reject some, or raise it")
    assert "no version of the zone waits" in refused(volley, "zone", "accept", ZONE)
    set_transfers(volley, {})
    volley.ctl("zone", "refresh", ZONE)
    wait_for_status(volley, "state      no data: serial 1 waits for a review")
    volley.ctl("zone", "accept", ZONE)
    wait_for_serial(volley, 1)
