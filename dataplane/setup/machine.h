/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Says at the start what about the machine will cost answers or speed: the checks of
 * common/preflight/, but for those whose findings the start itself meets and logs.
 */
#ifndef VLY_DATAPLANE_MACHINE_H
#define VLY_DATAPLANE_MACHINE_H

#include "lcores.h"

/* Logs a warning for each finding; nothing for ports that are no NICs. Main thread, after the ports
 * were opened. Blocks for a few milliseconds. */
__attribute__((nonnull)) void vly_machine_check(const struct vly_options *options,
						const struct vly_lcores *lcores);

#endif
