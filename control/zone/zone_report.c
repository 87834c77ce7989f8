/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "zone_report.h"

#include <stdarg.h>
#include <stdio.h>

struct check {
	const char *name;
	uint8_t severity;
};

static const struct check checks[VLY_ZONE_CHECK_CNT] = {
#define X(id, name, severity, help) {name, VLY_ZONE_##severity},
	VLY_ZONE_CHECKS(X)
#undef X
};

const char *
vly_zone_check_name(unsigned check)
{
	return checks[check].name;
}

void
vly_zone_report_defaults(struct vly_zone_report *report)
{
	*report = (struct vly_zone_report){0};
	for (unsigned i = 0; i < VLY_ZONE_CHECK_CNT; i++)
		report->severity[i] = checks[i].severity;
}

bool
vly_zone_report_add(struct vly_zone_report *report, unsigned check, const char *file, uint64_t line,
		    const char *format, ...)
{
	bool must = check == VLY_ZONE_CHECK_must;
	bool is_error = must || report->severity[check] == VLY_ZONE_ERROR;
	char text[sizeof(report->first.text)];
	va_list args;

	if (!is_error && report->severity[check] == VLY_ZONE_IGNORE)
		return false;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (is_error && report->error_cnt == 0) {
		snprintf(report->first.file, sizeof(report->first.file), "%s", file);
		report->first.line = line;
		snprintf(report->first.text, sizeof(report->first.text), "%s", text);
	}
	if (is_error)
		report->error_cnt++;
	else
		report->warning_cnt++;
	if (report->on_finding != NULL)
		report->on_finding(report->context,
				   &(struct vly_zone_finding){
					   .is_error = is_error,
					   .check = must ? "error" : checks[check].name,
					   .file = file,
					   .line = line,
					   .text = text,
				   });
	return is_error;
}
