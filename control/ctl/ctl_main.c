/* SPDX-License-Identifier: GPL-3.0-or-later */
/* volleyctl: the operator's hand on volley-control. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/version.h"
#include "ctl.h"

static const char usage[] =
	"Usage: volleyctl [--socket PATH] [--json] COMMAND\n"
	"\n"
	"  status                 show versions, the dataplane, and zones that failed to load\n"
	"  reload [--force] [ZONE...]\n"
	"                         reload zones; without names, the configuration and all zones\n"
	"                         whose files have changed, or with --force all zones\n"
	"  zones                  list all zones: serial, records, state, file\n"
	"  aliases [ZONE]         list ALIAS records: target, addresses, when they are resolved, "
	"errors\n"
	"  keys                   list the keys of dynamic updates: use, refusals, end\n"
	"  keys add NAME ZONE [LIMIT=WORD[,WORD]]...\n"
	"                         add a key for a zone, and print its new secret; LIMIT as in\n"
	"                         the configuration: names, types, ttl-max, until, ...\n"
	"  keys remove NAME       remove a key that was added\n"
	"  keys disable NAME      refuse the updates of a key\n"
	"  keys enable NAME       allow them again\n"
	"  zone show ZONE [OWNER]        show the records of a living zone, or of one name of it\n"
	"  zone set ZONE OWNER [TTL] TYPE DATA    add a record\n"
	"  zone unset ZONE OWNER [TYPE [DATA]]    remove records\n"
	"  zone edit ZONE         change the zone with $EDITOR\n"
	"  zone begin ZONE        begin a transaction: set, unset and edit wait for its end\n"
	"  zone diff ZONE         show what the transaction changes\n"
	"  zone commit ZONE       make all changes of the transaction at once\n"
	"  zone abort ZONE        drop the transaction\n"
	"  zone export ZONE       print the zone as a zone file, in canonical order\n"
	"  zone history ZONE      list the changes in the journal\n"
	"  zone revert ZONE SERIAL    change the zone back to what it was at this serial, with a\n"
	"                         new serial\n"
	"  zone status ZONE       show what is answered, and what the primaries of a secondary "
	"say\n"
	"  zone refresh ZONE      ask the primaries of a secondary now\n"
	"  zone retransfer ZONE   fetch the whole zone again, whatever its serial\n"
	"  zone notify ZONE       send NOTIFY to those who transfer the zone\n"
	"  zone accept ZONE [SERIAL]  serve the version that waits for a review, if it has this\n"
	"                         serial\n"
	"  zone reject ZONE [SERIAL]  drop it\n"
	"  transfers              show transfers in and out that are under way, and totals\n"
	"  transfers --past       show the last ones that have ended, the newest first\n"
	"  checks                 list the health checks: state, since when, last result, latency\n"
	"  pool list              list the pools that names are steered to, and their states\n"
	"  pool show NAME         show the members of a pool\n"
	"  pool down NAME[/MEMBER] [--for TIME]   send nobody to a pool, or to one member\n"
	"  pool drain NAME[/MEMBER] [--for TIME]  the same, as long as another one is up\n"
	"  pool up NAME[/MEMBER]  take that back; with --for, count as up whatever checks say\n"
	"  steer                  show the maps of clients and the policies\n"
	"  stats                  show the counters of the dataplane: total, per lcore, per port\n"
	"  top [--once]           show each second: rates per lcore, drops by reason, top zones\n"
	"                         and sources\n"
	"  drops [--follow]       show samples of dropped or limited packets: reason, source, "
	"name\n"
	"  defence show           show all settings and prefixes, and where each was set\n"
	"  defence set KEY VALUE [--for TIME]\n"
	"                         override a setting of the configuration; TIME such as 10m, 2h\n"
	"  defence unset KEY      return to the setting of the configuration\n"
	"  defence deny PREFIX... [--for TIME]   drop packets from these prefixes\n"
	"  defence allow PREFIX... [--for TIME]  exempt these prefixes from rates and limits\n"
	"  defence forget PREFIX...              remove denied or allowed prefixes\n"
	"                         deny, allow and forget also take --file FILE, with one prefix\n"
	"                         on each line\n"
	"  cookies show [--reveal]    show fingerprints of the DNS cookie secrets, or the secrets\n"
	"  cookies roll [--next HEX]  roll the secrets: the current one becomes the previous one,\n"
	"                             the next one current, and HEX or a new one the next\n"
	"  check CONFIG           check a configuration and all its zones, and list all errors\n"
	"                         and warnings; serves nothing\n"
	"  check-zone [--print] NAME FILE\n"
	"                         check one zone file; --print: print the zone in canonical form,\n"
	"                         a line for each record, and findings to stderr\n"
	"  preflight [--config FILE]\n"
	"                         check whether this machine is fit for the configuration: a line\n"
	"                         for each check, with the reason and the cure; without --config,\n"
	"                         of /etc/volley/volley.yaml, or of the machine alone\n"
	"  exec dataplane --config FILE [--retry] [-- FLAG...]\n"
	"                         start volley-dataplane in this process, with the flags of the\n"
	"                         configuration and FLAG...; --retry: until it succeeds\n"
	"\n"
	"  --socket PATH  the control socket (default /run/volley/control.sock)\n"
	"  --json         print the answer as JSON, for scripts\n"
	"  --help         show this help\n"
	"  --version      show the version\n"
	"\n"
	"Exit status: 0 success; 1 failure, such as a zone that does not load or a check of\n"
	"preflight that fails; 2 wrong usage;\n"
	"3 volley-control can't be reached, or stopped before it answered; 4 no dataplane is\n"
	"connected.\n";

static enum vly_ctl_exit
run_exec(const struct vly_ctl *ctl, char **args, int arg_cnt)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"retry", no_argument, NULL, 'r'},
		{0},
	};
	const char *config = NULL;
	bool retry = false;
	int option;

	(void)ctl;
	if (arg_cnt < 1 || strcmp(args[0], "dataplane") != 0)
		return vly_ctl_fail_usage("exec needs the name of the program to start: dataplane");
	optind = 0;
	while ((option = getopt_long(arg_cnt, args, "+", options, NULL)) != -1) {
		if (option == 'c')
			config = optarg;
		else if (option == 'r')
			retry = true;
		else
			return vly_ctl_fail_usage("flags for the dataplane must follow --");
	}
	if (!config)
		return vly_ctl_fail_usage("exec dataplane needs --config FILE");
	return vly_ctl_exec(config, retry, args + optind, (unsigned)(arg_cnt - optind));
}

static enum vly_ctl_exit
run_check(const struct vly_ctl *ctl, char **args, int arg_cnt)
{
	return arg_cnt == 1 ? vly_ctl_check(ctl, args[0])
			    : vly_ctl_fail_usage("check needs exactly one configuration file");
}

static enum vly_ctl_exit
run_check_zone(const struct vly_ctl *ctl, char **args, int arg_cnt)
{
	if (ctl->print && ctl->json)
		return vly_ctl_fail_usage("check-zone takes either --print or --json");
	return arg_cnt == 2
		       ? vly_ctl_check_zone(ctl, args[0], args[1])
		       : vly_ctl_fail_usage("check-zone needs the name of a zone and its file");
}

static enum vly_ctl_exit
run_preflight(const struct vly_ctl *ctl, char **args, int arg_cnt)
{
	(void)args;
	return arg_cnt == 0 ? vly_ctl_preflight(ctl)
			    : vly_ctl_fail_usage("preflight takes no argument but --config FILE");
}

/* Options that belong to some commands only. */
enum {
	FOLLOW = 1,
	ONCE = 2,
	REVEAL = 4,
	FOR = 8,
	FROM_FILE = 16,
	NEXT = 32,
	CONFIG = 64,
	PRINT = 128,
	FORCE = 256,
	PAST = 512,
};

static const struct {
	const char *name;
	enum vly_ctl_exit (*run)(const struct vly_ctl *ctl, char **args, int arg_cnt);
	unsigned options;
} commands[] = {
	{"status", vly_ctl_status, 0},
	{"reload", vly_ctl_reload, FORCE},
	{"zones", vly_ctl_zones, 0},
	{"zone", vly_ctl_zone, 0},
	{"transfers", vly_ctl_transfers, PAST},
	{"aliases", vly_ctl_aliases, 0},
	{"checks", vly_ctl_checks, 0},
	{"keys", vly_ctl_keys, 0},
	{"pool", vly_ctl_pool, FOR},
	{"steer", vly_ctl_steer, 0},
	{"stats", vly_ctl_stats, 0},
	{"top", vly_ctl_top, ONCE},
	{"drops", vly_ctl_drops, FOLLOW},
	{"defence", vly_ctl_defence, FOR | FROM_FILE},
	{"cookies", vly_ctl_cookies, REVEAL | NEXT},
	{"check", run_check, 0},
	{"check-zone", run_check_zone, PRINT},
	{"preflight", run_preflight, CONFIG},
	{"exec", run_exec, 0},
};

static enum vly_ctl_exit
run(const struct vly_ctl *ctl, unsigned given, char **args, int arg_cnt)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(args[0], commands[i].name) != 0)
			continue;
		if (given & ~commands[i].options)
			return vly_ctl_fail_usage("this command does not take one of the options");
		return commands[i].run(ctl, args + 1, arg_cnt - 1);
	}
	return vly_ctl_fail_usage(
		"commands are status, reload, zones, zone, transfers, aliases, checks, keys, "
		"pool, steer, stats, top, drops, defence, cookies, check, check-zone, preflight, "
		"exec");
}

static void
set_option(struct vly_ctl *ctl, int option, const char *value)
{
	ctl->follow |= option == FOLLOW;
	ctl->once |= option == ONCE;
	ctl->reveal |= option == REVEAL;
	ctl->print |= option == PRINT;
	ctl->force |= option == FORCE;
	ctl->past |= option == PAST;
	if (option == FOR)
		ctl->duration = value;
	if (option == FROM_FILE)
		ctl->file = value;
	if (option == NEXT)
		ctl->next = value;
	if (option == CONFIG)
		ctl->config = value;
}

static enum vly_ctl_exit
read_options(int argc, char **argv)
{
	static const struct option options[] = {
		{"socket", required_argument, NULL, 's'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'v'},
		{"follow", no_argument, NULL, FOLLOW},
		{"once", no_argument, NULL, ONCE},
		{"reveal", no_argument, NULL, REVEAL},
		{"print", no_argument, NULL, PRINT},
		{"force", no_argument, NULL, FORCE},
		{"past", no_argument, NULL, PAST},
		{"for", required_argument, NULL, FOR},
		{"file", required_argument, NULL, FROM_FILE},
		{"next", required_argument, NULL, NEXT},
		{"config", required_argument, NULL, CONFIG},
		{0},
	};
	unsigned given = 0;
	struct vly_ctl ctl = {.socket = "/run/volley/control.sock"};
	int first = 1;
	int option;

	/* --json and --socket may follow the command, too, but arguments after exec are for the
	 * dataplane */
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
			printf("volleyctl %s\n", vly_version);
			return VLY_CTL_OK;
		} else if (option == '?') {
			return vly_ctl_fail_usage("unknown option");
		} else {
			given |= (unsigned)option;
			set_option(&ctl, option, optarg);
		}
	}
	if (optind == argc)
		return vly_ctl_fail_usage("a command is missing");
	return run(&ctl, given, argv + optind, argc - optind);
}

int
main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN); /* vly_ctl_end() reports output that could not be written */
	return vly_ctl_end(read_options(argc, argv));
}
