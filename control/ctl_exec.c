/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
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

enum vly_ctl_exit
vly_ctl_exec(const char *config_path, char *const *extra, unsigned extra_cnt)
{
	struct vly_config_errors errors;
	struct vly_config *config = vly_config_load(config_path, &errors);
	char path[PATH_MAX];

	for (unsigned i = 0; i < errors.cnt; i++)
		fprintf(stderr, "%s\n", errors.text[i]);
	vly_config_errors_free(&errors);
	if (!config)
		return VLY_CTL_FAILED;
	const char *program = find_program(path);
	char **args = vly_config_args(config, program, extra, extra_cnt);
	if (args)
		execvp(program, args);
	fprintf(stderr, "volleyctl: %s: %s\n", program, args ? strerror(errno) : "out of memory");
	vly_config_args_free(args);
	vly_config_free(config);
	return VLY_CTL_FAILED;
}
