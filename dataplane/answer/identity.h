/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The server's identity, and settings of answers that belong to no zone: NSID (RFC 5001), names of
 * class CH (RFC 4892), the order of records in an RRset.
 *
 * Use: set vly_identity in the main thread before the first lcore or stream thread starts; after
 * that it is only read, by any thread.
 */
#ifndef VLY_DATAPLANE_IDENTITY_H
#define VLY_DATAPLANE_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include <volley/dataplane_options.h>
#include <volley/name.h>

struct vly_identity {
	uint8_t nsid[VLY_NSID_BYTES_MAX];
	uint8_t nsid_len;      /* 0: no NSID is returned */
	bool rotate;           /* A and AAAA RRsets begin with a random one of their records */
	const char *id_server; /* for id.server and hostname.bind; NULL: REFUSED */
	const char *version;   /* for version.server and version.bind; NULL: REFUSED */
};

/* The identity in use. */
extern struct vly_identity vly_identity;

/* Sets the NSID from text, or from hexadecimal digits behind "0x". Returns 0, or -1 if it is empty,
 * too long, or has a malformed digit. */
__attribute__((nonnull, warn_unused_result)) int
vly_identity_set_nsid(struct vly_identity *identity, const char *text);

/* The text for a scanned name of class CH, or NULL. */
__attribute__((nonnull, cold)) const char *vly_identity_chaos(const struct vly_name *name);

#endif
