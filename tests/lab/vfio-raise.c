/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vfio-raise: signals the first interrupt line of another process's VFIO
 * device, as its hardware would.
 *
 *     vfio-raise PID COUNT FILE
 *
 * COUNT times, each after FILE has grown in answer to the one before: edges
 * that come faster than the guest takes them would merge into one.
 *
 * A VFIO device can be open only once, so this takes a copy of the file
 * descriptor that PID has (pidfd_getfd, which wants root) and asks the kernel
 * on it to trigger the line by hand (SET_IRQS, TRIGGER, DATA_NONE).
 */
#include <dirent.h>
#include <errno.h>
#include <linux/vfio.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The number of PID's first VFIO device among its descriptors, or -1. */
static int find_device(const char *pid)
{
    char dir[64], path[384], target[64];
    struct dirent *e;
    int found = -1;
    DIR *d;

    snprintf(dir, sizeof(dir), "/proc/%s/fd", pid);
    d = opendir(dir);
    while (d && found < 0 && (e = readdir(d))) {
        ssize_t n;

        snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        n = readlink(path, target, sizeof(target) - 1);
        target[n > 0 ? n : 0] = 0;
        if (strcmp(target, "anon_inode:[vfio-device]") == 0) {
            found = atoi(e->d_name);
        }
    }
    if (d) {
        closedir(d);
    }
    return found;
}

static int copy_device(const char *pid)
{
    int number = find_device(pid);
    int pidfd = syscall(SYS_pidfd_open, atoi(pid), 0);
    int fd = -1;

    if (number < 0) {
        errno = ENODEV;
    } else if (pidfd >= 0) {
        fd = syscall(SYS_pidfd_getfd, pidfd, number, 0);
    }
    if (pidfd >= 0) {
        close(pidfd);
    }
    return fd;
}

static off_t size_of(const char *path)
{
    struct stat st;

    return stat(path, &st) < 0 ? -1 : st.st_size;
}

/* Until the file has more than size bytes; false after ten seconds. */
static bool wait_growth(const char *path, off_t size)
{
    const struct timespec pause = {.tv_nsec = 1000 * 1000};

    for (int ms = 0; ms < 10000; ms++) {
        if (size_of(path) > size) {
            return true;
        }
        nanosleep(&pause, NULL);
    }
    return false;
}

static bool raise_once(int fd)
{
    struct vfio_irq_set set = {
        .argsz = sizeof(set),
        .flags = VFIO_IRQ_SET_ACTION_TRIGGER | VFIO_IRQ_SET_DATA_NONE,
        .count = 1,
    };

    return ioctl(fd, VFIO_DEVICE_SET_IRQS, &set) == 0;
}

int main(int argc, char **argv)
{
    int fd;

    if (argc != 4) {
        fprintf(stderr, "usage: vfio-raise PID COUNT FILE\n");
        return 1;
    }
    fd = copy_device(argv[1]);
    if (fd < 0) {
        fprintf(stderr, "vfio-raise: no VFIO device of %s: %s\n", argv[1],
                strerror(errno));
        return 1;
    }
    for (int i = 0; i < atoi(argv[2]); i++) {
        off_t size = size_of(argv[3]);

        if (!raise_once(fd)) {
            fprintf(stderr, "vfio-raise: SET_IRQS: %s\n", strerror(errno));
            return 1;
        }
        if (!wait_growth(argv[3], size)) {
            fprintf(stderr, "vfio-raise: no answer to number %d\n", i + 1);
            return 1;
        }
    }
    close(fd);
    return 0;
}
