/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The defence: every limit, list and secret that may change while Volley runs. volley-control makes
 * one block from its configuration and the operator's commands, and passes it on as a sealed memfd
 * (publish.h DEFENCE). The dataplane checks it (untrusted), gives the rules to each port, and swaps
 * the block with RCU. If a block is refused, or control dies, the previous one stays in force.
 *
 * Until the first block arrives, only the checks of vly_policy_classify() apply: no limits, no
 * lists, no cookies.
 */
#ifndef VLY_DEFENCE_H
#define VLY_DEFENCE_H

#include <stdint.h>

#include <volley/policy.h>
#include <volley/prefix.h>
#include <volley/rate.h>

#define VLY_DEFENCE_MAGIC   UINT64_C(0x434e4644594c56) /* "VLYDFNC" */
#define VLY_DEFENCE_VERSION 7

/* Kinds of responses, each with a limit of its own: name, help. */
#define VLY_RESPONSE_KINDS(X)                                                                      \
	X(answer, "positive answers and NODATA")                                                   \
	X(referral, "referrals")                                                                   \
	X(nxdomain, "NXDOMAIN")                                                                    \
	X(error, "REFUSED, FORMERR and other errors")

enum vly_response_kind {
#define X(name, help) VLY_RESPONSE_##name,
	VLY_RESPONSE_KINDS(X)
#undef X
		VLY_RESPONSE_KIND_CNT
};

/* A response counts as one unit for each VLY_RESPONSE_UNIT_BYTES of its message, rounded up, so
 * that large responses, which do more harm to a victim, cost more. Most positive answers are one
 * unit; with a smaller unit, plain answers would differ in cost. */
#define VLY_RESPONSE_UNIT_SHIFT 7
#define VLY_RESPONSE_UNIT_BYTES (1 << VLY_RESPONSE_UNIT_SHIFT)

/* Limits of responses for each client prefix, kind and lcore. */
struct vly_response_limits {
	uint32_t mode; /* enum vly_limit_mode (policy.h) */
	uint32_t slip; /* one in `slip` limited responses is sent empty with TC=1; 0: none */
	uint32_t prefix4_bits; /* 1..32 */
	uint32_t prefix6_bits; /* 1..64 */
	struct vly_rate rate[VLY_RESPONSE_KIND_CNT];
	uint32_t badcookie; /* 1: clients with a cookie, but no valid one, get BADCOOKIE, not TC */
	uint32_t pad;
};

#define VLY_COOKIE_SECRET_BYTES 16

enum vly_cookie_secret {
	VLY_COOKIE_CURRENT, /* makes cookies */
	VLY_COOKIE_PREVIOUS,
	VLY_COOKIE_NEXT, /* other servers of the same address may already use it */
	VLY_COOKIE_SECRET_CNT
};

/* DNS cookies (RFC 7873, RFC 9018). */
struct vly_cookie_secrets {
	uint32_t enabled;     /* 0: COOKIE options are ignored */
	uint32_t secret_mask; /* bit n: secret[n] is set; bit 0 always, when enabled */
	uint8_t secret[VLY_COOKIE_SECRET_CNT][VLY_COOKIE_SECRET_BYTES];
};

/* Connections of clients that control takes over (publish.h CONNECTION). */
enum vly_connection_wish {
	VLY_WISH_TRANSFERS = 1, /* those over TCP whose next message is a query for AXFR or IXFR */
	VLY_WISH_TLS = 2,       /* those to the port of TLS */
};

struct vly_defence {
	uint64_t magic;
	uint32_t version;
	uint32_t total_bytes; /* sizeof(struct vly_defence) */
	uint64_t generation;  /* counts changes, chosen by control */
	struct vly_response_limits responses;
	struct vly_cookie_secrets cookies;
	uint32_t connections; /* bits of enum vly_connection_wish */
	uint32_t pad;
	struct vly_policy_rules rules;
};

#endif
