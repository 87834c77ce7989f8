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
	enum vly_ctl_exit code = vly_ctl_call(ctl, request, &answer);
	if (code != VLY_CTL_OK)
		return code;
	bool reported = json_object_get(answer, "loaded") != NULL;
	return vly_ctl_show(ctl, answer, reported, vly_ctl_print_reload);
}

/* A million zones come in pages; only --json has to hold them all, to write one object. */
enum vly_ctl_exit
vly_ctl_zones(const struct vly_ctl *ctl, char **args, int arg_cnt)
{
	json_t *all = json_array();
	json_t *request = json_pack("{s:s}", "command", "zones");
	enum vly_ctl_exit code = VLY_CTL_OK;

	(void)args;
	if (arg_cnt > 0) {
		json_decref(all);
		json_decref(request);
		return vly_ctl_fail_usage("zones takes no argument");
	}
	while (request) {
		json_t *answer;
		code = vly_ctl_call(ctl, request, &answer);
		if (code != VLY_CTL_OK)
			break;
		if (vly_ctl_exit_of(answer) != VLY_CTL_OK) {
			code = vly_ctl_show(ctl, answer, false, vly_ctl_print_zones);
			break;
		}
		json_array_extend(all, json_object_get(answer, "zones"));
		json_t *next = json_object_get(answer, "next");
		request = next ? json_pack("{s:s,s:O}", "command", "zones", "after", next) : NULL;
		json_decref(answer);
	}
	if (code == VLY_CTL_OK && ctl->json)
		code = vly_ctl_show(ctl, json_pack("{s:b,s:O}", "ok", 1, "zones", all), false,
				    vly_ctl_print_zones);
	else if (code == VLY_CTL_OK)
		vly_ctl_print_zones(all);
	json_decref(all);
	return code;
}
