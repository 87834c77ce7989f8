/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file says "up" or "down", and is not too old. It is read in a thread, as a file system may hang. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "probe_parts.h"

/* Reads that have not returned. More: of a file system that hangs, all threads wait for it anyway. */
#define READS_MAX 64

struct file_probe {
	struct vly_probe probe;
	uv_work_t work;
	bool is_released; /* while it is read */
	bool is_reading;
	char *path;
	uint64_t age_max_ms;
	struct vly_probe_result result;
};

static void
judge(struct file_probe *probe, const char *word, double age_ms)
{
	struct vly_probe_result *result = &probe->result;

	if (probe->age_max_ms > 0 && age_ms > (double)probe->age_max_ms)
		vly_probe_say(result, VLY_PROBE_FAILED, "\"%.20s\", but %.0f s old", word,
			      age_ms / 1000);
	else if (probe->age_max_ms > 0 && -age_ms > (double)probe->age_max_ms)
		vly_probe_say(result, VLY_PROBE_FAILED,
			      "\"%.20s\", but of a time %.0f s ahead: nobody can tell its age",
			      word, -age_ms / 1000);
	else if (strcmp(word, "up") == 0)
		vly_probe_say(result, VLY_PROBE_PASSED, "\"up\"");
	else if (strcmp(word, "down") == 0)
		vly_probe_say(result, VLY_PROBE_FAILED, "\"down\"");
	else
		vly_probe_say(result, VLY_PROBE_FAILED,
			      "its first word must be up or down, and is \"%.20s\"", word);
}

/* In a thread. O_NONBLOCK: a FIFO without a writer must not hold it. */
static void
read_file(uv_work_t *work)
{
	struct file_probe *probe = work->data;
	char text[32] = "", word[32] = "";
	struct timespec now;
	struct stat status;

	int fd = open(probe->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
		const int error = fd < 0 ? errno : EINVAL;
		vly_probe_say(&probe->result,
			      vly_probe_is_ours(error) ? VLY_PROBE_UNABLE : VLY_PROBE_FAILED, "%s",
			      fd < 0 ? strerror(error) : "not a regular file");
	} else {
		const ssize_t bytes = read(fd, text, sizeof(text) - 1);
		clock_gettime(CLOCK_REALTIME, &now);
		text[bytes > 0 ? bytes : 0] = '\0';
		(void)sscanf(text, "%31s", word);
		judge(probe, word,
		      difftime(now.tv_sec, status.st_mtim.tv_sec) * 1000 +
			      (double)(now.tv_nsec - status.st_mtim.tv_nsec) / 1e6);
	}
	if (fd >= 0)
		close(fd);
}

static void
release(struct vly_probe *base)
{
	struct file_probe *probe = (struct file_probe *)base;

	probe->is_released = true;
	if (probe->is_reading) {
		(void)uv_cancel((uv_req_t *)&probe->work); /* on_read() comes in any case */
		return;
	}
	free(probe->path);
	free(probe);
}

static void
on_read(uv_work_t *work, int status)
{
	struct file_probe *probe = work->data;

	(void)status;
	probe->is_reading = false;
	probe->probe.prober->read_cnt--;
	if (probe->is_released) {
		vly_prober_settle(probe->probe.prober);
		release(&probe->probe);
		return;
	}
	const struct vly_probe_result result = probe->result;
	vly_probe_finish(&probe->probe, &result);
}

struct vly_probe *
vly_probe_file(struct vly_prober *prober, const struct vly_health_check *check,
	       struct vly_probe_result *result)
{
	struct file_probe *probe = NULL;

	if (prober->read_cnt >= READS_MAX)
		return vly_probe_say(result, VLY_PROBE_UNABLE,
				     "%u earlier reads of files have not returned",
				     prober->read_cnt);
	probe = calloc(1, sizeof(*probe));
	if (probe)
		probe->path = strdup(VLY_PROBE_TEXT(check, FILE));
	if (!probe || !probe->path) {
		free(probe);
		return vly_probe_say(result, VLY_PROBE_UNABLE, "out of memory");
	}
	probe->probe = (struct vly_probe){
		.prober = prober,
		.check = check,
		.stage = "for the file",
		.release = release,
	};
	probe->age_max_ms = VLY_PROBE_NUMBER(check, AGE_MAX);
	probe->work.data = probe;
	probe->is_reading = true;
	prober->read_cnt++;
	uv_queue_work(prober->loop, &probe->work, read_file, on_read);
	return &probe->probe;
}
