/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "common/kernel_option.h"

/* getopt_long() returns this plus the option; below are its own characters. */
#define OPTION_BASE 256

static const struct option long_options[] = {
#define X(id, name, key, kind, argument, ...)                                                      \
	{name, sizeof(argument) > 1 ? required_argument : no_argument, NULL,                       \
	 OPTION_BASE + VLY_DP_##id},
	VLY_DATAPLANE_OPTIONS(X)
#undef X
		{NULL, 0, NULL, 0},
};

/* Where numbers go: members of struct vly_options, each an unsigned. */
static const size_t number_member[VLY_DP_OPTION_CNT] = {
	[VLY_DP_memory] = offsetof(struct vly_options, memory_mib),
	[VLY_DP_udp_payload_max] = offsetof(struct vly_options, udp_payload_max),
	[VLY_DP_stream_threads] = offsetof(struct vly_options, stream.thread_cnt),
	[VLY_DP_stream_connections] = offsetof(struct vly_options, stream.connections_max),
	[VLY_DP_stream_client] = offsetof(struct vly_options, stream.per_client_max),
	[VLY_DP_stream_idle] = offsetof(struct vly_options, stream.idle_s),
	[VLY_DP_stream_read] = offsetof(struct vly_options, stream.read_s),
	[VLY_DP_stream_write] = offsetof(struct vly_options, stream.write_s),
	[VLY_DP_stream_memory] = offsetof(struct vly_options, stream.memory_mib),
	[VLY_DP_stream_tls_port] = offsetof(struct vly_options, stream.tls_port),
	[VLY_DP_watchdog_ms] = offsetof(struct vly_options, watchdog_ms),
};

/* Their words stand in the table in the order of the severities. */
_Static_assert(VLY_LOG_ERROR == 0 && VLY_LOG_WARNING == 1 && VLY_LOG_INFO == 2 &&
		       VLY_LOG_DEBUG == 3,
	       "error|warning|info|debug");

__attribute__((format(printf, 2, 3))) static int
bad(struct vly_options *options, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(options->error, sizeof(options->error), format, args);
	va_end(args);
	return -1;
}

static int
add_port(struct vly_options *options, const char *text, char *reason)
{
	if (options->port_cnt == VLY_PORTS_MAX)
		return bad(options, "--port: more than %d ports", VLY_PORTS_MAX);
	unsigned idx = options->port_cnt++;
	struct vly_port_spec *spec = &options->port[idx];

	if (vly_port_spec_read(spec, text, reason, VLY_DP_REASON_BYTES) != 0)
		return -1;
	vly_kernel_option_complete(spec, idx);
	return 0;
}

/* `text` is an address. */
static int
add_address(struct vly_options *options, const char *text)
{
	if (vly_addresses_add(&options->addresses, text) != VLY_ADDRESSES_OK)
		return bad(options, "--listen: more than %d addresses", VLY_ADDRESSES_MAX);
	return 0;
}

/* Stores a value that vly_dp_option_read() accepts; `number` comes from there. */
static int
store(struct vly_options *options, enum vly_dp_option option, const char *text, unsigned number)
{
	char reason[VLY_DP_REASON_BYTES];

	switch (option) {
	case VLY_DP_port:
		return add_port(options, text, reason);
	case VLY_DP_listen:
		return add_address(options, text);
	case VLY_DP_cpus:
		return vly_cpu_list_read(&options->cpus, text, reason);
	case VLY_DP_nsid:
		return vly_identity_set_nsid(&options->identity, text);
	case VLY_DP_socket:
		options->socket_path = text;
		return 0;
	case VLY_DP_socket_user:
		options->socket_user = text;
		return 0;
	case VLY_DP_xdp_program:
		options->xdp_program = text;
		return 0;
	case VLY_DP_state_dir:
		options->state_dir = text;
		return 0;
	case VLY_DP_id_server:
		options->identity.id_server = text;
		return 0;
	case VLY_DP_version_server:
		options->identity.version = text;
		return 0;
	case VLY_DP_idle:
		options->spin = number == 1;
		return 0;
	case VLY_DP_huge_pages:
		options->huge_pages = number == 0;
		return 0;
	case VLY_DP_rrset_order:
		options->identity.rotate = number == 1;
		return 0;
	case VLY_DP_log_level:
		options->log_level = (enum vly_log_level)number;
		return 0;
	default: /* vly_retry_begin() looks for --retry, as this here may fail before */
		if (number_member[option] != 0)
			*(unsigned *)((char *)options + number_member[option]) = number;
		return 0;
	}
}

static int
parse_option(struct vly_options *options, enum vly_dp_option option, const char *text)
{
	char reason[VLY_DP_REASON_BYTES];
	unsigned number;

	if (vly_dp_option_row[option].kind == VLY_DP_KIND_SWITCH)
		return 0;
	if (vly_dp_option_read(option, text, &number, reason) != 0)
		return bad(options, "--%s \"%.64s\": %s", vly_dp_option_row[option].name, text,
			   reason);
	return store(options, option, text, number);
}

/* A test holds that each default is a good value. */
static int
set_defaults(struct vly_options *options)
{
	memset(options, 0, sizeof(*options));
	for (unsigned i = 0; i < VLY_DP_OPTION_CNT; i++) {
		const char *preset = vly_dp_option_row[i].preset;
		if (preset != NULL && parse_option(options, (enum vly_dp_option)i, preset) != 0)
			return -1;
	}
	return 0;
}

static enum vly_options_result
check_whole(struct vly_options *options, int argc, char **argv)
{
	unsigned queue_cnt = vly_options_queue_cnt(options);

	if (optind < argc)
		bad(options, "\"%s\": options begin with --", argv[optind]);
	else if (options->port_cnt == 0)
		bad(options, "no port: --port says where queries come from, such as "
			     "--port af_xdp:eth0");
	else if (queue_cnt > VLY_LCORES_MAX)
		bad(options, "--port: %u queues in all, but there are at most %d lcores", queue_cnt,
		    VLY_LCORES_MAX);
	else if (options->cpus.cnt > 0 && options->cpus.cnt < queue_cnt)
		bad(options, "--cpus: %u CPUs for %u queues", options->cpus.cnt, queue_cnt);
	else
		return VLY_OPTIONS_RUN;
	return VLY_OPTIONS_BAD;
}

enum vly_options_result
vly_options_parse(struct vly_options *options, int argc, char **argv)
{
	int id;

	if (set_defaults(options) != 0)
		return VLY_OPTIONS_BAD;
	optind = 0; /* glibc: forget earlier calls */
	while ((id = getopt_long(argc, argv, "+:", long_options, NULL)) != -1) {
		if (id == OPTION_BASE + VLY_DP_help)
			return VLY_OPTIONS_HELP;
		if (id == OPTION_BASE + VLY_DP_version)
			return VLY_OPTIONS_VERSION;
		if (id == '?')
			bad(options, "\"%s\": no such option", argv[optind - 1]);
		else if (id == ':')
			bad(options, "\"%s\": needs a value", argv[optind - 1]);
		else if (parse_option(options, (enum vly_dp_option)(id - OPTION_BASE), optarg) == 0)
			continue;
		return VLY_OPTIONS_BAD;
	}
	return check_whole(options, argc, argv);
}

unsigned
vly_options_queue_cnt(const struct vly_options *options)
{
	unsigned cnt = 0;

	for (unsigned i = 0; i < options->port_cnt; i++)
		cnt += options->port[i].queue_cnt;
	return cnt;
}
