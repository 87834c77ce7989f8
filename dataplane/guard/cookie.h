/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * DNS cookies (RFC 7873), the server's part, with server cookies of RFC 9018 version 1, so that
 * servers with the same secrets accept each other's.
 *
 * Use: vly_cookie_take() with the content of the query's COOKIE option; unless it is malformed, the
 * result `cookie` is the content of the response's. Any thread; pure; does not block. `secrets` are
 * those of the live defence, inside a read side.
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

/* In seconds, from RFC 9018 §4.3: the age at which a cookie expires, how far its time may be in the
 * future, and the age from which a client gets a new one. */
#define VLY_COOKIE_AGE_MAX   3600
#define VLY_COOKIE_AHEAD_MAX 300
#define VLY_COOKIE_AGE_RENEW 1800

/* The state of a query's COOKIE option. */
enum vly_cookie {
	VLY_COOKIE_NONE,      /* no option, or cookies are off */
	VLY_COOKIE_UNSEEN,    /* there is an option, not checked yet */
	VLY_COOKIE_MALFORMED, /* of an impossible length (RFC 7873 §5.2.2) */
	VLY_COOKIE_NEW,       /* only a client cookie */
	VLY_COOKIE_INVALID,   /* with a foreign or expired server cookie */
	VLY_COOKIE_VALID,
};

/*
 * Checks the `bytes` octets of a COOKIE option (untrusted) of the client at `address` (4 or 16
 * octets). now_s: seconds since 1970, modulo 2^32. `secrets` must be enabled. Fills `cookie` with
 * client and server cookie, unless the result is VLY_COOKIE_MALFORMED.
 */
__attribute__((nonnull, warn_unused_result)) enum vly_cookie
vly_cookie_take(const struct vly_cookie_secrets *secrets, const uint8_t *option, unsigned bytes,
		const uint8_t *address, unsigned address_bytes, uint32_t now_s,
		uint8_t cookie[VLY_COOKIE_BYTES]);

#endif
