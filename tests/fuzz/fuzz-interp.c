/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target of the software CPU: the input is code. Its first byte chooses
 * the exception level, whether the MMU is on, the vCPU and whether instructions
 * run block by block or one at a time; the second seeds the
 * registers; the rest is put where the vCPU starts, and what it makes of that
 * is its own affair. Nothing may crash, hang or be found by a sanitizer: a
 * guest has no business with the host.
 *
 * The vCPUs' threads exist but stay parked: this thread executes, and another
 * one tells it after a few milliseconds to park, which must always be heard.
 */

#include <string.h>
#include <unistd.h>

#include "../../accel/interp/block.h"
#include "../../accel/interp/interp.h"
#include "../../accel/interp/thread.h"
#include "../../accel/interp/tlb.h"
#include "../../accel/interp/work.h"
#include "fuzz.h"
#include "util/log.h"
#include "util/main-loop.h"

#define RAM_BASE 0x40000000u
#define RAM_SIZE (1u << 20)
#define CODE_OFFSET 0x8000u
#define TABLE_OFFSET 0x4000u
#define CODE_MAX 2048
#define NUM_CPUS 2
#define BUDGET_US 3000
#define STEPS 400

enum { MODE_EL1 = 1, MODE_MMU = 2, MODE_STEP = 4, MODE_CPU1 = 8 };

static MemoryRegion ram;
static InterpAccel *interp;
static uint8_t *memory;

/* ---- the budget ---- */

static _Atomic(InterpCpu *) running;
static _Atomic unsigned turn;

/* Also posts when a turn has just ended: the next one is then a short one. */
static void *watchdog(void *opaque)
{
    unsigned seen = 0;

    for (;;) {
        unsigned now = atomic_load(&turn);
        InterpCpu *cpu = atomic_load(&running);

        if (cpu && now == seen) {
            cpu_park(cpu);
        }
        seen = now;
        usleep(BUDGET_US);
    }
    return NULL;
}

/* ---- the machine ---- */

static void build_machine(void)
{
    GicConfig config = {
        .version = GIC_VERSION_3,
        .num_cpus = NUM_CPUS,
        .num_spis = 32,
        .dist_base = 0x08000000,
        .cpu_base = 0x08010000,
        .redist_base = 0x080a0000,
    };
    Accel *accel = accel_create("interp", 1ull << 32, NULL);
    AccelClass *ac = ACCEL_GET_CLASS(accel);

    memory_region_init_ram(&ram, NULL, "ram", RAM_SIZE, NULL);
    memory_region_add_subregion(get_system_memory(), RAM_BASE, &ram);
    memory = ram.ram;
    object_add_child(object_root(), "machine", object_new(TYPE_OBJECT), NULL);
    g_assert_true(ac->create_vcpus(accel, NUM_CPUS, NULL, NULL));
    g_assert_nonnull(ac->create_gic(accel, &config, NULL));
    interp = INTERP_ACCEL(accel);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    pthread_t thread;

    g_assert_true(main_loop_init(NULL));
    g_assert_true(log_open("/dev/null", NULL));
    build_machine();
    g_assert_cmpint(pthread_create(&thread, NULL, watchdog, NULL), ==, 0);
    pthread_detach(thread);
    return 0;
}

/* ---- one input ---- */

/* Values that go somewhere: RAM, devices, next to the ends of everything. */
static uint64_t register_value(uint32_t seed, unsigned n)
{
    uint64_t hash = (seed * 32 + n + 1) * 0x9e3779b97f4a7c15;

    switch (hash >> 61) {
    case 0:
        return hash;
    case 1:
        return 0x08000000 + (hash & 0x1ffff8);
    case 2:
        return hash & 0xff;
    case 3:
        return UINT64_MAX - (hash & 0xff);
    case 4:
        return 0x84000000 | (hash & 0x4000000f);
    default:
        return RAM_BASE + (hash & (RAM_SIZE - 1));
    }
}

/*
 * 1 GiB blocks of a 39-bit space: devices, then RAM. What EL0 may write EL1
 * does not execute.
 */
static void write_tables(bool el1)
{
    uint64_t *table = (uint64_t *)(memory + TABLE_OFFSET);

    table[0] = 0x401 | 3ull << 53;
    table[1] = RAM_BASE | (el1 ? 0x705 : 0x745);
}

static void mmu_on(InterpCpu *cpu, unsigned mode)
{
    write_tables(mode & MODE_EL1);
    cpu->sys.ttbr0_el1 = RAM_BASE + TABLE_OFFSET;
    cpu->sys.ttbr1_el1 = RAM_BASE + TABLE_OFFSET;
    cpu->sys.tcr_el1 = 25 | 25 << 16 | 2ull << 30;
    cpu->sys.mair_el1 = 0xff00;
    cpu->sys.sctlr_el1 |= 1;
}

static void set_up(InterpCpu *cpu, unsigned mode, uint8_t seed)
{
    for (unsigned i = 0; i < 31; i++) {
        cpu->x[i] = register_value(seed, i);
    }
    for (unsigned i = 0; i < 32; i++) {
        cpu->v[i].d[0] = register_value(seed + 1, i);
        cpu->v[i].d[1] = register_value(seed + 2, i);
    }
    cpu->pc = RAM_BASE + CODE_OFFSET;
    cpu->sys.vbar_el1 = RAM_BASE;
    cpu->sys.cpacr_el1 = 3 << 20;
    if (mode & MODE_MMU) {
        mmu_on(cpu, mode);
    }
    cpu->x[X_SP] = RAM_BASE + RAM_SIZE / 2;
    cpu->sys.sp_el0 = RAM_BASE + RAM_SIZE / 2;
    cpu_set_pstate(cpu, mode & MODE_EL1 ? 5 : 0);
    tlb_flush_all(cpu);
}

static bool stopped(const InterpCpu *cpu)
{
    return atomic_load(&cpu->event) & (EVENT_STOP | EVENT_POWER);
}

static void step(InterpCpu *cpu)
{
    for (unsigned i = 0; i < STEPS && !stopped(cpu); i++) {
        Block *block = block_single(cpu);

        if (block) {
            cpu_post(cpu, EVENT_STEP);
            cpu_execute(cpu, block);
        }
        cpu_take_interrupt(cpu);
    }
}

static void run(InterpCpu *cpu)
{
    while (!stopped(cpu)) {
        if (atomic_load(&cpu->event) & EVENT_WORK) {
            work_run(cpu);
        }
        atomic_fetch_and(&cpu->event, ~(uint32_t)(EVENT_IRQ | EVENT_STEP));
        cpu_take_interrupt(cpu);
        cpu_execute(cpu, NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    InterpCpu *cpu;
    unsigned mode;

    if (size < 2 || size > CODE_MAX + 2) {
        return 0;
    }
    mode = data[0];
    cpu = interp->cpus[mode & MODE_CPU1 ? 1 : 0];
    memset(memory, 0, RAM_SIZE / 4);
    memcpy(memory + CODE_OFFSET, data + 2, size - 2);
    cpu_threads_reset(interp);
    set_up(cpu, mode, data[1]);
    atomic_store(&cpu->event, 0);
    machine_unlock();
    work_enter_guest(cpu);
    atomic_fetch_add(&turn, 1);
    atomic_store(&running, cpu);
    (mode & MODE_STEP ? step : run)(cpu);
    atomic_store(&running, NULL);
    work_leave_guest(cpu);
    machine_lock();
    return 0;
}
