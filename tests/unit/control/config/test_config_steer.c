/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"

static char directory[] = "/tmp/volley-config-steer-XXXXXX";
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

TestSuite(config_steer, .init = make_directory, .fini = remove_directory);

/* Line 1 of a text that is good but for what a test replaces. */
static const char good[] = "steer:\n"
			   "  ecs: { mode: on, resolvers: [192.0.2.0/24] }\n"
			   "  maps:\n"
			   "    - { name: own, file: own.txt }\n"
			   "    - { name: land, mmdb: land.mmdb, by: country }\n"
			   "  pools:\n"
			   "    - name: eu\n"
			   "      members:\n"
			   "        - { name: fra, A: 192.0.2.1, AAAA: 2001:db8::1, weight: 3 }\n"
			   "        - { name: ams, A: 192.0.2.2 }\n"
			   "      pick: weighted\n"
			   "    - name: us\n"
			   "      members: [ { name: nyc, A: 192.0.2.9 } ]\n"
			   "  policies:\n"
			   "    - name: near-eu\n"
			   "      failover: [eu, us]\n"
			   "    - name: web\n"
			   "      geo:\n"
			   "        map: own\n"
			   "        rules: [ { regions: [de, fr], to: near-eu } ]\n"
			   "        default: us\n"
			   "      fallback: nothing\n"
			   "      ttl: { steady: 60, failed-over: 5 }\n"
			   "zones:\n"
			   "  - name: example.\n"
			   "    file: a.zone\n"
			   "    steer:\n"
			   "      - { name: www, types: [A, AAAA], policy: web }\n"
			   "      - { name: '*.x.example.', types: [A], policy: near-eu }\n";

static struct vly_config *
load(const char *text, struct vly_config_errors *errors)
{
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
	return vly_config_load(path, errors);
}

Test(config_steer, words_become_numbers)
{
	struct vly_config_errors errors;
	struct vly_config *config = load(good, &errors);

	cr_assert_not_null(config, "%s", errors.cnt ? errors.text[0] : "");
	const struct vly_config_steer *steer = config->steer;
	cr_expect(steer->ecs->is_on);
	cr_expect_eq(steer->ecs->allowed.cnt, 1);
	cr_expect_eq(steer->pools[0].members[0].weight_number, 3);
	cr_expect_eq(steer->pools[0].members[0].record[VLY_STEER_A].len, 4);
	cr_expect_arr_eq(steer->pools[0].members[0].record[VLY_STEER_A].data, "\xc0\x00\x02\x01",
			 4);
	cr_expect_eq(steer->pools[0].members[0].record[VLY_STEER_AAAA].len, 16);
	cr_expect_eq(steer->pools[0].answer_max, 1);
	cr_expect_eq(steer->policies[0].target[1], 1);
	cr_expect_eq(steer->policies[0].ttl_steady, 300);
	cr_expect_eq(steer->policies[0].ttl_failed_over, 30);
	cr_expect_eq(steer->policies[1].geo->rules[0].target, 2, "the policy behind two pools");
	cr_expect_eq(steer->policies[1].geo->target, 1);
	cr_expect_eq(steer->policies[1].fallback_id, VLY_STEER_FALLBACK_NOTHING);
	cr_expect_eq(steer->policies[1].ttl_failed_over, 5);
	const struct vly_config_steer_name *name = config->zones[0].steer;
	cr_expect_eq(config->zones[0].steer_cnt, 2);
	cr_expect_eq(name[0].wire_len, 13);
	cr_expect_arr_eq(name[0].wire, "\3www\7example", 13);
	cr_expect_eq(name[0].read_cnt, 2);
	cr_expect_eq(name[0].policy_idx, 1);
	cr_expect_arr_eq(name[1].wire, "\1*\1x\7example", 13);
	vly_config_free(config);
}

static const char checked[] =
	"health:\n"
	"  checks: [ { name: site, type: icmp, address: 203.0.113.1 } ]\n"
	"steer:\n"
	"  pools:\n"
	"    - name: eu\n"
	"      check: { type: http, path: /health }\n"
	"      members:\n"
	"        - { name: both, A: 192.0.2.1, AAAA: 2001:db8::1 }\n"
	"        - { name: own, A: 192.0.2.2, check: { type: tcp, port: 7 } }\n"
	"        - { name: cdn, CNAME: cdn.example., address: 192.0.2.3 }\n"
	"        - { name: site, A: 192.0.2.4, check: { use: site } }\n"
	"        - { name: at, A: 192.0.2.5, address: 192.0.2.6 }\n"
	"    - name: one\n"
	"      check: { type: tcp, port: 7, address: 192.0.2.2 }\n"
	"      members:\n"
	"        - { name: x, MX: 10 mx.example. }\n"
	"        - { name: y, A: 192.0.2.8, AAAA: 2001:db8::8 }\n"
	"    - name: command\n"
	"      check: { type: file, file: /x }\n"
	"      members: [ { name: z, A: 192.0.2.8, AAAA: 2001:db8::8 } ]\n"
	"zones: []\n";

Test(config_steer, members_get_the_checks_that_are_meant)
{
	static const struct {
		unsigned pool, member, cnt;
		const char *target[VLY_STEER_CHECKS_MAX];
	} wanted[] = {
		{0, 0, 2, {"http 192.0.2.1 port 80", "http 2001:db8::1 port 80"}},
		{0, 1, 1, {"tcp 192.0.2.2 port 7"}},
		{0, 2, 1, {"http 192.0.2.3 port 80"}},
		{0, 3, 1, {"icmp 203.0.113.1"}},
		{0, 4, 1, {"http 192.0.2.6 port 80"}},
		{1, 0, 1, {"tcp 192.0.2.2 port 7"}},
		{1, 1, 1, {"tcp 192.0.2.2 port 7"}},
		{2, 0, 1, {"file /x"}},
	};
	struct vly_config_errors errors;
	struct vly_config *config = load(checked, &errors);
	char target[VLY_HEALTH_TARGET_BYTES];

	cr_assert_not_null(config, "%s", errors.cnt ? errors.text[0] : "");
	const struct vly_config_steer_pool *pools = config->steer->pools;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		const struct vly_config_steer_member *member =
			&pools[wanted[i].pool].members[wanted[i].member];
		cr_assert_eq(member->check_cnt, wanted[i].cnt, "%s", member->name);
		for (unsigned n = 0; n < member->check_cnt; n++) {
			vly_health_check_target(&member->checks[n].check, target);
			cr_expect_str_eq(target, wanted[i].target[n], "%s", member->name);
		}
	}
	cr_expect(pools[0].members[3].checks[0].is_named &&
		  !pools[0].members[0].checks[0].is_named);
	cr_expect_str_eq(pools[0].members[1].checks[0].id, pools[1].members[0].checks[0].id,
			 "equal checks are one");
	cr_expect_str_neq(pools[0].members[0].checks[0].id, pools[0].members[0].checks[1].id);
	vly_config_free(config);
}

/* Replaces `from` of the good text by `to`, and expects the error. */
static void
expect_refusal(const char *from, const char *to, const char *wanted)
{
	static char text[8192];
	struct vly_config_errors errors;
	const char *at = strstr(good, from);

	cr_assert_not_null(at, "%s", from);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
	struct vly_config *config = load(text, &errors);
	cr_assert_null(config, "taken: %s", to);
	bool found = false;
	for (unsigned i = 0; i < errors.cnt; i++)
		found |= strcmp(errors.text[i], wanted) == 0;
	cr_expect(found, "wanted: %s\nfound: %s", wanted, errors.cnt ? errors.text[0] : "nothing");
	vly_config_errors_free(&errors);
}

Test(config_steer, mistakes_are_told_with_their_lines)
{
	static const char *const mistakes[][3] = {
		{"mode: on", "mode: maybe", "volley.yaml:2: steer.ecs.mode: must be on or off"},
		{"{ name: own, file: own.txt }", "{ name: own }",
		 "volley.yaml:4: steer.maps[0]: one of mmdb and file must be given"},
		{"by: country", "by: city",
		 "volley.yaml:5: steer.maps[1].by: by must be country, continent, subdivision or "
		 "asn"},
		{"name: land", "name: own",
		 "volley.yaml:5: steer.maps[1].name: duplicate map: own"},
		{"A: 192.0.2.2", "A: 192.0.2.300",
		 "volley.yaml:10: steer.pools[0].members[1].A: the address is not an IPv4 address"},
		{"A: 192.0.2.2", "B: 192.0.2.2",
		 "volley.yaml:10: steer.pools[0].members[1].B: unknown key"},
		{", A: 192.0.2.2", ", weight: 2",
		 "volley.yaml:10: steer.pools[0].members[1]: one of A, AAAA, CNAME, MX, SRV, HTTPS "
		 "and "
		 "TXT must be given"},
		{"A: 192.0.2.2", "A: 192.0.2.2, CNAME: a.example.",
		 "volley.yaml:10: steer.pools[0].members[1]: CNAME must stand alone: a name with "
		 "it has "
		 "nothing else"},
		{"weight: 3", "weight: 1001",
		 "volley.yaml:9: steer.pools[0].members[0].weight: must be a number from 1 to "
		 "1000"},
		{"name: ams", "name: fra",
		 "volley.yaml:10: steer.pools[0].members[1]: duplicate member: fra"},
		{"pick: weighted", "pick: best",
		 "volley.yaml:11: steer.pools[0].pick: must be weighted, rotate, sticky or all"},
		{"pick: weighted", "max: 9",
		 "volley.yaml:11: steer.pools[0].max: must be a number from 1 to 8"},
		{"pick: weighted", "min: 3",
		 "volley.yaml:11: steer.pools[0].min: must be a number from 1 to 2, the members of "
		 "the "
		 "pool"},
		{"pick: weighted", "check: { type: tcp }",
		 "volley.yaml:11: steer.pools[0].check.port: must be given"},
		{"pick: weighted", "check: { path: / }",
		 "volley.yaml:11: steer.pools[0].check: type must be given: tcp, tls, http, https, "
		 "dns, icmp, command or file"},
		{"pick: weighted", "check: { use: x }",
		 "volley.yaml:11: steer.pools[0].check.use: there is no check of this name in "
		 "health.checks"},
		{"pick: weighted", "check: { use: x, fall: 3 }",
		 "volley.yaml:11: steer.pools[0].check: use must stand alone: the check that it "
		 "names has all other keys"},
		{"pick: weighted", "check: { use: x, type: tcp }",
		 "volley.yaml:11: steer.pools[0].check: use must stand alone: the check that it "
		 "names has all other keys"},
		{"{ name: ams, A: 192.0.2.2 }", "{ name: ams, A: 192.0.2.2, address: 192.0.2.7 }",
		 "volley.yaml:10: steer.pools[0].members[1].address: is of use with a check only, "
		 "and neither the member nor its pool has one"},
		{"{ name: ams, A: 192.0.2.2 }",
		 "{ name: ams, A: 192.0.2.2, address: ams, check: { type: icmp } }",
		 "volley.yaml:10: steer.pools[0].members[1].address: must be an IPv4 or IPv6 "
		 "address"},
		{"{ name: ams, A: 192.0.2.2 }", "{ name: ams, TXT: x, check: { type: icmp } }",
		 "volley.yaml:10: steer.pools[0].members[1]: its check needs A, AAAA or address: "
		 "there is nothing to be checked"},
		{"{ name: ams, A: 192.0.2.2 }",
		 "{ name: ams, A: 192.0.2.2, check: { type: icmp, address: ams } }",
		 "volley.yaml:10: steer.pools[0].members[1].check.address: must be an IPv4 or IPv6 "
		 "address"},
		{"name: us", "name: eu", "volley.yaml:12: steer.pools[1].name: duplicate pool: eu"},
		{"[eu, us]", "[eu, asia]",
		 "volley.yaml:16: steer.policies[0].failover[1]: there is no pool and no policy "
		 "asia"},
		{"[eu, us]", "[eu, eu]",
		 "volley.yaml:16: steer.policies[0].failover[1]: eu is listed twice"},
		{"[eu, us]", "[eu, web]",
		 "volley.yaml:15: steer.policies[0]: policy near-eu leads to itself"},
		{"      failover: [eu, us]\n", "",
		 "volley.yaml:15: steer.policies[0]: one of to, geo and failover must be given"},
		{"map: own", "map: sea",
		 "volley.yaml:19: steer.policies[1].geo.map: there is no map sea"},
		{"[de, fr]", "[de, de]",
		 "volley.yaml:20: steer.policies[1].geo.rules[0].regions[1]: de is listed twice"},
		{"fallback: nothing", "fallback: none",
		 "volley.yaml:22: steer.policies[1].fallback: must be everything, last-known, "
		 "nothing or "
		 "a pool; there is no pool none"},
		{"steady: 60", "steady: 2147483648",
		 "volley.yaml:23: steer.policies[1].ttl.steady: must be a number of seconds from 0 "
		 "to "
		 "2147483647"},
		{"name: www", "name: www.example.net.",
		 "volley.yaml:28: zones[0].steer[0].name: www.example.net. is not in the zone"},
		{"[A, AAAA]", "[A, PTR]",
		 "volley.yaml:28: zones[0].steer[0].types[1]: must be A, AAAA, CNAME, MX, SRV, "
		 "HTTPS or "
		 "TXT"},
		{"[A, AAAA]", "[A, MX]",
		 "volley.yaml:28: zones[0].steer[0].types: no member of the policy's pools has MX"},
		{"[A, AAAA]", "[A, CNAME]",
		 "volley.yaml:28: zones[0].steer[0].types: CNAME must stand alone: it answers for "
		 "all "
		 "types"},
		{"policy: web", "policy: mail",
		 "volley.yaml:28: zones[0].steer[0].policy: there is no policy mail"},
		{"'*.x.example.'", "WWW",
		 "volley.yaml:29: zones[0].steer[1].name: WWW has a policy for this type already"},
	};

	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++)
		expect_refusal(mistakes[i][0], mistakes[i][1], mistakes[i][2]);
}

Test(config_steer, pools_that_stand_in_for_each_other_are_picked_alike)
{
	expect_refusal(
		"      members: [ { name: nyc, A: 192.0.2.9 } ]\n",
		"      pick: sticky\n"
		"      members: [ { name: nyc, A: 192.0.2.9 }, { name: lax, A: 192.0.2.8 } ]\n",
		"volley.yaml:17: steer.policies[0].failover: pools eu and us stand in for each "
		"other, so pick, sticky-ipv4 and sticky-ipv6 must be the same");
}

Test(config_steer, one_map_for_policies_inside_each_other)
{
	expect_refusal(
		"      failover: [eu, us]\n",
		"      geo: { map: land, rules: [ { regions: [DE], to: eu } ], default: us }\n",
		"volley.yaml:17: steer.policies[1]: policies inside each other must use one map; "
		"near-eu uses another one");
}
