/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For the parts of transfers out alone, by file:
 *
 *     transfer.c        connections, configuration, time
 *     transfer_client.c a connection: its session and its requests
 *     transfer_send.c   from a spool to a session
 *     transfer_past.c   keeps the last transfers
 *     client_limit.c    what one network may take
 *     answers.c         answers by zone and version, and who uses them
 *     answer_room.c     which answers are given up for others
 *     answer_fill.c     writes the spool of an answer; in a thread of the pool
 *     notifier.c        NOTIFY to the targets of a zone
 *     notify_targets.c  which targets a zone has; partly in a thread of the pool
 *
 * A client has at most one request at hand, and uses at most one answer. An answer that nobody uses is
 * kept for VLY_ANSWER_KEPT_MS while its version is the present one: secondaries that got a NOTIFY ask
 * at about the same time.
 */
#ifndef VLY_CONTROL_TRANSFER_PARTS_H
#define VLY_CONTROL_TRANSFER_PARTS_H

#include <netinet/in.h>

#include "answer_fill.h"
#include "client_limit.h"
#include "key/tsig_stream.h"
#include "living/living_read.h"
#include "message_spool.h"
#include "session/past.h"
#include "session/session.h"
#include "transfer.h"
#include "transfer_request.h"
#include "zone_rules.h"

#define VLY_ANSWER_KEPT_MS 5000

/* Answers that are kept while nobody uses them. */
#define VLY_ANSWERS_KEPT_MAX 1024

/* Versions of one zone, and differences, that may be sent at a time; for another one, the slowest clients
 * make room. More: slow clients of a zone that changes all the time take more disk. Fewer: then its
 * clients are broken off, or get SERVFAIL, more often. */
#define VLY_ANSWER_VERSIONS_MAX    8
#define VLY_ANSWER_DIFFERENCES_MAX 64

/* For how long no client counts as slow. */
#define VLY_ANSWER_GRACE_MS 5000

/* Whole zones that are written at a time, and as many of the other answers: threads of the pool that they
 * take. */
#define VLY_ANSWER_FILLS_MAX 2

/* Sent messages that wait in a session. More: more memory for each slow client. Less: a fast one waits
 * for the loop more often. */
#define VLY_TRANSFER_QUEUE_BYTES (32u << 10)

/* What is read from a spool in one go: at least one message with its length. */
#define VLY_TRANSFER_CHUNK_BYTES (2 + VLY_MESSAGE_BYTES_MAX)

/* Reads of spools from the disk at a time, by threads of the pool. More: slow disks take threads from
 * everything else. Fewer: fast disks are used less. */
#define VLY_TRANSFER_READS_MAX 4

/* What one client is sent before it is the turn of others: a fast one has always room. */
#define VLY_TRANSFER_TURN_BYTES (256u << 10)

struct vly_transfer_client;

enum vly_answer_state {
	VLY_ANSWER_QUEUED,
	VLY_ANSWER_FILLING,
	VLY_ANSWER_ENDED,
};

struct vly_answer {
	struct vly_living_read read; /* the first member */
	struct vly_transfers *transfers;
	struct vly_answer_zone *zone;
	struct vly_answer *next; /* of its zone */
	struct vly_answer *next_queued;
	enum vly_answer_kind kind;
	uint32_t from;            /* DIFFERENCE */
	uint64_t wanted;          /* the version that was live when it was made */
	_Atomic uint64_t version; /* that it has; 0: not begun */
	_Atomic uint32_t serial;
	_Atomic bool is_cancelled;
	bool is_given_up; /* its clients are too slow, and will be closed */
	enum vly_answer_state state;
	enum vly_fill_result result; /* ENDED */
	struct vly_message_spool *spool;
	struct vly_transfer_client *client; /* the first */
	unsigned user_cnt;                  /* clients, and their reads in the pool */
	uint64_t unused_ms;                 /* since when, if user_cnt is 0 */
};

struct vly_answer_zone {
	char *name;
	struct vly_answer *answer; /* the first */
	UT_hash_handle hh;
};

/* A read that waits for the disk, in the pool. */
struct vly_transfer_read {
	uv_work_t work;
	struct vly_transfer_client *client; /* NULL: it has gone */
	struct vly_answer *answer;
	struct vly_transfer_read *next; /* that waits for its turn */
	uint64_t off;
	ssize_t cnt; /* or -1 */
	int error;
	uint8_t octet[VLY_TRANSFER_CHUNK_BYTES];
};

struct vly_transfer_client {
	struct vly_transfers *transfers;
	struct vly_transfer_client *next, **prev; /* of all */
	struct vly_session *session;
	int fd; /* the session's */
	struct vly_transfer_peer peer;
	struct vly_network *network;
	struct vly_session_peer tls;
	/* of those without a request, the oldest first; prev_idle NULL: it has one */
	struct vly_transfer_client *next_idle, **prev_idle;
	bool has_ended;                                     /* it sends no more */
	bool is_full;                                       /* the session has no room */
	struct vly_transfer_client *next_turn, **prev_turn; /* of those who go on when the loop runs
							     * again; prev_turn NULL: not */

	/* the request at hand */
	bool is_busy;
	bool is_transfer; /* counted in transfer_cnt */
	bool is_signed;   /* `stream` is used */
	char *zone;       /* canonical */
	char *key;        /* its name; NULL: not signed */
	struct vly_transfer_request request;
	struct vly_tsig_stream stream;
	struct vly_answer *answer;
	struct vly_transfer_client *next_user, **prev_user; /* of the answer */
	struct vly_transfer_read *read;                     /* under way */
	uint64_t off;                                       /* in its spool */
	uint64_t octet_cnt;
	uint64_t message_cnt;
	uint64_t start_ms;
	bool is_current; /* it was answered with the SOA alone */
	const char *end; /* how it ends: "" when it is whole; NULL: not known yet */
};

struct vly_notifier;

struct vly_answer_queue {
	uint32_t filling_cnt;
	struct vly_answer *waiting, **end; /* for their turn; end NULL: none yet */
};

struct vly_transfers {
	struct vly_transfers_settings settings;
	char *dir;
	struct vly_zone_rules rules;
	bool is_configured;
	bool has_new_rules; /* by which transfers under way are to be judged */
	uint32_t transfer_max;
	uint64_t time_max_ms;
	struct vly_credentials *credentials; /* NULL: no TLS */
	struct vly_transfer_client *client;
	struct vly_transfer_client *idle, **idle_end;
	struct vly_network *networks; /* of the clients */
	struct vly_handshake_meter handshakes;
	uint32_t client_cnt;
	uint32_t transfer_cnt;
	struct vly_transfers_counts counts;
	struct vly_past past;
	struct vly_answer_zone *answers;
	uint32_t answer_cnt;
	uint32_t unused_cnt;
	bool has_given_up;             /* there are answers that are given up */
	struct vly_answer_queue whole; /* answers of kind WHOLE */
	struct vly_answer_queue small; /* the others */
	struct vly_message_spool_usage usage;
	uv_async_t progress; /* of spools, and turns */
	struct vly_transfer_client *turn;
	uv_timer_t tick;
	unsigned handle_cnt;
	bool is_freed;
	uint32_t read_cnt;       /* in the pool: of the store and of spools */
	uint32_t spool_read_cnt; /* of spools alone */
	struct vly_transfer_read *waiting,
		**waiting_end; /* reads of spools; waiting_end NULL: none yet */
	struct vly_notifier *notifier;
	uint64_t line_second; /* of which line_cnt counts the lines */
	unsigned line_cnt;
	uint8_t chunk[VLY_TRANSFER_CHUNK_BYTES];
	uint8_t message[VLY_MESSAGE_BYTES_MAX];
};

/* transfer.c */

/* Whether a line about a client may be logged: there are at most 10 a second. */
__attribute__((nonnull)) bool vly_transfers_may_log(struct vly_transfers *transfers);

/* The memory goes when all handles are closed and no thread is at work. */
__attribute__((nonnull)) void vly_transfers_release(struct vly_transfers *transfers);

/* transfer_client.c */

extern const struct vly_session_callbacks vly_transfer_callbacks;

/* Enters or leaves the list of those without a request. */
__attribute__((nonnull)) void vly_transfer_client_idle(struct vly_transfer_client *client);
__attribute__((nonnull)) void vly_transfer_client_work(struct vly_transfer_client *client);

/* Why the client may not have its zone (any more); NULL: it may. */
__attribute__((nonnull)) const char *
vly_transfer_client_judge(const struct vly_transfer_client *client);

/* Ends the request at hand, and reads the next one. */
__attribute__((nonnull)) void vly_transfer_client_next(struct vly_transfer_client *client);

/* Answers the request at hand without data. */
__attribute__((nonnull)) void vly_transfer_client_respond(struct vly_transfer_client *client,
							  enum vly_rcode rcode,
							  unsigned tsig_error);

/* Closes the connection. In the middle of an answer, it is reset: what waits in the kernel for a slow
 * client is dropped, too. */
__attribute__((nonnull)) void vly_transfer_client_close(struct vly_transfer_client *client);

/* Gives back what belongs to the request at hand. */
__attribute__((nonnull)) void vly_transfer_client_drop(struct vly_transfer_client *client);

/* transfer_past.c: keeps a transfer that ends, if something of it was sent. */
__attribute__((nonnull)) void vly_transfer_note_past(const struct vly_transfer_client *client);

__attribute__((nonnull)) void vly_transfer_client_address(const struct vly_transfer_client *client,
							  char out[INET6_ADDRSTRLEN]);

/* transfer_send.c */

/* Sends of the client's answer what is there and has room. */
__attribute__((nonnull)) void vly_transfer_send(struct vly_transfer_client *client);

/* Those whose turn has ended before they were done. */
__attribute__((nonnull)) void vly_transfer_send_turns(struct vly_transfers *transfers);
__attribute__((nonnull)) void vly_transfer_forgo_turn(struct vly_transfer_client *client);

/* answers.c */

/* Makes the client a user of the answer of a kind, for its zone as it is now. Returns 0; or -1: no memory,
 * or too many versions are being sent, none of them to slow clients alone. */
__attribute__((nonnull, warn_unused_result)) int
vly_answers_join(struct vly_transfer_client *client, enum vly_answer_kind kind, uint64_t version);
__attribute__((nonnull)) void vly_answer_leave(struct vly_transfer_client *client);

/* One user less, or more. */
__attribute__((nonnull)) void vly_answer_release(struct vly_answer *answer);
__attribute__((nonnull)) void vly_answer_hold(struct vly_answer *answer);

/* Frees what was kept for too long. */
__attribute__((nonnull)) void vly_answers_tick(struct vly_transfers *transfers);

/* A zone has a new version: its answers are not kept. */
__attribute__((nonnull)) void vly_answers_changed(struct vly_transfers *transfers,
						  const char *zone);

/* Frees them all. Nobody uses them, and no thread is at work. */
__attribute__((nonnull)) void vly_answers_free(struct vly_transfers *transfers);

/* Spools have grown: sends on. */
__attribute__((nonnull)) void vly_answers_progress(struct vly_transfers *transfers);

/* answer_room.c */

/* Makes room for another answer of a kind, of which the zone has `cnt`: if those are too many, the one
 * with the slowest clients is given up. They are closed from the loop, as the caller may be at work on
 * some. Returns false when there is none to give up. */
__attribute__((nonnull, warn_unused_result)) bool
vly_answers_give_way(struct vly_answer_zone *zone, enum vly_answer_kind kind, unsigned cnt);

/* Closes the clients of answers that were given up. */
__attribute__((nonnull)) void vly_answers_close_slow(struct vly_transfers *transfers);

#endif
