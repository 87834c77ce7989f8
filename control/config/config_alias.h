/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the configuration says about ALIAS records: the section `alias`. Use, ownership and threads: as config.h. */
#ifndef VLY_CONTROL_CONFIG_ALIAS_H
#define VLY_CONTROL_CONFIG_ALIAS_H

#include <stdint.h>

#define VLY_CONFIG_FORWARDERS_MAX 16

struct vly_config_alias {
	char **forwarders; /* addresses, "@port" may follow: as ub_ctx_set_fwd() takes them */
	unsigned forwarder_cnt;
	char **allow; /* domains, as vly_domain_canonical() writes them */
	unsigned allow_cnt;
	char *ttl_min;
	char *ttl_max;
	char *keep_missing;
	char *rate;
	char *parallel;
	/* read: */
	uint32_t ttl_min_s;
	uint32_t ttl_max_s;
	uint32_t keep_missing_s;
	uint32_t rate_per_s; /* names resolved in a second */
	uint32_t parallel_max;
};

#endif
