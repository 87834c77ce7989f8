/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a configuration would be read as it was. Libyaml takes a second for 400,000 zones, and reading
 * their text a hundredth of that. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <xxhash.h>

#include "base/file_text.h"
#include "config_parts.h"
#include "cookie_secrets.h"

/* Notes a file, whose path is taken over. One that is not there yet may come at any time. */
static void
add_list(struct vly_config_source *source, char *path)
{
	struct vly_config_list *list = &source->list[source->list_cnt];
	struct stat status;

	list->path = path;
	source->list_cnt++;
	if (path && stat(path, &status) == 0)
		list->stamp = vly_file_stamp_before_reading(&status);
	source->is_known &= list->stamp.inode != 0;
}

/* The secrets of cookies: in the state directory, unless the configuration names a file. */
static char *
secrets_path(const struct vly_config *config)
{
	char *path = NULL;

	if (config->defence->secrets_file)
		return strdup(config->defence->secrets_file);
	return asprintf(&path, "%s/" VLY_COOKIE_SECRETS_FILE, config->control->state_dir) < 0
		       ? NULL
		       : path;
}

/* Certificates are renewed. */
static void
add_profile(struct vly_config_source *source, const struct vly_config_tls *tls)
{
	const char *const file[] = {tls->certificate_file, tls->key_file, tls->ca_file};

	for (size_t i = 0; i < sizeof(file) / sizeof(file[0]); i++)
		if (file[i])
			add_list(source, strdup(file[i]));
}

void
vly_config_source_set(struct vly_config *config, const char *text, size_t bytes)
{
	struct vly_config_source *source = &config->source;

	source->list = calloc(config->key_cnt + 3 * config->tls_cnt + 2, sizeof(*source->list));
	source->is_known = source->list != NULL;
	source->text_hash = XXH3_64bits(text, bytes);
	if (!source->list)
		return;
	add_list(source, secrets_path(config));
	if (config->defence->deny_file)
		add_list(source, strdup(config->defence->deny_file));
	for (unsigned i = 0; i < config->key_cnt; i++)
		if (config->keys[i].secret_file)
			add_list(source, strdup(config->keys[i].secret_file));
	for (unsigned i = 0; i < config->tls_cnt; i++)
		add_profile(source, &config->tls[i]);
}

static bool
is_list_unchanged(const struct vly_config_list *list)
{
	struct stat status;

	if (stat(list->path, &status) != 0)
		return false;
	struct vly_file_stamp now = vly_file_stamp(&status);
	return vly_file_stamp_equals(&now, &list->stamp);
}

bool
vly_config_is_unchanged(const struct vly_config *config, const char *path)
{
	const struct vly_config_source *source = &config->source;
	const char *why;
	size_t bytes;

	if (!source->is_known)
		return false;
	char *text = vly_file_read_string(path, SIZE_MAX, &bytes, &why);
	bool unchanged = text && XXH3_64bits(text, bytes) == source->text_hash;
	free(text);
	for (unsigned i = 0; unchanged && i < source->list_cnt; i++)
		unchanged = is_list_unchanged(&source->list[i]);
	return unchanged;
}

void
vly_config_source_clear(struct vly_config *config)
{
	for (unsigned i = 0; i < config->source.list_cnt; i++)
		free(config->source.list[i].path);
	free(config->source.list);
	config->source = (struct vly_config_source){0};
}
