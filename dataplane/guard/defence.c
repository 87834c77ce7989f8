/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "defence.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <urcu-qsbr.h>

#include <volley/prefix_check.h>

/* In force until the first block of volley-control: no limits, no lists, no cookies. Its pages are
 * never written, so they cost nothing. */
static struct vly_defence nothing_set;
static struct vly_defence *live = &nothing_set;

/* The conditions of vly_rate_spent() and the other functions of rate.h. */
static bool
rate_is_sound(struct vly_rate rate)
{
	return rate.cost == 0 ? rate.burst == 0
			      : rate.burst >= rate.cost && rate.burst <= INT32_MAX;
}

static const char *
check_responses(const struct vly_response_limits *responses)
{
	if (responses->mode > VLY_LIMIT_ON)
		return "response limits: unknown mode";
	if (responses->prefix4_bits < 1 || responses->prefix4_bits > 32)
		return "response limits: IPv4 prefixes have 1 to 32 bits";
	if (responses->prefix6_bits < 1 || responses->prefix6_bits > 64)
		return "response limits: IPv6 prefixes have 1 to 64 bits";
	for (unsigned i = 0; i < VLY_RESPONSE_KIND_CNT; i++)
		if (!rate_is_sound(responses->rate[i]))
			return "response limits: the burst does not match the rate";
	return responses->badcookie > 1 ? "response limits: badcookie must be 0 or 1" : NULL;
}

static const char *
check_cookies(const struct vly_cookie_secrets *cookies)
{
	if (cookies->enabled > 1)
		return "cookies: enabled must be 0 or 1";
	if (cookies->secret_mask >> VLY_COOKIE_SECRET_CNT != 0)
		return "cookies: too many secrets";
	if (cookies->enabled && !(cookies->secret_mask & 1 << VLY_COOKIE_CURRENT))
		return "cookies: no current secret";
	return NULL;
}

/* Whether the rates can be the result of vly_sketch_rates(). */
static bool
source_rates_are_sound(const struct vly_sketch_rates *rates)
{
	struct vly_rate whole[VLY_SOURCE_LEVEL_CNT];

	for (unsigned i = 0; i < VLY_SOURCE_LEVEL_CNT; i++) {
		whole[i] = rates->level[i];
		if (!rate_is_sound(whole[i]))
			return false;
		if (whole[i].cost > 0)
			whole[i].burst += rates->screen.burst;
	}
	struct vly_sketch_rates again = vly_sketch_rates(whole);
	return memcmp(rates, &again, sizeof(again)) == 0;
}

static bool
reflectors_are_sound(const struct vly_policy_rules *rules)
{
	uint32_t cnt = 0;

	for (size_t i = 0; i < sizeof(rules->reflector_port) / sizeof(uint32_t); i++)
		cnt += (uint32_t)__builtin_popcount(rules->reflector_port[i]);
	return cnt == rules->reflector_cnt;
}

static const char *
check_rules(const struct vly_policy_rules *rules)
{
	if (rules->source_mode > VLY_LIMIT_ON)
		return "source rates: unknown mode";
	if (!source_rates_are_sound(&rules->source))
		return "source rates: a burst does not match its rate, or the screen its levels";
	if (!rate_is_sound(rules->unserved))
		return "rate of unserved messages: the burst does not match the rate";
	if (!rate_is_sound(rules->request))
		return "rate of requests: the burst does not match the rate";
	if (rules->request_opcodes >> (VLY_REQUEST_SIGNED_QUERY + 1) != 0 ||
	    (rules->request_opcodes & 1) != 0)
		return "request opcodes: only 1 to 15, and signed queries, can be listed";
	if (!reflectors_are_sound(rules))
		return "reflector ports: the count does not match the list";
	if (!vly_prefix_table_is_sound(&rules->prefixes))
		return "the prefix table is damaged";
	return NULL;
}

const char *
vly_defence_check(const struct vly_defence *defence)
{
	if (defence->magic != VLY_DEFENCE_MAGIC)
		return "not a defence block";
	if (defence->version != VLY_DEFENCE_VERSION)
		return "a defence block of another version";
	if (defence->total_bytes != sizeof(*defence))
		return "a defence block of another size";
	const char *wrong = check_responses(&defence->responses);
	if (wrong == NULL)
		wrong = check_cookies(&defence->cookies);
	if (wrong == NULL &&
	    (defence->connections & ~(uint32_t)(VLY_WISH_TRANSFERS | VLY_WISH_TLS)) != 0)
		wrong = "connections: unknown bits";
	return wrong != NULL ? wrong : check_rules(&defence->rules);
}

struct vly_defence *
vly_defence_map(int fd, const char **reason)
{
	const int seals_needed = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	struct stat status;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & seals_needed) != seals_needed || fstat(fd, &status) != 0) {
		*reason = "the defence block is not in a sealed memfd";
		return NULL;
	}
	if (status.st_size != sizeof(struct vly_defence)) {
		*reason = "the defence block has the wrong size";
		return NULL;
	}
	void *map = mmap(NULL, sizeof(struct vly_defence), PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		*reason = "cannot map the defence block";
		return NULL;
	}
	*reason = vly_defence_check(map);
	if (*reason == NULL)
		return map;
	munmap(map, sizeof(struct vly_defence));
	return NULL;
}

void
vly_defence_unmap(struct vly_defence *defence)
{
	munmap(defence, sizeof(*defence));
}

void
vly_defence_publish(struct vly_defence *defence)
{
	struct vly_defence *before = live;

	rcu_set_pointer(&live, defence);
	synchronize_rcu();
	if (before != &nothing_set)
		vly_defence_unmap(before);
}

const struct vly_defence *
vly_defence_live(void)
{
	return rcu_dereference(live);
}
