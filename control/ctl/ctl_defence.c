/* SPDX-License-Identifier: GPL-3.0-or-later */
/* volleyctl defence and volleyctl cookies. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "ctl.h"

/* Entries that are printed; --json has more. */
#define ENTRIES_SHOWN 50

static void
print_until(json_t *object)
{
	uint64_t until_s = vly_ctl_number_at(object, "until");
	char age[40];

	if (until_s)
		printf(", for %s more",
		       vly_ctl_age((double)until_s - (double)time(NULL), age, sizeof(age)));
}

static void
print_settings(json_t *settings)
{
	size_t i;
	json_t *setting;

	json_array_foreach(settings, i, setting)
	{
		bool set = strcmp(vly_ctl_text_at(setting, "from"), "operator") == 0;
		printf("%-24s %s", vly_ctl_text_at(setting, "key"),
		       vly_ctl_text_at(setting, "value"));
		if (set)
			printf("  (set at run time; configured: %s",
			       vly_ctl_text_at(setting, "configured"));
		print_until(setting);
		puts(set ? ")" : "");
	}
}

static void
print_counts(const char *title, json_t *counts, const char *more)
{
	char deny[VLY_CTL_NUMBER_BYTES];
	char allow[VLY_CTL_NUMBER_BYTES];

	printf("%-24s %s denied, %s allowed%s\n", title,
	       vly_ctl_number(vly_ctl_number_at(counts, "deny"), deny),
	       vly_ctl_number(vly_ctl_number_at(counts, "allow"), allow), more);
}

static void
print_prefixes(json_t *prefixes)
{
	json_t *entries = json_object_get(prefixes, "entries");
	uint64_t entered = vly_ctl_number_at(prefixes, "entered");
	char number[VLY_CTL_NUMBER_BYTES];
	size_t i;
	json_t *entry;

	print_counts("prefixes in force", json_object_get(prefixes, "in_force"), "");
	print_counts("  in the configuration", json_object_get(prefixes, "configured"), "");
	if (*vly_ctl_text_at(prefixes, "file")) {
		printf("  in %s: ", vly_ctl_text_at(prefixes, "file"));
		printf("%s denied\n",
		       vly_ctl_number(
			       vly_ctl_number_at(json_object_get(prefixes, "in_file"), "deny"),
			       number));
	}
	printf("%-24s %s\n", "  entered at run time", vly_ctl_number(entered, number));
	json_array_foreach(entries, i, entry)
	{
		if (i == ENTRIES_SHOWN)
			break;
		printf("    %-5s %s", vly_ctl_text_at(entry, "action"),
		       vly_ctl_text_at(entry, "prefix"));
		print_until(entry);
		puts("");
	}
	if (entered > ENTRIES_SHOWN)
		printf("    and %s more\n", vly_ctl_number(entered - ENTRIES_SHOWN, number));
}

static void
print_defence(json_t *answer)
{
	json_t *trouble = json_object_get(answer, "trouble");
	size_t i;
	json_t *text;

	print_settings(json_object_get(answer, "settings"));
	print_prefixes(json_object_get(answer, "prefixes"));
	if (!json_is_true(json_object_get(answer, "connected")))
		puts("no dataplane is connected; it gets these settings when it connects");
	else if (!json_is_true(json_object_get(answer, "in_force")))
		puts("the dataplane has not taken these settings yet");
	json_array_foreach(trouble, i, text) printf("problem: %s\n", json_string_value(text));
}

static void
print_change(json_t *answer)
{
	json_t *errors = json_object_get(answer, "errors");
	char number[VLY_CTL_NUMBER_BYTES];
	size_t i;
	json_t *error;

	json_array_foreach(errors, i, error) printf("%s\n", json_string_value(error));
	if (vly_ctl_number_at(answer, "wrong_lines") > json_array_size(errors))
		printf("and %s more lines\n",
		       vly_ctl_number(vly_ctl_number_at(answer, "wrong_lines") -
					      json_array_size(errors),
				      number));
	if (json_is_true(json_object_get(answer, "changed")) &&
	    vly_ctl_number_at(answer, "prefixes") > 1)
		printf("%s prefixes\n",
		       vly_ctl_number(vly_ctl_number_at(answer, "prefixes"), number));
}

/* Returns the text as JSON, or NULL after saying why not. */
static json_t *
read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	struct stat status;
	char *text = NULL;
	size_t bytes = 0;
	json_t *json = NULL;

	if (file && fstat(fileno(file), &status) == 0)
		text = malloc((size_t)status.st_size + 1);
	if (text) {
		bytes = fread(text, 1, (size_t)status.st_size, file);
		json = json_stringn(text, bytes);
	}
	if (text && !json)
		fprintf(stderr, "volleyctl: %s: not UTF-8\n", path);
	else if (!text)
		fprintf(stderr, "volleyctl: %s: %s\n", path, strerror(errno));
	if (file)
		fclose(file);
	free(text);
	return json;
}

static enum vly_ctl_exit
send_change(const struct vly_ctl *ctl, json_t *request)
{
	json_t *answer;

	if (ctl->duration && json_object_set_new(request, "for", json_string(ctl->duration)) < 0) {
		json_decref(request);
		return vly_ctl_fail_usage("--for is not UTF-8");
	}
	enum vly_ctl_exit code = vly_ctl_call(ctl, request, &answer);
	return code == VLY_CTL_OK ? vly_ctl_show(ctl, answer, true, print_change) : code;
}

static enum vly_ctl_exit
change_prefixes(const struct vly_ctl *ctl, const char *command, char **args, int arg_cnt)
{
	json_t *list = json_array();
	json_t *request = json_pack("{s:s}", "command", command);

	if ((arg_cnt == 0) == !ctl->file) {
		json_decref(list);
		json_decref(request);
		return vly_ctl_fail_usage("give prefixes, or --file FILE");
	}
	for (int i = 0; i < arg_cnt; i++)
		json_array_append_new(list, json_string(args[i]));
	json_t *text = ctl->file ? read_file(ctl->file) : NULL;
	if (ctl->file && !text) {
		json_decref(list);
		json_decref(request);
		return VLY_CTL_FAILED;
	}
	if (ctl->file) {
		const char *slash = strrchr(ctl->file, '/');
		json_object_set_new(request, "text", text);
		json_object_set_new(request, "name", json_string(slash ? slash + 1 : ctl->file));
	} else {
		json_object_set(request, "prefixes", list);
	}
	json_decref(list);
	return send_change(ctl, request);
}

enum vly_ctl_exit
vly_ctl_defence(const struct vly_ctl *ctl, char **args, int arg_cnt)
{
	const char *verb = arg_cnt > 0 ? args[0] : "show";
	bool plain = !ctl->duration && !ctl->file;

	if (strcmp(verb, "show") == 0 && arg_cnt <= 1 && plain)
		return vly_ctl_call_and_show(ctl, json_pack("{s:s}", "command", "defence-show"),
					     print_defence);
	if (strcmp(verb, "set") == 0 && arg_cnt == 3 && !ctl->file)
		return send_change(ctl, json_pack("{s:s,s:s,s:s}", "command", "defence-set", "key",
						  args[1], "value", args[2]));
	if (strcmp(verb, "unset") == 0 && arg_cnt == 2 && plain)
		return send_change(
			ctl, json_pack("{s:s,s:s}", "command", "defence-unset", "key", args[1]));
	if (strcmp(verb, "deny") == 0)
		return change_prefixes(ctl, "defence-deny", args + 1, arg_cnt - 1);
	if (strcmp(verb, "allow") == 0)
		return change_prefixes(ctl, "defence-allow", args + 1, arg_cnt - 1);
	if (strcmp(verb, "forget") == 0 && !ctl->duration)
		return change_prefixes(ctl, "defence-forget", args + 1, arg_cnt - 1);
	return vly_ctl_fail_usage(
		"defence show, set KEY VALUE, unset KEY, or deny, allow or forget "
		"with prefixes or --file FILE");
}

static void
print_cookies(json_t *answer)
{
	json_t *secrets = json_object_get(answer, "secrets");
	size_t i;
	json_t *secret;

	printf("cookies are %s; secrets in %s\n",
	       json_is_true(json_object_get(answer, "enabled")) ? "on" : "off",
	       vly_ctl_text_at(answer, "file"));
	json_array_foreach(secrets, i, secret)
		printf("  %-8s  fingerprint %s  %s\n", vly_ctl_text_at(secret, "role"),
		       vly_ctl_text_at(secret, "fingerprint"), vly_ctl_text_at(secret, "secret"));
	if (*vly_ctl_text_at(answer, "trouble"))
		printf("problem: %s\n", vly_ctl_text_at(answer, "trouble"));
}

enum vly_ctl_exit
vly_ctl_cookies(const struct vly_ctl *ctl, char **args, int arg_cnt)
{
	const char *verb = arg_cnt > 0 ? args[0] : "show";

	if (arg_cnt <= 1 && strcmp(verb, "show") == 0 && !ctl->next)
		return vly_ctl_call_and_show(
			ctl,
			json_pack("{s:s,s:b}", "command", "cookies-show", "reveal", ctl->reveal),
			print_cookies);
	if (arg_cnt != 1 || strcmp(verb, "roll") != 0 || ctl->reveal)
		return vly_ctl_fail_usage("cookies show [--reveal], or cookies roll [--next HEX]");
	json_t *request = json_pack("{s:s}", "command", "cookies-roll");
	if (ctl->next)
		json_object_set_new(request, "next", json_string(ctl->next));
	return send_change(ctl, request);
}
