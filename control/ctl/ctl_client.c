/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl.h"

static bool progress_shown;

const char *
vly_ctl_number(uint64_t number, char out[VLY_CTL_NUMBER_BYTES])
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, number);
	char *to = out;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return out;
}

void
vly_ctl_progress(const char *name, uint64_t record_cnt, double seconds)
{
	char number[VLY_CTL_NUMBER_BYTES];

	if (seconds < 1 || !isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r\033[K%s: ", name);
	if (record_cnt > 0)
		fprintf(stderr, "%s records, ", vly_ctl_number(record_cnt, number));
	fprintf(stderr, "%.1f s", seconds);
	progress_shown = true;
}

void
vly_ctl_progress_clear(void)
{
	if (progress_shown)
		fputs("\r\033[K", stderr);
	progress_shown = false;
}

static void
show_progress(json_t *progress)
{
	const char *phase = "waiting";
	const char *zone = NULL;
	json_int_t records = 0;
	double seconds = 0;
	char name[600];

	json_unpack(progress, "{s:s,s?s,s:I,s:F}", "phase", &phase, "zone", &zone, "records",
		    &records, "seconds", &seconds);
	if (zone)
		snprintf(name, sizeof(name), "loading %s", zone);
	else
		snprintf(name, sizeof(name), "%s", phase);
	vly_ctl_progress(name, (uint64_t)records, seconds);
}

/* Returns the connection, or -1 with errno. */
static int
open_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* Returns 0, or -1 without memory. A server that refuses the connection or the request closes its
 * end before it has read all; why is in its answer, so that is no error here. */
static int
send_request(int fd, json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT);
	size_t len = text ? strlen(text) : 0;
	ssize_t sent = 0;

	if (!text)
		return -1;
	text[len++] = '\n'; /* in the place of the NUL */
	for (size_t done = 0; done < len && sent >= 0; done += sent > 0 ? (size_t)sent : 0) {
		sent = send(fd, text + done, len - done, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			sent = 0;
	}
	free(text);
	return 0;
}

/* Returns the final answer, or NULL when the connection ends before. */
static json_t *
read_answer(FILE *stream)
{
	char *line = NULL;
	size_t room = 0;
	json_t *answer = NULL;

	while (!answer && getline(&line, &room, stream) > 0) {
		json_t *object = json_loads(line, 0, NULL);
		if (json_object_get(object, "ok")) {
			answer = object;
			break;
		}
		show_progress(json_object_get(object, "progress"));
		json_decref(object);
	}
	free(line);
	vly_ctl_progress_clear();
	return answer;
}

static enum vly_ctl_exit
fail(const char *text)
{
	fprintf(stderr, "volleyctl: %s\n", text);
	return VLY_CTL_FAILED;
}

/* Closes the connection. */
static enum vly_ctl_exit
converse(int fd, json_t *request, json_t **answer)
{
	FILE *stream = fdopen(fd, "r");

	if (!stream) {
		close(fd);
		return fail("out of memory");
	}
	bool sent = send_request(fd, request) == 0;
	if (sent)
		*answer = read_answer(stream);
	fclose(stream);
	if (!sent)
		return fail("out of memory");
	if (*answer)
		return VLY_CTL_OK;
	fail("volley-control stopped, or closed the connection, before it answered");
	return VLY_CTL_NO_CONTROL;
}

enum vly_ctl_exit
vly_ctl_call(const struct vly_ctl *ctl, json_t *request, json_t **answer)
{
	int fd = open_socket(ctl->socket);
	enum vly_ctl_exit code = VLY_CTL_NO_CONTROL;

	*answer = NULL;
	if (fd < 0)
		fprintf(stderr, "volleyctl: %s: %s; is volley-control running?\n", ctl->socket,
			strerror(errno));
	else
		code = converse(fd, request, answer);
	json_decref(request);
	return code;
}
