/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "generate.h"

#include <stdio.h>
#include <string.h>

#include <volley/dns.h>

static const char *const labels[] = {"a", "b", "c", "*", "long-label-of-more-than-sixteen"};

#define LABEL_CNT (sizeof(labels) / sizeof(labels[0]))

static void
prepend(char name[VLY_REFERENCE_CHARS], const char *label)
{
	char whole[2 * VLY_REFERENCE_CHARS];

	snprintf(whole, sizeof(whole), "%s.%s", label, strcmp(name, ".") == 0 ? "" : name);
	if (strlen(whole) < VLY_REFERENCE_CHARS)
		strcpy(name, whole);
}

static void
prepend_random(char name[VLY_REFERENCE_CHARS], struct vly_test_random *random, unsigned cnt)
{
	while (cnt-- > 0) {
		unsigned pick = vly_test_random_below(random, 100);
		prepend(name, labels[pick < 35   ? 0
				     : pick < 60 ? 1
				     : pick < 75 ? 2
				     : pick < 96 ? 3
						 : 4]);
	}
}

/* At or below the apex; near names are likelier, and meet more often. */
static void
random_name(char name[VLY_REFERENCE_CHARS], const struct vly_reference_zone *zone,
	    struct vly_test_random *random)
{
	strcpy(name, zone->apex);
	prepend_random(name, random,
		       vly_test_random_below(random, 2) + vly_test_random_below(random, 4));
}

static void
random_owner(char name[VLY_REFERENCE_CHARS], const struct vly_reference_zone *zone,
	     struct vly_test_random *random)
{
	unsigned pick = vly_test_random_below(random, zone->record_cnt);

	strcpy(name, zone->record[pick].owner);
}

/* Where NS and CNAME point. */
static void
random_target(char name[VLY_REFERENCE_CHARS], const struct vly_reference_zone *zone,
	      struct vly_test_random *random)
{
	if (vly_test_random_chance(random, 10))
		strcpy(name, "a.elsewhere.");
	else if (vly_test_random_chance(random, 40))
		random_owner(name, zone, random);
	else
		random_name(name, zone, random);
	if (vly_test_random_chance(random, 20))
		prepend_random(name, random, 1);
}

static bool
has_records(const struct vly_reference_zone *zone, const char *owner)
{
	for (unsigned i = 0; i < zone->record_cnt; i++)
		if (strcmp(zone->record[i].owner, owner) == 0)
			return true;
	return false;
}

/* What a zone file must not hold, or no RFC gives a meaning: NS at a wildcard (RFC 4592 §4.2), DS
 * at an apex. */
static bool
may_add(const struct vly_reference_zone *zone, const char *owner, unsigned type)
{
	bool is_apex = strcmp(owner, zone->apex) == 0;

	if (zone->record_cnt == VLY_REFERENCE_RECORDS_MAX)
		return false;
	if (vly_reference_find(zone, owner, VLY_TYPE_CNAME) != NULL)
		return false;
	if (type == VLY_TYPE_CNAME && has_records(zone, owner))
		return false;
	if (type == VLY_TYPE_DS && is_apex)
		return false;
	return type != VLY_TYPE_NS || strncmp(owner, "*.", 2) != 0;
}

/* Adds a record, unless it may not be or is there already. An RRset has one TTL. */
static void
add(struct vly_reference_zone *zone, const char *owner, unsigned type, const char *data,
    const char *shown)
{
	const struct vly_reference_record *sibling = vly_reference_find(zone, owner, type);

	if (!may_add(zone, owner, type))
		return;
	for (unsigned i = 0; i < zone->record_cnt; i++)
		if (zone->record[i].type == type && strcmp(zone->record[i].owner, owner) == 0 &&
		    strcmp(zone->record[i].data, data) == 0)
			return;
	struct vly_reference_record *record = &zone->record[zone->record_cnt];
	snprintf(record->owner, sizeof(record->owner), "%s", owner);
	record->type = type;
	record->ttl = sibling != NULL ? sibling->ttl : 100 + zone->record_cnt;
	snprintf(record->data, sizeof(record->data), "%s", data);
	snprintf(record->shown, sizeof(record->shown), "%s", shown);
	zone->record_cnt++;
}

static void
add_plain(struct vly_reference_zone *zone, struct vly_test_random *random, const char *owner,
	  unsigned type)
{
	unsigned value = vly_test_random_below(random, 256);
	char data[64], shown[64];

	switch (type) {
	case VLY_TYPE_A:
		snprintf(data, sizeof(data), "192.0.2.%u", value);
		add(zone, owner, type, data, data);
		return;
	case VLY_TYPE_AAAA:
		snprintf(data, sizeof(data), "2001:db8::%x", value);
		snprintf(shown, sizeof(shown), "\\# 20010db80000000000000000000000%02x", value);
		break;
	case VLY_TYPE_DS:
		snprintf(data, sizeof(data), "%u 8 1 000102030405060708090a0b0c0d0e0f10111213",
			 value);
		snprintf(shown, sizeof(shown),
			 "\\# 00%02x0801000102030405060708090a0b0c0d0e0f10111213", value);
		break;
	default:
		snprintf(data, sizeof(data), "%02x", value);
		snprintf(shown, sizeof(shown), "\\# 02%02x%02x", (unsigned)data[0],
			 (unsigned)data[1]);
	}
	add(zone, owner, type, data, shown);
}

static void
add_cut(struct vly_reference_zone *zone, struct vly_test_random *random, const char *owner)
{
	char target[VLY_REFERENCE_CHARS];

	for (unsigned i = 1 + vly_test_random_below(random, 3); i > 0; i--) {
		if (vly_test_random_chance(random, 40)) {
			strcpy(target, owner);
			prepend_random(target, random, 1);
		} else {
			random_target(target, zone, random);
		}
		add(zone, owner, VLY_TYPE_NS, target, target);
		if (!vly_reference_is_below(target, zone->apex))
			continue;
		if (vly_test_random_chance(random, 70))
			add_plain(zone, random, target, VLY_TYPE_A);
		if (vly_test_random_chance(random, 40))
			add_plain(zone, random, target, VLY_TYPE_AAAA);
	}
	if (vly_test_random_chance(random, 30))
		add_plain(zone, random, owner, VLY_TYPE_DS);
}

static void
add_mail(struct vly_reference_zone *zone, struct vly_test_random *random, const char *owner)
{
	char target[VLY_REFERENCE_CHARS], data[VLY_REFERENCE_CHARS + 10];

	for (unsigned i = 1 + vly_test_random_below(random, 3); i > 0; i--) {
		random_target(target, zone, random);
		snprintf(data, sizeof(data), "%u %s", vly_test_random_below(random, 100), target);
		if (strlen(data) < VLY_REFERENCE_CHARS)
			add(zone, owner, VLY_TYPE_MX, data, data);
	}
}

static void
add_something(struct vly_reference_zone *zone, struct vly_test_random *random)
{
	static const unsigned plain[] = {VLY_TYPE_A, VLY_TYPE_A, VLY_TYPE_TXT, VLY_TYPE_AAAA};
	unsigned pick = vly_test_random_below(random, 100);
	char owner[VLY_REFERENCE_CHARS], target[VLY_REFERENCE_CHARS];

	if (vly_test_random_chance(random, 20))
		random_owner(owner, zone, random);
	else
		random_name(owner, zone, random);
	if (pick < 45) {
		add_plain(zone, random, owner, plain[vly_test_random_below(random, 4)]);
	} else if (pick < 76) {
		random_target(target, zone, random);
		add(zone, owner, VLY_TYPE_CNAME, target, target);
	} else if (pick < 90) {
		add_cut(zone, random, owner);
	} else if (pick < 97) {
		add_mail(zone, random, owner);
	} else {
		add_plain(zone, random, owner, VLY_TYPE_DS);
	}
}

void
vly_generate_zone(struct vly_reference_zone *zone, struct vly_test_random *random)
{
	static const char *const apexes[] = {"z.", ".", "b.z.", "a.b.c."};
	static const char *const soas[] = {"ns.z. m.z. 1 2 3 4 60", "ns.z. m.z. 1 2 3 4 900"};
	const char *soa = soas[vly_test_random_below(random, 2)];
	char target[VLY_REFERENCE_CHARS];

	*zone = (struct vly_reference_zone){0};
	strcpy(zone->apex, apexes[vly_test_random_below(random, 4)]);
	add(zone, zone->apex, VLY_TYPE_SOA, soa, soa);
	random_target(target, zone, random);
	add(zone, zone->apex, VLY_TYPE_NS, target, target);
	for (unsigned i = vly_test_random_below(random, 20); i > 0; i--)
		add_something(zone, random);
}

void
vly_generate_question(char name[VLY_REFERENCE_CHARS], const struct vly_reference_zone *zone,
		      struct vly_test_random *random)
{
	unsigned pick = vly_test_random_below(random, 100);

	if (pick < 60)
		random_owner(name, zone, random);
	else
		random_name(name, zone, random);
	if (pick % 10 < 2 && strcmp(name, ".") != 0) /* an ancestor */
		memmove(name, strchr(name, '.') + (strchr(name, '.')[1] != '\0'),
			strlen(strchr(name, '.') + (strchr(name, '.')[1] != '\0')) + 1);
	if (pick % 3 == 0)
		prepend_random(name, random, 1 + vly_test_random_below(random, 2));
}
