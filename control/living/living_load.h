/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Zones begin to live, and cease to.
 *
 * Use, by the reloader:
 *   1. vly_living_import() for many zones, so that the next step finds them in the store;
 *   2. vly_living_load() compiles a zone from the store into an image, in a thread of the pool. A zone
 *      that the store does not have is imported from its file first;
 *   3. when the dataplane has taken the image, vly_living_adopt(): from then on the image is in the
 *      manager's care, and the zone takes requests;
 *   4. vly_living_reread() when the file of such a zone has changed: the difference becomes a change;
 *   5. vly_living_remove() and vly_living_retain() when zones are configured no more. Their records stay
 *      in the store.
 *
 * Threads: the loop's, but for vly_living_import() and vly_living_load(), which block.
 */
#ifndef VLY_CONTROL_LIVING_LOAD_H
#define VLY_CONTROL_LIVING_LOAD_H

#include "compile/image_builder.h"
#include "living.h"
#include "publish/live_image.h"

/* A zone that is loaded: name, file, "" if it comes from primaries, and the stamp of the file; zeroes:
 * there is none. */
struct vly_living_source {
	const char *name;
	const char *file;
	struct vly_file_stamp stamp;
	bool is_expired;                   /* it is answered with SERVFAIL */
	int policy;                        /* enum vly_config_serial */
	struct vly_dnssec_settings dnssec; /* how a signed zone's file is checked */
};

/* A zone for vly_living_import(). */
struct vly_living_first {
	struct vly_living_source source;
	uint32_t warning_cnt; /* found in its file; 0: it was not imported here */
};

/*
 * Imports the small ones of zones that the store does not have, many in one transaction: with one for each
 * zone, the disk would make 100,000 zones take half an hour. Does what it can, and reports nothing:
 * vly_living_load() looks again at each zone. Any thread; blocks for the disk.
 */
__attribute__((nonnull(1, 2, 4))) void
vly_living_import(struct vly_living *living, struct vly_living_first *first, uint32_t cnt,
		  const uint8_t severity[VLY_ZONE_CHECK_CNT], struct vly_load_progress *progress);

/*
 * Adds a zone to an image. If the store has it, and its file has changed since, the difference is applied
 * first; that is refused when the zone has other changes than those of its file: then the zone is
 * added as it is in the store, and the report has an error. A zone without a file that the store does not
 * have is added without data, and answered with SERVFAIL. Returns 0 and fills *info; or -1 with an
 * error in the report, and nothing is added. `progress` may be NULL. With `ready` (and *ready NULL), the zone
 * is to have an image of its own: if the cache has its complete form, that is in *ready then, the caller's reference,
 * and nothing is added to the builder. Any thread; blocks for the disk.
 */
__attribute__((nonnull(1, 2, 3, 5, 6), warn_unused_result)) int
vly_living_load(struct vly_living *living, struct vly_image_builder *builder,
		const struct vly_living_source *source, struct vly_load_progress *progress,
		struct vly_zone_report *report, struct vly_zone_info *info,
		struct vly_live_image **ready);

/*
 * Reads the file of a zone that is served, and submits the difference. `done` is called once on the
 * loop, never before this returns: with NULL and the stamp that is the zone's from now on, or with a
 * sentence why the zone has stayed as it was. `source` and `severity` are copied, but for the strings,
 * which must stay.
 */
__attribute__((nonnull(1, 2, 3, 4))) void
vly_living_reread(struct vly_living *living, const struct vly_living_source *source,
		  const uint8_t severity[VLY_ZONE_CHECK_CNT],
		  void (*done)(void *arg, const char *error, const struct vly_file_stamp *stamp),
		  void *arg);

/* Takes over a zone that was loaded as above, with a reference to its image of its own. Returns 0, or
 * -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_living_adopt(struct vly_living *living, const char *name, struct vly_live_image *image,
		 const struct vly_zone_info *info, int policy);

/* Has the loop call `fn` when the signatures of a zone expire at another time than before, or the zone is
 * signed no more (0). See struct vly_zone_info. */
__attribute__((nonnull(1, 2))) void vly_living_on_signatures(
	struct vly_living *living,
	void (*fn)(void *arg, const char *zone, uint64_t expiry_s, uint64_t margin_s), void *arg);

__attribute__((nonnull)) void vly_living_set_policy(struct vly_living *living, const char *name,
						    int policy);

/* The zone is not answered any more from the next commit on. Requests that wait for it are worked
 * off. */
__attribute__((nonnull)) void vly_living_remove(struct vly_living *living, const char *name);

/* To be called after vly_living_remove() of some zones: publishes the images without them. `done` is as that of
 * vly_living_retain(), with which it shares the bound of one call at a time. */
__attribute__((nonnull(1, 2))) void vly_living_end_removal(struct vly_living *living,
							   void (*done)(void *arg), void *arg);

/* Removes all zones but those that `keeps` returns true for. Returns false if there are none; else `done`
 * is called once on the loop, never before this returns: when the zones are not answered any more, or
 * when nothing more can be done about it for now (vly_living_remnants()). One call at a time. */
__attribute__((nonnull(1, 2, 3), warn_unused_result)) bool
vly_living_retain(struct vly_living *living, bool (*keeps)(void *arg, const char *name),
		  void (*done)(void *arg), void *arg);

/* Logs and counts the remnants: removed zones that are still answered, from an image that other zones
 * need, unless `is_served` returns true: a newer image has the zone. */
__attribute__((nonnull(1, 2), warn_unused_result)) uint32_t
vly_living_remnants(struct vly_living *living, bool (*is_served)(void *arg, const char *name),
		    void *arg);

#endif
