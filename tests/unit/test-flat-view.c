/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Readers against commits: threads access a region while the main thread maps
 * and unmaps what lies over it, and frees a region that they were using. Run
 * it under TSan and ASan: a view or a region freed too early shows there.
 */
#include "hw/core/memory.h"

#include <pthread.h>
#include <stdatomic.h>

#include "util/main-loop.h"

#define THREADS 3
#define ROUNDS 400

static AddressSpace as;
static MemoryRegion root;
static atomic_bool stop;
static atomic_uint accesses;

static MemTxResult below_read(void *opaque, hwaddr addr, uint64_t *value,
                              unsigned size)
{
    *value = 1;
    return MEMTX_OK;
}

/* The region that comes and goes has its value in memory of its own. */
static MemTxResult above_read(void *opaque, hwaddr addr, uint64_t *value,
                              unsigned size)
{
    atomic_uint *own = opaque;

    *value = atomic_load(own);
    return MEMTX_OK;
}

/* Takes the machine lock, so finish() has to let go of it. */
static const MemoryRegionOps below_ops = {.read = below_read};
static const MemoryRegionOps above_ops = {.read = above_read, .lockless = true};

static void *reader(void *opaque)
{
    while (!atomic_load(&stop)) {
        uint32_t value = 0;

        g_assert_cmpint(address_space_read(&as, 0x100, &value, 4), ==,
                        MEMTX_OK);
        g_assert_true(value == 1 || value == 2);
        atomic_fetch_add(&accesses, 1);
    }
    return NULL;
}

static void come_and_go(void)
{
    atomic_uint *own = g_new(atomic_uint, 1);
    unsigned before;
    MemoryRegion mr;

    atomic_init(own, 2);
    memory_region_init_io(&mr, NULL, &above_ops, own, "above", 0x1000);
    memory_region_add_subregion_overlap(&root, 0, &mr, 1);
    before = atomic_load(&accesses);
    machine_unlock();
    while (atomic_load(&accesses) - before < THREADS) {
        sched_yield();
    }
    machine_lock();
    memory_region_del_subregion(&root, &mr);
    memory_region_finish(&mr);
    atomic_store(own, 3); /* whoever still reads it sees an impossible value */
    g_free(own);
}

static void test_readers_and_commits(void)
{
    pthread_t threads[THREADS];
    MemoryRegion below;

    memory_region_init(&root, NULL, "root", 0x10000);
    memory_region_init_io(&below, NULL, &below_ops, NULL, "below", 0x1000);
    memory_region_add_subregion(&root, 0, &below);
    address_space_init(&as, &root, "test");
    for (int i = 0; i < THREADS; i++) {
        g_assert_cmpint(pthread_create(&threads[i], NULL, reader, NULL), ==, 0);
    }
    for (int i = 0; i < ROUNDS; i++) {
        come_and_go();
    }
    atomic_store(&stop, true);
    machine_unlock();
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    machine_lock();
    memory_region_del_subregion(&root, &below);
    address_space_finish(&as);
    memory_region_finish(&below);
    memory_region_finish(&root);
}

static void *read_once(void *opaque)
{
    uint32_t value = 0;

    address_space_read(&as, 0x100, &value, 4);
    g_assert_cmpuint(value, ==, 1);
    return NULL;
}

/* Each takes over what the one before it published its view in. */
static void test_threads_one_by_one(void)
{
    MemoryRegion below;

    memory_region_init(&root, NULL, "root", 0x10000);
    memory_region_init_io(&below, NULL, &below_ops, NULL, "below", 0x1000);
    memory_region_add_subregion(&root, 0, &below);
    address_space_init(&as, &root, "test");
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;

        g_assert_cmpint(pthread_create(&thread, NULL, read_once, NULL), ==, 0);
        machine_unlock();
        pthread_join(thread, NULL);
        machine_lock();
    }
    memory_region_del_subregion(&root, &below);
    /* Returns: no view is published in the name of a thread that has ended. */
    memory_region_finish(&below);
    address_space_finish(&as);
    memory_region_finish(&root);
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    machine_lock();
    g_test_add_func("/flat-view/readers-and-commits", test_readers_and_commits);
    g_test_add_func("/flat-view/threads-one-by-one", test_threads_one_by_one);
    status = g_test_run();
    machine_unlock();
    return status;
}
