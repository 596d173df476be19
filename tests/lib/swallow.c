/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded, this is a stick that says that it has written, and keeps noughts: for
 * all files beneath $SWALLOW. */
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
is_beneath(int fd)
{
	const char *top = getenv("SWALLOW");
	char link[64], path[PATH_MAX];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path));
	return top != NULL && n > 0 && (size_t)n > strlen(top) &&
	       strncmp(path, top, strlen(top)) == 0;
}

ssize_t
write(int fd, const void *bytes, size_t n)
{
	ssize_t (*real)(int, const void *, size_t);
	void *noughts;
	ssize_t done;

	*(void **)&real = dlsym(RTLD_NEXT, "write");
	noughts = is_beneath(fd) ? calloc(1, n + 1) : NULL;
	done = real(fd, noughts == NULL ? bytes : noughts, n);
	free(noughts);
	return done;
}
