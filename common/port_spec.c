/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "port_spec.h"

#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kernel_option.h"
#include "number.h"

enum target {
	TARGET_NOTHING,
	TARGET_INTERFACE,
	TARGET_DEVICE,
	TARGET_FILE,
};

static const struct port_kind {
	const char *name;
	enum target target;
	const char *argument;
	const char *options;
} port_kind[] = {
#define X(id, name, target, argument, options, help) {name, TARGET_##target, argument, options},
	VLY_PORT_KINDS(X)
#undef X
};

struct reading {
	struct vly_port_spec *spec;
	char *reason;
	size_t reason_bytes;
};

__attribute__((format(printf, 2, 3))) static int
bad(struct reading *reading, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reading->reason, reading->reason_bytes, format, args);
	va_end(args);
	return -1;
}

static const struct port_kind *
kind_of(const struct vly_port_spec *spec)
{
	return &port_kind[spec->kind];
}

/* Whether this kind of port takes the option `name`, and `text` begins with it. */
static bool
is_option(const struct vly_port_spec *spec, const char *name, const char *text, size_t len)
{
	size_t name_len = strlen(name);

	return strstr(kind_of(spec)->options, name) != NULL && len >= name_len &&
	       memcmp(text, name, name_len) == 0;
}

/* Returns 0, or -1 when something is `wrong` with an option. */
static int
refuse_option(struct reading *reading, const char *text, size_t len, const char *wrong)
{
	if (wrong == NULL)
		return 0;
	return bad(reading, "%.*s: %s", (int)(len < 60 ? len : 60), text, wrong);
}

/* One "name" or "name=value" behind a port. */
static int
read_option(struct reading *reading, const char *text, size_t len)
{
	struct vly_port_spec *spec = reading->spec;
	uint64_t queue_cnt;

	if (len == 4 && is_option(spec, "loop", text, len)) {
		spec->loop = true;
		return 0;
	}
	if (len > 4 && is_option(spec, "out=", text, len)) {
		if (len - 4 >= sizeof(spec->out))
			return bad(reading, "the path behind out= has at most %zu octets",
				   sizeof(spec->out) - 1);
		memcpy(spec->out, text + 4, len - 4);
		return 0;
	}
	if (is_option(spec, "queues=", text, len)) {
		if (!vly_number_is(text + 7, len - 7, 1, VLY_LCORES_MAX, &queue_cnt))
			return bad(reading, "queues= takes a number from 1 to %d", VLY_LCORES_MAX);
		spec->queue_cnt = (unsigned)queue_cnt;
		return 0;
	}
	if (is_option(spec, "kernel=", text, len))
		return refuse_option(reading, text, len,
				     vly_kernel_option_name(spec, text + 7, len - 7));
	if (is_option(spec, "address=", text, len))
		return refuse_option(reading, text, len,
				     vly_kernel_option_address(spec, text + 8, len - 8));
	return bad(reading, "\"%.*s\" is not an option of %s ports", (int)(len < 60 ? len : 60),
		   text, kind_of(spec)->name);
}

static int
read_target(struct reading *reading, const char *text, size_t len)
{
	struct vly_port_spec *spec = reading->spec;
	const struct port_kind *kind = kind_of(spec);
	bool is_file = kind->target == TARGET_FILE;
	char *target = is_file ? spec->file : spec->target;
	size_t max = is_file ? sizeof(spec->file) : sizeof(spec->target);

	if (len == 0)
		return bad(reading, "%s needs a name: %s:%s", kind->name, kind->name,
			   kind->argument);
	if (kind->target == TARGET_INTERFACE && len >= IF_NAMESIZE)
		return bad(reading, "an interface's name has at most %d characters",
			   IF_NAMESIZE - 1);
	if (len >= max)
		return bad(reading, "the name behind %s: has at most %zu octets", kind->name,
			   max - 1);
	memcpy(target, text, len);
	/* Shown to people only: a long path may be cut. */
	snprintf(spec->name, sizeof(spec->name), "%s:%.48s", kind->name, target);
	return 0;
}

static int
refuse_kind(struct reading *reading)
{
	char list[200];
	size_t len = 0;

	for (unsigned i = 0; i < VLY_PORT_KIND_CNT; i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s%s%s",
					i == 0                       ? ""
					: i + 1 == VLY_PORT_KIND_CNT ? " or "
								     : ", ",
					port_kind[i].name, *port_kind[i].argument ? ":" : "",
					port_kind[i].argument);
	return bad(reading, "must be %s", list);
}

static int
read_kind(struct reading *reading, const char *text, size_t len)
{
	struct vly_port_spec *spec = reading->spec;

	for (unsigned i = 0; i < VLY_PORT_KIND_CNT; i++) {
		if (strlen(port_kind[i].name) != len || memcmp(port_kind[i].name, text, len) != 0)
			continue;
		spec->kind = (enum vly_port_kind)i;
		snprintf(spec->name, sizeof(spec->name), "%s", port_kind[i].name);
		return 0;
	}
	return refuse_kind(reading);
}

int
vly_port_spec_read(struct vly_port_spec *spec, const char *text, char *reason, size_t reason_bytes)
{
	struct reading reading = {.spec = spec, .reason = reason, .reason_bytes = reason_bytes};
	const char *comma = strchrnul(text, ',');
	const char *colon = memchr(text, ':', (size_t)(comma - text));
	const char *kind_end = colon != NULL ? colon : comma;

	*spec = (struct vly_port_spec){.queue_cnt = 1};
	if (read_kind(&reading, text, (size_t)(kind_end - text)) != 0)
		return -1;
	if (kind_of(spec)->target != TARGET_NOTHING) {
		const char *target = colon != NULL ? colon + 1 : comma;
		if (read_target(&reading, target, (size_t)(comma - target)) != 0)
			return -1;
	} else if (colon != NULL) {
		return bad(&reading, "%s takes no name", spec->name);
	}
	while (*comma != '\0') {
		const char *option = comma + 1;
		comma = strchrnul(option, ',');
		if (read_option(&reading, option, (size_t)(comma - option)) != 0)
			return -1;
	}
	if (spec->address_cnt > 0 && !vly_kernel_option_is_on(spec))
		return bad(&reading, "address= needs an interface to the kernel: kernel=NAME");
	return 0;
}
