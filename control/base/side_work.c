/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "side_work.h"

static void
on_closed(uv_handle_t *handle)
{
	struct vly_side_work *side = handle->data;

	side->closed(side->closed_arg);
}

static void
on_end(uv_async_t *end)
{
	struct vly_side_work *side = end->data;

	if (side->has_thread)
		uv_thread_join(&side->thread);
	side->has_thread = false;
	side->running = false;
	if (side->closed)
		uv_close((uv_handle_t *)&side->end, on_closed);
	else
		side->done(side->arg);
}

static void
run(void *arg)
{
	struct vly_side_work *side = arg;

	side->work(side->arg);
	uv_async_send(&side->end);
}

int
vly_side_work_init(struct vly_side_work *side, uv_loop_t *loop)
{
	*side = (struct vly_side_work){0};
	side->end.data = side;
	return uv_async_init(loop, &side->end, on_end);
}

void
vly_side_work_run(struct vly_side_work *side, void (*work)(void *arg), void (*done)(void *arg),
		  void *arg)
{
	side->work = work;
	side->done = done;
	side->arg = arg;
	side->running = true;
	side->has_thread = true; /* before the thread could end */
	if (uv_thread_create(&side->thread, run, side) == 0)
		return;
	side->has_thread = false;
	run(side);
}

bool
vly_side_work_is_running(const struct vly_side_work *side)
{
	return side->running;
}

void
vly_side_work_close(struct vly_side_work *side, void (*closed)(void *arg), void *arg)
{
	side->closed = closed;
	side->closed_arg = arg;
	if (!side->running)
		uv_close((uv_handle_t *)&side->end, on_closed);
}
