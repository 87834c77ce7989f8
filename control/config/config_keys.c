/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys of TSIG, and what they may change by dynamic updates. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/reason.h"
#include "config_parts.h"
#include "key/tsig_key.h"
#include "zone/domain.h"

static void
check_key(struct vly_config_key *key, unsigned idx, struct vly_config_findings *findings)
{
	struct vly_tsig_key read;
	const char *why = vly_config_settle_name(&key->name);

	if (why != NULL) {
		vly_config_find(findings, "keys[%u].name", idx, "%.200s: %s", key->name, why);
		return;
	}
	why = vly_tsig_algorithm_check(key->algorithm);
	if (why != NULL)
		vly_config_find(findings, "keys[%u].algorithm", idx, "%s", why);
	else if ((key->secret == NULL) == (key->secret_file == NULL))
		vly_config_find(findings, "keys[%u]", idx,
				"one of secret and secret-file must be given");
	else if (key->secret != NULL &&
		 (why = vly_tsig_key_read(&read, key->name, key->algorithm, key->secret)) != NULL)
		vly_config_find(findings, "keys[%u].secret", idx, "%s", why);
	vly_tsig_key_wipe(&read);
}

void
vly_config_keys_check(struct vly_config *config, struct vly_config_findings *findings)
{
	struct vly_config_names names;

	if (vly_config_names_begin(&names, config->key_cnt) != 0) {
		vly_config_find(findings, "keys", 0, "out of memory");
		return;
	}
	for (unsigned i = 0; i < config->key_cnt; i++) {
		check_key(&config->keys[i], i, findings);
		if (!vly_config_names_add(&names, config->keys[i].name, &config->keys[i]))
			vly_config_find(findings, "keys[%u].name", i, "duplicate key: %.200s",
					config->keys[i].name);
	}
	vly_config_names_free(&names);
}

static void
check_grant(struct vly_grant_text *text, const struct vly_config_names *names, const char *zone,
	    const char *path, struct vly_config_findings *findings)
{
	char reason[VLY_GRANT_REASON_BYTES];
	char member[32] = "key";
	struct vly_grant grant;
	const char *why = vly_config_settle_name(&text->key);

	if (why == NULL && vly_config_names_find(names, text->key) == NULL)
		why = "there is no such key in keys";
	if (why != NULL)
		snprintf(reason, sizeof(reason), "%.180s: %s", text->key, why);
	else if (vly_grant_read(&grant, text, zone, member, reason) == 0)
		vly_grant_free(&grant);
	else
		why = reason;
	if (why == NULL)
		return;
	struct vly_config_finding *finding = vly_config_find(findings, "", 0, "%s", reason);
	if (finding != NULL)
		snprintf(finding->path, sizeof(finding->path), "%s.%s", path, member);
}

void
vly_config_grants_check(struct vly_config *config, struct vly_config_findings *findings)
{
	const bool no_streams = !vly_config_has_streams(config->dataplane);
	struct vly_config_names names;
	char path[64];

	if (vly_config_names_begin(&names, config->key_cnt) != 0) {
		vly_config_find(findings, "keys", 0, "out of memory");
		return;
	}
	for (unsigned i = 0; i < config->key_cnt; i++)
		(void)vly_config_names_add(&names, config->keys[i].name, &config->keys[i]);
	for (unsigned i = 0; i < config->zone_cnt; i++) {
		struct vly_config_zone *zone = &config->zones[i];
		char name[VLY_DOMAIN_TEXT_BYTES];
		if (zone->update_cnt > 0 &&
		    (!zone->name || vly_domain_canonical(zone->name, name) != NULL))
			continue; /* reported by its name */
		for (unsigned j = 0; j < zone->update_cnt; j++) {
			snprintf(path, sizeof(path), "zones[%u].update[%u]", i, j);
			check_grant(&zone->update[j], &names, name, path, findings);
		}
		if (zone->update_cnt > 0 && no_streams)
			vly_config_find(
				findings, "zones[%u].update", i,
				"needs dataplane.stream-threads of 1 or more: these threads "
				"take dynamic updates");
	}
	vly_config_names_free(&names);
}

void
vly_config_keys_check_files(const struct vly_config *config, struct vly_config_findings *findings)
{
	for (unsigned i = 0; i < config->key_cnt; i++) {
		const struct vly_config_key *key = &config->keys[i];
		char reason[VLY_REASON_BYTES];
		struct vly_tsig_key read;
		if (key->secret_file == NULL)
			continue;
		char *secret = vly_tsig_secret_read_file(key->secret_file, reason, sizeof(reason));
		const char *why = reason;
		if (secret != NULL)
			why = vly_tsig_key_read(&read, key->name, key->algorithm, secret);
		if (why != NULL)
			vly_config_find(findings, "keys[%u].secret-file", i, "%s", why);
		if (secret != NULL)
			explicit_bzero(secret, strlen(secret));
		free(secret);
		vly_tsig_key_wipe(&read);
	}
}
