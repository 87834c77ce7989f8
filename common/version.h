/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The version of all programs, which meson.build has. */
#ifndef VLY_COMMON_VERSION_H
#define VLY_COMMON_VERSION_H

extern const char vly_version[];

#endif
