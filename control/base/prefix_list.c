/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "prefix_list.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

static bool
is_ipv4(const struct vly_prefix_rule *rule)
{
	return rule->bits >= 96 && memcmp(rule->address, mapped, sizeof(mapped)) == 0;
}

/* Clears what is behind the prefix. Returns whether there was anything. */
static bool
clear_host_bits(struct vly_prefix_rule *rule)
{
	bool any = false;

	for (unsigned i = 0; i < 16; i++) {
		unsigned first = rule->bits > i * 8 ? rule->bits - i * 8 : 0;
		uint8_t host = (uint8_t)(first >= 8 ? 0 : 0xff >> first);
		any |= (rule->address[i] & host) != 0;
		rule->address[i] &= (uint8_t)~host;
	}
	return any;
}

/* Returns the length, or -1. */
static int
read_bits(const char *text, unsigned max)
{
	int bits = 0;

	if (*text == '\0' || strlen(text) > 3 || strspn(text, "0123456789") != strlen(text))
		return -1;
	for (; *text; text++)
		bits = bits * 10 + (*text - '0');
	return bits <= (int)max ? bits : -1;
}

const char *
vly_prefix_parse(const char *text, struct vly_prefix_rule *rule,
		 char reason[VLY_PREFIX_REASON_BYTES])
{
	char address[INET6_ADDRSTRLEN + 1];
	char right[VLY_PREFIX_TEXT_BYTES];
	size_t len = strcspn(text, "/");
	bool slash = text[len] == '/';

	memset(rule, 0, sizeof(*rule));
	snprintf(address, sizeof(address), "%.*s", len < 46 ? (int)len : 46, text);
	bool ipv4 = inet_pton(AF_INET, address, rule->address + 12) == 1;
	if (!ipv4 && inet_pton(AF_INET6, address, rule->address) != 1) {
		snprintf(reason, VLY_PREFIX_REASON_BYTES, "%.60s is not an IPv4 or IPv6 prefix",
			 text);
		return reason;
	}
	int bits = slash ? read_bits(text + len + 1, ipv4 ? 32 : 128) : (ipv4 ? 32 : 128);
	if (bits < 0) {
		snprintf(reason, VLY_PREFIX_REASON_BYTES,
			 "%.60s: the length must be a number from 0 to %d", text, ipv4 ? 32 : 128);
		return reason;
	}
	rule->bits = (uint8_t)(ipv4 ? bits + 96 : bits);
	if (!ipv4 && is_ipv4(rule)) {
		snprintf(reason, VLY_PREFIX_REASON_BYTES,
			 "%.60s is an IPv4 prefix in the form of an IPv6 prefix: write it as IPv4",
			 text);
		return reason;
	}
	if (ipv4)
		memcpy(rule->address, mapped, sizeof(mapped));
	if (!clear_host_bits(rule))
		return NULL;
	snprintf(reason, VLY_PREFIX_REASON_BYTES, "%.60s has host bits set; did you mean %s?", text,
		 vly_prefix_format(rule, right));
	return reason;
}

const char *
vly_prefix_format(const struct vly_prefix_rule *rule, char out[VLY_PREFIX_TEXT_BYTES])
{
	bool ipv4 = is_ipv4(rule);

	inet_ntop(ipv4 ? AF_INET : AF_INET6, rule->address + (ipv4 ? 12 : 0), out,
		  VLY_PREFIX_TEXT_BYTES);
	snprintf(out + strlen(out), VLY_PREFIX_TEXT_BYTES - strlen(out), "/%d",
		 rule->bits - (ipv4 ? 96 : 0));
	return out;
}

int
vly_prefix_compare(const struct vly_prefix_rule *a, const struct vly_prefix_rule *b)
{
	int order = memcmp(a->address, b->address, sizeof(a->address));

	return order != 0 ? order : (int)a->bits - (int)b->bits;
}

int
vly_prefix_list_add(struct vly_prefix_list *list, const struct vly_prefix_rule *rule)
{
	if (list->cnt == list->room) {
		size_t room = list->room ? 2 * list->room : 16;
		void *grown = realloc(list->rule, room * sizeof(*list->rule));
		if (!grown)
			return -1;
		list->rule = grown;
		list->room = room;
	}
	list->rule[list->cnt++] = *rule;
	return 0;
}

/* Copies what stands on a line before a comment, without the space around it. */
static void
cut_line(const char *line, size_t len, char *out, size_t out_bytes)
{
	size_t end = 0;

	while (len > 0 && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	while (end < len && line[end] != '#' && line[end] != ';')
		end++;
	while (end > 0 && strchr(" \t\r", line[end - 1]))
		end--;
	if (end >= out_bytes)
		end = out_bytes - 1;
	memcpy(out, line, end);
	out[end] = '\0';
	/* a NUL would hide what follows it */
	for (size_t i = 0; i < end; i++)
		if (out[i] == '\0')
			out[i] = '?';
}

int
vly_prefix_list_read(struct vly_prefix_list *list, const char *text, size_t bytes, uint8_t action,
		     const struct vly_prefix_complaints *complaints)
{
	const char *end = text + bytes;
	int wrong = 0;

	for (unsigned line = 1; text < end; line++) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t len = (size_t)((newline ? newline : end) - text);
		char reason[VLY_PREFIX_REASON_BYTES];
		struct vly_prefix_rule rule;
		char word[100];

		cut_line(text, len, word, sizeof(word));
		text += len + (newline != NULL);
		if (word[0] == '\0')
			continue;
		if (vly_prefix_parse(word, &rule, reason)) {
			wrong++;
			complaints->tell(complaints->arg, line, reason);
			continue;
		}
		rule.action = action;
		if (list->cnt == VLY_PREFIX_LIST_MAX) {
			complaints->tell(complaints->arg, line, "too many prefixes");
			return -1;
		}
		if (vly_prefix_list_add(list, &rule) < 0)
			return -1;
	}
	return wrong;
}

struct place {
	struct vly_prefix_rule rule;
	size_t idx;
};

static int
compare_places(const void *a, const void *b)
{
	const struct place *left = a;
	const struct place *right = b;
	int order = vly_prefix_compare(&left->rule, &right->rule);

	return order != 0 ? order : (left->idx > right->idx) - (left->idx < right->idx);
}

int
vly_prefix_list_settle(struct vly_prefix_list *list)
{
	struct place *place = malloc((list->cnt + 1) * sizeof(*place));
	size_t cnt = 0;

	if (!place)
		return -1;
	for (size_t i = 0; i < list->cnt; i++)
		place[i] = (struct place){.rule = list->rule[i], .idx = i};
	qsort(place, list->cnt, sizeof(*place), compare_places);
	for (size_t i = 0; i < list->cnt; i++) {
		cnt -= cnt > 0 && vly_prefix_compare(&place[i].rule, &list->rule[cnt - 1]) == 0;
		list->rule[cnt++] = place[i].rule;
	}
	list->cnt = cnt;
	free(place);
	return 0;
}

void
vly_prefix_list_free(struct vly_prefix_list *list)
{
	free(list->rule);
	memset(list, 0, sizeof(*list));
}
