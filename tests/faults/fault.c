/* SPDX-License-Identifier: Apache-2.0 */
/* One fault at one system call of one process of a command.
 *
 *     fault LOG CMD...                          count
 *     fault LOG PROCESS CALL N WHAT CMD...      inject
 *
 * strace injects too, but counts in each process by itself and hits all of
 * them; and what it does in place of a call ends a process that has a seccomp
 * filter. Here a process has a name: "0" is CMD, "0.2" the second that it
 * forked, "0.2.1" the first of that one. CALL is the name of a system call, or
 * "creat" for an open of any kind that may make a file; N counts from 1.
 *
 * Counting, LOG gets a line "PROCESS CALL N" for each. Injecting, WHAT is KILL
 * (before the call), EIO, ENOSPC or EINTR (in place of it; only a close and
 * what merely looks are done as well), and LOG gets
 *
 *     hit PROCESS CALL N FILE      the fault happened
 *     again CALL FILE              a sync that failed was tried once more
 *
 * Calls on files whose name begins with $FAULT_SKIP are neither counted nor
 * hit: those of a software token are its own business, and a card has none.
 *
 * The exit status is that of CMD, 128 + n for signal n, or 125 for our own. */
#include <elf.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define OURS 125
#define PROCESSES 256
#define COUNTS 4096
#define OPTIONS \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | \
	    PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL)

struct process {
	pid_t pid;
	char name[64];	   /* empty until its parent tells */
	unsigned children; /* how many it has forked */
	bool waits;	   /* stopped, and not named yet */
	bool gone;
	long fake; /* what its call answers when it is done; 0: the truth */
};

struct count {
	char process[64], call[32];
	unsigned n;
};

static struct process processes[PROCESSES];
static size_t n_processes;
static struct count counts[COUNTS];
static size_t n_counts;
static FILE *report;
static char synced[4096]; /* the file whose sync was made to fail */

static struct {
	const char *process, *call;
	unsigned long n;
	int number; /* of the error, or 0: KILL */
	bool done;
} fault;

/* ---- registers ----------------------------------------------------------- */

#if defined(__x86_64__)
static void
change(pid_t pid, long long call, int arg, long long result)
{
	struct user_regs_struct r;

	if (ptrace(PTRACE_GETREGS, pid, 0, &r) != 0)
		return;
	if (call < 0)
		r.orig_rax = (unsigned long long)call;
	if (arg == 0)
		r.rdi = ~0ULL;
	if (arg == 1)
		r.rsi = ~0ULL;
	if (result < 0)
		r.rax = (unsigned long long)result;
	(void)ptrace(PTRACE_SETREGS, pid, 0, &r);
}
#elif defined(__aarch64__)
static void
change(pid_t pid, long long call, int arg, long long result)
{
	struct user_regs_struct r;
	struct iovec all = { &r, sizeof(r) };
	int number = -1;
	struct iovec one = { &number, sizeof(number) };

	if (call < 0)
		(void)ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &one);
	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &all) != 0)
		return;
	if (arg >= 0)
		r.regs[arg] = ~0ULL;
	if (result < 0)
		r.regs[0] = (unsigned long long)result;
	(void)ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &all);
}
#else
#error "no registers known for this machine"
#endif

/* ---- what a call is ------------------------------------------------------ */

static bool
among(const char *call, const char *names)
{
	size_t n = strlen(call);

	for (const char *at = names; (at = strstr(at, call)) != NULL; at += n)
		if ((at == names || at[-1] == ' ') &&
		    (at[n] == ' ' || at[n] == '\0'))
			return true;
	return false;
}

static bool
may_create(pid_t pid, const char *call, const uint64_t *args)
{
	uint64_t flags = 0;

	if (strcmp(call, "open") == 0)
		flags = args[1];
	else if (strcmp(call, "openat") == 0)
		flags = args[2];
	else if (strcmp(call, "openat2") == 0) /* flags stand first there */
		flags = (uint64_t)ptrace(PTRACE_PEEKDATA, pid, args[2], 0);
	return strcmp(call, "creat") == 0 || (flags & O_CREAT) != 0;
}

/* Its name; seccomp's library has the table of each machine. */
static const char *
call_name(pid_t pid, const struct __ptrace_syscall_info *info)
{
	static char name[32];
	char *found = seccomp_syscall_resolve_num_arch(
	    seccomp_arch_native(), (int)info->entry.nr);

	(void)snprintf(
	    name, sizeof(name), "%s", found == NULL ? "unknown" : found);
	free(found);
	if (may_create(pid, name, (const uint64_t *)info->entry.args))
		(void)snprintf(name, sizeof(name), "creat");
	return name;
}

static bool
takes_fd(const char *call)
{
	return among(call,
	    "read readv pread64 write writev pwrite64 fsync fdatasync syncfs "
	    "ftruncate sendmsg sendto recvmsg recvfrom fcntl flock getdents64 "
	    "lseek fchmod fallocate ioctl fadvise64 fchown connect fstatfs "
	    "openat2");
}

/* A string of the process, page by page: behind its end there may be none. */
static void
string_of(pid_t pid, uint64_t at, char *ret, size_t size)
{
	size_t have = 0;
	ssize_t got = 1;

	while (got > 0 && have < size - 1 && memchr(ret, '\0', have) == NULL) {
		size_t page = 4096 - (at + have) % 4096;
		size_t room = size - 1 - have;
		struct iovec to = { ret + have, page < room ? page : room };
		struct iovec from = { (void *)(uintptr_t)(at + have),
			to.iov_len };

		got = process_vm_readv(pid, &to, 1, &from, 1, 0);
		have += got > 0 ? (size_t)got : 0;
	}
	ret[have] = '\0';
}

/* The file that it is about, by name or by descriptor; "-" for none. */
static void
file_of(
    pid_t pid, const char *call, const uint64_t *args, char *ret, size_t size)
{
	char link[64];
	ssize_t n = -1;

	*ret = '\0';
	if (among(call, "open stat lstat access unlink mkdir rename rmdir"))
		string_of(pid, args[0], ret, size);
	else if (among(call, "openat openat2 creat newfstatat statx faccessat "
			     "faccessat2 unlinkat mkdirat renameat renameat2 "
			     "readlinkat fchmodat"))
		string_of(pid, args[1], ret, size);
	if (*ret != '\0')
		return;
	(void)snprintf(
	    link, sizeof(link), "/proc/%d/fd/%d", (int)pid, (int)args[0]);
	if (takes_fd(call) || among(call, "close fstat newfstatat"))
		n = readlink(link, ret, size - 1);
	(void)snprintf(ret + (n < 0 ? 0 : n), size - (n < 0 ? 0 : (size_t)n),
	    "%s", n < 0 ? "-" : "");
}

/* ---- the fault ----------------------------------------------------------- */

/* A filter of the process sees a call that was changed, too: so it stays that
 * call where it can, and is given what it must refuse. */
static void
prevent(pid_t pid, const char *call)
{
	if (among(call, "close newfstatat fstat stat lstat statx fstatfs "
			"statfs access faccessat readlink readlinkat"))
		return;
	if (takes_fd(call))
		change(pid, 0, 0, 0);
	else if (among(call, "poll ppoll"))
		change(pid, 0, 1, 0);
	else
		change(pid, -1, -1, 0);
}

static void
inject(struct process *p, const char *call, const uint64_t *args)
{
	char file[sizeof(synced)];

	fault.done = true;
	file_of(p->pid, call, args, file, sizeof(file));
	fprintf(report, "hit %s %s %lu %s\n", p->name, call, fault.n, file);
	if (fault.number == 0) {
		(void)kill(p->pid, SIGKILL);
		return;
	}
	if (among(call, "fsync fdatasync syncfs"))
		memcpy(synced, file, sizeof(synced));
	prevent(p->pid, call);
	p->fake = -fault.number;
}

static unsigned
counted(const struct process *p, const char *call)
{
	struct count *c = counts;

	while (c < counts + n_counts &&
	       (strcmp(c->process, p->name) != 0 || strcmp(c->call, call) != 0))
		c++;
	if (c == counts + COUNTS)
		errx(OURS, "too many counts");
	if (c == counts + n_counts) {
		n_counts++;
		(void)snprintf(c->process, sizeof(c->process), "%s", p->name);
		(void)snprintf(c->call, sizeof(c->call), "%s", call);
	}
	return ++c->n;
}

static bool
is_skipped(pid_t pid, const char *call, const uint64_t *args)
{
	const char *below = getenv("FAULT_SKIP");
	char name[4096];

	if (below == NULL || *below == '\0')
		return false;
	file_of(pid, call, args, name, sizeof(name));
	return strncmp(name, below, strlen(below)) == 0;
}

static void
on_entry(struct process *p, const struct __ptrace_syscall_info *info)
{
	const uint64_t *args = (const uint64_t *)info->entry.args;
	const char *call = call_name(p->pid, info);
	char file[sizeof(synced)];
	unsigned n;

	if (is_skipped(p->pid, call, args))
		return;
	n = counted(p, call);
	if (fault.process != NULL && !fault.done && n == fault.n &&
	    strcmp(p->name, fault.process) == 0 &&
	    strcmp(call, fault.call) == 0) {
		inject(p, call, args);
		return;
	}
	if (synced[0] == '\0' || !among(call, "fsync fdatasync syncfs"))
		return;
	file_of(p->pid, call, args, file, sizeof(file));
	if (strcmp(file, synced) == 0)
		fprintf(report, "again %s %s\n", call, file);
}

static void
on_call(struct process *p)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, p->pid, sizeof(info), &info) <= 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		on_entry(p, &info);
	} else if (p->fake != 0) {
		change(p->pid, 0, -1, p->fake);
		p->fake = 0;
	}
}

/* ---- processes ----------------------------------------------------------- */

static struct process *
process_of(pid_t pid)
{
	struct process *p = processes;

	while (p < processes + n_processes && (p->pid != pid || p->gone))
		p++;
	if (p == processes + PROCESSES)
		errx(OURS, "too many processes");
	if (p == processes + n_processes) {
		n_processes++;
		*p = (struct process){ .pid = pid };
	}
	return p;
}

/* A stop at each call costs more than the call: only where one is awaited. */
static bool
is_watched(const struct process *p)
{
	if (fault.process == NULL || p->fake != 0 || synced[0] != '\0')
		return true;
	return !fault.done && strcmp(p->name, fault.process) == 0;
}

static void
resume(struct process *p, int sig)
{
	(void)ptrace(
	    is_watched(p) ? PTRACE_SYSCALL : PTRACE_CONT, p->pid, 0, sig);
}

static void
on_fork(struct process *parent)
{
	unsigned long pid;
	struct process *child;

	if (ptrace(PTRACE_GETEVENTMSG, parent->pid, 0, &pid) != 0)
		return;
	child = process_of((pid_t)pid);
	(void)snprintf(child->name, sizeof(child->name), "%.50s.%u",
	    parent->name, ++parent->children);
	if (child->waits)
		resume(child, 0);
	child->waits = false;
}

static void
on_stop(struct process *p, int status)
{
	int sig = WSTOPSIG(status), event = status >> 16;

	if (p->name[0] == '\0') { /* its parent's report is on the way */
		p->waits = true;
		return;
	}
	if (sig == (SIGTRAP | 0x80))
		on_call(p);
	else if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
		 event == PTRACE_EVENT_CLONE)
		on_fork(p);
	resume(p,
	    sig == (SIGTRAP | 0x80) || event != 0 || sig == SIGSTOP ? 0 : sig);
}

/* Until the last of them has gone; the answer is the first one's. */
static int
follow(pid_t first)
{
	int status, answer = OURS;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		struct process *p;

		if (pid <= 0)
			continue;
		p = process_of(pid);
		if (WIFSTOPPED(status)) {
			on_stop(p, status);
			continue;
		}
		p->gone = true;
		if (pid == first)
			answer = WIFEXITED(status) ? WEXITSTATUS(status)
						   : 128 + WTERMSIG(status);
	}
	return answer;
}

static pid_t
start(char **argv)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0)
			err(OURS, "ptrace");
		(void)raise(SIGSTOP);
		(void)execvp(argv[0], argv);
		err(OURS, "%s", argv[0]);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, 0, OPTIONS) != 0)
		errx(OURS, "%s cannot be followed", argv[0]);
	(void)snprintf(process_of(pid)->name, sizeof(processes[0].name), "0");
	resume(process_of(pid), 0);
	return pid;
}

static int
number_of(const char *what)
{
	if (strcmp(what, "EIO") == 0)
		return EIO;
	if (strcmp(what, "ENOSPC") == 0)
		return ENOSPC;
	if (strcmp(what, "EINTR") == 0)
		return EINTR;
	if (strcmp(what, "KILL") != 0)
		errx(OURS, "%s: KILL, EIO, ENOSPC or EINTR", what);
	return 0;
}

int
main(int argc, char **argv)
{
	int answer;

	if (argc < 3)
		errx(OURS, "LOG [PROCESS CALL N WHAT] CMD...");
	report = fopen(argv[1], "we");
	if (report == NULL)
		err(OURS, "%s", argv[1]);
	argv += 2;
	if (argv[0][0] == '0') {
		if (argc < 7)
			errx(OURS, "PROCESS CALL N WHAT CMD...");
		fault.process = argv[0];
		fault.call = argv[1];
		fault.n = strtoul(argv[2], NULL, 10);
		fault.number = number_of(argv[3]);
		argv += 4;
	}
	answer = follow(start(argv));
	for (size_t i = 0; i < n_counts && fault.process == NULL; i++)
		fprintf(report, "%s %s %u\n", counts[i].process, counts[i].call,
		    counts[i].n);
	if (fclose(report) != 0)
		err(OURS, "the report");
	return answer;
}
