/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Retries a failed start in the same process, by executing its command again. So the pid stays,
 * systemd sees one start, and each reason is logged once, not at every attempt.
 *
 * Use, if --retry was given:
 *   1. vly_retry_begin() before everything else; the log calls vly_retry_is_news() for each line.
 *   2. vly_retry_started() when the program works: later failures are not retried.
 *   3. After a failed start, take everything down, then vly_retry_pause() and vly_retry_exec(); or
 *      only vly_retry_pause(), in a program that can begin again without a new process.
 * SIGTERM and SIGINT end the pause. vly_retry_pause() blocks for up to VLY_RETRY_MAX_MS.
 *
 * One state per process. Main thread only, except vly_retry_is_news(): lines of other threads are
 * always news. The environment is the operator's and trusted; a malformed state counts as none.
 */
#ifndef VLY_RETRY_H
#define VLY_RETRY_H

#include <inttypes.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define VLY_RETRY_FLAG "--retry"

/* The state that an attempt leaves for the next: the number of failed attempts, and hashes of the
 * last one's log lines. */
#define VLY_RETRY_STATE "VOLLEY_RETRY"

/* The command that starts the program, words separated by newlines. volleyctl sets it, so that the
 * configuration is read again. Without it, the program is executed again with the same flags. */
#define VLY_RETRY_COMMAND "VOLLEY_START"

/* The pause doubles after each failure. Shorter pauses cost CPU time: an attempt that gets as far
 * as starting DPDK takes 0.1 s. Longer ones delay the start after the operator has removed the
 * cause. */
#define VLY_RETRY_MIN_MS 100
#define VLY_RETRY_MAX_MS 2000

/* The log line of a start that failed, with VLY_RETRY_MAX_MS in seconds. */
#define VLY_RETRY_NOTICE "retrying the start until it succeeds, at least every %u s"
/* What `systemctl status` shows meanwhile, with the error. */
#define VLY_RETRY_STATUS "The start fails and is retried: %s"

/* Log lines of an attempt that are remembered. Further ones are logged at the first attempt
 * only. */
#define VLY_RETRY_LINES_MAX 64

/* Words of the command: those of volleyctl and a few flags. */
#define VLY_RETRY_WORDS_MAX 256

#define VLY_RETRY_STATE_BYTES (16 + 17 * VLY_RETRY_LINES_MAX)

struct vly_retry_lines {
	unsigned cnt;
	uint64_t hash[VLY_RETRY_LINES_MAX];
};

struct vly_retry {
	bool wanted;
	bool starting;
	unsigned failed_cnt;           /* failed attempts so far */
	struct vly_retry_lines before; /* logged by the previous attempt */
	struct vly_retry_lines said;   /* logged by this attempt */
};

/* FNV-1a: nobody attacks with our own log lines. */
static inline uint64_t
vly_retry_hash(const char *line)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (const char *at = line; *at != '\0'; at++)
		hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
	return hash;
}

static inline bool
vly_retry_has(const struct vly_retry_lines *lines, uint64_t hash)
{
	for (unsigned i = 0; i < lines->cnt; i++)
		if (lines->hash[i] == hash)
			return true;
	return false;
}

/* Reads the text of vly_retry_save(). A malformed one counts as none. */
static inline void
vly_retry_load(struct vly_retry *retry, const char *state)
{
	char *end;

	retry->failed_cnt = (unsigned)strtoul(state, &end, 10);
	while (*end == ' ' && retry->before.cnt < VLY_RETRY_LINES_MAX) {
		const char *word = end + 1;
		retry->before.hash[retry->before.cnt] = strtoull(word, &end, 16);
		if (end != word)
			retry->before.cnt++;
	}
}

static inline void
vly_retry_save(const struct vly_retry *retry, char text[VLY_RETRY_STATE_BYTES])
{
	int len = snprintf(text, VLY_RETRY_STATE_BYTES, "%u", retry->failed_cnt);

	for (unsigned i = 0; i < retry->before.cnt; i++)
		len += snprintf(text + len, VLY_RETRY_STATE_BYTES - (size_t)len, " %" PRIx64,
				retry->before.hash[i]);
}

static inline void
vly_retry_on_signal(int number)
{
	_exit(128 + number);
}

/* `how` as in sigprocmask(). The first process of a container loses a signal that arrives while no
 * handler is set: while a failed start is taken down, and after execv(). A blocked one stays
 * pending. vly_retry_pause() and vly_retry_begin() unblock them. */
static inline void
vly_retry_mask_signals(int how)
{
	sigset_t set;

	if (getpid() != 1)
		return;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(how, &set, NULL);
}

/* A process with pid 1, the first of a container, gets only signals that it handles. */
static inline void
vly_retry_heed_signals(void)
{
	if (getpid() != 1)
		return;
	signal(SIGTERM, vly_retry_on_signal);
	signal(SIGINT, vly_retry_on_signal);
}

/* Reads the state of the previous attempt. `argv` ends with NULL. */
static inline void
vly_retry_begin(struct vly_retry *retry, char *const *argv)
{
	const char *state = getenv(VLY_RETRY_STATE);

	memset(retry, 0, sizeof(*retry));
	for (char *const *arg = argv; *arg != NULL; arg++)
		retry->wanted |= strcmp(*arg, VLY_RETRY_FLAG) == 0;
	retry->starting = retry->wanted;
	if (retry->wanted)
		vly_retry_heed_signals();
	vly_retry_mask_signals(SIG_UNBLOCK);
	if (retry->wanted && state != NULL)
		vly_retry_load(retry, state);
}

/* Whether a line is to be logged: false if the previous attempt has logged it. */
static inline bool
vly_retry_is_news(struct vly_retry *retry, const char *line)
{
	if (gettid() != getpid() || !retry->starting) /* other threads must not read the state */
		return true;
	uint64_t hash = vly_retry_hash(line);
	if (retry->said.cnt == VLY_RETRY_LINES_MAX)
		return retry->failed_cnt == 0;
	retry->said.hash[retry->said.cnt++] = hash;
	return !vly_retry_has(&retry->before, hash);
}

/* Ends the start. Returns the number of failed attempts. */
static inline unsigned
vly_retry_started(struct vly_retry *retry)
{
	retry->starting = false;
	unsetenv(VLY_RETRY_STATE);
	return retry->failed_cnt;
}

static inline unsigned
vly_retry_pause_ms(unsigned failed_cnt)
{
	unsigned ms = VLY_RETRY_MIN_MS;

	for (unsigned i = 1; i < failed_cnt && ms < VLY_RETRY_MAX_MS; i++)
		ms *= 2;
	return ms < VLY_RETRY_MAX_MS ? ms : VLY_RETRY_MAX_MS;
}

/* Ends this attempt, and blocks until it is time for the next. */
static inline void
vly_retry_pause(struct vly_retry *retry)
{
	retry->failed_cnt++;
	retry->before = retry->said;
	retry->said.cnt = 0;
	unsigned ms = vly_retry_pause_ms(retry->failed_cnt);
	struct timespec pause = {ms / 1000, ms % 1000 * 1000000L};
	vly_retry_heed_signals();
	vly_retry_mask_signals(SIG_UNBLOCK);
	nanosleep(&pause, NULL);
}

static inline unsigned
vly_retry_split(char *command, char *words[VLY_RETRY_WORDS_MAX + 1])
{
	unsigned cnt = 0;
	char *rest = command;
	char *word;

	while (cnt < VLY_RETRY_WORDS_MAX && (word = strsep(&rest, "\n")) != NULL)
		words[cnt++] = word;
	words[cnt] = NULL;
	return cnt;
}

/* Executes the next attempt. Returns only if that fails, with errno set. */
static inline void
vly_retry_exec(const struct vly_retry *retry, char *const *argv)
{
	char state[VLY_RETRY_STATE_BYTES];
	char *words[VLY_RETRY_WORDS_MAX + 1];
	const char *command = getenv(VLY_RETRY_COMMAND);
	char *copy = command != NULL ? strdup(command) : NULL;

	vly_retry_save(retry, state);
	setenv(VLY_RETRY_STATE, state, 1);
	/* libraries leave descriptors open, a few at each attempt */
	close_range(STDERR_FILENO + 1, UINT32_MAX, CLOSE_RANGE_CLOEXEC);
	vly_retry_mask_signals(SIG_BLOCK);
	if (copy != NULL && vly_retry_split(copy, words) < VLY_RETRY_WORDS_MAX)
		execv(words[0], words);
	else
		execv("/proc/self/exe", argv);
	vly_retry_mask_signals(SIG_UNBLOCK);
	free(copy);
}

#endif
