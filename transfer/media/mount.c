/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's names for a boot, a mount and a disk that was plugged in. */
#include "transfer/media/mount.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#ifndef STATX_MNT_ID_UNIQUE /* Linux 6.8 */
#define STATX_MNT_ID_UNIQUE 0x4000U
#endif

#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define MOUNT_WORD 64 /* bytes, with the NUL */

/* The first word of a file of the kernel's, which tells no size. */
static bool
mount_word(const char *path, char ret[static MOUNT_WORD])
{
	FILE *file = fopen(path, "re");
	bool read = file != NULL && fscanf(file, "%63s", ret) == 1;

	if (file != NULL)
		(void)fclose(file);
	return read;
}

/* Rises with each disk that is plugged in, or loop device that is made. A
 * partition has its disk's. */
static void
disk_number(const struct statx *st, char ret[static MOUNT_WORD])
{
	static const char *const where[] = { "diskseq", "../diskseq" };
	char path[MOUNT_WORD];

	for (size_t i = 0; i < sizeof(where) / sizeof(where[0]); i++) {
		(void)snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s",
		    st->stx_dev_major, st->stx_dev_minor, where[i]);
		if (mount_word(path, ret))
			return;
	}
	(void)snprintf(ret, MOUNT_WORD, "none");
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
	disk_number(&st, disk);
	(void)snprintf(ret, MOUNT_TEXT, "%.40s/%s%llu/%.20s", boot,
	    (st.stx_mask & STATX_MNT_ID_UNIQUE) != 0 ? "u" : "m",
	    (unsigned long long)st.stx_mnt_id, disk);
	return RC_OK;
}
