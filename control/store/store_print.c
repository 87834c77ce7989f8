/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "store_walk.h"
#include "zone/domain.h"
#include "zone/zone_print.h"
#include "zone_difference.h"

struct printer {
	FILE *out;
	char owner[VLY_DOMAIN_TEXT_BYTES];
	char data[VLY_RDATA_TEXT_BYTES];
};

/* The SOA first, then all others. */
static void
print_name(struct printer *printer, const struct vly_store_visit *visit)
{
	struct vly_store_record record;

	vly_rdata_print_name(visit->name.lower, printer->owner, sizeof(printer->owner));
	for (int soa = 1; soa >= 0; soa--) {
		struct vly_store_records rest = visit->records;
		while (vly_store_next_record(&rest, &record))
			if ((record.type == VLY_TYPE_SOA) == soa)
				vly_zone_print_line(printer->out, printer->owner, record.ttl,
						    record.type, record.data, record.data_len,
						    printer->data);
	}
}

int
vly_store_print_zone(struct vly_store_txn *txn, const struct vly_store_zone *zone, FILE *out)
{
	struct printer *printer = malloc(sizeof(*printer));
	struct vly_store_tally tally = {0};
	struct vly_store_visit visit;
	struct vly_store_walk walk;

	if (printer == NULL)
		return vly_store_fail_mdb(txn, ENOMEM, NULL);
	printer->out = out;
	int result = vly_store_walk_open(&walk, txn, zone, &zone->apex);
	while (result == VLY_STORE_OK &&
	       (result = vly_store_walk_next(&walk, &visit)) == VLY_STORE_OK) {
		vly_store_tally_add(&tally, &visit);
		print_name(printer, &visit);
	}
	vly_store_walk_close(&walk);
	free(printer);
	return result == VLY_STORE_NONE ? vly_store_tally_check(&tally, txn, zone) : result;
}
