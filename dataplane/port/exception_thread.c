/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <poll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/thread.h"
#include "exception_parts.h"

/* Frames of one class and queue that go to the kernel before it is the next one's turn. */
#define WRITE_MAX 64

/* Frames that are read before the rings are looked at again. */
#define READ_MAX 64

/* Frames shorter than this are padded: not every device does that (IEEE 802.3). */
#define FRAME_BYTES_MIN 60

/* No lcore wakes the thread, as that would be a system call: it looks at the rings by itself. So
 * often while frames come, and once a millisecond when none has come for QUIET_ROUNDS: that delays
 * a first ping, and takes half a percent of a CPU. */
#define BUSY_WAIT_NS  50000
#define QUIET_WAIT_NS 1000000
#define QUIET_ROUNDS  200

static void
write_frame(struct vly_exception *exception, const struct vly_frame *frame)
{
	ssize_t written = write(exception->tap_fd, frame->octet, frame->bytes);

	/* such as when the interface is down: the sender tries again, as on any wire */
	if (written == (ssize_t)frame->bytes)
		exception->thread_cnt.written++;
	else
		exception->thread_cnt.refused++;
}

static unsigned
write_ring(struct vly_exception *exception, struct vly_frame_ring *ring)
{
	const struct vly_frame *frame;
	unsigned cnt = 0;

	for (; cnt < WRITE_MAX && (frame = vly_frame_ring_first(ring)) != NULL; cnt++) {
		write_frame(exception, frame);
		vly_frame_ring_take(ring);
	}
	return cnt;
}

/* The classes in their order. Returns how many frames there were. */
static unsigned
write_all(struct vly_exception *exception)
{
	unsigned cnt = 0;

	for (unsigned class = 0; class < VLY_EXCEPTION_CLASS_CNT; class ++)
		for (unsigned i = 0; i < exception->queue_cnt; i++)
			cnt += write_ring(exception, exception->queue[i].ring[class]);
	return cnt;
}

/* What the lcore has no room for stays with the kernel, which drops the rest. */
static unsigned
read_some(struct vly_exception *exception)
{
	struct vly_frame_ring *ring = exception->from_kernel;
	struct vly_frame *frame;
	unsigned cnt = 0;

	for (; cnt < READ_MAX && (frame = vly_frame_ring_room(ring)) != NULL; cnt++) {
		ssize_t bytes = read(exception->tap_fd, frame->octet, ring->frame_max);
		if (bytes <= 0)
			break;
		if (bytes < FRAME_BYTES_MIN)
			memset(frame->octet + bytes, 0, FRAME_BYTES_MIN - (size_t)bytes);
		frame->bytes = bytes < FRAME_BYTES_MIN ? FRAME_BYTES_MIN : (uint32_t)bytes;
		vly_frame_ring_put(ring);
	}
	return cnt;
}

static void
wait_for_frames(struct vly_exception *exception, long ns)
{
	bool has_room = vly_frame_ring_room(exception->from_kernel) != NULL;
	struct pollfd tap = {.fd = exception->tap_fd, .events = POLLIN};
	struct timespec time = {.tv_nsec = ns};

	if (has_room && !atomic_load_explicit(&exception->gone, memory_order_relaxed)) {
		if (ppoll(&tap, 1, &time, NULL) <= 0 || tap.revents == POLLIN)
			return;
		atomic_store_explicit(&exception->gone, true, memory_order_relaxed);
	}
	nanosleep(&time, NULL);
}

static void
run(void *argument)
{
	struct vly_exception *exception = argument;
	unsigned quiet_cnt = 0;

	prctl(PR_SET_TIMERSLACK, 1);
	while (!atomic_load_explicit(&exception->stop, memory_order_relaxed)) {
		unsigned moved = write_all(exception);
		moved += read_some(exception);
		if (moved > 0) {
			quiet_cnt = 0;
			continue;
		}
		quiet_cnt += quiet_cnt < QUIET_ROUNDS;
		wait_for_frames(exception, quiet_cnt < QUIET_ROUNDS ? BUSY_WAIT_NS : QUIET_WAIT_NS);
	}
}

int
vly_exception_thread_start(struct vly_exception *exception)
{
	int error = vly_thread_start(&exception->thread, "volley-kernel", run, exception);

	exception->has_thread = error == 0;
	return error;
}

void
vly_exception_thread_stop(struct vly_exception *exception)
{
	if (!exception->has_thread)
		return;
	atomic_store_explicit(&exception->stop, true, memory_order_relaxed);
	uv_thread_join(&exception->thread);
	exception->has_thread = false;
}
