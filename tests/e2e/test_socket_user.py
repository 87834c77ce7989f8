# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may connect to the dataplane as its volley-control."""
import pwd
import subprocess

import pytest

from volley import DATAPLANE, Process, wait_until

# Prints how many octets the dataplane greets with; 0 when it closes the connection.
CONNECT = """
import socket
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as control:
    control.settimeout(30)
    control.connect("dataplane.sock")
    print(len(control.recv(4096)))
"""

NOBODY = pwd.getpwnam("nobody").pw_uid


@pytest.fixture
def start(network, tmp_path):
    """start(flags, words before the program): a dataplane, waiting for zones."""
    made = []
    tmp_path.chmod(0o755)

    def start_with(*flags, before=()):
        made.append(Process("dataplane", network.server.command(
            *before, DATAPLANE, "--port", "null", "--stream-threads", "0", "--socket", tmp_path / "dataplane.sock", *flags),
            tmp_path / "dataplane.log"))
        made[-1].wait_for_log("waiting for zones")
        return made[-1]
    yield start_with
    for process in made:
        process.stop()


def connect(directory, uid):
    """As that user, from inside the directory, as those above are closed to others."""
    result = subprocess.run(["setpriv", f"--reuid={uid}", "--clear-groups", "/usr/bin/python3", "-c", CONNECT],
                            cwd=directory, capture_output=True, text=True, check=False)
    return int(result.stdout) if result.returncode == 0 else result.stderr.splitlines()[-1]


def test_that_user_may_connect(start, tmp_path):
    start("--socket-user", "nobody")
    status = (tmp_path / "dataplane.sock").stat()
    assert status.st_uid == NOBODY and status.st_mode & 0o777 == 0o600
    assert connect(tmp_path, NOBODY) > 0


def test_root_may_connect(start, tmp_path):
    start("--socket-user", "nobody")
    assert connect(tmp_path, 0) > 0


def test_others_may_not(start, tmp_path):
    dataplane = start("--socket-user", "nobody")
    assert "PermissionError" in connect(tmp_path, NOBODY - 1)
    # even when somebody has opened the socket to all
    (tmp_path / "dataplane.sock").chmod(0o666)
    assert connect(tmp_path, NOBODY - 1) == 0
    wait_until(lambda: "refused a connection from another user" in dataplane.log(), dataplane.log)
    assert connect(tmp_path, NOBODY) > 0


def test_without_such_a_user_it_is_ours(start, tmp_path):
    dataplane = start("--socket-user", "no-such-user")
    assert (tmp_path / "dataplane.sock").stat().st_uid == 0
    assert "warning: --socket-user no-such-user: no such user" in dataplane.log()
    assert connect(tmp_path, 0) > 0


def test_socket_that_cannot_be_given_away(start):
    dataplane = start("--socket-user", "nobody", before=("setpriv", "--bounding-set", "-chown"))
    assert f"cannot give it to user {NOBODY}" in dataplane.log()
