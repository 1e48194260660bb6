/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a CPU and its MMU must get right with several of them at work, for a
 * number of seconds: futexes, forks, signals, threads, memory order, mappings
 * that change under others (broadcast TLBI), code that changes under others
 * (cache maintenance), and registers across context switches. Each test is a
 * process, all run at once, and checks all that it does.
 *
 *     stress SECONDS [TEST...]
 *
 * prints "stress: NAME ok" for each, or "stress: NAME FAILED: why"; counts of
 * what was done go to lines "stress# ...". Status 0 only if all are ok.
 * A test that does not end fails by its alarm.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stress.h"

typedef struct Test {
    const char *name;
    void (*run)(void);
    bool spins; /* all the time: it gets less of the CPUs than the others */
} Test;

static const Test tests[] = {
    {"futex", test_futex, false},      {"mutex", test_mutex, true},
    {"atomic", test_atomic, true},     {"order", test_order, true},
    {"stores", test_stores, false},    {"threads", test_threads, false},
    {"fork", test_fork, false},        {"signals", test_signals, false},
    {"mappings", test_mappings, true}, {"protect", test_protect, false},
    {"code", test_code, false},        {"registers", test_registers, true},
};

#define TESTS (sizeof(tests) / sizeof(tests[0]))

atomic_bool stop;
atomic_ulong done;

static const char *test_name;
static unsigned seconds;

void fail(const char *fmt, ...)
{
    char text[200];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    dprintf(1, "stress: %s FAILED: %s\n", test_name, text);
    _exit(1);
}

void *map(size_t size, int prot)
{
    void *p = mmap(NULL, size, prot, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    CHECK(p != MAP_FAILED, "mmap: %s", strerror(errno));
    return p;
}

pthread_t start(void *(*fn)(void *), uintptr_t arg)
{
    pthread_t t;
    int err = pthread_create(&t, NULL, fn, (void *)arg);

    CHECK(err == 0, "pthread_create: %s", strerror(err));
    return t;
}

void run_threads(void *(*fn)(void *), unsigned n)
{
    pthread_t t[16];

    for (unsigned i = 0; i < n; i++) {
        t[i] = start(fn, i);
    }
    for (unsigned i = 0; i < n; i++) {
        pthread_join(t[i], NULL);
    }
}

uint64_t scramble(uint64_t x)
{
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdu;
    x ^= x >> 33;
    return x * 0xc4ceb9fe1a85ec53u;
}

void handle(int sig, void (*fn)(int, siginfo_t *, void *))
{
    struct sigaction sa = {.sa_sigaction = fn,
                           .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};

    sigaction(sig, &sa, NULL);
}

static void on_alarm(int sig)
{
    (void)sig;
    CHECK(!stop, "it does not end");
    stop = true;
    alarm(30 + 2 * seconds);
}

static pid_t start_test(const Test *test, unsigned long *count)
{
    struct sigaction sa = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    pid_t pid = fork();

    if (pid != 0) {
        return pid;
    }
    test_name = test->name;
    sigaction(SIGALRM, &sa, NULL);
    alarm(seconds);
    CHECK(!test->spins || nice(10) == 10, "nice: %s", strerror(errno));
    test->run();
    CHECK(done > 0, "it did nothing");
    *count = done;
    _exit(0);
}

static bool selected(const char *name, char **names)
{
    if (!*names) {
        return true;
    }
    for (; *names; names++) {
        if (strcmp(*names, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool end_test(const Test *test, pid_t pid, const unsigned long *count)
{
    int status;

    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        printf("stress: %s FAILED: no process\n", test->name);
        return false;
    }
    printf("stress# %s %lu\n", test->name, *count);
    if (WIFSIGNALED(status)) {
        printf("stress: %s FAILED: signal %d\n", test->name, WTERMSIG(status));
    } else if (status == 0) {
        printf("stress: %s ok\n", test->name);
    }
    return status == 0;
}

int main(int argc, char **argv)
{
    unsigned long *counts;
    pid_t pids[TESTS] = {0};
    bool ok = true;

    if (argc > 1 && strcmp(argv[1], "child") == 0) {
        return 42;
    }
    seconds = argc > 1 ? (unsigned)atoi(argv[1]) : 0;
    if (!seconds) {
        fprintf(stderr, "usage: stress SECONDS [TEST...]\n");
        return 2;
    }
    test_name = "start";
    counts = map(PAGE, PROT_READ | PROT_WRITE);
    for (unsigned i = 0; i < TESTS; i++) {
        if (selected(tests[i].name, argv + 2)) {
            pids[i] = start_test(&tests[i], &counts[i]);
        }
    }
    for (unsigned i = 0; i < TESTS; i++) {
        if (pids[i]) {
            ok = end_test(&tests[i], pids[i], &counts[i]) && ok;
        }
    }
    puts(ok ? "stress: all ok" : "stress: FAILED");
    return !ok;
}
