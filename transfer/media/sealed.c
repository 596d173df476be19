/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that nobody can change any more, handed over by descriptor: a reader
 * that was taken over cannot alter a bundle after the parent has hashed it. */
#include "base/file.h"
#include "transfer/media/media.h"
#include "transfer/media/media_part.h"
#include "transfer/rule.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL /* Linux 6.3 */
#define MFD_NOEXEC_SEAL 0x0008U
#endif

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

enum rc
sealed_begin(int *ret_memfd)
{
	const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create("airgap", flags | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL) /* an older kernel */
		fd = memfd_create("airgap", flags);
	if (fd < 0)
		return err_errno(RC_IO, errno, "no memory for a copy");
	*ret_memfd = fd;
	return RC_OK;
}

enum rc
sealed_end(int memfd)
{
	if (fcntl(memfd, F_ADD_SEALS, SEALS) != 0)
		return err_errno(RC_IO, errno, "a copy cannot be sealed");
	return RC_OK;
}

enum rc
sealed_make(struct span bytes, int *ret_memfd)
{
	OWN_FD fd = -1;
	enum rc rc = sealed_begin(&fd);

	if (rc == RC_OK)
		rc = fd_write_all(fd, bytes, "memory");
	if (rc == RC_OK)
		rc = sealed_end(fd);
	if (rc != RC_OK)
		return rc;
	*ret_memfd = fd;
	fd = -1;
	return RC_OK;
}

/* The one who hands it over may be an enemy by now. Only a memfd has all four
 * seals; hugetlbfs has them too, and kills who reads a page that it lacks. */
static enum rc
seals_check(int fd, size_t *ret_size)
{
	struct statfs fs;
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & SEALS) != SEALS)
		return rule_refuse(RULE_READER,
		    "the reader handed over a file that is not sealed memory");
	if (fstatfs(fd, &fs) != 0 || fstat(fd, &st) != 0)
		return err_errno(
		    RC_IO, errno, "sealed memory cannot be looked at");
	if ((unsigned long)fs.f_type != TMPFS_MAGIC)
		return rule_refuse(RULE_READER,
		    "the reader handed over another kind of memory");
	if (st.st_size < 0 || (uintmax_t)st.st_size > MEDIA_FILE_MAX)
		return rule_refuse(RULE_READER,
		    "the reader handed over %jd bytes; at most %zu are read",
		    (intmax_t)st.st_size, MEDIA_FILE_MAX);
	*ret_size = (size_t)st.st_size;
	return RC_OK;
}

enum rc
sealed_map(int fd, struct sealed *ret)
{
	void *p = NULL;
	size_t size;
	enum rc rc = seals_check(fd, &size);

	if (rc != RC_OK)
		return rc;
	/* Private: before Linux 6.7 a shared mapping might have become writable
	 * and is refused under F_SEAL_WRITE, even a read-only one. */
	if (size != 0)
		p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return err_errno(
		    RC_IO, errno, "sealed memory cannot be mapped");
	*ret = (struct sealed){ .bytes = span_of(p, size), .fd = fd };
	return RC_OK;
}

void
sealed_wipe(struct sealed *sealed)
{
	if (sealed == NULL)
		return;
	if (sealed->bytes.p != NULL)
		(void)munmap(
		    (void *)(uintptr_t)sealed->bytes.p, sealed->bytes.n);
	if (sealed->fd > 0)
		(void)close(sealed->fd);
	*sealed = (struct sealed){ .fd = -1 };
}
