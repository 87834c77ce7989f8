/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "health_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/address_text.h"
#include "common/number.h"

const char *const vly_health_type_names[VLY_HEALTH_TYPE_CNT] = {
#define X(id, name) name,
	VLY_HEALTH_TYPES(X)
#undef X
};

const char *const vly_health_number_keys[VLY_HEALTH_NUMBER_CNT] = {
#define X(id, key, ...) key,
	VLY_HEALTH_NUMBERS(X)
#undef X
};

const char *const vly_health_text_keys[VLY_HEALTH_TEXT_CNT] = {
#define X(id, key, ...) key,
	VLY_HEALTH_TEXTS(X)
#undef X
};

static const struct {
	uint64_t min, max, preset;
	unsigned types;
} number_rule[VLY_HEALTH_NUMBER_CNT] = {
#define X(id, key, unit, min, max, preset, types) {min, max, preset, types},
	VLY_HEALTH_NUMBERS(X)
#undef X
};

static const struct {
	size_t max;
	const char *preset;
	unsigned types;
} text_rule[VLY_HEALTH_TEXT_CNT] = {
#define X(id, key, max, preset, types) {max, preset, types},
	VLY_HEALTH_TEXTS(X)
#undef X
};

#define NUMBER(check, id) ((check)->number[VLY_HEALTH_NUMBER_##id])
#define TEXT(check, id)   ((check)->text[VLY_HEALTH_TEXT_##id])

int
vly_health_type_find(const char *name)
{
	for (int i = 0; i < VLY_HEALTH_TYPE_CNT; i++)
		if (strcmp(name, vly_health_type_names[i]) == 0)
			return i;
	return -1;
}

void
vly_health_check_init(struct vly_health_check *check, enum vly_health_type type)
{
	*check = (struct vly_health_check){.type = type};
	for (unsigned i = 0; i < VLY_HEALTH_NUMBER_CNT; i++)
		check->number[i] = VLY_HEALTH_UNSET;
}

static int
refuse(const char **key, const char *what, char why[VLY_HEALTH_WHY_BYTES], const char *text)
{
	*key = what;
	snprintf(why, VLY_HEALTH_WHY_BYTES, "%s", text);
	return -1;
}

static int
settle_number(struct vly_health_check *check, unsigned i, const char **key,
	      char why[VLY_HEALTH_WHY_BYTES])
{
	uint64_t *number = &check->number[i];

	if (!(number_rule[i].types & 1u << check->type)) {
		if (*number == VLY_HEALTH_UNSET)
			return 0;
		snprintf(why, VLY_HEALTH_WHY_BYTES, "is not for checks of type %s",
			 vly_health_type_names[check->type]);
		*key = vly_health_number_keys[i];
		return -1;
	}
	if (*number == VLY_HEALTH_UNSET) {
		*number = number_rule[i].preset;
	} else if (*number < number_rule[i].min || *number > number_rule[i].max) {
		snprintf(why, VLY_HEALTH_WHY_BYTES, "is out of range");
		*key = vly_health_number_keys[i];
		return -1;
	}
	return 0;
}

static int
settle_text(struct vly_health_check *check, unsigned i, const char **key,
	    char why[VLY_HEALTH_WHY_BYTES])
{
	char **text = &check->text[i];

	*key = vly_health_text_keys[i];
	if (*text && !(text_rule[i].types & 1u << check->type)) {
		snprintf(why, VLY_HEALTH_WHY_BYTES, "is not for checks of type %s",
			 vly_health_type_names[check->type]);
		return -1;
	}
	if (*text && (!**text || strlen(*text) > text_rule[i].max)) {
		snprintf(why, VLY_HEALTH_WHY_BYTES, "must have 1 to %zu octets", text_rule[i].max);
		return -1;
	}
	/* a newline would end a header of HTTP and begin another */
	for (const char *at = *text; at && *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			return refuse(key, *key, why, "must not have control characters");
	if (!*text && text_rule[i].preset && (text_rule[i].types & 1u << check->type)) {
		*text = strdup(text_rule[i].preset);
		if (!*text)
			return refuse(key, *key, why, "out of memory");
	}
	return 0;
}

/* Takes "200" or "200-299" off the text. */
static const char *
take_range(const char *text, unsigned *from, unsigned *to)
{
	uint64_t number;
	const char *at = vly_number_read(text, strlen(text), 100, 999, &number);

	if (!at)
		return NULL;
	*from = *to = (unsigned)number;
	if (*at != '-')
		return at;
	at = vly_number_read(at + 1, strlen(at + 1), *from, 999, &number);
	*to = (unsigned)number;
	return at;
}

/* Whether the text is well formed; *fits: whether it has the status. */
static bool
read_ranges(const char *text, unsigned status, bool *fits)
{
	unsigned from, to;

	*fits = false;
	for (;;) {
		text = take_range(text, &from, &to);
		if (!text)
			return false;
		*fits |= status >= from && status <= to;
		if (*text == '\0')
			return true;
		if (*text++ != ',')
			return false;
	}
}

bool
vly_health_status_fits(const char *ranges, unsigned status)
{
	bool fits;

	return read_ranges(ranges, status, &fits) && fits;
}

/* Letters, digits, hyphens, underscores and dots: a name that needs no escapes. */
static bool
is_plain_name(const char *name)
{
	size_t label = 0;

	for (const char *at = name; *at; at++) {
		const bool is_letter = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
				       (*at >= '0' && *at <= '9') || *at == '-' || *at == '_';
		if (!is_letter && *at != '.')
			return false;
		label = is_letter ? label + 1 : 0;
		if (label > 63 || (*at == '.' && at > name && at[-1] == '.'))
			return false;
	}
	return name[0] != '.' || name[1] == '\0';
}

static int
settle_target(struct vly_health_check *check, const char **key, char why[VLY_HEALTH_WHY_BYTES])
{
	static const uint16_t ports[VLY_HEALTH_TYPE_CNT] = {
		[VLY_HEALTH_TLS] = 443,
		[VLY_HEALTH_HTTP] = 80,
		[VLY_HEALTH_HTTPS] = 443,
		[VLY_HEALTH_DNS] = 53,
	};
	const char *address = TEXT(check, ADDRESS);
	struct vly_address octets;

	if (VLY_HEALTH_REMOTE & 1u << check->type && !address)
		return refuse(key, "address", why, "must be given");
	if (address && vly_address_read(address, &octets) == 0)
		return refuse(key, "address", why, "must be an IPv4 or IPv6 address");
	if (VLY_HEALTH_PORTS & 1u << check->type && NUMBER(check, PORT) == 0)
		NUMBER(check, PORT) = ports[check->type];
	if (VLY_HEALTH_PORTS & 1u << check->type && NUMBER(check, PORT) == 0)
		return refuse(key, "port", why, "must be given");
	return 0;
}

static int
settle_words(const struct vly_health_check *check, const char **key, char why[VLY_HEALTH_WHY_BYTES])
{
	const bool is_command = check->type == VLY_HEALTH_COMMAND;
	size_t octets = 0;

	if (is_command != (check->arg_cnt > 0))
		return refuse(key, "command", why,
			      is_command ? "must be given" : "is for checks of type command");
	if (check->arg_cnt > VLY_HEALTH_ARGS_MAX)
		return refuse(key, "command", why, "has too many words; 32 is the most");
	for (unsigned i = 0; i < check->arg_cnt; i++)
		octets += strlen(check->args[i]);
	if (octets > VLY_HEALTH_COMMAND_MAX)
		return refuse(key, "command", why, "is too long; 4,096 octets are the most");
	if (is_command && check->args[0][0] != '/')
		return refuse(key, "command", why, "must begin with the path of a program");
	return 0;
}

static int
settle_meaning(const struct vly_health_check *check, const char **key,
	       char why[VLY_HEALTH_WHY_BYTES])
{
	bool fits;

	if (NUMBER(check, TIMEOUT) > NUMBER(check, INTERVAL))
		return refuse(key, "timeout", why, "must not be longer than interval");
	if (NUMBER(check, HOLD_DOWN_MAX) < NUMBER(check, HOLD_DOWN))
		return refuse(key, "hold-down-max", why, "must not be shorter than hold-down");
	if (TEXT(check, PATH) && (TEXT(check, PATH)[0] != '/' || strpbrk(TEXT(check, PATH), " #")))
		return refuse(key, "path", why, "must begin with / and have no space and no #");
	if (TEXT(check, STATUS) && !read_ranges(TEXT(check, STATUS), 0, &fits))
		return refuse(key, "status", why,
			      "must be numbers and ranges, such as 200-299,301");
	if (TEXT(check, HOST) && !is_plain_name(TEXT(check, HOST)))
		return refuse(key, "host", why, "must be a host name");
	if (check->type == VLY_HEALTH_DNS && !TEXT(check, QUERY))
		return refuse(key, "query", why, "must be given: the name that is asked for");
	if (TEXT(check, QUERY) && !is_plain_name(TEXT(check, QUERY)))
		return refuse(key, "query", why, "must be a domain name without escapes");
	if (check->type == VLY_HEALTH_FILE && (!TEXT(check, FILE) || TEXT(check, FILE)[0] != '/'))
		return refuse(key, "file", why, "must be an absolute path");
	if (TEXT(check, CA_FILE) && TEXT(check, CA_FILE)[0] != '/')
		return refuse(key, "ca-file", why, "must be an absolute path");
	return 0;
}

int
vly_health_check_settle(struct vly_health_check *check, const char **key,
			char why[VLY_HEALTH_WHY_BYTES])
{
	for (unsigned i = 0; i < VLY_HEALTH_NUMBER_CNT; i++)
		if (settle_number(check, i, key, why) < 0)
			return -1;
	for (unsigned i = 0; i < VLY_HEALTH_TEXT_CNT; i++)
		if (settle_text(check, i, key, why) < 0)
			return -1;
	if (settle_target(check, key, why) < 0 || settle_words(check, key, why) < 0)
		return -1;
	return settle_meaning(check, key, why);
}

bool
vly_health_check_copy(const struct vly_health_check *check, struct vly_health_check *copy)
{
	bool good = true;

	*copy = (struct vly_health_check){.type = check->type};
	memcpy(copy->number, check->number, sizeof(copy->number));
	for (unsigned i = 0; i < VLY_HEALTH_TEXT_CNT; i++)
		if (check->text[i]) {
			copy->text[i] = strdup(check->text[i]);
			good &= copy->text[i] != NULL;
		}
	if (check->arg_cnt > 0)
		copy->args = calloc(check->arg_cnt, sizeof(*copy->args));
	for (unsigned i = 0; copy->args && i < check->arg_cnt; i++) {
		copy->args[i] = strdup(check->args[i]);
		good &= copy->args[i] != NULL;
		copy->arg_cnt++;
	}
	if (good && copy->arg_cnt == check->arg_cnt)
		return true;
	vly_health_check_clear(copy);
	return false;
}

void
vly_health_check_clear(struct vly_health_check *check)
{
	for (unsigned i = 0; i < VLY_HEALTH_TEXT_CNT; i++)
		free(check->text[i]);
	for (unsigned i = 0; i < check->arg_cnt; i++)
		free(check->args[i]);
	free(check->args);
	*check = (struct vly_health_check){0};
}

const char *
vly_health_check_target(const struct vly_health_check *check, char out[VLY_HEALTH_TARGET_BYTES])
{
	const char *name = vly_health_type_names[check->type];

	if (check->type == VLY_HEALTH_COMMAND)
		snprintf(out, VLY_HEALTH_TARGET_BYTES, "%s %.120s", name, check->args[0]);
	else if (check->type == VLY_HEALTH_FILE)
		snprintf(out, VLY_HEALTH_TARGET_BYTES, "%s %.140s", name, TEXT(check, FILE));
	else if (check->type == VLY_HEALTH_ICMP)
		snprintf(out, VLY_HEALTH_TARGET_BYTES, "%s %.60s", name, TEXT(check, ADDRESS));
	else
		snprintf(out, VLY_HEALTH_TARGET_BYTES, "%s %.60s port %u", name,
			 TEXT(check, ADDRESS), (unsigned)NUMBER(check, PORT));
	return out;
}
