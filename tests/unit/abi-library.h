/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "abi-host.h"

/*
 * A server with the manners of libvfio-user (section 5.7 of the wire document),
 * but for PLATFORM, which the library never says; and a look at what the client
 * sends, where it sends it: a message in two pieces may be received as one. The
 * program is linked with --wrap for sendmsg, send, write and writev.
 */
#define CAPS_PLAIN                                                    \
    "\"max_msg_fds\":8,\"max_data_xfer_size\":1048576,\"migration\":" \
    "{\"pgsize\":4096}"
#define JSON_PLAIN "{\"capabilities\":{" CAPS_PLAIN "}}"
#define JSON_TWIN                    \
    "{\"capabilities\":{" CAPS_PLAIN \
    ",\"twin_socket\":{\"supported\":true,\"fd_index\":0}}}"

/** One region of 4 KiB, two interrupts, which are neither MASKABLE nor
 * AUTOMASKED; RESET. */
extern const UserDeviceDesc abi_library_device;

typedef struct AbiLibrary {
    UserServerHook special; /* before the rest; gets this as opaque */
    int value;              /* of the special hook */
    unsigned refused;       /* commands that the library would refuse */
} AbiLibrary;

typedef struct AbiSession {
    AbiHost h;
    AbiLibrary lib;
} AbiSession;

void abi_session_init(AbiSession *s, const UserDeviceDesc *desc,
                      UserServerHook special);
VFIOHost *abi_session_open(AbiSession *s, const UserDeviceDesc *desc,
                           UserServerHook special);
/** Nothing was sent that the library refuses, and the device is alive. */
void abi_session_finish(AbiSession *s);

/** What this thread sends is the client's. */
void abi_library_is_client(bool is);

typedef struct AbiSent {
    unsigned messages;
    unsigned bad;   /* calls that did not send just one message */
    size_t longest; /* of the messages */
} AbiSent;

/** What all threads of the client have sent; starts over. */
AbiSent abi_library_sent(void);

static inline int read4(VFIOHost *host, uint64_t offset, uint32_t *value)
{
    return host->ops->region_read(host, 0, offset, value, 4);
}

static inline int write4(VFIOHost *host, uint64_t offset, uint32_t value)
{
    return host->ops->region_write(host, 0, offset, &value, 4);
}
