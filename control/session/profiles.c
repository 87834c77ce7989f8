/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "profiles.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "config/config.h"

struct loaded {
	char *name;
	struct vly_credentials *credentials; /* NULL: `reason` says why */
	char reason[VLY_REASON_BYTES];
};

struct vly_profiles {
	unsigned ref_cnt;
	struct loaded server; /* without a name: there is none */
	unsigned client_cnt;
	struct loaded client[];
};

/* The source points into the profile. A server has no peer with a name, and is never opportunistic. */
static struct vly_credentials_source
make_source(const struct vly_config_tls *profile, enum vly_credentials_roles role)
{
	const bool is_client = role == VLY_CREDENTIALS_CLIENT;

	return (struct vly_credentials_source){
		.name = profile->name,
		.roles = role,
		.certificate_file = profile->certificate_file,
		.key_file = profile->key_file,
		.ca_file = profile->ca_file,
		.hostname = is_client ? profile->hostname : NULL,
		.pins = (const uint8_t(*)[VLY_PIN_BYTES])profile->pin,
		.pin_cnt = profile->pin_cnt,
		.opportunistic = is_client && profile->is_opportunistic,
	};
}

/* Returns false without memory. */
static bool
load(struct loaded *to, const struct vly_config_tls *profile, enum vly_credentials_roles role)
{
	const struct vly_credentials_source source = make_source(profile, role);

	to->name = strdup(profile->name);
	if (!to->name)
		return false;
	to->credentials = vly_credentials_load(&source, to->reason, sizeof(to->reason));
	return true;
}

static bool
is_used(const struct vly_config *config, const struct vly_config_tls *profile)
{
	for (unsigned i = 0; i < config->remote_cnt; i++)
		if (config->remotes[i].profile == profile)
			return true;
	return false;
}

struct vly_profiles *
vly_profiles_load(const struct vly_config *config)
{
	struct vly_profiles *profiles =
		calloc(1, sizeof(*profiles) + config->tls_cnt * sizeof(profiles->client[0]));
	const struct vly_config_tls *server = config->transfers->profile;

	if (!profiles)
		return NULL;
	profiles->ref_cnt = 1;
	bool is_whole = !server || load(&profiles->server, server, VLY_CREDENTIALS_SERVER);
	for (unsigned i = 0; is_whole && i < config->tls_cnt; i++)
		if (is_used(config, &config->tls[i]))
			is_whole = load(&profiles->client[profiles->client_cnt++], &config->tls[i],
					VLY_CREDENTIALS_CLIENT);
	if (is_whole)
		return profiles;
	vly_profiles_release(profiles);
	return NULL;
}

struct vly_profiles *
vly_profiles_hold(struct vly_profiles *profiles)
{
	if (profiles)
		profiles->ref_cnt++;
	return profiles;
}

static void
unload(struct loaded *loaded)
{
	vly_credentials_release(loaded->credentials);
	free(loaded->name);
}

void
vly_profiles_release(struct vly_profiles *profiles)
{
	if (!profiles || --profiles->ref_cnt > 0)
		return;
	unload(&profiles->server);
	for (unsigned i = 0; i < profiles->client_cnt; i++)
		unload(&profiles->client[i]);
	free(profiles);
}

static struct vly_credentials *
give(const struct loaded *loaded, char reason[VLY_REASON_BYTES])
{
	if (!loaded->credentials)
		snprintf(reason, VLY_REASON_BYTES, "%s", loaded->reason);
	return loaded->credentials;
}

struct vly_credentials *
vly_profiles_client(const struct vly_profiles *profiles, const char *name,
		    char reason[VLY_REASON_BYTES])
{
	for (unsigned i = 0; profiles && i < profiles->client_cnt; i++)
		if (strcmp(profiles->client[i].name, name) == 0)
			return give(&profiles->client[i], reason);
	snprintf(reason, VLY_REASON_BYTES, "out of memory");
	return NULL;
}

struct vly_credentials *
vly_profiles_server(const struct vly_profiles *profiles, char reason[VLY_REASON_BYTES])
{
	if (profiles && profiles->server.name)
		return give(&profiles->server, reason);
	snprintf(reason, VLY_REASON_BYTES, "out of memory");
	return NULL;
}

void
vly_profiles_log(const struct vly_profiles *profiles)
{
	for (unsigned i = 0; profiles && i < profiles->client_cnt; i++)
		if (!profiles->client[i].credentials)
			vly_log_error("%s", profiles->client[i].reason);
}
