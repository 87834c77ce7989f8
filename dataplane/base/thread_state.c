/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "thread_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int
vly_thread_state_parse(const char *text, long ticks_per_s, struct vly_thread_state *state)
{
	unsigned long long user, system;
	char letter;

	/* The name in parentheses before it may contain any character. */
	const char *behind_name = strrchr(text, ')');
	if (behind_name == NULL || ticks_per_s <= 0 ||
	    sscanf(behind_name, ") %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %llu", &letter,
		   &user, &system) != 3)
		return -EBADMSG;
	state->runnable = letter == 'R';
	state->cpu_ms = (user + system) * 1000 / (unsigned long long)ticks_per_s;
	return 0;
}

int
vly_thread_state_read(pid_t tid, struct vly_thread_state *state)
{
	char path[64];
	char text[512];

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t bytes = read(fd, text, sizeof(text) - 1);
	int error = errno;
	close(fd);
	if (bytes < 0)
		return -error;
	text[bytes] = '\0';
	return vly_thread_state_parse(text, sysconf(_SC_CLK_TCK), state);
}
