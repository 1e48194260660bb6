/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hw/vfio/user-wire.h"

/*
 * The other end of a vfio-user socket, for tests: UserPeer is one connection
 * of either role, byte by byte; UserServer is a scripted device behind a
 * socket, with a thread of its own. Nothing here judges what it is told to
 * send. Whoever waits fails the test after USER_PEER_DEADLINE_S seconds, with
 * the last messages of the connection.
 */
#define USER_PEER_DEADLINE_S 20

/* ---- one message ---- */

typedef struct UserMsg {
    VFIOUserHeader head;
    uint8_t *payload;
    size_t size; /* of the payload */
    int *fds;    /* owned; -1 once it was taken */
    unsigned num_fds;
    /* Header with descriptors, and payload, came by one receive each. */
    bool whole;
} UserMsg;

void user_msg_free(UserMsg *msg);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UserMsg, user_msg_free)
/** Descriptor @n, which is the caller's from now on. */
int user_msg_take_fd(UserMsg *msg, unsigned n);

/* ---- one connection ---- */

typedef struct UserPeer UserPeer;

/**
 * Sees each message before it is sent and may change it: its bytes (the header
 * too) and its descriptors (GArray of int, closed by nobody). @n counts the
 * messages from 0. False: what is left of the message is sent, and then the
 * connection is closed.
 */
typedef bool (*UserPeerFilter)(void *opaque, unsigned n, GByteArray *bytes,
                               GArray *fds);

/** Takes @fd, a connected stream socket. One thread at a time. */
UserPeer *user_peer_new(int fd);
/** Takes one end of a new pair; *@other is the caller's. */
UserPeer *user_peer_pair(int *other);
UserPeer *user_peer_connect(const char *path);
int user_peer_listen(const char *path);
/** NULL once shutdown() was called on @listener. */
UserPeer *user_peer_accept(int listener);
void user_peer_free(UserPeer *peer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UserPeer, user_peer_free)

int user_peer_fd(const UserPeer *peer);
/** How many messages were sent. */
unsigned user_peer_sent(const UserPeer *peer);
/** Hangs up; from any thread. */
void user_peer_hang_up(UserPeer *peer);
void user_peer_set_filter(UserPeer *peer, UserPeerFilter filter, void *opaque);
/**
 * Each message from now on goes out as @at bytes with the descriptors and,
 * when the other side has read these, the rest. 0: as one, which is usual.
 */
void user_peer_split(UserPeer *peer, size_t at);
/** Ends the test with @fmt and the last messages. */
void user_peer_fail(UserPeer *peer, const char *fmt, ...)
    G_GNUC_PRINTF(2, 3) G_GNUC_NORETURN;

/*
 * Sending: false when the other side is gone, which is no failure. The
 * descriptors stay the caller's.
 */

/** @size bytes as they are, by one sendmsg(); no filter. */
bool user_peer_send_bytes(UserPeer *peer, const void *bytes, size_t size,
                          const int *fds, unsigned num_fds);
/** @head as it is, whatever its size says. */
bool user_peer_send(UserPeer *peer, const VFIOUserHeader *head,
                    const void *payload, size_t size, const int *fds,
                    unsigned num_fds);
/** A command; its id, which is a new one each time. */
uint16_t user_peer_command(UserPeer *peer, uint16_t command, uint32_t flags,
                           const void *payload, size_t size, const int *fds,
                           unsigned num_fds);
bool user_peer_reply(UserPeer *peer, const UserMsg *to, const void *payload,
                     size_t size, const int *fds, unsigned num_fds);
bool user_peer_reply_error(UserPeer *peer, const UserMsg *to, uint32_t error,
                           const void *payload, size_t size);

/*
 * Receiving.
 */

/** The next message; NULL at the end of the stream, clean or in a message. */
UserMsg *user_peer_receive(UserPeer *peer);
/** The next message must be this command, without REPLY. */
UserMsg *user_peer_expect_command(UserPeer *peer, uint16_t command);
/** ... with this payload. */
UserMsg *user_peer_expect(UserPeer *peer, uint16_t command, const void *payload,
                          size_t size);
/** ... or the reply to @id; error 0: none; else header only. */
UserMsg *user_peer_expect_reply(UserPeer *peer, uint16_t command, uint16_t id,
                                uint32_t error);
/** The other side closes, and sends nothing before. */
void user_peer_expect_end(UserPeer *peer);

/** A command and its reply, which is no error. */
UserMsg *user_peer_call(UserPeer *peer, uint16_t command, const void *payload,
                        size_t size, const int *fds, unsigned num_fds);
/** A command that must be refused with @error, by a header only. */
void user_peer_refused(UserPeer *peer, uint32_t error, uint16_t command,
                       const void *payload, size_t size, const int *fds,
                       unsigned num_fds);
/** VERSION of a client, with @json (NULL: none); the reply. */
UserMsg *user_peer_hello(UserPeer *peer, const char *json);

/* ---- a scripted device ---- */

typedef struct UserRegionDesc {
    uint64_t size;
    uint32_t flags; /* VFIO_USER_REGION_F_*; CAPS comes with what is below */
    int fd;         /* > 0: sent with F_MMAP; stays the test's */
    uint64_t offset;
    const VFIOUserArea *areas; /* a sparse capability */
    unsigned num_areas;
    const void *caps; /* or these bytes, at offset 32 of the reply */
    size_t caps_size;
    const void *io_fds; /* DEVICE_GET_REGION_IO_FDS: entries as on the wire */
    size_t io_fds_size;
    unsigned num_io_fds;
    const int *io_fd_fds; /* the descriptors that go with them */
    unsigned num_io_fd_fds;
} UserRegionDesc;

typedef struct UserIrqDesc {
    uint32_t flags;
    uint32_t count;
} UserIrqDesc;

typedef struct UserDeviceDesc {
    const char *json; /* of VERSION; NULL: "{}", "": none at all */
    uint16_t minor;
    uint32_t flags;
    const UserRegionDesc *regions;
    unsigned num_regions;
    const UserIrqDesc *irqs;
    unsigned num_irqs;
    bool twin; /* offer one; the "twin_socket" capability is added to json */
} UserDeviceDesc;

typedef struct UserDmaMap {
    VFIOUserDmaMap map;
    int fd; /* -1: none */
} UserDmaMap;

typedef struct UserServer UserServer;

/**
 * Sees each command before it is answered; true: it was dealt with. In the
 * server's thread.
 */
typedef bool (*UserServerHook)(UserServer *server, UserMsg *msg, void *opaque);

/*
 * What the test may touch. The device of the description: registers that keep
 * what was written (in the region's fd, if it has one), interrupts that can be
 * armed, DMA windows. One client at a time; the next one gets a device that
 * knows of no interrupt and no window.
 */
struct UserServer {
    UserDeviceDesc desc; /* before it starts */
    UserServerHook hook;
    void *hook_opaque;
    UserPeerFilter filter; /* of what is sent on the main socket */
    void *filter_opaque;
    char *path;       /* when it listens */
    UserPeer *peer;   /* the server's thread */
    UserPeer *twin;   /* one thread at a time; NULL without */
    uint8_t **mem;    /* of each region without a descriptor, zeroed */
    unsigned clients; /* so far */

    pthread_t thread; /* all below: private */
    bool running;
    bool own_dir;
    int listener;
    bool stop; /* atomic */
    pthread_mutex_t lock;
    pthread_cond_t cond;
    int *irq_fds;
    GArray *maps; /* of UserDmaMap */
    GQueue seen;  /* of UserMsg without descriptors */
    GQueue later; /* of UserMsg that came while a DMA waited */
    bool connected;
};

/** @desc is copied; what it points to stays the caller's. */
UserServer *user_server_new(const UserDeviceDesc *desc);
/** Stops it, too. */
void user_server_free(UserServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UserServer, user_server_free)

/** Serves the client at the other end of @fd, until it leaves. */
void user_server_attach(UserServer *server, int fd);
/** Serves one client after another at @path, or NULL: one of its own. */
void user_server_listen(UserServer *server, const char *path);
/** Hangs up, and waits for the thread. */
void user_server_stop(UserServer *server);
/** Hangs up on the client of now, like a process that ends. */
void user_server_hang_up(UserServer *server);

/** The answer that an honest server gives to @msg. In the server's thread. */
void user_server_answer(UserServer *server, UserMsg *msg);

/*
 * For the test's thread.
 */

/** Waits until a command of that number has been received. Caller frees. */
UserMsg *user_server_seen(UserServer *server, uint16_t command);
/** How many of them wait to be taken by user_server_seen(). */
unsigned user_server_count(UserServer *server, uint16_t command);
/** Forgets all that was seen. */
void user_server_forget(UserServer *server);
/** Waits until nobody is connected any more. */
void user_server_wait_gone(UserServer *server);
/** Waits until interrupt @n is armed, and signals it. */
void user_server_signal(UserServer *server, unsigned n);
bool user_server_armed(UserServer *server, unsigned n);
/** A copy of the window at @iova; its fd stays the server's. False: none. */
bool user_server_dma_map(UserServer *server, uint64_t iova, UserDmaMap *map);

/**
 * DMA by message: 0 or the client's errno, -1 when it is gone. By the twin
 * socket in any one thread, else in the server's (from the hook); commands
 * that come meanwhile are answered afterwards.
 */
int user_server_dma(UserServer *server, bool write, uint64_t iova, void *buf,
                    uint64_t size);
