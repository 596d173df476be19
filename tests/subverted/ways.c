/* SPDX-License-Identifier: Apache-2.0 */
/* Ways out of the sandbox. */
#include "tests/subverted/hostile.h"
#include "transfer/rule.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

bool
does(const char *what)
{
	const char *wanted = getenv("SUBVERT");
	size_t n = strlen(what);

	for (; wanted != NULL; wanted = strchr(wanted, ',')) {
		wanted += *wanted == ',';
		if (strncmp(wanted, what, n) == 0 &&
		    (wanted[n] == '\0' || wanted[n] == ','))
			return true;
	}
	return false;
}

static int
way_open(void)
{
	const struct open_how how = { .flags = O_RDONLY };

	return (int)syscall(
	    SYS_openat2, AT_FDCWD, getenv("SUBVERT_PATH"), &how, sizeof(how));
}

static int
way_write(void)
{
	const struct open_how how = { .flags = O_WRONLY | O_CREAT,
		.mode = 0600 };

	return (int)syscall(
	    SYS_openat2, AT_FDCWD, getenv("SUBVERT_PATH"), &how, sizeof(how));
}

static int
way_connect(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	int sock = socket(AF_INET, SOCK_STREAM, 0);

	return sock < 0 ? -1
			: connect(sock, (struct sockaddr *)&to, sizeof(to));
}

static int
way_fork(void)
{
	return (int)fork();
}

static int
way_exec(void)
{
	char name[] = "/bin/true";
	char *const argv[] = { name, NULL };

	return execv(name, argv);
}

static int
way_ptrace(void)
{
	return (int)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static int
way_kill(void)
{
	return kill(getppid(), SIGKILL);
}

static int
way_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
		   ? -1
		   : 0;
}

static int
way_terminal(void)
{
	static const char lie[] = "\nTYPED BY THE READER\n";
	char typed;

	for (int fd = 0; fd < 3; fd++)
		(void)!write(fd, lie, sizeof(lie) - 1);
	/* 0 bytes is the end of /dev/null. */
	if (read(0, &typed, 1) != 0)
		return 0;
	errno = ENODEV;
	return -1;
}

static int
copy_fd(void)
{
	for (int fd = 3; fd < 64; fd++)
		if (fcntl(fd, F_GET_SEALS) >= 0)
			return fd;
	errno = EBADF;
	return -1;
}

/* The copy of the bundle, which the signer has hashed and will sign from. */
static int
way_copy(void)
{
	int fd = copy_fd();

	return fd < 0 || mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			     0) == MAP_FAILED
		   ? -1
		   : 0;
}

static int
way_grow(void)
{
	int fd = copy_fd();

	return fd < 0 ? -1 : ftruncate(fd, 1 << 20);
}

static const struct {
	const char *name;
	int (*go)(void);
} ways[] = {
	{ "open", way_open },
	{ "write", way_write },
	{ "connect", way_connect },
	{ "fork", way_fork },
	{ "exec", way_exec },
	{ "ptrace", way_ptrace },
	{ "kill", way_kill },
	{ "code", way_code },
	{ "terminal", way_terminal },
	{ "copy", way_copy },
	{ "grow", way_grow },
};

enum rc
go_out(const char *when)
{
	const char *why;
	char what[32];

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		(void)snprintf(what, sizeof(what), "%s:%s", when, ways[i].name);
		if (!does(what))
			continue;
		errno = 0;
		why = ways[i].go() >= 0 ? "done" : strerror(errno);
		return err_rule(
		    RC_POLICY, RULE_CSR_TEXT, "subverted: %s: %s", what, why);
	}
	return RC_OK;
}
