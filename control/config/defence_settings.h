/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The defence's settings by name, as the configuration and `volleyctl defence set` spell them: a
 * table of names, defaults and valid values. A value is text. vly_defence_setting_check() checks
 * one; vly_defence_settings_write() turns a full set of valid ones into the numbers of a struct
 * vly_defence. No state; any thread; no function blocks.
 */
#ifndef VLY_CONTROL_DEFENCE_SETTINGS_H
#define VLY_CONTROL_DEFENCE_SETTINGS_H

#include <stddef.h>

#include <volley/defence.h>

/*
 * id, key in its section, kind, default, smallest and largest number. Rates are per second, 0 for
 * no limit.
 *
 * A source gets 100,000 packets a second through each queue: more than the busiest resolvers ask
 * one server, and a tenth of what a queue serves. The networks around it get two and four times
 * that, so that a botnet in one /20 does not add up.
 */
#define VLY_DEFENCE_SOURCE_SETTINGS(X)                                                             \
	X(source_mode, "mode", MODE, "on", 0, 0)                                                   \
	X(source_address, "address", NUMBER, "100000", 0, VLY_RATE_UNITS_PER_S)                    \
	X(source_network, "network", NUMBER, "200000", 0, VLY_RATE_UNITS_PER_S)                    \
	X(source_wide, "wide", NUMBER, "400000", 0, VLY_RATE_UNITS_PER_S)                          \
	X(source_burst, "burst-ms", NUMBER, "100", VLY_SOURCE_BURST_MS_MIN, 30000)

/* The section itself. The ports are those of CISA's alert TA14-017A whose answers outgrow their
 * questions, and that no resolver asks from but by chance. */
#define VLY_DEFENCE_OWN_SETTINGS(X)                                                                \
	X(unserved_rate, "unserved-rate", NUMBER, "100", 0, VLY_RATE_UNITS_PER_S)                  \
	X(request_rate, "request-rate", NUMBER, "5000", 0, VLY_RATE_UNITS_PER_S)                   \
	X(reflector_ports, "reflector-ports", PORTS,                                               \
	  "17,19,69,111,123,137,161,389,520,1434,1900,3283,3702,5093,5353,11211", 0, 0)

/* Per client prefix and lcore, in units of 128 octets: 10,000 are 10 Mbit/s. NXDOMAIN and errors
 * are what a flood of random names gets, and no resolver needs so many of. */
#define VLY_DEFENCE_RESPONSE_SETTINGS(X)                                                           \
	X(response_mode, "mode", MODE, "on", 0, 0)                                                 \
	X(response_answer, "answer", NUMBER, "10000", 0, VLY_RATE_UNITS_PER_S)                     \
	X(response_referral, "referral", NUMBER, "10000", 0, VLY_RATE_UNITS_PER_S)                 \
	X(response_nxdomain, "nxdomain", NUMBER, "2000", 0, VLY_RATE_UNITS_PER_S)                  \
	X(response_error, "error", NUMBER, "1000", 0, VLY_RATE_UNITS_PER_S)                        \
	X(response_burst, "burst-ms", NUMBER, "1000", 1, 30000)                                    \
	X(response_slip, "slip", NUMBER, "2", 0, 100)                                              \
	X(response_prefix4, "ipv4-prefix", NUMBER, "24", 1, 32)                                    \
	X(response_prefix6, "ipv6-prefix", NUMBER, "56", 1, 64)                                    \
	X(response_badcookie, "badcookie", SWITCH, "off", 0, 0)

#define VLY_DEFENCE_COOKIE_SETTINGS(X) X(cookie_mode, "mode", SWITCH, "on", 0, 0)

enum vly_defence_setting {
#define X(id, ...) VLY_DEFENCE_##id,
	VLY_DEFENCE_SOURCE_SETTINGS(X) VLY_DEFENCE_OWN_SETTINGS(X) VLY_DEFENCE_RESPONSE_SETTINGS(X)
		VLY_DEFENCE_COOKIE_SETTINGS(X)
#undef X
			VLY_DEFENCE_SETTING_CNT
};

/* A value for each setting; NULL: none. */
struct vly_defence_values {
	char *text[VLY_DEFENCE_SETTING_CNT];
};

/* The full name of a setting, such as "source-rate.address". */
const char *vly_defence_setting_name(enum vly_defence_setting setting);

/* The default of a setting. */
const char *vly_defence_setting_default(enum vly_defence_setting setting);

/* Returns the setting of that name, or -1. */
__attribute__((nonnull)) int vly_defence_setting_find(const char *name);

/* Checks a value (untrusted). Returns 0; or -1 with "must be ..." in `reason`. */
__attribute__((nonnull, warn_unused_result)) int
vly_defence_setting_check(enum vly_defence_setting setting, const char *value, char *reason,
			  size_t reason_bytes);

/* Writes the values, all set and valid, to the block as numbers: limits, rates, ports and switches.
 * It leaves the secrets, the key, the prefixes and the head of the block alone. */
__attribute__((nonnull)) void
vly_defence_settings_write(const char *const value[VLY_DEFENCE_SETTING_CNT],
			   struct vly_defence *to);

#endif
