# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators set at run time, and the secrets of cookies, survive whatever dies; and what can't be kept is said."""
import json
import os
import re
import socket
import stat
import threading
import time

import dns.edns
import dns.message
import pytest

import publish
from ask import exchange, query, wait_until_answered
from net import CLIENT4, CLIENT_LINK, SERVER4
from volley import small_disk, small_zone, wait_until
from wire import Wire, dns_query, frame, ipv4, udp

pytestmark = pytest.mark.fast_path


@pytest.fixture
def served(volley):
    volley.add_zone("test.", small_zone(1, "www A 192.0.2.10"))
    volley.keep_state()
    return volley.start()


def state_file(volley):
    return volley.state / "defence.json"


def secrets_file(volley):
    return volley.state / "cookie-secrets"


def wait_for_dataplane(volley):
    """Until it follows control's defence."""
    wait_until(lambda: volley.ctl_json("defence", "show")["in_force"], "in force")


def dropped(volley):
    """Sends a query from a denied neighbour; returns whether the XDP program counted it as denied."""
    return volley.denies("198.51.100.7")


def operator_settings(volley):
    return {each["key"]: each["value"] for each in volley.ctl_json("defence", "show")["settings"]
            if each["from"] == "operator"}


@pytest.fixture
def denying(served):
    served.ctl("defence", "deny", "198.51.100.0/24")
    served.ctl("defence", "set", "responses.slip", "5")
    assert dropped(served)
    return served


def expect_denying(volley):
    assert dropped(volley)
    assert operator_settings(volley) == {"responses.slip": "5"}
    shown = volley.ctl_json("defence", "show")
    assert shown["prefixes"]["entries"] == [{"prefix": "198.51.100.0/24", "action": "deny"}]
    assert shown["trouble"] == []


def test_dataplane_killed(denying):
    denying.dataplane.kill()
    denying.start_dataplane()
    wait_until_answered(denying.network, "test.")
    wait_for_dataplane(denying)
    expect_denying(denying)


def test_control_killed(denying):
    """While it is dead, the dataplane goes on denying; afterwards it is as it was."""
    denying.control.kill()
    wire = Wire(denying.network, CLIENT_LINK)
    wire.send(frame(denying.network, ipv4("198.51.100.7", SERVER4, udp("198.51.100.7", SERVER4, dns_query("www.test.")))))
    assert wire.receive(lambda datagram: datagram.sport == 53, 0.3) is None
    wire.close()
    denying.start_control()
    wait_for_dataplane(denying)
    expect_denying(denying)


def test_both_killed(denying):
    denying.control.kill()
    denying.dataplane.kill()
    denying.start()
    wait_for_dataplane(denying)
    expect_denying(denying)


def test_set_without_a_dataplane(served):
    """It is kept, and in force before the first zone is."""
    served.dataplane.stop()
    result = served.ctl("defence", "deny", CLIENT4, check=False)
    assert result.returncode == 4 and "no dataplane is connected" in result.stderr
    served.start_dataplane()
    wait_for_dataplane(served)
    with pytest.raises(TimeoutError):
        exchange(served.network, dns_query("www.test."), timeout=0.3)
    served.ctl("defence", "forget", CLIENT4)
    assert query(served.network, "www.test.").answer


def test_what_ended_while_control_was_down(served):
    served.ctl("defence", "deny", CLIENT4, "--for", "1s")
    served.control.kill()
    text = json.loads(state_file(served).read_text())
    text["prefixes"][0]["until"] = int(time.time()) - 5
    state_file(served).write_text(json.dumps(text))
    served.start_control()
    wait_for_dataplane(served)
    assert query(served.network, "www.test.").answer
    assert served.ctl_json("defence", "show")["prefixes"]["entered"] == 0
    assert json.loads(state_file(served).read_text())["prefixes"] == []


@pytest.mark.parametrize("damage", [b"", b"{", b"\0\xff", b"[]",
                                    b'{"version":1,"set":{},"prefixes":[{"prefix":"10.0.0.1/8","action":"deny"}]}'])
def test_damaged_state(denying, damage):
    """It is named and set aside; the configuration counts, and changes are kept again."""
    denying.control.stop()
    state_file(denying).write_bytes(damage)
    log = denying.start_control().log()
    wait_for_dataplane(denying)
    assert "all run-time settings are lost: " in log and "defence.json" in log
    shown = denying.ctl_json("defence", "show")
    assert "kept as defence.json.damaged" in shown["trouble"][0]
    assert "problem: all run-time settings" in denying.ctl("defence", "show").stdout
    assert (denying.state / "defence.json.damaged").read_bytes() == damage
    assert not dropped(denying)
    denying.ctl("defence", "deny", "198.51.100.0/24")
    denying.control.kill()
    denying.start_control()
    wait_for_dataplane(denying)
    assert dropped(denying)
    assert denying.ctl_json("defence", "show")["trouble"] == []


def test_full_disk(volley):
    """A denial is in force all the same; the answer says that it is not kept. With room again, all of it is."""
    volley.add_zone("test.", small_zone(1))
    volley.control_settings["image-cache"] = "off"
    state = volley.state
    volley.keep_state()
    with small_disk(state, 32):
        volley.start()
        wait_for_dataplane(volley)
        volley.ctl("defence", "set", "responses.slip", "5")
        before = state_file(volley).read_bytes()
        with open(state / "fill", "wb", buffering=0) as fill:
            try:
                while fill.write(bytes(4096)):
                    pass
            except OSError:
                pass
        result = volley.ctl("defence", "deny", "198.51.100.0/24", check=False)
        assert result.returncode == 1
        assert re.search(r"in force, but not saved, and lost when volley-control restarts: \S+/defence.json: No space left", result.stderr)
        assert dropped(volley)
        assert state_file(volley).read_bytes() == before, "the file is as it was"
        assert "No space left" in volley.ctl_json("defence", "show")["trouble"][0]
        # secrets must not go back: no roll at all
        fingerprints = volley.ctl_json("cookies", "show")["secrets"]
        result = volley.ctl("cookies", "roll", check=False)
        assert result.returncode == 1 and "cookie-secrets: No space left" in result.stderr
        assert volley.ctl_json("cookies", "show")["secrets"] == fingerprints
        (state / "fill").unlink()
        volley.ctl("defence", "allow", "203.0.113.0/24")
        assert volley.ctl_json("defence", "show")["trouble"] == []
        volley.control.kill()
        volley.start_control()
        wait_for_dataplane(volley)
        assert dropped(volley)
        assert volley.ctl_json("defence", "show")["prefixes"]["in_force"] == {"deny": 1, "allow": 1}
        assert volley.control.stop() == 0


def test_state_directory_is_made(volley):
    """The first start needs no directory: nothing is a trouble, and what operators set survives."""
    volley.add_zone("test.", small_zone(1))
    volley.keep_state()
    volley.start()
    wait_for_dataplane(volley)
    assert volley.ctl_json("status")["trouble"] == []
    volley.ctl("defence", "deny", "198.51.100.0/24")
    assert stat.S_IMODE(volley.state.stat().st_mode) == 0o700
    volley.control.kill()
    volley.start_control()
    wait_for_dataplane(volley)
    assert dropped(volley)


def test_no_state_directory(volley):
    """It can't be made: everything works, and says that it is not kept."""
    volley.add_zone("test.", small_zone(1))
    volley.start()
    wait_for_dataplane(volley)
    assert "cookie secrets could not be saved" in volley.ctl_json("defence", "show")["trouble"][0]
    assert volley.ctl("defence", "deny", "198.51.100.0/24", check=False).returncode == 1
    assert dropped(volley)
    assert volley.ctl_json("cookies", "show")["enabled"]


def roles(volley):
    return {each["role"]: each["fingerprint"] for each in volley.ctl_json("cookies", "show")["secrets"]}


def cookie(volley, server_cookie=b""):
    """The server cookie that comes back."""
    question = dns.message.make_query("www.test.", "A", use_edns=0,
                                      options=[dns.edns.GenericOption(10, b"8 octets" + server_cookie)])
    response = dns.message.from_wire(exchange(volley.network, question.to_wire()))
    (found,) = [option for option in response.options if option.otype == 10]
    return bytes(found.data)[8:]


def valid_cnt(volley):
    return volley.stats()["totals"]["cookies_valid"]


def test_secrets_are_made_once_and_rolled(served):
    assert secrets_file(served).stat().st_mode & 0o777 == 0o600
    first = roles(served)
    assert set(first) == {"current", "next"}
    shown = served.ctl("cookies", "show")
    assert first["current"] in shown.stdout and "cookies are on" in shown.stdout
    old = cookie(served)
    served.ctl("cookies", "roll")
    second = roles(served)
    assert (second["previous"], second["current"]) == (first["current"], first["next"])
    before = valid_cnt(served)
    new = cookie(served, old)
    assert valid_cnt(served) == before + 1, "a cookie of the previous secret is good"
    served.control.kill()
    served.start_control()
    wait_for_dataplane(served)
    assert roles(served) == second
    served.ctl("cookies", "roll", "--next", "00112233445566778899aabbccddeeff")
    third = roles(served)
    assert (third["previous"], third["current"]) == (second["current"], second["next"])
    revealed = served.ctl_json("cookies", "show", "--reveal")["secrets"]
    assert revealed[2] == {"role": "next", "fingerprint": third["next"], "secret": "00112233445566778899aabbccddeeff"}
    assert "00112233" not in served.ctl("cookies", "show").stdout
    before = served.stats()["totals"]
    cookie(served, new)
    cookie(served, old)
    after = served.stats()["totals"]
    assert after["cookies_valid"] == before["cookies_valid"] + 1
    assert after["cookies_invalid"] == before["cookies_invalid"] + 1, "two rolls ago"
    result = served.ctl("cookies", "roll", "--next", "0011", check=False)
    assert result.returncode == 1 and "32 hexadecimal digits" in result.stderr


@pytest.mark.parametrize("damage", ["", "00\n", "-\n"])
def test_damaged_secrets(served, damage):
    """No cookies, and it says why, until they are good again; the zones are served."""
    good = secrets_file(served).read_text()
    served.control.stop()
    secrets_file(served).write_text(damage)
    log = served.start_control().log()
    wait_for_dataplane(served)
    assert re.search(r"cookies are not in use: \S+/cookie-secrets", log)
    shown = served.ctl_json("cookies", "show")
    assert not shown["enabled"] and shown["secrets"] == [] and "correct this" in shown["trouble"]
    assert secrets_file(served).read_text() == damage, "the file is left to the operator"
    response = dns.message.from_wire(exchange(served.network, dns_query("www.test.")))
    assert response.answer
    secrets_file(served).write_text(good)
    served.ctl("reload")
    assert served.ctl_json("cookies", "show")["enabled"]
    assert cookie(served)


def test_secrets_that_others_may_read(served):
    """At a reload what is in force stays."""
    before = roles(served)
    secrets_file(served).chmod(0o644)
    result = served.ctl("reload", check=False)
    assert result.returncode == 1 and "chmod 600" in result.stderr
    assert roles(served) == before and served.ctl_json("cookies", "show")["enabled"]
    assert served.ctl("cookies", "roll", check=False).returncode == 1
    assert roles(served) == before


def test_shared_secrets(served):
    """A file that the operator hands out to all servers of an address, and rolls."""
    shared = served.directory / "shared-secrets"
    shared.write_text("# of all\n000102030405060708090a0b0c0d0e0f\n-\n101112131415161718191a1b1c1d1e1f\n")
    served.other_settings["defence"] = {"cookies": {"secrets-file": "shared-secrets"}}
    served.write_config()
    result = served.ctl("reload", check=False)
    assert result.returncode == 1 and "chmod 600" in result.stderr
    shared.chmod(0o600)
    served.ctl("reload")
    assert served.ctl_json("cookies", "show")["file"] == str(shared)
    first = roles(served)
    old = cookie(served)
    served.ctl("cookies", "roll")
    lines = [line.split()[0] for line in shared.read_text().splitlines() if not line.startswith("#")]
    assert lines[:2] == ["101112131415161718191a1b1c1d1e1f", "000102030405060708090a0b0c0d0e0f"]
    assert roles(served)["previous"] == first["current"]
    before = valid_cnt(served)
    cookie(served, old)
    assert valid_cnt(served) == before + 1
    # distributed: the file changes, and a reload takes it
    shared.write_text("202122232425262728292a2b2c2d2e2f\n101112131415161718191a1b1c1d1e1f\n")
    served.ctl("reload")
    assert set(roles(served)) == {"current", "previous"}
    result = served.ctl("cookies", "roll", check=False)
    assert result.returncode == 1 and "no next secret" in result.stderr
    shared.unlink()
    result = served.ctl("reload", check=False)
    assert result.returncode == 1 and "shared-secrets: No such file" in result.stderr


class Refuser:
    """A dataplane that takes everything until `reason` says why it takes no defence any more."""

    def __init__(self, path):
        self.reason = None
        self.secrets = []  # of each defence that it took
        self.collector = publish.Collector(path)
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        control = self.collector.accept()
        while True:
            data, fds, _, _ = socket.recv_fds(control, 65536, 1)
            if not data:
                return
            kind, _, seq = publish.HEADER.unpack_from(data)
            code, text = publish.OK, b""
            if kind == publish.DEFENCE and self.reason:
                code, text = publish.REFUSED, self.reason
            elif kind == publish.DEFENCE:
                self.secrets.append(publish.DEFENCE_HEAD.unpack(os.pread(fds[0], publish.DEFENCE_HEAD.size, 0))[20])
            for fd in fds:
                os.close(fd)
            control.send(publish.message(publish.RESULT, seq, publish.RESULT_BODY.pack(code, 0, text)))


def test_what_the_dataplane_refuses(volley):
    """Nothing has changed then: neither what is shown nor what is on disk."""
    volley.add_zone("test.", small_zone(1))
    volley.keep_state()
    refuser = Refuser(volley.publish_socket)
    try:
        volley.start_control()
        wait_for_dataplane(volley)
        volley.ctl("defence", "deny", "192.0.2.0/24")
        kept = state_file(volley).read_bytes(), secrets_file(volley).read_bytes()
        shown = volley.ctl_json("defence", "show")
        refuser.reason = b"no port takes it"
        for arguments in (("defence", "deny", "10.0.0.0/8"), ("defence", "set", "responses.slip", "5"),
                          ("defence", "forget", "192.0.2.0/24"), ("cookies", "roll")):
            result = volley.ctl(*arguments, check=False)
            assert result.returncode == 1
            assert "the dataplane refused the defence: no port takes it" in result.stderr
            assert (state_file(volley).read_bytes(), secrets_file(volley).read_bytes()) == kept
        after = volley.ctl_json("defence", "show")
        assert after["prefixes"] == shown["prefixes"] and after["settings"] == shown["settings"]
        volley.other_settings["defence"] = {"responses": {"slip": 9}}
        volley.write_config()
        result = volley.ctl("reload", check=False)
        assert result.returncode == 1 and "the defence was not changed: the dataplane refused" in result.stderr
        refuser.reason = None
        volley.ctl("defence", "deny", "10.0.0.0/8")
        wait_for_dataplane(volley)
        assert operator_settings(volley) == {}
        assert refuser.secrets and set(refuser.secrets) == {refuser.secrets[0]}, "a roll that failed left something"
    finally:
        refuser.collector.close()
