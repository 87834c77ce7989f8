/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ending of a counted noun in a message: printf("%u zone%s", cnt, vly_plural(cnt)). */
#ifndef VLY_CONTROL_PLURAL_H
#define VLY_CONTROL_PLURAL_H

#include <stdint.h>

static inline const char *
vly_plural(uint64_t cnt)
{
	return cnt == 1 ? "" : "s";
}

#endif
