/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rr_type.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <volley/dns.h>
#include <volley/name.h>

#include "common/number.h"

struct type {
	uint16_t number;
	bool common; /* see vly_rr_type_is_common() */
	char name[11];
};

/* In the order of the numbers. */
static const struct type types[] = {
	{1, true, "A"},           {2, true, "NS"},         {3, false, "MD"},
	{4, false, "MF"},         {5, true, "CNAME"},      {6, true, "SOA"},
	{7, false, "MB"},         {8, false, "MG"},        {9, false, "MR"},
	{10, false, "NULL"},      {11, false, "WKS"},      {12, true, "PTR"},
	{13, true, "HINFO"},      {14, true, "MINFO"},     {15, true, "MX"},
	{16, true, "TXT"},        {17, true, "RP"},        {18, true, "AFSDB"},
	{19, false, "X25"},       {20, false, "ISDN"},     {21, true, "RT"},
	{22, false, "NSAP"},      {23, false, "NSAP-PTR"}, {24, false, "SIG"},
	{25, true, "KEY"},        {26, false, "PX"},       {27, false, "GPOS"},
	{28, true, "AAAA"},       {29, true, "LOC"},       {30, false, "NXT"},
	{31, false, "EID"},       {32, false, "NIMLOC"},   {33, true, "SRV"},
	{34, false, "ATMA"},      {35, true, "NAPTR"},     {36, true, "KX"},
	{37, true, "CERT"},       {38, false, "A6"},       {39, true, "DNAME"},
	{40, false, "SINK"},      {41, false, "OPT"},      {42, true, "APL"},
	{43, true, "DS"},         {44, true, "SSHFP"},     {45, true, "IPSECKEY"},
	{46, true, "RRSIG"},      {47, true, "NSEC"},      {48, true, "DNSKEY"},
	{49, true, "DHCID"},      {50, true, "NSEC3"},     {51, true, "NSEC3PARAM"},
	{52, true, "TLSA"},       {53, true, "SMIMEA"},    {55, false, "HIP"},
	{56, false, "NINFO"},     {57, false, "RKEY"},     {58, false, "TALINK"},
	{59, true, "CDS"},        {60, true, "CDNSKEY"},   {61, true, "OPENPGPKEY"},
	{62, true, "CSYNC"},      {63, true, "ZONEMD"},    {64, true, "SVCB"},
	{65, true, "HTTPS"},      {66, false, "DSYNC"},    {67, false, "HHIT"},
	{68, false, "BRID"},      {99, true, "SPF"},       {100, false, "UINFO"},
	{101, false, "UID"},      {102, false, "GID"},     {103, false, "UNSPEC"},
	{104, true, "NID"},       {105, true, "L32"},      {106, true, "L64"},
	{107, true, "LP"},        {108, true, "EUI48"},    {109, true, "EUI64"},
	{128, false, "NXNAME"},   {249, false, "TKEY"},    {250, false, "TSIG"},
	{251, false, "IXFR"},     {252, false, "AXFR"},    {253, false, "MAILB"},
	{254, false, "MAILA"},    {255, false, "ANY"},     {256, true, "URI"},
	{257, true, "CAA"},       {258, false, "AVC"},     {259, false, "DOA"},
	{260, false, "AMTRELAY"}, {261, false, "RESINFO"}, {262, false, "WALLET"},
	{263, false, "CLA"},      {264, false, "IPN"},     {32768, false, "TA"},
	{32769, false, "DLV"},    {65401, false, "ALIAS"},
};

#define TYPE_CNT (sizeof(types) / sizeof(types[0]))

/* TYPE and digits: 65535 at most, with any number of leading zeros, as libzscanner and NSD read it.
 */
static uint16_t
read_number(const char *text, size_t len)
{
	uint64_t number;

	return len >= 5 && strncasecmp(text, "TYPE", 4) == 0 &&
			       vly_number_is(text + 4, len - 4, 0, UINT16_MAX, &number)
		       ? (uint16_t)number
		       : 0;
}

uint16_t
vly_rr_type_read(const char *text, size_t len)
{
	if (len == 0)
		return 0;
	for (size_t i = 0; i < TYPE_CNT && len < sizeof(types[0].name); i++)
		if (vly_ascii_lower((uint8_t)types[i].name[0]) ==
			    vly_ascii_lower((uint8_t)text[0]) &&
		    strlen(types[i].name) == len && strncasecmp(types[i].name, text, len) == 0)
			return types[i].number;
	if (len == 5 && strncasecmp(text, "ANAME", 5) == 0)
		return VLY_TYPE_ALIAS_TEXT;
	return read_number(text, len);
}

static const struct type *
find(uint16_t number)
{
	size_t low = 0;
	size_t high = TYPE_CNT;

	while (low < high) { /* at most seven times */
		size_t middle = (low + high) / 2;
		if (types[middle].number == number)
			return &types[middle];
		if (types[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static const char *
name(const struct type *known, uint16_t type, char buffer[VLY_RR_TYPE_BYTES])
{
	if (known != NULL)
		return known->name;
	snprintf(buffer, VLY_RR_TYPE_BYTES, "TYPE%u", type);
	return buffer;
}

const char *
vly_rr_type_name(uint16_t type, char buffer[VLY_RR_TYPE_BYTES])
{
	return type == VLY_TYPE_ALIAS ? "ALIAS" : name(find(type), type, buffer);
}

bool
vly_rr_type_is_common(uint16_t type)
{
	const struct type *known = find(type);

	return known != NULL && known->common;
}

const char *
vly_rr_type_portable(uint16_t type, char buffer[VLY_RR_TYPE_BYTES])
{
	return name(vly_rr_type_is_common(type) ? find(type) : NULL, type, buffer);
}

const char *
vly_rr_type_of_record(uint16_t type, char buffer[VLY_RR_TYPE_BYTES])
{
	return type == VLY_TYPE_ALIAS ? "ALIAS" : vly_rr_type_portable(type, buffer);
}
