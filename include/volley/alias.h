/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The rules where a chain of CNAMEs and DNAMEs ends (RFC 1034 §3.6.2, RFC 6672). The compiler
 * follows chains that begin at an alias of the zone (control/compile/chain.c). The dataplane
 * follows those that begin below a DNAME, whose names depend on the question
 * (dataplane/answer/compose.c). Both use these rules, so that an answer does not depend on which of
 * them follows the chain.
 *
 * A hop replaces a suffix of the name by a target: the whole name for a CNAME, the owner of the
 * DNAME for a DNAME. The octets in front of the suffix, the prefix, stay. Pure.
 */
#ifndef VOLLEY_ALIAS_H
#define VOLLEY_ALIAS_H

#include <stdbool.h>
#include <stddef.h>

#include <volley/dns.h>

/* Hops in one answer. Resolvers stop after about as many, and query the last name. With more, a
 * query below a DNAME costs more work; with fewer, resolvers need more queries. */
#define VLY_ALIAS_HOPS_MAX 16

/* The first member of each chain's own struct for a hop. */
struct vly_alias_hop {
	const void *alias;   /* identifies the CNAME or DNAME */
	unsigned prefix_len; /* octets; 0 for a CNAME */
};

/* Whether the hop would make a name that is too long: YXDOMAIN (RFC 6672 §2.2). */
static inline bool
vly_alias_is_too_long(unsigned prefix_len, unsigned target_len)
{
	return prefix_len + target_len > VLY_NAME_BYTES_MAX;
}

/*
 * Whether names would grow without end, so that the chain ends here: the DNAME applies again, and
 * no hop since its last use has removed any of the octets that were before its owner then.
 * `prefix_len`: the octets before its owner now. `hops`: an array of `hop_cnt` structs of
 * `hop_bytes` octets, the first hop first.
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
