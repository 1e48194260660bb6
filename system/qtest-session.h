/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "system/qtest.h"

/* Between qtest.c, the protocol, and qtest-irq.c, its interrupt commands. */
struct QtestSession {
    QtestWriteFn write;
    void *write_opaque;
    int log_fd;
    GString *line;
    bool too_long;      /* the rest of the line is dropped */
    Object *watched;    /* one device at a time, as in QEMU */
    GPtrArray *watches; /* qtest-irq.c's */
};

/* One answer, without its newline. */
void qtest_reply(QtestSession *s, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
/* The numbers of @words[1..], as many as @values has; else a FAIL line. */
bool qtest_get_numbers(QtestSession *s, char **words, uint64_t *values,
                       unsigned n);

void qtest_cmd_irq_intercept_in(QtestSession *s, char **words);
void qtest_cmd_irq_intercept_out(QtestSession *s, char **words);
void qtest_cmd_set_irq_in(QtestSession *s, char **words);
void qtest_cmd_irq_eoi(QtestSession *s, char **words);
/* Of an element of watches: the line is left as it was found. */
void qtest_watch_free(gpointer data);
