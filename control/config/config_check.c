/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <uthash.h>

#include "config_parts.h"
#include "zone/domain.h"

/* As many CPUs as sched_getaffinity(2) knows in its fixed-size form. */
#define CPU_MAX 1024

struct seen_zone {
	const char *name;
	unsigned idx;
	UT_hash_handle hh;
};

static bool
is_choice(const char *value, const char *const *choices)
{
	for (; *choices; choices++)
		if (strcmp(value, *choices) == 0)
			return true;
	return false;
}

/* Returns a decimal number of digits only, or UINT64_MAX. */
static uint64_t
read_number(const char *text, const char **end)
{
	char *stop;

	*end = text;
	if (*text < '0' || *text > '9' || strspn(text, "0123456789") > 18)
		return UINT64_MAX;
	uint64_t number = strtoull(text, &stop, 10);
	*end = stop;
	return number;
}

static void
check_range(struct vly_config_findings *findings, const char *key, const char *value, uint64_t min,
	    uint64_t max, const char *unit)
{
	const char *end;

	if (!value)
		return;
	uint64_t number = read_number(value, &end);
	if (*end || number < min || number > max)
		vly_config_find(findings, key, 0, "must be a number from %llu to %llu%s",
				(unsigned long long)min, (unsigned long long)max, unit);
}

static void
check_socket(struct vly_config_findings *findings, const char *key, const char *value)
{
	size_t max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;

	if (strlen(value) > max)
		vly_config_find(findings, key, 0, "the path of a socket has at most %zu characters",
				max);
}

static void
check_cpus(struct vly_config_findings *findings, const char *value)
{
	const char *at = value;

	while (at) {
		const char *end;
		uint64_t first = read_number(at, &end);
		uint64_t last = *end == '-' ? read_number(end + 1, &end) : first;
		if (first > last || last >= CPU_MAX || (*end && *end != ',')) {
			vly_config_find(findings, "dataplane.cpus", 0,
					"must be a list of CPUs such as 1-3,5");
			return;
		}
		at = *end ? end + 1 : NULL;
	}
}

static void
check_listen(struct vly_config_findings *findings, unsigned idx, const char *value)
{
	struct in6_addr address;

	if (inet_pton(AF_INET, value, &address) != 1 && inet_pton(AF_INET6, value, &address) != 1)
		vly_config_find(findings, "dataplane.listen[%u]", idx,
				"%.64s is not an IPv4 or IPv6 address", value);
}

/* Only values that can't be a port at all are refused here: the dataplane finds out which ones it
 * can open. */
static void
check_port(struct vly_config_findings *findings, unsigned idx, const char *value)
{
	static const struct {
		const char *kind;
		bool argument;
		bool interface;
	} kinds[] = {
		{"af_xdp", true, true},    {"pci", true, false}, {"pcap", true, false},
		{"af_packet", true, true}, {"tap", true, true},  {"ring", false, false},
		{"null", false, false},
	};
	size_t kind_len = strcspn(value, ":,");
	const char *argument = value[kind_len] == ':' ? value + kind_len + 1 : "";
	size_t argument_len = strcspn(argument, ",");

	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strlen(kinds[i].kind) != kind_len ||
		    memcmp(kinds[i].kind, value, kind_len) != 0)
			continue;
		if (kinds[i].argument && argument_len == 0)
			vly_config_find(findings, "dataplane.ports[%u]", idx,
					"%s needs a name: %s:NAME", kinds[i].kind, kinds[i].kind);
		else if (kinds[i].interface && argument_len >= IF_NAMESIZE)
			vly_config_find(findings, "dataplane.ports[%u]", idx,
					"an interface's name has at most %d characters",
					IF_NAMESIZE - 1);
		return;
	}
	vly_config_find(findings, "dataplane.ports[%u]", idx,
			"must be af_xdp:IFACE, pci:ADDRESS, pcap:FILE, af_packet:IFACE, tap:NAME, "
			"ring or null");
}

static void
check_streams(const struct vly_config_dataplane *dataplane, struct vly_config_findings *findings)
{
	const struct {
		const char *key;
		const char *value;
		uint64_t min;
		uint64_t max;
		const char *unit;
	} number[] = {
		{"dataplane.stream-threads", dataplane->stream_threads, 0, 64, ""},
		{"dataplane.stream-connections", dataplane->stream_connections, 1, 1000000, ""},
		{"dataplane.stream-client", dataplane->stream_client, 1, 1000000, ""},
		{"dataplane.stream-idle", dataplane->stream_idle, 1, 3600, " (seconds)"},
		{"dataplane.stream-read", dataplane->stream_read, 1, 3600, " (seconds)"},
		{"dataplane.stream-write", dataplane->stream_write, 1, 3600, " (seconds)"},
		{"dataplane.stream-memory", dataplane->stream_memory, 1, 1 << 20, " (MiB)"},
	};

	for (unsigned i = 0; i < sizeof(number) / sizeof(number[0]); i++)
		check_range(findings, number[i].key, number[i].value, number[i].min, number[i].max,
			    number[i].unit);
}

/* Below 500 ms, a busy machine would look like a fault. */
static void
check_watchdog(const struct vly_config_dataplane *dataplane, struct vly_config_findings *findings)
{
	if (strcmp(dataplane->watchdog_ms, "0") != 0)
		check_range(findings, "dataplane.watchdog-ms", dataplane->watchdog_ms, 500, 60000,
			    " (milliseconds), or 0");
}

static void
check_length(struct vly_config_findings *findings, const char *key, const char *value, size_t max)
{
	if (value && strlen(value) > max)
		vly_config_find(findings, key, 0, "must have at most %zu octets", max);
}

/* Text, or octets as hexadecimal digits. */
static void
check_nsid(struct vly_config_findings *findings, const char *value)
{
	const char *digits = "0123456789abcdefABCDEF";

	if (!value || strncmp(value, "0x", 2) != 0) {
		check_length(findings, "dataplane.nsid", value, 128);
		return;
	}
	size_t len = strlen(value + 2);
	if (len == 0 || len % 2 != 0 || len > 256 || strspn(value + 2, digits) != len)
		vly_config_find(findings, "dataplane.nsid", 0,
				"must be text, or 0x and up to 128 octets in hexadecimal");
}

static void
check_dataplane(struct vly_config_dataplane *dataplane, struct vly_config_findings *findings)
{
	static const char *const idles[] = {"sleep", "spin", NULL};
	static const char *const huge_pages[] = {"auto", "off", NULL};
	static const char *const orders[] = {"fixed", "rotate", NULL};

	check_socket(findings, "dataplane.socket", dataplane->socket);
	for (unsigned i = 0; i < dataplane->port_cnt; i++)
		check_port(findings, i, dataplane->ports[i]);
	if (dataplane->cpus)
		check_cpus(findings, dataplane->cpus);
	for (unsigned i = 0; i < dataplane->listen_cnt; i++)
		check_listen(findings, i, dataplane->listen[i]);
	if (!is_choice(dataplane->idle, idles))
		vly_config_find(findings, "dataplane.idle", 0, "must be sleep or spin");
	if (!is_choice(dataplane->rrset_order, orders))
		vly_config_find(findings, "dataplane.rrset-order", 0, "must be fixed or rotate");
	check_length(findings, "dataplane.id-server", dataplane->id_server, 255);
	check_length(findings, "dataplane.version-server", dataplane->version_server, 255);
	check_nsid(findings, dataplane->nsid);
	check_watchdog(dataplane, findings);
	if (!is_choice(dataplane->huge_pages, huge_pages))
		vly_config_find(findings, "dataplane.huge-pages", 0, "must be auto or off");
	check_range(findings, "dataplane.memory", dataplane->memory, 1, 1 << 20, " (MiB)");
	check_range(findings, "dataplane.udp-payload-max", dataplane->udp_payload_max, 512, 4096,
		    " (octets)");
	check_streams(dataplane, findings);
}

static void
check_log_level(struct vly_config_findings *findings, const char *key, const char *value)
{
	static const char *const levels[] = {"error", "warning", "info", "debug", NULL};

	if (!is_choice(value, levels))
		vly_config_find(findings, key, 0, "must be error, warning, info or debug");
}

static void
check_control(const struct vly_config_control *control, struct vly_config_findings *findings)
{
	static const char *const switches[] = {"on", "off", NULL};

	check_socket(findings, "control.socket", control->socket);
	if (!is_choice(control->image_cache, switches))
		vly_config_find(findings, "control.image-cache", 0, "must be on or off");
	check_log_level(findings, "control.log-level", control->log_level);
}

static void
check_answers(const struct vly_config_answers *answers, struct vly_config_findings *findings)
{
	static const char *const anys[] = {"one", "all", NULL};
	static const char *const additionals[] = {"none", "addresses", NULL};

	if (!is_choice(answers->any, anys))
		vly_config_find(findings, "answers.any", 0, "must be one or all");
	if (!is_choice(answers->additional, additionals))
		vly_config_find(findings, "answers.additional", 0, "must be none or addresses");
}

static void
check_checks(const struct vly_config_checks *checks, struct vly_config_findings *findings)
{
	static const char *const severities[] = {"error", "warning", "ignore", NULL};

#define X(id, name, severity, help)                                                                \
	if (!is_choice(checks->id, severities))                                                    \
		vly_config_find(findings, "checks." name, 0, "must be error, warning or ignore");
	VLY_ZONE_CHECKS(X)
#undef X
}

static void
check_zone_name(struct vly_config_zone *zone, unsigned idx, struct vly_config_findings *findings)
{
	char name[VLY_DOMAIN_TEXT_BYTES];
	const char *reason = vly_domain_canonical(zone->name, name);

	if (reason) {
		vly_config_find(findings, "zones[%u].name", idx, "%.200s: %s", zone->name, reason);
	} else if (strcmp(name, zone->name) != 0) {
		char *copy = strdup(name);
		if (copy) {
			free(zone->name);
			zone->name = copy;
		}
	}
}

static void
check_zones(struct vly_config *config, struct vly_config_findings *findings)
{
	struct seen_zone *seen = calloc(config->zone_cnt + 1, sizeof(*seen));
	struct seen_zone *table = NULL;

	if (!seen) {
		vly_config_find(findings, "zones", 0, "out of memory");
		return;
	}
	for (unsigned i = 0; i < config->zone_cnt; i++) {
		struct seen_zone *first;
		check_zone_name(&config->zones[i], i, findings);
		seen[i].name = config->zones[i].name;
		seen[i].idx = i;
		HASH_FIND_STR(table, seen[i].name, first);
		if (first)
			vly_config_find(findings, "zones[%u].name", i,
					"duplicate zone: %.200s is already zones[%u]", seen[i].name,
					first->idx);
		else
			HASH_ADD_KEYPTR(hh, table, seen[i].name, strlen(seen[i].name), &seen[i]);
		if (!first && !seen[i].hh.tbl) {
			vly_config_find(findings, "zones", 0, "out of memory");
			break;
		}
	}
	HASH_CLEAR(hh, table);
	free(seen);
}

void
vly_config_check(struct vly_config *config, struct vly_config_findings *findings)
{
	check_control(config->control, findings);
	check_dataplane(config->dataplane, findings);
	check_log_level(findings, "dataplane.log-level", config->dataplane->log_level);
	check_answers(config->answers, findings);
	check_checks(config->checks, findings);
	vly_config_defence_check(config->defence, findings);
	check_zones(config, findings);
}
