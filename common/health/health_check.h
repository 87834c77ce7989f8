/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A check of volley-health: its values, what they must be, and its form in JSON (<volley/health.h>).
 *
 * Use: vly_health_check_init(), set text[], number[] and args, then vly_health_check_settle(), which judges them and
 * puts defaults where nothing is set; or vly_health_check_decode(), which does all that. vly_health_check_clear() at
 * the end.
 *
 * Ownership: a check owns its texts. No state; any thread; no function blocks.
 */
#ifndef VLY_COMMON_HEALTH_CHECK_H
#define VLY_COMMON_HEALTH_CHECK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include <volley/health.h>

#define VLY_HEALTH_WHY_BYTES 200

/* A number that is not set. */
#define VLY_HEALTH_UNSET UINT64_MAX

struct vly_health_check {
	enum vly_health_type type;
	uint64_t number[VLY_HEALTH_NUMBER_CNT];
	char *text[VLY_HEALTH_TEXT_CNT]; /* NULL: none */
	char **args;                     /* of a command; [arg_cnt] */
	unsigned arg_cnt;
};

extern const char *const vly_health_type_names[VLY_HEALTH_TYPE_CNT];
extern const char *const vly_health_number_keys[VLY_HEALTH_NUMBER_CNT];
extern const char *const vly_health_text_keys[VLY_HEALTH_TEXT_CNT];

/* Returns the type called `name`, or -1. */
__attribute__((nonnull)) int vly_health_type_find(const char *name);

__attribute__((nonnull)) void vly_health_check_init(struct vly_health_check *check,
						    enum vly_health_type type);

/*
 * Judges all values, and sets defaults. Returns 0; or -1 with the key that is to blame in *key (static), and in `why`
 * what it must be, such as "must be given".
 */
__attribute__((nonnull, warn_unused_result)) int
vly_health_check_settle(struct vly_health_check *check, const char **key,
			char why[VLY_HEALTH_WHY_BYTES]);

/* Whether a text of `status`, such as "200-299,301", has the status; false, too, if it is malformed. */
__attribute__((nonnull)) bool vly_health_status_fits(const char *ranges, unsigned status);

/* Writes the id of a check that is settled. Returns false without memory. */
__attribute__((nonnull, warn_unused_result)) bool
vly_health_check_id(const struct vly_health_check *check, char id[VLY_HEALTH_ID_BYTES]);

/* Returns an object of all values of a check that is settled, or NULL without memory. */
__attribute__((nonnull, warn_unused_result)) json_t *
vly_health_check_encode(const struct vly_health_check *check);

/* Reads an object (untrusted); members that it does not know are left to the caller. Returns 0 with a settled check,
 * or -1 with a sentence in `why`, and nothing to clear. */
__attribute__((nonnull, warn_unused_result)) int
vly_health_check_decode(const json_t *object, struct vly_health_check *check,
			char why[VLY_HEALTH_WHY_BYTES]);

/* Returns false without memory, and nothing to clear. */
__attribute__((nonnull, warn_unused_result)) bool
vly_health_check_copy(const struct vly_health_check *check, struct vly_health_check *copy);

__attribute__((nonnull)) void vly_health_check_clear(struct vly_health_check *check);

/* Writes what the check looks at, for people: "https 192.0.2.1 port 443". Returns `out`. */
#define VLY_HEALTH_TARGET_BYTES 160
__attribute__((nonnull)) const char *vly_health_check_target(const struct vly_health_check *check,
							     char out[VLY_HEALTH_TARGET_BYTES]);

#endif
