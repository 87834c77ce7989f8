/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "secondary_parts.h"
#include "session/profile.h"

static bool
is_used(const struct vly_config *config, const struct vly_config_tls *profile)
{
	for (unsigned i = 0; i < config->remote_cnt; i++)
		if (config->remotes[i].profile == profile)
			return true;
	return false;
}

static void
load(struct vly_secondary_tls *tls, const struct vly_config_tls *profile)
{
	const struct vly_credentials_source source =
		vly_profile_source(profile, VLY_CREDENTIALS_CLIENT);

	tls->credentials = vly_credentials_load(&source, tls->reason, sizeof(tls->reason));
	if (!tls->credentials)
		vly_log_error("%s", tls->reason);
}

static void
free_list(struct vly_secondary_tls *tls, unsigned cnt)
{
	for (unsigned i = 0; i < cnt; i++) {
		vly_credentials_release(tls[i].credentials);
		free(tls[i].name);
	}
	free(tls);
}

void
vly_secondary_load_tls(struct vly_secondaries *secondaries, const struct vly_config *config)
{
	struct vly_secondary_tls *list = calloc(config->tls_cnt + 1, sizeof(*list));
	unsigned cnt = 0;

	for (unsigned i = 0; list && i < config->tls_cnt; i++) {
		const struct vly_config_tls *profile = &config->tls[i];
		if (!is_used(config, profile) || !(list[cnt].name = strdup(profile->name)))
			continue;
		load(&list[cnt++], profile);
	}
	vly_secondary_free_tls(secondaries);
	secondaries->tls = list;
	secondaries->tls_cnt = cnt;
}

void
vly_secondary_free_tls(struct vly_secondaries *secondaries)
{
	free_list(secondaries->tls, secondaries->tls_cnt);
	secondaries->tls = NULL;
	secondaries->tls_cnt = 0;
}

struct vly_credentials *
vly_secondary_credentials(struct vly_secondaries *secondaries, const char *name,
			  char reason[VLY_REASON_BYTES])
{
	for (unsigned i = 0; i < secondaries->tls_cnt; i++)
		if (strcmp(secondaries->tls[i].name, name) == 0) {
			snprintf(reason, VLY_REASON_BYTES, "%s", secondaries->tls[i].reason);
			return secondaries->tls[i].credentials;
		}
	snprintf(reason, VLY_REASON_BYTES, "out of memory");
	return NULL;
}
