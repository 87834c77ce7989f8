/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages that a test makes octet by octet, and a zone that is asked with them. */
#ifndef VLY_TEST_MADE_MESSAGE_H
#define VLY_TEST_MADE_MESSAGE_H

#include <criterion/criterion.h>

#include "message.h"
#include "server.h"

static const struct vly_test_zone zone = {"z.", VLY_TEST_APEX "a A 192.0.2.1\n"
							      "*.w A 192.0.2.2\n"
							      "d DNAME a.z.\n"};

static struct vly_test_server server;

/* For a suite's .init and .fini. */
static inline void
open_server(void)
{
	cr_assert_eq(vly_test_server_open(&server, &zone, 1), 0);
}

static inline void
close_server(void)
{
	vly_test_server_close(&server);
}

/* A message under construction. */
struct message {
	uint8_t octets[1400];
	unsigned len;
};

static inline void
put(struct message *message, const void *octets, unsigned cnt)
{
	memcpy(message->octets + message->len, octets, cnt);
	message->len += cnt;
}

#endif
