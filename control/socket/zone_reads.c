/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Living zones as they are in the store: zone-show, zone-history, zone-diff. */
#include <stdlib.h>
#include <string.h>

#include "command_parts.h"
#include "living/living_read.h"
#include "store/store_names.h"
#include "zone/domain.h"
#include "zone/rdata_print.h"
#include "zone/rr_type.h"

/* Entries of the journal that one answer has, unless the request wants fewer. */
#define HISTORY_MAX 1000

/* Octets of RDATA as text in one answer, beside those of its last name: a few megabytes of JSON. */
#define SHOWN_BYTES_MAX (1u << 20)

struct reading {
	struct vly_pending pending;
	struct vly_living_read read;
	const struct vly_commands *commands;
	enum vly_command command;
	char *zone;
	char *after;
	uint32_t limit;
	struct vly_zone_edit edit; /* zone-show: its one step has the name; zone-diff: the steps */
	bool has_name;
	char *text; /* [VLY_RDATA_TEXT_BYTES] */
	size_t shown_bytes;
	json_t *answer;
	bool is_cancelled;
};

static void
free_reading(struct reading *reading)
{
	json_decref(reading->answer);
	vly_zone_edit_free(&reading->edit);
	free(reading->zone);
	free(reading->after);
	free(reading->text);
	free(reading);
}

static json_t *
record_json(struct reading *reading, const uint8_t *owner, uint16_t type, uint32_t ttl,
	    const uint8_t *data, unsigned data_len)
{
	char name[VLY_DOMAIN_TEXT_BYTES];
	char mnemonic[VLY_RR_TYPE_BYTES];

	reading->shown_bytes +=
		vly_rdata_print(type, data, data_len, reading->text, VLY_RDATA_TEXT_BYTES);
	return json_pack("{s:o,s:I,s:s,s:o}", "owner",
			 vly_command_text(vly_domain_text(owner, name)), "ttl", (json_int_t)ttl,
			 "type", vly_rr_type_of_record(type, mnemonic), "data",
			 vly_command_text(reading->text));
}

static bool
has_alias(const struct vly_store_records *records)
{
	struct vly_store_records rest = *records;
	struct vly_store_record record;

	while (vly_store_next_record(&rest, &record))
		if (record.type == VLY_TYPE_ALIAS)
			return true;
	return false;
}

/* A zone as a whole is shown as its file would have it: without the addresses that an ALIAS brings. */
static bool
show_name(void *arg, const struct vly_name *name, const struct vly_store_records *records)
{
	struct reading *reading = arg;
	json_t *list = json_object_get(reading->answer, "records");
	struct vly_store_records rest = *records;
	struct vly_store_record record;
	char text[VLY_DOMAIN_TEXT_BYTES];

	const bool is_alias = !reading->has_name && has_alias(records);
	while (vly_store_next_record(&rest, &record)) {
		if (is_alias && (record.type == VLY_TYPE_A || record.type == VLY_TYPE_AAAA))
			continue;
		json_array_append_new(list, record_json(reading, name->lower, record.type,
							record.ttl, record.data, record.data_len));
	}
	if (json_array_size(list) < reading->limit && reading->shown_bytes < SHOWN_BYTES_MAX)
		return true;
	json_object_set_new(reading->answer, "next",
			    vly_command_text(vly_domain_text(name->lower, text)));
	return false;
}

static int
fail_store(struct vly_store_txn *txn, char reason[VLY_REASON_BYTES])
{
	snprintf(reason, VLY_REASON_BYTES, "%s", vly_store_reason(txn));
	return -1;
}

static int
scan(const uint8_t *wire, unsigned len, struct vly_name *name, char reason[VLY_REASON_BYTES])
{
	uint8_t copy[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};

	memcpy(copy, wire, len);
	if (vly_name_scan(name, copy, len) != 0)
		return 0;
	snprintf(reason, VLY_REASON_BYTES, "malformed name");
	return -1;
}

/* The records of one name. */
static int
show_one(struct reading *reading, struct vly_store_txn *txn, const struct vly_store_zone *zone,
	 char reason[VLY_REASON_BYTES])
{
	const struct vly_zone_edit_step *step = &reading->edit.step[0];
	struct vly_store_records records;
	struct vly_name name;

	if (scan(step->owner, step->owner_len, &name, reason) != 0)
		return -1;
	int result = vly_store_get(txn, zone, &name, &records);
	if (result < 0)
		return fail_store(txn, reason);
	reading->limit = UINT32_MAX;
	reading->shown_bytes = 0;
	if (result == VLY_STORE_OK)
		(void)show_name(reading, &name, &records);
	return 0;
}

/* The names behind reading->after, as many as the limit allows. */
static int
show_some(struct reading *reading, struct vly_store_txn *txn, const struct vly_store_zone *zone,
	  char reason[VLY_REASON_BYTES])
{
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};
	struct vly_store_records records;
	struct vly_name name = zone->apex;
	int result = VLY_STORE_OK;

	if (reading->after) {
		if (scan(wire, vly_domain_wire(reading->after, wire), &name, reason) != 0)
			return -1;
		if (name.len < zone->apex.len || memcmp(name.lower + name.len - zone->apex.len,
							zone->apex.lower, zone->apex.len) != 0) {
			snprintf(reason, VLY_REASON_BYTES, "the name is not in the zone");
			return -1;
		}
		result = vly_store_next(txn, zone, &name, false, &name);
	}
	while (result == VLY_STORE_OK) {
		result = vly_store_get(txn, zone, &name, &records);
		if (result == VLY_STORE_OK && !show_name(reading, &name, &records))
			return 0;
		if (result >= 0)
			result = vly_store_next(txn, zone, &name, false, &name);
	}
	return result == VLY_STORE_NONE ? 0 : fail_store(txn, reason);
}

static int
show(struct reading *reading, struct vly_store_txn *txn, const struct vly_store_zone *zone,
     char reason[VLY_REASON_BYTES])
{
	json_object_set_new(reading->answer, "records", json_array());
	return reading->has_name ? show_one(reading, txn, zone, reason)
				 : show_some(reading, txn, zone, reason);
}

static bool
show_entry(void *arg, const struct vly_store_entry *entry)
{
	static const char *const causes[] = {
		[0] = "unknown",
		[VLY_STORE_BY_FILE] = "file",
		[VLY_STORE_BY_OPERATOR] = "volleyctl",
		[VLY_STORE_BY_KEY] = "update",
		[VLY_STORE_BY_TRANSFER] = "transfer",
		[VLY_STORE_BY_SIGNER] = "signer",
		[VLY_STORE_BY_ALIAS] = "alias",
	};
	struct reading *reading = arg;
	json_t *list = json_object_get(reading->answer, "changes");
	unsigned cause = entry->cause < sizeof(causes) / sizeof(causes[0]) ? entry->cause : 0;

	json_array_append_new(list, json_pack("{s:I,s:I,s:I,s:s,s:o,s:I,s:I}", "time_unix_s",
					      (json_int_t)entry->time_s, "from",
					      (json_int_t)entry->head.from, "to",
					      (json_int_t)entry->head.to, "cause", causes[cause],
					      "who", vly_command_text(entry->who), "removed",
					      (json_int_t)entry->head.removed_cnt, "added",
					      (json_int_t)entry->head.added_cnt));
	if (json_array_size(list) > reading->limit)
		json_array_remove(list, 0);
	return true;
}

static int
history(struct reading *reading, struct vly_store_txn *txn, const struct vly_store_zone *zone,
	char reason[VLY_REASON_BYTES])
{
	uint64_t behind = zone->version > reading->limit ? zone->version - reading->limit : 0;

	json_object_set_new(reading->answer, "changes", json_array());
	json_object_set_new(reading->answer, "entries", json_integer(zone->journal_cnt));
	if (behind < zone->journal_from)
		behind = zone->journal_from;
	int result = vly_store_journal(txn, zone, behind, show_entry, reading);
	return result == VLY_STORE_OK || result == VLY_STORE_NONE ? 0 : fail_store(txn, reason);
}

static void
add_list(struct reading *reading, const char *key, const struct vly_change_list *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->cnt; i++) {
		const struct vly_change_record *record = &list->record[i];
		json_array_append_new(array,
				      record_json(reading, record->owner, record->type, record->ttl,
						  record->data, record->data_len));
	}
	json_object_set_new(reading->answer, key, array);
}

static int
diff(struct reading *reading, struct vly_store_txn *txn, const struct vly_store_zone *zone,
     char reason[VLY_REASON_BYTES])
{
	struct vly_change change;

	vly_change_init(&change);
	bool good = vly_zone_edit_prepare(&reading->edit, txn, zone, &change, reason) !=
		    VLY_LIVING_REFUSE;
	if (good) {
		add_list(reading, "removed", &change.removed);
		add_list(reading, "added", &change.added);
	}
	vly_change_free(&change);
	return good ? 0 : -1;
}

static int
read_zone(struct vly_living_read *read, struct vly_store_txn *txn,
	  const struct vly_store_zone *zone, char reason[VLY_REASON_BYTES])
{
	struct reading *reading = (struct reading *)((char *)read - offsetof(struct reading, read));

	reading->answer = json_pack("{s:b,s:I,s:I,s:I}", "ok", 1, "serial",
				    (json_int_t)zone->serial, "version", (json_int_t)zone->version,
				    "zone_records", (json_int_t)zone->record_cnt);
	reading->text = malloc(VLY_RDATA_TEXT_BYTES);
	if (!reading->answer || !reading->text) {
		snprintf(reason, VLY_REASON_BYTES, "out of memory");
		return -1;
	}
	if (reading->command == VLY_COMMAND_ZONE_HISTORY)
		return history(reading, txn, zone, reason);
	return reading->command == VLY_COMMAND_ZONE_DIFF ? diff(reading, txn, zone, reason)
							 : show(reading, txn, zone, reason);
}

static void
on_read(struct vly_living_read *read, const char *error)
{
	struct reading *reading = (struct reading *)((char *)read - offsetof(struct reading, read));

	if (!reading->is_cancelled) {
		json_t *answer = error ? vly_command_error("failed", error) : reading->answer;
		if (!error)
			reading->answer = NULL;
		vly_pending_end(&reading->pending, answer);
	}
	free_reading(reading);
}

static const char *
cancel_reading(struct vly_pending *pending)
{
	struct reading *reading = (struct reading *)pending; /* its first member */

	reading->is_cancelled = true;
	return "volley-control is stopping";
}

/* Sets the steps that the command needs. Returns NULL, or a sentence. */
static const char *
set_steps(struct reading *reading, const struct vly_request *request, char reason[VLY_REASON_BYTES])
{
	char line[VLY_DOMAIN_TEXT_BYTES + 4];

	if (request->command == VLY_COMMAND_ZONE_SHOW && request->name) {
		snprintf(line, sizeof(line), "- %s", request->name);
		if (vly_zone_edit_parse(&reading->edit, reading->zone, line, strlen(line),
					reason) != 0 ||
		    reading->edit.cnt != 1)
			return "that is not a name of the zone";
		reading->has_name = true;
	}
	if (request->command != VLY_COMMAND_ZONE_DIFF)
		return NULL;
	struct vly_zone_transaction *transaction = vly_zone_transactions_find(
		reading->commands->transactions, reading->zone, uv_now(reading->commands->loop));
	if (!transaction)
		return "no transaction is open for this zone: volleyctl zone begin opens one";
	return vly_zone_edit_copy(&reading->edit, &transaction->edit) == 0 ? NULL : "out of memory";
}

static void
begin(struct reading *reading, struct vly_client *client)
{
	reading->pending = (struct vly_pending){cancel_reading, .goes_on = true};
	if (!vly_pending_begin(&reading->pending, client)) {
		free_reading(reading);
		return;
	}
	reading->read.zone = reading->zone;
	reading->read.read = read_zone;
	reading->read.done = on_read;
	vly_living_read(reading->commands->living, &reading->read);
}

void
vly_command_zone_read(const struct vly_commands *commands, struct vly_client *client,
		      struct vly_request *request)
{
	const char *refusal = vly_command_zone_refusal(commands, request->zone);
	struct reading *reading = refusal ? NULL : calloc(1, sizeof(*reading));
	char reason[VLY_REASON_BYTES];

	if (!reading) {
		vly_client_send(client,
				vly_command_error("failed", refusal ? refusal : "out of memory"));
		return;
	}
	reading->commands = commands;
	reading->command = request->command;
	reading->zone = request->zone;
	reading->after = request->after;
	request->zone = NULL;
	request->after = NULL;
	reading->limit = request->limit > HISTORY_MAX ? HISTORY_MAX : request->limit;
	refusal = set_steps(reading, request, reason);
	if (refusal) {
		free_reading(reading);
		vly_client_send(client, vly_command_error("failed", refusal));
		return;
	}
	begin(reading, client);
}
