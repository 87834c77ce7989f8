/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "zone_print.h"

#include <stdlib.h>
#include <string.h>

#include "domain.h"
#include "name_order.h"
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

void
vly_zone_print_line(FILE *out, const char *owner, uint32_t ttl, uint16_t type, const uint8_t *data,
		    unsigned data_len, char buffer[VLY_RDATA_TEXT_BYTES])
{
	char type_text[VLY_RR_TYPE_BYTES];

	vly_rdata_print(type, data, data_len, buffer, VLY_RDATA_TEXT_BYTES);
	fprintf(out, "%s\t%u\tIN\t%s\t%s\n", owner, ttl, vly_rr_type_of_record(type, type_text),
		buffer);
}

static void
print_record(struct printer *printer, const struct vly_zone_record *record, uint32_t ttl)
{
	vly_zone_print_line(printer->out, printer->owner, ttl, record->type, record->data,
			    record->data_len, printer->data);
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
	qsort(printer->sorted, rrset->record_cnt, sizeof(*printer->sorted), vly_rrset_by_data);
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
	uint32_t cnt;
	uint32_t *order = vly_zone_order(zone, NULL, &cnt);
	int result = printer.data != NULL && order != NULL ? 0 : -1;

	for (uint32_t i = 0; result == 0 && i < cnt; i++)
		result = print_node(&printer, order[i]);
	vly_rrsets_free(&printer.rrsets);
	free(printer.sorted);
	free(printer.data);
	free(order);
	return result;
}
