/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sections `tls`, `remotes`, `transfers` and `templates`; what zones say follows from them. */
#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_parts.h"

/* 20 transfers fill a link of 1 Gbit/s, and each takes memory for its records. */
#define IN_MAX_DEFAULT  "20"
#define IN_RATE_DEFAULT "0"
/* A whole zone is in memory while it is checked. 10 million names fit. */
#define IN_SIZE_DEFAULT "4G"
/* As much in 2 hours takes 5 Mbit/s. */
#define IN_TIME_DEFAULT     "2h"
#define REVIEW_SIZE_DEFAULT "1G"
#define REVIEW_TIME_DEFAULT "1m"
#define OUT_MAX_DEFAULT     "1000"
#define OUT_TIME_DEFAULT    "10m"

#define IN_MAX_MAX        10000
#define IN_RATE_MAX       (UINT64_C(1) << 40)
#define IN_SIZE_MAX       (UINT64_C(1) << 42)
#define IN_TIME_MAX_S     604800
#define REVIEW_SIZE_MAX   (UINT64_C(1) << 42)
#define REVIEW_TIME_MAX_S 86400
#define OUT_MAX_MAX       1000000
#define OUT_TIME_MAX_S    86400

static bool
set_default(char **value, const char *text)
{
	if (!*value)
		*value = strdup(text);
	return *value != NULL;
}

int
vly_config_feed_defaults(struct vly_config *config)
{
	bool done = true;

	for (unsigned i = 0; i < config->tls_cnt; i++)
		done &= set_default(&config->tls[i].verify, "strict");
	if (!config->transfers)
		config->transfers = calloc(1, sizeof(*config->transfers));
	struct vly_config_transfers *transfers = config->transfers;
	return done && transfers && set_default(&transfers->in_max, IN_MAX_DEFAULT) &&
			       set_default(&transfers->in_rate, IN_RATE_DEFAULT) &&
			       set_default(&transfers->in_size, IN_SIZE_DEFAULT) &&
			       set_default(&transfers->in_time, IN_TIME_DEFAULT) &&
			       set_default(&transfers->review_size, REVIEW_SIZE_DEFAULT) &&
			       set_default(&transfers->review_time, REVIEW_TIME_DEFAULT) &&
			       set_default(&transfers->out_max, OUT_MAX_DEFAULT) &&
			       set_default(&transfers->out_time, OUT_TIME_DEFAULT)
		       ? 0
		       : -1;
}

static bool
read_pin(const char *text, uint8_t pin[VLY_PIN_BYTES])
{
	const gnutls_datum_t base64 = {(uint8_t *)(uintptr_t)text, (unsigned)strlen(text)};
	gnutls_datum_t octets = {0};
	bool good = gnutls_base64_decode2(&base64, &octets) == 0 && octets.size == VLY_PIN_BYTES;

	if (good)
		memcpy(pin, octets.data, VLY_PIN_BYTES);
	gnutls_free(octets.data);
	return good;
}

void
vly_config_pins_read(char *const *text, unsigned cnt, uint8_t (**pin)[VLY_PIN_BYTES],
		     const char *path, struct vly_config_findings *findings)
{
	char place[VLY_CONFIG_PATH_BYTES];

	*pin = calloc(cnt + 1, sizeof(**pin));
	if (!*pin) {
		vly_config_find(findings, path, 0, "out of memory");
		return;
	}
	for (unsigned i = 0; i < cnt; i++) {
		snprintf(place, sizeof(place), "%.400s[%u]", path, i);
		if (!read_pin(text[i], (*pin)[i]))
			vly_config_find(
				findings, place, 0,
				"must be the SHA-256 of a public key in Base64, 44 characters");
	}
}

static void
check_profile(struct vly_config_tls *tls, unsigned idx, struct vly_config_findings *findings)
{
	char path[64];

	tls->is_opportunistic = strcmp(tls->verify, "opportunistic") == 0;
	if (!tls->is_opportunistic && strcmp(tls->verify, "strict") != 0)
		vly_config_find(findings, "tls[%u].verify", idx, "must be strict or opportunistic");
	if (tls->certificate_file && !tls->key_file)
		vly_config_find(findings, "tls[%u].certificate-file", idx,
				"needs key-file, the certificate's private key");
	if (tls->key_file && !tls->certificate_file)
		vly_config_find(findings, "tls[%u].key-file", idx,
				"needs certificate-file, the key's certificate");
	snprintf(path, sizeof(path), "tls[%u].pins", idx);
	vly_config_pins_read(tls->pins, tls->pin_cnt, &tls->pin, path, findings);
}

static void
check_profiles(struct vly_config *config, struct vly_config_refs *refs,
	       struct vly_config_findings *findings)
{
	for (unsigned i = 0; i < config->tls_cnt; i++) {
		struct vly_config_tls *tls = &config->tls[i];
		check_profile(tls, i, findings);
		if (!vly_config_names_add(&refs->tls, tls->name, tls))
			vly_config_find(findings, "tls[%u].name", i, "duplicate profile: %.200s",
					tls->name);
	}
}

bool
vly_config_address_read(const char *text, unsigned port, bool takes_port,
			struct sockaddr_storage *address)
{
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)address;
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)address;
	char host[INET6_ADDRSTRLEN];
	size_t len = strcspn(text, "@");
	uint64_t number = port;

	*address = (struct sockaddr_storage){0};
	if (len >= sizeof(host))
		return false;
	snprintf(host, sizeof(host), "%.*s", (int)len, text);
	if (text[len] == '@' &&
	    (!takes_port ||
	     !vly_config_number_read(text + len + 1, vly_config_no_units, 1, 65535, &number)))
		return false;
	if (inet_pton(AF_INET, host, &ipv4->sin_addr) == 1) {
		ipv4->sin_family = AF_INET;
		ipv4->sin_port = htons((uint16_t)number);
	} else if (inet_pton(AF_INET6, host, &ipv6->sin6_addr) == 1) {
		ipv6->sin6_family = AF_INET6;
		ipv6->sin6_port = htons((uint16_t)number);
	}
	return address->ss_family != 0;
}

static void
check_addresses(struct vly_config_remote *remote, unsigned idx,
		struct vly_config_findings *findings)
{
	unsigned port = remote->tls ? VLY_PORT_TLS : VLY_PORT_DNS;
	char path[64];

	remote->address = calloc(remote->address_cnt, sizeof(*remote->address));
	if (!remote->address)
		vly_config_find(findings, "remotes[%u]", idx, "out of memory");
	for (unsigned i = 0; remote->address && i < remote->address_cnt; i++) {
		snprintf(path, sizeof(path), "remotes[%u].address[%u]", idx, i);
		if (!vly_config_address_read(remote->addresses[i], port, true, &remote->address[i]))
			vly_config_find(findings, path, 0,
					"%.100s: must be an IPv4 or IPv6 address, and may have a "
					"port: 192.0.2.1@5353",
					remote->addresses[i]);
	}
	if (remote->source && !vly_config_address_read(remote->source, 0, false, &remote->from))
		vly_config_find(findings, "remotes[%u].source", idx,
				"must be an IPv4 or IPv6 address without a port");
	for (unsigned i = 0; remote->address && remote->from.ss_family && i < remote->address_cnt;
	     i++)
		if (remote->address[i].ss_family &&
		    remote->address[i].ss_family != remote->from.ss_family)
			vly_config_find(
				findings, "remotes[%u].source", idx,
				"is no source for %.60s: make two remotes, one for IPv4 and "
				"one for IPv6",
				remote->addresses[i]);
}

static void
check_remote(struct vly_config_remote *remote, unsigned idx, const struct vly_config_refs *refs,
	     struct vly_config_findings *findings)
{
	const char *why = remote->key ? vly_config_settle_name(&remote->key) : NULL;

	if (strcmp(remote->name, "ns") == 0)
		vly_config_find(
			findings, "remotes[%u].name", idx,
			"must not be ns, which means the name servers of a zone in `notify`");
	check_addresses(remote, idx, findings);
	if (remote->key && !why && !vly_config_names_find(&refs->keys, remote->key))
		why = "there is no such key in keys";
	if (why)
		vly_config_find(findings, "remotes[%u].key", idx, "%.200s: %s", remote->key, why);
	if (!remote->tls)
		return;
	remote->profile = vly_config_names_find(&refs->tls, remote->tls);
	if (!remote->profile)
		vly_config_find(findings, "remotes[%u].tls", idx,
				"%.200s: there is no such profile in tls", remote->tls);
	else if (!remote->profile->is_opportunistic && !remote->profile->hostname &&
		 remote->profile->pin_cnt == 0)
		vly_config_find(findings, "remotes[%u].tls", idx,
				"%.200s: give the profile hostname or pins, by which the server is "
				"verified, or verify: opportunistic",
				remote->tls);
}

static void
check_transfers(struct vly_config_transfers *transfers, const struct vly_config_refs *refs,
		struct vly_config_findings *findings)
{
	uint64_t number = 0;

	if (!vly_config_number_read(transfers->in_max, vly_config_no_units, 1, IN_MAX_MAX, &number))
		vly_config_find(findings, "transfers.in-max", 0, "must be a number from 1 to %u",
				IN_MAX_MAX);
	transfers->in_cnt_max = (uint32_t)number;
	if (!vly_config_number_read(transfers->in_rate, vly_config_size_units, 0, IN_RATE_MAX,
				    &transfers->in_bytes_per_s) ||
	    (transfers->in_bytes_per_s > 0 && transfers->in_bytes_per_s < 1024))
		vly_config_find(findings, "transfers.in-rate", 0,
				"must be 0 for no limit, or octets in a second from 1k on, such as "
				"500k, 20M or 1G");
	if (!vly_config_number_read(transfers->in_size, vly_config_size_units, 1024, IN_SIZE_MAX,
				    &transfers->in_bytes_max))
		vly_config_find(findings, "transfers.in-size", 0,
				"must be a number of octets from 1k on, such as 500M or 64G");
	if (!vly_config_number_read(transfers->in_time, vly_config_time_units, 1, IN_TIME_MAX_S,
				    &number))
		vly_config_find(findings, "transfers.in-time", 0,
				"must be a time of at most a week, such as 10m or 2h");
	transfers->in_time_s = (uint32_t)number;
	if (!vly_config_number_read(transfers->review_size, vly_config_size_units, 1024,
				    REVIEW_SIZE_MAX, &transfers->review_bytes_max))
		vly_config_find(findings, "transfers.review-size", 0,
				"must be a number of octets from 1k on, such as 500M or 64G");
	if (!vly_config_number_read(transfers->review_time, vly_config_time_units, 1,
				    REVIEW_TIME_MAX_S, &number))
		vly_config_find(findings, "transfers.review-time", 0,
				"must be a time of at most a day, such as 90s or 10m");
	transfers->review_time_s = (uint32_t)number;
	if (!vly_config_number_read(transfers->out_max, vly_config_no_units, 1, OUT_MAX_MAX,
				    &number))
		vly_config_find(findings, "transfers.out-max", 0, "must be a number from 1 to %u",
				OUT_MAX_MAX);
	transfers->out_cnt_max = (uint32_t)number;
	if (!vly_config_number_read(transfers->out_time, vly_config_time_units, 1, OUT_TIME_MAX_S,
				    &number))
		vly_config_find(findings, "transfers.out-time", 0,
				"must be a time of at most a day, such as 90s or 10m");
	transfers->out_time_s = (uint32_t)number;
	if (!transfers->tls)
		return;
	transfers->profile = vly_config_names_find(&refs->tls, transfers->tls);
	if (!transfers->profile)
		vly_config_find(findings, "transfers.tls", 0,
				"%.200s: there is no such profile in tls", transfers->tls);
	else if (!transfers->profile->certificate_file)
		vly_config_find(findings, "transfers.tls", 0,
				"%.200s: the profile has no certificate-file, without which we "
				"can't serve",
				transfers->tls);
	else if (transfers->profile->ca_file && transfers->profile->pin_cnt == 0)
		vly_config_find(
			findings, "transfers.tls", 0,
			"%.200s: the profile has ca-file, by which no client is refused: serve "
			"with a profile without it, and give the profile pins, or transfer-to "
			"of the zones certificate-pins",
			transfers->tls);
}

/* The files of members. */
static void
check_file_pattern(const struct vly_config_template *template, unsigned idx,
		   struct vly_config_findings *findings)
{
	const char *mark = template->file ? strstr(template->file, "%s") : NULL;

	if (template->file && (!mark || strstr(mark + 2, "%s")))
		vly_config_find(findings, "templates[%u].file", idx,
				"must have one %%s, which stands for the name of the zone");
	if (template->file && template->feed.primary_cnt > 0)
		vly_config_find(findings, "templates[%u].file", idx,
				"must not stand beside `primaries`");
	if (template->living && strcmp(template->living, "true") != 0 &&
	    strcmp(template->living, "false") != 0)
		vly_config_find(findings, "templates[%u].living", idx, "must be true or false");
}

static void
check_templates(struct vly_config *config, struct vly_config_refs *refs,
		struct vly_config_findings *findings)
{
	char path[64];

	for (unsigned i = 0; i < config->template_cnt; i++)
		if (!vly_config_names_add(&refs->templates, config->templates[i].name,
					  &config->templates[i]))
			vly_config_find(findings, "templates[%u].name", i,
					"duplicate template: %.200s", config->templates[i].name);
	for (unsigned i = 0; i < config->template_cnt; i++) {
		snprintf(path, sizeof(path), "templates[%u]", i);
		vly_config_feed_read(&config->templates[i].feed, path, refs, findings);
		check_file_pattern(&config->templates[i], i, findings);
	}
}

/* Sets the feed of a zone whose own words have been read without an error. */
static void
settle_zone(struct vly_config_zone *zone, unsigned idx, const struct vly_config_refs *refs,
	    struct vly_config_findings *findings)
{
	const struct vly_config_template *template =
		zone->template ? vly_config_names_find(&refs->templates, zone->template) : NULL;
	char path[64];

	if (zone->template && !template)
		vly_config_find(findings, "zones[%u].template", idx,
				"%.200s: there is no such template in templates", zone->template);
	zone->feed = zone->own ? &zone->own->feed : template ? &template->feed : NULL;
	if (!zone->own)
		return;
	snprintf(path, sizeof(path), "zones[%u]", idx);
	unsigned before = findings->total;
	vly_config_feed_read(&zone->own->feed, path, refs, findings);
	if (!template || findings->total > before)
		return;
	vly_config_feed_forget(&zone->own->feed);
	if (vly_config_feed_inherit(&zone->own->feed, &template->feed) != 0) {
		vly_config_find(findings, path, 0, "out of memory");
		return;
	}
	/* the template's mistakes have been reported at the template */
	struct vly_config_findings again = {0};
	vly_config_feed_read(&zone->own->feed, path, refs, &again);
}

static int
begin(struct vly_config *config, struct vly_config_refs *refs)
{
	*refs = (struct vly_config_refs){.transfers = config->transfers};
	if (vly_config_names_begin(&refs->keys, config->key_cnt) != 0 ||
	    vly_config_names_begin(&refs->tls, config->tls_cnt) != 0 ||
	    vly_config_names_begin(&refs->remotes, config->remote_cnt) != 0 ||
	    vly_config_names_begin(&refs->templates, config->template_cnt) != 0)
		return -1;
	for (unsigned i = 0; i < config->key_cnt; i++)
		(void)vly_config_names_add(&refs->keys, config->keys[i].name, &config->keys[i]);
	return 0;
}

void
vly_config_feed_check(struct vly_config *config, struct vly_config_findings *findings)
{
	struct vly_config_refs refs;

	if (begin(config, &refs) != 0) {
		vly_config_find(findings, "", 0, "out of memory");
	} else {
		check_profiles(config, &refs, findings);
		for (unsigned i = 0; i < config->remote_cnt; i++) {
			struct vly_config_remote *remote = &config->remotes[i];
			check_remote(remote, i, &refs, findings);
			if (!vly_config_names_add(&refs.remotes, remote->name, remote))
				vly_config_find(findings, "remotes[%u].name", i,
						"duplicate remote: %.200s", remote->name);
		}
		check_transfers(config->transfers, &refs, findings);
		if (strcmp(config->dataplane->stream_tls_port, "0") != 0 && !config->transfers->tls)
			vly_config_find(findings, "dataplane.stream-tls-port", 0,
					"needs transfers.tls, the profile with the certificate");
		check_templates(config, &refs, findings);
		for (unsigned i = 0; i < config->zone_cnt; i++)
			settle_zone(&config->zones[i], i, &refs, findings);
	}
	vly_config_names_free(&refs.keys);
	vly_config_names_free(&refs.tls);
	vly_config_names_free(&refs.remotes);
	vly_config_names_free(&refs.templates);
}
