/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The control socket with a real loop and real connections; commands are played by the test, and
 * end when it says so: at once, later, or never.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "common/log.h"
#include "lib/random.h"
#include "socket/server.h"

#define SEEDS       400
#define STEPS       150
#define CLIENTS     6
#define ASKED_MAX   64 /* of one client */
#define PENDING_MAX 500

/* Turns of the loop in which anything that can happen without a client does. */
#define TURNS 20

static char dir[32];
static char path[64];

/* A command under way. `number` is the client's own, as in the request. */
struct command {
	struct vly_pending pending;
	unsigned number;
	bool live;
	bool cancelled;
};

static struct world {
	uv_loop_t loop;
	struct vly_server *server;
	struct command *command[VLY_SERVER_IDLE_MAX + PENDING_MAX];
	unsigned command_cnt; /* those that were ever begun */
	unsigned handled_cnt;
	unsigned cancelled_cnt;
	size_t answer_bytes; /* of answers that come at once */
	uint64_t seed;
} world;

void
vly_log(enum vly_log_level level, const char *format, ...)
{
	(void)level;
	(void)format;
}

static void
turn(unsigned cnt)
{
	for (unsigned i = 0; i < cnt; i++)
		uv_run(&world.loop, UV_RUN_NOWAIT);
}

static const char *
cancel(struct vly_pending *pending)
{
	struct command *command = (struct command *)pending;

	cr_assert(command->live, "seed %" PRIu64 ": cancelled, but not under way", world.seed);
	command->live = false;
	command->cancelled = true;
	world.cancelled_cnt++;
	return "cancelled";
}

static json_t *
numbered(unsigned number)
{
	json_t *json = json_pack("{s:b,s:i}", "ok", 1, "number", (int)number);
	char *filling = calloc(1, world.answer_bytes + 1);

	memset(filling, 'x', world.answer_bytes);
	json_object_set_new(json, "filling", json_string(filling));
	free(filling);
	return json;
}

/* `zones` is answered at once, `top` later or never; `limit` is the number. A `reload` goes on
 * without its client. */
static void
handle(void *arg, struct vly_client *client, struct vly_request *request)
{
	cr_assert_eq(arg, &world);
	world.handled_cnt++;
	if (request->command == VLY_COMMAND_ZONES) {
		vly_client_send(client, numbered(request->limit));
		return;
	}
	struct command *command = calloc(1, sizeof(*command));
	world.command[world.command_cnt++] = command;
	command->pending = (struct vly_pending){
		cancel,
		.is_slow = request->command != VLY_COMMAND_STATS,
		.goes_on = request->command != VLY_COMMAND_TOP,
	};
	command->live = vly_pending_begin(&command->pending, client);
}

static void
free_commands(void)
{
	for (unsigned i = 0; i < world.command_cnt; i++)
		free(world.command[i]);
}

static void
make_dir(void)
{
	strcpy(dir, "/tmp/test_server.XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sock", dir);
}

static void
remove_dir(void)
{
	unlink(path);
	rmdir(dir);
	*dir = '\0';
}

static void
begin(void)
{
	char reason[200];

	world = (struct world){0};
	signal(SIGPIPE, SIG_IGN); /* as the program does */
	if (!*dir)
		make_dir();
	cr_assert_eq(uv_loop_init(&world.loop), 0);
	world.server = vly_server_new(&world.loop, path, "no-such-group", handle, &world, reason,
				      sizeof(reason));
	cr_assert_not_null(world.server, "%s", reason);
}

static void
end(void)
{
	vly_server_free(world.server);
	uv_run(&world.loop, UV_RUN_DEFAULT);
	cr_assert_eq(uv_loop_close(&world.loop), 0, "seed %" PRIu64, world.seed);
	cr_assert_eq(access(path, F_OK), -1);
	for (unsigned i = 0; i < world.command_cnt; i++)
		cr_assert_not(world.command[i]->live,
			      "seed %" PRIu64 ": neither ended nor cancelled", world.seed);
	free_commands();
	remove_dir();
}

static int
connect_client(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0, "%s",
		     strerror(errno));
	return fd;
}

static void
send_text(int fd, const char *text)
{
	cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void
send_often(int fd, unsigned cnt, const char *text)
{
	size_t len = strlen(text);
	char *all = malloc(cnt * len + 1);

	for (unsigned i = 0; i < cnt; i++)
		memcpy(all + i * len, text, len + 1);
	send_text(fd, all);
	free(all);
}

/* Reads and drops what is there. Returns the number of lines, and whether the connection is at its
 * end. */
static unsigned
read_lines(int fd, bool *at_end)
{
	char text[65536];
	unsigned cnt = 0;
	ssize_t got;

	while ((got = recv(fd, text, sizeof(text), 0)) > 0)
		for (ssize_t i = 0; i < got; i++)
			cnt += text[i] == '\n';
	*at_end = got == 0 || errno == ECONNRESET;
	return cnt;
}

/* Reads one answer, which is small, and is there. */
static void
expect_answer(int fd, const char *part)
{
	char text[500] = "";

	turn(TURNS);
	cr_assert_gt(recv(fd, text, sizeof(text) - 1, 0), 0, "%s", strerror(errno));
	cr_assert_not_null(strstr(text, part), "%s", text);
}

Test(server, unread_answers_hold_a_client_up)
{
	bool at_end;
	unsigned line_cnt = 0;

	begin();
	world.answer_bytes = 100000;
	int lazy = connect_client();
	int other = connect_client();
	send_often(lazy, 1000, "{\"command\":\"zones\"}\n");
	turn(2000);
	cr_expect_lt(world.handled_cnt, 20, "%u answers are kept", world.handled_cnt);
	world.answer_bytes = 0;
	send_text(other, "{\"command\":\"zones\",\"limit\":7}\n");
	expect_answer(other, "\"number\":7");
	for (unsigned i = 0; i < 5000 && line_cnt < 1000; i++) {
		line_cnt += read_lines(lazy, &at_end);
		turn(1);
	}
	cr_expect_eq(line_cnt, 1000);
	close(lazy);
	close(other);
	end();
}

Test(server, many_requests_of_one_do_not_keep_others_waiting)
{
	begin();
	int greedy = connect_client();
	send_often(greedy, 1000, "{\"command\":\"zones\"}\n");
	turn(3);
	unsigned before = world.handled_cnt;
	int other = connect_client();
	send_text(other, "{\"command\":\"zones\",\"limit\":7}\n");
	char text[200];
	while (recv(other, text, sizeof(text), 0) < 0)
		turn(1);
	cr_expect_lt(world.handled_cnt, before + 20, "%u before it", world.handled_cnt - before);
	close(greedy);
	close(other);
	end();
}

Test(server, requests_before_the_end_of_a_client_are_answered)
{
	bool at_end;

	begin();
	int client = connect_client();
	send_often(client, 100, "{\"command\":\"zones\"}\n");
	shutdown(client, SHUT_WR);
	turn(300);
	cr_expect_eq(read_lines(client, &at_end), 100);
	cr_expect(at_end);
	close(client);
	end();
}

Test(server, longest_idle_makes_room)
{
	int idle[VLY_SERVER_IDLE_MAX];
	bool at_end;

	begin();
	for (unsigned i = 0; i < VLY_SERVER_IDLE_MAX; i++) {
		idle[i] = connect_client();
		turn(2);
	}
	send_text(idle[0], "{\"command\":\"zones\",\"limit\":1}\n");
	expect_answer(idle[0], "\"number\":1"); /* and so it is the last to go */
	int late = connect_client();
	send_text(late, "{\"command\":\"zones\",\"limit\":2}\n");
	expect_answer(late, "\"number\":2");
	expect_answer(idle[1], "idle");
	cr_expect_eq(read_lines(idle[1], &at_end), 0);
	cr_expect(at_end);
	read_lines(idle[0], &at_end);
	cr_expect_not(at_end);
	read_lines(idle[2], &at_end);
	cr_expect_not(at_end);
	close(late);
	for (unsigned i = 0; i < VLY_SERVER_IDLE_MAX; i++)
		close(idle[i]);
	end();
}

Test(server, busy_connections_keep_nobody_out)
{
	int client[VLY_SERVER_IDLE_MAX];
	bool at_end;

	begin();
	for (unsigned i = 0; i < VLY_SERVER_SLOW_MAX; i++) {
		client[i] = connect_client();
		send_text(client[i], "{\"command\":\"reload\"}\n");
	}
	turn(TURNS);
	cr_assert_eq(world.command_cnt, VLY_SERVER_SLOW_MAX);
	for (unsigned i = VLY_SERVER_SLOW_MAX; i < VLY_SERVER_IDLE_MAX; i++) {
		client[i] = connect_client();
		send_text(client[i], "{\"command\":\"top\"}\n");
		expect_answer(client[i], "too many of these");
		send_text(client[i], "{\"command\":\"stats\"}\n"); /* never ends */
	}
	turn(TURNS);
	for (unsigned i = 0; i < 5; i++) {
		int other = connect_client();
		send_text(other, "{\"command\":\"zones\",\"limit\":3}\n");
		expect_answer(other, "\"number\":3");
		close(other);
	}
	for (unsigned i = 0; i < VLY_SERVER_IDLE_MAX; i++) {
		cr_expect_eq(read_lines(client[i], &at_end), 0);
		cr_expect_not(at_end);
		close(client[i]);
	}
	end();
}

/* All are accepted before one of them is read. */
Test(server, burst_of_connections_is_served)
{
	int client[120];

	begin();
	for (unsigned i = 0; i < 120; i++) {
		client[i] = connect_client();
		send_text(client[i], "{\"command\":\"zones\",\"limit\":8}\n");
	}
	for (unsigned i = 0; i < 120; i++) {
		expect_answer(client[i], "\"number\":8");
		close(client[i]);
	}
	end();
}

Test(server, end_is_told_to_those_who_wait)
{
	char text[200] = "";
	bool at_end;

	begin();
	int client = connect_client();
	int gone = connect_client();
	send_text(client, "{\"command\":\"top\"}\n");
	send_text(gone, "{\"command\":\"reload\"}\n");
	turn(TURNS);
	close(gone);
	turn(TURNS);
	cr_expect_eq(world.cancelled_cnt, 0);
	vly_server_free(world.server);
	world.server = NULL;
	cr_expect_eq(world.cancelled_cnt, 2);
	cr_expect_gt(recv(client, text, sizeof(text) - 1, 0), 0);
	cr_expect_not_null(strstr(text, "\"ending\""), "%s", text);
	turn(TURNS);
	read_lines(client, &at_end);
	cr_expect(at_end);
	close(client);
	end();
}

/* Who asks and goes, again and again. */
static unsigned
leave_behind(const char *request)
{
	for (unsigned i = 0; i < 200; i++) {
		int client = connect_client();
		send_text(client, request);
		turn(TURNS);
		close(client);
		turn(TURNS);
	}
	unsigned cnt = 0;
	for (unsigned i = 0; i < world.command_cnt; i++)
		cnt += world.command[i]->live;
	return cnt;
}

Test(server, commands_of_clients_that_have_gone_are_bounded)
{
	begin();
	cr_expect_eq(leave_behind("{\"command\":\"reload\"}\n"), VLY_SERVER_SLOW_MAX);
	cr_expect_eq(leave_behind("{\"command\":\"stats\"}\n"),
		     VLY_SERVER_SLOW_MAX + VLY_SERVER_QUICK_MAX);
	int client = connect_client();
	send_text(client, "{\"command\":\"zones\",\"limit\":5}\n");
	expect_answer(client, "\"number\":5");
	close(client);
	end();
}

Test(server, what_nobody_waits_for_is_cancelled)
{
	begin();
	int watcher = connect_client();
	send_text(watcher, "{\"command\":\"top\"}\n");
	turn(TURNS);
	cr_assert_eq(world.command_cnt, 1);
	close(watcher);
	turn(TURNS);
	cr_expect(world.command[0]->cancelled);
	end();
}

Test(server, request_that_is_too_long)
{
	static char text[1 << 20];
	bool at_end = false;
	size_t sent = 0;

	begin();
	memset(text, ' ', sizeof(text));
	int client = connect_client();
	for (unsigned i = 0; i < 10000 && sent < VLY_SERVER_LINE_BYTES_MAX; i++) {
		ssize_t got = send(client, text, sizeof(text), MSG_NOSIGNAL);
		sent += got > 0 ? (size_t)got : 0;
		turn(1);
	}
	expect_answer(client, "longer than 8 MiB");
	turn(TURNS);
	read_lines(client, &at_end);
	cr_expect(at_end);
	close(client);
	end();
}

/* --- who has the name ------------------------------------------------------------------------ */

static int
listen_at(const char *at, int backlog)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", at);
	cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(fd, backlog), 0);
	return fd;
}

static void
expect_no_server(const char *why)
{
	char reason[200] = "";

	cr_assert_eq(uv_loop_init(&world.loop), 0);
	cr_expect_null(vly_server_new(&world.loop, path, "no-such-group", handle, &world, reason,
				      sizeof(reason)));
	cr_expect_not_null(strstr(reason, why), "%s", reason);
	uv_run(&world.loop, UV_RUN_DEFAULT);
	cr_expect_eq(uv_loop_close(&world.loop), 0);
}

/* Its listener takes nothing, and no more connections can wait for it: connect() would block. */
Test(server, name_of_a_server_that_hangs)
{
	int client[64];
	unsigned cnt = 0;

	make_dir();
	int listener = listen_at(path, 0);
	for (; cnt < 64; cnt++) {
		struct sockaddr_un address = {.sun_family = AF_UNIX};
		snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
		client[cnt] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (connect(client[cnt], (struct sockaddr *)&address, sizeof(address)) != 0)
			break;
	}
	cr_assert_eq(errno, EAGAIN);
	expect_no_server("another volley-control listens there");
	while (cnt > 0)
		close(client[cnt--]);
	close(client[0]);
	close(listener);
	remove_dir();
}

Test(server, name_of_a_dead_server_is_taken)
{
	make_dir();
	close(listen_at(path, 1));
	cr_assert_eq(access(path, F_OK), 0);
	begin();
	end();
}

Test(server, name_of_something_else_is_left_alone)
{
	make_dir();
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	expect_no_server("file already exists");
	cr_expect_eq(access(path, F_OK), 0);
	remove_dir();
}

/* --- events in any order ---------------------------------------------------------------------- */

enum kind {
	AT_ONCE,
	LATER,
	LATER_WITHOUT_CLIENT,
};

static const char *const names[] = {
	[AT_ONCE] = "zones",
	[LATER] = "top",
	[LATER_WITHOUT_CLIENT] = "reload",
};

struct client {
	int fd;         /* -1: not connected */
	bool has_ended; /* sends no more */
	enum kind asked[ASKED_MAX];
	unsigned asked_cnt;
	unsigned answered_cnt;
	char unsent[200]; /* the rest of a request */
	char text[8192];  /* of answers, not looked at yet */
	size_t len;
};

static void
look_at_answer(struct client *client, const char *line)
{
	json_t *json = json_loads(line, 0, NULL);

	cr_assert_not_null(json, "seed %" PRIu64 ": %s", world.seed, line);
	if (json_object_get(json, "progress")) {
		json_decref(json);
		return;
	}
	cr_assert_lt(client->answered_cnt, client->asked_cnt, "seed %" PRIu64 ": %s", world.seed,
		     line);
	unsigned number = client->answered_cnt++;
	if (json_object_get(json, "number"))
		cr_assert_eq(json_integer_value(json_object_get(json, "number")), number + 1,
			     "seed %" PRIu64 ": %s is not number %u", world.seed, line, number);
	else
		cr_assert_not_null(json_object_get(json, "error"));
	json_decref(json);
}

static void
look_at_answers(struct client *client)
{
	char *end;

	while ((end = memchr(client->text, '\n', client->len))) {
		*end = '\0';
		look_at_answer(client, client->text);
		client->len -= (size_t)(end + 1 - client->text);
		memmove(client->text, end + 1, client->len);
	}
}

static void
disconnect(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	memset(client, 0, sizeof(*client));
	client->fd = -1;
}

static void
receive(struct client *client)
{
	ssize_t got =
		recv(client->fd, client->text + client->len, sizeof(client->text) - client->len, 0);

	if (got > 0) {
		client->len += (size_t)got;
		look_at_answers(client);
	} else if (got == 0 || errno != EAGAIN) {
		disconnect(client);
	}
}

/* Part of a request, or some in one go. */
static void
talk(struct client *client, struct vly_test_random *random)
{
	if (client->has_ended)
		return;
	if (!*client->unsent && client->asked_cnt < ASKED_MAX) {
		enum kind kind = vly_test_random_below(random, LATER_WITHOUT_CLIENT + 1);
		client->asked[client->asked_cnt++] = kind;
		if (kind == AT_ONCE)
			snprintf(client->unsent, sizeof(client->unsent),
				 "{\"command\":\"zones\",\"limit\":%u}\n", client->asked_cnt);
		else
			snprintf(client->unsent, sizeof(client->unsent), "{\"command\":\"%s\"}\n",
				 names[kind]);
	}
	size_t len = strlen(client->unsent);
	size_t part = vly_test_random_chance(random, 70)
			      ? len
			      : vly_test_random_below(random, 20) % (len + 1);
	ssize_t sent = send(client->fd, client->unsent, part, MSG_NOSIGNAL);
	if (sent > 0)
		memmove(client->unsent, client->unsent + sent, len - (size_t)sent + 1);
}

/* Ends a command that is under way, or tells how it goes on. */
static void
move_command(struct vly_test_random *random)
{
	if (world.command_cnt == 0)
		return;
	struct command *command = world.command[vly_test_random_below(random, world.command_cnt)];
	if (!command->live)
		return;
	if (vly_test_random_chance(random, 30)) {
		vly_pending_progress(&command->pending, json_pack("{s:{}}", "progress"));
		return;
	}
	command->live = false;
	vly_pending_end(&command->pending, json_pack("{s:b,s:s}", "ok", 0, "error", "done"));
}

static void
step(struct client *clients, struct vly_test_random *random)
{
	struct client *client = &clients[vly_test_random_below(random, CLIENTS)];

	if (client->fd < 0) {
		client->fd = connect_client();
		return;
	}
	switch (vly_test_random_below(random, 10)) {
	case 0:
	case 1:
	case 2:
		talk(client, random);
		break;
	case 3:
		receive(client);
		break;
	case 4:
	case 5:
		move_command(random);
		break;
	case 6:
		if (vly_test_random_chance(random, 20))
			disconnect(client);
		else if (vly_test_random_chance(random, 20) && !*client->unsent)
			client->has_ended = shutdown(client->fd, SHUT_WR) == 0;
		break;
	default:
		turn(1);
	}
}

/* Whoever stays connected gets an answer to each request, in order. */
static void
settle(struct client *clients)
{
	for (unsigned i = 0; i < CLIENTS; i++)
		if (clients[i].fd >= 0 && *clients[i].unsent)
			disconnect(&clients[i]);
	for (unsigned round = 0; round < 4 * ASKED_MAX; round++) {
		turn(3);
		for (unsigned i = 0; i < world.command_cnt; i++) {
			struct command *command = world.command[i];
			if (!command->live)
				continue;
			command->live = false;
			vly_pending_end(&command->pending,
					json_pack("{s:b,s:s}", "ok", 0, "error", "done"));
		}
		for (unsigned i = 0; i < CLIENTS; i++)
			if (clients[i].fd >= 0 && !clients[i].has_ended)
				receive(&clients[i]);
	}
	for (unsigned i = 0; i < CLIENTS; i++)
		if (clients[i].fd >= 0 && !clients[i].has_ended)
			cr_assert_eq(clients[i].answered_cnt, clients[i].asked_cnt,
				     "seed %" PRIu64 ": %u answers to %u requests", world.seed,
				     clients[i].answered_cnt, clients[i].asked_cnt);
}

/* Half of the runs are ended in the middle of everything. */
Test(server, events_in_any_order)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct vly_test_random random = {seed};
		static struct client clients[CLIENTS];

		begin();
		world.seed = seed;
		for (unsigned i = 0; i < CLIENTS; i++) {
			memset(&clients[i], 0, sizeof(clients[i]));
			clients[i].fd = -1;
		}
		unsigned step_cnt = vly_test_random_below(&random, STEPS);
		for (unsigned i = 0; i < step_cnt; i++)
			step(clients, &random);
		if (seed % 2)
			settle(clients);
		for (unsigned i = 0; i < CLIENTS; i++)
			if (vly_test_random_chance(&random, 50))
				disconnect(&clients[i]);
		end();
		for (unsigned i = 0; i < CLIENTS; i++)
			disconnect(&clients[i]);
	}
}
