/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The section `health`, and the words of checks. */
#include "config_health.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <volley/dns.h>

#include "config_parts.h"
#include "zone/rr_type.h"

static const cyaml_schema_value_t word_schema = {
	CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, 4096),
};

#define TEXT(key, object, member)                                                                  \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, object, member, 1,   \
			       4096)
#define NUMBER_FIELD(id, key, ...)                                                                 \
	TEXT(key, struct vly_config_check, number[VLY_HEALTH_NUMBER_##id]),
#define TEXT_FIELD(id, key, ...) TEXT(key, struct vly_config_check, text[VLY_HEALTH_TEXT_##id]),
#define CHECK_FIELDS                                                                               \
	TEXT("type", struct vly_config_check, type),                                               \
		VLY_HEALTH_NUMBERS(NUMBER_FIELD) VLY_HEALTH_TEXTS(TEXT_FIELD)                      \
			CYAML_FIELD_SEQUENCE_COUNT("command",                                      \
						   CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,       \
						   struct vly_config_check, command, command_cnt,  \
						   &word_schema, 1, VLY_HEALTH_ARGS_MAX)

const cyaml_schema_field_t vly_config_check_fields[] = {
	TEXT("use", struct vly_config_check, use),
	CHECK_FIELDS,
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t named_fields[] = {
	CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct vly_config_check, name, 1, 255),
	CHECK_FIELDS,
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t named_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct vly_config_check, named_fields),
};

const cyaml_schema_field_t vly_config_health_fields[] = {
	TEXT("socket", struct vly_config_health, socket),
	CYAML_FIELD_SEQUENCE_COUNT("checks", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
				   struct vly_config_health, checks, check_cnt, &named_schema, 0,
				   VLY_HEALTH_CHECKS_MAX),
	CYAML_FIELD_END,
};

enum unit { MS, PERCENT, COUNT, BYTES, YES_NO, TYPE, RCODE };

static const struct {
	enum unit unit;
	uint64_t min, max;
} rule[VLY_HEALTH_NUMBER_CNT] = {
#define X(id, key, unit, min, max, preset, types) {unit, min, max},
	VLY_HEALTH_NUMBERS(X)
#undef X
};

/* "500ms", "10s", "5m", "1h", "7d"; seconds without a unit. */
static bool
read_time(const char *text, uint64_t min, uint64_t max, uint64_t *ms)
{
	const size_t digits = strspn(text, "0123456789");
	uint64_t seconds;

	if (digits > 0 && digits < 10 && strcmp(text + digits, "ms") == 0)
		*ms = strtoull(text, NULL, 10);
	else if (vly_config_number_read(text, vly_config_time_units, 0, max / 1000, &seconds))
		*ms = seconds * 1000;
	else
		return false;
	return *ms >= min && *ms <= max;
}

static bool
read_rcode(const char *text, uint64_t *number)
{
	static const struct {
		const char *word;
		unsigned rcode;
	} words[] = {
		{"NOERROR", VLY_RCODE_NOERROR},   {"FORMERR", VLY_RCODE_FORMERR},
		{"SERVFAIL", VLY_RCODE_SERVFAIL}, {"NXDOMAIN", VLY_RCODE_NXDOMAIN},
		{"NOTIMP", VLY_RCODE_NOTIMP},     {"REFUSED", VLY_RCODE_REFUSED},
		{"NOTAUTH", VLY_RCODE_NOTAUTH},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(text, words[i].word) == 0) {
			*number = words[i].rcode;
			return true;
		}
	return false;
}

static void
write_time(uint64_t ms, char text[32])
{
	if (ms % 86400000 == 0 && ms > 0)
		snprintf(text, 32, "%llud", (unsigned long long)(ms / 86400000));
	else if (ms % 1000 == 0)
		snprintf(text, 32, "%llus", (unsigned long long)(ms / 1000));
	else
		snprintf(text, 32, "%llums", (unsigned long long)ms);
}

/* Returns whether the words mean a number; otherwise `why` says what they must be. */
static bool
read_number(unsigned i, const char *text, uint64_t *number, char why[VLY_HEALTH_WHY_BYTES])
{
	const uint64_t min = rule[i].min, max = rule[i].max;
	char least[32], most[32];

	switch (rule[i].unit) {
	case MS:
		write_time(min, least);
		write_time(max, most);
		snprintf(why, VLY_HEALTH_WHY_BYTES,
			 "must be a time from %s to %s, such as 500ms, 10s or 5m", least, most);
		return read_time(text, min, max, number);
	case YES_NO:
		snprintf(why, VLY_HEALTH_WHY_BYTES, "must be true or false");
		*number = strcmp(text, "true") == 0;
		return *number || strcmp(text, "false") == 0;
	case TYPE:
		snprintf(why, VLY_HEALTH_WHY_BYTES, "must be a type of records, such as SOA");
		*number = vly_rr_type_read(text, strlen(text));
		return *number > 0;
	case RCODE:
		snprintf(
			why, VLY_HEALTH_WHY_BYTES,
			"must be NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED or NOTAUTH");
		return read_rcode(text, number);
	case BYTES:
		snprintf(why, VLY_HEALTH_WHY_BYTES,
			 "must be a number of octets from %llu to %llu, also with k or M",
			 (unsigned long long)min, (unsigned long long)max);
		return vly_config_number_read(text, vly_config_size_units, min, max, number);
	default:
		snprintf(why, VLY_HEALTH_WHY_BYTES, "must be a number from %llu to %llu%s",
			 (unsigned long long)min, (unsigned long long)max,
			 rule[i].unit == PERCENT ? ", in percent" : "");
		return vly_config_number_read(text, vly_config_no_units, min, max, number);
	}
}

static int
copy_words(const struct vly_config_check *words, const char *address,
	   struct vly_health_check *check, char why[VLY_HEALTH_WHY_BYTES])
{
	snprintf(why, VLY_HEALTH_WHY_BYTES, "out of memory");
	for (unsigned i = 0; i < VLY_HEALTH_TEXT_CNT; i++) {
		const char *text = words->text[i];
		if (i == VLY_HEALTH_TEXT_ADDRESS && !text && check->type != VLY_HEALTH_FILE)
			text = address;
		check->text[i] = text ? strdup(text) : NULL;
		if (text && !check->text[i])
			return -1;
	}
	check->args = calloc(words->command_cnt + 1, sizeof(*check->args));
	for (unsigned i = 0; check->args && i < words->command_cnt; i++) {
		check->args[i] = strdup(words->command[i]);
		if (!check->args[i])
			return -1;
		check->arg_cnt++;
	}
	return check->args ? 0 : -1;
}

static int
read_words(const struct vly_config_check *words, const char *address,
	   struct vly_health_check *check, const char **key, char why[VLY_HEALTH_WHY_BYTES])
{
	for (unsigned i = 0; i < VLY_HEALTH_NUMBER_CNT; i++) {
		*key = vly_health_number_keys[i];
		if (words->number[i] && !read_number(i, words->number[i], &check->number[i], why))
			return -1;
	}
	*key = "";
	if (copy_words(words, address, check, why) < 0)
		return -1;
	return vly_health_check_settle(check, key, why);
}

int
vly_config_check_read(const struct vly_config_check *words, const char *address,
		      struct vly_health_check *check, const char **key,
		      char why[VLY_HEALTH_WHY_BYTES])
{
	const int type = words->type ? vly_health_type_find(words->type) : -1;

	if (type < 0) {
		*key = words->type ? "type" : "";
		snprintf(why, VLY_HEALTH_WHY_BYTES,
			 "%s tcp, tls, http, https, dns, icmp, command or file",
			 words->type ? "must be" : "type must be given:");
		return -1;
	}
	vly_health_check_init(check, (enum vly_health_type)type);
	if (read_words(words, address, check, key, why) == 0)
		return 0;
	vly_health_check_clear(check);
	return -1;
}

int
vly_config_health_defaults(struct vly_config *config)
{
	if (!config->health)
		config->health = calloc(1, sizeof(*config->health));
	if (config->health && !config->health->socket)
		config->health->socket = strdup(VLY_HEALTH_SOCKET);
	return config->health && config->health->socket ? 0 : -1;
}

static void
find(struct vly_config_findings *findings, unsigned idx, const char *key, const char *why)
{
	char path[VLY_CONFIG_PATH_BYTES];

	snprintf(path, sizeof(path), "health.checks[%u]%s%.60s", idx, *key ? "." : "", key);
	vly_config_find(findings, path, 0, "%s", why);
}

void
vly_config_health_check(struct vly_config_health *health, struct vly_config_findings *findings)
{
	struct vly_config_names names = {0};
	char why[VLY_HEALTH_WHY_BYTES];
	const char *key;

	if (health->socket[0] != '/' || strlen(health->socket) > 107)
		vly_config_find(findings, "health.socket", 0,
				"must be an absolute path of at most 107 octets");
	health->read = calloc(health->check_cnt + 1, sizeof(*health->read));
	if (!health->read || vly_config_names_begin(&names, health->check_cnt) < 0) {
		vly_config_find(findings, "health", 0, "out of memory");
		return;
	}
	for (unsigned i = 0; i < health->check_cnt; i++) {
		const struct vly_config_check *words = &health->checks[i];
		if (!vly_config_names_add(&names, words->name, words))
			find(findings, i, "name", "another check has this name");
		if (vly_config_check_read(words, NULL, &health->read[i], &key, why) < 0)
			find(findings, i, key, why);
	}
	vly_config_names_free(&names);
}

void
vly_config_health_clear(struct vly_config_health *health)
{
	for (unsigned i = 0; health && health->read && i < health->check_cnt; i++)
		vly_health_check_clear(&health->read[i]);
	if (health)
		free(health->read);
	if (health)
		health->read = NULL;
}
