/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "added_keys.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/state_file.h"
#include "key/tsig_key.h"
#include "zone/domain.h"

/* Ten thousand keys. */
#define FILE_BYTES_MAX (8 << 20)

static char *
text_of(json_t *object, const char *key)
{
	return (char *)(uintptr_t)json_string_value(json_object_get(object, key));
}

/* Takes the list of words `key` into *list, with room from *word on. Returns false for something
 * else than strings. */
static bool
take_words(json_t *object, const char *key, char ***list, unsigned *cnt, char ***word)
{
	json_t *array = json_object_get(object, key);

	*list = *word;
	*cnt = (unsigned)json_array_size(array);
	for (unsigned i = 0; i < *cnt; i++) {
		json_t *item = json_array_get(array, i);
		if (!json_is_string(item))
			return false;
		*(*word)++ = (char *)(uintptr_t)json_string_value(item);
	}
	return array == NULL || json_is_array(array);
}

static bool
take_grant(struct vly_added_key *added, json_t *object)
{
	struct vly_grant_text *grant = &added->grant;
	char **word;

	added->word = word = calloc(json_array_size(json_object_get(object, "names")) +
					    json_array_size(json_object_get(object, "types")) +
					    json_array_size(json_object_get(object, "sources")) + 1,
				    sizeof(*word));
	*grant = (struct vly_grant_text){
		.key = added->key.name,
		.ttl_min = text_of(object, "ttl-min"),
		.ttl_max = text_of(object, "ttl-max"),
		.until = text_of(object, "until"),
		.rate = text_of(object, "rate"),
	};
	return word != NULL &&
	       take_words(object, "names", &grant->names, &grant->name_cnt, &word) &&
	       take_words(object, "types", &grant->types, &grant->type_cnt, &word) &&
	       take_words(object, "sources", &grant->sources, &grant->source_cnt, &word);
}

/* A member that is misspelled would leave out a limit. */
static const char *
find_unknown(json_t *object)
{
	static const char *const lists[] = {"names", "types", "sources"};
	static const char *const texts[] = {"name",    "algorithm", "secret", "zone",
					    "ttl-min", "ttl-max",   "until",  "rate"};
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		bool known = false;
		for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
			known |= strcmp(key, texts[i]) == 0 && json_is_string(value);
		for (unsigned i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
			known |= strcmp(key, lists[i]) == 0 && json_is_array(value);
		if (!known)
			return key;
	}
	return NULL;
}

static bool
is_canonical(const char *name)
{
	char canonical[VLY_DOMAIN_TEXT_BYTES];

	return vly_domain_canonical(name, canonical) == NULL && strcmp(name, canonical) == 0;
}

static int
check(const struct vly_added_key *added, char reason[VLY_REASON_BYTES])
{
	struct vly_tsig_key tsig;
	struct vly_grant grant;
	char member[32];
	char why_grant[VLY_GRANT_REASON_BYTES];
	const char *why =
		vly_tsig_key_read(&tsig, added->key.name, added->key.algorithm, added->key.secret);

	vly_tsig_key_wipe(&tsig);
	if (why != NULL) {
		snprintf(reason, VLY_REASON_BYTES, "%s", why);
		return -1;
	}
	if (vly_grant_read(&grant, &added->grant, added->zone, member, why_grant) != 0) {
		snprintf(reason, VLY_REASON_BYTES, "%s: %s", member, why_grant);
		return -1;
	}
	vly_grant_free(&grant);
	return 0;
}

int
vly_added_key_read(struct vly_added_key *added, json_t *object, char reason[VLY_REASON_BYTES])
{
	const char *unknown = find_unknown(object);

	*added = (struct vly_added_key){
		.key = {.name = text_of(object, "name"),
			.algorithm = text_of(object, "algorithm"),
			.secret = text_of(object, "secret")},
		.zone = text_of(object, "zone"),
	};
	if (unknown != NULL)
		snprintf(reason, VLY_REASON_BYTES, "%.100s: no such limit, or not in this form",
			 unknown);
	else if (!added->key.name || !added->key.algorithm || !added->key.secret || !added->zone)
		snprintf(reason, VLY_REASON_BYTES,
			 "a key needs a name, an algorithm, a secret and a zone");
	else if (!is_canonical(added->key.name) || !is_canonical(added->zone))
		snprintf(reason, VLY_REASON_BYTES,
			 "the name of the key or of the zone is not in canonical spelling");
	else if (!take_grant(added, object))
		snprintf(reason, VLY_REASON_BYTES, "a list must have strings alone");
	else if (check(added, reason) == 0)
		return 0;
	vly_added_key_free(added);
	return -1;
}

void
vly_added_key_free(struct vly_added_key *added)
{
	free(added->word);
	added->word = NULL;
}

json_t *
vly_added_keys_load(const char *state_dir, char reason[VLY_REASON_BYTES])
{
	char path[PATH_MAX];
	json_error_t error;
	char *text;
	size_t bytes;

	snprintf(path, sizeof(path), "%s/added-keys.json", state_dir);
	enum vly_state_read result =
		vly_state_file_read(path, FILE_BYTES_MAX, &text, &bytes, reason, VLY_REASON_BYTES);
	if (result == VLY_STATE_NONE) {
		snprintf(reason, VLY_REASON_BYTES, "out of memory");
		return json_array();
	}
	if (result != VLY_STATE_READ)
		return NULL;
	json_t *keys = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error);
	explicit_bzero(text, bytes);
	free(text);
	if (json_is_array(keys))
		return keys;
	json_decref(keys);
	snprintf(reason, VLY_REASON_BYTES, "%.400s: not a list in JSON", path);
	return NULL;
}

int
vly_added_keys_save(const json_t *keys, const char *state_dir, char reason[VLY_REASON_BYTES])
{
	char path[PATH_MAX];
	char *text = json_dumps(keys, JSON_INDENT(2));

	if (text == NULL) {
		snprintf(reason, VLY_REASON_BYTES, "out of memory");
		return -1;
	}
	snprintf(path, sizeof(path), "%s/added-keys.json", state_dir);
	int result = vly_state_file_write(path, text, strlen(text), reason, VLY_REASON_BYTES);
	explicit_bzero(text, strlen(text));
	free(text);
	return result;
}
