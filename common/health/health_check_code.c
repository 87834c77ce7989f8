/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The form of a check in JSON, and its id. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "health_check.h"

json_t *
vly_health_check_encode(const struct vly_health_check *check)
{
	json_t *object = json_pack("{s:s}", "type", vly_health_type_names[check->type]);
	int failed = 0;

	for (unsigned i = 0; i < VLY_HEALTH_NUMBER_CNT; i++)
		if (check->number[i] != VLY_HEALTH_UNSET)
			failed |= json_object_set_new(object, vly_health_number_keys[i],
						      json_integer((json_int_t)check->number[i]));
	for (unsigned i = 0; i < VLY_HEALTH_TEXT_CNT; i++)
		if (check->text[i])
			failed |= json_object_set_new(object, vly_health_text_keys[i],
						      json_string(check->text[i]));
	json_t *words = check->arg_cnt > 0 ? json_array() : NULL;
	for (unsigned i = 0; i < check->arg_cnt; i++)
		failed |= json_array_append_new(words, json_string(check->args[i]));
	if (words)
		failed |= json_object_set_new(object, "command", words);
	if (failed) {
		json_decref(object);
		return NULL;
	}
	return object;
}

bool
vly_health_check_id(const struct vly_health_check *check, char id[VLY_HEALTH_ID_BYTES])
{
	json_t *object = vly_health_check_encode(check);
	char *text = object ? json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

	json_decref(object);
	if (!text)
		return false;
	XXH128_hash_t hash = XXH3_128bits(text, strlen(text));
	snprintf(id, VLY_HEALTH_ID_BYTES, "%016" PRIx64 "%016" PRIx64, (uint64_t)hash.high64,
		 (uint64_t)hash.low64);
	free(text);
	return true;
}

static int
decode_words(const json_t *object, struct vly_health_check *check, char why[VLY_HEALTH_WHY_BYTES])
{
	const json_t *words = json_object_get(object, "command");
	const size_t cnt = json_array_size(words);

	if (!words)
		return 0;
	snprintf(why, VLY_HEALTH_WHY_BYTES, "command must be a list of 1 to 32 words");
	if (cnt == 0 || cnt > VLY_HEALTH_ARGS_MAX)
		return -1;
	check->args = calloc(cnt, sizeof(*check->args));
	if (!check->args)
		return -1;
	for (size_t i = 0; i < cnt; i++) {
		const char *word = json_string_value(json_array_get(words, i));
		check->args[i] = word ? strdup(word) : NULL;
		if (!check->args[i])
			return -1;
		check->arg_cnt++;
	}
	return 0;
}

static int
decode_values(const json_t *object, struct vly_health_check *check, char why[VLY_HEALTH_WHY_BYTES])
{
	for (unsigned i = 0; i < VLY_HEALTH_NUMBER_CNT; i++) {
		const json_t *value = json_object_get(object, vly_health_number_keys[i]);
		const json_int_t number = json_integer_value(value);
		if (!value)
			continue;
		snprintf(why, VLY_HEALTH_WHY_BYTES, "%s must be a number",
			 vly_health_number_keys[i]);
		if (!json_is_integer(value) || number < 0)
			return -1;
		check->number[i] = (uint64_t)number;
	}
	for (unsigned i = 0; i < VLY_HEALTH_TEXT_CNT; i++) {
		const json_t *value = json_object_get(object, vly_health_text_keys[i]);
		if (!value)
			continue;
		snprintf(why, VLY_HEALTH_WHY_BYTES, "%s must be a text", vly_health_text_keys[i]);
		if (!json_is_string(value))
			return -1;
		check->text[i] = strdup(json_string_value(value));
		if (!check->text[i])
			return -1;
	}
	return decode_words(object, check, why);
}

int
vly_health_check_decode(const json_t *object, struct vly_health_check *check,
			char why[VLY_HEALTH_WHY_BYTES])
{
	const char *name = json_string_value(json_object_get(object, "type"));
	const int type = name ? vly_health_type_find(name) : -1;
	char reason[VLY_HEALTH_WHY_BYTES];
	const char *key = "";

	if (type < 0) {
		snprintf(why, VLY_HEALTH_WHY_BYTES, "type is not known");
		return -1;
	}
	vly_health_check_init(check, (enum vly_health_type)type);
	if (decode_values(object, check, why) == 0) {
		if (vly_health_check_settle(check, &key, reason) == 0)
			return 0;
		snprintf(why, VLY_HEALTH_WHY_BYTES, "%s %.150s", key, reason);
	}
	vly_health_check_clear(check);
	return -1;
}
