/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * minivmm: the floor that the emulator's figures are held against: a KVM
 * guest on arm64 with the necessary system calls and nothing else. It knows
 * one memory slot, the in-kernel GIC, a polled PL011, PSCI off and whole
 * platform devices of the host by VFIO's group and container: trapped by
 * pread and pwrite or mapped, their first interrupt by irqfd with resample.
 * The device tree comes ready-made in a file (mkdtb.sh). No DMA mapping: the
 * lab's devices do none. Any failed call ends it with the call's name.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/vfio.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define RAM_BASE 0x40000000UL
#define RAW_OFFSET 0x80000UL
#define IMAGE_OFFSET 0x200000UL
#define DTB_OFFSET 0x3000000UL
#define INITRD_OFFSET 0x4000000UL
#define GICD_BASE 0x08000000UL
#define GICC_BASE 0x08010000UL
#define GICR_BASE 0x080a0000UL
#define UART_BASE 0x09000000UL
#define UART_SPI 1
#define BUS_BASE 0x0c000000UL
#define BUS_STRIDE 0x10000UL
#define BUS_SPI 112
#define MAX_CPUS 8
#define MAX_DEVICES 2

typedef struct Device {
    int fd;
    uint64_t base, size, offset;
} Device;

/* The options, each given as name=value */
enum {
    KERNEL,
    INITRD,
    DTB,
    GIC,
    SMP,
    RAM,
    DEVICE,
    DEVICE2,
    MAP,
    IDLE,
    FIRE,
    N_OPTIONS
};
static const char *const option_names[N_OPTIONS] = {
    "kernel", "initrd",  "dtb", "gic",  "smp", "ram",
    "device", "device2", "map", "idle", "fire"};
static const char *opt[N_OPTIONS];
static size_t ram_bytes;
static int kvm_fd, vm_fd, gic_fd;
static uint8_t *ram;
static Device devices[MAX_DEVICES];
static struct {
    pthread_mutex_t lock;
    uint32_t imsc;
    bool tx_pending;
} uart = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int number(int option, int fallback)
{
    return opt[option] ? atoi(opt[option]) : fallback;
}

static int check(int ret, const char *what)
{
    if (ret < 0) {
        fprintf(stderr, "minivmm: %s: %s\n", what, strerror(errno));
        exit(1);
    }
    return ret;
}

#define CALL(fd, request, argument) \
    check(ioctl((fd), (request), (argument)), #request)

/* -- loading ------------------------------------------------------------ */

static void load(const char *path, uint64_t offset)
{
    int fd = check(open(path, O_RDONLY | O_CLOEXEC), path);
    size_t at = 0;
    ssize_t n;

    while ((n = read(fd, ram + offset + at, ram_bytes - offset - at)) > 0) {
        at += n;
    }
    check(n, path);
    close(fd);
}

/* An Image says so at byte 56 and wants a 2 MiB base; the rest is raw. */
static uint64_t load_kernel(void)
{
    uint32_t magic = 0;
    int fd = check(open(opt[KERNEL], O_RDONLY | O_CLOEXEC), opt[KERNEL]);
    uint64_t offset;

    check(pread(fd, &magic, sizeof(magic), 56), opt[KERNEL]);
    close(fd);
    offset = magic == 0x644d5241 ? IMAGE_OFFSET : RAW_OFFSET;
    load(opt[KERNEL], offset);
    return RAM_BASE + offset;
}

/* -- machine ------------------------------------------------------------ */

static void add_slot(unsigned slot, uint64_t base, uint64_t size, void *host)
{
    struct kvm_userspace_memory_region region = {
        .slot = slot,
        .guest_phys_addr = base,
        .memory_size = size,
        .userspace_addr = (uintptr_t)host,
    };

    CALL(vm_fd, KVM_SET_USER_MEMORY_REGION, &region);
}

static void gic_attr(uint32_t group, uint64_t attr, uint64_t value)
{
    struct kvm_device_attr a = {
        .group = group,
        .attr = attr,
        .addr = (uintptr_t)&value,
    };

    CALL(gic_fd, KVM_SET_DEVICE_ATTR, &a);
}

static void create_gic(void)
{
    struct kvm_create_device dev = {
        .type = number(GIC, 3) == 3 ? KVM_DEV_TYPE_ARM_VGIC_V3
                                    : KVM_DEV_TYPE_ARM_VGIC_V2,
    };

    CALL(vm_fd, KVM_CREATE_DEVICE, &dev);
    gic_fd = dev.fd;
    if (number(GIC, 3) == 3) {
        gic_attr(KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST,
                 GICD_BASE);
        gic_attr(KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST,
                 GICR_BASE);
    } else {
        gic_attr(KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V2_ADDR_TYPE_DIST,
                 GICD_BASE);
        gic_attr(KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V2_ADDR_TYPE_CPU,
                 GICC_BASE);
    }
    gic_attr(KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, 0);
}

/* KVM's SPIs come up edge: a level one would be taken once and stay masked. */
static void make_level(unsigned spi)
{
    unsigned intid = spi + 32;
    uint32_t value;
    struct kvm_device_attr a = {
        .group = KVM_DEV_ARM_VGIC_GRP_DIST_REGS,
        .attr = 0xc00 + intid / 16 * 4, /* GICD_ICFGR */
        .addr = (uintptr_t)&value,
    };

    CALL(gic_fd, KVM_GET_DEVICE_ATTR, &a);
    value &= ~(2u << intid % 16 * 2);
    CALL(gic_fd, KVM_SET_DEVICE_ATTR, &a);
}

/* -- devices ------------------------------------------------------------ */

static int open_group(const char *name)
{
    static const char *const buses[] = {"platform", "amba"};
    char path[256], link[256];

    for (unsigned i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "/sys/bus/%s/devices/%s/iommu_group",
                 buses[i], name);
        ssize_t n = readlink(path, link, sizeof(link) - 1);

        if (n > 0) {
            link[n] = '\0';
            snprintf(path, sizeof(path), "/dev/vfio%s", strrchr(link, '/'));
            return check(open(path, O_RDWR | O_CLOEXEC), path);
        }
    }
    return check(-1, name);
}

static void set_irq(int fd, uint32_t action, uint32_t data, int value)
{
    struct {
        struct vfio_irq_set set;
        int32_t value;
    } irq = {
        .set =
            {
                .argsz = data == VFIO_IRQ_SET_DATA_NONE ? sizeof(irq.set)
                                                        : sizeof(irq),
                .flags = action | data,
                .count = 1,
            },
        .value = value,
    };

    CALL(fd, VFIO_DEVICE_SET_IRQS, &irq);
}

static void connect_irq(Device *dev, unsigned spi)
{
    struct vfio_irq_info info = {.argsz = sizeof(info)};
    struct kvm_irqfd irqfd = {.gsi = spi, .flags = KVM_IRQFD_FLAG_RESAMPLE};
    bool level;

    CALL(dev->fd, VFIO_DEVICE_GET_IRQ_INFO, &info);
    level = info.flags & VFIO_IRQ_INFO_AUTOMASKED;
    irqfd.fd = check(eventfd(0, EFD_CLOEXEC), "eventfd");
    irqfd.resamplefd = check(eventfd(0, EFD_CLOEXEC), "eventfd");
    if (level) {
        make_level(spi);
    } else {
        irqfd.flags = 0;
    }
    CALL(vm_fd, KVM_IRQFD, &irqfd);
    if (level) {
        set_irq(dev->fd, VFIO_IRQ_SET_ACTION_UNMASK, VFIO_IRQ_SET_DATA_EVENTFD,
                irqfd.resamplefd);
    }
    set_irq(dev->fd, VFIO_IRQ_SET_ACTION_TRIGGER, VFIO_IRQ_SET_DATA_EVENTFD,
            irqfd.fd);
    if (level) {
        set_irq(dev->fd, VFIO_IRQ_SET_ACTION_UNMASK, VFIO_IRQ_SET_DATA_NONE, 0);
    }
}

static void map_region(unsigned i, const struct vfio_region_info *info)
{
    void *host = mmap(NULL, info->size, PROT_READ | PROT_WRITE, MAP_SHARED,
                      devices[i].fd, info->offset);

    check(host == MAP_FAILED ? -1 : 0, "mmap of the region");
    add_slot(1 + i, devices[i].base, info->size, host);
}

static void add_device(unsigned i, int container)
{
    struct vfio_region_info info = {.argsz = sizeof(info)};
    Device *dev = &devices[i];
    int group;

    group = open_group(opt[DEVICE + i]);
    CALL(group, VFIO_GROUP_SET_CONTAINER, &container);
    if (i == 0) {
        CALL(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU);
    }
    dev->fd = CALL(group, VFIO_GROUP_GET_DEVICE_FD, opt[DEVICE + i]);
    CALL(dev->fd, VFIO_DEVICE_GET_REGION_INFO, &info);
    dev->base = BUS_BASE + i * BUS_STRIDE;
    dev->size = info.size;
    dev->offset = info.offset;
    if (number(MAP, 0)) {
        map_region(i, &info);
    }
    connect_irq(dev, BUS_SPI + i);
}

static Device *device_at(uint64_t addr)
{
    for (int i = 0; i < MAX_DEVICES; i++) {
        if (addr - devices[i].base < devices[i].size) {
            return &devices[i];
        }
    }
    return NULL;
}

/* -- the PL011: writes to standard output, never has anything to read ----- */

static void uart_update(void)
{
    struct kvm_irq_level line = {
        .irq = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | (UART_SPI + 32),
        .level = uart.tx_pending && uart.imsc & 1 << 5,
    };

    CALL(vm_fd, KVM_IRQ_LINE, &line);
}

static void uart_write(uint64_t offset, uint32_t value)
{
    if (offset == 0x00) {
        char c = (char)value;

        check(write(STDOUT_FILENO, &c, 1), "standard output");
    }
    pthread_mutex_lock(&uart.lock);
    if (offset == 0x38) {
        uart.imsc = value;
    }
    if (offset == 0x44) {
        uart.tx_pending &= !(value & 1 << 5);
    }
    uart.tx_pending |= offset == 0x00;
    if (uart.imsc || offset == 0x38) {
        uart_update();
    }
    pthread_mutex_unlock(&uart.lock);
}

static uint32_t uart_read(uint64_t offset)
{
    uint32_t tx = uart.tx_pending ? 1 << 5 : 0;

    switch (offset) {
    case 0x18:
        return 0x90; /* both FIFOs empty */
    case 0x38:
        return uart.imsc;
    case 0x3c:
        return tx;
    case 0x40:
        return tx & uart.imsc;
    default:
        return 0;
    }
}

/* -- running ------------------------------------------------------------ */

static void trapped_access(struct kvm_run *run)
{
    uint64_t addr = run->mmio.phys_addr;
    Device *dev = device_at(addr);

    if (dev) {
        off_t at = (off_t)(dev->offset + addr - dev->base);
        ssize_t n = run->mmio.is_write
                        ? pwrite(dev->fd, run->mmio.data, run->mmio.len, at)
                        : pread(dev->fd, run->mmio.data, run->mmio.len, at);

        check(n == run->mmio.len ? 0 : -1, "access to the device");
    } else if (addr - UART_BASE < 0x1000 && run->mmio.is_write) {
        uint32_t value = 0;

        memcpy(&value, run->mmio.data, run->mmio.len < 4 ? run->mmio.len : 4);
        uart_write(addr - UART_BASE, value);
    } else if (addr - UART_BASE < 0x1000) {
        uint32_t value = uart_read(addr - UART_BASE);

        memcpy(run->mmio.data, &value, sizeof(value));
    } else {
        memset(run->mmio.data, 0xff, sizeof(run->mmio.data));
    }
}

static void set_reg(int fd, uint64_t index, uint64_t value)
{
    struct kvm_one_reg reg = {
        .id = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | index,
        .addr = (uintptr_t)&value,
    };

    CALL(fd, KVM_SET_ONE_REG, &reg);
}

static int create_vcpu(unsigned long index, uint64_t entry)
{
    int fd = CALL(vm_fd, KVM_CREATE_VCPU, index);
    struct kvm_vcpu_init init;

    CALL(vm_fd, KVM_ARM_PREFERRED_TARGET, &init);
    init.features[0] = 1 << KVM_ARM_VCPU_PSCI_0_2;
    if (index > 0) {
        init.features[0] |= 1 << KVM_ARM_VCPU_POWER_OFF;
    }
    CALL(fd, KVM_ARM_VCPU_INIT, &init);
    if (index == 0) {
        set_reg(fd, KVM_REG_ARM_CORE_REG(regs.regs[0]), RAM_BASE + DTB_OFFSET);
        set_reg(fd, KVM_REG_ARM_CORE_REG(regs.pc), entry);
    }
    return fd;
}

static void *run_vcpu(void *opaque)
{
    int fd = (int)(intptr_t)opaque;
    int size = CALL(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
    struct kvm_run *run =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    check(run == MAP_FAILED ? -1 : 0, "mmap of the vCPU");
    for (;;) {
        check(ioctl(fd, KVM_RUN, 0), "KVM_RUN");
        if (run->exit_reason == KVM_EXIT_MMIO) {
            trapped_access(run);
        } else if (run->exit_reason == KVM_EXIT_SYSTEM_EVENT) {
            exit(run->system_event.type == KVM_SYSTEM_EVENT_SHUTDOWN ? 0 : 3);
        } else {
            fprintf(stderr, "minivmm: exit reason %u\n", run->exit_reason);
            exit(1);
        }
    }
    return NULL;
}

/* The second thread: raises number(FIRE, 0) interrupts by VFIO's loop-back. */
static void *idle(void *opaque)
{
    for (int i = 0; i < number(FIRE, 0); i++) {
        usleep(i ? 5000 : 500000); /* the guest needs a moment to listen */
        set_irq(devices[0].fd, VFIO_IRQ_SET_ACTION_TRIGGER,
                VFIO_IRQ_SET_DATA_NONE, 0);
    }
    for (;;) {
        pause();
    }
    return NULL;
}

static void start_thread(void *(*fn)(void *), void *opaque)
{
    pthread_t thread;

    errno = pthread_create(&thread, NULL, fn, opaque);
    check(errno ? -1 : 0, "pthread_create");
}

static void parse(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *value = strchr(argv[i], '=');
        size_t len = value ? (size_t)(value - argv[i]) : 0;
        int o = 0;

        while (o < N_OPTIONS && (strncmp(argv[i], option_names[o], len) != 0 ||
                                 option_names[o][len])) {
            o++;
        }
        if (o == N_OPTIONS) {
            fprintf(stderr, "minivmm: what is '%s'?\n", argv[i]);
            exit(1);
        }
        opt[o] = value + 1;
    }
    ram_bytes = (size_t)number(RAM, 128) << 20;
    if (!opt[KERNEL] || !opt[DTB] || ram_bytes <= INITRD_OFFSET ||
        number(SMP, 1) < 1 || number(SMP, 1) > MAX_CPUS) {
        fputs("usage: minivmm kernel=FILE dtb=FILE [initrd=FILE] [gic=2|3]"
              " [smp=N] [ram=MIB]\n       [device=NAME [device2=NAME]]"
              " [map=1] [idle=1] [fire=COUNT]\n",
              stderr);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    int vcpus[MAX_CPUS];
    uint64_t entry;

    parse(argc, argv);
    kvm_fd = check(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
    vm_fd = CALL(kvm_fd, KVM_CREATE_VM, 0);
    ram = mmap(NULL, ram_bytes, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    check(ram == MAP_FAILED ? -1 : 0, "mmap of RAM");
    add_slot(0, RAM_BASE, ram_bytes, ram);
    entry = load_kernel();
    load(opt[DTB], DTB_OFFSET);
    if (opt[INITRD]) {
        load(opt[INITRD], INITRD_OFFSET);
    }
    for (int i = 0; i < number(SMP, 1); i++) {
        vcpus[i] = create_vcpu(i, entry);
    }
    create_gic();
    if (opt[DEVICE]) {
        int container =
            check(open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC), "/dev/vfio/vfio");

        for (int i = 0; i < MAX_DEVICES && opt[DEVICE + i]; i++) {
            add_device(i, container);
        }
    }
    if (number(IDLE, 0) || number(FIRE, 0)) {
        start_thread(idle, NULL);
    }
    for (int i = 1; i < number(SMP, 1); i++) {
        start_thread(run_vcpu, (void *)(intptr_t)vcpus[i]);
    }
    run_vcpu((void *)(intptr_t)vcpus[0]);
    return 0;
}
