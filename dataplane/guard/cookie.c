/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cookie.h"

#include <stdbool.h>
#include <string.h>

#include "siphash.h"

#define VERSION 1

/* Where the parts of a cookie are (RFC 9018 §4). */
enum {
	VERSION_OFF = VLY_COOKIE_CLIENT_BYTES,
	TIME_OFF = VERSION_OFF + 4, /* version and three reserved octets come before it */
	HASH_OFF = TIME_OFF + 4,
};

static uint32_t
read_u32(const uint8_t *from)
{
	uint32_t value;

	memcpy(&value, from, sizeof(value));
	return __builtin_bswap32(value);
}

/* RFC 9018 §4.4: over client cookie, version, reserved, time and the client's address. */
static void
make_hash(uint8_t hash[8], const uint8_t secret[VLY_COOKIE_SECRET_BYTES], const uint8_t *cookie,
	  const uint8_t *address, unsigned address_bytes)
{
	uint8_t input[HASH_OFF + 16];

	memcpy(input, cookie, HASH_OFF);
	uint64_t value;
	if (address_bytes == 4) {
		memcpy(input + HASH_OFF, address, 4);
		value = vly_siphash(secret, input, HASH_OFF + 4);
	} else {
		memcpy(input + HASH_OFF, address, 16);
		value = vly_siphash(secret, input, HASH_OFF + 16);
	}
	for (unsigned i = 0; i < 8; i++)
		hash[i] = (uint8_t)(value >> 8 * i);
}

/* In constant time: otherwise the time would show how many octets were guessed. */
static bool
is_same(const uint8_t a[8], const uint8_t b[8])
{
	uint64_t left;
	uint64_t right;

	memcpy(&left, a, sizeof(left));
	memcpy(&right, b, sizeof(right));
	return left == right;
}

/* The secret that made the cookie, or VLY_COOKIE_SECRET_CNT. */
static unsigned
find_secret(const struct vly_cookie_secrets *secrets, const uint8_t *cookie, const uint8_t *address,
	    unsigned address_bytes)
{
	uint8_t hash[8];

	for (unsigned i = 0; i < VLY_COOKIE_SECRET_CNT; i++) {
		if (!(secrets->secret_mask & 1u << i))
			continue;
		make_hash(hash, secrets->secret[i], cookie, address, address_bytes);
		if (is_same(hash, cookie + HASH_OFF))
			return i;
	}
	return VLY_COOKIE_SECRET_CNT;
}

static bool
length_is_sound(unsigned bytes)
{
	return bytes == VLY_COOKIE_CLIENT_BYTES ||
	       (bytes >= VLY_COOKIE_CLIENT_BYTES + VLY_COOKIE_SERVER_BYTES_MIN &&
		bytes <= VLY_COOKIE_CLIENT_BYTES + VLY_COOKIE_SERVER_BYTES_MAX);
}

enum vly_cookie
vly_cookie_take(const struct vly_cookie_secrets *secrets, const uint8_t *option, unsigned bytes,
		const uint8_t *address, unsigned address_bytes, uint32_t now_s,
		uint8_t cookie[VLY_COOKIE_BYTES])
{
	enum vly_cookie found =
		bytes == VLY_COOKIE_CLIENT_BYTES ? VLY_COOKIE_NEW : VLY_COOKIE_INVALID;

	if (!length_is_sound(bytes))
		return VLY_COOKIE_MALFORMED;
	if (bytes == VLY_COOKIE_BYTES && option[VERSION_OFF] == VERSION) {
		/* Serial arithmetic (RFC 1982): seconds wrap in 2106. */
		int32_t age_s = (int32_t)(now_s - read_u32(option + TIME_OFF));
		unsigned by = VLY_COOKIE_SECRET_CNT;
		if (age_s <= VLY_COOKIE_AGE_MAX && age_s >= -VLY_COOKIE_AHEAD_MAX)
			by = find_secret(secrets, option, address, address_bytes);
		if (by < VLY_COOKIE_SECRET_CNT)
			found = VLY_COOKIE_VALID;
		/* Kept if made with the current secret, or by another server with the next one. A
		 * cookie of the previous secret is renewed, since it will soon be invalid. */
		if (found == VLY_COOKIE_VALID && by != VLY_COOKIE_PREVIOUS &&
		    age_s <= VLY_COOKIE_AGE_RENEW) {
			memcpy(cookie, option, VLY_COOKIE_BYTES);
			return found;
		}
	}
	uint32_t time = __builtin_bswap32(now_s);
	memcpy(cookie, option, VLY_COOKIE_CLIENT_BYTES);
	memcpy(cookie + VERSION_OFF, (const uint8_t[4]){VERSION}, 4);
	memcpy(cookie + TIME_OFF, &time, sizeof(time));
	make_hash(cookie + HASH_OFF, secrets->secret[VLY_COOKIE_CURRENT], cookie, address,
		  address_bytes);
	return found;
}
