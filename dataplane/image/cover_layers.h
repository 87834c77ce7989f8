/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finds the NSEC or NSEC3 record that covers a name, or has it, in a zone with overlays (image.h: "Overlays of
 * signed zones").
 *
 * Pure; any thread inside the read side of the layers. Images were verified. The name is the client's:
 * each layer is searched once, in steps that its length limits.
 */
#ifndef VLY_DATAPLANE_COVER_LAYERS_H
#define VLY_DATAPLANE_COVER_LAYERS_H

#include "table.h"

/* How the zone denies: its complete form's; all layers have the same kind and parameters. NULL: the zone has
 * none. */
__attribute__((nonnull)) const struct vly_image_denial *
vly_cover_denial_of_layers(const struct vly_table_layers *layers);

/* The piece of the newest version with the largest owner that is not behind the name with these
 * labels, in lower case and without the apex; or, if there is none, the last one. In zones with NSEC3, the name
 * is a hash, in one label. NULL: the zone has none. */
__attribute__((nonnull(1))) const struct vly_image_piece *
vly_cover_find_in_layers(const struct vly_table_layers *layers, const uint8_t *labels,
			 unsigned bytes);

#endif
