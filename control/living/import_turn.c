/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "import_turn.h"

#include <utlist.h>

#include "living_parts.h"

static void
begin(struct vly_living *living, struct vly_import_turn *turn)
{
	living->import = turn;
	turn->is_held = true;
	turn->ready(turn);
}

void
vly_import_turn_wait(struct vly_living *living, struct vly_import_turn *turn)
{
	if (!living->import) {
		begin(living, turn);
		return;
	}
	turn->is_waiting = true;
	DL_APPEND(living->imports, turn);
}

void
vly_import_turn_end(struct vly_living *living, struct vly_import_turn *turn)
{
	if (turn->is_waiting)
		DL_DELETE(living->imports, turn);
	turn->is_waiting = false;
	if (!turn->is_held)
		return;
	turn->is_held = false;
	living->import = NULL;
	struct vly_import_turn *next = living->imports;
	if (!next)
		return;
	DL_DELETE(living->imports, next);
	next->is_waiting = false;
	begin(living, next);
}
