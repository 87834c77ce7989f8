/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "config.h"

struct arg_list {
	char **arg;
	unsigned cnt;
	unsigned room; /* the NULL at the end not counted */
	int failed;
};

static void
push(struct arg_list *list, const char *text)
{
	if (list->cnt < list->room)
		list->arg[list->cnt] = strdup(text);
	if (list->cnt == list->room || !list->arg[list->cnt++])
		list->failed = 1;
}

static void
push_option(struct arg_list *list, const char *option, const char *value)
{
	if (!value)
		return;
	push(list, option);
	push(list, value);
}

char **
vly_config_args(const struct vly_config *config, const char *program, char *const *extra,
		unsigned extra_cnt)
{
	const struct vly_config_dataplane *dataplane = config->dataplane;
	struct arg_list list = {
		.room = 1 + 2 * (dataplane->port_cnt + dataplane->listen_cnt + VLY_DP_OPTION_CNT) +
			extra_cnt,
	};

	list.arg = calloc(list.room + 1, sizeof(*list.arg));
	if (!list.arg)
		return NULL;
	push(&list, program);
#define X(id, name, ...)                                                                           \
	for (unsigned i = 0; i < dataplane->id##_cnt; i++)                                         \
		push_option(&list, "--" name, dataplane->id[i]);
	VLY_DATAPLANE_LISTS(X)
#undef X
#define X(id, name, ...) push_option(&list, "--" name, dataplane->id);
	VLY_DATAPLANE_SETTINGS(X)
#undef X
	push_option(&list, "--state-dir", config->control->state_dir);
	for (unsigned i = 0; i < extra_cnt; i++)
		push(&list, extra[i]);
	if (!list.failed)
		return list.arg;
	vly_config_args_free(list.arg);
	return NULL;
}

void
vly_config_args_free(char **args)
{
	for (char **arg = args; arg && *arg; arg++)
		free(*arg);
	free(args);
}
