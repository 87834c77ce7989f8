/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random zones and questions, from an alphabet so small that everything meets everything. */
#ifndef VLY_TEST_GENERATE_H
#define VLY_TEST_GENERATE_H

#include "random.h"
#include "reference.h"

/* A zone that a zone file may hold: deep names, empty non-terminals, wildcards, cuts with and
 * without glue, CNAMEs to all sorts of places. */
void vly_generate_zone(struct vly_reference_zone *zone, struct vly_test_random *random);

/* A name worth asking the zone for, in lower case. */
void vly_generate_question(char name[VLY_REFERENCE_CHARS], const struct vly_reference_zone *zone,
			   struct vly_test_random *random);

#endif
