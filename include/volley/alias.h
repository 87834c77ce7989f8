/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What ends a chain of CNAMEs and DNAMEs (RFC 1034 §3.6.2, RFC 6672). The compiler follows chains
 * that begin at an alias of the zone (control/compile/chain.c); the dataplane follows those that
 * begin below a DNAME, whose names it learns from the question (dataplane/answer/compose.c). Both
 * use these rules, so that an answer does not depend on which of them follows the chain.
 *
 * A hop puts a target in place of a suffix of the name: all of it for a CNAME, the owner of the
 * DNAME for a DNAME. The octets in front of the suffix, the prefix, stay.
 */
#ifndef VOLLEY_ALIAS_H
#define VOLLEY_ALIAS_H

#include <stdbool.h>
#include <stddef.h>

#include <volley/dns.h>

/* Hops in one answer. Resolvers give up after about as many, and ask again for the last name. More
 * would cost a query below a DNAME more work, fewer would cost resolvers more queries. */
#define VLY_ALIAS_HOPS_MAX 16

/* How a hop was made. Chains have it as the first member of their own hops. */
struct vly_alias_hop {
	const void *alias;   /* what stands for this CNAME or DNAME, and for no other */
	unsigned prefix_len; /* octets; 0 for a CNAME */
};

/* Whether the hop would make a name that is too long: YXDOMAIN (RFC 6672 §2.2). */
static inline bool
vly_alias_is_too_long(unsigned prefix_len, unsigned target_len)
{
	return prefix_len + target_len > VLY_NAME_BYTES_MAX;
}

/*
 * Whether the chain grows without end, so that it must end here: the DNAME comes by again, and
 * since its last time no hop has touched the `prefix_len` octets that stood before its owner then.
 * `hops` is an array of `hop_cnt` structs of `hop_bytes`, the first hop first.
 */
static inline bool
vly_alias_is_growing(const void *hops, size_t hop_bytes, unsigned hop_cnt, const void *alias,
		     unsigned prefix_len)
{
	for (unsigned i = hop_cnt; i-- > 0;) {
		const struct vly_alias_hop *hop =
			(const void *)((const char *)hops + i * hop_bytes);
		if (hop->alias == alias && hop->prefix_len <= prefix_len)
			return true;
		if (prefix_len > hop->prefix_len)
			prefix_len = hop->prefix_len;
	}
	return false;
}

#endif
