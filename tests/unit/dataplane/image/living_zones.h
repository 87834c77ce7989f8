/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Zones that change at random: records come and go, at few names, so that wildcards, empty
 * non-terminals, cuts, aliases and DNAMEs appear and vanish.
 *
 * Use: vly_living_zone_begin(), then vly_living_zone_change() for each further version; its
 * complete form is opened each time, and the overlay upon the version before. The images are the
 * zone's until vly_living_zone_end().
 */
#ifndef VLY_TEST_LIVING_ZONES_H
#define VLY_TEST_LIVING_ZONES_H

#include "layers.h"
#include "random.h"

enum { VLY_LIVING_RECORDS = 24, VLY_LIVING_VERSIONS = 40 };

struct vly_living_zone {
	char name[32];
	char record[VLY_LIVING_RECORDS][64];
	bool has[VLY_LIVING_RECORDS];
	uint64_t version; /* 1.. */
	/* [version] */
	struct vly_image *complete[VLY_LIVING_VERSIONS];
	struct vly_image *overlay[VLY_LIVING_VERSIONS]; /* from version 2 on */
};

/* A name below the zone, of up to `labels_max` labels. */
void vly_living_name(struct vly_test_random *random, const char *zone, unsigned labels_max,
		     char name[64]);

void vly_living_zone_begin(struct vly_living_zone *zone, const char *name,
			   struct vly_test_random *random);
void vly_living_zone_change(struct vly_living_zone *zone, struct vly_test_random *random);
void vly_living_zone_end(struct vly_living_zone *zone);

/* An overlay from one version to a later one; the caller's to close. */
struct vly_image *vly_living_merged(const struct vly_living_zone *zone, uint64_t below,
				    uint64_t version, uint64_t id);

/* A question that is worth asking, and the texts of the answers of two tables to it, which must be
 * equal. Returns whether they are. */
bool vly_living_ask(struct vly_test_random *random, const char *zone, const struct vly_table *got,
		    const struct vly_table *wanted);

#endif
