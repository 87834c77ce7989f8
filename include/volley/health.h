/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What volley-control and volley-health say to each other, and what a check consists of.
 *
 * volley-health listens on a UNIX stream socket; volley-control connects, and again whenever the connection is gone.
 * Each side accepts a peer of its own user or root alone. A message is one line: a JSON object with one member, of
 * at most VLY_HEALTH_LINE_MAX octets with its newline.
 *
 * From volley-control, the whole list of checks whenever it changes and after each connect:
 *     {"list":7}
 *     {"check":{"id":"…","type":"http","address":"192.0.2.1",…,"state":"up","since_ms":…}}   as often as needed
 *     {"end":7}
 * With "end", checks that are not in the list go, new ones begin, and those that were there run on. "state" is the
 * last one that volley-control knows: a check that volley-health does not have begins with it.
 *
 * From volley-health:
 *     {"hello":{"protocol":1,"version":"0.1.0","pid":123}}                    first
 *     {"state":{"id":"…","state":"up","since_ms":…,"reason":"…",…}}           a flip at once, other results each second
 *     {"refused":{"id":"…","reason":"…"}}                                     a check that it can't have
 *     {"ended":{"list":7,"checks":2000}}                                      the list is in force
 *     {"alive":{"checks":2000,"running":3,"waiting":0,"late_ms":0}}           every VLY_HEALTH_ALIVE_MS
 *
 * A check is known by its id, a hash of all that it does: names that ask for the same check share one.
 */
#ifndef VLY_HEALTH_H
#define VLY_HEALTH_H

#include <stdint.h>

#define VLY_HEALTH_PROTOCOL 1
#define VLY_HEALTH_SOCKET   "/run/volley/health.sock"

/* A check with all its texts at their limits, escaped, fits. A longer line ends the connection. */
#define VLY_HEALTH_LINE_MAX 65536

/* Checks. Each takes about 1 kB in either program, and a few hundred octets of the list. */
#define VLY_HEALTH_CHECKS_MAX 16384

/* Silence of three times as long ends the connection: volley-health hangs. */
#define VLY_HEALTH_ALIVE_MS 5000

#define VLY_HEALTH_TYPES(X)                                                                        \
	X(TCP, "tcp")                                                                              \
	X(TLS, "tls")                                                                              \
	X(HTTP, "http")                                                                            \
	X(HTTPS, "https")                                                                          \
	X(DNS, "dns")                                                                              \
	X(ICMP, "icmp")                                                                            \
	X(COMMAND, "command")                                                                      \
	X(FILE, "file")

enum vly_health_type {
#define X(id, name) VLY_HEALTH_##id,
	VLY_HEALTH_TYPES(X)
#undef X
		VLY_HEALTH_TYPE_CNT
};

#define VLY_HEALTH_STATES(X)                                                                       \
	X(UNKNOWN, "unknown")                                                                      \
	X(DOWN, "down")                                                                            \
	X(UP, "up")

enum vly_health_status {
#define X(id, name) VLY_HEALTH_##id,
	VLY_HEALTH_STATES(X)
#undef X
		VLY_HEALTH_STATE_CNT
};

#define VLY_HEALTH_ID_BYTES     33  /* 32 hex digits and a NUL */
#define VLY_HEALTH_REASON_BYTES 256 /* with a NUL; longer ones are cut */
#define VLY_HEALTH_ARGS_MAX     32
#define VLY_HEALTH_COMMAND_MAX  4096 /* octets of all words of a command */

/* Sets of types. */
#define VLY_HEALTH_ALL     ((1u << VLY_HEALTH_TYPE_CNT) - 1)
#define VLY_HEALTH_WEB     (1u << VLY_HEALTH_HTTP | 1u << VLY_HEALTH_HTTPS)
#define VLY_HEALTH_SECURED (1u << VLY_HEALTH_TLS | 1u << VLY_HEALTH_HTTPS)
#define VLY_HEALTH_PORTS                                                                           \
	(VLY_HEALTH_WEB | 1u << VLY_HEALTH_TCP | 1u << VLY_HEALTH_TLS | 1u << VLY_HEALTH_DNS)
#define VLY_HEALTH_REMOTE (VLY_HEALTH_PORTS | 1u << VLY_HEALTH_ICMP)

/*
 * Numbers: id, key (in the configuration and in JSON), unit, least, most, default, types that have it.
 * A flap is held down for 10 s, twice as long with each further one, and 5 minutes at most: long enough that
 * caches with a TTL of 30 s see few changes, short enough that nobody forgets it.
 */
#define VLY_HEALTH_NUMBERS(X)                                                                      \
	X(INTERVAL, "interval", MS, 100, 86400000, 10000, VLY_HEALTH_ALL)                          \
	X(JITTER, "jitter", PERCENT, 0, 50, 10, VLY_HEALTH_ALL)                                    \
	X(TIMEOUT, "timeout", MS, 10, 600000, 2000, VLY_HEALTH_ALL)                                \
	X(RISE, "rise", COUNT, 1, 100, 2, VLY_HEALTH_ALL)                                          \
	X(FALL, "fall", COUNT, 1, 100, 3, VLY_HEALTH_ALL)                                          \
	X(HOLD_DOWN, "hold-down", MS, 0, 86400000, 10000, VLY_HEALTH_ALL)                          \
	X(HOLD_DOWN_MAX, "hold-down-max", MS, 0, 86400000, 300000, VLY_HEALTH_ALL)                 \
	X(PORT, "port", COUNT, 1, 65535, 0, VLY_HEALTH_PORTS)                                      \
	X(SIZE_MAX, "size-max", BYTES, 0, 16777216, 65536, VLY_HEALTH_WEB)                         \
	X(VERIFY, "verify", YES_NO, 0, 1, 1, VLY_HEALTH_SECURED)                                   \
	X(CERTIFICATE_MIN, "certificate-min", MS, 0, 315360000000, 0, 1u << VLY_HEALTH_TLS)        \
	X(QUERY_TYPE, "query-type", TYPE, 1, 65535, 6, 1u << VLY_HEALTH_DNS)                       \
	X(RCODE, "rcode", RCODE, 0, 15, 0, 1u << VLY_HEALTH_DNS)                                   \
	X(AGE_MAX, "age-max", MS, 0, 315360000000, 0, 1u << VLY_HEALTH_FILE)

enum vly_health_number {
#define X(id, ...) VLY_HEALTH_NUMBER_##id,
	VLY_HEALTH_NUMBERS(X)
#undef X
		VLY_HEALTH_NUMBER_CNT
};

/* Texts: id, key, most octets, default, types that have it. */
#define VLY_HEALTH_TEXTS(X)                                                                        \
	X(ADDRESS, "address", 45, NULL, VLY_HEALTH_ALL & ~(1u << VLY_HEALTH_FILE))                 \
	X(HOST, "host", 253, NULL, VLY_HEALTH_WEB | VLY_HEALTH_SECURED)                            \
	X(PATH, "path", 2048, "/", VLY_HEALTH_WEB)                                                 \
	X(STATUS, "status", 128, "200-299", VLY_HEALTH_WEB)                                        \
	X(BODY, "body", 1024, NULL, VLY_HEALTH_WEB)                                                \
	X(CA_FILE, "ca-file", 1024, NULL, VLY_HEALTH_SECURED)                                      \
	X(QUERY, "query", 253, NULL, 1u << VLY_HEALTH_DNS)                                         \
	X(FILE, "file", 1024, NULL, 1u << VLY_HEALTH_FILE)

enum vly_health_text {
#define X(id, ...) VLY_HEALTH_TEXT_##id,
	VLY_HEALTH_TEXTS(X)
#undef X
		VLY_HEALTH_TEXT_CNT
};

#endif
