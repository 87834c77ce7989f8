/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The configuration's section `defence`: defaults, values, lists. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file_text.h"
#include "config_parts.h"

/* "17,19": one value, as it is set at run time. */
static char *
join(char *const *word, unsigned cnt)
{
	size_t bytes = 1;

	for (unsigned i = 0; i < cnt; i++)
		bytes += strlen(word[i]) + 1;
	char *text = calloc(1, bytes);
	for (unsigned i = 0; text && i < cnt; i++) {
		strcat(text, i ? "," : "");
		strcat(text, word[i]);
	}
	return text;
}

int
vly_config_defence_defaults(struct vly_config *config)
{
	if (!config->defence)
		config->defence = calloc(1, sizeof(*config->defence));
	if (!config->defence)
		return -1;
	struct vly_config_defence *defence = config->defence;
	char **text = defence->values.text;
	if (defence->reflector_port_cnt > 0)
		text[VLY_DEFENCE_reflector_ports] =
			join(defence->reflector_ports, defence->reflector_port_cnt);
	for (unsigned i = 0; i < VLY_DEFENCE_SETTING_CNT; i++) {
		if (!text[i])
			text[i] = strdup(vly_defence_setting_default(i));
		if (!text[i])
			return -1;
	}
	return 0;
}

/* A prefix of the configuration, and where it stands in its list. */
struct listed {
	struct vly_prefix_rule rule;
	const char *word;
	unsigned place;
	bool is_twice;
};

static const char *
list_path(uint8_t action)
{
	return action == VLY_PREFIX_DENY ? "defence.deny[%u]" : "defence.allow[%u]";
}

/* Reads a list's words to listed[]; returns how many were good. */
static unsigned
read_prefixes(struct listed *listed, char *const *word, unsigned cnt, uint8_t action,
	      struct vly_config_findings *findings)
{
	char reason[VLY_PREFIX_REASON_BYTES];
	unsigned good = 0;

	for (unsigned i = 0; i < cnt; i++) {
		struct listed *next = &listed[good];
		*next = (struct listed){.word = word[i], .place = i};
		if (vly_prefix_parse(word[i], &next->rule, reason)) {
			vly_config_find(findings, list_path(action), i, "%s", reason);
			continue;
		}
		next->rule.action = action;
		good++;
	}
	return good;
}

static int
compare_listed(const void *a, const void *b)
{
	const struct listed *const *left = a;
	const struct listed *const *right = b;
	int order = vly_prefix_compare(&(*left)->rule, &(*right)->rule);

	return order != 0 ? order : (*left > *right) - (*left < *right);
}

/* Of equal prefixes all but the first are one too many. Returns 0, or -1 without memory. */
static int
mark_twice(struct listed *listed, unsigned cnt)
{
	struct listed **sorted = malloc((cnt + 1u) * sizeof(struct listed *));

	if (!sorted)
		return -1;
	for (unsigned i = 0; i < cnt; i++)
		sorted[i] = &listed[i];
	qsort(sorted, cnt, sizeof(struct listed *), compare_listed);
	for (unsigned i = 1; i < cnt; i++)
		sorted[i]->is_twice =
			vly_prefix_compare(&sorted[i]->rule, &sorted[i - 1]->rule) == 0;
	free(sorted);
	return 0;
}

static void
check_prefixes(struct vly_config_defence *defence, struct vly_config_findings *findings)
{
	size_t max = (size_t)defence->denied_cnt + defence->allowed_cnt;
	struct listed *listed = calloc(max + 1, sizeof(*listed));
	unsigned cnt = 0;

	if (listed) {
		cnt = read_prefixes(listed, defence->denied, defence->denied_cnt, VLY_PREFIX_DENY,
				    findings);
		cnt += read_prefixes(listed + cnt, defence->allowed, defence->allowed_cnt,
				     VLY_PREFIX_ALLOW, findings);
	}
	if (!listed || mark_twice(listed, cnt) < 0)
		vly_config_find(findings, "defence", 0, "out of memory");
	for (unsigned i = 0; i < cnt; i++) {
		const struct listed *next = &listed[i];
		const char *path = list_path(next->rule.action);
		if (next->is_twice)
			vly_config_find(findings, path, next->place, "%s is listed twice",
					next->word);
		else if (vly_prefix_list_add(&defence->listed, &next->rule) < 0)
			vly_config_find(findings, path, next->place, "out of memory");
	}
	free(listed);
}

void
vly_config_defence_check(struct vly_config_defence *defence, struct vly_config_findings *findings)
{
	char reason[VLY_PREFIX_REASON_BYTES];
	char path[100];

	for (unsigned i = 0; i < VLY_DEFENCE_SETTING_CNT; i++) {
		if (vly_defence_setting_check(i, defence->values.text[i], reason, sizeof(reason)) ==
		    0)
			continue;
		snprintf(path, sizeof(path), "defence.%s", vly_defence_setting_name(i));
		vly_config_find(findings, path, 0, "%s", reason);
	}
	check_prefixes(defence, findings);
}

struct vly_config_defence *
vly_config_take_defence(struct vly_config *config)
{
	struct vly_config_defence *defence = config->defence;

	config->defence = NULL;
	return defence;
}

void
vly_config_defence_free(struct vly_config_defence *defence)
{
	static const cyaml_config_t settings = {.mem_fn = cyaml_mem};

	if (!defence)
		return;
	vly_prefix_list_free(&defence->listed);
	vly_prefix_list_free(&defence->in_file);
	/* made from the list of ports, or a default: the schema knows no such value */
	free(defence->values.text[VLY_DEFENCE_reflector_ports]);
	cyaml_free(&settings, &vly_config_defence_schema, defence, 0);
}

struct list_reading {
	const char *path;
	struct vly_config_errors *errors;
};

static void
tell(void *arg, unsigned line, const char *text)
{
	struct list_reading *reading = arg;

	vly_config_write_error(reading->errors, reading->path, line, "", text);
}

int
vly_config_read_lists(struct vly_config *config, struct vly_config_errors *errors)
{
	struct vly_config_defence *defence = config->defence;
	struct list_reading reading = {.path = defence->deny_file, .errors = errors};
	struct vly_prefix_complaints complaints = {.tell = tell, .arg = &reading};
	size_t bytes;

	if (!defence->deny_file)
		return 0;
	const char *why;
	defence->is_unread = true;
	const bool is_known = config->source.is_known;
	config->source.is_known = false;
	char *text = vly_file_read_string(defence->deny_file, SIZE_MAX, &bytes, &why);
	if (!text) {
		vly_config_write_error(errors, defence->deny_file, 0, "defence.deny-file", why);
		return -1;
	}
	int wrong =
		vly_prefix_list_read(&defence->in_file, text, bytes, VLY_PREFIX_DENY, &complaints);
	free(text);
	defence->is_unread = wrong != 0;
	config->source.is_known = is_known && wrong == 0;
	if (wrong == 0)
		return 0;
	vly_prefix_list_free(&defence->in_file);
	if (errors->cnt == 0)
		tell(&reading, 0, "out of memory");
	return -1;
}
