/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

/*
 * The vfio-user protocol on the wire (specification 0.9.2), shared by the
 * client in hw/vfio and the server library in device/lib. Needs nothing but
 * the C library. Everything is in host byte order; sizes are in bytes; a
 * payload follows its header at once. One socket serves one client.
 *
 * A platform device is not in the specification: it sets
 * VFIO_USER_DEVICE_PLATFORM, its region i is MMIO range i and its interrupt i
 * is line i, with a count of 1. A level line is MASKABLE and AUTOMASKED: the
 * server masks it when it signals, and UNMASK (DATA_NONE) is the client's EOI,
 * upon which the server signals again if the line is still asserted.
 */
#define VFIO_USER_MAJOR 0
#define VFIO_USER_MINOR 2

typedef enum VFIOUserCommand {
    VFIO_USER_VERSION = 1,
    VFIO_USER_DMA_MAP = 2,
    VFIO_USER_DMA_UNMAP = 3,
    VFIO_USER_DEVICE_GET_INFO = 4,
    VFIO_USER_DEVICE_GET_REGION_INFO = 5,
    VFIO_USER_DEVICE_GET_REGION_IO_FDS = 6,
    VFIO_USER_DEVICE_GET_IRQ_INFO = 7,
    VFIO_USER_DEVICE_SET_IRQS = 8,
    VFIO_USER_REGION_READ = 9,
    VFIO_USER_REGION_WRITE = 10,
    VFIO_USER_DMA_READ = 11,  /* server to client */
    VFIO_USER_DMA_WRITE = 12, /* server to client */
    VFIO_USER_DEVICE_RESET = 13,
    VFIO_USER_REGION_WRITE_MULTI = 15,
    VFIO_USER_DEVICE_FEATURE = 16,
    VFIO_USER_MIG_DATA_READ = 17,
    VFIO_USER_MIG_DATA_WRITE = 18,
} VFIOUserCommand;

#define VFIO_USER_FLAG_TYPE 0x0f /* mask */
#define VFIO_USER_FLAG_REPLY 0x01
#define VFIO_USER_FLAG_NO_REPLY 0x10
#define VFIO_USER_FLAG_ERROR 0x20

typedef struct VFIOUserHeader {
    uint16_t id; /* the sender's choice; echoed in the reply */
    uint16_t command;
    uint32_t size; /* of the message, this header included */
    uint32_t flags;
    uint32_t error; /* errno, in replies with FLAG_ERROR */
} VFIOUserHeader;

/* What holds for a peer whose VERSION does not say. */
#define VFIO_USER_DEFAULT_MSG_FDS 1
#define VFIO_USER_DEFAULT_DATA_XFER_SIZE 1048576
#define VFIO_USER_DEFAULT_DMA_MAPS 65535
#define VFIO_USER_DEFAULT_PGSIZES 4096
/* The largest payload beside that data: a REGION or DMA head. */
#define VFIO_USER_DATA_HEAD 16
#define VFIO_USER_MAX_FDS 253 /* the kernel's SCM_MAX_FD */

/** VERSION; zero-terminated JSON may follow. */
typedef struct VFIOUserVersion {
    uint16_t major;
    uint16_t minor;
} VFIOUserVersion;

#define VFIO_USER_DMA_F_READ (1u << 0)
#define VFIO_USER_DMA_F_WRITE (1u << 1)

/** DMA_MAP; with a descriptor when the memory can be mapped. */
typedef struct VFIOUserDmaMap {
    uint32_t argsz;
    uint32_t flags;
    uint64_t fd_offset;
    uint64_t iova;
    uint64_t size;
} VFIOUserDmaMap;

/** DMA_UNMAP; the reply is the same, or empty. */
typedef struct VFIOUserDmaUnmap {
    uint32_t argsz;
    uint32_t flags;
    uint64_t iova;
    uint64_t size;
} VFIOUserDmaUnmap;

#define VFIO_USER_DEVICE_RESETTABLE (1u << 0)
#define VFIO_USER_DEVICE_PCI (1u << 1)
#define VFIO_USER_DEVICE_PLATFORM (1u << 2)

typedef struct VFIOUserDeviceInfo {
    uint32_t argsz;
    uint32_t flags;
    uint32_t num_regions;
    uint32_t num_irqs;
} VFIOUserDeviceInfo;

#define VFIO_USER_REGION_F_READ (1u << 0)
#define VFIO_USER_REGION_F_WRITE (1u << 1)
#define VFIO_USER_REGION_F_MMAP (1u << 2)
#define VFIO_USER_REGION_F_CAPS (1u << 3)

/** DEVICE_GET_REGION_INFO; capabilities follow, a descriptor with F_MMAP. */
typedef struct VFIOUserRegionInfo {
    uint32_t argsz;
    uint32_t flags;
    uint32_t index;
    uint32_t cap_offset; /* from the start of this struct; 0: none */
    uint64_t size;
    uint64_t offset; /* of the region in the descriptor */
} VFIOUserRegionInfo;

typedef struct VFIOUserCap {
    uint16_t id;
    uint16_t version;
    uint32_t next; /* from the start of VFIOUserRegionInfo; 0: the last */
} VFIOUserCap;

#define VFIO_USER_CAP_SPARSE_MMAP 1

typedef struct VFIOUserArea {
    uint64_t offset; /* in the region */
    uint64_t size;
} VFIOUserArea;

typedef struct VFIOUserCapSparse {
    VFIOUserCap cap;
    uint32_t nr_areas;
    uint32_t reserved;
    VFIOUserArea areas[];
} VFIOUserCapSparse;

/** DEVICE_GET_REGION_IO_FDS; the reply's entries follow, with descriptors. */
typedef struct VFIOUserIoFds {
    uint32_t argsz;
    uint32_t flags;
    uint32_t index;
    uint32_t count;
} VFIOUserIoFds;

#define VFIO_USER_IO_FD_IOEVENTFD 0
#define VFIO_USER_IO_FD_IOREGIONFD 1
#define VFIO_USER_IO_FD_F_DATAMATCH (1u << 0)
#define VFIO_USER_IO_FD_F_PIO (1u << 1)

/** An entry as specified; libvfio-user's is 48 bytes, see the client. */
typedef struct VFIOUserIoFd {
    uint64_t offset;
    uint64_t size; /* 0: of any size */
    uint32_t fd_index;
    uint32_t type;
    uint32_t flags;
    uint32_t reserved;
    uint64_t datamatch;
} VFIOUserIoFd;

#define VFIO_USER_IRQ_F_EVENTFD (1u << 0)
#define VFIO_USER_IRQ_F_MASKABLE (1u << 1)
#define VFIO_USER_IRQ_F_AUTOMASKED (1u << 2)
#define VFIO_USER_IRQ_F_NORESIZE (1u << 3)

typedef struct VFIOUserIrqInfo {
    uint32_t argsz;
    uint32_t flags;
    uint32_t index;
    uint32_t count;
} VFIOUserIrqInfo;

/* Exactly one of each three. */
#define VFIO_USER_IRQ_DATA_NONE (1u << 0)
#define VFIO_USER_IRQ_DATA_BOOL (1u << 1)
#define VFIO_USER_IRQ_DATA_EVENTFD (1u << 2)
#define VFIO_USER_IRQ_ACTION_MASK (1u << 3)
#define VFIO_USER_IRQ_ACTION_UNMASK (1u << 4)
#define VFIO_USER_IRQ_ACTION_TRIGGER (1u << 5)

/** DEVICE_SET_IRQS; a byte for each follows with DATA_BOOL. */
typedef struct VFIOUserIrqSet {
    uint32_t argsz;
    uint32_t flags;
    uint32_t index;
    uint32_t start;
    uint32_t count;
} VFIOUserIrqSet;

/** REGION_READ and REGION_WRITE, both ways; the data follow. */
typedef struct VFIOUserRegionAccess {
    uint64_t offset;
    uint32_t region;
    uint32_t count;
} VFIOUserRegionAccess;

/** DMA_READ and DMA_WRITE, both ways; the data follow. */
typedef struct VFIOUserDmaAccess {
    uint64_t iova;
    uint64_t count;
} VFIOUserDmaAccess;

typedef struct VFIOUserWrite {
    uint64_t offset;
    uint32_t region;
    uint32_t count; /* at most 8 */
    uint8_t data[8];
} VFIOUserWrite;

/** REGION_WRITE_MULTI; @count writes follow. The reply has just the count. */
typedef struct VFIOUserWriteMulti {
    uint64_t count;
} VFIOUserWriteMulti;

_Static_assert(sizeof(VFIOUserHeader) == 16, "wire");
_Static_assert(sizeof(VFIOUserDmaMap) == 32, "wire");
_Static_assert(sizeof(VFIOUserDmaUnmap) == 24, "wire");
_Static_assert(sizeof(VFIOUserDeviceInfo) == 16, "wire");
_Static_assert(sizeof(VFIOUserRegionInfo) == 32, "wire");
_Static_assert(sizeof(VFIOUserCapSparse) == 16, "wire");
_Static_assert(sizeof(VFIOUserIoFd) == 40, "wire");
_Static_assert(sizeof(VFIOUserIrqSet) == 20, "wire");
_Static_assert(sizeof(VFIOUserRegionAccess) == 16, "wire");
_Static_assert(sizeof(VFIOUserDmaAccess) == 16, "wire");
_Static_assert(sizeof(VFIOUserWrite) == 24, "wire");
