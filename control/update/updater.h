/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Dynamic updates from the request channel to the living zones, and their responses:
 *
 *     REQUEST ─► TSIG ─► repeated? ─► parse ─► zone ─► check ─► grants ─► living ─► RESPONSE
 *
 * Use: vly_updater_new(); for each configuration vly_updater_read_files() in a thread, and
 * vly_updater_configure() when it is in force; vly_updater_free(), after the manager of living zones.
 *
 * An update must be signed. Its response is signed, too, and is sent when the change is on disk and
 * answered. A message that is repeated gets the RCODE of the first one again.
 *
 * The configuration must stay valid until the next one is given. Threads: the loop's, but for
 * vly_updater_read_files().
 */
#ifndef VLY_CONTROL_UPDATER_H
#define VLY_CONTROL_UPDATER_H

#include <uv.h>

#include "keyring.h"
#include "living/living.h"
#include "publish/publisher.h"

struct vly_key_files;
struct vly_updater;

/* `state_dir`: where it is kept which keys are disabled. Returns NULL without memory. */
__attribute__((nonnull, warn_unused_result)) struct vly_updater *
vly_updater_new(struct vly_publisher *publisher, struct vly_living *living, const char *state_dir);

/* Reads what files have of the keys of a configuration; the caller's to free. In any thread. NULL without memory.
 * Blocks for the disk. */
__attribute__((nonnull, warn_unused_result)) struct vly_key_files *
vly_updater_read_files(const struct vly_updater *updater, const struct vly_config *config);

/* `files`: of this configuration; NULL without memory. Keys that were added, removed, disabled or enabled since they
 * were read stay as they are. */
__attribute__((nonnull(1, 2))) void vly_updater_configure(struct vly_updater *updater,
							  const struct vly_config *config,
							  struct vly_key_files *files);

/* Takes a message of a client (untrusted), and answers it when the update is made or refused. */
__attribute__((nonnull)) void
vly_updater_on_request(struct vly_updater *updater,
		       const struct vly_publish_client_request *request);

/* The key of TSIG of this name (wire form, lower case) that is in force, or NULL. Valid until the loop runs
 * again. */
__attribute__((nonnull)) const struct vly_tsig_key *
vly_updater_find_key(const struct vly_updater *updater, const uint8_t *name, unsigned name_len);

/* The keys. Valid until the loop runs again. */
__attribute__((nonnull)) const struct vly_keyring *
vly_updater_keyring(const struct vly_updater *updater);

/* Disables or enables a key, a name as vly_domain_canonical() writes it, and keeps that on disk. Returns 0;
 * 1 when it is in force but not kept, with a sentence in `reason`; -1 when there is no such key.
 * Blocks for the disk. */
__attribute__((nonnull, warn_unused_result)) int vly_updater_disable(struct vly_updater *updater,
								     const char *name, bool disable,
								     char reason[VLY_REASON_BYTES]);

/* Adds a key and its grant, an object as in added_keys.h (untrusted), and keeps it on disk; or removes
 * one that was added. Results as above. Blocks for the disk. */
__attribute__((nonnull, warn_unused_result)) int
vly_updater_add(struct vly_updater *updater, json_t *object, char reason[VLY_REASON_BYTES]);
__attribute__((nonnull, warn_unused_result)) int
vly_updater_remove(struct vly_updater *updater, const char *name, char reason[VLY_REASON_BYTES]);

/* Why the file of added keys can't be read, so that no key is added or removed, or "". Valid until the
 * loop runs again. */
__attribute__((nonnull)) const char *vly_updater_added_trouble(const struct vly_updater *updater);

/* Why all keys are disabled, as the list of disabled ones can't be read, or "". Valid as above. */
__attribute__((nonnull)) const char *
vly_updater_disabled_trouble(const struct vly_updater *updater);

struct vly_updater_counts {
	uint64_t request_cnt;
	uint64_t rcode_cnt[16];
	uint64_t bad_signature_cnt; /* BADKEY, BADSIG, BADTIME, BADTRUNC */
	uint64_t repeated_cnt;
};

__attribute__((nonnull)) const struct vly_updater_counts *
vly_updater_counts(const struct vly_updater *updater);

void vly_updater_free(struct vly_updater *updater);

#endif
