/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "defence_change.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "config/cookie_secrets.h"

/* What is on disk follows what is in force. Returns 0, or -1 with change->reason when there must be
 * no change then. */
static int
keep(struct vly_defence_change *change, const struct vly_defence_sources *sources)
{
	if (change->kind == VLY_DEFENCE_ROLL)
		return vly_cookie_secrets_write(
			&sources->secrets,
			vly_defence_store_secrets_path(&change->store, sources->config),
			change->reason, sizeof(change->reason));
	if (change->is_new)
		vly_defence_store_save(&change->store, sources->state);
	return 0;
}

/* Returns 0, or -1 with change->reason. */
static int
renew_secrets(struct vly_defence_change *change)
{
	struct vly_cookie_secrets *secrets = &change->next.secrets;

	if (change->kind != VLY_DEFENCE_CONFIGURE && change->kind != VLY_DEFENCE_ROLL)
		return 0;
	if (vly_defence_store_read_secrets(&change->store, change->next.config, secrets,
					   change->reason, sizeof(change->reason)) < 0)
		return -1;
	if (change->kind == VLY_DEFENCE_CONFIGURE)
		return 0;
	return vly_cookie_secrets_roll(secrets, change->has_fresh ? change->fresh : NULL,
				       change->reason, sizeof(change->reason));
}

void
vly_defence_change_make(void *arg)
{
	struct vly_defence_change *change = arg;

	if (renew_secrets(change) < 0)
		return;
	int fd = vly_defence_block_make(&change->next, change->generation, change->reason,
					sizeof(change->reason));
	if (fd >= 0 && keep(change, &change->next) < 0)
		close(fd);
	else
		change->fd = fd;
}

void
vly_defence_change_restore(void *arg)
{
	struct vly_defence_change *change = arg;

	if (keep(change, &change->before) < 0)
		vly_log_error("the previous cookie secrets could not be restored: %s",
			      change->reason);
	change->fd = vly_defence_block_make(&change->before, change->generation, change->reason,
					    sizeof(change->reason));
	if (change->fd < 0)
		vly_log_error("%s", change->reason);
}

void
vly_defence_change_reread(void *arg)
{
	struct vly_defence_change *change = arg;

	if (vly_defence_store_retry(&change->store, &change->reread, change->reason,
				    sizeof(change->reason)) < 0)
		change->reread = NULL;
}

void
vly_defence_change_free(struct vly_defence_change *change)
{
	if (change->config)
		vly_config_defence_free(change->config);
	vly_defence_state_free(change->next_state);
	vly_defence_state_free(change->reread);
	if (change->fd >= 0)
		close(change->fd);
	explicit_bzero(change, sizeof(*change)); /* it has secrets */
	free(change);
}
