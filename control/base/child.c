/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the program wrote last may be read after its end. Longer: whatever it left in the background delays us. */
#define DRAIN_MS 200

/* Reading the output takes our time: a program that writes more gets SIGPIPE. */
#define OUTPUT_BYTES_MAX (UINT64_C(16) << 20)

/* Our own variables. */
#define ENVIRONMENT_MAX 4096

struct vly_child {
	uv_process_t process;
	uv_pipe_t output;
	uv_timer_t timer;
	unsigned open_cnt; /* handles */
	bool has_exited;
	bool is_read; /* to the end of its output */
	bool is_stopped;
	bool is_closing;
	struct vly_child_end end;
	char line[VLY_CHILD_LINE_BYTES]; /* the last whole one */
	char part[VLY_CHILD_LINE_BYTES]; /* the one after it, so far */
	size_t part_len;
	uint64_t output_bytes;
	char buffer[4096];
	void (*done)(void *arg, const struct vly_child_end *end);
	void *arg;
};

static void
on_closed(uv_handle_t *handle)
{
	struct vly_child *child = handle->data;

	if (--child->open_cnt == 0)
		free(child);
}

static void
close_all(struct vly_child *child)
{
	if (child->is_closing)
		return;
	child->is_closing = true;
	uv_close((uv_handle_t *)&child->process, on_closed);
	if (!uv_is_closing((uv_handle_t *)&child->output))
		uv_close((uv_handle_t *)&child->output, on_closed);
	uv_close((uv_handle_t *)&child->timer, on_closed);
}

static void
end_line(struct vly_child *child)
{
	if (child->part_len == 0)
		return;
	memcpy(child->line, child->part, child->part_len);
	child->line[child->part_len] = '\0';
	child->part_len = 0;
}

static void
take(struct vly_child *child, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const char c = text[i];
		if (c == '\n')
			end_line(child);
		else if (child->part_len < sizeof(child->part) - 1 && c != '\r')
			child->part[child->part_len++] = c >= ' ' && c <= '~' ? c : '?';
	}
}

static void
finish(struct vly_child *child)
{
	if (child->is_closing)
		return;
	end_line(child);
	child->end.line = child->line;
	if (!child->is_stopped)
		child->done(child->arg, &child->end);
	close_all(child);
}

static void
on_drained(uv_timer_t *timer)
{
	finish(timer->data);
}

static void
kill_group(const struct vly_child *child)
{
	if (!child->has_exited)
		(void)kill(-child->process.pid, SIGKILL);
}

static void
on_late(uv_timer_t *timer)
{
	struct vly_child *child = timer->data;

	child->end.is_late = true;
	kill_group(child);
}

static void
on_exited(uv_process_t *process, int64_t status, int signal)
{
	struct vly_child *child = process->data;

	child->has_exited = true;
	child->end.status = (int)status;
	child->end.signal = signal;
	if (child->is_read || child->is_stopped)
		finish(child);
	else
		uv_timer_start(&child->timer, on_drained, DRAIN_MS, 0);
}

static void
allocate(uv_handle_t *handle, size_t size, uv_buf_t *buffer)
{
	struct vly_child *child = handle->data;

	(void)size;
	*buffer = uv_buf_init(child->buffer, sizeof(child->buffer));
}

static void
on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buffer)
{
	struct vly_child *child = stream->data;

	if (len > 0) {
		take(child, buffer->base, (size_t)len);
		child->output_bytes += (uint64_t)len;
	}
	if (len >= 0 && child->output_bytes < OUTPUT_BYTES_MAX)
		return;
	uv_close((uv_handle_t *)&child->output, on_closed);
	child->is_read = true;
	if (child->has_exited)
		finish(child);
}

/* Variables by which systemd knows volley-control itself: another program is not to answer it. */
static bool
is_ours(const char *variable)
{
	return strncmp(variable, "NOTIFY_SOCKET=", 14) == 0 ||
	       strncmp(variable, "WATCHDOG_", 9) == 0;
}

/* Our variables, and more; NULL without memory. The strings are not copied. */
static const char **
join_environment(const char *const *more)
{
	const char **joined = calloc(ENVIRONMENT_MAX + 1, sizeof(*joined));
	unsigned cnt = 0;

	for (unsigned i = 0; joined && more[i] && cnt < ENVIRONMENT_MAX; i++)
		joined[cnt++] = more[i];
	for (unsigned i = 0; joined && environ && environ[i] && cnt < ENVIRONMENT_MAX; i++)
		if (!is_ours(environ[i]))
			joined[cnt++] = environ[i];
	return joined;
}

/* Returns 0 or a libuv error. `output` is the writing end of a pipe. */
static int
spawn(struct vly_child *child, const struct vly_child_settings *settings, const char **environment,
      int output)
{
	uv_stdio_container_t stdio[3] = {
		{.flags = UV_IGNORE},
		{.flags = UV_INHERIT_FD, .data.fd = output},
		{.flags = UV_INHERIT_FD, .data.fd = output},
	};
	const uv_process_options_t options = {
		.exit_cb = on_exited,
		.file = settings->argument[0],
		.args = (char **)(uintptr_t)settings->argument,
		.env = (char **)(uintptr_t)environment,
		.flags = UV_PROCESS_DETACHED, /* a group of its own */
		.stdio_count = 3,
		.stdio = stdio,
	};

	return uv_spawn(settings->loop, &child->process, &options);
}

static struct vly_child *
make(const struct vly_child_settings *settings)
{
	struct vly_child *child = calloc(1, sizeof(*child));

	if (!child)
		return NULL;
	child->done = settings->done;
	child->arg = settings->arg;
	child->process.data = child->output.data = child->timer.data = child;
	uv_timer_init(settings->loop, &child->timer);
	uv_pipe_init(settings->loop, &child->output, 0);
	child->open_cnt = 3; /* with the process, also one that did not start */
	return child;
}

/* Takes over end[0], and returns with a reason when the program does not run. */
static struct vly_child *
run(const struct vly_child_settings *settings, const char **environment, const int end[2],
    char reason[VLY_REASON_BYTES])
{
	struct vly_child *child = make(settings);

	if (!child) {
		close(end[0]);
		snprintf(reason, VLY_REASON_BYTES, "out of memory");
		return NULL;
	}
	const int error = spawn(child, settings, environment, end[1]);
	if (uv_pipe_open(&child->output, end[0]) != 0)
		close(end[0]); /* its last line is lost */
	else
		(void)uv_read_start((uv_stream_t *)&child->output, allocate, on_read);
	if (error == 0) {
		uv_timer_start(&child->timer, on_late, settings->time_max_ms, 0);
		return child;
	}
	snprintf(reason, VLY_REASON_BYTES, "%s", uv_strerror(error));
	close_all(child);
	return NULL;
}

struct vly_child *
vly_child_run(const struct vly_child_settings *settings, char reason[VLY_REASON_BYTES])
{
	const char **environment = join_environment(settings->environment);
	struct vly_child *child = NULL;
	int end[2];

	if (!environment || pipe2(end, O_CLOEXEC) != 0) {
		snprintf(reason, VLY_REASON_BYTES, "%s",
			 environment ? strerror(errno) : "out of memory");
	} else {
		child = run(settings, environment, end, reason);
		close(end[1]);
	}
	free(environment);
	return child;
}

void
vly_child_stop(struct vly_child *child)
{
	if (!child)
		return;
	child->is_stopped = true;
	uv_timer_stop(&child->timer);
	kill_group(child);
	if (child->has_exited)
		finish(child);
}
