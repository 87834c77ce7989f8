/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "key_files.h"

#include <stdlib.h>

struct vly_key_files *
vly_key_files_read(const struct vly_config *config, const char *state_dir)
{
	struct vly_key_files *files = calloc(1, sizeof(*files));

	if (files == NULL)
		return NULL;
	files->secrets = vly_keyring_read(config);
	if (files->secrets == NULL) {
		free(files);
		return NULL;
	}
	files->added = vly_added_keys_load(state_dir, files->reason);
	vly_disabled_keys_read(state_dir, &files->disabled);
	return files;
}

void
vly_key_files_free(struct vly_key_files *files)
{
	if (files == NULL)
		return;
	vly_keyring_release(files->secrets);
	json_decref(files->added);
	vly_disabled_list_free(&files->disabled);
	free(files);
}
