/* SPDX-License-Identifier: Apache-2.0 */
/** A directory of a test's own. */
#ifndef TESTS_LIB_TEST_DIR_H
#define TESTS_LIB_TEST_DIR_H

#include "tests/lib/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* In memory where that can be: what is tested here does not hang on a disk. */
static inline void
test_dir_make(char *to, size_t n)
{
	const char *tmp = getenv("TMPDIR");

	if (tmp == NULL)
		tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	(void)snprintf(to, n, "%s/test-ca.XXXXXX", tmp);
	assert_non_null(mkdtemp(to));
}

static inline void
test_dir_remove(const char *dir)
{
	char command[300];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	assert_int_equal(system(command), 0);
}

#endif
