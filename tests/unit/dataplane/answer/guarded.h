/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A zone behind a guard that has cookies and limits: what the tests of both ask. */
#ifndef VLY_TEST_GUARDED_H
#define VLY_TEST_GUARDED_H

#include <criterion/criterion.h>

#include "message.h"
#include "server.h"

static const struct vly_test_zone zone = {
	"z.",
	VLY_TEST_APEX "a A 192.0.2.1\n"
		      "c NS ns.c\n"
		      "ns.c A 192.0.2.3\n"
		      "d DNAME elsewhere.\n"
		      "w0 DNAME w1\nw1 DNAME w2\nw2 DNAME w3\nw3 DNAME w4\nw4 DNAME w5\n"
		      "w5 DNAME w6\nw6 DNAME w7\nw7 DNAME w8\nw8 DNAME w9\n"
		      "*.w9 A 192.0.2.9\n"
		      "v DNAME nowhere\n"
		      "big TXT ("
		      "0123456789012345678901234567890123456789012345678901234567890123456789 "
		      "1123456789012345678901234567890123456789012345678901234567890123456789 "
		      "2123456789012345678901234567890123456789012345678901234567890123456789 "
		      "3123456789012345678901234567890123456789012345678901234567890123456789 "
		      ")\n"};

static struct vly_test_server server;
static struct vly_defence *defence;
static struct vly_sample_ring *ring;
static struct vly_sampler sampler;
static struct vly_guard guard;

#define NOW UINT32_C(1559731985)

static inline void
set_up(void)
{
	cr_assert_eq(vly_test_server_open(&server, &zone, 1), 0);
	defence = calloc(1, sizeof(*defence));
	ring = aligned_alloc(_Alignof(struct vly_sample_ring), sizeof(*ring));
	cr_assert(defence != NULL && ring != NULL);
	memset(ring, 0, sizeof(*ring));
	vly_sampler_start(&sampler, ring, 0);
	vly_guard_start(&guard, vly_limiter_create(), &sampler, 1000000000);
	cr_assert_not_null(guard.limiter);
	guard.clock.unix_s = NOW;
	guard.clock.units = 77;
	defence->cookies.enabled = 1;
	defence->cookies.secret_mask = 1;
	memset(defence->cookies.secret[0], 0x53, VLY_COOKIE_SECRET_BYTES);
	defence->responses =
		(struct vly_response_limits){.slip = 1, .prefix4_bits = 24, .prefix6_bits = 56};
	for (unsigned i = 0; i < VLY_RESPONSE_KIND_CNT; i++)
		defence->responses.rate[i] = vly_rate_make(10, 1000);
	vly_guard_set(&guard, defence);
}

static inline void
tear_down(void)
{
	vly_limiter_destroy(guard.limiter);
	free(ring);
	free(defence);
	vly_test_server_close(&server);
}

static inline void
set_mode(enum vly_limit_mode mode)
{
	defence->responses.mode = mode;
	vly_guard_set(&guard, defence);
}

/* An OPT's options with a COOKIE of `bytes` octets. */
static inline unsigned
write_option(uint8_t *to, const uint8_t *cookie, unsigned bytes)
{
	to[0] = 0;
	to[1] = 10;
	to[2] = 0;
	to[3] = (uint8_t)bytes;
	if (bytes > 0)
		memcpy(to + 4, cookie, bytes);
	return 4 + bytes;
}

/* Asks, from an OPT with a cookie when there is one. */
static inline void
ask(struct vly_test_question question, const uint8_t *cookie, unsigned cookie_bytes,
    struct vly_test_response *response)
{
	uint8_t options[300];

	question.guard = &guard;
	if (cookie != NULL) {
		question.edns = true;
		question.options = options;
		question.options_bytes = write_option(options, cookie, cookie_bytes);
	}
	vly_test_ask(server.table, &question, response);
	cr_assert_null(response->fault, "%s", response->fault);
}

static inline unsigned
rcode_of(const struct vly_test_response *response)
{
	return (response->flags & 15u) | (unsigned)response->opt_rcode << 4;
}

/* The COOKIE option in the response's OPT, which is its last record; NULL: none. */
static inline const uint8_t *
cookie_in(const struct vly_test_response *response)
{
	static const uint8_t head[] = {0, 10, 0, 24};
	const uint8_t *octets = response->octets;

	for (unsigned at = 12; response->has_opt && at + 28 <= response->len; at++)
		if (memcmp(octets + at, head, 4) == 0)
			return octets + at + 4;
	return NULL;
}

static const struct vly_test_question a = {.name = "a.z.", .type = VLY_TYPE_A};

/* A valid cookie of the client with that address. */
static inline void
get_cookie(uint8_t cookie[VLY_COOKIE_BYTES], const char *client)
{
	struct vly_test_question question = a;
	struct vly_test_response response;

	question.client = client;
	ask(question, (const uint8_t *)"abcdefgh", 8, &response);
	cr_assert_not_null(cookie_in(&response));
	memcpy(cookie, cookie_in(&response), VLY_COOKIE_BYTES);
	vly_test_response_free(&response);
}

#endif
