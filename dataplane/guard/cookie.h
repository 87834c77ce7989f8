/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * DNS cookies: RFC 7873 as servers see it, with the server cookies of RFC 9018 version 1, so that
 * all servers with the same secrets take each other's.
 *
 * Use: vly_cookie_take() with what a COOKIE option holds; unless it is malformed, `cookie` is then
 * what the response's COOKIE option holds. Any thread; the secrets are read only.
 */
#ifndef VLY_DATAPLANE_COOKIE_H
#define VLY_DATAPLANE_COOKIE_H

#include <stdint.h>

#include <volley/defence.h>

#define VLY_COOKIE_CLIENT_BYTES     8
#define VLY_COOKIE_SERVER_BYTES     16 /* ours (RFC 9018 §4) */
#define VLY_COOKIE_SERVER_BYTES_MIN 8  /* anybody's (RFC 7873 §4) */
#define VLY_COOKIE_SERVER_BYTES_MAX 32
#define VLY_COOKIE_BYTES            (VLY_COOKIE_CLIENT_BYTES + VLY_COOKIE_SERVER_BYTES)

/* Seconds, RFC 9018 §4.3: how old a cookie may be, how far ahead its maker's clock, and from what
 * age on a client gets a new one. */
#define VLY_COOKIE_AGE_MAX   3600
#define VLY_COOKIE_AHEAD_MAX 300
#define VLY_COOKIE_AGE_RENEW 1800

/* What a query's COOKIE option was found to be. */
enum vly_cookie {
	VLY_COOKIE_NONE,      /* no option, or cookies are off */
	VLY_COOKIE_UNSEEN,    /* there is one, not looked at yet */
	VLY_COOKIE_MALFORMED, /* of a length that no cookie has */
	VLY_COOKIE_NEW,       /* a client cookie alone */
	VLY_COOKIE_INVALID,   /* with a server cookie that is not ours, or too old */
	VLY_COOKIE_VALID,
};

/*
 * `option` are the `bytes` octets of a COOKIE option (untrusted), `address` the 4 or 16 of the
 * client, now_s the seconds of the Unix epoch modulo 2^32. `secrets` are enabled. Fills `cookie`
 * with client and server cookie, unless the result is VLY_COOKIE_MALFORMED.
 */
__attribute__((nonnull, warn_unused_result)) enum vly_cookie
vly_cookie_take(const struct vly_cookie_secrets *secrets, const uint8_t *option, unsigned bytes,
		const uint8_t *address, unsigned address_bytes, uint32_t now_s,
		uint8_t cookie[VLY_COOKIE_BYTES]);

#endif
