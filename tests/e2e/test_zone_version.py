# SPDX-License-Identifier: GPL-3.0-or-later
"""The version of a zone for those who ask (ZONEVERSION, RFC 9660), and the SOA for IXFR over UDP (RFC 1995)."""
import dns.edns
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from net import SERVER4, SERVER6
from volley import own_network, small_zone

ZONEVERSION = 19
SERIAL = 0x01020304
VERSION = bytes([2, 0, 1, 2, 3, 4])  # of two labels, by its serial
BOTH = pytest.mark.parametrize("server", [SERVER4, SERVER6], ids=["ipv4", "ipv6"])
TCP = pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with own_network(tmp_path_factory.mktemp("version")) as volley:
        volley.dataplane_settings["nsid"] = "here"
        volley.add_zone("v.test.", small_zone(SERIAL, "www A 192.0.2.10", "sub NS ns.sub"))
        yield volley.start()


def ask(served, asked, server, tcp=False):
    with served.network.client.entered():
        return (dns.query.tcp if tcp else dns.query.udp)(asked, server, timeout=10)


def versions(response):
    return [option.data for option in response.options if option.otype == ZONEVERSION]


def with_option(name, rrtype="A", content=b"", **more):
    return dns.message.make_query(name, rrtype, options=[dns.edns.GenericOption(ZONEVERSION, content)], **more)


@TCP
@BOTH
@pytest.mark.parametrize("name", ["v.test.", "www.v.test.", "no.v.test.", "x.sub.v.test."])
def test_version(served, name, server, tcp):
    assert versions(ask(served, with_option(name), server, tcp)) == [VERSION]
    assert versions(ask(served, with_option(name, content=b"ignored", want_dnssec=True), server, tcp)) == [VERSION]
    assert not versions(ask(served, dns.message.make_query(name, "A", use_edns=0), server, tcp)), "nobody asked"


@TCP
def test_no_version_of_what_is_not_served(served, tcp):
    response = ask(served, with_option("elsewhere.test."), SERVER4, tcp)
    assert response.rcode() == dns.rcode.REFUSED and not versions(response)


@TCP
def test_dig(served, tcp):
    """Beside the other options that it sends, a cookie and NSID."""
    result = served.network.client.run("dig", f"@{SERVER4}", "www.v.test.", "+ednsopt=19", "+nsid", "+cookie",
                                       *["+tcp"] * tcp)
    assert "OPT=19: 02 00 01 02 03 04" in result.stdout and "NSID: 68 65 72 65" in result.stdout
    assert "192.0.2.10" in result.stdout


def ixfr(name, serial=1):
    asked = dns.message.make_query(name, "IXFR")
    asked.authority.append(dns.rrset.from_text(name, 0, "IN", "SOA", f". . {serial} 0 0 0 0"))
    return asked


@BOTH
@pytest.mark.parametrize("serial", [1, SERIAL, SERIAL + 1])
def test_ixfr_over_udp(served, server, serial):
    response = ask(served, ixfr("v.test.", serial), server)
    assert response.rcode() == dns.rcode.NOERROR and response.question[0].rdtype == dns.rdatatype.IXFR
    assert [rrset.rdtype for rrset in response.answer] == [dns.rdatatype.SOA]
    assert response.answer[0][0].serial == SERIAL and not response.authority and not response.additional


@BOTH
@pytest.mark.parametrize("name", ["www.v.test.", "no.v.test.", "sub.v.test.", "elsewhere."])
def test_ixfr_over_udp_of_what_is_no_zone(served, name, server):
    response = ask(served, ixfr(name), server)
    assert response.rcode() == dns.rcode.REFUSED and not response.answer and not response.authority


def test_dig_ixfr_over_udp(served):
    """A client that is up to date is done with that."""
    result = served.network.client.run("dig", f"@{SERVER4}", "v.test.", f"IXFR={SERIAL}", "+notcp", "+noall", "+answer",
                                       "+stats")
    assert f" {SERIAL} 3600 " in result.stdout and "(UDP)" in result.stdout
