/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The platform bus: places user-created devices in its window.
 *
 * Everything about a device is decided before anything is mapped or connected,
 * so a device that does not fit leaves no trace. The decision is a function of
 * the window alone, which lets the error name a window that would do. A
 * placed region is found again by its mapping; the bus keeps no second table.
 */

#include "hw/core/platform-bus.h"

#include <unistd.h>

/* No two regions share a page: the guest, and KVM, may map them apart. */
static uint64_t page_size(void)
{
    return MAX(sysconf(_SC_PAGESIZE), 4096);
}

static uint64_t align_up(uint64_t value, uint64_t alignment)
{
    return (value + alignment - 1) & -alignment;
}

static uint64_t region_alignment(uint64_t size)
{
    uint64_t alignment = page_size();

    while (alignment < size) {
        alignment <<= 1;
    }
    return alignment;
}

typedef struct Span {
    hwaddr start;
    hwaddr end;
} Span;

static void add_span(GArray *spans, hwaddr start, uint64_t size)
{
    Span span = {start, start + align_up(size, page_size())};

    g_array_append_val(spans, span);
}

static GArray *used_spans(const PlatformBus *bus)
{
    GArray *spans = g_array_new(false, false, sizeof(Span));

    for (guint i = 0; i < bus->devices->len; i++) {
        SysBusDevice *sbd = g_ptr_array_index(bus->devices, i);

        for (unsigned n = 0; n < sysbus_num_mmio(sbd); n++) {
            SysBusMMIO *mmio = &g_array_index(sbd->mmio, SysBusMMIO, n);

            if (mmio->mapped) {
                add_span(spans, mmio->addr, mmio->mr->size);
            }
        }
    }
    return spans;
}

/* The end of a span that overlaps [@start, @end), or 0. */
static hwaddr overlap_end(const GArray *spans, hwaddr start, hwaddr end)
{
    for (guint i = 0; i < spans->len; i++) {
        const Span *span = &g_array_index(spans, Span, i);

        if (span->start < end && start < span->end) {
            return span->end;
        }
    }
    return 0;
}

/* First fit in a window of @size bytes; false when there is no room. */
static bool find_room(const GArray *spans, hwaddr base, uint64_t size,
                      uint64_t want, hwaddr *addr)
{
    hwaddr next = base;
    hwaddr start;

    if (want > size) {
        return false;
    }
    do {
        start = align_up(next, region_alignment(want));
        if (start - base > size - want) {
            return false;
        }
        next = overlap_end(spans, start, start + align_up(want, page_size()));
    } while (next);
    *addr = start;
    return true;
}

/* Adds all regions of @sbd to @spans; fills @addrs unless that is NULL. */
static bool place_regions(GArray *spans, SysBusDevice *sbd, hwaddr base,
                          uint64_t size, hwaddr *addrs)
{
    for (unsigned n = 0; n < sysbus_num_mmio(sbd); n++) {
        uint64_t want = sysbus_mmio_region(sbd, n)->size;
        hwaddr addr;

        if (!find_room(spans, base, size, want, &addr)) {
            return false;
        }
        add_span(spans, addr, want);
        if (addrs) {
            addrs[n] = addr;
        }
    }
    return true;
}

/* Addresses for all regions of @sbd beside what is mapped; or NULL. */
static hwaddr *place_device(const PlatformBus *bus, SysBusDevice *sbd)
{
    g_autoptr(GArray) spans = used_spans(bus);
    g_autofree hwaddr *addrs = g_new0(hwaddr, sysbus_num_mmio(sbd) + 1);

    if (!place_regions(spans, sbd, bus->base, bus->size, addrs)) {
        return NULL;
    }
    return g_steal_pointer(&addrs);
}

/* Would a window of @size at @base hold all devices and @sbd? */
static bool would_fit(const PlatformBus *bus, SysBusDevice *sbd, hwaddr base,
                      uint64_t size)
{
    g_autoptr(GArray) spans = g_array_new(false, false, sizeof(Span));

    for (guint i = 0; i < bus->devices->len; i++) {
        if (!place_regions(spans, g_ptr_array_index(bus->devices, i), base,
                           size, NULL)) {
            return false;
        }
    }
    return place_regions(spans, sbd, base, size, NULL);
}

static char *size_text(uint64_t bytes)
{
    if (bytes && !(bytes & ((1 << 20) - 1))) {
        return g_strdup_printf("%" PRIu64 "M", bytes >> 20);
    }
    return g_strdup_printf("%" PRIu64 "K", align_up(bytes, 1024) >> 10);
}

/* The least power of two up to @max that has room for @sbd too, or 0. */
static uint64_t sufficient_size(const PlatformBus *bus, SysBusDevice *sbd,
                                hwaddr base, uint64_t max)
{
    for (uint64_t size = page_size(); size <= MIN(max, UINT64_MAX / 4);
         size <<= 1) {
        if (size > bus->size && would_fit(bus, sbd, base, size)) {
            return size;
        }
    }
    return 0;
}

static void append_advice(const PlatformBus *bus, SysBusDevice *sbd,
                          Error **errp)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(bus->rooms); i++) {
        hwaddr base = bus->rooms[i].base;
        uint64_t size = sufficient_size(bus, sbd, base, bus->rooms[i].size);
        g_autofree char *text = size_text(size);

        if (size && base == bus->base) {
            error_append(errp, "; try: -M virt,platform-bus-size=%s", text);
            return;
        }
        if (size) {
            error_append(errp,
                         "; try: -M virt,platform-bus-base=0x%" PRIx64
                         ",platform-bus-size=%s",
                         base, text);
            return;
        }
    }
}

static void set_no_room(const PlatformBus *bus, SysBusDevice *sbd, Error **errp)
{
    g_autoptr(GArray) spans = used_spans(bus);
    uint64_t want = 0;
    uint64_t used = 0;
    g_autofree char *want_text = NULL;
    g_autofree char *free_text = NULL;

    for (unsigned n = 0; n < sysbus_num_mmio(sbd) && !(want >> 63); n++) {
        want += align_up(sysbus_mmio_region(sbd, n)->size, page_size());
    }
    for (guint i = 0; i < spans->len; i++) {
        const Span *span = &g_array_index(spans, Span, i);

        used += span->end - span->start;
    }
    want_text = size_text(want);
    free_text = size_text(bus->size - used);
    error_setg(errp,
               "%s: no room for %s of MMIO in the platform bus (%s free, each "
               "region aligned to its size)",
               qdev_name(DEVICE(sbd)), want_text, free_text);
    append_advice(bus, sbd, errp);
}

static bool connect_lines(PlatformBus *bus, SysBusDevice *sbd, Error **errp)
{
    SysBusDeviceClass *sbc = SYS_BUS_DEVICE_GET_CLASS(sbd);
    unsigned n_irqs = sysbus_num_irqs(sbd);

    for (unsigned n = 0; n < n_irqs; n++) {
        sysbus_connect_irq(sbd, n, bus->lines[bus->irqs_used + n]);
    }
    if (sbc->connected && !sbc->connected(sbd, errp)) {
        for (unsigned n = 0; n < n_irqs; n++) {
            sysbus_connect_irq(sbd, n, NULL);
        }
        return false;
    }
    bus->irqs_used += n_irqs;
    return true;
}

bool platform_bus_link(PlatformBus *bus, SysBusDevice *sbd, Error **errp)
{
    unsigned free_irqs = bus->num_irqs - bus->irqs_used;
    g_autofree hwaddr *addrs = NULL;

    if (sysbus_num_irqs(sbd) > free_irqs) {
        error_setg(errp,
                   "%s: no room for %u interrupt lines in the platform bus "
                   "(%u of %u free); leave out another device",
                   qdev_name(DEVICE(sbd)), sysbus_num_irqs(sbd), free_irqs,
                   bus->num_irqs);
        return false;
    }
    addrs = place_device(bus, sbd);
    if (!addrs) {
        set_no_room(bus, sbd, errp);
        return false;
    }
    if (!connect_lines(bus, sbd, errp)) {
        return false;
    }
    memory_region_transaction_begin();
    for (unsigned n = 0; n < sysbus_num_mmio(sbd); n++) {
        sysbus_mmio_map_in(sbd, n, &bus->window, addrs[n] - bus->base,
                           addrs[n]);
    }
    memory_region_transaction_commit();
    g_ptr_array_add(bus->devices, object_ref(OBJECT(sbd)));
    return true;
}

static unsigned spi_of(const PlatformBus *bus, const IrqLine *line)
{
    unsigned n = 0;

    while (bus->lines[n] != line) {
        n++;
        g_assert(n < bus->irqs_used);
    }
    return bus->first_spi + n;
}

static bool write_device(PlatformBus *bus, SysBusDevice *sbd, FdtWriter *fdt,
                         Error **errp)
{
    unsigned n_mmio = sysbus_num_mmio(sbd);
    unsigned n_irqs = sysbus_num_irqs(sbd);
    g_autofree hwaddr *mmio = g_new0(hwaddr, n_mmio + 1);
    g_autofree unsigned *irqs = g_new0(unsigned, n_irqs + 1);
    SysBusPlace place = {
        .bus_base = bus->base,
        .n_mmio = n_mmio,
        .mmio = mmio,
        .n_irqs = n_irqs,
        .irqs = irqs,
    };

    for (unsigned n = 0; n < n_mmio; n++) {
        mmio[n] = g_array_index(sbd->mmio, SysBusMMIO, n).addr;
    }
    for (unsigned n = 0; n < n_irqs; n++) {
        irqs[n] = spi_of(bus, sysbus_get_connected_irq(sbd, n));
    }
    return SYS_BUS_DEVICE_GET_CLASS(sbd)->write_fdt(sbd, fdt, &place, errp);
}

static bool write_root_nodes(PlatformBus *bus, FdtWriter *fdt, Error **errp)
{
    for (guint i = 0; i < bus->devices->len; i++) {
        SysBusDevice *sbd = g_ptr_array_index(bus->devices, i);
        SysBusDeviceClass *sbc = SYS_BUS_DEVICE_GET_CLASS(sbd);

        if (DEVICE(sbd)->realized && sbc->write_fdt_root &&
            !sbc->write_fdt_root(sbd, fdt, errp)) {
            return false;
        }
    }
    return true;
}

/* As many cells as the window needs; the parent's are the parent's affair. */
static void write_ranges(PlatformBus *bus, FdtWriter *fdt,
                         unsigned parent_cells)
{
    bool wide = bus->size > UINT32_MAX;
    uint32_t cells[6];
    unsigned n = 0;

    fdt_writer_address_cells(fdt, wide ? 2 : 1, wide ? 2 : 1);
    if (wide) {
        cells[n++] = 0;
    }
    cells[n++] = 0;
    if (parent_cells == 2) {
        cells[n++] = bus->base >> 32;
    }
    cells[n++] = bus->base;
    if (wide) {
        cells[n++] = bus->size >> 32;
    }
    cells[n++] = bus->size;
    fdt_writer_cells(fdt, "ranges", cells, n);
}

static void begin_bus_node(PlatformBus *bus, FdtWriter *fdt,
                           uint32_t gic_phandle)
{
    fdt_writer_begin_node_at(fdt, "platform-bus", bus->base);
    fdt_writer_strings(fdt, "compatible", "qemu,platform", "simple-bus", NULL);
    fdt_writer_cell(fdt, "interrupt-parent", gic_phandle);
    write_ranges(bus, fdt, fdt_writer_reg_address_cells(fdt));
}

bool platform_bus_write_fdt(PlatformBus *bus, FdtWriter *fdt,
                            uint32_t gic_phandle, Error **errp)
{
    if (!write_root_nodes(bus, fdt, errp)) {
        return false;
    }
    begin_bus_node(bus, fdt, gic_phandle);
    for (guint i = 0; i < bus->devices->len; i++) {
        SysBusDevice *sbd = g_ptr_array_index(bus->devices, i);

        if (DEVICE(sbd)->realized && SYS_BUS_DEVICE_GET_CLASS(sbd)->write_fdt &&
            !write_device(bus, sbd, fdt, errp)) {
            return false;
        }
    }
    fdt_writer_end_node(fdt);
    return true;
}

static bool platform_bus_realize(DeviceState *dev, Error **errp)
{
    PlatformBus *bus = PLATFORM_BUS(dev);
    SysBusDevice *sbd = SYS_BUS_DEVICE(dev);

    if (!bus->size || (bus->base | bus->size) & (page_size() - 1)) {
        error_setg(errp,
                   "platform bus: the window (0x%" PRIx64 " at 0x%" PRIx64
                   ") is not of whole pages; try: -M "
                   "virt,platform-bus-size=32M",
                   bus->size, bus->base);
        return false;
    }
    if (!bus->rooms[0].size) {
        bus->rooms[0].base = bus->base;
        bus->rooms[0].size = UINT64_MAX - bus->base;
    }
    bus->devices = g_ptr_array_new_with_free_func(object_unref_void);
    memory_region_init(&bus->window, OBJECT(dev), "platform-bus", bus->size);
    sysbus_init_mmio(sbd, &bus->window);
    sysbus_mmio_map(sbd, 0, bus->base);
    return true;
}

static void platform_bus_unrealize(DeviceState *dev)
{
    PlatformBus *bus = PLATFORM_BUS(dev);

    g_clear_pointer(&bus->devices, g_ptr_array_unref);
    sysbus_release(SYS_BUS_DEVICE(dev));
    memory_region_finish(&bus->window);
}

static void platform_bus_finalize(Object *obj)
{
    g_free(PLATFORM_BUS(obj)->lines);
}

static void platform_bus_class_init(ObjectClass *klass)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    klass->desc = "window and interrupt lines for user-created devices";
    dc->realize = platform_bus_realize;
    dc->unrealize = platform_bus_unrealize;
}

static const TypeInfo platform_bus_type = {
    .name = TYPE_PLATFORM_BUS,
    .parent = TYPE_SYS_BUS_DEVICE,
    .instance_size = sizeof(PlatformBus),
    .class_init = platform_bus_class_init,
    .instance_finalize = platform_bus_finalize,
};
TYPE_REGISTER(platform_bus_type)
