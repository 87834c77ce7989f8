/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish_block.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"

static void
report(struct vly_publish_block *block, enum vly_publish_outcome outcome)
{
	void (*done)(void *, enum vly_publish_outcome, const char *) = block->done;

	block->done = NULL;
	if (done)
		done(block->arg, outcome, block->error);
}

void
vly_publish_block_init(struct vly_publish_block *block, const char *what)
{
	*block = (struct vly_publish_block){.what = what};
}

void
vly_publish_block_set(struct vly_publish_block *block, const int *fd, unsigned fd_cnt,
		      void (*done)(void *arg, enum vly_publish_outcome outcome, const char *text),
		      void *arg)
{
	vly_publish_block_clear(block);
	block->is_set = true;
	block->due = true;
	block->asked = false; /* the RESULT in flight is for an older block */
	memcpy(block->fd, fd, fd_cnt * sizeof(*fd));
	block->fd_cnt = fd_cnt;
	block->done = done;
	block->arg = arg;
}

void
vly_publish_block_disconnect(struct vly_publish_block *block)
{
	block->asked = false;
	report(block, VLY_PUBLISH_ABSENT);
}

void
vly_publish_block_connect(struct vly_publish_block *block)
{
	block->due = block->is_set;
}

bool
vly_publish_block_is_due(const struct vly_publish_block *block)
{
	return block->due;
}

bool
vly_publish_block_is_settled(const struct vly_publish_block *block)
{
	return block->is_set && !block->due && !block->asked && block->error[0] == '\0';
}

void
vly_publish_block_send(struct vly_publish_block *block)
{
	block->due = false;
	block->asked = true;
}

void
vly_publish_block_result(struct vly_publish_block *block, const struct vly_publish_result *result)
{
	bool good = result->code == VLY_PUBLISH_OK;

	if (!block->asked)
		return;
	block->asked = false;
	block->error[0] = '\0';
	if (!good) {
		snprintf(block->error, sizeof(block->error), "the dataplane refused %s: %s",
			 block->what, result->text);
		vly_log_error("%s; the previous one stays in force", block->error);
	}
	report(block, good ? VLY_PUBLISH_DONE : VLY_PUBLISH_DENIED);
}

void
vly_publish_block_clear(struct vly_publish_block *block)
{
	for (unsigned i = 0; block->is_set && i < block->fd_cnt; i++)
		close(block->fd[i]);
	block->is_set = false;
	block->done = NULL;
}
