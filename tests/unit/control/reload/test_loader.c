/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What fails for an image and not for a zone is told as such. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/seal.h"
#include "reload/loader.h"

/* Instead of the one in seal.c. */
int
vly_seal(int fd)
{
	(void)fd;
	errno = EBUSY;
	return -1;
}

static void
on_loaded(void *arg)
{
	*(bool *)arg = true;
}

Test(loader, an_image_that_cannot_be_sealed)
{
	char file[] = "/tmp/volley-loader-XXXXXX";
	struct vly_load_settings settings = {.image_max = 1};
	struct vly_load_item item[] = {{.name = "a.", .file = file}, {.name = "b.", .file = file}};
	bool done = false;
	uv_loop_t loop;
	int fd = mkstemp(file);

	dprintf(fd, "$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n");
	close(fd);
	cr_assert_eq(uv_loop_init(&loop), 0);
	cr_assert_not_null(vly_loader_start(&loop, &settings, item, 2, on_loaded, &done));
	uv_run(&loop, UV_RUN_DEFAULT);
	unlink(file);
	cr_assert(done);
	for (unsigned i = 0; i < 2; i++) {
		cr_expect_null(item[i].image);
		cr_assert_not_null(item[i].error);
		cr_expect_str_eq(item[i].error->text, "the image of 2 zones could not be built: "
						      "Device or resource busy");
	}
	vly_load_items_clear(item, 2);
	uv_loop_close(&loop);
}
