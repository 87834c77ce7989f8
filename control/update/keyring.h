/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The keys of a configuration, and what each may change.
 *
 * Use:
 *   1. vly_keyring_read() the secrets of a configuration, in a thread: a file system may hang;
 *   2. vly_keyring_new() from a configuration and its secrets, with the keyring before it, whose counts and
 *      disabled keys go on;
 *   3. vly_keyring_find() the key of a message, vly_keyring_judge() the message;
 *   4. vly_keyring_hold() while something points into it, vly_keyring_release() in the end.
 *
 * Secrets are kept out of core dumps, and wiped when the keyring is freed. Threads: the loop's; the
 * grants may be read by others as long as the keyring is held. vly_keyring_read() may be called in any
 * thread. Nothing else blocks.
 */
#ifndef VLY_CONTROL_KEYRING_H
#define VLY_CONTROL_KEYRING_H

#include <uthash.h>

#include "added_keys.h"
#include "base/reason.h"
#include "config/config.h"
#include "key/grant.h"
#include "key/tsig_key.h"
#include "update_message.h"

struct vly_keyring_grant {
	char *zone; /* as vly_domain_canonical() writes it */
	struct vly_grant grant;
	unsigned number; /* in the order of the configuration */
	bool used;       /* by the message at hand */
};

struct vly_keyring_key {
	char *name;
	struct vly_tsig_key *tsig;
	bool is_disabled;
	bool is_suspended;               /* disabled until the list of disabled keys can be read */
	bool is_added;                   /* at run time */
	char trouble[VLY_REASON_BYTES];  /* why its secret can't be used, or "" */
	struct vly_keyring_grant *grant; /* sorted by zone: a key may be for all of many zones */
	unsigned grant_cnt;
	unsigned grant_room;
	uint64_t update_cnt;  /* messages that were allowed */
	uint64_t refused_cnt; /* signed well, but not allowed */
	uint64_t last_use;    /* seconds since 1970; 0: never */
	UT_hash_handle hh;    /* by the name in wire form */
};

struct vly_keyring {
	unsigned reference_cnt;
	unsigned key_cnt;
	struct vly_keyring_key *key;
	struct vly_keyring_key *by_name;
	struct vly_tsig_key *secrets; /* of all keys, in pages of their own */
	size_t secrets_bytes;
};

/* The keys of the configuration without their grants: of each its secret, or the reason why it can't be read.
 * Returns NULL without memory. Blocks for the disk. */
__attribute__((nonnull, warn_unused_result)) struct vly_keyring *
vly_keyring_read(const struct vly_config *config);

/* `added` are keys of the state directory (untrusted); those that are wrong, or whose name the
 * configuration has, are left out. `secrets` has those that stand in files: of vly_keyring_read(), or an earlier
 * keyring of the same configuration. `before` may be NULL. Keys whose secret can't be read are there,
 * with the reason, and are not found. Returns NULL without memory. */
__attribute__((nonnull(1, 2, 3), warn_unused_result)) struct vly_keyring *
vly_keyring_new(const struct vly_config *config, const json_t *added, struct vly_keyring *secrets,
		const struct vly_keyring *before);

__attribute__((nonnull)) struct vly_keyring *vly_keyring_hold(struct vly_keyring *keyring);
void vly_keyring_release(struct vly_keyring *keyring);

/* The key of a name in wire form, in lower case; NULL: none, or it can't be used. */
__attribute__((nonnull)) struct vly_keyring_key *
vly_keyring_find(struct vly_keyring *keyring, const uint8_t *name, unsigned name_len);

__attribute__((nonnull)) struct vly_keyring_key *vly_keyring_named(struct vly_keyring *keyring,
								   const char *name);

/* Where an update comes from, and when. */
struct vly_update_context {
	uint8_t client[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint64_t now;       /* seconds since 1970 */
	uint64_t now_ns;    /* CLOCK_MONOTONIC */
};

/*
 * May the key make all changes of a message, whose zone has this name? Takes it from the rates of the
 * grants that allow it. Returns true; or false with a sentence that names the record and the limit.
 */
__attribute__((nonnull, warn_unused_result)) bool
vly_keyring_judge(struct vly_keyring_key *key, const struct vly_update_message *message,
		  const char *zone, const struct vly_update_context *context,
		  char reason[VLY_REASON_BYTES]);

/* Whether the key may change anything of a zone. */
__attribute__((nonnull, warn_unused_result)) bool
vly_keyring_has_zone(const struct vly_keyring_key *key, const char *zone);

/* May records of a type be removed with all others of a name? For vly_update_zone.permits. */
__attribute__((nonnull)) bool vly_keyring_permits(const struct vly_keyring_key *key,
						  const char *zone,
						  const struct vly_update_context *context,
						  const uint8_t *owner, unsigned owner_len,
						  uint16_t type);

#endif
