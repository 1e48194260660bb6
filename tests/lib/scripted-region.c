/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A region of a ScriptedHost, as its text says. Its memory is a memfd, so that
 * a trapped and a mapped access see the same bytes.
 */

#include "scripted-region.h"

#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/option.h"

static void region_get_memory(ScriptedRegion *region)
{
    if (region->size == 0) {
        return;
    }
    region->fd = memfd_create("scripted-region", MFD_CLOEXEC);
    g_assert(ftruncate(region->fd, region->size) == 0);
    region->mem = mmap(NULL, region->size, PROT_READ | PROT_WRITE, MAP_SHARED,
                       region->fd, 0);
    g_assert(region->mem != MAP_FAILED);
}

static void region_drop_memory(ScriptedRegion *region)
{
    if (region->mem) {
        munmap(region->mem, region->size);
    }
    fd_close(&region->fd);
}

void scripted_region_add_signal(ScriptedRegion *region, const VFIOIoEventFd *e)
{
    region->signals =
        g_renew(VFIOIoEventFd, region->signals, region->num_signals + 1);
    region->signals[region->num_signals] = *e;
    region->signals[region->num_signals].fd =
        eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    region->num_signals++;
}

void scripted_region_close_signals(ScriptedRegion *region)
{
    for (unsigned i = 0; i < region->num_signals; i++) {
        fd_close(&region->signals[i].fd);
    }
}

void scripted_region_renew(ScriptedRegion *region)
{
    region_drop_memory(region);
    region_get_memory(region);
    scripted_region_close_signals(region);
    for (unsigned i = 0; i < region->num_signals; i++) {
        region->signals[i].fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    }
}

void scripted_region_finish(ScriptedRegion *region)
{
    scripted_region_close_signals(region);
    g_free(region->signals);
    g_free(region->maps);
    region_drop_memory(region);
}

static void add_map(ScriptedRegion *region, uint64_t offset, uint64_t size)
{
    region->maps = g_renew(VFIORange, region->maps, region->num_maps + 1);
    region->maps[region->num_maps++] = (VFIORange){offset, size};
}

static bool parse_range(const char *text, VFIORange *range, Error **errp)
{
    g_auto(GStrv) ends = g_strsplit(text, "+", 2);

    if (g_strv_length(ends) != 2) {
        error_setg(errp, "regions: %s is not OFFSET+SIZE", text);
        return false;
    }
    return parse_size(ends[0], INT64_MAX, &range->offset, "offset", errp) &&
           parse_size(ends[1], INT64_MAX, &range->size, "size", errp);
}

static bool parse_map(ScriptedRegion *region, const char *text, Error **errp)
{
    VFIORange range;

    if (!parse_range(text, &range, errp)) {
        return false;
    }
    add_map(region, range.offset, range.size);
    return true;
}

static bool parse_signal(ScriptedRegion *region, const char *text, Error **errp)
{
    VFIORange range;

    if (!parse_range(text, &range, errp)) {
        return false;
    }
    scripted_region_add_signal(
        region, &(VFIOIoEventFd){.offset = range.offset, .size = range.size});
    return true;
}

static bool parse_flag(ScriptedRegion *region, const char *word, Error **errp)
{
    if (strcmp(word, "ro") == 0) {
        region->writable = false;
    } else if (strcmp(word, "wo") == 0) {
        region->readable = false;
    } else if (strcmp(word, "map") == 0) {
        add_map(region, 0, region->size);
    } else if (g_str_has_prefix(word, "map=")) {
        return parse_map(region, word + strlen("map="), errp);
    } else if (g_str_has_prefix(word, "signal=")) {
        return parse_signal(region, word + strlen("signal="), errp);
    } else {
        error_setg(errp, "regions: '%s' is none of ro, wo, map, signal", word);
        return false;
    }
    return true;
}

bool scripted_region_parse(ScriptedRegion *region, const char *text,
                           Error **errp)
{
    g_auto(GStrv) words = g_strsplit(text, ":", -1);

    *region = (ScriptedRegion){.readable = true, .writable = true, .fd = -1};
    if (!words[0] ||
        !parse_size(words[0], INT64_MAX, &region->size, "regions", errp)) {
        return false;
    }
    for (unsigned i = 1; words[i]; i++) {
        if (!parse_flag(region, words[i], errp)) {
            scripted_region_finish(region);
            return false;
        }
    }
    region_get_memory(region);
    return true;
}
