/* SPDX-License-Identifier: GPL-3.0-or-later */
/* volleyctl zone edit: an editor on the zone's text; what has been changed is submitted. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl.h"
#include "zone/zone_file.h"
#include "zone/zone_print.h"

/* The lines of a zone in canonical form. */
struct lines {
	char *text;
	char **line;
	size_t cnt;
};

static void
free_lines(struct lines *lines)
{
	free(lines->text);
	free(lines->line);
}

static int
compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
split(struct lines *lines, size_t bytes)
{
	size_t max = 1;

	for (size_t i = 0; i < bytes; i++)
		max += lines->text[i] == '\n';
	lines->line = calloc(max, sizeof(*lines->line));
	if (!lines->line)
		return -1;
	for (char *line = strtok(lines->text, "\n"); line; line = strtok(NULL, "\n"))
		lines->line[lines->cnt++] = line;
	qsort(lines->line, lines->cnt, sizeof(*lines->line), compare_lines);
	return 0;
}

/* Reads a zone file into lines. Returns 0, or -1 when a message has been printed. */
static int
read_lines(const char *zone, const char *path, struct lines *lines)
{
	struct vly_zone_scanner scanner = {0};
	struct vly_zone_report report;
	struct vly_hash_key key = {{1, 2, 3, 4}};
	struct vly_zone tree;
	size_t bytes = 0;
	int result = -1;

	vly_zone_report_defaults(&report);
	report.severity[VLY_ZONE_CHECK_out_of_zone] = VLY_ZONE_ERROR;
	if (vly_zone_read_file(&tree, &scanner, &key, zone, path, NULL, &report) == 0) {
		FILE *out = open_memstream(&lines->text, &bytes);
		if (report.error_cnt == 0 && out && vly_zone_print(&tree, out) == 0)
			result = 0;
		if (out)
			fclose(out);
		vly_zone_free(&tree);
	}
	vly_zone_scanner_free(&scanner);
	if (report.error_cnt > 0)
		fprintf(stderr, "volleyctl: %s:%llu: %s\n", report.first.file,
			(unsigned long long)report.first.line, report.first.text);
	return result == 0 ? split(lines, bytes) : -1;
}

/* Writes the lines that only one side has. */
static void
write_difference(FILE *out, const struct lines *old, const struct lines *new)
{
	size_t i = 0;
	size_t j = 0;

	while (i < old->cnt || j < new->cnt) {
		int order = i == old->cnt   ? 1
			    : j == new->cnt ? -1
					    : strcmp(old->line[i], new->line[j]);
		if (order < 0)
			fprintf(out, "- %s\n", old->line[i]);
		i += order <= 0;
		j += order >= 0;
	}
	for (i = j = 0; j < new->cnt;) {
		int order = i == old->cnt ? 1 : strcmp(old->line[i], new->line[j]);
		if (order > 0)
			fprintf(out, "+ %s\n", new->line[j]);
		i += order <= 0;
		j += order >= 0;
	}
}

static int
run_editor(const char *path)
{
	const char *editor = getenv("VISUAL");
	char *command;

	if (!editor || !*editor)
		editor = getenv("EDITOR");
	if (asprintf(&command, "%s '%s'", editor && *editor ? editor : "vi", path) < 0)
		return -1;
	int status = system(command);
	free(command);
	if (status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	fprintf(stderr, "volleyctl: the editor failed; nothing was changed\n");
	return -1;
}

static enum vly_ctl_exit
submit(const struct vly_ctl *ctl, const char *zone, const char *old_path, const char *new_path,
       enum vly_ctl_exit (*send)(const struct vly_ctl *, const char *, const char *))
{
	enum vly_ctl_exit code = VLY_CTL_FAILED;
	struct lines old = {0};
	struct lines new = {0};
	char *text = NULL;
	size_t bytes = 0;

	if (read_lines(zone, old_path, &old) == 0 && read_lines(zone, new_path, &new) == 0) {
		FILE *out = open_memstream(&text, &bytes);
		if (out) {
			write_difference(out, &old, &new);
			fclose(out);
		}
		if (text && bytes > 0)
			code = send(ctl, zone, text);
		else if (text)
			code = VLY_CTL_OK;
		if (text && bytes == 0)
			printf("no change\n");
	}
	free(text);
	free_lines(&old);
	free_lines(&new);
	return code;
}

static int
copy_file(const char *from, const char *to)
{
	char block[65536];
	size_t bytes;
	FILE *in = fopen(from, "r");
	FILE *out = fopen(to, "w");
	bool good = in && out;

	while (good && (bytes = fread(block, 1, sizeof(block), in)) > 0)
		good = fwrite(block, 1, bytes, out) == bytes;
	if (in)
		fclose(in);
	if (out && fclose(out) != 0)
		good = false;
	if (!good)
		fprintf(stderr, "volleyctl: %s: %s\n", to, strerror(errno));
	return good ? 0 : -1;
}

enum vly_ctl_exit
vly_ctl_zone_edit(const struct vly_ctl *ctl, const char *zone,
		  enum vly_ctl_exit (*send)(const struct vly_ctl *, const char *, const char *))
{
	char directory[] = "/tmp/volley-edit-XXXXXX";
	char old_path[64];
	char new_path[64];
	enum vly_ctl_exit code = VLY_CTL_FAILED;

	if (!mkdtemp(directory)) {
		fprintf(stderr, "volleyctl: %s: %s\n", directory, strerror(errno));
		return VLY_CTL_FAILED;
	}
	snprintf(old_path, sizeof(old_path), "%s/before.zone", directory);
	snprintf(new_path, sizeof(new_path), "%s/edit.zone", directory);
	FILE *old = fopen(old_path, "w+");
	if (old)
		code = vly_ctl_zone_fetch(ctl, zone, old);
	if (old)
		fclose(old);
	if (code == VLY_CTL_OK)
		code = copy_file(old_path, new_path) == 0 && run_editor(new_path) == 0
			       ? submit(ctl, zone, old_path, new_path, send)
			       : VLY_CTL_FAILED;
	unlink(old_path);
	bool keep = code != VLY_CTL_OK && access(new_path, R_OK) == 0;
	if (keep)
		fprintf(stderr, "volleyctl: your text is kept in %s\n", new_path);
	else
		unlink(new_path);
	rmdir(directory);
	return code;
}
