/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "member_template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
vly_member_templates_make(struct vly_member_templates *templates, const struct vly_config *config,
			  const char *name)
{
	*templates = (struct vly_member_templates){0};
	for (unsigned i = 0; i < config->zone_cnt && !templates->feed; i++) {
		const struct vly_config_zone *zone = &config->zones[i];
		if (zone->feed && zone->feed->role == VLY_CATALOG_CONSUMER &&
		    strcmp(zone->name, name) == 0)
			templates->feed = zone->feed;
	}
	if (!templates->feed)
		return 0;
	const struct vly_config_feed *feed = templates->feed;
	templates->by_group =
		calloc(feed->catalog_template_cnt + 1, sizeof(struct vly_config_template *));
	for (unsigned i = 0; templates->by_group && i < feed->catalog_template_cnt; i++)
		templates->by_group[i] =
			vly_config_template_find(config, feed->catalog_templates[i].template);
	return templates->by_group ? 0 : -1;
}

static bool
has_group(const struct vly_catalog_member *member, const char *group)
{
	for (unsigned i = 0; i < member->group_cnt; i++)
		if (strcmp(member->group[i], group) == 0)
			return true;
	return false;
}

static const struct vly_config_template *
pick(const struct vly_member_templates *templates, const struct vly_catalog_member *member)
{
	const struct vly_config_template *without = NULL;

	for (unsigned i = 0; i < templates->feed->catalog_template_cnt; i++) {
		const char *group = templates->feed->catalog_templates[i].group;
		if (group && has_group(member, group))
			return templates->by_group[i];
		if (!group && !without)
			without = templates->by_group[i];
	}
	return without;
}

/* The name in place of %s, without its last dot. */
static int
write_file(const char *pattern, const char *name, char file[PATH_MAX])
{
	const char *mark = strstr(pattern, "%s");
	size_t len = strlen(name);

	/* a name may have any octet: one with a slash would lead to another directory */
	if (!mark || strchr(name, '/') || name[0] == '.')
		return -1;
	int written = snprintf(file, PATH_MAX, "%.*s%.*s%s", (int)(mark - pattern), pattern,
			       (int)len - 1, name, mark + 2);
	return written > 0 && written < PATH_MAX ? 0 : -1;
}

enum vly_member_problem
vly_member_zone_make(const struct vly_member_templates *templates,
		     const struct vly_catalog_member *member, struct vly_config_zone *zone,
		     char file[PATH_MAX])
{
	const struct vly_config_template *template =
		templates->feed ? pick(templates, member) : NULL;

	*zone = (struct vly_config_zone){.name = member->zone};
	if (!template)
		return VLY_MEMBER_NO_TEMPLATE;
	if (!template->file && template->feed.primary_cnt == 0)
		return VLY_MEMBER_NO_SOURCE;
	if (template->file && write_file(template->file, member->zone, file) != 0)
		return VLY_MEMBER_BAD_NAME;
	zone->file = template->file ? file : NULL;
	zone->living = template->living;
	zone->template = template->name;
	zone->feed = &template->feed;
	return VLY_MEMBER_NO_PROBLEM;
}

const char *
vly_member_problem_text(enum vly_member_problem problem)
{
	static const char *const text[VLY_MEMBER_PROBLEM_CNT] = {
		[VLY_MEMBER_NO_PROBLEM] = "",
		[VLY_MEMBER_CONFIGURED] = "the configuration has a zone of this name, which is "
					  "served in its place",
		[VLY_MEMBER_NO_TEMPLATE] = "catalog-templates has no template for its groups, and "
					   "none without a group",
		[VLY_MEMBER_BAD_NAME] = "its name can't be part of the name of a file",
		[VLY_MEMBER_NO_SOURCE] = "its template has neither file nor primaries",
		[VLY_MEMBER_NO_ROOM] = "there is no memory for it, or the dataplane refused the "
				       "change: volleyctl reload tries again",
	};

	return text[problem];
}

void
vly_member_templates_free(struct vly_member_templates *templates)
{
	free(templates->by_group);
	*templates = (struct vly_member_templates){0};
}
