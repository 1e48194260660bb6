/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Output, time, PSCI and exceptions of the payloads. The PL011 is used
 * polled; PSCI goes by HVC, as the machine's device tree says. A fault that
 * nobody expects ends the run with a line that says where, so that a harness
 * never waits for a payload that is dead.
 */
#include "guest.h"
#include "internal.h"

#define PSCI_CPU_ON 0xc4000003UL
#define PSCI_SYSTEM_OFF 0x84000008UL
#define PSCI_SYSTEM_RESET 0x84000009UL

/* Memory that no loader touches: between the kernel and the initrd */
#define SURVIVOR_BASE 0x42000000UL

#define KIND_SYNC 4
#define KIND_IRQ 5

volatile bool expect_fault;
volatile uint64_t fault_count, fault_esr, fault_far;

static void (*volatile secondary_fn[MAX_CPUS])(void);

static void put_char(char c)
{
    while (read32(UART_FR) & (1 << 5)) {
    }
    write32(UART_BASE, (uint8_t)c);
}

static void put_string(const char *s)
{
    while (*s) {
        put_char(*s++);
    }
}

static void put_number(uint64_t v, unsigned base)
{
    char buf[24], *p = buf + sizeof(buf);

    *--p = '\0';
    do {
        *--p = "0123456789abcdef"[v % base];
        v /= base;
    } while (v);
    put_string(p);
}

static void put_signed(int64_t v)
{
    if (v < 0) {
        put_char('-');
        v = -v;
    }
    put_number((uint64_t)v, 10);
}

void print(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    for (; *fmt; fmt++) {
        if (*fmt != '%') {
            if (*fmt == '\n') {
                put_char('\r');
            }
            put_char(*fmt);
            continue;
        }
        bool is_long = *++fmt == 'l';

        fmt += is_long;
        switch (*fmt) {
        case 's':
            put_string(va_arg(ap, const char *));
            break;
        case 'c':
            put_char((char)va_arg(ap, int));
            break;
        case 'd':
            put_signed(is_long ? va_arg(ap, int64_t) : va_arg(ap, int));
            break;
        case 'u':
        case 'x':
            put_number(is_long ? va_arg(ap, uint64_t) : va_arg(ap, unsigned),
                       *fmt == 'u' ? 10 : 16);
            break;
        default:
            put_char(*fmt);
        }
    }
    va_end(ap);
}

void wait_for_line(void)
{
    do {
        while (read32(UART_FR) & (1 << 4)) {
        }
    } while ((read32(UART_BASE) & 0xff) != '\n');
}

uint64_t ticks_to_ns(uint64_t t)
{
    uint64_t freq = SYSREG_READ(cntfrq_el0);

    return t / freq * 1000000000 + t % freq * 1000000000 / freq;
}

uint64_t us_to_ticks(uint64_t us)
{
    return us * SYSREG_READ(cntfrq_el0) / 1000000;
}

void delay_us(uint64_t us)
{
    uint64_t start = ticks(), length = us_to_ticks(us);

    while (ticks() - start < length) {
    }
}

void timer_start_us(uint64_t us)
{
    SYSREG_WRITE(cntv_cval_el0, ticks() + us_to_ticks(us));
    SYSREG_WRITE(cntv_ctl_el0, 1);
}

void timer_stop(void)
{
    SYSREG_WRITE(cntv_ctl_el0, 0);
}

volatile Survivor *survivor(uint64_t magic)
{
    volatile Survivor *s = (volatile Survivor *)SURVIVOR_BASE;

    if (s->magic != magic) {
        *s = (Survivor){.magic = magic};
    }
    s->boots++;
    return s;
}

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

void power_off(void)
{
    psci(PSCI_SYSTEM_OFF, 0, 0, 0);
    for (;;) {
    }
}

void system_reset(void)
{
    psci(PSCI_SYSTEM_RESET, 0, 0, 0);
    for (;;) {
    }
}

unsigned this_cpu(void)
{
    uint64_t mpidr = SYSREG_READ(mpidr_el1);

    return (mpidr & 0xff) + (mpidr >> 8 & 0xff) * 16;
}

bool cpu_start(unsigned cpu, void (*fn)(void))
{
    uint64_t affinity = cpu % 16 | (uint64_t)(cpu / 16) << 8;

    if (cpu >= MAX_CPUS) {
        return false;
    }
    secondary_fn[cpu] = fn;
    return psci(PSCI_CPU_ON, affinity, (uint64_t)secondary_entry, cpu) == 0;
}

void lib_secondary(unsigned cpu)
{
    secondary_fn[cpu]();
}

static void take_fault(uint64_t kind)
{
    uint64_t esr = SYSREG_READ(esr_el1), far = SYSREG_READ(far_el1);
    uint64_t elr = SYSREG_READ(elr_el1);

    if (!expect_fault || kind != KIND_SYNC) {
        print("\nfault: kind=%lu esr=%lx far=%lx elr=%lx\n", kind, esr, far,
              elr);
        power_off();
    }
    fault_count++;
    fault_esr = esr;
    fault_far = far;
    SYSREG_WRITE(elr_el1, elr + 4);
}

void lib_exception(uint64_t entry, uint64_t kind)
{
    if (kind == KIND_IRQ) {
        gic_dispatch(entry);
    } else {
        take_fault(kind);
    }
}

void lib_main(const void *dtb, uint64_t mark)
{
    if (mark != ENTRY_MARK) {
        print("start: entered past the first instruction\n");
        power_off();
    }
    fdt_init(dtb);
    gic_version = SYSREG_READ(id_aa64pfr0_el1) >> 24 & 0xf ? 3 : 2;
    payload_main();
    power_off();
}
