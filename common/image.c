/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "image.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "image_check.h"
#include "image_verify.h"

static int
check_header(const struct vly_image_header *header, size_t bytes, struct vly_image_error *error)
{
	if (bytes < sizeof(*header))
		return vly_image_refuse(error, "not a zone image: %zu octets, but a header has %zu",
					bytes, sizeof(*header));
	if (header->magic == __builtin_bswap64(VLY_IMAGE_MAGIC))
		return vly_image_refuse(error,
					"the image was made on a machine with another byte order");
	if (header->magic != VLY_IMAGE_MAGIC)
		return vly_image_refuse(error, "not a zone image (magic number %016llx)",
					(unsigned long long)header->magic);
	if (header->version != VLY_IMAGE_VERSION || header->header_bytes != sizeof(*header))
		return vly_image_refuse(
			error,
			"image version %u, but this volley-dataplane reads version %d: install "
			"the same release of both programs",
			header->version, VLY_IMAGE_VERSION);
	if (header->image_bytes > bytes || header->image_bytes < sizeof(*header) ||
	    (header->image_bytes != bytes && vly_image_huge_bytes(header->image_bytes) != bytes))
		return vly_image_refuse(error,
					"the image has %zu octets instead of %llu: truncated?",
					bytes, (unsigned long long)header->image_bytes);
	return 0;
}

static bool
is_zero(const uint8_t *at, size_t bytes)
{
	return bytes == 0 || (at[0] == 0 && memcmp(at, at + 1, bytes - 1) == 0);
}

static int
check_sections(const struct vly_image_header *header, size_t bytes, struct vly_image_error *error)
{
	const uint32_t unknown = header->mandatory >> (VLY_SECTION_HEAP + 1);

	if (unknown != 0)
		return vly_image_refuse(error,
					"section %u is mandatory, but unknown to this version",
					(unsigned)__builtin_ctz(unknown) + VLY_SECTION_HEAP + 1);
	for (unsigned i = 0; i < VLY_SECTION_CNT; i++) {
		const struct vly_image_section *section = &header->section[i];
		if (section->off % VLY_IMAGE_ALIGN != 0 || section->off > bytes ||
		    section->bytes > bytes - section->off)
			return vly_image_refuse(error, "section %u is outside the image", i);
	}
	const struct vly_image_section *section = header->section;
	if (section[VLY_SECTION_ZONES].bytes !=
	    header->zone_cnt * (uint64_t)sizeof(struct vly_image_zone))
		return vly_image_refuse(error, "the zone section does not hold %u zones",
					header->zone_cnt);
	if (header->bucket_cnt == 0 ||
	    section[VLY_SECTION_BUCKETS].bytes !=
		    header->bucket_cnt * (uint64_t)sizeof(struct vly_image_bucket))
		return vly_image_refuse(error, "the bucket section does not hold %u buckets",
					header->bucket_cnt);
	if (header->probe_max == 0 || header->probe_max > header->bucket_cnt)
		return vly_image_refuse(error, "a search over %u buckets is impossible",
					header->probe_max);
	return 0;
}

int
vly_image_verify(const void *block, size_t bytes, const struct vly_image_helpers *helpers,
		 struct vly_image *image, struct vly_image_error *error)
{
	const uint8_t *base = block;
	const struct vly_image_header *header = block;

	errno = EBADMSG;
	if (check_header(header, bytes, error) != 0)
		return -1;
	image->mapped_bytes = bytes;
	if (!is_zero(base + header->image_bytes, bytes - header->image_bytes))
		return vly_image_refuse(error, "the octets behind the image are not zero");
	if (check_sections(header, header->image_bytes, error) != 0)
		return -1;
	image->header = header;
	image->zone = (const void *)(base + header->section[VLY_SECTION_ZONES].off);
	image->bucket = (const void *)(base + header->section[VLY_SECTION_BUCKETS].off);
	image->heap = base + header->section[VLY_SECTION_HEAP].off;
	image->bucket_cnt = header->bucket_cnt;
	image->probe_max = header->probe_max;
	return vly_image_verify_content(image, helpers, error);
}
