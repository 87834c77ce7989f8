# SPDX-License-Identifier: GPL-3.0-or-later
"""A secondary that means harm, by the whole of it: clients ask the dataplane, which hands their connections over. There are
thousands of transfers whose client reads no more, and wrong keys without end; others get their answers and their zones."""
import re
import resource
import socket

import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype
import dns.tsigkeyring
import pytest

from ask import serial
from net import SERVER4
from test_transfer_out import receive_wire, resident_bytes, send
from volley import own_network, small_zone, wait_until

pytestmark = pytest.mark.release

CLIENTS = 2000
BATCH = 50   # less than the dataplane keeps until control takes them
BEYOND = 20
TEXT = " ".join(f'"{"x" * 250}"' for _ in range(60))
LARGE, LARGE_RECORDS = "large.test.", 1000   # 15 MB: more than sockets take
ROOM = 4096
# Of control's memory for each client that waits: one message, and what is known of the client.
CLIENT_BYTES = 72 << 10
WRONG_BATCHES = 10
SECRET = "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY="
WRONG_SECRET = SECRET.replace("M", "N")


@pytest.fixture(scope="module", name="volley")
def _volley(tmp_path_factory):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * CLIENTS + 1000
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"the hard limit of descriptors is {hard}: {wanted} are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    with own_network(tmp_path_factory.mktemp("hostile")) as volley:
        volley.keep_state()
        volley.dataplane_settings["stream-client"] = str(2 * CLIENTS)
        volley.spare_clients()
        volley.other_settings["keys"] = [{"name": "good.", "algorithm": "hmac-sha256", "secret": SECRET}]
        volley.other_settings["transfers"] = {"out-max": str(CLIENTS)}
        for name, rule in ((LARGE, {"from": ["10.53.0.0/24"]}), ("small.test.", {"from": ["10.53.0.0/24"]}),
                           ("signed.test.", {"key": "good."})):
            volley.zone_settings[name] = {"living": True, "transfer-to": [rule]}
        volley.add_zone(LARGE, small_zone(1, *(f"n{i} TXT {TEXT}" for i in range(LARGE_RECORDS))))
        volley.add_zone("small.test.", small_zone(1))
        volley.add_zone("signed.test.", small_zone(1))
        try:
            yield volley.start()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def connect(volley, room=None):
    connection = volley.network.client.socket(socket.AF_INET, socket.SOCK_STREAM)
    if room:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
    connection.settimeout(30)
    connection.connect((SERVER4, 53))
    return connection


def transfer(volley, name, key=None):
    """The RCODE, and the number of records of the first message."""
    asked = dns.message.make_query(name, "AXFR")
    if key:
        asked.use_tsig(dns.tsigkeyring.from_text({"good.": key}))
    with connect(volley) as connection:
        send(connection, asked)
        response = dns.message.from_wire(receive_wire(connection), keyring=asked.keyring, request_mac=asked.mac,
                                         one_rr_per_rrset=True)
    return response.rcode(), len(response.answer)


def running(volley):
    """The number of transfers."""
    return volley.request(command="transfers")["out"]["transfers"]


def records_to_the_end(connection):
    """The number of records of a transfer that is whole."""
    cnt = 0
    while wire := receive_wire(connection):
        message = dns.message.from_wire(wire, one_rr_per_rrset=True)
        assert message.rcode() == dns.rcode.NOERROR
        cnt += len(message.answer)
        if cnt > 1 and message.answer[-1].rdtype == dns.rdatatype.SOA:
            return cnt
    raise AssertionError(f"the transfer ends after {cnt} records")


@pytest.fixture(scope="module", name="stuck")
def _stuck(volley):
    """Clients that have asked for the large zone and read nothing, and the memory that control had before."""
    before = resident_bytes(volley.control)
    asked = dns.message.make_query(LARGE, "AXFR").to_wire()
    connections = []
    for _ in range(CLIENTS // BATCH):
        batch = [connect(volley, ROOM) for _ in range(BATCH)]
        for connection in batch:
            send(connection, asked)
        for connection in batch:
            assert len(connection.recv(2, socket.MSG_PEEK)) > 0
        connections += batch
    wait_until(lambda: running(volley) == CLIENTS, lambda: f"{running(volley)} transfers run")
    yield connections, before
    for connection in connections:
        connection.close()


def test_thousands_of_transfers_take_bounded_memory(volley, stuck):
    connections, before = stuck
    spools = 2 << 20  # one version of one zone, most of it on disk
    used = resident_bytes(volley.control) - before
    assert used < len(connections) * CLIENT_BYTES + spools, f"{used >> 20} MiB"


def test_queries_go_on_beside_them(volley, stuck):
    del stuck
    before = volley.stats()["totals"]["tx_packets"]
    for _ in range(200):
        assert serial(volley.network, "small.test.") == 1
    assert volley.stats()["totals"]["tx_packets"] - before >= 200, "lcores answered"


def test_beyond_the_limit_they_are_refused_and_a_place_that_is_free_is_used(volley, stuck):
    connections, _ = stuck
    assert [transfer(volley, "small.test.")[0] for _ in range(BEYOND)] == [dns.rcode.SERVFAIL] * BEYOND
    connections.pop().close()
    wait_until(lambda: transfer(volley, "small.test.") == (dns.rcode.NOERROR, 4), "a place is free")


def test_who_reads_again_gets_the_whole_zone(volley, stuck):
    connections, _ = stuck
    with connections.pop() as connection:
        assert records_to_the_end(connection) == LARGE_RECORDS + 4
    wait_until(lambda: running(volley) <= len(connections), lambda: f"{running(volley)} transfers run")


def test_wrong_keys_do_not_keep_out_the_right_one(volley, stuck):
    """All signatures are looked at, few are logged, and the right key has its zone between them."""
    del stuck
    asked = dns.message.make_query("signed.test.", "AXFR")
    asked.use_tsig(dns.tsigkeyring.from_text({"good.": WRONG_SECRET}))
    wire = asked.to_wire()
    before = volley.request(command="transfers")["out"]["bad_signatures"]
    for _ in range(WRONG_BATCHES):
        connections = [connect(volley) for _ in range(BATCH)]
        for connection in connections:
            send(connection, wire)
        assert transfer(volley, "signed.test.", SECRET) == (dns.rcode.NOERROR, 4)
        assert serial(volley.network, "small.test.") == 1
        for connection in connections:
            with connection:
                assert receive_wire(connection)[3] & 15 == dns.rcode.NOTAUTH
    found = volley.request(command="transfers")["out"]["bad_signatures"] - before
    assert found == WRONG_BATCHES * BATCH
    said = len(re.findall(r"transfer of signed\.test\. to .* refused: ", volley.control.log()))
    assert 1 <= said <= found / 2, f"{said} lines for {found} requests"


def test_readers_that_stop_are_closed_after_out_time(volley, stuck):
    """It comes last: all of them go."""
    connections, _ = stuck
    volley.other_settings["transfers"]["out-time"] = "1s"
    volley.write_config()
    volley.ctl("reload")
    wait_until(lambda: not running(volley), lambda: f"{running(volley)} transfers run")
    assert transfer(volley, "small.test.") == (dns.rcode.NOERROR, 4)
    assert volley.request(command="transfers")["out"]["slow"] == len(connections)
    with pytest.raises((AssertionError, ConnectionResetError)):
        records_to_the_end(connections[0])
