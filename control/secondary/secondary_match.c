/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "secondary_parts.h"

static bool
is_same_text(const char *left, const char *right)
{
	return left == right || (left && right && strcmp(left, right) == 0);
}

static bool
is_same_profile(const struct vly_config_tls *left, const struct vly_config_tls *right)
{
	if (!left || !right)
		return left == right;
	return is_same_text(left->certificate_file, right->certificate_file) &&
	       is_same_text(left->key_file, right->key_file) &&
	       is_same_text(left->ca_file, right->ca_file) &&
	       is_same_text(left->hostname, right->hostname) &&
	       left->is_opportunistic == right->is_opportunistic &&
	       left->pin_cnt == right->pin_cnt &&
	       (left->pin_cnt == 0 ||
		memcmp(left->pin, right->pin, left->pin_cnt * sizeof(*left->pin)) == 0);
}

static bool
is_same_remote(const struct vly_config_remote *left, const struct vly_config_remote *right)
{
	return left->address_cnt == right->address_cnt && is_same_text(left->key, right->key) &&
	       is_same_profile(left->profile, right->profile) &&
	       memcmp(&left->from, &right->from, sizeof(left->from)) == 0 &&
	       (left->address_cnt == 0 || memcmp(left->address, right->address,
						 left->address_cnt * sizeof(*left->address)) == 0);
}

bool
vly_secondary_same_primaries(const struct vly_config_feed *left,
			     const struct vly_config_feed *right)
{
	if (left->primary_cnt != right->primary_cnt)
		return false;
	for (unsigned i = 0; i < left->primary_cnt; i++)
		if (strcmp(left->primaries[i], right->primaries[i]) != 0)
			return false;
	return true;
}

/* Whether the key that the query is signed with is in force, with the same secret. */
static bool
has_key(const struct vly_secondary_job *job)
{
	const struct vly_secondaries_settings *settings = &job->secondaries->settings;
	const struct vly_tsig_key *ours = &job->tsig.key;

	if (!job->has_tsig)
		return true;
	const struct vly_tsig_key *key =
		settings->find_key(settings->find_key_arg, ours->name, ours->name_len);
	return key && key->algorithm == ours->algorithm && key->secret_len == ours->secret_len &&
	       memcmp(key->secret, ours->secret, ours->secret_len) == 0;
}

bool
vly_secondary_job_fits(const struct vly_secondary_job *job, const struct vly_config_feed *feed)
{
	const struct vly_config_feed *before = job->zone->feed;

	if (!vly_secondary_same_primaries(before, feed))
		return false;
	for (unsigned i = 0; i < feed->primary_cnt; i++)
		if (!is_same_remote(before->primary[i], feed->primary[i]))
			return false;
	return has_key(job);
}
