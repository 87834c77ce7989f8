/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "probe_parts.h"

struct vly_prober *
vly_prober_new(uv_loop_t *loop)
{
	struct vly_prober *prober = calloc(1, sizeof(*prober));

	if (prober)
		prober->loop = loop;
	return prober;
}

void
vly_prober_free(struct vly_prober *prober)
{
	if (!prober)
		return;
	vly_web_free(prober->web);
	if (prober->authorities)
		gnutls_certificate_free_credentials(prober->authorities);
	prober->is_freed = true;
	vly_prober_settle(prober);
}

void
vly_prober_settle(struct vly_prober *prober)
{
	if (prober->is_freed && prober->killed_cnt == 0 && prober->read_cnt == 0)
		free(prober);
}

void *
vly_probe_say(struct vly_probe_result *result, enum vly_probe_code code, const char *format, ...)
{
	char text[2 * VLY_HEALTH_REASON_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	result->code = code;
	vly_health_reason_set(result->reason, text);
	return NULL;
}

bool
vly_probe_is_ours(int error)
{
	return error == ENOMEM || error == ENFILE || error == EMFILE || error == ENOBUFS ||
	       error == EPERM || error == EACCES || error == EAGAIN || error == EADDRNOTAVAIL ||
	       error == EAFNOSUPPORT;
}

struct vly_probe *
vly_probe_start(struct vly_prober *prober, const struct vly_health_check *check,
		vly_probe_done done, void *arg, struct vly_probe_result *result)
{
	static const vly_probe_maker makers[VLY_HEALTH_TYPE_CNT] = {
		[VLY_HEALTH_TCP] = vly_probe_tcp,         [VLY_HEALTH_TLS] = vly_probe_tls,
		[VLY_HEALTH_HTTP] = vly_probe_web,        [VLY_HEALTH_HTTPS] = vly_probe_web,
		[VLY_HEALTH_DNS] = vly_probe_dns,         [VLY_HEALTH_ICMP] = vly_probe_icmp,
		[VLY_HEALTH_COMMAND] = vly_probe_command, [VLY_HEALTH_FILE] = vly_probe_file,
	};
	struct vly_probe *probe = makers[check->type](prober, check, result);

	if (!probe)
		return NULL;
	probe->done = done;
	probe->arg = arg;
	return probe;
}

void
vly_probe_finish(struct vly_probe *probe, const struct vly_probe_result *result)
{
	const vly_probe_done done = probe->done;
	void *arg = probe->arg;

	probe->release(probe);
	done(arg, result);
}

const char *
vly_probe_cancel(struct vly_probe *probe)
{
	const char *stage = probe->stage;

	probe->release(probe);
	return stage;
}
