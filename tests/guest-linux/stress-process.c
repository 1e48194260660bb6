/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads, forks, signals and what the kernel switches between them: pages
 * that are copied on write, and floating-point and vector registers.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stress.h"

/* -- threads -------------------------------------------------------------- */

static _Thread_local uint64_t own;

static void *short_thread(void *arg)
{
    own = scramble((uintptr_t)arg);
    return (void *)own;
}

static void *thread_maker(void *arg)
{
    for (uintptr_t i = 0; !stop; i++) {
        pthread_t t[3];
        void *result;

        for (uintptr_t k = 0; k < 3; k++) {
            t[k] = start(short_thread, i + k);
        }
        for (uintptr_t k = 0; k < 3; k++) {
            pthread_join(t[k], &result);
            CHECK((uint64_t)result == scramble(i + k), "a thread's result");
        }
        done += 3;
    }
    return arg;
}

void test_threads(void)
{
    run_threads(thread_maker, 2);
}

/* -- forks ---------------------------------------------------------------- */

#define COW_WORDS (8 * PAGE / 8)

/* The child writes what the parent must not see, and some become others. */
static void fork_one(uint64_t *pages, unsigned n)
{
    int fd[2], status;
    uint64_t word = 0;
    pid_t pid;

    CHECK(pipe(fd) == 0, "pipe: %s", strerror(errno));
    pid = fork();
    CHECK(pid >= 0, "fork: %s", strerror(errno));
    if (pid == 0) {
        uint64_t sum = 0;

        for (unsigned i = 0; i < COW_WORDS; i += 16) {
            CHECK(pages[i] == scramble(i), "the child's memory differs");
            pages[i] += n;
            sum += pages[i];
        }
        if (write(fd[1], &sum, sizeof(sum)) != sizeof(sum)) {
            _exit(1);
        }
        if (n % 4 == 0) {
            execl("/proc/self/exe", "stress", "child", (char *)NULL);
            _exit(1);
        }
        _exit(42);
    }
    CHECK(read(fd[0], &word, sizeof(word)) == sizeof(word), "pipe: no sum");
    for (unsigned i = 0; i < COW_WORDS; i += 16) {
        CHECK(pages[i] == scramble(i), "the parent's memory has changed");
        word -= scramble(i) + n;
    }
    CHECK(word == 0, "the child's sum is wrong");
    CHECK(waitpid(pid, &status, 0) == pid, "wait: %s", strerror(errno));
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42,
          "the child ended with %#x", status);
    close(fd[0]);
    close(fd[1]);
}

void test_fork(void)
{
    uint64_t *pages = mmap(NULL, COW_WORDS * 8, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(pages != MAP_FAILED, "mmap: %s", strerror(errno));
    for (unsigned i = 0; i < COW_WORDS; i++) {
        pages[i] = scramble(i);
    }
    for (unsigned n = 0; !stop; n++) {
        fork_one(pages, n);
        done++;
    }
}

/* -- signals -------------------------------------------------------------- */

static volatile sig_atomic_t queued_next, ticks;
static uint64_t *guarded;
static atomic_ulong guard_faults;

static void on_queued(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)context;
    CHECK(info->si_value.sival_int == queued_next, "signal %d, not %d",
          info->si_value.sival_int, queued_next);
    queued_next++;
}

/* Floating point in the handler must not be felt outside. */
static void on_tick(int sig)
{
    volatile double x = 1.5;

    (void)sig;
    for (int i = 0; i < 20; i++) {
        x = x * 1.25 - 0.5;
    }
    ticks++;
}

static void on_guard(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)context;
    CHECK((uintptr_t)info->si_addr / PAGE == (uintptr_t)guarded / PAGE,
          "a fault at %p", info->si_addr);
    guard_faults++;
    mprotect(guarded, PAGE, PROT_READ | PROT_WRITE);
}

static double recurrence(void)
{
    double x = 0.3, sum = 0;

    for (int i = 0; i < 20000; i++) {
        x = 3.99 * x * (1 - x);
        sum += x / (i + 1);
    }
    return sum;
}

void test_signals(void)
{
    struct itimerval tick = {{0, 3000}, {0, 3000}};
    struct sigaction sa = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
    stack_t stack = {.ss_sp = map(16 * PAGE, PROT_READ | PROT_WRITE),
                     .ss_size = 16 * PAGE};
    double expected;

    sigaltstack(&stack, NULL);
    handle(SIGRTMIN, on_queued);
    handle(SIGSEGV, on_guard);
    sigaction(SIGVTALRM, &sa, NULL);
    guarded = map(PAGE, PROT_READ | PROT_WRITE);
    expected = recurrence();
    setitimer(ITIMER_VIRTUAL, &tick, NULL);
    for (unsigned long n = 1; !stop || !ticks; n++) {
        for (int i = 0; i < 10; i++) {
            union sigval v = {.sival_int = queued_next};

            CHECK(sigqueue(getpid(), SIGRTMIN, v) == 0, "sigqueue");
        }
        CHECK(recurrence() == expected, "a signal changed the result");
        mprotect(guarded, PAGE, PROT_READ);
        guarded[n % 512]++;
        CHECK(guard_faults == n, "%lu faults of %lu",
              (unsigned long)guard_faults, n);
        done++;
    }
    CHECK(queued_next == (int)done * 10, "signals were lost");
}

/* -- registers across context switches ------------------------------------- */

#define EACH_V(op)                                                            \
    op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11) \
        op(12) op(13) op(14) op(15) op(16) op(17) op(18) op(19) op(20) op(21) \
            op(22) op(23) op(24) op(25) op(26) op(27) op(28) op(29) op(30)    \
                op(31)
#define FILL_V(n) "add x9, %0, #" #n "\n\tdup v" #n ".2d, x9\n\t"
#define LOOK_V(n)               \
    "umov x9, v" #n ".d[1]\n\t" \
    "sub x9, x9, %0\n\t"        \
    "sub x9, x9, #" #n "\n\t"   \
    "orr x10, x10, x9\n\t"
#define NAME_V(n) "v" #n,

static void *register_keeper(void *arg)
{
    uint64_t n = (uintptr_t)arg << 32, differ;

    for (; !stop; n += 64) {
        __asm__ volatile(
            EACH_V(FILL_V) "mov x10, #0\n\t"
                           "mov x8, %2\n\t"
                           "svc #0\n\t"
                           "mov x10, #0\n\t" EACH_V(LOOK_V) "mov %1, x10"
            : "+r"(n), "=r"(differ)
            : "i"(SYS_sched_yield)
            : EACH_V(NAME_V) "x0", "x8", "x9", "x10", "memory");
        CHECK(differ == 0, "a vector register changed in a system call");
        done++;
    }
    return NULL;
}

void test_registers(void)
{
    run_threads(register_keeper, THREADS);
}
