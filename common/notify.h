/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What systemd learns of both daemons (Type=notify, sd_notify(3)): that they have started, what
 * they are doing, and that they are alive. Without systemd, nothing here does anything.
 *
 * Use: vly_notify_status() at each step of a start that may take long; vly_notify_ready() once the
 * program does its work; vly_notify_alive() every vly_notify_alive_ms(), as long as it does.
 *
 * Any thread may call these. None blocks for longer than systemd takes to read a datagram. Never
 * called per packet.
 */
#ifndef VLY_COMMON_NOTIFY_H
#define VLY_COMMON_NOTIFY_H

/* What `systemctl status` shows; one line, of at most 400 octets. */
__attribute__((nonnull, format(printf, 1, 2))) void vly_notify_status(const char *format, ...);

/* The start is over. */
void vly_notify_ready(void);

/* Returns a quarter of the unit's WatchdogSec=, so that a message may be late or lost, or 0 when
 * the unit has none. */
__attribute__((warn_unused_result)) unsigned vly_notify_alive_ms(void);

void vly_notify_alive(void);

/* Turns the unit's WatchdogSec= off: nobody is going to call vly_notify_alive(). */
void vly_notify_alive_off(void);

#endif
