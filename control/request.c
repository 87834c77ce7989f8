/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "request.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain.h"

struct member {
	const char *name;
	bool (*read)(struct vly_request *request, const json_t *value, char *reason, size_t bytes);
};

static const char *const command_names[] = {
	[VLY_COMMAND_STATUS] = "status",
	[VLY_COMMAND_RELOAD] = "reload",
	[VLY_COMMAND_ZONES] = "zones",
	[VLY_COMMAND_STATS] = "stats",
};

#define COMMAND_CNT (sizeof(command_names) / sizeof(command_names[0]))

static bool
read_command(struct vly_request *request, const json_t *value, char *reason, size_t bytes)
{
	const char *name = json_string_value(value);

	for (size_t i = 0; name && i < COMMAND_CNT; i++)
		if (strcmp(name, command_names[i]) == 0) {
			request->command = (enum vly_command)i;
			return true;
		}
	snprintf(reason, bytes, "command must be one of status, reload, zones, stats");
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

static const struct member members[] = {
	{"command", read_command},
	{"zones", read_zones},
	{"after", read_after},
	{"limit", read_limit},
};

static bool
read_member(struct vly_request *request, const char *key, const json_t *value, char *reason,
	    size_t bytes)
{
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (strcmp(key, members[i].name) == 0)
			return members[i].read(request, value, reason, bytes);
	snprintf(reason, bytes, "unknown member %.60s", key);
	return false;
}

static bool
read_members(struct vly_request *request, json_t *object, char *reason, size_t bytes)
{
	const char *key;
	json_t *value;

	if (!json_object_get(object, "command")) {
		snprintf(reason, bytes, "command is missing: status, reload, zones or stats");
		return false;
	}
	json_object_foreach(object, key, value) if (!read_member(request, key, value, reason,
								 bytes)) return false;
	bool fits = (!request->zones || request->command == VLY_COMMAND_RELOAD) &&
		    (!request->after || request->command == VLY_COMMAND_ZONES);
	if (!fits)
		snprintf(reason, bytes, "zones belongs to reload, after and limit to zones");
	return fits;
}

int
vly_request_decode(const char *line, size_t bytes, struct vly_request *request, char *reason,
		   size_t reason_bytes)
{
	json_error_t error;
	json_t *object = json_loadb(line, bytes, JSON_REJECT_DUPLICATES, &error);

	memset(request, 0, sizeof(*request));
	request->limit = VLY_REQUEST_ZONES_MAX;
	snprintf(reason, reason_bytes, "out of memory");
	if (!object) {
		snprintf(reason, reason_bytes, "not JSON at octet %d: %s", error.position,
			 error.text);
		return -1;
	}
	bool good = json_is_object(object) && read_members(request, object, reason, reason_bytes);
	if (!json_is_object(object))
		snprintf(reason, reason_bytes, "a request is a JSON object");
	json_decref(object);
	if (!good)
		vly_request_clear(request);
	return good ? 0 : -1;
}

void
vly_request_clear(struct vly_request *request)
{
	for (uint32_t i = 0; i < request->zone_cnt; i++)
		free(request->zones[i]);
	free(request->zones);
	free(request->after);
	memset(request, 0, sizeof(*request));
}
