/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory regions: their life, the tree that they form, and transactions.
 *
 * Every change ends in a commit, at once or at the end of the outermost
 * transaction; the commit itself (new views, listeners) is address-space.c's.
 * All of it happens with the machine lock held, so nothing here is atomic.
 */
#include "hw/core/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "address-space.h"
#include "flat-view.h"
#include "util/fd.h"
#include "util/main-loop.h"

#define RAM_ALIGN (2 * 1024 * 1024)
/* How long memory_region_finish() sleeps between two looks at the readers. */
#define RECLAIM_POLL_US 50

static unsigned transaction_depth;
static bool changed;
static bool ram_shared;

void memory_region_transaction_begin(void)
{
    g_assert(machine_locked());
    transaction_depth++;
}

void memory_region_transaction_commit(void)
{
    g_assert(machine_locked() && transaction_depth);
    if (transaction_depth == 1 && changed) {
        changed = false;
        address_spaces_commit();
        /* A listener would pull the views from under the others. */
        g_assert(!changed);
    }
    transaction_depth--;
}

static void tree_changed(void)
{
    memory_region_transaction_begin();
    changed = true;
    memory_region_transaction_commit();
}

static void init_common(MemoryRegion *mr, MemoryRegionKind kind, Object *owner,
                        const char *name, uint64_t size)
{
    *mr = (MemoryRegion){
        .kind = kind,
        .name = g_strdup(name),
        .owner = owner,
        .size = size,
        .ram_fd = -1,
        .enabled = true,
    };
}

void memory_region_init(MemoryRegion *mr, Object *owner, const char *name,
                        uint64_t size)
{
    init_common(mr, MEMORY_REGION_CONTAINER, owner, name, size);
}

void memory_region_init_io(MemoryRegion *mr, Object *owner,
                           const MemoryRegionOps *ops, void *opaque,
                           const char *name, uint64_t size)
{
    init_common(mr, MEMORY_REGION_IO, owner, name, size);
    mr->ops = ops;
    mr->opaque = opaque;
}

static uint64_t page_round_up(uint64_t size)
{
    uint64_t page = sysconf(_SC_PAGESIZE);

    return (size + page - 1) & -page;
}

/*
 * Private memory of @size bytes, whole pages, that starts at a multiple of
 * RAM_ALIGN, or NULL.
 */
static uint8_t *ram_reserve(uint64_t size, int prot)
{
    uint64_t span = size + RAM_ALIGN;
    uint8_t *map, *ram, *end;

    if (span < size || span > SIZE_MAX) {
        errno = ENOMEM;
        return NULL;
    }
    map = mmap(NULL, span, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
               -1, 0);
    if (map == MAP_FAILED) {
        return NULL;
    }
    ram = (uint8_t *)(((uintptr_t)map + RAM_ALIGN - 1) & -(uintptr_t)RAM_ALIGN);
    end = ram + size;
    if (ram > map) {
        munmap(map, ram - map);
    }
    munmap(end, map + span - end);
    return ram;
}

/* A memfd of @size bytes for ever, or -1. */
static int ram_fd_new(uint64_t size)
{
    autofd int fd = memfd_create("guest-ram", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    struct rlimit limit;

    if (fd < 0) {
        return -1;
    }
    /* Past the limit ftruncate() does not only fail, it raises SIGXFSZ. */
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && size > limit.rlim_cur) {
        errno = EFBIG;
        return -1;
    }
    if (ftruncate(fd, size) != 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
        return -1;
    }
    return fd_steal(&fd);
}

/* Puts a memfd in the place of what is reserved at @ram; that, or -1. */
static int ram_share(uint8_t *ram, uint64_t size)
{
    autofd int fd = ram_fd_new(size);

    if (fd < 0 ||
        mmap(ram, size, PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_FIXED | MAP_NORESERVE, fd, 0) == MAP_FAILED) {
        return -1;
    }
    return fd_steal(&fd);
}

/* @wanted bytes of memory in whole pages, or NULL; *@fd is -1 for private. */
static uint8_t *ram_map(uint64_t wanted, int *fd)
{
    uint64_t size = page_round_up(wanted);
    uint8_t *ram;

    if (size < wanted) {
        errno = ENOMEM;
        return NULL;
    }
    ram = ram_reserve(size, ram_shared ? PROT_NONE : PROT_READ | PROT_WRITE);
    if (!ram) {
        return NULL;
    }
    *fd = ram_shared ? ram_share(ram, size) : -1;
    if (ram_shared && *fd < 0) {
        int err = errno;

        munmap(ram, size);
        errno = err;
        return NULL;
    }
    /* A wish: each huge page saves 511 faults of the hypervisor's. */
    madvise(ram, size, MADV_HUGEPAGE);
    return ram;
}

void memory_ram_set_shared(bool shared)
{
    ram_shared = shared;
}

bool memory_region_init_ram(MemoryRegion *mr, Object *owner, const char *name,
                            uint64_t size, Error **errp)
{
    int fd;
    uint8_t *ram = ram_map(size, &fd);

    if (!ram) {
        int err = errno;

        *mr = (MemoryRegion){0};
        error_setg_errno(errp, err,
                         "%s: cannot get %" PRIu64 " MiB of host memory%s",
                         name, size >> 20, ram_shared ? " to share" : "");
        return false;
    }
    init_common(mr, MEMORY_REGION_RAM, owner, name, size);
    mr->ram = ram;
    mr->ram_fd = fd;
    mr->owns_ram = true;
    return true;
}

void memory_region_init_ram_device(MemoryRegion *mr, Object *owner,
                                   const char *name, uint64_t size, void *ram)
{
    init_common(mr, MEMORY_REGION_RAM_DEVICE, owner, name, size);
    mr->ram = ram;
}

/*
 * The machine lock goes meanwhile: a reader may need it to get done. Inside a
 * transaction the current view may still show what is about to be freed.
 */
static void wait_for_readers(void)
{
    g_assert(machine_locked() && !flat_view_entered());
    g_assert(!transaction_depth);
    while (!flat_view_reclaim()) {
        machine_unlock();
        g_usleep(RECLAIM_POLL_US);
        machine_lock();
    }
}

void memory_region_set_ioeventfds(MemoryRegion *mr,
                                  const MemoryRegionIoEventFd *fds, unsigned n)
{
    g_assert(mr->kind == MEMORY_REGION_IO);
    g_assert(!mr->container || !mr->enabled);
    if (mr->published) {
        wait_for_readers();
    }
    mr->ioeventfds = fds;
    mr->num_ioeventfds = n;
}

void memory_region_set_write_watch(MemoryRegion *mr, MemoryWriteWatch *watch)
{
    g_assert(machine_locked() && mr->kind == MEMORY_REGION_RAM);
    g_assert(!memory_region_write_watch(mr));
    atomic_store_explicit(&mr->watch, watch, memory_order_release);
}

void memory_region_finish(MemoryRegion *mr)
{
    MemoryWriteWatch *watch = memory_region_write_watch(mr);

    g_assert(!mr->container && !mr->subregions);
    if (mr->published) {
        wait_for_readers();
    }
    if (watch) {
        watch->free(watch);
    }
    if (mr->owns_ram) {
        munmap(mr->ram, page_round_up(mr->size));
        fd_close(&mr->ram_fd);
    }
    g_free(mr->name);
    *mr = (MemoryRegion){0};
}

void memory_region_add_subregion_overlap(MemoryRegion *container, hwaddr offset,
                                         MemoryRegion *mr, int priority)
{
    MemoryRegion **link = &container->subregions;

    g_assert(!mr->container);
    mr->container = container;
    mr->addr = offset;
    mr->priority = priority;
    while (*link && (*link)->priority > priority) {
        link = &(*link)->next;
    }
    mr->next = *link;
    *link = mr;
    tree_changed();
}

void memory_region_add_subregion(MemoryRegion *container, hwaddr offset,
                                 MemoryRegion *mr)
{
    memory_region_add_subregion_overlap(container, offset, mr, 0);
}

void memory_region_del_subregion(MemoryRegion *container, MemoryRegion *mr)
{
    MemoryRegion **link = &container->subregions;

    g_assert(mr->container == container);
    while (*link != mr) {
        link = &(*link)->next;
    }
    *link = mr->next;
    mr->next = NULL;
    mr->container = NULL;
    tree_changed();
}

void memory_region_set_enabled(MemoryRegion *mr, bool enabled)
{
    if (mr->enabled != enabled) {
        mr->enabled = enabled;
        tree_changed();
    }
}

void memory_region_set_readonly(MemoryRegion *mr, bool readonly)
{
    if (mr->readonly != readonly) {
        mr->readonly = readonly;
        tree_changed();
    }
}

void memory_region_set_address(MemoryRegion *mr, hwaddr addr)
{
    if (mr->addr != addr) {
        mr->addr = addr;
        tree_changed();
    }
}
