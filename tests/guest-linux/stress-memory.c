/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mappings and code that change under other threads: what was read through an
 * old translation, or was run from before a change, is an error here.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "stress.h"

/* -- mappings ------------------------------------------------------------- */

static struct {
    _Atomic uint64_t phase; /* even: the page of that number is mapped */
    volatile uint64_t *page;
    uint8_t *scratch;
    int fd;
} tlb;

static void *tlb_reader(void *arg)
{
    while (!stop) {
        uint64_t before = tlb.phase, v;

        if (before & 1) {
            continue;
        }
        v = *tlb.page;
        atomic_thread_fence(memory_order_acquire);
        if (tlb.phase == before) {
            CHECK(v == (before / 2) % 4, "page %lu is mapped, %lu was read",
                  (unsigned long)(before / 2) % 4, (unsigned long)v);
            done++;
        }
    }
    return arg;
}

/* One page after the other at one address, while others read there. */
static void *tlb_mapper(void *arg)
{
    for (uint64_t n = 1; !stop; n++) {
        void *p;

        tlb.phase++;
        p = mmap((void *)tlb.page, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED,
                 tlb.fd, (off_t)(n % 4 * PAGE));
        CHECK(p == tlb.page, "mmap: %s", strerror(errno));
        tlb.phase++;
        if (n % 64 == 0) {
            usleep(1);
        }
    }
    return arg;
}

static void *tlb_unmapper(void *arg)
{
    for (uint64_t n = 0; !stop; n++) {
        size_t size = (1 + n % 40) * PAGE;
        volatile uint64_t *p = map(size, PROT_READ | PROT_WRITE);

        for (size_t i = 0; i < size / 8; i += PAGE / 8) {
            CHECK(p[i] == 0, "a new page is not empty");
            p[i] = n;
        }
        munmap((void *)p, size);
    }
    return arg;
}

void test_mappings(void)
{
    pthread_t others[2];
    uint64_t i;

    tlb.fd = memfd_create("stress", 0);
    CHECK(tlb.fd >= 0 && ftruncate(tlb.fd, 4 * PAGE) == 0, "memfd");
    for (i = 0; i < 4; i++) {
        CHECK(pwrite(tlb.fd, &i, sizeof(i), (off_t)(i * PAGE)) == 8, "pwrite");
    }
    tlb.page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, tlb.fd, 0);
    CHECK(tlb.page != MAP_FAILED, "mmap: %s", strerror(errno));
    others[0] = start(tlb_mapper, 0);
    others[1] = start(tlb_unmapper, 0);
    run_threads(tlb_reader, 3);
    pthread_join(others[0], NULL);
    pthread_join(others[1], NULL);
}

static _Atomic uint64_t protect_phase; /* odd: the page is read-only */
static atomic_bool protect_end;
static volatile uint64_t *guarded;
static atomic_ulong guard_faults;

/* Leaves the store out. */
static void on_protected(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)info;
    guard_faults++;
    ((ucontext_t *)context)->uc_mcontext.pc += 4;
}

static void guarded_store(unsigned i, uint64_t value)
{
    __asm__ volatile("str %1, [%0]"
                     :
                     : "r"(&guarded[i]), "r"(value)
                     : "memory");
}

/* Writes all the time, and once more when told that this must fault. */
static void *protect_writer(void *arg)
{
    while (!protect_end) {
        uint64_t phase = protect_phase;
        unsigned long faults = guard_faults;

        if (phase & 1) {
            guarded_store(1, phase);
            CHECK(guard_faults == faults + 1 && guarded[1] != phase,
                  "a page that is read-only was written");
            done++;
            protect_phase = phase + 1;
        } else {
            guarded_store(2, phase);
        }
    }
    return arg;
}

/* A page is made read-only under a thread that writes to it. */
void test_protect(void)
{
    pthread_t t;

    handle(SIGSEGV, on_protected);
    guarded = map(PAGE, PROT_READ | PROT_WRITE);
    t = start(protect_writer, 0);
    while (!stop) {
        mprotect((void *)guarded, PAGE, PROT_READ);
        protect_phase++;
        while (protect_phase & 1) {
            sched_yield();
        }
        mprotect((void *)guarded, PAGE, PROT_READ | PROT_WRITE);
        usleep(1);
    }
    protect_end = true;
    pthread_join(t, NULL);
}

/* -- code that changes ---------------------------------------------------- */

typedef uint64_t Code(void);

static struct {
    uint32_t *write; /* the same memory, at two addresses */
    uint32_t *run;
    _Atomic uint64_t version, taken[THREADS];
} code;

/* movz x0, #v; ret */
static void write_code(uint32_t *at, uint32_t *run, unsigned v)
{
    at[0] = 0xd2800000 | (v & 0xffff) << 5;
    at[1] = 0xd65f03c0;
    __builtin___clear_cache((char *)at, (char *)(at + 2));
    __builtin___clear_cache((char *)run, (char *)(run + 2));
}

static void *code_runner(void *arg)
{
    uintptr_t me = (uintptr_t)arg;

    while (!stop) {
        uint64_t v = code.version;

        if (code.taken[me] != v) {
            __asm__ volatile("isb" ::: "memory");
            CHECK(((Code *)code.run)() == (v & 0xffff), "stale code was run");
            code.taken[me] = v;
            done++;
        }
    }
    return NULL;
}

static bool all_taken(uint64_t version)
{
    for (unsigned i = 0; i < 2; i++) {
        if (code.taken[i] != version) {
            return false;
        }
    }
    return true;
}

void test_code(void)
{
    int fd = memfd_create("code", 0);
    uint32_t *own_code = map(PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
    pthread_t t[2];

    CHECK(fd >= 0 && ftruncate(fd, PAGE) == 0, "memfd");
    code.write = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    code.run = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    CHECK(code.write != MAP_FAILED && code.run != MAP_FAILED, "mmap");
    write_code(code.write, code.run, 0);
    t[0] = start(code_runner, 0);
    t[1] = start(code_runner, 1);
    for (unsigned v = 1; !stop; v++) {
        uint32_t *at = own_code + v % 100 * 10;

        write_code(at, at, v);
        CHECK(((Code *)at)() == (v & 0xffff), "own code is stale");
        write_code(code.write, code.run, v);
        code.version = v;
        while (!stop && !all_taken(v)) {
            sched_yield();
        }
    }
    pthread_join(t[0], NULL);
    pthread_join(t[1], NULL);
}
