/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "position.h"

#include <errno.h>
#include <execinfo.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "thread_state.h"

/* Enough frames from a stage of the pipeline up to the lcore's loop. */
#define FRAMES_MAX 12

/* The handler's own frame, and the kernel's signal frame. */
#define FRAMES_SKIPPED 2

/* A sleeping thread handles the signal at once, or not at all. A running one handles it when it
 * gets its CPU again, which takes long on an overloaded machine. */
#define WAIT_MS_MAX     20
#define WAIT_RUN_MS_MAX 200

/* From the linker: the start of the program in memory, and the end of its code. */
extern const char __executable_start[];
extern const char etext[];

static void *frame[FRAMES_MAX + FRAMES_SKIPPED];
static atomic_int frame_cnt;

static void
on_asked(int number)
{
	int error = errno;

	(void)number;
	atomic_store(&frame_cnt, backtrace(frame, FRAMES_MAX + FRAMES_SKIPPED));
	errno = error;
}

void
vly_position_start(void)
{
	struct sigaction action = {.sa_handler = on_asked, .sa_flags = SA_RESTART};

	/* The first call loads a library, which a signal handler may not do. */
	backtrace(frame, FRAMES_MAX);
	sigaction(VLY_POSITION_SIGNAL, &action, NULL);
}

static void
append_frame(const void *address, char *text, size_t text_bytes)
{
	size_t len = strlen(text);
	uintptr_t at = (uintptr_t)address;
	uintptr_t start = (uintptr_t)__executable_start;

	if (at >= start && at < (uintptr_t)etext)
		snprintf(text + len, text_bytes - len, "%svolley-dataplane+%#zx",
			 len > 0 ? " " : "", (size_t)(at - start));
	else
		snprintf(text + len, text_bytes - len, "%s%#zx", len > 0 ? " " : "", (size_t)at);
}

void
vly_position_ask(pid_t tid, char *text, size_t text_bytes)
{
	struct vly_thread_state state = {0};
	int cnt = 0;

	if (vly_thread_state_read(tid, &state) != 0)
		state.runnable = false;
	unsigned ms_max = state.runnable ? WAIT_RUN_MS_MAX : WAIT_MS_MAX;
	atomic_store(&frame_cnt, 0);
	if (syscall(SYS_tgkill, getpid(), tid, VLY_POSITION_SIGNAL) == 0) {
		for (unsigned ms = 0; ms < ms_max && cnt == 0; ms++) {
			usleep(1000);
			cnt = atomic_load(&frame_cnt);
		}
	}
	snprintf(text, text_bytes, "%s",
		 cnt == 0 ? "an unknown place: in the kernel, or held by a debugger" : "");
	for (int i = FRAMES_SKIPPED; i < cnt; i++)
		append_frame(frame[i], text, text_bytes);
}
