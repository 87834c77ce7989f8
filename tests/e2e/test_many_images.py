# SPDX-License-Identifier: GPL-3.0-or-later
"""As many images as there may be, one for each zone that was reloaded alone; and the reload of everything behind it."""
import json
import socket

import pytest

from ask import serial
from volley import small_zone

pytestmark = [pytest.mark.fast_path, pytest.mark.heavy]

# VLY_PUBLISH_IMAGES_MAX, less the room that zones reloaded alone leave for a reload of everything.
IMAGES_MAX = 4096 - 64
# Files of more than 16 MiB, nearly all of it comments: each gets an image of its own, built beside the others.
LARGE_ZONES = 3
COMMENTS = f"; {'x' * 97}\n" * 180_000


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


def test_all_images_in_use(volley, note):
    small = [f"z{number}.test." for number in range(IMAGES_MAX + 20)]
    large = [f"large{number}.test." for number in range(LARGE_ZONES)]
    growing = [f"growing{number}.test." for number in range(2)]
    shared = volley.directory / "small.zone"
    shared.write_text(small_zone(1))
    for name in small:
        volley.zones[name] = shared
    for name in large:
        volley.zones[name] = volley.zone_file(name)
        volley.zone_file(name).write_text(small_zone(1) + COMMENTS)
    for name in growing:
        volley.zones[name] = volley.zone_file(name)
        volley.zone_file(name).write_text(small_zone(1))
    volley.write_config()
    volley.start()
    first = volley.request(command="status")["images"]["cnt"]
    assert first > 1, "large zones are built beside each other"

    shared.write_text(small_zone(2))
    bad = reload_alone(volley, small[:IMAGES_MAX - first - 1])
    assert not bad, bad[:3]
    for name in growing:
        volley.zone_file(name).write_text(small_zone(2) + COMMENTS)
    volley.ctl("reload", *growing)  # each would get an image of its own, but there is room for one
    assert {serial(volley.network, name) for name in growing} == {2}
    assert volley.request(command="status")["images"]["cnt"] == IMAGES_MAX
    bad = reload_alone(volley, small[-3:])
    assert len(bad) == 3 and all("reload all zones" in json.dumps(answer) for answer in bad)
    assert {serial(volley.network, name) for name in small[-3:]} == {1}, "what is refused changes nothing"
    assert serial(volley.network, small[0]) == 2

    shared.write_text(small_zone(3))
    reloaded = json.loads(volley.ctl("--json", "reload").stdout)
    cnt = volley.request(command="status")["images"]["cnt"]
    note(f"reload behind {IMAGES_MAX} images: {reloaded['seconds']:.1f} s, {cnt} images")
    assert {serial(volley.network, name) for name in small[::64]} == {3}
    assert {serial(volley.network, name) for name in large} == {1}
    assert 1 < cnt < 100, "built as at the start: several images, not one, and not thousands"
    assert not reload_alone(volley, small[:3]), "there is room again"
