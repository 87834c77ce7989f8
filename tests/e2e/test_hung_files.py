# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of TLS and of keys on a file system that hangs: volley-control goes on meanwhile."""
import pytest

from hang import opens_hang
from net import CLIENT4
from test_transfer_out import make_certificate
from volley import own_network, small_zone, wait_until

pytestmark = pytest.mark.release


@pytest.fixture(name="volley")
def _volley(tmp_path):
    with own_network(tmp_path) as volley:
        volley.keep_state()
        make_certificate(volley.directory / "peer", "peer.test")
        make_certificate(volley.directory / "ours", "ours.test")
        volley.other_settings["tls"] = [
            {"name": "peer", "hostname": "peer.test", "ca-file": str(volley.directory / "peer.pem")},
            {"name": "ours", "certificate-file": str(volley.directory / "ours.pem"),
             "key-file": str(volley.directory / "ours.key")}]
        volley.other_settings["transfers"] = {"tls": "ours"}
        volley.other_settings["remotes"] = [{"name": "peer", "address": [f"{CLIENT4}@853"], "tls": "peer"}]
        secret = volley.directory / "key.secret"
        secret.write_text("c2VjcmV0\n")
        secret.chmod(0o600)
        volley.other_settings["keys"] = [{"name": "k.test.", "algorithm": "hmac-sha256", "secret-file": str(secret)}]
        volley.add_secondary("secondary.test.", ["peer"])
        volley.add_zone("zone.test.", small_zone(1))
        yield volley


def hangs_alone(volley, path):
    """While somebody waits for the file, volley-control answers; then the reload ends well."""
    with opens_hang(path) as is_waited_for:
        reload = volley.spawn_ctl("reload")
        wait_until(is_waited_for, f"{path} is opened")
        for _ in range(10):
            assert volley.request(command="status")["dataplane"]["connected"]
        assert volley.request(command="zone-status", zone="secondary.test.")
        assert reload.running()
    assert reload.wait(60) == 0
    volley.ctl("reload")


@pytest.mark.parametrize("file", ["peer.pem", "ours.key", "key.secret"])
def test_a_file_that_hangs_stops_nothing_else(volley, file):
    volley.start()
    hangs_alone(volley, volley.directory / file)


@pytest.mark.parametrize("file", ["added-keys.json", "disabled-keys"])
def test_a_list_of_keys_that_hangs_stops_nothing_else(volley, file):
    volley.start()
    path = volley.state / file
    path.write_text("[]" if file.endswith(".json") else "")
    hangs_alone(volley, path)
