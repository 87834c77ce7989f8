/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What status and zones show of catalogs and their members. */
#include "command_parts.h"

/* Members with problems that a status lists. */
#define PROBLEMS_MAX 100

static void
add_broken(void *arg, const char *catalog, const char *problem)
{
	json_array_append_new(arg, json_sprintf("catalog %.300s is broken: %.500s; its members "
						"stay as they are",
						catalog, problem));
}

static void
add_problem(void *arg, const char *zone, const char *catalog, const char *problem)
{
	json_array_append_new(
		arg, json_sprintf("zone %.300s of catalog %.300s is not served as its member: %s",
				  zone, catalog, problem));
}

static void
add_producer(void *arg, const char *catalog, const char *problem)
{
	json_array_append_new(arg, json_sprintf("catalog %.300s does not list the zones of the "
						"configuration: %.500s",
						catalog, problem));
}

void
vly_command_catalog_trouble(const struct vly_commands *commands, json_t *array)
{
	if (!commands->catalogs || !commands->producers)
		return;
	vly_producers_problems(commands->producers, add_producer, array);
	vly_catalogs_broken(commands->catalogs, add_broken, array);
	uint32_t cnt = vly_catalogs_problems(commands->catalogs, PROBLEMS_MAX, add_problem, array);
	if (cnt > PROBLEMS_MAX)
		json_array_append_new(array, json_sprintf("%u more zones of catalogs are not "
							  "served as members",
							  cnt - PROBLEMS_MAX));
}

static json_t *
member_json(const struct vly_catalogs_member *member)
{
	char label[VLY_CATALOG_LABEL_BYTES];
	json_t *groups = json_array();

	for (unsigned i = 0; i < member->entry->group_cnt; i++)
		json_array_append_new(groups, vly_command_text(member->entry->group[i]));
	return json_pack("{s:o,s:o,s:o,s:o,s:s}", "catalog", vly_command_text(member->catalog),
			 "label", vly_command_text(vly_catalog_label_text(member->entry, label)),
			 "groups", groups, "template",
			 vly_command_text(member->template ? member->template : ""), "problem",
			 member->problem);
}

void
vly_command_add_catalog(const struct vly_commands *commands, json_t *json, const char *zone)
{
	struct vly_catalogs_member member;
	struct vly_catalogs_state state;

	if (!commands->catalogs)
		return;
	if (vly_catalogs_state(commands->catalogs, zone, &state))
		json_object_set_new(json, "catalog",
				    json_pack("{s:b,s:I,s:I,s:o}", "read", state.is_read, "members",
					      (json_int_t)state.member_cnt, "contested",
					      (json_int_t)state.contested_cnt, "problem",
					      vly_command_text(state.problem)));
	if (vly_catalogs_member(commands->catalogs, zone, &member) && member.entry)
		json_object_set_new(json, "member", member_json(&member));
}
