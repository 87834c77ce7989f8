/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "socket_owner.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define STATE_LISTEN 0x0a
#define STATE_CLOSE  0x07 /* an unconnected UDP socket */

/* The inode of a socket on the port from one of the kernel's tables, or 0. */
static unsigned long
find_inode(const char *table, unsigned port, unsigned wanted_state)
{
	char line[512];
	unsigned long found = 0;
	FILE *file = fopen(table, "re");

	while (found == 0 && file != NULL && fgets(line, sizeof(line), file) != NULL) {
		unsigned local_port, state;
		unsigned long inode;
		if (sscanf(line,
			   " %*d: %*32[0-9A-F]:%x %*32[0-9A-F]:%*x %x %*s %*s %*s %*u %*u %lu",
			   &local_port, &state, &inode) == 3 &&
		    local_port == port && state == wanted_state)
			found = inode;
	}
	if (file != NULL)
		fclose(file);
	return found;
}

static bool
has_socket(const char *pid, unsigned long inode)
{
	char path[300], wanted[40], link[40];
	const struct dirent *entry;
	bool found = false;

	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
	DIR *dir = opendir(path);
	while (!found && dir != NULL && (entry = readdir(dir)) != NULL) {
		ssize_t len = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);
		link[len > 0 ? len : 0] = '\0';
		found = strcmp(link, wanted) == 0;
	}
	if (dir != NULL)
		closedir(dir);
	return found;
}

static void
write_name(char text[VLY_SOCKET_OWNER_CHARS], const char *pid)
{
	char path[64], name[20] = "process";

	snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	FILE *file = fopen(path, "re");
	if (file != NULL) {
		if (fscanf(file, "%19[^\n]", name) != 1)
			snprintf(name, sizeof(name), "process");
		fclose(file);
	}
	snprintf(text, VLY_SOCKET_OWNER_CHARS, " by %s (%.20s)", name, pid);
}

void
vly_socket_owner(char text[VLY_SOCKET_OWNER_CHARS], int type, unsigned port)
{
	bool tcp = type == SOCK_STREAM;
	unsigned state = tcp ? STATE_LISTEN : STATE_CLOSE;
	unsigned long inode = find_inode(tcp ? "/proc/net/tcp" : "/proc/net/udp", port, state);
	const struct dirent *entry;

	text[0] = '\0';
	if (inode == 0)
		inode = find_inode(tcp ? "/proc/net/tcp6" : "/proc/net/udp6", port, state);
	DIR *dir = inode != 0 ? opendir("/proc") : NULL;
	while (text[0] == '\0' && dir != NULL && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    has_socket(entry->d_name, inode))
			write_name(text, entry->d_name);
	if (dir != NULL)
		closedir(dir);
}
