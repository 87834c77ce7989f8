/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The packets or messages that a hung thread was working on, copied while the thread may still
 * write them, and saved as a pcap file.
 *
 * Use: vly_evidence_clear(); vly_evidence_add_frame() or vly_evidence_add_message() for each;
 * vly_evidence_write().
 *
 * A response is written in place of its query, so a copy may begin with octets of the response and
 * go on with those of the query. Memory that was unmapped meanwhile is left out and does no harm.
 *
 * One thread writes an evidence. It owns its octets and points to nothing else.
 */
#ifndef VLY_DATAPLANE_EVIDENCE_H
#define VLY_DATAPLANE_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The packets of a whole burst. */
#define VLY_EVIDENCE_PACKETS_MAX 64

/* Octets of each packet: more than an Ethernet frame has, and 128 KiB for all packets. */
#define VLY_EVIDENCE_BYTES_MAX 2048

/* Files in the directory: about 1 MiB. A new one replaces the oldest. */
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

/* Copies a DNS message, with UDP headers in front of it from the address of `client` (4 or 16
 * octets) to a zero address (client_frame.h). */
__attribute__((nonnull)) void vly_evidence_add_message(struct vly_evidence *evidence,
						       const void *client, bool ipv4,
						       const void *message, uint16_t bytes);

/*
 * Writes a file with `what` in its name into the directory "stuck" of state_dir, and creates both
 * if they are missing. Blocks on the disk. Returns 0 with the file's path in path[], or a negative
 * errno with the path that failed.
 */
__attribute__((nonnull, warn_unused_result)) int
vly_evidence_write(const struct vly_evidence *evidence, const char *state_dir, const char *what,
		   char *path, size_t path_bytes);

#endif
