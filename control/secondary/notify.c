/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * NOTIFY (RFC 1996). Anybody can send one with the address of a primary, so that it costs little: it is
 * answered at once, and makes at most one check of the zone in VLY_SECONDARY_QUIET_MS, unless the checks
 * find something new.
 */
#include <string.h>

#include <volley/octets.h>

#include "base/message.h"
#include "key/tsig.h"
#include "living/serial.h"
#include "publish/publisher.h"
#include "secondary_parts.h"
#include "zone/domain.h"

/* Header, question and TSIG. */
#define RESPONSE_BYTES (VLY_DNS_HEADER_BYTES + 4 * VLY_NAME_BYTES_MAX + 256)

struct notify {
	struct vly_secondaries *secondaries;
	const struct vly_publish_client_request *request;
	struct vly_message_name name; /* lower case */
	struct vly_tsig tsig;
	const struct vly_tsig_key *key;
	unsigned tsig_error;
	size_t question_end;
	bool has_serial;
	uint32_t serial;
	int primary; /* that it comes from; -1: from `notify-from` */
};

static void
respond(const struct notify *notify, enum vly_rcode rcode)
{
	const struct vly_publish_client_request *request = notify->request;
	struct vly_secondaries *secondaries = notify->secondaries;
	uint8_t response[RESPONSE_BYTES] = {0};
	size_t len = notify->question_end ? notify->question_end : VLY_DNS_HEADER_BYTES;

	memcpy(response, request->message, len);
	response[2] = (uint8_t)(0x80 | VLY_OPCODE_NOTIFY << 3 | 0x04);
	response[3] = (uint8_t)rcode;
	memset(response + 4, 0, 8);
	response[5] = notify->question_end != 0;
	if (notify->tsig.found && notify->tsig_error != VLY_TSIG_FORMERR)
		len = vly_tsig_append(response, len, sizeof(response), &notify->tsig, notify->key,
				      notify->tsig_error, vly_secondary_now_s());
	secondaries->counts.notify_refused_cnt += rcode != VLY_RCODE_NOERROR;
	vly_publisher_respond(secondaries->settings.publisher, request->header.seq, response, len);
}

/* The serial, if the answer section has the SOA: a hint (RFC 1996 §3.7). */
static void
read_serial(struct notify *notify, struct vly_message_reader *reader)
{
	const uint8_t *message = notify->request->message;
	struct vly_message_record record;

	if (vly_be16(message + 6) == 0 || !vly_message_record(reader, &record))
		return;
	vly_message_name_lower(&record.owner);
	if (record.type != VLY_TYPE_SOA || record.class != VLY_CLASS_IN || record.data_len < 22 ||
	    record.owner.len != notify->name.len ||
	    memcmp(record.owner.wire, notify->name.wire, notify->name.len) != 0)
		return;
	notify->serial = vly_be32(message + record.data_off + record.data_len - 20);
	notify->has_serial = true;
}

static enum vly_rcode
read_message(struct notify *notify)
{
	const struct vly_publish_client_request *request = notify->request;
	struct vly_message_reader reader = {request->message, request->message_bytes,
					    VLY_DNS_HEADER_BYTES};
	uint16_t type;
	uint16_t class;

	if (vly_be16(request->message + 4) != 1 ||
	    !vly_message_question(&reader, &notify->name, &type, &class))
		return VLY_RCODE_FORMERR;
	notify->question_end = VLY_DNS_HEADER_BYTES + notify->name.len + 4u;
	if (reader.at != notify->question_end) { /* a compressed name has nothing to point to */
		notify->question_end = 0;
		return VLY_RCODE_FORMERR;
	}
	vly_message_name_lower(&notify->name);
	if (type != VLY_TYPE_SOA || class != VLY_CLASS_IN)
		return VLY_RCODE_NOTIMP;
	read_serial(notify, &reader);
	if (vly_tsig_find(&notify->tsig, request->message, request->message_bytes) != 0) {
		notify->tsig.found = false;
		return VLY_RCODE_FORMERR;
	}
	return VLY_RCODE_NOERROR;
}

static void
write_address(uint8_t to[16], const struct sockaddr_storage *address)
{
	const struct sockaddr_in *in4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;

	if (address->ss_family == AF_INET6) {
		memcpy(to, &in6->sin6_addr, 16);
		return;
	}
	memset(to, 0, 10);
	to[10] = to[11] = 0xff;
	memcpy(to + 12, &in4->sin_addr, 4);
}

static bool
has_address(const struct vly_config_remote *remote, const uint8_t client[16])
{
	uint8_t address[16];

	for (unsigned i = 0; i < remote->address_cnt; i++) {
		write_address(address, &remote->address[i]);
		if (memcmp(address, client, sizeof(address)) == 0)
			return true;
	}
	return false;
}

static bool
has_prefix(const struct vly_prefix_list *list, const uint8_t client[16])
{
	for (size_t i = 0; i < list->cnt; i++) {
		const struct vly_prefix_rule *rule = &list->rule[i];
		const unsigned octets = rule->bits / 8;
		const unsigned rest = rule->bits % 8;
		if (memcmp(rule->address, client, octets) == 0 &&
		    (rest == 0 || (rule->address[octets] ^ client[octets]) >> (8 - rest) == 0))
			return true;
	}
	return false;
}

/* Whether the message has the key that the primary has, if it has one. Nothing is verified yet. */
static bool
has_key(const struct notify *notify, const struct vly_config_remote *remote)
{
	const struct vly_message_name *key = &notify->tsig.key;
	uint8_t name[VLY_NAME_BYTES_MAX];

	if (!remote->key)
		return true;
	return notify->tsig.found && vly_domain_wire(remote->key, name) == key->len &&
	       memcmp(name, key->wire, key->len) == 0;
}

/* Whether the zone's primaries, or others that may notify it, have the client's address. Primaries with one
 * address may differ in their keys. An address of a primary needs the primary's key, also when `notify-from`
 * has it. */
static bool
is_permitted(struct notify *notify, const struct vly_secondary_zone *zone)
{
	const struct vly_config_feed *feed = zone->feed;
	bool is_primary = false;

	for (unsigned i = 0; i < feed->primary_cnt && i < VLY_SECONDARY_PRIMARIES_MAX; i++) {
		if (!has_address(feed->primary[i], notify->request->client))
			continue;
		is_primary = true;
		if (has_key(notify, feed->primary[i])) {
			notify->primary = (int)i;
			return true;
		}
	}
	notify->primary = -1;
	return !is_primary && has_prefix(&feed->notify_source, notify->request->client);
}

static bool
verify(struct notify *notify)
{
	const struct vly_secondaries_settings *settings = &notify->secondaries->settings;
	const struct vly_tsig *tsig = &notify->tsig;

	if (!tsig->found)
		return true;
	notify->key = settings->find_key(settings->find_key_arg, tsig->key.wire, tsig->key.len);
	notify->tsig_error =
		vly_tsig_verify(tsig, notify->key, notify->request->message, vly_secondary_now_s());
	return notify->tsig_error == VLY_TSIG_OK;
}

/* The primary is there again. */
static void
forget_failures(const struct notify *notify, const struct vly_secondary_zone *zone)
{
	const struct vly_config_remote *remote =
		notify->primary >= 0 ? zone->feed->primary[notify->primary] : NULL;

	for (unsigned i = 0; remote && i < remote->address_cnt; i++)
		vly_reach_forget_address(&notify->secondaries->reach, &remote->address[i]);
}

/* Has the zone checked: now, or, if the last NOTIFY brought nothing, a little later. */
static void
check_zone(const struct notify *notify, struct vly_secondary_zone *zone)
{
	const uint64_t now = uv_now(notify->secondaries->loop);

	zone->notify_cnt++;
	notify->secondaries->counts.notify_cnt++;
	if (notify->has_serial && zone->is_loaded && !zone->is_expired &&
	    !zone->feed->pins_primary && /* whose serials may not be comparable */
	    !vly_serial_is_larger(notify->serial, zone->committed.serial))
		return;
	if (zone->job) {
		zone->is_again = true;
		return;
	}
	zone->is_notified = true;
	zone->soon_cnt = 0;
	forget_failures(notify, zone);
	if (zone->queue != VLY_QUEUE_NONE)
		return;
	zone->prefer = (int8_t)notify->primary;
	if (zone->quiet_ms <= now) {
		vly_secondary_enqueue(zone,
				      zone->feed->is_reviewed ? VLY_QUEUE_ASK : VLY_QUEUE_TRANSFER);
		return;
	}
	if (zone->next_ms > zone->quiet_ms) {
		zone->next_ms = zone->quiet_ms;
		vly_secondary_set_timer(zone);
	}
}

void
vly_secondaries_on_request(struct vly_secondaries *secondaries,
			   const struct vly_publish_client_request *request)
{
	struct notify notify = {.secondaries = secondaries, .request = request, .primary = -1};
	char text[VLY_DOMAIN_TEXT_BYTES];

	enum vly_rcode rcode = read_message(&notify);
	if (rcode != VLY_RCODE_NOERROR) {
		respond(&notify, rcode);
		return;
	}
	struct vly_secondary_zone *zone =
		vly_secondary_find(secondaries, vly_domain_text(notify.name.wire, text));
	if (!zone || !is_permitted(&notify, zone)) {
		notify.tsig.found = false; /* its signature was not looked at */
		respond(&notify, zone ? VLY_RCODE_REFUSED : VLY_RCODE_NOTAUTH);
	} else if (!verify(&notify)) {
		respond(&notify, notify.tsig_error == VLY_TSIG_FORMERR ? VLY_RCODE_FORMERR
								       : VLY_RCODE_NOTAUTH);
	} else {
		respond(&notify, VLY_RCODE_NOERROR);
		check_zone(&notify, zone);
	}
}
