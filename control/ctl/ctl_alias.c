/* SPDX-License-Identifier: GPL-3.0-or-later */
/* volleyctl aliases */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl.h"

#define LIMIT 1000

static void
print_time(const char *what, uint64_t seconds)
{
	const time_t time = (time_t)seconds;
	char text[32];
	struct tm parts;

	if (seconds == 0 || !gmtime_r(&time, &parts))
		return;
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
	printf("%s%s", what, text);
}

static void
print_alias(json_t *alias)
{
	const char *error = vly_ctl_text_at(alias, "error");
	json_t *addresses = json_object_get(alias, "addresses");
	json_t *address;
	size_t i;

	printf("%s -> %s:", vly_ctl_text_at(alias, "name"), vly_ctl_text_at(alias, "target"));
	json_array_foreach(addresses, i, address)
	{
		printf(" %s", json_string_value(address));
	}
	if (json_array_size(addresses) == 0)
		printf(" no addresses");
	putchar('\n');
	printf("  zone %s, TTL %llu", vly_ctl_text_at(alias, "zone"),
	       (unsigned long long)vly_ctl_number_at(alias, "ttl"));
	print_time(", resolved ", vly_ctl_number_at(alias, "resolved_unix_s"));
	print_time(", missing since ", vly_ctl_number_at(alias, "missing_unix_s"));
	if (json_is_true(json_object_get(alias, "busy")))
		printf(", being resolved");
	else if (vly_ctl_number_at(alias, "next_unix_s") > 0)
		print_time(", next ", vly_ctl_number_at(alias, "next_unix_s"));
	else
		printf(", next when a zone of the target changes");
	putchar('\n');
	if (*error)
		printf("  %s\n", error);
}

static json_t *
request(const char *zone, const char *after)
{
	json_t *json = json_pack("{s:s,s:i}", "command", "aliases", "limit", LIMIT);

	if (zone)
		json_object_set_new(json, "zone", json_string(zone));
	if (after)
		json_object_set_new(json, "name", json_string(after));
	return json;
}

/* Prints an answer, or with --json adds it to `all`. */
static void
take(json_t *answer, json_t *all)
{
	json_t *list = json_object_get(answer, "aliases");
	json_t *alias;
	size_t i;

	if (all)
		json_array_extend(all, list);
	else
		json_array_foreach(list, i, alias)
		{
			print_alias(alias);
		}
}

enum vly_ctl_exit
vly_ctl_aliases(const struct vly_ctl *ctl, char **args, int arg_cnt)
{
	json_t *all = ctl->json ? json_array() : NULL;
	char *after = NULL;
	enum vly_ctl_exit code;
	json_t *answer;

	if (arg_cnt > 1)
		return vly_ctl_fail_usage("aliases takes the name of a zone at most");
	do {
		code = vly_ctl_call(ctl, request(arg_cnt > 0 ? args[0] : NULL, after), &answer);
		free(after);
		after = NULL;
		if (code != VLY_CTL_OK)
			break;
		code = vly_ctl_exit_of(answer);
		if (code == VLY_CTL_OK) {
			take(answer, all);
			if (*vly_ctl_text_at(answer, "next"))
				after = strdup(vly_ctl_text_at(answer, "next"));
		} else {
			fprintf(stderr, "volleyctl: %s\n", vly_ctl_text_at(answer, "error"));
		}
		json_decref(answer);
	} while (after);
	if (all && code == VLY_CTL_OK) {
		json_t *whole = json_pack("{s:b,s:O}", "ok", 1, "aliases", all);
		vly_ctl_print_json(whole, JSON_INDENT(2));
		json_decref(whole);
	}
	json_decref(all);
	return code;
}
