/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changes of living zones: zone-edit, zone-begin, zone-commit, zone-abort, zone-revert. */
#include <stdlib.h>
#include <string.h>

#include "command_parts.h"

/* A change that was submitted. */
struct changing {
	struct vly_pending pending;
	struct vly_living_request request;
	struct vly_zone_edit edit;
	uint32_t serial; /* zone-revert */
	char *zone;
	bool is_cancelled;
	/* Of zone-commit: the transaction opens again when the change is refused. */
	struct vly_zone_transactions *transactions;
	char *who;
	uint64_t now_ms;
};

const char *
vly_command_zone_refusal(const struct vly_commands *commands, const char *zone)
{
	const struct vly_served_zones *served = vly_reloader_served(commands->reloader);
	const struct vly_served_zone *found = vly_served_zones_find(served, zone);

	if (!found)
		return "the zone is not in the configuration";
	if (!found->is_living)
		return "the zone is answered from its file alone: edit the file, then volleyctl "
		       "reload; or add living: true to the zone in the configuration, and reload";
	return found->is_adopted ? NULL : "the zone has not been loaded; volleyctl zones shows why";
}

static void
free_changing(struct changing *changing)
{
	vly_zone_edit_free(&changing->edit);
	free(changing->zone);
	free(changing->who);
	free(changing);
}

static json_t *
result_json(const struct vly_living_result *result)
{
	static const char *const codes[] = {
		[VLY_LIVING_STORED] = "no-dataplane", [VLY_LIVING_REFUSED] = "failed",
		[VLY_LIVING_BUSY] = "failed",         [VLY_LIVING_NO_ZONE] = "failed",
		[VLY_LIVING_FAILED] = "failed",
	};
	json_t *json = json_pack("{s:b,s:b}", "ok", result->code == VLY_LIVING_DONE, "changed",
				 result->changed);

	if (result->version)
		json_object_set_new(json, "serial", json_integer(result->serial));
	if (result->code != VLY_LIVING_DONE) {
		json_object_set_new(json, "code", json_string(codes[result->code]));
		json_object_set_new(json, "error", vly_command_text(result->text));
	}
	return json;
}

/* Opens the transaction again, unless somebody has begun another one. */
static void
open_again(struct changing *changing)
{
	struct vly_zone_transaction *transaction;
	const char *why;

	if (vly_zone_transactions_find(changing->transactions, changing->zone, changing->now_ms))
		return;
	transaction = vly_zone_transactions_begin(changing->transactions, changing->zone,
						  changing->who, changing->now_ms, &why);
	if (!transaction)
		return;
	transaction->edit = changing->edit;
	changing->edit = (struct vly_zone_edit){0};
}

static void
on_changed(void *arg, const struct vly_living_result *result)
{
	struct changing *changing = arg;

	bool failed = result->code != VLY_LIVING_DONE && result->code != VLY_LIVING_STORED;
	if (failed && changing->who && !changing->is_cancelled)
		open_again(changing);
	if (!changing->is_cancelled)
		vly_pending_end(&changing->pending, result_json(result));
	free_changing(changing);
}

static const char *
cancel_change(struct vly_pending *pending)
{
	struct changing *changing = (struct changing *)pending; /* its first member */

	changing->is_cancelled = true;
	return "volley-control is stopping: the change may have been made; volleyctl zone history "
	       "shows it then";
}

static enum vly_living_prepared
prepare_edit(void *arg, struct vly_store_txn *txn, const struct vly_store_zone *zone,
	     struct vly_change *change, char reason[VLY_REASON_BYTES])
{
	const struct changing *changing = arg;

	return vly_zone_edit_prepare(&changing->edit, txn, zone, change, reason);
}

static enum vly_living_prepared
prepare_revert(void *arg, struct vly_store_txn *txn, const struct vly_store_zone *zone,
	       struct vly_change *change, char reason[VLY_REASON_BYTES])
{
	const struct changing *changing = arg;

	return vly_zone_revert_prepare(changing->serial, txn, zone, change, reason);
}

/* Submits a change; takes over `edit`, which is empty to revert to request->serial. `who` has begun the
 * transaction, or NULL. */
static void
submit(const struct vly_commands *commands, struct vly_client *client, struct vly_request *request,
       struct vly_zone_edit *edit, const char *who)
{
	struct changing *changing = calloc(1, sizeof(*changing));

	if (!changing) {
		vly_zone_edit_free(edit);
		vly_client_send(client, vly_command_error("failed", "out of memory"));
		return;
	}
	changing->edit = *edit;
	*edit = (struct vly_zone_edit){0};
	changing->zone = request->zone;
	request->zone = NULL;
	changing->serial = request->serial;
	changing->transactions = commands->transactions;
	changing->who = who ? strdup(who) : NULL;
	changing->now_ms = uv_now(commands->loop);
	changing->pending = (struct vly_pending){cancel_change, .goes_on = true};
	if (!vly_pending_begin(&changing->pending, client)) {
		free_changing(changing);
		return;
	}
	changing->request = (struct vly_living_request){
		.zone = changing->zone,
		.cause = VLY_STORE_BY_OPERATOR,
		.who = "",
		.prepare =
			request->command == VLY_COMMAND_ZONE_REVERT ? prepare_revert : prepare_edit,
		.done = on_changed,
		.arg = changing,
	};
	vly_living_submit(commands->living, &changing->request);
}

static json_t *
transaction_json(const struct vly_zone_transaction *transaction)
{
	return json_pack("{s:b,s:b,s:i}", "ok", 1, "open", 1, "steps", (int)transaction->edit.cnt);
}

static void
edit_zone(const struct vly_commands *commands, struct vly_client *client,
	  struct vly_request *request)
{
	struct vly_zone_transaction *transaction = vly_zone_transactions_find(
		commands->transactions, request->zone, uv_now(commands->loop));
	struct vly_zone_edit own = {0};
	struct vly_zone_edit *edit = transaction ? &transaction->edit : &own;
	char reason[VLY_REASON_BYTES];

	if (vly_zone_edit_parse(edit, request->zone, request->text, request->text_bytes, reason) !=
	    0) {
		vly_zone_edit_free(&own);
		vly_client_send(client, vly_command_error("failed", reason));
		return;
	}
	if (!transaction) {
		submit(commands, client, request, &own, NULL);
		return;
	}
	transaction->touched_ms = uv_now(commands->loop);
	vly_client_send(client, transaction_json(transaction));
}

static void
begin(const struct vly_commands *commands, struct vly_client *client, struct vly_request *request)
{
	uint64_t now_ms = uv_now(commands->loop);
	struct vly_zone_transaction *transaction =
		vly_zone_transactions_find(commands->transactions, request->zone, now_ms);
	char text[VLY_REASON_BYTES];
	const char *why;

	if (transaction) {
		snprintf(text, sizeof(text),
			 "a transaction is open already, begun by %.200s, last touched %llu s ago: "
			 "volleyctl zone commit or abort ends it",
			 transaction->who,
			 (unsigned long long)(now_ms - transaction->touched_ms) / 1000);
		vly_client_send(client, vly_command_error("failed", text));
		return;
	}
	transaction = vly_zone_transactions_begin(commands->transactions, request->zone,
						  request->name ? request->name : "somebody",
						  now_ms, &why);
	vly_client_send(client, transaction ? transaction_json(transaction)
					    : vly_command_error("failed", why));
}

/* zone-commit and zone-abort. */
static void
end(const struct vly_commands *commands, struct vly_client *client, struct vly_request *request)
{
	struct vly_zone_transaction *transaction = vly_zone_transactions_find(
		commands->transactions, request->zone, uv_now(commands->loop));
	struct vly_zone_edit edit;

	if (!transaction) {
		vly_client_send(client,
				vly_command_error("failed", "no transaction is open for this zone: "
							    "volleyctl zone begin opens one"));
		return;
	}
	edit = transaction->edit;
	transaction->edit = (struct vly_zone_edit){0};
	char *who = strdup(transaction->who);
	vly_zone_transactions_end(commands->transactions, transaction);
	if (request->command == VLY_COMMAND_ZONE_COMMIT)
		submit(commands, client, request, &edit, who);
	free(who);
	if (request->command == VLY_COMMAND_ZONE_COMMIT)
		return;
	vly_client_send(client, json_pack("{s:b,s:i}", "ok", 1, "steps", (int)edit.cnt));
	vly_zone_edit_free(&edit);
}

void
vly_command_zone_change(const struct vly_commands *commands, struct vly_client *client,
			struct vly_request *request)
{
	const char *refusal = vly_command_zone_refusal(commands, request->zone);
	struct vly_zone_edit none = {0};

	if (refusal)
		vly_client_send(client, vly_command_error("failed", refusal));
	else if (request->command == VLY_COMMAND_ZONE_EDIT)
		edit_zone(commands, client, request);
	else if (request->command == VLY_COMMAND_ZONE_BEGIN)
		begin(commands, client, request);
	else if (request->command == VLY_COMMAND_ZONE_REVERT)
		submit(commands, client, request, &none, NULL);
	else
		end(commands, client, request);
}
