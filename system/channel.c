/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Channel: what QMP and qtest have in common. A chardev keeps a little output
 * and then takes less than it is given; an answer must not be cut in half, so
 * the rest is kept here and goes out as the peer reads. Requests wait until
 * then, but those of one received piece have been taken already, hence the
 * limit.
 */

#include "system/channel.h"
#include "util/log.h"

#define RECEIVE_MAX 4096

static size_t can_receive(void *opaque)
{
    const Channel *ch = opaque;

    return ch->kept->len ? 0 : RECEIVE_MAX;
}

static void receive(void *opaque, const uint8_t *data, size_t size)
{
    Channel *ch = opaque;

    ch->handlers->receive(ch->opaque, data, size);
}

static void send_kept(Channel *ch)
{
    ch->sent += chardev_write(ch->chr, ch->kept->str + ch->sent,
                              ch->kept->len - ch->sent);
    /* To move the rest each time would take its square. */
    if (ch->sent >= ch->kept->len / 2) {
        g_string_erase(ch->kept, 0, ch->sent);
        ch->sent = 0;
    }
}

static void writable(void *opaque)
{
    Channel *ch = opaque;

    if (ch->kept->len) {
        send_kept(ch);
        if (!ch->kept->len) {
            chardev_accept_input(ch->chr);
        }
    }
}

static void event(void *opaque, ChardevEvent event)
{
    Channel *ch = opaque;

    g_string_truncate(ch->kept, 0);
    ch->sent = 0;
    ch->broken = false;
    if (event == CHARDEV_OPENED) {
        ch->handlers->opened(ch->opaque);
    } else {
        ch->handlers->closed(ch->opaque);
    }
}

static const ChardevHandlers channel_handlers = {
    .can_receive = can_receive,
    .receive = receive,
    .writable = writable,
    .event = event,
};

void channel_init(Channel *ch, Chardev *chr, const ChannelHandlers *handlers,
                  void *opaque)
{
    *ch = (Channel){
        .chr = chr,
        .handlers = handlers,
        .opaque = opaque,
        .kept = g_string_new(NULL),
    };
    chardev_set_handlers(chr, &channel_handlers, ch);
}

void channel_finish(Channel *ch)
{
    if (ch->chr) {
        chardev_set_handlers(ch->chr, NULL, NULL);
        g_string_free(ch->kept, TRUE);
        *ch = (Channel){0};
    }
}

void channel_write(Channel *ch, const void *data, size_t size)
{
    size_t sent = 0;

    if (ch->broken) {
        return;
    }
    if (!ch->kept->len) {
        sent = chardev_write(ch->chr, data, size);
    }
    if (size - sent > CHANNEL_KEPT_MAX - (ch->kept->len - ch->sent)) {
        ch->broken = true;
        warn_report("%s: the peer does not read; it gets no more answers",
                    chardev_label(ch->chr));
        return;
    }
    g_string_append_len(ch->kept, (const char *)data + sent, size - sent);
}
