/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish_defence.h"

#include <stdio.h>
#include <unistd.h>

#include "common/log.h"

static void
report(struct vly_publish_defence *defence, enum vly_publish_outcome outcome)
{
	void (*done)(void *, enum vly_publish_outcome, const char *) = defence->done;

	defence->done = NULL;
	if (done)
		done(defence->arg, outcome, defence->error);
}

void
vly_publish_defence_set(struct vly_publish_defence *defence, int fd,
			void (*done)(void *arg, enum vly_publish_outcome outcome, const char *text),
			void *arg)
{
	vly_publish_defence_clear(defence);
	defence->is_set = true;
	defence->due = true;
	defence->asked = false; /* what is under way is an older one's answer */
	defence->fd = fd;
	defence->done = done;
	defence->arg = arg;
}

void
vly_publish_defence_disconnect(struct vly_publish_defence *defence)
{
	defence->asked = false;
	report(defence, VLY_PUBLISH_ABSENT);
}

void
vly_publish_defence_connect(struct vly_publish_defence *defence)
{
	defence->due = defence->is_set;
}

bool
vly_publish_defence_is_due(const struct vly_publish_defence *defence)
{
	return defence->due;
}

bool
vly_publish_defence_is_settled(const struct vly_publish_defence *defence)
{
	return defence->is_set && !defence->due && !defence->asked && defence->error[0] == '\0';
}

int
vly_publish_defence_send(struct vly_publish_defence *defence)
{
	defence->due = false;
	defence->asked = true;
	return defence->fd;
}

void
vly_publish_defence_result(struct vly_publish_defence *defence,
			   const struct vly_publish_result *result)
{
	bool good = result->code == VLY_PUBLISH_OK;

	if (!defence->asked)
		return;
	defence->asked = false;
	defence->error[0] = '\0';
	if (!good) {
		snprintf(defence->error, sizeof(defence->error),
			 "the dataplane refused the defence: %s", result->text);
		vly_log_error("%s; the previous defence stays in force", defence->error);
	}
	report(defence, good ? VLY_PUBLISH_DONE : VLY_PUBLISH_DENIED);
}

void
vly_publish_defence_clear(struct vly_publish_defence *defence)
{
	if (defence->is_set)
		close(defence->fd);
	defence->is_set = false;
	defence->done = NULL;
}
