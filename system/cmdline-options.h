/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "system/cmdline.h"

/*
 * The table of options (cmdline-options.c) for those who walk it (cmdline.c).
 */
typedef struct CmdlineOption CmdlineOption;
struct CmdlineOption {
    const char *name;
    const char *argument; /* NULL: takes none */
    const char *help;     /* lines are separated by newlines */
    bool (*parse)(Cmdline *c, const CmdlineOption *option, const char *arg,
                  Error **errp);
    size_t offset; /* of the member, for the generic handlers */
};

/** In the order of -help; the last one has no name. */
extern const CmdlineOption cmdline_options[];

/** Does one of @items (of CmdlineItem) have @id? */
bool cmdline_has_id(const GPtrArray *items, const char *id);

/** NULL is fine. */
void cmdline_item_free(CmdlineItem *item);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CmdlineItem, cmdline_item_free)
