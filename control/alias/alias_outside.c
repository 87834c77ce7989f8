/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Targets in zones of others: which may be asked for, when it is their turn, and the resolver. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alias_parts.h"

/* A name that is being asked. */
struct vly_alias_asking {
	struct vly_alias_query query; /* first */
	struct vly_alias_asking *next, *before;
	struct vly_aliases *aliases;
	struct vly_alias *alias;
	char name[VLY_DOMAIN_TEXT_BYTES];
};

static bool
is_allowed(const struct vly_aliases *aliases, const struct vly_alias *alias)
{
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES];

	for (unsigned i = 0; i < aliases->allow_cnt; i++) {
		const unsigned len = vly_domain_wire(aliases->allow[i], wire);
		for (unsigned at = 0; alias->name_len - at >= len; at += alias->name[at] + 1u) {
			if (alias->name_len - at == len && memcmp(alias->name + at, wire, len) == 0)
				return true;
			if (alias->name[at] == 0)
				break;
		}
	}
	return false;
}

void
vly_alias_ask_later(struct vly_aliases *aliases, struct vly_alias *alias)
{
	char why[VLY_ALIAS_WHY_BYTES];
	char name[VLY_DOMAIN_TEXT_BYTES];

	alias->step = VLY_ALIAS_IDLE;
	alias->is_outside = true;
	vly_alias_set_source(alias, NULL);
	if (aliases->resolver == NULL) {
		vly_alias_fail(aliases, alias,
			       aliases->forwarder_cnt > 0
				       ? aliases->resolver_trouble
				       : "no resolver is configured: set alias.forwarders and "
					 "alias.allow");
	} else if (!is_allowed(aliases, alias)) {
		snprintf(why, sizeof(why), "%.80s is not in a domain of alias.allow",
			 vly_domain_text(alias->name, name));
		vly_alias_fail(aliases, alias, why);
	} else {
		alias->step = VLY_ALIAS_QUEUED;
		alias->pin_cnt++;
		vly_alias_push(&aliases->queued, alias);
		vly_alias_turns(aliases);
	}
}

static void
unlink_asking(struct vly_alias_asking *asking)
{
	if (asking->before != NULL)
		asking->before->next = asking->next;
	else
		asking->aliases->asking = asking->next;
	if (asking->next != NULL)
		asking->next->before = asking->before;
	asking->aliases->asking_cnt--;
}

static void
on_answer(struct vly_alias_query *query)
{
	struct vly_alias_asking *asking = (struct vly_alias_asking *)query; /* its first member */
	struct vly_aliases *aliases = asking->aliases;
	struct vly_alias *alias = asking->alias;

	unlink_asking(asking);
	if (alias->is_removed)
		alias->step = VLY_ALIAS_IDLE;
	else
		vly_alias_end(aliases, alias, query->found);
	vly_alias_unpin(aliases, alias);
	free(asking);
	vly_alias_turns(aliases);
}

static void
ask(struct vly_aliases *aliases, struct vly_alias *alias)
{
	struct vly_alias_asking *asking = calloc(1, sizeof(*asking));

	if (asking == NULL) {
		vly_alias_fail(aliases, alias, "out of memory");
		vly_alias_unpin(aliases, alias);
		return;
	}
	asking->aliases = aliases;
	asking->alias = alias;
	(void)vly_domain_text(alias->name, asking->name);
	asking->query.name = asking->name;
	asking->query.done = on_answer;
	alias->step = VLY_ALIAS_ASKING;
	aliases->asking_cnt++;
	asking->next = aliases->asking;
	if (asking->next != NULL)
		asking->next->before = asking;
	aliases->asking = asking;
	vly_alias_resolver_ask(aliases->resolver, &asking->query);
}

/* The resolver is gone. */
static void
refuse_queued(struct vly_aliases *aliases)
{
	struct vly_alias *alias;

	while (aliases->resolver == NULL && (alias = vly_alias_pop(&aliases->queued)) != NULL) {
		alias->step = VLY_ALIAS_IDLE;
		if (!alias->is_removed)
			vly_alias_ask_later(aliases, alias);
		vly_alias_unpin(aliases, alias);
	}
}

static void
on_turn(uv_timer_t *timer)
{
	vly_alias_turns(timer->data);
}

void
vly_alias_turns(struct vly_aliases *aliases)
{
	uint64_t wait_ms = 0;

	refuse_queued(aliases);
	while (aliases->queued.first != NULL && aliases->resolver != NULL &&
	       aliases->asking_cnt < aliases->parallel_max) {
		struct vly_alias *alias = aliases->queued.first;
		if (!alias->is_removed)
			wait_ms = vly_alias_rate_take(&aliases->rate, aliases->rate_per_s,
						      uv_now(aliases->settings.loop));
		if (wait_ms > 0) {
			uv_timer_start(&aliases->turn, on_turn, wait_ms, 0);
			return;
		}
		(void)vly_alias_pop(&aliases->queued);
		alias->step = VLY_ALIAS_IDLE;
		if (alias->is_removed)
			vly_alias_unpin(aliases, alias);
		else
			ask(aliases, alias);
	}
}

void
vly_alias_end_resolver(struct vly_aliases *aliases)
{
	struct vly_alias_asking *asking;

	vly_alias_resolver_free(aliases->resolver);
	aliases->resolver = NULL;
	while ((asking = aliases->asking) != NULL) {
		struct vly_alias *alias = asking->alias;
		unlink_asking(asking);
		alias->step = VLY_ALIAS_QUEUED;
		vly_alias_push(&aliases->queued, alias);
		free(asking);
	}
}
