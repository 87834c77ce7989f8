/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sealing a memfd (fcntl(2), F_ADD_SEALS) before the dataplane gets it. Blocks; any thread. No
 * state.
 */
#ifndef VLY_CONTROL_SEAL_H
#define VLY_CONTROL_SEAL_H

/* While the kernel itself holds a page, to move it or to take it from memory, it refuses; so it is
 * asked again, for at most this long. */
#define VLY_SEAL_SECONDS 10

/* From now on nobody writes, grows or shrinks it, for good. The caller has no writable mapping any
 * more. Returns 0, or -1 with errno: EBUSY when somebody else still holds one or a page. */
__attribute__((warn_unused_result)) int vly_seal(int fd);

#endif
