/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Both ends are ours, or one is GnuTLS without ALPN or with other versions. */
#include <errno.h>
#include <gnutls/gnutls.h>
#include <poll.h>
#include <pthread.h>

#include "certificates.h"
#include "side.h"

#define NAME "primary.example"

static struct certificate ca, server_cert, client_cert, other, expired;
static uint8_t big[65535];

static size_t send_max;
static unsigned send_cnt;

ssize_t __real_send(int fd, const void *octets, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *octets, size_t len, int flags);

/* Caps each send, and lets every other one wait. */
ssize_t
__wrap_send(int fd, const void *octets, size_t len, int flags)
{
	if (send_max == 0)
		return __real_send(fd, octets, len, flags);
	if (send_cnt++ % 2 == 1) {
		errno = EAGAIN;
		return -1;
	}
	return __real_send(fd, octets, len < send_max ? len : send_max, flags);
}

static void
set_up(void)
{
	certificate_dir_make();
	certificate_make(&ca, "ca", NULL, 30);
	certificate_make(&server_cert, NAME, &ca, 30);
	certificate_make(&client_cert, "secondary.example", &ca, 30);
	certificate_make(&other, "other.example", NULL, 30);
	certificate_make(&expired, "expired.example", &ca, -1);
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * 7 + i / 251);
}

static void
tear_down(void)
{
	certificate_free(&ca);
	certificate_free(&server_cert);
	certificate_free(&client_cert);
	certificate_free(&other);
	certificate_free(&expired);
	certificate_dir_remove();
}

TestSuite(session_tls, .init = set_up, .fini = tear_down);

static struct vly_credentials *
load(struct vly_credentials_source source)
{
	char reason[512] = "";

	source.name = "xot";
	struct vly_credentials *credentials = vly_credentials_load(&source, reason, sizeof(reason));
	cr_assert_not_null(credentials, "%s", reason);
	return credentials;
}

static struct vly_credentials_source
server_source(void)
{
	return (struct vly_credentials_source){.roles = VLY_CREDENTIALS_SERVER,
					       .certificate_file = server_cert.path,
					       .key_file = server_cert.key_path};
}

static struct vly_credentials_source
client_source(void)
{
	return (struct vly_credentials_source){
		.roles = VLY_CREDENTIALS_CLIENT, .ca_file = ca.path, .hostname = NAME};
}

/* A client and a server that are connected by loopback. Both objects are released. */
struct pair {
	uv_loop_t loop;
	struct side client;
	struct side server;
	struct sockaddr_storage address;
	int listener;
};

static void
pair_init(struct pair *pair)
{
	*pair = (struct pair){0};
	uv_loop_init(&pair->loop);
	pair->listener = make_listener(&pair->address, 5);
}

static void
pair_connect(struct pair *pair, struct vly_credentials *client, struct vly_credentials *server,
	     const struct vly_session_limits *limits)
{
	struct vly_session_target target = {.address = pair->address, .credentials = client};
	char reason[512] = "";

	pair->client.session = vly_session_connect(&pair->loop, &target, limits, &side_callbacks,
						   &pair->client, reason, sizeof(reason));
	cr_assert_not_null(pair->client.session, "%s", reason);
	int fd = accept(pair->listener, NULL, NULL);
	cr_assert_geq(fd, 0);
	side_adopt(&pair->server, &pair->loop, fd, server, limits);
}

static void
pair_free(struct pair *pair)
{
	side_free(&pair->client);
	side_free(&pair->server);
	close(pair->listener);
	loop_end(&pair->loop);
}

static void
pair_open(struct pair *pair, struct vly_credentials *client, struct vly_credentials *server)
{
	pair_init(pair);
	pair_connect(pair, client, server, NULL);
	vly_credentials_release(client);
	vly_credentials_release(server);
	RUN_UNTIL(&pair->loop, (pair->client.opened_cnt || pair->client.closed_cnt) &&
				       (pair->server.opened_cnt || pair->server.closed_cnt));
}

/* Messages of all lengths go both ways, also when the socket takes few octets at a time. */
Test(session_tls, echo)
{
	static const size_t lens[] = {0, 1, 512, 16383, 16384, 16385, 65535, 0};

	for (send_max = 0; send_max < 3000; send_max = send_max * 7 + 37) {
		struct pair pair;
		size_t total = 0;
		pair_open(&pair, load(client_source()), load(server_source()));
		cr_assert_eq(pair.client.opened_cnt, 1, "%s", pair.client.reason);
		cr_expect(pair.client.peer.tls && pair.client.peer.verified);
		cr_expect_arr_eq(pair.client.peer.pin, server_cert.pin, 32);
		cr_expect(pair.server.peer.tls && !pair.server.peer.verified &&
			  !pair.server.peer.has_pin);
		pair.server.echo = true;
		for (unsigned i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
			(void)vly_session_send(pair.client.session, big, lens[i]);
			RUN_UNTIL(&pair.loop, pair.client.message_cnt == i + 1);
			cr_expect_eq(pair.client.last_len, lens[i]);
			cr_expect_arr_eq(pair.client.octets + total, big, lens[i]);
			total += lens[i];
		}
		pair_free(&pair);
	}
	send_max = 0;
}

/* Much at once, with a reader that pauses; then the end, which the other side sees as one. */
Test(session_tls, much_and_finish)
{
	struct pair pair;

	pair_open(&pair, load(client_source()), load(server_source()));
	vly_session_pause(pair.client.session);
	for (unsigned i = 0; i < 60; i++)
		(void)vly_session_send(pair.server.session, big, sizeof(big));
	vly_session_finish(pair.server.session);
	for (unsigned i = 0; i < 5; i++)
		uv_run(&pair.loop, UV_RUN_NOWAIT);
	cr_expect_eq(pair.client.message_cnt, 0);
	vly_session_resume(pair.client.session);
	RUN_UNTIL(&pair.loop, pair.client.closed_cnt == 1 && pair.server.closed_cnt == 1);
	cr_expect_eq(pair.client.message_cnt, 60);
	cr_expect_eq(pair.client.end, VLY_SESSION_EOF);
	cr_expect_eq(pair.server.end, VLY_SESSION_FINISHED);
	pair_free(&pair);
}

/* Each message waits for a call of resume(), though TLS and socket have no more octets. */
Test(session_tls, pause_in_the_middle)
{
	struct pair pair;

	pair_open(&pair, load(client_source()), load(server_source()));
	pair.client.pause_each = true;
	for (unsigned i = 0; i < 20; i++)
		(void)vly_session_send(pair.server.session, big, 900);
	for (unsigned i = 1; i <= 20; i++) {
		RUN_UNTIL(&pair.loop, pair.client.message_cnt == i);
		vly_session_resume(pair.client.session);
	}
	pair_free(&pair);
}

/* One of the sides refuses the other. */
struct refusal {
	struct vly_credentials_source client;
	struct vly_credentials_source server;
	enum vly_session_end client_end; /* EOF: whatever */
	enum vly_session_end server_end;
	const char *text; /* of the side that refuses */
};

static void
expect_refusal(const struct refusal *refusal)
{
	struct pair pair;
	const bool by_client = refusal->client_end == VLY_SESSION_UNTRUSTED;

	pair_open(&pair, load(refusal->client), load(refusal->server));
	RUN_UNTIL(&pair.loop, pair.client.closed_cnt == 1 && pair.server.closed_cnt == 1);
	const struct side *side = by_client ? &pair.client : &pair.server;
	const struct side *peer = by_client ? &pair.server : &pair.client;
	cr_expect_not_null(strstr(side->reason, refusal->text), "%s", side->reason);
	cr_expect_eq(pair.client.end, refusal->client_end, "%u %s", pair.client.end,
		     pair.client.reason);
	cr_expect_eq(pair.server.end, refusal->server_end, "%u %s", pair.server.end,
		     pair.server.reason);
	cr_expect_not_null(strstr(peer->reason, "the peer refused TLS"), "%s", peer->reason);
	cr_expect_eq(side->opened_cnt, 0);
	cr_expect_eq(pair.client.message_cnt + pair.server.message_cnt, 0);
	pair_free(&pair);
}

Test(session_tls, wrong_servers)
{
	struct refusal refusal = {client_source(), server_source(), VLY_SESSION_UNTRUSTED,
				  VLY_SESSION_TLS, "is not for the name `ns.example`"};

	refusal.client.hostname = "ns.example";
	expect_refusal(&refusal);
	refusal.client = client_source();
	refusal.client.ca_file = other.path;
	refusal.text = "no authority that we trust has issued it";
	expect_refusal(&refusal);
	refusal.client = client_source();
	refusal.client.pins = &other.pin;
	refusal.client.pin_cnt = 1;
	refusal.text = "which tls `xot` does not have"; /* though the name is right */
	expect_refusal(&refusal);
	refusal.client = client_source();
	refusal.client.hostname = "expired.example";
	refusal.server.certificate_file = expired.path;
	refusal.server.key_file = expired.key_path;
	refusal.text = "it has expired";
	expect_refusal(&refusal);
}

/* A pin is enough, even for a certificate that has expired: it stands for the key. */
Test(session_tls, pins)
{
	uint8_t pins[2][32];
	struct pair pair;
	struct vly_credentials_source client = {
		.roles = VLY_CREDENTIALS_CLIENT, .pins = pins, .pin_cnt = 2};
	struct vly_credentials_source server = server_source();

	memcpy(pins[0], other.pin, 32);
	memcpy(pins[1], expired.pin, 32);
	server.certificate_file = expired.path;
	server.key_file = expired.key_path;
	pair_open(&pair, load(client), load(server));
	cr_expect_eq(pair.client.opened_cnt, 1, "%s", pair.client.reason);
	cr_expect(pair.client.peer.verified);
	pair_free(&pair);
}

Test(session_tls, opportunistic)
{
	struct pair pair;
	struct vly_credentials_source client = {.roles = VLY_CREDENTIALS_CLIENT,
						.opportunistic = true};

	pair_open(&pair, load(client), load(server_source()));
	cr_expect_eq(pair.client.opened_cnt, 1, "%s", pair.client.reason);
	cr_expect_not(pair.client.peer.verified);
	cr_expect(pair.client.peer.has_pin);
	pair_free(&pair);
	client.ca_file = other.path;
	client.hostname = NAME;
	pair_open(&pair, load(client), load(server_source()));
	cr_expect_eq(pair.client.opened_cnt, 1, "%s", pair.client.reason);
	cr_expect_not(pair.client.peer.verified);
	pair_free(&pair);
	client.ca_file = ca.path;
	struct vly_credentials *credentials = load(client);
	cr_expect(vly_credentials_is_opportunistic(credentials));
	pair_open(&pair, credentials, load(server_source()));
	cr_expect(pair.client.peer.verified);
	pair_free(&pair);
}

/* Clients with certificates: of an authority of ours, of none, and none at all. */
Test(session_tls, mutual)
{
	struct pair pair;
	struct vly_credentials_source client = client_source();
	struct vly_credentials_source server = server_source();

	client.certificate_file = client_cert.path;
	client.key_file = client_cert.key_path;
	server.ca_file = ca.path;
	pair_open(&pair, load(client), load(server));
	cr_expect(pair.server.peer.has_pin && pair.server.peer.verified);
	cr_expect_arr_eq(pair.server.peer.pin, client_cert.pin, 32);
	pair_free(&pair);
	client.certificate_file = other.path;
	client.key_file = other.key_path;
	pair_open(&pair, load(client), load(server));
	cr_expect(pair.server.peer.has_pin && !pair.server.peer.verified);
	cr_expect_arr_eq(pair.server.peer.pin, other.pin, 32);
	pair_free(&pair);
	server.pins = &other.pin;
	server.pin_cnt = 1;
	pair_open(&pair, load(client), load(server));
	cr_expect(pair.server.peer.has_pin && pair.server.peer.verified);
	pair_free(&pair);
}

Test(session_tls, wrong_clients)
{
	struct refusal refusal = {client_source(), server_source(), VLY_SESSION_TLS,
				  VLY_SESSION_UNTRUSTED,
				  "the peer has no certificate, and tls `xot` needs one"};

	refusal.server.pins = &other.pin;
	refusal.server.pin_cnt = 1;
	expect_refusal(&refusal);
	refusal.client.certificate_file = client_cert.path;
	refusal.client.key_file = client_cert.key_path;
	refusal.text = "which tls `xot` does not have";
	expect_refusal(&refusal);
}

/* One connection, a message there and back, so that the ticket has come. */
static void
visit(struct pair *pair, struct vly_credentials *client, struct vly_credentials *server)
{
	side_free(&pair->client);
	side_free(&pair->server);
	pair->client = (struct side){0};
	pair->server = (struct side){.echo = true};
	pair_connect(pair, client, server, NULL);
	(void)vly_session_send(pair->client.session, big, 12);
	RUN_UNTIL(&pair->loop, pair->client.message_cnt == 1 || pair->client.closed_cnt ||
				       pair->server.closed_cnt);
}

/* Sessions are resumed, also after the server's reload; who is not trusted any more is refused. */
Test(session_tls, resumption)
{
	struct vly_credentials_source client = client_source(), server = server_source();
	struct pair pair;

	client.certificate_file = client_cert.path;
	client.key_file = client_cert.key_path;
	server.ca_file = ca.path;
	struct vly_credentials *ours = load(client), *theirs = load(server);
	pair_init(&pair);
	visit(&pair, ours, theirs);
	cr_expect(!pair.client.peer.resumed && !pair.server.peer.resumed);
	for (unsigned i = 0; i < 3; i++) {
		visit(&pair, ours, theirs);
		cr_expect(pair.client.peer.resumed && pair.server.peer.resumed, "%u", i);
		cr_expect(pair.client.peer.verified && pair.server.peer.verified);
		cr_expect_arr_eq(pair.client.peer.pin, server_cert.pin, 32);
		cr_expect_arr_eq(pair.server.peer.pin, client_cert.pin, 32);
	}
	struct vly_credentials *renewed = load(server);
	vly_credentials_inherit(renewed, theirs);
	vly_credentials_release(theirs);
	visit(&pair, ours, renewed);
	cr_expect(pair.client.peer.resumed && pair.server.peer.resumed);
	server.pins = &other.pin;
	server.pin_cnt = 1;
	theirs = load(server);
	vly_credentials_inherit(theirs, renewed);
	visit(&pair, ours, theirs);
	RUN_UNTIL(&pair.loop, pair.server.closed_cnt == 1);
	cr_expect_eq(pair.server.end, VLY_SESSION_UNTRUSTED, "%s", pair.server.reason);
	cr_expect_eq(pair.server.message_cnt, 0);
	pair_free(&pair);
	vly_credentials_release(ours);
	vly_credentials_release(theirs);
	vly_credentials_release(renewed);
}

/* A server with another key for tickets: a whole handshake follows. */
Test(session_tls, unknown_ticket)
{
	struct vly_credentials *ours = load(client_source()), *first = load(server_source()),
			       *second = load(server_source());
	struct pair pair;

	pair_init(&pair);
	visit(&pair, ours, first);
	visit(&pair, ours, second);
	cr_expect_eq(pair.client.message_cnt, 1);
	cr_expect(!pair.client.peer.resumed && pair.client.peer.verified);
	pair_free(&pair);
	vly_credentials_release(ours);
	vly_credentials_release(first);
	vly_credentials_release(second);
}

/* A peer with GnuTLS as it comes, in a thread of its own. */
struct stranger {
	pthread_t thread;
	int fd;
	const char *priority;
	const char *alpn; /* NULL: none */
	bool is_server;
	int result;
};

static void *
shake(void *arg)
{
	struct stranger *stranger = arg;
	gnutls_session_t tls;
	gnutls_certificate_credentials_t x509;

	gnutls_certificate_allocate_credentials(&x509);
	gnutls_certificate_set_x509_key_file(x509, server_cert.path, server_cert.key_path,
					     GNUTLS_X509_FMT_PEM);
	gnutls_init(&tls, (stranger->is_server ? GNUTLS_SERVER : GNUTLS_CLIENT) | GNUTLS_NO_SIGNAL);
	gnutls_priority_set_direct(tls, stranger->priority, NULL);
	gnutls_credentials_set(tls, GNUTLS_CRD_CERTIFICATE, x509);
	if (stranger->alpn != NULL) {
		const gnutls_datum_t name = {(unsigned char *)(uintptr_t)stranger->alpn,
					     (unsigned)strlen(stranger->alpn)};
		gnutls_alpn_set_protocols(tls, &name, 1, 0);
	}
	gnutls_transport_set_int(tls, stranger->fd);
	do
		stranger->result = gnutls_handshake(tls);
	while (stranger->result < 0 && !gnutls_error_is_fatal(stranger->result));
	if (stranger->result == 0) {
		uint8_t octet;
		stranger->result = (int)gnutls_record_recv(tls, &octet, 1);
	}
	gnutls_deinit(tls);
	gnutls_certificate_free_credentials(x509);
	close(stranger->fd);
	return NULL;
}

static void
meet(bool we_serve, const char *priority, const char *alpn, struct side *side)
{
	struct vly_session_target target = {0};
	struct stranger stranger = {.priority = priority, .alpn = alpn, .is_server = !we_serve};
	struct vly_credentials *credentials = load(we_serve ? server_source() : client_source());
	char reason[512] = "";
	uv_loop_t loop;

	*side = (struct side){0};
	uv_loop_init(&loop);
	int listener = make_listener(&target.address, 5);
	if (we_serve) {
		stranger.fd = socket(AF_INET, SOCK_STREAM, 0);
		cr_assert_eq(connect(stranger.fd, (struct sockaddr *)&target.address,
				     sizeof(struct sockaddr_in)),
			     0);
		side_adopt(side, &loop, accept(listener, NULL, NULL), credentials, NULL);
	} else {
		target.credentials = credentials;
		side->session = vly_session_connect(&loop, &target, NULL, &side_callbacks, side,
						    reason, sizeof(reason));
		cr_assert_not_null(side->session);
		stranger.fd = accept(listener, NULL, NULL);
	}
	pthread_create(&stranger.thread, NULL, shake, &stranger);
	RUN_UNTIL(&loop, side->opened_cnt || side->closed_cnt);
	cr_expect_eq(side->message_cnt, 0);
	side_free(side);
	vly_credentials_release(credentials);
	close(listener);
	loop_end(&loop);
	pthread_join(stranger.thread, NULL);
}

/* ALPN "dot" and TLS 1.3 are needed on both sides. */
Test(session_tls, strangers)
{
	struct side side;

	for (int we_serve = 0; we_serve < 2; we_serve++) {
		meet(we_serve, "NORMAL", "dot", &side);
		cr_expect_eq(side.opened_cnt, 1, "%s", side.reason);
		meet(we_serve, "NORMAL", NULL, &side);
		cr_expect_eq(side.opened_cnt, 0);
		cr_expect_eq(side.end, VLY_SESSION_TLS);
		cr_expect_str_eq(side.reason, "the peer does not name the protocol `dot` (ALPN)");
		meet(we_serve, "NORMAL", "h2", &side);
		cr_expect_eq(side.opened_cnt, 0, "%d", we_serve);
		cr_expect_eq(side.end, VLY_SESSION_TLS, "%s", side.reason);
		meet(we_serve, "NORMAL:-VERS-ALL:+VERS-TLS1.2", "dot", &side);
		cr_expect_eq(side.opened_cnt, 0);
		cr_expect_eq(side.end, VLY_SESSION_TLS, "%s", side.reason);
	}
}

/* A peer that speaks plain DNS, one that says nothing, and one that goes away. */
Test(session_tls, no_tls_at_all)
{
	static const uint8_t dns[] = "\0\x1d\x12\x34\1\0\0\1\0\0\0\0\0\0\7example\0\0\6\0\1";
	const struct vly_session_limits limits = {.handshake_ms = 50};

	for (unsigned mode = 0; mode < 3; mode++) {
		struct vly_credentials *credentials = load(server_source());
		struct side side = {0};
		uv_loop_t loop;
		int fd[2];
		uv_loop_init(&loop);
		make_pair(fd);
		side_adopt(&side, &loop, fd[0], credentials, &limits);
		if (mode == 0)
			cr_assert_gt(__real_send(fd[1], dns, sizeof(dns), 0), 0);
		if (mode == 2)
			close(fd[1]);
		RUN_UNTIL(&loop, side.closed_cnt == 1);
		cr_expect_eq(side.end, VLY_SESSION_TLS);
		static const char *const texts[] = {
			"TLS failed in the TLS handshake",
			"the TLS handshake was not complete within 50 ms",
			"the peer closed the connection in the TLS handshake"};
		cr_expect_not_null(strstr(side.reason, texts[mode]), "%s", side.reason);
		vly_credentials_release(credentials);
		if (mode != 2)
			close(fd[1]);
		side_free(&side);
		loop_end(&loop);
	}
}

/* The beginning of the handshake was read by somebody else, any part of it. */
Test(session_tls, first_octets)
{
	struct vly_credentials *ours = load(client_source()), *theirs = load(server_source());

	for (size_t cut = 1; cut < 2000; cut = cut * 3 + 1) {
		struct pair pair;
		struct vly_session_target target = {.credentials = ours};
		char reason[512] = "";
		uint8_t first[2000];
		pair_init(&pair);
		target.address = pair.address;
		pair.client.session =
			vly_session_connect(&pair.loop, &target, NULL, &side_callbacks,
					    &pair.client, reason, sizeof(reason));
		int fd = accept(pair.listener, NULL, NULL);
		struct pollfd pollfd = {.fd = fd, .events = POLLIN};
		RUN_UNTIL(&pair.loop, poll(&pollfd, 1, 0) == 1);
		const ssize_t got = recv(fd, first, cut, 0);
		cr_assert_gt(got, 0);
		pair.server.session =
			vly_session_adopt(&pair.loop, fd, theirs, first, (size_t)got, NULL,
					  &side_callbacks, &pair.server, reason, sizeof(reason));
		cr_assert_not_null(pair.server.session, "%s", reason);
		(void)vly_session_send(pair.client.session, big, 70);
		RUN_UNTIL(&pair.loop, pair.server.message_cnt == 1);
		pair_free(&pair);
	}
	vly_credentials_release(ours);
	vly_credentials_release(theirs);
}

/* A client in the role of a server. */
Test(session_tls, wrong_role)
{
	struct vly_credentials *ours = load(client_source());
	struct side side = {0};
	char reason[512] = "";
	uv_loop_t loop;
	int fd[2];

	uv_loop_init(&loop);
	make_pair(fd);
	cr_expect_null(vly_session_adopt(&loop, fd[0], ours, NULL, 0, NULL, &side_callbacks, &side,
					 reason, sizeof(reason)));
	cr_expect_not_null(strstr(reason, "TLS with `xot` can't begin"), "%s", reason);
	vly_credentials_release(ours);
	close(fd[1]);
	loop_end(&loop);
}

/* Each side closes in the handshake, or is reset in it. */
Test(session_tls, closed_in_the_handshake)
{
	for (unsigned turns = 0; turns < 6; turns++)
		for (unsigned mode = 0; mode < 2; mode++) {
			struct vly_credentials *ours = load(client_source()),
					       *theirs = load(server_source());
			struct pair pair;
			pair_init(&pair);
			pair_connect(&pair, ours, theirs, NULL);
			vly_credentials_release(ours);
			vly_credentials_release(theirs);
			for (unsigned i = 0; i < turns; i++)
				uv_run(&pair.loop, UV_RUN_NOWAIT);
			struct side *gone = mode == 0 ? &pair.client : &pair.server;
			struct side *left = mode == 0 ? &pair.server : &pair.client;
			vly_session_close(gone->session);
			gone->session = NULL;
			RUN_UNTIL(&pair.loop, left->closed_cnt == 1);
			cr_expect(left->end == VLY_SESSION_TLS ||
					  (left->opened_cnt == 1 && left->end == VLY_SESSION_EOF),
				  "%u: %u %s", turns, left->end, left->reason);
			cr_expect_eq(gone->closed_cnt, 0);
			pair_free(&pair);
		}
}
