/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "config/config.h"
#include "notifier_parts.h"
#include "session/profiles.h"
#include "zone/domain.h"

/* How long a message waits while there are VLY_NOTIFY_SENT_MAX. */
#define FULL_MS 250

void
vly_notify_target_free(struct vly_notify_target *target)
{
	vly_notify_peer_leave(target);
	if (target->send != NULL) {
		vly_notify_cancel(target->send);
		target->zone->notifier->sent_cnt--;
	}
	free(target->problem);
	free(target->label);
	free(target);
}

void
vly_notify_target_address(const struct vly_notify_target *target, unsigned idx, uint8_t address[16],
			  uint16_t *port)
{
	const struct sockaddr_storage *from = &target->address[idx];
	const struct sockaddr_in *in = (const struct sockaddr_in *)from;

	memset(address, 0, 16);
	if (from->ss_family == AF_INET) {
		memcpy(address, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
		memcpy(address + 12, &in->sin_addr, 4);
	} else {
		memcpy(address, &((const struct sockaddr_in6 *)from)->sin6_addr, 16);
	}
	*port = ntohs(in->sin_port); /* in the same place in both families */
}

static void
set_address(struct sockaddr_storage *to, const uint8_t address[16])
{
	*to = (struct sockaddr_storage){0};
	if (memcmp(address, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0) {
		struct sockaddr_in *in = (struct sockaddr_in *)to;
		in->sin_family = AF_INET;
		in->sin_port = htons(VLY_DNS_PORT);
		memcpy(&in->sin_addr, address + 12, 4);
	} else {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(VLY_DNS_PORT);
		memcpy(&in6->sin6_addr, address, 16);
	}
}

static bool
is_own(const struct vly_notifier *notifier, const uint8_t address[16])
{
	for (unsigned i = 0; i < notifier->own_cnt; i++)
		if (memcmp(notifier->own[i], address, 16) == 0)
			return true;
	return false;
}

/* Whether two targets are the same server. */
static bool
is_same(const struct vly_notify_target *left, const struct vly_notify_target *right)
{
	return strcmp(left->label, right->label) == 0 && left->address_cnt == right->address_cnt &&
	       memcmp(left->address, right->address,
		      left->address_cnt * sizeof(left->address[0])) == 0;
}

/* Takes the same server out of a list; NULL: it is not there. */
static struct vly_notify_target *
take(struct vly_notify_target **list, const struct vly_notify_target *like)
{
	for (; *list != NULL; list = &(*list)->next) {
		struct vly_notify_target *target = *list;
		if (!is_same(target, like))
			continue;
		*list = target->next;
		return target;
	}
	return NULL;
}

/* Adds a target, or the one of `old` that is the same server. `fresh` is taken over. */
static void
add(struct vly_notify_zone *zone, struct vly_notify_target *fresh, struct vly_notify_target **old)
{
	struct vly_notify_target *target = NULL;

	if (fresh == NULL)
		return;
	fresh->zone = zone;
	if (fresh->label != NULL && fresh->address_cnt > 0)
		target = take(old, fresh);
	else
		fresh->address_cnt = 0;
	if (target != NULL) {
		target->remote = fresh->remote;
		fresh->address_cnt = 0;
	} else if (fresh->address_cnt > 0) {
		target = fresh;
		fresh = NULL;
	}
	if (fresh != NULL)
		vly_notify_target_free(fresh);
	if (target == NULL)
		return;
	target->is_wanted = true;
	target->round = 0;
	target->next_ms = 0;
	target->next = zone->target;
	zone->target = target;
}

static void
add_remote(struct vly_notify_zone *zone, const struct vly_config_remote *remote,
	   struct vly_notify_target **old)
{
	struct vly_notify_target *target = calloc(1, sizeof(*target));

	if (target == NULL)
		return;
	target->remote = remote;
	target->label = strdup(remote->name);
	for (unsigned i = 0; i < remote->address_cnt && i < VLY_NOTIFY_ADDRESSES_MAX; i++)
		target->address[target->address_cnt++] = remote->address[i];
	add(zone, target, old);
}

static void
add_host(struct vly_notify_zone *zone, const struct vly_notify_host *host,
	 struct vly_notify_target **old)
{
	struct vly_notify_target *target = calloc(1, sizeof(*target));
	char text[VLY_DOMAIN_TEXT_BYTES];

	if (target == NULL)
		return;
	target->label = strdup(vly_domain_text(host->name, text));
	for (unsigned i = 0; i < host->address_cnt; i++)
		if (!is_own(zone->notifier, host->address[i]))
			set_address(&target->address[target->address_cnt++], host->address[i]);
	add(zone, target, old);
}

void
vly_notify_zone_build(struct vly_notify_zone *zone, const struct vly_config_feed *feed,
		      const struct vly_notify_facts *facts)
{
	struct vly_notify_target *old = zone->target;
	struct vly_notify_target *next;

	zone->target = NULL;
	for (unsigned i = 0; i < feed->target_cnt; i++)
		add_remote(zone, feed->target[i], &old);
	for (unsigned i = 0; feed->notifies_ns && i < facts->host_cnt; i++)
		add_host(zone, &facts->host[i], &old);
	for (; old != NULL; old = next) {
		next = old->next;
		vly_notify_target_free(old);
	}
}

static void
set_problem(struct vly_notify_target *target, const char *problem)
{
	free(target->problem);
	target->problem = *problem != '\0' ? strdup(problem) : NULL;
}

void
vly_notify_target_fail(struct vly_notify_target *target, const char *problem)
{
	const uint64_t now = uv_now(target->zone->notifier->settings.loop);

	set_problem(target, problem);
	target->time_s = (uint64_t)time(NULL);
	if (++target->round < VLY_NOTIFY_ROUNDS_MAX) {
		target->is_wanted = true;
		target->progress = VLY_NOTIFY_WAITING;
		target->next_ms =
			now + (VLY_NOTIFY_PAUSE_S * UINT64_C(1000) << (target->round - 1));
		vly_notify_zone_schedule(target->zone, target->next_ms);
		return;
	}
	target->is_wanted = false;
	target->progress = VLY_NOTIFY_LOST;
	vly_log_warning("NOTIFY of %s to %s is not answered: %s", target->zone->name, target->label,
			problem);
}

static void
on_done(void *arg, const struct vly_notify_outcome *outcome)
{
	struct vly_notify_target *target = arg;

	target->send = NULL;
	target->zone->notifier->sent_cnt--;
	target->try_cnt += outcome->try_cnt;
	target->address_idx = outcome->address_idx;
	if (target->is_wanted) /* there is another change */
		vly_notify_zone_schedule(target->zone, target->next_ms);
	if (!outcome->is_answered) {
		vly_notify_target_fail(target, outcome->problem);
		vly_notify_peer_fails(target, outcome->problem);
		return;
	}
	target->round = 0;
	target->rcode = outcome->rcode;
	target->time_s = (uint64_t)time(NULL);
	target->progress =
		outcome->rcode == VLY_RCODE_NOERROR ? VLY_NOTIFY_DONE : VLY_NOTIFY_DENIED;
	set_problem(target, "");
	if (target->progress == VLY_NOTIFY_DONE)
		vly_notify_kept_end(target->zone);
	if (outcome->rcode != VLY_RCODE_NOERROR)
		vly_log_warning("NOTIFY of %s to %s is answered with RCODE %u", target->zone->name,
				target->label, outcome->rcode);
	vly_notify_peer_answers(target);
}

/* Key and credentials of a remote. Returns 0, or -1 with the reason. */
static int
prepare(struct vly_notify_target *target, struct vly_notify_server *server,
	char reason[VLY_REASON_BYTES])
{
	struct vly_notifier *notifier = target->zone->notifier;
	const struct vly_config_remote *remote = target->remote;
	uint8_t wire[VLY_NAME_BYTES_MAX];

	server->address = target->address;
	server->address_cnt = target->address_cnt;
	if (remote == NULL)
		return 0;
	server->source = remote->from;
	if (remote->key != NULL) {
		const struct vly_tsig_key *key = notifier->settings.find_key(
			notifier->settings.find_key_arg, wire, vly_domain_wire(remote->key, wire));
		if (key == NULL) {
			snprintf(reason, VLY_REASON_BYTES, "the key %.300s can't be used",
				 remote->key);
			return -1;
		}
		server->key = key;
	}
	if (remote->profile == NULL)
		return 0;
	server->credentials =
		vly_profiles_client(notifier->profiles, remote->profile->name, reason);
	return server->credentials != NULL ? 0 : -1;
}

void
vly_notify_target_transmit(struct vly_notify_target *target)
{
	struct vly_notify_zone *zone = target->zone;
	struct vly_notifier *notifier = zone->notifier;
	struct vly_notify_server server = {0};
	char reason[VLY_REASON_BYTES];
	uint8_t apex[VLY_NAME_BYTES_MAX];

	const struct vly_notify_message message = {
		.apex = apex,
		.apex_len = vly_domain_wire(zone->name, apex),
		.soa = zone->has_soa ? zone->soa : NULL,
		.soa_len = zone->soa_len,
		.soa_ttl = zone->soa_ttl,
	};
	target->is_wanted = false;
	if (target->serial != zone->serial || target->progress != VLY_NOTIFY_WAITING)
		target->try_cnt = 0;
	target->serial = zone->serial;
	target->progress = VLY_NOTIFY_WAITING;
	target->time_s = (uint64_t)time(NULL);
	if (prepare(target, &server, reason) == 0)
		target->send = vly_notify_send(notifier->settings.loop, &message, &server, on_done,
					       target, reason);
	if (target->send != NULL) {
		notifier->sent_cnt++;
		return;
	}
	vly_notify_target_fail(target, reason);
	vly_notify_peer_leave(target);
}

void
vly_notify_target_send(struct vly_notify_target *target)
{
	const struct vly_notifier *notifier = target->zone->notifier;

	if (notifier->sent_cnt >= VLY_NOTIFY_SENT_MAX) {
		target->next_ms = uv_now(notifier->settings.loop) + FULL_MS;
		vly_notify_zone_schedule(target->zone, target->next_ms);
		return;
	}
	switch (vly_notify_peer_enter(target)) {
	case VLY_NOTIFY_NOW:
		vly_notify_target_transmit(target);
		break;
	case VLY_NOTIFY_LATER:
		break;
	case VLY_NOTIFY_NO_MEMORY:
		vly_notify_target_fail(target, "out of memory");
		break;
	}
}
