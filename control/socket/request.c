/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "request_parts.h"

#define BIT(member)    (1u << VLY_MEMBER_##member)
#define PREFIX_SOURCES (BIT(PREFIXES) | BIT(TEXT))

/* The parameters that a command may have, and those that it must have. */
static const struct {
	unsigned may;
	unsigned must;
} members_of[VLY_COMMAND_CNT] = {
	[VLY_COMMAND_RELOAD] = {BIT(ZONES) | BIT(FORCE), 0},
	[VLY_COMMAND_ZONES] = {BIT(AFTER) | BIT(LIMIT), 0},
	[VLY_COMMAND_CHECKS] = {BIT(NAME) | BIT(LIMIT), 0},
	[VLY_COMMAND_DEFENCE_SET] = {BIT(FOR), BIT(KEY) | BIT(VALUE)},
	[VLY_COMMAND_DEFENCE_UNSET] = {0, BIT(KEY)},
	[VLY_COMMAND_DEFENCE_DENY] = {PREFIX_SOURCES | BIT(NAME) | BIT(FOR), 0},
	[VLY_COMMAND_DEFENCE_ALLOW] = {PREFIX_SOURCES | BIT(NAME) | BIT(FOR), 0},
	[VLY_COMMAND_DEFENCE_FORGET] = {PREFIX_SOURCES | BIT(NAME), 0},
	[VLY_COMMAND_COOKIES_SHOW] = {BIT(REVEAL), 0},
	[VLY_COMMAND_COOKIES_ROLL] = {BIT(NEXT), 0},
	[VLY_COMMAND_DROPS] = {BIT(CURSOR), 0},
	[VLY_COMMAND_ALIASES] = {BIT(ZONE) | BIT(NAME) | BIT(LIMIT), 0},
	[VLY_COMMAND_KEY_ADD] = {0, BIT(TEXT)},
	[VLY_COMMAND_KEY_REMOVE] = {0, BIT(NAME)},
	[VLY_COMMAND_KEY_DISABLE] = {0, BIT(NAME)},
	[VLY_COMMAND_KEY_ENABLE] = {0, BIT(NAME)},
	[VLY_COMMAND_ZONE_EDIT] = {0, BIT(ZONE) | BIT(TEXT)},
	[VLY_COMMAND_ZONE_BEGIN] = {BIT(NAME), BIT(ZONE)},
	[VLY_COMMAND_ZONE_COMMIT] = {0, BIT(ZONE)},
	[VLY_COMMAND_ZONE_ABORT] = {0, BIT(ZONE)},
	[VLY_COMMAND_ZONE_REVERT] = {0, BIT(ZONE) | BIT(SERIAL)},
	[VLY_COMMAND_ZONE_SHOW] = {BIT(AFTER) | BIT(LIMIT) | BIT(NAME), BIT(ZONE)},
	[VLY_COMMAND_ZONE_HISTORY] = {BIT(LIMIT), BIT(ZONE)},
	[VLY_COMMAND_ZONE_DIFF] = {0, BIT(ZONE)},
	[VLY_COMMAND_ZONE_STATUS] = {0, BIT(ZONE)},
	[VLY_COMMAND_ZONE_REFRESH] = {0, BIT(ZONE)},
	[VLY_COMMAND_ZONE_RETRANSFER] = {0, BIT(ZONE)},
	[VLY_COMMAND_ZONE_NOTIFY] = {0, BIT(ZONE)},
	[VLY_COMMAND_ZONE_ACCEPT] = {BIT(SERIAL), BIT(ZONE)},
	[VLY_COMMAND_ZONE_REJECT] = {BIT(SERIAL), BIT(ZONE)},
	[VLY_COMMAND_POOLS] = {BIT(NAME), 0},
	[VLY_COMMAND_POOL_UP] = {BIT(FOR), BIT(NAME)},
	[VLY_COMMAND_POOL_DOWN] = {BIT(FOR), BIT(NAME)},
	[VLY_COMMAND_POOL_DRAIN] = {BIT(FOR), BIT(NAME)},
};

static bool
read_members(struct vly_request *request, json_t *object, unsigned *given, char *reason,
	     size_t bytes)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		unsigned member = 0;
		while (member < VLY_MEMBER_CNT && strcmp(key, vly_member_names[member]) != 0)
			member++;
		if (member == VLY_MEMBER_CNT) {
			snprintf(reason, bytes, "unknown parameter \"%.60s\"", key);
			return false;
		}
		if (!vly_request_read_member(request, member, value, reason, bytes))
			return false;
		*given |= 1u << member;
	}
	return true;
}

/* Checks that the command has the parameters that it needs, and no others. */
static bool
fits(const struct vly_request *request, unsigned given, char *reason, size_t bytes)
{
	unsigned must = members_of[request->command].must | BIT(COMMAND);
	unsigned may = members_of[request->command].may | must;
	const char *name = vly_command_names[request->command];

	for (unsigned i = 0; i < VLY_MEMBER_CNT; i++) {
		if (given & ~may & 1u << i)
			snprintf(reason, bytes, "\"%s\" is not a parameter of command \"%s\"",
				 vly_member_names[i], name);
		if (must & ~given & 1u << i)
			snprintf(reason, bytes, "command \"%s\" needs the parameter \"%s\"", name,
				 vly_member_names[i]);
		if (((given & ~may) | (must & ~given)) & 1u << i)
			return false;
	}
	bool one =
		(given & PREFIX_SOURCES) == BIT(PREFIXES) || (given & PREFIX_SOURCES) == BIT(TEXT);
	if ((may & PREFIX_SOURCES) && !one)
		snprintf(reason, bytes,
			 "command \"%s\" needs the parameter \"prefixes\" or \"text\"", name);
	return one || !(may & PREFIX_SOURCES);
}

static bool
read_object(struct vly_request *request, json_t *object, char *reason, size_t bytes)
{
	unsigned given = 0;

	if (!json_object_get(object, "command")) {
		snprintf(reason, bytes,
			 "the parameter \"command\" is missing; an example is \"status\"");
		return false;
	}
	if (!read_members(request, object, &given, reason, bytes) ||
	    !fits(request, given, reason, bytes))
		return false;
	char why[200];
	if (!request->value ||
	    vly_defence_setting_check(request->setting, request->value, why, sizeof(why)) == 0)
		return true;
	snprintf(reason, bytes, "%s %s", vly_defence_setting_name(request->setting), why);
	return false;
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
		snprintf(reason, reason_bytes, "invalid JSON at octet %d: %s", error.position,
			 error.text);
		return -1;
	}
	bool good = json_is_object(object) && read_object(request, object, reason, reason_bytes);
	if (!json_is_object(object))
		snprintf(reason, reason_bytes, "a request must be a JSON object");
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
	free(request->zone);
	free(request->value);
	free(request->text);
	free(request->name);
	free(request->cursor);
	vly_prefix_list_free(&request->prefixes);
	memset(request, 0, sizeof(*request));
}
