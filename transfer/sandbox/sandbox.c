/* SPDX-License-Identifier: Apache-2.0 */
/* Three layers that fail apart: no_new_privs, Landlock for paths (as far as
 * the kernel knows it), seccomp for calls. The filter kills instead of
 * failing a call: a parser that asks for a socket has been taken over, and
 * must not go on. */
#include "transfer/sandbox/sandbox.h"

#include "base/file.h"
#include "base/landlock.h"
#include "transfer/rule.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define WITH_ASAN 1
#endif

/* What the kernel refuses; the stick is then not read at all. What it is short
 * of now is nothing that it lacks. */
static enum rc
sandbox_refused(const char *what, int error)
{
	if (error == ENOMEM || error == EMFILE || error == ENFILE)
		return err_errno(RC_IO, error, "the sandbox: %s", what);
	return rule_refuse(RULE_SANDBOX,
	    "this kernel gives no %s (%s), and without it nothing of a stick is parsed",
	    what, strerror(error));
}

/* ---- Landlock ------------------------------------------------------------ */

/* Reading beneath `dir` is the one thing that stays allowed. */
static enum rc
landlock_allow(int ruleset, int dir)
{
	uint64_t access = LANDLOCK_ACCESS_FS_READ_FILE;
	struct stat st;

	if (fstat(dir, &st) != 0)
		return err_errno(RC_IO, errno, "the sandbox's directory");
	if (S_ISDIR(st.st_mode)) /* a file has no such right */
		access |= LANDLOCK_ACCESS_FS_READ_DIR;
	if (landlock_allow_beneath(ruleset, dir, access) != 0)
		return sandbox_refused("Landlock rule", errno);
	return RC_OK;
}

/* A lock that was turned is tried: nothing allows writing, anywhere. */
static enum rc
landlock_try(void)
{
	OWN_FD fd = fd_openat(AT_FDCWD, "/dev/null", O_WRONLY | O_CLOEXEC, 0);

	/* Any other failure would say nothing about the lock. */
	if (fd < 0 && errno == EACCES)
		return RC_OK;
	return sandbox_refused("Landlock that holds", fd < 0 ? errno : ENOLCK);
}

/* Rights that are handled and not allowed by a rule are denied, so everything
 * the kernel knows is handled. */
static enum rc
landlock_enter(int abi, int dir)
{
	const struct landlock_handled all = landlock_all(abi);
	OWN_FD ruleset = landlock_create(abi, &all);
	enum rc rc = RC_OK;

	if (ruleset < 0)
		return sandbox_refused("Landlock rules", errno);
	if (dir >= 0)
		rc = landlock_allow(ruleset, dir);
	if (rc != RC_OK)
		return rc;
	if (landlock_restrict(ruleset) != 0)
		return sandbox_refused("Landlock", errno);
	return landlock_try();
}

/* ---- seccomp ------------------------------------------------------------- */

/* A call that is allowed, or answered with an error (`error` not 0), if its
 * argument compares as told (`args` 1) or in any case (`args` 0). */
struct call {
	int number;
	int error;
	unsigned args;
	struct scmp_arg_cmp arg;
};

/* The kernel looks at no more of an int. */
#define INT_BITS UINT64_C(0xffffffff)

/* clang-format off */
#define ANY(name) { .number = SCMP_SYS(name) }
#define IF_INT(name, n, value) { .number = SCMP_SYS(name), .args = 1, \
	.arg = { (n), SCMP_CMP_MASKED_EQ, INT_BITS, (value) } }
#define IF_ZERO(name, n, mask) { .number = SCMP_SYS(name), .args = 1, \
	.arg = { (n), SCMP_CMP_MASKED_EQ, (mask), 0 } }
#define FAILS(name) { .number = SCMP_SYS(name), .error = EACCES }

/* Phase b: the memory we have, the descriptors we hold, the way out. Names that
 * only other architectures or younger C libraries use stand beside the rest. */
static const struct call strict_calls[] = {
	ANY(read), ANY(readv), ANY(pread64), ANY(write), ANY(writev),
	ANY(recvmsg), ANY(sendmsg), ANY(lseek), ANY(close),
	IF_ZERO(recvfrom, 4, UINT64_MAX), IF_ZERO(sendto, 4, UINT64_MAX),
	ANY(poll), ANY(ppoll), ANY(ppoll_time64),

	IF_ZERO(mmap, 2, PROT_EXEC), IF_ZERO(mmap2, 2, PROT_EXEC),
	IF_ZERO(mprotect, 2, PROT_EXEC),
	ANY(munmap), ANY(mremap), ANY(madvise), ANY(brk),

	/* fstat: glibc before 2.39 asks newfstatat about an empty path. */
	ANY(fstat), ANY(fstat64), ANY(fstatfs), ANY(fstatfs64),
	IF_INT(newfstatat, 3, AT_EMPTY_PATH),
	IF_INT(fcntl, 1, F_GETFD), IF_INT(fcntl, 1, F_GETFL),
	IF_INT(fcntl, 1, F_GET_SEALS), IF_INT(fcntl, 1, F_ADD_SEALS),
	IF_INT(fcntl64, 1, F_GETFD), IF_INT(fcntl64, 1, F_GETFL),
	IF_INT(fcntl64, 1, F_GET_SEALS), IF_INT(fcntl64, 1, F_ADD_SEALS),

	ANY(futex), ANY(futex_time64), ANY(sched_yield),
	ANY(clock_gettime), ANY(clock_gettime64), ANY(gettimeofday),
	ANY(getrandom), ANY(restart_syscall),
	ANY(sysinfo),		/* glibc's qsort asks how much memory there is */

	ANY(rt_sigreturn), ANY(rt_sigprocmask), ANY(rt_sigaction),
	ANY(getpid), ANY(gettid),
	ANY(exit), ANY(exit_group),
#ifdef WITH_ASAN
	ANY(sigaltstack),
	IF_INT(prctl, 0, 0x53564d41 /* PR_SET_VMA */),
#endif
};

/* Phase a has besides: the copying of a medium's files, and entering phase b.
 * What libraries are known to try is answered and not punished. openat2, whose
 * flags a filter cannot see, is Landlock's to judge. */
static const struct call reading_calls[] = {
	ANY(getdents64), ANY(memfd_create), ANY(fadvise64), ANY(ftruncate),
	IF_INT(fcntl, 1, F_SETFD), IF_INT(fcntl64, 1, F_SETFD), /* fdopendir */
	ANY(seccomp), IF_INT(prctl, 0, PR_SET_NO_NEW_PRIVS),
	FAILS(open), FAILS(openat), FAILS(access), FAILS(faccessat),
	FAILS(faccessat2), FAILS(readlink), FAILS(readlinkat), FAILS(stat),
};
static const struct call open_call = ANY(openat2);
static const struct call no_open_call = FAILS(openat2);
/* clang-format on */

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

static int
filter_add(scmp_filter_ctx filter, const struct call *calls, size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		uint32_t action = calls[i].error != 0
				      ? SCMP_ACT_ERRNO((uint32_t)calls[i].error)
				      : SCMP_ACT_ALLOW;

		rc = seccomp_rule_add_array(filter, action, calls[i].number,
		    calls[i].args, &calls[i].arg);
	}
	return rc;
}

/* abort() signals its own thread; nobody else's. */
static int
filter_add_abort(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp self = { 0, SCMP_CMP_MASKED_EQ, INT_BITS,
		(scmp_datum_t)getpid() };

	return seccomp_rule_add_array(
	    filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &self);
}

/* Another architecture's calls have other numbers (x32, i386 on x86-64): they
 * end the process before any number is compared. */
static enum rc
filter_build(bool reading, bool opening)
{
	scmp_filter_ctx filter;
	int rc;

	errno = 0;
	filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (filter == NULL) /* it tells no more than malloc does */
		return sandbox_refused(
		    "seccomp filter", errno == ENOMEM ? ENOMEM : ENOSYS);
	rc = seccomp_attr_set(
	    filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (rc == 0)
		rc = filter_add(filter, strict_calls, N_OF(strict_calls));
	if (rc == 0)
		rc = filter_add_abort(filter);
	if (rc == 0 && reading)
		rc = filter_add(filter, reading_calls, N_OF(reading_calls));
	if (rc == 0 && reading)
		rc =
		    filter_add(filter, opening ? &open_call : &no_open_call, 1);
	if (rc == 0)
		rc = seccomp_load(filter);
	seccomp_release(filter);
	return rc == 0 ? RC_OK : sandbox_refused("seccomp filter", -rc);
}

/* libseccomp 2.5 frees twice, or reads at NULL, where its memory fails. What it
 * is given are the tables above, so nothing else makes it crash. */
static enum rc
filter_enter(bool reading, bool opening)
{
	enum rc rc;

	err_crash_means(SHORT_OF_MEMORY);
	rc = filter_build(reading, opening);
	err_crash_means(SHORT_OF_NOTHING);
	return rc;
}

/* ---- levels -------------------------------------------------------------- */

struct sandbox_level
sandbox_probe(void)
{
	uint32_t action = SECCOMP_RET_KILL_PROCESS;

	return (struct sandbox_level){
		.seccomp = syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0,
			       &action) == 0,
		.landlock_abi = landlock_abi(),
	};
}

/* The sanitisers report to 2. */
enum rc
sandbox_leave_terminal(void)
{
	const int last =
#ifdef WITH_ASAN
	    1;
#else
	    2;
#endif
	OWN_FD nothing =
	    fd_openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC, 0);

	for (int fd = 0; fd <= last; fd++)
		if (nothing < 0 || dup2(nothing, fd) != fd)
			return err_errno(RC_IO, errno, "/dev/null");
	return RC_OK;
}

/* In this order. no_new_privs: the kernel asks for it before it gives either of
 * the others to a process without privileges. Landlock: its calls are none that
 * the filter allows, and its trial would prove nothing behind a filter that
 * answers EACCES to openat as well. The filter last. */
enum rc
sandbox_read_only(int dir, struct sandbox_level *ret)
{
	const struct sandbox_level level = sandbox_probe();
	enum rc rc = RC_OK;

	if (!level.seccomp)
		return sandbox_refused("seccomp filter", ENOSYS);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return sandbox_refused("no_new_privs", errno);
	if (level.landlock_abi > 0)
		rc = landlock_enter(level.landlock_abi, dir);
	if (rc == RC_OK)
		rc = filter_enter(true, dir >= 0);
	if (rc == RC_OK)
		*ret = level;
	return rc;
}

/* Filters add up and the sternest answer counts: what phase a answered with an
 * error kills from now on. */
enum rc
sandbox_strict(void)
{
	return filter_enter(false, false);
}
