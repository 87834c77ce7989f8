/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Checks the pages of a data file of LMDB 0.9 before LMDB opens it, as LMDB trusts them: a damaged
 * one would end the program. Values are not checked here: they have seals.
 *
 * Checked are the newest meta page, each tree from its root (page numbers, bounds, sizes, the order
 * of keys, flags and depths), and the lists of free pages. No page may be in use twice. It takes one
 * pass over all pages in use, and a bit of memory for each.
 *
 * Blocks for the disk. Nobody may write meanwhile.
 */
#ifndef VLY_CONTROL_STORE_PAGES_H
#define VLY_CONTROL_STORE_PAGES_H

#include <stddef.h>
#include <stdint.h>

/*
 * Checks file[0..bytes-1] (untrusted), the tables of which are in ascending order of their names;
 * the one called `with_values` has several values for a key. Returns NULL; or what is damaged, as
 * the end of a sentence. "no memory" is vly_store_pages_no_memory itself.
 */
__attribute__((nonnull, warn_unused_result)) const char *
vly_store_pages_check(const uint8_t *file, size_t bytes, const char *with_values);

extern const char vly_store_pages_no_memory[];

#endif
