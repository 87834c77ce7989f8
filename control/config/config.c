/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file_text.h"
#include "base/reason.h"
#include "config_parts.h"
#include "cookie_secrets.h"

/* The messages of libcyaml about its one error: the error itself, then the fields around it,
 * innermost first. */
struct complaint {
	char message[512];
	char path[VLY_CONFIG_PATH_BYTES];
	char parent[VLY_CONFIG_PATH_BYTES]; /* `path` without its innermost field */
	unsigned field_cnt;
	bool fields_follow;
};

struct reading {
	const char *path;
	char *text;
	size_t bytes;
	struct complaint complaint;
	struct vly_config_findings findings;
};

static void
prepend(char path[VLY_CONFIG_PATH_BYTES], const char *part)
{
	char whole[VLY_CONFIG_PATH_BYTES];
	const char *dot = path[0] && path[0] != '[' ? "." : "";

	if (snprintf(whole, sizeof(whole), "%s%s%s", part, dot, path) < (int)sizeof(whole))
		strcpy(path, whole);
}

static void
hear_field(struct complaint *complaint, const char *line)
{
	char part[128];
	unsigned entry;

	if (sscanf(line, " in sequence entry '%u'", &entry) == 1)
		snprintf(part, sizeof(part), "[%u]", entry ? entry - 1 : 0);
	else if (sscanf(line, " in mapping field '%127[^']'", part) != 1)
		part[0] = '\0';
	/* a mapping with no field yet counts as a field without a name */
	if (part[0])
		prepend(complaint->path, part);
	if (part[0] && complaint->field_cnt > 0)
		prepend(complaint->parent, part);
	complaint->field_cnt++;
}

static void
hear(cyaml_log_t level, void *arg, const char *format, va_list args)
{
	struct complaint *complaint = arg;
	char line[512];

	if (level < CYAML_LOG_ERROR)
		return;
	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = '\0';
	const char *text = strncmp(line, "Load: ", 6) == 0 ? line + 6 : line;
	if (complaint->fields_follow)
		hear_field(complaint, text);
	else if (strcmp(text, "Backtrace:") == 0)
		complaint->fields_follow = true;
	else if (!complaint->message[0])
		snprintf(complaint->message, sizeof(complaint->message), "%s", text);
}

static struct vly_config_finding *
find_member(struct vly_config_findings *findings, const char *parent, const char *key,
	    const char *text)
{
	char path[VLY_CONFIG_PATH_BYTES];

	snprintf(path, sizeof(path), "%s", parent);
	struct vly_config_finding *finding = vly_config_find(findings, "", 0, "%s", text);
	if (snprintf(finding->path, sizeof(finding->path), "%s%s%s", path, *path ? "." : "", key) >=
	    (int)sizeof(finding->path))
		finding->path[0] = '\0';
	return finding;
}

/* Turns libcyaml's words into ours. */
static void
find_complaint(struct reading *reading, cyaml_err_t err)
{
	struct complaint *complaint = &reading->complaint;
	struct vly_config_findings *findings = &reading->findings;
	struct vly_config_finding *finding;
	const char *text = complaint->message;
	char key[128];

	if (sscanf(text, "Unexpected key: %127[^\n]", key) == 1) {
		find_member(findings, complaint->parent, key, "unknown key");
	} else if (sscanf(text, "Missing required mapping field: %127s", key) == 1) {
		finding = find_member(findings, complaint->parent, key, "must be given");
	} else if (sscanf(text, "Mapping field already seen: %127s", key) == 1) {
		finding = find_member(findings, complaint->parent, key, "given twice");
		finding->last = true;
	} else if (strncmp(text, "Insufficient entries", 20) == 0) {
		find_member(findings, "", complaint->parent, "must not be empty");
	} else {
		finding = find_member(findings, "", complaint->path, text);
		finding->syntax = strncmp(text, "libyaml:", 8) == 0;
		const char *must = strncmp(text, "Expecting STRING", 16) == 0 ? "must be one value"
				   : strncmp(text, "Expecting SEQUENCE", 18) == 0 ? "must be a list"
				   : strncmp(text, "Expecting MAPPING", 17) == 0  ? "must hold keys"
				   : strncmp(text, "STRING length <", 15) == 0 ? "must not be empty"
				   : strncmp(text, "STRING length", 13) == 0   ? "is too long"
				   : !*text                                    ? cyaml_strerror(err)
									       : NULL;
		if (must)
			snprintf(finding->text, sizeof(finding->text), "%s", must);
	}
}

static void
write_findings(struct reading *reading, struct vly_config_errors *errors)
{
	if (reading->findings.cnt == 0)
		return;
	vly_config_locate(reading->text, reading->bytes, &reading->findings);
	for (unsigned i = 0; i < reading->findings.cnt; i++) {
		struct vly_config_finding *finding = &reading->findings.item[i];
		vly_config_write_error(errors, reading->path, finding->line,
				       finding->syntax ? "" : finding->path, finding->text);
	}
}

static const char *const severity_words[] = {
	[VLY_ZONE_IGNORE] = "ignore",
	[VLY_ZONE_WARNING] = "warning",
	[VLY_ZONE_ERROR] = "error",
};

/* Without a text there is no default. Returns whether there was no memory. */
static bool
set_default(char **value, const char *text)
{
	if (!*value && text)
		*value = strdup(text);
	return !*value && text;
}

/* Returns -1 when there is no memory. */
static int
set_defaults(struct vly_config *config)
{
	bool failed = false;

	if (!config->control)
		config->control = calloc(1, sizeof(*config->control));
	if (!config->dataplane)
		config->dataplane = calloc(1, sizeof(*config->dataplane));
	if (!config->answers)
		config->answers = calloc(1, sizeof(*config->answers));
	if (!config->checks)
		config->checks = calloc(1, sizeof(*config->checks));
	if (!config->control || !config->dataplane || !config->answers || !config->checks ||
	    vly_config_defence_defaults(config) < 0 || vly_config_living_defaults(config) < 0 ||
	    vly_config_feed_defaults(config) < 0 || vly_config_health_defaults(config) < 0 ||
	    vly_config_alias_defaults(config) < 0 || vly_config_steer_defaults(config) < 0)
		return -1;
#define X(id, name, severity, help)                                                                \
	failed |= set_default(&config->checks->id, severity_words[VLY_ZONE_##severity]);
	VLY_ZONE_CHECKS(X)
#undef X
	failed |= set_default(&config->checks->verify_signatures, "sample");
	failed |= set_default(&config->control->socket, "/run/volley/control.sock");
	failed |= set_default(&config->control->socket_group, "volley");
	failed |= set_default(&config->control->state_dir, "/var/lib/volley");
	failed |= set_default(&config->control->image_cache, "on");
	failed |= set_default(&config->control->log_level, "info");
	for (unsigned i = 0; i < config->key_cnt; i++)
		failed |= set_default(&config->keys[i].algorithm, "hmac-sha256");
	failed |= set_default(&config->answers->any, "one");
	failed |= set_default(&config->answers->additional, "addresses");
#define X(id, name, key, kind, argument, min, max, unit, preset, help)                             \
	failed |= set_default(&config->dataplane->id, preset);
	VLY_DATAPLANE_SETTINGS(X)
#undef X
	return failed ? -1 : 0;
}

void
vly_config_severities(const struct vly_config *config, uint8_t severity[VLY_ZONE_CHECK_CNT])
{
	const char *const value[] = {
#define X(id, name, severity, help) config->checks->id,
		VLY_ZONE_CHECKS(X)
#undef X
	};

	for (unsigned i = 0; i < VLY_ZONE_CHECK_CNT; i++)
		for (uint8_t word = VLY_ZONE_IGNORE; word <= VLY_ZONE_ERROR; word++)
			if (strcmp(value[i], severity_words[word]) == 0)
				severity[i] = word;
}

enum vly_dnssec_verify
vly_config_verify(const struct vly_config *config)
{
	const char *word = config->checks->verify_signatures;

	return strcmp(word, "all") == 0    ? VLY_DNSSEC_VERIFY_ALL
	       : strcmp(word, "none") == 0 ? VLY_DNSSEC_VERIFY_NONE
					   : VLY_DNSSEC_VERIFY_SAMPLE;
}

/* Makes a path that is relative to the configuration's own. */
static int
set_path(char **file, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *whole;

	if (!slash || !*file || **file == '/')
		return 0;
	if (asprintf(&whole, "%.*s/%s", (int)(slash - path), path, *file) < 0)
		return -1;
	free(*file);
	*file = whole;
	return 0;
}

static int
set_paths(struct vly_config *config, const char *path)
{
	for (unsigned i = 0; i < config->zone_cnt; i++)
		if (set_path(&config->zones[i].file, path) < 0 ||
		    set_path(&config->zones[i].directory, path) < 0)
			return -1;
	for (unsigned i = 0; i < config->key_cnt; i++)
		if (set_path(&config->keys[i].secret_file, path) < 0)
			return -1;
	for (unsigned i = 0; i < config->template_cnt; i++)
		if (set_path(&config->templates[i].file, path) < 0)
			return -1;
	for (unsigned i = 0; i < config->tls_cnt; i++)
		if (set_path(&config->tls[i].certificate_file, path) < 0 ||
		    set_path(&config->tls[i].key_file, path) < 0 ||
		    set_path(&config->tls[i].ca_file, path) < 0)
			return -1;
	for (unsigned i = 0; i < config->steer->map_cnt; i++)
		if (set_path(&config->steer->maps[i].mmdb, path) < 0 ||
		    set_path(&config->steer->maps[i].file, path) < 0)
			return -1;
	if (set_path(&config->defence->deny_file, path) < 0)
		return -1;
	return set_path(&config->defence->secrets_file, path);
}

const cyaml_config_t vly_cyaml_settings = {
	.log_fn = hear,
	.mem_fn = cyaml_mem,
	.log_level = CYAML_LOG_ERROR,
	.flags = CYAML_CFG_DEFAULT,
};

static cyaml_err_t
load(struct reading *reading, const cyaml_schema_value_t *schema, struct vly_config **config)
{
	cyaml_config_t settings = vly_cyaml_settings;

	settings.log_ctx = &reading->complaint;
	return cyaml_load_data((const uint8_t *)reading->text, reading->bytes, &settings, schema,
			       (cyaml_data_t **)config, NULL);
}

/* `zones` may be the one entry of a list without the list. */
static cyaml_err_t
load_either(struct reading *reading, struct vly_config **config)
{
	const struct complaint *complaint = &reading->complaint;
	cyaml_err_t err = load(reading, &vly_config_schema, config);

	if (err == CYAML_OK || strncmp(complaint->message, "Expecting SEQUENCE", 18) != 0 ||
	    strcmp(complaint->path, "zones") != 0)
		return err;
	const struct complaint first = *complaint;
	reading->complaint = (struct complaint){0};
	err = load(reading, &vly_config_schema_map, config);
	if (err == CYAML_OK && *config) {
		(*config)->entry_cnt = 1;
	} else if (strncmp(complaint->message, "Expecting MAPPING", 17) == 0) {
		reading->complaint = first;
	}
	return err;
}

static struct vly_config *
parse(struct reading *reading)
{
	struct vly_config *config = NULL;
	cyaml_err_t err = load_either(reading, &config);

	if (err != CYAML_OK)
		find_complaint(reading, err);
	else if (!config)
		vly_config_find(&reading->findings, "", 0,
				"the file is empty: zones must be given");
	if (!config || err != CYAML_OK)
		return NULL;
	if (vly_config_take_entries(config) < 0 || set_defaults(config) < 0 ||
	    set_paths(config, reading->path) < 0)
		vly_config_find(&reading->findings, "", 0, "out of memory");
	else
		vly_config_check(config, &reading->findings);
	if (reading->findings.cnt == 0) {
		vly_config_source_set(config, reading->text, reading->bytes);
		return config;
	}
	vly_config_free(config);
	return NULL;
}

struct vly_config *
vly_config_load(const char *path, struct vly_config_errors *errors)
{
	struct reading *reading = calloc(1, sizeof(*reading));
	struct vly_config *config = NULL;
	const char *why = "out of memory";

	memset(errors, 0, sizeof(*errors));
	if (reading) {
		reading->path = path;
		reading->text = vly_file_read_string(path, SIZE_MAX, &reading->bytes, &why);
	}
	if (!reading || !reading->text) {
		vly_config_write_error(errors, path, 0, "", why);
	} else {
		config = parse(reading);
		write_findings(reading, errors);
	}
	if (reading && reading->text)
		explicit_bzero(reading->text, reading->bytes); /* it may have secrets */
	if (reading)
		free(reading->text);
	free(reading);
	return config;
}

/* Only a configured file is checked here: volley-control makes its own one itself. */
static void
check_secrets(const struct vly_config_defence *defence, struct vly_config_findings *findings)
{
	struct vly_cookie_secrets secrets = {0};
	char reason[VLY_REASON_BYTES];

	if (defence->secrets_file &&
	    vly_cookie_secrets_read(&secrets, defence->secrets_file, reason, sizeof(reason)) != 0)
		vly_config_find(findings, "defence.cookies.secrets-file", 0, "%s", reason);
	explicit_bzero(&secrets, sizeof(secrets));
}

unsigned
vly_config_check_files(const struct vly_config *config, const char *path,
		       struct vly_config_errors *errors)
{
	struct reading *reading = calloc(1, sizeof(*reading));
	const char *why;

	memset(errors, 0, sizeof(*errors));
	if (!reading)
		return 0;
	reading->path = path;
	reading->text = vly_file_read_string(path, SIZE_MAX, &reading->bytes, &why);
	for (unsigned i = 0; i < config->zone_cnt; i++)
		if (config->zones[i].file && access(config->zones[i].file, R_OK) < 0)
			vly_config_find(&reading->findings, "zones[%u].file", i, "%s: %s",
					config->zones[i].file, strerror(errno));
	check_secrets(config->defence, &reading->findings);
	vly_config_keys_check_files(config, &reading->findings);
	vly_config_feed_check_files(config, &reading->findings);
	vly_config_check_machine(config->dataplane, &reading->findings);
	unsigned total = reading->findings.total;
	if (reading->text)
		write_findings(reading, errors);
	free(reading->text);
	free(reading);
	return total;
}

void
vly_config_free(struct vly_config *config)
{
	if (!config)
		return;
	for (unsigned i = 0; i < config->directory_cnt; i++) {
		free(config->directories[i].path);
		free(config->directories[i].pattern);
	}
	free(config->directories);
	for (unsigned i = 0; i < config->key_cnt; i++)
		if (config->keys[i].secret)
			explicit_bzero(config->keys[i].secret, strlen(config->keys[i].secret));
	vly_config_source_clear(config);
	vly_config_defence_free(vly_config_take_defence(config));
	vly_config_feeds_free(config);
	vly_config_health_clear(config->health);
	vly_config_steer_forget(config);
	cyaml_free(&vly_cyaml_settings, &vly_config_schema_read, config, 0);
}

void
vly_config_errors_free(struct vly_config_errors *errors)
{
	for (unsigned i = 0; i < errors->cnt; i++)
		free(errors->text[i]);
	errors->cnt = 0;
}
