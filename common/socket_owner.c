/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "socket_owner.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define STATE_LISTEN 0x0a
#define STATE_CLOSE  0x07 /* an unconnected UDP socket */

/* Words of four octets, each as a number of this machine. */
static void
read_address(struct vly_bound_socket *socket, const char *hex)
{
	size_t words = strlen(hex) / 8;

	socket->ipv4 = words == 1;
	memset(socket->address, 0, sizeof(socket->address));
	for (size_t i = 0; i < words && i < 4; i++) {
		unsigned word;
		if (sscanf(hex + 8 * i, "%8x", &word) == 1)
			memcpy(socket->address + 4 * i, &word, 4);
	}
}

/* Of one of the kernel's tables. Returns false when `take` wants no more. */
static bool
read_table(const char *root, const char *table, unsigned port, unsigned wanted_state,
	   bool (*take)(void *context, const struct vly_bound_socket *socket), void *context)
{
	char path[PATH_MAX], line[512], address[33];
	bool more = true;

	snprintf(path, sizeof(path), "%s/proc/net/%s", root, table);
	FILE *file = fopen(path, "re");
	while (more && file != NULL && fgets(line, sizeof(line), file) != NULL) {
		struct vly_bound_socket socket;
		unsigned local_port, state;
		if (sscanf(line, " %*d: %32[0-9A-F]:%x %*32[0-9A-F]:%*x %x %*s %*s %*s %*u %*u %lu",
			   address, &local_port, &state, &socket.inode) != 4 ||
		    local_port != port || state != wanted_state)
			continue;
		read_address(&socket, address);
		more = take(context, &socket);
	}
	if (file != NULL)
		fclose(file);
	return more;
}

void
vly_socket_each(const char *root, int type, unsigned port,
		bool (*take)(void *context, const struct vly_bound_socket *socket), void *context)
{
	bool tcp = type == SOCK_STREAM;
	unsigned state = tcp ? STATE_LISTEN : STATE_CLOSE;

	if (read_table(root, tcp ? "tcp" : "udp", port, state, take, context))
		read_table(root, tcp ? "tcp6" : "udp6", port, state, take, context);
}

static bool
has_socket(const char *root, const char *pid, unsigned long inode)
{
	char path[PATH_MAX], wanted[40], link[40];
	const struct dirent *entry;
	bool found = false;

	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	snprintf(path, sizeof(path), "%s/proc/%.20s/fd", root, pid);
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
write_name(const char *root, const char *pid, char text[VLY_SOCKET_OWNER_CHARS])
{
	char path[PATH_MAX], name[20] = "process";

	snprintf(path, sizeof(path), "%s/proc/%.20s/comm", root, pid);
	FILE *file = fopen(path, "re");
	if (file != NULL) {
		if (fscanf(file, "%19[^\n]", name) != 1)
			snprintf(name, sizeof(name), "process");
		fclose(file);
	}
	snprintf(text, VLY_SOCKET_OWNER_CHARS, "%s (%.20s)", name, pid);
}

void
vly_socket_owner(const char *root, unsigned long inode, char text[VLY_SOCKET_OWNER_CHARS])
{
	char path[PATH_MAX];
	const struct dirent *entry;

	text[0] = '\0';
	snprintf(path, sizeof(path), "%s/proc", root);
	DIR *dir = opendir(path);
	while (text[0] == '\0' && dir != NULL && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    has_socket(root, entry->d_name, inode))
			write_name(root, entry->d_name, text);
	if (dir != NULL)
		closedir(dir);
}

static bool
take_inode(void *context, const struct vly_bound_socket *socket)
{
	*(unsigned long *)context = socket->inode;
	return false;
}

void
vly_port_owner(char text[VLY_SOCKET_OWNER_CHARS], int type, unsigned port)
{
	char owner[VLY_SOCKET_OWNER_CHARS] = "";
	unsigned long inode = 0;

	vly_socket_each("", type, port, take_inode, &inode);
	if (inode != 0)
		vly_socket_owner("", inode, owner);
	snprintf(text, VLY_SOCKET_OWNER_CHARS, "%s%.58s", owner[0] != '\0' ? " by " : "", owner);
}
