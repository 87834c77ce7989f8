/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "watchdog.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/position.h"
#include "base/thread.h"
#include "base/thread_state.h"
#include "common/log.h"

/* Checks within a time limit: a hang is noticed within eleven tenths of the limit. More checks
 * would only wake up the thread more often. */
#define LOOKS 10

/* The main thread's limit, in time limits: with large images, it verifies and waits for grace
 * periods for seconds. */
#define MAIN_LIMITS 30

/* The time for logging and saving before the end: a disk or a log reader that hangs must not delay
 * it. Log and file are written within a few milliseconds, and a thread's position takes 200 ms at
 * most. */
#define END_MS_MAX 500

/* The octets of each packet, and the packets, that the log shows. */
#define SHOWN_BYTES_MAX 320
#define SHOWN_MAX       4

bool
vly_watch_look(struct vly_watch *watch, uint64_t progress, unsigned quiet_max)
{
	if (progress != watch->progress) {
		watch->progress = progress;
		watch->quiet_cnt = 0;
		watch->told = false;
		return false;
	}
	watch->quiet_cnt++;
	return watch->quiet_cnt >= quiet_max;
}

static void
show_packets(const struct vly_evidence *evidence)
{
	unsigned shown = evidence->cnt < SHOWN_MAX ? evidence->cnt : SHOWN_MAX;

	for (unsigned i = 0; i < shown; i++) {
		const struct vly_evidence_packet *packet = &evidence->packet[i];
		unsigned bytes = packet->bytes < SHOWN_BYTES_MAX ? packet->bytes : SHOWN_BYTES_MAX;
		char hex[2 * SHOWN_BYTES_MAX + 1] = "";
		for (unsigned j = 0; j < bytes; j++)
			snprintf(hex + 2 * j, 3, "%02x", packet->octets[j]);
		vly_log_error("watchdog: packet %u of %u, %u octets: %s%s", i + 1, evidence->cnt,
			      packet->original_bytes, hex,
			      bytes < packet->original_bytes ? "..." : "");
	}
}

static void
keep_packets(const struct vly_watchdog *watchdog, const char *what)
{
	char path[512];

	if (watchdog->evidence.cnt == 0)
		return;
	if (watchdog->state_dir == NULL) {
		vly_log_error(
			"watchdog: the packets are not saved: give a directory with --state-dir");
		return;
	}
	int error = vly_evidence_write(&watchdog->evidence, watchdog->state_dir, what, path,
				       sizeof(path));
	if (error != 0)
		vly_log_error("watchdog: cannot save the packets: %s: %s", path, strerror(-error));
	else
		vly_log_error("watchdog: packets saved in %s", path);
}

static void
end_now(int number)
{
	(void)number;
	_exit(VLY_WATCHDOG_STATUS);
}

/* Ends the process by SIGALRM if a disk or a log reader hangs. By default the signal ends even a
 * process that waits for a disk, but not one with pid 1, the first of a container: that one needs a
 * handler. */
static void
limit_the_end(void)
{
	const struct itimerval timer = {.it_value = {.tv_usec = END_MS_MAX * 1000}};
	sigset_t alarm;

	signal(SIGALRM, getpid() == 1 ? end_now : SIG_DFL);
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

/* Logs the thread's position and packets, which are in the evidence, and ends the process. */
__attribute__((noreturn)) static void
end(const struct vly_watchdog *watchdog, pid_t tid, const char *what)
{
	char position[512];

	vly_position_ask(tid, position, sizeof(position));
	vly_log_error("watchdog: %s is at %s", what, position);
	show_packets(&watchdog->evidence);
	keep_packets(watchdog, what);
	vly_log_error("watchdog: exiting, so that volley-dataplane is restarted");
	_exit(VLY_WATCHDOG_STATUS);
}

/*
 * Whether a thread without progress hangs: it does if it waits for something, or if it has run for
 * half of the time limit. Otherwise other processes use its CPU, which a restart would not change.
 */
static bool
is_stuck(const struct vly_watchdog *watchdog, struct vly_watch *watch, pid_t tid, const char *what)
{
	struct vly_thread_state state;

	if (vly_thread_state_read(tid, &state) != 0 || !state.runnable ||
	    state.cpu_ms - watch->cpu_ms >= watchdog->timeout_ms / 2)
		return true;
	if (!watch->told)
		vly_log_warning("watchdog: %s got only %llu ms of CPU time in %u ms: other "
				"processes use its CPU",
				what, (unsigned long long)(state.cpu_ms - watch->cpu_ms),
				watch->quiet_cnt * watchdog->look_ms);
	watch->told = true;
	return false;
}

/* Returns whether the thread hangs. */
static bool
look(const struct vly_watchdog *watchdog, struct vly_watch *watch, uint64_t progress, pid_t tid,
     const char *what)
{
	struct vly_thread_state state;
	bool quiet = vly_watch_look(watch, progress, watchdog->quiet_max);

	if (watch->quiet_cnt == 1 && vly_thread_state_read(tid, &state) == 0)
		watch->cpu_ms = state.cpu_ms;
	return quiet && is_stuck(watchdog, watch, tid, what);
}

static void
look_at_lcore(struct vly_watchdog *watchdog, unsigned idx)
{
	const struct vly_worker *worker = &watchdog->workers->worker[idx];
	const struct vly_lcore_counters *counters = worker->counters;
	char what[32];

	if (atomic_load_explicit(&worker->state, memory_order_acquire) != VLY_WORKER_RUNNING)
		return;
	snprintf(what, sizeof(what), "lcore-%u", counters->lcore_id);
	if (!look(watchdog, &watchdog->lcore[idx], vly_worker_progress(worker), worker->tid, what))
		return;
	limit_the_end();
	const char *stage = vly_worker_held(worker, &watchdog->evidence);
	vly_log_error(
		"watchdog: lcore %u (port %s, queue %u, CPU %u) has hung for %u ms: it is %s, "
		"with %u packets in hand",
		counters->lcore_id, worker->port_name, worker->queue_idx, counters->cpu,
		watchdog->timeout_ms, stage, watchdog->evidence.cnt);
	end(watchdog, worker->tid, what);
}

static void
look_at_stream(struct vly_watchdog *watchdog, unsigned idx)
{
	const struct vly_stream_thread *thread = &watchdog->streams->thread[idx];
	char what[32];

	if (!atomic_load_explicit(&thread->running, memory_order_acquire))
		return;
	snprintf(what, sizeof(what), "stream-%u", idx);
	if (!look(watchdog, &watchdog->stream[idx], vly_stream_thread_progress(thread), thread->tid,
		  what))
		return;
	limit_the_end();
	vly_stream_thread_held(thread, &watchdog->evidence);
	vly_log_error("watchdog: stream thread %u has hung for %u ms, with %u messages in hand",
		      idx, watchdog->timeout_ms, watchdog->evidence.cnt);
	end(watchdog, thread->tid, what);
}

/* The main thread may wait for an lcore that hangs, or for a disk, so this is only a warning. */
static void
look_at_main(struct vly_watchdog *watchdog)
{
	struct vly_watch *watch = &watchdog->main;
	unsigned beats = atomic_load_explicit(&watchdog->beats, memory_order_relaxed);

	if (!vly_watch_look(watch, beats, watchdog->quiet_max * MAIN_LIMITS) || watch->told)
		return;
	watch->told = true;
	vly_log_warning("watchdog: the main thread has not responded for %u s: queries are "
			"answered, but commands of volley-control are not",
			watch->quiet_cnt * watchdog->look_ms / 1000);
}

/* Waits until the next check. Returns false if the watchdog is to stop. */
static bool
wait_for_look(struct vly_watchdog *watchdog)
{
	uint64_t look_ns = (uint64_t)watchdog->look_ms * 1000000u;
	int result = 0;

	uv_mutex_lock(&watchdog->mutex);
	while (!watchdog->stop && result == 0)
		result = uv_cond_timedwait(&watchdog->cond, &watchdog->mutex, look_ns);
	bool stop = watchdog->stop;
	uv_mutex_unlock(&watchdog->mutex);
	return !stop;
}

static void
run(void *argument)
{
	struct vly_watchdog *watchdog = argument;

	while (wait_for_look(watchdog)) {
		for (unsigned i = 0; i < watchdog->workers->cnt; i++)
			look_at_lcore(watchdog, i);
		for (unsigned i = 0; i < watchdog->streams->thread_cnt; i++)
			look_at_stream(watchdog, i);
		look_at_main(watchdog);
	}
}

static void
free_locks(struct vly_watchdog *watchdog)
{
	uv_cond_destroy(&watchdog->cond);
	uv_mutex_destroy(&watchdog->mutex);
}

int
vly_watchdog_start(struct vly_watchdog *watchdog, const struct vly_options *options,
		   const struct vly_workers *workers, const struct vly_stream_server *streams)
{
	if (options->watchdog_ms == 0) {
		vly_log_info("watchdog: disabled");
		return 0;
	}
	watchdog->timeout_ms = options->watchdog_ms;
	watchdog->look_ms = options->watchdog_ms / LOOKS;
	watchdog->quiet_max = LOOKS;
	watchdog->state_dir = options->state_dir;
	watchdog->workers = workers;
	watchdog->streams = streams;
	vly_position_start();
	uv_mutex_init(&watchdog->mutex);
	uv_cond_init(&watchdog->cond);
	int error = vly_thread_start(&watchdog->thread, "volley-watchdog", run, watchdog);
	watchdog->running = error == 0;
	if (error == 0)
		return 0;
	vly_log_error("watchdog: cannot start its thread: %s", uv_strerror(error));
	free_locks(watchdog);
	return -1;
}

void
vly_watchdog_beat(struct vly_watchdog *watchdog)
{
	atomic_fetch_add_explicit(&watchdog->beats, 1, memory_order_relaxed);
}

void
vly_watchdog_stop(struct vly_watchdog *watchdog)
{
	if (!watchdog->running)
		return;
	uv_mutex_lock(&watchdog->mutex);
	watchdog->stop = true;
	uv_cond_signal(&watchdog->cond);
	uv_mutex_unlock(&watchdog->mutex);
	uv_thread_join(&watchdog->thread);
	free_locks(watchdog);
	watchdog->running = false;
}
