/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Overlays (image.h, "A zone that changes"): the nodes of those names alone whose answers a change
 * of the zone alters. The cost is in proportion to these names, not to the zone.
 *
 * The zone itself stays elsewhere: struct vly_overlay_source gives the compiler the records and
 * names that it needs, of the version after the change. A name is in wire form with the labels of
 * the apex, in lower case, and has `len` octets with the root label.
 *
 * Use: vly_image_builder_add_overlay() (image_builder.h). One thread at a time for each source; blocks
 * where the source does.
 */
#ifndef VLY_CONTROL_OVERLAY_H
#define VLY_CONTROL_OVERLAY_H

#include <volley/image.h>

#include "zone/zone_report.h"

struct vly_image_draft; /* compile.h */

/* Names that an overlay may have, and units of work that finding them may take: about as many
 * look-ups in the source. With more, one change would keep the writer from others for longer than a
 * batch may take; with 20,000 names it is about 100 ms. */
#define VLY_OVERLAY_NAMES_MAX 20000
#define VLY_OVERLAY_WORK_MAX  (8 * VLY_OVERLAY_NAMES_MAX)

/* Names among these that DNAMEs make into affected ones. A few DNAMEs that lead to names above them
 * make names without end, which are not worth the work. */
#define VLY_OVERLAY_DNAMES_MAX 2000

struct vly_overlay_rr {
	uint16_t type;
	uint16_t data_len;
	uint32_t ttl;        /* seconds, below 2^31 */
	const uint8_t *data; /* RDATA, uncompressed and sound (vly_rdata_is_sound()) */
};

/* How a record refers to a name. */
enum vly_overlay_kind {
	VLY_OVERLAY_BY_DNAME = 1,
	VLY_OVERLAY_BY_CNAME = 2,
	VLY_OVERLAY_BY_HOST = 4, /* the other types of vly_rdata_target() */
};

/*
 * Each callback returns a negative number when it fails; the compiler passes it on. What it gives
 * out needs to hold until the next callback of the source only. `add` never calls the source.
 */
struct vly_overlay_source {
	void *arg;

	/* Gives the records of a name to `add`, in the order that answers have them; stops when
	 * `add` does not return 0, and returns what it returned. A name without records is no
	 * failure. */
	int (*get)(void *arg, const uint8_t *name, unsigned len,
		   int (*add)(void *to, const struct vly_overlay_rr *rr), void *to);

	/* The same of the version before the change; called for changed names only. */
	int (*get_before)(void *arg, const uint8_t *name, unsigned len,
			  int (*add)(void *to, const struct vly_overlay_rr *rr), void *to);

	/* Writes to `found` the first name with records that is behind `name` in canonical order
	 * and, with `beyond`, not below it. `name` need not exist. Returns its octets, 0: there is
	 * none. */
	int (*next)(void *arg, const uint8_t *name, unsigned len, bool beyond,
		    uint8_t found[VLY_NAME_BYTES_MAX]);

	/* The same for names that records refer to (vly_rdata_target() in zone/rdata.h), whether
	 * these names exist or not. Only names at and below the apex are needed. */
	int (*next_target)(void *arg, const uint8_t *name, unsigned len, bool beyond,
			   uint8_t found[VLY_NAME_BYTES_MAX]);

	/* Gives each owner of a record that refers to this very name in one of `kinds` (enum
	 * vly_overlay_kind, or'ed) to `add`, once or more often; stops as get() does. Many names
	 * may refer to one in another kind: the cost is that of the kinds wanted. */
	int (*dependents)(void *arg, const uint8_t *target, unsigned len, unsigned kinds,
			  int (*add)(void *to, const uint8_t *owner, unsigned owner_len), void *to);
};

struct vly_overlay_name {
	const uint8_t *name;
	unsigned len;
};

/* What an overlay is made of. */
struct vly_overlay_change {
	struct vly_overlay_name apex;
	/* Each name once that has records before or after the change which it does not have in the
	 * other version; in any order. The caller has checked the records as a zone file's are:
	 * no types that a zone can't have, CNAME alone at its name, and so on. */
	const struct vly_overlay_name *changed;
	uint32_t changed_cnt;
	uint64_t version;
	uint64_t below;      /* the version that the overlay lies upon, the one before the change */
	uint64_t record_cnt; /* of the whole zone after the change */
	bool proves_covers;  /* the complete form below has VLY_IMAGE_PROVES_COVERS */
};

enum vly_overlay_result {
	VLY_OVERLAY_FAILED = -1, /* the reason is in the report; a complete form would fail, too */
	VLY_OVERLAY_DONE = 0,
	VLY_OVERLAY_COMPLETE = 1, /* none can be made, but a complete form: *why says the reason */
};

/*
 * Compiles an overlay as zone number `zone_idx` of the image. It takes a complete form when more
 * names are affected than VLY_OVERLAY_NAMES_MAX, when the SOA changes in more than serial and
 * timers, when the zone gets signed or loses its signatures, or denies in another way, and for what
 * overlay_denial.c, overlay_hash.c and image.h ("Overlays of signed zones") say. The caller rewinds the draft unless the result is
 * VLY_OVERLAY_DONE.
 */
__attribute__((nonnull, warn_unused_result)) enum vly_overlay_result
vly_compile_overlay(struct vly_image_draft *draft, const struct vly_hash_key *key,
		    const struct vly_overlay_source *source,
		    const struct vly_overlay_change *change, uint32_t zone_idx,
		    struct vly_image_zone *compiled, struct vly_zone_report *report,
		    const char **why);

#endif
