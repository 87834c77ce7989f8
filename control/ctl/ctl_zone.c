/* SPDX-License-Identifier: GPL-3.0-or-later */
/* volleyctl zone: living zones. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/plural.h"
#include "ctl.h"

/* Names in one answer of zone-show: see VLY_REQUEST_ZONES_MAX. */
#define SHOW_LIMIT 1000

/* A zone that changes while it is exported is read again, so many times. */
#define EXPORT_ATTEMPTS 5

static json_t *
request(const char *command, const char *zone)
{
	return json_pack("{s:s,s:s}", "command", command, "zone", zone);
}

static void
print_change(json_t *answer)
{
	if (json_is_true(json_object_get(answer, "open")))
		printf("%llu step%s in the transaction; volleyctl zone commit makes the change\n",
		       (unsigned long long)vly_ctl_number_at(answer, "steps"),
		       vly_plural(vly_ctl_number_at(answer, "steps")));
	else if (json_is_true(json_object_get(answer, "changed")))
		printf("serial %llu\n", (unsigned long long)vly_ctl_number_at(answer, "serial"));
	else
		printf("no change; serial %llu\n",
		       (unsigned long long)vly_ctl_number_at(answer, "serial"));
}

static enum vly_ctl_exit
send_edit(const struct vly_ctl *ctl, const char *zone, const char *text)
{
	json_t *edit = request("zone-edit", zone);

	json_object_set_new(edit, "text", json_string(text));
	return vly_ctl_call_and_show(ctl, edit, print_change);
}

/* A line of the words, behind + or -. The caller frees it. */
static char *
join(const char *sign, char **words, int cnt)
{
	size_t bytes = 3;
	char *line;

	for (int i = 0; i < cnt; i++)
		bytes += strlen(words[i]) + 1;
	line = malloc(bytes);
	if (!line)
		return NULL;
	strcpy(line, sign);
	for (int i = 0; i < cnt; i++) {
		strcat(line, " ");
		strcat(line, words[i]);
	}
	return line;
}

static enum vly_ctl_exit
run_edit_words(const struct vly_ctl *ctl, const char *sign, char **args, int arg_cnt)
{
	char *line = join(sign, args + 1, arg_cnt - 1);
	enum vly_ctl_exit code = line ? send_edit(ctl, args[0], line) : VLY_CTL_FAILED;

	free(line);
	return code;
}

static enum vly_ctl_exit
run_set(const struct vly_ctl *ctl, char **args, int arg_cnt)
{
	if (arg_cnt < 4)
		return vly_ctl_fail_usage("zone set needs ZONE OWNER [TTL] TYPE DATA");
	return run_edit_words(ctl, "+", args, arg_cnt);
}

static enum vly_ctl_exit
run_unset(const struct vly_ctl *ctl, char **args, int arg_cnt)
{
	if (arg_cnt < 2)
		return vly_ctl_fail_usage("zone unset needs ZONE OWNER [TYPE [DATA]]");
	return run_edit_words(ctl, "-", args, arg_cnt);
}

static enum vly_ctl_exit
run_begin(const struct vly_ctl *ctl, char **args, int arg_cnt)
{
	const struct passwd *user = getpwuid(getuid());
	char who[120];

	if (arg_cnt != 1)
		return vly_ctl_fail_usage("zone begin needs a zone");
	json_t *begin = request("zone-begin", args[0]);
	snprintf(who, sizeof(who), "%.60s (uid %u)", user ? user->pw_name : "unknown",
		 (unsigned)getuid());
	json_object_set_new(begin, "name", json_string(who));
	return vly_ctl_call_and_show(ctl, begin, print_change);
}

static enum vly_ctl_exit
run_commit(const struct vly_ctl *ctl, char **args, int arg_cnt)
{
	return arg_cnt == 1
		       ? vly_ctl_call_and_show(ctl, request("zone-commit", args[0]), print_change)
		       : vly_ctl_fail_usage("zone commit needs a zone");
}

static void
print_abort(json_t *answer)
{
	printf("%llu step%s dropped\n", (unsigned long long)vly_ctl_number_at(answer, "steps"),
	       vly_plural(vly_ctl_number_at(answer, "steps")));
}

static enum vly_ctl_exit
run_abort(const struct vly_ctl *ctl, char **args, int arg_cnt)
{
	return arg_cnt == 1
		       ? vly_ctl_call_and_show(ctl, request("zone-abort", args[0]), print_abort)
		       : vly_ctl_fail_usage("zone abort needs a zone");
}

static void
print_record(FILE *out, const char *sign, json_t *record)
{
	fprintf(out, "%s%s %llu IN %s %s\n", sign, vly_ctl_text_at(record, "owner"),
		(unsigned long long)vly_ctl_number_at(record, "ttl"),
		vly_ctl_text_at(record, "type"), vly_ctl_text_at(record, "data"));
}

static void
print_diff(json_t *answer)
{
	json_t *record;
	size_t i;

	json_array_foreach(json_object_get(answer, "removed"), i, record)
		print_record(stdout, "-", record);
	json_array_foreach(json_object_get(answer, "added"), i, record)
		print_record(stdout, "+", record);
}

static enum vly_ctl_exit
run_diff(const struct vly_ctl *ctl, char **args, int arg_cnt)
{
	return arg_cnt == 1 ? vly_ctl_call_and_show(ctl, request("zone-diff", args[0]), print_diff)
			    : vly_ctl_fail_usage("zone diff needs a zone");
}

static void
print_records(json_t *answer)
{
	json_t *record;
	size_t i;

	json_array_foreach(json_object_get(answer, "records"), i, record)
		print_record(stdout, "", record);
}

static void
print_history(json_t *answer)
{
	json_t *change;
	size_t i;

	json_array_foreach(json_object_get(answer, "changes"), i, change)
	{
		time_t time_s = (time_t)vly_ctl_number_at(change, "time_unix_s");
		struct tm tm;
		char when[40] = "-";
		if (gmtime_r(&time_s, &tm))
			strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
		printf("%s  %10llu -> %-10llu  -%llu +%llu  %s%s%s\n", when,
		       (unsigned long long)vly_ctl_number_at(change, "from"),
		       (unsigned long long)vly_ctl_number_at(change, "to"),
		       (unsigned long long)vly_ctl_number_at(change, "removed"),
		       (unsigned long long)vly_ctl_number_at(change, "added"),
		       vly_ctl_text_at(change, "cause"), *vly_ctl_text_at(change, "who") ? " " : "",
		       vly_ctl_text_at(change, "who"));
	}
}

static enum vly_ctl_exit
run_history(const struct vly_ctl *ctl, char **args, int arg_cnt)
{
	return arg_cnt == 1
		       ? vly_ctl_call_and_show(ctl, request("zone-history", args[0]), print_history)
		       : vly_ctl_fail_usage("zone history needs a zone");
}

bool
vly_ctl_read_serial(const char *text, uint32_t *serial)
{
	char *end = NULL;
	const unsigned long long number = strtoull(text, &end, 10);

	*serial = (uint32_t)number;
	return *text >= '0' && *text <= '9' && *end == '\0' && number <= UINT32_MAX;
}

static enum vly_ctl_exit
run_revert(const struct vly_ctl *ctl, char **args, int arg_cnt)
{
	uint32_t serial;

	if (arg_cnt != 2)
		return vly_ctl_fail_usage("zone revert needs a zone and a serial");
	if (!vly_ctl_read_serial(args[1], &serial))
		return vly_ctl_fail_usage("a serial is a number from 0 to 4294967295");
	json_t *revert = request("zone-revert", args[0]);
	json_object_set_new(revert, "serial", json_integer(serial));
	return vly_ctl_call_and_show(ctl, revert, print_change);
}

/* Gets one part of a zone. VLY_CTL_OK with the answer; or the reason has been printed. */
static enum vly_ctl_exit
get_part(const struct vly_ctl *ctl, const char *zone, const char *after, json_t **answer)
{
	json_t *show = request("zone-show", zone);

	json_object_set_new(show, "limit", json_integer(SHOW_LIMIT));
	if (after)
		json_object_set_new(show, "after", json_string(after));
	enum vly_ctl_exit code = vly_ctl_call(ctl, show, answer);
	if (code != VLY_CTL_OK)
		return code;
	code = vly_ctl_exit_of(*answer);
	if (code != VLY_CTL_OK) {
		fprintf(stderr, "volleyctl: %s\n", vly_ctl_text_at(*answer, "error"));
		json_decref(*answer);
	}
	return code;
}

/* Writes the zone as it was at one moment; *changed: it has changed meanwhile. */
static enum vly_ctl_exit
write_zone(const struct vly_ctl *ctl, const char *zone, FILE *out, bool *changed)
{
	char *after = NULL;
	uint64_t version = 0;
	enum vly_ctl_exit code;
	json_t *answer;

	*changed = false;
	while ((code = get_part(ctl, zone, after, &answer)) == VLY_CTL_OK) {
		json_t *record;
		size_t i;
		free(after);
		after = NULL;
		*changed = version != 0 && version != vly_ctl_number_at(answer, "version");
		version = vly_ctl_number_at(answer, "version");
		json_array_foreach(json_object_get(answer, "records"), i, record)
			print_record(out, "", record);
		if (!*changed && *vly_ctl_text_at(answer, "next"))
			after = strdup(vly_ctl_text_at(answer, "next"));
		json_decref(answer);
		if (!after)
			return VLY_CTL_OK;
	}
	free(after);
	return code;
}

enum vly_ctl_exit
vly_ctl_zone_fetch(const struct vly_ctl *ctl, const char *zone, FILE *out)
{
	bool changed = true;

	for (int i = 0; i < EXPORT_ATTEMPTS && changed; i++) {
		rewind(out);
		if (ftruncate(fileno(out), 0) < 0)
			break;
		enum vly_ctl_exit code = write_zone(ctl, zone, out, &changed);
		if (code != VLY_CTL_OK)
			return code;
	}
	if (!changed && fflush(out) == 0)
		return VLY_CTL_OK;
	fprintf(stderr, "volleyctl: %s\n",
		changed ? "the zone changes all the time while it is read: try again later"
			: strerror(errno));
	return VLY_CTL_FAILED;
}

static enum vly_ctl_exit
run_export(const struct vly_ctl *ctl, char **args, int arg_cnt)
{
	char block[65536];
	size_t bytes;

	if (arg_cnt != 1)
		return vly_ctl_fail_usage("zone export needs a zone");
	FILE *copy = tmpfile();
	if (!copy) {
		fprintf(stderr, "volleyctl: a temporary file could not be made: %s\n",
			strerror(errno));
		return VLY_CTL_FAILED;
	}
	enum vly_ctl_exit code = vly_ctl_zone_fetch(ctl, args[0], copy);
	rewind(copy);
	while (code == VLY_CTL_OK && (bytes = fread(block, 1, sizeof(block), copy)) > 0)
		fwrite(block, 1, bytes, stdout);
	fclose(copy);
	return code;
}

static enum vly_ctl_exit
run_show(const struct vly_ctl *ctl, char **args, int arg_cnt)
{
	if (arg_cnt == 1 && !ctl->json)
		return run_export(ctl, args, arg_cnt);
	if (arg_cnt != 1 && arg_cnt != 2)
		return vly_ctl_fail_usage("zone show needs a zone, and may have a name of it");
	json_t *show = request("zone-show", args[0]);
	if (arg_cnt == 2)
		json_object_set_new(show, "name", json_string(args[1]));
	return vly_ctl_call_and_show(ctl, show, print_records);
}

static enum vly_ctl_exit
run_edit(const struct vly_ctl *ctl, char **args, int arg_cnt)
{
	return arg_cnt == 1 ? vly_ctl_zone_edit(ctl, args[0], send_edit)
			    : vly_ctl_fail_usage("zone edit needs a zone");
}

enum vly_ctl_exit
vly_ctl_zone(const struct vly_ctl *ctl, char **args, int arg_cnt)
{
	static const struct {
		const char *name;
		enum vly_ctl_exit (*run)(const struct vly_ctl *ctl, char **args, int arg_cnt);
	} commands[] = {
		{"show", run_show},       {"set", run_set},       {"unset", run_unset},
		{"edit", run_edit},       {"begin", run_begin},   {"diff", run_diff},
		{"commit", run_commit},   {"abort", run_abort},   {"export", run_export},
		{"history", run_history}, {"revert", run_revert},
	};
	static const char *const feed[] = {"status", "refresh", "retransfer",
					   "notify", "accept",  "reject"};

	for (size_t i = 0; arg_cnt > 0 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(args[0], commands[i].name) == 0)
			return commands[i].run(ctl, args + 1, arg_cnt - 1);
	for (size_t i = 0; arg_cnt > 0 && i < sizeof(feed) / sizeof(feed[0]); i++)
		if (strcmp(args[0], feed[i]) == 0)
			return vly_ctl_zone_feed(ctl, feed[i], args + 1, arg_cnt - 1);
	return vly_ctl_fail_usage("zone commands are show, set, unset, edit, begin, diff, commit, "
				  "abort, export, history, revert, status, refresh, retransfer, "
				  "notify, accept, reject");
}
