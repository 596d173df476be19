/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For `make cover` alone: a program and the children that it forks count in
 * the same memory. A reader in its sandbox can open no file to write counts
 * to, leaves by _exit and is sometimes killed; so its parent writes for it.
 *
 * -fno-builtin-fork goes with this: gcc's own fork would begin the child's
 * counts, and with them the parent's, at nothing.
 */
#include <stdlib.h>
#include <sys/mman.h>

extern char cover_begin[], cover_end[]; /* whole pages, by cover.ld */

__attribute__((constructor(101))) static void
cover_share(void)
{
	if (mmap(cover_begin, (size_t)(cover_end - cover_begin),
	        PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED,
	        -1, 0) == MAP_FAILED)
		abort();
}
