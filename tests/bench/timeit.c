/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * timeit [-m MARKER [-r RAM_MIB]] [-t SECONDS] COMMAND...: what one run costs.
 * It prints, on standard error, "timeit: ns=N marker_ns=N maxrss_kib=N
 * own_kib=N status=N": exec to exit, exec to the first line of output that
 * holds MARKER, the peak resident size, and the resident size at that line
 * without the mapping of RAM_MIB, which is the guest's memory. What was not
 * asked for or never came is -1. With -m the command's output passes through
 * here. Under the emulated board's -icount a nanosecond is an instruction.
 */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Sums the resident sizes of all mappings but those as large as the RAM. */
static long resident_without(pid_t pid, unsigned long ram_kib)
{
    char path[64], line[256];
    unsigned long size = 0, rss, total = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/smaps", (int)pid);
    f = fopen(path, "r");
    if (!f) {
        return -1;
    }
    while (fgets(line, sizeof(line), f)) {
        sscanf(line, "Size: %lu kB", &size);
        if (sscanf(line, "Rss: %lu kB", &rss) == 1 && size < ram_kib) {
            total += rss;
        }
    }
    fclose(f);
    return (long)total;
}

typedef struct Watch {
    const char *marker;
    unsigned long ram_kib;
    int64_t start, marker_ns;
    long own_kib;
} Watch;

static void watch_line(Watch *w, pid_t pid, const char *line)
{
    if (w->marker_ns < 0 && strstr(line, w->marker)) {
        w->marker_ns = now_ns() - w->start;
        if (w->ram_kib) {
            w->own_kib = resident_without(pid, w->ram_kib);
        }
    }
}

static void watch_output(Watch *w, pid_t pid, int fd)
{
    char line[1024];
    size_t used = 0;
    char buf[256];
    ssize_t n;

    while ((n = read(fd, buf, sizeof(buf))) > 0) {
        if (write(STDOUT_FILENO, buf, n) != n) {
            perror("timeit: standard output");
        }
        for (ssize_t i = 0; i < n; i++) {
            if (buf[i] != '\n' && used < sizeof(line) - 1) {
                line[used++] = buf[i];
                continue;
            }
            line[used] = '\0';
            watch_line(w, pid, line);
            used = 0;
        }
    }
}

static int usage(void)
{
    fputs("usage: timeit [-m MARKER [-r RAM_MIB]] [-t SECONDS] COMMAND...\n",
          stderr);
    return 125;
}

static pid_t child;

static void on_alarm(int sig)
{
    kill(child, SIGKILL);
}

int main(int argc, char **argv)
{
    Watch w = {.marker_ns = -1, .own_kib = -1};
    posix_spawn_file_actions_t actions;
    int out[2] = {-1, -1}, status, c, ret;
    unsigned seconds = 0;
    struct rusage usage_of;
    int64_t end;

    while ((c = getopt(argc, argv, "+m:r:t:")) != -1) {
        if (c == 'm') {
            w.marker = optarg;
        } else if (c == 'r') {
            w.ram_kib = strtoul(optarg, NULL, 0) << 10;
        } else if (c == 't') {
            seconds = strtoul(optarg, NULL, 0);
        } else {
            return usage();
        }
    }
    if (optind == argc) {
        return usage();
    }
    posix_spawn_file_actions_init(&actions);
    if (w.marker) {
        if (pipe(out) < 0) {
            perror("timeit: pipe");
            return 125;
        }
        posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
        posix_spawn_file_actions_addclose(&actions, out[0]);
        posix_spawn_file_actions_addclose(&actions, out[1]);
    }
    w.start = now_ns();
    ret = posix_spawnp(&child, argv[optind], &actions, NULL, argv + optind,
                       environ);
    if (ret) {
        fprintf(stderr, "timeit: %s: %s\n", argv[optind], strerror(ret));
        return 125;
    }
    signal(SIGALRM, on_alarm);
    alarm(seconds);
    if (w.marker) {
        close(out[1]);
        watch_output(&w, child, out[0]);
    }
    while (wait4(child, &status, 0, &usage_of) < 0) {
        if (errno != EINTR) {
            perror("timeit: wait");
            return 125;
        }
    }
    end = now_ns();
    status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    fprintf(stderr,
            "timeit: ns=%lld marker_ns=%lld maxrss_kib=%ld own_kib=%ld"
            " status=%d\n",
            (long long)(end - w.start), (long long)w.marker_ns,
            usage_of.ru_maxrss, w.own_kib, status);
    return status;
}
