/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hw/core/memory.h"

/*
 * Which of the guest's writes the kernel is to answer by signalling an eventfd,
 * as the I/O regions that an address space shows ask for. Whatever the kernel
 * does not take is trapped, and the memory core signals it: the same effect,
 * only later. Like kvm-bits.h it knows no kernel header.
 */
typedef struct KvmIoEventFd {
    uint64_t gpa;
    unsigned size; /* 0: any */
    bool match;    /* only @data */
    uint64_t data;
    int fd;
} KvmIoEventFd;

/** Asks the kernel for it, or (@on false) no more; 0 or -errno. */
typedef int (*KvmIoEventFdSetFn)(void *opaque, const KvmIoEventFd *entry,
                                 bool on);

typedef struct KvmIoEventFds {
    MemoryListener listener;
    GArray *entries; /* of a struct of its own; in the regions' order */
    KvmIoEventFdSetFn set;
    void *opaque;
} KvmIoEventFds;

/** Embedded; follows @as from now on. Machine lock, as of finish. */
void kvm_ioeventfds_init(KvmIoEventFds *fds, AddressSpace *as,
                         KvmIoEventFdSetFn set, void *opaque);
/** Takes all back; zeroed memory is fine. */
void kvm_ioeventfds_finish(KvmIoEventFds *fds);
