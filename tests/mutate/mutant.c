/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the mutations that mutate.py built in is at work, by its number in
 * AIRGAP_MUTANT; and which were reached, in the file of AIRGAP_MUTANT_REACHED. Only
 * copies that mutate.py makes hold this file. */
#include "base/mutant.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static uint8_t nowhere[MUTANTS + 1];
static uint8_t *reached = nowhere;
static int at_work;

/* Mapped before anything is locked in: a reader may write to memory, and to
 * nothing else. */
__attribute__((constructor)) static void
begin(void)
{
	const char *number = getenv("AIRGAP_MUTANT");
	const char *path = getenv("AIRGAP_MUTANT_REACHED");
	int fd;

	at_work = number == NULL ? 0 : atoi(number);
	fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0) {
		void *map = mmap(NULL, sizeof(nowhere), PROT_READ | PROT_WRITE,
		    MAP_SHARED, fd, 0);

		if (map != MAP_FAILED)
			reached = map;
		(void)close(fd);
	}
}

bool
mutant_off(int n, bool condition)
{
	if (condition)
		reached[n] = 1;
	return condition && at_work != n;
}

bool
mutant_on(int n, bool condition)
{
	if (!condition)
		reached[n] = 1;
	return condition || at_work == n;
}

bool
mutant_is(int n)
{
	reached[n] = 1;
	return at_work == n;
}
