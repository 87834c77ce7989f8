# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of answer, as a client sees it, over both families, from the example zones."""
import struct

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import pytest

from ask import exchange, query, rrset
from net import SERVER4, SERVER6
from wire import dns_query, opt

pytestmark = pytest.mark.fast_path

BOTH = pytest.mark.parametrize("server", [SERVER4, SERVER6], ids=["ipv4", "ipv6"])
AA = dns.flags.AA
# min(SOA TTL 3600, minimum 300), RFC 2308 §3
NEGATIVE_TTL = 300


def header(octets):
    """flags, then the four counts."""
    return struct.unpack_from("!5H", octets, 2)


@BOTH
@pytest.mark.parametrize("name, rrtype, records", [
    ("www.example.", "A", {"192.0.2.80", "192.0.2.81"}),
    ("www.example.", "AAAA", {"2001:db8::80"}),
    ("example.", "MX", {"10 mail.example.", "20 mail2.example."}),
    ("example.", "NS", {"ns1.example.", "ns2.example."}),
    ("example.", "TXT", {'"v=spf1 mx -all"'}),
    ("example.", "CAA", {'0 issue "ca.example.net"'}),
    ("_dns._udp.example.", "SRV", {"0 5 53 ns1.example."}),
    ("80.2.0.192.in-addr.arpa.", "PTR", {"www.example."}),
])
def test_positive(example, server, name, rrtype, records):
    response = query(example.network, name, rrtype, server)
    assert response.rcode() == dns.rcode.NOERROR
    assert response.flags & AA and not response.flags & dns.flags.TC
    assert rrset(response.answer, name, rrtype) == (3600, records)
    assert len(response.answer) == 1


@BOTH
def test_soa(example, server):
    response = query(example.network, "example.", "SOA", server)
    assert rrset(response.answer, "example.", "SOA") == (
        3600, {"ns1.example. hostmaster.example. 2026010100 3600 600 1209600 300"})


@BOTH
@pytest.mark.parametrize("name, rrtype", [
    ("www.example.", "MX"), ("_udp.example.", "A"), ("example.", "PTR"), ("_tcp.example.", "SRV")],
    ids=["other type", "empty non-terminal", "apex", "empty non-terminal of SRV"])
def test_nodata(example, server, name, rrtype):
    response = query(example.network, name, rrtype, server)
    assert response.rcode() == dns.rcode.NOERROR and response.flags & AA
    assert not response.answer and not response.additional
    assert rrset(response.authority, "example.", "SOA")[0] == NEGATIVE_TTL


@BOTH
@pytest.mark.parametrize("name", ["no.example.", "a.b.c.d.example.", "below.www.example.",
                                  "x" * 63 + "." + "y" * 63 + ".example."])
def test_nxdomain(example, server, name):
    response = query(example.network, name, "A", server)
    assert response.rcode() == dns.rcode.NXDOMAIN and response.flags & AA
    assert not response.answer
    assert rrset(response.authority, "example.", "SOA")[0] == NEGATIVE_TTL


@pytest.mark.parametrize("name", ["child.example.", "host.child.example.", "a.b.c.child.example.",
                                  "ns.child.example."])
def test_referral_has_glue(example, name):
    response = query(example.network, name, "A")
    assert response.rcode() == dns.rcode.NOERROR
    assert not response.flags & AA and not response.answer
    assert rrset(response.authority, "child.example.", "NS") == (3600, {"ns.child.example.", "ns1.example."})
    assert rrset(response.additional, "ns.child.example.", "A") == (3600, {"192.0.2.53"})
    assert rrset(response.additional, "ns.child.example.", "AAAA") == (3600, {"2001:db8::53"})


def test_ds_is_answered_above_the_cut(example):
    response = query(example.network, "signed.example.", "DS")
    assert response.flags & AA
    assert rrset(response.answer, "signed.example.", "DS")
    response = query(example.network, "child.example.", "DS")
    assert response.flags & AA and not response.answer
    assert rrset(response.authority, "example.", "SOA")


def test_cname_is_followed_in_the_zone(example):
    response = query(example.network, "chain.example.", "A")
    assert [found.to_text().split()[0] for found in response.answer] == [
        "chain.example.", "alias.example.", "www.example."]
    assert rrset(response.answer, "www.example.", "A")[1] == {"192.0.2.80", "192.0.2.81"}


def test_cname_that_leaves_the_zone(example):
    response = query(example.network, "elsewhere.example.", "A")
    assert response.rcode() == dns.rcode.NOERROR and response.flags & AA
    assert rrset(response.answer, "elsewhere.example.", "CNAME")[1] == {"www.example.net."}
    assert len(response.answer) == 1


def test_cname_itself_is_not_followed(example):
    response = query(example.network, "chain.example.", "CNAME")
    assert len(response.answer) == 1
    assert rrset(response.answer, "chain.example.", "CNAME")


@BOTH
def test_question_is_echoed_to_the_letter(example, server):
    for name in ("wWw.eXaMpLe.", "NO.EXAMPLE.", "Host.Child.Example.", "REFUSED.test."):
        octets = dns_query(name)
        response = exchange(example.network, octets, server)
        assert response[12:len(octets)] == octets[12:]


def test_flags_are_copied_or_cleared(example):
    """RD and CD come back; AD, RA and Z don't (RFC 1035 §4.1.1, RFC 4035 §3.1)."""
    response = exchange(example.network, dns_query("www.example.", flags=0x0100 | 0x0010 | 0x0020 | 0x00c0))
    assert header(response)[0] == 0x8000 | 0x0400 | 0x0100 | 0x0010


def test_message_id_comes_back(example):
    for message_id in (0, 1, 0x00ff, 0xff00, 0xffff):
        octets = exchange(example.network, dns_query("www.example.", message_id=message_id))
        assert octets[:2] == message_id.to_bytes(2, "big")


def test_edns(example):
    response = query(example.network, "www.example.", "A", use_edns=0, payload=4096)
    assert response.edns == 0 and response.payload == 1232
    assert query(example.network, "www.example.", "A").edns == -1


def test_edns_with_unknown_option_and_do(example):
    response = query(example.network, "www.example.", "A", use_edns=0, want_dnssec=True,
                     options=[dns.edns.GenericOption(65001, b"unknown to all")])
    assert response.rcode() == dns.rcode.NOERROR
    assert response.ednsflags & dns.flags.DO and not response.options


def test_edns_errors_have_opt(example):
    for name in ("no.example.", "elsewhere.test."):
        assert query(example.network, name, "A", use_edns=0).edns == 0


@pytest.mark.parametrize("version", [1, 255])
def test_badvers(example, version):
    octets = exchange(example.network, dns_query("www.example.", edns=opt(version=version)))
    response = dns.message.from_wire(octets)
    assert response.rcode() == dns.rcode.BADVERS
    assert response.edns == 0 and not response.answer


def test_truncation(example):
    """512 octets without EDNS, what the client offers with it, at most 1232 of ours."""
    whole = query(example.network, "long.example.", "TXT", use_edns=0, payload=1232)
    assert not whole.flags & dns.flags.TC
    assert len(rrset(whole.answer, "long.example.", "TXT")[1]) == 4
    for options in ({}, {"use_edns": 0, "payload": 512}, {"use_edns": 0, "payload": 0},
                    {"use_edns": 0, "payload": whole.octets - 1}):
        cut = query(example.network, "long.example.", "TXT", **options)
        assert cut.flags & dns.flags.TC, options
        assert cut.rcode() == dns.rcode.NOERROR and cut.octets <= 512 or cut.octets < whole.octets
        assert cut.edns == (0 if options else -1)
    exact = query(example.network, "long.example.", "TXT", use_edns=0, payload=whole.octets)
    assert not exact.flags & dns.flags.TC and exact.octets == whole.octets


@BOTH
def test_refused_outside_our_zones(example, server):
    for name in ("example.net.", "test.", ".", "1.0.192.in-addr.arpa."):
        response = query(example.network, name, "A", server)
        assert response.rcode() == dns.rcode.REFUSED
        assert not response.flags & AA and not response.answer and not response.authority


@pytest.mark.parametrize("opcode", [1, 2, 3, 4, 5, 6, 15])
def test_notimp_for_other_opcodes(example, opcode):
    octets = exchange(example.network, dns_query("example.", 6, flags=opcode << 11))
    assert header(octets)[0] & 0x780f == opcode << 11 | dns.rcode.NOTIMP
    assert header(octets)[2:4] == (0, 0)


WWW = dns_query("www.example.")
OPT = opt()


@pytest.mark.parametrize("octets", [
    WWW[:-1],
    WWW[:-4],
    WWW[:14],
    WWW[:4] + b"\0\0" + WWW[6:],
    WWW[:4] + b"\0\2" + WWW[6:],
    WWW[:6] + b"\0\1" + WWW[8:],
    WWW[:12] + b"\xc0\x0c" + WWW[-4:],
    WWW[:12] + b"\x40" + WWW[13:],
    WWW[:12] + (b"\x3f" + b"a" * 63) * 4 + b"\0\0\1\0\1",
    WWW[:10] + b"\0\1" + WWW[12:] + OPT[:-1],
    WWW[:10] + b"\0\2" + WWW[12:] + OPT + OPT,
    WWW[:10] + b"\0\1" + WWW[12:] + b"\1a" + OPT,
    WWW[:10] + b"\0\1" + WWW[12:] + OPT[:-2] + b"\0\4" + b"\0\0\0",
], ids=["class cut off", "type cut off", "name cut off", "no question", "two questions",
        "record in the answer section", "compressed question", "label type 01", "name of 257 octets",
        "OPT cut off", "two OPT records", "OPT below a name", "OPT data cut off"])
def test_formerr(example, octets):
    response = exchange(example.network, octets)
    assert response[:2] == octets[:2]
    assert header(response)[0] & 0x800f == 0x8000 | dns.rcode.FORMERR
    assert header(response)[2:4] == (0, 0)


@pytest.mark.parametrize("octets", [b"", b"\0", WWW[:2], WWW[:11]], ids=["0", "1", "2", "11"])
def test_too_short_for_a_header_gets_nothing(example, octets):
    with pytest.raises(TimeoutError):
        exchange(example.network, octets, timeout=0.3)
    assert query(example.network, "www.example.").answer


def test_class_other_than_in(example):
    octets = exchange(example.network, WWW[:-2] + b"\0\3")
    assert header(octets)[0] & 0xf == dns.rcode.REFUSED


@pytest.mark.parametrize("rrtype", ["AXFR", "IXFR"])
def test_transfers_are_not_given_over_udp(example, rrtype):
    response = query(example.network, "example.", rrtype)
    assert response.rcode() in (dns.rcode.NOTIMP, dns.rcode.REFUSED, dns.rcode.FORMERR)
    assert not response.answer


def test_any_is_answered(example):
    response = query(example.network, "www.example.", "ANY", use_edns=0)
    assert response.rcode() == dns.rcode.NOERROR and response.answer


def test_every_query_is_counted_once(example):
    """The counters by RCODE add up to what the lcores sent."""
    before = example.stats()["totals"]
    for name, rrtype in (("www.example.", "A"), ("no.example.", "A"), ("x.child.example.", "A"),
                         ("elsewhere.test.", "A"), ("long.example.", "TXT")):
        query(example.network, name, rrtype)
    exchange(example.network, dns_query("www.example.", edns=opt(version=1)))
    after = example.stats()["totals"]
    rose = {key: after[key] - before[key] for key in after if after[key] != before[key]}
    assert rose["rx_packets"] == rose["tx_packets"] == 6
    assert (rose["rcode_noerror"], rose["rcode_nxdomain"], rose["rcode_refused"]) == (3, 1, 1)
    assert (rose["rcode_other"], rose["referrals"], rose["truncated"]) == (1, 1, 1)
    assert (rose["queries_ipv4"], rose["queries_edns"]) == (6, 1)
