/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that the C library does not wrap. No policy lives here. */
#include "base/landlock.h"

#include <sys/syscall.h>
#include <unistd.h>

#define FS_ABI_1 ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

int
landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);

	return abi < 0 ? 0 : (int)abi;
}

struct landlock_handled
landlock_all(int abi)
{
	struct landlock_handled all = { .fs = FS_ABI_1 };

	if (abi >= 2)
		all.fs |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		all.fs |= LANDLOCK_ACCESS_FS_TRUNCATE;
	if (abi >= 4)
		all.net = LANDLOCK_ACCESS_NET_BIND_TCP |
			  LANDLOCK_ACCESS_NET_CONNECT_TCP;
	if (abi >= 5)
		all.fs |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
	if (abi >= 6)
		all.scoped =
		    LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | LANDLOCK_SCOPE_SIGNAL;
	return all;
}

int
landlock_create(int abi, const struct landlock_handled *handled)
{
	size_t size = sizeof(*handled);

	if (abi < 6)
		size = offsetof(struct landlock_handled, scoped);
	if (abi < 4)
		size = offsetof(struct landlock_handled, net);
	return (int)syscall(SYS_landlock_create_ruleset, handled, size, 0);
}

int
landlock_allow_beneath(int ruleset, int fd, uint64_t access)
{
	const struct landlock_path_beneath_attr beneath = {
		.allowed_access = access,
		.parent_fd = fd,
	};

	return (int)syscall(SYS_landlock_add_rule, ruleset,
	    LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
}

int
landlock_restrict(int ruleset)
{
	return (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
}
