/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The profiles of TLS of a configuration, with what their files have.
 *
 * Use:
 *   1. vly_profiles_load() when the configuration is read, in a thread: a file system may hang;
 *   2. on the loop, vly_profiles_hold() by each who keeps them, then vly_profiles_client() and
 *      vly_profiles_server() as often as needed;
 *   3. vly_profiles_release().
 *
 * Ownership: references are counted; who loads holds one. Threads: loading may happen in any thread; afterwards the
 * loop's alone.
 */
#ifndef VLY_CONTROL_PROFILES_H
#define VLY_CONTROL_PROFILES_H

#include "base/reason.h"
#include "credentials.h"

struct vly_config;
struct vly_profiles;

/* Reads the files of the profiles that remotes or transfers.tls have. Blocks, for the disk. One that can't be read is
 * a reason for those who ask for it. Returns NULL without memory. */
__attribute__((nonnull, warn_unused_result)) struct vly_profiles *
vly_profiles_load(const struct vly_config *config);

/* NULL is permitted, here and in all functions below: there was no memory. */
struct vly_profiles *vly_profiles_hold(struct vly_profiles *profiles);
void vly_profiles_release(struct vly_profiles *profiles);

/* The credentials of a remote's profile, which stay the profiles'; NULL with a sentence. */
__attribute__((nonnull(2, 3), warn_unused_result)) struct vly_credentials *
vly_profiles_client(const struct vly_profiles *profiles, const char *name,
		    char reason[VLY_REASON_BYTES]);

/* Those of transfers.tls; NULL with a sentence. */
__attribute__((nonnull(2), warn_unused_result)) struct vly_credentials *
vly_profiles_server(const struct vly_profiles *profiles, char reason[VLY_REASON_BYTES]);

/* Logs which remotes can't be reached by their profiles. */
void vly_profiles_log(const struct vly_profiles *profiles);

#endif
