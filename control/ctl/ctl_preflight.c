/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/plural.h"
#include "common/preflight/preflight.h"
#include "config/config.h"
#include "ctl.h"

/* Where the installed units have it. */
#define CONFIG_DEFAULT "/etc/volley/volley.yaml"

struct output {
	bool json;
	json_t *checks;
	unsigned cnt[VLY_PREFLIGHT_STATUS_CNT];
};

static void
on_result(void *context, const struct vly_preflight_result *result)
{
	struct output *output = context;
	const char *status = vly_preflight_status_name(result->status);

	output->cnt[result->status]++;
	if (output->json)
		json_array_append_new(output->checks,
				      json_pack("{s:s,s:s,s:s,s:s,s:s}", "check", result->check,
						"status", status, "subject", result->subject,
						"reason", result->reason, "cure", result->cure));
	else
		printf("%-5s %-10s %s: %s%s%s\n", status, result->check, result->subject,
		       result->reason, result->cure[0] ? "; " : "", result->cure);
}

static void
say(struct output *output, enum vly_preflight_status status, const char *subject,
    const char *reason)
{
	struct vly_preflight_result result = {.status = status, .check = "config"};

	if (status != VLY_PREFLIGHT_OK)
		snprintf(result.cure, sizeof(result.cure),
			 "correct the configuration; volleyctl check shows its lines");
	snprintf(result.subject, sizeof(result.subject), "%s", subject);
	snprintf(result.reason, sizeof(result.reason), "%s", reason);
	on_result(output, &result);
}

/* What is wrong with a configuration is said as `volleyctl check` does, and the machine is
 * checked for what is right. */
static void
read_config(struct output *output, const char *path, struct vly_preflight_plan *plan)
{
	struct vly_config_errors errors;
	struct vly_config *config = vly_config_load(path, &errors);
	char text[VLY_CONFIG_REASON_BYTES];

	for (unsigned i = 0; i < errors.cnt; i++)
		say(output, VLY_PREFLIGHT_FAIL, path, errors.text[i]);
	vly_config_errors_free(&errors);
	if (!config)
		return;
	if (vly_config_plan(config->dataplane, plan, text) != 0) {
		say(output, VLY_PREFLIGHT_FAIL, path, text);
	} else if (plan->port_cnt == 0) {
		say(output, VLY_PREFLIGHT_WARN, path,
		    "dataplane.ports is empty: only the machine is checked");
	} else {
		snprintf(text, sizeof(text), "ports: %u, queues: %u", plan->port_cnt,
			 vly_preflight_plan_queues(plan));
		say(output, VLY_PREFLIGHT_OK, path, text);
	}
	vly_config_free(config);
}

static enum vly_ctl_exit
finish(const struct output *output)
{
	bool ok = output->cnt[VLY_PREFLIGHT_FAIL] == 0;

	if (output->json) {
		json_t *answer =
			json_pack("{s:b,s:i,s:i,s:O}", "ok", ok, "failed",
				  (int)output->cnt[VLY_PREFLIGHT_FAIL], "warnings",
				  (int)output->cnt[VLY_PREFLIGHT_WARN], "checks", output->checks);
		vly_ctl_print_json(answer, JSON_INDENT(2));
		json_decref(answer);
	} else {
		printf("%u ok, %u warning%s, %u failed\n", output->cnt[VLY_PREFLIGHT_OK],
		       output->cnt[VLY_PREFLIGHT_WARN], vly_plural(output->cnt[VLY_PREFLIGHT_WARN]),
		       output->cnt[VLY_PREFLIGHT_FAIL]);
	}
	return ok ? VLY_CTL_OK : VLY_CTL_FAILED;
}

enum vly_ctl_exit
vly_ctl_preflight(const struct vly_ctl *ctl)
{
	struct output output = {.json = ctl->json, .checks = json_array()};
	struct vly_preflight_plan plan = {0};

	if (ctl->config)
		read_config(&output, ctl->config, &plan);
	else if (access(CONFIG_DEFAULT, F_OK) == 0)
		read_config(&output, CONFIG_DEFAULT, &plan);
	else
		say(&output, VLY_PREFLIGHT_OK, CONFIG_DEFAULT,
		    "not found: only the machine is checked; --config FILE adds ports and CPUs");
	struct vly_preflight_facts *facts = vly_preflight_gather(&plan);
	if (facts)
		vly_preflight_run(&plan, facts, "", VLY_PREFLIGHT_ALL, on_result, &output);
	else
		say(&output, VLY_PREFLIGHT_FAIL, "volleyctl", "out of memory");
	free(facts);
	enum vly_ctl_exit code = finish(&output);
	json_decref(output.checks);
	return code;
}
