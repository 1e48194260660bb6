/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The node of a device that has no kernel to tell of it: from a small device
 * tree that a person wrote. Source is compiled by dtc, if there is one; it is
 * called by its arguments, so that no file name means anything to a shell.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host-user.h"
#include "util/fd.h"

#define NODE_MAX_BYTES (1024 * 1024)

/* At most @max bytes of what is left in @fd; -1 with errno. */
static ssize_t read_up_to(int fd, char *bytes, size_t max)
{
    size_t size = 0;
    ssize_t n = 1;

    while (n > 0 && size < max) {
        n = read(fd, bytes + size, max - size);
        size += MAX(n, 0);
    }
    return n < 0 ? -1 : (ssize_t)size;
}

/* All of a regular file; *@size bytes, the caller frees them. */
static void *read_small_file(const char *path, size_t *size, Error **errp)
{
    /* Without waiting for somebody to write, should it be a FIFO. */
    autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    g_autofree char *bytes = g_malloc(NODE_MAX_BYTES + 1);
    struct stat st;
    ssize_t n;

    if (fd < 0 || fstat(fd, &st) < 0) {
        error_setg_errno(errp, errno, "cannot read it");
        return NULL;
    }
    n = S_ISREG(st.st_mode) ? read_up_to(fd, bytes, NODE_MAX_BYTES + 1)
                            : NODE_MAX_BYTES + 1;
    if (n < 0) {
        error_setg_errno(errp, errno, "cannot read all of it");
        return NULL;
    }
    if (n > NODE_MAX_BYTES) {
        error_setg(errp, "not a file of at most %d bytes", NODE_MAX_BYTES);
        return NULL;
    }
    *size = n;
    return g_steal_pointer(&bytes);
}

static bool run_dtc(const char *dtc, const char *path, const char *to,
                    Error **errp)
{
    const char *argv[] = {dtc,  "-q", "-I", "dts", "-O", "dtb",
                          "-o", to,   "--", path,  NULL};
    g_autofree char *said = NULL;
    g_autoptr(GError) gerr = NULL;
    int status;

    if (!g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_STDOUT_TO_DEV_NULL,
                      NULL, NULL, NULL, &said, &status, &gerr)) {
        error_setg(errp, "cannot run %s: %s", dtc, gerr->message);
        return false;
    }
    if (status != 0) {
        g_strdelimit(g_strstrip(said), "\n", ' ');
        error_setg(errp, "dtc does not compile it: %.400s", said);
        return false;
    }
    return true;
}

static void *compile(const char *path, size_t *size, Error **errp)
{
    g_autofree char *dtc = g_find_program_in_path("dtc");
    g_autofree char *to = NULL;
    g_autoptr(GError) gerr = NULL;
    autofd int fd = -1;
    void *blob = NULL;

    if (!dtc) {
        error_setg(errp, "there is no dtc in PATH to compile it; try: install "
                         "device-tree-compiler, or give a .dtb");
        return NULL;
    }
    fd = g_file_open_tmp("platypus-XXXXXX.dtb", &to, &gerr);
    if (fd < 0) {
        error_setg(errp, "no temporary file: %s", gerr->message);
        return NULL;
    }
    if (run_dtc(dtc, path, to, errp)) {
        blob = read_small_file(to, size, errp);
    }
    unlink(to);
    return blob;
}

VFIOHostNode *user_node_load(const char *path, Error **errp)
{
    g_autofree void *blob = NULL;
    g_autofree char *what = g_strdup_printf("dtb-node=%s", path);
    size_t size = 0;

    if (g_str_has_suffix(path, ".dts")) {
        blob = compile(path, &size, errp);
    } else {
        blob = read_small_file(path, &size, errp);
    }
    if (!blob) {
        error_prepend(errp, "%s: ", what);
        return NULL;
    }
    return vfio_host_node_from_fdt(blob, size, what, errp);
}

VFIOHostNode *user_node_of_socket(const char *socket)
{
    g_autofree char *name = g_path_get_basename(socket);
    char *dot = strrchr(name, '.');

    if (dot) {
        *dot = '\0';
    }
    return vfio_host_node_new(g_ascii_isalpha(*name) ? name : "device");
}
