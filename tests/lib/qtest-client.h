/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>
#include <json-c/json.h>
#include <stdint.h>

/*
 * Runs the emulator for a test and talks to it by qtest and QMP. Nothing here
 * returns a failure: what goes wrong fails the test where it happens.
 */

/**
 * g_test_init(), and the emulator's path from the test's first argument. Other
 * arguments are left where they are.
 */
void qtest_client_init(int *argc, char ***argv);
/** The emulator that is tested. */
const char *qtest_client_emulator(void);

/** What a run of the emulator left behind; strings are never NULL. */
typedef struct EmulatorResult {
    int status; /* exit status; negative: the signal that ended it */
    char *out;
    char *err;
} EmulatorResult;

/** Runs the emulator with @args (words as in a shell) to its end. */
EmulatorResult *emulator_run(const char *args, ...) G_GNUC_PRINTF(1, 2);
void emulator_result_free(EmulatorResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EmulatorResult, emulator_result_free)

/**
 * Runs the emulator with @args and expects status 1, nothing on standard
 * output and one line on standard error which contains @message.
 */
void emulator_expect_error(const char *message, const char *args, ...)
    G_GNUC_PRINTF(2, 3);

/** QtestClient: one emulator. */
typedef struct QtestClient QtestClient;

/**
 * Starts the emulator with -accel qtest, @args and both sockets, and
 * negotiates QMP.
 */
QtestClient *qtest_client_new(const char *args, ...) G_GNUC_PRINTF(1, 2);
/** Ends it by SIGTERM and expects status 0. */
void qtest_client_quit(QtestClient *client);
/** Waits for its end; the exit status. Frees @client. */
int qtest_client_wait(QtestClient *client);
/** A private directory; removed with all in it when the client goes. */
const char *qtest_client_dir(const QtestClient *client);
GPid qtest_client_pid(const QtestClient *client);

/**
 * Sends one line and returns the answer without its newline; IRQ lines before
 * it are remembered. Caller frees.
 */
char *qtest_command(QtestClient *client, const char *fmt, ...)
    G_GNUC_PRINTF(2, 3);
/** The same, and the answer must be @answer. */
void qtest_expect(QtestClient *client, const char *answer, const char *fmt, ...)
    G_GNUC_PRINTF(3, 4);

uint32_t qtest_readl(QtestClient *client, uint64_t addr);
void qtest_writel(QtestClient *client, uint64_t addr, uint32_t value);
void qtest_clock_step(QtestClient *client, int64_t ns);
/** The last level that was seen of the intercepted line @n; 0 at first. */
int qtest_irq_level(QtestClient *client, unsigned n);
/** How often it was raised. */
unsigned qtest_irq_count(QtestClient *client, unsigned n);

/** Sends @request and returns the answer; events are remembered. Caller puts.
 */
struct json_object *qtest_qmp(QtestClient *client, const char *request);
/** Waits for the event (or takes one that came before). Caller puts. */
struct json_object *qtest_qmp_event(QtestClient *client, const char *name);
/** True if one has come and was not taken. */
bool qtest_qmp_has_event(QtestClient *client, const char *name);
/** The next message, whatever it is. Caller puts. */
struct json_object *qtest_qmp_receive(QtestClient *client);
void qtest_qmp_send(QtestClient *client, const char *bytes, gssize size);

/** The member at a path like "return.status"; fails the test without it. */
struct json_object *json_at(struct json_object *obj, const char *path);
const char *json_text_at(struct json_object *obj, const char *path);

/* Below the emulator: sockets and bytes. */
int unix_listen(const char *path);
int unix_connect(const char *path);
/** Accepts one connection, closes @listener. */
int unix_accept(int listener);
void write_all(int fd, const void *data, size_t size);
/** A line without its end; NULL at the end of the stream. Caller frees. */
char *read_line(int fd);
