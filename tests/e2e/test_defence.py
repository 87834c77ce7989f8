# SPDX-License-Identifier: GPL-3.0-or-later
"""The defence as operators set it, at run time and in the configuration: what is denied is dropped in the driver, what
is taken back is answered, and what is wrong is refused and changes nothing."""
import ipaddress
import re
import socket
import struct
import subprocess
import time

import pytest

import publish
from ask import Dnsperf, exchange
from net import CLIENT4, CLIENT6, SERVER4, SERVER6
from publish import Collector
from volley import VOLLEYCTL, Volley, own_network, small_zone
from wire import dns_query

MANY = 100_000


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with own_network(tmp_path_factory.mktemp("defence"), streams=False) as volley:
        volley.add_zone("test.", small_zone(1, "www A 192.0.2.10"))
        volley.keep_state()
        yield volley.start()


@pytest.fixture(autouse=True)
def nothing_left(served):
    """Every test begins with what is configured."""
    yield
    shown = served.ctl_json("defence", "show")
    if entries := [entry["prefix"] for entry in shown["prefixes"]["entries"]]:
        served.ctl("defence", "forget", *entries)
    for setting in shown["settings"]:
        if setting["from"] == "operator":
            served.ctl("defence", "unset", setting["key"])


def answered(volley, server=SERVER4):
    """Whether a query is answered. A drop shows in that an answer does not come."""
    try:
        exchange(volley.network, dns_query("www.test."), server, timeout=0.3)
        return True
    except TimeoutError:
        return False


def setting(volley, key):
    return next(each for each in volley.ctl_json("defence", "show")["settings"] if each["key"] == key)


def program_id(volley):
    link = volley.network.server.ip("-details", "link", "show", "dev", "server0")
    return re.search(r"prog/xdp id (\d+)", link).group(1)


def test_denied_and_forgotten(served):
    before = served.xdp_verdicts()["denied"]
    served.ctl("defence", "deny", f"{CLIENT4}/32")
    assert not answered(served)
    assert served.xdp_verdicts()["denied"] == before + 1
    assert answered(served, SERVER6), "the other family is not denied"
    served.ctl("defence", "forget", f"{CLIENT4}/32")
    assert answered(served)
    assert served.xdp_verdicts()["denied"] == before + 1


def test_denied_ipv6(served):
    served.ctl("defence", "deny", "fd53::/64")
    assert not answered(served, SERVER6)
    assert answered(served)
    served.ctl("defence", "allow", CLIENT6)
    assert answered(served, SERVER6), "the longer prefix decides"


def test_several_at_once_in_one_change(served):
    served.ctl("defence", "deny", "198.51.100.0/24", "2001:db8::/32", "203.0.113.7")
    entries = served.ctl_json("defence", "show")["prefixes"]["entries"]
    assert [(entry["prefix"], entry["action"]) for entry in entries] == [
        ("198.51.100.0/24", "deny"), ("203.0.113.7/32", "deny"), ("2001:db8::/32", "deny")]
    served.ctl("defence", "allow", "203.0.113.7")
    counts = served.ctl_json("defence", "show")["prefixes"]["in_force"]
    assert counts == {"deny": 2, "allow": 1}


def test_for_a_time(served):
    """What has come to its end goes by itself."""
    served.ctl("defence", "deny", CLIENT4, "--for", "1s")
    assert not answered(served)
    shown = served.ctl_json("defence", "show")["prefixes"]["entries"]
    assert abs(shown[0]["until"] - time.time()) < 30
    deadline = time.monotonic() + 30
    while not answered(served):
        assert time.monotonic() < deadline
    shown = served.ctl_json("defence", "show")
    assert shown["prefixes"]["entries"] == []
    assert "for" not in served.ctl("defence", "show").stdout.split("entered at run time")[1]


def test_setting_for_a_time(served):
    served.ctl("defence", "set", "responses.slip", "7", "--for", "2h")
    shown = setting(served, "responses.slip")
    assert (shown["value"], shown["configured"], shown["from"]) == ("7", "2", "operator")
    assert 7100 < shown["until"] - time.time() < 7210
    assert re.search(r"responses.slip +7  \(set at run time; configured: 2, for (1 h 59|2 h 0) min more\)",
                     served.ctl("defence", "show").stdout)
    served.ctl("defence", "set", "responses.slip", "3")
    assert "until" not in setting(served, "responses.slip")
    served.ctl("defence", "unset", "responses.slip")
    assert setting(served, "responses.slip")["from"] == "configuration"


def test_source_rate(served):
    """One packet a second is what this source gets, until it is allowed."""
    served.ctl("defence", "set", "source-rate.burst-ms", "10")
    served.ctl("defence", "set", "source-rate.address", "1")
    before = served.xdp_verdicts()["source_rate"]
    assert [answered(served) for _ in range(3)].count(True) <= 2
    assert served.xdp_verdicts()["source_rate"] > before
    served.ctl("defence", "allow", CLIENT4)
    assert all(answered(served) for _ in range(5))
    served.ctl("defence", "forget", CLIENT4)
    served.ctl("defence", "set", "source-rate.mode", "off")
    assert all(answered(served) for _ in range(5))


def test_dry_run_drops_nothing_and_counts(served):
    served.ctl("defence", "set", "source-rate.mode", "dry-run")
    served.ctl("defence", "set", "source-rate.burst-ms", "10")
    served.ctl("defence", "set", "source-rate.address", "1")
    before = served.stats()["ports"][0]
    assert all(answered(served) for _ in range(5))
    after = served.stats()["ports"][0]
    assert after["xdp_source_dry_run"] >= before["xdp_source_dry_run"] + 3
    assert after["xdp_verdicts"]["source_rate"] == before["xdp_verdicts"]["source_rate"]
    assert "would have dropped" in served.ctl("stats").stdout


def ask_from(volley, port):
    """The answer to a query from this source port, or None."""
    with volley.network.client.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind((CLIENT4, port))
        client.settimeout(0.3)
        client.connect((SERVER4, 53))
        client.send(dns_query("www.test."))
        try:
            return client.recv(512)
        except TimeoutError:
            return None


def test_reflector_ports(served):
    assert ask_from(served, 11211) is None and ask_from(served, 11212)
    served.ctl("defence", "set", "reflector-ports", "11212")
    assert ask_from(served, 11211) and ask_from(served, 11212) is None
    served.ctl("defence", "set", "reflector-ports", "none")
    assert ask_from(served, 11212)


WRONG = {
    "no prefix": (("deny", "here"), "here is not an IPv4 or IPv6 prefix"),
    "host bits": (("deny", "10.0.0.1/8"), "did you mean 10.0.0.0/8?"),
    "length": (("allow", "10.0.0.0/33"), "a number from 0 to 32"),
    "mapped": (("deny", "::ffff:10.0.0.0/104"), "write it as IPv4"),
    "one of two": (("deny", "192.0.2.0/24", "x"), "x is not an IPv4"),
    "time": (("deny", "10.0.0.0/8", "--for", "soon"), "a time must have a form such as"),
    "not entered": (("forget", "10.0.0.0/8"), "10.0.0.0/8 was not entered at run time"),
    "no setting": (("set", "source-rate", "1"), "source-rate is not a setting"),
    "no value": (("set", "source-rate.mode", "yes"), "source-rate.mode must be on, off or dry-run"),
    "too much": (("set", "responses.ipv4-prefix", "33"), "must be a number from 1 to 32"),
    "not set": (("unset", "unserved-rate"), "unserved-rate was not set at run time"),
    "no file": (("deny", "--file", "/no/such/file"), "/no/such/file: No such file"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_and_changes_nothing(served, case):
    arguments, text = WRONG[case]
    before = served.ctl_json("defence", "show")
    result = served.ctl("defence", *arguments, check=False)
    assert result.returncode == 1 and text in result.stderr
    after = served.ctl_json("defence", "show")
    for shown in (before, after):
        shown.pop("generation")
    assert before == after


@pytest.mark.parametrize("arguments", [
    ("defence", "deny"), ("defence", "deny", "10.0.0.0/8", "--file", "x"), ("defence", "set", "x"),
    ("defence", "forget", "10.0.0.0/8", "--for", "1s"), ("defence", "drop", "x"), ("defence", "unset"),
    ("status", "--follow"), ("top", "--follow"), ("drops", "--once"), ("cookies", "roll", "--reveal"),
    ("cookies", "show", "--next", "00"), ("defence", "show", "--reveal"), ("top", "x"), ("drops", "x"),
], ids=" ".join)
def test_wrong_usage(served, arguments):
    result = served.ctl(*arguments, check=False)
    assert result.returncode == 2 and "volleyctl --help" in result.stderr


def many_prefixes():
    """Half of each family, and none of them the client's."""
    for number in range(MANY // 2):
        yield f"{ipaddress.ip_address(0x0b000000 + number * 256)}/24"
        yield f"{ipaddress.ip_address((0x20010db8 << 96) + (number << 64))}/64"


def test_many_prefixes_in_one_change(served, note, tmp_path):
    """100,000 at once, under load; the program stays attached, and the last of the list is denied, too."""
    file = tmp_path / "many.txt"
    file.write_text("# many\n" + "\n".join(many_prefixes()) + f"\n{CLIENT4} # the client\n")
    program = program_id(served)
    start = time.monotonic()
    served.ctl("defence", "deny", "--file", file)
    seconds = time.monotonic() - start
    note(f"{MANY} prefixes denied in one change: {seconds:.2f} s")
    assert not answered(served)
    assert answered(served, SERVER6)
    counts = served.ctl_json("defence", "show")["prefixes"]
    assert counts["in_force"]["deny"] == counts["entered"] == MANY + 1
    start = time.monotonic()
    served.ctl("defence", "deny", "192.0.2.1")
    note(f"one more beside them: {time.monotonic() - start:.2f} s")
    data = tmp_path / "queries"
    data.write_text("www.test. A\n")
    served.ctl("defence", "forget", CLIENT4)
    perf = Dnsperf(served.network, data, 3, rate=1000)
    start = time.monotonic()
    served.ctl("defence", "forget", "--file", file)
    note(f"forgotten in one change: {time.monotonic() - start:.2f} s")
    assert perf.finish()["lost"] == 0
    assert program_id(served) == program
    assert served.ctl_json("defence", "show")["prefixes"]["entered"] == 1


def test_wrong_lines_of_a_file(served, tmp_path):
    file = tmp_path / "bad.txt"
    file.write_text("192.0.2.0/24\nhere\n10.0.0.1/8\n" + "x\n" * 30)
    result = served.ctl("defence", "deny", "--file", file, check=False)
    assert result.returncode == 1
    assert "bad.txt:2: here is not an IPv4 or IPv6 prefix" in result.stdout
    assert "bad.txt:3: 10.0.0.1/8 has host bits set; did you mean 10.0.0.0/8?" in result.stdout
    assert "and 12 more lines" in result.stdout
    assert "nothing was changed" in result.stderr
    assert served.ctl_json("defence", "show")["prefixes"]["entered"] == 0
    file.write_text("# nothing\n")
    assert "no prefix" in served.ctl("defence", "deny", "--file", file, check=False).stderr
    file.write_bytes(b"10.0.0.0/8 # \xff\n")
    assert "not UTF-8" in served.ctl("defence", "deny", "--file", file, check=False).stderr


def test_more_prefixes_than_there_is_room_for(served, tmp_path):
    file = tmp_path / "more.txt"
    file.write_text("".join(f"{ipaddress.ip_address(0x0b000000 + number * 2)}\n" for number in range(140_000)))
    result = served.ctl("defence", "deny", "--file", file, check=False)
    assert result.returncode == 1 and "too many prefixes" in result.stderr
    assert served.ctl_json("defence", "show")["prefixes"]["entered"] == 0


def configure(volley, **settings):
    volley.other_settings["defence"] = settings
    volley.write_config()


def test_reload_brings_in_the_configuration(served):
    """What was set at run time stays in front of it."""
    file = served.directory / "deny.txt"
    try:
        file.write_text("198.51.100.0/24\n203.0.113.0/24\n")
        served.ctl("defence", "set", "responses.slip", "9")
        configure(served, **{"deny-file": "deny.txt", "deny": [f"{CLIENT4}/32"], "allow": ["203.0.113.0/24"],
                             "responses": {"slip": 4, "error": 77}})
        served.ctl("reload")
        assert not answered(served)
        shown = served.ctl_json("defence", "show")
        assert shown["prefixes"]["configured"] == {"deny": 1, "allow": 1}
        assert shown["prefixes"]["in_file"] == {"deny": 2, "allow": 0}
        assert shown["prefixes"]["in_force"] == {"deny": 2, "allow": 1}, "a list goes before a file"
        assert setting(served, "responses.slip")["value"] == "9"
        assert setting(served, "responses.slip")["configured"] == "4"
        assert setting(served, "responses.error")["value"] == "77"
        refused = served.ctl("defence", "forget", CLIENT4, check=False)
        assert "it is in the configuration" in refused.stderr
        served.ctl("defence", "allow", CLIENT4)
        assert answered(served), "what is set at run time goes before the configuration"
        # a bad file: what was in force stays
        file.write_text("198.51.100.0/24\n203.0.113.1/24\n")
        result = served.ctl("reload", check=False)
        assert result.returncode == 1
        assert "deny.txt:2: 203.0.113.1/24 has host bits set" in result.stdout
        assert served.ctl_json("defence", "show")["prefixes"]["in_file"]["deny"] == 2
        check = served.ctl("check", served.config, check=False)
        assert check.returncode == 1 and "deny.txt:2: " in check.stdout
    finally:
        served.other_settings.clear()
        served.write_config()
        served.ctl("reload")
    assert served.ctl_json("defence", "show")["prefixes"]["in_file"]["deny"] == 0


def test_check_reads_the_secrets(served):
    secrets = served.directory / "secrets"
    secrets.write_text(f"{1:032x}\nfew\n")
    secrets.chmod(0o600)
    try:
        configure(served, cookies={"secrets-file": "secrets"})
        check = served.ctl("check", served.config, check=False)
        assert check.returncode == 1
        assert re.search(r"yaml:\d+: defence.cookies.secrets-file: \S+/secrets:2: ", check.stdout), check.stdout
        secrets.write_text(f"{1:032x}\n")
        assert "secrets" not in served.ctl("check", served.config).stdout
    finally:
        served.other_settings.clear()
        served.write_config()


def test_the_block_that_control_makes(served, tmp_path):
    """Byte for byte what the dataplane reads; it comes before the zones."""
    made = Volley(served.network, tmp_path)
    made.add_zone("test.", small_zone(1))
    made.other_settings["defence"] = {
        "source-rate": {"mode": "dry-run", "address": 1000, "network": 0, "wide": 62500000, "burst-ms": 10},
        "unserved-rate": 0, "responses": {"mode": "off", "ipv4-prefix": 20, "slip": 0, "badcookie": "on"},
        "cookies": {"mode": "off"}, "deny": ["10.0.0.0/8"]}
    collector = Collector(made.publish_socket)
    try:
        made.start_control()
        collector.images()
    finally:
        collector.close()
        made.stop()
    assert len(collector.defences) == 1
    block = collector.defences[0]
    assert len(block) == publish.DEFENCE_BYTES
    (magic, version, size, generation, mode, slip, prefix4, prefix6, *rest) = publish.DEFENCE_HEAD.unpack_from(block)
    rates, badcookie, enabled, mask = rest[:8], rest[8], rest[10], rest[11]
    source_mode, screen, sources, unserved = rest[15], rest[16:18], rest[18:24], rest[24:26]
    assert (magic, version, size) == (publish.DEFENCE_MAGIC, publish.DEFENCE_VERSION, len(block))
    assert generation > 1_600_000_000_000
    assert (mode, slip, prefix4, prefix6, badcookie) == (publish.OFF, 0, 20, 56, 1)
    assert rates[0::2] == [6250, 6250, 31250, 62500]
    assert (enabled, mask) == (0, 0b101), "there are secrets, though cookies are off"
    assert source_mode == publish.DRY_RUN
    assert screen == [62500, 625000 // 4]
    assert sources == [62500, 625000 * 3 // 4, 0, 0, 1, 625000 * 3 // 4]
    assert unserved == [0, 0]
    ranges4, ranges6 = struct.unpack_from("=II", block, publish.DEFENCE_TABLE_OFFSET)
    assert (ranges4, ranges6) == (3, 0)


def test_help_names_every_command():
    text = subprocess.run([VOLLEYCTL, "--help"], capture_output=True, text=True, check=True).stdout
    for word in ("top", "drops", "defence show", "defence set", "defence unset", "defence deny", "defence allow",
                 "defence forget", "cookies show", "cookies roll", "--once", "--follow", "--for", "--file",
                 "--reveal", "--next"):
        assert word in text, word
