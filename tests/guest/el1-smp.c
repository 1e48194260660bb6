/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * el1-smp: four CPUs by PSCI, that take locks, pass messages and interrupt each
 * other. Each task is run by all of them at once, and what it counts is the
 * same whoever is faster. Arm ARM, B2.3 and B2.9; DEN 0022.
 */
#include "el1-cpus.h"

#define PSCI_CPU_OFF 0x84000002ul
#define PSCI_CPU_ON 0xc4000003ul
#define PSCI_AFFINITY_INFO 0xc4000004ul

static Space space;

/* ---- PSCI ---- */

static int64_t psci(uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
    register uint64_t x0 __asm__("x0") = function;
    register uint64_t x1 __asm__("x1") = a;
    register uint64_t x2 __asm__("x2") = b;
    register uint64_t x3 __asm__("x3") = c;

    __asm__ volatile("hvc #0"
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
                     :
                     : "memory");
    return (int64_t)x0;
}

static void show_psci(const char *name, int64_t result)
{
    print("%s: psci %s: %ld\n", el1_name, name, result);
}

static void task_nothing(unsigned cpu)
{
}

static volatile uint64_t seen[4];

/* The MMU is off: no exclusives. */
static void look_and_off(void)
{
    seen[0] = SYSREG_READ(CurrentEL) | SYSREG_READ(SPSel);
    seen[1] = SYSREG_READ(DAIF);
    seen[2] = SYSREG_READ(sctlr_el1) & (SCTLR_M | 1 << 2 | 1 << 12);
    seen[3] = this_cpu();
    psci(PSCI_CPU_OFF, 0, 0, 0);
    seen[3] = 99;
}

static void wait_for_off(unsigned cpu)
{
    while (psci(PSCI_AFFINITY_INFO, cpu, 0, 0) != 1) {
        relax();
    }
}

static void power(void)
{
    show_psci("affinity of itself", psci(PSCI_AFFINITY_INFO, 0, 0, 0));
    show_psci("affinity of one that is off", psci(PSCI_AFFINITY_INFO, 1, 0, 0));
    show_psci("affinity of none", psci(PSCI_AFFINITY_INFO, 7, 0, 0));
    show_psci("cpu on, none", psci(PSCI_CPU_ON, 7, 0x40080000, 0));
    show_psci("cpu on, another cluster",
              psci(PSCI_CPU_ON, 0x10001, 0x40080000, 0));
    show_psci("cpu on, itself", psci(PSCI_CPU_ON, 0, 0x40080000, 0));
    show_psci("no such function", psci(0xc400ff00, 0, 0, 0));
    for (unsigned i = 0; i < 20; i++) {
        unsigned cpu = i % 3 + 1;

        seen[3] = 0;
        if (!cpu_start(cpu, look_and_off)) {
            show_number("cannot start", cpu);
        }
        while (!seen[3]) {
            relax();
        }
        wait_for_off(cpu);
        if (i < 3) {
            show_number("cpu", seen[3]);
            show_number("EL and SPSel", seen[0]);
            show_number("DAIF", seen[1]);
            show_number("SCTLR M, C, I", seen[2]);
        }
    }
    for (unsigned cpu = 1; cpu < CPUS; cpu++) {
        show_bool("on", cpu_start(cpu, cpus_follow));
    }
}

/* ---- locks and atomics ---- */

static Word lock, pair[1];
static uint32_t narrow[2];

static void task_exclusives(unsigned cpu)
{
    for (unsigned i = 0; i < rounds * 4; i++) {
        add_exclusive(&counter.v, cpu + 1);
    }
}

static void task_spinlock(unsigned cpu)
{
    for (unsigned i = 0; i < rounds; i++) {
        uint32_t busy;

        do {
            __asm__ volatile("ldaxr %w0, [%1]\n\tcbnz %w0, 1f\n\t"
                             "stxr %w0, %w2, [%1]\n1:"
                             : "=&r"(busy)
                             : "r"(&lock.v), "r"(1)
                             : "memory");
            if (busy) {
                relax();
            }
        } while (busy);
        counter.v += cpu + 1;
        store_release(&lock, 0);
    }
}

static void task_exclusive_pair(unsigned cpu)
{
    for (unsigned i = 0; i < rounds; i++) {
        uint64_t lo, hi;
        uint32_t failed;

        __asm__ volatile("1: ldxp %0, %1, [%3]\n\tadd %0, %0, #1\n\t"
                         "sub %1, %1, #1\n\tstxp %w2, %0, %1, [%3]\n\t"
                         "cbnz %w2, 1b"
                         : "=&r"(lo), "=&r"(hi), "=&r"(failed)
                         : "r"(&pair[0])
                         : "memory");
    }
}

static void task_lse_add(unsigned cpu)
{
    for (unsigned i = 0; i < rounds * 4; i++) {
        __asm__ volatile(
            ".arch_extension lse\n\tldaddal %1, x9, [%0]" ::"r"(&counter.v),
            "r"((uint64_t)cpu + 1)
            : "x9", "memory");
    }
}

static void task_lse_cas(unsigned cpu)
{
    for (unsigned i = 0; i < rounds; i++) {
        uint64_t old, seen_value;

        do {
            old = counter.v;
            seen_value = old;
            __asm__ volatile(".arch_extension lse\n\tcas %0, %1, [%2]"
                             : "+r"(seen_value)
                             : "r"(old + cpu + 1), "r"(&counter.v)
                             : "memory");
        } while (seen_value != old);
    }
}

static void task_lse_swap(unsigned cpu)
{
    for (unsigned i = 0; i < rounds; i++) {
        uint64_t busy;

        do {
            __asm__ volatile(".arch_extension lse\n\tswpa %1, %0, [%2]"
                             : "=&r"(busy)
                             : "r"(1ull), "r"(&lock.v)
                             : "memory");
            if (busy) {
                relax();
            }
        } while (busy);
        counter.v += cpu + 1;
        store_release(&lock, 0);
    }
}

static void task_lse_pair(unsigned cpu)
{
    for (unsigned i = 0; i < rounds; i++) {
        register uint64_t a __asm__("x4") = pair[0].v;
        register uint64_t b __asm__("x5") = pair[0].pad[0];
        register uint64_t c __asm__("x6");
        register uint64_t d __asm__("x7");
        uint64_t a0, b0;

        do {
            a0 = a;
            b0 = b;
            c = a + 1;
            d = b - 1;
            __asm__ volatile(".arch_extension lse\n\t"
                             "caspal x4, x5, x6, x7, [%4]"
                             : "+r"(a), "+r"(b), "+r"(c), "+r"(d)
                             : "r"(&pair[0])
                             : "memory");
        } while (a != a0 || b != b0);
    }
}

/* Each CPU has a byte of one word. */
static void task_narrow(unsigned cpu)
{
    uint8_t *p = (uint8_t *)narrow + cpu;

    for (unsigned i = 0; i < rounds; i++) {
        __asm__ volatile(".arch_extension lse\n\tldaddb %w1, w9, [%0]" ::"r"(p),
                         "r"(1)
                         : "x9", "memory");
        /* The next word: a byte by exclusives. */
        __asm__ volatile("1: ldxrb w9, [%0]\n\tadd w9, w9, #1\n\t"
                         "stxrb w10, w9, [%0]\n\tcbnz w10, 1b" ::"r"(p + 4)
                         : "x9", "x10", "memory");
    }
}

static void paired(const char *name, Task *t)
{
    pair[0].v = 0;
    pair[0].pad[0] = 0;
    all(t);
    print("%s: %s: %lx %lx\n", el1_name, name, pair[0].v, pair[0].pad[0]);
}

static void atomics(void)
{
    counted("exclusives", task_exclusives);
    counted("spinlock", task_spinlock);
    paired("exclusive pairs", task_exclusive_pair);
    counted("ldadd", task_lse_add);
    counted("cas", task_lse_cas);
    counted("swp", task_lse_swap);
    paired("casp", task_lse_pair);
    all(task_narrow);
    print("%s: bytes: %x %x\n", el1_name, narrow[0], narrow[1]);
}

/* ---- order ---- */

/* Even CPUs write, odd ones read: data that is older than its flag is wrong. */
static void pass_messages(unsigned cpu, bool barriers)
{
    unsigned n = cpu & ~1u;

    for (uint64_t i = 1; i <= rounds * 4; i++) {
        if (cpu == n) {
            data[n].v = i;
            if (barriers) {
                dmb();
                flag[n].v = i;
            } else {
                store_release(&flag[n], i);
            }
            while (i % 16 == 0 && load_acquire(&answer[n]) < i) {
                relax();
            }
        } else {
            uint64_t f = barriers ? flag[n].v : load_acquire(&flag[n]);

            if (barriers) {
                dmb();
            }
            if (data[n].v < f) {
                add_exclusive(&wrong.v, 1);
            }
            store_release(&answer[n], f);
            if (f < rounds * 4) {
                i = f;
            }
        }
    }
}

static void task_messages(unsigned cpu)
{
    pass_messages(cpu, false);
}

static void task_messages_dmb(unsigned cpu)
{
    pass_messages(cpu, true);
}

static Word done[CPUS];

/* Without giving way at first: who waits is to see it at once. */
static void wait_for_word(const Word *w, uint64_t v)
{
    for (unsigned i = 0; load_acquire(w) < v; i++) {
        if (i > 2000) {
            relax();
        }
    }
}

/*
 * Each stores its own word and loads its partner's: one of them is new. Both
 * begin at about the same time, by another difference each round.
 */
static void store_buffers(unsigned cpu, bool barriers)
{
    unsigned other = cpu ^ 1;

    for (uint64_t i = 1; i <= rounds * 4; i++) {
        uint64_t r;

        store_release(&flag[cpu], 2 * i - 1);
        wait_for_word(&flag[other], 2 * i - 1);
        for (uint64_t n = i * (cpu + 1) % 32; n; n--) {
            __asm__ volatile("nop");
        }
        if (barriers) {
            data[cpu].v = i;
            dmb();
            r = data[other].v;
        } else {
            store_release(&data[cpu], i);
            r = load_acquire(&data[other]);
        }
        answer[cpu].v = r;
        store_release(&flag[cpu], 2 * i);
        wait_for_word(&flag[other], 2 * i);
        if (cpu < other && answer[cpu].v < i && answer[other].v < i) {
            add_exclusive(&wrong.v, 1);
        }
        /* answer[] is judged before anybody writes to it again. */
        store_release(&done[cpu], i);
        wait_for_word(&done[other], i);
    }
}

static void task_store_buffers(unsigned cpu)
{
    done[cpu].v = 0;
    meet();
    store_buffers(cpu, false);
}

static void task_store_buffers_dmb(unsigned cpu)
{
    done[cpu].v = 0;
    meet();
    store_buffers(cpu, true);
}

/* Two write; two read in opposite orders, and agree on who was first. */
static void task_independent(unsigned cpu)
{
    for (uint64_t i = 1; i <= rounds / 4; i++) {
        meet();
        if (cpu < 2) {
            store_release(&data[cpu], i);
        } else {
            uint64_t a = load_acquire(&data[cpu - 2]);
            uint64_t b = load_acquire(&data[3 - cpu]);

            answer[cpu].v = a == i && b < i;
        }
        meet();
        if (cpu == 0 && answer[2].v && answer[3].v) {
            wrong.v++;
        }
    }
}

static void order(void)
{
    ordered("messages by stlr and ldar", task_messages);
    ordered("messages by dmb", task_messages_dmb);
    ordered("store buffers by stlr and ldar", task_store_buffers);
    ordered("store buffers by dmb", task_store_buffers_dmb);
    ordered("independent reads", task_independent);
}

/* ---- interrupts ---- */

static unsigned wait_for_interrupt(void)
{
    uint64_t iar;

    while (((iar = gic_read_iar()) & 0x3ff) == GIC_SPURIOUS) {
        __asm__ volatile("wfi" ::: "memory");
    }
    gic_write_eoir(iar);
    return iar & 0x3ff;
}

/* Round the table. */
static void task_sgi_ring(unsigned cpu)
{
    for (unsigned i = 0; i < rounds / 2; i++) {
        if (cpu == 0) {
            gic_sgi(i % 16, 1u << 1);
        }
        if (wait_for_interrupt() != i % 16) {
            add_exclusive(&wrong.v, 1);
        }
        if (cpu != 0) {
            gic_sgi(i % 16, 1u << (cpu + 1) % CPUS);
        }
        add_exclusive(&counter.v, 1);
    }
}

static void task_sgi_all(unsigned cpu)
{
    for (unsigned i = 0; i < rounds / 8; i++) {
        if (cpu == i % CPUS) {
            gic_sgi(3, (1u << CPUS) - 1);
        }
        if (wait_for_interrupt() != 3) {
            add_exclusive(&wrong.v, 1);
        }
        add_exclusive(&counter.v, 1);
        meet();
    }
}

/* An SPI by software, to each CPU in turn: only that one has it. */
#define SPI 40u

static void task_spi(unsigned cpu)
{
    for (unsigned i = 0; i < rounds / 8; i++) {
        if (cpu == 0) {
            gic_route(SPI, i % CPUS);
            gic_set(GIC_ISPENDR, SPI);
        }
        if (cpu == i % CPUS) {
            if (wait_for_interrupt() != SPI) {
                add_exclusive(&wrong.v, 1);
            }
            add_exclusive(&counter.v, 1);
        }
        meet();
        if ((gic_read_iar() & 0x3ff) != GIC_SPURIOUS) {
            add_exclusive(&wrong.v, 1);
        }
        meet();
    }
}

static void interrupts(void)
{
    gic_edge(SPI, true);
    gic_priority(SPI, 0xa0);
    gic_set(GIC_ISENABLER, SPI);
    ordered("round the table by SGI", task_sgi_ring);
    counted("round the table by SGI", task_sgi_ring);
    counted("SGI to all", task_sgi_all);
    counted("SPI to each", task_spi);
    show_number("wrong", wrong.v);
}

void payload_main(void)
{
    el1_name = "el1-smp";
    cpus_init(&space);
    power();
    cpus_enter();
    all(task_nothing);
    for (unsigned cpu = 1; cpu < CPUS; cpu++) {
        show_psci("cpu on, which is", psci(PSCI_CPU_ON, cpu, 0x40080000, 0));
        show_psci("affinity", psci(PSCI_AFFINITY_INFO, cpu, 0, 0));
    }
    atomics();
    order();
    interrupts();
    print("%s: done\n", el1_name);
}
