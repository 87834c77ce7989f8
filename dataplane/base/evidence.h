/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a thread that hangs had in hand: packets or messages, copied while it may still write them,
 * and kept as a pcap file.
 *
 * Use: vly_evidence_clear(), vly_evidence_add_frame() or vly_evidence_add_message() each,
 * vly_evidence_write().
 *
 * A response is composed over its query: of one that was being written, the first octets may
 * already be ours, and the rest are the client's. Memory that is gone is left out and does no harm.
 *
 * One thread writes an evidence. It owns its octets: nothing in it points to what was copied.
 */
#ifndef VLY_DATAPLANE_EVIDENCE_H
#define VLY_DATAPLANE_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Those of a whole burst. */
#define VLY_EVIDENCE_PACKETS_MAX 64

/* Of each packet: more than any frame on an Ethernet, and 128 KiB for all. */
#define VLY_EVIDENCE_BYTES_MAX 2048

/* Files in the directory. The oldest goes for a new one, so that all are some 1 MiB at most. */
#define VLY_EVIDENCE_FILES_MAX 8

struct vly_evidence_packet {
	uint16_t bytes;          /* of octets[] */
	uint16_t original_bytes; /* of the packet */
	uint8_t octets[VLY_EVIDENCE_BYTES_MAX];
};

struct vly_evidence {
	unsigned cnt;
	struct vly_evidence_packet packet[VLY_EVIDENCE_PACKETS_MAX];
};

__attribute__((nonnull)) void vly_evidence_clear(struct vly_evidence *evidence);

/* Copies an Ethernet frame. */
__attribute__((nonnull)) void vly_evidence_add_frame(struct vly_evidence *evidence,
						     const void *frame, uint16_t bytes);

/* Copies a DNS message, and puts headers of UDP in front of it, from the address of `client`, of 4
 * or 16 octets, to one of zeros (client_frame.h). */
__attribute__((nonnull)) void vly_evidence_add_message(struct vly_evidence *evidence,
						       const void *client, bool ipv4,
						       const void *message, uint16_t bytes);

/*
 * Writes a file that has `what` in its name into the folder "stuck" of state_dir; both are made if
 * they are not there. Blocks for as long as the disk does. Returns 0 with the file's path in
 * path[], or a negative errno with the path of what failed.
 */
__attribute__((nonnull, warn_unused_result)) int
vly_evidence_write(const struct vly_evidence *evidence, const char *state_dir, const char *what,
		   char *path, size_t path_bytes);

#endif
