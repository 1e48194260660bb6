/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The regions' eventfds in guest addresses, and what the kernel has of them.
 * The kernel forgets one only after a grace period of its own, which is long,
 * and the sections of a device change with each interrupt of the trap route:
 * so what goes with one section and comes back with the next stays untouched.
 * Two rules keep the regions' "the first one gets the write": a section's
 * entries stay or go together, and nothing is given to the kernel behind an
 * entry for the same address that the kernel has not got.
 */

#include "accel/kvm-ioeventfds.h"

#include <errno.h>

#include "util/container-of.h"
#include "util/log.h"

typedef enum EntryState {
    ENTRY_NEW,
    ENTRY_SET,
    ENTRY_TRAPPED, /* not in the kernel, for whatever reason */
} EntryState;

typedef struct Entry {
    KvmIoEventFd e;
    EntryState state;
    bool stale; /* its section is gone */
} Entry;

static Entry *entry_at(const KvmIoEventFds *fds, guint i)
{
    return &g_array_index(fds->entries, Entry, i);
}

/* @mre as the section shows it; false unless it shows all of the write. */
static bool place(const MemoryRegionSection *section,
                  const MemoryRegionIoEventFd *mre, Entry *entry)
{
    uint64_t skip = mre->offset - section->offset_within_region;

    *entry = (Entry){.e = {.gpa = section->offset_within_address_space + skip,
                           .size = mre->size,
                           .match = mre->match,
                           .data = mre->data,
                           .fd = mre->fd}};
    return mre->offset >= section->offset_within_region &&
           skip < section->size && mre->size <= section->size - skip;
}

/* Of type Entry; those that @section shows. */
static GArray *entries_of(const MemoryRegionSection *section)
{
    const MemoryRegion *mr = section->mr;
    GArray *wanted = g_array_new(FALSE, FALSE, sizeof(Entry));

    for (unsigned i = 0; i < mr->num_ioeventfds; i++) {
        Entry entry;

        if (place(section, &mr->ioeventfds[i], &entry)) {
            g_array_append_val(wanted, entry);
        }
    }
    return wanted;
}

static bool in_section(const Entry *entry, const MemoryRegionSection *section)
{
    return entry->e.gpa - section->offset_within_address_space < section->size;
}

static bool same(const KvmIoEventFd *a, const KvmIoEventFd *b)
{
    return a->gpa == b->gpa && a->size == b->size && a->match == b->match &&
           a->data == b->data && a->fd == b->fd;
}

/* Takes back what went with another section, if it is exactly @wanted. */
static bool revive(KvmIoEventFds *fds, const MemoryRegionSection *section,
                   const GArray *wanted)
{
    guint n = 0;

    for (guint i = 0; i < fds->entries->len; i++) {
        const Entry *entry = entry_at(fds, i);

        if (in_section(entry, section) &&
            (n == wanted->len ||
             !same(&entry->e, &g_array_index(wanted, Entry, n++).e))) {
            return false;
        }
    }
    if (n < wanted->len) {
        return false;
    }
    for (guint i = 0; i < fds->entries->len; i++) {
        if (in_section(entry_at(fds, i), section)) {
            entry_at(fds, i)->stale = false;
        }
    }
    return true;
}

static void region_add(MemoryListener *listener,
                       const MemoryRegionSection *section)
{
    KvmIoEventFds *fds = container_of(listener, KvmIoEventFds, listener);
    g_autoptr(GArray) wanted = NULL;

    if (!section->mr->num_ioeventfds) {
        return;
    }
    wanted = entries_of(section);
    if (!revive(fds, section, wanted)) {
        g_array_append_vals(fds->entries, wanted->data, wanted->len);
    }
}

static void region_del(MemoryListener *listener,
                       const MemoryRegionSection *section)
{
    KvmIoEventFds *fds = container_of(listener, KvmIoEventFds, listener);

    for (guint i = 0; i < fds->entries->len; i++) {
        if (in_section(entry_at(fds, i), section)) {
            entry_at(fds, i)->stale = true;
        }
    }
}

static void remove_stale(KvmIoEventFds *fds)
{
    static LogLimit limit;

    for (guint i = fds->entries->len; i > 0; i--) {
        Entry *entry = entry_at(fds, i - 1);
        int ret;

        if (!entry->stale) {
            continue;
        }
        ret = entry->state == ENTRY_SET
                  ? fds->set(fds->opaque, &entry->e, false)
                  : 0;
        if (ret < 0) {
            warn_report_limited(
                &limit, "kvm: cannot take back an eventfd at 0x%" PRIx64 ": %s",
                entry->e.gpa, g_strerror(-ret));
        }
        g_array_remove_index(fds->entries, i - 1);
    }
}

/* Something before entry @n waits for writes to its address in user space. */
static bool is_behind_trapped(const KvmIoEventFds *fds, guint n)
{
    for (guint i = 0; i < n; i++) {
        if (entry_at(fds, i)->state == ENTRY_TRAPPED &&
            entry_at(fds, i)->e.gpa == entry_at(fds, n)->e.gpa) {
            return true;
        }
    }
    return false;
}

/* The kernel says EEXIST where the one before gets all such writes anyway. */
static EntryState set_entry(KvmIoEventFds *fds, guint n)
{
    static LogLimit limit;
    const KvmIoEventFd *e = &entry_at(fds, n)->e;
    int ret;

    if (is_behind_trapped(fds, n)) {
        return ENTRY_TRAPPED;
    }
    ret = fds->set(fds->opaque, e, true);
    if (ret < 0 && ret != -EEXIST) {
        warn_report_limited(&limit,
                            "kvm: no eventfd for writes to 0x%" PRIx64
                            ", they are trapped: %s",
                            e->gpa, g_strerror(-ret));
    }
    return ret < 0 ? ENTRY_TRAPPED : ENTRY_SET;
}

static void commit(MemoryListener *listener)
{
    KvmIoEventFds *fds = container_of(listener, KvmIoEventFds, listener);

    remove_stale(fds);
    for (guint i = 0; i < fds->entries->len; i++) {
        if (entry_at(fds, i)->state == ENTRY_NEW) {
            entry_at(fds, i)->state = set_entry(fds, i);
        }
    }
}

void kvm_ioeventfds_init(KvmIoEventFds *fds, AddressSpace *as,
                         KvmIoEventFdSetFn set, void *opaque)
{
    *fds = (KvmIoEventFds){
        .listener = {.name = "kvm-ioeventfds",
                     .region_add = region_add,
                     .region_del = region_del,
                     .commit = commit},
        .entries = g_array_new(FALSE, FALSE, sizeof(Entry)),
        .set = set,
        .opaque = opaque,
    };
    memory_listener_register(&fds->listener, as);
}

void kvm_ioeventfds_finish(KvmIoEventFds *fds)
{
    if (fds->entries) {
        memory_listener_unregister(&fds->listener);
        g_array_unref(fds->entries);
        *fds = (KvmIoEventFds){0};
    }
}
