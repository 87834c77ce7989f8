/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * HTTP and HTTPS, by libcurl's multi interface on our loop: libcurl says which sockets it waits for (on_socket_wanted)
 * and when it wants to be called (on_timer_wanted), and is called then.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/version.h"
#include "probe_parts.h"

struct vly_web {
	struct vly_prober *prober;
	CURLM *multi;
	uv_timer_t timer;
};

struct web_probe {
	struct vly_probe probe;
	CURL *easy;
	struct curl_slist *connect_to;
	char *body; /* [body_max + 1] */
	size_t body_bytes;
	size_t body_max;
	bool is_cut; /* we wanted no more of the body */
	char error[CURL_ERROR_SIZE];
};

struct web_socket {
	uv_poll_t poll;
	struct vly_web *web;
	curl_socket_t fd;
};

static void
release(struct vly_probe *base)
{
	struct web_probe *probe = (struct web_probe *)base;

	if (probe->easy) {
		curl_multi_remove_handle(base->prober->web->multi, probe->easy);
		curl_easy_cleanup(probe->easy);
	}
	curl_slist_free_all(probe->connect_to);
	free(probe->body);
	free(probe);
}

static void
judge(const struct web_probe *probe, struct vly_probe_result *result)
{
	const struct vly_health_check *check = probe->probe.check;
	const char *wanted = VLY_PROBE_TEXT(check, BODY);
	long status = 0;

	curl_easy_getinfo(probe->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < 100 ||
	    !vly_health_status_fits(VLY_PROBE_TEXT(check, STATUS), (unsigned)status))
		vly_probe_say(result, VLY_PROBE_FAILED, "status %ld, not %s", status,
			      VLY_PROBE_TEXT(check, STATUS));
	else if (wanted && !memmem(probe->body, probe->body_bytes, wanted, strlen(wanted)))
		vly_probe_say(
			result, VLY_PROBE_FAILED,
			"status %ld, but \"%.100s\" is not in the first %zu octets of the body",
			status, wanted, probe->body_bytes);
	else
		vly_probe_say(result, VLY_PROBE_PASSED, "status %ld", status);
}

static void
on_ended(struct web_probe *probe, CURLcode code)
{
	struct vly_probe_result result;

	if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && probe->is_cut))
		judge(probe, &result);
	else
		vly_probe_say(&result,
			      code == CURLE_OUT_OF_MEMORY || code == CURLE_SSL_CACERT_BADFILE
				      ? VLY_PROBE_UNABLE
				      : VLY_PROBE_FAILED,
			      "%s", *probe->error ? probe->error : curl_easy_strerror(code));
	vly_probe_finish(&probe->probe, &result);
}

static void
take_ended(struct vly_web *web)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(web->multi, &left)) != NULL) {
		struct web_probe *probe = NULL;
		const CURLcode code = message->data.result;
		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&probe);
		on_ended(probe, code);
	}
}

static void
on_socket_event(uv_poll_t *poll, int status, int events)
{
	const struct web_socket *sock = poll->data;
	struct vly_web *web = sock->web;
	const int what = (events & UV_READABLE ? CURL_CSELECT_IN : 0) |
			 (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0) |
			 (status < 0 ? CURL_CSELECT_ERR : 0);
	int running;

	curl_multi_socket_action(web->multi, sock->fd, what, &running);
	take_ended(web);
}

static void
on_socket_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static struct web_socket *
new_socket(struct vly_web *web, curl_socket_t fd)
{
	struct web_socket *sock = calloc(1, sizeof(*sock));

	if (!sock || uv_poll_init(web->prober->loop, &sock->poll, fd) < 0) {
		free(sock);
		return NULL;
	}
	sock->poll.data = sock;
	sock->web = web;
	sock->fd = fd;
	curl_multi_assign(web->multi, fd, sock);
	return sock;
}

static int
on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct vly_web *web = arg;
	struct web_socket *sock = socket_arg;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (sock) {
			uv_poll_stop(&sock->poll);
			uv_close((uv_handle_t *)&sock->poll, on_socket_closed);
			curl_multi_assign(web->multi, fd, NULL);
		}
		return 0;
	}
	if (!sock)
		sock = new_socket(web, fd);
	if (!sock)
		return -1;
	uv_poll_start(&sock->poll,
		      (what != CURL_POLL_OUT ? UV_READABLE : 0) |
			      (what != CURL_POLL_IN ? UV_WRITABLE : 0),
		      on_socket_event);
	return 0;
}

static void
on_timer(uv_timer_t *timer)
{
	struct vly_web *web = timer->data;
	int running;

	curl_multi_socket_action(web->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	take_ended(web);
}

static int
on_timer_wanted(CURLM *multi, long timeout_ms, void *arg)
{
	struct vly_web *web = arg;

	(void)multi;
	if (timeout_ms < 0)
		uv_timer_stop(&web->timer);
	else
		uv_timer_start(&web->timer, on_timer, (uint64_t)timeout_ms, 0);
	return 0;
}

static size_t
on_body(char *octets, size_t size, size_t cnt, void *arg)
{
	struct web_probe *probe = arg;
	const size_t bytes = size * cnt;
	const size_t room = probe->body_max - probe->body_bytes;
	const size_t taken = bytes < room ? bytes : room;

	memcpy(probe->body + probe->body_bytes, octets, taken);
	probe->body_bytes += taken;
	probe->is_cut = taken < bytes;
	return taken;
}

static struct vly_web *
new_web(struct vly_prober *prober)
{
	struct vly_web *web = calloc(1, sizeof(*web));

	if (!web)
		return NULL;
	web->prober = prober;
	web->multi = curl_multi_init();
	if (!web->multi) {
		free(web);
		return NULL;
	}
	uv_timer_init(prober->loop, &web->timer);
	web->timer.data = web;
	curl_multi_setopt(web->multi, CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
	curl_multi_setopt(web->multi, CURLMOPT_SOCKETDATA, web);
	curl_multi_setopt(web->multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted);
	curl_multi_setopt(web->multi, CURLMOPT_TIMERDATA, web);
	return web;
}

static void
on_web_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void
vly_web_free(struct vly_web *web)
{
	if (!web)
		return;
	curl_multi_cleanup(web->multi);
	uv_close((uv_handle_t *)&web->timer, on_web_closed);
}

/* The request is for the host, and the connection goes to the address. */
static bool
set_target(struct web_probe *probe)
{
	const struct vly_health_check *check = probe->probe.check;
	const char *address = VLY_PROBE_TEXT(check, ADDRESS);
	const char *host = VLY_PROBE_TEXT(check, HOST);
	const bool is_ipv6 = strchr(address, ':') != NULL;
	const unsigned port = (unsigned)VLY_PROBE_NUMBER(check, PORT);
	const bool is_https = check->type == VLY_HEALTH_HTTPS;
	const bool is_usual = port == (is_https ? 443 : 80);
	char literal[64], to[80], *url;

	snprintf(literal, sizeof(literal), is_ipv6 ? "[%s]" : "%s", address);
	snprintf(to, sizeof(to), "::%s:%u", literal, port);
	probe->connect_to = curl_slist_append(NULL, to);
	char number[8] = "";
	if (!is_usual)
		snprintf(number, sizeof(number), ":%u", port);
	if (!probe->connect_to ||
	    asprintf(&url, "%s://%s%s%s", is_https ? "https" : "http", host ? host : literal,
		     number, VLY_PROBE_TEXT(check, PATH)) < 0)
		return false;
	CURLcode code = curl_easy_setopt(probe->easy, CURLOPT_URL, url);
	free(url);
	curl_easy_setopt(probe->easy, CURLOPT_CONNECT_TO, probe->connect_to);
	return code == CURLE_OK;
}

static void
set_options(struct web_probe *probe)
{
	const struct vly_health_check *check = probe->probe.check;
	CURL *easy = probe->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, probe);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, probe->error);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, probe);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* not even that of the environment */
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 8192L);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "volley-health");
	if (check->type != VLY_HEALTH_HTTPS)
		return;
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, (long)VLY_PROBE_NUMBER(check, VERIFY));
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, VLY_PROBE_NUMBER(check, VERIFY) ? 2L : 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	if (VLY_PROBE_TEXT(check, CA_FILE)) {
		curl_easy_setopt(easy, CURLOPT_CAINFO, VLY_PROBE_TEXT(check, CA_FILE));
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	}
}

struct vly_probe *
vly_probe_web(struct vly_prober *prober, const struct vly_health_check *check,
	      struct vly_probe_result *result)
{
	struct web_probe *probe = calloc(1, sizeof(*probe));

	if (!prober->web)
		prober->web = new_web(prober);
	if (!probe || !prober->web) {
		free(probe);
		return vly_probe_say(result, VLY_PROBE_UNABLE, "out of memory");
	}
	probe->probe = (struct vly_probe){
		.prober = prober,
		.check = check,
		.stage = "for the response",
		.release = release,
	};
	probe->body_max = VLY_PROBE_NUMBER(check, SIZE_MAX);
	probe->body = malloc(probe->body_max + 1);
	probe->easy = curl_easy_init();
	bool good = probe->body && probe->easy && set_target(probe);
	if (good) {
		set_options(probe);
		good = curl_multi_add_handle(prober->web->multi, probe->easy) == CURLM_OK;
	}
	if (good)
		return &probe->probe;
	release(&probe->probe);
	return vly_probe_say(result, VLY_PROBE_UNABLE, "libcurl did not take the request");
}
