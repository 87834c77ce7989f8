/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "steered.h"

#include "resolve_parts.h"
#include "subnet.h"

struct vly_steer_client
vly_steered_source(const struct vly_query *query)
{
	struct vly_steer_client client = {.is_ipv4 =
						  query->client_is_ipv4 || query->client == NULL};

	if (query->client == NULL)
		return client;
	if (query->client_is_ipv4) {
		client.word[0] = (uint64_t)vly_be32(query->client) << 32;
		return client;
	}
	client.word[0] = vly_be64(query->client);
	client.word[1] = vly_be64(query->client + 8);
	return client;
}

/* After the choice was noted. */
static void
begin(struct vly_query *query)
{
	const bool uses_subnet = vly_pick_policy(query->steering, &query->pick);
	const struct vly_steer_client client = uses_subnet && vly_subnet_is_given(query)
						       ? vly_subnet_client(query)
						       : vly_steered_source(query);

	if (query->pick.policy != NULL)
		vly_pick_begin(query->steering, &query->pick, &client);
}

/* Whether the block with the policy is still to come: then the answer must not be kept for other clients. */
static bool
is_unknown(const struct vly_pick *pick)
{
	return pick->policy == NULL && pick->choice->policy != 0;
}

static vly_image_ref
finish(struct vly_query *query)
{
	const struct vly_picked picked = vly_pick_finish(query->steering, &query->pick);

	if (vly_subnet_is_given(query))
		vly_subnet_set_scope(query, is_unknown(&query->pick)
						    ? query->subnet.octets[VLY_SUBNET_SOURCE]
						    : picked.scope);
	return picked.answer;
}

unsigned
vly_steered_note(struct vly_query *query, vly_image_ref choice)
{
	vly_pick_note(&query->pick, vly_image_at(query->image->heap, choice));
	query->course = VLY_COURSE_STEERED;
	return VLY_QUERY_LEFT_STEER;
}

vly_image_ref
vly_steered_choose(struct vly_query *query, vly_image_ref choice)
{
	vly_pick_note(&query->pick, vly_image_at(query->image->heap, choice));
	begin(query);
	return finish(query);
}

static inline bool
is_steered(const struct vly_query *query)
{
	return query->fate == VLY_QUERY_LOOKUP && query->course == VLY_COURSE_STEERED;
}

void
vly_query_steer_begin(struct vly_query *query, unsigned cnt)
{
	for (unsigned i = 0; i < cnt; i++)
		if (is_steered(&query[i]))
			begin(&query[i]);
}

void
vly_query_steer_step(struct vly_query *query, unsigned cnt)
{
	for (unsigned i = 0; i < cnt; i++)
		if (is_steered(&query[i]))
			vly_pick_step(query[i].steering, &query[i].pick);
}

void
vly_query_steer_end(struct vly_query *query, unsigned cnt)
{
	for (unsigned i = 0; i < cnt; i++)
		if (is_steered(&query[i]))
			vly_resolve_take(&query[i], finish(&query[i]));
}
