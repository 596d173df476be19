/* SPDX-License-Identifier: Apache-2.0 */
/* measure FILE CMD...: runs it and writes to FILE its wall and CPU seconds, its
 * children's included, and the KiB that the largest of its processes took, the
 * input not counted; then, for people, a line for each process.
 *
 * The input is a sealed copy in memory that all of them map: shared memory,
 * which nothing else in these programs is. getrusage counts it to each of them,
 * so /proc is asked instead, many times a second: a peak that lasts less than
 * two looks may be missed. */
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EVERY_MS 10
#define PROCESSES 64

/* The most that one process had. */
struct peak {
	pid_t pid;
	char name[32];
	long own, file, input; /* KiB: anonymous, mapped files, shared */
};

struct peaks {
	struct peak items[PROCESSES];
	size_t n;
};

static double
seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static struct peak *
peak_of(struct peaks *peaks, pid_t pid)
{
	for (size_t i = 0; i < peaks->n; i++)
		if (peaks->items[i].pid == pid)
			return &peaks->items[i];
	if (peaks->n == PROCESSES)
		return NULL;
	peaks->items[peaks->n] = (struct peak){ .pid = pid };
	return &peaks->items[peaks->n++];
}

static void
look_at(struct peaks *peaks, pid_t pid)
{
	struct peak now = { .pid = pid }, *most;
	char path[64], line[128];
	FILE *in;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	in = fopen(path, "r");
	if (in == NULL)
		return;
	while (fgets(line, sizeof(line), in) != NULL) {
		(void)sscanf(line, "Name: %31s", now.name);
		(void)sscanf(line, "RssAnon: %ld", &now.own);
		(void)sscanf(line, "RssFile: %ld", &now.file);
		(void)sscanf(line, "RssShmem: %ld", &now.input);
	}
	(void)fclose(in);
	most = peak_of(peaks, pid);
	if (most != NULL && now.own + now.file > most->own + most->file)
		*most = now;
}

/* A process and all below it. */
static void
look_below(struct peaks *peaks, pid_t pid)
{
	char path[64];
	FILE *in;
	int child;

	look_at(peaks, pid);
	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children",
	    (int)pid, (int)pid);
	in = fopen(path, "r");
	if (in == NULL)
		return;
	while (fscanf(in, "%d", &child) == 1)
		look_below(peaks, (pid_t)child);
	(void)fclose(in);
}

/* Until it has ended; SIGCHLD cuts the last wait short. */
static int
watch(pid_t pid, struct peaks *peaks, const sigset_t *child)
{
	const struct timespec every = { 0, EVERY_MS * 1000 * 1000 };
	int status;
	pid_t done;

	while ((done = waitpid(pid, &status, WNOHANG)) == 0) {
		look_below(peaks, pid);
		(void)sigtimedwait(child, NULL, &every);
	}
	return done == pid ? status : -1;
}

static int
report(const char *path, double wall, const struct peaks *peaks)
{
	struct rusage used;
	long most = 0;
	FILE *out = fopen(path, "w");

	if (out == NULL)
		return 1;
	(void)getrusage(RUSAGE_CHILDREN, &used);
	for (size_t i = 0; i < peaks->n; i++)
		if (peaks->items[i].own + peaks->items[i].file > most)
			most = peaks->items[i].own + peaks->items[i].file;
	(void)fprintf(out, "%.6f %.6f %ld\n", wall,
	    seconds(used.ru_utime) + seconds(used.ru_stime), most);
	for (size_t i = 0; i < peaks->n; i++)
		(void)fprintf(out, "# %s[%d]: own %ld file %ld input %ld KiB\n",
		    peaks->items[i].name, (int)peaks->items[i].pid,
		    peaks->items[i].own, peaks->items[i].file,
		    peaks->items[i].input);
	return fclose(out) != 0;
}

int
main(int argc, char **argv)
{
	static struct peaks peaks;
	struct timespec begun, ended;
	sigset_t child, before;
	int status;
	pid_t pid;

	if (argc < 3)
		return 2;
	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &child, &before);
	(void)clock_gettime(CLOCK_MONOTONIC, &begun);
	pid = fork();
	if (pid == 0) {
		(void)sigprocmask(SIG_SETMASK, &before, NULL);
		(void)execvp(argv[2], argv + 2);
		_exit(127);
	}
	if (pid < 0 || (status = watch(pid, &peaks, &child)) == -1)
		return 1;
	(void)clock_gettime(CLOCK_MONOTONIC, &ended);
	if (report(argv[1],
		(double)(ended.tv_sec - begun.tv_sec) +
		    (double)(ended.tv_nsec - begun.tv_nsec) / 1e9,
		&peaks) != 0)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
