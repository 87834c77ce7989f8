/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Data of every type from text: what libzscanner reads, both readers read alike; what it refuses,
 * though it is right, becomes the data that is expected here; what is wrong has a reason. */
#include <criterion/criterion.h>

#include "two_readers.h"

/* Texts that libzscanner reads, too. */
static const struct {
	const char *type, *text;
} alike[] = {
	{"A", "192.0.2.1"},
	{"NS", "ns1"},
	{"NS", "@"},
	{"CNAME", "."},
	{"CNAME", "a\\.b.\\065\\032c.Example."},
	{"SOA", "ns1 hostmaster.example. 4294967295 1h 2d3h4m5s 1w 0"},
	{"PTR", "HOST.example."},
	{"HINFO", "\"a b\" linux"},
	{"HINFO", "\"\" \"\""},
	{"MINFO", "a b"},
	{"MX", "65535 mail"},
	{"MX", "007 mail"},
	{"TXT", "\"a\\\"b\\\\\" c\\;d \"\\000\\255\""},
	{"TXT", "( \"a\"\n \"b\" ; comment\n )"},
	{"RP", "a b"},
	{"AFSDB", "1 a"},
	{"RT", "1 a"},
	{"KEY", "256 3 RSASHA256 AQID"},
	{"KEY", "0 3 8 AQI="},
	{"AAAA", "2001:db8::1"},
	{"AAAA", "::ffff:192.0.2.1"},
	{"LOC", "51 30 12.748 N 0 7 39.611 W 0.00m"},
	{"LOC", "90 S 180 E -100000.00m 90000000m 1.5m 0"},
	{"LOC", "90 0 1 S 180 59 59.999 W 0m"},
	{"LOC", "1 2 N 3 E 42849672.95 0.01 99m 1234.56m"},
	{"SRV", "1 2 3 target"},
	{"NAPTR", "1 2 \"u\" \"E2U+sip\" \"!^.*$!sip:x@example.com!\" ."},
	{"KX", "1 a"},
	{"CERT", "PKIX 1 RSASHA256 AQIDBA=="},
	{"CERT", "oid 65535 255 AQID BAUG"},
	{"DNAME", "x"},
	{"APL", "1:192.0.2.0/24 !2:2001:db8::/32 1:0.0.0.0/0"},
	{"APL", "1:192.0.2.77/24"},
	{"APL", ""},
	{"DS", "1 ECDSAP256SHA256 2 0123ABcd"},
	{"DS", "1 13 2 01 23 45"},
	{"SSHFP", "1 2 0123"},
	{"IPSECKEY", "10 0 2 . AQID"},
	{"IPSECKEY", "10 1 2 192.0.2.1 AQID"},
	{"IPSECKEY", "10 2 2 2001:db8::1 AQID"},
	{"IPSECKEY", "10 3 2 gateway AQID"},
	{"IPSECKEY", "10 1 0 192.0.2.1"},
	{"RRSIG", "A 13 2 3600 20301231235959 19700101000000 12345 @ AQID"},
	{"RRSIG", "TYPE65534 RSASHA1 2 3600 4294967295 0 12345 signer AQ=="},
	{"RRSIG", "dnskey 8 2 3600 20240229000000 20230228000000 1 signer AQIDBAUG BwgJ"},
	{"NSEC", "next A MX RRSIG NSEC TYPE1234 TYPE65535"},
	{"NSEC", "next"},
	{"DNSKEY", "257 3 13 AQIDBA=="},
	{"DNSKEY", "257 3 13 AQIDBB=="},
	{"DHCID", "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA="},
	{"NSEC3", "1 1 65535 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr A RRSIG"},
	{"NSEC3", "1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr"},
	{"NSEC3PARAM", "1 0 0 -"},
	{"NSEC3PARAM", "1 0 12 AABBCCDD"},
	{"TLSA", "3 1 1 0123"},
	{"SMIMEA", "3 1 1 01 23"},
	{"CDS", "0 0 0 00"},
	{"CDNSKEY", "0 3 0 AA=="},
	{"OPENPGPKEY", "AQIDBAUG BwgJ"},
	{"CSYNC", "66 3 A NS AAAA"},
	{"ZONEMD", "2018031900 1 1 0123"},
	{"SVCB", "0 target"},
	{"SVCB", "1 . alpn=h2,h3 port=8443"},
	{"HTTPS", "1 . port=8443 alpn=\"h2\" ipv6hint=2001:db8::1,::2 ipv4hint=192.0.2.1"},
	{"HTTPS", "16 foo mandatory=port,alpn alpn=h2 no-default-alpn port=53 ech=AQID"},
	{"HTTPS", "1 . key667=hello key65333=\"a b\""},
	{"SVCB", "1 . alpn=h\\050"},
	{"SPF", "\"v=spf1 -all\""},
	{"NID", "10 0014:4fff:ff20:ee64"},
	{"L32", "10 192.0.2.1"},
	{"L64", "10 2001:0DB8:1140:1000"},
	{"LP", "10 a"},
	{"EUI48", "00-00-5e-00-53-2A"},
	{"EUI64", "00-00-5e-ef-10-00-00-2a"},
	{"URI", "10 1 \"ftp://ftp1.example.com/public\""},
	{"CAA", "0 issue \"ca.example.net; account=1\""},
	{"CAA", "128 iodef \"\""},
	{"A", "\\# 4 C0000201"},
	{"TYPE65534", "\\# 0"},
	{"TYPE731", "\\# 6 abcd ( ef 01\n 23 45 )"},
	{"TYPE10", "\\# 1 00"},
	{"LOC", "\\# 1 00"},
};

Test(rdata_read, agrees_with_libzscanner)
{
	struct two_readers readers = {0};

	open_readers(&readers);
	for (size_t i = 0; i < sizeof(alike) / sizeof(alike[0]); i++) {
		uint16_t type = vly_rr_type_read(alike[i].type, strlen(alike[i].type));
		int first = read_first(&readers, type, alike[i].text);
		int second = read_second(&readers, type, alike[i].text);
		cr_expect_geq(first, 0, "%s %s: libzscanner: %s", alike[i].type, alike[i].text,
			      zs_strerror(readers.scanner->error.code));
		cr_expect_geq(second, 0, "%s %s: %s", alike[i].type, alike[i].text, readers.why);
		cr_expect(second == first &&
				  memcmp(readers.data, readers.scanner->r_data, (size_t)first) == 0,
			  "%s %s", alike[i].type, alike[i].text);
	}
	close_readers(&readers);
}

Test(rdata_read, splits_long_texts_as_libzscanner_does)
{
	struct two_readers readers = {0};
	char text[1300] = "\"";

	open_readers(&readers);
	for (unsigned len = 1; len < 1200; len++) {
		text[len] = (char)('a' + len % 26);
		text[len + 1] = '"';
		text[len + 2] = '\0';
		int first = read_first(&readers, 16, text);
		int second = read_second(&readers, 16, text);
		cr_assert_gt(first, 0);
		cr_assert(second == first &&
				  memcmp(readers.data, readers.scanner->r_data, (size_t)first) == 0,
			  "%u octets: %d, %d", len, first, second);
	}
	close_readers(&readers);
}

/* Texts that libzscanner 3.2 refuses or reads wrongly, and their data in hexadecimal digits. */
static const struct {
	const char *type, *text, *data;
} odd[] = {
	/* white space within Base64 and hexadecimal data */
	{"DNSKEY", "256 3 8 A QIDB A==", "0100030801020304"},
	{"DNSKEY", "256 3 8 ( AQI\n D\n BAUG )", "01000308010203040506"},
	{"CDNSKEY", "256 3 8 A Q I D", "01000308010203"},
	{"KEY", "256 3 8 AQ ID", "01000308010203"},
	{"CERT", "1 0 0 A QID", "0001000000010203"},
	{"OPENPGPKEY", "A QID", "010203"},
	{"DHCID", "AQI D", "010203"},
	{"IPSECKEY", "1 0 2 . AQI D", "010002010203"},
	{"RRSIG", "A 8 1 0 0 0 0 . AQI D",
	 "000108010000000000000000000000000000"
	 "00010203"},
	{"DS", "1 8 2 012 3", "000108020123"},
	{"DS", "1 8 2 0 1 2 3", "000108020123"},
	{"DS", "1 8 SHA-256 0123", "000108020123"},
	{"CDS", "1 8 2 012 3", "000108020123"},
	{"TLSA", "3 1 1 012 3", "0301010123"},
	{"SMIMEA", "3 1 1 012 3", "0301010123"},
	{"SSHFP", "1 1 012 3", "01010123"},
	{"ZONEMD", "1 1 1 012 3", "0000000101010123"},
	/* octets in names and strings */
	{"PTR", "a+b!#$%&',:<=>?[]^`{|}~.", "17612b622123242526272c3a3c3d3e3f5b5d5e607b7c7d7e00"},
	{"PTR", "a@b.", "0361406200"},
	{"PTR", "b\303\274cher.", "0762c3bc6368657200"},
	{"PTR", "\"a b.\"", "0361206200"},
	{"TXT", "caf\303\251", "05636166c3a9"},
	{"TXT", "\"gr\374n\"", "046772fc6e"},
	{"TXT", "\"\001\177\"", "02017f"},
	{"TXT", "\"ab\"\"cd\"", "0261620263 64"},
	{"TXT", "ab\"cd\"", "02616202 6364"},
	{"HINFO", "\"a\"\"b\"", "01610162"},
	{"NAPTR", "1 2 \"u\"\"s\"\"r\" .", "00010002017501730172 00"},
	{"URI", "1 2 \"\303\274\"", "00010002c3bc"},
	{"CAA", "0 iodef \"\303\274\"", "0005696f646566c3bc"},
	/* mnemonics */
	{"DNSKEY", "ZONE|KSK DNSSEC RSASHA256 AQID", "01010308010203"},
	{"DNSKEY", "257 3 NSEC3RSASHA1 AQID", "01010307010203"},
	{"NSEC3PARAM", "SHA-1 0 0 -", "0100000000"},
	{"KEY", "NOKEY 3 0", "c0000300"},
	{"NSEC", ". HIP DSYNC CLA type1", "00 00 09 400000000000010020 01 01 01"},
	{"RRSIG", "AMTRELAY 8 1 0 0 0 0 . AQID",
	 "010408010000000000000000000000000000"
	 "00010203"},
	/* other kinds */
	{"NID", "10 14:4fff:ff20:ee64", "000a00144fffff20ee64"},
	{"L64", "10 2001:db8:1140:1000", "000a20010db811401000"},
	{"NSEC3", "2 1 12 aabbccdd CPNMU MX", "0201000c04aabbccdd03666f6f00020001"},
	{"RRSIG", "A 8 1 1h 21060207062816 0 0 . AQID",
	 "000108010000 0e10 00000000 00000000 0000 00010203"},
	{"RRSIG", "A 8 1 0 19691231235959 0 0 . AQID",
	 "000108010000 0000 ffffffff 00000000 0000 00010203"},
	{"SIG", "255 8 1 0 0 0 0 . AQID", "00ff08010000 0000 00000000 00000000 0000 00010203"},
	{"LOC", "1 n 2 w 3M", "00121613 8036ee80 7f922300 009897ac"},
	/* SVCB */
	{"SVCB", "1 . alpn=foo\\\\\\092,bar", "0001000001000904666f6f5c03626172"},
	{"SVCB", "1 . alpn=\"f\\\\\\\\oo\\\\,bar,h2\"",
	 "000100 0001 000c 08665c6f6f2c626172 026832"},
	{"SVCB", "1 . alpn=f\\\\\\092oo\\092,bar,h2", "000100 0001 000c 08665c6f6f2c626172 026832"},
	{"SVCB", "1 . dohpath=/q{?dns}", "000100 0007 0008 2f717b3f646e737d"},
	{"SVCB", "1 . ohttp", "000100 0008 0000"},
	{"HTTPS", "1 . key11=", "000100 000b 0000"},
	{"HTTPS", "1 . key11", "000100 000b 0000"},
	{"HTTPS", "1 . key4=\"\\192\\000\\002\\001\"", "000100 0004 0004 c0000201"},
	{"HTTPS", "1 . tls-supported-groups=29,23", "000100 0009 0004 001d 0017"},
	{"HTTPS", "1 . docpath=dns,q", "000100 000a 0006 03646e73 0171"},
	{"HTTPS", "1 . docpath", "000100 000a 0000"},
	{"HTTPS", "1 . ohttp mandatory=\"ohttp,dohpath\" dohpath=\"/{?dns}\"",
	 "000100 0000 0004 00070008 0007 0007 2f7b3f646e737d 0008 0000"},
	/* types that libzscanner 3.2 does not know */
	{"MB", "a.", "016100"},
	{"MG", "a.", "016100"},
	{"MR", "a.", "016100"},
	{"MD", "a.", "016100"},
	{"MF", "a.", "016100"},
	{"WKS", "192.0.2.1 tcp smtp 80 7", "c0000201 06 01000040000000000000 80"},
	{"WKS", "192.0.2.1 17 domain", "c0000201 11 00000000000004"},
	{"WKS", "192.0.2.1 6", "c0000201 06"},
	{"X25", "311061700956", "0c333131303631373030393536"},
	{"ISDN", "150862028003217 004", "0f313530383632303238303033323137 03303034"},
	{"ISDN", "150862028003217", "0f313530383632303238303033323137"},
	{"NSAP", "0x47.0005.80.005a00.0000.0001.e133.ffffff000161.00",
	 "47000580005a0000000001e133ffffff00016100"},
	{"NSAP-PTR", "a.", "016100"},
	{"SIG", "A 8 1 0 0 0 0 . AQID",
	 "000108010000000000000000000000000000"
	 "00010203"},
	{"PX", "10 a. b.", "000a 016100 016200"},
	{"GPOS", "-32.6882 116.8652 10.0", "082d33322e36383832 083131362e38363532 0431302e30"},
	{"NXT", "a. A NS SOA", "016100 62"},
	{"EID", "e32c6f78163a9348", "e32c6f78163a9348"},
	{"NIMLOC", "3251a0300 67ab3", "3251a0300 67ab3"},
	{"ATMA", "+358.400123", "01333538343030313233"},
	{"ATMA", "39.246f.00", "0039246f00"},
	{"A6", "0 2001:db8::1", "0020010db8000000000000000000000001"},
	{"A6", "64 ::1 a.", "400000000000000001016100"},
	{"A6", "61 ffff:ffff:ffff:ffff::1 a.", "3d070000000000000001016100"},
	{"A6", "128 a.", "80016100"},
	{"SINK", "1 2 3 AQID", "010203010203"},
	{"HIP", "2 200100107B1A74DF365639CC39F1D578 AwEAAbdx rvs.example.com.",
	 "10 02 0006 200100107B1A74DF365639CC39F1D578 03010001b771"
	 "0372767307 6578616d706c6503636f6d00"},
	{"NINFO", "a b", "01610162"},
	{"RKEY", "0 3 8 AQID", "00000308010203"},
	{"TALINK", "a. .", "016100 00"},
	{"DSYNC", "CDS NOTIFY 5300 a.", "003b 01 14b4 016100"},
	{"DSYNC", "TYPE62 5 5300 a.", "003e 05 14b4 016100"},
	{"HHIT", "AQID", "010203"},
	{"BRID", "AQID", "010203"},
	{"AVC", "a \"b\"", "01610162"},
	{"DOA", "0 1 2 \"\" aHR0cHM6Ly93d3cuaXNjLm9yZy8=",
	 "000000000000000102 00 68747470733a2f2f7777772e6973632e6f72672f"},
	{"DOA", "0 1 2 \"a\" -", "000000000000000102 0161"},
	{"AMTRELAY", "10 0 1 192.0.2.1", "0a 01 c0000201"},
	{"AMTRELAY", "10 1 3 a.", "0a 83 016100"},
	{"AMTRELAY", "128 1 0 .", "80 80"},
	{"RESINFO", "qnamemin exterr=15-17", "08716e616d656d696e 0c6578746572723d31352d3137"},
	{"WALLET", "BTC x", "03425443 0178"},
	{"CLA", "TCP-v4-v6", "095443502d76342d7636"},
	{"IPN", "18446744073709551615", "ffffffffffffffff"},
	{"TA", "1 8 2 0123", "000108020123"},
	{"DLV", "1 8 2 0123", "000108020123"},
};

/* Writes the octets; returns how many. */
static int
from_hex(const char *text, uint8_t *to)
{
	int cnt = 0;
	unsigned octet;
	int used;

	for (; *text != '\0'; text += used) {
		if (*text == ' ') {
			used = 1;
			continue;
		}
		if (sscanf(text, "%1x%n", &octet, &used) != 1)
			return -1;
		to[cnt / 2] = (uint8_t)(cnt % 2 == 0 ? octet << 4 : to[cnt / 2] | octet);
		cnt++;
	}
	return cnt % 2 == 0 ? cnt / 2 : -1;
}

Test(rdata_read, reads_what_libzscanner_does_not)
{
	struct two_readers readers = {0};
	uint8_t expected[512];

	open_readers(&readers);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		uint16_t type = vly_rr_type_read(odd[i].type, strlen(odd[i].type));
		int len = read_second(&readers, type, odd[i].text);
		int expected_len = from_hex(odd[i].data, expected);
		cr_assert_geq(expected_len, 0, "%s %s", odd[i].type, odd[i].text);
		cr_expect_geq(len, 0, "%s %s: %s", odd[i].type, odd[i].text, readers.why);
		cr_expect(len == expected_len &&
				  memcmp(readers.data, expected, (size_t)expected_len) == 0,
			  "%s %s", odd[i].type, odd[i].text);
	}
	close_readers(&readers);
}

static const struct {
	const char *type, *text, *why;
} wrong[] = {
	{"A", "", "the address is missing"},
	{"A", "192.0.2", "the address is not an IPv4 address"},
	{"AAAA", "192.0.2.1", "the address is not an IPv6 address"},
	{"A", "192.0.2.1 x", "the address has more words behind it than it may have"},
	{"MX", "65536 a", "the preference is not a number from 0 to 65535"},
	{"MX", "1 a..b", "the mail exchange is not a name: the name has an empty label"},
	{"MX", "1", "the mail exchange is missing"},
	{"TXT", "", "the text is missing"},
	{"TXT", "\\256",
	 "the text is too long, or has an escape that is not \\X or \\DDD up to 255"},
	{"DNSKEY", "256 3 8", "the key is missing"},
	{"DNSKEY", "256 3 8 AQI", "the key's Base64 ends in the middle of a group of four"},
	{"DNSKEY", "256 3 8 AQ=ID", "the key's Base64 has a = that is not at its end"},
	{"DNSKEY", "256 3 8 AQ==AQID", "the key's Base64 has a = that is not at its end"},
	{"DNSKEY", "256 3 8 A===", "the key's Base64 has a = that is not at its end"},
	{"DNSKEY", "256 3 8 A_ID",
	 "the key's Base64 has an octet that is none of A-Z a-z 0-9 + / ="},
	{"DNSKEY", "256 3 300 AQID",
	 "the algorithm is neither a number from 0 to 255 nor a mnemonic"},
	{"DNSKEY", "ZONE| 3 8 AQID",
	 "the flags are neither a number from 0 to 65535 nor mnemonics with | between them"},
	{"DS", "1 8 2 \"\"", "the digest is empty"},
	{"DNSKEY", "256 3 8 \"\"", "the key is empty"},
	{"DS", "1 8 2 012", "the digest has an odd number of hexadecimal digits"},
	{"DS", "1 8 2 0g", "the digest has an octet that is not a hexadecimal digit"},
	{"SOA", "a b 1 2 3 4 x", "the minimum is neither seconds nor a period such as 1h30m"},
	{"RRSIG", "A 8 1 0 20230230000000 0 0 . AQID",
	 "the expiration is neither a date YYYYMMDDHHmmSS nor seconds since 1970"},
	{"RRSIG", "A 8 1 0 20231301000000 0 0 . AQID",
	 "the expiration is neither a date YYYYMMDDHHmmSS nor seconds since 1970"},
	{"RRSIG", "FOO 8 1 0 0 0 0 . AQID",
	 "the type covered has \"FOO\", which is no type; other types are written TYPE1 to "
	 "TYPE65535"},
	{"NSEC", "a TYPE0",
	 "the type list has \"TYPE0\", which is no type; other types are written TYPE1 to "
	 "TYPE65535"},
	{"NSEC3", "1 0 0 - CPNMU=== A",
	 "the next hash's Base32hex has an octet that is none of 0-9 A-V; there is no padding"},
	{"NSEC3", "1 0 0 - C A", "the next hash's Base32hex ends in the middle of an octet"},
	{"NSEC3", "1 0 0 abc 00 A", "the salt has an odd number of hexadecimal digits"},
	{"NXT", "a CAA", "the type list may have types up to 127 only"},
	{"LOC", "91 N 0 E 0",
	 "the latitude is not of degrees up to 90, minutes and seconds below 60 (with at most "
	 "three decimal places), and N or S"},
	{"LOC", "90 60 N 0 E 0",
	 "the latitude is not of degrees up to 90, minutes and seconds below 60 (with at most "
	 "three decimal places), and N or S"},
	{"LOC", "1 N 1 E -100001m",
	 "the altitude is not a number of metres from -100000.00 to 42849672.95"},
	{"LOC", "1 N 1 E 1 90000000.01",
	 "the size is not a number of metres from 0.00 to 90000000.00"},
	{"APL", "3:x/1", "the prefix does not begin with 1: or 2:"},
	{"APL", "1:192.0.2.0/33", "the prefix's length is not a number from 0 to 32"},
	{"APL", "1:192.0.2.0", "the prefix has no / with a prefix length"},
	{"WKS", "192.0.2.1 6 nosuch",
	 "the service is neither a port from 0 to 65535 nor a known name"},
	{"EUI48", "00-00-5e-00-53",
	 "the address is not 6 pairs of hexadecimal digits with - between them"},
	{"NID", "1 1:2:3",
	 "the node identifier is not four groups of one to four hexadecimal digits with : "
	 "between them"},
	{"X25", "12a", "the PSDN address is not of digits"},
	{"CAA", "0 a-b x", "the tag is not of letters and digits"},
	{"CAA", "0 \"\" x", "the tag is empty"},
	{"IPSECKEY", "1 4 0 .", "the gateway's type is not a number from 0 to 3"},
	{"IPSECKEY", "1 0 0 x", "the gateway is not \".\", though its type is 0"},
	{"AMTRELAY", "1 2 0 .", "the discovery bit is neither 0 nor 1"},
	{"NSAP", "47", "the NSAP address does not begin with 0x"},
	{"HIP", "2 - AQID", "the host identity tag has an octet that is not a hexadecimal digit"},
	{"NULL", "x", "data of type NULL must be written in the form \\# LENGTH HEX"},
	{"TYPE300", "x", "data of type TYPE300 must be written in the form \\# LENGTH HEX"},
	{"A", "\\# 4 C00002", "the data behind \\# has 3 octets, not the stated 4"},
	{"A", "\\# 4 C00 00201",
	 "the data behind \\# has a word with an odd number of hexadecimal digits"},
	{"A", "\\#", "the number of octets behind \\# is missing"},
	{"SVCB", "1 . alpn=h2 alpn=h3", "the value of alpn is there twice"},
	{"SVCB", "1 . alpn=h2 key1=h3", "the value of alpn is not allowed for this key"},
	{"SVCB", "1 . alpn", "the value of alpn has an empty string"},
	{"SVCB", "1 . alpn=h2,,h3", "the value of alpn has an empty string"},
	{"SVCB", "1 . alpn=a\\\\b",
	 "the value of alpn has a \\ that is before neither \\ nor a comma, after the escapes of "
	 "the string are resolved"},
	{"SVCB", "1 . ohttp=x", "the value of ohttp is not allowed for this key"},
	{"SVCB", "1 . port=65536", "the value of port is not a number from 0 to 65535"},
	{"SVCB", "1 . ipv4hint=192.0.2.1,", "the value of ipv4hint is not an IPv4 address"},
	{"SVCB", "1 . mandatory=alpn", "the parameter alpn is mandatory, but not there"},
	{"SVCB", "1 . mandatory=mandatory alpn=h2",
	 "the value of mandatory is not allowed for this key"},
	{"SVCB", "1 . mandatory=alpn,alpn alpn=h2",
	 "the value of mandatory is not allowed for this key"},
	{"SVCB", "1 . mandatory=foo alpn=h2",
	 "the value of mandatory has \"foo\", which is no key"},
	{"SVCB", "1 . key07=x",
	 "the parameter \"key07\" has no known key; other keys are written key0 to key65535, in "
	 "lower case and without leading zeros"},
	{"SVCB", "1 . dohpath=", "the value of dohpath is missing"},
};

Test(rdata_read, says_what_is_wrong)
{
	struct two_readers readers = {0};

	open_readers(&readers);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		uint16_t type = vly_rr_type_read(wrong[i].type, strlen(wrong[i].type));
		cr_expect_eq(read_second(&readers, type, wrong[i].text), -1, "%s %s is read",
			     wrong[i].type, wrong[i].text);
		cr_expect_str_eq(readers.why, wrong[i].why, "%s %s: %s", wrong[i].type,
				 wrong[i].text, readers.why);
	}
	close_readers(&readers);
}

Test(rdata_read, reads_a_string_of_255_octets_and_none_of_256)
{
	struct two_readers readers = {0};
	char text[300];

	open_readers(&readers);
	memset(text, 'a', 256);
	strcpy(text + 255, " b");
	cr_expect_eq(read_second(&readers, 13, text), 258);
	strcpy(text + 256, " b");
	text[255] = 'a';
	cr_expect_eq(read_second(&readers, 13, text), -1);
	cr_expect_str_eq(readers.why, "the CPU is longer than 255 octets");
	close_readers(&readers);
}

Test(rdata_read, ends_at_65535_octets)
{
	struct two_readers readers = {0};
	char *text = malloc(200000);

	open_readers(&readers);
	memset(text, 'A', 200000);
	text[65535 / 3 * 4] = '\0';
	cr_expect_eq(read_second(&readers, 61, text), 65535);
	memset(text, 'A', 200000);
	text[65535 / 3 * 4 + 4] = '\0';
	cr_expect_eq(read_second(&readers, 61, text), -1);
	cr_expect_str_eq(readers.why, "the key makes the data longer than 65535 octets");
	free(text);
	close_readers(&readers);
}
