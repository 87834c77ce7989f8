/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <cyaml/cyaml.h>

#include "config_parts.h"

/* Every scalar is read as text and judged in config_check.c, so that all are refused in one
 * manner. */
#define TEXT(key, object, member)                                                                  \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, object, member, 1,   \
			       4096)

static const cyaml_schema_value_t text_schema = {
	CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, 4096),
};

static const cyaml_schema_field_t control_schema[] = {
	TEXT("socket", struct vly_config_control, socket),
	TEXT("socket-group", struct vly_config_control, socket_group),
	TEXT("state-dir", struct vly_config_control, state_dir),
	TEXT("image-cache", struct vly_config_control, image_cache),
	TEXT("log-level", struct vly_config_control, log_level),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t dataplane_schema[] = {
#define X(id, name, key, ...)                                                                      \
	CYAML_FIELD_SEQUENCE_COUNT(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,                  \
				   struct vly_config_dataplane, id, id##_cnt, &text_schema, 0,     \
				   CYAML_UNLIMITED),
	VLY_DATAPLANE_LISTS(X)
#undef X
#define X(id, name, key, ...) TEXT(key, struct vly_config_dataplane, id),
		VLY_DATAPLANE_SETTINGS(X)
#undef X
			CYAML_FIELD_END,
};

static const cyaml_schema_field_t answers_schema[] = {
	TEXT("any", struct vly_config_answers, any),
	TEXT("additional", struct vly_config_answers, additional),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t checks_schema[] = {
#define X(id, name, severity, help) TEXT(name, struct vly_config_checks, id),
	VLY_ZONE_CHECKS(X)
#undef X
		TEXT("verify-signatures", struct vly_config_checks, verify_signatures),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t zone_fields[] = {
	CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct vly_config_zone, name, 1, 4096),
	CYAML_FIELD_STRING_PTR("file", CYAML_FLAG_POINTER, struct vly_config_zone, file, 1, 4096),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t zone_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct vly_config_zone, zone_fields),
};

/* Sections inside `defence` have their values in one array, the first member of that struct. */
_Static_assert(offsetof(struct vly_config_defence, values) == 0, "sections begin with the struct");
#define VALUE(id, key, ...) TEXT(key, struct vly_defence_values, text[VLY_DEFENCE_##id]),

static const cyaml_schema_field_t source_schema[] = {
	VLY_DEFENCE_SOURCE_SETTINGS(VALUE) CYAML_FIELD_END,
};

static const cyaml_schema_field_t response_schema[] = {
	VLY_DEFENCE_RESPONSE_SETTINGS(VALUE) CYAML_FIELD_END,
};

static const cyaml_schema_field_t cookie_schema[] = {
	VLY_DEFENCE_COOKIE_SETTINGS(VALUE)
		TEXT("secrets-file", struct vly_config_defence, secrets_file),
	CYAML_FIELD_END,
};

#define LIST(key, member, cnt, min)                                                                \
	CYAML_FIELD_SEQUENCE_COUNT(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,                  \
				   struct vly_config_defence, member, cnt, &text_schema, min,      \
				   CYAML_UNLIMITED)

static const cyaml_schema_field_t defence_schema[] = {
	CYAML_FIELD_MAPPING("source-rate", CYAML_FLAG_OPTIONAL, struct vly_config_defence, values,
			    source_schema),
	TEXT("unserved-rate", struct vly_config_defence, values.text[VLY_DEFENCE_unserved_rate]),
	LIST("reflector-ports", reflector_ports, reflector_port_cnt, 1),
	LIST("deny", denied, denied_cnt, 0),
	TEXT("deny-file", struct vly_config_defence, deny_file),
	LIST("allow", allowed, allowed_cnt, 0),
	CYAML_FIELD_MAPPING("responses", CYAML_FLAG_OPTIONAL, struct vly_config_defence, values,
			    response_schema),
	CYAML_FIELD_MAPPING("cookies", CYAML_FLAG_OPTIONAL, struct vly_config_defence, values,
			    cookie_schema),
	CYAML_FIELD_END,
};

const cyaml_schema_value_t vly_config_defence_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct vly_config_defence, defence_schema),
};

static const cyaml_schema_field_t top_fields[] = {
	CYAML_FIELD_MAPPING_PTR("control", CYAML_FLAG_POINTER_NULL_STR | CYAML_FLAG_OPTIONAL,
				struct vly_config, control, control_schema),
	CYAML_FIELD_MAPPING_PTR("dataplane", CYAML_FLAG_POINTER_NULL_STR | CYAML_FLAG_OPTIONAL,
				struct vly_config, dataplane, dataplane_schema),
	CYAML_FIELD_MAPPING_PTR("answers", CYAML_FLAG_POINTER_NULL_STR | CYAML_FLAG_OPTIONAL,
				struct vly_config, answers, answers_schema),
	CYAML_FIELD_MAPPING_PTR("checks", CYAML_FLAG_POINTER_NULL_STR | CYAML_FLAG_OPTIONAL,
				struct vly_config, checks, checks_schema),
	CYAML_FIELD_MAPPING_PTR("defence", CYAML_FLAG_POINTER_NULL_STR | CYAML_FLAG_OPTIONAL,
				struct vly_config, defence, defence_schema),
	CYAML_FIELD_SEQUENCE_COUNT("zones", CYAML_FLAG_POINTER, struct vly_config, zones, zone_cnt,
				   &zone_schema, 0, CYAML_UNLIMITED),
	CYAML_FIELD_END,
};

const cyaml_schema_value_t vly_config_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct vly_config, top_fields),
};
