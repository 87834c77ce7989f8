/* SPDX-License-Identifier: GPL-3.0-or-later */
/* volleyctl keys */
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "ctl.h"
#include "zone/domain.h"

static const char *
text_of(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void
print_time(const char *what, json_int_t seconds)
{
	char text[32];
	time_t time = (time_t)seconds;
	struct tm parts;

	gmtime_r(&time, &parts);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
	printf("%s%s", what, text);
}

static void
print_key(json_t *key)
{
	json_int_t last_use = json_integer_value(json_object_get(key, "last_use"));
	size_t i;
	json_t *grant;

	printf("%s %s%s: %" JSON_INTEGER_FORMAT " updates, %" JSON_INTEGER_FORMAT " refused, ",
	       text_of(key, "name"), text_of(key, "algorithm"),
	       json_is_true(json_object_get(key, "disabled")) ? " (disabled)" : "",
	       json_integer_value(json_object_get(key, "updates")),
	       json_integer_value(json_object_get(key, "refused")));
	if (last_use == 0)
		printf("never used");
	else
		print_time("last used ", last_use);
	putchar('\n');
	if (*text_of(key, "trouble"))
		printf("  can't be used: %s\n", text_of(key, "trouble"));
	json_array_foreach(json_object_get(key, "grants"), i, grant)
	{
		json_t *until = json_object_get(grant, "until");
		printf("  zone %s", text_of(grant, "zone"));
		if (until)
			print_time(" until ", json_integer_value(until));
		putchar('\n');
	}
}

static void
print_keys(json_t *answer)
{
	size_t i;
	json_t *key;

	json_array_foreach(json_object_get(answer, "keys"), i, key)
	{
		print_key(key);
	}
}

static void
print_nothing(json_t *answer)
{
	(void)answer;
}

#define SECRET_BYTES 32 /* as many as a MAC of hmac-sha256 has */

/* Returns a new secret in Base64, to be wiped and freed; NULL: no memory or random bits. */
static char *
make_secret(void)
{
	uint8_t octets[SECRET_BYTES];
	const gnutls_datum_t from = {octets, sizeof(octets)};
	gnutls_datum_t to;
	char *secret = NULL;

	if (getrandom(octets, sizeof(octets), 0) != sizeof(octets))
		return NULL;
	if (gnutls_base64_encode2(&from, &to) == 0) {
		secret = strndup((const char *)to.data, to.size);
		explicit_bzero(to.data, to.size);
		gnutls_free(to.data);
	}
	explicit_bzero(octets, sizeof(octets));
	return secret;
}

/* Adds "types=A,AAAA" to the object. Returns false when it has no "=". */
static bool
add_limit(json_t *object, char *arg)
{
	char *value = strchr(arg, '=');
	char *rest;

	if (!value)
		return false;
	*value++ = '\0';
	if (strcmp(arg, "names") != 0 && strcmp(arg, "types") != 0 && strcmp(arg, "sources") != 0)
		return json_object_set_new(object, arg, json_string(value)) == 0;
	json_t *list = json_array();
	for (char *word = strtok_r(value, ",", &rest); word; word = strtok_r(NULL, ",", &rest))
		json_array_append_new(list, json_string(word));
	return json_object_set_new(object, arg, list) == 0;
}

static enum vly_ctl_exit
add_key(const struct vly_ctl *ctl, char **args, int arg_cnt)
{
	char name[VLY_DOMAIN_TEXT_BYTES];
	char zone[VLY_DOMAIN_TEXT_BYTES];
	bool good = arg_cnt >= 2 && vly_domain_canonical(args[0], name) == NULL &&
		    vly_domain_canonical(args[1], zone) == NULL;
	char *secret = good ? make_secret() : NULL;

	if (!secret)
		return vly_ctl_fail_usage("keys add needs the names of a key and of a zone");
	json_t *object = json_pack("{s:s,s:s,s:s,s:s}", "name", name, "algorithm", "hmac-sha256",
				   "secret", secret, "zone", zone);
	for (int i = 2; good && i < arg_cnt; i++)
		good = add_limit(object, args[i]);
	enum vly_ctl_exit code = VLY_CTL_USAGE;
	if (good) {
		char *text = json_dumps(object, JSON_COMPACT);
		code = vly_ctl_call_and_show(
			ctl, json_pack("{s:s,s:s}", "command", "key-add", "text", text ? text : ""),
			print_nothing);
		free(text);
	} else {
		code = vly_ctl_fail_usage("a limit is written as NAME=WORD or NAME=WORD,WORD");
	}
	if (code == VLY_CTL_OK && !ctl->json)
		printf("key \"%s\" { algorithm hmac-sha256; secret \"%s\"; };\n", name, secret);
	json_decref(object);
	explicit_bzero(secret, strlen(secret));
	free(secret);
	return code;
}

enum vly_ctl_exit
vly_ctl_keys(const struct vly_ctl *ctl, char **args, int arg_cnt)
{
	static const char *const changes[] = {"remove", "disable", "enable"};
	char command[16] = "";

	if (arg_cnt == 0)
		return vly_ctl_call_and_show(ctl, json_pack("{s:s}", "command", "keys"),
					     print_keys);
	if (strcmp(args[0], "add") == 0)
		return add_key(ctl, args + 1, arg_cnt - 1);
	for (unsigned i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		if (strcmp(args[0], changes[i]) == 0)
			snprintf(command, sizeof(command), "key-%s", changes[i]);
	if (arg_cnt != 2 || !command[0])
		return vly_ctl_fail_usage("keys takes no argument; add; or remove, disable or "
					  "enable and the name of a key");
	json_t *request = json_pack("{s:s,s:s}", "command", command, "name", args[1]);
	if (!request)
		return vly_ctl_fail_usage("the key's name is not UTF-8");
	return vly_ctl_call_and_show(ctl, request, print_nothing);
}
