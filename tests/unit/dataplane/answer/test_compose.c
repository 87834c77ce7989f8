/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Composing where there is no room, as a response stands where the query was, and what the client
 * put there must never be taken for what was written; and how far a query's budget of work goes. */
#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "message.h"
#include "server.h"
#include "tests/fuzz/fixed_zones.h"

/* Chains of three substitutions, and what is at their end. */
#define CHAIN VLY_TEST_APEX "a DNAME b\nb DNAME c\nc DNAME d\n"
static const struct vly_test_zone zones[] = {
	{"example.", CHAIN "d DNAME e\ne A 192.0.2.1\n"},
	{"example.", CHAIN "d CNAME e\n*.d CNAME e\ne A 192.0.2.1\n"},
	{"example.", CHAIN "*.d CNAME long-target-of-a-wildcard.e\n*.e CNAME x.a\n"},
	{"example.", CHAIN},
};
#define ZONE_CNT (sizeof(zones) / sizeof(zones[0]))

#define MESSAGE_MAX 1600
#define ROOM        1600

/* A hang is a failure. */
#define SECONDS_MAX 240

static struct vly_test_server server[ZONE_CNT];

static void
set_up(void)
{
	for (size_t i = 0; i < ZONE_CNT; i++)
		cr_assert_eq(vly_test_server_open(&server[i], &zones[i], 1), 0);
	alarm(SECONDS_MAX);
}

static void
tear_down(void)
{
	for (size_t i = 0; i < ZONE_CNT; i++)
		vly_test_server_close(&server[i]);
}

TestSuite(compose, .init = set_up, .fini = tear_down);

/* What a query has behind its question. */
enum filling {
	FILLING_SELF_EVEN, /* pointers to themselves */
	FILLING_SELF_ODD,
	FILLING_SAME, /* octets that are, wherever one begins to read, a pointer to one like it */
	FILLING_FAR,  /* pointers far behind the message */
	FILLING_CNT
};

/* Fills message[from..to) with pointers. */
static void
fill(uint8_t *message, unsigned from, unsigned to, enum filling filling)
{
	for (unsigned at = from; at < to; at++) {
		switch (filling) {
		case FILLING_SELF_EVEN:
		case FILLING_SELF_ODD:
			message[at] = vly_test_self_pointer(at, filling == FILLING_SELF_ODD);
			break;
		case FILLING_SAME:
			message[at] = to < 0x2c2 + 2 ? 0xc1 : to < 0x3c3 + 2 ? 0xc2 : 0xc3;
			break;
		default:
			message[at] = 0xff;
			break;
		}
	}
}

/* A query for an address of PREFIX.a.example., the labels of the prefix being of `prefix_len`
 * octets, with an EDNS padding option that fills it up to `bytes` octets. */
static void
write_query(uint8_t *message, unsigned prefix_len, unsigned payload, unsigned bytes,
	    enum filling filling)
{
	static const uint8_t tail[] = "\1a\7example\0\0\1\0\1";
	uint8_t *at = message;

	at = mempcpy(at, "\xbe\x11\0\0\0\1\0\0\0\0\0\1", 12);
	while (prefix_len > 0) {
		/* a label of one octet is two, so that nothing of one may be left */
		unsigned label = prefix_len <= 64 ? prefix_len - 1 : prefix_len == 65 ? 62 : 63;
		*at++ = (uint8_t)label;
		memset(at, 'p', label);
		at += label;
		prefix_len -= label + 1;
	}
	at = mempcpy(at, tail, sizeof(tail) - 1);
	const unsigned padding = bytes - (unsigned)(at - message) - 15;
	const uint8_t opt[] = {0,
			       0,
			       VLY_TYPE_OPT,
			       (uint8_t)(payload >> 8),
			       (uint8_t)payload,
			       0,
			       0,
			       0,
			       0,
			       (uint8_t)((padding + 4) >> 8),
			       (uint8_t)(padding + 4),
			       0,
			       12,
			       (uint8_t)(padding >> 8),
			       (uint8_t)padding};
	at = mempcpy(at, opt, sizeof(opt));
	fill(message, (unsigned)(at - message), bytes, filling);
}

static void
exchange(size_t zone_idx, const uint8_t *message, unsigned bytes, unsigned payload, bool stream)
{
	const struct vly_test_question options = {.room = stream ? 65535 : ROOM, .stream = stream};
	struct vly_test_response response;

	vly_test_exchange(server[zone_idx].table, message, bytes, &options, &response);
	cr_assert_null(response.fault, "zone %zu: %s", zone_idx, response.fault);
	cr_assert_neq(response.len, 0);
	cr_assert(stream || response.len <= payload);
	if (response.flags & VLY_FLAG_TC)
		cr_assert_eq(response.record_cnt, 0);
	vly_test_response_free(&response);
}

/* The third owner would stand at offset 501, where there is no room for it, and where the query has
 * a pointer to itself. */
Test(compose, a_pointer_of_the_client_to_itself)
{
	uint8_t message[MESSAGE_MAX];

	write_query(message, 206, 512, 600, FILLING_FAR);
	message[501] = 0xc1;
	message[502] = 0xf5;
	for (size_t i = 0; i < ZONE_CNT; i++)
		exchange(i, message, 600, 512, false);
}

static void
sweep(enum filling filling)
{
	uint8_t message[MESSAGE_MAX];

	for (unsigned prefix_len = 40; prefix_len <= 244; prefix_len++) {
		for (unsigned payload = 512 + prefix_len % 4; payload <= 1232; payload += 4) {
			const unsigned bytes = payload + 300;
			write_query(message, prefix_len, payload, bytes, filling);
			for (size_t i = 0; i < ZONE_CNT; i++)
				exchange(i, message, bytes, payload, false);
		}
	}
}

Test(compose, pointers_of_the_client_to_themselves)
{
	sweep(FILLING_SELF_EVEN);
	sweep(FILLING_SELF_ODD);
}

Test(compose, pointers_of_the_client_to_one_another)
{
	sweep(FILLING_SAME);
}

Test(compose, pointers_of_the_client_out_of_the_message)
{
	sweep(FILLING_FAR);
}

Test(compose, pointers_of_a_client_over_a_stream)
{
	uint8_t message[MESSAGE_MAX];

	for (unsigned filling = 0; filling < FILLING_CNT; filling++) {
		for (unsigned prefix_len = 2; prefix_len <= 244; prefix_len++) {
			write_query(message, prefix_len, 1232, MESSAGE_MAX, filling);
			for (size_t i = 0; i < ZONE_CNT; i++)
				exchange(i, message, MESSAGE_MAX, 1232, true);
		}
	}
}

/* Asks the deep zone for what is `label_cnt` labels of `octets` octets below one of its chains.
 * False: there is no such name. */
static bool
ask_below(const struct vly_test_server *deep, const char *start, unsigned label_cnt,
	  unsigned octets, struct vly_test_question question, struct vly_test_response *response)
{
	char name[2 * VLY_NAME_BYTES_MAX] = "";
	uint8_t wire[VLY_NAME_BYTES_MAX];
	size_t len = 0;

	if (label_cnt * (octets + 1) + strlen(start) + 1 >= VLY_NAME_BYTES_MAX)
		return false;
	for (unsigned i = 0; i < label_cnt; i++) {
		memset(name + len, 'a', octets);
		len += octets;
		name[len++] = '.';
	}
	strcpy(name + len, start);
	question.name = name;
	question.edns = true;
	if (vly_test_name_wire(wire, name) == 0)
		return false;
	vly_test_ask(deep->table, &question, response);
	cr_assert_null(response->fault, "%s: %s", name, response->fault);
	return true;
}

Test(compose, sixteen_substitutions_are_answered_over_udp)
{
	const struct vly_test_question question = {.type = VLY_TYPE_A};
	struct vly_test_response response;
	struct vly_test_server deep;

	cr_assert_eq(vly_deep_server_open(&deep), 0);
	cr_assert(ask_below(&deep, "other-16-0.y.", 2, 3, question, &response));
	cr_expect_eq(response.flags, VLY_FLAG_QR | VLY_FLAG_AA);
	cr_expect_eq(response.count[1], 33); /* DNAME and CNAME of each, and an address */
	vly_test_response_free(&response);
	vly_test_server_close(&deep);
}

/* Owners of 60 labels: what a chain of them takes is not done for anyone who may be a spoofed
 * source, but for whoever comes over a stream. */
Test(compose, beyond_the_budget_over_udp_a_stream_is_asked_for)
{
	struct vly_test_question question = {.type = VLY_TYPE_A};
	struct vly_test_response response;
	struct vly_test_server deep;
	char start[VLY_NAME_BYTES_MAX + 1];

	cr_assert_eq(vly_deep_server_open(&deep), 0);
	cr_assert_eq(deep_start_text(start, DEEP_START_CNT - 1), 0);
	question.payload = 4096;
	cr_assert(ask_below(&deep, start, 1, 1, question, &response));
	cr_expect_eq(response.flags, VLY_FLAG_QR | VLY_FLAG_AA | VLY_FLAG_TC);
	cr_expect_eq(response.record_cnt, 0);
	vly_test_response_free(&response);

	question.stream = true;
	cr_assert(ask_below(&deep, start, 1, 1, question, &response));
	cr_expect_eq(response.flags, VLY_FLAG_QR | VLY_FLAG_AA | VLY_RCODE_NXDOMAIN);
	cr_expect_eq(response.count[1], 2 * DEEP_OWNER_CNT); /* and the last name is none */
	vly_test_response_free(&response);
	vly_test_server_close(&deep);
}

/* SERVFAIL is for what is broken: no zone has more than a stream's budget is good for. */
Test(compose, a_stream_gets_all_that_there_is)
{
	static const uint16_t types[] = {VLY_TYPE_A, VLY_TYPE_MX, VLY_TYPE_TXT, VLY_TYPE_NS};
	static const unsigned shapes[][2] = {{1, 1}, {10, 10}, {110, 1}, {60, 2}, {3, 63}};
	struct vly_test_response response;
	struct vly_test_server deep;
	char start[VLY_NAME_BYTES_MAX + 1];

	cr_assert_eq(vly_deep_server_open(&deep), 0);
	for (unsigned i = 0; i < DEEP_START_CNT * 20; i++) {
		const unsigned *shape = shapes[i / 4 % 5];
		const struct vly_test_question question = {.type = types[i % 4], .stream = true};
		cr_assert_eq(deep_start_text(start, i / 20), 0);
		if (!ask_below(&deep, start, shape[0], shape[1], question, &response))
			continue;
		cr_expect_neq(response.flags & VLY_FLAG_RCODE, VLY_RCODE_SERVFAIL, "%s", start);
		cr_expect((response.flags & VLY_FLAG_TC) != 0 || response.count[1] >= 2, "%s",
			  start);
		vly_test_response_free(&response);
	}
	vly_test_server_close(&deep);
}

/* Targets keep the case that the zone has, and lead to names in any. */
Test(compose, targets_of_any_case)
{
	static const struct vly_test_zone mixed = {
		"example.", VLY_TEST_APEX "a DNAME B.Example.\nb DNAME cCc\n*.ccc A 192.0.2.1\n"};
	const struct vly_test_question question = {.name = "X.a.example.", .type = VLY_TYPE_A};
	struct vly_test_server one;

	cr_assert_eq(vly_test_server_open(&one, &mixed, 1), 0);
	char *text = vly_test_ask_text(one.table, &question);
	cr_expect_not_null(strstr(text, "an x.ccc.example. 300 A 192.0.2.1"), "%s", text);
	free(text);
	vly_test_server_close(&one);
}
