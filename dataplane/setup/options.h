/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The command line of volley-dataplane, by the table in <volley/dataplane_options.h>.
 *
 * Use: vly_options_parse() once. Strings in the options point into argv. Whether interfaces,
 * files and devices exist is not looked at here.
 */
#ifndef VLY_DATAPLANE_OPTIONS_H
#define VLY_DATAPLANE_OPTIONS_H

#include <stdio.h>

#include "answer/identity.h"
#include "base/address.h"
#include "common/dp_option.h"
#include "common/log.h"
#include "common/port_spec.h"

struct vly_stream_options {
	unsigned thread_cnt;
	unsigned connections_max; /* of all threads */
	unsigned per_client_max;
	unsigned idle_s;
	unsigned read_s;  /* from a message's first octet to its last */
	unsigned write_s; /* until the client has taken the responses that wait for it */
	unsigned memory_mib;
	unsigned tls_port; /* 0: none */
};

enum vly_options_result {
	VLY_OPTIONS_RUN,
	VLY_OPTIONS_HELP,
	VLY_OPTIONS_VERSION,
	VLY_OPTIONS_BAD, /* `error` says what is wrong */
};

struct vly_options {
	struct vly_port_spec port[VLY_PORTS_MAX];
	unsigned port_cnt;
	struct vly_cpu_list cpus; /* empty: not given */
	struct vly_addresses addresses;
	const char *socket_path;
	const char *socket_user; /* whom volley-control runs as, if there is such a user */
	const char *xdp_program; /* NULL: not given */
	const char *state_dir;   /* NULL: not given */
	unsigned watchdog_ms;    /* 0: off */
	bool spin;
	bool huge_pages;
	unsigned memory_mib; /* 0: by the queues */
	unsigned udp_payload_max;
	struct vly_identity identity;
	struct vly_stream_options stream;
	enum vly_log_level log_level;
	char error[VLY_DP_REASON_BYTES + 128];
};

__attribute__((nonnull, warn_unused_result)) enum vly_options_result
vly_options_parse(struct vly_options *options, int argc, char **argv);

/* Sum of the ports' queues: the number of lcores wanted. */
__attribute__((nonnull, pure)) unsigned vly_options_queue_cnt(const struct vly_options *options);

/* Writes what --help shows. */
__attribute__((nonnull)) void vly_options_help(FILE *to);

#endif
