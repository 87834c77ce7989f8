/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: one request line of the control socket. */
#include <stddef.h>
#include <stdint.h>

#include "socket/request.h"
#include "target.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct vly_request request;
	char reason[400];

	if (vly_request_decode((const char *)data, bytes, &request, reason, sizeof(reason)) == 0)
		vly_request_clear(&request);
	return 0;
}
