/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command_parts.h"

json_t *
vly_command_error(const char *code, const char *text)
{
	return json_pack("{s:b,s:s,s:s}", "ok", 0, "code", code, "error", text);
}

/* Zone files are named by their operators: what is not UTF-8 can't be in JSON. */
json_t *
vly_command_text(const char *text)
{
	json_t *json = json_string(text);
	char ascii[512];
	size_t i = 0;

	if (json)
		return json;
	for (; text[i] && i < sizeof(ascii) - 1; i++)
		ascii[i] = (signed char)text[i] > 0 ? text[i] : '?';
	ascii[i] = '\0';
	return json_string(ascii);
}

const struct vly_counters *
vly_command_counters(const struct vly_commands *commands, json_t **error)
{
	struct vly_publisher_status status;

	vly_publisher_status(commands->publisher, &status);
	*error = NULL;
	if (status.counters)
		return status.counters;
	*error = status.connected
			 ? vly_command_error("failed", "the dataplane's counters could not be read")
			 : vly_command_error("no-dataplane", "no dataplane is connected");
	return NULL;
}
