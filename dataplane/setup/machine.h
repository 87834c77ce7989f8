/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Logs properties of the machine that cost answers or speed, at the start: the checks of
 * common/preflight/, except those whose findings the start logs anyway.
 */
#ifndef VLY_DATAPLANE_MACHINE_H
#define VLY_DATAPLANE_MACHINE_H

#include "lcores.h"

/* Logs a warning for each finding; nothing for ports that are no NICs. Main thread, after the ports
 * were opened. Blocks for a few milliseconds. */
__attribute__((nonnull)) void vly_machine_check(const struct vly_options *options,
						const struct vly_lcores *lcores);

#endif
