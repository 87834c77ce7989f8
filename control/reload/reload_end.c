/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "common/notify.h"
#include "common/plural.h"
#include "reload_parts.h"
#include "signature_watch.h"

/* The most zones that a reload names in the log: of failed ones, and of those with warnings. Each
 * line is a write that may wait for the journal while the loop serves nobody. Fewer: more often an
 * operator must look elsewhere. More: longer pauses of the loop. */
#define LOGGED_ZONES_MAX 100

static void
log_failures(const struct vly_reload_report *report)
{
	uint32_t cnt = 0;

	for (uint32_t i = 0; i < report->zone_cnt; i++) {
		const struct vly_served_zone *zone = report->zones[i];
		char line[24] = "";
		if (!zone->error || ++cnt > LOGGED_ZONES_MAX)
			continue;
		if (zone->error->line)
			snprintf(line, sizeof(line), ":%" PRIu64, zone->error->line);
		vly_log_error("zone %s: %s%s: %s; %s", zone->name, zone->error->file, line,
			      zone->error->text,
			      zone->image ? "the previous version stays in service"
					  : "there is no previous version to serve");
	}
	if (cnt > LOGGED_ZONES_MAX)
		vly_log_error("%" PRIu32 " more zones did not load; to list them: volleyctl zones",
			      cnt - LOGGED_ZONES_MAX);
}

static void
log_warnings(const struct vly_reload *reload)
{
	const struct vly_reload_report *report = &reload->report;
	uint32_t cnt = 0;

	for (uint32_t i = 0; i < report->zone_cnt; i++) {
		const struct vly_served_zone *zone = report->zones[i];
		if (zone->error || zone->info.warning_cnt == 0 || ++cnt > LOGGED_ZONES_MAX)
			continue;
		vly_log_warning("zone %s: %" PRIu32
				" warning%s; to list them: volleyctl check-zone %s %s",
				zone->name, zone->info.warning_cnt,
				vly_plural(zone->info.warning_cnt), zone->name, zone->file);
	}
	if (cnt > LOGGED_ZONES_MAX)
		vly_log_warning("%" PRIu32
				" more zones have warnings; to list them: volleyctl check %s",
				cnt - LOGGED_ZONES_MAX, reload->reloader->config_path);
}

static void
log_report(const struct vly_reload *reload)
{
	const struct vly_reload_report *report = &reload->report;

	for (uint32_t i = 0; i < reload->config_errors.cnt; i++)
		vly_log_error("%s", reload->config_errors.text[i]);
	log_failures(report);
	log_warnings(reload);
	vly_log(report->code == VLY_RELOAD_FAILED ? VLY_LOG_ERROR : VLY_LOG_INFO,
		"loaded %" PRIu32 " of %" PRIu32 " zone%s, %" PRIu64 " record%s in %" PRIu64
		".%03" PRIu64 " s, %" PRIu32 " unchanged, %" PRIu32
		" zone%s from the image cache%s%s",
		report->zone_cnt - report->failed_cnt, report->zone_cnt,
		vly_plural(report->zone_cnt), report->record_cnt, vly_plural(report->record_cnt),
		report->duration_ms / 1000, report->duration_ms % 1000, report->unchanged_cnt,
		report->cached_cnt, vly_plural(report->cached_cnt), *report->text ? "; " : "",
		report->text);
}

static void watch_signatures(const struct vly_reload *reload);

void
vly_reloader_kick(struct vly_reloader *reloader)
{
	uv_idle_start(&reloader->kick, reloader->on_kick);
}

/* After a full reload that failed, what its scan would have found is still to be found. */
static void
follow_directories(const struct vly_reload *reload)
{
	struct vly_reloader *reloader = reload->reloader;

	vly_directory_watch_set(&reloader->directories, reloader->live->config);
	if (!reload->is_published && !reload->is_watched &&
	    reloader->live->config->directory_cnt > 0)
		vly_directory_watch_want_scan(&reloader->directories);
}

void
vly_reload_drop(struct vly_reload *reload)
{
	struct vly_reloader *reloader = reload->reloader;

	reloader->running = NULL;
	vly_reload_end_members(reload);
	vly_reload_free(reload);
	vly_reloader_kick(reloader);
}

void
vly_reload_finish(struct vly_reload *reload, enum vly_reload_code code, const char *format, ...)
{
	struct vly_reloader *reloader = reload->reloader;
	struct vly_reload_report *report = &reload->report;
	va_list args;

	va_start(args, format);
	vsnprintf(reload->text, sizeof(reload->text), format, args);
	va_end(args);
	report->code = code;
	report->text = reload->text;
	if (reload->is_packing && code != VLY_RELOAD_FAILED) {
		vly_log_debug("moved %" PRIu32 " zones into one image", reload->zone_cnt);
		vly_reload_drop(reload);
		return;
	}
	report->zones = reload->zones;
	report->zone_cnt = reload->zones ? reload->zone_cnt : 0;
	report->config_errors = &reload->config_errors;
	report->duration_ms = uv_now(reloader->loop) - reload->begin_ms;
	for (uint32_t i = 0; i < report->zone_cnt; i++)
		report->failed_cnt += reload->zones[i]->error != NULL;
	log_report(reload);
	/* what was staged and not published, because there was no memory */
	if (reload->target == reloader->live && reloader->live->staged)
		vly_served_zones_refuse(reloader->live, reload->text);
	if (reload->is_full)
		follow_directories(reload);
	if (reload->is_packing)
		vly_reload_give_up_pack(reload);
	watch_signatures(reload);
	vly_notify_status("Serves %" PRIu32 " of %" PRIu32 " zones", reloader->live->loaded_cnt,
			  reloader->live->zone_cnt);
	vly_reload_answer(reload);
	reloader->running = NULL;
	vly_reload_end_members(reload);
	vly_reload_free(reload);
	vly_reloader_kick(reloader);
}

/* A clock may be set, which a timer does not notice. Rarer: a warning is late by that much. */
#define WATCH_MAX_S 3600

static void watch_all(struct vly_reloader *reloader);

static void
on_watch(uv_timer_t *timer)
{
	watch_all(timer->data);
}

static void
watch_all(struct vly_reloader *reloader)
{
	const uint64_t now_s = (uint64_t)time(NULL);
	const uint64_t next_s = vly_signature_watch(reloader->live, now_s);
	const uint64_t wait_s = next_s - now_s < WATCH_MAX_S ? next_s - now_s : WATCH_MAX_S;

	uv_timer_stop(&reloader->watch);
	if (next_s != UINT64_MAX)
		uv_timer_start(&reloader->watch, on_watch, wait_s * 1000, 0);
}

/* Logs which signatures of these zones expire soon, and has the loop look again in time. */
static void
watch_zones(struct vly_reloader *reloader, struct vly_served_zone *const *zones, uint32_t zone_cnt)
{
	const uint64_t now_s = (uint64_t)time(NULL);
	const uint64_t next_s = vly_signature_watch_zones(zones, zone_cnt, now_s);
	const uint64_t wait_s = next_s - now_s < WATCH_MAX_S ? next_s - now_s : WATCH_MAX_S;
	const bool is_later = uv_is_active((uv_handle_t *)&reloader->watch) &&
			      uv_timer_get_due_in(&reloader->watch) <= wait_s * 1000;

	if (next_s != UINT64_MAX && !is_later)
		uv_timer_start(&reloader->watch, on_watch, wait_s * 1000, 0);
}

/* Logs which signatures of a reload's zones expire soon. A reload of some zones looks at these alone. */
static void
watch_signatures(const struct vly_reload *reload)
{
	struct vly_reloader *reloader = reload->reloader;

	if (reload->is_full)
		watch_all(reloader);
	else if (reload->report.zone_cnt > 0) /* else it ended before zones were chosen */
		watch_zones(reloader, reload->zones, reload->report.zone_cnt);
}

static struct vly_served_zone *
set_signatures(struct vly_served_zones *served, const char *name, uint64_t expiry_s,
	       uint64_t margin_s)
{
	struct vly_served_zone *zone = served ? vly_served_zones_find(served, name) : NULL;

	if (zone && zone->is_adopted)
		vly_served_zones_set_signatures(served, zone, expiry_s, margin_s);
	return zone;
}

void
vly_reload_on_signatures(void *arg, const char *name, uint64_t expiry_s, uint64_t margin_s)
{
	struct vly_reloader *reloader = arg;
	struct vly_served_zone *zone = set_signatures(reloader->live, name, expiry_s, margin_s);

	/* what a reload that runs has copied */
	if (reloader->running && reloader->running->next)
		(void)set_signatures(reloader->running->next, name, expiry_s, margin_s);
	if (zone)
		watch_zones(reloader, &zone, 1);
}

static bool
differs(const char *a, const char *b)
{
	return strcmp(a, b) != 0;
}

/* Whether the dataplane's flags differ. Without memory, they count as different. */
static bool
flags_differ(const struct vly_config *old, const struct vly_config *new)
{
	char **was = vly_config_args(old, "", NULL, 0);
	char **is = vly_config_args(new, "", NULL, 0);
	unsigned i = 0;

	while (was && is && was[i] && is[i] && !differs(was[i], is[i]))
		i++;
	bool differ = !was || !is || was[i] || is[i];
	vly_config_args_free(was);
	vly_config_args_free(is);
	return differ;
}

/* Zones, answers, checks and the defence of a new configuration are in force at once. Returns the
 * programs that must be restarted for the rest, or NULL. */
static const char *
restart_needed(const struct vly_config *old, const struct vly_config *new)
{
	bool control = differs(old->control->socket, new->control->socket) ||
		       differs(old->control->socket_group, new->control->socket_group) ||
		       differs(old->control->state_dir, new->control->state_dir) ||
		       differs(old->control->log_level, new->control->log_level) ||
		       differs(old->control->journal->changes, new->control->journal->changes) ||
		       differs(old->control->journal->size, new->control->journal->size) ||
		       differs(old->control->journal->age, new->control->journal->age) ||
		       differs(old->dataplane->socket, new->dataplane->socket);

	if (flags_differ(old, new))
		return control ? "volley-control and volley-dataplane" : "volley-dataplane";
	return control ? "volley-control" : NULL;
}

static void
say_restart(struct vly_reload *reload, const struct vly_config *old)
{
	reload->report.restart_needed = restart_needed(old, reload->reloader->live->config);
	if (reload->report.restart_needed)
		vly_log_warning("some changes of the configuration take effect at the next start "
				"only: restart %s",
				reload->report.restart_needed);
}

static void
take_over(struct vly_reload *reload)
{
	struct vly_reloader *reloader = reload->reloader;

	reloader->store_wanted |= reload->next != NULL || reload->target->staged != NULL;
	vly_served_zones_accept(reload->target);
	if (reload->is_full)
		reload->target->settings = reload->settings;
	vly_reload_settle_living(reload);
	struct vly_served_zones *old = NULL;
	if (reload->next) {
		old = reloader->live;
		reloader->live = reload->next;
		reload->next = NULL;
		say_restart(reload, old->config);
	}
	if (reload->is_full && reloader->configured)
		reloader->configured(reloader->configured_arg, reloader->live->config,
				     &reload->beside);
	vly_served_zones_free(old);
}

static void
refuse(struct vly_reload *reload, const char *reason)
{
	vly_served_zones_refuse(reload->target, reason);
	if (reload->next)
		vly_served_zones_copy_errors(reload->reloader->live, reload->next);
}

static uint32_t
count_failed(const struct vly_reload *reload)
{
	uint32_t cnt = 0;

	for (uint32_t i = 0; i < reload->zone_cnt; i++)
		cnt += reload->zones[i]->error != NULL;
	return cnt;
}

static void
finish_published(struct vly_reload *reload)
{
	char text[sizeof(reload->text)];
	enum vly_reload_code code = vly_reload_describe(reload, reload->zone_cnt,
							count_failed(reload), text, sizeof(text));

	if (code == VLY_RELOAD_OK && reload->remnant_cnt > 0)
		vly_reload_finish(reload, VLY_RELOAD_FAILED,
				  "%" PRIu32 " removed zone%s still served", reload->remnant_cnt,
				  reload->remnant_cnt == 1 ? " is" : "s are");
	else
		vly_reload_finish(reload, code, "%s", text);
}

/* The zones are published; and the defence, if that did not fail. */
static void
on_defended(void *arg, const struct vly_defender_report *report)
{
	struct vly_reload *reload = arg;

	reload->reloader->defence_failed = report->code == VLY_DEFENDER_FAILED;
	if (report->code == VLY_DEFENDER_FAILED)
		vly_reload_finish(reload, VLY_RELOAD_FAILED, "the defence was not changed: %s",
				  report->text);
	else
		finish_published(reload);
}

static void
on_living_dropped(struct vly_reload *reload)
{
	struct vly_reloader *reloader = reload->reloader;

	if (reload->has_new_config)
		vly_defender_configure(reloader->defender,
				       vly_config_take_defence(reloader->live->config), on_defended,
				       reload);
	else
		finish_published(reload);
}

static void
on_published(void *arg, const struct vly_publish_report *published)
{
	struct vly_reload *reload = arg;
	struct vly_reloader *reloader = reload->reloader;

	reload->has_new_config = reload->next != NULL;
	uv_update_time(reloader->loop);
	if (published->outcome == VLY_PUBLISH_DENIED) {
		refuse(reload, published->text);
		if (reload->has_cached) {
			vly_log_warning("image cache not used: %s; all zones are read "
					"from their files",
					published->text);
			reload->load_without_cache(reload);
			return;
		}
		vly_reload_finish(reload, VLY_RELOAD_FAILED, "%s", published->text);
		return;
	}
	reload->report.generation = published->generation;
	reload->outcome = published->outcome;
	reload->is_published = true;
	take_over(reload);
	vly_reload_drop_living(reload, on_living_dropped);
}

/* Whether the commit must be held back. A full reload is never held back: the operator wants the
 * zones served that load now. */
static bool
must_hold(const struct vly_reload *reload)
{
	struct vly_publisher_status status;

	vly_publisher_status(reload->reloader->publisher, &status);
	const bool is_asked = reload->is_full && !reload->is_watched;
	if (!reload->alone && (is_asked || !status.held_back))
		return false;
	return !vly_served_zones_are_complete(reload->target);
}

/* The old images are live until the new ones are. Reloads of named zones leave this many images for
 * the next full reload, which with room for one image only would be built by one thread. Fewer:
 * that reload has less to spread over the cores, and a failed zone holds a larger image. More:
 * fewer zones can be reloaded by name. */
#define IMAGES_SPARE 64

uint32_t
vly_reload_images_max(const struct vly_reload *reload)
{
	return reload->is_full ? VLY_PUBLISH_IMAGES_MAX : VLY_PUBLISH_IMAGES_MAX - IMAGES_SPARE;
}

/* The sentence about too many images, with the remedy. Only images with zones that do not load
 * outlive a full reload. */
static const char *
describe_full(const struct vly_reload *reload)
{
	return reload->is_full ? "too many images are kept for zones that do not load: correct "
				 "their files, then reload all zones"
			       : "too many zones were reloaded one by one, which leaves no room "
				 "for another image: reload all zones";
}

void
vly_reload_publish(struct vly_reload *reload, void (*load_without_cache)(struct vly_reload *reload))
{
	struct vly_reloader *reloader = reload->reloader;
	struct vly_image_list *list = vly_served_zones_images(reload->target);
	bool hold = must_hold(reload);

	if (!list || list->cnt > vly_reload_images_max(reload)) {
		const char *reason = list ? describe_full(reload) : "out of memory";
		vly_image_list_free(list);
		refuse(reload, reason);
		vly_reload_finish(reload, VLY_RELOAD_FAILED, "%s", reason);
		return;
	}
	if (reload->next)
		reload->remnant_cnt = vly_served_zones_remnants(reloader->live, reload->next);
	else
		reload->remnant_cnt = vly_served_zones_staying(reloader->live);
	reload->load_without_cache = load_without_cache;
	reload->phase = "publishing";
	vly_publish_turns_files(reloader->turns, list, hold, on_published, reload);
}
