/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address spaces: commits, listeners, and the access path.
 *
 * address_space_rw() is the first of the four functions between a vCPU's exit
 * and the system call (docs/architecture.md): it takes no lock and allocates
 * nothing. Guest and host are little endian, so a value's bytes are those of
 * the buffer.
 */
#include "address-space.h"

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "flat-view.h"
#include "util/log.h"
#include "util/main-loop.h"

G_STATIC_ASSERT(G_BYTE_ORDER == G_LITTLE_ENDIAN);

static AddressSpace *address_spaces;

/* ---- commits and listeners ---- */

static MemoryRegionSection section_of(const FlatRange *range)
{
    return (MemoryRegionSection){
        .mr = range->mr,
        .offset_within_region = range->offset,
        .offset_within_address_space = range->start,
        .size = range->last - range->start + 1,
        .readonly = range->readonly,
    };
}

typedef void (*SectionFn)(MemoryListener *listener,
                          const MemoryRegionSection *section);

/* Calls @fn for each range of @view that @other has not got. */
static void tell_difference(MemoryListener *listener, SectionFn fn,
                            const FlatView *view, const FlatView *other)
{
    unsigned j = 0;

    for (unsigned i = 0; fn && i < view->n; i++) {
        const FlatRange *range = &view->ranges[i];
        MemoryRegionSection section = section_of(range);

        while (j < other->n && other->ranges[j].start < range->start) {
            j++;
        }
        if (j == other->n || !flat_range_equal(range, &other->ranges[j])) {
            fn(listener, &section);
        }
    }
}

static void tell(MemoryListener *listener, const FlatView *before,
                 const FlatView *after)
{
    if (listener->begin) {
        listener->begin(listener);
    }
    tell_difference(listener, listener->region_del, before, after);
    tell_difference(listener, listener->region_add, after, before);
    if (listener->commit) {
        listener->commit(listener);
    }
}

static const FlatView empty_view;

static bool views_equal(const FlatView *a, const FlatView *b)
{
    if (a->n != b->n) {
        return false;
    }
    for (unsigned i = 0; i < a->n; i++) {
        if (!flat_range_equal(&a->ranges[i], &b->ranges[i])) {
            return false;
        }
    }
    return true;
}

static void address_space_commit(AddressSpace *as)
{
    FlatView *before = atomic_load(&as->view);
    FlatView *after = flat_view_new(as->root);

    if (views_equal(before, after)) {
        g_free(after);
        return;
    }
    atomic_store(&as->view, after);
    for (MemoryListener *l = as->listeners; l; l = l->next) {
        tell(l, before, after);
    }
    flat_view_retire(before);
}

void address_spaces_commit(void)
{
    for (AddressSpace *as = address_spaces; as; as = as->next) {
        address_space_commit(as);
    }
    flat_view_reclaim();
}

void memory_listener_register(MemoryListener *listener, AddressSpace *as)
{
    MemoryListener **link = &as->listeners;

    g_assert(machine_locked() && !listener->as);
    while (*link) {
        link = &(*link)->next;
    }
    listener->next = NULL;
    listener->as = as;
    *link = listener;
    tell(listener, &empty_view, atomic_load(&as->view));
}

void memory_listener_unregister(MemoryListener *listener)
{
    MemoryListener **link;

    if (!listener->as) {
        return;
    }
    g_assert(machine_locked());
    tell(listener, atomic_load(&listener->as->view), &empty_view);
    link = &listener->as->listeners;
    while (*link != listener) {
        link = &(*link)->next;
    }
    *link = listener->next;
    listener->as = NULL;
}

void address_space_init(AddressSpace *as, MemoryRegion *root, const char *name)
{
    *as = (AddressSpace){
        .name = g_strdup(name),
        .root = root,
        .next = address_spaces,
    };
    atomic_store(&as->view, flat_view_new(root));
    address_spaces = as;
}

void address_space_finish(AddressSpace *as)
{
    AddressSpace **link = &address_spaces;

    g_assert(!as->listeners);
    while (*link != as) {
        link = &(*link)->next;
    }
    *link = as->next;
    flat_view_retire(atomic_load(&as->view));
    flat_view_reclaim();
    g_free(as->name);
    *as = (AddressSpace){0};
}

static MemoryRegion system_memory;
static AddressSpace system_memory_as;

MemoryRegion *get_system_memory(void)
{
    if (!system_memory.name) {
        memory_region_init(&system_memory, NULL, "system", 1ULL << 63);
    }
    return &system_memory;
}

AddressSpace *address_space_memory(void)
{
    if (!system_memory_as.name) {
        address_space_init(&system_memory_as, get_system_memory(), "memory");
    }
    return &system_memory_as;
}

/* ---- accesses ---- */

/*
 * Registers behind a mapping want one access of the guest's size; memcpy()
 * promises nothing of the kind.
 */
static void ram_device_access(uint8_t *ram, void *buf, unsigned size,
                              bool is_write)
{
    switch (size) {
#define ACCESS(bits)                                                   \
    case bits / 8: {                                                   \
        volatile uint##bits##_t *reg = (volatile uint##bits##_t *)ram; \
        uint##bits##_t value;                                          \
                                                                       \
        if (is_write) {                                                \
            memcpy(&value, buf, sizeof(value));                        \
            *reg = value;                                              \
        } else {                                                       \
            value = *reg;                                              \
            memcpy(buf, &value, sizeof(value));                        \
        }                                                              \
        break;                                                         \
    }
        ACCESS(8)
        ACCESS(16)
        ACCESS(32)
        ACCESS(64)
#undef ACCESS
    default:
        g_assert_not_reached();
    }
}

static void ram_write(MemoryRegion *mr, uint64_t offset, const void *buf,
                      uint64_t size)
{
    MemoryWriteWatch *watch = memory_region_write_watch(mr);

    memcpy(mr->ram + offset, buf, size);
    if (G_UNLIKELY(watch)) {
        watch->written(watch, offset, size);
    }
}

static MemTxResult ram_access(const FlatRange *range, hwaddr addr, void *buf,
                              uint64_t size, bool is_write)
{
    uint64_t offset = range->offset + (addr - range->start);
    uint8_t *ram = range->mr->ram + offset;

    if (is_write && range->readonly) {
        return MEMTX_ERROR;
    }
    if (memory_region_is_ram_device(range->mr)) {
        ram_device_access(ram, buf, size, is_write);
    } else if (is_write) {
        ram_write(range->mr, offset, buf, size);
    } else {
        memcpy(buf, ram, size);
    }
    return MEMTX_OK;
}

static bool access_valid(const MemoryRegionOps *ops, hwaddr addr, unsigned size,
                         bool is_write)
{
    return (is_write ? ops->write != NULL : ops->read != NULL) &&
           size >= ops->min_access_size &&
           (!ops->max_access_size || size <= ops->max_access_size) &&
           (ops->unaligned || !(addr & (size - 1)));
}

/*
 * True when the write was for one of the region's eventfds. It may be full
 * because nobody reads it; then it has been signalled already.
 */
static G_GNUC_NO_INLINE bool signal_ioeventfd(const MemoryRegion *mr,
                                              hwaddr addr, uint64_t value,
                                              unsigned size)
{
    static const uint64_t one = 1;

    for (unsigned i = 0; i < mr->num_ioeventfds; i++) {
        const MemoryRegionIoEventFd *e = &mr->ioeventfds[i];

        if (e->offset == addr && (!e->size || e->size == size) &&
            (!e->match || e->data == value)) {
            ssize_t done = write(e->fd, &one, sizeof(one));

            (void)done;
            return true;
        }
    }
    return false;
}

MemTxResult memory_region_dispatch(MemoryRegion *mr, hwaddr addr,
                                   uint64_t *value, unsigned size,
                                   bool is_write)
{
    const MemoryRegionOps *ops = mr->ops;
    MemTxResult result = MEMTX_DECODE_ERROR;

    if (G_UNLIKELY(mr->num_ioeventfds) && is_write &&
        signal_ioeventfd(mr, addr, *value, size)) {
        return MEMTX_OK;
    }
    if (access_valid(ops, addr, size, is_write)) {
        bool lock = !ops->lockless && !machine_locked();

        if (lock) {
            machine_lock();
        }
        result = is_write ? ops->write(mr->opaque, addr, *value, size)
                          : ops->read(mr->opaque, addr, value, size);
        if (lock) {
            machine_unlock();
        }
    }
    if (result != MEMTX_OK && !is_write) {
        *value = UINT64_MAX >> (64 - 8 * size);
    }
    return result;
}

/* Most registers are of four bytes, and those need no call this way. */
static void copy_value(void *to, const void *from, unsigned size)
{
    if (G_LIKELY(size == 4)) {
        memcpy(to, from, 4);
    } else {
        memcpy(to, from, size);
    }
}

static MemTxResult io_access(const FlatRange *range, hwaddr addr, void *buf,
                             unsigned size, bool is_write)
{
    uint64_t value = 0;
    MemTxResult result;

    if (is_write) {
        copy_value(&value, buf, size);
    }
    result =
        memory_region_dispatch(range->mr, range->offset + (addr - range->start),
                               &value, size, is_write);
    if (!is_write) {
        copy_value(buf, &value, size);
    }
    return result;
}

static const char *failure_text(MemTxResult result, const FlatRange *range)
{
    if (!range) {
        return "nothing there";
    }
    return result == MEMTX_DECODE_ERROR ? "not an access that it takes"
                                        : "it failed";
}

static G_GNUC_NO_INLINE void log_failure(MemTxResult result,
                                         const FlatRange *range, hwaddr addr,
                                         uint64_t size, bool is_write)
{
    static LogLimit limit;

    warn_report_limited(
        &limit, "%s: %s of %" PRIu64 " bytes at 0x%" HWADDR_PRIx ": %s",
        range ? range->mr->name : "memory", is_write ? "write" : "read", size,
        addr, failure_text(result, range));
}

/* The largest single access at @addr that @len, @range and its region allow. */
static unsigned piece_size(const FlatRange *range, hwaddr addr, uint64_t len)
{
    const MemoryRegionOps *ops = range->mr->ops;
    hwaddr offset = range->offset + (addr - range->start);
    unsigned size = 8;

    if (ops && ops->max_access_size) {
        size = ops->max_access_size;
    }
    len = MIN(len - 1, range->last - addr) + 1;
    while (size > len || (offset & (size - 1) && !(ops && ops->unaligned))) {
        size >>= 1;
    }
    return size;
}

static MemTxResult access_range(const FlatRange *range, hwaddr addr, void *buf,
                                uint64_t size, bool is_write)
{
    MemTxResult result = memory_region_is_ram(range->mr)
                             ? ram_access(range, addr, buf, size, is_write)
                             : io_access(range, addr, buf, size, is_write);

    if (G_UNLIKELY(result > MEMTX_GONE)) {
        log_failure(result, range, addr, size, is_write);
    }
    return result;
}

static uint64_t rw_piece(const FlatView *view, hwaddr addr, void *buf,
                         uint64_t len, bool is_write, MemTxResult *result)
{
    hwaddr hole_last;
    const FlatRange *range = flat_view_find(view, addr, &hole_last);
    uint64_t size;

    if (!range) {
        size = MIN(len - 1, hole_last - addr) + 1;
        *result = MEMTX_DECODE_ERROR;
        if (!is_write) {
            memset(buf, 0xff, size);
        }
        log_failure(*result, NULL, addr, size, is_write);
        return size;
    }
    if (range->mr->kind == MEMORY_REGION_RAM) {
        size = MIN(len - 1, range->last - addr) + 1;
    } else {
        size = piece_size(range, addr, len);
    }
    *result = access_range(range, addr, buf, size, is_write);
    return size;
}

MemTxResult address_space_rw(AddressSpace *as, hwaddr addr, void *buf,
                             uint64_t len, bool is_write)
{
    const FlatView *view = flat_view_enter(as);
    MemTxResult worst = MEMTX_OK;

    if (!view) {
        log_failure(MEMTX_ERROR, NULL, addr, len, is_write);
        if (!is_write) {
            memset(buf, 0xff, len);
        }
        return MEMTX_ERROR;
    }
    while (len) {
        MemTxResult result;
        uint64_t done = rw_piece(view, addr, buf, len, is_write, &result);

        worst = MAX(worst, result);
        addr += done;
        buf = (uint8_t *)buf + done;
        len -= done;
    }
    flat_view_leave();
    return worst;
}

MemTxResult address_space_read(AddressSpace *as, hwaddr addr, void *buf,
                               uint64_t len)
{
    return address_space_rw(as, addr, buf, len, false);
}

MemTxResult address_space_write(AddressSpace *as, hwaddr addr, const void *buf,
                                uint64_t len)
{
    return address_space_rw(as, addr, (void *)buf, len, true);
}

MemoryRegionSection address_space_find(AddressSpace *as, hwaddr addr)
{
    hwaddr hole_last;
    const FlatRange *range =
        flat_view_find(atomic_load(&as->view), addr, &hole_last);

    return range ? section_of(range) : (MemoryRegionSection){0};
}

void *address_space_ram(AddressSpace *as, hwaddr addr, uint64_t len)
{
    MemoryRegionSection s = address_space_find(as, addr);
    hwaddr skip = addr - s.offset_within_address_space;

    if (!s.mr || s.mr->kind != MEMORY_REGION_RAM || s.size - skip < len) {
        return NULL;
    }
    return (uint8_t *)memory_region_section_ram(&s) + skip;
}
