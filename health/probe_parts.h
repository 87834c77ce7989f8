/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between the kinds of probes, probe_*.c, and probe.c, which chooses among them. */
#ifndef VLY_HEALTH_PROBE_PARTS_H
#define VLY_HEALTH_PROBE_PARTS_H

#include <gnutls/gnutls.h>
#include <stdbool.h>

#include "probe.h"

#define VLY_PROBE_NUMBER(check, id) ((check)->number[VLY_HEALTH_NUMBER_##id])
#define VLY_PROBE_TEXT(check, id)   ((check)->text[VLY_HEALTH_TEXT_##id])

struct vly_web; /* probe_http.c */

struct vly_prober {
	uv_loop_t *loop;
	struct vly_web *web; /* NULL until it is needed */
	gnutls_certificate_credentials_t
		authorities; /* of the system; NULL until they are needed */
	unsigned killed_cnt; /* commands that are killed and not gone yet */
	bool is_freed;       /* as soon as both numbers are 0 */
	unsigned read_cnt;   /* files that are being read */
};

/* The first member of each kind's own struct. */
struct vly_probe {
	struct vly_prober *prober;
	const struct vly_health_check *check;
	vly_probe_done done;
	void *arg;
	const char *stage; /* what it waits for */
	void (*release)(
		struct vly_probe
			*probe); /* ends everything that it has, and frees it, now or later */
};

/* Each makes a probe, or returns NULL and a result. */
typedef struct vly_probe *(*vly_probe_maker)(struct vly_prober *prober,
					     const struct vly_health_check *check,
					     struct vly_probe_result *result);
struct vly_probe *vly_probe_tcp(struct vly_prober *prober, const struct vly_health_check *check,
				struct vly_probe_result *result);
struct vly_probe *vly_probe_tls(struct vly_prober *prober, const struct vly_health_check *check,
				struct vly_probe_result *result);
struct vly_probe *vly_probe_web(struct vly_prober *prober, const struct vly_health_check *check,
				struct vly_probe_result *result);
struct vly_probe *vly_probe_dns(struct vly_prober *prober, const struct vly_health_check *check,
				struct vly_probe_result *result);
struct vly_probe *vly_probe_icmp(struct vly_prober *prober, const struct vly_health_check *check,
				 struct vly_probe_result *result);
struct vly_probe *vly_probe_command(struct vly_prober *prober, const struct vly_health_check *check,
				    struct vly_probe_result *result);
struct vly_probe *vly_probe_file(struct vly_prober *prober, const struct vly_health_check *check,
				 struct vly_probe_result *result);

void vly_web_free(struct vly_web *web);

/* A command that was killed has ended, or a file has been read, for a probe that is released: the prober may have
 * waited for that. */
__attribute__((nonnull)) void vly_prober_settle(struct vly_prober *prober);

/* Sets a result. Returns NULL, for makers. */
__attribute__((nonnull, format(printf, 3, 4))) void *
vly_probe_say(struct vly_probe_result *result, enum vly_probe_code code, const char *format, ...);

/* Releases the probe, and tells its result. */
__attribute__((nonnull)) void vly_probe_finish(struct vly_probe *probe,
					       const struct vly_probe_result *result);

/* A probe with one connected socket. */
struct vly_socket_probe {
	struct vly_probe probe;
	uv_poll_t poll;
	int fd;
};

/*
 * Opens a socket to the check's address and `port`, and connects it; `events` (uv_poll_event) call `step`. Returns 0; or
 * -1 with a result, and the probe is freed. `probe` is calloc()ed, with a member `probe` that is complete.
 */
__attribute__((nonnull, warn_unused_result)) int
vly_probe_open(struct vly_socket_probe *probe, int type, int protocol, unsigned port, int events,
	       uv_poll_cb step, struct vly_probe_result *result);

/* The error of a socket whose connect has ended, with the status of uv_poll; 0: it is connected. */
int vly_probe_connect_error(int fd, int status);

/* A `release` for socket probes. */
__attribute__((nonnull)) void vly_probe_close(struct vly_probe *probe);

/* Whether an error is of this machine and not of the target: no memory, no descriptors, no right. */
bool vly_probe_is_ours(int error);

#endif
