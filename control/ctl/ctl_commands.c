/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "ctl.h"

enum vly_ctl_exit
vly_ctl_fail_usage(const char *text)
{
	fprintf(stderr, "volleyctl: %s; see volleyctl --help\n", text);
	return VLY_CTL_USAGE;
}

enum vly_ctl_exit
vly_ctl_exit_of(json_t *answer)
{
	const char *code = json_string_value(json_object_get(answer, "code"));

	if (json_is_true(json_object_get(answer, "ok")))
		return VLY_CTL_OK;
	if (code && strcmp(code, "no-dataplane") == 0)
		return VLY_CTL_NO_DATAPLANE;
	return code && strcmp(code, "ending") == 0 ? VLY_CTL_NO_CONTROL : VLY_CTL_FAILED;
}

enum vly_ctl_exit
vly_ctl_show(const struct vly_ctl *ctl, json_t *answer, bool print_failed,
	     void (*print)(json_t *answer))
{
	const char *error = json_string_value(json_object_get(answer, "error"));
	enum vly_ctl_exit code = vly_ctl_exit_of(answer);

	if (ctl->json)
		vly_ctl_print_json(answer, JSON_INDENT(2));
	else if (code == VLY_CTL_OK || print_failed)
		print(answer);
	fflush(stdout);
	if (error && !ctl->json)
		fprintf(stderr, "volleyctl: %s\n", error);
	json_decref(answer);
	return code;
}

enum vly_ctl_exit
vly_ctl_call_and_show(const struct vly_ctl *ctl, json_t *request, void (*print)(json_t *answer))
{
	json_t *answer;
	enum vly_ctl_exit code = vly_ctl_call(ctl, request, &answer);

	return code == VLY_CTL_OK ? vly_ctl_show(ctl, answer, false, print) : code;
}

enum vly_ctl_exit
vly_ctl_status(const struct vly_ctl *ctl, char **args, int arg_cnt)
{
	json_t *answer;

	(void)args;
	if (arg_cnt > 0)
		return vly_ctl_fail_usage("status takes no argument");
	enum vly_ctl_exit code =
		vly_ctl_call(ctl, json_pack("{s:s}", "command", "status"), &answer);

	if (code != VLY_CTL_OK)
		return code;
	json_t *dataplane = json_object_get(answer, "dataplane");
	bool connected = json_is_true(json_object_get(dataplane, "connected"));
	code = vly_ctl_show(ctl, answer, false, vly_ctl_print_status);
	return code == VLY_CTL_OK && !connected ? VLY_CTL_NO_DATAPLANE : code;
}

enum vly_ctl_exit
vly_ctl_stats(const struct vly_ctl *ctl, char **args, int arg_cnt)
{
	(void)args;
	if (arg_cnt > 0)
		return vly_ctl_fail_usage("stats takes no argument");
	return vly_ctl_call_and_show(ctl, json_pack("{s:s}", "command", "stats"),
				     vly_ctl_print_stats);
}

enum vly_ctl_exit
vly_ctl_reload(const struct vly_ctl *ctl, char **zones, int zone_cnt)
{
	json_t *request = json_pack("{s:s}", "command", "reload");
	json_t *names = json_array();
	json_t *answer;

	for (int i = 0; i < zone_cnt; i++)
		if (json_array_append_new(names, json_string(zones[i])) < 0) {
			json_decref(names);
			json_decref(request);
			return vly_ctl_fail_usage("a zone's name is not UTF-8");
		}
	if (zone_cnt > 0)
		json_object_set(request, "zones", names);
	json_decref(names);
	if (ctl->force)
		json_object_set_new(request, "force", json_true());
	enum vly_ctl_exit code = vly_ctl_call(ctl, request, &answer);
	if (code != VLY_CTL_OK)
		return code;
	bool reported = json_object_get(answer, "loaded") != NULL;
	return vly_ctl_show(ctl, answer, reported, vly_ctl_print_reload);
}

/* One object, as if all pages were one. */
static void
print_json_page(json_t *zones, bool is_first)
{
	size_t i;
	json_t *zone;

	json_array_foreach(zones, i, zone)
	{
		fputs(is_first && i == 0 ? "\n" : ",\n", stdout);
		json_dumpf(zone, stdout, JSON_COMPACT);
	}
}

static void
print_page(const struct vly_ctl *ctl, json_t *answer, bool is_first)
{
	if (ctl->json && is_first)
		fputs("{\"ok\": true, \"zones\": [", stdout);
	if (ctl->json)
		print_json_page(json_object_get(answer, "zones"), is_first);
	else
		vly_ctl_print_zones(answer, is_first);
}

/* What has been printed can't be taken back. */
static enum vly_ctl_exit
fail_zones(json_t *answer)
{
	enum vly_ctl_exit code = vly_ctl_exit_of(answer);

	fprintf(stderr, "volleyctl: %s\n", vly_ctl_text_at(answer, "error"));
	json_decref(answer);
	return code;
}

/* A million zones come in pages, and none is kept. */
enum vly_ctl_exit
vly_ctl_zones(const struct vly_ctl *ctl, char **args, int arg_cnt)
{
	enum vly_ctl_exit code = VLY_CTL_OK;
	bool is_first = true;

	(void)args;
	if (arg_cnt > 0)
		return vly_ctl_fail_usage("zones takes no argument");
	json_t *request = json_pack("{s:s}", "command", "zones");
	while (request) {
		json_t *answer;
		code = vly_ctl_call(ctl, request, &answer);
		if (code != VLY_CTL_OK)
			return code;
		if (vly_ctl_exit_of(answer) != VLY_CTL_OK)
			return fail_zones(answer);
		print_page(ctl, answer, is_first);
		is_first = false;
		json_t *next = json_object_get(answer, "next");
		request = next ? json_pack("{s:s,s:O}", "command", "zones", "after", next) : NULL;
		json_decref(answer);
	}
	if (ctl->json)
		fputs("\n]}\n", stdout);
	return code;
}
