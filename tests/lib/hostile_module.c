/* SPDX-License-Identifier: Apache-2.0 */
/* A PKCS#11 module that an enemy wrote: before it does anything else it tries
 * what SECURITY.md says that the token process cannot do. Then it is SoftHSM,
 * so that a signing goes on and an operator would notice nothing. Built with
 *
 *	HOSTILE_HOME	the CA's home, absolute
 *	HOSTILE_STICK	the medium
 *	HOSTILE_REPORT	where it writes "ATTEMPT: refused" or "ATTEMPT: DONE"
 */
#define CRYPTOKI_COMPAT 1
#include <p11-kit/pkcs11.h>

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static FILE *report;
static char elsewhere[] = HOSTILE_REPORT ".d"; /* a directory of its own */

static void
tell(const char *attempt, int done)
{
	fprintf(report, "%s: %s\n", attempt, done ? "DONE" : "refused");
}

static int
opens(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd >= 0)
		(void)close(fd);
	return fd >= 0;
}

static int
lists(const char *path)
{
	DIR *dir = opendir(path);

	if (dir != NULL)
		(void)closedir(dir);
	return dir != NULL;
}

/* By its path, by a link, by /proc, from a program of our own. */
static void
try_files(void)
{
	const char *const via[] = { "", "/proc/self/root", "/proc/1/root" };
	char path[512], link_path[512];
	int status;

	for (size_t i = 0; i < sizeof(via) / sizeof(via[0]); i++) {
		snprintf(
		    path, sizeof(path), "%s%s/ledger.db", via[i], HOSTILE_HOME);
		tell("ledger-read", opens(path, O_RDONLY));
		tell("ledger-write", opens(path, O_RDWR));
	}
	snprintf(path, sizeof(path), "/proc/%d/root%s/ledger.db", getppid(),
	    HOSTILE_HOME);
	tell("ledger-of-parent", opens(path, O_RDWR));
	tell("policy-write", opens(HOSTILE_HOME "/policy.conf", O_WRONLY));
	tell("token-conf-read", opens(HOSTILE_HOME "/token.conf", O_RDONLY));
	tell("home-create", opens(HOSTILE_HOME "/new", O_WRONLY | O_CREAT));
	tell("home-list", lists(HOSTILE_HOME));
	tell("home-truncate", truncate(HOSTILE_HOME "/policy.conf", 0) == 0);
	tell("home-unlink", unlink(HOSTILE_HOME "/policy.conf") == 0);
	tell("home-move", rename(HOSTILE_HOME, HOSTILE_HOME "-moved") == 0);
	tell("home-out",
	    rename(HOSTILE_HOME "/policy.conf", HOSTILE_REPORT ".d/p") == 0);
	tell("stick-list", lists(HOSTILE_STICK));
	tell("stick-create", opens(HOSTILE_STICK "/new", O_WRONLY | O_CREAT));
	tell("stick-mkdir", mkdir(HOSTILE_STICK "/dir", 0700) == 0);
	snprintf(link_path, sizeof(link_path), "%s/hard", elsewhere);
	tell("ledger-link", link(HOSTILE_HOME "/ledger.db", link_path) == 0);
	snprintf(link_path, sizeof(link_path), "%s/soft", elsewhere);
	(void)symlink(HOSTILE_HOME "/ledger.db", link_path);
	tell("ledger-symlink", opens(link_path, O_RDONLY));
	status = system("cat " HOSTILE_HOME "/ledger.db >/dev/null 2>&1");
	tell("ledger-exec", status == 0);
	tell("system-write", opens("/etc/cron.d/hostile", O_WRONLY | O_CREAT));
	tell("core-pattern", opens("/proc/sys/kernel/core_pattern", O_WRONLY));
	snprintf(link_path, sizeof(link_path), "%s/disk", elsewhere);
	tell("mknod", mknod(link_path, S_IFBLK | 0600, makedev(8, 0)) == 0 &&
			  opens(link_path, O_RDONLY));
	tell("mount", mount(HOSTILE_HOME, elsewhere, NULL, MS_BIND, NULL) == 0);
	tell("namespace", unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0);
}

struct handle {
	struct file_handle head;
	unsigned char room[128];
};

static void
try_handle(void)
{
	struct handle h = { .head.handle_bytes = sizeof(h.room) };
	int mount_id, root = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* Whoever has seen it once could open it by its number. */
	if (name_to_handle_at(AT_FDCWD, HOSTILE_HOME "/ledger.db", &h.head,
		&mount_id, 0) != 0)
		h.head.handle_type = 1;
	tell("ledger-handle", open_by_handle_at(root, &h.head, O_RDONLY) >= 0);
}

/* The signer is our parent. */
static void
try_signer(void)
{
	char path[64], byte;
	struct iovec here = { &byte, 1 };
	struct iovec there = { (void *)(uintptr_t)&tell, 1 };
	pid_t signer = getppid();
	int pidfd, fds = 0;

	snprintf(path, sizeof(path), "/proc/%d/mem", signer);
	tell("memory-read", opens(path, O_RDONLY));
	tell("memory-write", opens(path, O_RDWR));
	tell("memory-call",
	    process_vm_readv(signer, &here, 1, &there, 1, 0) == 1);
	snprintf(path, sizeof(path), "/proc/%d/environ", signer);
	tell("environment", opens(path, O_RDONLY));
	tell("ptrace", ptrace(PTRACE_SEIZE, signer, NULL, NULL) == 0);
	for (int fd = 3; fd < 64; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", signer, fd);
		fds += opens(path, O_RDONLY | O_NONBLOCK);
	}
	tell("descriptors", fds != 0);
	pidfd = (int)syscall(SYS_pidfd_open, signer, 0);
	fds = 0;
	for (int fd = 0; fd < 64; fd++)
		fds += syscall(SYS_pidfd_getfd, pidfd, fd, 0) >= 0;
	tell("descriptors-call", fds != 0);
}

static void
try_calls(void)
{
	const int families[] = { AF_INET, AF_INET6, AF_PACKET, AF_VSOCK,
		AF_BLUETOOTH, AF_ALG };
	int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct timespec now;

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		tell("socket-stream", socket(families[i], SOCK_STREAM, 0) >= 0);
		tell(
		    "socket-datagram", socket(families[i], SOCK_DGRAM, 0) >= 0);
		tell("socket-raw", socket(families[i], SOCK_RAW, 0) >= 0);
	}
	tell("typing",
	    ioctl(tty >= 0 ? tty : 2, TIOCSTI, "Y") == 0 || errno != EPERM);
	clock_gettime(CLOCK_REALTIME, &now);
	tell("clock", clock_settime(CLOCK_REALTIME, &now) == 0);
	tell("io-uring",
	    syscall(SYS_io_uring_setup, 1, NULL) >= 0 || errno != EPERM);
	tell("bpf", syscall(SYS_bpf, 0, NULL, 0) >= 0 || errno != EPERM);
	tell("input", read(0, &(char){ 0 }, 1) > 0);
	/* What it prints is not what a program reads. */
	printf("hostile-words\n");
	(void)fflush(stdout);
}

static void __attribute__((constructor)) attack(void)
{
	report = fopen(HOSTILE_REPORT, "a");
	if (report == NULL)
		abort();
	setvbuf(report, NULL, _IOLBF, 0);
	(void)mkdir(elsewhere, 0700);
	try_files();
	try_handle();
	try_signer();
	try_calls();
	(void)fprintf(report, "end\n");
	(void)fclose(report);
}

CK_RV
C_GetFunctionList(CK_FUNCTION_LIST **ret)
{
	void *so =
	    dlopen("/usr/lib/softhsm/libsofthsm2.so", RTLD_NOW | RTLD_LOCAL);
	CK_C_GetFunctionList get;

	*(void **)&get = dlsym(so, "C_GetFunctionList");
	return get(ret);
}
