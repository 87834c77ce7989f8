/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish_turns.h"

#include <stdlib.h>

/* What one of the two wants published. */
struct turn {
	bool waits;
	void (*begin)(void *arg); /* or NULL */
	void (*done)(void *arg, const struct vly_publish_report *report);
	void *arg;
};

struct vly_publish_turns {
	struct vly_publisher *publisher;
	struct vly_image_list *files;    /* accepted, or NULL */
	struct vly_image_list *proposed; /* by the turn of `file` */
	bool hold;
	struct turn file;
	struct turn living;
	struct turn *running;
	bool living_next; /* who waits longer */
	int (*add)(void *arg, struct vly_image_list *list);
	void *add_arg;
	void (*commit)(void *arg, uint64_t seq);
	void *commit_arg;
};

static void take_turn(struct vly_publish_turns *turns);

static void
on_commit(void *arg, uint64_t seq)
{
	struct vly_publish_turns *turns = arg;

	if (turns->running == &turns->living && turns->commit)
		turns->commit(turns->commit_arg, seq);
}

struct vly_publish_turns *
vly_publish_turns_new(struct vly_publisher *publisher)
{
	struct vly_publish_turns *turns = calloc(1, sizeof(*turns));

	if (!turns)
		return NULL;
	turns->publisher = publisher;
	vly_publisher_on_commit(publisher, on_commit, turns);
	return turns;
}

void
vly_publish_turns_on_commit(struct vly_publish_turns *turns,
			    void (*commit)(void *arg, uint64_t seq), void *arg)
{
	turns->commit = commit;
	turns->commit_arg = arg;
}

void
vly_publish_turns_on_living(struct vly_publish_turns *turns,
			    int (*add)(void *arg, struct vly_image_list *list), void *arg)
{
	turns->add = add;
	turns->add_arg = arg;
}

void
vly_publish_turns_settle(struct vly_publish_turns *turns, struct vly_image_list *list)
{
	vly_image_list_free(turns->files);
	turns->files = list;
}

/* The images of both, each once, newest first; NULL without memory. */
static struct vly_image_list *
join(const struct vly_publish_turns *turns, const struct vly_image_list *files)
{
	struct vly_image_list *list = vly_image_list_new();
	bool failed = !list;

	for (uint32_t i = 0; files && !failed && i < files->cnt; i++)
		failed = vly_image_list_add(list, files->image[i]) < 0;
	if (!failed && turns->add)
		failed = turns->add(turns->add_arg, list) < 0;
	if (!failed) {
		vly_image_list_sort(list);
		vly_image_list_unique(list);
		return list;
	}
	vly_image_list_free(list);
	return NULL;
}

static void
end_turn(struct vly_publish_turns *turns, const struct vly_publish_report *report)
{
	struct turn turn = *turns->running;
	bool is_files = turns->running == &turns->file;

	if (is_files && report->outcome != VLY_PUBLISH_DENIED)
		vly_publish_turns_settle(turns, turns->proposed);
	else if (is_files)
		vly_image_list_free(turns->proposed);
	if (is_files)
		turns->proposed = NULL;
	turns->living_next = is_files;
	turns->running = NULL;
	turn.done(turn.arg, report);
	take_turn(turns);
}

static void
on_published(void *arg, const struct vly_publish_report *report)
{
	end_turn(arg, report);
}

static void
publish(struct vly_publish_turns *turns)
{
	static const struct vly_publish_report failed = {.outcome = VLY_PUBLISH_DENIED,
							 .text = "out of memory"};
	bool is_files = turns->running == &turns->file;
	struct vly_image_list *list = join(turns, is_files ? turns->proposed : turns->files);

	if (!list) {
		end_turn(turns, &failed);
		return;
	}
	bool hold = is_files ? turns->hold : vly_publisher_is_holding(turns->publisher);
	vly_publisher_publish(turns->publisher, list, hold, on_published, turns);
}

static void
take_turn(struct vly_publish_turns *turns)
{
	bool living = turns->living.waits && (turns->living_next || !turns->file.waits);

	if (turns->running || (!living && !turns->file.waits))
		return;
	turns->running = living ? &turns->living : &turns->file;
	turns->running->waits = false;
	if (turns->running->begin)
		turns->running->begin(turns->running->arg);
	publish(turns);
}

void
vly_publish_turns_files(struct vly_publish_turns *turns, struct vly_image_list *list, bool hold,
			void (*done)(void *arg, const struct vly_publish_report *report), void *arg)
{
	turns->proposed = list;
	turns->hold = hold;
	turns->file = (struct turn){true, NULL, done, arg};
	take_turn(turns);
}

void
vly_publish_turns_living(struct vly_publish_turns *turns, void (*begin)(void *arg),
			 void (*done)(void *arg, const struct vly_publish_report *report),
			 void *arg)
{
	turns->living = (struct turn){true, begin, done, arg};
	take_turn(turns);
}

void
vly_publish_turns_free(struct vly_publish_turns *turns)
{
	if (!turns)
		return;
	vly_publisher_on_commit(turns->publisher, NULL, NULL);
	vly_image_list_free(turns->files);
	vly_image_list_free(turns->proposed);
	free(turns);
}
