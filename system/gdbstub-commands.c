/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What gdb can ask: a table of packets by their first letters. What is not in
 * it gets the empty answer, by which gdb learns that the stub has no such
 * thing. Most need a stopped machine; if somebody else (QMP's cont) has let it
 * run meanwhile, it is stopped again, so that what gdb believes is true.
 */

#include <inttypes.h>
#include <string.h>

#include "gdbstub-internal.h"
#include "gdbstub-regs.h"
#include "hw/core/run-state.h"
#include "trace.h"
#include "util/log.h"

#define MEMORY_MAX ((GDB_PACKET_MAX - 16) / 2) /* as hex digits in a packet */
#define TABLE_PAGE 4096u                       /* the smallest granule */

/* False: the answer comes later, or never. */
typedef bool (*CommandFn)(GdbSession *s, GdbText args);

typedef struct Command {
    const char *name;
    CommandFn run;
    bool running; /* may be asked while the machine runs */
} Command;

static bool answer(GdbSession *s, const char *text)
{
    g_string_assign(s->reply, text);
    return true;
}

static bool answer_ok(GdbSession *s)
{
    return answer(s, "OK");
}

/* gdb shows the number and knows no meaning of it. */
static bool answer_error(GdbSession *s)
{
    return answer(s, "E01");
}

static bool answer_failed(GdbSession *s, const Error *err)
{
    static LogLimit limit;

    warn_report_limited(&limit, "gdb: %s", error_get_pretty(err));
    return answer_error(s);
}

static bool read_regs(GdbSession *s, GuestRegs *regs)
{
    g_autoptr(Error) err = NULL;
    bool ok = s->ops->read_regs(s->accel, s->cpu, regs, &err);

    return ok || !answer_failed(s, err);
}

static bool write_regs(GdbSession *s, const GuestRegs *regs)
{
    g_autoptr(Error) err = NULL;
    bool ok = s->ops->write_regs(s->accel, s->cpu, regs, &err);

    return ok ? answer_ok(s) : answer_failed(s, err);
}

/* ---- stops and starts ---- */

static bool cmd_why(GdbSession *s, GdbText args)
{
    gdb_append_stop(s, s->reply);
    return true;
}

/* A refusal is in the reply already. */
static bool resumed(GdbSession *s, bool going)
{
    return !going;
}

static bool cmd_continue(GdbSession *s, GdbText args)
{
    return resumed(s, gdb_resume(s, args, false, false));
}

static bool cmd_continue_signal(GdbSession *s, GdbText args)
{
    return resumed(s, gdb_resume(s, args, false, true));
}

static bool cmd_step(GdbSession *s, GdbText args)
{
    return resumed(s, gdb_resume(s, args, true, false));
}

static bool cmd_step_signal(GdbSession *s, GdbText args)
{
    return resumed(s, gdb_resume(s, args, true, true));
}

static bool cmd_vcont(GdbSession *s, GdbText args)
{
    return resumed(s, gdb_vcont(s, args));
}

static bool cmd_vcont_offer(GdbSession *s, GdbText args)
{
    return answer(s, "vCont;c;C;s;S");
}

static bool cmd_detach(GdbSession *s, GdbText args)
{
    gdb_remove_all_points(s);
    gdb_send(s, "OK", 2);
    s->waiting = false;
    vm_start();
    return false;
}

static bool cmd_kill(GdbSession *s, GdbText args)
{
    vm_request(VM_HOST_UI);
    return false;
}

static bool cmd_vkill(GdbSession *s, GdbText args)
{
    vm_request(VM_HOST_UI);
    return answer_ok(s);
}

/* ---- threads ---- */

static bool cmd_set_thread(GdbSession *s, GdbText args)
{
    bool for_resume = gdb_take_char(&args, 'c');
    int cpu;

    if (!for_resume && !gdb_take_char(&args, 'g')) {
        return answer_error(s);
    }
    if (!gdb_take_thread(s, &args, for_resume ? GDB_ALL_CPUS : (int)s->cpu,
                         &cpu) ||
        args.p < args.end) {
        return answer_error(s);
    }
    if (for_resume) {
        s->resume_cpu = cpu;
    } else if (cpu != GDB_ALL_CPUS) {
        s->cpu = cpu;
    }
    return answer_ok(s);
}

/* One CPU by its thread-id, or false. */
static bool take_cpu(GdbSession *s, GdbText *text, int *cpu)
{
    return gdb_take_thread(s, text, s->cpu, cpu) && *cpu != GDB_ALL_CPUS &&
           text->p == text->end;
}

static bool cmd_is_alive(GdbSession *s, GdbText args)
{
    int cpu;

    return take_cpu(s, &args, &cpu) ? answer_ok(s) : answer_error(s);
}

static bool cmd_current_thread(GdbSession *s, GdbText args)
{
    g_string_printf(s->reply, "QC%02x", s->cpu + 1);
    return true;
}

static bool cmd_first_threads(GdbSession *s, GdbText args)
{
    for (unsigned cpu = 0; cpu < s->num_cpus; cpu++) {
        g_string_append_printf(s->reply, "%c%02x", cpu ? ',' : 'm', cpu + 1);
    }
    return true;
}

static bool cmd_more_threads(GdbSession *s, GdbText args)
{
    return answer(s, "l");
}

static bool cmd_thread_info(GdbSession *s, GdbText args)
{
    g_autofree char *text = NULL;
    int cpu;

    if (!gdb_take_char(&args, ',') || !take_cpu(s, &args, &cpu)) {
        return answer_error(s);
    }
    text = g_strdup_printf("CPU %d", cpu);
    gdb_append_hex(s->reply, text, strlen(text));
    return true;
}

/* ---- registers ---- */

static bool cmd_read_all(GdbSession *s, GdbText args)
{
    GuestRegs regs;

    if (!read_regs(s, &regs)) {
        return true;
    }
    for (unsigned n = 0; n < GDB_NUM_REGS; n++) {
        size_t size;
        const void *reg = gdb_reg(&regs, n, &size);

        gdb_append_hex(s->reply, reg, size);
    }
    return true;
}

static bool cmd_write_all(GdbSession *s, GdbText args)
{
    GuestRegs regs = {0};

    for (unsigned n = 0; n < GDB_NUM_REGS; n++) {
        size_t size;
        void *reg = gdb_reg(&regs, n, &size);

        if (!gdb_take_hex(&args, reg, size)) {
            return answer_error(s);
        }
    }
    return args.p == args.end ? write_regs(s, &regs) : answer_error(s);
}

static bool cmd_read_one(GdbSession *s, GdbText args)
{
    const void *reg;
    GuestRegs regs;
    uint64_t n;
    size_t size;

    if (!gdb_take_number(&args, &n) || args.p < args.end || n >= GDB_NUM_REGS) {
        return answer_error(s);
    }
    if (read_regs(s, &regs)) {
        reg = gdb_reg(&regs, n, &size);
        gdb_append_hex(s->reply, reg, size);
    }
    return true;
}

static bool cmd_write_one(GdbSession *s, GdbText args)
{
    GuestRegs regs;
    uint64_t n;
    size_t size;
    void *reg;

    if (!gdb_take_number(&args, &n) || !gdb_take_char(&args, '=') ||
        n >= GDB_NUM_REGS) {
        return answer_error(s);
    }
    if (!read_regs(s, &regs)) {
        return true;
    }
    reg = gdb_reg(&regs, n, &size);
    return gdb_take_hex(&args, reg, size) && args.p == args.end
               ? write_regs(s, &regs)
               : answer_error(s);
}

/* ---- memory ---- */

/* In one page of the guest's tables. */
static bool access_page(GdbSession *s, uint64_t va, uint8_t *buf, size_t size,
                        bool is_write)
{
    AddressSpace *as = address_space_memory();
    hwaddr pa;

    /* A hole is asked about first: an access to it would be logged. */
    return s->ops->translate(s->accel, s->cpu, va, &pa) &&
           address_space_find(as, pa).mr &&
           address_space_rw(as, pa, buf, size, is_write) == MEMTX_OK;
}

/* How many bytes could be accessed from the start on. */
static size_t access_memory(GdbSession *s, uint64_t va, uint8_t *buf,
                            size_t size, bool is_write)
{
    size_t done = 0;

    while (done < size) {
        uint64_t at = va + done;
        size_t piece = MIN(size - done, TABLE_PAGE - at % TABLE_PAGE);

        if (!access_page(s, at, buf + done, piece, is_write)) {
            break;
        }
        done += piece;
    }
    return done;
}

/* "ADDRESS,LENGTH" */
static bool take_range(GdbText *args, uint64_t *addr, uint64_t *size)
{
    return gdb_take_number(args, addr) && gdb_take_char(args, ',') &&
           gdb_take_number(args, size);
}

static bool cmd_read_memory(GdbSession *s, GdbText args)
{
    uint8_t buf[MEMORY_MAX];
    uint64_t addr, size;
    size_t done;

    if (!take_range(&args, &addr, &size) || args.p < args.end) {
        return answer_error(s);
    }
    done = access_memory(s, addr, buf, MIN(size, sizeof(buf)), false);
    if (size && !done) {
        return answer_error(s);
    }
    gdb_append_hex(s->reply, buf, done);
    return true;
}

static bool write_memory(GdbSession *s, uint64_t addr, uint8_t *buf,
                         size_t size)
{
    return access_memory(s, addr, buf, size, true) == size ? answer_ok(s)
                                                           : answer_error(s);
}

static bool cmd_write_memory(GdbSession *s, GdbText args)
{
    uint8_t buf[MEMORY_MAX];
    uint64_t addr, size;

    if (!take_range(&args, &addr, &size) || !gdb_take_char(&args, ':') ||
        size > sizeof(buf) || !gdb_take_hex(&args, buf, size) ||
        args.p < args.end) {
        return answer_error(s);
    }
    return write_memory(s, addr, buf, size);
}

static bool cmd_write_binary(GdbSession *s, GdbText args)
{
    uint64_t addr, size;

    if (!take_range(&args, &addr, &size) || !gdb_take_char(&args, ':') ||
        size != (uint64_t)(args.end - args.p)) {
        return answer_error(s);
    }
    return write_memory(s, addr, (uint8_t *)args.p, size);
}

/* ---- breakpoints ---- */

/* "TYPE,ADDRESS,KIND", the kind of a watchpoint being its size. */
static bool take_point(GdbText *args, uint64_t *type, uint64_t *addr,
                       uint64_t *size)
{
    return gdb_take_number(args, type) && *type <= GDB_Z_ACCESS &&
           gdb_take_char(args, ',') && take_range(args, addr, size) &&
           args->p == args->end && *size;
}

static bool cmd_insert(GdbSession *s, GdbText args)
{
    g_autoptr(Error) err = NULL;
    uint64_t type, addr, size;

    if (!take_point(&args, &type, &addr, &size)) {
        return answer_error(s);
    }
    return gdb_insert_point(s, type, addr, size, &err) ? answer_ok(s)
                                                       : answer_failed(s, err);
}

static bool cmd_remove(GdbSession *s, GdbText args)
{
    uint64_t type, addr, size;

    if (!take_point(&args, &type, &addr, &size)) {
        return answer_error(s);
    }
    gdb_remove_point(s, type, addr, size);
    return answer_ok(s);
}

/* ---- what the stub is ---- */

static bool has_word(const GdbText *args, const char *word)
{
    g_autofree char *text = g_strndup(args->p, args->end - args->p);
    g_auto(GStrv) words = g_strsplit_set(text, ":;", -1);

    return g_strv_contains((const char *const *)words, word);
}

static bool cmd_supported(GdbSession *s, GdbText args)
{
    s->swbreak = has_word(&args, "swbreak+");
    s->hwbreak = has_word(&args, "hwbreak+");
    g_string_printf(s->reply,
                    "PacketSize=%x;QStartNoAckMode+;qXfer:features:read+;"
                    "vContSupported+;swbreak+;hwbreak+",
                    GDB_PACKET_MAX);
    return true;
}

static bool cmd_no_acks(GdbSession *s, GdbText args)
{
    s->no_ack = true;
    return answer_ok(s);
}

static bool cmd_attached(GdbSession *s, GdbText args)
{
    return answer(s, "1");
}

/* ":read:target.xml:OFFSET,LENGTH", a piece of it: "m" and text, the last one
 * "l" and text. */
static bool cmd_features(GdbSession *s, GdbText args)
{
    static const char start[] = ":read:target.xml:";
    size_t total = strlen(gdb_target_xml);
    uint64_t offset, size;

    if (!g_str_has_prefix(args.p, start)) {
        return answer(s, "E00");
    }
    args.p += strlen(start);
    if (!take_range(&args, &offset, &size) || args.p < args.end ||
        offset > total) {
        return answer_error(s);
    }
    size = MIN(MIN(size, MEMORY_MAX), total - offset);
    g_string_append_c(s->reply, offset + size < total ? 'm' : 'l');
    g_string_append_len(s->reply, gdb_target_xml + offset, size);
    return true;
}

static const Command commands[] = {
    {"?", cmd_why},
    {"c", cmd_continue},
    {"C", cmd_continue_signal},
    {"s", cmd_step},
    {"S", cmd_step_signal},
    {"D", cmd_detach},
    {"k", cmd_kill, .running = true},
    {"g", cmd_read_all},
    {"G", cmd_write_all},
    {"p", cmd_read_one},
    {"P", cmd_write_one},
    {"m", cmd_read_memory},
    {"M", cmd_write_memory},
    {"X", cmd_write_binary},
    {"Z", cmd_insert},
    {"z", cmd_remove},
    {"H", cmd_set_thread, .running = true},
    {"T", cmd_is_alive, .running = true},
    {"vCont", cmd_vcont},
    {"vCont?", cmd_vcont_offer, .running = true},
    {"vKill", cmd_vkill, .running = true},
    {"qAttached", cmd_attached, .running = true},
    {"qC", cmd_current_thread, .running = true},
    {"qfThreadInfo", cmd_first_threads, .running = true},
    {"qsThreadInfo", cmd_more_threads, .running = true},
    {"qSupported", cmd_supported, .running = true},
    {"qThreadExtraInfo", cmd_thread_info, .running = true},
    {"qXfer:features", cmd_features, .running = true},
    {"QStartNoAckMode", cmd_no_acks, .running = true},
};

/* Names of one letter go without anything between them and what follows. */
static bool is_command(const Command *command, const char *payload)
{
    size_t length = strlen(command->name);

    return strncmp(payload, command->name, length) == 0 &&
           (length == 1 || !payload[length] || strchr(":;,", payload[length]));
}

static const Command *find_command(const char *payload)
{
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (is_command(&commands[i], payload)) {
            return &commands[i];
        }
    }
    return NULL;
}

bool gdb_execute(GdbSession *s)
{
    const char *payload = s->reader.payload;
    const Command *command = find_command(payload);
    GdbText args;

    trace_gdb_command(command ? command->name : "(unknown)", s->reader.size);
    if (!command) {
        return true;
    }
    if (!command->running && run_state_is_running()) {
        if (s->waiting) {
            return answer_error(s);
        }
        gdb_stop_machine(s, &(GdbStop){.cpu = s->cpu, .signal = GDB_SIGINT});
    }
    args.p = payload + strlen(command->name);
    args.end = payload + s->reader.size;
    return command->run(s, args);
}
