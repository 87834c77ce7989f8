/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys of dynamic updates: keys, key-add, key-remove, key-disable, key-enable. Secrets are never in an answer. */
#include <string.h>

#include "command_parts.h"
#include "zone/domain.h"

static json_t *
grant_json(const struct vly_keyring_grant *grant)
{
	json_t *json = json_pack("{s:o}", "zone", vly_command_text(grant->zone));

	if (grant->grant.until != UINT64_MAX)
		json_object_set_new(json, "until", json_integer((json_int_t)grant->grant.until));
	return json;
}

static json_t *
key_json(const struct vly_keyring_key *key)
{
	json_t *grants = json_array();

	for (unsigned i = 0; i < key->grant_cnt; i++)
		json_array_append_new(grants, grant_json(&key->grant[i]));
	return json_pack(
		"{s:o,s:s,s:b,s:b,s:s,s:I,s:I,s:I,s:o}", "name", vly_command_text(key->name),
		"algorithm", vly_tsig_algorithm_name(key->tsig->algorithm), "disabled",
		key->is_disabled, "added", key->is_added, "trouble", key->trouble, "last_use",
		(json_int_t)key->last_use, "updates", (json_int_t)key->update_cnt, "refused",
		(json_int_t)key->refused_cnt, "grants", grants);
}

void
vly_command_keys(const struct vly_commands *commands, struct vly_client *client,
		 struct vly_request *request)
{
	const struct vly_keyring *keyring = vly_updater_keyring(commands->updater);
	const struct vly_updater_counts *counts = vly_updater_counts(commands->updater);
	json_t *keys = json_array();

	(void)request;
	for (unsigned i = 0; i < keyring->key_cnt; i++)
		json_array_append_new(keys, key_json(&keyring->key[i]));
	vly_client_send(client, json_pack("{s:b,s:I,s:I,s:I,s:o}", "ok", 1, "requests",
					  (json_int_t)counts->request_cnt, "bad_signatures",
					  (json_int_t)counts->bad_signature_cnt, "repeated",
					  (json_int_t)counts->repeated_cnt, "keys", keys));
}

void
vly_command_key_change(const struct vly_commands *commands, struct vly_client *client,
		       struct vly_request *request)
{
	char name[VLY_DOMAIN_TEXT_BYTES];
	char reason[VLY_REASON_BYTES];
	const char *why = vly_domain_canonical(request->name, name);
	const bool disable = request->command == VLY_COMMAND_KEY_DISABLE;
	int result;

	if (why) {
		vly_client_send(client, vly_command_error("failed", why));
		return;
	}
	if (request->command == VLY_COMMAND_KEY_REMOVE)
		result = vly_updater_remove(commands->updater, name, reason);
	else
		result = vly_updater_disable(commands->updater, name, disable, reason);
	if (result == 0)
		vly_client_send(client, json_pack("{s:b}", "ok", 1));
	else
		vly_client_send(client, vly_command_error("failed", reason));
}

void
vly_command_key_add(const struct vly_commands *commands, struct vly_client *client,
		    struct vly_request *request)
{
	char reason[VLY_REASON_BYTES] = "the key must be an object in JSON";
	json_t *object =
		json_loadb(request->text, request->text_bytes, JSON_REJECT_DUPLICATES, NULL);
	int result = -1;

	if (json_is_object(object))
		result = vly_updater_add(commands->updater, object, reason);
	if (result == 0)
		vly_client_send(client, json_pack("{s:b}", "ok", 1));
	else
		vly_client_send(client, vly_command_error("failed", reason));
	explicit_bzero(request->text, request->text_bytes);
	json_decref(object);
}
