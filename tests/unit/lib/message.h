/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Asking and decoding DNS messages. The decoder shares no code with the programs: it decompresses
 * names in its own way, so that a wrong pointer, count or sum of ours can't hide.
 *
 * Use:
 *   1. vly_test_ask() a question of a table, or vly_test_exchange() octets of one's own;
 *   2. look at the struct vly_test_response, or compare vly_test_response_text() with what is
 *      expected;
 *   3. vly_test_response_free().
 *
 * `fault` says what is wrong with the octets of a response; NULL: they decode, and size and sum are
 * as reported.
 */
#ifndef VLY_TEST_MESSAGE_H
#define VLY_TEST_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "answer/guard.h"

#define VLY_TEST_NAME_CHARS 1100 /* a name of 255 octets, each as \DDD */

/* The octet at `at` of a message that is full of compression pointers to themselves, which begin at
 * even offsets or at odd ones. */
static inline uint8_t
vly_test_self_pointer(unsigned at, bool odd)
{
	unsigned first = odd ? ((at + 1) & ~1u) - 1 : at & ~1u;

	return (uint8_t)(at == first ? 0xc0 | first >> 8 : first);
}

struct vly_test_question {
	const char *name; /* presentation form, any case, or NULL: `wire` */
	const uint8_t *wire;
	uint16_t type;
	uint16_t class; /* 0: IN */
	uint16_t flags; /* header flags, opcode included */
	bool edns;
	bool dnssec_ok;
	uint8_t edns_version;
	uint16_t payload;   /* of the OPT; 0: 1232 */
	uint16_t room;      /* 0: 65535 */
	uint16_t limit_max; /* 0: 4096 */
	bool stream;
	const uint8_t *options; /* of the OPT */
	unsigned options_bytes;
	struct vly_guard *guard;       /* set, with its clock; NULL: none */
	const char *client;            /* text of an address; NULL: 192.0.2.99 */
	struct vly_steering *steering; /* NULL: none */
};

struct vly_test_record {
	uint8_t section; /* 0 answer, 1 authority, 2 additional */
	char owner[VLY_TEST_NAME_CHARS];
	uint16_t type;
	uint16_t class;
	uint32_t ttl;
	uint16_t data_len;
	const uint8_t *data; /* names in it uncompressed */
};

struct vly_test_response {
	const char *fault;
	unsigned len; /* 0: there was no response */
	uint16_t id;
	uint16_t flags;
	uint16_t count[4];
	unsigned question_bytes;
	const uint8_t *question; /* as it stands in the response: name, type, class */
	bool has_opt;
	uint16_t opt_payload;
	uint8_t opt_rcode;
	uint8_t opt_version;
	uint16_t opt_flags;
	unsigned record_cnt; /* the OPT not counted */
	struct vly_test_record *record;
	uint8_t *octets; /* the message */
	uint8_t *data;   /* what record[].data points into */
	struct vly_lcore_counters counters;
};

/* Presentation form (escapes \X and \DDD, final dot optional) to wire form; returns its octets, 0
 * when it is none. */
unsigned vly_test_name_wire(uint8_t wire[VLY_NAME_BYTES_MAX], const char *name);

/* Wire form (uncompressed) to presentation form, with \DDD for all that is not plain. */
void vly_test_name_text(char text[VLY_TEST_NAME_CHARS], const uint8_t *wire);

/* Writes a question's message into `to` (at least 300 octets); returns its length. */
unsigned vly_test_question_write(uint8_t *to, const struct vly_test_question *question);

/* Sends a message through vly_query_answer() in a buffer with exactly the room that the query's
 * contract asks for. */
void vly_test_exchange(const struct vly_table *table, const uint8_t *message, size_t bytes,
		       const struct vly_test_question *options, struct vly_test_response *response);

void vly_test_ask(const struct vly_table *table, const struct vly_test_question *question,
		  struct vly_test_response *response);

/* Decodes `bytes` octets; response->fault is NULL when they are a sound message. */
void vly_test_response_decode(struct vly_test_response *response, const uint8_t *octets,
			      size_t bytes);

/*
 * The response in one line per part: "NOERROR aa", "an OWNER TTL TYPE DATA", "ns ...", "ad ...",
 * each section in sorted order and owners in lower case; data of A, NS, CNAME, SOA, PTR and MX as
 * in a zone file, else as \# HEX. The caller's to free.
 */
char *vly_test_response_text(const struct vly_test_response *response);

/* Asks, and returns that text of the response; the caller's to free. */
char *vly_test_ask_text(const struct vly_table *table, const struct vly_test_question *question);

/* The order of those lines, for qsort() over char *. */
int vly_test_line_order(const void *a, const void *b);

/* The name of a type in those lines; `buffer` is for types without one. */
const char *vly_test_type_text(unsigned type, char buffer[16]);

void vly_test_response_free(struct vly_test_response *response);

/* The sum over octets as RFC 1071 says it, word by word, in host order. */
uint16_t vly_test_naive_sum(const uint8_t *octets, size_t bytes);

#endif
