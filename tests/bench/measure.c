/* SPDX-License-Identifier: Apache-2.0 */
/* measure FILE CMD...: runs it and writes to FILE its wall and CPU seconds, its
 * children's included, and the KiB that the largest of its processes took. */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double
seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int
main(int argc, char **argv)
{
	struct timespec begun, ended;
	struct rusage used;
	FILE *out;
	int status;
	pid_t pid;

	if (argc < 3)
		return 2;
	(void)clock_gettime(CLOCK_MONOTONIC, &begun);
	pid = fork();
	if (pid == 0) {
		(void)execvp(argv[2], argv + 2);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	(void)clock_gettime(CLOCK_MONOTONIC, &ended);
	(void)getrusage(RUSAGE_CHILDREN, &used);
	out = fopen(argv[1], "w");
	if (out == NULL)
		return 1;
	(void)fprintf(out, "%.6f %.6f %ld\n",
	    (double)(ended.tv_sec - begun.tv_sec) +
		(double)(ended.tv_nsec - begun.tv_nsec) / 1e9,
	    seconds(used.ru_utime) + seconds(used.ru_stime), used.ru_maxrss);
	if (fclose(out) != 0)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
