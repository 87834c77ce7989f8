/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "version.h"

const char vly_version[] = VLY_VERSION;
