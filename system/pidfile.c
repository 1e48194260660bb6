/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pid file. The lock, not the file, says that a process lives: one left by
 * a crash is simply taken over. Between our open and our lock the previous
 * owner may have removed the file, so that we hold a lock on a file that has
 * no name any more; then we try again.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "system/pidfile.h"
#include "util/fd.h"

struct PidFile {
    int fd;
    char *path;
};

/* A locked descriptor of the file that @path names now, or -1. */
static int open_locked(const char *path, Error **errp)
{
    for (;;) {
        autofd int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        struct stat ours, named;

        if (fd < 0) {
            error_setg_errno(errp, errno, "-pidfile: cannot open %s", path);
            return -1;
        }
        /* What is no file of ours is not ours to remove. */
        if (fstat(fd, &ours) < 0 || !S_ISREG(ours.st_mode)) {
            error_setg(errp, "-pidfile: %s is not a regular file", path);
            return -1;
        }
        if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
            error_setg_errno(errp, errno,
                             "-pidfile: %s belongs to another process", path);
            return -1;
        }
        if (stat(path, &named) == 0 && ours.st_dev == named.st_dev &&
            ours.st_ino == named.st_ino) {
            return fd_steal(&fd);
        }
    }
}

PidFile *pidfile_new(const char *path, Error **errp)
{
    g_autofree char *text = g_strdup_printf("%d\n", (int)getpid());
    ssize_t length = strlen(text);
    g_autoptr(PidFile) pidfile = NULL;
    int fd = open_locked(path, errp);

    if (fd < 0) {
        return NULL;
    }
    pidfile = g_new(PidFile, 1);
    pidfile->fd = fd;
    pidfile->path = g_strdup(path);
    if (ftruncate(fd, 0) < 0 || pwrite(fd, text, length, 0) != length) {
        error_setg_errno(errp, errno, "-pidfile: cannot write %s", path);
        return NULL;
    }
    return g_steal_pointer(&pidfile);
}

void pidfile_free(PidFile *pidfile)
{
    if (pidfile) {
        unlink(pidfile->path);
        fd_close(&pidfile->fd);
        g_free(pidfile->path);
        g_free(pidfile);
    }
}
