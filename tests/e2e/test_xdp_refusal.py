# SPDX-License-Identifier: GPL-3.0-or-later
"""An XDP program that the kernel refuses: one line with kernel, cause and file, and the verifier's log in that file."""
import os
import re
import subprocess
from pathlib import Path

import pytest

from net import SERVER_LINK
from volley import DATAPLANE, Process

PORT = f"af_xdp:{SERVER_LINK}"
LOG_NAME = "volley-xdp-verifier.log"
LOG_BYTES_MAX = 4 << 20
# Reads a frame without having looked how long it is, after as many steps of which the verifier's log has a line each.
SOURCE = """
#include <linux/bpf.h>
__attribute__((section("xdp"), used)) int refused(struct xdp_md *frame)
{
	for (int i = 0; i < STEPS; i++)
		__asm__ volatile("");
	return *(volatile unsigned char *)(long)frame->data == 0 ? XDP_PASS : XDP_DROP;
}
char _license[] __attribute__((section("license"), used)) = "GPL";
"""


@pytest.fixture
def complaint(network, tmp_path):
    """complaint(program, environment): the only error of a dataplane that ends because of its XDP program."""
    def start(program, **environment):
        process = Process("dataplane", network.server.command(
            DATAPLANE, "--port", PORT, "--socket", tmp_path / "dataplane.sock", "--xdp-program", program),
            tmp_path / "dataplane.log", environment)
        try:
            assert process.wait() == 1, process.log()
        finally:
            process.stop()
        (error,) = [line for line in process.log().splitlines() if ": error: " in line]
        return error
    return start


def build(tmp_path, steps):
    source = tmp_path / "refused.c"
    source.write_text(SOURCE)
    subprocess.run(["clang", "-O2", "-g", "-target", "bpf", f"-DSTEPS={steps}", "-I/usr/include/x86_64-linux-gnu",
                    "-c", source, "-o", source.with_suffix(".o")], check=True)
    return source.with_suffix(".o")


def test_names_kernel_and_cause_and_keeps_the_log(complaint, tmp_path):
    log = tmp_path / LOG_NAME
    log.write_text("of an earlier start")
    program = build(tmp_path, 1)
    error = complaint(program, RUNTIME_DIRECTORY=str(tmp_path))
    assert f"port {PORT}: Linux {os.uname().release} does not load the XDP program {program}: " in error
    assert f"; the verifier's log is in {log}; use the volley_xdp.o that came with this volley-dataplane" in error
    cause = re.search(r"refused\.o: (.*); the verifier's log", error)[1]
    assert "outside of the packet" in cause
    lines = log.read_text().splitlines()
    assert cause in lines
    assert any(line.startswith("processed ") for line in lines)
    assert log.stat().st_mode & 0o777 == 0o640


def test_follows_no_link(complaint, tmp_path):
    """The directory may be one where others write, too."""
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    log = tmp_path / LOG_NAME
    log.symlink_to(victim)
    assert f"log is in {log};" in complaint(build(tmp_path, 1), RUNTIME_DIRECTORY=str(tmp_path))
    assert log.is_file() and not log.is_symlink()
    assert victim.read_text() == "untouched"


def test_without_a_directory_of_the_service(complaint, tmp_path):
    error = complaint(build(tmp_path, 1), RUNTIME_DIRECTORY="/nonexistent", TMPDIR=str(tmp_path))
    where = re.search(r"log is in (\S+);", error)[1]
    assert where in (f"/run/volley/{LOG_NAME}", f"{tmp_path}/{LOG_NAME}")
    assert "processed " in Path(where).read_text()
    os.unlink(where)


def test_log_is_bounded(complaint, tmp_path):
    """Of a long log the end is kept, which has the cause."""
    error = complaint(build(tmp_path, 60000), RUNTIME_DIRECTORY=str(tmp_path))
    log = (tmp_path / LOG_NAME).read_text()
    assert len(log) == LOG_BYTES_MAX
    assert "outside of the packet" in error and "outside of the packet" in log


def test_file_that_is_no_program(complaint, tmp_path):
    """The kernel has nothing to say about it, and there is no log."""
    program = tmp_path / "text.o"
    program.write_text("no ELF")
    error = complaint(program, RUNTIME_DIRECTORY=str(tmp_path))
    assert f"does not load the XDP program {program}: " in error
    assert "verifier" not in error
    assert not (tmp_path / LOG_NAME).exists()
