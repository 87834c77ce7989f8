/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who may transfer a zone: the entries of `transfer-to`. One entry must permit it, and all that it
 * gives must hold: prefix, key, TLS, certificate. So a zone whose entries all need TLS can't be had
 * over plain TCP, whatever the key. Pure; any thread.
 */
#ifndef VLY_CONTROL_TRANSFER_RULES_H
#define VLY_CONTROL_TRANSFER_RULES_H

#include "config/config.h"

/* What is known of a client. */
struct vly_transfer_client_facts {
	const uint8_t *address; /* 16 octets; IPv4 as ::ffff:a.b.c.d */
	const char
		*key; /* the name of the key with which the request is signed, verified; or NULL */
	bool is_tls;
	const uint8_t *pin; /* of the client's certificate; NULL: it has shown none */
};

/* Returns NULL if an entry permits it; or why not, for the log: the reason of the entry that comes
 * nearest. */
__attribute__((nonnull, warn_unused_result)) const char *
vly_transfer_rules_judge(const struct vly_config_feed *feed,
			 const struct vly_transfer_client_facts *facts);

#endif
