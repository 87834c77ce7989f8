/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "defence_state.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct vly_defence_state *
vly_defence_state_new(void)
{
	return calloc(1, sizeof(struct vly_defence_state));
}

struct vly_defence_state *
vly_defence_state_copy(const struct vly_defence_state *from)
{
	struct vly_defence_state *state = vly_defence_state_new();

	if (!state)
		return NULL;
	state->entry = malloc((from->entry_cnt + 1) * sizeof(*state->entry));
	bool good = state->entry != NULL;
	for (unsigned i = 0; i < VLY_DEFENCE_SETTING_CNT && good; i++)
		good = vly_defence_state_set(state, i, from->set.text[i], from->set_until_s[i]) ==
		       0;
	if (!good) {
		vly_defence_state_free(state);
		return NULL;
	}
	for (size_t i = 0; i < from->entry_cnt; i++)
		state->entry[i] = from->entry[i];
	state->entry_cnt = from->entry_cnt;
	state->foreign = json_incref(from->foreign);
	return state;
}

void
vly_defence_state_free(struct vly_defence_state *state)
{
	if (!state)
		return;
	for (unsigned i = 0; i < VLY_DEFENCE_SETTING_CNT; i++)
		free(state->set.text[i]);
	free(state->entry);
	json_decref(state->foreign);
	free(state);
}

int
vly_defence_state_set(struct vly_defence_state *state, enum vly_defence_setting setting,
		      const char *value, int64_t until_s)
{
	char *copy = value ? strdup(value) : NULL;

	if (value && !copy)
		return -1;
	free(state->set.text[setting]);
	state->set.text[setting] = copy;
	state->set_until_s[setting] = copy ? until_s : 0;
	return 0;
}

int
vly_defence_state_put(struct vly_defence_state *state, struct vly_prefix_list *list,
		      int64_t until_s)
{
	struct vly_defence_entry *merged =
		malloc((state->entry_cnt + list->cnt + 1) * sizeof(*merged));
	size_t old = 0;
	size_t cnt = 0;

	if (!merged || vly_prefix_list_settle(list) < 0) {
		free(merged);
		return -1;
	}
	for (size_t i = 0; i < list->cnt; i++) {
		int order = -1;
		while (old < state->entry_cnt &&
		       (order = vly_prefix_compare(&state->entry[old].rule, &list->rule[i])) < 0)
			merged[cnt++] = state->entry[old++];
		old += old < state->entry_cnt && order == 0;
		merged[cnt++] = (struct vly_defence_entry){list->rule[i], until_s};
	}
	while (old < state->entry_cnt)
		merged[cnt++] = state->entry[old++];
	free(state->entry);
	state->entry = merged;
	state->entry_cnt = cnt;
	return 0;
}

static int
compare_entry(const void *key, const void *member)
{
	const struct vly_defence_entry *entry = member;

	return vly_prefix_compare(key, &entry->rule);
}

const struct vly_defence_entry *
vly_defence_state_find(const struct vly_defence_state *state, const struct vly_prefix_rule *rule)
{
	if (state->entry_cnt == 0)
		return NULL;
	return bsearch(rule, state->entry, state->entry_cnt, sizeof(*state->entry), compare_entry);
}

static int
compare_rules(const void *a, const void *b)
{
	return vly_prefix_compare(a, b);
}

size_t
vly_defence_state_forget(struct vly_defence_state *state, struct vly_prefix_list *list)
{
	size_t kept = 0;

	if (list->cnt == 0)
		return 0;
	qsort(list->rule, list->cnt, sizeof(*list->rule), compare_rules);
	for (size_t i = 0; i < state->entry_cnt; i++)
		if (!bsearch(&state->entry[i].rule, list->rule, list->cnt, sizeof(*list->rule),
			     compare_rules))
			state->entry[kept++] = state->entry[i];
	size_t forgotten = state->entry_cnt - kept;
	state->entry_cnt = kept;
	return forgotten;
}

bool
vly_defence_state_expire(struct vly_defence_state *state, int64_t now_s)
{
	size_t kept = 0;
	bool any = false;

	for (unsigned i = 0; i < VLY_DEFENCE_SETTING_CNT; i++)
		if (state->set_until_s[i] != 0 && state->set_until_s[i] <= now_s) {
			any = true;
			free(state->set.text[i]);
			state->set.text[i] = NULL;
			state->set_until_s[i] = 0;
		}
	for (size_t i = 0; i < state->entry_cnt; i++)
		if (state->entry[i].until_s == 0 || state->entry[i].until_s > now_s)
			state->entry[kept++] = state->entry[i];
	any |= kept < state->entry_cnt;
	state->entry_cnt = kept;
	return any;
}

static int64_t
sooner(int64_t a, int64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

int64_t
vly_defence_state_next(const struct vly_defence_state *state)
{
	int64_t next_s = 0;

	for (unsigned i = 0; i < VLY_DEFENCE_SETTING_CNT; i++)
		next_s = sooner(next_s, state->set_until_s[i]);
	for (size_t i = 0; i < state->entry_cnt; i++)
		next_s = sooner(next_s, state->entry[i].until_s);
	return next_s;
}
