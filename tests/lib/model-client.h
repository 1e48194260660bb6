/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "user-peer.h"

/*
 * Runs platypus-device for a test and is the client of one of its models.
 * What goes wrong fails the test where it happens.
 */
typedef struct ModelClient {
    UserPeer *peer;
    GPid pid;
    int in; /* the other ends of its standard input and output; -1 */
    int out;
} ModelClient;

/** g_test_init(), and the program's path from the first argument. */
void model_client_init(int *argc, char ***argv);
const char *model_client_program(void);

/**
 * Starts the program with @args (words, up to NULL), and if @socket with
 * --fd N of a connection, as whose client it says hello.
 */
ModelClient *model_client_new(bool socket, const char *const *args);
/** With a connection; standard input and output are @in and @out, a copy. */
ModelClient *model_client_new_on(int in, int out, const char *const *args);
/** Connects to @path, as soon as somebody listens there, and says hello. */
void model_client_connect(ModelClient *client, const char *path);
void model_client_hang_up(ModelClient *client);
/** Sends @sig, if not 0, and expects status 0. */
void model_client_quit(ModelClient *client, int sig);

uint64_t model_read(ModelClient *client, unsigned region, uint64_t offset,
                    unsigned size);
void model_write(ModelClient *client, unsigned region, uint64_t offset,
                 unsigned size, uint64_t value);
/** What is there reads as ones, whatever is written to it. */
void model_no_register(ModelClient *client, unsigned region, uint64_t offset,
                       unsigned size);
void model_reset(ModelClient *client);

/** Arms @line with an eventfd, which is the caller's. */
int model_arm(ModelClient *client, unsigned line);
void model_unmask(ModelClient *client, unsigned line);
/** The eventfd is signalled now; and forgets that. */
bool model_signalled(int eventfd);
/** Waits until it is. */
void model_wait_signal(int eventfd);

/** Maps @fd (-1: nothing to share) at @iova. */
void model_dma_map(ModelClient *client, uint64_t iova, uint64_t size, int fd,
                   unsigned flags);
