/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "defence_block.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/seal.h"

const char *
vly_defence_value(const struct vly_defence_sources *sources, enum vly_defence_setting setting)
{
	const char *set = sources->state->set.text[setting];

	return set ? set : sources->config->values.text[setting];
}

static int
append(struct vly_prefix_list *list, const struct vly_prefix_list *from)
{
	for (size_t i = 0; i < from->cnt; i++)
		if (vly_prefix_list_add(list, &from->rule[i]) < 0)
			return -1;
	return 0;
}

int
vly_defence_prefixes(const struct vly_defence_sources *sources, struct vly_prefix_list *list)
{
	const struct vly_defence_state *state = sources->state;

	if (append(list, &sources->config->in_file) < 0 ||
	    append(list, &sources->config->listed) < 0)
		return -1;
	for (size_t i = 0; i < state->entry_cnt; i++)
		if (vly_prefix_list_add(list, &state->entry[i].rule) < 0)
			return -1;
	return vly_prefix_list_settle(list);
}

static int
write_prefixes(const struct vly_defence_sources *sources, struct vly_prefix_table *table,
	       char *reason, size_t reason_bytes)
{
	struct vly_prefix_list list = {0};
	int error = -ENOMEM;

	if (vly_defence_prefixes(sources, &list) == 0)
		error = vly_prefix_table_build(table, list.rule, list.cnt);
	if (error == -E2BIG)
		snprintf(reason, reason_bytes,
			 "%zu prefixes need more address ranges than the %u that there is room for",
			 list.cnt, VLY_PREFIX_RANGES_MAX);
	else if (error)
		snprintf(reason, reason_bytes, "the prefix table could not be built: %s",
			 strerror(-error));
	vly_prefix_list_free(&list);
	return error;
}

static int
write_block(const struct vly_defence_sources *sources, uint64_t generation,
	    struct vly_defence *block, char *reason, size_t reason_bytes)
{
	const char *value[VLY_DEFENCE_SETTING_CNT];

	for (unsigned i = 0; i < VLY_DEFENCE_SETTING_CNT; i++)
		value[i] = vly_defence_value(sources, i);
	block->magic = VLY_DEFENCE_MAGIC;
	block->version = VLY_DEFENCE_VERSION;
	block->total_bytes = sizeof(*block);
	block->generation = generation;
	block->cookies = sources->secrets;
	vly_defence_settings_write(value, block);
	if (!(block->cookies.secret_mask & 1 << VLY_COOKIE_CURRENT))
		block->cookies.enabled = 0;
	block->rules.source_key = sources->source_key;
	block->connections = sources->config->connections;
	block->rules.request_opcodes = sources->config->request_opcodes;
	return write_prefixes(sources, &block->rules.prefixes, reason, reason_bytes);
}

static int
fill_memfd(int fd, const struct vly_defence_sources *sources, uint64_t generation, char *reason,
	   size_t reason_bytes)
{
	if (ftruncate(fd, sizeof(struct vly_defence)) < 0)
		return -1;
	void *block =
		mmap(NULL, sizeof(struct vly_defence), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (block == MAP_FAILED)
		return -1;
	int error = write_block(sources, generation, block, reason, reason_bytes);
	/* a sealed memfd may have no writable mapping */
	munmap(block, sizeof(struct vly_defence));
	if (error)
		return -1;
	return vly_seal(fd);
}

int
vly_defence_block_make(const struct vly_defence_sources *sources, uint64_t generation, char *reason,
		       size_t reason_bytes)
{
	int fd = memfd_create("volley-defence", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	reason[0] = '\0';
	if (fd >= 0 && fill_memfd(fd, sources, generation, reason, reason_bytes) == 0)
		return fd;
	if (reason[0] == '\0')
		snprintf(reason, reason_bytes, "the defence block could not be created: %s",
			 strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}
