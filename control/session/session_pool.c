/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session_pool.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "endpoint.h"

/* Servers that are known. A configuration names far fewer; the pool forgets all of them then. */
#define SERVERS_MAX 4096

struct key {
	struct vly_endpoint address;
	struct vly_endpoint source;
	const struct vly_credentials *credentials;
};

struct server;

/* A connection that waits. */
struct idle {
	struct server *server;
	struct vly_session *session;
	struct idle *prev, *next;
	struct idle *older, *newer; /* of all servers */
};

struct server {
	struct key key;
	struct vly_session_pool *pool;
	struct idle *idle;   /* the one that was used last comes first */
	uint64_t spurned_ms; /* until then, connections are used once */
	UT_hash_handle hh;
};

struct vly_session_pool {
	uv_loop_t *loop;
	struct server *servers;
	struct idle *oldest;
	uint32_t cnt;
};

static struct key
key_of(const struct vly_session_target *target)
{
	return (struct key){vly_endpoint_make(&target->address), vly_endpoint_make(&target->source),
			    target->credentials};
}

static struct server *
find(const struct vly_session_pool *pool, const struct vly_session_target *target)
{
	const struct key key = key_of(target);
	struct server *server;

	HASH_FIND(hh, pool->servers, &key, sizeof(key), server);
	return server;
}

static struct server *
add(struct vly_session_pool *pool, const struct vly_session_target *target)
{
	if (HASH_COUNT(pool->servers) >= SERVERS_MAX)
		vly_session_pool_empty(pool);
	struct server *server = calloc(1, sizeof(*server));
	if (!server)
		return NULL;
	server->pool = pool;
	server->key = key_of(target);
	HASH_ADD(hh, pool->servers, key, sizeof(server->key), server);
	if (server->hh.tbl)
		return server;
	free(server);
	return NULL;
}

/* Takes a connection out of the pool. */
static struct vly_session *
detach(struct idle *idle)
{
	struct vly_session *session = idle->session;

	DL_DELETE(idle->server->idle, idle);
	DL_DELETE2(idle->server->pool->oldest, idle, older, newer);
	idle->server->pool->cnt--;
	free(idle);
	return session;
}

/* What nobody has asked for: whatever is read next from this connection can't be trusted to be an answer. */
static void
on_message(void *arg, const uint8_t *message, size_t len)
{
	(void)message;
	(void)len;
	vly_session_close(detach(arg));
}

static void
on_closed(void *arg, enum vly_session_end end, const char *reason)
{
	(void)end;
	(void)reason;
	(void)detach(arg);
}

static void
on_opened(void *arg, const struct vly_session_peer *peer)
{
	(void)arg;
	(void)peer;
}

static const struct vly_session_callbacks callbacks = {
	.opened = on_opened,
	.message = on_message,
	.closed = on_closed,
};

struct vly_session_pool *
vly_session_pool_new(uv_loop_t *loop)
{
	struct vly_session_pool *pool = calloc(1, sizeof(*pool));

	if (pool)
		pool->loop = loop;
	return pool;
}

struct vly_session *
vly_session_pool_take(struct vly_session_pool *pool, const struct vly_session_target *target,
		      const struct vly_session_callbacks *user, void *arg)
{
	struct server *server = find(pool, target);
	struct vly_session_limits limits;

	if (!server || !server->idle)
		return NULL;
	struct vly_session *session = detach(server->idle);
	vly_session_hand_over(session, user, arg);
	vly_session_limits_default(&limits);
	vly_session_limit(session, &limits);
	return session;
}

static bool
may_wait(const struct vly_session_pool *pool, const struct server *server)
{
	return server->spurned_ms <= uv_now(pool->loop);
}

void
vly_session_pool_put(struct vly_session_pool *pool, struct vly_session *session,
		     const struct vly_session_target *target)
{
	struct server *server = find(pool, target);
	struct vly_session_limits limits;

	if (!server)
		server = add(pool, target);
	struct idle *idle = server && may_wait(pool, server) ? calloc(1, sizeof(*idle)) : NULL;
	if (!idle) {
		vly_session_close(session);
		return;
	}
	if (pool->cnt == VLY_SESSION_POOL_MAX)
		vly_session_close(detach(pool->oldest));
	idle->server = server;
	idle->session = session;
	DL_PREPEND(server->idle, idle);
	DL_APPEND2(pool->oldest, idle, older, newer);
	pool->cnt++;
	vly_session_hand_over(session, &callbacks, idle);
	vly_session_limits_default(&limits);
	limits.idle_ms = VLY_SESSION_POOL_IDLE_MS;
	vly_session_limit(session, &limits);
	vly_session_resume(session);
}

void
vly_session_pool_spurn(struct vly_session_pool *pool, const struct vly_session_target *target)
{
	struct server *server = find(pool, target);

	if (!server)
		server = add(pool, target);
	if (!server)
		return;
	server->spurned_ms = uv_now(pool->loop) + VLY_SESSION_POOL_SPURN_MS;
	while (server->idle)
		vly_session_close(detach(server->idle));
}

uint32_t
vly_session_pool_cnt(const struct vly_session_pool *pool)
{
	return pool->cnt;
}

void
vly_session_pool_empty(struct vly_session_pool *pool)
{
	struct server *server;
	struct server *next;

	HASH_ITER(hh, pool->servers, server, next)
	{
		while (server->idle)
			vly_session_close(detach(server->idle));
		HASH_DELETE(hh, pool->servers, server);
		free(server);
	}
}

void
vly_session_pool_free(struct vly_session_pool *pool)
{
	if (!pool)
		return;
	vly_session_pool_empty(pool);
	free(pool);
}
