/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One zone in a load, and the settings of the load. The types that the loader, the lookup in the
 * image cache and the list of served zones exchange.
 */
#ifndef VLY_CONTROL_LOAD_ITEM_H
#define VLY_CONTROL_LOAD_ITEM_H

#include <stdbool.h>

#include <volley/name.h>

#include "base/file_stamp.h"
#include "publish/live_image.h"
#include "steer/steer_model.h"
#include "zone/dnssec_check.h"
#include "zone/zone_info.h"
#include "zone/zone_report.h"

struct vly_load_item {
	const char *name; /* the caller's; it must stay valid until the items are cleared */
	const char *file; /* the same */
	const struct vly_zone_info *held; /* of the version that the zone has, and may keep; the
					     caller's; NULL: the zone is to be loaded */
	struct vly_live_image
		*copy_from;           /* the caller's; if its files are unchanged, the version is
					     copied from there into a new image; or NULL */
	const char *held_includes;    /* of that version, or NULL */
	struct vly_file_stamp stamp;  /* taken before the load; zeroes: there is no such file */
	struct vly_zone_info info;    /* of `image` */
	char *includes;               /* owned; see vly_image_builder_take_includes() */
	struct vly_zone_error *error; /* owned; NULL: the zone loaded */
	struct vly_live_image *image; /* a reference; NULL: it did not load, and is not cached */
	bool cached; /* the image is from the cache; with an error beside it, an older version */
	bool is_unchanged;    /* the files are those of `held`: nothing was loaded */
	bool is_built;        /* for the loader: it is in the image of its group */
	bool is_living;       /* it is loaded from the store, see living/living_load.h */
	bool is_adopted;      /* it is living and served: its file is only looked at */
	bool is_expired;      /* it is living, and to be answered with SERVFAIL */
	uint8_t policy;       /* enum vly_config_serial, of a living zone */
	uint32_t warning_cnt; /* of a living zone that was imported together with others */
	bool is_copied;       /* from copy_from: nothing has changed but the image */
};

struct vly_living;

struct vly_load_settings {
	struct vly_hash_key key;
	uint8_t severity[VLY_ZONE_CHECK_CNT]; /* enum vly_zone_severity */
	uint32_t image_max;                   /* images that the load may make, at least 1 */
	const char *cache_dir;                /* NULL: nothing is taken from the cache */
	struct vly_dnssec_settings dnssec;    /* the loader sets sample_max and thread_max */
	struct vly_living *living;            /* loads living zones; NULL: there are none */
	bool only_copies;                     /* all items are to be copied; no file is looked at */
	bool any_all;                         /* see vly_image_builder_answer_any_all() */
	bool additional_none;                 /* see vly_image_builder_answer_additional_none() */
	struct vly_steer_model *steer;        /* the caller's; or NULL */
};

#endif
