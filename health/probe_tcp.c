/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A connection over TCP can be made. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "probe_parts.h"

static void
on_event(uv_poll_t *poll, int status, int events)
{
	struct vly_socket_probe *probe = poll->data;
	const int error = vly_probe_connect_error(probe->fd, status);
	struct vly_probe_result result;

	(void)events;
	if (error)
		vly_probe_say(&result, VLY_PROBE_FAILED, "connecting failed: %s", strerror(error));
	else
		vly_probe_say(&result, VLY_PROBE_PASSED, "connected");
	vly_probe_finish(&probe->probe, &result);
}

struct vly_probe *
vly_probe_tcp(struct vly_prober *prober, const struct vly_health_check *check,
	      struct vly_probe_result *result)
{
	struct vly_socket_probe *probe = calloc(1, sizeof(*probe));

	if (!probe)
		return vly_probe_say(result, VLY_PROBE_UNABLE, "out of memory");
	probe->probe = (struct vly_probe){
		.prober = prober,
		.check = check,
		.stage = "connecting",
		.release = vly_probe_close,
	};
	return vly_probe_open(probe, SOCK_STREAM, 0, (unsigned)VLY_PROBE_NUMBER(check, PORT),
			      UV_WRITABLE, on_event, result) == 0
		       ? &probe->probe
		       : NULL;
}
