/* SPDX-License-Identifier: Apache-2.0 */
/** Files of tests/vectors. */
#ifndef TESTS_LIB_VECTOR_H
#define TESTS_LIB_VECTOR_H

#include "base/file.h"
#include "tests/lib/check.h"

#include <fcntl.h>
#include <stdio.h>

/** Read tests/vectors/DIR/NAME whole. */
static inline void
vector_read(const char *dir, const char *name, struct buf *ret)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "tests/vectors/%s/%s", dir, name);
	check_ok(file_read(AT_FDCWD, path, 1 << 20, ret));
}

#endif
