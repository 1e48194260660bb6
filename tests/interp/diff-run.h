/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>
#include <sys/types.h>

#include "diff-format.h"
#include "util/error.h"

/*
 * A program that runs the cases of diff-format.h, at the other end of two
 * pipes. It is started by the first case.
 */
typedef struct DiffRunner {
    const char *name;    /* for messages: "oracle", "ours" */
    const char *command; /* words, split as by a shell; borrowed */
    GPid pid;            /* 0: not started */
    int to;
    int from;
    size_t sent; /* bytes, of the present exchange */
    size_t received;
} DiffRunner;

/**
 * Has each of the @num @runners run the @n @cases, at the same time; the
 * results of runner i go to @results[i]. False, and *@errp names the runner,
 * if one cannot be started, ends, or does not answer for a minute.
 */
bool diff_run(DiffRunner **runners, unsigned num, const DiffCase *cases,
              unsigned n, DiffResult **results, Error **errp);

/** Ends the program and waits for it. A runner not started is fine. */
void diff_runner_finish(DiffRunner *runner);
