# SPDX-License-Identifier: GPL-3.0-or-later
"""What has been acknowledged survives: kills of both programs under a stream of changes, disks that fail."""
import json
import os
import random
import shutil
import socket
import threading
import time

import pytest

from ask import query, serial
from volley import own_network, small_disk, small_zone, wait_until

ZONE = "living.test."


def add_zone(volley, names=0):
    volley.keep_state()
    volley.zone_settings[ZONE] = {"living": True}
    volley.add_zone(ZONE, small_zone(1, *[f"n{i} A 192.0.2.1" for i in range(names)]))


class Writer(threading.Thread):
    """Adds one record after the other, and notes what was acknowledged, with its serial."""

    def __init__(self, volley, first):
        super().__init__()
        self.path, self.number = str(volley.control_socket), first
        self.acknowledged, self.stopping = {}, False
        self.start()

    def run(self):
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
                client.settimeout(60)
                client.connect(self.path)
                answers = client.makefile()
                while not self.stopping:
                    request = {"command": "zone-edit", "zone": ZONE, "text": f"+ r{self.number} 60 TXT {self.number}"}
                    client.sendall(json.dumps(request).encode() + b"\n")
                    answer = json.loads(answers.readline())
                    if answer["ok"] or answer.get("code") == "no-dataplane":
                        self.acknowledged[self.number] = answer["serial"]
                    self.number += 1
        except (OSError, ValueError):
            pass  # it was killed


def check_all(volley, acknowledged):
    shown = volley.ctl("zone", "export", ZONE).stdout
    there = {line.split()[0] for line in shown.splitlines() if " TXT " in line}
    missing = {number for number in acknowledged if f"r{number}.{ZONE}" not in there}
    assert not missing
    last = max(acknowledged.values())
    assert serial(volley.network, ZONE) >= last
    assert volley.request(command="zones")["zones"][0]["serial"] == serial(volley.network, ZONE)
    for number in random.sample(sorted(acknowledged), min(20, len(acknowledged))):
        assert query(volley.network, f"r{number}.{ZONE}", "TXT").answer


@pytest.mark.release
@pytest.mark.parametrize("kills", [3, pytest.param(200, marks=pytest.mark.heavy)])
def test_kills_of_control_lose_nothing(tmp_path, kills):
    with own_network(tmp_path) as volley:
        add_zone(volley, 300)
        volley.start()
        acknowledged, first = {}, 0
        for _ in range(kills):
            writer = Writer(volley, first)
            count = random.randrange(1, 60)
            wait_until(lambda: len(writer.acknowledged) >= count, "changes")
            time.sleep(random.random() / 200)
            volley.control.kill()
            volley.processes.remove(volley.control)
            writer.join()
            acknowledged |= writer.acknowledged
            first = writer.number + 1
            assert serial(volley.network, ZONE) >= max(acknowledged.values())
            volley.start_control()
            check_all(volley, acknowledged)


@pytest.mark.heavy
@pytest.mark.parametrize("kills", [2, 50])
def test_kills_of_the_dataplane_lose_nothing(tmp_path, kills):
    with own_network(tmp_path) as volley:
        add_zone(volley, 300)
        volley.start()
        acknowledged, first = {}, 0
        for _ in range(kills):
            writer = Writer(volley, first)
            wait_until(lambda: len(writer.acknowledged) >= 20, "changes")
            volley.dataplane.kill()
            volley.processes.remove(volley.dataplane)
            volley.start_dataplane()
            count = len(writer.acknowledged) + 20
            wait_until(lambda: len(writer.acknowledged) >= count, "changes go on")
            writer.stopping = True
            writer.join()
            acknowledged |= writer.acknowledged
            first = writer.number + 1
            check_all(volley, acknowledged)


@pytest.mark.heavy
def test_without_a_dataplane_changes_are_kept(tmp_path):
    with own_network(tmp_path) as volley:
        add_zone(volley)
        volley.start_control()
        result = volley.ctl("zone", "set", ZONE, "early", "A", "192.0.2.1", check=False)
        assert result.returncode == 4
        assert "on disk" in result.stderr + result.stdout
        volley.start_dataplane()
        wait_until(lambda: query(volley.network, f"early.{ZONE}").answer, "answered")


@pytest.mark.heavy
def test_a_full_disk_refuses_changes_until_there_is_room(tmp_path):
    with small_disk(tmp_path / "disk", 1024), own_network(tmp_path) as volley:
        add_zone(volley)
        volley.control_settings["state-dir"] = str(tmp_path / "disk")
        volley.control_settings["image-cache"] = "off"
        volley.start()
        volley.ctl("zone", "set", ZONE, "before", "A", "192.0.2.1")
        with open(tmp_path / "disk/filler", "wb") as filler:
            with pytest.raises(OSError):
                while True:
                    os.write(filler.fileno(), bytes(4096))
        refused = wait_until(lambda: fill(volley), "a refusal")
        assert "space" in refused["error"].lower() or "full" in refused["error"].lower()
        fill(volley)
        before = serial(volley.network, ZONE)
        trouble = volley.request(command="status")["trouble"]
        assert any("refused" in text for text in trouble), trouble
        assert volley.control.log().count("changes of living zones are refused") == 1
        assert query(volley.network, f"before.{ZONE}").answer
        os.unlink(tmp_path / "disk/filler")
        volley.ctl("zone", "set", ZONE, "after", "A", "192.0.2.1")
        assert serial(volley.network, ZONE) == before + 1
        assert not any("refused" in text for text in volley.request(command="status")["trouble"])
        volley.control.stop()
        volley.start_control()
        assert serial(volley.network, ZONE) == before + 1


def fill(volley):
    """Makes a change; the answer when it is refused."""
    fill.number = getattr(fill, "number", 0) + 1
    answer = volley.request(command="zone-edit", zone=ZONE, text=f"+ f{fill.number} TXT {'x' * 200}")
    return None if answer["ok"] else answer


@pytest.mark.heavy
def test_a_damaged_store_is_reported_and_cured(tmp_path):
    with own_network(tmp_path) as volley:
        add_zone(volley, 300)
        volley.add_zone("file.test.", small_zone(1))
        volley.start()
        volley.ctl("zone", "set", ZONE, "kept", "A", "192.0.2.1")
        volley.control.stop()
        data = volley.state / "zones/data.mdb"
        shutil.copy(data, tmp_path / "good.mdb")
        size = data.stat().st_size
        with open(data, "r+b") as file:
            file.seek(4096 * 2)
            file.write(os.urandom(size - 4096 * 2))
        volley.start_control()
        assert serial(volley.network, "file.test.") == 1
        shown = {zone["name"]: zone for zone in volley.request(command="zones")["zones"]}
        assert shown[ZONE]["state"] == "failed" and "data.mdb" in json.dumps(shown[ZONE]["failure"])
        result = volley.ctl("zone", "set", ZONE, "lost", "A", "192.0.2.1", check=False)
        assert result.returncode == 1
        shutil.copy(tmp_path / "good.mdb", data)
        wait_until(lambda: volley.ctl("reload", check=False).returncode == 0, "the store is opened again")
        assert query(volley.network, f"kept.{ZONE}").answer
        volley.ctl("zone", "set", ZONE, "more", "A", "192.0.2.1")
