/* SPDX-License-Identifier: Apache-2.0 */
/** Helper processes: forked early, spoken to over a socketpair, reaped.
 *
 * A child dies with its parent, holds no descriptor but 0, 1, 2, its socket and
 * those it is told to keep, and leaves by _exit with an enum rc.
 */
#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include "base/err.h"
#include "base/frame.h"
#include "base/own.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct child {
	const char *name; /* static: "reader", "token", "judge" */
	pid_t pid;	  /* 0 when not running */
	int sock;	  /* our end; -1 when closed */
	struct frame_line line; /* for those who send and take many records */
	int signal;	  /* that it died of, as child_explain found; else 0 */
};

/** What each end's socket holds, as the kernel counts: it doubles this number, and
 * counts 768 bytes for a record of 100 that is sent alone, 1,280 for one of 600,
 * 2,304 for one of 1,023. Whoever keeps no more outstanding than fits one way
 * never waits to send that way, so that two ends do not wait for each other. */
#define CHILD_SOCKET_ROOM 212992

#define CHILD_NONE ((struct child){ .sock = -1 })

/** What a child runs; its result is the exit status. */
typedef enum rc child_main(int sock, void *arg);

/** Fork. Nothing of OpenSSL's or SQLite's may be open yet but loaded code.
 * \param keep  descriptors that the child keeps besides (may be NULL)
 * \retval RC_IO no process or no socket */
enum rc child_start(struct child *c, const char *name, child_main *run,
    void *arg, const int *keep, size_t n_keep) MUST_CHECK;

/** Close our end and wait for it to leave; killed after `seconds`.
 * \retval RC_IO   it was killed by a signal, or by us, or ran out of memory (the
 *                 sentence says which)
 * \retval other   what it left with */
enum rc child_stop(struct child *c, int seconds) MUST_CHECK;

/** Kill and reap; for ways out that already have an error. Idempotent. */
void child_wipe(struct child *c);

/** What became of a child that closed its socket: puts "NAME process: died of
 * SIGSYS (bad system call)" or the like into the error record. */
enum rc child_explain(struct child *c, enum rc rc);

/** What a child came to, as the beginning of a record: `rc`, and what the error record
 * says unless that is RC_OK. \retval RC_IO no memory */
enum rc child_result_put(enum rc rc, struct buf *record) MUST_CHECK;
/** Take it off the front of a record, and make it our own.
 * \param rules  how many there are: numbers of rules are below that
 * \retval RC_BUG  it is none; or what the child says */
enum rc child_result_take(
    struct span *record, const char *name, unsigned rules) MUST_CHECK;

/** Whether a child with this status of waitpid ran out of memory or descriptors, or
 * never began, so that its end is no answer; the error record says which. */
bool child_could_not_say(const char *name, int status);

/** Wait at most `seconds` for a process of ours to leave, without reaping it. */
bool child_leaves_within(pid_t pid, int seconds);

#endif
