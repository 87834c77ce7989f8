/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/cookie_secrets.h"
#include "request_parts.h"
#include "zone/domain.h"

#define TEN_YEARS_S (INT64_C(10) * 365 * 86400)

const char *const vly_member_names[VLY_MEMBER_CNT] = {
	[VLY_MEMBER_COMMAND] = "command", [VLY_MEMBER_ZONES] = "zones",
	[VLY_MEMBER_AFTER] = "after",     [VLY_MEMBER_LIMIT] = "limit",
	[VLY_MEMBER_KEY] = "key",         [VLY_MEMBER_VALUE] = "value",
	[VLY_MEMBER_FOR] = "for",         [VLY_MEMBER_PREFIXES] = "prefixes",
	[VLY_MEMBER_TEXT] = "text",       [VLY_MEMBER_NAME] = "name",
	[VLY_MEMBER_REVEAL] = "reveal",   [VLY_MEMBER_NEXT] = "next",
	[VLY_MEMBER_CURSOR] = "cursor",   [VLY_MEMBER_ZONE] = "zone",
	[VLY_MEMBER_SERIAL] = "serial",   [VLY_MEMBER_FORCE] = "force",
};

const char *const vly_command_names[VLY_COMMAND_CNT] = {
#define X(id, name) [VLY_COMMAND_##id] = name,
	VLY_COMMANDS(X)
#undef X
};

static bool
read_command(struct vly_request *request, const json_t *value, char *reason, size_t bytes)
{
	const char *name = json_string_value(value);
	size_t len = 0;

	for (unsigned i = 0; name && i < VLY_COMMAND_CNT; i++)
		if (strcmp(name, vly_command_names[i]) == 0) {
			request->command = i;
			return true;
		}
	len = (size_t)snprintf(reason, bytes, "command must be one of ");
	for (unsigned i = 0; i < VLY_COMMAND_CNT && len < bytes; i++)
		len += (size_t)snprintf(reason + len, bytes - len, "%s%s", i ? ", " : "",
					vly_command_names[i]);
	return false;
}

static char *
read_name(const json_t *value, char *reason, size_t bytes)
{
	char name[VLY_DOMAIN_TEXT_BYTES];
	const char *text = json_string_value(value);

	if (!text) {
		snprintf(reason, bytes, "a zone must be given as a string");
		return NULL;
	}
	const char *why = vly_domain_canonical(text, name);
	char *copy = why ? NULL : strdup(name);
	if (!copy)
		snprintf(reason, bytes, "%.100s: %s", text, why ? why : "out of memory");
	return copy;
}

static bool
read_zones(struct vly_request *request, const json_t *value, char *reason, size_t bytes)
{
	size_t cnt = json_array_size(value);

	if (cnt == 0 || request->zones) {
		snprintf(reason, bytes, "zones must be a list with at least one name");
		return false;
	}
	request->zones = calloc(cnt, sizeof(*request->zones));
	for (size_t i = 0; request->zones && i < cnt; i++) {
		request->zones[i] = read_name(json_array_get(value, i), reason, bytes);
		if (!request->zones[i])
			return false;
		request->zone_cnt++;
	}
	return request->zones != NULL;
}

static bool
read_after(struct vly_request *request, const json_t *value, char *reason, size_t bytes)
{
	request->after = read_name(value, reason, bytes);
	return request->after != NULL;
}

static bool
read_zone(struct vly_request *request, const json_t *value, char *reason, size_t bytes)
{
	request->zone = read_name(value, reason, bytes);
	return request->zone != NULL;
}

static bool
read_serial(struct vly_request *request, const json_t *value, char *reason, size_t bytes)
{
	json_int_t serial = json_integer_value(value);

	request->serial = (uint32_t)serial;
	request->has_serial = true;
	if (json_is_integer(value) && serial >= 0 && serial <= UINT32_MAX)
		return true;
	snprintf(reason, bytes, "serial must be a number from 0 to 4294967295");
	return false;
}

static bool
read_limit(struct vly_request *request, const json_t *value, char *reason, size_t bytes)
{
	json_int_t limit = json_integer_value(value);

	if (limit < 1 || limit > VLY_REQUEST_ZONES_MAX) {
		snprintf(reason, bytes, "limit must be a number from 1 to %d",
			 VLY_REQUEST_ZONES_MAX);
		return false;
	}
	request->limit = (uint32_t)limit;
	return true;
}

/* Puts a copy of the member's string at `to`, and its length at `text_bytes`. */
static bool
take_text(const json_t *value, const char *refusal, char **to, size_t *text_bytes, char *reason,
	  size_t bytes)
{
	size_t len = json_string_length(value);

	*to = json_is_string(value) ? malloc(len + 1) : NULL;
	if (*to)
		memcpy(*to, json_string_value(value), len + 1);
	else
		snprintf(reason, bytes, "%s", refusal);
	*text_bytes = len;
	return *to != NULL;
}

static bool
read_key(struct vly_request *request, const json_t *value, char *reason, size_t bytes)
{
	const char *name = json_string_value(value);

	request->setting = name ? vly_defence_setting_find(name) : -1;
	if (request->setting >= 0)
		return true;
	snprintf(reason, bytes, "%.60s is not a setting; to list them: volleyctl defence show",
		 name ? name : "the key");
	return false;
}

static bool
read_value(struct vly_request *request, const json_t *value, char *reason, size_t bytes)
{
	size_t len;

	return take_text(value, "a value must be given as a string", &request->value, &len, reason,
			 bytes);
}

int64_t
vly_request_read_time(const char *text)
{
	static const char units[] = "smhd";
	static const int64_t seconds[] = {1, 60, 3600, 86400, 1};
	size_t digits = strspn(text, "0123456789");
	size_t unit = 0;
	int64_t number = 0;

	if (digits == 0 || digits > 9)
		return -1;
	for (size_t i = 0; i < digits; i++)
		number = number * 10 + (text[i] - '0');
	if (text[digits] != '\0') {
		const char *found = strchr(units, text[digits]);
		if (!found || text[digits + 1] != '\0')
			return -1;
		unit = (size_t)(found - units);
	}
	number *= seconds[unit];
	return number >= 1 && number <= TEN_YEARS_S ? number : -1;
}

static bool
read_for(struct vly_request *request, const json_t *value, char *reason, size_t bytes)
{
	const char *text = json_string_value(value);

	request->for_s = text ? vly_request_read_time(text) : -1;
	if (request->for_s > 0)
		return true;
	snprintf(reason, bytes,
		 "a time must have a form such as 90s, 10m, 2h or 7d, and be at most ten years");
	return false;
}

static bool
read_prefixes(struct vly_request *request, const json_t *value, char *reason, size_t bytes)
{
	size_t cnt = json_array_size(value);

	if (cnt == 0 || cnt > VLY_PREFIX_LIST_MAX) {
		snprintf(reason, bytes, "prefixes must be a list of 1 to %u", VLY_PREFIX_LIST_MAX);
		return false;
	}
	for (size_t i = 0; i < cnt; i++) {
		const char *text = json_string_value(json_array_get(value, i));
		char why[VLY_PREFIX_REASON_BYTES] = "a prefix must be given as a string";
		struct vly_prefix_rule rule;
		bool good = text && vly_prefix_parse(text, &rule, why) == NULL;
		if (good && vly_prefix_list_add(&request->prefixes, &rule) < 0)
			return false;
		if (!good) {
			snprintf(reason, bytes, "%s", why);
			return false;
		}
	}
	return true;
}

static bool
read_text(struct vly_request *request, const json_t *value, char *reason, size_t bytes)
{
	return take_text(value, "text must be a string", &request->text, &request->text_bytes,
			 reason, bytes);
}

static bool
read_file_name(struct vly_request *request, const json_t *value, char *reason, size_t bytes)
{
	size_t len;

	return take_text(value, "name must be a string", &request->name, &len, reason, bytes);
}

static bool
read_reveal(struct vly_request *request, const json_t *value, char *reason, size_t bytes)
{
	request->reveal = json_is_true(value);
	if (!json_is_boolean(value))
		snprintf(reason, bytes, "reveal must be true or false");
	return json_is_boolean(value);
}

static bool
read_force(struct vly_request *request, const json_t *value, char *reason, size_t bytes)
{
	request->force = json_is_true(value);
	if (!json_is_boolean(value))
		snprintf(reason, bytes, "force must be true or false");
	return json_is_boolean(value);
}

static bool
read_next(struct vly_request *request, const json_t *value, char *reason, size_t bytes)
{
	const char *text = json_string_value(value);

	request->has_next = text && vly_cookie_secret_parse(text, request->next) == 0;
	if (!request->has_next)
		snprintf(reason, bytes, "a secret must have 32 hexadecimal digits");
	return request->has_next;
}

static bool
read_cursor(struct vly_request *request, const json_t *value, char *reason, size_t bytes)
{
	size_t cnt = json_array_size(value);

	if (!json_is_array(value) || cnt > VLY_REQUEST_CURSOR_MAX) {
		snprintf(reason, bytes, "cursor must be the one of the previous answer");
		return false;
	}
	request->cursor = calloc(cnt + 1, sizeof(*request->cursor));
	for (size_t i = 0; request->cursor && i < cnt; i++)
		request->cursor[i] = (uint64_t)json_integer_value(json_array_get(value, i));
	request->cursor_cnt = (uint32_t)cnt;
	return request->cursor != NULL;
}

bool
vly_request_read_member(struct vly_request *request, enum vly_request_member member,
			const json_t *value, char *reason, size_t bytes)
{
	static bool (*const readers[VLY_MEMBER_CNT])(struct vly_request *, const json_t *, char *,
						     size_t) = {
		[VLY_MEMBER_COMMAND] = read_command, [VLY_MEMBER_ZONES] = read_zones,
		[VLY_MEMBER_AFTER] = read_after,     [VLY_MEMBER_LIMIT] = read_limit,
		[VLY_MEMBER_KEY] = read_key,         [VLY_MEMBER_VALUE] = read_value,
		[VLY_MEMBER_FOR] = read_for,         [VLY_MEMBER_PREFIXES] = read_prefixes,
		[VLY_MEMBER_TEXT] = read_text,       [VLY_MEMBER_NAME] = read_file_name,
		[VLY_MEMBER_REVEAL] = read_reveal,   [VLY_MEMBER_NEXT] = read_next,
		[VLY_MEMBER_CURSOR] = read_cursor,   [VLY_MEMBER_ZONE] = read_zone,
		[VLY_MEMBER_SERIAL] = read_serial,   [VLY_MEMBER_FORCE] = read_force,
	};

	return readers[member](request, value, reason, bytes);
}
