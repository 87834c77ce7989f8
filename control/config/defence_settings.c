/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "defence_settings.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/number.h"

/* The largest UDP response, in units. A burst has room for one at any rate, or a client that sends
 * a single query would be limited. */
#define LARGEST_RESPONSE_UNITS (4096 / VLY_RESPONSE_UNIT_BYTES)

/* No list has each port twice. */
#define PORTS_TEXT_MAX (65536 * 6)

enum kind {
	MODE,
	SWITCH,
	NUMBER,
	PORTS,
};

static const struct {
	const char *name;
	const char *preset;
	enum kind kind;
	uint32_t min;
	uint32_t max;
} settings[] = {
#define X(id, key, kind, preset, min, max) {"source-rate." key, preset, kind, min, max},
	VLY_DEFENCE_SOURCE_SETTINGS(X)
#undef X
#define X(id, key, kind, preset, min, max) {key, preset, kind, min, max},
		VLY_DEFENCE_OWN_SETTINGS(X)
#undef X
#define X(id, key, kind, preset, min, max) {"responses." key, preset, kind, min, max},
			VLY_DEFENCE_RESPONSE_SETTINGS(X)
#undef X
#define X(id, key, kind, preset, min, max) {"cookies." key, preset, kind, min, max},
				VLY_DEFENCE_COOKIE_SETTINGS(X)
#undef X
};

static const char *const modes[] = {
	[VLY_LIMIT_OFF] = "off",
	[VLY_LIMIT_DRY_RUN] = "dry-run",
	[VLY_LIMIT_ON] = "on",
};

const char *
vly_defence_setting_name(enum vly_defence_setting setting)
{
	return settings[setting].name;
}

const char *
vly_defence_setting_default(enum vly_defence_setting setting)
{
	return settings[setting].preset;
}

int
vly_defence_setting_find(const char *name)
{
	for (int i = 0; i < VLY_DEFENCE_SETTING_CNT; i++)
		if (strcmp(name, settings[i].name) == 0)
			return i;
	return -1;
}

/* Returns UINT32_MAX for what is not a number. */
static uint32_t
read_number(const char *text, size_t len)
{
	uint64_t number = UINT32_MAX;

	return vly_number_is(text, len, 0, UINT32_MAX - 1, &number) ? (uint32_t)number : UINT32_MAX;
}

static bool
ports_are_good(const char *value)
{
	size_t total = strlen(value);

	if (strcmp(value, "none") == 0)
		return true;
	for (size_t at = 0; total <= PORTS_TEXT_MAX; at++) {
		size_t len = strcspn(value + at, ",");
		uint32_t port = read_number(value + at, len);
		if (port < 1 || port > 65535)
			return false;
		at += len;
		if (value[at] == '\0')
			return true;
	}
	return false;
}

int
vly_defence_setting_check(enum vly_defence_setting setting, const char *value, char *reason,
			  size_t reason_bytes)
{
	bool on_off = strcmp(value, "on") == 0 || strcmp(value, "off") == 0;
	uint32_t number = read_number(value, strlen(value));
	uint32_t min = settings[setting].min;
	uint32_t max = settings[setting].max;
	bool good = false;

	switch (settings[setting].kind) {
	case MODE:
		good = on_off || strcmp(value, modes[VLY_LIMIT_DRY_RUN]) == 0;
		snprintf(reason, reason_bytes, "must be on, off or dry-run");
		break;
	case SWITCH:
		good = on_off;
		snprintf(reason, reason_bytes, "must be on or off");
		break;
	case NUMBER:
		good = number >= min && number <= max;
		snprintf(reason, reason_bytes, "must be a number from %u to %u", min, max);
		break;
	case PORTS:
		good = ports_are_good(value);
		snprintf(reason, reason_bytes, "must be ports from 1 to 65535, or none");
		break;
	}
	return good ? 0 : -1;
}

static uint32_t
mode_of(const char *value)
{
	uint32_t mode = VLY_LIMIT_ON;

	while (mode > VLY_LIMIT_OFF && strcmp(value, modes[mode]) != 0)
		mode--;
	return mode;
}

static uint32_t
number_of(const char *value)
{
	return read_number(value, strlen(value));
}

static void
write_ports(const char *value, struct vly_policy_rules *to)
{
	memset(to->reflector_port, 0, sizeof(to->reflector_port));
	to->reflector_cnt = 0;
	if (strcmp(value, "none") == 0)
		return;
	while (*value) {
		size_t len = strcspn(value, ",");
		vly_policy_add_reflector(to, (uint16_t)read_number(value, len));
		value += len + (value[len] == ',');
	}
}

static struct vly_rate
response_rate(const char *value, uint32_t burst_ms)
{
	struct vly_rate rate = vly_rate_make(number_of(value), burst_ms);

	if (rate.burst < rate.cost * LARGEST_RESPONSE_UNITS)
		rate.burst = rate.cost * LARGEST_RESPONSE_UNITS;
	return rate;
}

static void
write_responses(const char *const value[VLY_DEFENCE_SETTING_CNT], struct vly_response_limits *to)
{
	uint32_t burst_ms = number_of(value[VLY_DEFENCE_response_burst]);

	to->mode = mode_of(value[VLY_DEFENCE_response_mode]);
	to->slip = number_of(value[VLY_DEFENCE_response_slip]);
	to->prefix4_bits = number_of(value[VLY_DEFENCE_response_prefix4]);
	to->prefix6_bits = number_of(value[VLY_DEFENCE_response_prefix6]);
	to->badcookie = strcmp(value[VLY_DEFENCE_response_badcookie], "on") == 0;
#define X(kind, help)                                                                              \
	to->rate[VLY_RESPONSE_##kind] = response_rate(value[VLY_DEFENCE_response_##kind], burst_ms);
	VLY_RESPONSE_KINDS(X)
#undef X
}

void
vly_defence_settings_write(const char *const value[VLY_DEFENCE_SETTING_CNT], struct vly_defence *to)
{
	struct vly_policy_rules *rules = &to->rules;
	struct vly_rate source[VLY_SOURCE_LEVEL_CNT];
	uint32_t burst_ms = number_of(value[VLY_DEFENCE_source_burst]);

	write_responses(value, &to->responses);
	to->cookies.enabled = strcmp(value[VLY_DEFENCE_cookie_mode], "on") == 0;
	rules->source_mode = mode_of(value[VLY_DEFENCE_source_mode]);
	for (unsigned i = 0; i < VLY_SOURCE_LEVEL_CNT; i++)
		source[i] =
			vly_rate_make(number_of(value[VLY_DEFENCE_source_address + i]), burst_ms);
	rules->source = vly_sketch_rates(source);
	rules->unserved = vly_rate_make(number_of(value[VLY_DEFENCE_unserved_rate]), burst_ms);
	rules->request = vly_rate_make(number_of(value[VLY_DEFENCE_request_rate]), burst_ms);
	write_ports(value[VLY_DEFENCE_reflector_ports], rules);
}
