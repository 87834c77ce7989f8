/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <volley/dns.h>
#include <volley/policy.h>

#include "config/config.h"

static char directory[] = "/tmp/volley-config-feed-XXXXXX";
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

TestSuite(config_feed, .init = make_directory, .fini = remove_directory);

static struct vly_config *
load(const char *text, struct vly_config_errors *errors)
{
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
	return vly_config_load(path, errors);
}

static struct vly_config *
load_good(const char *text)
{
	struct vly_config_errors errors;
	struct vly_config *config = load(text, &errors);

	cr_assert_not_null(config, "%s\n%s", errors.cnt ? errors.text[0] : "", text);
	vly_config_errors_free(&errors);
	return config;
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

#define PIN    "R3Nl8KYAUGbMrBmFUzd6hZ0X2oAMuTnZlZGw54DsEc4="
#define KEY    "keys:\n- {name: K.example, secret: c2VjcmV0}\n"
#define TLS    "tls:\n- {name: xot, certificate-file: c, key-file: k, pins: [" PIN "]}\n"
#define REMOTE "remotes:\n- {name: up, address: [192.0.2.1]}\n"

Test(config_feed, remotes_have_addresses_ports_and_profiles)
{
	struct vly_config *config = load_good(
		KEY TLS "remotes:\n"
			"- {name: a, address: [192.0.2.1, '2001:db8::1@5353'], key: K.EXAMPLE}\n"
			"- {name: b, address: ['2001:db8::2'], tls: xot, source: '2001:db8::9'}\n"
			"zones: []\n");
	const struct vly_config_remote *remote = config->remotes;
	char text[INET6_ADDRSTRLEN];

	cr_assert_eq(config->remote_cnt, 2);
	const struct sockaddr_in *ipv4 = (const void *)&remote[0].address[0];
	cr_expect_eq(ipv4->sin_family, AF_INET);
	cr_expect_eq(ntohs(ipv4->sin_port), 53);
	cr_expect_str_eq(inet_ntop(AF_INET, &ipv4->sin_addr, text, sizeof(text)), "192.0.2.1");
	const struct sockaddr_in6 *ipv6 = (const void *)&remote[0].address[1];
	cr_expect_eq(ntohs(ipv6->sin6_port), 5353);
	cr_expect_str_eq(remote[0].key, "k.example.");
	cr_expect_null(remote[0].profile);
	cr_expect_eq(remote[0].from.ss_family, 0);
	ipv6 = (const void *)&remote[1].address[0];
	cr_expect_eq(ntohs(ipv6->sin6_port), 853);
	cr_expect_eq(remote[1].profile, &config->tls[0]);
	cr_expect_eq(remote[1].from.ss_family, AF_INET6);
	cr_expect_eq(config->tls[0].pin[0][0], 0x47);
	cr_expect_eq(config->tls[0].pin[0][31], 0xce);
	cr_expect_not(config->tls[0].is_opportunistic);
	cr_expect_eq(config->tls[0].certificate_file[0], '/', "relative to the file");
	vly_config_free(config);
}

Test(config_feed, wrong_remotes_and_profiles_are_refused)
{
#define BAD(remote, text) expect_error(KEY TLS "remotes:\n- " remote "\nzones: []\n", text)
	BAD("{name: a}", "volley.yaml:6: remotes[0].address: must be given");
	BAD("{name: a, address: []}", "volley.yaml:6: remotes[0].address: must not be empty");
	BAD("{name: a, address: [host]}",
	    "volley.yaml:6: remotes[0].address[0]: host: must be an IPv4 or IPv6 address, and may "
	    "have a port: 192.0.2.1@5353");
	BAD("{name: a, address: [192.0.2.1@0]}",
	    "volley.yaml:6: remotes[0].address[0]: 192.0.2.1@0: must be an IPv4 or IPv6 address, "
	    "and may have a port: 192.0.2.1@5353");
	BAD("{name: a, address: [192.0.2.1], source: 192.0.2.2@1}",
	    "volley.yaml:6: remotes[0].source: must be an IPv4 or IPv6 address without a port");
	BAD("{name: a, address: [192.0.2.1], source: '::1'}",
	    "volley.yaml:6: remotes[0].source: is no source for 192.0.2.1: make two remotes, one "
	    "for IPv4 and one for IPv6");
	BAD("{name: ns, address: [192.0.2.1]}", "volley.yaml:6: remotes[0].name: must not be ns, "
						"which means the name servers of a zone "
						"in `notify`");
	BAD("{name: a, address: [192.0.2.1], key: other}",
	    "volley.yaml:6: remotes[0].key: other.: there is no such key in keys");
	BAD("{name: a, address: [192.0.2.1], tls: other}",
	    "volley.yaml:6: remotes[0].tls: other: there is no such profile in tls");
	BAD("{name: a, address: [192.0.2.1]}\n- {name: a, address: [192.0.2.1]}",
	    "volley.yaml:7: remotes[1].name: duplicate remote: a");
#undef BAD
	expect_error(
		"tls:\n- {name: t}\nremotes:\n- {name: a, address: ['::1'], tls: t}\n"
		"zones: []\n",
		"volley.yaml:4: remotes[0].tls: t: give the profile hostname or pins, by which "
		"the server is verified, or verify: opportunistic");
#define BAD(profile, text) expect_error("tls:\n- " profile "\nzones: []\n", text)
	BAD("{name: t, verify: no}",
	    "volley.yaml:2: tls[0].verify: must be strict or opportunistic");
	BAD("{name: t, key-file: k}",
	    "volley.yaml:2: tls[0].key-file: needs certificate-file, the key's certificate");
	BAD("{name: t, certificate-file: k}", "volley.yaml:2: tls[0].certificate-file: needs "
					      "key-file, the certificate's private key");
	BAD("{name: t, pins: [" PIN ", c2VjcmV0]}",
	    "volley.yaml:2: tls[0].pins[1]: must be the SHA-256 of a public key in Base64, 44 "
	    "characters");
	BAD("{name: t}\n- {name: t}", "volley.yaml:3: tls[1].name: duplicate profile: t");
#undef BAD
}

Test(config_feed, transfers_are_bounded)
{
	struct vly_config *config = load_good("zones: []\n");

	cr_expect_eq(config->transfers->in_cnt_max, 20);
	cr_expect_eq(config->transfers->in_bytes_per_s, 0);
	cr_expect_eq(config->transfers->in_bytes_max, UINT64_C(4) << 30);
	cr_expect_eq(config->transfers->in_time_s, 7200);
	cr_expect_eq(config->transfers->out_cnt_max, 1000);
	cr_expect_eq(config->transfers->out_time_s, 600);
	cr_expect_null(config->transfers->profile);
	vly_config_free(config);
	config = load_good(
		TLS "transfers: {in-max: 3, in-rate: 2M, in-size: 1k, in-time: 90s, out-max: 4, "
		    "out-time: 9s, tls: xot}\nzones: []\n");
	cr_expect_eq(config->transfers->in_cnt_max, 3);
	cr_expect_eq(config->transfers->in_bytes_per_s, 2 << 20);
	cr_expect_eq(config->transfers->in_bytes_max, 1024);
	cr_expect_eq(config->transfers->in_time_s, 90);
	cr_expect_eq(config->transfers->out_cnt_max, 4);
	cr_expect_eq(config->transfers->out_time_s, 9);
	cr_expect_eq(config->transfers->profile, &config->tls[0]);
	vly_config_free(config);
#define BAD(value, text) expect_error("transfers: {" value "}\nzones: []\n", "volley.yaml:1: " text)
	BAD("in-max: 0", "transfers.in-max: must be a number from 1 to 10000");
	BAD("out-max: 1M", "transfers.out-max: must be a number from 1 to 1000000");
	BAD("in-rate: 5",
	    "transfers.in-rate: must be 0 for no limit, or octets in a second from 1k "
	    "on, such as 500k, 20M or 1G");
	BAD("in-size: 5",
	    "transfers.in-size: must be a number of octets from 1k on, such as 500M or 64G");
	BAD("in-time: 8d",
	    "transfers.in-time: must be a time of at most a week, such as 10m or 2h");
	BAD("out-time: 2d",
	    "transfers.out-time: must be a time of at most a day, such as 90s or 10m");
	BAD("tls: t", "transfers.tls: t: there is no such profile in tls");
#undef BAD
	expect_error("dataplane: {stream-tls-port: 853}\nzones: []\n",
		     "volley.yaml:1: dataplane.stream-tls-port: needs transfers.tls, the profile "
		     "with the certificate");
	expect_error(
		"tls: [{name: t}]\ntransfers: {tls: t}\nzones: []\n",
		"volley.yaml:2: transfers.tls: t: the profile has no certificate-file, without "
		"which we can't serve");
	expect_error(
		"tls: [{name: t, certificate-file: c, key-file: k, ca-file: a}]\n"
		"transfers: {tls: t}\nzones: []\n",
		"volley.yaml:2: transfers.tls: t: the profile has ca-file, by which no client is "
		"refused: serve with a profile without it, and give the profile pins, or "
		"transfer-to of the zones certificate-pins");
}

Test(config_feed, a_secondary)
{
	struct vly_config *config = load_good(
		REMOTE
		"- {name: down, address: ['::1']}\n"
		"zones:\n- {name: Z, primaries: [up, down], notify: [ns, down], refresh-max: "
		"1h, notify-from: [192.0.2.0/24], pin-primary: true, on-bogus: warn, "
		"hold: review}\n- {name: y, primaries: [up]}\n");
	const struct vly_config_feed *feed = config->zones[0].feed;

	cr_assert_not_null(feed);
	cr_expect_null(config->zones[0].file);
	cr_expect(vly_config_is_secondary(&config->zones[0]));
	cr_expect(vly_config_is_living(&config->zones[0]));
	cr_assert_eq(feed->primary_cnt, 2);
	cr_expect_eq(feed->primary[0], &config->remotes[0]);
	cr_expect_eq(feed->primary[1], &config->remotes[1]);
	cr_assert_eq(feed->target_cnt, 1);
	cr_expect_eq(feed->target[0], &config->remotes[1]);
	cr_expect(feed->notifies_ns);
	cr_expect_eq(feed->notify_source.cnt, 1);
	cr_expect(feed->pins_primary && feed->is_reviewed);
	cr_expect_eq(feed->bogus, VLY_BOGUS_WARN);
	cr_expect_eq(feed->times.refresh_min_s, 2);
	cr_expect_eq(feed->times.refresh_max_s, 3600);
	cr_expect_eq(feed->times.expire_max_s, 28 * 86400);
	feed = config->zones[1].feed;
	cr_expect(!feed->pins_primary && !feed->is_reviewed && !feed->notifies_ns);
	cr_expect_eq(feed->bogus, VLY_BOGUS_REFUSE);
	cr_expect_eq(config->defence->request_opcodes, 1u << VLY_OPCODE_NOTIFY);
	cr_expect_eq(config->defence->connections, 0);
	vly_config_free(config);
}

Test(config_feed, what_a_secondary_must_not_have)
{
#define BAD(zone, text) expect_error(KEY REMOTE "zones:\n- {name: z, " zone "}\n", text)
	BAD("primaries: [up], file: f", "volley.yaml:6: zones[0].file: must not stand beside "
					"`primaries`: the records come from "
					"there");
	BAD("primaries: [up], update: [{key: k.example}]",
	    "volley.yaml:6: zones[0].update: must not stand beside `primaries`: only the primary "
	    "can "
	    "be updated");
	BAD("primaries: [up], serial: increment", "volley.yaml:6: zones[0].serial: must not stand "
						  "beside `primaries`: the primary sets the "
						  "serial");
	BAD("primaries: [up], living: false", "volley.yaml:6: zones[0].living: must not be false: "
					      "a zone that is transferred or updated "
					      "is a living zone");
	BAD("primaries: [up, other]",
	    "volley.yaml:6: zones[0].primaries[1]: other: there is no such remote in remotes");
	BAD("primaries: []", "volley.yaml:6: zones[0].primaries: must not be empty");
	BAD("primaries: [up], notify: [x]",
	    "volley.yaml:6: zones[0].notify[0]: x: there is no such remote in remotes");
	BAD("primaries: [up], retry-min: 2d",
	    "volley.yaml:6: zones[0].retry-min: must not be more than retry-max");
	BAD("primaries: [up], refresh-min: soon", "volley.yaml:6: zones[0].refresh-min: must be a "
						  "time of at most ten years, such as 90s, "
						  "12h or 30d");
	BAD("primaries: [up], pin-primary: maybe",
	    "volley.yaml:6: zones[0].pin-primary: must be true or false");
	BAD("primaries: [up], on-bogus: serve",
	    "volley.yaml:6: zones[0].on-bogus: must be refuse or warn");
	BAD("primaries: [up], hold: 'yes'", "volley.yaml:6: zones[0].hold: must be review");
	BAD("primaries: [up], template: t",
	    "volley.yaml:6: zones[0].template: t: there is no such template in templates");
	BAD("file: f, hold: review",
	    "volley.yaml:6: zones[0].hold: is of use with `primaries` only");
	BAD("file: f, expire-min: 1d",
	    "volley.yaml:6: zones[0].expire-min: is of use with `primaries` only");
#undef BAD
}

Test(config_feed, who_may_transfer)
{
	struct vly_config *config = load_good(
		KEY TLS "transfers: {tls: xot}\nzones:\n- name: z\n  file: f\n  transfer-to:\n"
			"  - {key: k.example, from: [192.0.2.0/24, '::/0']}\n"
			"  - {tls: required}\n  - {certificate-pins: [" PIN "]}\n");
	const struct vly_config_feed *feed = config->zones[0].feed;

	cr_expect(vly_config_is_living(&config->zones[0]));
	cr_expect_not(vly_config_is_secondary(&config->zones[0]));
	cr_assert_eq(feed->transfer_to_cnt, 3);
	cr_expect_str_eq(feed->transfer_to[0].key, "k.example.");
	cr_expect_eq(feed->transfer_to[0].source.cnt, 2);
	cr_expect_not(feed->transfer_to[0].needs_tls);
	cr_expect(feed->transfer_to[1].needs_tls);
	cr_expect(feed->transfer_to[2].needs_tls);
	cr_expect_eq(feed->transfer_to[2].pin[0][0], 0x47);
	cr_expect_eq(config->defence->request_opcodes,
		     1u << VLY_OPCODE_UPDATE | 1u << VLY_REQUEST_SIGNED_QUERY);
	cr_expect_eq(config->defence->connections, VLY_WISH_TRANSFERS | VLY_WISH_TLS);
	vly_config_free(config);
#define BAD(entry, text)                                                                           \
	expect_error(KEY "zones:\n- {name: z, file: f, transfer-to: [{" entry "}]}\n",             \
		     "volley.yaml:4: zones[0].transfer-to[0]" text)
	BAD("key: x", ".key: x.: there is no such key in keys");
	BAD("from: [x]", ".from[0]: x is not an IPv4 or IPv6 prefix");
	BAD("",
	    ": one of key, from, tls and certificate-pins must be given; to let everyone transfer "
	    "the zone, write from: [0.0.0.0/0, \"::/0\"]");
	BAD("tls: required",
	    ": TLS can't be required: name the profile that we serve with in transfers.tls");
#undef BAD
	expect_error(TLS "transfers: {tls: xot}\n"
			 "zones:\n- {name: z, file: f, transfer-to: [{tls: 'no'}]}\n",
		     "volley.yaml:5: zones[0].transfer-to[0].tls: must be required");
}

Test(config_feed, zones_share_their_template_until_they_differ)
{
	struct vly_config *config = load_good(
		KEY REMOTE
		"- {name: other, address: [192.0.2.2]}\n"
		"templates:\n- name: t\n  primaries: [up]\n  refresh-min: 5s\n  transfer-to:\n"
		"  - {key: k.example, from: [192.0.2.0/24]}\n"
		"zones:\n- {name: a, template: t}\n- {name: b, template: t}\n"
		"- {name: c, template: t, primaries: [other], refresh-max: 6s}\n");
	const struct vly_config_feed *feed = &config->templates[0].feed;

	cr_expect_eq(vly_config_template_find(config, "t"), &config->templates[0]);
	cr_expect_null(vly_config_template_find(config, "u"));
	cr_expect_eq(config->zones[0].feed, feed);
	cr_expect_eq(config->zones[1].feed, feed);
	const struct vly_config_feed *own = config->zones[2].feed;
	cr_expect_neq(own, feed);
	cr_assert_eq(own->primary_cnt, 1);
	cr_expect_str_eq(own->primary[0]->name, "other");
	cr_expect_eq(own->times.refresh_min_s, 5);
	cr_expect_eq(own->times.refresh_max_s, 6);
	cr_expect_eq(feed->times.refresh_max_s, 86400);
	cr_assert_eq(own->transfer_to_cnt, 1);
	cr_expect_str_eq(own->transfer_to[0].key, "k.example.");
	cr_expect_eq(own->transfer_to[0].source.cnt, 1);
	vly_config_free(config);
	/* once, at the template */
	expect_error("templates:\n- {name: t, primaries: [up]}\nzones:\n- {name: a, template: t}\n"
		     "- {name: b, template: t, notify: [ns]}\n",
		     "volley.yaml:2: templates[0].primaries[0]: up: there is no such remote in "
		     "remotes");
	expect_error(
		"templates:\n- {name: t, notify: [ns]}\n- {name: t, notify: [ns]}\nzones: []\n",
		"volley.yaml:3: templates[1].name: duplicate template: t");
	expect_error(
		"templates:\n- {name: t, file: zones/}\nzones: []\n",
		"volley.yaml:2: templates[0].file: must have one %s, which stands for the name "
		"of the zone");
	expect_error(REMOTE "templates:\n- {name: t, file: '%s', primaries: [up]}\nzones: []\n",
		     "volley.yaml:4: templates[0].file: must not stand beside `primaries`");
}

#define TEMPLATE "templates:\n- {name: t, primaries: [up]}\n"

Test(config_feed, catalogs)
{
	struct vly_config *config = load_good(
		REMOTE TEMPLATE
		"zones:\n- {name: c, primaries: [up], catalog: consumer, catalog-templates: "
		"[{template: t}, {group: g, template: t}]}\n"
		"- {name: P, catalog: producer, notify: [up]}\n"
		"- {name: m, file: f, catalog-zone: p, catalog-group: g}\n");

	cr_expect_eq(config->zones[0].feed->role, VLY_CATALOG_CONSUMER);
	cr_assert_eq(config->zones[0].feed->catalog_template_cnt, 2);
	cr_expect_null(config->zones[0].feed->catalog_templates[0].group);
	cr_expect_str_eq(config->zones[0].feed->catalog_templates[1].group, "g");
	cr_expect_eq(config->zones[1].feed->role, VLY_CATALOG_PRODUCER);
	cr_expect(vly_config_is_living(&config->zones[1]));
	cr_expect_str_eq(config->zones[2].feed->catalog_zone, "p.");
	vly_config_free(config);
#define BAD(zone, text)                                                                            \
	expect_error(REMOTE TEMPLATE "zones:\n- {name: z, " zone "}\n",                            \
		     "volley.yaml:6: zones[0]" text)
	BAD("primaries: [up], catalog: both", ".catalog: must be consumer or producer");
	BAD("primaries: [up], catalog: consumer",
	    ".catalog: needs catalog-templates, which say what the members are like");
	BAD("primaries: [up], catalog: producer",
	    ".catalog: must be consumer: a zone with primaries can't be produced");
	BAD("file: f, catalog: producer",
	    ".file: must not stand beside `catalog: producer`, whose records we make");
	BAD("primaries: [up], catalog-templates: [{template: t}]",
	    ".catalog-templates: is of use with `catalog: consumer` only");
	BAD("primaries: [up], catalog: consumer, catalog-templates: [{template: x}]",
	    ".catalog-templates[0]: x: there is no such template in templates");
	BAD("primaries: [up], catalog: consumer, catalog-templates: [{template: t}, {template: t}]",
	    ".catalog-templates[1]: must have a group: only one entry may have none");
	BAD("file: f, catalog-zone: p",
	    ".catalog-zone: p.: there is no such zone with `catalog: producer`");
	BAD("file: f, catalog-group: g", ".catalog-group: is of use with `catalog-zone` only");
#undef BAD
	expect_error("zones:\n- {directory: d, notify: [ns]}\n",
		     "volley.yaml:2: zones[0].directory: only `pattern` may stand beside it: list "
		     "zones that have more");
}

static void
write_file(const char *name, mode_t mode)
{
	char file[128];

	snprintf(file, sizeof(file), "%s/%s", directory, name);
	FILE *stream = fopen(file, "w");
	cr_assert_not_null(stream);
	fclose(stream);
	cr_assert_eq(chmod(file, mode), 0);
}

static void
remove_file(const char *name)
{
	char file[128];

	snprintf(file, sizeof(file), "%s/%s", directory, name);
	unlink(file);
}

/* It may be executed, as directories go. */
Test(config_feed, a_directory_is_no_review_command)
{
	struct vly_config_errors errors;
	char text[300];
	char wanted[200];

	snprintf(text, sizeof(text),
		 REMOTE "zones:\n- {name: a, primaries: [up], hold: review, review-command: %s}\n",
		 directory);
	struct vly_config *config = load_good(text);
	cr_expect_eq(vly_config_check_files(config, path, &errors), 1);
	snprintf(wanted, sizeof(wanted),
		 "volley.yaml:4: zones[0].review-command: %s: this is not a file", directory);
	cr_expect_str_eq(errors.text[0], wanted, "%s", errors.text[0]);
	vly_config_errors_free(&errors);
	vly_config_free(config);
}

Test(config_feed, files_are_looked_at)
{
	struct vly_config_errors errors;
	char wanted[200];

	write_file("c", 0600);
	struct vly_config *config = load_good(TLS "zones: []\n");
	cr_expect_eq(vly_config_check_files(config, path, &errors), 1);
	snprintf(wanted, sizeof(wanted),
		 "volley.yaml:2: tls[0].key-file: %s/k: No such file or directory", directory);
	cr_expect_str_eq(errors.text[0], wanted);
	vly_config_errors_free(&errors);
	write_file("k", 0600);
	cr_expect_eq(vly_config_check_files(config, path, &errors), 0);
	vly_config_free(config);
	remove_file("c");
	remove_file("k");
}

static void
link_file(const char *name, const char *target)
{
	char file[128];

	remove_file(name);
	snprintf(file, sizeof(file), "%s/%s", directory, name);
	cr_assert_eq(symlink(target, file), 0);
}

/* Links to files that are not new: those might change without a new stamp. */
Test(config_feed, a_renewed_certificate_is_a_change)
{
	char text[1024];

	link_file("c", "/etc/passwd");
	link_file("k", "/etc/passwd");
	link_file("cookie-secrets", "/etc/passwd");
	snprintf(text, sizeof(text), "control: {state-dir: %s}\n" TLS "zones: []\n", directory);
	struct vly_config *config = load_good(text);
	cr_expect(vly_config_is_unchanged(config, path));
	link_file("c", "/etc/group");
	cr_expect_not(vly_config_is_unchanged(config, path));
	vly_config_free(config);
	remove_file("c");
	remove_file("k");
	remove_file("cookie-secrets");
}
