# SPDX-License-Identifier: GPL-3.0-or-later
"""Zones that are reloaded alone get images of their own, which are put together as soon as there are many."""
import json
import socket

import pytest

from ask import query, serial
from volley import small_zone, wait_until

pytestmark = [pytest.mark.fast_path, pytest.mark.release]

# PACK_WIDTH - 1 in each of three sizes, and a few larger ones.
IMAGES_MAX = 100


def reload_alone(volley, names):
    """Reloads each zone by itself; returns the answers that are not good."""
    bad = []
    with socket.socket(socket.AF_UNIX) as client, client.makefile("rb") as answers:
        client.connect(str(volley.control_socket))
        client.settimeout(120)
        for name in names:
            client.sendall(json.dumps({"command": "reload", "zones": [name]}).encode() + b"\n")
            while "ok" not in (answer := json.loads(answers.readline())):
                pass
            if not answer["ok"]:
                bad.append(answer)
    return bad


def image_cnt(volley):
    return volley.request(command="status")["images"]["cnt"]


def serve(volley, cnt):
    names = [f"z{number}.test." for number in range(cnt)]
    for name in names:
        volley.zones[name] = volley.zone_file(name)
        volley.zone_file(name).write_text(small_zone(1, "www A 192.0.2.1", "*.w TXT wild"))
    volley.write_config()
    volley.start()
    return names


def check(volley, names, number):
    """Every kind of answer of zones that have moved."""
    for name in names:
        assert serial(volley.network, name) == number
        assert query(volley.network, "www." + name).answer[0][0].to_text() == "192.0.2.1"
        assert query(volley.network, "a.b.w." + name, "TXT").answer
        assert query(volley.network, "none." + name).authority[0][0].serial == number


def test_images_are_put_together(volley):
    names = serve(volley, 300)
    for number in (2, 3):
        for name in names:
            volley.zone_file(name).write_text(small_zone(number, "www A 192.0.2.1", "*.w TXT wild"))
        assert not reload_alone(volley, names)
        wait_until(lambda: image_cnt(volley) < IMAGES_MAX, "few images")
        check(volley, names[::10], number)
    loaded = {zone["name"]: zone for zone in volley.ctl_json("zones")["zones"]}
    assert len({zone["loaded_unix_ns"] for zone in loaded.values()}) == 300, "moving is not loading"
    volley.remove_zone(names[5])
    volley.ctl("reload")
    assert query(volley.network, names[5], "SOA").rcode() == 5
    check(volley, names[:5] + names[6::10], 3)


@pytest.mark.heavy
def test_as_many_reloads_as_there_may_be_images(volley, note):
    names = serve(volley, 20_000)
    for name in names:
        volley.zone_file(name).write_text(small_zone(2, "www A 192.0.2.1", "*.w TXT wild"))
    assert not reload_alone(volley, names)
    note(f"{len(names)} reloads, {image_cnt(volley)} images")
    wait_until(lambda: image_cnt(volley) < IMAGES_MAX, "few images")
    check(volley, names[::100], 2)
