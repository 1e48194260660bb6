/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "hw/vfio/user.h"
#include "user-conn.h"
#include "util/lock.h"
#include "util/timer.h"

/*
 * The parts of the VFIOHost behind a socket; private to host-user and user-*.
 */

/* ---- user-device: what a server says of its device, once and for all ---- */

/**
 * user_conn_call() for an answer of at least @least bytes; a shorter one
 * breaks the connection. 0 or -errno; no descriptors are left on failure.
 */
int user_ask(UserConn *conn, UserRequest *req, size_t least);
/** Why user_ask() failed with @ret. */
void user_ask_error(UserConn *conn, uint16_t command, int ret, Error **errp);
void user_close_fds(const int *fds, unsigned n);

typedef struct UserRegion {
    VFIORegionInfo info;
    int fd;             /* what is mapped, or -1 */
    uint64_t fd_offset; /* of the region in it */
    char *unmapped;     /* why not, though the server offers it; or NULL */
} UserRegion;

typedef struct UserDevice {
    VFIODeviceInfo info;
    UserRegion *regions;
    VFIOIrqInfo *irqs;
} UserDevice;

/**
 * Asks for everything. Any thread, while nobody else uses @conn. Errors begin
 * with what was asked for; a server that lied has lost its connection.
 */
UserDevice *user_device_read(UserConn *conn, bool no_mmap, Error **errp);
/** NULL and half of one are fine. */
void user_device_free(UserDevice *device);

/* ---- user-io-fds: DEVICE_GET_REGION_IO_FDS ---- */

/**
 * Sets @found (of VFIOIoEventFd) for a region of @size bytes and adds to @fds
 * (of int), those of all regions, which the caller owns; 0 or -errno. Nothing
 * comes of a server that knows no such thing.
 */
int user_io_fds_read(UserConn *conn, const char *name, unsigned index,
                     uint64_t size, GArray *found, GArray *fds);

/* ---- user-dma: what the server may reach ---- */

/**
 * UserDma: the windows that were mapped. Changed in the main thread, looked up
 * in any.
 */
typedef struct UserDma {
    Mutex lock;
    GArray *maps; /* of VFIODmaMap, by iova */
} UserDma;

void user_dma_init(UserDma *dma);
void user_dma_finish(UserDma *dma);
/** 0, -EEXIST where there is one already, -ENOSPC when there are @max. */
int user_dma_add(UserDma *dma, const VFIODmaMap *map, uint64_t max);
/** Nobody copies from or to it any more. False: no such window. */
bool user_dma_remove(UserDma *dma, uint64_t iova, uint64_t size);
void user_dma_clear(UserDma *dma);
/** The server's own access. -EFAULT, and nothing done, unless all is mapped. */
int user_dma_access(UserDma *dma, bool write, uint64_t iova, void *buf,
                    uint64_t size);

/* ---- user-post: writes that nobody waits for ---- */

#define USER_POST_MAX 64 /* writes in one message */

/** UserPost: writes in their order, a message full of them at a time. */
typedef struct UserPost {
    Mutex lock;
    const char *name;
    VFIOUserWrite writes[USER_POST_MAX];
    unsigned n;
    bool scheduled;
    void (*flush)(void *opaque); /* soon, in the main thread */
} UserPost;

/** @flush is scheduled with the UserPost as its opaque. */
void user_post_init(UserPost *post, const char *name,
                    void (*flush)(void *opaque));
/** Forgets what it has; nothing is scheduled any more. Main thread. */
void user_post_finish(UserPost *post);
int user_post_write(UserPost *post, UserConn *conn, const VFIOUserWrite *write);
/** Sends what there is, before any other request of the device. */
int user_post_flush(UserPost *post, UserConn *conn);
/** What the scheduled @flush has to call, also when there is no connection. */
void user_post_due(UserPost *post, UserConn *conn);
/** Forgets what there is: the server it was for has gone. */
void user_post_drop(UserPost *post);

/* ---- user-connect: from a path to a device, here or in a thread ---- */

typedef struct UserTarget {
    char *socket;
    uint32_t timeout_ms;
    bool no_mmap;
    const UserConnClient *client;
    void *opaque; /* of client and of done */
} UserTarget;

/** What came of it. */
typedef struct UserLink {
    UserConn *conn;
    UserDevice *device;
} UserLink;

void user_link_finish(UserLink *link);
/** Here and now. Errors do not name the socket. */
bool user_connect(const UserTarget *target, UserLink *link, Error **errp);

/** UserAttempt: the same, in a thread of its own. */
typedef struct UserAttempt {
    const UserTarget *target;
    void (*done)(void *opaque);
    pthread_t thread;
    bool running;
    atomic_bool cancelled;
    int sock;    /* the thread's */
    int hang_up; /* the same one, for cancelling */
    UserLink link;
    Error *err;
} UserAttempt;

/** False: no thread to be had; @done is not called then. Main thread. */
bool user_attempt_start(UserAttempt *attempt, const UserTarget *target,
                        void (*done)(void *opaque), Error **errp);
/** To be called once from @done, or from what it leads to. */
bool user_attempt_take(UserAttempt *attempt, UserLink *link, Error **errp);
/** Does not wait for the server. Zeroed memory is fine. */
void user_attempt_cancel(UserAttempt *attempt);

/* ---- user-node: what the guest's tree is to say of the device ---- */

/** Of a .dtb, or of a .dts where dtc is installed; the caller owns it. */
VFIOHostNode *user_node_load(const char *path, Error **errp);
/** One that has nothing but a name, that of the socket. */
VFIOHostNode *user_node_of_socket(const char *socket);

/* ---- all of it ---- */

typedef struct VFIOHostUser {
    VFIOHost parent;
    UserTarget target;
    uint32_t reconnect_ms;
    bool share_dma;
    bool posted_writes;
    const VFIOHostNode *node;
    int *state; /* VFIOUserState; the caller's */
    /*
     * NULL while there is none. Whoever uses it counts in @users, so that the
     * main thread can take it away from accesses without a lock.
     */
    UserConn *_Atomic conn;
    atomic_uint users;
    UserDevice *device;
    GArray *io_fds; /* of int: what was handed out */
    UserDma dma;
    UserPost post;
    UserAttempt attempt;
    Timer timer; /* to the next attempt */
    bool told;   /* of a server that is there but will not do */
} VFIOHostUser;

static inline VFIOHostUser *to_user(VFIOHost *host)
{
    return (VFIOHostUser *)host;
}

/* host-user, for the other parts: the connection, as long as there is one. */
/** NULL: it is lost. Otherwise host_user_leave() has to follow. Any thread. */
UserConn *host_user_enter(VFIOHostUser *user);
void host_user_leave(VFIOHostUser *user);
/** What comes back of a call, before host_user_leave(). */
int host_user_result(VFIOHostUser *user, int ret);
/** user_ask(), behind what was posted. */
int host_user_call(VFIOHostUser *user, UserRequest *req, size_t least);
/** The server has lied. */
void host_user_break(VFIOHostUser *user, const char *reason);

/* user-regions: members of VFIOHostOps. */
int user_region_read(VFIOHost *host, unsigned index, uint64_t offset, void *buf,
                     unsigned size);
int user_region_write(VFIOHost *host, unsigned index, uint64_t offset,
                      const void *buf, unsigned size);
void *user_region_map(VFIOHost *host, unsigned index, const VFIORange *part,
                      bool writable, int *err);
void user_region_unmap(VFIOHost *host, void *addr, uint64_t size);

/* host-user, for user-reconnect: a connection comes into use, or goes. */
/** What was asked for must be had of it. */
bool host_user_check(const VFIOHostUser *user, const UserDevice *device,
                     Error **errp);
void host_user_attach(VFIOHostUser *user, UserLink *link);
void host_user_detach(VFIOHostUser *user);

/* user-reconnect: main thread, machine lock. */
void user_reconnect_init(VFIOHostUser *user);
void user_reconnect_finish(VFIOHostUser *user);
/** UserConnClient.broken */
void user_reconnect_broken(void *opaque);
