# SPDX-License-Identifier: GPL-3.0-or-later
"""Dynamic updates (RFC 2136) by nsupdate, knsupdate and dnspython, over UDP and TCP, IPv4 and IPv6."""
import socket
import time

import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.tsig
import dns.update
import pytest

from ask import query, rrset, serial
from net import SERVER4, SERVER6
from volley import own_network, small_zone, wait_until

ZONE = "u.test."
SECRET = "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY="
ALGORITHMS = ("hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512")


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with own_network(tmp_path_factory.mktemp("update")) as volley:
        volley.keep_state()
        volley.spare_clients()
        file = volley.directory / "secret"
        file.write_text(SECRET + "\n")
        file.chmod(0o600)
        volley.other_settings["keys"] = [
            {"name": name, "algorithm": name, "secret": SECRET} for name in ALGORITHMS] + [
            {"name": "short", "algorithm": "hmac-sha256-128", "secret-file": "secret"},
            {"name": "acme", "secret": SECRET}, {"name": "late", "secret": SECRET}, {"name": "far", "secret": SECRET},
            {"name": "rare", "secret": SECRET}, {"name": "switched", "secret": SECRET}]
        volley.zone_settings[ZONE] = {"update": [
            *({"key": name, "types": ["ANY"]} for name in ALGORITHMS), {"key": "short"},
            {"key": "acme", "names": ["_acme-challenge.*"], "types": ["TXT"], "ttl-max": "120"},
            {"key": "late", "until": "2020-01-01"}, {"key": "far", "sources": ["192.0.2.0/24"]},
            {"key": "rare", "rate": "2/d"}, {"key": "switched"}]}
        volley.add_zone(ZONE, small_zone(1, "www A 192.0.2.10"))
        volley.add_zone("file.test.", small_zone(1))
        yield volley.start()


def keyring(name="hmac-sha256", secret=SECRET, algorithm=None):
    if algorithm is None:
        algorithm = name if name in ALGORITHMS else "hmac-sha256"
    return dns.tsig.Key(name, secret, algorithm + ".")


def update(*changes, zone=ZONE, key="hmac-sha256", **how):
    """An update of changes (method, arguments...)."""
    made = dns.update.UpdateMessage(zone)
    for method, *arguments in changes:
        getattr(made, method)(*arguments)
    if key:
        ring = keyring(key, **how)
        made.use_tsig({ring.name: ring}, keyname=ring.name, algorithm=ring.algorithm)
    return made


def send(volley, message, tcp=False, server=SERVER4):
    """The response, verified."""
    with volley.network.client.entered():
        how = dns.query.tcp if tcp else dns.query.udp
        return how(message, server, timeout=10)


def rcode(volley, *changes, tcp=False, server=SERVER4, **how):
    return dns.rcode.to_text(send(volley, update(*changes, **how), tcp, server).rcode())


def texts(volley, name, rrtype="A"):
    found = rrset(query(volley.network, name, rrtype).answer, name, rrtype)
    return found[1] if found else set()


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize("server", [SERVER4, SERVER6], ids=["ipv4", "ipv6"])
def test_a_change_is_answered_with_its_response(running, tcp, server):
    before = serial(running.network, ZONE)
    for number in range(3):
        name = f"n{number}-{int(tcp)}-{len(server)}"
        assert rcode(running, ("add", name, 60, "A", "192.0.2.7"), tcp=tcp, server=server) == "NOERROR"
        assert texts(running, f"{name}.{ZONE}") == {"192.0.2.7"}
        assert serial(running.network, ZONE) == before + number + 1
        assert rcode(running, ("delete", name), tcp=tcp, server=server) == "NOERROR"
        assert query(running.network, f"{name}.{ZONE}").rcode() == dns.rcode.NXDOMAIN
        before += 1


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_algorithms(running, algorithm):
    assert rcode(running, ("replace", "alg", 60, "TXT", algorithm), key=algorithm) == "NOERROR"
    assert texts(running, f"alg.{ZONE}", "TXT") == {f'"{algorithm}"'}


def test_truncated_macs(running):
    assert rcode(running, ("add", "short", 60, "A", "192.0.2.1"), key="short", algorithm="hmac-sha256-128") == "NOERROR"


def test_prerequisites(running):
    assert rcode(running, ("present", "www")) == "NOERROR"
    assert rcode(running, ("present", "absent")) == "NXDOMAIN"
    assert rcode(running, ("absent", "www")) == "YXDOMAIN"
    assert rcode(running, ("absent", "www", "A")) == "YXRRSET"
    assert rcode(running, ("present", "www", "TXT")) == "NXRRSET"
    assert rcode(running, ("present", "www", "A", "192.0.2.10"), ("add", "pre", 60, "A", "192.0.2.1")) == "NOERROR"
    assert rcode(running, ("present", "www", "A", "192.0.2.11"), ("delete", "pre")) == "NXRRSET"
    assert texts(running, f"pre.{ZONE}") == {"192.0.2.1"}


def test_a_change_without_effect_leaves_the_serial(running):
    before = serial(running.network, ZONE)
    assert rcode(running, ("add", "x", 60, "A", "192.0.2.1"), ("delete", "x")) == "NOERROR"
    assert serial(running.network, ZONE) == before


def test_zones_that_cannot_be_updated(running):
    assert rcode(running, ("add", "x", 60, "A", "192.0.2.1"), zone="file.test.") == "NOTAUTH"
    assert rcode(running, ("add", "x", 60, "A", "192.0.2.1"), zone="elsewhere.test.") == "NOTAUTH"
    assert rcode(running, ("add", "x.elsewhere.", 60, "A", "192.0.2.1")) == "NOTZONE"


def test_unsigned_and_unknown(running):
    assert rcode(running, ("add", "x", 60, "A", "192.0.2.1"), key=None) == "REFUSED"
    with pytest.raises(dns.tsig.PeerBadKey):
        send(running, update(("delete", "www"), key="nobody"))
    with pytest.raises(dns.tsig.PeerBadSignature):
        send(running, update(("delete", "www"), secret="c2VjcmV0"))
    assert texts(running, f"www.{ZONE}") == {"192.0.2.10"}


def test_wrong_time(running, monkeypatch):
    real = time.time
    for wrong in (-400, 400):
        monkeypatch.setattr(dns.message.time, "time", lambda wrong=wrong: real() + wrong)
        message = update(("delete", "www"))
        octets = message.to_wire()
        monkeypatch.setattr(dns.message.time, "time", real)
        with running.network.client.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(10)
            client.sendto(octets, (SERVER4, 53))
            answer = client.recv(65535)
        assert answer[3] & 15 == dns.rcode.NOTAUTH
        assert b"\0\x12\0\6" in answer[-14:]  # BADTIME, with the server's time
    assert texts(running, f"www.{ZONE}") == {"192.0.2.10"}


def test_a_repeated_message_is_answered_and_not_carried_out(running):
    octets = update(("add", "once", 60, "A", "192.0.2.1")).to_wire()
    with running.network.client.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.connect((SERVER4, 53))
        client.send(octets)
        assert client.recv(65535)[3] & 15 == 0
        assert rcode(running, ("delete", "once")) == "NOERROR"
        client.send(octets)
        assert client.recv(65535)[3] & 15 == 0
    assert query(running.network, f"once.{ZONE}").rcode() == dns.rcode.NXDOMAIN


def test_grants(running):
    challenge = ("add", "_acme-challenge.www", 60, "TXT", "token")
    assert rcode(running, challenge, key="acme") == "NOERROR"
    assert rcode(running, ("delete", "_acme-challenge.www", "TXT"), key="acme") == "NOERROR"
    for wrong, part in ((("add", "www", 60, "TXT", "x"), "www.u.test. TXT is not allowed by names"),
                        (("add", "_acme-challenge.www", 60, "A", "192.0.2.1"), "A is not allowed by types"),
                        (("add", "_acme-challenge.www", 121, "TXT", "x"), "TXT is not allowed by ttl-max")):
        assert rcode(running, challenge, wrong, key="acme") == "REFUSED"
        running.control.wait_for_log(f"update refused: key acme., zone {ZONE}: .*{part}")
    assert texts(running, f"_acme-challenge.www.{ZONE}", "TXT") == set()
    assert rcode(running, challenge, key="late") == "REFUSED"
    assert rcode(running, challenge, key="far") == "REFUSED"
    assert rcode(running, ("delete", ZONE, "NS"), key="switched") == "REFUSED"
    assert [rcode(running, challenge, key="rare") for _ in range(3)] == ["NOERROR", "NOERROR", "REFUSED"]


def test_the_removal_of_a_name_needs_all_its_types(running):
    assert rcode(running, ("add", "_acme-challenge.both", 60, "A", "192.0.2.1"),
                 ("add", "_acme-challenge.both", 60, "TXT", "x")) == "NOERROR"
    assert rcode(running, ("delete", "_acme-challenge.both"), key="acme") == "REFUSED"
    assert texts(running, f"_acme-challenge.both.{ZONE}", "TXT") == {'"x"'}


def test_volleyctl_keys(running):
    change = ("add", "switched", 60, "A", "192.0.2.1")
    assert rcode(running, change, key="switched") == "NOERROR"
    running.ctl("keys", "disable", "switched")
    with pytest.raises(dns.tsig.PeerBadKey):
        send(running, update(change, key="switched"))
    running.ctl("reload")
    listed = {key["name"]: key for key in running.ctl_json("keys")["keys"]}
    assert listed["switched."]["disabled"] and listed["switched."]["updates"] == 1
    assert listed["late."]["grants"] == [{"zone": ZONE, "until": 1577923199}]
    running.ctl("keys", "enable", "switched")
    assert rcode(running, ("delete", "switched"), key="switched") == "NOERROR"
    text = running.ctl("keys").stdout
    assert "switched. hmac-sha256: 2 updates, 1 refused, last used 20" in text
    assert SECRET not in text + running.control.log() + running.dataplane.log()
    assert running.ctl("keys", "disable", "nobody", check=False).returncode == 1


def test_keys_that_are_added(running):
    """They work at once, after a reload, and until they are removed. The secret is on disk and in no log."""
    change = ("add", "added", 60, "A", "192.0.2.1")
    secret = running.ctl("keys", "add", "new", ZONE, "names=added,*.added", "types=A", "until=2090-01-01").stdout.split('"')[3]
    assert rcode(running, change, key="new", secret=secret) == "NOERROR"
    assert rcode(running, ("add", "other", 60, "A", "192.0.2.1"), key="new", secret=secret) == "REFUSED"
    assert running.ctl("keys", "add", "new", ZONE, check=False).returncode == 1
    assert running.ctl("keys", "add", "newer", ZONE, "type=A", check=False).returncode == 1
    running.ctl("reload")
    assert rcode(running, ("delete", "added"), key="new", secret=secret) == "NOERROR"
    file = running.state / "added-keys.json"
    assert file.stat().st_mode & 0o777 == 0o600 and secret in file.read_text()
    assert secret not in running.control.log() + running.ctl("keys").stdout
    assert running.ctl("keys", "remove", "hmac-sha1", check=False).returncode == 1
    running.ctl("keys", "remove", "new")
    with pytest.raises(dns.tsig.PeerBadKey):
        send(running, update(change, key="new", secret=secret))


def test_a_file_of_added_keys_that_cannot_be_read(running):
    """Its keys stay in use, and it is not replaced."""
    secret = running.ctl("keys", "add", "kept", ZONE).stdout.split('"')[3]
    file = running.state / "added-keys.json"
    before = file.read_text()
    file.write_text("[{")
    running.ctl("reload")
    assert rcode(running, ("add", "kept", 60, "A", "192.0.2.1"), key="kept", secret=secret) == "NOERROR"
    for change in (("add", "next", ZONE), ("remove", "kept")):
        done = running.ctl("keys", *change, check=False)
        assert done.returncode == 1 and "added-keys.json: not a list in JSON; correct the file" in done.stdout + done.stderr
    assert file.read_text() == "[{"
    assert "added-keys.json" in running.ctl("status", check=False).stdout
    file.write_text(before)
    running.ctl("reload")
    assert "added-keys.json" not in running.ctl("status", check=False).stdout
    running.ctl("keys", "remove", "kept")
    assert "kept" not in file.read_text()


def test_a_list_of_disabled_keys_that_cannot_be_read(running):
    """No key is good, until it can be read again."""
    list_of_keys = running.state / "disabled-keys"
    kept = list_of_keys.rename(running.state / "kept") if list_of_keys.exists() else None
    list_of_keys.mkdir()
    running.ctl("reload")
    with pytest.raises(dns.tsig.PeerBadKey):
        send(running, update(("add", "locked", 60, "A", "192.0.2.1")))
    assert "all keys of dynamic updates are disabled" in running.ctl("status", check=False).stdout
    list_of_keys.rmdir()
    if kept:
        kept.rename(list_of_keys)
    running.ctl("reload")
    assert "all keys of dynamic updates" not in running.ctl("status", check=False).stdout
    assert rcode(running, ("add", "locked", 60, "A", "192.0.2.1")) == "NOERROR"


@pytest.mark.parametrize("program", ["nsupdate", "knsupdate"])
@pytest.mark.parametrize("flags", [(), ("-v",)], ids=["udp", "tcp"])
def test_programs(running, program, flags):
    name = f"{program}{len(flags)}.{ZONE}"
    script = running.directory / "script"
    script.write_text(f"server {SERVER4}\nzone {ZONE}\nupdate add {name} 60 A 192.0.2.9\nsend\n")
    done = running.network.client.run(program, *flags, "-y", f"hmac-sha256:hmac-sha256:{SECRET}", script)
    assert done.returncode == 0, done.stdout + done.stderr
    assert texts(running, name) == {"192.0.2.9"}
    script.write_text(f"server {SERVER4}\nzone {ZONE}\nprereq nxdomain {name}\nupdate delete {name}\nsend\n")
    done = running.network.client.run(program, *flags, "-y", f"hmac-sha256:hmac-sha256:{SECRET}", script)
    assert "YXDOMAIN" in done.stdout + done.stderr
    assert texts(running, name) == {"192.0.2.9"}


def test_messages_of_external_dns_and_cert_manager(running):
    """external-dns deletes an RRset and adds the new one, with an ownership TXT; cert-manager adds and removes a
    challenge by its value."""
    for address in ("192.0.2.21", "192.0.2.22"):
        message = update(("delete", "app", "A"), ("add", "app", 300, "A", address),
                         ("delete", "a-app", "TXT"),
                         ("add", "a-app", 300, "TXT", '"heritage=external-dns,external-dns/owner=default"'))
        assert send(running, message, tcp=True).rcode() == 0
        assert texts(running, f"app.{ZONE}") == {address}
    assert rcode(running, ("add", "_acme-challenge.app", 60, "TXT", "one")) == "NOERROR"
    assert rcode(running, ("add", "_acme-challenge.app", 60, "TXT", "two")) == "NOERROR"
    assert rcode(running, ("delete", "_acme-challenge.app", "TXT", "one")) == "NOERROR"
    assert texts(running, f"_acme-challenge.app.{ZONE}", "TXT") == {'"two"'}


def test_queries_beside_updates_on_one_connection(running):
    """Queries in front of an update and behind it are answered in order."""
    messages = [dns.message.make_query(f"www.{ZONE}", "A").to_wire(), update(("add", "pipe", 60, "A", "192.0.2.1")).to_wire(),
                dns.message.make_query(f"pipe.{ZONE}", "A").to_wire()]
    with running.network.client.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(10)
        client.connect((SERVER4, 53))
        client.sendall(b"".join(len(message).to_bytes(2, "big") + message for message in messages))
        file = client.makefile("rb")
        answers = [file.read(int.from_bytes(file.read(2), "big")) for _ in messages]
    assert [answer[:2] for answer in answers] == [message[:2] for message in messages]
    assert dns.message.from_wire(answers[2]).answer[0][0].to_text() == "192.0.2.1"


def test_without_control_updates_are_not_implemented(running):
    """Last: volley-control ends. Queries are answered as before."""
    running.control.stop()
    wait_until(lambda: "connection closed" in running.dataplane.log(), "the dataplane sees the end of control")
    assert rcode(running, ("delete", "www"), key=None) == "NOTIMP"
    assert texts(running, f"www.{ZONE}") == {"192.0.2.10"}
