/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accesses of several threads, as vCPUs make them, while the main thread takes
 * interrupts on the trap route, toggles the fast path, resets, loses the host
 * and gets it back, and at last takes the device away. For TSan above all; the
 * sums must be right too.
 */

#include <glib.h>
#include <stdatomic.h>

#include "hw/vfio/device.h"
#include "scripted-host.h"
#include "util/main-loop.h"

#define BASE 0x10000000ULL
#define STATUS 0x2010
#define THREADS 3
#define INTERRUPTS 400
#define LOSSES 30

typedef struct Shared {
    atomic_bool stop;
    atomic_uint accesses;
} Shared;

static void *access_thread(void *opaque)
{
    Shared *shared = opaque;
    uint64_t value;

    while (!atomic_load(&shared->stop)) {
        address_space_read(address_space_memory(), BASE + 0x1000, &value, 8);
        address_space_read(address_space_memory(), BASE + STATUS, &value, 4);
        value = 1;
        address_space_write(address_space_memory(), BASE + STATUS, &value, 4);
        atomic_fetch_add(&shared->accesses, 1);
    }
    return NULL;
}

static void init_device(VFIODevice *vdev, ScriptedHost *host,
                        ScriptedInput *input)
{
    const VFIODeviceConfig config = {.mmap_timeout_ms = 1};

    g_assert_true(vfio_device_init(vdev, &host->parent, NULL, &config, NULL));
    memory_region_add_subregion(get_system_memory(), BASE,
                                &vdev->regions[0].mr);
    scripted_input_init(input, false, false, NULL);
    vdev->irqs[0].line = &input->line;
    reset_all();
    run_state_set(true);
}

/* The main thread's turn: one interrupt to its end, and now and then more. */
static void one_interrupt(VFIODevice *vdev, ScriptedHost *host,
                          ScriptedInput *input, unsigned n)
{
    scripted_host_raise(host, 0);
    while (input->rises <= n) {
        main_loop_iterate(false);
    }
    scripted_host_lower(host, 0);
    /* An access of any thread ends it. */
    while (vdev->irqs[0].state != VFIO_IRQ_INACTIVE) {
        main_loop_iterate(false);
        machine_unlock();
        g_thread_yield();
        machine_lock();
    }
    if (n % 4 == 0) {
        clock_virtual_advance_to(clock_get_ns(CLOCK_VIRTUAL) + NS_PER_MS);
    }
    if (n % 50 == 49) {
        reset_all();
    }
}

static void test_storm(void)
{
    Shared shared = {0};
    ScriptedInput input;
    VFIODevice vdev = {0};
    GThread *threads[THREADS];
    ScriptedHost *host =
        scripted_host_new("dev", "0x3000:map=0x1000+0x1000", "level", -1, NULL);

    init_device(&vdev, host, &input);
    for (unsigned i = 0; i < THREADS; i++) {
        threads[i] = g_thread_new("vcpu", access_thread, &shared);
    }
    for (unsigned n = 0; n < INTERRUPTS; n++) {
        one_interrupt(&vdev, host, &input, n);
    }
    g_assert_cmpuint(input.rises, ==, INTERRUPTS);
    g_assert_cmpuint(scripted_host_line(host, 0)->signals, ==, INTERRUPTS);
    /* With accesses still coming: the region waits for the last of them. */
    run_state_set(false);
    vfio_device_quiesce(&vdev);
    memory_region_del_subregion(get_system_memory(), &vdev.regions[0].mr);
    vfio_device_finish(&vdev);
    atomic_store(&shared.stop, true);
    machine_unlock();
    for (unsigned i = 0; i < THREADS; i++) {
        g_thread_join(threads[i]);
    }
    machine_lock();
    g_assert_cmpuint(atomic_load(&shared.accesses), >, 0);
}

/*
 * The device is lost in the middle of an access, by whichever thread ends the
 * interrupt, while the others go on: they read ones from then on.
 */
static void test_failure(void)
{
    Shared shared = {0};
    ScriptedInput input;
    VFIODevice vdev = {0};
    GThread *threads[THREADS];
    unsigned accesses;
    uint32_t value = 0;
    ScriptedHost *host =
        scripted_host_new("dev", "0x3000:map=0x1000+0x1000", "level", -1, NULL);

    init_device(&vdev, host, &input);
    for (unsigned i = 0; i < THREADS; i++) {
        threads[i] = g_thread_new("vcpu", access_thread, &shared);
    }
    one_interrupt(&vdev, host, &input, 0);
    host->fail = "set-irq 0 unmask-now";
    scripted_host_raise(host, 0);
    while (!atomic_load(&vdev.access.failed)) {
        main_loop_iterate(false);
        machine_unlock();
        g_thread_yield();
        machine_lock();
    }
    accesses = atomic_load(&shared.accesses);
    while (atomic_load(&shared.accesses) < accesses + THREADS) {
        g_thread_yield();
    }
    g_assert_cmpint(input.level, ==, 0);
    g_assert_cmpuint(atomic_load(&vdev.access.active), ==, 0);
    address_space_read(address_space_memory(), BASE + STATUS, &value, 4);
    g_assert_cmphex(value, ==, UINT32_MAX);
    atomic_store(&shared.stop, true);
    machine_unlock();
    for (unsigned i = 0; i < THREADS; i++) {
        g_thread_join(threads[i]);
    }
    machine_lock();
    run_state_set(false);
    vfio_device_quiesce(&vdev);
    memory_region_del_subregion(get_system_memory(), &vdev.regions[0].mr);
    vfio_device_finish(&vdev);
}

/* Accesses of the host that are under way; they take their time. */
static atomic_uint under_way;
static int (*scripted_read)(VFIOHost *host, unsigned index, uint64_t offset,
                            void *buf, unsigned size);

static int slow_read(VFIOHost *host, unsigned index, uint64_t offset, void *buf,
                     unsigned size)
{
    int ret;

    atomic_fetch_add(&under_way, 1);
    g_usleep(50);
    ret = scripted_read(host, index, offset, buf, size);
    atomic_fetch_sub(&under_way, 1);
    return ret;
}

static void lose_and_return(ScriptedHost *host, Shared *shared, bool wait)
{
    unsigned accesses = atomic_load(&shared->accesses);

    scripted_host_lose(host);
    g_assert_cmpuint(atomic_load(&under_way), ==, 0);
    while (wait && atomic_load(&shared->accesses) < accesses + 20) {
        machine_unlock();
        g_thread_yield();
        machine_lock();
    }
    g_assert_cmpuint(atomic_load(&under_way), ==, 0);
    g_assert_true(scripted_host_return(host, NULL));
}

/*
 * The host goes and comes, with the memory behind its mappings; the scripted
 * one gives that away without a lock, since no access may be under way.
 */
static void test_lost(gconstpointer regions)
{
    Shared shared = {0};
    ScriptedInput input;
    VFIODevice vdev = {0};
    GThread *threads[THREADS];
    ScriptedHost *host = scripted_host_new("dev", regions, "level", -1, NULL);

    scripted_read = host->ops.region_read;
    host->ops.region_read = slow_read;
    init_device(&vdev, host, &input);
    for (unsigned i = 0; i < THREADS; i++) {
        threads[i] = g_thread_new("vcpu", access_thread, &shared);
    }
    for (unsigned n = 0; n < LOSSES; n++) {
        one_interrupt(&vdev, host, &input, n);
        lose_and_return(host, &shared, n % 10 == 0);
    }
    atomic_store(&shared.stop, true);
    machine_unlock();
    for (unsigned i = 0; i < THREADS; i++) {
        g_thread_join(threads[i]);
    }
    machine_lock();
    g_assert_cmpuint(input.rises, ==, LOSSES);
    run_state_set(false);
    vfio_device_quiesce(&vdev);
    memory_region_del_subregion(get_system_memory(), &vdev.regions[0].mr);
    vfio_device_finish(&vdev);
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    main_loop_init(NULL);
    clock_virtual_set_manual();
    g_test_add_func("/vfio-threads/storm", test_storm);
    g_test_add_func("/vfio-threads/failure", test_failure);
    g_test_add_data_func("/vfio-threads/lost", "0x3000:map=0x1000+0x1000",
                         test_lost);
    g_test_add_data_func("/vfio-threads/lost/ioeventfds",
                         "0x3000:map=0x1000+0x1000:signal=0x2010+4", test_lost);
    status = g_test_run();
    main_loop_finish();
    return status;
}
