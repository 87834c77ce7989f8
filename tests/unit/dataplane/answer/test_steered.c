/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Steered names against a naive reference of answer and scope; the methods; client subnets; what is
 * given when something is missing. */
#include <criterion/criterion.h>

#include "message.h"
#include "steered_world.h"

#define ROOM 1024

static struct world world;
static uint8_t buffer[VLY_BURST_MAX][ROOM + VLY_NAME_SLACK_BYTES];
static uint8_t address[VLY_BURST_MAX][16];
static struct vly_query query[VLY_BURST_MAX];

static void
close_world(void)
{
	world_close(&world);
}

static void
prepare(unsigned i, const struct world_name *name, const struct world_client *client, bool stream)
{
	const unsigned len = world_message(buffer[i], name->name, name->type, client);

	world_address(client, address[i]);
	query[i] = (struct vly_query){.message = buffer[i],
				      .message_len = (uint16_t)len,
				      .room = ROOM,
				      .limit_max = 1232,
				      .limit = stream ? ROOM : VLY_UDP_BYTES_MIN,
				      .stream = stream,
				      .client_is_ipv4 = client->source.is_ipv4,
				      .client = address[i],
				      .steering = &world.steering};
}

static struct world_answer
ask(const struct world_name *name, const struct world_client *client)
{
	prepare(0, name, client, false);
	vly_query_answer(query, 1, world.table, NULL, &world.counters);
	return world_decode(buffer[0], query[0].response_len);
}

static struct world_client
random_client(uint64_t *seed)
{
	struct world_client client = {.source = world_random_client(seed)};

	client.has_subnet = world_random(seed) % 4 != 0;
	if (!client.has_subnet)
		return client;
	client.subnet = world_random_client(seed);
	client.prefix = (uint8_t)(world_random(seed) % (client.subnet.is_ipv4 ? 33 : 129));
	const uint64_t high = client.prefix == 0   ? 0
			      : client.prefix < 64 ? ~(UINT64_MAX >> client.prefix)
						   : UINT64_MAX;
	const uint64_t low = client.prefix <= 64   ? 0
			     : client.prefix < 128 ? ~(UINT64_MAX >> (client.prefix - 64))
						   : UINT64_MAX;
	client.subnet.word[0] &= high;
	client.subnet.word[1] &= low;
	return client;
}

static void
expect(const struct world_name *name, const struct world_client *client,
       const struct world_answer *answer)
{
	unsigned scope;
	const unsigned allowed = world_expect(name, client, &scope);

	cr_assert_eq(answer->scope, client->has_subnet ? (int)scope : -1,
		     "%s: scope %d, not %u, for %llx/%u", name->name, answer->scope, scope,
		     (unsigned long long)client->subnet.word[0], client->prefix);
	cr_assert_eq(answer->source, client->has_subnet ? client->prefix : -1);
	if (name->policy != 0) {
		const unsigned alt = answer->alt == VLY_TEST_ALTS_MAX ? 5 : answer->alt;
		cr_assert(allowed >> alt & 1, "%s: alternative %u, not of %x", name->name, alt,
			  allowed);
		cr_assert_eq(answer->rcode, VLY_RCODE_NOERROR);
	} else if (name->name[0] == 'p') {
		cr_assert_eq(answer->alt, 7);
	} else {
		cr_assert_eq(answer->alt, VLY_TEST_ALTS_MAX);
	}
}

/* `cnt` random questions in bursts of all sizes. */
static void
ask_many(unsigned cnt)
{
	static struct world_client client[VLY_BURST_MAX];
	const struct world_name *name[VLY_BURST_MAX];
	uint64_t seed = 4711;

	for (unsigned asked = 0; asked < cnt;) {
		const unsigned burst = 1 + (unsigned)(world_random(&seed) % VLY_BURST_MAX);
		for (unsigned i = 0; i < burst; i++) {
			name[i] = &world_name[world_random(&seed) % world_name_cnt];
			client[i] = random_client(&seed);
			prepare(i, name[i], &client[i], world_random(&seed) % 4 == 0);
		}
		vly_query_answer(query, burst, world.table, NULL, &world.counters);
		for (unsigned i = 0; i < burst; i++) {
			const struct world_answer answer =
				world_decode(buffer[i], query[i].response_len);
			expect(name[i], &client[i], &answer);
		}
		asked += burst;
	}
}

Test(steered, million, .fini = close_world)
{
	world_open(&world, WORLD_PLAIN);
	ask_many(1000000);
	cr_expect_gt(world.counters.steered, 500000);
	cr_expect_gt(world.counters.ecs_queries, 500000);
	cr_expect_gt(world.counters.steer_unknown, 10000);
	cr_expect_eq(world.counters.steer_bad_slot, 0);
}

Test(steered, zone_with_overlay, .fini = close_world)
{
	world_open(&world, WORLD_LAYERED);
	ask_many(100000);
	const struct world_name changed = {"new.z.", 0, 1};
	const struct world_client client = {.source = {.is_ipv4 = true}};
	cr_expect_eq(ask(&changed, &client).alt, 8);
}

Test(steered, moved_zone, .fini = close_world)
{
	world_open(&world, WORLD_MOVED);
	ask_many(20000);
}

Test(steered, merged_layers, .fini = close_world)
{
	world_open(&world, WORLD_FOLDED);
	ask_many(20000);
	const struct world_name changed = {"new.z.", 0, 1};
	const struct world_client client = {.source = {.is_ipv4 = true}};
	cr_expect_eq(ask(&changed, &client).alt, 8);
}

static const struct world_client plain_client = {
	.source = {{UINT64_C(0x0a01027b) << 32, 0}, true}}; /* 10.1.2.123: class 3, eight slots */

/* Each of the eight slots has 1/8. The counts of n = 1,000,000 draws: the standard deviation is
 * sqrt(n * p * (1 - p)), and 6 of them are exceeded by one run in 10^8 for each alternative. Slots 3
 * and 4 are one alternative, as are others: all have 2/8 or 1/8. */
Test(steered, weights, .fini = close_world)
{
	const unsigned n = 1000000;
	unsigned cnt[WORLD_ALTS + 3] = {0};
	const double share[5] = {1 / 8., 1 / 8., 2 / 8., 2 / 8., 2 / 8.};

	world_open(&world, WORLD_PLAIN);
	for (unsigned i = 0; i < n; i += VLY_BURST_MAX) {
		for (unsigned k = 0; k < VLY_BURST_MAX; k++)
			prepare(k, &world_name[0], &plain_client, false);
		vly_query_answer(query, VLY_BURST_MAX, world.table, NULL, &world.counters);
		for (unsigned k = 0; k < VLY_BURST_MAX; k++)
			cnt[world_decode(buffer[k], query[k].response_len).alt]++;
	}
	for (unsigned i = 0; i < 5; i++) {
		const double mean = n * share[i], off = cnt[i] - mean;
		cr_expect_lt(off * off, 36 * mean * (1 - share[i]), "alternative %u: %u of %u", i,
			     cnt[i], n);
	}
}

Test(steered, rotation, .fini = close_world)
{
	static const unsigned in_turn[] = {0, 1, 2, 3, 4, 4, 3, 2};

	world_open(&world, WORLD_PLAIN);
	for (unsigned i = 0; i < 64; i++) {
		cr_expect_eq(ask(&world_name[1], &plain_client).alt, in_turn[i % 8]);
		/* names between do not take its turn */
		ask(&world_name[0], &plain_client);
	}
}

/* When a member goes, only the clients of its slots move. */
Test(steered, sticky_clients_stay, .fini = close_world)
{
	unsigned before[512], moved = 0;
	struct world_client client = plain_client;

	world_open(&world, WORLD_PLAIN);
	for (unsigned pass = 0; pass < 2; pass++) {
		for (unsigned i = 0; i < 512; i++) {
			/* 160.x.y.0 is class 3 */
			client.source.word[0] = UINT64_C(160) << 56 | (uint64_t)i << 40;
			const unsigned alt = ask(&world_name[2], &client).alt;
			if (pass == 0)
				before[i] = alt;
			else if (before[i] == 4)
				moved += alt == 1;
			else
				cr_expect_eq(alt, before[i]);
		}
		/* alternative 4 goes: its slots get another one */
		for (uint32_t i = 0; pass == 0 && i < world.steer->block->slot_cnt; i++)
			if (world.slot[i] == 4)
				__atomic_store_n(&world.slot[i], 1, __ATOMIC_RELAXED);
	}
	cr_expect_gt(moved, 64); /* of about 128 */
	for (unsigned i = 0; i < 512; i++)
		if (before[i] == 4)
			moved--;
	cr_expect_eq(moved, 0);
}

Test(steered, bad_slots, .fini = close_world)
{
	uint64_t seed = 1;

	world_open(&world, WORLD_PLAIN);
	for (uint32_t i = 0; i < world.steer->block->slot_cnt; i++)
		world.slot[i] = (uint16_t)(i % 2 ? UINT16_MAX : WORLD_ALTS);
	for (unsigned i = 0; i < 1000; i++) {
		const struct world_client client = random_client(&seed);
		cr_assert_eq(ask(&world_name[i % 4], &client).alt, 0);
	}
	cr_expect_eq(world.counters.steer_bad_slot, 1000);
}

Test(steered, without_a_block, .fini = close_world)
{
	struct world_client client = plain_client;

	world_open(&world, WORLD_PLAIN);
	client.has_subnet = true;
	client.subnet = client.source;
	client.prefix = 32;
	vly_steering_begin(&world.steering, NULL);
	struct world_answer answer = ask(&world_name[2], &client);
	cr_expect_eq(answer.alt, 0);
	cr_expect_eq(answer.scope, -1, "a server that does not know client subnets");
	cr_expect_eq(world.counters.steer_unknown, 1);
	cr_expect_eq(world.counters.ecs_queries, 0);
	prepare(0, &world_name[2], &client, false);
	query[0].steering = NULL;
	vly_query_answer(query, 1, world.table, NULL, &world.counters);
	cr_expect_eq(world_decode(buffer[0], query[0].response_len).alt, 0);
}

/* A resolver keeps answers for prefixes: of a name, for a client in a prefix that it has, the answer is
 * not asked for again. RFC 7871 §7.3.1: the prefix is the scope, but no longer than the source
 * prefix. */
Test(steered, resolver_cache, .fini = close_world)
{
	enum { ENTRIES = 4096 };
	static struct {
		struct vly_steer_client prefix;
		unsigned bits, alt;
	} cache[ENTRIES];
	unsigned cnt = 0, hits = 0;
	uint64_t seed = 99;

	world_open(&world, WORLD_PLAIN);
	for (unsigned i = 0; i < 20000; i++) {
		struct world_client client = {.source = plain_client.source, .has_subnet = true};
		client.subnet = world_random_client(&seed);
		client.prefix = client.subnet.is_ipv4 ? 32 : 128;
		unsigned n = 0;
		for (; n < cnt; n++) {
			const unsigned bits = cache[n].bits;
			const unsigned high = bits < 64 ? bits : 64, low = bits - high;
			const uint64_t a = client.subnet.word[0] ^ cache[n].prefix.word[0];
			const uint64_t b = client.subnet.word[1] ^ cache[n].prefix.word[1];
			if (cache[n].prefix.is_ipv4 == client.subnet.is_ipv4 &&
			    (high == 0 || a >> (64 - high) == 0) &&
			    (low == 0 || b >> (64 - low) == 0))
				break;
		}
		const struct world_answer answer = ask(&world_name[2], &client);
		if (n < cnt) {
			hits++;
			cr_assert_eq(cache[n].alt, answer.alt);
		} else if (cnt < ENTRIES) {
			cache[cnt].prefix = client.subnet;
			cache[cnt].bits = (unsigned)answer.scope;
			cache[cnt++].alt = answer.alt;
		}
	}
	cr_expect_gt(hits, 1000);
}

Test(steered, resolvers_that_may, .fini = close_world)
{
	static const struct vly_test_prefix allowed[] = {{true, {UINT64_C(10) << 56, 0}, 8, 1}};
	static const struct vly_test_map map = {2, 1, allowed};
	struct world_client client = plain_client;

	world_open(&world, WORLD_PLAIN);
	vly_steer_unmap(world.steer);
	world.steer = vly_test_steer_map(
		&(struct vly_test_steer){.ecs = true, .map_cnt = 1, .map = &map}, NULL);
	vly_steering_begin(&world.steering, world.steer);
	client.has_subnet = true;
	client.subnet = client.source;
	client.prefix = 24;
	client.subnet.word[0] &= ~UINT64_C(0) << 40;
	cr_expect_eq(ask(&world_name[6], &client).scope, 0);
	client.source.word[0] ^= UINT64_C(1) << 63;
	cr_expect_eq(ask(&world_name[6], &client).scope, -1);
	cr_expect_eq(world.counters.ecs_queries, 1);
}

/* Options, and what the response is: its RCODE, and whether it has the option. */
Test(steered, malformed_subnets, .fini = close_world)
{
	static const struct {
		const char *what;
		uint8_t bytes, octets[24];
		uint8_t rcode;
	} cases[] = {
		{"IPv4 /24", 7, {0, 1, 24, 0, 10, 1, 2}, 0},
		{"IPv4 /20", 7, {0, 1, 20, 0, 10, 1, 0x20}, 0},
		{"IPv4 /0", 4, {0, 1, 0, 0}, 0},
		{"IPv6 /0", 4, {0, 2, 0, 0}, 0},
		{"IPv6 /128", 20, {0, 2, 128, 0, 0x20, 1, [19] = 1}, 0},
		{"nothing", 0, {0}, 1},
		{"no scope", 3, {0, 1, 0}, 1},
		{"an unknown family", 4, {0, 3, 0, 0}, 1},
		{"no family, /0", 4, {0, 0, 0, 0}, 0},
		{"no family, /1", 5, {0, 0, 1, 0, 0x80}, 1},
		{"no family, an octet more", 5, {0, 0, 0, 0, 0}, 1},
		{"no family, a scope", 4, {0, 0, 0, 1}, 1},
		{"family 257", 4, {1, 1, 0, 0}, 1},
		{"a scope in a query", 7, {0, 1, 24, 24, 10, 1, 2}, 1},
		{"IPv4 /33", 9, {0, 1, 33, 0, 10, 1, 2, 3, 0}, 1},
		{"IPv6 /129", 21, {0, 2, 129, 0}, 1},
		{"an octet short", 6, {0, 1, 24, 0, 10, 1}, 1},
		{"an octet more", 8, {0, 1, 24, 0, 10, 1, 2, 0}, 1},
		{"a bit behind the prefix", 7, {0, 1, 23, 0, 10, 1, 3}, 1},
	};
	uint8_t options[32];

	world_open(&world, WORLD_PLAIN);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (unsigned stream = 0; stream < 2; stream++) {
			struct vly_test_response response;
			options[0] = options[2] = 0;
			options[1] = VLY_OPTION_SUBNET;
			options[3] = cases[i].bytes;
			memcpy(options + 4, cases[i].octets, cases[i].bytes);
			vly_test_ask(
				world.table,
				&(struct vly_test_question){.name = "random.z.",
							    .type = 1,
							    .edns = true,
							    .stream = stream,
							    .options = options,
							    .options_bytes = 4u + cases[i].bytes,
							    .steering = &world.steering},
				&response);
			cr_expect_null(response.fault, "%s: %s", cases[i].what, response.fault);
			cr_expect_eq(response.flags & 15, cases[i].rcode, "%s", cases[i].what);
			const struct world_answer answer =
				world_decode(response.octets, response.len);
			cr_expect_eq(answer.scope >= 0, cases[i].rcode == 0, "%s", cases[i].what);
			vly_test_response_free(&response);
		}
	}
}

/* The option counts in the size of a response: with it, what just fits without is truncated. */
Test(steered, size_of_the_option, .fini = close_world)
{
	struct world_client client = plain_client;

	world_open(&world, WORLD_PLAIN);
	const unsigned name_len = 23; /* of unsteered-flat-name.z. */
	for (unsigned with = 0; with < 2; with++) {
		client.has_subnet = with;
		client.subnet = client.source;
		client.prefix = 32;
		prepare(0, &world_name[4], &client, true);
		const unsigned whole = 12 + name_len + 4 + 16 + (with ? 11 + 12 : 0);
		query[0].limit = (uint16_t)whole;
		vly_query_answer(query, 1, world.table, NULL, &world.counters);
		cr_expect_eq(query[0].response_len, whole);
		cr_expect_eq(buffer[0][2] & 2, 0);
		prepare(0, &world_name[4], &client, true);
		query[0].limit = query[0].limit_max = (uint16_t)(whole - 1);
		vly_query_answer(query, 1, world.table, NULL, &world.counters);
		cr_expect_eq(query[0].response_len, whole - 16);
		cr_expect_eq(buffer[0][2] & 2, 2, "TC");
	}
}
