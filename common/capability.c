/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "capability.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

uint64_t
vly_capability_effective(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

	if (syscall(SYS_capget, &header, data) != 0)
		return UINT64_MAX;
	return (uint64_t)data[1].effective << 32 | data[0].effective;
}
