/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "alias_resolver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unbound.h>

#include <volley/dns.h>

struct vly_alias_resolver {
	struct ub_ctx *context;
	uv_poll_t poll;
	uv_async_t wake; /* queries that could not be asked are done */
	struct vly_alias_query *queries;
	struct vly_alias_query *broken;
	unsigned handle_cnt;
};

static void
unlink_query(struct vly_alias_query *query)
{
	if (query->before != NULL)
		query->before->next = query->next;
	else
		query->resolver->queries = query->next;
	if (query->next != NULL)
		query->next->before = query->before;
}

static bool
is_waiting(const struct vly_alias_query *query)
{
	return query->lookup[0].is_waiting || query->lookup[1].is_waiting;
}

static void
fail(struct vly_alias_found *found, const char *why)
{
	found->outcome = VLY_ALIAS_FAILED;
	snprintf(found->why, sizeof(found->why), "%s", why);
}

static void
take_addresses(struct vly_alias_found *found, const struct ub_result *result, unsigned octets)
{
	for (unsigned i = 0; result->data[i] != NULL; i++)
		if (result->len[i] != (int)octets ||
		    !vly_alias_set_add(&found->set, (const uint8_t *)result->data[i], octets)) {
			char why[VLY_ALIAS_WHY_BYTES];
			snprintf(why, sizeof(why), "it has more than %d addresses",
				 VLY_ALIAS_ADDRESSES_MAX);
			fail(found, why);
			return;
		}
	found->outcome = VLY_ALIAS_GOOD;
	found->ttl_s = result->ttl > 0 ? (uint32_t)result->ttl : 0;
}

static void
take(struct vly_alias_found *found, int error, const struct ub_result *result, unsigned octets)
{
	char why[VLY_ALIAS_WHY_BYTES];

	if (error != 0 || result == NULL) {
		fail(found, ub_strerror(error));
	} else if (result->bogus) {
		fail(found, "the forwarder's answer is bogus");
	} else if (result->havedata) {
		take_addresses(found, result, octets);
	} else if (result->nxdomain || result->rcode == VLY_RCODE_NXDOMAIN ||
		   result->rcode == VLY_RCODE_NOERROR) {
		found->outcome = VLY_ALIAS_MISSING;
		found->is_no_name = result->nxdomain || result->rcode == VLY_RCODE_NXDOMAIN;
	} else if (result->rcode == VLY_RCODE_SERVFAIL) {
		fail(found, "SERVFAIL, or no answer from the forwarders");
	} else {
		snprintf(why, sizeof(why), "the forwarders answer with RCODE %d", result->rcode);
		fail(found, why);
	}
}

static void
on_result(void *arg, int error, struct ub_result *result)
{
	static const unsigned octets[VLY_ALIAS_FAMILIES] = {4, 16};
	struct vly_alias_lookup *lookup = arg;
	struct vly_alias_query *query = lookup->query;
	const unsigned family = (unsigned)(lookup - query->lookup);

	take(&query->found[family], error, result, octets[family]);
	ub_resolve_free(result);
	lookup->is_waiting = false;
	if (is_waiting(query))
		return;
	unlink_query(query);
	query->done(query);
}

static void
on_readable(uv_poll_t *poll, int status, int events)
{
	struct vly_alias_resolver *resolver = poll->data;

	(void)status;
	(void)events;
	(void)ub_process(resolver->context);
}

static void
on_wake(uv_async_t *wake)
{
	struct vly_alias_resolver *resolver = wake->data;
	struct vly_alias_query *query;

	while ((query = resolver->broken) != NULL) {
		resolver->broken = query->next;
		query->done(query);
	}
}

static int
set_options(struct ub_ctx *context, uint32_t ttl_max_s)
{
	char ttl[16];

	snprintf(ttl, sizeof(ttl), "%u", ttl_max_s);
	/* The forwarder may run on this machine, and validates if anybody does. What it says is kept no longer than
	 * we want to know it, and what fails is asked again. A forwarder that was away is asked again soon: libunbound
	 * would wait for up to 15 minutes. */
	const char *const options[][2] = {
		{"do-not-query-localhost:", "no"}, {"module-config:", "iterator"},
		{"cache-max-ttl:", ttl},           {"cache-max-negative-ttl:", "1"},
		{"msg-cache-size:", "4m"},         {"rrset-cache-size:", "4m"},
		{"infra-host-ttl:", "10"},         {"infra-keep-probing:", "yes"},
		{"infra-cache-max-rtt:", "1000"},  {"outbound-msg-retry:", "3"},
	};
	int error = 0;

	for (size_t i = 0; error == 0 && i < sizeof(options) / sizeof(options[0]); i++)
		error = ub_ctx_set_option(context, options[i][0], options[i][1]);
	return error;
}

static int
set_up(struct vly_alias_resolver *resolver, char *const *forwarder, unsigned forwarder_cnt,
       uint32_t ttl_max_s)
{
	static const char *const zones[] = {"test.", "home.arpa.", "invalid.", "onion."};
	struct ub_ctx *context = resolver->context;
	int error = set_options(context, ttl_max_s);

	(void)ub_ctx_debugout(context, NULL); /* not to our standard error */
	for (unsigned i = 0; error == 0 && i < forwarder_cnt; i++)
		error = ub_ctx_set_fwd(context, forwarder[i]);
	if (error == 0)
		error = ub_ctx_async(context, 1);
	/* names that libunbound would answer itself: the forwarder knows better */
	for (size_t i = 0; error == 0 && i < sizeof(zones) / sizeof(zones[0]); i++)
		error = ub_ctx_zone_remove(context, zones[i]);
	return error;
}

static void
on_closed(uv_handle_t *handle)
{
	struct vly_alias_resolver *resolver = handle->data;

	if (--resolver->handle_cnt == 0)
		free(resolver);
}

struct vly_alias_resolver *
vly_alias_resolver_new(uv_loop_t *loop, char *const *forwarder, unsigned forwarder_cnt,
		       uint32_t ttl_max_s, char *reason, size_t reason_bytes)
{
	struct vly_alias_resolver *resolver = calloc(1, sizeof(*resolver));
	int error = UB_NOMEM;

	if (resolver != NULL)
		resolver->context = ub_ctx_create();
	if (resolver != NULL && resolver->context != NULL)
		error = set_up(resolver, forwarder, forwarder_cnt, ttl_max_s);
	if (error == 0 && uv_poll_init(loop, &resolver->poll, ub_fd(resolver->context)) != 0)
		error = UB_PIPE;
	if (error != 0) {
		snprintf(reason, reason_bytes, "libunbound: %s", ub_strerror(error));
		if (resolver != NULL && resolver->context != NULL)
			ub_ctx_delete(resolver->context);
		free(resolver);
		return NULL;
	}
	resolver->poll.data = resolver;
	resolver->wake.data = resolver;
	uv_poll_start(&resolver->poll, UV_READABLE, on_readable);
	uv_async_init(loop, &resolver->wake, on_wake);
	resolver->handle_cnt = 2;
	return resolver;
}

/* The pipe to the thread holds more queries than alias.parallel allows, so that nothing waits for it. */
void
vly_alias_resolver_ask(struct vly_alias_resolver *resolver, struct vly_alias_query *query)
{
	static const int types[VLY_ALIAS_FAMILIES] = {VLY_TYPE_A, VLY_TYPE_AAAA};

	query->resolver = resolver;
	for (unsigned i = 0; i < VLY_ALIAS_FAMILIES; i++) {
		struct vly_alias_lookup *lookup = &query->lookup[i];
		query->found[i] = (struct vly_alias_found){0};
		lookup->query = query;
		int error = ub_resolve_async(resolver->context, query->name, types[i], VLY_CLASS_IN,
					     lookup, on_result, &lookup->id);
		lookup->is_waiting = error == 0;
		if (error != 0)
			fail(&query->found[i], ub_strerror(error));
	}
	query->before = NULL;
	if (!is_waiting(query)) {
		query->next = resolver->broken;
		resolver->broken = query;
		uv_async_send(&resolver->wake);
		return;
	}
	query->next = resolver->queries;
	if (query->next != NULL)
		query->next->before = query;
	resolver->queries = query;
}

void
vly_alias_resolver_free(struct vly_alias_resolver *resolver)
{
	if (resolver == NULL)
		return;
	for (struct vly_alias_query *query = resolver->queries; query != NULL; query = query->next)
		for (unsigned i = 0; i < VLY_ALIAS_FAMILIES; i++)
			if (query->lookup[i].is_waiting)
				(void)ub_cancel(resolver->context, query->lookup[i].id);
	uv_close((uv_handle_t *)&resolver->poll, on_closed);
	uv_close((uv_handle_t *)&resolver->wake, on_closed);
	ub_ctx_delete(resolver->context);
}
