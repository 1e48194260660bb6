/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The small library under the bare-metal arm64 payloads of tests/guest. They
 * run at EL1 with the MMU off on the memory map of the machine "virt".
 * A payload defines payload_main(); everything is on the first CPU unless a
 * comment says otherwise.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UART_BASE 0x09000000UL
#define UART_FR (UART_BASE + 0x18)

/* PL031 registers (Arm DDI 0224) */
#define RTC_DR 0x00
#define RTC_MR 0x04
#define RTC_LR 0x08
#define RTC_IMSC 0x10
#define RTC_RIS 0x14
#define RTC_MIS 0x18
#define RTC_ICR 0x1c
#define RTC_PERIPHID0 0xfe0

/* PL061 registers (Arm DDI 0190) */
#define GPIO_DIR 0x400
#define GPIO_IS 0x404
#define GPIO_IBE 0x408
#define GPIO_IEV 0x40c
#define GPIO_IE 0x410
#define GPIO_MIS 0x418

/* INTID of the virtual timer (a PPI, the same on every virt) */
#define TIMER_INTID 27

static inline uint8_t read8(uint64_t addr)
{
    return *(volatile uint8_t *)addr;
}

static inline uint16_t read16(uint64_t addr)
{
    return *(volatile uint16_t *)addr;
}

static inline uint32_t read32(uint64_t addr)
{
    uint32_t v;

    /* one plain ldr: a load with write-back has no syndrome for KVM */
    __asm__ volatile("ldr %w0, [%1]" : "=r"(v) : "r"(addr) : "memory");
    return v;
}

static inline void write32(uint64_t addr, uint32_t v)
{
    __asm__ volatile("str %w0, [%1]" : : "r"(v), "r"(addr) : "memory");
}

static inline uint64_t read64(uint64_t addr)
{
    uint64_t v;

    __asm__ volatile("ldr %0, [%1]" : "=r"(v) : "r"(addr) : "memory");
    return v;
}

static inline void write64(uint64_t addr, uint64_t v)
{
    __asm__ volatile("str %0, [%1]" : : "r"(v), "r"(addr) : "memory");
}

#define SYSREG_READ(name)                                        \
    ({                                                           \
        uint64_t v_;                                             \
        __asm__ volatile("mrs %0, " #name : "=r"(v_)::"memory"); \
        v_;                                                      \
    })
#define SYSREG_WRITE(name, value)                                        \
    __asm__ volatile("msr " #name ", %0\n\tisb" ::"r"((uint64_t)(value)) \
                     : "memory")

/* -- console ------------------------------------------------------------ */

/* Formats %s %c %d %u %x %lu %lx %% to the PL011. */
void print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Waits for a line of input and drops it. */
void wait_for_line(void);

/* -- time --------------------------------------------------------------- */

/* The virtual counter, after everything before it has happened. */
static inline uint64_t ticks(void)
{
    uint64_t v;

    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(v)::"memory");
    return v;
}

uint64_t ticks_to_ns(uint64_t t);
uint64_t us_to_ticks(uint64_t us);
void delay_us(uint64_t us);

/* Raises TIMER_INTID after us microseconds; timer_stop() withdraws it. */
void timer_start_us(uint64_t us);
void timer_stop(void);

/* -- memory that a reset keeps ------------------------------------------- */

typedef struct Survivor {
    uint64_t magic, boots, ok, stuck, leftover, spurious;
} Survivor;

/*
 * The record of this payload (by its magic), zeroed before the first boot;
 * counts the boot. Call it once.
 */
volatile Survivor *survivor(uint64_t magic);

/* -- PSCI --------------------------------------------------------------- */

void power_off(void) __attribute__((noreturn));
void system_reset(void) __attribute__((noreturn));

/* Starts CPU number cpu in fn; false when PSCI refuses. */
bool cpu_start(unsigned cpu, void (*fn)(void));
unsigned this_cpu(void);

/* -- device tree -------------------------------------------------------- */

typedef struct Device {
    uint64_t base, size; /* of a region, as the CPU sees it */
    unsigned intid;      /* of an interrupt; 0 without one */
    bool edge;           /* that interrupt is an edge one */
} Device;

/*
 * The first node that is compatible with one of two strings and sits on a bus
 * of its own: the machine's own devices are children of the root and do not
 * count, unless the boot argument root=1 says so (to try a payload where no
 * device can be assigned). Without a match: prints why and powers off.
 */
void find_device(Device *dev, const char *compat1, const char *compat2);
/* The same, with the region and the interrupt of that number; that is 0. */
void find_device_part(Device *dev, const char *compat1, const char *compat2,
                      unsigned part);

/* The boot argument name=value of /chosen/bootargs, or a default. */
uint64_t arg(const char *name, uint64_t fallback);

/* True when the boot argument name has just this value. */
bool arg_is(const char *name, const char *value);

/* -- interrupts --------------------------------------------------------- */

/*
 * Called with interrupts off, entry being the counter at the vector's second
 * instruction. Returns whether the interrupt is to be ended at the GIC.
 */
typedef bool IrqHandler(unsigned intid, uint64_t entry);

extern unsigned gic_version;            /* 2 or 3, set before payload_main */
extern volatile uint64_t irq_none;      /* entries with nothing to ack */
extern volatile uint64_t irq_unclaimed; /* entries without a handler */

/* The distributor once, then the CPU's part on every CPU that takes any. */
void gic_init(void);
void gic_cpu_init(void);
/* GICv2: all interrupts to group 1, where this guest never sees them again. */
void gic_spoil_groups(void);

/*
 * Routes an SPI to a CPU and enables it. The boot argument icfgr=1 makes it
 * write the trigger type first; without it the reset value stays.
 */
void irq_enable(unsigned intid, bool edge, unsigned cpu, uint8_t priority,
                IrqHandler *handler);
void irq_disable(unsigned intid);
void irq_end(unsigned intid);

static inline void irqs_on(void)
{
    __asm__ volatile("msr daifclr, #2" ::: "memory");
}

static inline void irqs_off(void)
{
    __asm__ volatile("msr daifset, #2" ::: "memory");
}

/* -- the RTC's interrupt on demand (rtc.c) ------------------------------- */

typedef struct RtcStats {
    uint64_t raised, handled; /* handled: entries with the status set */
    uint64_t lost, doubled, spurious;
    uint64_t missed; /* raises that the device itself swallowed, retried */
} RtcStats;

extern Device rtc;
extern volatile RtcStats rtc_stats;
extern volatile uint64_t rtc_entry;  /* of the last handled one: the entry */
extern volatile uint64_t rtc_looked; /* of any: after its first access */

/* Finds the RTC and makes it quiet: alarm far away, status clear, unmasked. */
void rtc_find(void);
void rtc_setup(void);

/* One write that makes the device assert its line. */
static inline void rtc_raise(void)
{
    write32(rtc.base + RTC_LR, 1000);
}

/* Handler: checks the status, clears it, counts. */
bool rtc_handler(unsigned intid, uint64_t entry);

/*
 * Raises one interrupt and waits until it was handled, for wait_ms (boot
 * argument, 1000) at most, in WFI with the boot argument wfi=1. A raise that
 * leaves the status 0 is the device's miss and is repeated. Returns false,
 * and counts it lost, when the status is set and no interrupt came.
 */
bool rtc_interrupt(void);

/* Waits for an interrupt that was raised before; false after wait_ms. */
bool rtc_wait(void);

/* -- faults ------------------------------------------------------------- */

/*
 * With expect_fault set, a synchronous exception is recorded and its
 * instruction skipped; otherwise it is printed and the machine powered off.
 */
extern volatile bool expect_fault;
extern volatile uint64_t fault_count, fault_esr, fault_far;

void payload_main(void);

#endif
