/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The programs that run the differential test's cases, see diff-run.h. Cases
 * are written while results are read, whatever the pipes hold: neither side
 * ever waits for the other in a circle. A program that dies is a finding, not
 * the end of the test: it is started anew by the next case.
 */

#include "diff-run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ANSWER_MS = 60000 };

static bool start(DiffRunner *runner, Error **errp)
{
    g_auto(GStrv) words = NULL;
    g_autoptr(GError) failed = NULL;

    if (runner->pid) {
        return true;
    }
    if (!g_shell_parse_argv(runner->command, NULL, &words, &failed) ||
        !g_spawn_async_with_pipes(
            NULL, words, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD,
            NULL, NULL, &runner->pid, &runner->to, &runner->from, NULL,
            &failed)) {
        error_setg(errp, "%s: %s: %s", runner->name, runner->command,
                   failed->message);
        runner->pid = 0;
        return false;
    }
    fcntl(runner->to, F_SETFL, O_NONBLOCK);
    fcntl(runner->from, F_SETFL, O_NONBLOCK);
    return true;
}

void diff_runner_finish(DiffRunner *runner)
{
    if (!runner->pid) {
        return;
    }
    close(runner->to);
    close(runner->from);
    kill(runner->pid, SIGKILL);
    waitpid(runner->pid, NULL, 0);
    g_spawn_close_pid(runner->pid);
    runner->pid = 0;
}

/* How it ended; it closed its pipe, so it will. */
static void died(DiffRunner *runner, Error **errp)
{
    int status = 0;

    waitpid(runner->pid, &status, 0);
    if (WIFSIGNALED(status)) {
        error_setg(errp, "%s: died: %s", runner->name,
                   strsignal(WTERMSIG(status)));
    } else {
        error_setg(errp, "%s: ended with status %d", runner->name,
                   WEXITSTATUS(status));
    }
    close(runner->to);
    close(runner->from);
    g_spawn_close_pid(runner->pid);
    runner->pid = 0;
}

/* Moves what can be moved at once; false when the other end is gone. */
static bool move(DiffRunner *runner, const DiffCase *cases, unsigned n,
                 DiffResult *results)
{
    ssize_t moved;

    if (runner->sent < n * sizeof(*cases)) {
        moved = write(runner->to, (const char *)cases + runner->sent,
                      n * sizeof(*cases) - runner->sent);
        if (moved < 0 && errno != EAGAIN) {
            return false;
        }
        runner->sent += MAX(moved, 0);
    }
    moved = read(runner->from, (char *)results + runner->received,
                 n * sizeof(*results) - runner->received);
    if (moved == 0 || (moved < 0 && errno != EAGAIN)) {
        return false;
    }
    runner->received += MAX(moved, 0);
    return true;
}

static unsigned waits_for(const DiffRunner *runner, unsigned n,
                          struct pollfd *fds)
{
    if (runner->received == n * sizeof(DiffResult)) {
        return 0;
    }
    fds[0] = (struct pollfd){.fd = runner->from, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = runner->to, .events = POLLOUT};
    return runner->sent < n * sizeof(DiffCase) ? 2 : 1;
}

bool diff_run(DiffRunner **runners, unsigned num, const DiffCase *cases,
              unsigned n, DiffResult **results, Error **errp)
{
    struct pollfd fds[8];
    unsigned num_fds;

    g_assert(num <= G_N_ELEMENTS(fds) / 2);
    for (unsigned i = 0; i < num; i++) {
        if (!start(runners[i], errp)) {
            return false;
        }
        runners[i]->sent = runners[i]->received = 0;
    }
    for (;;) {
        num_fds = 0;
        for (unsigned i = 0; i < num; i++) {
            num_fds += waits_for(runners[i], n, fds + num_fds);
        }
        if (num_fds == 0) {
            return true;
        }
        if (poll(fds, num_fds, ANSWER_MS) == 0) {
            break;
        }
        for (unsigned i = 0; i < num; i++) {
            if (runners[i]->received < n * sizeof(DiffResult) &&
                !move(runners[i], cases, n, results[i])) {
                died(runners[i], errp);
                return false;
            }
        }
    }
    for (unsigned i = 0; i < num; i++) {
        if (runners[i]->received < n * sizeof(DiffResult)) {
            error_setg(errp, "%s: does not answer", runners[i]->name);
            diff_runner_finish(runners[i]);
            return false;
        }
    }
    return true;
}
