/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "evidence.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "client_frame.h"

#define FOLDER "stuck"
#define SUFFIX ".pcap"

/* The client's port is not known. */
#define PORT_UNKNOWN 65535

/* The file format, in host order: https://www.tcpdump.org/manpages/pcap-savefile.5.html */
#define PCAP_MAGIC    0xa1b2c3d4
#define PCAP_ETHERNET 1

struct pcap_header {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy, packet_bytes_max, link_type;
};

struct pcap_record {
	uint32_t s, us, bytes, original_bytes;
};

void
vly_evidence_clear(struct vly_evidence *evidence)
{
	evidence->cnt = 0;
}

/* The kernel copies, so memory that was unmapped meanwhile causes an error, not SIGSEGV. */
static bool
copy(void *to, const void *from, size_t bytes)
{
	struct iovec local = {to, bytes};
	struct iovec remote = {(void *)(uintptr_t)from, bytes};

	return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)bytes;
}

static void
add(struct vly_evidence *evidence, const void *octets, uint16_t bytes, uint16_t head_bytes)
{
	struct vly_evidence_packet *packet = &evidence->packet[evidence->cnt];
	uint16_t room = (uint16_t)(sizeof(packet->octets) - head_bytes);
	uint16_t kept = bytes < room ? bytes : room;

	if (!copy(packet->octets + head_bytes, octets, kept))
		return;
	packet->bytes = (uint16_t)(head_bytes + kept);
	packet->original_bytes = (uint16_t)(head_bytes + bytes);
	evidence->cnt++;
}

void
vly_evidence_add_frame(struct vly_evidence *evidence, const void *frame, uint16_t bytes)
{
	if (evidence->cnt < VLY_EVIDENCE_PACKETS_MAX)
		add(evidence, frame, bytes, 0);
}

void
vly_evidence_add_message(struct vly_evidence *evidence, const void *client, bool ipv4,
			 const void *message, uint16_t bytes)
{
	uint16_t head = (uint16_t)vly_client_frame_head_bytes(ipv4);
	uint8_t address[16] = {0};
	unsigned before = evidence->cnt;

	if (before == VLY_EVIDENCE_PACKETS_MAX || bytes > UINT16_MAX - head ||
	    !copy(address, client, ipv4 ? 4 : 16))
		return;
	add(evidence, message, bytes, head);
	if (evidence->cnt > before)
		vly_client_frame_write(evidence->packet[before].octets, address, ipv4, PORT_UNKNOWN,
				       IPPROTO_UDP, bytes);
}

/* Removes the oldest of our own files, however many there are, so that VLY_EVIDENCE_FILES_MAX stay
 * with the new one. */
static void
remove_oldest(int folder_fd)
{
	char oldest[NAME_MAX + 1] = "";
	const struct dirent *entry;
	unsigned cnt = 0;
	DIR *folder = fdopendir(dup(folder_fd));

	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		size_t len = strlen(entry->d_name);
		if (len < sizeof(SUFFIX) ||
		    strcmp(entry->d_name + len - strlen(SUFFIX), SUFFIX) != 0)
			continue;
		cnt++;
		/* names begin with the time */
		if (oldest[0] == '\0' || strcmp(entry->d_name, oldest) < 0)
			snprintf(oldest, sizeof(oldest), "%s", entry->d_name);
	}
	if (folder != NULL)
		closedir(folder);
	if (cnt >= VLY_EVIDENCE_FILES_MAX)
		unlinkat(folder_fd, oldest, 0);
}

static size_t
format(const struct vly_evidence *evidence, const struct timespec *now, uint8_t *file)
{
	const struct pcap_header header = {
		PCAP_MAGIC, 2, 4, 0, 0, VLY_EVIDENCE_BYTES_MAX, PCAP_ETHERNET,
	};
	size_t at = sizeof(header);

	memcpy(file, &header, sizeof(header));
	for (unsigned i = 0; i < evidence->cnt; i++) {
		const struct vly_evidence_packet *packet = &evidence->packet[i];
		const struct pcap_record record = {(uint32_t)now->tv_sec,
						   (uint32_t)(now->tv_nsec / 1000), packet->bytes,
						   packet->original_bytes};
		memcpy(file + at, &record, sizeof(record));
		memcpy(file + at + sizeof(record), packet->octets, packet->bytes);
		at += sizeof(record) + packet->bytes;
	}
	return at;
}

static int
write_file(int folder_fd, const char *name, const struct vly_evidence *evidence,
	   const struct timespec *now)
{
	static uint8_t file[sizeof(struct pcap_header) +
			    VLY_EVIDENCE_PACKETS_MAX *
				    (sizeof(struct pcap_record) + VLY_EVIDENCE_BYTES_MAX)];
	size_t bytes = format(evidence, now, file);
	int fd =
		openat(folder_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);

	if (fd < 0)
		return -errno;
	ssize_t written = write(fd, file, bytes);
	int error = written < 0 ? errno : ENOSPC;
	close(fd);
	return written == (ssize_t)bytes ? 0 : -error;
}

/* The state directory belongs to another user: symbolic links in it are not followed. */
static int
open_folder(const char *path)
{
	if (mkdir(path, 0750) != 0 && errno != EEXIST)
		return -errno;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int
vly_evidence_write(const struct vly_evidence *evidence, const char *state_dir, const char *what,
		   char *path, size_t path_bytes)
{
	struct timespec now;
	char name[64];

	snprintf(path, path_bytes, "%s/" FOLDER, state_dir);
	mkdir(state_dir, 0700); /* if volley-control has not created it */
	int folder_fd = open_folder(path);
	if (folder_fd < 0)
		return folder_fd;
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(name, sizeof(name), "%lld.%03ld-%s" SUFFIX, (long long)now.tv_sec,
		 now.tv_nsec / 1000000, what);
	remove_oldest(folder_fd);
	int error = write_file(folder_fd, name, evidence, &now);
	snprintf(path, path_bytes, "%s/" FOLDER "/%s", state_dir, name);
	close(folder_fd);
	return error;
}
