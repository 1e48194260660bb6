/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tests of a whole VFIODevice share. Relies on the virtual clock being
 * manual where time is to pass.
 */

#include "scripted-device.h"

#include <string.h>

#include "util/main-loop.h"

const VFIODeviceConfig default_config = {
    .mmap_timeout_ms = 5,
    .allow_irqfd = true,
};
const Offer trap = {false, false};
const Offer eoi = {false, true};
const Offer irqfd = {true, true};

static hwaddr base_of(unsigned region)
{
    return SCRIPTED_DEVICE_BASE + region * 0x100000;
}

void prepare(Fixture *f, const char *regions, const char *lines)
{
    *f = (Fixture){0};
    f->host = scripted_host_new("dev", regions, lines, -1, NULL);
    f->host->closed = &f->closed;
    g_assert_true(memory_region_init_ram(&f->ram, NULL, "ram", 0x4000, NULL));
    memory_region_add_subregion(get_system_memory(), 0x40000000, &f->ram);
}

bool realize(Fixture *f, Offer offer, Error **errp)
{
    if (!vfio_device_init(&f->vdev, &f->host->parent, NULL, &default_config,
                          errp)) {
        return false;
    }
    for (unsigned i = 0; i < f->vdev.info.num_regions; i++) {
        memory_region_add_subregion(get_system_memory(), base_of(i),
                                    &f->vdev.regions[i].mr);
    }
    for (unsigned i = 0; i < f->vdev.info.num_irqs; i++) {
        scripted_input_init(&f->input[i], offer.irqfd, offer.eoi, NULL);
        f->vdev.irqs[i].line = &f->input[i].line;
    }
    return true;
}

void unrealize(Fixture *f)
{
    run_state_set(false);
    vfio_device_quiesce(&f->vdev);
    for (unsigned i = 0; i < f->vdev.info.num_regions; i++) {
        if (f->vdev.regions[i].mr.container) {
            memory_region_del_subregion(get_system_memory(),
                                        &f->vdev.regions[i].mr);
        }
    }
    vfio_device_finish(&f->vdev);
    vfio_device_finish(&f->vdev);
    g_assert_true(f->closed);
    memory_region_del_subregion(get_system_memory(), &f->ram);
    memory_region_finish(&f->ram);
}

void setup(Fixture *f, const char *regions, const char *lines, Offer offer)
{
    g_autoptr(Error) err = NULL;

    prepare(f, regions, lines);
    realize(f, offer, &err);
    g_assert_cmpstr(err ? error_get_pretty(err) : NULL, ==, NULL);
    reset_all();
    run_state_set(true);
    g_free(scripted_host_take_log(f->host));
}

void settle(void)
{
    for (unsigned i = 0; i < 8; i++) {
        main_loop_iterate(false);
    }
}

bool is_fast(unsigned region)
{
    return memory_region_is_ram_device(
        address_space_find(address_space_memory(), base_of(region)).mr);
}

uint32_t access_region(unsigned region)
{
    uint32_t value = 0;

    address_space_read(address_space_memory(), base_of(region), &value, 4);
    return value;
}

void advance_ms(int64_t ms)
{
    clock_virtual_advance_to(clock_get_ns(CLOCK_VIRTUAL) + ms * NS_PER_MS);
}

unsigned open_fds(void)
{
    g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
    unsigned n = 0;

    while (g_dir_read_name(dir)) {
        n++;
    }
    return n;
}

/* ---- lost and back ---- */

void come_back(Fixture *f)
{
    g_autoptr(Error) err = NULL;
    bool ok = scripted_host_return(f->host, &err);

    g_assert_cmpstr(err ? error_get_pretty(err) : NULL, ==, NULL);
    g_assert_true(ok);
}

void expect_log(Fixture *f, const char *expect)
{
    g_autofree char *log = scripted_host_take_log(f->host);

    g_assert_cmpstr(log, ==, expect);
}

void check_lost(Fixture *f)
{
    g_assert_true(atomic_load(&f->vdev.access.failed));
    g_assert_cmpuint(f->host->dma_bytes, ==, 0);
    for (unsigned i = 0; i < f->vdev.info.num_regions; i++) {
        g_assert_cmpuint(f->vdev.regions[i].num_maps, ==, 0);
    }
    g_free(scripted_host_take_log(f->host));
    g_assert_false(is_fast(0));
    g_assert_cmphex(access_region(0), ==, 0xffffffff);
    for (unsigned i = 0; i < f->vdev.info.num_irqs; i++) {
        g_assert_cmpint(f->input[i].level, ==, 0);
        g_assert_null(f->input[i].fd);
        g_assert_null(f->input[i].eoi);
    }
    /* The machine goes on, and the host is left alone. */
    run_state_set(false);
    reset_all();
    run_state_set(true);
    advance_ms(100);
    settle();
    g_assert_false(is_fast(0));
    expect_log(f, "");
}

/* One interrupt of line 0, a level, all the way. */
void check_interrupt(Fixture *f)
{
    unsigned rises = f->input[0].rises;

    scripted_host_raise(f->host, 0);
    settle();
    if (f->input[0].fd) {
        scripted_input_deliver(&f->input[0]);
    }
    g_assert_cmpuint(f->input[0].rises, ==, rises + 1);
    g_assert_cmpint(f->input[0].level, ==, 1);
    scripted_host_lower(f->host, 0);
    access_region(0);
    scripted_input_eoi(&f->input[0]);
    settle();
    g_assert_cmpint(f->input[0].level, ==, 0);
    g_assert_false(scripted_host_line(f->host, 0)->masked);
    advance_ms(5);
    settle();
}

void check_works(Fixture *f)
{
    uint32_t value = 0xcafe;

    g_assert_false(atomic_load(&f->vdev.access.failed));
    g_assert_cmpuint(f->host->dma_bytes, ==, 0x4000);
    g_assert_true(is_fast(0));
    address_space_write(address_space_memory(), SCRIPTED_DEVICE_BASE + 8,
                        &value, 4);
    g_assert_cmpint(
        memcmp(scripted_host_region(f->host, 0)->mem + 8, &value, 4), ==, 0);
    check_interrupt(f);
    g_assert_true(is_fast(0));
}
