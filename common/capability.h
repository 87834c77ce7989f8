/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The capabilities of this process (capabilities(7)). No state; any thread. */
#ifndef VLY_COMMON_CAPABILITY_H
#define VLY_COMMON_CAPABILITY_H

#include <stdint.h>

/* The effective capabilities, a bit for each number CAP_*. All bits are set when the kernel does not
 * say, since nothing is then known to be missing. */
__attribute__((warn_unused_result)) uint64_t vly_capability_effective(void);

#endif
