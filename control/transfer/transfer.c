/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/log.h"
#include "config/config.h"
#include "notifier.h"
#include "session/profiles.h"
#include "transfer_parts.h"

/* Lines a second about clients: more would only fill the log. */
#define LINES_MAX 10

/* How often times are looked at. */
#define TICK_MS 1000

/* What a request may take, from its first octet to its last. */
#define REQUEST_MS 10000

/* How long a client may take nothing. The kernel takes more from us only when a third of what it
 * has for the client is gone: at 30 kB/s, that may be a minute. */
#define STALL_MS 120000

static void
on_progress(uv_async_t *progress)
{
	vly_answers_close_slow(progress->data);
	vly_answers_progress(progress->data);
	vly_transfer_send_turns(progress->data);
}

/* Why a transfer must not go on; NULL: it may. */
static const char *
look_at(struct vly_transfers *transfers, const struct vly_transfer_client *client)
{
	const char *why = NULL;

	if (uv_now(transfers->settings.loop) - client->start_ms >= transfers->time_max_ms) {
		transfers->counts.slow_cnt++;
		return "it takes longer than transfers.out-time";
	}
	if (transfers->has_new_rules)
		why = vly_transfer_client_judge(client);
	if (why != NULL)
		transfers->counts.refused_cnt++;
	return why;
}

/* Closes the clients whose transfer takes too long, or is not permitted any more. */
static void
on_tick(uv_timer_t *tick)
{
	struct vly_transfers *transfers = tick->data;
	struct vly_transfer_client *next;

	for (struct vly_transfer_client *client = transfers->client; client != NULL;
	     client = next) {
		next = client->next;
		const char *why = client->is_transfer ? look_at(transfers, client) : NULL;
		if (why == NULL)
			continue;
		if (vly_transfers_may_log(transfers))
			vly_log_warning("a transfer of %s is broken off: %s", client->zone, why);
		client->end = why;
		vly_transfer_client_close(client);
	}
	transfers->has_new_rules = false;
	vly_answers_tick(transfers);
}

struct vly_transfers *
vly_transfers_new(const struct vly_transfers_settings *settings)
{
	struct vly_transfers *transfers = calloc(1, sizeof(*transfers));
	const size_t dir_bytes = strlen(settings->state_dir) + sizeof("/transfers");

	if (transfers == NULL)
		return NULL;
	transfers->settings = *settings;
	(void)getrandom(&transfers->handshakes.seed, sizeof(transfers->handshakes.seed),
			GRND_NONBLOCK);
	transfers->dir = malloc(dir_bytes);
	transfers->notifier = vly_notifier_new(settings);
	if (transfers->dir == NULL || transfers->notifier == NULL ||
	    uv_async_init(settings->loop, &transfers->progress, on_progress) != 0) {
		vly_notifier_free(transfers->notifier);
		free(transfers->dir);
		free(transfers);
		return NULL;
	}
	snprintf(transfers->dir, dir_bytes, "%s/transfers", settings->state_dir);
	transfers->idle_end = &transfers->idle;
	transfers->progress.data = transfers;
	uv_timer_init(settings->loop, &transfers->tick);
	transfers->tick.data = transfers;
	transfers->handle_cnt = 2;
	uv_timer_start(&transfers->tick, on_tick, TICK_MS, TICK_MS);
	return transfers;
}

/* If it can't be loaded, the profile that is in use stays. */
static void
take_credentials(struct vly_transfers *transfers, const struct vly_config *config,
		 const struct vly_profiles *profiles)
{
	char reason[VLY_REASON_BYTES];

	if (config->transfers->profile == NULL) {
		vly_credentials_release(transfers->credentials);
		transfers->credentials = NULL;
		return;
	}
	struct vly_credentials *credentials = vly_profiles_server(profiles, reason);
	if (credentials == NULL) {
		vly_log_error("transfers over TLS: %s", reason);
		return;
	}
	if (transfers->credentials != NULL)
		vly_credentials_inherit(credentials, transfers->credentials);
	vly_credentials_release(transfers->credentials);
	transfers->credentials = vly_credentials_hold(credentials);
}

void
vly_transfers_configure(struct vly_transfers *transfers, const struct vly_config *config,
			struct vly_profiles *profiles)
{
	if (vly_zone_rules_configure(&transfers->rules, config) != 0)
		vly_log_error("transfers are refused: out of memory");
	transfers->transfer_max = config->transfers->out_cnt_max;
	transfers->time_max_ms = config->transfers->out_time_s * UINT64_C(1000);
	const bool is_first = !transfers->is_configured;
	transfers->is_configured = true;
	transfers->has_new_rules = true; /* not judged here: members of catalogs come after this */
	take_credentials(transfers, config, profiles);
	if (config->transfers->profile != NULL &&
	    strcmp(config->dataplane->stream_tls_port, "0") == 0)
		vly_log_warning(
			"transfers.tls is not used: dataplane.stream-tls-port is 0, so that no "
			"client comes over TLS; set it, such as to 853, and restart "
			"volley-dataplane");
	vly_notifier_configure(transfers->notifier, &transfers->rules, profiles);
	vly_notifier_sweep(transfers->notifier);
	for (unsigned i = 0; i < config->zone_cnt; i++) {
		vly_notifier_keep(transfers->notifier, config->zones[i].name);
		if (is_first)
			vly_notifier_repeat(transfers->notifier, config->zones[i].name);
	}
}

void
vly_transfers_settle(struct vly_transfers *transfers)
{
	vly_notifier_swept(transfers->notifier);
}

int
vly_transfers_add_zone(struct vly_transfers *transfers, const struct vly_config_zone *zone)
{
	transfers->has_new_rules = true;
	if (vly_zone_rules_add(&transfers->rules, zone) != 0)
		return -1;
	vly_notifier_keep(transfers->notifier, zone->name);
	vly_notifier_repeat(transfers->notifier, zone->name);
	return 0;
}

void
vly_transfers_remove_zone(struct vly_transfers *transfers, const char *name)
{
	transfers->has_new_rules = true;
	vly_zone_rules_remove(&transfers->rules, name);
	vly_answers_changed(transfers, name);
	vly_notifier_forget(transfers->notifier, name);
}

/* Whether all that was sent to a client has arrived. */
static bool
has_all(const struct vly_transfer_client *client)
{
	struct vly_session_counts counts;
	int waiting = 0;

	vly_session_count(client->session, &counts);
	if (counts.sent_cnt == 0)
		return true; /* and what the kernel still has is of a handshake */
	return counts.queued_bytes == 0 && ioctl(client->fd, SIOCOUTQ, &waiting) == 0 &&
	       waiting == 0;
}

/* Closes the connection that has been without a request for the longest time, of a network or (NULL)
 * of all. Returns false when there is none. */
static bool
close_idle(struct vly_transfers *transfers, const struct vly_network *network)
{
	for (struct vly_transfer_client *client = transfers->idle; client != NULL;
	     client = client->next_idle) {
		if ((network != NULL && client->network != network) || !has_all(client))
			continue;
		vly_transfer_client_close(client);
		return true;
	}
	return false;
}

/* When there are too many connections, the network that has the most without a transfer loses one, so
 * that nobody pushes out others. */
static bool
make_room(struct vly_transfers *transfers, const uint8_t address[16])
{
	if (!transfers->is_configured)
		return false;
	if (transfers->client_cnt < transfers->transfer_max + VLY_TRANSFER_SPARE)
		return true;
	const struct vly_network *own = vly_network_find(transfers->networks, address);
	const struct vly_network *largest = vly_network_largest(transfers->networks);
	if (own != NULL && largest != NULL && own->spare_cnt >= largest->spare_cnt)
		return close_idle(transfers, own);
	return close_idle(transfers, largest) || close_idle(transfers, NULL);
}

/* Takes over `fd`. */
static void
adopt(struct vly_transfers *transfers, int fd, const struct vly_transfer_peer *peer,
      const uint8_t *octets, size_t octet_cnt)
{
	struct vly_transfer_client *client = calloc(1, sizeof(*client));
	struct vly_session_limits limits;
	char reason[VLY_REASON_BYTES] = "out of memory";

	if (client == NULL) {
		close(fd);
		return;
	}
	vly_session_limits_default(&limits);
	limits.idle_ms = VLY_TRANSFER_IDLE_S * UINT64_C(1000);
	limits.message_ms = REQUEST_MS;
	limits.send_ms = STALL_MS;
	limits.queue_bytes_max = VLY_TRANSFER_QUEUE_BYTES;
	client->transfers = transfers;
	client->peer = *peer;
	client->fd = fd;
	client->network = vly_network_join(&transfers->networks, peer->address);
	if (client->network == NULL) {
		free(client);
		close(fd);
		return;
	}
	client->session = vly_session_adopt(
		transfers->settings.loop, fd, peer->is_tls ? transfers->credentials : NULL, octets,
		octet_cnt, &limits, &vly_transfer_callbacks, client, reason, sizeof(reason));
	if (client->session == NULL) {
		if (vly_transfers_may_log(transfers))
			vly_log_error("a connection for transfers is closed: %s", reason);
		vly_network_leave(&transfers->networks, client->network);
		free(client);
		return;
	}
	transfers->client_cnt++;
	client->network->spare_cnt++;
	client->next = transfers->client;
	client->prev = &transfers->client;
	if (client->next != NULL)
		client->next->prev = &client->next;
	transfers->client = client;
	vly_transfer_client_idle(client);
}

static bool
may_begin(struct vly_transfers *transfers, const struct vly_transfer_peer *peer)
{
	return !peer->is_tls || vly_handshake_meter_take(&transfers->handshakes, peer->address,
							 uv_now(transfers->settings.loop));
}

void
vly_transfers_connection(struct vly_transfers *transfers, int fd,
			 const struct vly_transfer_peer *peer, const uint8_t *octets,
			 size_t octet_cnt)
{
	transfers->counts.connection_cnt++;
	if (peer->is_tls && transfers->credentials == NULL) {
		if (vly_transfers_may_log(transfers))
			vly_log_warning("a connection over TLS is closed: transfers.tls is not "
					"set, or can't be used");
		close(fd);
	} else if (!may_begin(transfers, peer) || !make_room(transfers, peer->address)) {
		transfers->counts.busy_cnt++;
		close(fd);
	} else {
		adopt(transfers, fd, peer, octets, octet_cnt);
	}
}

void
vly_transfers_changed(struct vly_transfers *transfers, const char *zone, uint32_t serial)
{
	vly_answers_changed(transfers, zone);
	vly_notifier_changed(transfers->notifier, zone, serial);
}

bool
vly_transfers_notify(struct vly_transfers *transfers, const char *zone)
{
	struct vly_living_state state;

	if (!vly_living_find(transfers->settings.living, zone, &state))
		return false;
	return vly_notifier_changed(transfers->notifier, zone, state.serial);
}

bool
vly_transfers_may_log(struct vly_transfers *transfers)
{
	const uint64_t second = uv_now(transfers->settings.loop) / 1000;

	if (transfers->line_second != second) {
		transfers->line_second = second;
		transfers->line_cnt = 0;
	}
	return transfers->line_cnt++ < LINES_MAX;
}

void
vly_transfers_walk(const struct vly_transfers *transfers,
		   bool (*fn)(void *arg, const struct vly_transfer_state *state), void *arg)
{
	for (const struct vly_transfer_client *client = transfers->client; client != NULL;
	     client = client->next) {
		if (!client->is_transfer)
			continue;
		const struct vly_transfer_state state = {
			.zone = client->zone,
			.peer = client->peer,
			.key = client->key != NULL ? client->key : "",
			.is_incremental = client->answer->kind == VLY_ANSWER_DIFFERENCE,
			.serial = atomic_load(&client->answer->serial),
			.octet_cnt = client->octet_cnt,
			.message_cnt = client->message_cnt,
			.start_ms = client->start_ms,
		};
		if (!fn(arg, &state))
			return;
	}
}

void
vly_transfers_counts(const struct vly_transfers *transfers, struct vly_transfers_counts *counts)
{
	*counts = transfers->counts;
	counts->connections = transfers->client_cnt;
	counts->transfers = transfers->transfer_cnt;
	counts->spools = transfers->answer_cnt;
	counts->spool_bytes = atomic_load(&transfers->usage.memory_bytes) +
			      atomic_load(&transfers->usage.file_bytes);
}

void
vly_transfers_walk_notifies(const struct vly_transfers *transfers, const char *zone,
			    bool (*fn)(void *arg, const struct vly_notify_state *state), void *arg)
{
	vly_notifier_walk(transfers->notifier, zone, fn, arg);
}

void
vly_transfers_release(struct vly_transfers *transfers)
{
	if (transfers->handle_cnt > 0 || transfers->read_cnt > 0)
		return;
	vly_answers_free(transfers);
	vly_past_free(&transfers->past);
	vly_zone_rules_free(&transfers->rules);
	vly_credentials_release(transfers->credentials);
	free(transfers->dir);
	free(transfers);
}

static void
on_handle_closed(uv_handle_t *handle)
{
	struct vly_transfers *transfers = handle->data;

	transfers->handle_cnt--;
	vly_transfers_release(transfers);
}

void
vly_transfers_free(struct vly_transfers *transfers)
{
	struct vly_transfer_client *next;

	if (transfers == NULL)
		return;
	transfers->is_freed = true;
	for (struct vly_transfer_client *client = transfers->client; client != NULL;
	     client = next) {
		next = client->next;
		vly_transfer_client_close(client);
	}
	vly_notifier_free(transfers->notifier);
	transfers->notifier = NULL;
	uv_close((uv_handle_t *)&transfers->progress, on_handle_closed);
	uv_close((uv_handle_t *)&transfers->tick, on_handle_closed);
}
