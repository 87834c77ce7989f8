/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Checks a client map (volley/client_map.h), once, before it is used: then lookups need no checks of
 * their own. Everything that a lookup can reach is looked at where it stands in the tree: numbers of
 * branches and paths, places in the spill, lengths of leaves, which must be those of the prefixes
 * that they stand for, and classes. Whether a prefix could be wider is not checked: an answer with
 * too narrow a scope is right all the same. No state; any thread; a million prefixes take about a
 * tenth of a second.
 */
#ifndef VLY_COMMON_CLIENT_MAP_CHECK_H
#define VLY_COMMON_CLIENT_MAP_CHECK_H

#include <volley/client_map.h>

/* Checks `block`, aligned to 64 octets, which the map begins and whose first `bytes` octets can be
 * read (untrusted, but nobody writes to it any more). Returns NULL; or what is wrong, a sentence
 * without a full stop. */
__attribute__((nonnull, warn_unused_result)) const char *vly_client_map_check(const void *block,
									      uint64_t bytes);

#endif
