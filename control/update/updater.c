/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <volley/octets.h>

#include "common/log.h"
#include "key/tsig.h"
#include "signed_query.h"
#include "store/store_names.h"
#include "update_apply.h"
#include "updater_parts.h"
#include "zone/domain.h"

/* A header, a zone and an OPT, and a TSIG with the longest names and MAC. */
#define RESPONSE_BYTES (VLY_DNS_HEADER_BYTES + 4 * VLY_NAME_BYTES_MAX + 256)

/* Lines a second about refused updates: more would only fill the log. */
#define REFUSAL_LINES_MAX 10

#define NS_PER_SECOND UINT64_C(1000000000)

/* An update under way. */
struct job {
	struct vly_updater *updater;
	uint64_t id; /* of the request */
	struct vly_tsig tsig;
	unsigned tsig_error;
	struct vly_keyring *keyring; /* held */
	struct vly_keyring_key *key;
	struct vly_update_context context;
	struct vly_update_message message;
	bool has_message;
	bool is_fresh; /* has an entry in `replay` */
	/* the dataplane has the response, and sends it when the change is live */
	bool is_announced;
	char zone[VLY_DOMAIN_TEXT_BYTES];
	struct vly_living_request request;
	enum vly_rcode rcode; /* as prepare() has it */
	/* the beginning of the response: header, and the zone section if it can be read */
	uint8_t head[VLY_DNS_HEADER_BYTES + VLY_NAME_BYTES_MAX + 4];
	unsigned head_len;
};

static uint64_t
seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec;
}

/* Header and zone section of the request are those of the response (RFC 2136 §3.8). */
static void
begin_response(struct job *job, const uint8_t *message, size_t len)
{
	struct vly_message_reader reader = {message, len, VLY_DNS_HEADER_BYTES};
	struct vly_message_name name;
	uint16_t type;
	uint16_t class;

	memset(job->head, 0, VLY_DNS_HEADER_BYTES);
	memcpy(job->head, message, 4);
	job->head[2] = (uint8_t)((job->head[2] & VLY_FLAG_OPCODE >> 8) | VLY_FLAG_QR >> 8);
	job->head[3] = 0;
	job->head_len = VLY_DNS_HEADER_BYTES;
	if (vly_be16(message + 4) != 1 || !vly_message_question(&reader, &name, &type, &class))
		return;
	uint8_t *at = job->head + VLY_DNS_HEADER_BYTES;
	memcpy(at, name.wire, name.len);
	vly_put_be16(at + name.len, type);
	vly_put_be16(at + name.len + 2, class);
	job->head[5] = 1;
	job->head_len += name.len + 4u;
}

static void
free_job(struct job *job)
{
	if (job->has_message)
		vly_update_message_free(&job->message);
	vly_keyring_release(job->keyring);
	free(job);
}

/* Writes the response; returns its octets. */
static size_t
write_response(const struct job *job, enum vly_rcode rcode, uint8_t response[RESPONSE_BYTES])
{
	memcpy(response, job->head, job->head_len);
	response[3] = (uint8_t)(response[3] | rcode);
	if (!job->tsig.found || job->tsig_error == VLY_TSIG_FORMERR)
		return job->head_len;
	return vly_tsig_append(response, job->head_len, RESPONSE_BYTES, &job->tsig,
			       job->key != NULL ? job->key->tsig : NULL, job->tsig_error,
			       seconds_now());
}

/* Ends a job whose response has been sent. */
static void
end_job(struct job *job, enum vly_rcode rcode)
{
	struct vly_updater *updater = job->updater;

	if (job->is_fresh)
		vly_replay_end(&updater->replay, job->tsig.mac, (uint16_t)rcode);
	updater->counts.rcode_cnt[rcode & 15]++;
	free_job(job);
}

/* Ends a job with a response. */
static void
respond(struct job *job, enum vly_rcode rcode)
{
	uint8_t response[RESPONSE_BYTES];
	size_t len = write_response(job, rcode, response);

	vly_publisher_respond(job->updater->publisher, job->id, response, len);
	end_job(job, rcode);
}

/* Ends a job without a response: the one that it repeats will get it. */
static void
stay_silent(struct job *job)
{
	vly_publisher_respond(job->updater->publisher, job->id, NULL, 0);
	free_job(job);
}

static void
log_refusal(struct job *job, const char *reason)
{
	struct vly_updater *updater = job->updater;
	const uint64_t second = job->context.now;

	if (updater->lines_second != second) {
		updater->lines_second = second;
		updater->line_cnt = 0;
	}
	if (updater->line_cnt++ < REFUSAL_LINES_MAX)
		vly_log_warning("update refused: key %s, zone %s: %s",
				job->key != NULL ? job->key->name : "(none)", job->zone, reason);
}

static void
refuse(struct job *job, enum vly_rcode rcode, const char *reason)
{
	if (job->key != NULL)
		job->key->refused_cnt++;
	log_refusal(job, reason);
	respond(job, rcode);
}

/* The zone's records in the transaction of a batch; called in the writer thread. */
struct view {
	const struct job *job;
	struct vly_store_txn *txn;
	const struct vly_store_zone *zone;
};

static int
get_records(void *arg, const uint8_t *owner, unsigned owner_len, struct vly_update_records *to)
{
	const struct view *view = arg;
	uint8_t copy[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};
	struct vly_name name;
	struct vly_store_records records;
	struct vly_store_record record;

	memcpy(copy, owner, owner_len);
	if (vly_name_scan(&name, copy, owner_len) == 0)
		return -1;
	int result = vly_store_get(view->txn, view->zone, &name, &records);
	if (result != VLY_STORE_OK)
		return result == VLY_STORE_NONE ? 0 : -1;
	while (vly_store_next_record(&records, &record))
		vly_update_records_add(to, record.type, record.ttl, record.data, record.data_len);
	return 0;
}

static bool
permits(void *arg, const uint8_t *owner, unsigned owner_len, uint16_t type)
{
	const struct job *job = ((const struct view *)arg)->job;

	return vly_keyring_permits(job->key, job->zone, &job->context, owner, owner_len, type);
}

static enum vly_living_prepared
prepare(void *arg, struct vly_store_txn *txn, const struct vly_store_zone *zone,
	struct vly_change *change, char reason[VLY_REASON_BYTES])
{
	struct job *job = arg;
	struct view view = {job, txn, zone};
	const struct vly_update_zone source = {get_records, permits, &view};
	const char *why;

	job->rcode = vly_update_apply(&job->message, &source, change, &why);
	if (job->rcode != VLY_RCODE_NOERROR) {
		const bool is_read = job->rcode != VLY_RCODE_SERVFAIL || !*vly_store_reason(txn);
		snprintf(reason, VLY_REASON_BYTES, "%s", is_read ? why : vly_store_reason(txn));
		return VLY_LIVING_REFUSE;
	}
	return vly_change_is_empty(change) ? VLY_LIVING_NO_CHANGE : VLY_LIVING_CHANGE;
}

/* Sends the response together with the commit. If the dataplane refuses that, it ignores the
 * response, and on_done() sends another one. */
static void
on_committing(void *arg, uint64_t commit_seq)
{
	struct job *job = arg;
	uint8_t response[RESPONSE_BYTES];
	size_t len = write_response(job, VLY_RCODE_NOERROR, response);

	if (len == 0)
		return; /* it can't be signed: on_done() drops the request */
	vly_publisher_respond_after(job->updater->publisher, commit_seq, job->id, response, len);
	job->is_announced = true;
}

static void
on_done(void *arg, const struct vly_living_result *result)
{
	struct job *job = arg;

	switch (result->code) {
	case VLY_LIVING_DONE:
	case VLY_LIVING_STORED:
		job->key->update_cnt++;
		if (job->is_announced && result->code == VLY_LIVING_DONE)
			end_job(job, VLY_RCODE_NOERROR);
		else
			respond(job, VLY_RCODE_NOERROR);
		return;
	case VLY_LIVING_REFUSED:
		if (job->rcode == VLY_RCODE_NOERROR || job->rcode == VLY_RCODE_REFUSED)
			refuse(job, VLY_RCODE_REFUSED, result->text);
		else {
			if (job->rcode == VLY_RCODE_SERVFAIL)
				log_refusal(job, result->text);
			respond(job, job->rcode); /* or a prerequisite is not met */
		}
		return;
	case VLY_LIVING_NO_ZONE:
		respond(job, VLY_RCODE_NOTAUTH);
		return;
	case VLY_LIVING_BUSY:
	case VLY_LIVING_FAILED:
		log_refusal(job, result->text);
		respond(job, VLY_RCODE_SERVFAIL);
		return;
	}
}

/* A zone that is not living, or that did not load: the client may try again, if it may change it at all. */
static void
refuse_zone(struct job *job)
{
	if (job->message.zone_class == VLY_CLASS_IN && vly_keyring_has_zone(job->key, job->zone))
		refuse(job, VLY_RCODE_SERVFAIL,
		       "the zone has not been loaded; volleyctl zones shows why");
	else
		refuse(job, VLY_RCODE_NOTAUTH, "not a zone that can be updated");
}

/* From a verified message to the queue of the living zones. */
static void
submit(struct job *job, const uint8_t *message, size_t len)
{
	struct vly_living_state state;
	char reason[VLY_REASON_BYTES];
	const char *why;

	enum vly_rcode rcode = vly_update_message_read(&job->message, message, len);
	if (rcode != VLY_RCODE_NOERROR) {
		respond(job, rcode);
		return;
	}
	job->has_message = true;
	vly_domain_text(job->message.zone, job->zone);
	if (job->message.zone_class != VLY_CLASS_IN ||
	    !vly_living_find(job->updater->living, job->zone, &state)) {
		refuse_zone(job);
		return;
	}
	rcode = vly_update_message_check(&job->message, &why);
	if (rcode != VLY_RCODE_NOERROR) {
		refuse(job, rcode, why);
		return;
	}
	if (!vly_keyring_judge(job->key, &job->message, job->zone, &job->context, reason)) {
		refuse(job, VLY_RCODE_REFUSED, reason);
		return;
	}
	job->request = (struct vly_living_request){
		.zone = job->zone,
		.cause = VLY_STORE_BY_KEY,
		.who = job->key->name,
		.prepare = prepare,
		.done = on_done,
		.committing = on_committing,
		.arg = job,
	};
	vly_living_submit(job->updater->living, &job->request);
}

/* A message that is verified: has it been here before? */
static void
look_for_repeated(struct job *job, const uint8_t *message, size_t len)
{
	struct vly_updater *updater = job->updater;
	struct vly_replay_entry *fresh;

	if (vly_replay_is_stale(&updater->replay, &job->tsig)) {
		job->tsig_error = VLY_TSIG_BADTIME;
		updater->counts.bad_signature_cnt++;
		respond(job, VLY_RCODE_NOTAUTH);
		return;
	}
	const struct vly_replay_entry *before =
		vly_replay_add(&updater->replay, &job->tsig, job->context.now, &fresh);
	if (before != NULL) {
		updater->counts.repeated_cnt++;
		if (before->ended)
			respond(job, before->rcode);
		else
			stay_silent(job);
		return;
	}
	if (fresh == NULL) {
		respond(job, VLY_RCODE_SERVFAIL);
		return;
	}
	job->is_fresh = true;
	job->key->last_use = job->context.now;
	submit(job, message, len);
}

static void
verify(struct job *job, const uint8_t *message, size_t len)
{
	struct vly_updater *updater = job->updater;

	job->key = vly_keyring_find(job->keyring, job->tsig.key.wire, job->tsig.key.len);
	job->tsig_error = vly_tsig_verify(&job->tsig, job->key != NULL ? job->key->tsig : NULL,
					  message, job->context.now);
	if (job->tsig_error == VLY_TSIG_OK) {
		look_for_repeated(job, message, len);
		return;
	}
	updater->counts.bad_signature_cnt++;
	respond(job, job->tsig_error == VLY_TSIG_FORMERR ? VLY_RCODE_FORMERR : VLY_RCODE_NOTAUTH);
}

static void
take_update(struct vly_updater *updater, const struct vly_publish_client_request *request)
{
	const uint8_t *message = request->message;
	const size_t len = request->message_bytes;
	struct job *job = calloc(1, sizeof(*job));

	if (job == NULL || updater->config == NULL) {
		free(job);
		vly_publisher_respond(updater->publisher, request->header.seq, NULL, 0);
		return;
	}
	updater->counts.request_cnt++;
	job->updater = updater;
	job->id = request->header.seq;
	job->keyring = vly_keyring_hold(updater->keyring);
	job->context = (struct vly_update_context){.now = seconds_now(), .now_ns = uv_hrtime()};
	memcpy(job->context.client, request->client, sizeof(job->context.client));
	begin_response(job, message, len);
	if ((message[2] >> 3 & 15) != VLY_OPCODE_UPDATE)
		respond(job, VLY_RCODE_NOTIMP);
	else if (vly_tsig_find(&job->tsig, message, len) != 0) {
		job->tsig.found = false;
		respond(job, VLY_RCODE_FORMERR);
	} else if (!job->tsig.found)
		respond(job, VLY_RCODE_REFUSED);
	else
		verify(job, message, len);
}

static void
answer_query(struct vly_updater *updater, const struct vly_publish_client_request *request)
{
	static uint8_t response[VLY_MESSAGE_BYTES_MAX];
	unsigned error;
	size_t len =
		vly_signed_query_answer(updater->keyring, request, seconds_now(), response, &error);

	updater->counts.bad_signature_cnt += error != VLY_TSIG_OK;
	vly_publisher_respond(updater->publisher, request->header.seq, response, len);
}

void
vly_updater_on_request(struct vly_updater *updater,
		       const struct vly_publish_client_request *request)
{
	if (request->response_bytes != 0 && updater->config != NULL)
		answer_query(updater, request);
	else
		take_update(updater, request);
}

struct vly_updater *
vly_updater_new(struct vly_publisher *publisher, struct vly_living *living, const char *state_dir)
{
	static const struct vly_config nothing;
	struct vly_updater *updater = calloc(1, sizeof(*updater));

	if (updater == NULL)
		return NULL;
	updater->publisher = publisher;
	updater->living = living;
	updater->state_dir = strdup(state_dir);
	updater->added = json_array();
	if (updater->added != NULL)
		updater->keyring = vly_keyring_read(&nothing);
	if (updater->state_dir == NULL || updater->keyring == NULL) {
		vly_updater_free(updater);
		return NULL;
	}
	return updater;
}

const struct vly_updater_counts *
vly_updater_counts(const struct vly_updater *updater)
{
	return &updater->counts;
}

void
vly_updater_free(struct vly_updater *updater)
{
	if (updater == NULL)
		return;
	vly_keyring_release(updater->keyring);
	vly_replay_free(&updater->replay);
	json_decref(updater->added);
	free(updater->state_dir);
	free(updater);
}
