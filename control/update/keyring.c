/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keyring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/log.h"
#include "zone/domain.h"
#include "zone/rr_type.h"

static void
free_key(struct vly_keyring_key *key)
{
	for (unsigned i = 0; i < key->grant_cnt; i++) {
		free(key->grant[i].zone);
		vly_grant_free(&key->grant[i].grant);
	}
	free(key->grant);
	free(key->name);
}

static void
free_keyring(struct vly_keyring *keyring)
{
	HASH_CLEAR(hh, keyring->by_name);
	for (unsigned i = 0; i < keyring->key_cnt; i++)
		free_key(&keyring->key[i]);
	free(keyring->key);
	if (keyring->secrets != NULL) {
		explicit_bzero(keyring->secrets, keyring->secrets_bytes);
		munmap(keyring->secrets, keyring->secrets_bytes);
	}
	free(keyring);
}

struct vly_keyring *
vly_keyring_hold(struct vly_keyring *keyring)
{
	keyring->reference_cnt++;
	return keyring;
}

void
vly_keyring_release(struct vly_keyring *keyring)
{
	if (keyring != NULL && --keyring->reference_cnt == 0)
		free_keyring(keyring);
}

/* Reads the secret, from the configuration or from its file. */
static void
read_secret(struct vly_keyring_key *key, const struct vly_config_key *config)
{
	char *from_file = NULL;
	const char *secret = config->secret;

	if (secret == NULL)
		secret = from_file = vly_tsig_secret_read_file(config->secret_file, key->trouble,
							       sizeof(key->trouble));
	if (secret == NULL)
		return;
	const char *why = vly_tsig_key_read(key->tsig, key->name, config->algorithm, secret);
	if (why != NULL)
		snprintf(key->trouble, sizeof(key->trouble), "%s", why);
	if (from_file != NULL)
		explicit_bzero(from_file, strlen(from_file));
	free(from_file);
}

/* Takes the secret from its file as it was read, or from the configuration. */
static void
take_secret(struct vly_keyring_key *key, const struct vly_config_key *config,
	    struct vly_keyring *secrets)
{
	if (config->secret != NULL) {
		read_secret(key, config);
		return;
	}
	const struct vly_keyring_key *read = vly_keyring_named(secrets, key->name);
	if (read == NULL) {
		snprintf(key->trouble, sizeof(key->trouble), "its secret has not been read");
		return;
	}
	*key->tsig = *read->tsig;
	memcpy(key->trouble, read->trouble, sizeof(key->trouble));
}

/* For one more grant. Returns false without memory. */
static bool
make_room(struct vly_keyring_key *key)
{
	const unsigned room = key->grant_room > 0 ? 2 * key->grant_room : 1;

	if (key->grant_cnt < key->grant_room)
		return true;
	struct vly_keyring_grant *larger = reallocarray(key->grant, room, sizeof(*larger));
	if (larger == NULL)
		return false;
	key->grant = larger;
	key->grant_room = room;
	return true;
}

static int
compare_grants(const void *a, const void *b)
{
	const struct vly_keyring_grant *left = a;
	const struct vly_keyring_grant *right = b;
	const int order = strcmp(left->zone, right->zone);

	return order != 0 ? order : (left->number > right->number) - (left->number < right->number);
}

static void
sort_grants(struct vly_keyring *keyring)
{
	for (unsigned i = 0; i < keyring->key_cnt; i++)
		if (keyring->key[i].grant_cnt > 1)
			qsort(keyring->key[i].grant, keyring->key[i].grant_cnt,
			      sizeof(*keyring->key[i].grant), compare_grants);
}

/* Returns false without memory. */
static bool
add_grant(struct vly_keyring *keyring, const struct vly_grant_text *text, const char *zone)
{
	struct vly_keyring_key *key = vly_keyring_named(keyring, text->key);
	char member[32];
	char reason[VLY_GRANT_REASON_BYTES];

	if (key == NULL)
		return true; /* the configuration has been checked */
	if (!make_room(key))
		return false;
	struct vly_keyring_grant *grant = &key->grant[key->grant_cnt];
	*grant = (struct vly_keyring_grant){.zone = strdup(zone), .number = key->grant_cnt};
	if (grant->zone == NULL || vly_grant_read(&grant->grant, text, zone, member, reason) != 0) {
		free(grant->zone);
		return false;
	}
	key->grant_cnt++;
	return true;
}

/* Counts and disabled keys go on. The rates begin anew. */
static void
take_over(struct vly_keyring_key *key, const struct vly_keyring *before)
{
	for (unsigned i = 0; before != NULL && i < before->key_cnt; i++) {
		const struct vly_keyring_key *old = &before->key[i];
		if (strcmp(old->name, key->name) != 0)
			continue;
		key->is_disabled = old->is_disabled;
		key->is_suspended = old->is_suspended;
		key->update_cnt = old->update_cnt;
		key->refused_cnt = old->refused_cnt;
		key->last_use = old->last_use;
	}
}

/* `secrets` NULL: they are read. */
static bool
add_key(struct vly_keyring *keyring, const struct vly_config_key *config,
	struct vly_keyring *secrets, const struct vly_keyring *before)
{
	struct vly_keyring_key *key = &keyring->key[keyring->key_cnt];

	key->name = strdup(config->name);
	if (key->name == NULL)
		return false;
	key->tsig = &keyring->secrets[keyring->key_cnt++];
	if (secrets != NULL)
		take_secret(key, config, secrets);
	else
		read_secret(key, config);
	/* also when there is no secret, by which it is cleared */
	key->tsig->name_len = (uint8_t)vly_domain_wire(key->name, key->tsig->name);
	take_over(key, before);
	HASH_ADD_KEYPTR(hh, keyring->by_name, key->tsig->name, key->tsig->name_len, key);
	return key->hh.tbl != NULL;
}

/* Returns false without memory. */
static bool
add_one(struct vly_keyring *keyring, json_t *object, struct vly_keyring *secrets,
	const struct vly_keyring *before)
{
	char reason[VLY_REASON_BYTES];
	struct vly_added_key added;
	bool good = true;

	if (vly_added_key_read(&added, object, reason) != 0) {
		vly_log_error("a key that was added at run time is not used: %s", reason);
		return true;
	}
	if (vly_keyring_named(keyring, added.key.name) == NULL) {
		good = add_key(keyring, &added.key, secrets, before) &&
		       add_grant(keyring, &added.grant, added.zone);
		keyring->key[keyring->key_cnt - 1].is_added = true;
	}
	vly_added_key_free(&added);
	return good;
}

/* Returns false without memory. */
static bool
make_room_for_keys(struct vly_keyring *keyring, size_t key_max)
{

	keyring->secrets_bytes = key_max * sizeof(*keyring->secrets);
	void *pages = mmap(NULL, keyring->secrets_bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED)
		return false;
	keyring->secrets = pages;
	madvise(pages, keyring->secrets_bytes, MADV_DONTDUMP);
	keyring->key = calloc(key_max, sizeof(*keyring->key));
	return keyring->key != NULL;
}

static bool
fill(struct vly_keyring *keyring, const struct vly_config *config, const json_t *added,
     struct vly_keyring *secrets, const struct vly_keyring *before)
{
	bool good = make_room_for_keys(keyring, config->key_cnt + json_array_size(added) + 1);

	for (unsigned i = 0; good && i < config->key_cnt; i++)
		good = add_key(keyring, &config->keys[i], secrets, before);
	for (unsigned i = 0; good && i < config->zone_cnt; i++)
		for (unsigned j = 0; good && j < config->zones[i].update_cnt; j++)
			good = add_grant(keyring, &config->zones[i].update[j],
					 config->zones[i].name);
	for (size_t i = 0; good && i < json_array_size(added); i++)
		good = add_one(keyring, json_array_get(added, i), secrets, before);
	sort_grants(keyring);
	return good;
}

struct vly_keyring *
vly_keyring_read(const struct vly_config *config)
{
	struct vly_keyring *keyring = calloc(1, sizeof(*keyring));

	if (keyring == NULL)
		return NULL;
	keyring->reference_cnt = 1;
	bool good = make_room_for_keys(keyring, config->key_cnt + 1);
	for (unsigned i = 0; good && i < config->key_cnt; i++)
		good = add_key(keyring, &config->keys[i], NULL, NULL);
	if (good)
		return keyring;
	free_keyring(keyring);
	return NULL;
}

struct vly_keyring *
vly_keyring_new(const struct vly_config *config, const json_t *added, struct vly_keyring *secrets,
		const struct vly_keyring *before)
{
	struct vly_keyring *keyring = calloc(1, sizeof(*keyring));

	if (keyring == NULL)
		return NULL;
	keyring->reference_cnt = 1;
	if (fill(keyring, config, added, secrets, before))
		return keyring;
	free_keyring(keyring);
	return NULL;
}

struct vly_keyring_key *
vly_keyring_find(struct vly_keyring *keyring, const uint8_t *name, unsigned name_len)
{
	struct vly_keyring_key *key;

	HASH_FIND(hh, keyring->by_name, name, name_len, key);
	return key != NULL && !key->is_disabled && key->trouble[0] == '\0' ? key : NULL;
}

struct vly_keyring_key *
vly_keyring_named(struct vly_keyring *keyring, const char *name)
{
	uint8_t wire[VLY_NAME_BYTES_MAX];
	unsigned len = vly_domain_wire(name, wire);
	struct vly_keyring_key *key;

	HASH_FIND(hh, keyring->by_name, wire, len, key);
	return key;
}

/* The grants of one zone. */
struct range {
	unsigned from;
	unsigned end;
};

/* The index of the key's first grant whose zone does not come before this one. Halves 2^32, or less. */
static unsigned
find_place(const struct vly_keyring_key *key, const char *zone)
{
	unsigned low = 0;
	unsigned high = key->grant_cnt;

	while (low < high) {
		const unsigned middle = low + (high - low) / 2;
		if (strcmp(key->grant[middle].zone, zone) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct range
find_grants(const struct vly_keyring_key *key, const char *zone)
{
	struct range range = {.from = find_place(key, zone)};

	range.end = range.from;
	while (range.end < key->grant_cnt && strcmp(key->grant[range.end].zone, zone) == 0)
		range.end++;
	return range;
}

/* Whether one of the key's grants allows the change. Marks the first one that does. `against` becomes
 * the limit of the grant that came closest. */
static bool
allows(struct vly_keyring_key *key, struct range range, const struct vly_update_context *context,
       const struct vly_update_record *record, const char **against)
{
	const bool adds = record->class != VLY_CLASS_ANY && record->class != VLY_UPDATE_CLASS_NONE;

	*against = "the zone";
	for (unsigned i = range.from; i < range.end; i++) {
		struct vly_keyring_grant *grant = &key->grant[i];
		const char *limit = vly_grant_holds(&grant->grant, context->now, context->client);
		if (limit == NULL)
			limit = vly_grant_allows(&grant->grant, record->owner, record->owner_len,
						 record->type, adds ? &record->ttl : NULL);
		if (limit == NULL) {
			grant->used = true;
			return true;
		}
		*against = limit;
	}
	return false;
}

static void
describe(const struct vly_update_record *record, const char *against, char reason[VLY_REASON_BYTES])
{
	char owner[VLY_DOMAIN_TEXT_BYTES];
	char type[VLY_RR_TYPE_BYTES];

	snprintf(reason, VLY_REASON_BYTES, "%.300s %s is not allowed by %s",
		 vly_domain_text(record->owner, owner),
		 record->type == VLY_TYPE_ANY ? "ANY" : vly_rr_type_name(record->type, type),
		 against);
}

/* An update that changes nothing needs a grant that holds, all the same: its prerequisites show what
 * is in the zone. */
static bool
has_grant(const struct vly_keyring_key *key, struct range range,
	  const struct vly_update_context *context, const char **against)
{
	*against = "the zone";
	for (unsigned i = range.from; i < range.end; i++) {
		*against = vly_grant_holds(&key->grant[i].grant, context->now, context->client);
		if (*against == NULL)
			return true;
	}
	return false;
}

bool
vly_keyring_judge(struct vly_keyring_key *key, const struct vly_update_message *message,
		  const char *zone, const struct vly_update_context *context,
		  char reason[VLY_REASON_BYTES])
{
	const struct range range = find_grants(key, zone);
	const char *against;

	if (!has_grant(key, range, context, &against)) {
		snprintf(reason, VLY_REASON_BYTES, "an update is not allowed by %s", against);
		return false;
	}
	for (unsigned i = range.from; i < range.end; i++)
		key->grant[i].used = false;
	for (unsigned i = 0; i < message->change_cnt; i++)
		if (!allows(key, range, context, &message->change[i], &against)) {
			describe(&message->change[i], against, reason);
			return false;
		}
	for (unsigned i = range.from; i < range.end; i++)
		if (key->grant[i].used && !vly_grant_take(&key->grant[i].grant, context->now_ns)) {
			snprintf(reason, VLY_REASON_BYTES, "the update is over the rate");
			return false;
		}
	return true;
}

bool
vly_keyring_permits(const struct vly_keyring_key *key, const char *zone,
		    const struct vly_update_context *context, const uint8_t *owner,
		    unsigned owner_len, uint16_t type)
{
	const struct range range = find_grants(key, zone);

	for (unsigned i = range.from; i < range.end; i++)
		if (vly_grant_holds(&key->grant[i].grant, context->now, context->client) == NULL &&
		    vly_grant_allows(&key->grant[i].grant, owner, owner_len, type, NULL) == NULL)
			return true;
	return false;
}

bool
vly_keyring_has_zone(const struct vly_keyring_key *key, const char *zone)
{
	const struct range range = find_grants(key, zone);

	return range.from < range.end;
}
