/* SPDX-License-Identifier: Apache-2.0 */
/* Four layers: no_new_privs, capabilities, Landlock for paths, seccomp for
 * calls. The filter answers EPERM and does not kill: modules try odd things,
 * and a signing must not end because one looked for a network. */
#include "token/process/jail.h"

#include "base/file.h"
#include "base/landlock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct jail {
	char hidden[TOKEN_HIDDEN][PATH_MAX]; /* without links; "" is none */
	int ruleset;
	uint64_t all; /* access rights that are handled */
};

static enum rc
jail_refused(const char *what, int error)
{
	return err_errno(RC_TOKEN, error,
	    "the token process cannot give up what a module must not have: %s",
	    what);
}

/* ---- paths --------------------------------------------------------------- */

/* The real path. What does not exist yet (the home of a new CA) is named by
 * the directory in which it would be made. */
static enum rc
hide(const char *path, char ret[static PATH_MAX])
{
	char head[PATH_MAX], tail[PATH_MAX] = "";
	char *slash;

	*ret = '\0';
	if (path == NULL)
		return RC_OK;
	if (snprintf(head, sizeof(head), "%s%s", *path == '/' ? "" : "./",
		path) >= (int)sizeof(head))
		return err_set(RC_USAGE, "%s: longer than a path", path);
	while (realpath(head, ret) == NULL) {
		slash = strrchr(head, '/');
		if (slash == NULL)
			break;
		(void)snprintf(tail, sizeof(tail), "%s", slash);
		*slash = '\0';
		*ret = '\0';
		if (slash == head) /* not even the first part exists */
			break;
	}
	if (strlen(ret) + strlen(tail) >= PATH_MAX)
		return err_set(RC_USAGE, "%s: longer than a path", path);
	if (strcmp(ret, "/") == 0 && *tail != '\0')
		*ret = '\0';
	(void)snprintf(ret + strlen(ret), PATH_MAX - strlen(ret), "%s", tail);
	return RC_OK;
}

/* Does `path` lie on the way to something hidden? */
static bool
leads_to_hidden(const struct jail *j, const char *path)
{
	size_t n = strlen(path);

	for (size_t i = 0; i < TOKEN_HIDDEN; i++)
		if (strncmp(j->hidden[i], path, n) == 0 &&
		    j->hidden[i][n] == '/')
			return true;
	return false;
}

static bool
is_hidden(const struct jail *j, const char *path)
{
	for (size_t i = 0; i < TOKEN_HIDDEN; i++)
		if (strcmp(j->hidden[i], path) == 0)
			return true;
	return false;
}

/* A disk has in it what its files are forbidden. */
static bool
may_hold_disks(const char *path)
{
	static const char *const without[] = { "/dev/bus", "/dev/shm",
		"/dev/pts", "/dev/mqueue", "/dev/hugepages" };

	if (strncmp(path, "/dev", 4) != 0 ||
	    (path[4] != '\0' && path[4] != '/'))
		return false;
	for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++)
		if (strcmp(path, without[i]) == 0)
			return false;
	return true;
}

/* The system's own: a module reads there and writes elsewhere. */
static bool
is_system(const char *path)
{
	static const char *const dirs[] = { "/bin", "/boot", "/etc", "/lib",
		"/lib32", "/lib64", "/libx32", "/proc", "/sbin", "/sys",
		"/usr" };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		size_t n = strlen(dirs[i]);

		if (strncmp(path, dirs[i], n) == 0 &&
		    (path[n] == '\0' || path[n] == '/'))
			return true;
	}
	return false;
}

static enum rc
jail_allow(const struct jail *j, const char *path, int fd, mode_t mode)
{
	const uint64_t reading = LANDLOCK_ACCESS_FS_EXECUTE |
				 LANDLOCK_ACCESS_FS_READ_FILE |
				 LANDLOCK_ACCESS_FS_READ_DIR;
	const uint64_t of_files =
	    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |
	    LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE |
	    LANDLOCK_ACCESS_FS_IOCTL_DEV;
	uint64_t access = j->all & ~(uint64_t)(LANDLOCK_ACCESS_FS_MAKE_CHAR |
					       LANDLOCK_ACCESS_FS_MAKE_BLOCK);

	if (is_system(path))
		access &= reading;
	if (!S_ISDIR(mode)) /* a file has no other rights */
		access &= of_files;
	if (landlock_allow_beneath(j->ruleset, fd, access) != 0)
		return jail_refused(path, errno);
	return RC_OK;
}

/* What is not there, or not for us, is left out; what could not be looked at
 * for want of descriptors would be missed by the module, which says something
 * else. */
static enum rc
not_seen(void)
{
	err_note_errno(errno);
	return err_check_shortage();
}

static enum rc jail_allow_around(const struct jail *j, const char *path);

/* One entry of a directory that is not allowed as a whole. Links are left out:
 * where they lead is judged there. What has gone meanwhile is no error. */
static enum rc
allow_entry(const struct jail *j, const char *path)
{
	OWN_FD fd =
	    fd_openat(AT_FDCWD, path, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return not_seen();
	if (is_hidden(j, path) || S_ISLNK(st.st_mode) || S_ISBLK(st.st_mode))
		return RC_OK;
	if (S_ISDIR(st.st_mode) &&
	    (leads_to_hidden(j, path) || may_hold_disks(path)))
		return jail_allow_around(j, path);
	return jail_allow(j, path, fd, st.st_mode);
}

/* A directory that cannot be listed stays forbidden with all that is in it. */
static enum rc
jail_allow_around(const struct jail *j, const char *path)
{
	char entry[PATH_MAX];
	DIR *dir = dir_entries(AT_FDCWD, path);
	struct dirent *e;
	enum rc rc = RC_OK;

	if (dir == NULL)
		return not_seen();
	if (strcmp(path, "/") == 0)
		path = "";
	while (rc == RC_OK && (e = readdir(dir)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (snprintf(entry, sizeof(entry), "%s/%s", path, e->d_name) <
		    (int)sizeof(entry))
			rc = allow_entry(j, entry);
	}
	(void)closedir(dir);
	return rc;
}

/* It may lie beside the ledger, and the module is to have the PIN. */
static enum rc
allow_pin(const struct jail *j, const char *pin_file)
{
	OWN_FD fd = pin_file == NULL
			? -1
			: fd_openat(AT_FDCWD, pin_file, O_PATH | O_CLOEXEC, 0);

	if (fd < 0 || landlock_allow_beneath(
			  j->ruleset, fd, LANDLOCK_ACCESS_FS_READ_FILE) == 0)
		return RC_OK;
	return jail_refused(pin_file, errno);
}

/* A lock that was turned is tried. */
static enum rc
try_hidden(const struct jail *j)
{
	for (size_t i = 0; i < TOKEN_HIDDEN; i++) {
		OWN_FD fd = -1;

		if (j->hidden[i][0] == '\0')
			continue;
		fd = fd_openat(AT_FDCWD, j->hidden[i],
		    O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
		if (fd >= 0)
			return jail_refused(j->hidden[i], ENOLCK);
	}
	return RC_OK;
}

static enum rc
enter_landlock(
    int abi, const struct token_options *options, const char *pin_file)
{
	struct landlock_handled handled = landlock_all(abi);
	struct jail j = { .all = handled.fs };
	enum rc rc = RC_OK;

	/* A bus that a module needs may have an abstract name. */
	handled.scoped &= ~(uint64_t)LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET;
	if (options->network)
		handled.net = 0;
	for (size_t i = 0; i < TOKEN_HIDDEN && rc == RC_OK; i++)
		rc = hide(options->hidden[i], j.hidden[i]);
	if (rc != RC_OK)
		return rc;
	j.ruleset = landlock_create(abi, &handled);
	if (j.ruleset < 0)
		return jail_refused("Landlock rules", errno);
	rc = jail_allow_around(&j, "/");
	if (rc == RC_OK)
		rc = allow_pin(&j, pin_file);
	if (rc == RC_OK && landlock_restrict(j.ruleset) != 0)
		rc = jail_refused("Landlock", errno);
	fd_close(&j.ruleset);
	return rc == RC_OK ? try_hidden(&j) : rc;
}

/* ---- capabilities ---------------------------------------------------------
 */

/* As root: what the files of a token may need, and locked memory. Reading
 * another process, mounting, raw disks, modules of the kernel are not among
 * them. */
static enum rc
drop_capabilities(void)
{
	const uint32_t kept = 1U << CAP_CHOWN | 1U << CAP_DAC_OVERRIDE |
			      1U << CAP_FOWNER | 1U << CAP_FSETID |
			      1U << CAP_IPC_LOCK;
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &head, caps) != 0)
		return jail_refused("capabilities", errno);
	caps[0].permitted &= kept;
	caps[0].effective &= kept;
	caps[0].inheritable = 0;
	caps[1] = (struct __user_cap_data_struct){ 0 };
	if (syscall(SYS_capset, &head, caps) != 0)
		return jail_refused("capabilities", errno);
	return RC_OK;
}

/* ---- calls ----------------------------------------------------------------
 */

/* clang-format off */
static const int forbidden[] = {
	/* another process */
	SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
	SCMP_SYS(pidfd_getfd), SCMP_SYS(kcmp),
	/* files by another way than their paths */
	SCMP_SYS(open_by_handle_at), SCMP_SYS(io_uring_setup), SCMP_SYS(mount),
	SCMP_SYS(umount2), SCMP_SYS(move_mount), SCMP_SYS(open_tree),
	SCMP_SYS(fsopen), SCMP_SYS(fspick), SCMP_SYS(mount_setattr),
	SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(unshare), SCMP_SYS(setns),
	/* the kernel */
	SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd),
	SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load), SCMP_SYS(kexec_file_load), SCMP_SYS(reboot),
	SCMP_SYS(swapon), SCMP_SYS(swapoff), SCMP_SYS(iopl), SCMP_SYS(ioperm),
	/* the clock that certificates are dated by */
	SCMP_SYS(settimeofday), SCMP_SYS(clock_settime), SCMP_SYS(clock_adjtime),
	SCMP_SYS(adjtimex),
};
/* clang-format on */

#define LOW_BITS UINT64_C(0xffffffff) /* all that the kernel looks at */
#ifndef TIOCLINUX
#define TIOCLINUX 0x541C
#endif

static int
forbid_if(scmp_filter_ctx filter, int call, unsigned arg, uint64_t value)
{
	const struct scmp_arg_cmp is = { arg, SCMP_CMP_MASKED_EQ, LOW_BITS,
		value };

	return seccomp_rule_add_array(
	    filter, SCMP_ACT_ERRNO(EPERM), call, 1, &is);
}

/* Sockets of this machine (pcscd, a bus), and the kernel's that tells of
 * devices; with `network` those of a token that is reached over TCP. */
static int
forbid_families(scmp_filter_ctx filter, bool network)
{
	int rc = 0;

	for (unsigned family = 0; family < AF_MAX && rc == 0; family++) {
		if (family == AF_UNIX || family == AF_NETLINK ||
		    (network && (family == AF_INET || family == AF_INET6)))
			continue;
		rc = forbid_if(filter, SCMP_SYS(socket), 0, family);
	}
	return rc;
}

/* Keys typed into the terminal would be the operator's. */
static int
forbid_typing(scmp_filter_ctx filter)
{
	int rc = forbid_if(filter, SCMP_SYS(ioctl), 1, TIOCSTI);

	return rc != 0 ? rc : forbid_if(filter, SCMP_SYS(ioctl), 1, TIOCLINUX);
}

static enum rc
enter_filter(bool network, bool *ret_entered)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int rc = filter == NULL ? -ENOMEM : 0;

	for (size_t i = 0;
	     i < sizeof(forbidden) / sizeof(forbidden[0]) && rc == 0; i++)
		rc = seccomp_rule_add(
		    filter, SCMP_ACT_ERRNO(EPERM), forbidden[i], 0);
	if (rc == 0)
		rc = forbid_families(filter, network);
	if (rc == 0)
		rc = forbid_typing(filter);
	if (rc == 0)
		rc = seccomp_load(filter);
	if (filter != NULL)
		seccomp_release(filter);
	*ret_entered = rc == 0;
	return rc == 0 ? RC_OK : jail_refused("a seccomp filter", -rc);
}

static bool
kernel_filters(void)
{
	uint32_t action = SECCOMP_RET_ERRNO;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

/* no_new_privs first: without it neither of the others is given to a process
 * without privileges. Landlock before the capabilities: to list what lies
 * around the hidden paths is root's right. */
enum rc
jail_enter(const struct token_options *options, const char *pin_file,
    struct token_level *ret)
{
	struct token_level level = { .landlock_abi = landlock_abi() };
	enum rc rc = RC_OK;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return jail_refused("new privileges", errno);
	if (level.landlock_abi > 0)
		rc = enter_landlock(level.landlock_abi, options, pin_file);
	if (rc == RC_OK)
		rc = drop_capabilities();
	if (rc == RC_OK && kernel_filters())
		rc = enter_filter(options->network, &level.seccomp);
	if (rc == RC_OK)
		*ret = level;
	return rc;
}
