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
push_flag(struct arg_list *list, const char *flag, const char *value)
{
	if (!value)
		return;
	push(list, flag);
	push(list, value);
}

char **
vly_config_args(const struct vly_config *config, const char *program, char *const *extra,
		unsigned extra_cnt)
{
	const struct vly_config_dataplane *dataplane = config->dataplane;
	const struct {
		const char *flag;
		const char *value;
	} flags[] = {
		{"--cpus", dataplane->cpus},
		{"--socket", dataplane->socket},
		{"--socket-user", dataplane->socket_user},
		{"--xdp-program", dataplane->xdp_program},
		{"--idle", dataplane->idle},
		{"--memory", dataplane->memory},
		{"--huge-pages", dataplane->huge_pages},
		{"--udp-payload-max", dataplane->udp_payload_max},
		{"--nsid", dataplane->nsid},
		{"--id-server", dataplane->id_server},
		{"--version-server", dataplane->version_server},
		{"--rrset-order", dataplane->rrset_order},
		{"--stream-threads", dataplane->stream_threads},
		{"--stream-connections", dataplane->stream_connections},
		{"--stream-client", dataplane->stream_client},
		{"--stream-idle", dataplane->stream_idle},
		{"--stream-read", dataplane->stream_read},
		{"--stream-write", dataplane->stream_write},
		{"--stream-memory", dataplane->stream_memory},
		{"--watchdog-ms", dataplane->watchdog_ms},
		{"--state-dir", config->control->state_dir},
		{"--log-level", dataplane->log_level},
	};
	unsigned flag_cnt = sizeof(flags) / sizeof(flags[0]);
	struct arg_list list = {
		.room = 1 + 2 * (dataplane->port_cnt + dataplane->listen_cnt + flag_cnt) +
			extra_cnt,
	};

	list.arg = calloc(list.room + 1, sizeof(*list.arg));
	if (!list.arg)
		return NULL;
	push(&list, program);
	for (unsigned i = 0; i < dataplane->port_cnt; i++)
		push_flag(&list, "--port", dataplane->ports[i]);
	for (unsigned i = 0; i < dataplane->listen_cnt; i++)
		push_flag(&list, "--listen", dataplane->listen[i]);
	for (unsigned i = 0; i < flag_cnt; i++)
		push_flag(&list, flags[i].flag, flags[i].value);
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
