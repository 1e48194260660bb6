/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interrupt controller in the kernel as a device whose input i is SPI i.
 * Its state is the kernel's; here is what each input was told of its source,
 * which a reset needs again. KVM's SPIs come up edge and a level interrupt
 * would be taken once, so all are made level at creation and at each reset,
 * and edge sources' inputs edge. Registers can be written only while no vCPU
 * is in KVM_RUN (EBUSY). GSI i is SPI i by KVM's default routing.
 */

#include <errno.h>

#include "hw/core/run-state.h"
#include "kvm-internal.h"
#include "trace.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/main-loop.h"

#define GIC_PRIVATE_IRQS 32
#define GIC_V2_MAX_CPUS 8

/* Route eoi: an irqfd whose trigger nobody writes, for its resamplefd. */
typedef struct KvmEoi {
    IrqLine *line;
    IrqEoiFn fn;
    void *opaque;
    EventNotifier trigger;
    EventNotifier resample;
} KvmEoi;

/* KvmInput: an SPI, as far as somebody drives it. */
typedef struct KvmInput {
    bool used; /* since creation */
    bool high; /* by line_set() */
    bool edge; /* its source */
    bool late; /* the trigger type waits to be written */
    KvmEoi *eoi;
    IrqFd fd; /* NULL members: not attached */
} KvmInput;

struct KvmGic {
    DeviceState parent_obj;
    KvmAccel *kvm; /* this and config set before realize */
    GicConfig config;
    int fd;
    KvmInput *inputs; /* config.num_spis */
    bool any_late;
    ResetHandler reset_controller;
    ResetHandler reset_lines;
};

/* -- registers ------------------------------------------------------------ */

static KvmGicShape gic_shape(const KvmGic *gic)
{
    return (KvmGicShape){
        .v3 = gic->config.version == GIC_VERSION_3,
        .num_cpus = gic->config.num_cpus,
        .num_irqs = gic->config.num_spis + GIC_PRIVATE_IRQS,
    };
}

/* Group and attribute of a register, as KVM wants them. */
static uint32_t reg_attr(const KvmGic *gic, const KvmGicWrite *w,
                         uint64_t *attr)
{
    static const uint32_t groups_v2[] = {
        [KVM_GIC_DIST] = KVM_DEV_ARM_VGIC_GRP_DIST_REGS,
        [KVM_GIC_CPU] = KVM_DEV_ARM_VGIC_GRP_CPU_REGS,
    };
    static const uint32_t groups_v3[] = {
        [KVM_GIC_DIST] = KVM_DEV_ARM_VGIC_GRP_DIST_REGS,
        [KVM_GIC_REDIST] = KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
        [KVM_GIC_CPU] = KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS,
    };

    *attr = w->reg;
    if (gic->config.version == GIC_VERSION_2) {
        *attr |= (uint64_t)w->cpu << KVM_DEV_ARM_VGIC_CPUID_SHIFT;
        return groups_v2[w->space];
    }
    *attr |= (uint64_t)kvm_vcpu_affinity(w->cpu)
             << KVM_DEV_ARM_VGIC_V3_MPIDR_SHIFT;
    return groups_v3[w->space];
}

/*
 * System registers are 64 bits wide, the others 32; the host is little-endian,
 * so that a zeroed 64-bit value serves for both.
 */
static int gic_read(const KvmGic *gic, const KvmGicWrite *w, uint32_t *value)
{
    uint64_t attr, wide = 0;
    uint32_t group = reg_attr(gic, w, &attr);
    int ret = kvm_device_attr(gic->fd, KVM_GET_DEVICE_ATTR, group, attr, &wide);

    *value = (uint32_t)wide;
    return ret;
}

static int gic_write(const KvmGic *gic, const KvmGicWrite *w)
{
    uint32_t group, old = 0;
    uint64_t attr, value;
    int ret = w->keep ? gic_read(gic, w, &old) : 0;

    if (ret < 0) {
        return ret;
    }
    group = reg_attr(gic, w, &attr);
    value = (old & w->keep) | w->value;
    return kvm_device_attr(gic->fd, KVM_SET_DEVICE_ATTR, group, attr, &value);
}

static bool gic_write_or_fail(void *opaque, const KvmGicWrite *w)
{
    int ret = gic_write(opaque, w);

    if (ret < 0) {
        kvm_fail(-ret, "cannot write a register of the GIC");
    }
    return ret >= 0;
}

/* -- inputs --------------------------------------------------------------- */

static KvmInput *input_of(const IrqLine *line)
{
    return &KVM_GIC(line->opaque)->inputs[line->n];
}

static void input_drive(KvmGic *gic, unsigned n, int level)
{
    struct kvm_irq_level irq = {
        .irq = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT |
               (n + GIC_PRIVATE_IRQS),
        .level = level,
    };
    int ret = kvm_ioctl(gic->kvm->vm_fd, KVM_IRQ_LINE, &irq);

    trace_kvm_irq_line(n, level);
    if (ret < 0) {
        kvm_fail(-ret, "KVM_IRQ_LINE");
    }
}

/* With an EOI on its way, the kernel's level may be other than ours. */
static void line_set(IrqLine *line, int level)
{
    KvmInput *input = input_of(line);

    if (level || input->high || input->eoi) {
        input->used = true;
        input->high = level;
        input_drive(line->opaque, line->n, level);
    }
}

static int input_write_trigger(KvmGic *gic, unsigned n)
{
    unsigned intid = n + GIC_PRIVATE_IRQS;
    KvmGicWrite w = {KVM_GIC_DIST, 0, kvm_icfgr_offset(intid)};
    uint32_t old = 0;
    int ret = gic_read(gic, &w, &old);

    w.value = kvm_icfgr_with(old, intid, gic->inputs[n].edge);
    if (ret >= 0 && w.value != old) {
        ret = gic_write(gic, &w);
    }
    trace_kvm_irq_trigger(n, gic->inputs[n].edge, ret);
    return ret;
}

/* Beside running vCPUs it cannot be written; they see it when next started. */
static void line_set_trigger(IrqLine *line, IrqTrigger trigger)
{
    KvmGic *gic = line->opaque;
    KvmInput *input = input_of(line);
    int ret;

    input->used = true;
    input->edge = trigger == IRQ_TRIGGER_EDGE;
    ret = input_write_trigger(gic, line->n);
    input->late = ret == -EBUSY;
    if (input->late) {
        gic->any_late = true;
    } else if (ret < 0) {
        kvm_fail(-ret, "cannot write GICD_ICFGR");
    }
}

void kvm_gic_settle(KvmGic *gic)
{
    for (unsigned n = 0; gic->any_late && n < gic->config.num_spis; n++) {
        if (gic->inputs[n].late) {
            int ret = input_write_trigger(gic, n);

            gic->inputs[n].late = false;
            if (ret < 0) {
                kvm_fail(-ret, "cannot write GICD_ICFGR");
            }
        }
    }
    gic->any_late = false;
}

/* -- routes --------------------------------------------------------------- */

static bool input_is_free(const IrqLine *line, Error **errp)
{
    const KvmInput *input = input_of(line);

    if (input->fd.trigger || input->eoi) {
        error_setg(errp, "kvm: SPI %d has a source already", line->n);
        return false;
    }
    return true;
}

static int irqfd(const IrqLine *line, const EventNotifier *trigger,
                 const EventNotifier *resample, uint32_t flags)
{
    const KvmGic *gic = line->opaque;
    struct kvm_irqfd arg = {
        .fd = event_notifier_get_fd(trigger),
        .gsi = line->n,
        .flags = flags,
        .resamplefd = resample ? event_notifier_get_fd(resample) : 0,
    };

    trace_kvm_irqfd(line->n, flags);
    return kvm_ioctl(gic->kvm->vm_fd, KVM_IRQFD, &arg);
}

static bool irqfd_attach(const IrqLine *line, const EventNotifier *trigger,
                         const EventNotifier *resample, Error **errp)
{
    int ret = irqfd(line, trigger, resample, KVM_IRQFD_FLAG_RESAMPLE);

    if (ret < 0) {
        error_setg_errno(errp, -ret, "kvm: SPI %d takes no irqfd", line->n);
        return false;
    }
    input_of(line)->used = true;
    return true;
}

static void irqfd_detach(const IrqLine *line, const EventNotifier *trigger)
{
    int ret = irqfd(line, trigger, NULL, KVM_IRQFD_FLAG_DEASSIGN);

    if (ret < 0) {
        warn_report("kvm: SPI %d keeps its irqfd: %s", line->n,
                    g_strerror(-ret));
    }
}

/*
 * With resample for an edge source too: the guest may still have the input as
 * level, and would take one event many times if nobody lowered it.
 */
static bool line_attach_fd(IrqLine *line, const IrqFd *fd, Error **errp)
{
    if (!input_is_free(line, errp) ||
        !irqfd_attach(line, fd->trigger, fd->resample, errp)) {
        return false;
    }
    input_of(line)->fd = *fd;
    return true;
}

static void line_detach_fd(IrqLine *line)
{
    KvmInput *input = input_of(line);

    if (input->fd.trigger) {
        irqfd_detach(line, input->fd.trigger);
        input->fd = (IrqFd){0};
    }
}

/* KVM has lowered the level by the time it signals. */
static void eoi_signalled(void *opaque)
{
    KvmEoi *eoi = opaque;

    if (event_notifier_test_and_clear(&eoi->resample)) {
        input_of(eoi->line)->high = false;
        trace_kvm_irq_eoi(eoi->line->n);
        eoi->fn(eoi->opaque);
    }
}

static void eoi_free(KvmEoi *eoi)
{
    event_notifier_finish(&eoi->trigger);
    event_notifier_finish(&eoi->resample);
    g_free(eoi);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KvmEoi, eoi_free)

static bool line_attach_eoi(IrqLine *line, IrqEoiFn fn, void *opaque,
                            Error **errp)
{
    g_autoptr(KvmEoi) eoi = g_new(KvmEoi, 1);

    *eoi = (KvmEoi){.line = line, .fn = fn, .opaque = opaque};
    if (!input_is_free(line, errp) ||
        !event_notifier_init(&eoi->trigger, errp) ||
        !event_notifier_init(&eoi->resample, errp) ||
        !irqfd_attach(line, &eoi->trigger, &eoi->resample, errp)) {
        return false;
    }
    main_loop_set_fd(event_notifier_get_fd(&eoi->resample), eoi_signalled, NULL,
                     eoi);
    input_of(line)->eoi = g_steal_pointer(&eoi);
    return true;
}

static void line_detach_eoi(IrqLine *line)
{
    g_autoptr(KvmEoi) eoi = g_steal_pointer(&input_of(line)->eoi);

    if (eoi) {
        main_loop_set_fd(event_notifier_get_fd(&eoi->resample), NULL, NULL,
                         NULL);
        irqfd_detach(line, &eoi->trigger);
    }
}

static const IrqLineOps line_ops = {
    .set = line_set,
    .set_trigger = line_set_trigger,
    .attach_fd = line_attach_fd,
    .detach_fd = line_detach_fd,
    .attach_eoi = line_attach_eoi,
    .detach_eoi = line_detach_eoi,
};

/* -- reset ---------------------------------------------------------------- */

static void gic_reset_controller(ResetHandler *handler)
{
    KvmGic *gic = container_of(handler, KvmGic, reset_controller);
    const KvmGicWrite ctlr = {KVM_GIC_CPU, 0, KVM_GIC_ICC_CTLR};
    KvmGicShape shape = gic_shape(gic);
    uint32_t value = 0;
    int ret = 0;

    if (!gic->kvm->has_run) {
        return;
    }
    if (shape.v3) {
        ret = gic_read(gic, &ctlr, &value);
        shape.priority_bits = kvm_gic_priority_bits(value);
    }
    if (ret < 0) {
        kvm_fail(-ret, "cannot read a register of the GIC");
    } else {
        kvm_gic_reset_writes(&shape, gic_write_or_fail, gic);
    }
}

/* Lowered while it is level: an edge input would not hear of it. */
static void gic_reset_lines(ResetHandler *handler)
{
    KvmGic *gic = container_of(handler, KvmGic, reset_lines);

    for (unsigned n = 0; n < gic->config.num_spis; n++) {
        KvmInput *input = &gic->inputs[n];

        if (!input->used) {
            continue;
        }
        input->high = false;
        input_drive(gic, n, 0);
        if (input->eoi) {
            event_notifier_test_and_clear(&input->eoi->resample);
        }
        if (input->edge) {
            input->late = true;
            gic->any_late = true;
        }
    }
    kvm_gic_settle(gic);
}

/* -- the device ----------------------------------------------------------- */

static int gic_create(KvmGic *gic, uint32_t type)
{
    struct kvm_create_device create = {.type = type};
    int ret = kvm_ioctl(gic->kvm->vm_fd, KVM_CREATE_DEVICE, &create);

    if (ret >= 0) {
        gic->fd = create.fd;
    }
    return ret;
}

/* The newest version if any will do: GICv3 first. */
static bool gic_choose(KvmGic *gic, Error **errp)
{
    GicConfig *config = &gic->config;
    bool any =
        config->version != GIC_VERSION_2 && config->version != GIC_VERSION_3;
    int ret = -ENODEV;

    if (config->version != GIC_VERSION_2) {
        ret = gic_create(gic, KVM_DEV_TYPE_ARM_VGIC_V3);
        config->version = ret >= 0 ? GIC_VERSION_3 : config->version;
    }
    if (config->version == GIC_VERSION_2 || (any && ret == -ENODEV)) {
        config->version = GIC_VERSION_2;
        if (config->num_cpus > GIC_V2_MAX_CPUS) {
            error_setg(errp,
                       "kvm: a GICv2 serves %d CPUs at most; try -smp %d%s",
                       GIC_V2_MAX_CPUS, GIC_V2_MAX_CPUS,
                       any ? "" : " or -M virt,gic-version=3");
            return false;
        }
        ret = gic_create(gic, KVM_DEV_TYPE_ARM_VGIC_V2);
    }
    if (ret == -ENODEV && any) {
        error_setg(errp, "kvm: this host's KVM has neither GICv3 nor GICv2 for "
                         "guests; the machine needs a host that has");
    } else if (ret == -ENODEV) {
        error_setg(errp,
                   "kvm: this host's KVM has no GICv%d for guests; try "
                   "-M virt,gic-version=%d",
                   config->version == GIC_VERSION_2 ? 2 : 3,
                   config->version == GIC_VERSION_2 ? 3 : 2);
    } else if (ret < 0) {
        error_setg_errno(errp, -ret, "kvm: cannot create a GIC");
    }
    return ret >= 0;
}

static bool gic_set_address(KvmGic *gic, uint64_t type, uint64_t value,
                            const char *what, Error **errp)
{
    int ret = kvm_device_attr(gic->fd, KVM_SET_DEVICE_ATTR,
                              KVM_DEV_ARM_VGIC_GRP_ADDR, type, &value);

    if (ret < 0) {
        error_setg_errno(errp, -ret, "kvm: cannot place the GIC's %s", what);
    }
    return ret >= 0;
}

static bool gic_place(KvmGic *gic, Error **errp)
{
    const GicConfig *config = &gic->config;

    if (config->version == GIC_VERSION_2) {
        return gic_set_address(gic, KVM_VGIC_V2_ADDR_TYPE_DIST,
                               config->dist_base, "distributor", errp) &&
               gic_set_address(gic, KVM_VGIC_V2_ADDR_TYPE_CPU, config->cpu_base,
                               "CPU interface", errp);
    }
    /* One region, number 0; bits 63 to 52 are the number of CPUs. */
    return gic_set_address(gic, KVM_VGIC_V3_ADDR_TYPE_DIST, config->dist_base,
                           "distributor", errp) &&
           gic_set_address(gic, KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION,
                           (uint64_t)config->num_cpus << 52 |
                               config->redist_base,
                           "redistributors", errp);
}

static bool gic_start(KvmGic *gic, Error **errp)
{
    KvmGicShape shape = gic_shape(gic);
    uint32_t num_irqs = shape.num_irqs;
    int ret = kvm_device_attr(gic->fd, KVM_SET_DEVICE_ATTR,
                              KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &num_irqs);

    if (ret >= 0) {
        ret = kvm_device_attr(gic->fd, KVM_SET_DEVICE_ATTR,
                              KVM_DEV_ARM_VGIC_GRP_CTRL,
                              KVM_DEV_ARM_VGIC_CTRL_INIT, NULL);
    }
    if (ret < 0) {
        error_setg_errno(errp, -ret,
                         "kvm: cannot initialise a GIC of %u interrupts",
                         num_irqs);
        return false;
    }
    if (!kvm_gic_level_writes(&shape, gic_write_or_fail, gic)) {
        error_setg(errp, "kvm: the GIC's inputs cannot be made level");
        return false;
    }
    return true;
}

static bool kvm_gic_realize(DeviceState *dev, Error **errp)
{
    KvmGic *gic = KVM_GIC(dev);

    if (!gic_choose(gic, errp) || !gic_place(gic, errp) ||
        !gic_start(gic, errp)) {
        return false;
    }
    gic->inputs = g_new0(KvmInput, gic->config.num_spis);
    qdev_init_gpio_in_ops(dev, &line_ops, gic->config.num_spis);
    reset_register(&gic->reset_controller, RESET_CONTROLLER,
                   gic_reset_controller);
    reset_register(&gic->reset_lines, RESET_LINES, gic_reset_lines);
    gic->kvm->gic = gic;
    return true;
}

static void kvm_gic_unrealize(DeviceState *dev)
{
    KvmGic *gic = KVM_GIC(dev);

    reset_unregister(&gic->reset_lines);
    reset_unregister(&gic->reset_controller);
    for (unsigned n = 0; gic->inputs && n < gic->config.num_spis; n++) {
        g_assert(!gic->inputs[n].eoi && !gic->inputs[n].fd.trigger);
    }
    g_clear_pointer(&gic->inputs, g_free);
    fd_close(&gic->fd);
    gic->kvm->gic = NULL;
}

DeviceState *kvm_create_gic(Accel *accel, GicConfig *config, Error **errp)
{
    g_autoptr(DeviceState) dev = qdev_new(TYPE_KVM_GIC);
    KvmGic *gic = KVM_GIC(dev);

    gic->kvm = KVM_ACCEL(accel);
    gic->config = *config;
    if (!object_add_child(object_resolve_path("/machine"), "gic", OBJECT(dev),
                          errp)) {
        return NULL;
    }
    if (!qdev_realize(dev, errp)) {
        object_unparent(OBJECT(dev));
        return NULL;
    }
    config->version = gic->config.version;
    return g_steal_pointer(&dev);
}

static void kvm_gic_instance_init(Object *obj)
{
    KVM_GIC(obj)->fd = -1;
}

static void kvm_gic_class_init(ObjectClass *klass)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    klass->desc = "the kernel's GICv2 or GICv3";
    dc->realize = kvm_gic_realize;
    dc->unrealize = kvm_gic_unrealize;
}

static const TypeInfo kvm_gic_type = {
    .name = TYPE_KVM_GIC,
    .parent = TYPE_DEVICE,
    .instance_size = sizeof(KvmGic),
    .class_init = kvm_gic_class_init,
    .instance_init = kvm_gic_instance_init,
};
TYPE_REGISTER(kvm_gic_type)
