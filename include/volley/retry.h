/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A start that failed is tried again, by the same process: it runs its command once more. So the
 * pid stays, systemd sees one start, and each reason is said once, not at every attempt.
 *
 * Use, when --retry was given:
 *   1. vly_retry_begin() first of all; whoever logs asks vly_retry_is_news() about each line.
 *   2. vly_retry_started() as soon as the program does its work: what fails from then on is no
 *      start that failed.
 *   3. Else, everything taken down, vly_retry_pause() and vly_retry_exec(); or, in a program that
 *      can begin anew without a new process, vly_retry_pause() alone.
 * SIGTERM and SIGINT end the pause.
 *
 * One for each process. All but vly_retry_is_news(), to which other threads' lines are always news,
 * are the main thread's.
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

/* What an attempt leaves to the next: how many have failed, and hashes of the lines of the last. */
#define VLY_RETRY_STATE "VOLLEY_RETRY"

/* The command that starts the program, its words apart by newlines; without it the program itself
 * is run again, with the flags it has. volleyctl sets it, so that the configuration is read anew.
 */
#define VLY_RETRY_COMMAND "VOLLEY_START"

/* Twice as long after each failure. What is short costs CPU: an attempt that gets as far as DPDK's
 * start takes 0.1 s. What is long keeps the operator waiting who has removed the cause. */
#define VLY_RETRY_MIN_MS 100
#define VLY_RETRY_MAX_MS 2000

/* Lines of an attempt that are remembered. Further ones are said at the first attempt only. */
#define VLY_RETRY_LINES_MAX 64

/* Words of the command: those of volleyctl, and a few flags. */
#define VLY_RETRY_WORDS_MAX 256

#define VLY_RETRY_STATE_BYTES (16 + 17 * VLY_RETRY_LINES_MAX)

struct vly_retry_lines {
	unsigned cnt;
	uint64_t hash[VLY_RETRY_LINES_MAX];
};

struct vly_retry {
	bool wanted;
	bool starting;
	unsigned failed_cnt;           /* attempts so far, all in vain */
	struct vly_retry_lines before; /* what the last one said */
	struct vly_retry_lines said;   /* what this one says */
};

/* FNV-1a: whoever writes our log lines is no adversary. */
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

/* Takes over what vly_retry_save() left. A text that is not ours counts as none. */
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

/* A process with pid 1, a container's first, gets no signal that it does not handle. */
static inline void
vly_retry_heed_signals(void)
{
	if (getpid() != 1)
		return;
	signal(SIGTERM, vly_retry_on_signal);
	signal(SIGINT, vly_retry_on_signal);
}

/* `argv` ends with NULL. */
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
	if (retry->wanted && state != NULL)
		vly_retry_load(retry, state);
}

/* Whether a line is to be written: false when the attempt before said the same. */
static inline bool
vly_retry_is_news(struct vly_retry *retry, const char *line)
{
	if (gettid() != getpid() || !retry->starting) /* other threads must not even look */
		return true;
	uint64_t hash = vly_retry_hash(line);
	if (retry->said.cnt == VLY_RETRY_LINES_MAX)
		return retry->failed_cnt == 0;
	retry->said.hash[retry->said.cnt++] = hash;
	return !vly_retry_has(&retry->before, hash);
}

/* Returns how many attempts had failed before this one. */
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

/* Ends this attempt, waits, and makes ready for the next. */
static inline void
vly_retry_pause(struct vly_retry *retry)
{
	retry->failed_cnt++;
	retry->before = retry->said;
	retry->said.cnt = 0;
	unsigned ms = vly_retry_pause_ms(retry->failed_cnt);
	struct timespec pause = {ms / 1000, ms % 1000 * 1000000L};
	vly_retry_heed_signals();
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

/* Runs the next attempt. Returns only when it can't, with errno set. */
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
	if (copy != NULL && vly_retry_split(copy, words) < VLY_RETRY_WORDS_MAX)
		execv(words[0], words);
	else
		execv("/proc/self/exe", argv);
	free(copy);
}

#endif
