/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "config/config.h"
#include "notifier_parts.h"

/* After a read of the store has failed: doubled until READ_PAUSE_MAX_MS. */
#define READ_PAUSE_MS     5000
#define READ_PAUSE_MAX_MS 40000

static void
wait_for_read(struct vly_notify_zone *zone)
{
	struct vly_notifier *notifier = zone->notifier;

	if (zone->prev != NULL)
		return;
	zone->next = NULL;
	zone->prev = notifier->unread_end;
	*notifier->unread_end = zone;
	notifier->unread_end = &zone->next;
	vly_notifier_set_timer(notifier);
}

void
vly_notify_zone_stop_waiting(struct vly_notify_zone *zone)
{
	struct vly_notifier *notifier = zone->notifier;

	if (zone->prev == NULL)
		return;
	*zone->prev = zone->next;
	if (zone->next != NULL)
		zone->next->prev = zone->prev;
	else
		notifier->unread_end = zone->prev;
	zone->prev = NULL;
}

/* The SOA goes with the message if it is the one that is answered. */
static void
keep_soa(struct vly_notify_zone *zone, const struct vly_notify_facts *facts)
{
	zone->has_soa = false;
	if (facts->serial != zone->serial)
		return;
	uint8_t *soa = realloc(zone->soa, facts->soa_len);
	if (soa == NULL)
		return;
	memcpy(soa, facts->soa, facts->soa_len);
	zone->soa = soa;
	zone->soa_len = facts->soa_len;
	zone->soa_ttl = facts->soa_ttl;
	zone->has_soa = true;
}

static int
on_read(struct vly_living_read *living_read, struct vly_store_txn *txn,
	const struct vly_store_zone *zone, char reason[VLY_REASON_BYTES])
{
	struct vly_notify_read *read = (struct vly_notify_read *)living_read;

	return vly_notify_facts_read(&read->facts, read->with_hosts, txn, zone, reason);
}

static bool
is_served(const struct vly_notifier *notifier)
{
	const struct vly_transfers_settings *settings = &notifier->settings;

	return settings->is_served == NULL || settings->is_served(settings->is_served_arg);
}

static void
fail_read(struct vly_notify_zone *zone)
{
	uint64_t pause = READ_PAUSE_MS;

	for (unsigned i = 0; i < zone->fail_cnt && pause < READ_PAUSE_MAX_MS; i++)
		pause *= 2;
	zone->fail_cnt++;
	zone->is_stale = true;
	zone->next_ms = uv_now(zone->notifier->settings.loop) + pause;
}

static void
on_read_done(struct vly_living_read *living_read, const char *error)
{
	struct vly_notify_read *read = (struct vly_notify_read *)living_read;
	struct vly_notifier *notifier = read->notifier;
	struct vly_notify_zone *zone = read->zone;

	notifier->read_cnt--;
	if (zone != NULL)
		zone->read = NULL;
	const struct vly_config_feed *feed = zone != NULL && !notifier->is_freed
						     ? vly_notify_zone_feed(notifier, zone->name)
						     : NULL;
	if (error != NULL)
		vly_log_warning("NOTIFY of %s is not sent yet: %s", read->name, error);
	if (feed != NULL && error == NULL) {
		zone->fail_cnt = 0;
		keep_soa(zone, &read->facts);
		vly_notify_zone_build(zone, feed, &read->facts);
		vly_notify_zone_send(zone);
	} else if (feed != NULL) {
		fail_read(zone);
	}
	if (feed != NULL && zone->is_stale)
		vly_notify_zone_schedule(zone, zone->next_ms);
	free(read->name);
	free(read);
	if (notifier->is_freed)
		vly_notifier_release(notifier);
	else
		vly_notifier_read_unread(notifier);
}

/* Reads what a message needs, or waits for its turn, or until the zone is served. */
static void
begin_read(struct vly_notify_zone *zone, const struct vly_config_feed *feed)
{
	struct vly_notifier *notifier = zone->notifier;

	if (notifier->read_cnt >= VLY_NOTIFY_READS_MAX || !is_served(notifier)) {
		wait_for_read(zone);
		return;
	}
	struct vly_notify_read *read = calloc(1, sizeof(*read));
	if (read == NULL || (read->name = strdup(zone->name)) == NULL) {
		free(read);
		wait_for_read(zone);
		return;
	}
	zone->is_stale = false;
	zone->next_ms = uv_now(notifier->settings.loop) + VLY_NOTIFY_GAP_MS;
	zone->read = read;
	notifier->read_cnt++;
	read->notifier = notifier;
	read->zone = zone;
	read->with_hosts = feed->notifies_ns;
	read->read.zone = read->name;
	read->read.read = on_read;
	read->read.done = on_read_done;
	vly_living_read(notifier->settings.living, &read->read);
}

void
vly_notify_zone_renew(struct vly_notify_zone *zone, const struct vly_config_feed *feed)
{
	if (!zone->is_stale || zone->read != NULL || zone->prev != NULL)
		return;
	if (zone->next_ms <= uv_now(zone->notifier->settings.loop))
		begin_read(zone, feed);
	else
		vly_notify_zone_schedule(zone, zone->next_ms);
}

void
vly_notifier_read_unread(struct vly_notifier *notifier)
{
	const unsigned room = VLY_NOTIFY_READS_MAX - notifier->read_cnt;

	for (unsigned i = 0; i < room && notifier->unread != NULL && is_served(notifier); i++) {
		struct vly_notify_zone *zone = notifier->unread;
		vly_notify_zone_stop_waiting(zone);
		vly_notify_zone_step(zone);
	}
}
