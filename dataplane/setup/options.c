/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <volley/dns.h>

#include "kernel_option.h"

/* The largest UDP payload offered; fragments of anything longer than an Ethernet frame get lost
 * (RFC 9715), so the default stays below every usual path MTU. */
#define UDP_PAYLOAD_DEFAULT 1232
#define UDP_PAYLOAD_MAX     4096

#define CPU_ID_MAX 1023

/* Resolvers give a server up after seconds, and no burst takes a hundredth of this. */
#define WATCHDOG_MS_DEFAULT 1000

/*
 * One thread carries 250,000 pipelined queries a second, far more than is asked where UDP works.
 * 10,000 connections are what other servers see at busy sites, and cost little. 256 of one client
 * let a carrier's NAT through, and forty such clients are needed to fill the rest. The idle time is
 * RFC 7766's "order of seconds" (§6.2.3); a message is one packet or two, so seconds for it are
 * ample on any path; the time to write gives 96 KiB to a client of 80 kbit/s. Only clients that are
 * in the middle of something need buffers: 64 MiB are a thousand long messages at once.
 */
static const struct vly_stream_options stream_defaults = {
	.thread_cnt = 1,
	.connections_max = 10000,
	.per_client_max = 256,
	.idle_s = 10,
	.read_s = 5,
	.write_s = 10,
	.memory_mib = 64,
};

enum option_id {
	OPT_PORT = 256,
	OPT_CPUS,
	OPT_LISTEN,
	OPT_SOCKET,
	OPT_XDP_PROGRAM,
	OPT_IDLE,
	OPT_MEMORY,
	OPT_HUGE_PAGES,
	OPT_UDP_PAYLOAD_MAX,
	OPT_NSID,
	OPT_ID_SERVER,
	OPT_VERSION_SERVER,
	OPT_RRSET_ORDER,
	OPT_STREAM_THREADS,
	OPT_STREAM_CONNECTIONS,
	OPT_STREAM_CLIENT,
	OPT_STREAM_IDLE,
	OPT_STREAM_READ,
	OPT_STREAM_WRITE,
	OPT_STREAM_MEMORY,
	OPT_WATCHDOG_MS,
	OPT_STATE_DIR,
	OPT_RETRY,
	OPT_LOG_LEVEL,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option long_options[] = {
	{"port", required_argument, NULL, OPT_PORT},
	{"cpus", required_argument, NULL, OPT_CPUS},
	{"listen", required_argument, NULL, OPT_LISTEN},
	{"socket", required_argument, NULL, OPT_SOCKET},
	{"xdp-program", required_argument, NULL, OPT_XDP_PROGRAM},
	{"idle", required_argument, NULL, OPT_IDLE},
	{"memory", required_argument, NULL, OPT_MEMORY},
	{"huge-pages", required_argument, NULL, OPT_HUGE_PAGES},
	{"udp-payload-max", required_argument, NULL, OPT_UDP_PAYLOAD_MAX},
	{"nsid", required_argument, NULL, OPT_NSID},
	{"id-server", required_argument, NULL, OPT_ID_SERVER},
	{"version-server", required_argument, NULL, OPT_VERSION_SERVER},
	{"rrset-order", required_argument, NULL, OPT_RRSET_ORDER},
	{"stream-threads", required_argument, NULL, OPT_STREAM_THREADS},
	{"stream-connections", required_argument, NULL, OPT_STREAM_CONNECTIONS},
	{"stream-client", required_argument, NULL, OPT_STREAM_CLIENT},
	{"stream-idle", required_argument, NULL, OPT_STREAM_IDLE},
	{"stream-read", required_argument, NULL, OPT_STREAM_READ},
	{"stream-write", required_argument, NULL, OPT_STREAM_WRITE},
	{"stream-memory", required_argument, NULL, OPT_STREAM_MEMORY},
	{"watchdog-ms", required_argument, NULL, OPT_WATCHDOG_MS},
	{"state-dir", required_argument, NULL, OPT_STATE_DIR},
	{"retry", no_argument, NULL, OPT_RETRY},
	{"log-level", required_argument, NULL, OPT_LOG_LEVEL},
	{"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},
	{NULL, 0, NULL, 0},
};

static const struct port_kind {
	const char *name;
	bool has_target;
	bool has_queues;
} port_kind[] = {
	[VLY_PORT_AF_XDP] = {"af_xdp", true, true},
	[VLY_PORT_PCI] = {"pci", true, true},
	[VLY_PORT_PCAP] = {"pcap", true, false},
	[VLY_PORT_AF_PACKET] = {"af_packet", true, true},
	[VLY_PORT_TAP] = {"tap", true, false},
	[VLY_PORT_RING] = {"ring", false, false},
	[VLY_PORT_NULL] = {"null", false, false},
};

__attribute__((format(printf, 2, 3))) static int
bad(struct vly_options *options, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(options->error, sizeof(options->error), format, args);
	va_end(args);
	return -1;
}

/* A whole decimal number in [min, max]; returns where it ends, or NULL. */
static const char *
parse_number(const char *text, unsigned min, unsigned max, unsigned *value)
{
	char *end;

	if (*text < '0' || *text > '9')
		return NULL;
	errno = 0;
	unsigned long number = strtoul(text, &end, 10);
	if (errno != 0 || number < min || number > max)
		return NULL;
	*value = (unsigned)number;
	return end;
}

static int
parse_whole_number(struct vly_options *options, const char *name, const char *text, unsigned min,
		   unsigned max, unsigned *value)
{
	const char *end = parse_number(text, min, max, value);

	if (end == NULL || *end != '\0')
		return bad(options, "--%s: \"%s\" is not a number from %u to %u", name, text, min,
			   max);
	return 0;
}

/* One "name" or "name=value" behind a port. */
static int
parse_port_option(struct vly_options *options, struct vly_port_spec *spec, const char *option,
		  size_t len)
{
	if (spec->kind == VLY_PORT_PCAP && len == 4 && memcmp(option, "loop", 4) == 0) {
		spec->loop = true;
		return 0;
	}
	if (spec->kind == VLY_PORT_PCAP && len > 4 && memcmp(option, "out=", 4) == 0) {
		if (len - 4 >= sizeof(spec->out))
			return bad(options, "--port: the path behind out= is too long");
		memcpy(spec->out, option + 4, len - 4);
		return 0;
	}
	if (port_kind[spec->kind].has_queues && len > 7 && memcmp(option, "queues=", 7) == 0) {
		const char *end = parse_number(option + 7, 1, VLY_LCORES_MAX, &spec->queue_cnt);
		if (end == option + len)
			return 0;
		return bad(options, "--port %s: queues= takes a number from 1 to %d", spec->name,
			   VLY_LCORES_MAX);
	}
	if (vly_kernel_option_is(spec, option, len)) {
		const char *wrong = vly_kernel_option_parse(spec, option, len);
		return wrong == NULL ? 0
				     : bad(options, "--port %s: %.*s: %s", spec->name, (int)len,
					   option, wrong);
	}
	return bad(options, "--port %s: \"%.*s\" is not an option of this kind of port", spec->name,
		   (int)len, option);
}

static int
parse_port_target(struct vly_options *options, struct vly_port_spec *spec, const char *text,
		  size_t len)
{
	bool is_file = spec->kind == VLY_PORT_PCAP;
	char *target = is_file ? spec->file : spec->target;
	size_t max = is_file ? sizeof(spec->file) : sizeof(spec->target);

	if (len == 0)
		return bad(options, "--port %s: needs a name behind it, such as %s:%s",
			   port_kind[spec->kind].name, port_kind[spec->kind].name,
			   is_file ? "queries.pcap" : "eth0");
	if (len >= max)
		return bad(options, "--port %s: the name is too long", port_kind[spec->kind].name);
	memcpy(target, text, len);
	/* Shown to people only: a long path may be cut. */
	snprintf(spec->name, sizeof(spec->name), "%s:%.48s", port_kind[spec->kind].name, target);
	return 0;
}

static int
parse_port_kind(struct vly_options *options, struct vly_port_spec *spec, const char *text,
		size_t len)
{
	for (size_t i = 0; i < sizeof(port_kind) / sizeof(port_kind[0]); i++) {
		if (strlen(port_kind[i].name) != len || memcmp(port_kind[i].name, text, len) != 0)
			continue;
		spec->kind = (enum vly_port_kind)i;
		snprintf(spec->name, sizeof(spec->name), "%s", port_kind[i].name);
		return 0;
	}
	return bad(options,
		   "--port: \"%s\" does not begin with a kind of port, such as af_xdp:", text);
}

static int
parse_port(struct vly_options *options, const char *text)
{
	if (options->port_cnt == VLY_PORTS_MAX)
		return bad(options, "--port: more than %d ports", VLY_PORTS_MAX);
	struct vly_port_spec *spec = &options->port[options->port_cnt++];
	spec->queue_cnt = 1;

	const char *comma = strchrnul(text, ',');
	const char *colon = memchr(text, ':', (size_t)(comma - text));
	const char *kind_end = colon != NULL ? colon : comma;
	if (parse_port_kind(options, spec, text, (size_t)(kind_end - text)) != 0)
		return -1;
	if (port_kind[spec->kind].has_target) {
		const char *target = colon != NULL ? colon + 1 : comma;
		if (parse_port_target(options, spec, target, (size_t)(comma - target)) != 0)
			return -1;
	} else if (colon != NULL) {
		return bad(options, "--port %s: takes no name", spec->name);
	}
	while (*comma != '\0') {
		const char *option = comma + 1;
		comma = strchrnul(option, ',');
		if (parse_port_option(options, spec, option, (size_t)(comma - option)) != 0)
			return -1;
	}
	const char *wrong = vly_kernel_option_complete(spec, options->port_cnt - 1);
	if (wrong != NULL)
		return bad(options, "--port %s: %s", spec->name, wrong);
	return 0;
}

static int
parse_cpus(struct vly_options *options, const char *text)
{
	const char *at = text;

	options->cpu_cnt = 0;
	for (;;) {
		unsigned first, last;
		at = parse_number(at, 0, CPU_ID_MAX, &first);
		last = first;
		if (at != NULL && *at == '-')
			at = parse_number(at + 1, first, CPU_ID_MAX, &last);
		if (at == NULL || (*at != ',' && *at != '\0'))
			return bad(options, "--cpus: \"%s\" is not a list such as 1-3,5", text);
		for (unsigned cpu = first; cpu <= last; cpu++) {
			if (options->cpu_cnt == VLY_LCORES_MAX)
				return bad(options, "--cpus: more than %d CPUs", VLY_LCORES_MAX);
			options->cpu[options->cpu_cnt++] = (uint16_t)cpu;
		}
		if (*at == '\0')
			return 0;
		at++;
	}
}

static int
parse_listen(struct vly_options *options, const char *text)
{
	switch (vly_addresses_add(&options->addresses, text)) {
	case VLY_ADDRESSES_OK:
		return 0;
	case VLY_ADDRESSES_FULL:
		return bad(options, "--listen: more than %d addresses", VLY_ADDRESSES_MAX);
	case VLY_ADDRESSES_MALFORMED:
		break;
	}
	return bad(options, "--listen: \"%s\" is neither an IPv4 nor an IPv6 address", text);
}

/* What fits into one character string. */
static int
parse_text(struct vly_options *options, const char *name, const char *text, const char **value)
{
	if (strlen(text) > VLY_CHAOS_BYTES_MAX)
		return bad(options, "--%s: more than %d octets", name, VLY_CHAOS_BYTES_MAX);
	*value = text;
	return 0;
}

/* 0, or what the watchdog can tell from a busy machine. */
static int
parse_watchdog_ms(struct vly_options *options, const char *text)
{
	unsigned *ms = &options->watchdog_ms;
	const char *end = parse_number(text, 0, VLY_WATCHDOG_MS_MAX, ms);

	if (end == NULL || *end != '\0' || (*ms != 0 && *ms < VLY_WATCHDOG_MS_MIN))
		return bad(options, "--watchdog-ms: \"%s\" is neither 0 nor a number from %d to %d",
			   text, VLY_WATCHDOG_MS_MIN, VLY_WATCHDOG_MS_MAX);
	return 0;
}

/* One of two words. */
static int
parse_choice(struct vly_options *options, const char *name, const char *text, const char *yes,
	     const char *no, bool *value)
{
	*value = strcmp(text, yes) == 0;
	if (!*value && strcmp(text, no) != 0)
		return bad(options, "--%s: \"%s\" is neither %s nor %s", name, text, yes, no);
	return 0;
}

/* --stream-NAME; `id` is one of them. */
static int
parse_stream_option(struct vly_options *options, int id, const char *value)
{
	struct vly_stream_options *stream = &options->stream;
	const struct {
		const char *name;
		unsigned min;
		unsigned max;
		unsigned *value;
	} number[] = {
		{"stream-threads", 0, VLY_STREAM_THREADS_MAX, &stream->thread_cnt},
		{"stream-connections", 1, 1000000, &stream->connections_max},
		{"stream-client", 1, 1000000, &stream->per_client_max},
		{"stream-idle", 1, 3600, &stream->idle_s},
		{"stream-read", 1, 3600, &stream->read_s},
		{"stream-write", 1, 3600, &stream->write_s},
		{"stream-memory", 1, 1 << 20, &stream->memory_mib},
	};
	unsigned i = (unsigned)(id - OPT_STREAM_THREADS);

	return parse_whole_number(options, number[i].name, value, number[i].min, number[i].max,
				  number[i].value);
}

static int
parse_option(struct vly_options *options, int id, const char *value)
{
	int level;

	switch (id) {
	case OPT_PORT:
		return parse_port(options, value);
	case OPT_CPUS:
		return parse_cpus(options, value);
	case OPT_LISTEN:
		return parse_listen(options, value);
	case OPT_SOCKET:
		options->socket_path = value;
		return 0;
	case OPT_XDP_PROGRAM:
		options->xdp_program = value;
		return 0;
	case OPT_IDLE:
		return parse_choice(options, "idle", value, "spin", "sleep", &options->spin);
	case OPT_MEMORY:
		return parse_whole_number(options, "memory", value, 1, 1 << 20,
					  &options->memory_mib);
	case OPT_HUGE_PAGES:
		return parse_choice(options, "huge-pages", value, "auto", "off",
				    &options->huge_pages);
	case OPT_UDP_PAYLOAD_MAX:
		return parse_whole_number(options, "udp-payload-max", value, VLY_UDP_BYTES_MIN,
					  UDP_PAYLOAD_MAX, &options->udp_payload_max);
	case OPT_NSID:
		if (vly_identity_set_nsid(&options->identity, value) != 0)
			return bad(options, "--nsid: \"%.60s\" is not 1 to %d octets", value,
				   VLY_NSID_BYTES_MAX);
		return 0;
	case OPT_ID_SERVER:
		return parse_text(options, "id-server", value, &options->identity.id_server);
	case OPT_VERSION_SERVER:
		return parse_text(options, "version-server", value, &options->identity.version);
	case OPT_RRSET_ORDER:
		return parse_choice(options, "rrset-order", value, "rotate", "fixed",
				    &options->identity.rotate);
	case OPT_WATCHDOG_MS:
		return parse_watchdog_ms(options, value);
	case OPT_STATE_DIR:
		options->state_dir = value;
		return 0;
	case OPT_RETRY: /* vly_retry_begin() looks for it, as this here may fail before */
		return 0;
	case OPT_LOG_LEVEL:
		level = vly_log_level_find(value);
		if (level < 0)
			return bad(options,
				   "--log-level: \"%s\" is not error, warning, info or debug",
				   value);
		options->log_level = (enum vly_log_level)level;
		return 0;
	}
	return parse_stream_option(options, id, value);
}

static enum vly_options_result
check_whole(struct vly_options *options, int argc, char **argv)
{
	unsigned queue_cnt = vly_options_queue_cnt(options);

	if (optind < argc)
		bad(options, "\"%s\": arguments begin with --", argv[optind]);
	else if (options->port_cnt == 0)
		bad(options, "no port: say where queries come from, such as --port af_xdp:eth0");
	else if (queue_cnt > VLY_LCORES_MAX)
		bad(options, "--port: %u queues in all, at most %d lcores", queue_cnt,
		    VLY_LCORES_MAX);
	else if (options->cpu_cnt > 0 && options->cpu_cnt < queue_cnt)
		bad(options, "--cpus: %u CPUs for %u queues", options->cpu_cnt, queue_cnt);
	else
		return VLY_OPTIONS_RUN;
	return VLY_OPTIONS_BAD;
}

enum vly_options_result
vly_options_parse(struct vly_options *options, int argc, char **argv)
{
	int id;

	memset(options, 0, sizeof(*options));
	options->socket_path = VLY_SOCKET_DEFAULT;
	options->huge_pages = true;
	options->udp_payload_max = UDP_PAYLOAD_DEFAULT;
	options->stream = stream_defaults;
	options->watchdog_ms = WATCHDOG_MS_DEFAULT;
	options->log_level = VLY_LOG_INFO;

	optind = 0; /* glibc: forget earlier calls */
	while ((id = getopt_long(argc, argv, "+:", long_options, NULL)) != -1) {
		if (id == OPT_HELP)
			return VLY_OPTIONS_HELP;
		if (id == OPT_VERSION)
			return VLY_OPTIONS_VERSION;
		if (id == '?')
			bad(options, "\"%s\": no such option", argv[optind - 1]);
		else if (id == ':')
			bad(options, "\"%s\": needs a value", argv[optind - 1]);
		else if (parse_option(options, id, optarg) == 0)
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
