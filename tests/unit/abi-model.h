/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>
#include <pthread.h>

#include "platypus-device.h"
#include "user-peer.h"

/*
 * A model of every kind that the server library offers, and its client by
 * hand: what the ABI tests of the library drive. The model is told what to do
 * through its first region.
 */
enum {
    ABI_REGS,   /* 4 KiB of callbacks, ABI_* below */
    ABI_MEMORY, /* 8 KiB that the client may map */
    ABI_SPARSE, /* 16 KiB: pages 1 and 3 are memory, the others callbacks */
    ABI_RO,     /* 256 bytes */
    ABI_WO,     /* 256 bytes */
    ABI_REGIONS,
};
enum {
    ABI_LEVEL,
    ABI_EDGE,
    ABI_LINES,
};

/* Registers of ABI_REGS; any other keeps what was written to it. */
#define ABI_RAISE 0x800    /* raises line n */
#define ABI_LOWER 0x808    /* lowers line n */
#define ABI_IOVA 0x810     /* where, */
#define ABI_SIZE 0x818     /* how much (32 bits), and then: */
#define ABI_READ 0x820     /* DMA into the buffer; the result is read here */
#define ABI_WRITE 0x828    /* DMA from the buffer; the result is read here */
#define ABI_NOTHING 0x830  /* no register */
#define ABI_BELL 0x840     /* doorbell, 4 bytes */
#define ABI_BELL_ANY 0x848 /* doorbell, of any size */

typedef struct AbiModel {
    PlatypusDevice *dev;
    uint8_t regs[4096];
    uint8_t sparse[16384];
    uint64_t iova;
    uint32_t size;
    int dma_result;
    uint8_t buffer[4 << 20];
    unsigned resets;
    unsigned connects;
    unsigned disconnects;
    unsigned bells;
    unsigned reads;     /* calls of ABI_REGS */
    unsigned last_size; /* of such a call */
    bool misaligned;    /* some call was */
    GString *log;
    pthread_t thread;
    bool running;
    int run_result;
    unsigned fds; /* before it all */
} AbiModel;

/** With doorbells and reset, or without. Nobody is connected yet. */
AbiModel *abi_model_new(bool all);
/** Lets a thread serve it until abi_model_free() or the client leaves. */
void abi_model_run(AbiModel *model);
/** Waits until the thread ends by itself. */
void abi_model_join(AbiModel *model);
/** Expects that no descriptor is left. */
void abi_model_free(AbiModel *model);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AbiModel, abi_model_free)

/** A client at the model's new socket pair, which has said nothing. */
UserPeer *abi_model_attach(AbiModel *model);
/** The usual: a model, its thread, a client that has said VERSION. */
UserPeer *abi_model_start(AbiModel **model, const char *json);
/** The client leaves, all goes. */
void abi_model_stop(AbiModel **model, UserPeer **client);

/** dispatch() until there is nothing to do; for a model without a thread. */
void abi_model_dispatch(AbiModel *model);

/** How many descriptors this process has. */
unsigned abi_count_fds(void);

/* What a client sends. */
#define ABI_REFUSED (-1)
#define ABI_GONE (-2)
/**
 * The command's reply: 0, ABI_REFUSED (an ERROR reply of just a header), or
 * ABI_GONE when the server hung up instead.
 */
int abi_try(UserPeer *client, uint16_t command, const void *payload,
            size_t size, const int *fds, unsigned num_fds);
#define abi_refused(client, command, payload, size, fds, num_fds)              \
    g_assert_cmpint(abi_try(client, command, payload, size, fds, num_fds), ==, \
                    ABI_REFUSED)
/**
 * @good, of @size bytes that begin with argsz, is served; not so with a byte
 * less, or an argsz that is less than @size; it is with a larger one. A longer
 * payload, of a protocol to come, may be served or refused.
 */
void abi_check_lengths(UserPeer *client, uint16_t command, const void *good,
                       size_t size);
uint64_t abi_read(UserPeer *client, unsigned region, uint64_t offset,
                  unsigned size);
void abi_write(UserPeer *client, unsigned region, uint64_t offset,
               unsigned size, uint64_t value);
/** DMA_MAP; @fd -1: none. */
int abi_dma_map(UserPeer *client, uint64_t iova, uint64_t size, uint32_t flags,
                int fd, uint64_t fd_offset);
int abi_dma_unmap(UserPeer *client, uint64_t iova, uint64_t size);
/** SET_IRQS of one, with a descriptor or -1. */
int abi_set_irq(UserPeer *client, uint32_t flags, uint32_t index,
                uint32_t count, int fd);
/** A memfd of @size, sealed as guest RAM is. */
int abi_memfd(uint64_t size);
