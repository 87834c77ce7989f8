/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <volley/retry.h>

#include "common/notify.h"
#include "config/config.h"
#include "ctl.h"

#define PROGRAM "volley-dataplane"

/* Beside volleyctl: installed together, or in the build tree. Else execvp() searches PATH. */
static const char *
find_program(char path[PATH_MAX])
{
	static const char *const places[] = {
		"", "/../sbin", "/../libexec/volley",
		"/../dataplane", /* the last: in a build tree */
	};
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (len < 0)
		return PROGRAM;
	self[len] = '\0';
	const char *directory = dirname(self);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, PATH_MAX, "%s%s/" PROGRAM, directory, places[i]);
		if (access(path, X_OK) == 0)
			return path;
	}
	return PROGRAM;
}

/* The last line that was printed, which systemctl status shows between attempts to start. */
static char last_said[1024];

/* Prints a line for the operator; in a later attempt only if it is new. */
__attribute__((format(printf, 2, 3))) static void
say(struct vly_retry *retry, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(last_said, sizeof(last_said), format, args);
	va_end(args);
	if (vly_retry_is_news(retry, last_said))
		fprintf(stderr, "%s\n", last_said);
}

/* Leaves to the dataplane how to be started again: by us, so that it gets the flags that the
 * configuration has by then. */
static int
leave_command(const char *config_path, char *const *extra, unsigned extra_cnt)
{
	char command[16384];
	char self[PATH_MAX];
	ssize_t self_len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (self_len < 0)
		return -1;
	self[self_len] = '\0';
	int len = snprintf(command, sizeof(command),
			   "%s\nexec\ndataplane\n--config\n%s\n" VLY_RETRY_FLAG "\n--", self,
			   config_path);
	for (unsigned i = 0; i < extra_cnt && len < (int)sizeof(command); i++)
		len += snprintf(command + len, sizeof(command) - (size_t)len, "\n%s", extra[i]);
	return len < (int)sizeof(command) ? setenv(VLY_RETRY_COMMAND, command, 1) : -1;
}

/* The flags behind the configuration's: --retry, and those that were given. */
static char **
flags_of(const struct vly_config *config, const char *program, bool retry, char *const *extra,
	 unsigned extra_cnt)
{
	char **more = calloc(extra_cnt + 1, sizeof(*more));
	unsigned cnt = 0;

	if (!more)
		return NULL;
	if (retry)
		more[cnt++] = (char *)(uintptr_t)VLY_RETRY_FLAG;
	for (unsigned i = 0; i < extra_cnt; i++)
		more[cnt++] = extra[i];
	char **args = vly_config_args(config, program, more, cnt);
	free(more);
	return args;
}

/* Returns only on failure, and has printed the reason. */
static void
become_dataplane(struct vly_retry *retry, const char *config_path, char *const *extra,
		 unsigned extra_cnt)
{
	struct vly_config_errors errors;
	struct vly_config *config = vly_config_load(config_path, &errors);
	char path[PATH_MAX];

	for (unsigned i = 0; i < errors.cnt; i++)
		say(retry, "%s", errors.text[i]);
	vly_config_errors_free(&errors);
	if (!config)
		return;
	const char *program = find_program(path);
	char **args = flags_of(config, program, retry->wanted, extra, extra_cnt);
	if (retry->failed_cnt > 0) {
		say(retry, "volleyctl: %s can be read now, starting " PROGRAM, config_path);
		unsetenv(VLY_RETRY_STATE); /* older than our reasons: to be said again */
	}
	signal(SIGPIPE, SIG_DFL); /* an ignored signal would stay ignored in the new program */
	if (args && (!retry->wanted || leave_command(config_path, extra, extra_cnt) == 0)) {
		vly_retry_mask_signals(SIG_BLOCK);
		execvp(program, args);
		vly_retry_mask_signals(SIG_UNBLOCK);
	}
	say(retry, "volleyctl: %s: %s", program, args ? strerror(errno) : "out of memory");
	vly_config_args_free(args);
	vly_config_free(config);
}

enum vly_ctl_exit
vly_ctl_exec(const char *config_path, bool again, char *const *extra, unsigned extra_cnt)
{
	struct vly_retry retry = {.wanted = again, .starting = again};

	if (again)
		vly_retry_heed_signals();
	become_dataplane(&retry, config_path, extra, extra_cnt);
	while (again) { /* until it works, or a signal ends us */
		vly_notify_status(VLY_RETRY_STATUS, last_said);
		say(&retry, "volleyctl: " VLY_RETRY_NOTICE, VLY_RETRY_MAX_MS / 1000);
		vly_retry_pause(&retry);
		become_dataplane(&retry, config_path, extra, extra_cnt);
	}
	return VLY_CTL_FAILED;
}
