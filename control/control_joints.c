/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What parts ask of each other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "control.h"

static void
configure_health(struct vly_health *health, const struct vly_config_health *config)
{
	struct vly_health_wanted *wanted = calloc(config->check_cnt + 1, sizeof(*wanted));

	for (unsigned i = 0; wanted && i < config->check_cnt; i++)
		wanted[i] = (struct vly_health_wanted){config->checks[i].name, &config->read[i]};
	vly_health_set_socket(health, config->socket);
	if (!wanted || vly_health_want(health, VLY_HEALTH_OF_CONFIG, wanted, config->check_cnt) < 0)
		vly_log_error("the checks of health.checks are not those of the configuration");
	free(wanted);
}

static const struct vly_health_state *
find_state(void *arg, const char *id)
{
	return vly_health_find(arg, id);
}

/* Tells the steerer what checks say about a member. While they have said nothing, it stays what it was. */
static void
judge(const struct vly_control *control, const struct vly_config_steer_pool *pool,
      const struct vly_config_steer_member *member)
{
	const struct vly_steer_verdict verdict =
		vly_steer_checks_judge(member, find_state, control->health);
	char id[VLY_STEER_MEMBER_ID_BYTES];

	snprintf(id, sizeof(id), "%s/%s", pool->name, member->name);
	if (member->check_cnt == 0)
		vly_steerer_forget(control->steerer, id);
	else if (verdict.is_known)
		vly_steerer_set(control->steerer, id, verdict.is_healthy, verdict.by->reason,
				(int64_t)(verdict.by->since_unix_ms / 1000));
}

static void
on_health(void *arg, const struct vly_health_state *state)
{
	const struct vly_control *control = arg;
	const struct vly_steer_checks *checks = control->pool_checks;

	if (!checks)
		return;
	for (unsigned i = vly_steer_checks_find(checks, state->id);
	     i < checks->cnt && strcmp(checks->item[i].check->id, state->id) == 0; i++)
		judge(control, checks->item[i].pool, checks->item[i].member);
}

/* Those that are named are wanted as health.checks. */
static void
want_pool_checks(struct vly_health *health, const struct vly_steer_checks *checks)
{
	struct vly_health_wanted *wanted = calloc(checks->cnt + 1, sizeof(*wanted));
	char(*name)[VLY_STEER_CHECK_NAME_BYTES] = calloc(checks->cnt + 1, sizeof(*name));
	unsigned cnt = 0;

	for (unsigned i = 0; wanted && name && i < checks->cnt; i++)
		if (!checks->item[i].check->is_named) {
			wanted[cnt] = (struct vly_health_wanted){
				vly_steer_check_name(&checks->item[i], name[cnt]),
				&checks->item[i].check->check};
			cnt++;
		}
	if (!wanted || !name || vly_health_want(health, VLY_HEALTH_OF_POOLS, wanted, cnt) < 0)
		vly_log_error("the checks of pools are not those of the configuration");
	free(wanted);
	free(name);
}

static void
configure_pool_checks(struct vly_control *control)
{
	struct vly_steer_model *model = vly_steerer_look(control->steerer).model;
	struct vly_steer_checks *checks = model ? vly_steer_checks_new(model) : NULL;

	if (!checks) {
		vly_log_error("the checks of pools stay as they were: out of memory");
		return;
	}
	want_pool_checks(control->health, checks);
	vly_steer_checks_free(control->pool_checks);
	control->pool_checks = checks;
	for (unsigned i = 0; i < model->config->pool_cnt; i++) {
		const struct vly_config_steer_pool *pool = &model->config->pools[i];
		for (unsigned n = 0; n < pool->member_cnt; n++)
			judge(control, pool, &pool->members[n]);
	}
}

/* States are there before the first block of a configuration is made, so that it begins with them. */
void
vly_control_configure_steering(struct vly_control *control, const struct vly_config *config,
			       struct vly_steer_model *model)
{
	configure_health(control->health, config->health);
	vly_steerer_configure(control->steerer, model);
	configure_pool_checks(control);
}

static struct vly_key_files *
read_keys(void *arg, const struct vly_config *config)
{
	const struct vly_control *control = arg;

	return vly_updater_read_files(control->updater, config);
}

static void
on_config(void *arg, const struct vly_config *config, const struct vly_reload_files *files)
{
	struct vly_control *control = arg;

	vly_updater_configure(control->updater, config, files->keys);
	vly_secondaries_configure(control->secondaries, config, files->profiles);
	vly_transfers_configure(control->transfers, config, files->profiles);
	vly_catalogs_configure(control->catalogs, config);
	vly_transfers_settle(control->transfers);
	vly_producers_configure(control->producers, config);
	vly_aliases_configure(control->aliases, config);
	vly_control_configure_steering(control, config,
				       vly_reloader_served(control->reloader)->steer);
}

/* Requests of clients, by their opcode. The publisher has checked that there is a header. */
static void
on_request(void *arg, const struct vly_publish_client_request *request)
{
	const struct vly_control *control = arg;

	if ((request->message[2] >> 3 & 15) == VLY_OPCODE_NOTIFY)
		vly_secondaries_on_request(control->secondaries, request);
	else
		vly_updater_on_request(control->updater, request);
}

static const struct vly_tsig_key *
find_key(void *arg, const uint8_t *name, unsigned name_len)
{
	const struct vly_control *control = arg;

	return vly_updater_find_key(control->updater, name, name_len);
}

static bool
is_expired(void *arg, const char *zone)
{
	const struct vly_control *control = arg;

	return vly_secondaries_has_expired(control->secondaries, zone);
}

struct vly_secondaries *
vly_control_new_secondaries(struct vly_control *control, const char *state_dir,
			    const struct vly_hash_key *key)
{
	const struct vly_secondaries_settings settings = {
		.loop = control->loop,
		.state_dir = state_dir,
		.key = key,
		.living = control->living,
		.publisher = control->publisher,
		.find_key = find_key,
		.find_key_arg = control,
	};

	return vly_secondaries_new(&settings);
}

/* What has expired is not given away. */
static bool
is_ready(void *arg, const char *zone)
{
	const struct vly_control *control = arg;
	struct vly_secondary_state state;

	return !vly_secondaries_state(control->secondaries, zone, &state) ||
	       (state.is_loaded && !state.is_expired);
}

/* A member of a catalog is served, or is about to go. */
static void
on_member(void *arg, const struct vly_config_zone *zone, bool is_there)
{
	struct vly_control *control = arg;
	const struct vly_served_zone *served =
		vly_served_zones_find(vly_reloader_served(control->reloader), zone->name);
	int result = 0;

	if (!is_there && served && !served->is_member)
		; /* the configuration has a zone of this name now */
	else if (!is_there || !vly_config_is_secondary(zone))
		vly_secondaries_remove(control->secondaries, zone->name);
	else
		result = vly_secondaries_add(control->secondaries, zone);
	if (!is_there)
		vly_transfers_remove_zone(control->transfers, zone->name);
	else if (result == 0)
		result = vly_transfers_add_zone(control->transfers, zone);
	if (result != 0)
		vly_log_error("zone %s is not transferred: out of memory", zone->name);
}

/* Secondaries that get a NOTIFY ask the dataplane. */
static bool
is_served(void *arg)
{
	const struct vly_control *control = arg;
	struct vly_publisher_status status;

	vly_publisher_status(control->publisher, &status);
	return status.connected && !status.held_back && status.generation != 0;
}

struct vly_transfers *
vly_control_new_transfers(struct vly_control *control, const char *state_dir)
{
	const struct vly_transfers_settings settings = {
		.loop = control->loop,
		.living = control->living,
		.state_dir = state_dir,
		.find_key = find_key,
		.find_key_arg = control,
		.is_ready = is_ready,
		.is_ready_arg = control,
		.is_served = is_served,
		.is_served_arg = control,
	};

	return vly_transfers_new(&settings);
}

static void
on_zone_change(void *arg, const char *zone, uint32_t serial)
{
	const struct vly_control *control = arg;

	vly_transfers_changed(control->transfers, zone, serial);
}

/* A connection that the dataplane hands over. */
static void
on_connection(void *arg, int socket, const struct vly_publish_connection *connection)
{
	const struct vly_control *control = arg;
	struct vly_transfer_peer peer = {
		.port = connection->client_port,
		.is_tls = (connection->flags & VLY_CONNECTION_TLS) != 0,
	};

	memcpy(peer.address, connection->client, sizeof(peer.address));
	vly_transfers_connection(control->transfers, socket, &peer, connection->octets,
				 connection->octet_bytes);
}

void
vly_control_join(struct vly_control *control)
{
	vly_catalogs_attach(control->catalogs, control->reloader);
	vly_catalogs_on_member(control->catalogs, on_member, control);
	vly_reloader_on_config(control->reloader, read_keys, on_config, control);
	vly_reloader_on_expired(control->reloader, is_expired, control);
	vly_publisher_on_request(control->publisher, on_request, control);
	vly_publisher_on_connection(control->publisher, on_connection, control);
	vly_living_on_change(control->living, on_zone_change, control);
	vly_health_on_change(control->health, on_health, control);
}

static enum vly_alias_served
find_zone(void *arg, const char *name)
{
	const struct vly_control *control = arg;
	const struct vly_served_zone *zone =
		vly_served_zones_find(vly_reloader_served(control->reloader), name);

	return !zone             ? VLY_ALIAS_NOT_SERVED
	       : zone->is_living ? VLY_ALIAS_SERVED_LIVING
				 : VLY_ALIAS_SERVED_FILE;
}

struct vly_aliases *
vly_control_new_aliases(struct vly_control *control, const char *state_dir)
{
	const struct vly_aliases_settings settings = {
		.loop = control->loop,
		.state_dir = state_dir,
		.living = control->living,
		.find_zone = find_zone,
		.find_zone_arg = control,
	};

	return vly_aliases_new(&settings);
}
