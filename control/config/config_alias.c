/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The section `alias`. */
#include <stdlib.h>
#include <string.h>

#include "config_parts.h"

/* Shorter: names behind a load balancer with a TTL of a few seconds are asked for all the time. Longer: a
 * target that moves is noticed later. */
#define TTL_MIN_DEFAULT "30s"
/* A target that moves is noticed after that time at the latest. */
#define TTL_MAX_DEFAULT "1h"
/* A name that is missing by mistake for less than that goes unnoticed. */
#define KEEP_MISSING_DEFAULT "1h"
/* 10,000 names within 100 s of a start. More: a resolver sees it as an attack. */
#define RATE_DEFAULT "100"
/* With timeouts of some seconds each, dead targets leave room for others. */
#define PARALLEL_DEFAULT "64"

#define TTL_LIMIT_S  86400
#define KEEP_LIMIT_S (30u * 86400)
#define RATE_MAX     10000
#define PARALLEL_MAX 256

static bool
set_default(char **value, const char *text)
{
	if (!*value)
		*value = strdup(text);
	return *value != NULL;
}

int
vly_config_alias_defaults(struct vly_config *config)
{
	if (!config->alias)
		config->alias = calloc(1, sizeof(*config->alias));
	struct vly_config_alias *alias = config->alias;
	return alias && set_default(&alias->ttl_min, TTL_MIN_DEFAULT) &&
			       set_default(&alias->ttl_max, TTL_MAX_DEFAULT) &&
			       set_default(&alias->keep_missing, KEEP_MISSING_DEFAULT) &&
			       set_default(&alias->rate, RATE_DEFAULT) &&
			       set_default(&alias->parallel, PARALLEL_DEFAULT)
		       ? 0
		       : -1;
}

static void
read_number(const char *text, const struct vly_config_unit *units, uint64_t min, uint64_t max,
	    uint32_t *to, struct vly_config_findings *findings, const char *path, const char *why)
{
	uint64_t number;

	if (vly_config_number_read(text, units, min, max, &number))
		*to = (uint32_t)number;
	else
		vly_config_find(findings, path, 0, "%s", why);
}

static void
read_numbers(struct vly_config_alias *alias, struct vly_config_findings *findings)
{
	read_number(alias->ttl_min, vly_config_time_units, 1, TTL_LIMIT_S, &alias->ttl_min_s,
		    findings, "alias.ttl-min", "must be a time from 1s to 1d, such as 30s");
	read_number(alias->ttl_max, vly_config_time_units, 1, TTL_LIMIT_S, &alias->ttl_max_s,
		    findings, "alias.ttl-max", "must be a time from 1s to 1d, such as 1h");
	read_number(alias->keep_missing, vly_config_time_units, 0, KEEP_LIMIT_S,
		    &alias->keep_missing_s, findings, "alias.keep-missing",
		    "must be a time of at most 30d, such as 1h, or 0");
	read_number(alias->rate, vly_config_no_units, 1, RATE_MAX, &alias->rate_per_s, findings,
		    "alias.rate", "must be a number of names in a second from 1 to 10000");
	read_number(alias->parallel, vly_config_no_units, 1, PARALLEL_MAX, &alias->parallel_max,
		    findings, "alias.parallel", "must be a number of names from 1 to 256");
	if (alias->ttl_min_s > alias->ttl_max_s && alias->ttl_max_s > 0)
		vly_config_find(findings, "alias.ttl-min", 0, "must not be above alias.ttl-max");
}

void
vly_config_alias_check(struct vly_config *config, struct vly_config_findings *findings)
{
	struct vly_config_alias *alias = config->alias;
	struct sockaddr_storage address;

	read_numbers(alias, findings);
	if (alias->forwarder_cnt > VLY_CONFIG_FORWARDERS_MAX)
		vly_config_find(findings, "alias.forwarders", 0, "must not have more than %u",
				VLY_CONFIG_FORWARDERS_MAX);
	for (unsigned i = 0; i < alias->forwarder_cnt; i++)
		if (!vly_config_address_read(alias->forwarders[i], VLY_PORT_DNS, true, &address))
			vly_config_find(findings, "alias.forwarders[%u]", i,
					"%.100s: must be the IPv4 or IPv6 address of a resolver, "
					"and may have a port: 192.0.2.1@5353",
					alias->forwarders[i]);
	for (unsigned i = 0; i < alias->allow_cnt; i++) {
		const char *why = vly_config_settle_name(&alias->allow[i]);
		if (why)
			vly_config_find(findings, "alias.allow[%u]", i, "%.200s: %s",
					alias->allow[i], why);
	}
	if (alias->forwarder_cnt > 0 && alias->allow_cnt == 0)
		vly_config_find(findings, "alias.forwarders", 0,
				"needs alias.allow, the domains of the targets that may be "
				"resolved; all: [\".\"]");
}
