# SPDX-License-Identifier: Apache-2.0
"""Which faults are tried at which system calls.

KILL is tried at every call. An error is tried where that call can fail with it,
and where the kernel or a medium would give it: EIO at all that reads, writes or
looks at files and at what processes say to each other; ENOSPC where something
grows; EINTR where a call may wait (our locks do not). Memory, clocks, identities and signal masks
get no errors of these kinds.
"""
import hashlib
from collections import namedtuple

CLASSES = {
    "write": "write pwrite64 writev pwritev ftruncate fallocate",
    "sync": "fsync fdatasync syncfs sync_file_range",
    "rename": "rename renameat renameat2 link linkat symlink symlinkat unlink "
              "unlinkat mkdir mkdirat rmdir",
    "create": "creat",
    "mode": "chmod fchmod fchmodat chown fchown fchownat utimensat",
    "open": "open openat openat2",
    "close": "close",
    "read": "read pread64 readv getdents64 lseek mincore fadvise64",
    "stat": "stat fstat lstat newfstatat statx access faccessat faccessat2 "
            "readlink readlinkat statfs fstatfs",
    "lock": "fcntl flock",
    "talk": "sendmsg sendto recvmsg recvfrom connect",
    "wait": "poll ppoll select pselect6 wait4 waitid",
}
CLASS_OF = {call: name for name, calls in CLASSES.items()
            for call in calls.split()}

# A wait gives no EIO, and a mapped file's advice or residence none that counts.
EIO = set(CLASSES) - {"wait"}
ENOSPC = {"write", "sync", "create", "close"}
ENOSPC_CALLS = set("rename renameat renameat2 link linkat symlink symlinkat "
                   "mkdir mkdirat".split())
EINTR = {"write", "sync", "create", "open", "close", "talk", "wait"}
EINTR_CALLS = set("read pread64 readv getrandom".split())

# What acts on something outside its process: sampled before all that looks.
ACTING = ("sync", "write", "rename", "create", "talk", "close", "mode", "lock",
          "wait", "read", "open", "stat", "other")

Point = namedtuple("Point", "act process call n fault")


def class_of(call):
    return CLASS_OF.get(call, "other")


def faults_of(call):
    name = class_of(call)
    yield "KILL"
    if name in EIO and call not in ("mincore", "fadvise64"):
        yield "EIO"
    if name in ENOSPC or call in ENOSPC_CALLS:
        yield "ENOSPC"
    if name in EINTR or call in EINTR_CALLS:
        yield "EINTR"


def points_of(act, counts):
    """All points of an act; `counts` is {(process, call): n}."""
    return [Point(act, process, call, n, fault)
            for (process, call), most in sorted(counts.items())
            for fault in faults_of(call)
            for n in range(1, most + 1)]


def rank(*what):
    return hashlib.sha256(repr(what).encode()).digest()


def sample(points, most):
    """The same `most` points every time: one of each (act, process, class,
    fault) before a second one, those that act before those that look."""
    groups = {}
    for p in points:
        key = (p.act, p.process, class_of(p.call), p.fault)
        groups.setdefault(key, []).append(p)
    turns = []
    for key, members in groups.items():
        members.sort(key=rank)
        turns += [(turn, turn + ACTING.index(key[2]) // 4, rank(key), p)
                  for turn, p in enumerate(members)]
    turns.sort(key=lambda t: (t[1], t[2]))
    return sorted(t[3] for t in turns[:most])


def spread(points, most):
    """The same `most` points every time: by turns one of each (act, process,
    call, fault)."""
    groups = {}
    for p in points:
        groups.setdefault((p.act, p.process, p.call, p.fault), []).append(p)
    turns = []
    for key, members in groups.items():
        members.sort(key=rank)
        turns += [(turn, rank(key), p) for turn, p in enumerate(members)]
    turns.sort()
    return sorted(t[2] for t in turns[:most])
