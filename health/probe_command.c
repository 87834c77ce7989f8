/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A command ends with status 0. It runs in a session of its own. When it has ended, or has taken too long, its whole
 * process group is killed; the group's leader is not reaped before, so that its number can't be another's by then.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe_parts.h"

/* Commands that do not die, as they wait for a device. */
#define KILLED_MAX 256

/* Of the output, the first line is shown. All else is read, and forgotten. */
#define OUTPUT_BYTES 160

/* Octets that are read before the loop turns to others. */
#define READ_AT_ONCE 65536

struct command_probe {
	struct vly_probe probe;
	pid_t pid;
	int pidfd;
	int output_fd;
	uv_poll_t ended;
	uv_poll_t output;
	bool is_released;
	unsigned open_handles;
	char text[OUTPUT_BYTES];
	size_t text_bytes;
};

static void
on_closed(uv_handle_t *handle)
{
	struct command_probe *probe = handle->data;

	if (--probe->open_handles == 0)
		free(probe);
}

static void
close_output(struct command_probe *probe)
{
	if (probe->output_fd < 0)
		return;
	uv_poll_stop(&probe->output);
	uv_close((uv_handle_t *)&probe->output, on_closed);
	close(probe->output_fd);
	probe->output_fd = -1;
}

static void
close_all(struct command_probe *probe)
{
	close_output(probe);
	uv_poll_stop(&probe->ended);
	uv_close((uv_handle_t *)&probe->ended, on_closed);
	close(probe->pidfd);
}

static void
read_output(struct command_probe *probe)
{
	char octets[4096];
	size_t total = 0;
	ssize_t bytes = 1;

	while (probe->output_fd >= 0 && total < READ_AT_ONCE && bytes > 0) {
		bytes = read(probe->output_fd, octets, sizeof(octets));
		if (bytes == 0 || (bytes < 0 && errno != EAGAIN && errno != EINTR))
			close_output(probe);
		if (bytes <= 0)
			return;
		total += (size_t)bytes;
		const size_t room = sizeof(probe->text) - 1 - probe->text_bytes;
		const size_t taken = (size_t)bytes < room ? (size_t)bytes : room;
		memcpy(probe->text + probe->text_bytes, octets, taken);
		probe->text_bytes += taken;
	}
}

static void
on_output(uv_poll_t *poll, int status, int events)
{
	(void)events;
	if (status < 0)
		close_output(poll->data);
	else
		read_output(poll->data);
}

static void
write_result(struct command_probe *probe, const siginfo_t *how, struct vly_probe_result *result)
{
	probe->text[strcspn(probe->text, "\r\n")] = '\0';
	const char *text = probe->text;

	if (how->si_code != CLD_EXITED)
		vly_probe_say(result, VLY_PROBE_FAILED, "killed by signal %d (%s)%s%s",
			      how->si_status, strsignal(how->si_status), *text ? ": " : "", text);
	else
		vly_probe_say(result, how->si_status == 0 ? VLY_PROBE_PASSED : VLY_PROBE_FAILED,
			      "exit status %d%s%s", how->si_status, *text ? ": " : "", text);
}

static void
on_ended(uv_poll_t *poll, int status, int events)
{
	struct command_probe *probe = poll->data;
	struct vly_probe_result result;
	siginfo_t how = {0};

	(void)status;
	(void)events;
	if (waitid(P_PIDFD, (id_t)probe->pidfd, &how, WEXITED | WNOHANG | WNOWAIT) < 0 ||
	    how.si_pid == 0)
		return;
	read_output(probe); /* what is in the pipe */
	kill(-probe->pid, SIGKILL);
	(void)waitid(P_PIDFD, (id_t)probe->pidfd, &how, WEXITED | WNOHANG);
	if (probe->is_released) {
		probe->probe.prober->killed_cnt--;
		vly_prober_settle(probe->probe.prober);
		close_all(probe);
		return;
	}
	write_result(probe, &how, &result);
	const vly_probe_done done = probe->probe.done;
	void *arg = probe->probe.arg;
	close_all(probe);
	done(arg, &result);
}

static void
release(struct vly_probe *base)
{
	struct command_probe *probe = (struct command_probe *)base;

	probe->is_released = true;
	base->prober->killed_cnt++;
	kill(-probe->pid, SIGKILL);
	close_output(probe); /* on_ended() frees the rest */
}

static int
spawn(struct command_probe *probe, int output)
{
	const struct vly_health_check *check = probe->probe.check;
	const char *address = VLY_PROBE_TEXT(check, ADDRESS);
	char *argv[VLY_HEALTH_ARGS_MAX + 1] = {NULL}, variable[80];
	char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char *environment[] = {path, address ? variable : NULL, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, all;

	snprintf(variable, sizeof(variable), "VOLLEY_ADDRESS=%s", address ? address : "");
	memcpy(argv, check->args, check->arg_cnt * sizeof(*argv));
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
						      POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&files, output, STDERR_FILENO);
	/* libraries open some that a program inherits: libcurl's connections stayed open with it */
	posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
	int error = posix_spawn(&probe->pid, argv[0], &files, &attributes, argv, environment);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	return error;
}

static void
kill_child(struct command_probe *probe)
{
	kill(-probe->pid, SIGKILL);
	(void)waitpid(probe->pid, NULL, 0);
}

/* Returns 0 or an error. */
static int
start(struct command_probe *probe)
{
	uv_loop_t *loop = probe->probe.prober->loop;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return errno;
	/* the command's own end blocks, as commands expect */
	int error = fcntl(ends[1], F_SETFL, 0) < 0 ? errno : spawn(probe, ends[1]);
	close(ends[1]);
	if (error) {
		close(ends[0]);
		return error;
	}
	probe->output_fd = ends[0];
	probe->pidfd = pidfd_open(probe->pid, 0);
	if (probe->pidfd < 0) {
		error = errno;
	} else if (uv_poll_init(loop, &probe->ended, probe->pidfd) < 0) {
		error = ENOMEM;
	} else if (uv_poll_init(loop, &probe->output, probe->output_fd) < 0) {
		uv_close((uv_handle_t *)&probe->ended, on_closed);
		error = ENOMEM;
	}
	if (error == 0)
		return 0;
	kill_child(probe);
	close(ends[0]);
	if (probe->pidfd >= 0)
		close(probe->pidfd);
	return error;
}

struct vly_probe *
vly_probe_command(struct vly_prober *prober, const struct vly_health_check *check,
		  struct vly_probe_result *result)
{
	struct command_probe *probe;

	if (prober->killed_cnt >= KILLED_MAX)
		return vly_probe_say(result, VLY_PROBE_UNABLE,
				     "%u commands were killed and do not end", prober->killed_cnt);
	probe = calloc(1, sizeof(*probe));
	if (!probe)
		return vly_probe_say(result, VLY_PROBE_UNABLE, "out of memory");
	probe->probe = (struct vly_probe){
		.prober = prober,
		.check = check,
		.stage = "for the command",
		.release = release,
	};
	probe->ended.data = probe;
	probe->output.data = probe;
	probe->open_handles = 1;
	int error = start(probe);
	if (error) {
		if (!uv_is_closing((uv_handle_t *)&probe->ended))
			free(probe);
		return vly_probe_say(result, VLY_PROBE_UNABLE, "%.150s: %s", check->args[0],
				     strerror(error));
	}
	probe->open_handles = 2;
	uv_poll_start(&probe->ended, UV_READABLE, on_ended);
	uv_poll_start(&probe->output, UV_READABLE, on_output);
	return &probe->probe;
}
