/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine "virt": the memory map, interrupt numbers and device-tree names
 * of QEMU's machine of that name, so that kernels and bare-metal programs made
 * for it run unchanged, and of its devices those that a guest with an assigned
 * platform device needs.
 *
 * The tree is written when all devices are there (done), once, front to back.
 * The interrupt controller is the accelerator's; which version it became is
 * known only after it was created.
 */

#include <sys/random.h>

#include "hw/arm/boot.h"
#include "hw/char/pl011.h"
#include "hw/core/machine.h"
#include "hw/core/platform-bus.h"
#include "hw/rtc/pl031.h"

#define TYPE_VIRT MACHINE_TYPE_NAME("virt")
OBJECT_DECLARE_SIMPLE_TYPE(VirtMachine, VIRT)

enum { GIC_DIST, GIC_CPU, GIC_REDIST, UART, RTC, BUS, RAM };

/* RAM goes on as far as -m says; the bus's window is what its options say. */
static const struct {
    const char *what;
    hwaddr base;
    uint64_t size;
    unsigned spi;
} memmap[] = {
    [GIC_DIST] = {"the GIC's distributor", 0x08000000, 0x10000},
    [GIC_CPU] = {"the GIC's CPU interface", 0x08010000, 0x10000},
    [GIC_REDIST] = {"the GIC's redistributors", 0x080a0000, 0xf60000},
    [UART] = {"the UART", 0x09000000, 0x1000, 1},
    [RTC] = {"the RTC", 0x09010000, 0x1000, 2},
    [BUS] = {"the platform bus", 0x0c000000, 0x2000000, 112},
    [RAM] = {"RAM", 0x40000000, 0},
};

#define BUS_BASE_TEXT "0xc000000"
#define BUS_SIZE_TEXT "32M"
#define BUS_LINES 64
#define NUM_SPIS 192
#define REDIST_SIZE 0x20000 /* of one CPU */
#define MAX_CPUS 123        /* redistributors that there is room for */
#define MAX_CPUS_GICV2 8
#define PHYS_END_MAX (1ull << 52)
#define RAM_GRANULE 0x100000
#define RAM_MAX_TIB 1024ull
#define FREE_BUS_ALIGNMENT 0x8000000000 /* of a base that is advised */
#define APB_CLOCK_HZ 24000000

/* The GIC's device-tree binding. */
#define GIC_SPI 0
#define GIC_PPI 1
#define LEVEL_HIGH 4
#define PPI_CPU_MASK_SHIFT 8

/* Private interrupts of the timers: secure, physical, virtual, hypervisor. */
static const unsigned timer_ppis[] = {13, 14, 11, 10};

struct VirtMachine {
    MachineState parent_obj;
    bool rtc_enabled;
    int gic_version; /* a GicVersion: the wish */
    uint64_t bus_base;
    uint64_t bus_size;

    MemoryRegion ram;
    GicConfig gic_config;
    DeviceState *gic;
    DeviceState *uart;
    DeviceState *rtc;
    ArmBoot boot;
};

static uint64_t virt_phys_end(const MachineState *machine)
{
    const VirtMachine *vm = VIRT(machine);
    uint64_t ram_end = memmap[RAM].base + machine->config.ram_size;
    uint64_t bus_end = vm->bus_base + vm->bus_size;

    return MAX(ram_end, bus_end);
}

static bool check_cpus(const VirtMachine *vm, GicVersion version, Error **errp)
{
    unsigned smp = vm->parent_obj.config.smp;

    if (version == GIC_VERSION_2 && smp > MAX_CPUS_GICV2) {
        error_setg(errp,
                   "-smp %u: a GICv2 has at most %d CPUs; try: -M "
                   "virt,gic-version=3",
                   smp, MAX_CPUS_GICV2);
        return false;
    }
    return true;
}

static bool check_ram(const MachineState *machine, Error **errp)
{
    uint64_t size = machine->config.ram_size;

    if (!size || size & (RAM_GRANULE - 1) || size > RAM_MAX_TIB << 40) {
        error_setg(errp,
                   "-m: %" PRIu64 " KiB of RAM; the machine takes whole MiB, "
                   "at least one and at most %llu TiB",
                   size >> 10, RAM_MAX_TIB);
        return false;
    }
    return true;
}

/* Above it there is nothing but address space. */
static hwaddr free_bus_base(const VirtMachine *vm)
{
    hwaddr ram_end = memmap[RAM].base + vm->parent_obj.config.ram_size;

    return (ram_end + FREE_BUS_ALIGNMENT - 1) & -FREE_BUS_ALIGNMENT;
}

/* How large the window could be where it is. */
static uint64_t bus_room(const VirtMachine *vm)
{
    hwaddr end = PHYS_END_MAX;

    for (unsigned i = 0; i < G_N_ELEMENTS(memmap); i++) {
        if (i != BUS && memmap[i].base > vm->bus_base) {
            end = MIN(end, memmap[i].base);
        }
    }
    return end - vm->bus_base;
}

/* The window must be apart from everything else in the map. */
static bool check_bus(const VirtMachine *vm, Error **errp)
{
    hwaddr base = vm->bus_base;

    if (vm->bus_size > PHYS_END_MAX || base > PHYS_END_MAX - vm->bus_size) {
        error_setg(errp,
                   "platform-bus-base=0x%" PRIx64
                   ",platform-bus-size=0x%" PRIx64
                   ": the window ends beyond 52 bits of address",
                   base, vm->bus_size);
        return false;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(memmap); i++) {
        uint64_t size =
            i == RAM ? vm->parent_obj.config.ram_size : memmap[i].size;

        if (i != BUS && base < memmap[i].base + size &&
            memmap[i].base < base + vm->bus_size) {
            error_setg(errp,
                       "platform-bus-base=0x%" PRIx64
                       ",platform-bus-size=0x%" PRIx64
                       ": the window overlaps %s (0x%" PRIx64 " to 0x%" PRIx64
                       "); try: -M virt,platform-bus-base=0x%" PRIx64,
                       base, vm->bus_size, memmap[i].what, memmap[i].base,
                       memmap[i].base + size - 1, free_bus_base(vm));
            return false;
        }
    }
    return true;
}

static bool create_ram(VirtMachine *vm, Error **errp)
{
    if (!memory_region_init_ram(&vm->ram, OBJECT(vm), "ram",
                                vm->parent_obj.config.ram_size, errp)) {
        return false;
    }
    memory_region_add_subregion(get_system_memory(), memmap[RAM].base,
                                &vm->ram);
    return true;
}

static bool create_cpus_and_gic(VirtMachine *vm, Error **errp)
{
    const MachineConfig *config = &vm->parent_obj.config;
    Accel *accel = vm->parent_obj.accel;
    AccelClass *ac = ACCEL_GET_CLASS(accel);

    vm->gic_config = (GicConfig){
        .version = vm->gic_version,
        .num_cpus = config->smp,
        .num_spis = NUM_SPIS,
        .dist_base = memmap[GIC_DIST].base,
        .cpu_base = memmap[GIC_CPU].base,
        .redist_base = memmap[GIC_REDIST].base,
    };
    if (!ac->create_vcpus(accel, config->smp, config->cpu_model, errp)) {
        return false;
    }
    vm->gic = ac->create_gic(accel, &vm->gic_config, errp);
    return vm->gic && check_cpus(vm, vm->gic_config.version, errp);
}

static DeviceState *new_child(VirtMachine *vm, const char *name,
                              const char *type)
{
    DeviceState *dev = qdev_new(type);

    object_add_child(OBJECT(vm), name, OBJECT(dev), NULL);
    return dev;
}

static bool realize_at(VirtMachine *vm, DeviceState *dev, unsigned which,
                       Error **errp)
{
    return sysbus_realize_at(SYS_BUS_DEVICE(dev), memmap[which].base,
                             qdev_get_gpio_in(vm->gic, memmap[which].spi),
                             errp);
}

static bool create_devices(VirtMachine *vm, Error **errp)
{
    vm->uart = new_child(vm, "uart", TYPE_PL011);
    pl011_set_chardev(PL011(vm->uart), vm->parent_obj.config.serial);
    if (!realize_at(vm, vm->uart, UART, errp)) {
        return false;
    }
    if (!vm->rtc_enabled) {
        return true;
    }
    vm->rtc = new_child(vm, "rtc", TYPE_PL031);
    return realize_at(vm, vm->rtc, RTC, errp);
}

static bool create_bus(VirtMachine *vm, Error **errp)
{
    DeviceState *dev = new_child(vm, "platform-bus", TYPE_PLATFORM_BUS);
    PlatformBus *bus = PLATFORM_BUS(dev);

    vm->parent_obj.bus = bus;
    bus->base = vm->bus_base;
    bus->size = vm->bus_size;
    bus->rooms[0].base = vm->bus_base;
    bus->rooms[0].size = bus_room(vm);
    bus->rooms[1].base = free_bus_base(vm);
    bus->rooms[1].size = PHYS_END_MAX - free_bus_base(vm);
    bus->first_spi = memmap[BUS].spi;
    bus->num_irqs = BUS_LINES;
    bus->lines = g_new(IrqLine *, BUS_LINES);
    for (unsigned i = 0; i < BUS_LINES; i++) {
        bus->lines[i] = qdev_get_gpio_in(vm->gic, bus->first_spi + i);
    }
    return qdev_realize(dev, errp);
}

static bool virt_init(MachineState *machine, Error **errp)
{
    VirtMachine *vm = VIRT(machine);

    return check_ram(machine, errp) && check_bus(vm, errp) &&
           check_cpus(vm, vm->gic_version, errp) && create_ram(vm, errp) &&
           create_cpus_and_gic(vm, errp) && create_devices(vm, errp) &&
           create_bus(vm, errp);
}

/* The affinity that KVM gives to CPU @n: 16 in a cluster. */
static uint32_t cpu_affinity(unsigned n)
{
    return (n & 15) | (n >> 4) << 8;
}

static void write_cpus(const VirtMachine *vm, FdtWriter *w)
{
    fdt_writer_begin_node(w, "cpus");
    fdt_writer_address_cells(w, 1, 0);
    for (unsigned i = 0; i < vm->parent_obj.config.smp; i++) {
        fdt_writer_begin_node_at(w, "cpu", cpu_affinity(i));
        fdt_writer_string(w, "device_type", "cpu");
        fdt_writer_string(w, "compatible", "arm,armv8");
        FDT_REG(w, {cpu_affinity(i), 0});
        fdt_writer_string(w, "enable-method", "psci");
        fdt_writer_end_node(w);
    }
    fdt_writer_end_node(w);
    fdt_writer_begin_node(w, "psci");
    fdt_writer_strings(w, "compatible", "arm,psci-1.0", "arm,psci-0.2", NULL);
    fdt_writer_string(w, "method", "hvc");
    fdt_writer_end_node(w);
}

static void write_timer(const VirtMachine *vm, FdtWriter *w)
{
    uint32_t cells[3 * G_N_ELEMENTS(timer_ppis)];
    uint32_t irq_flags = LEVEL_HIGH;

    if (vm->gic_config.version == GIC_VERSION_2) {
        irq_flags |= ((1u << vm->parent_obj.config.smp) - 1)
                     << PPI_CPU_MASK_SHIFT;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(timer_ppis); i++) {
        cells[3 * i] = GIC_PPI;
        cells[3 * i + 1] = timer_ppis[i];
        cells[3 * i + 2] = irq_flags;
    }
    fdt_writer_begin_node(w, "timer");
    fdt_writer_string(w, "compatible", "arm,armv8-timer");
    fdt_writer_cells(w, "interrupts", cells, G_N_ELEMENTS(cells));
    fdt_writer_empty(w, "always-on");
    fdt_writer_end_node(w);
}

static void write_gic(const VirtMachine *vm, FdtWriter *w, uint32_t phandle)
{
    const GicConfig *gic = &vm->gic_config;

    fdt_writer_begin_node_at(w, "intc", gic->dist_base);
    if (gic->version == GIC_VERSION_2) {
        fdt_writer_string(w, "compatible", "arm,cortex-a15-gic");
        FDT_REG(w, {gic->dist_base, memmap[GIC_DIST].size},
                {gic->cpu_base, memmap[GIC_CPU].size});
    } else {
        fdt_writer_string(w, "compatible", "arm,gic-v3");
        fdt_writer_cell(w, "#redistributor-regions", 1);
        FDT_REG(w, {gic->dist_base, memmap[GIC_DIST].size},
                {gic->redist_base, (uint64_t)gic->num_cpus * REDIST_SIZE});
    }
    fdt_writer_cell(w, "#interrupt-cells", 3);
    fdt_writer_empty(w, "interrupt-controller");
    fdt_writer_cell(w, "#address-cells", 0);
    fdt_writer_phandle(w, phandle);
    fdt_writer_end_node(w);
}

static void write_clock(FdtWriter *w, uint32_t phandle)
{
    fdt_writer_begin_node(w, "apb-pclk");
    fdt_writer_string(w, "compatible", "fixed-clock");
    fdt_writer_cell(w, "#clock-cells", 0);
    fdt_writer_cell(w, "clock-frequency", APB_CLOCK_HZ);
    fdt_writer_string(w, "clock-output-names", "clk24mhz");
    fdt_writer_phandle(w, phandle);
    fdt_writer_end_node(w);
}

static void begin_primecell(FdtWriter *w, const char *name,
                            const char *compatible, unsigned which)
{
    fdt_writer_begin_node_at(w, name, memmap[which].base);
    fdt_writer_strings(w, "compatible", compatible, "arm,primecell", NULL);
    FDT_REG(w, {memmap[which].base, memmap[which].size});
    FDT_CELLS(w, "interrupts", GIC_SPI, memmap[which].spi, LEVEL_HIGH);
}

static void write_primecells(const VirtMachine *vm, FdtWriter *w,
                             uint32_t clock)
{
    begin_primecell(w, "pl011", "arm,pl011", UART);
    FDT_CELLS(w, "clocks", clock, clock);
    fdt_writer_strings(w, "clock-names", "uartclk", "apb_pclk", NULL);
    fdt_writer_end_node(w);
    if (vm->rtc) {
        begin_primecell(w, "pl031", "arm,pl031", RTC);
        FDT_CELLS(w, "clocks", clock);
        fdt_writer_string(w, "clock-names", "apb_pclk");
        fdt_writer_end_node(w);
    }
}

/* Left out while the host itself has no entropy: a guest must not wait. */
static void write_seed(FdtWriter *w, const char *name, size_t size)
{
    uint8_t seed[32];

    if (getrandom(seed, size, GRND_NONBLOCK) == (ssize_t)size) {
        fdt_writer_bytes(w, name, seed, size);
    }
}

static void write_chosen(FdtWriter *w, const FdtBootInfo *info)
{
    g_autofree char *uart =
        g_strdup_printf("/pl011@%" PRIx64, memmap[UART].base);

    fdt_writer_begin_node(w, "chosen");
    fdt_writer_string(w, "stdout-path", uart);
    if (info->bootargs) {
        fdt_writer_string(w, "bootargs", info->bootargs);
    }
    if (info->initrd_start != info->initrd_end) {
        fdt_writer_u64(w, "linux,initrd-start", info->initrd_start);
        fdt_writer_u64(w, "linux,initrd-end", info->initrd_end);
    }
    write_seed(w, "kaslr-seed", 8);
    write_seed(w, "rng-seed", 32);
    fdt_writer_end_node(w);
}

static void write_memory(FdtWriter *w, const FdtBootInfo *info)
{
    fdt_writer_begin_node_at(w, "memory", info->ram_base);
    fdt_writer_string(w, "device_type", "memory");
    FDT_REG(w, {info->ram_base, info->ram_size});
    fdt_writer_end_node(w);
}

static void *virt_write_tree(MachineState *machine, const FdtBootInfo *info,
                             size_t *size, Error **errp)
{
    const VirtMachine *vm = VIRT(machine);
    g_autoptr(FdtWriter) w = fdt_writer_new();
    uint32_t gic = fdt_writer_new_phandle(w);
    uint32_t clock = fdt_writer_new_phandle(w);

    fdt_writer_begin_node(w, "");
    fdt_writer_string(w, "compatible", "linux,dummy-virt");
    fdt_writer_string(w, "model", "linux,dummy-virt");
    fdt_writer_cell(w, "interrupt-parent", gic);
    fdt_writer_address_cells(w, 2, 2);
    write_chosen(w, info);
    write_memory(w, info);
    write_cpus(vm, w);
    write_timer(vm, w);
    write_gic(vm, w, gic);
    write_clock(w, clock);
    write_primecells(vm, w, clock);
    if (!platform_bus_write_fdt(machine->bus, w, gic, errp)) {
        return NULL;
    }
    fdt_writer_end_node(w);
    return fdt_writer_finish(w, size, errp);
}

static bool virt_done(MachineState *machine, Error **errp)
{
    return arm_boot_init(&VIRT(machine)->boot, machine, memmap[RAM].base,
                         virt_write_tree, errp);
}

static void drop_child(DeviceState **dev)
{
    if (*dev) {
        object_unparent(OBJECT(*dev));
        object_unref(OBJECT(*dev));
        *dev = NULL;
    }
}

static void virt_finish(MachineState *machine)
{
    VirtMachine *vm = VIRT(machine);
    DeviceState *bus = machine->bus ? DEVICE(machine->bus) : NULL;

    ACCEL_GET_CLASS(machine->accel)->destroy_vcpus(machine->accel);
    arm_boot_finish(&vm->boot);
    machine->bus = NULL;
    drop_child(&bus);
    drop_child(&vm->rtc);
    drop_child(&vm->uart);
    drop_child(&vm->gic);
    if (vm->ram.container) {
        memory_region_del_subregion(vm->ram.container, &vm->ram);
    }
    memory_region_finish(&vm->ram);
}

static const char *const gic_version_names[] = {
    [GIC_VERSION_MAX] = "max",
    [GIC_VERSION_HOST] = "host",
    [GIC_VERSION_2] = "2",
    [GIC_VERSION_3] = "3",
    NULL,
};

static const Property virt_properties[] = {
    PROP_BOOL("rtc", VirtMachine, rtc_enabled, true,
              "a PL031 real time clock at 0x9010000"),
    PROP_ENUM("gic-version", VirtMachine, gic_version, "max", gic_version_names,
              "version of the interrupt controller"),
    PROP_SIZE("platform-bus-base", VirtMachine, bus_base, BUS_BASE_TEXT,
              "address of the window for assigned devices"),
    PROP_SIZE("platform-bus-size", VirtMachine, bus_size, BUS_SIZE_TEXT,
              "size of the window for assigned devices"),
    {0},
};

static void virt_class_init(ObjectClass *klass)
{
    MachineClass *mc = MACHINE_CLASS(klass);

    klass->desc = "Arm machine with a bus for assigned platform devices";
    klass->properties = virt_properties;
    mc->max_cpus = MAX_CPUS;
    mc->phys_end = virt_phys_end;
    mc->init = virt_init;
    mc->done = virt_done;
    mc->finish = virt_finish;
}

static const TypeInfo virt_type = {
    .name = TYPE_VIRT,
    .parent = TYPE_MACHINE,
    .instance_size = sizeof(VirtMachine),
    .class_init = virt_class_init,
};
TYPE_REGISTER(virt_type)
