/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QMP. json-c parses the stream in whatever pieces it comes; what does not
 * parse is answered once and dropped up to where a client begins anew: behind
 * the end of the line or a byte that no JSON text has, or, unless the bad
 * request was an object or a list itself, at the next object. A peer may not
 * make us keep more than one bounded request. Nothing of json-c is touched
 * before a peer comes.
 */

#include <json-c/json.h>
#include <string.h>
#include <sys/time.h>

#include "qmp-commands.h"
#include "system/channel.h"
#include "system/monitor.h"
#include "system/vm.h"
#include "util/container-of.h"

typedef struct json_object Json;
typedef struct json_tokener JsonParser;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Json, json_object_put)

struct MonitorSession {
    MonitorWriteFn write;
    void *write_opaque;
    VmListener listener;
    JsonParser *parser;
    size_t request_size; /* of the request that is not complete yet */
    bool compound;       /* it is an object or a list */
    bool in_string;      /* it ends so far in a string, */
    bool escaped;        /* ... behind a backslash */
    bool skipping;       /* the rest of one that did not parse */
    bool negotiated;
};

struct Monitor {
    Channel channel;
    MonitorSession *session;
};

/* Sends @message and frees it. */
static void emit(MonitorSession *s, Json *message)
{
    size_t length;
    const char *text = json_object_to_json_string_length(
        message, JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE,
        &length);
    g_autoptr(GString) line = g_string_new_len(text, length);

    g_string_append(line, "\r\n");
    json_object_put(message);
    s->write(s->write_opaque, line->str, line->len);
}

/* @id is the request's, or NULL. */
static void emit_reply(MonitorSession *s, const char *key, Json *value,
                       Json *id)
{
    Json *message = json_object_new_object();

    json_object_object_add(message, key, value);
    if (id) {
        json_object_object_add(message, "id", json_object_get(id));
    }
    emit(s, message);
}

static void G_GNUC_PRINTF(4, 5)
    emit_error(MonitorSession *s, Json *id, const char *error_class,
               const char *fmt, ...)
{
    g_autofree char *text = NULL;
    g_autofree char *desc = NULL;
    Json *error = json_object_new_object();
    va_list ap;

    va_start(ap, fmt);
    text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    /* It may quote the peer, and json-c passes every byte on. */
    desc = g_utf8_make_valid(text, -1);
    json_object_object_add(error, "class", json_object_new_string(error_class));
    json_object_object_add(error, "desc", json_object_new_string(desc));
    emit_reply(s, "error", error, id);
}

static void emit_greeting(MonitorSession *s)
{
    Json *message = json_object_new_object();
    Json *qmp = json_object_new_object();

    json_object_object_add(qmp, "version", qmp_version_info());
    json_object_object_add(qmp, "capabilities", json_object_new_array());
    json_object_object_add(message, "QMP", qmp);
    emit(s, message);
}

static void on_vm_event(VmListener *listener, VmEvent event, VmCause cause)
{
    static const char *const names[] = {
        [VM_EVENT_STOP] = "STOP",
        [VM_EVENT_RESUME] = "RESUME",
        [VM_EVENT_RESET] = "RESET",
        [VM_EVENT_SHUTDOWN] = "SHUTDOWN",
    };
    MonitorSession *s = container_of(listener, MonitorSession, listener);
    Json *message, *timestamp, *data;
    struct timeval now;

    if (!s->negotiated) {
        return;
    }
    gettimeofday(&now, NULL);
    message = json_object_new_object();
    timestamp = json_object_new_object();
    json_object_object_add(timestamp, "seconds",
                           json_object_new_int64(now.tv_sec));
    json_object_object_add(timestamp, "microseconds",
                           json_object_new_int64(now.tv_usec));
    json_object_object_add(message, "timestamp", timestamp);
    json_object_object_add(message, "event",
                           json_object_new_string(names[event]));
    if (event == VM_EVENT_RESET || event == VM_EVENT_SHUTDOWN) {
        data = json_object_new_object();
        json_object_object_add(
            data, "guest", json_object_new_boolean(vm_cause_is_guest(cause)));
        json_object_object_add(data, "reason",
                               json_object_new_string(vm_cause_name(cause)));
        json_object_object_add(message, "data", data);
    }
    emit(s, message);
}

static void execute(MonitorSession *s, const QmpCommand *command,
                    Json *arguments, Json *id)
{
    const char *error_class = "GenericError";
    g_autoptr(Error) err = NULL;
    Json *value = qmp_execute(command, arguments, &error_class, &err);

    if (err) {
        emit_error(s, id, error_class, "%s", error_get_pretty(err));
    } else {
        s->negotiated = true;
        emit_reply(s, "return", value, id);
    }
}

/* Negotiation is the first command that goes well, and no other one is. */
static void run_command(MonitorSession *s, const char *name, Json *arguments,
                        Json *id)
{
    bool negotiation = strcmp(name, QMP_NEGOTIATION) == 0;
    const QmpCommand *command = qmp_find_command(name);

    if (negotiation == s->negotiated) {
        emit_error(s, id, "CommandNotFound", "%s",
                   negotiation ? QMP_NEGOTIATION " comes only once"
                               : QMP_NEGOTIATION " must come first");
    } else if (!command) {
        emit_error(s, id, "CommandNotFound", "there is no command '%s'", name);
    } else {
        execute(s, command, arguments, id);
    }
}

/* False when the error has been sent. */
static bool check_members(MonitorSession *s, Json *request, Json *id)
{
    json_object_object_foreach(request, key, value)
    {
        json_type wanted = json_type_null;

        if (strcmp(key, "execute") == 0) {
            wanted = json_type_string;
        } else if (strcmp(key, "arguments") == 0) {
            wanted = json_type_object;
        } else if (strcmp(key, "id") != 0) {
            emit_error(s, id, "GenericError", "a request has no member '%s'",
                       key);
            return false;
        }
        if (wanted != json_type_null && !json_object_is_type(value, wanted)) {
            emit_error(s, id, "GenericError", "'%s' must be of type %s", key,
                       json_type_to_name(wanted));
            return false;
        }
    }
    return true;
}

static void run_request(MonitorSession *s, Json *request)
{
    Json *execute, *id, *arguments = NULL;

    if (!json_object_is_type(request, json_type_object)) {
        emit_error(s, NULL, "GenericError", "a request must be an object");
        return;
    }
    id = json_object_object_get(request, "id");
    if (!check_members(s, request, id)) {
        return;
    }
    if (!json_object_object_get_ex(request, "execute", &execute)) {
        emit_error(s, id, "GenericError", "a request needs 'execute'");
        return;
    }
    json_object_object_get_ex(request, "arguments", &arguments);
    run_command(s, json_object_get_string(execute), arguments, id);
}

static void start_request(MonitorSession *s)
{
    json_tokener_reset(s->parser);
    s->request_size = 0;
    s->in_string = false;
    s->escaped = false;
}

static void drop_request(MonitorSession *s, const char *reason)
{
    emit_error(s, NULL, "GenericError", "JSON parse error: %s", reason);
    start_request(s);
    s->skipping = true;
}

/* No request goes on behind such a byte. */
static bool ends_request(uint8_t byte)
{
    bool outside_utf8 = byte == 0xc0 || byte == 0xc1 || byte > 0xf4;

    return outside_utf8 || (byte < ' ' && byte != '\t');
}

/* How many of the bytes belong to a request that is skipped. */
static size_t skip(MonitorSession *s, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bool end = ends_request(data[i]);

        if (end || (data[i] == '{' && !s->compound)) {
            s->skipping = false;
            return end ? i + 1 : i;
        }
    }
    return size;
}

/*
 * How many bytes there are before one that cannot be in the request. json-c
 * takes a zero byte for the end of the text, and other control characters and
 * what is not UTF-8 for text.
 */
static size_t count_possible(MonitorSession *s, const uint8_t *data,
                             size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bool escaped = s->escaped;

        if (s->in_string ? data[i] < ' ' || ends_request(data[i])
                         : !g_ascii_isspace(data[i]) && ends_request(data[i])) {
            return i;
        }
        s->escaped = s->in_string && !escaped && data[i] == '\\';
        if (data[i] == '"' && !escaped) {
            s->in_string = !s->in_string;
        }
    }
    return size;
}

/* Parses to the end of one request at most; returns the bytes that it took. */
static size_t parse(MonitorSession *s, const uint8_t *data, size_t size)
{
    size_t room = MONITOR_REQUEST_MAX - s->request_size;
    size_t length = count_possible(s, data, MIN(size, room));
    g_autoptr(Json) request = NULL;
    enum json_tokener_error error;

    if (s->request_size == 0) {
        s->compound = *data == '{' || *data == '[';
    }
    if (length == 0) {
        drop_request(s, room ? "a control character or a byte outside UTF-8"
                             : "too long");
        return 0;
    }
    request = json_tokener_parse_ex(s->parser, (const char *)data, length);
    error = json_tokener_get_error(s->parser);
    if (error == json_tokener_continue) {
        s->request_size += length;
        return length;
    }
    length = json_tokener_get_parse_end(s->parser);
    if (error == json_tokener_success) {
        start_request(s);
        run_request(s, request);
    } else {
        drop_request(s, json_tokener_error_desc(error));
    }
    return length;
}

void monitor_session_feed(MonitorSession *s, const uint8_t *data, size_t size)
{
    while (size) {
        size_t done = 0;

        if (s->skipping) {
            done = skip(s, data, size);
        } else if (s->request_size == 0 && g_ascii_isspace(*data)) {
            done = 1;
        } else {
            done = parse(s, data, size);
        }
        data += done;
        size -= done;
    }
}

MonitorSession *monitor_session_new(MonitorWriteFn write, void *opaque)
{
    MonitorSession *s = g_new0(MonitorSession, 1);

    s->write = write;
    s->write_opaque = opaque;
    s->parser = json_tokener_new();
    json_tokener_set_flags(s->parser, JSON_TOKENER_STRICT |
                                          JSON_TOKENER_ALLOW_TRAILING_CHARS);
    s->listener.event = on_vm_event;
    vm_listen(&s->listener);
    emit_greeting(s);
    return s;
}

void monitor_session_free(MonitorSession *s)
{
    if (s) {
        vm_unlisten(&s->listener);
        json_tokener_free(s->parser);
        g_free(s);
    }
}

static void write_line(void *opaque, const char *data, size_t size)
{
    Monitor *monitor = opaque;

    channel_write(&monitor->channel, data, size);
}

static void opened(void *opaque)
{
    Monitor *monitor = opaque;

    monitor_session_free(monitor->session);
    monitor->session = monitor_session_new(write_line, monitor);
}

static void closed(void *opaque)
{
    Monitor *monitor = opaque;

    g_clear_pointer(&monitor->session, monitor_session_free);
}

static void receive(void *opaque, const uint8_t *data, size_t size)
{
    Monitor *monitor = opaque;

    monitor_session_feed(monitor->session, data, size);
}

static const ChannelHandlers monitor_handlers = {
    .opened = opened,
    .closed = closed,
    .receive = receive,
};

Monitor *monitor_new(Chardev *chr)
{
    Monitor *monitor = g_new0(Monitor, 1);

    channel_init(&monitor->channel, chr, &monitor_handlers, monitor);
    return monitor;
}

void monitor_free(Monitor *monitor)
{
    if (monitor) {
        channel_finish(&monitor->channel);
        monitor_session_free(monitor->session);
        g_free(monitor);
    }
}
