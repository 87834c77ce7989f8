/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A plan from the words of the configuration, which says the same as volley-dataplane's flags. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "preflight.h"

static const char *const kind_name[] = {
	[VLY_PREFLIGHT_AF_XDP] = "af_xdp:",
	[VLY_PREFLIGHT_PCI] = "pci:",
};

/* Digits only, in [min, max]; returns where they end, or NULL. */
static const char *
parse_number(const char *text, unsigned min, unsigned max, unsigned *value)
{
	char *end;

	if (*text < '0' || *text > '9')
		return NULL;
	unsigned long number = strtoul(text, &end, 10);
	*value = (unsigned)number;
	return number < min || number > max ? NULL : end;
}

/* The options behind the first comma; those of other kinds than queues= are not looked at. */
static const char *
parse_options(struct vly_preflight_port *port, const char *comma)
{
	while (*comma != '\0') {
		const char *option = comma + 1;
		comma = strchrnul(option, ',');
		if (strncmp(option, "queues=", 7) == 0 &&
		    parse_number(option + 7, 1, VLY_PREFLIGHT_CPUS_MAX, &port->queue_cnt) != comma)
			return "queues= takes a number from 1 to 127";
	}
	return NULL;
}

const char *
vly_preflight_plan_port(struct vly_preflight_plan *plan, const char *text)
{
	struct vly_preflight_port port = {.kind = VLY_PREFLIGHT_OTHER, .queue_cnt = 1};
	const char *comma = strchrnul(text, ',');

	for (int kind = 0; kind < VLY_PREFLIGHT_OTHER; kind++) {
		size_t len = strlen(kind_name[kind]);
		if (strncmp(text, kind_name[kind], len) != 0)
			continue;
		size_t target_len = (size_t)(comma - text) - len;
		if (target_len == 0 || target_len >= sizeof(port.target))
			return "the name of the interface or device is missing or too long";
		port.kind = (enum vly_preflight_kind)kind;
		memcpy(port.target, text + len, target_len);
	}
	const char *wrong = parse_options(&port, comma);
	if (wrong != NULL)
		return wrong;
	if (plan->port_cnt == VLY_PREFLIGHT_PORTS_MAX)
		return "there are more than 32 ports";
	plan->port[plan->port_cnt++] = port;
	return NULL;
}

const char *
vly_preflight_plan_cpus(struct vly_preflight_plan *plan, const char *text)
{
	const char *at = text;

	for (plan->cpu_cnt = 0;; at++) {
		unsigned first, last;
		at = parse_number(at, 0, UINT16_MAX, &first);
		last = first;
		if (at != NULL && *at == '-')
			at = parse_number(at + 1, first, UINT16_MAX, &last);
		if (at == NULL || (*at != ',' && *at != '\0'))
			return "this is not a list of CPUs such as 1-3,5";
		if (last - first >= VLY_PREFLIGHT_CPUS_MAX - plan->cpu_cnt)
			return "there are more than 127 CPUs";
		for (unsigned cpu = first; cpu <= last; cpu++)
			plan->cpu[plan->cpu_cnt++] = (uint16_t)cpu;
		if (*at == '\0')
			return NULL;
	}
}

const char *
vly_preflight_plan_listen(struct vly_preflight_plan *plan, const char *text)
{
	uint8_t octets[16];

	if (plan->listen_cnt == VLY_ADDRESSES_MAX)
		return "there are more than 256 addresses";
	if (inet_pton(AF_INET, text, octets) == 1)
		plan->listen[plan->listen_cnt++] = vly_address_from_ipv4(octets);
	else if (inet_pton(AF_INET6, text, octets) == 1)
		plan->listen[plan->listen_cnt++] = vly_address_from_ipv6(octets);
	else
		return "this is neither an IPv4 nor an IPv6 address";
	return NULL;
}

unsigned
vly_preflight_plan_queues(const struct vly_preflight_plan *plan)
{
	unsigned cnt = 0;

	for (unsigned i = 0; i < plan->port_cnt; i++)
		cnt += plan->port[i].queue_cnt;
	return cnt;
}
