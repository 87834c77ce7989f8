/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "grant.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <volley/name.h>

#include "common/number.h"
#include "zone/domain.h"
#include "zone/rr_type.h"

#define NS_PER_SECOND UINT64_C(1000000000)

/* RFC 2181 §8 */
#define TTL_MAX INT32_MAX

/* Updates that a rate may name: more than a server takes. */
#define RATE_MAX 1000000

/* Where a reader writes what is wrong. */
struct place {
	char *member;
	char *reason;
};

__attribute__((format(printf, 4, 5))) static int
wrong(const struct place *place, const char *member, int idx, const char *format, ...)
{
	va_list args;

	if (idx < 0)
		snprintf(place->member, 32, "%s", member);
	else
		snprintf(place->member, 32, "%s[%d]", member, idx);
	va_start(args, format);
	vsnprintf(place->reason, VLY_GRANT_REASON_BYTES, format, args);
	va_end(args);
	return -1;
}

/* The name in wire form: absolute with a final dot, else in the zone. Returns its length, or 0 with
 * a sentence in *why. */
static unsigned
read_name(const char *text, const char *zone, uint8_t wire[VLY_NAME_BYTES_MAX], const char **why)
{
	char whole[VLY_DOMAIN_TEXT_BYTES * 2];
	char name[VLY_DOMAIN_TEXT_BYTES];
	size_t len = strlen(text);
	bool is_absolute = len > 0 && text[len - 1] == '.' && (len < 2 || text[len - 2] != '\\');

	if (strcmp(text, "@") == 0)
		snprintf(whole, sizeof(whole), "%s", zone);
	else if (is_absolute || strcmp(zone, ".") == 0)
		snprintf(whole, sizeof(whole), "%s", text);
	else
		snprintf(whole, sizeof(whole), "%s.%s", text, zone);
	*why = vly_domain_canonical(whole, name);
	return *why == NULL ? vly_domain_wire(name, wire) : 0;
}

/* The text's star: a label that is * and not \*. NULL: none. */
static const char *
find_star(const char *text)
{
	const char *at = text;

	while (*at != '\0') {
		if (*at == '*' && (at == text || at[-1] == '.') && (at[1] == '.' || at[1] == '\0'))
			return at;
		at += *at == '\\' && at[1] != '\0' ? 2 : 1;
	}
	return NULL;
}

/* True when `tail` is all of `name`, or its end from a label on. Both are in lower case. */
static bool
ends_with(const uint8_t *name, unsigned len, const uint8_t *tail, unsigned tail_len)
{
	unsigned at = 0;

	while (at + tail_len < len) /* at most 127 labels */
		at += name[at] + 1u;
	return at + tail_len == len && memcmp(name + at, tail, tail_len) == 0;
}

/* The two halves of a pattern; `star` may be NULL. Returns NULL or a sentence. */
static const char *
read_halves(struct vly_grant_pattern *pattern, const char *text, const char *star, const char *zone)
{
	char head[VLY_DOMAIN_TEXT_BYTES * 2];
	const char *tail = star == NULL ? text : star[1] == '\0' ? "@" : star + 2;
	const char *why;

	if (star != NULL && star > text) {
		snprintf(head, sizeof(head), "%.*s", (int)(star - text), text);
		unsigned len = read_name(head, zone, pattern->head, &why);
		if (len == 0)
			return why;
		pattern->head_len = (uint8_t)(len - 1);
	}
	if (star != NULL && strcmp(tail, "") == 0)
		tail = "."; /* "*." */
	pattern->tail_len = (uint8_t)read_name(tail, zone, pattern->tail, &why);
	pattern->has_star = star != NULL;
	return pattern->tail_len == 0 ? why : NULL;
}

static int
read_pattern(struct vly_grant_pattern *pattern, const char *text, const char *zone, int idx,
	     const struct place *place)
{
	uint8_t apex[VLY_NAME_BYTES_MAX];
	unsigned apex_len = vly_domain_wire(zone, apex);
	const char *star = find_star(text);

	if (strlen(text) >= VLY_DOMAIN_TEXT_BYTES)
		return wrong(place, "names", idx, "the name is too long");
	if (star != NULL && find_star(star + 1) != NULL)
		return wrong(place, "names", idx, "%.200s: only one label may be *", text);
	const char *why = read_halves(pattern, text, star, zone);
	if (why != NULL)
		return wrong(place, "names", idx, "%.150s: %s", text, why);
	if (!ends_with(pattern->tail, pattern->tail_len, apex, apex_len))
		return wrong(place, "names", idx, "%.100s: not in the zone %.100s", text, zone);
	return 0;
}

static int
read_patterns(struct vly_grant *grant, const struct vly_grant_text *text, const char *zone,
	      const struct place *place)
{
	if (text->name_cnt == 0)
		return 0;
	grant->pattern = calloc(text->name_cnt, sizeof(*grant->pattern));
	if (grant->pattern == NULL)
		return wrong(place, "names", -1, "out of memory");
	for (unsigned i = 0; i < text->name_cnt; i++)
		if (read_pattern(&grant->pattern[i], text->names[i], zone, (int)i, place) != 0)
			return -1;
	grant->pattern_cnt = text->name_cnt;
	return 0;
}

static int
read_types(struct vly_grant *grant, const struct vly_grant_text *text, const struct place *place)
{
	if (text->type_cnt == 0)
		return 0;
	grant->type = calloc(text->type_cnt, sizeof(*grant->type));
	if (grant->type == NULL)
		return wrong(place, "types", -1, "out of memory");
	for (unsigned i = 0; i < text->type_cnt; i++) {
		const char *word = text->types[i];
		uint16_t type = vly_rr_type_read(word, strlen(word));
		if (type == VLY_TYPE_ANY)
			grant->all_types = true;
		else if (!vly_rr_type_is_data(type))
			return wrong(place, "types", (int)i, "%.100s: not a type of records", word);
		grant->type[i] = type;
	}
	grant->type_cnt = text->type_cnt;
	return 0;
}

static int
read_sources(struct vly_grant *grant, const struct vly_grant_text *text, const struct place *place)
{
	for (unsigned i = 0; i < text->source_cnt; i++) {
		char reason[VLY_PREFIX_REASON_BYTES];
		struct vly_prefix_rule rule;
		const char *why = vly_prefix_parse(text->sources[i], &rule, reason);
		if (why != NULL)
			return wrong(place, "sources", (int)i, "%s", why);
		if (vly_prefix_list_add(&grant->source, &rule) != 0)
			return wrong(place, "sources", -1, "out of memory");
	}
	return 0;
}

static int
read_ttl(uint32_t *ttl, const char *text, const char *member, const struct place *place)
{
	uint64_t number;

	if (text == NULL)
		return 0;
	if (!vly_number_is(text, strlen(text), 0, TTL_MAX, &number))
		return wrong(place, member, -1, "must be a number of seconds from 0 to %d",
			     TTL_MAX);
	*ttl = (uint32_t)number;
	return 0;
}

static int
read_until(struct vly_grant *grant, const char *text, const struct place *place)
{
	struct tm time = {.tm_hour = 23, .tm_min = 59, .tm_sec = 59};
	const char *end;

	grant->until = UINT64_MAX;
	if (text == NULL)
		return 0;
	end = strptime(text, strchr(text, 'T') != NULL ? "%Y-%m-%dT%H:%M:%SZ" : "%Y-%m-%d", &time);
	time_t until = end != NULL && *end == '\0' ? timegm(&time) : -1;
	if (until < 0)
		return wrong(place, "until", -1, "must be YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ");
	grant->until = (uint64_t)until;
	return 0;
}

static int
read_rate(struct vly_grant *grant, const char *text, const struct place *place)
{
	static const char units[] = "smhd";
	static const uint32_t seconds[] = {1, 60, 3600, 86400};
	const char *slash = text != NULL ? strchr(text, '/') : NULL;
	const char *unit = slash != NULL && slash[1] != '\0' && slash[2] == '\0'
				   ? strchr(units, slash[1])
				   : NULL;
	uint64_t number;

	if (text == NULL)
		return 0;
	if (unit == NULL || !vly_number_is(text, (size_t)(slash - text), 1, RATE_MAX, &number))
		return wrong(place, "rate", -1,
			     "must be a number of updates from 1 to %d and a unit: "
			     "10/s, 100/m, 1000/h or 5000/d",
			     RATE_MAX);
	grant->rate = (uint32_t)number;
	grant->rate_seconds = seconds[unit - units];
	return 0;
}

int
vly_grant_read(struct vly_grant *grant, const struct vly_grant_text *text, const char *zone,
	       char member[32], char reason[VLY_GRANT_REASON_BYTES])
{
	const struct place place = {member, reason};

	*grant = (struct vly_grant){.ttl_max = UINT32_MAX};
	if (read_patterns(grant, text, zone, &place) == 0 && read_types(grant, text, &place) == 0 &&
	    read_sources(grant, text, &place) == 0 &&
	    read_ttl(&grant->ttl_min, text->ttl_min, "ttl-min", &place) == 0 &&
	    read_ttl(&grant->ttl_max, text->ttl_max, "ttl-max", &place) == 0 &&
	    read_until(grant, text->until, &place) == 0 &&
	    read_rate(grant, text->rate, &place) == 0) {
		if (grant->ttl_min <= grant->ttl_max)
			return 0;
		wrong(&place, "ttl-min", -1, "must not be above ttl-max");
	}
	vly_grant_free(grant);
	return -1;
}

void
vly_grant_free(struct vly_grant *grant)
{
	free(grant->pattern);
	free(grant->type);
	vly_prefix_list_free(&grant->source);
	*grant = (struct vly_grant){0};
}

static bool
covers(const struct vly_prefix_rule *rule, const uint8_t address[16])
{
	unsigned whole = rule->bits / 8u;
	unsigned mask = 0xff00u >> rule->bits % 8u & 0xff;

	if (memcmp(rule->address, address, whole) != 0)
		return false;
	return mask == 0 || ((rule->address[whole] ^ address[whole]) & mask) == 0;
}

const char *
vly_grant_holds(const struct vly_grant *grant, uint64_t now, const uint8_t client[16])
{
	if (now > grant->until)
		return "until";
	for (size_t i = 0; i < grant->source.cnt; i++)
		if (covers(&grant->source.rule[i], client))
			return NULL;
	return grant->source.cnt == 0 ? NULL : "sources";
}

static bool
matches(const struct vly_grant_pattern *pattern, const uint8_t *owner, unsigned owner_len)
{
	if (!pattern->has_star)
		return owner_len == pattern->tail_len &&
		       memcmp(owner, pattern->tail, owner_len) == 0;
	return owner_len >= pattern->head_len + (unsigned)pattern->tail_len &&
	       memcmp(owner, pattern->head, pattern->head_len) == 0 &&
	       ends_with(owner, owner_len, pattern->tail, pattern->tail_len);
}

static bool
allows_name(const struct vly_grant *grant, const uint8_t *owner, unsigned owner_len)
{
	for (unsigned i = 0; i < grant->pattern_cnt; i++)
		if (matches(&grant->pattern[i], owner, owner_len))
			return true;
	return grant->pattern_cnt == 0;
}

static bool
allows_type(const struct vly_grant *grant, uint16_t type)
{
	if (grant->all_types || type == VLY_TYPE_ANY)
		return true;
	for (unsigned i = 0; i < grant->type_cnt; i++)
		if (grant->type[i] == type)
			return true;
	/* NS and DNAME take over all names below */
	return grant->type_cnt == 0 && type != VLY_TYPE_NS && type != VLY_TYPE_SOA &&
	       type != VLY_TYPE_DNAME;
}

const char *
vly_grant_allows(const struct vly_grant *grant, const uint8_t *owner, unsigned owner_len,
		 uint16_t type, const uint32_t *ttl)
{
	if (!allows_name(grant, owner, owner_len))
		return "names";
	if (!allows_type(grant, type))
		return "types";
	if (ttl != NULL && *ttl < grant->ttl_min)
		return "ttl-min";
	return ttl != NULL && *ttl > grant->ttl_max ? "ttl-max" : NULL;
}

/* The bucket holds one period's updates. Each takes a period's part, and pushes the time at which
 * the bucket is full again into the future. */
bool
vly_grant_take(struct vly_grant *grant, uint64_t now_ns)
{
	if (grant->rate == 0)
		return true;
	const uint64_t period_ns = grant->rate_seconds * NS_PER_SECOND;
	uint64_t full_ns = grant->full_ns > now_ns ? grant->full_ns : now_ns;
	full_ns += period_ns / grant->rate;
	if (full_ns > now_ns + period_ns)
		return false;
	grant->full_ns = full_ns;
	return true;
}
