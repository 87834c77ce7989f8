/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Server cookies: the test vectors of RFC 9018 appendix A, ages, secrets, and what is malformed. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdlib.h>

#include "guard/cookie.h"

#define NOW UINT32_C(1559731985) /* RFC 9018 §A.1 */

static struct vly_cookie_secrets secrets;

static unsigned
from_hex(uint8_t *to, const char *hex)
{
	unsigned cnt = 0;

	for (; hex[2 * cnt] != '\0'; cnt++) {
		const char digits[3] = {hex[2 * cnt], hex[2 * cnt + 1], '\0'};
		to[cnt] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return cnt;
}

static void
set_secret(enum vly_cookie_secret which, const char *hex)
{
	secrets.enabled = 1;
	secrets.secret_mask |= 1u << which;
	cr_assert_eq(from_hex(secrets.secret[which], hex), VLY_COOKIE_SECRET_BYTES);
}

static void
set_up(void)
{
	memset(&secrets, 0, sizeof(secrets));
	set_secret(VLY_COOKIE_CURRENT, "e5e973e5a6b2a43f48e7dc849e37bfcf");
}

TestSuite(cookie, .init = set_up);

static enum vly_cookie
take_octets(const uint8_t *option, unsigned bytes, const char *client, uint32_t now_s,
	    uint8_t cookie[VLY_COOKIE_BYTES])
{
	uint8_t address[16];
	bool ipv4 = inet_pton(AF_INET, client, address) == 1;

	cr_assert(ipv4 || inet_pton(AF_INET6, client, address) == 1);
	return vly_cookie_take(&secrets, option, bytes, address, ipv4 ? 4 : 16, now_s, cookie);
}

/* What a client with the cookie in `hex` is, and that it is answered with `answer`. */
static enum vly_cookie
take(const char *hex, const char *client, uint32_t now_s, const char *answer)
{
	uint8_t option[VLY_COOKIE_BYTES], cookie[VLY_COOKIE_BYTES], wanted[VLY_COOKIE_BYTES];
	enum vly_cookie found = take_octets(option, from_hex(option, hex), client, now_s, cookie);

	cr_assert_eq(from_hex(wanted, answer), VLY_COOKIE_BYTES);
	cr_expect_eq(memcmp(cookie, wanted, VLY_COOKIE_BYTES), 0, "%s", answer);
	return found;
}

Test(cookie, rfc9018_a1_learning_a_new_server_cookie)
{
	cr_expect_eq(take("2464c4abcf10c957", "198.51.100.100", NOW,
			  "2464c4abcf10c957010000005cf79f111f8130c3eee29480"),
		     VLY_COOKIE_NEW);
}

/* 40 minutes later */
Test(cookie, rfc9018_a2_the_same_client_learning_a_renewed_one)
{
	cr_expect_eq(take("2464c4abcf10c957010000005cf79f111f8130c3eee29480", "198.51.100.100",
			  1559734385, "2464c4abcf10c957010000005cf7a871d4a564a1442aca77"),
		     VLY_COOKIE_VALID);
}

/* Its reserved octets are not 0, and it is older than an hour; it would have been good before. */
Test(cookie, rfc9018_a3_another_client_learning_a_renewed_one)
{
	static const char old[] = "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5";

	cr_expect_eq(take(old, "203.0.113.203", 1559734700,
			  "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e"),
		     VLY_COOKIE_INVALID);
	cr_expect_eq(take(old, "203.0.113.203", 0x5cf78f71, old), VLY_COOKIE_VALID);
}

Test(cookie, rfc9018_a4_ipv6_and_a_rolled_secret)
{
	set_secret(VLY_COOKIE_CURRENT, "445536bcd2513298075a5d379663c962");
	set_secret(VLY_COOKIE_PREVIOUS, "dd3bdf9344b678b185a6f5cb60fca715");
	cr_expect_eq(take("22681ab97d52c298010000005cf7c57926556bd0934c72f8",
			  "2001:db8:220:1:59de:d0f4:8769:82b8", 1559741961,
			  "22681ab97d52c298010000005cf7c609a6bb79d16625507a"),
		     VLY_COOKIE_VALID);
}

Test(cookie, a_young_one_comes_back_as_it_is)
{
	static const char cookie[] = "2464c4abcf10c957010000005cf79f111f8130c3eee29480";

	cr_expect_eq(take(cookie, "198.51.100.100", NOW, cookie), VLY_COOKIE_VALID);
	cr_expect_eq(take(cookie, "198.51.100.100", NOW + 1800, cookie), VLY_COOKIE_VALID);
	cr_expect_eq(take(cookie, "198.51.100.100", NOW - 300, cookie), VLY_COOKIE_VALID);
}

/* A cookie made at `made_s`. */
static void
make(uint8_t cookie[VLY_COOKIE_BYTES], const char *client, uint32_t made_s)
{
	cr_assert_eq(take_octets((const uint8_t *)"abcdefgh", 8, client, made_s, cookie),
		     VLY_COOKIE_NEW);
}

static enum vly_cookie
take_again(const uint8_t *cookie, const char *client, uint32_t now_s)
{
	uint8_t answer[VLY_COOKIE_BYTES];

	return take_octets(cookie, VLY_COOKIE_BYTES, client, now_s, answer);
}

/* Also where seconds come round, in 2106. */
Test(cookie, is_good_for_an_hour_and_five_minutes_ahead)
{
	static const uint32_t times[] = {NOW, 0, 100, UINT32_MAX, INT32_MAX, UINT32_C(1) << 31};
	uint8_t cookie[VLY_COOKIE_BYTES];

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		make(cookie, "192.0.2.1", times[i]);
		for (int age_s = -400; age_s < 4000; age_s++)
			cr_expect_eq(take_again(cookie, "192.0.2.1", times[i] + (uint32_t)age_s),
				     age_s >= -300 && age_s <= 3600 ? VLY_COOKIE_VALID
								    : VLY_COOKIE_INVALID,
				     "made at %u, age %d", times[i], age_s);
		cr_expect_eq(take_again(cookie, "192.0.2.1", times[i] + INT32_MAX),
			     VLY_COOKIE_INVALID);
		cr_expect_eq(take_again(cookie, "192.0.2.1", times[i] - INT32_MAX),
			     VLY_COOKIE_INVALID);
	}
}

Test(cookie, belongs_to_one_address)
{
	static const char *const clients[] = {"192.0.2.1",   "192.0.2.2",   "::192.0.2.1",
					      "2001:db8::1", "2001:db8::2", "2001:db9::1"};
	enum { CNT = sizeof(clients) / sizeof(clients[0]) };
	uint8_t cookie[VLY_COOKIE_BYTES];

	for (unsigned i = 0; i < CNT; i++) {
		make(cookie, clients[i], NOW);
		for (unsigned j = 0; j < CNT; j++)
			cr_expect_eq(take_again(cookie, clients[j], NOW),
				     i == j ? VLY_COOKIE_VALID : VLY_COOKIE_INVALID);
	}
}

Test(cookie, no_bit_of_it_may_change)
{
	uint8_t cookie[VLY_COOKIE_BYTES];

	make(cookie, "192.0.2.1", NOW);
	for (unsigned bit = 0; bit < 8 * VLY_COOKIE_BYTES; bit++) {
		cookie[bit / 8] ^= (uint8_t)(1 << bit % 8);
		cr_expect_eq(take_again(cookie, "192.0.2.1", NOW), VLY_COOKIE_INVALID, "bit %u",
			     bit);
		cookie[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	cr_expect_eq(take_again(cookie, "192.0.2.1", NOW), VLY_COOKIE_VALID);
}

/* RFC 9018 §5: three steps, and whoever had a cookie goes on with it. */
Test(cookie, rolling_secrets_loses_nobody)
{
	uint8_t cookie[VLY_COOKIE_BYTES], ahead[VLY_COOKIE_BYTES], renewed[VLY_COOKIE_BYTES];
	struct vly_cookie_secrets before;

	make(cookie, "192.0.2.1", NOW);
	set_secret(VLY_COOKIE_NEXT, "445536bcd2513298075a5d379663c962");
	cr_expect_eq(take_again(cookie, "192.0.2.1", NOW), VLY_COOKIE_VALID);
	before = secrets;
	/* another server is a step ahead */
	memcpy(secrets.secret[VLY_COOKIE_PREVIOUS], before.secret[VLY_COOKIE_CURRENT], 16);
	memcpy(secrets.secret[VLY_COOKIE_CURRENT], before.secret[VLY_COOKIE_NEXT], 16);
	secrets.secret_mask = 3;
	make(ahead, "192.0.2.1", NOW);
	cr_expect_eq(take_octets(cookie, VLY_COOKIE_BYTES, "192.0.2.1", NOW, renewed),
		     VLY_COOKIE_VALID);
	cr_expect_neq(memcmp(renewed, cookie, VLY_COOKIE_BYTES), 0);
	secrets.secret_mask = 1;
	cr_expect_eq(take_again(cookie, "192.0.2.1", NOW), VLY_COOKIE_INVALID);
	cr_expect_eq(take_again(renewed, "192.0.2.1", NOW), VLY_COOKIE_VALID);
	/* to one that is not, its cookies are good, and stay what they are */
	secrets = before;
	cr_expect_eq(take_octets(ahead, VLY_COOKIE_BYTES, "192.0.2.1", NOW, renewed),
		     VLY_COOKIE_VALID);
	cr_expect_eq(memcmp(renewed, ahead, VLY_COOKIE_BYTES), 0);
}

/* A secret that is not set is not one of zeros. */
Test(cookie, unset_secrets_open_nothing)
{
	uint8_t cookie[VLY_COOKIE_BYTES];

	set_secret(VLY_COOKIE_CURRENT, "00000000000000000000000000000000");
	make(cookie, "192.0.2.1", NOW);
	set_secret(VLY_COOKIE_CURRENT, "e5e973e5a6b2a43f48e7dc849e37bfcf");
	cr_expect_eq(take_again(cookie, "192.0.2.1", NOW), VLY_COOKIE_INVALID);
}

/* RFC 7873 §5.2.2 */
Test(cookie, lengths_that_no_cookie_has_are_malformed)
{
	uint8_t option[256] = {1, 2, 3};
	uint8_t cookie[VLY_COOKIE_BYTES];

	for (unsigned bytes = 0; bytes < sizeof(option); bytes++) {
		enum vly_cookie wanted = bytes == 8                 ? VLY_COOKIE_NEW
					 : bytes < 16 || bytes > 40 ? VLY_COOKIE_MALFORMED
								    : VLY_COOKIE_INVALID;
		memset(cookie, 0xa5, sizeof(cookie));
		cr_expect_eq(take_octets(option, bytes, "192.0.2.1", NOW, cookie), wanted,
			     "%u octets", bytes);
		if (wanted == VLY_COOKIE_MALFORMED)
			continue;
		cr_expect_eq(memcmp(cookie, option, 8), 0);
		cr_expect_eq(take_again(cookie, "192.0.2.1", NOW), VLY_COOKIE_VALID);
	}
}

Test(cookie, another_version_is_not_ours)
{
	uint8_t cookie[VLY_COOKIE_BYTES];

	make(cookie, "192.0.2.1", NOW);
	cr_expect_eq(cookie[8], 1);
	cookie[8] = 2;
	cr_expect_eq(take_again(cookie, "192.0.2.1", NOW), VLY_COOKIE_INVALID);
}
