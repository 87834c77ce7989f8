/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The feeds of zones: taken from the file, inherited from templates, freed. */
#include <stdlib.h>
#include <string.h>

#include "config_parts.h"

/* Whether the feed says anything. */
static bool
has_words(const struct vly_config_feed *feed)
{
	const char *const text[] = {
#define X(id, key) feed->id,
		VLY_CONFIG_FEED_TEXTS(X)
#undef X
	};
	unsigned cnt = feed->transfer_to_cnt + feed->catalog_template_cnt;

#define X(id, list_cnt, key) cnt += feed->list_cnt;
	VLY_CONFIG_FEED_LISTS(X)
#undef X
	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		cnt += text[i] != NULL;
	return cnt > 0;
}

int
vly_config_take_entries(struct vly_config *config)
{
	struct vly_config_entry *entries = config->entries;

	config->zones = calloc(config->entry_cnt + 1, sizeof(*config->zones));
	if (!config->zones)
		return -1;
	for (; config->zone_cnt < config->entry_cnt; config->zone_cnt++) {
		struct vly_config_entry *entry = &entries[config->zone_cnt];
		struct vly_config_template *own = NULL;
		if (has_words(&entry->feed)) {
			own = calloc(1, sizeof(*own));
			if (!own)
				return -1;
			own->feed = entry->feed;
		}
		config->zones[config->zone_cnt] = entry->zone;
		config->zones[config->zone_cnt].own = own;
		*entry = (struct vly_config_entry){0};
	}
	free(entries);
	config->entries = NULL;
	config->entry_cnt = 0;
	return 0;
}

static char **
copy_texts(char *const *from, unsigned cnt)
{
	char **copy = calloc(cnt + 1, sizeof(*copy));

	for (unsigned i = 0; copy && i < cnt; i++)
		copy[i] = strdup(from[i]);
	return copy;
}

/* A copy that lacks something is no harm: the caller gives up, and what is there is freed. */
static bool
are_texts(char *const *copy, unsigned cnt)
{
	for (unsigned i = 0; copy && i < cnt; i++)
		if (!copy[i])
			return false;
	return copy != NULL;
}

/* Returns whether there was memory. */
static bool
inherit_texts(char ***to, unsigned *to_cnt, char *const *from, unsigned cnt)
{
	if (*to_cnt > 0 || cnt == 0)
		return true;
	*to = copy_texts(from, cnt);
	*to_cnt = *to ? cnt : 0;
	return are_texts(*to, cnt);
}

static bool
inherit_text(char **to, const char *from)
{
	if (!*to && from)
		*to = strdup(from);
	return *to || !from;
}

static bool
inherit_acls(struct vly_config_feed *feed, const struct vly_config_feed *from)
{
	bool done = true;

	if (feed->transfer_to_cnt > 0 || from->transfer_to_cnt == 0)
		return true;
	feed->transfer_to = calloc(from->transfer_to_cnt, sizeof(*feed->transfer_to));
	if (!feed->transfer_to)
		return false;
	feed->transfer_to_cnt = from->transfer_to_cnt;
	for (unsigned i = 0; i < from->transfer_to_cnt; i++) {
		const struct vly_config_acl *acl = &from->transfer_to[i];
		struct vly_config_acl *copy = &feed->transfer_to[i];
		done &= inherit_text(&copy->key, acl->key) && inherit_text(&copy->tls, acl->tls) &&
			inherit_texts(&copy->from, &copy->from_cnt, acl->from, acl->from_cnt) &&
			inherit_texts(&copy->certificate_pins, &copy->certificate_pin_cnt,
				      acl->certificate_pins, acl->certificate_pin_cnt);
	}
	return done;
}

static bool
inherit_catalog_templates(struct vly_config_feed *feed, const struct vly_config_feed *from)
{
	unsigned cnt = from->catalog_template_cnt;
	bool done = true;

	if (feed->catalog_template_cnt > 0 || cnt == 0)
		return true;
	feed->catalog_templates = calloc(cnt, sizeof(*feed->catalog_templates));
	if (!feed->catalog_templates)
		return false;
	feed->catalog_template_cnt = cnt;
	for (unsigned i = 0; i < cnt; i++)
		done &= inherit_text(&feed->catalog_templates[i].group,
				     from->catalog_templates[i].group) &&
			inherit_text(&feed->catalog_templates[i].template,
				     from->catalog_templates[i].template);
	return done;
}

int
vly_config_feed_inherit(struct vly_config_feed *feed, const struct vly_config_feed *from)
{
	bool done = inherit_acls(feed, from) && inherit_catalog_templates(feed, from);

#define X(id, key) done = done && inherit_text(&feed->id, from->id);
	VLY_CONFIG_FEED_TEXTS(X)
#undef X
#define X(id, cnt, key) done = done && inherit_texts(&feed->id, &feed->cnt, from->id, from->cnt);
	VLY_CONFIG_FEED_LISTS(X)
#undef X
	return done ? 0 : -1;
}

void
vly_config_feed_forget(struct vly_config_feed *feed)
{
	for (unsigned i = 0; i < feed->transfer_to_cnt; i++) {
		vly_prefix_list_free(&feed->transfer_to[i].source);
		free(feed->transfer_to[i].pin);
		feed->transfer_to[i].pin = NULL;
	}
	vly_prefix_list_free(&feed->notify_source);
	free(feed->primary);
	free(feed->target);
	feed->primary = NULL;
	feed->target = NULL;
	feed->target_cnt = 0;
}

void
vly_config_feeds_free(struct vly_config *config)
{
	for (unsigned i = 0; i < config->tls_cnt; i++)
		free(config->tls[i].pin);
	for (unsigned i = 0; i < config->remote_cnt; i++)
		free(config->remotes[i].address);
	for (unsigned i = 0; i < config->template_cnt; i++)
		vly_config_feed_forget(&config->templates[i].feed);
	for (unsigned i = 0; i < config->zone_cnt; i++) {
		struct vly_config_template *own = config->zones[i].own;
		if (!own)
			continue;
		vly_config_feed_forget(&own->feed);
		cyaml_free(&vly_cyaml_settings, &vly_config_template_schema, own, 0);
		config->zones[i].own = NULL;
	}
}

const struct vly_config_template *
vly_config_template_find(const struct vly_config *config, const char *name)
{
	for (unsigned i = 0; i < config->template_cnt; i++)
		if (strcmp(config->templates[i].name, name) == 0)
			return &config->templates[i];
	return NULL;
}

bool
vly_config_is_secondary(const struct vly_config_zone *zone)
{
	return zone->feed && zone->feed->primary_cnt > 0;
}
