/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "thread.h"

#include <pthread.h>
#include <signal.h>

#include "position.h"

int
vly_thread_start(uv_thread_t *thread, const char *name, uv_thread_cb run, void *argument)
{
	sigset_t masked, before;

	/* a thread inherits the mask of its creator */
	sigfillset(&masked);
	sigdelset(&masked, VLY_POSITION_SIGNAL);
	pthread_sigmask(SIG_SETMASK, &masked, &before);
	int error = uv_thread_create(thread, run, argument);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error == 0)
		pthread_setname_np(*thread, name);
	return error;
}
