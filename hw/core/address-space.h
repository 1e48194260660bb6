/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hw/core/memory.h"

/** For memory.c: renders all address spaces anew and tells the listeners. */
void address_spaces_commit(void);
