/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PdMemory: a memfd, mapped here as a whole. It is sealed, so that a client
 * which maps it need not fear that it is cut under its feet, and so that the
 * client cannot do that to us.
 */

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010 /* linux/fcntl.h, since 5.1 */
#endif

static int pd_memory_map(PdMemory *memory, bool read_only)
{
    int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

    if (ftruncate(memory->fd, memory->size) < 0) {
        return -errno;
    }
    memory->host = mmap(NULL, memory->size, PROT_READ | PROT_WRITE, MAP_SHARED,
                        memory->fd, 0);
    if (memory->host == MAP_FAILED) {
        memory->host = NULL;
        return -errno;
    }
    if (read_only) {
        seals |= F_SEAL_FUTURE_WRITE;
    }
    return fcntl(memory->fd, F_ADD_SEALS, seals) < 0 ? -errno : 0;
}

int pd_memory_init(PdMemory *memory, uint64_t size, bool read_only)
{
    uint64_t page = sysconf(_SC_PAGESIZE);
    int ret;

    *memory = (PdMemory){.fd = -1};
    if (size > INT64_MAX - page) {
        return -EFBIG;
    }
    memory->size = (size + page - 1) / page * page;
    memory->fd =
        memfd_create("platypus-device", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    ret = memory->fd < 0 ? -errno : pd_memory_map(memory, read_only);
    if (ret < 0) {
        pd_memory_finish(memory);
    }
    return ret;
}

void pd_memory_finish(PdMemory *memory)
{
    if (memory->host) {
        munmap(memory->host, memory->size);
    }
    if (memory->fd >= 0) {
        close(memory->fd);
    }
    *memory = (PdMemory){.fd = -1};
}
