/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "zone_print.h"

#include <stdlib.h>
#include <string.h>

#include "domain.h"
#include "rdata.h"
#include "rdata_print.h"
#include "rr_type.h"
#include "rrset.h"

struct printer {
	const struct vly_zone *zone;
	FILE *out;
	struct vly_rrsets rrsets;
	const struct vly_zone_record **sorted; /* of one set */
	unsigned sorted_max;
	char *data; /* VLY_RDATA_TEXT_BYTES */
	char owner[VLY_DOMAIN_TEXT_BYTES];
};

/* Where the labels of a name begin, the last one first. */
static unsigned
labels_of(const uint8_t *name, uint8_t label[128])
{
	unsigned cnt = 0;
	uint8_t forward[128];

	for (unsigned at = 0; name[at] != 0; at += name[at] + 1u)
		forward[cnt++] = (uint8_t)at;
	for (unsigned i = 0; i < cnt; i++)
		label[i] = forward[cnt - 1 - i];
	return cnt;
}

/* RFC 4034 §6.1; names in a zone are in lower case. */
static int
by_name(const void *left_idx, const void *right_idx, void *context)
{
	const struct vly_zone *zone = context;
	uint8_t left_label[128];
	uint8_t right_label[128];
	unsigned len;
	const uint8_t *left = vly_zone_node_name(zone, *(const uint32_t *)left_idx, &len);
	const uint8_t *right = vly_zone_node_name(zone, *(const uint32_t *)right_idx, &len);
	unsigned left_cnt = labels_of(left, left_label);
	unsigned right_cnt = labels_of(right, right_label);

	for (unsigned i = 0; i < left_cnt && i < right_cnt; i++) {
		const uint8_t *a = left + left_label[i];
		const uint8_t *b = right + right_label[i];
		int order = memcmp(a + 1, b + 1, a[0] < b[0] ? a[0] : b[0]);
		if (order != 0 || a[0] != b[0])
			return order != 0 ? order : (int)a[0] - b[0];
	}
	return (int)left_cnt - (int)right_cnt;
}

static int
by_data(const void *left_ref, const void *right_ref)
{
	const struct vly_zone_record *left = *(const struct vly_zone_record *const *)left_ref;
	const struct vly_zone_record *right = *(const struct vly_zone_record *const *)right_ref;

	return vly_rdata_compare(left->type, left->data, left->data_len, right->data,
				 right->data_len);
}

static void
print_record(struct printer *printer, const struct vly_zone_record *record, uint32_t ttl)
{
	char buffer[VLY_RR_TYPE_BYTES];

	vly_rdata_print(record->type, record->data, record->data_len, printer->data,
			VLY_RDATA_TEXT_BYTES);
	fprintf(printer->out, "%s\t%u\tIN\t%s\t%s\n", printer->owner, ttl,
		vly_rr_type_portable(record->type, buffer), printer->data);
}

/* Each RRSIG has the TTL of the set that it covers. */
static int
print_rrset(struct printer *printer, const struct vly_rrset *rrset)
{
	if (rrset->record_cnt > printer->sorted_max) {
		void *sorted =
			reallocarray(printer->sorted, rrset->record_cnt, sizeof(*printer->sorted));
		if (sorted == NULL)
			return -1;
		printer->sorted = sorted;
		printer->sorted_max = rrset->record_cnt;
	}
	memcpy(printer->sorted, rrset->record, rrset->record_cnt * sizeof(*printer->sorted));
	qsort(printer->sorted, rrset->record_cnt, sizeof(*printer->sorted), by_data);
	for (unsigned i = 0; i < rrset->record_cnt; i++)
		print_record(printer, printer->sorted[i],
			     rrset->type == VLY_TYPE_RRSIG ? printer->sorted[i]->ttl : rrset->ttl);
	return 0;
}

static int
print_node(struct printer *printer, uint32_t node_idx)
{
	const struct vly_rrset *soa;
	unsigned len;

	if (vly_rrsets_load(&printer->rrsets, printer->zone, node_idx) != 0)
		return -1;
	vly_rdata_print_name(vly_zone_node_name(printer->zone, node_idx, &len), printer->owner,
			     sizeof(printer->owner));
	soa = vly_rrsets_find(&printer->rrsets, VLY_TYPE_SOA);
	if (soa != NULL && print_rrset(printer, soa) != 0)
		return -1;
	for (unsigned i = 0; i < printer->rrsets.cnt; i++)
		if (printer->rrsets.rrset[i].type != VLY_TYPE_SOA &&
		    print_rrset(printer, &printer->rrsets.rrset[i]) != 0)
			return -1;
	return 0;
}

int
vly_zone_print(const struct vly_zone *zone, FILE *out)
{
	struct printer printer = {.zone = zone, .out = out, .data = malloc(VLY_RDATA_TEXT_BYTES)};
	uint32_t *order = reallocarray(NULL, zone->node_cnt, sizeof(*order));
	int result = printer.data != NULL && order != NULL ? 0 : -1;

	if (result == 0) {
		for (uint32_t i = 0; i < zone->node_cnt; i++)
			order[i] = i;
		qsort_r(order, zone->node_cnt, sizeof(*order), by_name, (void *)(uintptr_t)zone);
	}
	for (uint32_t i = 0; result == 0 && i < zone->node_cnt; i++)
		result = print_node(&printer, order[i]);
	vly_rrsets_free(&printer.rrsets);
	free(printer.sorted);
	free(printer.data);
	free(order);
	return result;
}
