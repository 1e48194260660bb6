/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compiled and run in the guest: whole numbers, floating point, vectors,
 * threads, exceptions of C's kind (longjmp) and of the kernel's (signals).
 * Prints the same on every right CPU, whatever the compiler's options.
 */
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static atomic_ullong counter;
static sigjmp_buf fault;

static void *count(void *arg)
{
    for (int i = 0; i < 10000; i++) {
        atomic_fetch_add(&counter, (uintptr_t)arg);
    }
    return NULL;
}

static void threads(void)
{
    pthread_t t[4];

    for (uintptr_t i = 0; i < 4; i++) {
        pthread_create(&t[i], NULL, count, (void *)(i + 1));
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], NULL);
    }
    printf("threads %llu\n", (unsigned long long)counter);
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static void integers(void)
{
    static uint64_t v[20000];
    uint64_t x = 88172645463325252u, h = 0;

    for (int i = 0; i < 20000; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        v[i] = x;
    }
    qsort(v, 20000, sizeof(v[0]), compare);
    for (int i = 0; i < 20000; i++) {
        h = (h ^ v[i]) * 0x100000001b3u + (h >> 29) + v[i] % (i + 1) +
            (uint64_t)((int64_t)v[i] / (i - 10001 * 2)) +
            (uint64_t)(((unsigned __int128)v[i] * h) >> 64) +
            __builtin_popcountll(v[i]) + __builtin_clzll(v[i] | 1);
    }
    printf("integers %016" PRIx64 "\n", h);
}

static void floats(void)
{
    double a[32][32], b[32][32], trace = 0;
    float f = 1;

    for (int i = 0; i < 32; i++) {
        for (int j = 0; j < 32; j++) {
            a[i][j] = 1.0 / (i + j + 1);
            b[i][j] = i == j ? 2.0 : -0.125 * (i - j);
        }
    }
    for (int n = 0; n < 8; n++) {
        double c[32][32];

        for (int i = 0; i < 32; i++) {
            for (int j = 0; j < 32; j++) {
                double s = 0;

                for (int k = 0; k < 32; k++) {
                    s = fma(a[i][k], b[k][j], s);
                }
                c[i][j] = s / 32;
            }
        }
        memcpy(a, c, sizeof(a));
    }
    for (int i = 0; i < 32; i++) {
        trace += a[i][i];
        f = f * 1.0001f + (float)i / 3;
    }
    printf("floats %a %a %.17g %.17g\n", trace, (double)f, sqrt(trace * trace),
           pow(1.0000001, 1e7));
    printf("rounding %ld %ld %g %g %g\n", lrint(2.5), lround(-2.5), floor(-0.5),
           trunc(1e300), nearbyint(3.5));
}

/* The compiler's own vector types: arm_neon.h takes seconds to read. */
typedef uint8_t Bytes __attribute__((vector_size(16)));
typedef uint32_t Words __attribute__((vector_size(16)));
typedef float Floats __attribute__((vector_size(16)));

static void vectors(void)
{
    Words w = {1, 2, 3, 4}, mask;
    Floats f = {0.5f, 0.25f, -3, 1e6f};
    Bytes b, index;

    for (unsigned i = 0; i < 16; i++) {
        b[i] = (uint8_t)(i * 37 + 11);
        index[i] = (uint8_t)(15 - i * 7 % 16);
    }
    for (int i = 0; i < 50; i++) {
        b = __builtin_shuffle(b, index) * 3 + (b >> 3);
        w = (w * 2654435761u ^ w >> 7) + (Words)b;
        mask = (Words)(f > __builtin_convertvector(w & 0xffff, Floats));
        f = (Floats)(((Words)(f * 1.5f) & ~mask) |
                     ((Words)(f - 70000.0f) & mask));
        w -= (Words)f >> 20;
    }
    printf("vectors %08x %08x %08x %08x %a %u\n", w[0], w[1], w[2], w[3],
           (double)f[0], b[0]);
}

static void on_fault(int sig)
{
    siglongjmp(fault, sig);
}

static void signals(void)
{
    struct sigaction sa = {.sa_handler = on_fault, .sa_flags = SA_NODEFER};
    volatile int *volatile nowhere = (volatile int *)64;
    volatile int got = 0;
    int sig;

    sigaction(SIGSEGV, &sa, NULL);
    sigaction(SIGILL, &sa, NULL);
    sigaction(SIGTRAP, &sa, NULL);
    for (volatile int i = 0; i < 3; i++) {
        sig = sigsetjmp(fault, 1);
        if (!sig && i == 0) {
            *nowhere = 1;
        } else if (!sig && i == 1) {
            __asm__ volatile("udf #0");
        } else if (!sig) {
            __asm__ volatile("brk #1000");
        }
        got = got * 100 + sig;
    }
    printf("signals %d\n", got);
}

int main(void)
{
    integers();
    floats();
    vectors();
    threads();
    signals();
    return 0;
}
