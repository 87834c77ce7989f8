/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the server tells of itself, and the manners of its answers that are no zone's: NSID (RFC
 * 5001), the names of class CH (RFC 4892), the order of RRsets.
 *
 * Use: set vly_identity before the first lcore or stream thread starts; from then on it is only
 * read.
 */
#ifndef VLY_DATAPLANE_IDENTITY_H
#define VLY_DATAPLANE_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include <volley/dataplane_options.h>
#include <volley/name.h>

struct vly_identity {
	uint8_t nsid[VLY_NSID_BYTES_MAX];
	uint8_t nsid_len;      /* 0: the option is not answered */
	bool rotate;           /* A and AAAA RRsets begin with any of their records */
	const char *id_server; /* id.server and hostname.bind; NULL: refused */
	const char *version;   /* version.server and version.bind; NULL: refused */
};

/* The one that is told. */
extern struct vly_identity vly_identity;

/* Sets the NSID from text, or from hexadecimal digits behind "0x". Returns 0, or -1 when it is
 * empty, too long, or has a malformed digit. */
__attribute__((nonnull, warn_unused_result)) int
vly_identity_set_nsid(struct vly_identity *identity, const char *text);

/* The text that a name (scanned) of class CH stands for; NULL: none. */
__attribute__((nonnull, cold)) const char *vly_identity_chaos(const struct vly_name *name);

#endif
