/* SPDX-License-Identifier: Apache-2.0 */
/** Landlock, the kernel's rules by which a process forbids itself files.
 *
 * What a ruleset handles is forbidden but where a rule allows it. These are the
 * kernel's calls and its constants, as of ABI 7, under headers that may be
 * older; what is allowed is for the sandboxes that use them.
 */
#ifndef BASE_LANDLOCK_H
#define BASE_LANDLOCK_H

#include <linux/landlock.h>
#include <stddef.h>
#include <stdint.h>

/* What newer kernels know and Debian 12's headers do not. */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13) /* ABI 2 */
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14) /* ABI 3 */
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15) /* ABI 5 */
#endif
#ifndef LANDLOCK_ACCESS_NET_BIND_TCP /* ABI 4 */
#define LANDLOCK_ACCESS_NET_BIND_TCP (1ULL << 0)
#define LANDLOCK_ACCESS_NET_CONNECT_TCP (1ULL << 1)
#endif
#ifndef LANDLOCK_SCOPE_SIGNAL /* ABI 6 */
#define LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0)
#define LANDLOCK_SCOPE_SIGNAL (1ULL << 1)
#endif

/** struct landlock_ruleset_attr as of ABI 6; an older kernel takes less of it. */
struct landlock_handled {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

/** 0 where the kernel has none, or was started without it. */
int landlock_abi(void);

/** Everything that a kernel of this ABI can forbid. */
struct landlock_handled landlock_all(int abi);

/** The three calls, as the kernel gives them: -1 and errno. A ruleset is a
 * descriptor. An attribute that is 0 is not sent to a kernel that lacks it. */
int landlock_create(int abi, const struct landlock_handled *handled);
int landlock_allow_beneath(int ruleset, int fd, uint64_t access);
int landlock_restrict(int ruleset);

#endif
