/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Addresses and what has them in it. */
#include <arpa/inet.h>
#include <strings.h>

#include "rdata_read_parts.h"

/* Octets of the longest address as text, and a NUL. */
#define ADDRESS_TEXT_BYTES 64

static bool
read_address(struct vly_rdata_reader *reader, const struct vly_token *token, int family,
	     uint8_t address[16])
{
	char text[ADDRESS_TEXT_BYTES];

	if (vly_rdata_word(token, text, sizeof(text)) && inet_pton(family, text, address) == 1)
		return true;
	return vly_rdata_fail(reader, " is not an IPv%d address", family == AF_INET ? 4 : 6);
}

bool
vly_rdata_take_ipv4(struct vly_rdata_reader *reader)
{
	const struct vly_token *token = vly_rdata_take(reader);
	uint8_t address[16];

	return token != NULL && read_address(reader, token, AF_INET, address) &&
	       vly_rdata_append(reader, address, 4);
}

bool
vly_rdata_take_ipv6(struct vly_rdata_reader *reader)
{
	const struct vly_token *token = vly_rdata_take(reader);
	uint8_t address[16];

	return token != NULL && read_address(reader, token, AF_INET6, address) &&
	       vly_rdata_append(reader, address, 16);
}

/* RFC 2874 §3.1: a prefix length, the rest of the address, and the name that has the prefix. */
bool
vly_rdata_take_a6(struct vly_rdata_reader *reader)
{
	const struct vly_token *token = vly_rdata_take(reader);
	uint8_t address[16];
	uint64_t bits;

	if (token == NULL)
		return false;
	if (!vly_token_number(token, 128, &bits))
		return vly_rdata_fail(reader, " is not a number from 0 to 128");
	if (!vly_rdata_append_number(reader, bits, 1))
		return false;
	if (bits < 128) {
		reader->field = "address";
		if ((token = vly_rdata_take(reader)) == NULL ||
		    !read_address(reader, token, AF_INET6, address))
			return false;
		address[bits / 8] &= 0xff >> bits % 8;
		if (!vly_rdata_append(reader, address + bits / 8, 16 - (unsigned)bits / 8))
			return false;
	}
	reader->field = "prefix name";
	return bits == 0 || vly_rdata_take_name(reader);
}

/* RFC 3123 §5: [!]family:address/prefix. Octets that are 0 at the end are left out. */
static bool
take_apl_item(struct vly_rdata_reader *reader, const struct vly_token *token)
{
	const char *at = token->text;
	const char *end = at + token->len;
	const bool negated = at < end && *at == '!';
	uint8_t address[16];
	uint64_t bits;

	at += negated;
	if (end - at < 3 || at[1] != ':' || (at[0] != '1' && at[0] != '2'))
		return vly_rdata_fail(reader, " does not begin with 1: or 2:");
	const int family = at[0] == '1' ? AF_INET : AF_INET6;
	unsigned len = family == AF_INET ? 4 : 16;
	at += 2;
	const char *slash = memchr(at, '/', (size_t)(end - at));
	if (slash == NULL)
		return vly_rdata_fail(reader, " has no / with a prefix length");
	const struct vly_token host = {.text = at, .len = (uint32_t)(slash - at)};
	const struct vly_token length = {.text = slash + 1, .len = (uint32_t)(end - slash - 1)};
	if (!read_address(reader, &host, family, address))
		return false;
	if (!vly_token_number(&length, len * 8, &bits))
		return vly_rdata_fail(reader, "'s length is not a number from 0 to %u", len * 8);
	while (len > 0 && address[len - 1] == 0)
		len--;
	return vly_rdata_append_number(reader, family == AF_INET ? 1 : 2, 2) &&
	       vly_rdata_append_number(reader, bits, 1) &&
	       vly_rdata_append_number(reader, (negated ? 0x80u : 0) | len, 1) &&
	       vly_rdata_append(reader, address, len);
}

bool
vly_rdata_take_apl(struct vly_rdata_reader *reader)
{
	for (; reader->token < reader->end; reader->token++)
		if (!take_apl_item(reader, reader->token))
			return false;
	return true;
}

struct named_number {
	const char *name;
	uint16_t number;
};

/* Protocols and services of RFC 1010, which RFC 1035 §3.4.2 refers to, and a few later ones. Not
 * those of /etc/services, so that a zone is the same on every machine. */
static const struct named_number protocols[] = {
	{"icmp", 1}, {"igmp", 2}, {"ggp", 3},  {"st", 5},   {"tcp", 6},
	{"egp", 8},  {"igp", 9},  {"udp", 17}, {"rdp", 27},
};
static const struct named_number services[] = {
	{"echo", 7},         {"discard", 9},       {"systat", 11},       {"daytime", 13},
	{"netstat", 15},     {"qotd", 17},         {"quote", 17},        {"chargen", 19},
	{"ftp-data", 20},    {"ftp", 21},          {"ssh", 22},          {"telnet", 23},
	{"smtp", 25},        {"time", 37},         {"rlp", 39},          {"graphics", 41},
	{"nameserver", 42},  {"nicname", 43},      {"whois", 43},        {"login", 49},
	{"tacacs", 49},      {"domain", 53},       {"bootps", 67},       {"bootpc", 68},
	{"tftp", 69},        {"gopher", 70},       {"finger", 79},       {"http", 80},
	{"www", 80},         {"kerberos", 88},     {"supdup", 95},       {"hostname", 101},
	{"iso-tsap", 102},   {"x400", 103},        {"rtelnet", 107},     {"pop-2", 109},
	{"pop2", 109},       {"pop3", 110},        {"sunrpc", 111},      {"auth", 113},
	{"sftp", 115},       {"uucp-path", 117},   {"nntp", 119},        {"ntp", 123},
	{"netbios-ns", 137}, {"netbios-dgm", 138}, {"netbios-ssn", 139}, {"imap", 143},
	{"imap2", 143},      {"snmp", 161},        {"snmp-trap", 162},   {"bgp", 179},
	{"irc", 194},        {"ldap", 389},        {"https", 443},       {"submission", 587},
	{"ldaps", 636},      {"imaps", 993},       {"pop3s", 995},
};

static bool
read_named(const struct vly_token *token, const struct named_number *known, size_t cnt,
	   uint64_t max, uint64_t *number)
{
	for (size_t i = 0; i < cnt; i++)
		if (strlen(known[i].name) == token->len &&
		    strncasecmp(known[i].name, token->text, token->len) == 0) {
			*number = known[i].number;
			return true;
		}
	return vly_token_number(token, max, number);
}

/* RFC 1035 §3.4.2 */
bool
vly_rdata_take_wks(struct vly_rdata_reader *reader)
{
	const struct vly_token *token = vly_rdata_take(reader);
	uint8_t bits[8192] = {0};
	unsigned len = 0;
	uint64_t number;

	if (token == NULL)
		return false;
	if (!read_named(token, protocols, sizeof(protocols) / sizeof(protocols[0]), UINT8_MAX,
			&number))
		return vly_rdata_fail(reader, " is neither a number from 0 to 255 nor a known "
					      "name");
	if (!vly_rdata_append_number(reader, number, 1))
		return false;
	reader->field = "service";
	for (; reader->token < reader->end; reader->token++) {
		if (!read_named(reader->token, services, sizeof(services) / sizeof(services[0]),
				UINT16_MAX, &number))
			return vly_rdata_fail(reader, " is neither a port from 0 to 65535 nor a "
						      "known name");
		bits[number / 8] |= (uint8_t)(0x80 >> number % 8);
		if (len < number / 8 + 1)
			len = (unsigned)number / 8 + 1;
	}
	return vly_rdata_append(reader, bits, len);
}

/* The gateway or relay of a type: none, written as a dot, an address or a name. */
static bool
take_gateway(struct vly_rdata_reader *reader, unsigned type)
{
	if (type == 1)
		return vly_rdata_take_ipv4(reader);
	if (type == 2)
		return vly_rdata_take_ipv6(reader);
	if (type == 3)
		return vly_rdata_take_name(reader);
	const struct vly_token *token = vly_rdata_take(reader);
	return token != NULL && ((token->len == 1 && token->text[0] == '.') ||
				 vly_rdata_fail(reader, " is not \".\", though its type is 0"));
}

/* Reads the type of a gateway or relay, 0 to 3. */
static bool
take_gateway_type(struct vly_rdata_reader *reader, uint64_t *type)
{
	const struct vly_token *token = vly_rdata_take(reader);

	return token != NULL && (vly_token_number(token, 3, type) ||
				 vly_rdata_fail(reader, "'s type is not a number from 0 to 3"));
}

/* RFC 4025 §3.1 */
bool
vly_rdata_take_gateway(struct vly_rdata_reader *reader)
{
	uint64_t type;

	if (!take_gateway_type(reader, &type) || !vly_rdata_append_number(reader, type, 1))
		return false;
	reader->field = "algorithm";
	if (!vly_rdata_take_number(reader, UINT8_MAX, 1))
		return false;
	reader->field = "gateway";
	return take_gateway(reader, (unsigned)type);
}

/* RFC 8777 §4.3: the discovery bit stands before the type. */
bool
vly_rdata_take_relay(struct vly_rdata_reader *reader)
{
	const struct vly_token *token;
	uint64_t discovery;
	uint64_t type;

	reader->field = "discovery bit";
	if ((token = vly_rdata_take(reader)) == NULL)
		return false;
	if (!vly_token_number(token, 1, &discovery))
		return vly_rdata_fail(reader, " is neither 0 nor 1");
	reader->field = "relay";
	return take_gateway_type(reader, &type) &&
	       vly_rdata_append_number(reader, discovery << 7 | type, 1) &&
	       take_gateway(reader, (unsigned)type);
}
