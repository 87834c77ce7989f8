/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <semaphore.h>

#include <criterion/criterion.h>

#include "base/side_work.h"

struct task {
	struct vly_side_work side;
	sem_t go_on;
	uv_thread_t loop_thread;
	bool in_other_thread;
	unsigned done_cnt;
	unsigned closed_cnt;
	uv_timer_t timer;
	unsigned tick_cnt;
};

static void
wait_for_word(void *arg)
{
	struct task *task = arg;
	uv_thread_t self = uv_thread_self();

	task->in_other_thread = !uv_thread_equal(&self, &task->loop_thread);
	sem_wait(&task->go_on);
}

static void
count_done(void *arg)
{
	struct task *task = arg;

	task->done_cnt++;
}

static void
count_closed(void *arg)
{
	struct task *task = arg;

	task->closed_cnt++;
}

static void
begin(struct task *task, uv_loop_t *loop)
{
	*task = (struct task){.loop_thread = uv_thread_self()};
	cr_assert_eq(uv_loop_init(loop), 0);
	cr_assert_eq(sem_init(&task->go_on, 0, 0), 0);
	cr_assert_eq(vly_side_work_init(&task->side, loop), 0);
}

static void
end(struct task *task, uv_loop_t *loop)
{
	uv_run(loop, UV_RUN_DEFAULT);
	cr_expect_eq(task->closed_cnt, 1);
	cr_expect_eq(uv_loop_close(loop), 0);
	sem_destroy(&task->go_on);
}

/* The work hangs, as on a disk that does not answer; only the loop's tick lets it go on. */
static void
tick(uv_timer_t *timer)
{
	struct task *task = timer->data;

	cr_expect(vly_side_work_is_running(&task->side));
	if (++task->tick_cnt < 10)
		return;
	sem_post(&task->go_on);
	uv_close((uv_handle_t *)timer, NULL);
}

Test(side_work, loop_goes_on)
{
	struct task task;
	uv_loop_t loop;

	begin(&task, &loop);
	uv_timer_init(&loop, &task.timer);
	task.timer.data = &task;
	uv_timer_start(&task.timer, tick, 0, 1);
	vly_side_work_run(&task.side, wait_for_word, count_done, &task);
	while (task.done_cnt == 0)
		uv_run(&loop, UV_RUN_ONCE);
	cr_expect(task.in_other_thread);
	cr_expect_eq(task.tick_cnt, 10);
	cr_expect_not(vly_side_work_is_running(&task.side));
	vly_side_work_close(&task.side, count_closed, &task);
	end(&task, &loop);
	cr_expect_eq(task.done_cnt, 1);
}

Test(side_work, runs_again)
{
	struct task task;
	uv_loop_t loop;

	begin(&task, &loop);
	for (unsigned i = 1; i <= 100; i++) {
		vly_side_work_run(&task.side, wait_for_word, count_done, &task);
		sem_post(&task.go_on);
		while (task.done_cnt < i)
			uv_run(&loop, UV_RUN_ONCE);
	}
	vly_side_work_close(&task.side, count_closed, &task);
	end(&task, &loop);
}

Test(side_work, closes_when_the_work_has_ended)
{
	struct task task;
	uv_loop_t loop;

	begin(&task, &loop);
	vly_side_work_run(&task.side, wait_for_word, count_done, &task);
	vly_side_work_close(&task.side, count_closed, &task);
	uv_run(&loop, UV_RUN_NOWAIT);
	cr_expect_eq(task.closed_cnt, 0);
	sem_post(&task.go_on);
	end(&task, &loop);
	cr_expect_eq(task.done_cnt, 0);
}
