# SPDX-License-Identifier: GPL-3.0-or-later
"""The manual pages and the completion of the shell say the same as the programs and the example configuration."""
import re
import subprocess

import pytest

from volley import BUILD, CONTROL, DATAPLANE, ROOT, VOLLEYCTL

COMPLETION = ROOT / "config/completion/volleyctl"
PAGES = ("volley.7", "volley.yaml.5", "volleyctl.8", "volley-control.8", "volley-dataplane.8", "volley-health.8")
OPTION = re.compile(r"--[a-z][a-z-]+")

pytestmark = pytest.mark.skipif(not (BUILD / "config/volley.7").exists(), reason="built without scdoc")


def page(name):
    """As a terminal shows it, without hyphens at the ends of lines."""
    result = subprocess.run(["man", "--local-file", "--no-hyphenation", "--warnings", BUILD / "config" / name], check=True,
                            capture_output=True, text=True, env={"MANWIDTH": "120", "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"})
    assert not result.stderr, result.stderr
    return re.sub(r".\x08", "", result.stdout)


def section(text, name):
    return re.search(rf"^{name}\n((?: .*\n|\n)*)", text, re.MULTILINE)[1]


def usage(program):
    return subprocess.run([program, "--help"], check=True, capture_output=True, text=True).stdout


def commands(text):
    """Those of volleyctl: lines like `  defence set KEY VALUE`; the words in capitals and options are not theirs."""
    names = (re.match(r"((?: ?[a-z][a-z-]*)+)", line.strip()) for line in text.splitlines()
             if re.match(r" {2}[a-z]", line))
    return {name[1].strip() for name in names}


@pytest.mark.parametrize("name", PAGES)
def test_page_can_be_read(name):
    text = page(name)
    assert section(text, "NAME").strip().startswith(name.rpartition(".")[0] + " - ")
    for other in re.findall(r"\b(volley[a-z.-]*)\((\d)\)", text):
        assert ".".join(other) in PAGES, other


@pytest.mark.parametrize("program", [CONTROL, DATAPLANE, VOLLEYCTL], ids=lambda program: program.name)
def test_options_are_those_of_the_program(program):
    text = page(f"{program.name}.8")
    described = "".join(section(text, name) for name in ("OPTIONS", "COMMANDS") if f"\n{name}\n" in text)
    assert set(OPTION.findall(usage(program))) == set(OPTION.findall(described))


def described_commands():
    lines = section(page("volleyctl.8"), "COMMANDS").splitlines()
    return commands("\n".join(line[5:] for line in lines if re.match(r" {7}\S", line)))


def test_commands_are_those_of_volleyctl():
    names = commands(usage(VOLLEYCTL))
    assert {"status", "defence set", "exec dataplane"} <= names
    assert described_commands() == names


@pytest.mark.parametrize("program", [CONTROL, DATAPLANE, VOLLEYCTL], ids=lambda program: program.name)
def test_exit_statuses_are_those_of_the_program(program):
    shown = usage(program).partition("Exit status:")[2]
    numbers = {match[1] for match in re.finditer(r"(?:^|[;,]\s|\s)(\d+) ", shown)}
    described = set(re.findall(r"^ {7}(\d+)$", section(page(f"{program.name}.8"), "EXIT STATUS"), re.MULTILINE))
    assert described == numbers and "0" in numbers


def test_every_key_is_described():
    """Keys that stand in the example, which other tests compare with what the program reads."""
    example = (ROOT / "config/volley.yaml").read_text()
    keys = set(re.findall(r"^ *(?:# )?([a-z][a-z0-9-]*):(?: |$)", example, re.MULTILINE))
    assert {"zones", "socket", "burst-ms", "memory", "secrets-file"} <= keys
    text = page("volley.yaml.5")
    described = {key.rpartition(".")[2] for key in re.findall(r"^ {7}([a-z][a-z0-9.-]*)(?::|$)", text, re.MULTILINE)}
    sections = {name.lower() for name in re.findall(r"^SECTION ([A-Z]+)$", text, re.MULTILINE)}
    assert described | sections >= keys
    for name in described | sections:
        assert name in keys, name


def complete(*words):
    """What bash offers for the last word."""
    script = f"""
    source "{COMPLETION}"
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    _volleyctl
    printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    result = subprocess.run(["bash", "-c", script, "bash", "volleyctl", *words], check=True, capture_output=True, text=True)
    assert not result.stderr, result.stderr
    return set(result.stdout.split())


def test_completion_knows_all_commands():
    names = commands(usage(VOLLEYCTL))
    first = {name.split()[0] for name in names}
    options = {"--socket", "--json", "--help", "--version"}
    assert complete("") == first | options
    for word in first:
        second = {name.split()[1] for name in names if name.startswith(word + " ")}
        assert not second or complete(word, "") == second, word


def test_completion_knows_all_options():
    offered = {"--socket", "--json", "--help", "--version"}
    for name in commands(usage(VOLLEYCTL)):
        offered |= complete(*name.split(), "--")
    assert offered == set(OPTION.findall(usage(VOLLEYCTL)))


def test_completion_of_parts(tmp_path):
    assert complete("--socket", "/x", "st") == {"status", "stats", "steer"}
    assert complete("defence", "deny", "192.0.2.0/24", "--f") == {"--for", "--file"}
    (tmp_path / "test.yaml").touch()
    assert complete("check", f"{tmp_path}/te") == {f"{tmp_path}/test.yaml"}
    assert complete("defence", "deny", "--file", f"{tmp_path}/te") == {f"{tmp_path}/test.yaml"}
