/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The meaning of what one zone or one template says about transfers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_parts.h"

/* A zone whose SOA says less is asked every two seconds. RFC 1035 sets no bounds; a day and 28 days keep a
 * zone with absurd values from being served for years after its primary has gone. */
#define REFRESH_MIN_DEFAULT "2s"
#define REFRESH_MAX_DEFAULT "1d"
#define RETRY_MIN_DEFAULT   "2s"
#define RETRY_MAX_DEFAULT   "1d"
#define EXPIRE_MIN_DEFAULT  "2s"
#define EXPIRE_MAX_DEFAULT  "28d"
#define TIME_MAX_S          (UINT64_C(10) * 365 * 86400)

struct feed_reading {
	struct vly_config_feed *feed;
	const char *path;
	const struct vly_config_refs *refs;
	struct vly_config_findings *findings;
};

/* Reports `text` about the node `key` of the feed. */
__attribute__((format(printf, 3, 4))) static void
find(const struct feed_reading *reading, const char *key, const char *format, ...)
{
	char path[VLY_CONFIG_PATH_BYTES];
	char text[400];
	va_list args;

	snprintf(path, sizeof(path), "%.200s.%.200s", reading->path, key);
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	vly_config_find(reading->findings, path, 0, "%s", text);
}

static const char *
entry_path(char path[100], const char *key, unsigned idx)
{
	snprintf(path, 100, "%.60s[%u]", key, idx);
	return path;
}

static void
read_time(const struct feed_reading *reading, const char *key, const char *text, const char *preset,
	  uint32_t *seconds)
{
	uint64_t number = 0;

	if (!vly_config_number_read(text ? text : preset, vly_config_time_units, 1, TIME_MAX_S,
				    &number))
		find(reading, key, "must be a time of at most ten years, such as 90s, 12h or 30d");
	*seconds = (uint32_t)number;
}

static void
read_times(const struct feed_reading *reading)
{
	const struct vly_config_feed *feed = reading->feed;
	struct vly_config_times *times = &reading->feed->times;

	read_time(reading, "refresh-min", feed->refresh_min, REFRESH_MIN_DEFAULT,
		  &times->refresh_min_s);
	read_time(reading, "refresh-max", feed->refresh_max, REFRESH_MAX_DEFAULT,
		  &times->refresh_max_s);
	read_time(reading, "retry-min", feed->retry_min, RETRY_MIN_DEFAULT, &times->retry_min_s);
	read_time(reading, "retry-max", feed->retry_max, RETRY_MAX_DEFAULT, &times->retry_max_s);
	read_time(reading, "expire-min", feed->expire_min, EXPIRE_MIN_DEFAULT,
		  &times->expire_min_s);
	read_time(reading, "expire-max", feed->expire_max, EXPIRE_MAX_DEFAULT,
		  &times->expire_max_s);
}

/* Returns the place of the word in the list, or 0 with a finding; no word is the first one. */
static unsigned
read_word(const struct feed_reading *reading, const char *key, const char *text,
	  const char *const *words, const char *must)
{
	for (unsigned i = 0; text && words[i]; i++)
		if (strcmp(text, words[i]) == 0)
			return i;
	if (text)
		find(reading, key, "%s", must);
	return 0;
}

static void
read_words(const struct feed_reading *reading)
{
	static const char *const switches[] = {"false", "true", NULL};
	static const char *const bogus[] = {
		[VLY_BOGUS_REFUSE] = "refuse", [VLY_BOGUS_WARN] = "warn", NULL};
	static const char *const holds[] = {"", "review", NULL};
	static const char *const roles[] = {[VLY_CATALOG_NONE] = "",
					    [VLY_CATALOG_CONSUMER] = "consumer",
					    [VLY_CATALOG_PRODUCER] = "producer",
					    NULL};
	struct vly_config_feed *feed = reading->feed;

	feed->pins_primary = read_word(reading, "pin-primary", feed->pin_primary, switches,
				       "must be true or false") != 0;
	feed->bogus =
		read_word(reading, "on-bogus", feed->on_bogus, bogus, "must be refuse or warn");
	feed->is_reviewed = read_word(reading, "hold", feed->hold, holds, "must be review") != 0;
	if (feed->review_command && feed->review_command[0] != '/')
		find(reading, "review-command", "must be the path of a program, from / on");
	feed->role =
		read_word(reading, "catalog", feed->catalog, roles, "must be consumer or producer");
}

/* Returns the remote of entry `idx`, or NULL with a finding. */
static const struct vly_config_remote *
find_remote(const struct feed_reading *reading, const char *key, unsigned idx, const char *name)
{
	const struct vly_config_remote *remote =
		vly_config_names_find(&reading->refs->remotes, name);
	char path[100];

	if (!remote)
		find(reading, entry_path(path, key, idx),
		     "%.200s: there is no such remote in remotes", name);
	return remote;
}

static void
read_remotes(const struct feed_reading *reading)
{
	struct vly_config_feed *feed = reading->feed;

	feed->primary = calloc(feed->primary_cnt + 1, sizeof(*feed->primary));
	feed->target = calloc(feed->notify_cnt + 1, sizeof(*feed->target));
	if (!feed->primary || !feed->target) {
		find(reading, "primaries", "out of memory");
		return;
	}
	for (unsigned i = 0; i < feed->primary_cnt; i++)
		feed->primary[i] = find_remote(reading, "primaries", i, feed->primaries[i]);
	feed->target_cnt = 0;
	feed->notifies_ns = false;
	for (unsigned i = 0; i < feed->notify_cnt; i++) {
		if (strcmp(feed->notify[i], "ns") == 0)
			feed->notifies_ns = true;
		else
			feed->target[feed->target_cnt++] =
				find_remote(reading, "notify", i, feed->notify[i]);
	}
}

static void
read_prefixes(const struct feed_reading *reading, const char *key, char *const *text, unsigned cnt,
	      struct vly_prefix_list *list)
{
	for (unsigned i = 0; i < cnt; i++) {
		char reason[VLY_PREFIX_REASON_BYTES];
		struct vly_prefix_rule rule = {0};
		char path[100];
		const char *why = vly_prefix_parse(text[i], &rule, reason);
		if (!why && vly_prefix_list_add(list, &rule) != 0)
			why = "out of memory";
		if (why)
			find(reading, entry_path(path, key, i), "%s", why);
	}
}

static void
read_acl(const struct feed_reading *reading, unsigned idx)
{
	struct vly_config_acl *acl = &reading->feed->transfer_to[idx];
	const char *why = acl->key ? vly_config_settle_name(&acl->key) : NULL;
	char path[VLY_CONFIG_PATH_BYTES];
	char key[100];

	snprintf(path, sizeof(path), "%.200s.transfer-to[%u].certificate-pins", reading->path, idx);
	vly_config_pins_read(acl->certificate_pins, acl->certificate_pin_cnt, &acl->pin, path,
			     reading->findings);
	snprintf(key, sizeof(key), "transfer-to[%u].key", idx);
	if (acl->key && !why && !vly_config_names_find(&reading->refs->keys, acl->key))
		why = "there is no such key in keys";
	if (why)
		find(reading, key, "%.200s: %s", acl->key, why);
	snprintf(key, sizeof(key), "transfer-to[%u].from", idx);
	read_prefixes(reading, key, acl->from, acl->from_cnt, &acl->source);
	snprintf(key, sizeof(key), "transfer-to[%u].tls", idx);
	if (acl->tls && strcmp(acl->tls, "required") != 0)
		find(reading, key, "must be required");
	snprintf(key, sizeof(key), "transfer-to[%u]", idx);
	acl->needs_tls = acl->tls || acl->certificate_pin_cnt > 0;
	if (acl->needs_tls && !reading->refs->transfers->tls)
		find(reading, key,
		     "TLS can't be required: name the profile that we serve with in transfers.tls");
	if (!acl->key && acl->from_cnt == 0 && !acl->needs_tls)
		find(reading, key,
		     "one of key, from, tls and certificate-pins must be given; to let everyone "
		     "transfer the zone, write from: [0.0.0.0/0, \"::/0\"]");
}

static void
read_catalog(const struct feed_reading *reading)
{
	struct vly_config_feed *feed = reading->feed;
	const char *why = feed->catalog_zone ? vly_config_settle_name(&feed->catalog_zone) : NULL;
	bool has_rest = false;
	char path[100];

	if (why)
		find(reading, "catalog-zone", "%.200s: %s", feed->catalog_zone, why);
	for (unsigned i = 0; i < feed->catalog_template_cnt; i++) {
		const struct vly_config_catalog_template *entry = &feed->catalog_templates[i];
		const struct vly_config_template *template =
			vly_config_names_find(&reading->refs->templates, entry->template);
		entry_path(path, "catalog-templates", i);
		if (!template)
			find(reading, path, "%.200s: there is no such template in templates",
			     entry->template);
		else if (template->feed.primary_cnt == 0 && !template->file)
			find(reading, path,
			     "%.200s: the template has neither primaries nor a file, from which "
			     "the members come",
			     entry->template);
		if (!entry->group && has_rest)
			find(reading, path, "must have a group: only one entry may have none");
		has_rest |= !entry->group;
		for (unsigned j = 0; entry->group && j < i; j++)
			if (feed->catalog_templates[j].group &&
			    strcmp(feed->catalog_templates[j].group, entry->group) == 0)
				find(reading, path, "duplicate group: %.200s", entry->group);
	}
}

void
vly_config_feed_read(struct vly_config_feed *feed, const char *path,
		     const struct vly_config_refs *refs, struct vly_config_findings *findings)
{
	const struct feed_reading reading = {feed, path, refs, findings};

	read_times(&reading);
	read_words(&reading);
	read_remotes(&reading);
	read_prefixes(&reading, "notify-from", feed->notify_from, feed->notify_from_cnt,
		      &feed->notify_source);
	for (unsigned i = 0; i < feed->transfer_to_cnt; i++)
		read_acl(&reading, i);
	read_catalog(&reading);
}
