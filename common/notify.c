/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "notify.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <systemd/sd-daemon.h>

#define STATUS_BYTES 401

void
vly_notify_status(const char *format, ...)
{
	char text[STATUS_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* a second line would be an assignment of its own */
	text[strcspn(text, "\n")] = '\0';
	(void)sd_notifyf(0, "STATUS=%s", text);
}

void
vly_notify_ready(void)
{
	(void)sd_notify(0, "READY=1");
}

unsigned
vly_notify_alive_ms(void)
{
	uint64_t limit_us = 0;

	if (sd_watchdog_enabled(0, &limit_us) <= 0)
		return 0;
	return limit_us < 4000 ? 1 : (unsigned)(limit_us / 4000);
}

void
vly_notify_alive(void)
{
	(void)sd_notify(0, "WATCHDOG=1");
}

void
vly_notify_alive_off(void)
{
	(void)sd_notify(0, "WATCHDOG_USEC=0");
}
