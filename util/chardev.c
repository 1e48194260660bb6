/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Character devices: the flow of bytes. Output is tried at once and what the
 * peer does not take waits in a buffer for the main loop; input is read only
 * while the user has room, so a fast peer is held back by its own socket.
 *
 * A write can find that the peer has gone, on a vCPU's thread or in the middle
 * of the user's own handler. It then only stops the output; the closing, with
 * its event, follows in the main loop.
 */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "chardev-backend.h"
#include "util/log.h"
#include "util/main-loop.h"

#define READ_SIZE 4096
#define PUT_DELAY_NS (4 * NS_PER_MS)
#define PEER_POLL_NS (250 * NS_PER_MS)
#define LAST_WRITE_MS 2000

#define ESCAPE_KEY 1 /* Ctrl-A */

static void (*quit_handler)(void);

static void on_readable(void *opaque);
static void on_writable(void *opaque);
static void on_connection(void *opaque);

void chardev_set_quit_handler(void (*quit)(void))
{
    quit_handler = quit;
}

static bool wants_input(const Chardev *chr)
{
    return chr->open && !chr->closing && chr->in_fd >= 0 && !chr->in_ended &&
           !chr->in_paused && chr->handlers && chr->handlers->receive;
}

/* Tells the main loop what is waited for, if that has changed. */
static void update_polling(Chardev *chr)
{
    bool in = wants_input(chr);
    bool out = chr->open && chr->out_blocked;

    if (in == chr->polls_in && out == chr->polls_out) {
        return;
    }
    chr->polls_in = in;
    chr->polls_out = out;
    if (chr->in_fd == chr->out_fd) {
        main_loop_set_fd(chr->in_fd, in ? on_readable : NULL,
                         out ? on_writable : NULL, chr);
        return;
    }
    if (chr->in_fd >= 0) {
        main_loop_set_fd(chr->in_fd, in ? on_readable : NULL, NULL, chr);
    }
    if (chr->out_fd >= 0) {
        main_loop_set_fd(chr->out_fd, NULL, out ? on_writable : NULL, chr);
    }
}

static void report_event(Chardev *chr, ChardevEvent event)
{
    if (chr->handlers && chr->handlers->event) {
        chr->handlers->event(chr->opaque, event);
    }
}

/* Room came back, or output is dropped from now on. */
static void report_writable(Chardev *chr)
{
    if (!chr->starved) {
        return;
    }
    chr->starved = false;
    if (chr->handlers && chr->handlers->writable) {
        chr->handlers->writable(chr->opaque);
    }
}

static void peer_came(Chardev *chr)
{
    chr->open = true;
    update_polling(chr);
    report_event(chr, CHARDEV_OPENED);
}

static void look_later(Chardev *chr)
{
    timer_mod_ns(&chr->peer_timer, clock_get_ns(CLOCK_REAL) + PEER_POLL_NS);
}

static void wait_for_peer(Chardev *chr)
{
    if (chr->listen_fd >= 0) {
        main_loop_set_fd(chr->listen_fd, on_connection, NULL, chr);
    } else if (chr->pty_name) {
        look_later(chr);
    }
}

static void peer_went(void *opaque)
{
    Chardev *chr = opaque;

    chr->open = false;
    chr->closing = false;
    chr->out_blocked = false;
    chr->out_size = 0;
    update_polling(chr);
    chardev_backend_disconnect(chr);
    report_event(chr, CHARDEV_CLOSED);
    report_writable(chr);
    wait_for_peer(chr);
}

/* The socket stays readable, so looking again at once would be a busy loop. */
static void accept_later(Chardev *chr, const Error *err)
{
    main_loop_set_fd(chr->listen_fd, NULL, NULL, NULL);
    look_later(chr);
    if (!chr->accept_failed) {
        warn_report("%s: %s; trying again", chr->label, error_get_pretty(err));
        chr->accept_failed = true;
    }
}

static void on_connection(void *opaque)
{
    Chardev *chr = opaque;
    g_autoptr(Error) err = NULL;

    if (chardev_backend_accept(chr, &err)) {
        main_loop_set_fd(chr->listen_fd, NULL, NULL, NULL);
        chr->accept_failed = false;
        peer_came(chr);
    } else if (err) {
        accept_later(chr, err);
    }
}

static void on_peer_timer(void *opaque)
{
    Chardev *chr = opaque;

    if (chr->pty_name && chardev_backend_pty_in_use(chr)) {
        peer_came(chr);
    } else {
        wait_for_peer(chr);
    }
}

/* One system call; the bytes taken, 0 for "later" and -1 for "never". */
static ssize_t write_some(Chardev *chr, const uint8_t *data, size_t size)
{
    ssize_t n;

    do {
        n = chr->out_socket
                ? send(chr->out_fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT)
                : write(chr->out_fd, data, size);
    } while (n < 0 && errno == EINTR);
    return n < 0 && errno == EAGAIN ? 0 : n;
}

static void output_failed(Chardev *chr)
{
    chr->out_size = 0;
    chr->out_blocked = false;
    if (chr->out_socket || chr->pty_name) {
        chr->closing = true;
    } else {
        warn_report("%s: output is lost from now on: %s", chr->label,
                    g_strerror(errno));
        chr->out_failed = true;
    }
    update_polling(chr);
    if (chr->closing) {
        main_loop_schedule(peer_went, chr);
    }
}

/* Sends what it can of @data; how much, or @size when output has ended. */
static size_t send_now(Chardev *chr, const uint8_t *data, size_t size)
{
    size_t done = 0;

    while (done < size) {
        ssize_t n = write_some(chr, data + done, size - done);

        if (n < 0) {
            output_failed(chr);
            return size;
        }
        if (n == 0) {
            chr->out_blocked = true;
            update_polling(chr);
            break;
        }
        done += n;
    }
    return done;
}

static void flush(Chardev *chr)
{
    size_t size = chr->out_size;
    size_t done;

    if (!size || chr->out_blocked) {
        return;
    }
    done = send_now(chr, chr->out + chr->out_start, size);
    chr->out_start = done < size ? chr->out_start + done : 0;
    chr->out_size = size - done;
}

static void on_writable(void *opaque)
{
    Chardev *chr = opaque;

    chr->out_blocked = false;
    flush(chr);
    update_polling(chr);
    if (!chr->closing && chr->out_size < CHARDEV_OUTPUT_MAX) {
        report_writable(chr);
    }
}

static void on_flush_timer(void *opaque)
{
    flush(opaque);
}

static bool takes_output(const Chardev *chr)
{
    return chr->open && !chr->closing && !chr->out_failed && chr->out_fd >= 0;
}

static size_t keep(Chardev *chr, const uint8_t *data, size_t size)
{
    size_t n = MIN(size, CHARDEV_OUTPUT_MAX - chr->out_size);

    if (chr->out_start + chr->out_size + n > CHARDEV_OUTPUT_MAX) {
        memmove(chr->out, chr->out + chr->out_start, chr->out_size);
        chr->out_start = 0;
    }
    memcpy(chr->out + chr->out_start + chr->out_size, data, n);
    chr->out_size += n;
    chr->starved |= n < size;
    return n;
}

size_t chardev_write(Chardev *chr, const void *data, size_t size)
{
    size_t done = 0;

    if (!takes_output(chr)) {
        return size;
    }
    flush(chr);
    if (!takes_output(chr)) {
        return size;
    }
    if (!chr->out_size) {
        done = send_now(chr, data, size);
    }
    return done + keep(chr, (const uint8_t *)data + done, size - done);
}

bool chardev_put(Chardev *chr, uint8_t byte)
{
    if (!takes_output(chr)) {
        return true;
    }
    if (!keep(chr, &byte, 1)) {
        return false;
    }
    if (byte == '\n' || chr->out_size == CHARDEV_OUTPUT_MAX) {
        flush(chr);
    } else if (!timer_pending(&chr->flush_timer)) {
        /* It is left to run out when the line ends: re-arming costs more. */
        timer_mod_ns(&chr->flush_timer,
                     clock_get_ns(CLOCK_REAL) + PUT_DELAY_NS);
    }
    return true;
}

bool chardev_has_room(const Chardev *chr)
{
    return !takes_output(chr) || chr->out_size < CHARDEV_OUTPUT_MAX;
}

static void print_escape_help(Chardev *chr)
{
    static const char help[] = "\r\nCtrl-A h  this help\r\n"
                               "Ctrl-A x  quit\r\n"
                               "Ctrl-A Ctrl-A  send Ctrl-A\r\n";

    chardev_write(chr, help, strlen(help));
}

static void escape_command(Chardev *chr, uint8_t key)
{
    if (key == 'x' && quit_handler) {
        quit_handler();
    } else if (key == 'h' || key == '?') {
        print_escape_help(chr);
    }
}

/* Carries out the escape keys in @data; what is left for the user. */
static size_t take_escapes(Chardev *chr, uint8_t *data, size_t size)
{
    size_t left = 0;

    for (size_t i = 0; i < size; i++) {
        if (chr->escape_seen) {
            chr->escape_seen = false;
            if (data[i] != ESCAPE_KEY) {
                escape_command(chr, data[i]);
                continue;
            }
        } else if (data[i] == ESCAPE_KEY) {
            chr->escape_seen = true;
            continue;
        }
        data[left++] = data[i];
    }
    return left;
}

static void input_ended(Chardev *chr)
{
    if (chr->stdio) {
        chr->in_ended = true;
        update_polling(chr);
    } else {
        peer_went(chr);
    }
}

static void on_readable(void *opaque)
{
    Chardev *chr = opaque;
    const ChardevHandlers *h = chr->handlers;
    size_t room = h->can_receive ? h->can_receive(chr->opaque) : READ_SIZE;
    uint8_t data[READ_SIZE];
    ssize_t n;

    if (!room) {
        chr->in_paused = true;
        update_polling(chr);
        return;
    }
    n = read(chr->in_fd, data, MIN(room, sizeof(data)));
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n <= 0) {
        input_ended(chr);
        return;
    }
    if (chr->escapes) {
        n = take_escapes(chr, data, n);
    }
    if (n) {
        h->receive(chr->opaque, data, n);
    }
}

void chardev_set_handlers(Chardev *chr, const ChardevHandlers *handlers,
                          void *opaque)
{
    g_assert(!handlers || !chr->handlers);
    chr->handlers = handlers;
    chr->opaque = opaque;
    chr->in_paused = false;
    chr->starved = false;
    update_polling(chr);
    if (chr->open && !chr->closing) {
        report_event(chr, CHARDEV_OPENED);
    }
}

void chardev_accept_input(Chardev *chr)
{
    chr->in_paused = false;
    update_polling(chr);
}

const char *chardev_label(const Chardev *chr)
{
    return chr->label;
}

const char *chardev_pty_name(const Chardev *chr)
{
    return chr->pty_name;
}

bool chardev_is_open(const Chardev *chr)
{
    return chr->open && !chr->closing;
}

static Chardev *chardev_alloc(const char *label)
{
    Chardev *chr = g_new0(Chardev, 1);

    chr->label = g_strdup(label);
    chr->in_fd = -1;
    chr->out_fd = -1;
    chr->listen_fd = -1;
    timer_init(&chr->flush_timer, CLOCK_REAL, on_flush_timer, chr);
    timer_init(&chr->peer_timer, CLOCK_REAL, on_peer_timer, chr);
    return chr;
}

Chardev *chardev_new_options(const char *label, OptionList *options,
                             Error **errp)
{
    g_autoptr(Chardev) chr = chardev_alloc(label);
    g_autofree char *backend = option_list_take(options, "backend");

    if (!chardev_backend_open(chr, backend ? backend : "", options, errp)) {
        error_prepend(errp, "%s: ", label);
        return NULL;
    }
    if (!chr->null) {
        chr->out = g_malloc(CHARDEV_OUTPUT_MAX);
    }
    if (!chr->open) {
        wait_for_peer(chr);
    }
    return g_steal_pointer(&chr);
}

/* "unix:PATH,..." as -chardev would say it: the backend and its first key. */
static const struct {
    const char *prefix;
    const char *backend;
    const char *key; /* what stands behind the prefix; NULL: nothing may */
} spec_forms[] = {
    {"null", "null", NULL},           {"stdio", "stdio", NULL},
    {"mon:stdio", "mon:stdio", NULL}, {"pty", "pty", NULL},
    {"file:", "file", "path"},        {"unix:", "socket", "path"},
};

static OptionList *parse_spec(const char *spec, Error **errp)
{
    for (size_t i = 0; i < G_N_ELEMENTS(spec_forms); i++) {
        const char *prefix = spec_forms[i].prefix;
        const char *key = spec_forms[i].key;
        g_autofree char *text = NULL;

        if (!key && !strcmp(spec, prefix)) {
            text = g_strdup_printf("backend=%s", spec_forms[i].backend);
        } else if (key && g_str_has_prefix(spec, prefix)) {
            text =
                g_strdup_printf("%s=%s,backend=%s", key, spec + strlen(prefix),
                                spec_forms[i].backend);
        } else {
            continue;
        }
        return option_list_parse(text, NULL, errp);
    }
    error_setg(errp,
               "unknown character device '%s'; try: stdio, mon:stdio, "
               "file:PATH, pty, unix:PATH or null",
               spec);
    return NULL;
}

Chardev *chardev_new(const char *label, const char *spec, Error **errp)
{
    g_autoptr(OptionList) options = parse_spec(spec, errp);

    if (!options) {
        error_prepend(errp, "%s: ", label);
        return NULL;
    }
    return chardev_new_options(label, options, errp);
}

static void write_the_rest(Chardev *chr)
{
    while (takes_output(chr) && chr->out_size) {
        struct pollfd pfd = {.fd = chr->out_fd, .events = POLLOUT};
        int ready = poll(&pfd, 1, LAST_WRITE_MS);
        ssize_t n;

        if (ready < 0 && errno == EINTR) {
            continue;
        }
        if (ready <= 0) {
            return;
        }
        n = write_some(chr, chr->out + chr->out_start, chr->out_size);
        if (n < 0) {
            return;
        }
        chr->out_start += n;
        chr->out_size -= n;
    }
}

void chardev_free(Chardev *chr)
{
    if (!chr) {
        return;
    }
    chr->handlers = NULL;
    write_the_rest(chr);
    main_loop_cancel(chr);
    timer_finish(&chr->flush_timer);
    timer_finish(&chr->peer_timer);
    chr->open = false;
    if (chr->listen_fd >= 0) {
        main_loop_set_fd(chr->listen_fd, NULL, NULL, NULL);
    }
    update_polling(chr);
    chardev_backend_close(chr);
    g_free(chr->out);
    g_free(chr->pty_name);
    g_free(chr->unlink_path);
    g_free(chr->label);
    g_free(chr);
}
