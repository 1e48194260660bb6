/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client against the wire document: what it sends, and that no reply, cut
 * at any byte or changed in any way, makes it crash, hang, leak a descriptor
 * or believe what cannot be. One session uses all that a host can do; the
 * server, honest but for one reply, is told which one to spoil.
 */

#include "abi-host.h"

/* ---- a session ---- */

static int region_fd = -1; /* sealed, 16 KiB */
static int bell_fd = -1;

static const VFIOUserArea areas[] = {{4096, 4096}, {12288, 4096}};
static const VFIOUserIoFd bell = {.offset = 0x40, .size = 4};

static UserRegionDesc regions[] = {
    {.size = 4096,
     .flags = ABI_RW,
     .io_fds = &bell,
     .io_fds_size = sizeof(bell),
     .num_io_fds = 1,
     .io_fd_fds = &bell_fd,
     .num_io_fd_fds = 1},
    {.size = 16384,
     .flags = ABI_RW | VFIO_USER_REGION_F_MMAP,
     .areas = areas,
     .num_areas = 2},
};
static const UserIrqDesc irqs[] = {{ABI_LEVEL_FLAGS, 1},
                                   {VFIO_USER_IRQ_F_EVENTFD, 1}};

static UserDeviceDesc device(void)
{
    regions[1].fd = region_fd;
    return (UserDeviceDesc){
        .minor = 2,
        .flags = VFIO_USER_DEVICE_PLATFORM | VFIO_USER_DEVICE_RESETTABLE,
        .regions = regions,
        .num_regions = 2,
        .irqs = irqs,
        .num_irqs = 2,
    };
}

static void use_regions(VFIOHost *host, unsigned num)
{
    uint32_t value = 0x12345678;

    for (unsigned i = 0; i < num; i++) {
        VFIORegionInfo info = {0};
        VFIOIoEventFd *fds = NULL;
        unsigned n = 0;
        int err;

        if (host->ops->get_region(host, i, &info) == 0) {
            abi_check_region(&info);
            for (unsigned m = 0; m < info.num_maps; m++) {
                void *addr = host->ops->region_map(host, i, &info.maps[m],
                                                   info.writable, &err);

                if (addr) {
                    memset(addr, 1, info.maps[m].size);
                    host->ops->region_unmap(host, addr, info.maps[m].size);
                } else {
                    g_assert_cmpint(err, <, 0);
                }
            }
            vfio_region_info_finish(&info);
        }
        if (host->ops->get_ioeventfds &&
            host->ops->get_ioeventfds(host, i, &fds, &n) == 0) {
            for (unsigned f = 0; f < n; f++) {
                g_assert_cmpint(fds[f].fd, >=, 0);
                g_assert_cmpuint(fds[f].offset, <, 16384);
            }
            g_free(fds);
        }
        host->ops->region_write(host, i, 8, &value, 4);
        host->ops->region_read(host, i, 8, &value, 4);
    }
}

/* All that a device asks of its host, whatever becomes of it. */
static void use_host(AbiHost *h)
{
    static const VFIOIrqAction actions[] = {VFIO_IRQ_PROBE, VFIO_IRQ_TRIGGER_FD,
                                            VFIO_IRQ_UNMASK_NOW,
                                            VFIO_IRQ_TRIGGER_OFF};
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    VFIOHost *host = h->host;
    VFIODeviceInfo info = {0};
    VFIOIrqInfo irq = {0};

    if (host->ops->get_info(host, &info) == 0) {
        g_assert_cmpuint(info.num_regions, <=, 4096);
        g_assert_cmpuint(info.num_irqs, <=, 4096);
    }
    use_regions(host, MIN(info.num_regions, 2));
    for (unsigned i = 0; i < MIN(info.num_irqs, 2); i++) {
        host->ops->get_irq(host, i, &irq);
        for (unsigned a = 0; a < G_N_ELEMENTS(actions); a++) {
            host->ops->set_irq(host, i, actions[a],
                               actions[a] == VFIO_IRQ_TRIGGER_FD ? fd : -1);
        }
    }
    abi_host_map_dma(h, 0x80000000, region_fd, false);
    host->ops->reset(host);
    host->ops->dma_unmap(host, 0x80000000, ABI_RAM_SIZE);
    close(fd);
}

/* ---- spoilt replies ---- */

/* What becomes of reply @at. */
typedef struct Spoil {
    unsigned at;
    unsigned how;
    unsigned replies; /* seen so far */
    bool lost;        /* or not even opened */
    size_t size;      /* of reply @at, unspoilt */
} Spoil;

enum { CUT = 1u << 16, WORD = 1u << 17 };

static VFIOUserHeader *header(GByteArray *bytes)
{
    return (VFIOUserHeader *)bytes->data;
}

static void resize(GByteArray *bytes, int by, bool say)
{
    guint old = bytes->len;
    guint size = MAX((int)old + by, 16);

    g_byte_array_set_size(bytes, size);
    if (size > old) {
        memset(bytes->data + old, 0, size - old);
    }
    if (say) {
        header(bytes)->size = size;
    }
}

static void add_fds(GArray *fds, unsigned n)
{
    int fd = STDERR_FILENO;

    for (unsigned i = 0; i < n; i++) {
        g_array_append_val(fds, fd);
    }
}

static void say_twice(GByteArray *bytes)
{
    g_autofree uint8_t *copy = g_memdup2(bytes->data, bytes->len);

    g_byte_array_append(bytes, copy, bytes->len);
}

/* Each case of @how below CUT; false when there are no more. */
static bool spoil_message(unsigned how, GByteArray *bytes, GArray *fds)
{
    VFIOUserHeader *head = header(bytes);

    switch (how) {
    case 0:
        head->id ^= 1;
        break;
    case 1:
        head->id ^= 0x8000;
        break;
    case 2:
        head->command ^= 1;
        break;
    case 3:
        head->command = 0;
        break;
    case 4:
        head->flags = 0;
        break;
    case 5:
        head->flags = VFIO_USER_FLAG_NO_REPLY;
        break;
    case 6:
        head->flags = 2;
        break;
    case 7:
        head->flags = 0xf;
        break;
    case 8:
        head->flags |= 0xffffffc0;
        break;
    case 9:
        head->size = 0;
        break;
    case 10:
        head->size = 15;
        break;
    case 11:
        head->size = UINT32_MAX;
        break;
    case 12:
        head->size = 1u << 30;
        break;
    case 13:
        resize(bytes, -1, true);
        break;
    case 14:
        resize(bytes, 1, true);
        break;
    case 15:
        resize(bytes, -4, true);
        break;
    case 16:
        resize(bytes, 4, true);
        break;
    case 17:
        resize(bytes, 4096, true);
        break;
    case 18:
        resize(bytes, -10000, true);
        break;
    case 19:
        resize(bytes, 1 << 20, true);
        break;
    case 20:
        resize(bytes, 1, false);
        break;
    case 21:
        resize(bytes, 32, false);
        break;
    case 22:
        head->flags |= VFIO_USER_FLAG_ERROR;
        break;
    case 23:
        head->flags |= VFIO_USER_FLAG_ERROR;
        head->error = EINVAL;
        break;
    case 24:
        resize(bytes, -10000, true);
        header(bytes)->flags |= VFIO_USER_FLAG_ERROR;
        header(bytes)->error = EINVAL;
        break;
    case 25:
        resize(bytes, -10000, true);
        header(bytes)->flags |= VFIO_USER_FLAG_ERROR;
        header(bytes)->error = UINT32_MAX;
        break;
    case 26:
        resize(bytes, -10000, true);
        header(bytes)->flags |= VFIO_USER_FLAG_ERROR;
        break;
    case 27:
        head->error = ENOENT;
        break;
    case 28:
        g_array_set_size(fds, 0);
        break;
    case 29:
        add_fds(fds, 1);
        break;
    case 30:
        add_fds(fds, 2);
        break;
    case 31:
        add_fds(fds, 100);
        break;
    case 32:
        add_fds(fds, VFIO_USER_MAX_FDS - fds->len);
        break;
    case 33:
        g_array_set_size(fds, 0);
        add_fds(fds, 1);
        break;
    case 34:
        say_twice(bytes);
        break;
    default:
        return false;
    }
    return true;
}

/* Word @how / 4 of the payload gets one of four values; false: no such word. */
static bool spoil_word(unsigned how, GByteArray *bytes)
{
    size_t at = sizeof(VFIOUserHeader) + how / 4 * 4;
    uint32_t word;

    if (at + 4 > bytes->len) {
        return false;
    }
    memcpy(&word, bytes->data + at, 4);
    word = how % 4 == 0   ? 0
           : how % 4 == 1 ? UINT32_MAX
           : how % 4 == 2 ? word ^ 1
                          : word ^ 0x80000000;
    memcpy(bytes->data + at, &word, 4);
    return true;
}

static bool spoil(void *opaque, unsigned n, GByteArray *bytes, GArray *fds)
{
    Spoil *s = opaque;

    if (s->replies++ != s->at) {
        return true;
    }
    s->size = bytes->len;
    if (s->how & CUT) {
        g_byte_array_set_size(bytes, MIN(s->how & ~CUT, bytes->len));
        return false;
    }
    if (s->how & WORD) {
        return spoil_word(s->how & ~WORD, bytes) || true;
    }
    spoil_message(s->how, bytes, fds);
    return true;
}

/*
 * One session with reply @at spoilt so; the number of replies. A server that
 * has nothing to answer with in time is lost, too.
 */
static unsigned run_session(Spoil *s, uint32_t timeout_ms)
{
    UserDeviceDesc desc = device();
    g_autofree char *why = NULL;
    AbiHost h;

    s->replies = 0;
    s->size = 0;
    abi_host_init(&h, &desc);
    h.config.timeout_ms = timeout_ms;
    h.server->filter = spoil;
    h.server->filter_opaque = s;
    why = abi_host_try_open(&h);
    s->lost = why;
    if (!why) {
        use_host(&h);
        abi_host_iterate();
        s->lost = h.lost;
        g_assert_true(h.lost == (h.state == VFIO_USER_LOST));
    } else {
        g_assert_true(g_str_has_prefix(why, "vfio-user: "));
        g_assert_null(strchr(why, '\n'));
    }
    abi_host_finish(&h);
    return s->replies;
}

static unsigned count_replies(void)
{
    Spoil none = {.at = UINT_MAX};
    unsigned n = run_session(&none, USER_PEER_DEADLINE_S * 1000);

    g_assert_cmpuint(n, >, 20);
    return n;
}

/* Closed at every byte of every reply. */
static void test_cut(void)
{
    unsigned n = count_replies();

    for (unsigned at = 0; at < n; at++) {
        Spoil s = {.at = at, .how = CUT};

        do {
            run_session(&s, USER_PEER_DEADLINE_S * 1000);
            s.how++;
        } while ((s.how & ~CUT) <= s.size);
    }
}

/* Every reply in every way. What is never answered so must not take long. */
static void test_spoilt(void)
{
    unsigned n = count_replies();
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(GArray) fds = g_array_new(false, false, sizeof(int));

    g_byte_array_set_size(bytes, 64);
    for (unsigned how = 0; spoil_message(how, bytes, fds); how++) {
        for (unsigned at = 0; at < n; at++) {
            Spoil s = {.at = at, .how = how};

            run_session(&s, 30);
            /* Another id, command, type, or a size that cannot be. */
            if (!s.lost && (how < 8 || (how > 8 && how < 13))) {
                g_test_message("reply %u, way %u was believed", at, how);
                g_test_fail();
            }
        }
        g_byte_array_set_size(bytes, 64);
        g_array_set_size(fds, 0);
    }
}

/* Every word of every payload. */
static void test_words(void)
{
    unsigned n = count_replies();

    for (unsigned at = 0; at < n; at++) {
        Spoil s = {.at = at, .how = WORD};

        do {
            run_session(&s, 1000);
            s.how++;
        } while ((s.how & ~WORD) / 4 * 4 + 16 < s.size);
    }
}

/* ---- lies ---- */

typedef struct Lie {
    uint16_t command;
    unsigned word; /* of the payload */
    uint32_t flip;
} Lie;

/* In the first reply to the command; the rest is as it should be. */
static bool tell_lie(void *opaque, unsigned n, GByteArray *bytes, GArray *fds)
{
    const Lie *lie = opaque;
    uint32_t word;

    if (header(bytes)->command == lie->command) {
        size_t at = sizeof(VFIOUserHeader) + lie->word * 4;

        g_assert_cmpuint(at + 4, <=, bytes->len);
        memcpy(&word, bytes->data + at, 4);
        word ^= lie->flip;
        memcpy(bytes->data + at, &word, 4);
    }
    return true;
}

/* The reply is about something else than what was asked. */
static void test_lies(void)
{
    static const Lie lies[] = {
        {VFIO_USER_VERSION, 0, 1},
        {VFIO_USER_DEVICE_GET_REGION_INFO, 2, 1},
        {VFIO_USER_DEVICE_GET_REGION_INFO, 2, 0x80000000},
        {VFIO_USER_DEVICE_GET_REGION_INFO, 0, 32}, /* argsz 0 */
        {VFIO_USER_DEVICE_GET_REGION_IO_FDS, 2, 1},
        {VFIO_USER_DEVICE_GET_REGION_IO_FDS, 8, 1}, /* descriptor 1 of 1 */
        {VFIO_USER_DEVICE_GET_IRQ_INFO, 2, 1},
        {VFIO_USER_REGION_READ, 0, 4},
        {VFIO_USER_REGION_READ, 1, 1},
        {VFIO_USER_REGION_READ, 2, 1},
        {VFIO_USER_REGION_READ, 3, 1},
        {VFIO_USER_REGION_WRITE, 0, 4},
        {VFIO_USER_REGION_WRITE, 1, 1},
        {VFIO_USER_REGION_WRITE, 2, 1},
        {VFIO_USER_REGION_WRITE, 3, 1},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(lies); i++) {
        UserDeviceDesc desc = device();
        Lie lie = lies[i];
        g_autofree char *why = NULL;
        AbiHost h;

        abi_host_init(&h, &desc);
        h.server->filter = tell_lie;
        h.server->filter_opaque = &lie;
        why = abi_host_try_open(&h);
        if (!why) {
            use_host(&h);
            abi_host_iterate();
            if (!h.lost) {
                g_test_message("lie %u was believed", i);
                g_test_fail();
            }
        }
        abi_host_finish(&h);
    }
}

/* ---- what it sends ---- */

/* The payload of the next command of that number. */
static UserMsg *sent(AbiHost *h, uint16_t command, size_t size)
{
    UserMsg *msg = user_server_seen(h->server, command);

    if (size) {
        g_assert_cmpuint(msg->size, ==, size);
    }
    return msg;
}

static void check_message(const UserMsg *msg, void *opaque)
{
    const uint32_t *argsz = (void *)msg->payload;

    g_assert_cmphex(msg->head.flags & ~VFIO_USER_FLAG_NO_REPLY, ==, 0);
    g_assert_cmpuint(msg->head.error, ==, 0);
    switch (msg->head.command) {
    case VFIO_USER_DEVICE_GET_INFO:
        g_assert_cmpuint(msg->size, ==, sizeof(VFIOUserDeviceInfo));
        g_assert_cmpuint(*argsz, >=, msg->size);
        break;
    case VFIO_USER_DEVICE_GET_REGION_INFO:
        g_assert_cmpuint(msg->size, ==, sizeof(VFIOUserRegionInfo));
        g_assert_cmpuint(*argsz, >=, msg->size);
        for (unsigned i = 1; i < 8; i++) { /* all zero but the index */
            g_assert_true(i == 2 || argsz[i] == 0);
        }
        break;
    case VFIO_USER_DEVICE_GET_REGION_IO_FDS:
        g_assert_cmpuint(msg->size, ==, sizeof(VFIOUserIoFds));
        g_assert_cmpuint(*argsz, >=, msg->size);
        g_assert_cmpuint(argsz[1], ==, 0);
        g_assert_cmpuint(argsz[3], ==, 0);
        break;
    case VFIO_USER_DEVICE_GET_IRQ_INFO:
        g_assert_cmpuint(msg->size, ==, sizeof(VFIOUserIrqInfo));
        g_assert_cmpuint(*argsz, >=, msg->size);
        break;
    case VFIO_USER_DEVICE_SET_IRQS:
        g_assert_cmpuint(msg->size, ==, sizeof(VFIOUserIrqSet));
        g_assert_cmpuint(*argsz, ==, msg->size);
        break;
    case VFIO_USER_DMA_MAP:
        g_assert_cmpuint(msg->size, ==, sizeof(VFIOUserDmaMap));
        g_assert_cmpuint(*argsz, ==, msg->size);
        break;
    case VFIO_USER_DMA_UNMAP:
        g_assert_cmpuint(msg->size, ==, sizeof(VFIOUserDmaUnmap));
        g_assert_cmpuint(*argsz, ==, msg->size);
        g_assert_cmpuint(argsz[1], ==, 0);
        break;
    case VFIO_USER_DEVICE_RESET:
        g_assert_cmpuint(msg->size, ==, 0);
        break;
    case VFIO_USER_REGION_READ:
        g_assert_cmpuint(msg->size, ==, sizeof(VFIOUserRegionAccess));
        break;
    case VFIO_USER_REGION_WRITE:
        g_assert_cmpuint(msg->size, ==, sizeof(VFIOUserRegionAccess) + 4);
        break;
    case VFIO_USER_VERSION:
        g_assert_cmpuint(msg->size, >, 4);
        break;
    default:
        g_assert_not_reached();
    }
}

static void test_messages(void)
{
    UserDeviceDesc desc = device();
    g_autoptr(UserMsg) version = NULL, map = NULL, unmap = NULL;
    const VFIOUserDmaMap *window;
    AbiHost h;

    abi_host_init(&h, &desc);
    abi_host_open(&h);
    g_assert_cmpuint(((UserMsg *)h.server->seen.head->data)->head.command, ==,
                     VFIO_USER_VERSION);
    use_host(&h);
    g_assert_cmpuint(h.lost, ==, 0);
    user_server_stop(h.server);
    g_queue_foreach(&h.server->seen, (GFunc)check_message, NULL);
    version = sent(&h, VFIO_USER_VERSION, 0);
    g_assert_cmpmem(version->payload, 4, "\0\0\2\0", 4);
    g_assert_cmpuint(4 + strlen((char *)version->payload + 4) + 1, ==,
                     version->size);
    map = sent(&h, VFIO_USER_DMA_MAP, sizeof(*window));
    window = (void *)map->payload;
    g_assert_cmphex(window->iova, ==, 0x80000000);
    g_assert_cmphex(window->size, ==, ABI_RAM_SIZE);
    g_assert_cmphex(window->flags, ==, 3);
    unmap = sent(&h, VFIO_USER_DMA_UNMAP, sizeof(VFIOUserDmaUnmap));
    g_assert_cmphex(((VFIOUserDmaUnmap *)unmap->payload)->iova, ==, 0x80000000);
    abi_host_finish(&h);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    region_fd = memfd_create("abi", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    g_assert_no_errno(ftruncate(region_fd, ABI_RAM_SIZE));
    g_assert_no_errno(
        fcntl(region_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
    bell_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    g_test_add_func("/abi-client/messages", test_messages);
    g_test_add_func("/abi-client/cut", test_cut);
    g_test_add_func("/abi-client/spoilt", test_spoilt);
    g_test_add_func("/abi-client/words", test_words);
    g_test_add_func("/abi-client/lies", test_lies);
    return abi_main(g_test_run);
}
