/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Debugging of guests (KVM_SET_GUEST_DEBUG): breakpoints and watchpoints are
 * the host CPU's debug registers, of which it has between two and sixteen of
 * each; while there are any, the guest cannot use its own. Instructions are
 * never replaced, so a reset that loads the kernel anew loses no breakpoint,
 * and a BRK of the guest's stays the guest's.
 *
 * A step can end in an interrupt's handler: KVM delivers interrupts as always.
 */

#include <string.h>

#include "accel/mmu-walk.h"
#include "kvm-internal.h"

#define DEBUG_REGS 16 /* as many as there can be of each kind */
#define ESR_EC 26
#define EC_BREAKPOINT_LOWER 0x30
#define EC_WATCHPOINT_LOWER 0x34

#define PSTATE_SP 1 /* the stack pointer of the exception level */
#define PSTATE_EL (3 << 2)

#define VREG_SIZE 16
#define ZREG_SIZE 256 /* the slice of an SVE register that KVM shows */

static KvmVcpu *vcpu_of(Accel *accel, unsigned cpu)
{
    return &KVM_ACCEL(accel)->vcpus[cpu];
}

/* ---- registers ---- */

/* Reads or writes @value, as @write says. */
static int sync_reg(KvmVcpu *vcpu, uint64_t id, void *value, bool write)
{
    return write ? kvm_vcpu_set_reg(vcpu, id, value)
                 : kvm_vcpu_get_reg(vcpu, id, value);
}

/* V is the lower part of a CPU's Z, if it has that, and then not on its own. */
static int sync_vreg(KvmVcpu *vcpu, unsigned n, uint8_t *value, bool write)
{
    uint8_t z[ZREG_SIZE];
    uint64_t id = KVM_REG_ARM64_SVE_ZREG(n, 0);
    int ret;

    if (!(vcpu->kvm->vcpu_init.features[0] & 1u << KVM_ARM_VCPU_SVE)) {
        /* Numbers count in units of 4 bytes. */
        id = KVM_CORE_REG(fp_regs.vregs[0], U128) + n * VREG_SIZE / 4;
        return sync_reg(vcpu, id, value, write);
    }
    ret = kvm_vcpu_get_reg(vcpu, id, z);
    if (ret >= 0 && write) {
        memcpy(z, value, VREG_SIZE);
        ret = kvm_vcpu_set_reg(vcpu, id, z);
    } else {
        memcpy(value, z, VREG_SIZE);
    }
    return ret;
}

static int sync_general(KvmVcpu *vcpu, GuestRegs *regs, bool write)
{
    uint64_t pstate = regs->cpsr;
    int ret = sync_reg(vcpu, KVM_CORE_REG(regs.pstate, U64), &pstate, write);
    bool own_sp = pstate & PSTATE_EL && pstate & PSTATE_SP;

    regs->cpsr = pstate;
    for (unsigned i = 0; ret >= 0 && i < G_N_ELEMENTS(regs->x); i++) {
        ret = sync_reg(vcpu, KVM_CORE_REG(regs.regs[0], U64) + i * 2,
                       &regs->x[i], write);
    }
    if (ret >= 0) {
        ret = sync_reg(vcpu, KVM_CORE_REG(regs.pc, U64), &regs->pc, write);
    }
    if (ret >= 0) {
        ret = sync_reg(vcpu,
                       own_sp ? KVM_CORE_REG(sp_el1, U64)
                              : KVM_CORE_REG(regs.sp, U64),
                       &regs->sp, write);
    }
    return ret;
}

static int sync_fp(KvmVcpu *vcpu, GuestRegs *regs, bool write)
{
    int ret =
        sync_reg(vcpu, KVM_CORE_REG(fp_regs.fpsr, U32), &regs->fpsr, write);

    if (ret >= 0) {
        ret =
            sync_reg(vcpu, KVM_CORE_REG(fp_regs.fpcr, U32), &regs->fpcr, write);
    }
    for (unsigned i = 0; ret >= 0 && i < G_N_ELEMENTS(regs->v); i++) {
        ret = sync_vreg(vcpu, i, regs->v[i], write);
    }
    return ret;
}

static bool sync_regs(KvmVcpu *vcpu, GuestRegs *regs, bool write, Error **errp)
{
    int ret = sync_general(vcpu, regs, write);

    if (ret >= 0) {
        ret = sync_fp(vcpu, regs, write);
    }
    if (ret < 0) {
        error_setg_errno(errp, -ret, "kvm: CPU %u: cannot %s registers",
                         vcpu->index, write ? "set" : "get");
    }
    return ret >= 0;
}

static bool kvm_read_regs(Accel *accel, unsigned cpu, GuestRegs *regs,
                          Error **errp)
{
    memset(regs, 0, sizeof(*regs));
    return sync_regs(vcpu_of(accel, cpu), regs, false, errp);
}

static bool kvm_write_regs(Accel *accel, unsigned cpu, const GuestRegs *regs,
                           Error **errp)
{
    GuestRegs copy = *regs;

    return sync_regs(vcpu_of(accel, cpu), &copy, true, errp);
}

/* ---- translation ---- */

static bool read_descriptor(void *opaque, hwaddr pa, uint64_t *desc)
{
    AddressSpace *as = address_space_memory();
    const void *ram = address_space_ram(as, pa, sizeof(*desc));

    if (ram) {
        memcpy(desc, ram, sizeof(*desc));
    }
    return ram;
}

static bool read_mmu_regs(KvmVcpu *vcpu, MmuRegs *regs)
{
    const struct {
        uint64_t id;
        uint64_t *value;
    } wanted[] = {
        {ARM64_SYS_REG(3, 0, 1, 0, 0), &regs->sctlr},
        {ARM64_SYS_REG(3, 0, 2, 0, 0), &regs->ttbr0},
        {ARM64_SYS_REG(3, 0, 2, 0, 1), &regs->ttbr1},
        {ARM64_SYS_REG(3, 0, 2, 0, 2), &regs->tcr},
        {ARM64_SYS_REG(3, 0, 10, 2, 0), &regs->mair},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(wanted); i++) {
        if (kvm_vcpu_get_reg(vcpu, wanted[i].id, wanted[i].value) < 0) {
            return false;
        }
    }
    return true;
}

static bool kvm_translate(Accel *accel, unsigned cpu, uint64_t va, hwaddr *pa)
{
    MmuRegs regs = {.phys_bits = 48};
    MmuPage page;

    if (!read_mmu_regs(vcpu_of(accel, cpu), &regs) ||
        !mmu_walk(&regs, va, read_descriptor, NULL, &page)) {
        return false;
    }
    *pa = page.pa;
    return true;
}

/* ---- points and steps ---- */

static const DebugPoint *point_at(const KvmAccel *kvm, guint i)
{
    return &g_array_index(kvm->points, DebugPoint, i);
}

static guint num_points(const KvmAccel *kvm)
{
    return kvm->points ? kvm->points->len : 0;
}

/* False: a watchpoint that no register can be set to. */
static bool debug_reg(const DebugPoint *point, KvmDebugReg *reg)
{
    if (point->kind == DEBUG_BREAK) {
        *reg = kvm_break_reg(point->addr);
        return true;
    }
    return kvm_watch_reg(point->addr, point->size,
                         point->kind != DEBUG_WATCH_WRITE,
                         point->kind != DEBUG_WATCH_READ, reg);
}

static void fill_points(const KvmAccel *kvm, struct kvm_guest_debug *debug)
{
    struct kvm_guest_debug_arch *arch = &debug->arch;
    unsigned breaks = 0;
    unsigned watches = 0;

    for (guint i = 0; i < num_points(kvm); i++) {
        KvmDebugReg reg;

        debug_reg(point_at(kvm, i), &reg);
        if (point_at(kvm, i)->kind == DEBUG_BREAK) {
            arch->dbg_bvr[breaks] = reg.value;
            arch->dbg_bcr[breaks++] = reg.control;
        } else {
            arch->dbg_wvr[watches] = reg.value;
            arch->dbg_wcr[watches++] = reg.control;
        }
        debug->control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW;
    }
}

/* Tells KVM what the vCPU is to stop for. */
static int vcpu_update(KvmVcpu *vcpu)
{
    struct kvm_guest_debug debug = {0};

    fill_points(vcpu->kvm, &debug);
    if (vcpu->resume == DEBUG_STEP) {
        debug.control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP;
    }
    return kvm_ioctl(vcpu->fd, KVM_SET_GUEST_DEBUG, &debug);
}

static int update_all(KvmAccel *kvm)
{
    int ret = 0;

    for (unsigned i = 0; ret >= 0 && i < kvm->num_vcpus; i++) {
        ret = vcpu_update(&kvm->vcpus[i]);
    }
    return ret;
}

static bool check_room(KvmAccel *kvm, bool is_break, Error **errp)
{
    uintptr_t extension =
        is_break ? KVM_CAP_GUEST_DEBUG_HW_BPS : KVM_CAP_GUEST_DEBUG_HW_WPS;
    int room = kvm_ioctl(kvm->vm_fd, KVM_CHECK_EXTENSION, (void *)extension);
    int used = 0;

    for (guint i = 0; i < num_points(kvm); i++) {
        used += (point_at(kvm, i)->kind == DEBUG_BREAK) == is_break;
    }
    if (used >= MIN(room, DEBUG_REGS)) {
        error_setg(errp, "kvm: this host's CPUs have %d %s, and all are in use",
                   MAX(room, 0), is_break ? "breakpoints" : "watchpoints");
        return false;
    }
    return true;
}

static bool kvm_insert(Accel *accel, const DebugPoint *point, Error **errp)
{
    KvmAccel *kvm = KVM_ACCEL(accel);
    KvmDebugReg reg;
    int ret;

    if (!debug_reg(point, &reg)) {
        error_setg(errp,
                   "kvm: %" PRIu64 " bytes at 0x%" PRIx64 " cannot be watched: "
                   "neither within an aligned 8 nor a power of two, aligned",
                   point->size, point->addr);
        return false;
    }
    if (!check_room(kvm, point->kind == DEBUG_BREAK, errp)) {
        return false;
    }
    if (!kvm->points) {
        kvm->points = g_array_new(FALSE, FALSE, sizeof(DebugPoint));
    }
    g_array_append_val(kvm->points, *point);
    ret = update_all(kvm);
    if (ret < 0) {
        g_array_set_size(kvm->points, kvm->points->len - 1);
        update_all(kvm);
        error_setg_errno(errp, -ret, "kvm: cannot set a breakpoint");
    }
    return ret >= 0;
}

static void kvm_remove(Accel *accel, const DebugPoint *point)
{
    KvmAccel *kvm = KVM_ACCEL(accel);

    for (guint i = 0; i < num_points(kvm); i++) {
        const DebugPoint *p = point_at(kvm, i);

        if (p->kind == point->kind && p->addr == point->addr &&
            p->size == point->size) {
            g_array_remove_index_fast(kvm->points, i);
            break;
        }
    }
    update_all(kvm);
}

static bool kvm_set_resume(Accel *accel, unsigned cpu, DebugResume resume,
                           Error **errp)
{
    KvmVcpu *vcpu = vcpu_of(accel, cpu);
    int ret;

    vcpu->resume = resume;
    ret = vcpu_update(vcpu);
    if (ret < 0) {
        error_setg_errno(errp, -ret, "kvm: CPU %u: cannot step", cpu);
    }
    return ret >= 0;
}

/* ---- hits ---- */

/* FAR may be short of the watched bytes, by as much as the access is long. */
static const DebugPoint *nearest_watch(const KvmAccel *kvm, uint64_t far)
{
    const DebugPoint *nearest = NULL;
    uint64_t distance = UINT64_MAX;

    for (guint i = 0; i < num_points(kvm); i++) {
        const DebugPoint *p = point_at(kvm, i);
        uint64_t gap = far < p->addr             ? p->addr - far
                       : far - p->addr < p->size ? 0
                                                 : far - p->addr - p->size + 1;

        if (p->kind != DEBUG_BREAK && (!nearest || gap < distance)) {
            nearest = p;
            distance = gap;
        }
    }
    return nearest;
}

/* The vCPU's thread. Points change only while the machine is stopped. */
void kvm_debug_exit(KvmVcpu *vcpu)
{
    const struct kvm_debug_exit_arch *arch = &vcpu->run->debug.arch;
    unsigned ec = arch->hsr >> ESR_EC;
    DebugHit hit = {.cpu = vcpu->index, .reason = DEBUG_HIT_STEP};
    const DebugPoint *watch = nearest_watch(vcpu->kvm, arch->far);

    if (ec == EC_BREAKPOINT_LOWER) {
        hit.reason = DEBUG_HIT_BREAK;
        hit.point = (DebugPoint){.kind = DEBUG_BREAK, .size = 4};
        kvm_vcpu_get_reg(vcpu, KVM_CORE_REG(regs.pc, U64), &hit.point.addr);
    } else if (ec == EC_WATCHPOINT_LOWER && watch) {
        hit.reason = DEBUG_HIT_WATCH;
        hit.point = *watch;
    }
    accel_debug_report(&hit);
}

const AccelDebugOps kvm_debug_ops = {
    .read_regs = kvm_read_regs,
    .write_regs = kvm_write_regs,
    .translate = kvm_translate,
    .insert = kvm_insert,
    .remove = kvm_remove,
    .set_resume = kvm_set_resume,
};
