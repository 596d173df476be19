#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: log_replay.py LOG                 how many writes it has
       log_replay.py LOG BASE IMAGE N    IMAGE is BASE with the first N of them

LOG is what dm-log-writes kept of a device (Documentation/admin-guide/device-mapper/log-writes.rst)."""
import shutil
import struct
import sys

MAGIC, MARK, DISCARD = 0x6A736677736872, 8, 4


def writes(path):
    """Sector and bytes of each, in the order in which the device had them."""
    with open(path, "rb") as log:
        magic, _, n, size = struct.unpack("<QQQI", log.read(28))
        if magic != MAGIC:
            raise SystemExit(path + ": no log of dm-log-writes")
        at = size
        for _ in range(n):
            log.seek(at)
            sector, sectors, flags, length = struct.unpack("<QQQQ", log.read(32))
            at += size
            if flags & MARK:
                at += -(-length // size) * size if length > size - 32 else 0
                continue
            if flags & DISCARD:
                continue
            log.seek(at)
            data = log.read(sectors * size)
            at += sectors * size
            if data:
                yield sector * size, data


if len(sys.argv) == 2:
    print(sum(1 for _ in writes(sys.argv[1])))
else:
    log, base, image, n = sys.argv[1:]
    shutil.copyfile(base, image)
    with open(image, "r+b") as out:
        for i, (at, data) in enumerate(writes(log)):
            if i == int(n):
                break
            out.seek(at)
            out.write(data)
