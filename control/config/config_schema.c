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

#define TEXTS(key, object, member, cnt)                                                            \
	CYAML_FIELD_SEQUENCE_COUNT(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, object, member,  \
				   cnt, &text_schema, 1, CYAML_UNLIMITED)

static const cyaml_schema_field_t journal_schema[] = {
	TEXT("changes", struct vly_config_journal, changes),
	TEXT("size", struct vly_config_journal, size),
	TEXT("age", struct vly_config_journal, age),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t control_schema[] = {
	TEXT("socket", struct vly_config_control, socket),
	TEXT("socket-group", struct vly_config_control, socket_group),
	TEXT("state-dir", struct vly_config_control, state_dir),
	TEXT("image-cache", struct vly_config_control, image_cache),
	TEXT("log-level", struct vly_config_control, log_level),
	CYAML_FIELD_MAPPING_PTR("journal", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
				struct vly_config_control, journal, journal_schema),
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

#define GRANT_LIST(key, member, cnt) TEXTS(key, struct vly_grant_text, member, cnt)

static const cyaml_schema_field_t grant_fields[] = {
	CYAML_FIELD_STRING_PTR("key", CYAML_FLAG_POINTER, struct vly_grant_text, key, 1, 4096),
	GRANT_LIST("names", names, name_cnt),
	GRANT_LIST("types", types, type_cnt),
	TEXT("ttl-min", struct vly_grant_text, ttl_min),
	TEXT("ttl-max", struct vly_grant_text, ttl_max),
	TEXT("until", struct vly_grant_text, until),
	GRANT_LIST("sources", sources, source_cnt),
	TEXT("rate", struct vly_grant_text, rate),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t grant_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct vly_grant_text, grant_fields),
};

static const cyaml_schema_field_t key_fields[] = {
	CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct vly_config_key, name, 1, 4096),
	TEXT("algorithm", struct vly_config_key, algorithm),
	TEXT("secret", struct vly_config_key, secret),
	TEXT("secret-file", struct vly_config_key, secret_file),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t key_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct vly_config_key, key_fields),
};

static const cyaml_schema_field_t tls_fields[] = {
	CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct vly_config_tls, name, 1, 4096),
	TEXT("certificate-file", struct vly_config_tls, certificate_file),
	TEXT("key-file", struct vly_config_tls, key_file),
	TEXT("ca-file", struct vly_config_tls, ca_file),
	TEXT("hostname", struct vly_config_tls, hostname),
	TEXTS("pins", struct vly_config_tls, pins, pin_cnt),
	TEXT("verify", struct vly_config_tls, verify),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t tls_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct vly_config_tls, tls_fields),
};

static const cyaml_schema_field_t remote_fields[] = {
	CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct vly_config_remote, name, 1, 4096),
	CYAML_FIELD_SEQUENCE_COUNT("address", CYAML_FLAG_POINTER, struct vly_config_remote,
				   addresses, address_cnt, &text_schema, 1, CYAML_UNLIMITED),
	TEXT("key", struct vly_config_remote, key),
	TEXT("tls", struct vly_config_remote, tls),
	TEXT("source", struct vly_config_remote, source),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t remote_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct vly_config_remote, remote_fields),
};

static const cyaml_schema_field_t transfers_fields[] = {
	TEXT("in-max", struct vly_config_transfers, in_max),
	TEXT("in-rate", struct vly_config_transfers, in_rate),
	TEXT("in-size", struct vly_config_transfers, in_size),
	TEXT("in-time", struct vly_config_transfers, in_time),
	TEXT("review-size", struct vly_config_transfers, review_size),
	TEXT("review-time", struct vly_config_transfers, review_time),
	TEXT("out-max", struct vly_config_transfers, out_max),
	TEXT("out-time", struct vly_config_transfers, out_time),
	TEXT("tls", struct vly_config_transfers, tls),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t alias_fields[] = {
	CYAML_FIELD_SEQUENCE_COUNT("forwarders", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
				   struct vly_config_alias, forwarders, forwarder_cnt, &text_schema,
				   0, CYAML_UNLIMITED),
	CYAML_FIELD_SEQUENCE_COUNT("allow", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
				   struct vly_config_alias, allow, allow_cnt, &text_schema, 0,
				   CYAML_UNLIMITED),
	TEXT("ttl-min", struct vly_config_alias, ttl_min),
	TEXT("ttl-max", struct vly_config_alias, ttl_max),
	TEXT("keep-missing", struct vly_config_alias, keep_missing),
	TEXT("rate", struct vly_config_alias, rate),
	TEXT("parallel", struct vly_config_alias, parallel),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t acl_fields[] = {
	TEXT("key", struct vly_config_acl, key),
	TEXTS("from", struct vly_config_acl, from, from_cnt),
	TEXT("tls", struct vly_config_acl, tls),
	TEXTS("certificate-pins", struct vly_config_acl, certificate_pins, certificate_pin_cnt),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t acl_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct vly_config_acl, acl_fields),
};

static const cyaml_schema_field_t catalog_template_fields[] = {
	TEXT("group", struct vly_config_catalog_template, group),
	CYAML_FIELD_STRING_PTR("template", CYAML_FLAG_POINTER, struct vly_config_catalog_template,
			       template, 1, 4096),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t catalog_template_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct vly_config_catalog_template,
			    catalog_template_fields),
};

/* The keys that zones and templates share; both kinds of object have a member `feed`. */
#define FEED_TEXT(id, key)      TEXT(key, FEED_OBJECT, feed.id),
#define FEED_LIST(id, cnt, key) TEXTS(key, FEED_OBJECT, feed.id, feed.cnt),
#define FEED_FIELDS                                                                                \
	VLY_CONFIG_FEED_TEXTS(FEED_TEXT)                                                           \
	VLY_CONFIG_FEED_LISTS(FEED_LIST)                                                           \
	CYAML_FIELD_SEQUENCE_COUNT("transfer-to", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,        \
				   FEED_OBJECT, feed.transfer_to, feed.transfer_to_cnt,            \
				   &acl_schema, 1, CYAML_UNLIMITED),                               \
		CYAML_FIELD_SEQUENCE_COUNT("catalog-templates",                                    \
					   CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, FEED_OBJECT,  \
					   feed.catalog_templates, feed.catalog_template_cnt,      \
					   &catalog_template_schema, 1, CYAML_UNLIMITED)

#define FEED_OBJECT struct vly_config_template
static const cyaml_schema_field_t template_fields[] = {
	CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct vly_config_template, name, 1,
			       4096),
	TEXT("file", struct vly_config_template, file),
	TEXT("living", struct vly_config_template, living),
	FEED_FIELDS,
	CYAML_FIELD_END,
};
#undef FEED_OBJECT

static const cyaml_schema_value_t template_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct vly_config_template, template_fields),
};

const cyaml_schema_value_t vly_config_template_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct vly_config_template, template_fields),
};

static const cyaml_schema_field_t steer_name_fields[] = {
	CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct vly_config_steer_name, name, 1,
			       4096),
	CYAML_FIELD_SEQUENCE_COUNT("types", CYAML_FLAG_POINTER, struct vly_config_steer_name, types,
				   type_cnt, &text_schema, 1, CYAML_UNLIMITED),
	CYAML_FIELD_STRING_PTR("policy", CYAML_FLAG_POINTER, struct vly_config_steer_name, policy,
			       1, 4096),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t steer_name_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct vly_config_steer_name, steer_name_fields),
};

/* The same fields are in a zone as it is read, which begins with the zone. */
_Static_assert(offsetof(struct vly_config_entry, zone) == 0, "an entry begins with its zone");
#define ZONE_FIELDS                                                                                \
	TEXT("name", struct vly_config_zone, name), TEXT("file", struct vly_config_zone, file),    \
		TEXT("directory", struct vly_config_zone, directory),                              \
		TEXT("pattern", struct vly_config_zone, pattern),                                  \
		TEXT("living", struct vly_config_zone, living),                                    \
		TEXT("serial", struct vly_config_zone, serial),                                    \
		TEXT("template", struct vly_config_zone, template),                                \
		CYAML_FIELD_SEQUENCE_COUNT("update", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,     \
					   struct vly_config_zone, update, update_cnt,             \
					   &grant_schema, 1, CYAML_UNLIMITED),                     \
		CYAML_FIELD_SEQUENCE_COUNT("steer", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,      \
					   struct vly_config_zone, steer, steer_cnt,               \
					   &steer_name_schema, 1, CYAML_UNLIMITED)

static const cyaml_schema_field_t zone_fields[] = {
	ZONE_FIELDS,
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t zone_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct vly_config_zone, zone_fields),
};

#define FEED_OBJECT struct vly_config_entry
static const cyaml_schema_field_t entry_fields[] = {
	ZONE_FIELDS,
	FEED_FIELDS,
	CYAML_FIELD_END,
};
#undef FEED_OBJECT

static const cyaml_schema_value_t entry_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct vly_config_entry, entry_fields),
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
	TEXT("request-rate", struct vly_config_defence, values.text[VLY_DEFENCE_request_rate]),
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

#define SECTION(key, member, fields)                                                               \
	CYAML_FIELD_MAPPING_PTR(key, CYAML_FLAG_POINTER_NULL_STR | CYAML_FLAG_OPTIONAL,            \
				struct vly_config, member, fields)

#define SECTION_LIST(key, member, cnt, schema)                                                     \
	CYAML_FIELD_SEQUENCE_COUNT(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,                  \
				   struct vly_config, member, cnt, schema, 0, CYAML_UNLIMITED)

/* All keys but `zones`. */
#define TOP_FIELDS                                                                                 \
	SECTION("control", control, control_schema),                                               \
		SECTION("dataplane", dataplane, dataplane_schema),                                 \
		SECTION("answers", answers, answers_schema),                                       \
		SECTION("checks", checks, checks_schema),                                          \
		SECTION("defence", defence, defence_schema),                                       \
		SECTION_LIST("keys", keys, key_cnt, &key_schema),                                  \
		SECTION_LIST("tls", tls, tls_cnt, &tls_schema),                                    \
		SECTION_LIST("remotes", remotes, remote_cnt, &remote_schema),                      \
		SECTION("transfers", transfers, transfers_fields),                                 \
		SECTION("health", health, vly_config_health_fields),                               \
		SECTION("alias", alias, alias_fields),                                             \
		SECTION("steer", steer, vly_config_steer_fields),                                  \
		SECTION_LIST("templates", templates, template_cnt, &template_schema)

static const cyaml_schema_field_t top_fields[] = {
	TOP_FIELDS,
	CYAML_FIELD_SEQUENCE_COUNT("zones", CYAML_FLAG_POINTER, struct vly_config, entries,
				   entry_cnt, &entry_schema, 0, CYAML_UNLIMITED),
	CYAML_FIELD_END,
};

const cyaml_schema_value_t vly_config_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct vly_config, top_fields),
};

static const cyaml_schema_field_t top_fields_map[] = {
	TOP_FIELDS,
	CYAML_FIELD_MAPPING_PTR("zones", CYAML_FLAG_POINTER, struct vly_config, entries,
				entry_fields),
	CYAML_FIELD_END,
};

const cyaml_schema_value_t vly_config_schema_map = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct vly_config, top_fields_map),
};

static const cyaml_schema_field_t top_fields_read[] = {
	TOP_FIELDS,
	SECTION_LIST("entries", entries, entry_cnt, &entry_schema),
	SECTION_LIST("zones", zones, zone_cnt, &zone_schema),
	CYAML_FIELD_END,
};

const cyaml_schema_value_t vly_config_schema_read = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct vly_config, top_fields_read),
};
