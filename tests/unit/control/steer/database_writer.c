/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "database_writer.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* Children: 0 is empty, odd numbers are records (2 * offset + 1), even ones are nodes. */
#define RECORD(offset) ((offset)*2 + 1)
#define NODE(idx)      ((idx)*2)

enum type {
	STRING = 2,
	DOUBLE = 3,
	UINT16 = 5,
	UINT32 = 6,
	MAP = 7,
	UINT64 = 9,
	ARRAY = 11,
};

void
vly_database_begin(struct vly_database *db, unsigned ip_version)
{
	memset(db, 0, sizeof(*db));
	db->ip_version = ip_version;
	db->node_cnt = 1;
}

static void
put(struct vly_database *db, uint8_t octet)
{
	cr_assert_lt(db->data_bytes, VLY_DATABASE_DATA_MAX);
	db->data[db->data_bytes++] = octet;
}

static void
put_control(struct vly_database *db, enum type type, size_t size)
{
	cr_assert_lt(size, 29);
	put(db, (uint8_t)((type < 8 ? type << 5 : 0) | size));
	if (type >= 8)
		put(db, (uint8_t)(type - 7));
}

static void
put_number(struct vly_database *db, enum type type, uint64_t number, unsigned octets)
{
	put_control(db, type, octets);
	while (octets-- > 0)
		put(db, (uint8_t)(number >> 8 * octets));
}

static void
put_string(struct vly_database *db, const char *text)
{
	put_control(db, STRING, strlen(text));
	while (*text != '\0')
		put(db, (uint8_t)*text++);
}

static void
put_double(struct vly_database *db, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	put_number(db, DOUBLE, bits, 8);
}

uint32_t
vly_database_text(struct vly_database *db, const char *key, const char *inner, const char *text)
{
	uint32_t offset = (uint32_t)db->data_bytes;

	put_control(db, MAP, 1);
	put_string(db, key);
	put_control(db, MAP, 1);
	put_string(db, inner);
	put_string(db, text);
	return offset;
}

uint32_t
vly_database_asn(struct vly_database *db, uint32_t number)
{
	uint32_t offset = (uint32_t)db->data_bytes;

	put_control(db, MAP, 1);
	put_string(db, "autonomous_system_number");
	put_number(db, UINT32, number, 4);
	return offset;
}

uint32_t
vly_database_location(struct vly_database *db, double north, double east)
{
	uint32_t offset = (uint32_t)db->data_bytes;

	put_control(db, MAP, 1);
	put_string(db, "location");
	put_control(db, MAP, 2);
	put_string(db, "latitude");
	put_double(db, north);
	put_string(db, "longitude");
	put_double(db, east);
	return offset;
}

/* The child where a network is, with the nodes on the way to it. */
static uint32_t *
descend(struct vly_database *db, const char *address, unsigned bits)
{
	uint8_t octet[16] = {0};
	uint32_t node = 0;

	cr_assert(inet_pton(db->ip_version == 4 ? AF_INET : AF_INET6, address, octet) == 1);
	for (unsigned i = 0;; i++) {
		uint32_t *child = &db->node[node][octet[i / 8] >> (7 - i % 8) & 1];
		if (i + 1 == bits)
			return child;
		cr_assert(*child % 2 == 0, "a record on the way to %s", address);
		if (*child == 0) {
			cr_assert_lt(db->node_cnt, VLY_DATABASE_NODES_MAX);
			*child = NODE(db->node_cnt++);
		}
		node = *child / 2;
	}
}

void
vly_database_place(struct vly_database *db, const char *address, unsigned bits, uint32_t record)
{
	*descend(db, address, bits) = RECORD(record);
}

void
vly_database_link(struct vly_database *db, const char *address, unsigned bits, const char *target,
		  unsigned target_bits)
{
	uint32_t to = *descend(db, target, target_bits);

	cr_assert(to != 0 && to % 2 == 0, "no node at %s", target);
	*descend(db, address, bits) = to;
}

static uint32_t
encode(const struct vly_database *db, uint32_t child)
{
	if (child == 0)
		return db->node_cnt;
	return child % 2 == 1 ? db->node_cnt + 16 + child / 2 : child / 2;
}

static void
put_metadata(struct vly_database *db)
{
	static const char mark[] = "\xab\xcd\xefMaxMind.com";

	for (const char *octet = mark; *octet != '\0'; octet++)
		put(db, (uint8_t)*octet);
	put_control(db, MAP, 9);
	put_string(db, "node_count");
	put_number(db, UINT32, db->node_cnt, 4);
	put_string(db, "record_size");
	put_number(db, UINT16, 32, 2);
	put_string(db, "ip_version");
	put_number(db, UINT16, db->ip_version, 2);
	put_string(db, "database_type");
	put_string(db, "Volley-Test");
	put_string(db, "binary_format_major_version");
	put_number(db, UINT16, 2, 2);
	put_string(db, "binary_format_minor_version");
	put_number(db, UINT16, 0, 2);
	put_string(db, "build_epoch");
	put_number(db, UINT64, 1700000000, 8);
	put_string(db, "languages");
	put_control(db, ARRAY, 0);
	put_string(db, "description");
	put_control(db, MAP, 0);
}

uint8_t *
vly_database_end(struct vly_database *db, size_t *bytes)
{
	put_metadata(db);
	*bytes = db->node_cnt * (size_t)8 + 16 + db->data_bytes;
	uint8_t *octets = calloc(1, *bytes);
	uint8_t *at = octets;

	for (uint32_t i = 0; i < db->node_cnt; i++)
		for (unsigned side = 0; side < 2; side++) {
			uint32_t record = htonl(encode(db, db->node[i][side]));
			memcpy(at, &record, sizeof(record));
			at += sizeof(record);
		}
	memcpy(at + 16, db->data, db->data_bytes);
	return octets;
}
