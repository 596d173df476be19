/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's names for a boot, a mount and a disk that was plugged in; and
 * where it says that a mount is. */
#include "transfer/media/mount.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef STATX_MNT_ID_UNIQUE /* Linux 6.8 */
#define STATX_MNT_ID_UNIQUE 0x4000U
#endif

#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define MOUNT_WORD 64 /* bytes, with the NUL */

/* The line that a file of the kernel's is, which tells no size and gives it to
 * one read. ENOENT where there is no such file. */
static bool
mount_word(const char *path, char ret[static MOUNT_WORD])
{
	OWN_FD fd = fd_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	ssize_t n;

	if (fd < 0)
		return false;
	do
		n = read(fd, ret, MOUNT_WORD - 1);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		errno = EIO;
	if (n <= 0)
		return false;
	ret[n] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
	return true;
}

/* Rises with each disk that is plugged in, or loop device that is made. A
 * partition has its disk's; what is on no disk has none. One that is not read is
 * not none: the next look would take this for another mount. */
static bool
disk_number(const struct statx *st, char ret[static MOUNT_WORD])
{
	static const char *const where[] = { "diskseq", "../diskseq" };
	char path[MOUNT_WORD];

	for (size_t i = 0; i < sizeof(where) / sizeof(where[0]); i++) {
		(void)snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s",
		    st->stx_dev_major, st->stx_dev_minor, where[i]);
		if (mount_word(path, ret))
			return true;
		if (errno != ENOENT)
			return false;
	}
	(void)snprintf(ret, MOUNT_WORD, "none");
	return true;
}

enum rc
mount_text(const struct media *media, char ret[static MOUNT_TEXT])
{
	char boot[MOUNT_WORD], disk[MOUNT_WORD];
	struct statx st = { 0 };

	if (statx(media->root, "", AT_EMPTY_PATH,
		STATX_MNT_ID | STATX_MNT_ID_UNIQUE, &st) != 0)
		return err_errno(
		    RC_IO, errno, "%s: cannot be looked at", media->path);
	if ((st.stx_mask & (STATX_MNT_ID | STATX_MNT_ID_UNIQUE)) == 0 ||
	    !mount_word(BOOT_ID, boot))
		return err_set(RC_IO,
		    "%s: the kernel does not tell which mount this is, in which boot (" BOOT_ID
		    ")",
		    media->path);
	if (!disk_number(&st, disk))
		return err_errno(RC_IO, errno,
		    "%s: the kernel does not tell which disk this is",
		    media->path);
	(void)snprintf(ret, MOUNT_TEXT, "%.40s/%s%llu/%.20s", boot,
	    (st.stx_mask & STATX_MNT_ID_UNIQUE) != 0 ? "u" : "m",
	    (unsigned long long)st.stx_mnt_id, disk);
	return RC_OK;
}

/* ---- unmounting ---------------------------------------------------------- */

#define MOUNTS "/proc/self/mountinfo"

/* The number by which mountinfo knows the mount of an open directory. */
static bool
mount_number(int fd, uint64_t *ret)
{
	struct statx st = { 0 };

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) != 0 ||
	    (st.stx_mask & STATX_MNT_ID) == 0)
		return false;
	*ret = st.stx_mnt_id;
	return true;
}

/* One argument for a shell, of a field in which the kernel has written blanks
 * and backslashes as octal digits. */
static enum rc
add_quoted(struct buf *to, const char *field)
{
	enum rc rc = buf_add_str(to, " '");

	for (const char *at = field; *at != '\0' && rc == RC_OK; at++) {
		unsigned byte;

		if (*at == '\\' && sscanf(at + 1, "%3o", &byte) == 1) {
			rc = buf_add_byte(to, (uint8_t)byte);
			at += 3;
		} else if (*at == '\'') {
			rc = buf_add_str(to, "'\\''");
		} else {
			rc = buf_add_byte(to, (uint8_t)*at);
		}
	}
	return rc == RC_OK ? buf_add_str(to, "'") : rc;
}

/* "36 35 98:0 / /media/STICK rw,... - vfat /dev/sdb1 rw,...": the point is the
 * fifth field, the device the second behind the dash. */
static enum rc
add_command(char *line, struct buf *ret)
{
	char *dash = strstr(line, " - "), *rest = NULL, *point = NULL, *device;
	bool by_udisks;
	enum rc rc;

	if (dash == NULL)
		return RC_OK;
	*dash = '\0';
	for (int i = 0; i < 5; i++)
		point = strtok_r(i == 0 ? line : NULL, " ", &rest);
	(void)strtok_r(dash + 3, " ", &rest);
	device = strtok_r(NULL, " ", &rest);
	if (point == NULL || device == NULL)
		return RC_OK;
	by_udisks = geteuid() != 0 && strncmp(device, "/dev/", 5) == 0;
	rc = buf_add_str(ret, by_udisks ? "udisksctl unmount -b" : "umount");
	return rc == RC_OK ? add_quoted(ret, by_udisks ? device : point) : rc;
}

enum rc
mount_unmount(const struct media *media, int beside, struct buf *ret)
{
	uint64_t number, other;
	char *line = NULL;
	size_t room = 0;
	FILE *mounts;
	enum rc rc = RC_OK;

	if (!mount_number(media->root, &number) ||
	    !mount_number(beside, &other) || number == other)
		return RC_OK;
	mounts = fopen(MOUNTS, "re");
	while (mounts != NULL && getline(&line, &room, mounts) > 0) {
		if (strtoull(line, NULL, 10) != number)
			continue;
		rc = add_command(line, ret);
		break;
	}
	free(line);
	if (mounts != NULL)
		(void)fclose(mounts);
	return rc;
}
