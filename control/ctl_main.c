/* SPDX-License-Identifier: GPL-3.0-or-later */
/* volleyctl: the operator's hand on volley-control. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

static const char usage[] =
	"Usage: volleyctl [--socket PATH] [--json] COMMAND\n"
	"\n"
	"  status                 versions, the dataplane, zones, and what failed to load\n"
	"  reload [ZONE...]       read zones again; without names the configuration and all zones\n"
	"  zones                  every zone: serial, records, state, file\n"
	"  stats                  counters of the dataplane: total, per lcore, per port\n"
	"  check CONFIG           read a configuration and all its zones, serve nothing, tell "
	"every error\n"
	"  check-zone NAME FILE   the same for one zone file, with all errors and warnings\n"
	"  exec dataplane --config FILE [-- FLAG...]\n"
	"                         become volley-dataplane, with the flags of the configuration and "
	"more\n"
	"\n"
	"  --socket PATH  the control socket (default /run/volley/control.sock)\n"
	"  --json         for scripts\n"
	"  --help, --version\n"
	"\n"
	"Exit status: 0 done; 1 failed, such as a zone that does not load; 2 usage;\n"
	"3 volley-control can't be reached; 4 no dataplane is connected.\n";

static enum vly_ctl_exit
fail_usage(const char *text)
{
	fprintf(stderr, "volleyctl: %s; see volleyctl --help\n", text);
	return VLY_CTL_USAGE;
}

static enum vly_ctl_exit
exit_of(json_t *answer)
{
	const char *code = json_string_value(json_object_get(answer, "code"));

	if (json_is_true(json_object_get(answer, "ok")))
		return VLY_CTL_OK;
	return code && strcmp(code, "no-dataplane") == 0 ? VLY_CTL_NO_DATAPLANE : VLY_CTL_FAILED;
}

static void
print_json(json_t *answer)
{
	json_dumpf(answer, stdout, JSON_INDENT(2));
	puts("");
}

/* Prints an answer that people get from `print`, and its error. Takes over the answer. */
static enum vly_ctl_exit
show(const struct vly_ctl *ctl, json_t *answer, bool print_failed, void (*print)(json_t *answer))
{
	const char *error = json_string_value(json_object_get(answer, "error"));
	enum vly_ctl_exit code = exit_of(answer);

	if (ctl->json)
		print_json(answer);
	else if (code == VLY_CTL_OK || print_failed)
		print(answer);
	fflush(stdout);
	if (error && !ctl->json)
		fprintf(stderr, "volleyctl: %s\n", error);
	json_decref(answer);
	return code;
}

static enum vly_ctl_exit
run_status(const struct vly_ctl *ctl)
{
	json_t *answer;
	enum vly_ctl_exit code =
		vly_ctl_call(ctl, json_pack("{s:s}", "command", "status"), &answer);

	if (code != VLY_CTL_OK)
		return code;
	json_t *dataplane = json_object_get(answer, "dataplane");
	bool connected = json_is_true(json_object_get(dataplane, "connected"));
	code = show(ctl, answer, false, vly_ctl_print_status);
	return code == VLY_CTL_OK && !connected ? VLY_CTL_NO_DATAPLANE : code;
}

static enum vly_ctl_exit
run_stats(const struct vly_ctl *ctl)
{
	json_t *answer;
	enum vly_ctl_exit code = vly_ctl_call(ctl, json_pack("{s:s}", "command", "stats"), &answer);

	return code == VLY_CTL_OK ? show(ctl, answer, false, vly_ctl_print_stats) : code;
}

static enum vly_ctl_exit
run_reload(const struct vly_ctl *ctl, char **zones, int zone_cnt)
{
	json_t *request = json_pack("{s:s}", "command", "reload");
	json_t *names = json_array();
	json_t *answer;

	for (int i = 0; i < zone_cnt; i++)
		if (json_array_append_new(names, json_string(zones[i])) < 0) {
			json_decref(names);
			json_decref(request);
			return fail_usage("a zone's name is not UTF-8");
		}
	if (zone_cnt > 0)
		json_object_set(request, "zones", names);
	json_decref(names);
	enum vly_ctl_exit code = vly_ctl_call(ctl, request, &answer);
	if (code != VLY_CTL_OK)
		return code;
	bool reported = json_object_get(answer, "loaded") != NULL;
	return show(ctl, answer, reported, vly_ctl_print_reload);
}

/* A million zones come in pages; only --json has to hold them all, to write one object. */
static enum vly_ctl_exit
run_zones(const struct vly_ctl *ctl)
{
	json_t *all = json_array();
	json_t *request = json_pack("{s:s}", "command", "zones");
	enum vly_ctl_exit code = VLY_CTL_OK;

	while (request) {
		json_t *answer;
		code = vly_ctl_call(ctl, request, &answer);
		if (code != VLY_CTL_OK)
			break;
		if (exit_of(answer) != VLY_CTL_OK) {
			code = show(ctl, answer, false, vly_ctl_print_zones);
			break;
		}
		json_array_extend(all, json_object_get(answer, "zones"));
		json_t *next = json_object_get(answer, "next");
		request = next ? json_pack("{s:s,s:O}", "command", "zones", "after", next) : NULL;
		json_decref(answer);
	}
	if (code == VLY_CTL_OK && ctl->json)
		code = show(ctl, json_pack("{s:b,s:O}", "ok", 1, "zones", all), false,
			    vly_ctl_print_zones);
	else if (code == VLY_CTL_OK)
		vly_ctl_print_zones(all);
	json_decref(all);
	return code;
}

static enum vly_ctl_exit
run_exec(char **args, int arg_cnt)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{0},
	};
	const char *config = NULL;
	int option;

	if (arg_cnt < 1 || strcmp(args[0], "dataplane") != 0)
		return fail_usage("exec needs the program to start: dataplane");
	optind = 0;
	while ((option = getopt_long(arg_cnt, args, "+", options, NULL)) != -1) {
		if (option != 'c')
			return fail_usage("flags for the dataplane come behind --");
		config = optarg;
	}
	if (!config)
		return fail_usage("exec dataplane needs --config FILE");
	return vly_ctl_exec(config, args + optind, (unsigned)(arg_cnt - optind));
}

static enum vly_ctl_exit
run(const struct vly_ctl *ctl, char **args, int arg_cnt)
{
	const char *command = args[0];
	int left = arg_cnt - 1;

	if (strcmp(command, "reload") == 0)
		return run_reload(ctl, args + 1, left);
	if (strcmp(command, "exec") == 0)
		return run_exec(args + 1, left);
	if (strcmp(command, "check") == 0)
		return left == 1 ? vly_ctl_check(ctl, args[1])
				 : fail_usage("check needs one configuration file");
	if (strcmp(command, "check-zone") == 0)
		return left == 2 ? vly_ctl_check_zone(ctl, args[1], args[2])
				 : fail_usage("check-zone needs a zone's name and its file");
	enum vly_ctl_exit (*simple)(const struct vly_ctl *) =
		strcmp(command, "status") == 0  ? run_status
		: strcmp(command, "stats") == 0 ? run_stats
		: strcmp(command, "zones") == 0 ? run_zones
						: NULL;
	if (!simple)
		return fail_usage(
			"commands are status, reload, zones, stats, check, check-zone, exec");
	return left == 0 ? simple(ctl) : fail_usage("this command takes no argument");
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{"socket", required_argument, NULL, 's'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'v'},
		{0},
	};
	struct vly_ctl ctl = {.socket = "/run/volley/control.sock"};
	int first = 1;
	int option;

	/* --json and --socket may stand behind the command too, but what follows exec is not
	 * ours */
	for (first = 1; first < argc && strcmp(argv[first], "exec") != 0; first++)
		;
	while ((option = getopt_long(first, argv, "", options, NULL)) != -1) {
		if (option == 's') {
			ctl.socket = optarg;
		} else if (option == 'j') {
			ctl.json = true;
		} else if (option == 'h') {
			fputs(usage, stdout);
			return VLY_CTL_OK;
		} else if (option == 'v') {
			puts("volleyctl " VLY_VERSION);
			return VLY_CTL_OK;
		} else {
			return fail_usage("unknown option");
		}
	}
	if (optind == argc)
		return fail_usage("no command given");
	return run(&ctl, argv + optind, argc - optind);
}
