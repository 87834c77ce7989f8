/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "catalog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zone/domain.h"

/* The labels of an owner below the apex, from the left. More than the deepest property that we know: then
 * it is none. */
#define DEPTH_MAX 3

struct below {
	unsigned cnt;
	const uint8_t *label[DEPTH_MAX]; /* with the length octet */
};

static void
free_member(struct vly_catalog_member *member)
{
	if (!member)
		return;
	for (unsigned i = 0; i < member->group_cnt; i++)
		free(member->group[i]);
	free(member->group);
	free(member->zone);
	free(member->coo);
	free(member);
}

void
vly_catalog_begin(struct vly_catalog_reader *reader, const char *name)
{
	*reader = (struct vly_catalog_reader){.name = strdup(name)};
	reader->apex_len = vly_domain_wire(name, reader->apex);
	reader->is_out_of_memory = !reader->name;
}

/* Splits an owner. Returns false: it is not below the apex, or deeper than what we know. */
static bool
split(const struct vly_catalog_reader *reader, const uint8_t *owner, unsigned owner_len,
      struct below *below)
{
	unsigned at = 0;

	if (owner_len <= reader->apex_len ||
	    memcmp(owner + owner_len - reader->apex_len, reader->apex, reader->apex_len) != 0)
		return false;
	below->cnt = 0;
	while (at < owner_len - reader->apex_len) {
		if (below->cnt == DEPTH_MAX || owner[at] == 0)
			return false;
		below->label[below->cnt++] = owner + at;
		at += owner[at] + 1u;
	}
	return at == owner_len - reader->apex_len;
}

static bool
is_label(const uint8_t *label, const char *text)
{
	size_t len = strlen(text);

	return label[0] == len && memcmp(label + 1, text, len) == 0;
}

/* The text of a TXT record of one string; NULL: there are more, or a NUL in it, or no memory. */
static char *
one_string(const uint8_t *data, unsigned data_len)
{
	if (data_len < 1 || data[0] + 1u != data_len || memchr(data + 1, 0, data[0]))
		return NULL;
	return strndup((const char *)data + 1, data[0]);
}

/* The name in RDATA, as vly_domain_canonical() would write it. */
static char *
read_name(const uint8_t *data, unsigned data_len)
{
	char text[VLY_DOMAIN_TEXT_BYTES];
	uint8_t lower[VLY_NAME_BYTES_MAX];

	if (data_len > sizeof(lower))
		return NULL;
	for (unsigned i = 0; i < data_len; i++)
		lower[i] = data[i] >= 'A' && data[i] <= 'Z' ? data[i] | 0x20 : data[i];
	return strdup(vly_domain_text(lower, text));
}

static struct vly_catalog_member *
member_of(struct vly_catalog_reader *reader, const uint8_t *label)
{
	struct vly_catalog_member *member;

	HASH_FIND(hh, reader->by_label, label + 1, label[0], member);
	if (member)
		return member;
	member = calloc(1, sizeof(*member));
	if (member) {
		member->label_len = label[0];
		memcpy(member->label, label + 1, label[0]);
		HASH_ADD(hh, reader->by_label, label, member->label_len, member);
		if (member->hh.tbl)
			return member;
		free(member);
	}
	reader->is_out_of_memory = true;
	return NULL;
}

/* Takes the name of a PTR record, whose RRset is to have one alone. */
static void
take_name(struct vly_catalog_reader *reader, char **to, unsigned *cnt, const uint8_t *data,
	  unsigned data_len)
{
	if (++*cnt > 1)
		return;
	*to = read_name(data, data_len);
	reader->is_out_of_memory |= !*to;
}

/* A group that is not one text is none that anybody could have configured: it is passed over. */
static void
take_group(struct vly_catalog_reader *reader, struct vly_catalog_member *member,
	   const uint8_t *data, unsigned data_len)
{
	unsigned at = member->group_cnt;

	if (at == VLY_CATALOG_GROUPS_MAX || data_len < 1 || data[0] + 1u != data_len ||
	    memchr(data + 1, 0, data[0]))
		return;
	char *group = one_string(data, data_len);
	char **grown = realloc(member->group, (at + 1) * sizeof(*grown));
	if (grown)
		member->group = grown;
	if (!grown || !group) {
		free(group);
		reader->is_out_of_memory = true;
		return;
	}
	for (; at > 0 && strcmp(grown[at - 1], group) > 0; at--)
		grown[at] = grown[at - 1];
	grown[at] = group;
	member->group_cnt++;
}

static void
take_property(struct vly_catalog_reader *reader, const struct below *below, uint16_t type,
	      const uint8_t *data, unsigned data_len)
{
	bool is_coo = type == VLY_TYPE_PTR && is_label(below->label[0], "coo");
	bool is_group = type == VLY_TYPE_TXT && is_label(below->label[0], "group");
	struct vly_catalog_member *member =
		is_coo || is_group ? member_of(reader, below->label[1]) : NULL;

	if (member && is_coo)
		take_name(reader, &member->coo, &member->coo_cnt, data, data_len);
	else if (member)
		take_group(reader, member, data, data_len);
}

void
vly_catalog_take(struct vly_catalog_reader *reader, const uint8_t *owner, unsigned owner_len,
		 uint16_t type, const uint8_t *data, unsigned data_len)
{
	struct vly_catalog_member *member;
	struct below below;

	if ((type != VLY_TYPE_PTR && type != VLY_TYPE_TXT) ||
	    !split(reader, owner, owner_len, &below))
		return;
	if (below.cnt == 1 && type == VLY_TYPE_TXT && is_label(below.label[0], "version")) {
		reader->version_cnt++;
		reader->has_version |= data_len == 2 && memcmp(data, "\0012", 2) == 0;
	} else if (below.cnt == 2 && type == VLY_TYPE_PTR && is_label(below.label[1], "zones")) {
		member = member_of(reader, below.label[0]);
		if (member)
			take_name(reader, &member->zone, &member->ptr_cnt, data, data_len);
	} else if (below.cnt == 3 && is_label(below.label[2], "zones")) {
		take_property(reader, &below, type, data, data_len);
	}
}

const char *
vly_catalog_label_text(const struct vly_catalog_member *member, char text[VLY_CATALOG_LABEL_BYTES])
{
	uint8_t wire[VLY_LABEL_BYTES_MAX + 2] = {member->label_len};
	char name[VLY_DOMAIN_TEXT_BYTES];

	memcpy(wire + 1, member->label, member->label_len);
	size_t len = strlen(vly_domain_text(wire, name));
	snprintf(text, VLY_CATALOG_LABEL_BYTES, "%.*s", (int)len - 1, name); /* without the dot */
	return text;
}

static const char *
check_version(const struct vly_catalog_reader *reader)
{
	if (reader->is_out_of_memory)
		return "out of memory";
	if (reader->version_cnt == 0)
		return "it has no TXT record at the name version, which must be \"2\"";
	if (reader->version_cnt > 1)
		return "it has more than one TXT record at the name version";
	return reader->has_version ? NULL : "its version is not \"2\"";
}

static const char *
check_member(const struct vly_catalog_reader *reader, const struct vly_catalog_member *member)
{
	if (member->ptr_cnt == 0)
		return "has properties, but no PTR record with the name of a zone";
	if (member->ptr_cnt > 1)
		return "has more than one PTR record";
	if (member->coo_cnt > 1)
		return "has more than one PTR record at coo";
	return strcmp(member->zone, reader->name) == 0 ? "is the catalog itself" : NULL;
}

static int
check_members(const struct vly_catalog_reader *reader, char *reason)
{
	char label[VLY_CATALOG_LABEL_BYTES];

	for (const struct vly_catalog_member *member = reader->by_label; member;
	     member = member->hh.next) {
		const char *why = check_member(reader, member);
		if (!why)
			continue;
		snprintf(reason, VLY_REASON_BYTES, "the member %s.zones %s",
			 vly_catalog_label_text(member, label), why);
		return -1;
	}
	return 0;
}

static int
compare_zones(const void *a, const void *b)
{
	const struct vly_catalog_member *const *left = a;
	const struct vly_catalog_member *const *right = b;

	return strcmp((*left)->zone, (*right)->zone);
}

static int
check_twice(const struct vly_catalog *catalog, char *reason)
{
	char label[2][VLY_CATALOG_LABEL_BYTES];

	for (uint32_t i = 1; i < catalog->member_cnt; i++) {
		const struct vly_catalog_member *left = catalog->member[i - 1];
		const struct vly_catalog_member *right = catalog->member[i];
		if (strcmp(left->zone, right->zone) != 0)
			continue;
		snprintf(reason, VLY_REASON_BYTES,
			 "zone %.200s is in it twice: as %.100s.zones and as %.100s.zones",
			 left->zone, vly_catalog_label_text(left, label[0]),
			 vly_catalog_label_text(right, label[1]));
		return -1;
	}
	return 0;
}

/* Moves the members into an array. */
static struct vly_catalog *
make(struct vly_catalog_reader *reader)
{
	struct vly_catalog *catalog = calloc(1, sizeof(*catalog));
	unsigned cnt = HASH_COUNT(reader->by_label);
	struct vly_catalog_member *member;
	struct vly_catalog_member *next;

	if (!catalog || !(catalog->member = calloc(cnt + 1, sizeof(struct vly_catalog_member *)))) {
		free(catalog);
		return NULL;
	}
	catalog->name = reader->name;
	reader->name = NULL;
	HASH_ITER(hh, reader->by_label, member, next)
	{
		HASH_DELETE(hh, reader->by_label, member);
		catalog->member[catalog->member_cnt++] = member;
	}
	if (cnt > 0)
		qsort(catalog->member, cnt, sizeof(struct vly_catalog_member *), compare_zones);
	return catalog;
}

struct vly_catalog *
vly_catalog_end(struct vly_catalog_reader *reader, char reason[VLY_REASON_BYTES])
{
	const char *why = check_version(reader);
	struct vly_catalog *catalog = NULL;

	if (why)
		snprintf(reason, VLY_REASON_BYTES, "%s", why);
	else if (check_members(reader, reason) == 0 && !(catalog = make(reader)))
		snprintf(reason, VLY_REASON_BYTES, "out of memory");
	vly_catalog_drop(reader);
	if (!catalog || check_twice(catalog, reason) == 0)
		return catalog;
	vly_catalog_free(catalog);
	return NULL;
}

void
vly_catalog_drop(struct vly_catalog_reader *reader)
{
	struct vly_catalog_member *member;
	struct vly_catalog_member *next;

	HASH_ITER(hh, reader->by_label, member, next)
	{
		HASH_DELETE(hh, reader->by_label, member);
		free_member(member);
	}
	free(reader->name);
	reader->name = NULL;
}

const struct vly_catalog_member *
vly_catalog_find(const struct vly_catalog *catalog, const char *zone)
{
	uint32_t low = 0;
	uint32_t high = catalog->member_cnt;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = strcmp(zone, catalog->member[middle]->zone);
		if (order == 0)
			return catalog->member[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

bool
vly_catalog_same_label(const struct vly_catalog_member *left,
		       const struct vly_catalog_member *right)
{
	return left->label_len == right->label_len &&
	       memcmp(left->label, right->label, left->label_len) == 0;
}

static bool
is_same(const struct vly_catalog_member *left, const struct vly_catalog_member *right)
{
	if (!vly_catalog_same_label(left, right) || left->group_cnt != right->group_cnt ||
	    !left->coo != !right->coo || (left->coo && strcmp(left->coo, right->coo) != 0))
		return false;
	for (unsigned i = 0; i < left->group_cnt; i++)
		if (strcmp(left->group[i], right->group[i]) != 0)
			return false;
	return true;
}

void
vly_catalog_compare(const struct vly_catalog *before, const struct vly_catalog *after,
		    void (*fn)(void *arg, const struct vly_catalog_member *before,
			       const struct vly_catalog_member *after),
		    void *arg)
{
	uint32_t left_cnt = before ? before->member_cnt : 0;
	uint32_t right_cnt = after ? after->member_cnt : 0;
	uint32_t l = 0;
	uint32_t r = 0;

	while (l < left_cnt || r < right_cnt) {
		const struct vly_catalog_member *left = l < left_cnt ? before->member[l] : NULL;
		const struct vly_catalog_member *right = r < right_cnt ? after->member[r] : NULL;
		int order = !left ? 1 : !right ? -1 : strcmp(left->zone, right->zone);
		if (order < 0)
			fn(arg, left, NULL);
		else if (order > 0)
			fn(arg, NULL, right);
		else if (!is_same(left, right))
			fn(arg, left, right);
		l += order <= 0;
		r += order >= 0;
	}
}

void
vly_catalog_free(struct vly_catalog *catalog)
{
	if (!catalog)
		return;
	for (uint32_t i = 0; i < catalog->member_cnt; i++)
		free_member(catalog->member[i]);
	free(catalog->member);
	free(catalog->name);
	free(catalog);
}
