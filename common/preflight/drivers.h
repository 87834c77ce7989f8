/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which drivers of Linux run XDP programs, and since when: for kernels before 6.3, which do not
 * say, and to name the kernel that would be better. Constant data.
 */
#ifndef VLY_PREFLIGHT_DRIVERS_H
#define VLY_PREFLIGHT_DRIVERS_H

/* Versions of Linux as numbers that can be compared; 0: never. */
#define VLY_LINUX(major, minor) ((major)*1000u + (minor))

struct vly_preflight_driver {
	const char *name;
	unsigned native;     /* since this version its own XDP, with redirects to sockets */
	unsigned zero_copy;  /* since this version without a copy of each packet */
	const char *instead; /* what to use instead of an interface that is no NIC, or NULL */
};

/* Returns NULL for a driver that is not in the table. */
__attribute__((nonnull, pure)) const struct vly_preflight_driver *
vly_preflight_driver_find(const char *name);

/* "6.1.0-18-amd64" as VLY_LINUX(6, 1); 0 when it is no version. */
__attribute__((nonnull)) unsigned vly_preflight_linux(const char *release);

#endif
