/* SPDX-License-Identifier: Apache-2.0 */
/** A whole function under tests/lib/fail.h: the n-th call fails, or the process
 * dies at it, and what that leaves is looked at each time.
 */
#ifndef TESTS_LIB_FAIL_EACH_H
#define TESTS_LIB_FAIL_EACH_H

#include "tests/lib/check.h"
#include "tests/lib/fail.h"

#include <errno.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* For what is made to fail; with " " between two of them. */
#define FAIL_MEMORY "malloc calloc reallocarray strdup strndup posix_memalign"
#define FAIL_DB "db_begin db_commit db_prepare db_step db_done"
#define FAIL_FILE \
	"fsync syncfs fchmod write linkat symlinkat renameat renameat2"
#define FAIL_MKDIR "mkdirat"

/** Make the n-th of those calls fail while body(arg) runs, for every n: each time
 * it must say so, and after(arg) (NULL: nothing) looks at what it left. At last
 * none is left to fail, and it works. */
static inline void
each_fails(const char *functions, enum rc (*body)(void *arg),
    void (*after)(void *arg), void *arg)
{
	for (unsigned n = 1;; n++) {
		const char *hit;
		enum rc rc;

		err_clear();
		fail_nth(functions, n, EIO);
		rc = body(arg);
		hit = fail_stop();
		if (hit == NULL) {
			if (rc != RC_OK)
				fail_msg("nothing failed: %s", err_text());
			assert_true(n > 1);
			return;
		}
		if (rc == RC_OK)
			fail_msg("call %u, %s, failed, and nobody says so", n,
			    hit);
		if (after != NULL)
			after(arg);
	}
}

/** The same with a child that dies at its n-th call. The body opens for itself
 * what it needs: nothing of SQLite may be carried into a child. */
static inline void
each_dies(const char *functions, enum rc (*body)(void *arg),
    void (*after)(void *arg), void *arg)
{
	for (unsigned n = 1;; n++) {
		pid_t pid = fork();
		int status = 0;

		assert_true(pid >= 0);
		if (pid == 0) {
			fail_nth(functions, n, 0);
			fail_kills();
			_exit(body(arg) == RC_OK ? 0 : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		if (WEXITSTATUS(status) == 0) {
			assert_true(n > 1);
			return;
		}
		if (WEXITSTATUS(status) != FAIL_KILLED)
			fail_msg("died at call %u with status %d", n,
			    WEXITSTATUS(status));
		after(arg);
	}
}

#endif
