/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"

static char directory[] = "/tmp/volley-config-XXXXXX";
static char path[64];

static void
make_directory(void)
{
	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/volley.yaml", directory);
}

static void
remove_directory(void)
{
	unlink(path);
	rmdir(directory);
}

TestSuite(config, .init = make_directory, .fini = remove_directory);

static struct vly_config *
load(const char *text, struct vly_config_errors *errors)
{
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
	return vly_config_load(path, errors);
}

static void
expect_error(const char *text, const char *wanted)
{
	struct vly_config_errors errors;
	struct vly_config *config = load(text, &errors);

	cr_expect_null(config, "accepted, though: %s", wanted);
	cr_expect_eq(errors.cnt, 1, "%u errors, wanted: %s", errors.cnt, wanted);
	if (errors.cnt > 0)
		cr_expect_str_eq(errors.text[0], wanted);
	vly_config_errors_free(&errors);
	vly_config_free(config);
}

static void
expect_same_text(const char *a, const char *b)
{
	cr_expect((!a && !b) || (a && b && strcmp(a, b) == 0), "%s is not %s", a ? a : "(none)",
		  b ? b : "(none)");
}

Test(config, the_example_says_what_the_defaults_are)
{
	struct vly_config_errors errors;
	struct vly_config *defaults = load("zones: []\n", &errors);
	struct vly_config *example = vly_config_load(VLY_EXAMPLE, &errors);

	cr_assert_not_null(defaults);
	cr_assert_not_null(example, "%s", errors.cnt ? errors.text[0] : "");
	expect_same_text(example->control->socket, defaults->control->socket);
	expect_same_text(example->control->socket_group, defaults->control->socket_group);
	expect_same_text(example->control->state_dir, defaults->control->state_dir);
	expect_same_text(example->control->image_cache, defaults->control->image_cache);
	expect_same_text(example->control->log_level, defaults->control->log_level);
#define X(id, ...) expect_same_text(example->dataplane->id, defaults->dataplane->id);
	VLY_DATAPLANE_SETTINGS(X)
#undef X
	expect_same_text(example->answers->any, defaults->answers->any);
	expect_same_text(example->answers->additional, defaults->answers->additional);
#define X(id, name, severity, help) expect_same_text(example->checks->id, defaults->checks->id);
	VLY_ZONE_CHECKS(X)
#undef X
	for (unsigned i = 0; i < VLY_DEFENCE_SETTING_CNT; i++)
		expect_same_text(example->defence->values.text[i],
				 defaults->defence->values.text[i]);
	expect_same_text(example->defence->deny_file, defaults->defence->deny_file);
	expect_same_text(example->defence->secrets_file, defaults->defence->secrets_file);
	cr_expect_eq(example->defence->listed.cnt, 0);
	cr_expect_eq(example->dataplane->port_cnt, defaults->dataplane->port_cnt);
	cr_expect_eq(example->dataplane->listen_cnt, defaults->dataplane->listen_cnt);
	cr_expect_eq(example->zone_cnt, 0);
	expect_same_text(example->transfers->in_max, defaults->transfers->in_max);
	expect_same_text(example->transfers->in_rate, defaults->transfers->in_rate);
	expect_same_text(example->transfers->in_size, defaults->transfers->in_size);
	expect_same_text(example->transfers->in_time, defaults->transfers->in_time);
	expect_same_text(example->transfers->out_max, defaults->transfers->out_max);
	expect_same_text(example->transfers->out_time, defaults->transfers->out_time);
	expect_same_text(example->transfers->tls, defaults->transfers->tls);
	vly_config_free(defaults);
	vly_config_free(example);
}

/* Whatever the example shows in a comment must be right as well. */
Test(config, the_examples_in_comments_are_valid)
{
	char line[400];
	char text[30000] = "";
	const char *letters = "abcdefghijklmnopqrstuvwxyz-";
	struct vly_config_errors errors;
	FILE *file = fopen(VLY_EXAMPLE, "r");

	cr_assert_not_null(file);
	while (fgets(line, sizeof(line), file)) {
		char *hash = strstr(line, "# ");
		bool key = hash && strchr(hash, ':') && hash[2] >= 'a' && hash[2] <= 'z' &&
			   strcspn(hash + 2, " :") == strcspn(hash + 2, ":");
		bool item =
			hash &&
			(strncmp(hash, "#   - ", 6) == 0 || strncmp(hash, "#   ecs: {", 10) == 0 ||
			 (strncmp(hash, "#   ", 4) == 0 &&
			  strcmp(hash + 4 + strspn(hash + 4, letters), ":\n") == 0) ||
			 strncmp(hash, "#     - ", 8) == 0 || strncmp(hash, "#       ", 8) == 0 ||
			 (strncmp(hash, "#     ", 6) == 0 &&
			  hash[6 + strspn(hash + 6, letters)] == ':'));
		if (strcmp(line, "  ports: []\n") == 0 || strcmp(line, "  listen: []\n") == 0 ||
		    strcmp(line, "  deny: []\n") == 0 || strcmp(line, "  allow: []\n") == 0 ||
		    strcmp(line, "keys: []\n") == 0 || strcmp(line, "tls: []\n") == 0 ||
		    strcmp(line, "remotes: []\n") == 0 || strcmp(line, "templates: []\n") == 0 ||
		    strcmp(line, "steer: {}\n") == 0 || strcmp(line, "zones: []\n") == 0)
			continue;
		if (key || item)
			memmove(hash, hash + 2, strlen(hash + 2) + 1);
		strcat(text, line);
	}
	fclose(file);
	struct vly_config *config = load(text, &errors);
	cr_assert_not_null(config, "%s\n%s", errors.cnt ? errors.text[0] : "", text);
	cr_expect_eq(config->dataplane->port_cnt, 1);
	cr_expect_eq(config->dataplane->listen_cnt, 2);
	cr_expect_str_eq(config->dataplane->cpus, "1-3,5");
	cr_expect_eq(config->key_cnt, 2);
	cr_expect_eq(config->remote_cnt, 2);
	cr_expect_eq(config->remotes[0].profile, &config->tls[0]);
	cr_expect_eq(config->transfers->profile, &config->tls[0]);
	cr_assert_eq(config->zone_cnt, 4);
	cr_expect_eq(config->zones[0].feed->transfer_to_cnt, 1);
	cr_expect_eq(config->zones[2].feed, &config->templates[0].feed);
	cr_expect_eq(config->zones[3].feed->catalog_template_cnt, 1);
	cr_expect_eq(config->zones[0].update_cnt, 1);
	cr_expect_eq(config->steer->policy_cnt, 2);
	cr_expect_eq(config->zones[0].steer_cnt, 1);
	cr_expect_eq(config->directory_cnt, 1);
	cr_expect_str_eq(config->directories[0].pattern, "%s.zone");
	cr_expect_eq(config->defence->listed.cnt, 3);
	cr_expect_not_null(config->defence->deny_file);
	cr_expect_not_null(config->defence->secrets_file);
	vly_config_free(config);
}

static void
expect_value(const struct vly_config *config, enum vly_defence_setting setting, const char *wanted)
{
	cr_expect_str_eq(config->defence->values.text[setting], wanted, "%s: %s",
			 vly_defence_setting_name(setting), config->defence->values.text[setting]);
}

#define KEY  "keys:\n- name: K.example\n  secret: c2VjcmV0\n"
#define ZONE "zones:\n- name: z\n  file: f\n"

Test(config, keys_and_grants)
{
	struct vly_config_errors errors;
	struct vly_config *config = load(KEY ZONE "  update:\n  - key: k.EXAMPLE\n", &errors);

	cr_assert_not_null(config, "%s", errors.cnt ? errors.text[0] : "");
	cr_expect_str_eq(config->keys[0].name, "k.example.");
	cr_expect_str_eq(config->keys[0].algorithm, "hmac-sha256");
	cr_expect_str_eq(config->zones[0].update[0].key, "k.example.");
	cr_expect_eq(config->defence->request_opcodes,
		     1u << VLY_OPCODE_UPDATE | 1u << VLY_REQUEST_SIGNED_QUERY);
	vly_config_free(config);
	config = load(ZONE, &errors);
	cr_assert_not_null(config);
	cr_expect_eq(config->defence->request_opcodes, 0);
	vly_config_free(config);
	config = load(ZONE "  living: true\n", &errors);
	cr_assert_not_null(config);
	cr_expect_eq(config->defence->request_opcodes,
		     1u << VLY_OPCODE_UPDATE | 1u << VLY_REQUEST_SIGNED_QUERY);
	vly_config_free(config);
	expect_error(KEY ZONE "  update: []\n",
		     "volley.yaml:7: zones[0].update: must not be empty");
	expect_error("dataplane: {stream-threads: 0}\n" KEY ZONE "  update:\n  - key: k.example\n",
		     "volley.yaml:8: zones[0].update: needs dataplane.stream-threads of 1 or more: "
		     "these threads take dynamic updates");
	expect_error(KEY ZONE "  update:\n  - key: other\n",
		     "volley.yaml:8: zones[0].update[0].key: other.: there is no such key in keys");
	expect_error(KEY ZONE "  update:\n  - key: k.example\n    names: [a, b.c.]\n",
		     "volley.yaml:9: zones[0].update[0].names[1]: b.c.: not in the zone z.");
	expect_error(KEY "- name: k.example.\n  secret: c2VjcmV0\nzones: []\n",
		     "volley.yaml:4: keys[1].name: duplicate key: k.example.");
	expect_error("keys:\n- name: k\nzones: []\n",
		     "volley.yaml:2: keys[0]: one of secret and secret-file must be given");
	expect_error("keys:\n- name: k\n  secret: '!'\nzones: []\n",
		     "volley.yaml:3: keys[0].secret: the secret is not valid Base64");
	expect_error(
		"keys:\n- name: k\n  algorithm: hmac-md5\n  secret: c2VjcmV0\nzones: []\n",
		"volley.yaml:3: keys[0].algorithm: hmac-md5 is not safe and not supported; use "
		"hmac-sha256");
}

/* The secrets of a file are looked at when files are. */
Test(config, secret_files)
{
	char file[80];
	struct vly_config_errors errors;
	struct vly_config *config =
		load("keys:\n- name: k\n  secret-file: secret\nzones: []\n", &errors);
	char wanted[200];

	cr_assert_not_null(config, "%s", errors.cnt ? errors.text[0] : "");
	snprintf(file, sizeof(file), "%s/secret", directory);
	cr_expect_str_eq(config->keys[0].secret_file, file);
	cr_expect_eq(vly_config_check_files(config, path, &errors), 1);
	snprintf(wanted, sizeof(wanted),
		 "volley.yaml:3: keys[0].secret-file: %s: No such file or directory", file);
	cr_assert_eq(errors.cnt, 1);
	cr_expect_str_eq(errors.text[0], wanted);
	vly_config_errors_free(&errors);
	vly_config_free(config);
}

Test(config, defence)
{
	struct vly_config_errors errors;
	struct vly_config *config = load("defence:\n"
					 "  source-rate: {mode: dry-run, address: 7}\n"
					 "  reflector-ports: [17, 65535]\n"
					 "  deny: [10.0.0.0/8, \"fd00::/8\"]\n"
					 "  allow: [10.1.0.0/16]\n"
					 "  responses: {slip: 0, badcookie: on}\n"
					 "  cookies: {mode: off, secrets-file: secrets}\n"
					 "zones: []\n",
					 &errors);

	cr_assert_not_null(config, "%s", errors.cnt ? errors.text[0] : "");
	expect_value(config, VLY_DEFENCE_source_mode, "dry-run");
	expect_value(config, VLY_DEFENCE_source_address, "7");
	expect_value(config, VLY_DEFENCE_source_network, "200000");
	expect_value(config, VLY_DEFENCE_reflector_ports, "17,65535");
	expect_value(config, VLY_DEFENCE_response_slip, "0");
	expect_value(config, VLY_DEFENCE_response_badcookie, "on");
	expect_value(config, VLY_DEFENCE_cookie_mode, "off");
	cr_expect_eq(config->defence->listed.cnt, 3);
	cr_expect_eq(config->defence->listed.rule[2].action, VLY_PREFIX_ALLOW);
	/* relative to the configuration */
	cr_expect_eq(strncmp(config->defence->secrets_file, directory, strlen(directory)), 0);
	struct vly_config_defence *taken = vly_config_take_defence(config);
	cr_expect_null(config->defence);
	vly_config_free(config);
	vly_config_defence_free(taken);
}

Test(config, defence_errors)
{
	expect_error("defence:\n  source-rate:\n    mode: yes\nzones: []\n",
		     "volley.yaml:3: defence.source-rate.mode: must be on, off or dry-run");
	expect_error("defence: {unserved-rate: -1}\nzones: []\n",
		     "volley.yaml:1: defence.unserved-rate: must be a number from 0 to 62500000");
	expect_error("defence:\n  responses: {ipv6-prefix: 65}\nzones: []\n",
		     "volley.yaml:2: defence.responses.ipv6-prefix: must be a number from 1 to 64");
	expect_error(
		"defence:\n  reflector-ports: [53, 65536]\nzones: []\n",
		"volley.yaml:2: defence.reflector-ports: must be ports from 1 to 65535, or none");
	expect_error("defence:\n  reflector-ports: []\nzones: []\n",
		     "volley.yaml:2: defence.reflector-ports: must not be empty");
	expect_error("defence:\n  deny:\n    - 10.0.0.0/8\n    - 10.0.0.1/8\nzones: []\n",
		     "volley.yaml:4: defence.deny[1]: 10.0.0.1/8 has host bits set; "
		     "did you mean 10.0.0.0/8?");
	expect_error("defence:\n  deny: [10.0.0.0/8]\n  allow: [10.0.0.0/8]\nzones: []\n",
		     "volley.yaml:3: defence.allow[0]: 10.0.0.0/8 is listed twice");
	expect_error("defence: {cookies: {mode: dry-run}}\nzones: []\n",
		     "volley.yaml:1: defence.cookies.mode: must be on or off");
	expect_error("defence: {cookie: {mode: on}}\nzones: []\n",
		     "volley.yaml:1: defence.cookie: unknown key");
}

Test(config, deny_file)
{
	struct vly_config_errors errors;
	char file[80];

	snprintf(file, sizeof(file), "%s/deny.txt", directory);
	for (unsigned bad = 0; bad < 2; bad++) {
		FILE *out = fopen(file, "w");
		fprintf(out, "# worst of all\n192.0.2.0/24 ; them\n\n2001:db8::/32\n%s",
			bad ? "192.0.2.1/24\nhere\n" : "");
		fclose(out);
		struct vly_config *config =
			load("defence: {deny-file: deny.txt}\nzones: []\n", &errors);
		cr_assert_not_null(config);
		cr_expect_eq(vly_config_read_lists(config, &errors), bad ? -1 : 0);
		cr_expect_eq(config->defence->in_file.cnt, bad ? 0 : 2);
		cr_expect_eq(errors.cnt, bad ? 2 : 0);
		if (errors.cnt == 2) {
			cr_expect_str_eq(errors.text[0], "deny.txt:5: 192.0.2.1/24 has host bits "
							 "set; did you mean 192.0.2.0/24?");
			cr_expect_str_eq(errors.text[1],
					 "deny.txt:6: here is not an IPv4 or IPv6 prefix");
		}
		vly_config_errors_free(&errors);
		vly_config_free(config);
	}
	unlink(file);
	struct vly_config *config = load("defence: {deny-file: deny.txt}\nzones: []\n", &errors);
	cr_expect_eq(vly_config_read_lists(config, &errors), -1);
	cr_assert_eq(errors.cnt, 1);
	cr_expect_str_eq(errors.text[0], "deny.txt: defence.deny-file: No such file or directory");
	vly_config_errors_free(&errors);
	vly_config_free(config);
}

Test(config, sections_may_be_missing_or_empty)
{
	struct vly_config_errors errors;
	struct vly_config *config = load("control:\ndataplane:\nzones: []\n", &errors);

	cr_assert_not_null(config);
	cr_expect_str_eq(config->dataplane->idle, "sleep");
	cr_expect_str_eq(config->control->socket, "/run/volley/control.sock");
	vly_config_free(config);
}

Test(config, zones_get_one_spelling_and_a_path)
{
	struct vly_config_errors errors;
	struct vly_config *config = load("zones:\n"
					 "  - name: Example.COM\n"
					 "    file: zones/a\n"
					 "  - {name: ., file: /root}\n",
					 &errors);
	char wanted[80];

	cr_assert_not_null(config);
	snprintf(wanted, sizeof(wanted), "%s/zones/a", directory);
	cr_expect_str_eq(config->zones[0].name, "example.com.");
	cr_expect_str_eq(config->zones[0].file, wanted);
	cr_expect_str_eq(config->zones[1].name, ".");
	cr_expect_str_eq(config->zones[1].file, "/root");
	vly_config_free(config);
}

Test(config, structure_is_refused_with_its_line)
{
	expect_error("", "volley.yaml: the file is empty: zones must be given");
	expect_error("control:\n  socket: /a\n", "volley.yaml:1: zones: must be given");
	expect_error("zones: []\n\nzone: []\n", "volley.yaml:3: zone: unknown key");
	expect_error("dataplane:\n  socket: /a\n  idel: spin\nzones: []\n",
		     "volley.yaml:3: dataplane.idel: unknown key");
	expect_error("zones:\n- name: a\n  file: b\n- name: c\n  fill: d\n",
		     "volley.yaml:5: zones[1].fill: unknown key");
	expect_error("zones:\n- name: a\n  file: b\n- name: c\n",
		     "volley.yaml:4: zones[1].file: must be given, or `primaries` in its place");
	expect_error("zones: []\ncontrol:\n  socket: /a\nzones: []\n",
		     "volley.yaml:4: zones: given twice");
	expect_error("zones: example.\n", "volley.yaml:1: zones: must be a list");
	expect_error("zones: []\ndataplane: fast\n", "volley.yaml:2: dataplane: must hold keys");
	expect_error("zones: []\ndataplane:\n  ports:\n  - pcap:a\n  - [tap:x]\n",
		     "volley.yaml:5: dataplane.ports[1]: must be one value");
	expect_error("zones:\n- name: a\n  file: \"\"\n",
		     "volley.yaml:3: zones[0].file: must not be empty");
	expect_error("zones:\n- name: a\n\tfile: b\n",
		     "volley.yaml:3: invalid YAML: found a tab character that violates indentation "
		     "while scanning a plain scalar");
}

Test(config, values_are_refused_with_their_line)
{
	static const struct {
		const char *key;
		const char *reason;
	} cases[] = {
		{"idle: fast", "dataplane.idle: must be sleep or spin"},
		{"huge-pages: on", "dataplane.huge-pages: must be auto or off"},
		{"memory: lots", "dataplane.memory: must be a number from 1 to 1048576 (MiB)"},
		{"memory: -1", "dataplane.memory: must be a number from 1 to 1048576 (MiB)"},
		{"udp-payload-max: 511",
		 "dataplane.udp-payload-max: must be a number from 512 to 4096 (octets)"},
		{"udp-payload-max: 4097",
		 "dataplane.udp-payload-max: must be a number from 512 to 4096 (octets)"},
		{"udp-payload-max: 1232x",
		 "dataplane.udp-payload-max: must be a number from 512 to 4096 (octets)"},
		{"cpus: 3-1",
		 "dataplane.cpus: must be a list of CPUs from 0 to 1023, such as 1-3,5"},
		{"cpus: \"1,\"",
		 "dataplane.cpus: must be a list of CPUs from 0 to 1023, such as 1-3,5"},
		{"cpus: 1-2-3",
		 "dataplane.cpus: must be a list of CPUs from 0 to 1023, such as 1-3,5"},
		{"cpus: \"1024\"",
		 "dataplane.cpus: must be a list of CPUs from 0 to 1023, such as 1-3,5"},
		{"log-level: loud", "dataplane.log-level: must be error, warning, info or debug"},
		{"listen: [192.0.2.256]",
		 "dataplane.listen[0]: 192.0.2.256 is not an IPv4 or IPv6 address"},
		{"listen: [192.0.2.1, \"2001:db8::g\"]",
		 "dataplane.listen[1]: 2001:db8::g is not an IPv4 or IPv6 address"},
		{"ports: [eth0]",
		 "dataplane.ports[0]: must be af_xdp:IFACE, pci:ADDRESS, pcap:FILE, "
		 "af_packet:IFACE, tap:NAME, ring or null"},
		{"ports: [af_xdp]", "dataplane.ports[0]: af_xdp needs a name: af_xdp:IFACE"},
		{"ports: [\"tap:abcdefghijklmnop\"]",
		 "dataplane.ports[0]: an interface's name has at most 15 characters"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[200];
		char wanted[300];
		snprintf(text, sizeof(text), "zones: []\ndataplane:\n\n  %s\n", cases[i].key);
		snprintf(wanted, sizeof(wanted), "volley.yaml:4: %s", cases[i].reason);
		expect_error(text, wanted);
	}
}

Test(config, zones_are_refused_with_their_line)
{
	expect_error("zones:\n- name: a..b\n  file: c\n",
		     "volley.yaml:2: zones[0].name: a..b: the name has an empty label");
	expect_error("zones:\n- name: a\n  file: c\n- file: d\n  name: A.\n",
		     "volley.yaml:5: zones[1].name: duplicate zone: a. is already zones[0]");
}

Test(config, all_bad_values_are_told_at_once)
{
	struct vly_config_errors errors;
	struct vly_config *config = load("dataplane:\n"
					 "  idle: x\n"
					 "  memory: y\n"
					 "zones:\n"
					 "  - {name: \"\\\\\", file: z}\n",
					 &errors);

	cr_expect_null(config);
	cr_assert_eq(errors.cnt, 3);
	cr_expect_str_eq(errors.text[2],
			 "volley.yaml:5: zones[0].name: \\: the name has a bad escape");
	vly_config_errors_free(&errors);
}

Test(config, missing_files_are_a_matter_of_their_own)
{
	struct vly_config_errors errors;
	struct vly_config *config = load("zones:\n- name: a\n  file: /nowhere/b\n", &errors);

	cr_assert_not_null(config);
	cr_expect_eq(vly_config_check_files(config, path, &errors), 1);
	cr_assert_eq(errors.cnt, 1);
	cr_expect_str_eq(errors.text[0],
			 "volley.yaml:3: zones[0].file: /nowhere/b: No such file or directory");
	vly_config_errors_free(&errors);
	vly_config_free(config);
}

Test(config, no_file)
{
	struct vly_config_errors errors;

	cr_expect_null(vly_config_load("/nowhere/volley.yaml", &errors));
	cr_assert_eq(errors.cnt, 1);
	cr_expect_str_eq(errors.text[0], "volley.yaml: No such file or directory");
	vly_config_errors_free(&errors);
}

Test(config, becomes_flags)
{
	static const char *const wanted[] = {
		"dp",          "--port",
		"null",        "--port",
		"pcap:f,loop", "--listen",
		"::1",         "--cpus",
		"1",           "--socket",
		"/s",          "--socket-user",
		"volley",      "--idle",
		"spin",        "--memory",
		"64",          "--huge-pages",
		"auto",        "--udp-payload-max",
		"1232",        "--rrset-order",
		"fixed",       "--stream-threads",
		"1",           "--stream-connections",
		"10000",       "--stream-client",
		"256",         "--stream-idle",
		"10",          "--stream-read",
		"5",           "--stream-write",
		"10",          "--stream-memory",
		"64",          "--stream-tls-port",
		"0",           "--watchdog-ms",
		"1000",        "--log-level",
		"info",        "--state-dir",
		"/st",         "--more",
	};
	char extra[] = "--more";
	char *extras[] = {extra};
	struct vly_config_errors errors;
	struct vly_config *config = load("control: {state-dir: /st}\n"
					 "dataplane:\n"
					 "  ports: [\"null\", \"pcap:f,loop\"]\n"
					 "  listen: [\"::1\"]\n"
					 "  cpus: 1\n"
					 "  memory: 64\n"
					 "  idle: spin\n"
					 "  socket: /s\n"
					 "zones: []\n",
					 &errors);
	cr_assert_not_null(config);
	char **args = vly_config_args(config, "dp", extras, 1);
	cr_assert_not_null(args);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		cr_assert_str_eq(args[i], wanted[i]);
	cr_expect_null(args[sizeof(wanted) / sizeof(wanted[0])]);
	vly_config_args_free(args);
	vly_config_free(config);
}

/* The first and the last of many once more. libcyaml enlarges its array for each of them, which takes the
 * sanitizer minutes when there are more. */
Test(config, long_lists_of_prefixes)
{
	enum { CNT = 30000 };
	struct vly_config_errors errors;
	char *text;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	fputs("zones: []\ndefence:\n  deny:\n", out);
	for (unsigned i = 0; i < CNT; i++)
		fprintf(out, "    - 10.%u.%u.%u/32\n", i >> 16, i >> 8 & 255, i & 255);
	fflush(out);
	struct vly_config *config = load(text, &errors);
	cr_assert_not_null(config, "%s", errors.cnt ? errors.text[0] : "");
	cr_expect_eq(config->defence->listed.cnt, CNT);
	cr_expect_eq(config->defence->listed.rule[CNT - 1].address[13], (CNT - 1) >> 16);
	vly_config_free(config);
	vly_config_errors_free(&errors);

	fprintf(out, "  allow:\n    - 10.0.0.0/32\n    - 192.0.2.1\n    - 10.%u.%u.%u\n",
		(CNT - 1) >> 16, (CNT - 1) >> 8 & 255, (CNT - 1) & 255);
	fclose(out);
	cr_expect_null(load(text, &errors));
	cr_expect_eq(errors.cnt, 2);
	cr_expect_str_eq(errors.text[0],
			 "volley.yaml:30005: defence.allow[0]: 10.0.0.0/32 is listed twice");
	cr_expect_not_null(strstr(errors.text[1], "defence.allow[2]: 10.0.117.47 is listed"));
	vly_config_errors_free(&errors);
	free(text);
}
