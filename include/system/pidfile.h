/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>
#include "util/error.h"

/** PidFile: a file with this process's id, locked while the process lives. */
typedef struct PidFile PidFile;

/** Errors: cannot be written; another live process holds it. */
PidFile *pidfile_new(const char *path, Error **errp);
/** Removes the file. NULL is fine. */
void pidfile_free(PidFile *pidfile);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PidFile, pidfile_free)
