/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libcyaml names the keys around an error, but for some errors no line, or the wrong one. This
 * pass over libyaml's events finds the line of any node by its path. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "config_parts.h"

/* The schema is four deep; what is deeper has been refused for it, and keeps the line of the
 * fourth. */
#define DEPTH_MAX 16

struct frame {
	bool mapping;
	bool key_next;
	unsigned idx;
	size_t path_len; /* of the collection itself */
};

struct walk {
	struct vly_config_findings *findings;
	size_t best_len[VLY_CONFIG_ERRORS_MAX]; /* octets of path that the line so far stands for */
	char path[VLY_CONFIG_PATH_BYTES];
	size_t path_len;
	unsigned depth;
	struct frame frame[DEPTH_MAX];
};

static bool
covers(const char *node, size_t node_len, const char *wanted)
{
	if (strncmp(node, wanted, node_len) != 0)
		return false;
	return node_len == 0 || !wanted[node_len] || wanted[node_len] == '.' ||
	       wanted[node_len] == '[';
}

static void
visit(struct walk *walk, uint64_t line)
{
	for (unsigned i = 0; i < walk->findings->cnt; i++) {
		struct vly_config_finding *finding = &walk->findings->item[i];
		if (finding->syntax || !covers(walk->path, walk->path_len, finding->path))
			continue;
		bool better = finding->line == 0 || walk->path_len > walk->best_len[i];
		if (better || (finding->last && walk->path_len == walk->best_len[i])) {
			finding->line = line;
			walk->best_len[i] = walk->path_len;
		}
	}
}

static void
set_path(struct walk *walk, const struct frame *frame, const char *format, const char *key,
	 unsigned idx)
{
	size_t room = sizeof(walk->path) - frame->path_len;
	int len = key ? snprintf(walk->path + frame->path_len, room, format, key)
		      : snprintf(walk->path + frame->path_len, room, "[%u]", idx);

	walk->path_len = frame->path_len + (size_t)len;
	if (walk->path_len >= sizeof(walk->path))
		walk->path_len = sizeof(walk->path) - 1;
}

/* One scalar, alias, or start of a collection. Returns false for a key, which opens no
 * collection. */
static bool
enter_node(struct walk *walk, const yaml_event_t *event)
{
	uint64_t line = event->start_mark.line + 1;

	if (walk->depth == 0) {
		visit(walk, line);
		return true;
	}
	struct frame *frame = &walk->frame[walk->depth - 1];
	if (!frame->mapping) {
		set_path(walk, frame, "", NULL, frame->idx++);
		visit(walk, line);
		return true;
	}
	frame->key_next = !frame->key_next;
	if (frame->key_next)
		return true; /* a value: its path was visited with its key */
	const char *key =
		event->type == YAML_SCALAR_EVENT ? (const char *)event->data.scalar.value : "?";
	set_path(walk, frame, frame->path_len ? ".%s" : "%s", key, 0);
	visit(walk, line);
	return event->type != YAML_SCALAR_EVENT;
}

/* Returns false at the end, and where nothing deeper can be of interest. */
static bool
walk_event(struct walk *walk, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
	case YAML_ALIAS_EVENT:
		enter_node(walk, event);
		return true;
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		enter_node(walk, event);
		if (walk->depth == DEPTH_MAX)
			return false;
		walk->frame[walk->depth++] = (struct frame){
			.mapping = event->type == YAML_MAPPING_START_EVENT,
			.key_next = true,
			.path_len = walk->path_len,
		};
		return true;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		walk->depth--;
		return true;
	case YAML_STREAM_END_EVENT:
		return false;
	default:
		return true;
	}
}

static void
tell_syntax(const yaml_parser_t *parser, struct vly_config_findings *findings)
{
	for (unsigned i = 0; i < findings->cnt; i++) {
		struct vly_config_finding *finding = &findings->item[i];
		if (!finding->syntax)
			continue;
		finding->line = parser->problem_mark.line + 1;
		snprintf(finding->text, sizeof(finding->text), "invalid YAML: %s%s%s",
			 parser->problem ? parser->problem : "unreadable",
			 parser->context ? " " : "", parser->context ? parser->context : "");
	}
}

void
vly_config_locate(const char *text, size_t bytes, struct vly_config_findings *findings)
{
	struct walk *walk = calloc(1, sizeof(*walk));
	yaml_parser_t parser;
	yaml_event_t event;
	bool more = true;

	if (!walk || !yaml_parser_initialize(&parser)) {
		free(walk);
		return;
	}
	walk->findings = findings;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, bytes);
	while (more) {
		if (!yaml_parser_parse(&parser, &event)) {
			tell_syntax(&parser, findings);
			break;
		}
		more = walk_event(walk, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	free(walk);
}
