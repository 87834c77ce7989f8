/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any octets as what a session receives, in parts, with pauses: the messages are those that a naive
 * reader finds. Then each message is padded; is verified as part of a signed response, which it is
 * not; and is the content of one that is signed, verified, and not verified when an octet is changed.
 *
 * The first octet says how the stream is cut, the second where an octet is changed.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <volley/octets.h>

#include "key/tsig_stream.h"
#include "session/padding.h"
#include "session/session.h"
#include "target.h"

#define NOW         UINT64_C(1700000000)
#define BYTES_MAX   8192
#define MESSAGE_MAX 64 /* of a stream that are signed */

struct receiver {
	struct vly_session *session;
	uint8_t got[BYTES_MAX];
	size_t len;
	unsigned message_cnt;
	unsigned pause_each; /* message of so many */
	bool closed;
	enum vly_session_end end;
};

static void
on_opened(void *arg, const struct vly_session_peer *peer)
{
	(void)arg;
	require(!peer->tls);
}

static void
on_message(void *arg, const uint8_t *message, size_t len)
{
	struct receiver *receiver = arg;

	require(!receiver->closed && receiver->len + len <= sizeof(receiver->got));
	memcpy(receiver->got + receiver->len, message, len);
	receiver->len += len;
	receiver->message_cnt++;
	if (receiver->pause_each != 0 && receiver->message_cnt % receiver->pause_each == 0)
		vly_session_pause(receiver->session);
}

static void
on_end(void *arg, enum vly_session_end end, const char *reason)
{
	struct receiver *receiver = arg;

	require(!receiver->closed && reason[0] != '\0');
	receiver->closed = true;
	receiver->end = end;
}

static const struct vly_session_callbacks callbacks = {
	.opened = on_opened, .message = on_message, .closed = on_end};

/* The messages as they stand in the stream, one behind the other. Returns the octets left. */
static size_t
read_naively(const uint8_t *octets, size_t bytes, uint8_t *messages, size_t *len, unsigned *cnt)
{
	*len = 0;
	*cnt = 0;
	while (bytes >= 2 && bytes - 2 >= (size_t)(octets[0] << 8 | octets[1])) {
		const size_t message_len = (size_t)(octets[0] << 8 | octets[1]);
		memcpy(messages + *len, octets + 2, message_len);
		*len += message_len;
		*cnt += 1;
		octets += 2 + message_len;
		bytes -= 2 + message_len;
	}
	return bytes;
}

static void
run(uv_loop_t *loop, struct receiver *receiver)
{
	uv_run(loop, UV_RUN_NOWAIT);
	if (!receiver->closed)
		vly_session_resume(receiver->session);
}

static void
receive(const uint8_t *octets, size_t bytes, unsigned cut)
{
	static struct receiver receiver;
	static uint8_t messages[BYTES_MAX];
	const size_t first = cut % 4 == 0 ? bytes / 2 : 0;
	const size_t part = cut / 4 + 1;
	char reason[512];
	uv_loop_t loop;
	size_t len;
	unsigned cnt;
	int fd[2];

	receiver = (struct receiver){.pause_each = cut % 3};
	require(uv_loop_init(&loop) == 0);
	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == 0);
	receiver.session = vly_session_adopt(&loop, fd[0], NULL, octets, first, NULL, &callbacks,
					     &receiver, reason, sizeof(reason));
	require(receiver.session != NULL);
	for (size_t at = first; at < bytes; at += part) {
		const size_t part_len = bytes - at < part ? bytes - at : part;
		require(send(fd[1], octets + at, part_len, MSG_NOSIGNAL) == (ssize_t)part_len);
		run(&loop, &receiver);
	}
	close(fd[1]);
	for (size_t left = bytes + 16; left > 0 && !receiver.closed; left--)
		run(&loop, &receiver);
	require(receiver.closed && uv_run(&loop, UV_RUN_DEFAULT) == 0 && uv_loop_close(&loop) == 0);
	const size_t rest = read_naively(octets, bytes, messages, &len, &cnt);
	require(receiver.end == (rest == 0 ? VLY_SESSION_EOF : VLY_SESSION_BROKEN));
	require(receiver.message_cnt == cnt && receiver.len == len);
	require(len == 0 || memcmp(receiver.got, messages, len) == 0);
}

static void
pad(const uint8_t *octets, size_t len, unsigned block)
{
	uint8_t *message = malloc(len + 600);
	struct vly_tsig tsig;

	require(message != NULL);
	memcpy(message, octets, len);
	const bool valid = vly_tsig_find(&tsig, message, len) == 0;
	const size_t padded = vly_padding_add(message, len, len + 600, block + 1, block, block % 2);
	require(padded == len || (padded + block) % (block + 1) == 0);
	require(padded >= len && (!valid || vly_tsig_find(&tsig, message, padded) == 0));
	free(message);
}

static const struct vly_tsig_key *
key(void)
{
	static struct vly_tsig_key made;

	if (made.name_len == 0)
		require(vly_tsig_key_read(&made, "k.", "hmac-sha256", "c2VjcmV0") == NULL);
	return &made;
}

/* A client and a server of the same request. */
static void
begin(struct vly_tsig_stream *client, struct vly_tsig_stream *server, unsigned every)
{
	uint8_t request[200] = {0x12, 0x34};
	struct vly_tsig tsig;
	const size_t len = vly_tsig_stream_request(client, key(), request, VLY_DNS_HEADER_BYTES,
						   sizeof(request), NOW);

	require(vly_tsig_find(&tsig, request, len) == 0 &&
		vly_tsig_verify(&tsig, key(), request, NOW) == 0);
	vly_tsig_stream_respond(server, &tsig, key(), every);
}

/* A message with the content as data of a record. */
static size_t
compose(uint8_t *message, const uint8_t *content, size_t len)
{
	static const uint8_t head[] = {0x12, 0x34, 0x84, 0, 0, 0, 0, 1, 0, 0, 0,
				       0,    0,    0xff, 0, 0, 1, 0, 0, 0, 0};

	memcpy(message, head, sizeof(head));
	vly_put_be16(message + sizeof(head), (unsigned)len);
	memcpy(message + sizeof(head) + 2, content, len);
	return sizeof(head) + 2 + len;
}

/* The length of the message that the stream goes on with, which may be cut off; -1 at its end. */
static long
next_len(const uint8_t *octets, size_t bytes)
{
	if (bytes < 2)
		return -1;
	const size_t len = (size_t)(octets[0] << 8 | octets[1]);
	return (long)(len < bytes - 2 ? len : bytes - 2);
}

static unsigned
count(const uint8_t *octets, size_t bytes)
{
	unsigned cnt = 0;
	long len;

	while (cnt < MESSAGE_MAX && (len = next_len(octets, bytes)) >= 0) {
		octets += 2 + len;
		bytes -= 2 + (size_t)len;
		cnt++;
	}
	return cnt;
}

/* Changes a bit, but none of the ID, which the record has too, nor of the case of letters. */
static void
change_bit(uint8_t *message, size_t len, unsigned change)
{
	static const uint8_t bits[] = {1, 2, 4, 8, 16, 64, 128};

	message[2 + change * 31 % (len - 2)] ^= bits[change % sizeof(bits)];
}

/* Returns whether the client takes all of the response for good. `change`: 0, or what is changed. */
static bool
verify_all(const uint8_t *octets, size_t bytes, unsigned every, unsigned change)
{
	static uint8_t message[BYTES_MAX + 300];
	const unsigned cnt = count(octets, bytes);
	struct vly_tsig_stream client, server;
	struct vly_tsig_stream_part part;
	bool good = true;

	begin(&client, &server, every);
	for (unsigned i = 0; i < cnt && good; i++) {
		const long len = next_len(octets, bytes);
		size_t message_len = compose(message, octets + 2, (size_t)len);
		message_len = vly_tsig_stream_sign(&server, message, message_len, sizeof(message),
						   i + 1 == cnt, NOW);
		require(message_len != 0);
		if (change > 0 && change % cnt == i)
			change_bit(message, message_len, change);
		good = vly_tsig_stream_verify(&client, message, message_len, NOW, &part) == NULL;
		require(part.len <= message_len);
		octets += 2 + len;
		bytes -= 2 + (size_t)len;
	}
	good = good && vly_tsig_stream_end(&client) == NULL;
	vly_tsig_stream_wipe(&client);
	vly_tsig_stream_wipe(&server);
	return good;
}

static void
verify_raw(const uint8_t *octets, size_t len)
{
	struct vly_tsig_stream client, server;
	struct vly_tsig_stream_part part;
	uint8_t *message = malloc(len);

	require(message != NULL || len == 0);
	if (len > 0)
		memcpy(message, octets, len);
	begin(&client, &server, 1);
	require(vly_tsig_stream_verify(&client, message, len, NOW, &part) != NULL);
	require(!part.is_signed && vly_tsig_stream_end(&client) != NULL);
	vly_tsig_stream_wipe(&client);
	vly_tsig_stream_wipe(&server);
	free(message);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	if (bytes < 2 || bytes > BYTES_MAX)
		return -1;
	receive(data + 2, bytes - 2, data[0]);
	pad(data + 2, bytes - 2, data[1]);
	verify_raw(data + 2, bytes - 2);
	if (bytes < 4)
		return 0;
	require(verify_all(data + 2, bytes - 2, data[0] % 100 + 1u, 0));
	if (data[1] > 0)
		require(!verify_all(data + 2, bytes - 2, data[0] % 100 + 1u, data[1]));
	return 0;
}
