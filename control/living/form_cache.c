/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "form_cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include <volley/image.h>

#include "common/log.h"
#include "common/version.h"
#include "form_index.h"
#include "store/image_files.h"

struct form {
	struct vly_live_image *image; /* a reference */
	struct vly_form_entry entry;
	char *name;
};

/* The forms that are being written; its own, whatever becomes of the zones meanwhile. */
struct vly_form_job {
	uv_work_t work;
	struct vly_living *living; /* NULL: it has ended */
	char *dir;
	uint64_t settings;
	struct form *form;
	uint32_t cnt;
	char reason[VLY_REASON_BYTES];
};

static void start(struct vly_living *living);

uint64_t
vly_form_cache_settings(struct vly_living *living)
{
	struct {
		struct vly_hash_key key;
		uint32_t image_version;
		uint8_t any_all;
		uint8_t additional_none;
		uint64_t steer;
		char release[32];
	} what;

	memset(&what, 0, sizeof(what)); /* padding is summed up, too */
	what.key = living->key;
	what.image_version = VLY_IMAGE_VERSION;
	uv_mutex_lock(&living->lock);
	what.any_all = living->form.any_all;
	what.additional_none = living->form.additional_none;
	what.steer = living->form.steer ? living->form.steer->answers_hash : 0;
	uv_mutex_unlock(&living->lock);
	snprintf(what.release, sizeof(what.release), "%s", vly_version);
	return XXH3_64bits(&what, sizeof(what));
}

static void
free_job(struct vly_form_job *job)
{
	for (uint32_t i = 0; i < job->cnt; i++) {
		vly_live_image_put(job->form[i].image);
		free(job->form[i].name);
	}
	free(job->form);
	free(job->dir);
	free(job);
}

static int
write_forms(struct vly_form_job *job, struct vly_index_image *listed)
{
	struct vly_index_text text = {0};

	if (vly_image_files_prepare(job->dir, job->reason, sizeof(job->reason)) != 0)
		return -1;
	vly_form_index_begin(&text, job->settings);
	for (uint32_t i = 0; i < job->cnt; i++) {
		struct form *form = &job->form[i];
		if (vly_image_files_describe(form->image->fd, &form->entry.image) != 0) {
			snprintf(job->reason, sizeof(job->reason),
				 "an image could not be read: %m");
			free(text.text);
			return -1;
		}
		if (vly_image_files_write(job->dir, &form->entry.image, form->image->fd,
					  job->reason, sizeof(job->reason)) != 0) {
			free(text.text);
			return -1;
		}
		listed[i] = form->entry.image;
		vly_form_index_add(&text, &form->entry, form->name);
	}
	int result = vly_form_index_end(&text);
	if (result != 0)
		snprintf(job->reason, sizeof(job->reason), "out of memory");
	if (result == 0)
		result = vly_image_files_write_index(job->dir, text.text, text.len, job->reason,
						     sizeof(job->reason));
	free(text.text);
	return result;
}

/* Images are written before the index that lists them, and others removed behind it. */
static void
work(uv_work_t *arg)
{
	struct vly_form_job *job = arg->data;
	struct vly_index_image *listed = calloc(job->cnt + 1, sizeof(*listed));

	if (!listed)
		snprintf(job->reason, sizeof(job->reason), "out of memory");
	else if (write_forms(job, listed) == 0)
		vly_image_files_prune(job->dir, listed, job->cnt);
	free(listed);
}

static void
on_written(uv_work_t *arg, int status)
{
	struct vly_form_job *job = arg->data;
	struct vly_living *living = job->living;

	(void)status;
	if (*job->reason)
		vly_log_warning("complete forms of living zones are not kept on disk, so that the "
				"next start takes longer: %s",
				job->reason);
	else
		vly_log_info("complete forms of %u large living zones are on disk", job->cnt);
	free_job(job);
	if (!living)
		return;
	living->form_job = NULL;
	if (living->forms_changed)
		vly_form_cache_changed(living);
}

static bool
is_wanted(const struct vly_living_zone *zone)
{
	return zone->stack && zone->stack->layer[0].image->zone_cnt == 1 &&
	       zone->stack->layer[0].node_cnt >= VLY_FORM_CACHE_NODES_MIN &&
	       zone->stack->layer[0].digest != 0; /* else the store does not have it yet */
}

static void
add_form(struct vly_form_job *job, const struct vly_living_zone *zone)
{
	const struct vly_living_layer *layer = &zone->stack->layer[0];
	char *name = strdup(zone->name);

	if (!name)
		return;
	vly_live_image_get(layer->image);
	job->form[job->cnt++] = (struct form){.image = layer->image,
					      .name = name,
					      .entry = {.version = layer->version,
							.digest = layer->digest,
							.serial = layer->serial,
							.node_cnt = layer->node_cnt}};
}

static void
start(struct vly_living *living)
{
	struct vly_form_job *job = calloc(1, sizeof(*job));
	uint32_t cnt = 0;

	living->forms_changed = false;
	for (struct vly_living_zone *zone = living->by_name; zone; zone = zone->hh.next)
		cnt += is_wanted(zone);
	if (!job || !(job->form = calloc(cnt + 1, sizeof(*job->form))) ||
	    !(job->dir = strdup(living->form_dir))) {
		if (job)
			free_job(job);
		return;
	}
	for (struct vly_living_zone *zone = living->by_name; zone; zone = zone->hh.next)
		if (is_wanted(zone))
			add_form(job, zone);
	job->living = living;
	job->settings = vly_form_cache_settings(living);
	job->work.data = job;
	living->form_job = job;
	uv_queue_work(living->loop, &job->work, work, on_written);
}

void
vly_form_cache_changed(struct vly_living *living)
{
	living->forms_changed = true;
	if (!living->form_job && living->keeps_forms)
		start(living);
}

void
vly_form_cache_configure(struct vly_living *living, bool keeps_forms)
{
	living->keeps_forms = keeps_forms;
	if (living->forms_changed)
		vly_form_cache_changed(living);
}

void
vly_form_cache_close(struct vly_living *living)
{
	if (living->form_job)
		living->form_job->living = NULL;
}
