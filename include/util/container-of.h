/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>

/** The @type whose embedded @member @ptr points at. */
#ifndef container_of
#define container_of(ptr, type, member)                    \
    ((type *)((char *)(1 ? (ptr) : &((type *)0)->member) - \
              offsetof(type, member)))
#endif
