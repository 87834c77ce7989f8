/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "xdp_refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "common/log.h"
#include "setup/capabilities.h"

/* What kernels since 5.2 take. Until 6.4 they refuse a program whose log does not fit. Memory that
 * the log does not reach is not used. */
#define LOG_BYTES ((UINT32_C(16) << 20) - 1)

/* The oldest kernel that Volley is tested on. */
#define KERNEL_MAJOR 6
#define KERNEL_MINOR 1

/* Returns 0 when the kernel takes all programs of the object; else a negative errno, with the
 * verifier's log if it came to that. Leaves nothing in the kernel. */
static int
try_load(const char *path, char *log)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program;

	if (object == NULL)
		return -errno;
	bpf_object__for_each_program(program, object)
		bpf_program__set_log_buf(program, log, LOG_BYTES);
	int error = bpf_object__load(object);
	bpf_object__close(object);
	return error;
}

static bool
is_statistics(const char *line, size_t len)
{
	static const char *const head[] = {"processed ", "verification time ", "stack depth "};

	for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++)
		if (len >= strlen(head[i]) && strncmp(line, head[i], strlen(head[i])) == 0)
			return true;
	return len == 0;
}

void
vly_xdp_refusal_cause(const char *log, char cause[VLY_XDP_REFUSAL_CAUSE_CHARS])
{
	const char *end = log + strlen(log);

	cause[0] = '\0';
	while (end > log) {
		const char *line = end;
		while (line > log && line[-1] != '\n')
			line--;
		size_t len = (size_t)(end - line);
		if (!is_statistics(line, len)) {
			snprintf(cause, VLY_XDP_REFUSAL_CAUSE_CHARS, "%.*s", (int)len, line);
			return;
		}
		end = line > log ? line - 1 : log;
	}
}

/* The directory may be one that others write to: no file of theirs is written, and no link
 * followed. */
static int
write_file(const char *path, const char *text, size_t bytes)
{
	unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd < 0)
		return -1;
	ssize_t written = write(fd, text, bytes);
	if (close(fd) == 0 && written == (ssize_t)bytes)
		return 0;
	unlink(path);
	return -1;
}

/* Puts the log into a file, and its name into `path`: "" if no directory takes it. */
static void
keep_log(const char *log, char path[PATH_MAX])
{
	const char *const directory[] = {getenv("RUNTIME_DIRECTORY"), "/run/volley",
					 getenv("TMPDIR"), "/tmp"};
	size_t bytes = strlen(log);
	size_t kept =
		bytes < VLY_XDP_REFUSAL_FILE_BYTES_MAX ? bytes : VLY_XDP_REFUSAL_FILE_BYTES_MAX;

	for (size_t i = 0; i < sizeof(directory) / sizeof(directory[0]); i++) {
		if (directory[i] == NULL || directory[i][0] != '/')
			continue;
		int len = snprintf(path, PATH_MAX, "%s/" VLY_XDP_REFUSAL_FILE, directory[i]);
		if (len < PATH_MAX && write_file(path, log + bytes - kept, kept) == 0)
			return;
	}
	path[0] = '\0';
}

static const char *
advice(const char *release)
{
	unsigned major, minor;

	if (sscanf(release, "%u.%u", &major, &minor) == 2 &&
	    (major < KERNEL_MAJOR || (major == KERNEL_MAJOR && minor < KERNEL_MINOR)))
		return "Volley needs Linux 6.1 or later";
	return "use the volley_xdp.o that came with this volley-dataplane; if it is that one, "
	       "report this";
}

static void
report(const char *port, const char *path, int error, const char *log)
{
	char cause[VLY_XDP_REFUSAL_CAUSE_CHARS], file[PATH_MAX] = "";
	struct utsname kernel;

	uname(&kernel);
	vly_xdp_refusal_cause(log, cause);
	if (cause[0] == '\0')
		libbpf_strerror(error, cause, sizeof(cause));
	else
		keep_log(log, file);
	vly_log_error("port %s: Linux %s does not load the XDP program %s: %s%s%s; %s", port,
		      kernel.release, path, cause,
		      file[0] != '\0' ? "; the verifier's log is in " : "", file,
		      advice(kernel.release));
}

bool
vly_xdp_refusal_report(const char *port, const char *path)
{
	char missing[VLY_CAPABILITIES_CHARS];

	vly_capabilities_hint(VLY_PORT_AF_XDP, missing);
	if (missing[0] != '\0')
		return false;
	char *log = malloc(LOG_BYTES);
	if (log == NULL)
		return false;
	log[0] = '\0';
	int error = try_load(path, log);
	if (error != 0)
		report(port, path, error, log);
	free(log);
	return error != 0;
}
