/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "xdp_map.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>

int
vly_xdp_map_create(const char *name, size_t bytes, void **element)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(uint32_t), (uint32_t)bytes, 1,
				&options);

	if (fd < 0)
		return fd;
	*element = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (*element != MAP_FAILED)
		return fd;
	int error = -errno;
	close(fd);
	return error;
}
