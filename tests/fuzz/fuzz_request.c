/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages of clients on their way through the publish socket, both ends. The first octet says what the
 * rest is:
 *   0: a message that a client has sent, with two octets for the length of a draft behind it; it goes
 *      the whole way from the table of requests through a socket to control and back;
 *   1: the same, but the target signs the message with the key that control has;
 *   2: a packet that control gets from the dataplane;
 *   3: a packet that the dataplane gets from control while requests wait.
 */
#include <sys/socket.h>
#include <time.h>

#include <volley/octets.h>

#include "common/log.h"
#include "common/send_room.h"
#include "fixed_store.h"
#include "key/tsig_stream.h"
#include "publish/publish_clients.h"
#include "publish/publish_decode.h"
#include "publish/publish_message.h"
#include "publish/publisher.h"
#include "request/requests.h"
#include "request/signed_query.h"
#include "update/key_files.h"
#include "update/updater.h"

#define W(text) ((char *)(uintptr_t)(text))

/* Ways to begin with. */
enum way { WHOLE, SIGNED, TO_CONTROL, TO_DATAPLANE, WAY_CNT };

static uv_loop_t loop;
static struct vly_requests requests;
static struct vly_requests_client client;
static struct vly_updater *updater;
static int ends[2];
static uint64_t request_id;   /* that control answers */
static unsigned response_cnt; /* to it */
static uint64_t commit_seq;   /* that the response waits for; 0: none */

/* A response that waits for a commit is taken when that is live, and with no other. */
static bool
is_due(const struct vly_publish_request *request)
{
	if (request->type == VLY_PUBLISH_RESPONSE) {
		require(vly_publish_response_is_due(request, 0));
		return true;
	}
	require(!vly_publish_response_is_due(request, 0));
	require(!vly_publish_response_is_due(request, request->commit_seq + 1));
	return vly_publish_response_is_due(request, request->commit_seq);
}

/* The dataplane takes a packet of control with a response. */
static void
take_response(const void *packet, size_t packet_bytes, uint64_t seq, size_t bytes)
{
	struct vly_publish_request request;

	require(vly_publish_decode(packet, packet_bytes, 0, &request) == NULL);
	require(request.response_bytes == bytes && seq == request_id && request.seq == seq);
	require(request.commit_seq == commit_seq && is_due(&request));
	vly_requests_answer(&requests, seq, request.response, request.response_bytes);
	response_cnt++;
}

/* What control needs of its other rooms. */
void
vly_publisher_respond(struct vly_publisher *publisher, uint64_t seq, const uint8_t *message,
		      size_t bytes)
{
	static _Alignas(8) uint8_t packet[VLY_PUBLISH_RESPONSE_BYTES];
	struct vly_publish_header *header = (void *)packet;

	(void)publisher;
	*header = (struct vly_publish_header){.type = VLY_PUBLISH_RESPONSE,
					      .bytes = (uint32_t)(sizeof(*header) + bytes),
					      .seq = seq};
	if (bytes > 0)
		memcpy(header + 1, message, bytes);
	commit_seq = 0;
	take_response(packet, header->bytes, seq, bytes);
}

void
vly_publisher_respond_after(struct vly_publisher *publisher, uint64_t after, uint64_t seq,
			    const uint8_t *message, size_t bytes)
{
	static _Alignas(8)
		uint8_t packet[sizeof(struct vly_publish_response_after) + VLY_MESSAGE_BYTES_MAX];
	struct vly_publish_response_after *head = (void *)packet;

	(void)publisher;
	*head = (struct vly_publish_response_after){
		.header = {.type = VLY_PUBLISH_RESPONSE_AFTER,
			   .bytes = (uint32_t)(sizeof(*head) + bytes),
			   .seq = seq},
		.commit_seq = after};
	memcpy(head->message, message, bytes);
	require(after == commit_seq);
	take_response(packet, head->header.bytes, seq, bytes);
}

bool
vly_living_find(const struct vly_living *living, const char *zone, struct vly_living_state *state)
{
	(void)living;
	*state = (struct vly_living_state){0};
	return strcmp(zone, FIXED_STORE_ZONE) == 0;
}

void
vly_living_submit(struct vly_living *living, struct vly_living_request *request)
{
	char reason[VLY_REASON_BYTES];
	struct vly_living_result result = {.text = reason};

	(void)living;
	result.code = vly_fuzz_store_try(request->prepare, request->arg, reason);
	commit_seq = ~request_id | 1;
	if (result.code == VLY_LIVING_DONE)
		request->committing(request->arg, commit_seq);
	request->done(request->arg, &result);
}

static void
ignore_wake(uv_async_t *wake)
{
	(void)wake;
}

static void
ignore_arrival(void *arg)
{
	(void)arg;
}

static struct vly_config_key keys[] = {{W("k."), W("hmac-sha256"), W("c2VjcmV0"), NULL}};

static void
open_updater(void)
{
	static char *types[] = {W("A"), W("TXT"), W("CNAME"), W("NS"), W("SOA")};
	static struct vly_grant_text grant = {.key = W("k."), .types = types, .type_cnt = 5};
	static struct vly_config_zone zone = {
		.name = W(FIXED_STORE_ZONE), .update = &grant, .update_cnt = 1};
	static const struct vly_config config = {
		.keys = keys, .key_cnt = 1, .zones = &zone, .zone_cnt = 1};

	updater = vly_updater_new((struct vly_publisher *)&loop, (struct vly_living *)&loop,
				  "/nonexistent"); /* what it calls of both is above */
	require(updater != NULL);
	struct vly_key_files *files = vly_updater_read_files(updater, &config);
	require(files != NULL);
	vly_updater_configure(updater, &config, files);
	vly_key_files_free(files);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	vly_fuzz_store_open();
	require(uv_loop_init(&loop) == 0);
	require(vly_requests_open(&requests, &loop, ignore_wake) == 0);
	require(vly_requests_join(&requests, &client, &loop, ignore_arrival, &loop) == 0);
	require(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends) == 0);
	vly_send_room_make(ends[0]);
	vly_log_level_set(VLY_LOG_ERROR);
	return 0;
}

/* Control handles a packet that has passed its checks, and answers it once, or stays silent. */
static void
handle(const void *packet)
{
	const struct vly_publish_client_request *request = packet;

	open_updater(); /* each input has one of its own, since it knows messages that it has seen */
	response_cnt = 0;
	request_id = request->header.seq;
	vly_updater_on_request(updater, request);
	require(response_cnt == 1);
	vly_updater_free(updater);
}

/* Takes what has come back. Returns how many requests have ended. */
static unsigned
take_all(void)
{
	struct vly_request *request;
	unsigned cnt = 0;

	while ((request = vly_requests_take(&client)) != NULL) {
		require(request->response == NULL ||
			request->response_bytes >= VLY_DNS_HEADER_BYTES);
		if (request->response != NULL)
			require(memcmp(request->response, request->message, 2) == 0);
		vly_request_free(request);
		cnt++;
	}
	return cnt;
}

static void
go_through(const struct vly_request_message *message, bool is_stream)
{
	static _Alignas(8) uint8_t
		packet[sizeof(struct vly_publish_client_request) + 2 * VLY_MESSAGE_BYTES_MAX];
	struct vly_request_origin origin = {.connection = is_stream ? &client : NULL,
					    .client.sin6_family = AF_INET6};

	require(vly_requests_put(&client, &origin, message, 1) != NULL);
	require(vly_publish_send_requests(ends[0], &requests) == 0);
	ssize_t bytes = recv(ends[1], packet, sizeof(packet), 0);
	require(bytes == (ssize_t)(sizeof(struct vly_publish_client_request) + message->bytes +
				   message->draft_bytes));
	require(vly_publish_check_request(packet, (size_t)bytes) == NULL);
	handle(packet);
	require(take_all() == 1 && requests.cnt == 0);
}

/* Signs a message in place, so that what is behind the signature is reached. Returns its length. */
static size_t
sign(uint8_t *message, size_t bytes)
{
	struct vly_tsig_stream stream = {0};
	struct vly_tsig_key key;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	require(vly_tsig_key_read(&key, keys[0].name, keys[0].algorithm, keys[0].secret) == NULL);
	size_t len = vly_tsig_stream_request(&stream, &key, message, bytes, VLY_MESSAGE_BYTES_MAX,
					     (uint64_t)now.tv_sec);
	vly_tsig_stream_wipe(&stream);
	return len;
}

/* The draft of a signed query, of the same octets: what a dataplane would have made of it. */
static size_t
make_draft(uint8_t *draft, uint8_t *message, size_t bytes, size_t wanted)
{
	uint16_t without = vly_signed_query_take(message, (uint16_t)bytes);

	if (without == 0 || wanted < VLY_DNS_HEADER_BYTES)
		return 0;
	if (wanted > without)
		wanted = without;
	memcpy(draft, message, wanted);
	vly_signed_query_restore(message);
	return vly_signed_query_fit(draft, (uint16_t)wanted, message + without,
				    (unsigned)(bytes - without), VLY_UDP_BYTES_MIN);
}

static void
send_message(const uint8_t *data, size_t bytes, bool is_signed)
{
	static uint8_t message[VLY_MESSAGE_BYTES_MAX];
	static uint8_t draft[VLY_MESSAGE_BYTES_MAX];

	if (bytes < 2 + VLY_DNS_HEADER_BYTES)
		return;
	const size_t wanted = vly_be16(data);
	memcpy(message, data + 2, bytes - 2);
	bytes -= 2;
	if (is_signed)
		bytes = sign(message, bytes);
	if (bytes == 0)
		return;
	/* of their own, so that the sanitizer sees what is read beyond */
	uint8_t *octets = malloc(bytes);
	require(octets != NULL);
	memcpy(octets, message, bytes);
	const size_t draft_bytes = make_draft(draft, octets, bytes, wanted);
	const struct vly_request_message whole = {.octets = octets,
						  .draft = draft,
						  .bytes = (uint16_t)bytes,
						  .draft_bytes = (uint16_t)draft_bytes};
	go_through(&whole, wanted & 1);
	free(octets);
}

/* A packet of the exact size, aligned. */
static void *
copy_packet(const uint8_t *data, size_t bytes)
{
	uint64_t *packet = malloc(bytes > 0 ? bytes : 1);

	require(packet != NULL);
	memcpy(packet, data, bytes);
	return packet;
}

static void
give_to_control(const uint8_t *data, size_t bytes)
{
	void *packet = copy_packet(data, bytes);

	if (vly_publish_check_request(packet, bytes) == NULL)
		handle(packet);
	free(packet);
}

static void
put_waiting(unsigned cnt)
{
	static const uint8_t header[VLY_DNS_HEADER_BYTES];
	const struct vly_request_message message = {.octets = header, .bytes = sizeof(header)};
	const struct vly_request_origin origin = {.fd = -1};

	for (unsigned i = 0; i < cnt; i++)
		require(vly_requests_put(&client, &origin, &message, 1) != NULL);
	for (unsigned i = 0; i + 1 < cnt; i++) /* the last one is not sent */
		require(vly_requests_next(&requests) != NULL);
}

/* Only requests that were sent can be answered. The target starts its ids where it likes. */
static void
give_to_dataplane(const uint8_t *data, size_t bytes)
{
	struct vly_publish_request request;
	void *packet = copy_packet(data, bytes);
	unsigned ended = 0;

	requests.next_serial = 0;
	requests.next_slot = 0;
	put_waiting(4);
	if (vly_publish_decode(packet, bytes, 0, &request) == NULL &&
	    (request.type == VLY_PUBLISH_RESPONSE || request.type == VLY_PUBLISH_RESPONSE_AFTER)) {
		const bool takes = is_due(&request);
		require(takes == (request.type == VLY_PUBLISH_RESPONSE || request.commit_seq != 0));
		if (takes)
			vly_requests_answer(&requests, request.seq, request.response,
					    request.response_bytes);
		ended = 4 - requests.cnt;
		require(ended <= takes);
		if (takes)
			vly_requests_answer(&requests, request.seq, request.response,
					    request.response_bytes);
		require(requests.cnt == 4 - ended);
	}
	free(packet);
	vly_requests_drop(&requests);
	struct vly_request *taken;
	for (ended = 0; (taken = vly_requests_take(&client)) != NULL; ended++)
		vly_request_free(taken);
	require(ended == 4 && requests.cnt == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	if (bytes == 0 || bytes > VLY_MESSAGE_BYTES_MAX)
		return -1;
	switch (data[0] % WAY_CNT) {
	case WHOLE:
	case SIGNED:
		send_message(data + 1, bytes - 1, data[0] % WAY_CNT == SIGNED);
		break;
	case TO_CONTROL:
		give_to_control(data + 1, bytes - 1);
		break;
	case TO_DATAPLANE:
		give_to_dataplane(data + 1, bytes - 1);
		break;
	}
	uv_run(&loop, UV_RUN_NOWAIT);
	return 0;
}
