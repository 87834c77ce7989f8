/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Asks DNS questions at a fixed rate, whether answers come or not, and notes how long each takes:
 * from before the system call that sends it to the kernel's timestamp of the answer.
 *
 * Ends after --seconds, or at SIGTERM, or (--until-answer) with the first right answer. Right is
 * NOERROR with an answer to the question that was asked. Prints one JSON object.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tool.h"

#define NS_PER_S UINT64_C(1000000000)

/* Below those of kxdpgun, which takes what comes to its own ports from the kernel. */
#define OWN_PORT 1053

/* Answers are told apart by message ID: one that takes longer than 2^16 queries is lost. */
#define ID_CNT 65536u

/* Answers of queries sent last are waited for. */
#define LINGER_NS NS_PER_S

#define HEADER_BYTES 12
#define QUERY_MAX    (HEADER_BYTES + 255 + 4 + 11)

/* A second's worth at the highest rate, while something else has the CPU. */
#define RECEIVE_BUFFER_BYTES (64 << 20)

struct query {
	uint16_t bytes;
	uint16_t question_end;
	uint8_t message[QUERY_MAX];
};

/* What goes to the file of samples, in host order. */
struct sample {
	uint64_t sent_unix_ns;
	uint64_t latency_ns; /* 0: no answer */
};

struct probe {
	int fd;
	const char *server;
	const char *question_path;
	const char *sample_path;
	uint64_t rate;
	uint64_t seconds;
	bool until_answer;

	struct query *query;
	size_t query_cnt;
	struct sample *sample;
	uint64_t sent_cnt;
	uint64_t answered_cnt;
	uint64_t wrong_cnt;
	uint64_t late_max_ns; /* the longest that sending was behind schedule */
	uint64_t first_answer_unix_ns;
};

static volatile sig_atomic_t ended;

static void
end(int number)
{
	(void)number;
	ended = 1;
}

/* A query for an address, with EDNS. */
static bool
make_query(struct query *query, const char *name)
{
	static const uint8_t type_a_class_in[] = {0, 1, 0, 1};
	static const uint8_t opt[] = {0, 0, 41, 1232 >> 8, 1232 & 0xff, 0, 0, 0, 0, 0, 0};
	uint8_t *message = query->message;
	size_t name_len = vly_tool_write_name(message + HEADER_BYTES, 254, name);

	memset(message, 0, HEADER_BYTES);
	message[5] = 1;  /* QDCOUNT */
	message[11] = 1; /* ARCOUNT */
	query->question_end = (uint16_t)(HEADER_BYTES + name_len + sizeof(type_a_class_in));
	memcpy(message + HEADER_BYTES + name_len, type_a_class_in, sizeof(type_a_class_in));
	memcpy(message + query->question_end, opt, sizeof(opt));
	query->bytes = (uint16_t)(query->question_end + sizeof(opt));
	return name_len > 0;
}

static void
read_questions(struct probe *probe)
{
	FILE *file = fopen(probe->question_path, "re");
	char name[256], type[16];
	size_t room = 0;

	if (file == NULL)
		vly_tool_fail("%s: %m", probe->question_path);
	while (fscanf(file, "%255s %15s%*[^\n]", name, type) == 2) {
		if (probe->query_cnt == room) {
			room = room == 0 ? 1024 : 2 * room;
			probe->query = reallocarray(probe->query, room, sizeof(*probe->query));
			if (probe->query == NULL)
				vly_tool_fail("out of memory");
		}
		if (strcmp(type, "A") != 0 || !make_query(&probe->query[probe->query_cnt], name))
			vly_tool_fail("%s: line %zu: not a name and A", probe->question_path,
				      probe->query_cnt + 1);
		probe->query_cnt++;
	}
	fclose(file);
	if (probe->query_cnt == 0)
		vly_tool_fail("%s: no questions", probe->question_path);
}

static void
open_socket(struct probe *probe)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(53)};
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(OWN_PORT)};
	int on = 1, bytes = RECEIVE_BUFFER_BYTES;

	if (inet_pton(AF_INET, probe->server, &address.sin_addr) != 1)
		vly_tool_fail("%s: not an IPv4 address", probe->server);
	probe->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (probe->fd < 0 ||
	    setsockopt(probe->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) != 0 ||
	    setsockopt(probe->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) != 0 ||
	    bind(probe->fd, (struct sockaddr *)&own, sizeof(own)) != 0 ||
	    connect(probe->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		vly_tool_fail("%s: %m", probe->server);
}

static const struct query *
query_of(const struct probe *probe, uint64_t idx)
{
	return &probe->query[idx % probe->query_cnt];
}

static void
send_query(struct probe *probe)
{
	struct query *query = &probe->query[probe->sent_cnt % probe->query_cnt];
	struct sample *sample = &probe->sample[probe->sent_cnt];

	query->message[0] = (uint8_t)(probe->sent_cnt >> 8);
	query->message[1] = (uint8_t)probe->sent_cnt;
	sample->latency_ns = 0;
	sample->sent_unix_ns = vly_tool_now_ns(CLOCK_REALTIME);
	ssize_t result = send(probe->fd, query->message, query->bytes, 0);
	/* what an earlier query met: nobody listens on the port yet */
	if (result < 0 && errno == ECONNREFUSED)
		result = send(probe->fd, query->message, query->bytes, 0);
	if (result < 0 && errno != ECONNREFUSED && errno != EAGAIN && errno != ENOBUFS)
		vly_tool_fail("%s: %m", probe->server);
	probe->sent_cnt++;
}

/* The query last sent with the message ID of an answer; false if none was. */
static bool
find_sent(const struct probe *probe, const uint8_t *message, uint64_t *idx)
{
	uint64_t last = probe->sent_cnt - 1;
	uint64_t id = (uint64_t)message[0] << 8 | message[1];
	uint64_t back = (last - id) % ID_CNT;

	*idx = last - back;
	return back <= last;
}

static void
take_answer(struct probe *probe, const uint8_t *message, size_t bytes, uint64_t received_ns)
{
	uint64_t idx;

	if (bytes < HEADER_BYTES || !find_sent(probe, message, &idx)) {
		probe->wrong_cnt++;
		return;
	}
	const struct query *query = query_of(probe, idx);
	struct sample *sample = &probe->sample[idx];
	if (bytes < query->question_end || (message[2] & 0x80) == 0 || (message[3] & 0xf) != 0 ||
	    (message[6] | message[7]) == 0 || sample->latency_ns != 0 ||
	    received_ns <= sample->sent_unix_ns ||
	    memcmp(message + HEADER_BYTES, query->message + HEADER_BYTES,
		   query->question_end - HEADER_BYTES) != 0) {
		probe->wrong_cnt++;
		return;
	}
	sample->latency_ns = received_ns - sample->sent_unix_ns;
	if (probe->answered_cnt++ == 0)
		probe->first_answer_unix_ns = received_ns;
}

static uint64_t
timestamp_ns(struct msghdr *header)
{
	for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part != NULL;
	     part = CMSG_NXTHDR(header, part)) {
		if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_TIMESTAMPNS) {
			struct timespec time;
			memcpy(&time, CMSG_DATA(part), sizeof(time));
			return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
		}
	}
	vly_tool_fail("the kernel gives no timestamps");
}

static void
receive_answers(struct probe *probe)
{
	for (;;) {
		uint8_t message[4096];
		char control[256];
		struct iovec part = {.iov_base = message, .iov_len = sizeof(message)};
		struct msghdr header = {.msg_iov = &part,
					.msg_iovlen = 1,
					.msg_control = control,
					.msg_controllen = sizeof(control)};
		ssize_t bytes = recvmsg(probe->fd, &header, 0);
		if (bytes < 0 && errno == ECONNREFUSED)
			continue;
		if (bytes < 0)
			return;
		take_answer(probe, message, (size_t)bytes, timestamp_ns(&header));
	}
}

static void
sleep_until(uint64_t time_ns)
{
	struct timespec time = {.tv_sec = (time_t)(time_ns / NS_PER_S),
				.tv_nsec = (long)(time_ns % NS_PER_S)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

static bool
is_done(const struct probe *probe)
{
	return ended || (probe->until_answer && probe->answered_cnt > 0);
}

static void
ask(struct probe *probe)
{
	uint64_t total_cnt = probe->rate * probe->seconds;
	uint64_t start_ns = vly_tool_now_ns(CLOCK_MONOTONIC);

	while (probe->sent_cnt < total_cnt && !is_done(probe)) {
		uint64_t due_ns = start_ns + probe->sent_cnt * NS_PER_S / probe->rate;
		uint64_t time_ns = vly_tool_now_ns(CLOCK_MONOTONIC);
		if (time_ns < due_ns) {
			receive_answers(probe);
			sleep_until(due_ns);
			continue;
		}
		if (time_ns - due_ns > probe->late_max_ns)
			probe->late_max_ns = time_ns - due_ns;
		send_query(probe);
	}
	uint64_t stop_ns = vly_tool_now_ns(CLOCK_MONOTONIC) + LINGER_NS;
	while (probe->answered_cnt < probe->sent_cnt &&
	       vly_tool_now_ns(CLOCK_MONOTONIC) < stop_ns &&
	       !(probe->until_answer && probe->answered_cnt > 0)) {
		receive_answers(probe);
		sleep_until(vly_tool_now_ns(CLOCK_MONOTONIC) + NS_PER_S / 1000);
	}
}

static void
write_samples(const struct probe *probe)
{
	FILE *file = fopen(probe->sample_path, "we");

	if (file == NULL)
		vly_tool_fail("%s: %m", probe->sample_path);
	fwrite(probe->sample, sizeof(*probe->sample), probe->sent_cnt, file);
	if (ferror(file) | fclose(file))
		vly_tool_fail("%s: %m", probe->sample_path);
}

static void
parse_arguments(struct probe *probe, int argc, char **argv)
{
	static const struct option options[] = {
		{"server", required_argument, NULL, 'a'},
		{"questions", required_argument, NULL, 'q'},
		{"rate", required_argument, NULL, 'r'},
		{"seconds", required_argument, NULL, 's'},
		{"samples", required_argument, NULL, 'o'},
		{"until-answer", no_argument, NULL, 'u'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'a':
			probe->server = optarg;
			break;
		case 'q':
			probe->question_path = optarg;
			break;
		case 'r':
			probe->rate = strtoull(optarg, NULL, 10);
			break;
		case 's':
			probe->seconds = strtoull(optarg, NULL, 10);
			break;
		case 'o':
			probe->sample_path = optarg;
			break;
		case 'u':
			probe->until_answer = true;
			break;
		default:
			exit(2);
		}
	}
	if (probe->server == NULL || probe->question_path == NULL || probe->rate == 0 ||
	    probe->seconds == 0)
		vly_tool_fail("needs --server, --questions, --rate and --seconds");
}

int
main(int argc, char **argv)
{
	struct probe probe = {0};

	parse_arguments(&probe, argc, argv);
	read_questions(&probe);
	open_socket(&probe);
	size_t bytes = probe.rate * probe.seconds * sizeof(*probe.sample);
	probe.sample = malloc(bytes);
	if (probe.sample == NULL)
		vly_tool_fail("out of memory");
	/* no page faults between a time and its use */
	memset(probe.sample, 0, bytes);
	/* timers of ordinary threads are 50 µs late otherwise */
	prctl(PR_SET_TIMERSLACK, 1);
	signal(SIGTERM, end);
	fprintf(stderr, "asking\n");
	ask(&probe);
	if (probe.sample_path != NULL)
		write_samples(&probe);
	printf("{\"sent\": %" PRIu64 ", \"answered\": %" PRIu64 ", \"wrong\": %" PRIu64
	       ", \"late_max_us\": %" PRIu64 ", \"first_answer_unix_ns\": %" PRIu64 "}\n",
	       probe.sent_cnt, probe.answered_cnt, probe.wrong_cnt, probe.late_max_ns / 1000,
	       probe.first_answer_unix_ns);
	free(probe.sample);
	free(probe.query);
	close(probe.fd);
	return 0;
}
