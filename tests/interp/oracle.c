/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The oracle's side of the differential test: an arm64 Linux program, for
 * qemu-aarch64 (or an Arm machine), which runs the cases of diff-format.h.
 *
 * All of it happens in one signal handler. A case ends by a signal; its
 * context holds every register, which is the result. The handler then reads
 * the next case, writes its registers into the context, and returns into it.
 * TPIDR_EL0 alone is in no context: it is the case's on the way in, and must
 * be the C library's again before anything else is done.
 */

#include <asm/sigcontext.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include "diff-format.h"

static uint64_t templates[DIFF_TEMPLATES][DIFF_DATA_WORDS];
static uint64_t own_tpidr;
static uint64_t case_tpidr;
static DiffCase now;
static int have_case;

static void give_up(const char *what)
{
    perror(what);
    _exit(1);
}

/* 0 at the end of the input. */
static int read_all(void *to, size_t size)
{
    size_t got = 0;

    while (got < size) {
        ssize_t n = read(STDIN_FILENO, (char *)to + got, size - got);

        if (n < 0) {
            give_up("read");
        }
        if (n == 0) {
            return 0;
        }
        got += n;
    }
    return 1;
}

static void write_all(const void *from, size_t size)
{
    size_t put = 0;

    while (put < size) {
        ssize_t n = write(STDOUT_FILENO, (const char *)from + put, size - put);

        if (n < 0) {
            give_up("write");
        }
        put += n;
    }
}

static struct fpsimd_context *fpsimd(ucontext_t *context)
{
    char *at = (char *)context->uc_mcontext.__reserved;
    struct _aarch64_ctx *head = (struct _aarch64_ctx *)at;

    while (head->magic != FPSIMD_MAGIC) {
        if (!head->size) {
            fputs("oracle: no FPSIMD registers in the context\n", stderr);
            _exit(1);
        }
        at += head->size;
        head = (struct _aarch64_ctx *)at;
    }
    return (struct fpsimd_context *)head;
}

static void load(const DiffState *state, ucontext_t *context)
{
    struct fpsimd_context *fp = fpsimd(context);

    memcpy(context->uc_mcontext.regs, state->x, sizeof(state->x));
    context->uc_mcontext.sp = state->sp;
    context->uc_mcontext.pc = DIFF_START;
    context->uc_mcontext.pstate = state->nzcv & 0xf0000000;
    memcpy(fp->vregs, state->v, sizeof(state->v));
    fp->fpcr = state->fpcr;
    fp->fpsr = state->fpsr;
    case_tpidr = state->tpidr;
}

static void store(DiffState *state, ucontext_t *context)
{
    struct fpsimd_context *fp = fpsimd(context);

    memcpy(state->x, context->uc_mcontext.regs, sizeof(state->x));
    state->sp = context->uc_mcontext.sp;
    state->pc = context->uc_mcontext.pc;
    state->nzcv = context->uc_mcontext.pstate & 0xf0000000;
    memcpy(state->v, fp->vregs, sizeof(state->v));
    state->fpcr = fp->fpcr;
    state->fpsr = fp->fpsr;
    state->tpidr = case_tpidr;
}

static DiffStop stop_of(int signal, uint64_t pc)
{
    uint32_t word;

    switch (signal) {
    case SIGILL:
        return DIFF_STOP_ILL;
    case SIGSEGV:
        return DIFF_STOP_SEGV;
    case SIGBUS:
        return DIFF_STOP_BUS;
    default:
        memcpy(&word, (void *)pc, sizeof(word));
        return word == DIFF_BRK ? DIFF_STOP_END : DIFF_STOP_TRAP;
    }
}

static void report(int signal, const siginfo_t *info, ucontext_t *context)
{
    DiffResult result = {0};

    store(&result.state, context);
    result.stop = stop_of(signal, result.state.pc);
    if (result.stop == DIFF_STOP_SEGV || result.stop == DIFF_STOP_BUS) {
        result.fault = (uintptr_t)info->si_addr;
    }
    diff_changes(&result, (uint64_t *)DIFF_DATA, templates[now.template]);
    write_all(&result, sizeof(result));
}

/* Code that is there already stays: translating it is what takes time. */
static void place_code(void)
{
    char *at = (char *)DIFF_START;

    for (unsigned i = now.words; i < DIFF_WORDS; i++) {
        now.code[i] = DIFF_BRK;
    }
    if (memcmp(at, now.code, sizeof(now.code))) {
        memcpy(at, now.code, sizeof(now.code));
        __builtin___clear_cache(at, at + sizeof(now.code));
    }
}

static void next_case(ucontext_t *context)
{
    if (!read_all(&now, sizeof(now))) {
        _exit(0);
    }
    if (now.words > DIFF_WORDS || now.template >= DIFF_TEMPLATES) {
        fputs("oracle: a case that is none\n", stderr);
        _exit(1);
    }
    place_code();
    memcpy((void *)DIFF_DATA, templates[now.template], DIFF_DATA_SIZE);
    load(&now.state, context);
    have_case = 1;
}

static void on_signal(int signal, siginfo_t *info, void *context)
{
    __asm__ volatile("mrs %0, tpidr_el0" : "=r"(case_tpidr));
    __asm__ volatile("msr tpidr_el0, %0" : : "r"(own_tpidr) : "memory");
    if (have_case) {
        report(signal, info, context);
    }
    next_case(context);
    __asm__ volatile("msr tpidr_el0, %0" : : "r"(case_tpidr) : "memory");
}

static void *map(uint64_t at, size_t size, int protection)
{
    void *mapped =
        mmap((void *)at, size, protection,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

    if (mapped == MAP_FAILED) {
        give_up("mmap");
    }
    return mapped;
}

static void make_address_space(void)
{
    uint32_t *code =
        map(DIFF_CODE, DIFF_CODE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC);

    for (unsigned i = 0; i < DIFF_CODE_SIZE / 4; i++) {
        code[i] = DIFF_BRK;
    }
    map(DIFF_DATA, DIFF_DATA_SIZE, PROT_READ | PROT_WRITE);
    for (unsigned i = 0; i < DIFF_TEMPLATES; i++) {
        diff_template(templates[i], i);
    }
    memcpy(map(DIFF_ROM, DIFF_ROM_SIZE, PROT_READ | PROT_WRITE), templates[0],
           DIFF_ROM_SIZE);
    mprotect((void *)DIFF_ROM, DIFF_ROM_SIZE, PROT_READ);
}

int main(void)
{
    static const int signals[] = {SIGILL, SIGSEGV, SIGBUS, SIGTRAP};
    static char stack[1 << 17] __attribute__((aligned(16)));
    struct sigaction action = {.sa_sigaction = on_signal,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK};

    __asm__ volatile("mrs %0, tpidr_el0" : "=r"(own_tpidr));
    make_address_space();
    if (sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof(stack)},
                    NULL)) {
        give_up("sigaltstack");
    }
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
        if (sigaction(signals[i], &action, NULL)) {
            give_up("sigaction");
        }
    }
    raise(SIGTRAP);
    return 1;
}
