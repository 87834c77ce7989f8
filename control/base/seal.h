/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Seals memfds (fcntl(2), F_ADD_SEALS) before the dataplane gets them. No state; any thread.
 */
#ifndef VLY_CONTROL_SEAL_H
#define VLY_CONTROL_SEAL_H

/* The kernel refuses to seal while it holds a page itself, to migrate or reclaim it. So sealing is
 * retried for at most this long. Shorter: images fail to load under memory pressure. Longer: so
 * they do, but later. */
#define VLY_SEAL_SECONDS 10

/* Seals `fd` for good: nobody can write, grow or shrink it any more. The caller has unmapped it.
 * Returns 0; or -1 with errno: EBUSY when a writable mapping or a page is still held. Blocks for at
 * most VLY_SEAL_SECONDS. */
__attribute__((warn_unused_result)) int vly_seal(int fd);

#endif
