/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What goes wrong in the store, and what cures it. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "zone/domain.h"
#include "zone_store_parts.h"

/* LMDB turns a write that ends early into EIO. With less room than this, the disk was full. */
#define LITTLE_ROOM_BYTES (UINT64_C(1) << 20)

static bool
has_little_room(const char *path)
{
	struct statvfs status;

	return statvfs(path, &status) == 0 &&
	       (uint64_t)status.f_bavail * status.f_frsize < LITTLE_ROOM_BYTES;
}

static int
result_of(const char *path, int error)
{
	switch (error) {
	case ENOMEM:
		return VLY_STORE_MEMORY;
	case MDB_MAP_FULL:
		return VLY_STORE_MAP_FULL;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return VLY_STORE_DISK_FULL;
	case EROFS:
	case EACCES:
	case EPERM:
		return VLY_STORE_READ_ONLY;
	case EAGAIN:
	case EBUSY:
		return VLY_STORE_BUSY;
	case EIO:
		return has_little_room(path) ? VLY_STORE_DISK_FULL : VLY_STORE_FAILED;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
	case MDB_INCOMPATIBLE:
	case MDB_BAD_VALSIZE:
	case MDB_CURSOR_FULL:
	case MDB_PAGE_FULL:
		return VLY_STORE_DAMAGED;
	default:
		return VLY_STORE_FAILED;
	}
}

static const char *
cure_of(int result)
{
	switch (result) {
	case VLY_STORE_MAP_FULL:
		return "the store has reached its largest size: remove zones, or raise the limit "
		       "of address space (LimitAS=, ulimit -v) if volley-control has one";
	case VLY_STORE_DISK_FULL:
		return "the disk is full: make room on it";
	case VLY_STORE_READ_ONLY:
		return "it can't be written: mount the file system for writing, or correct the "
		       "owner and the mode";
	case VLY_STORE_BUSY:
		return "another process has the store open: end it";
	case VLY_STORE_DAMAGED:
		return "the store is damaged: " VLY_STORE_CURE;
	case VLY_STORE_MEMORY:
		return "out of memory";
	default:
		return NULL;
	}
}

int
vly_store_explain(const char *path, int error, const char *what, char *reason, size_t reason_bytes)
{
	int result = result_of(path, error);
	const char *cure = cure_of(result);

	snprintf(reason, reason_bytes, "%s: %s%s%s", path, what != NULL ? what : "",
		 what != NULL ? ": " : "", cure != NULL ? cure : mdb_strerror(error));
	return result;
}

/* The first failure is the one to report: later ones follow from it. */
static int
note(struct vly_store_txn *txn, int result)
{
	if (txn->writes && txn->failed == 0)
		txn->failed = result;
	return result;
}

int
vly_store_fail_mdb(struct vly_store_txn *txn, int error, const char *what)
{
	if (txn->failed != 0)
		return txn->failed;
	return note(txn, vly_store_explain(txn->store->path, error, what, txn->reason,
					   sizeof(txn->reason)));
}

int
vly_store_fail(struct vly_store_txn *txn, int result, const char *format, ...)
{
	va_list args;

	if (txn->failed != 0)
		return txn->failed;
	va_start(args, format);
	vsnprintf(txn->reason, sizeof(txn->reason), format, args);
	va_end(args);
	return note(txn, result);
}

int
vly_store_fail_damaged(struct vly_store_txn *txn, const struct vly_store_zone *zone,
		       const struct vly_name *name, const char *what)
{
	char zone_text[VLY_DOMAIN_TEXT_BYTES] = "";
	char name_text[VLY_DOMAIN_TEXT_BYTES] = "";

	if (zone != NULL)
		vly_domain_text(zone->apex.lower, zone_text);
	if (name != NULL)
		vly_domain_text(name->lower, name_text);
	return vly_store_fail(txn, VLY_STORE_DAMAGED, "%.200s: %s%.80s%sdamaged %s%s%.80s; %s",
			      txn->store->path, zone != NULL ? "zone " : "", zone_text,
			      zone != NULL ? ": " : "", what, name != NULL ? " of " : "", name_text,
			      VLY_STORE_CURE);
}

const char *
vly_store_reason(const struct vly_store_txn *txn)
{
	return txn->reason;
}
