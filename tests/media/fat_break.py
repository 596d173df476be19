#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: fat_break.py IMAGE PATH...: no PATH on this FAT12 or FAT16 can be read any more.

A directory gets no first cluster, as a rename leaves it on a stick that is pulled before the
rest is written; a file one beyond the end, since without any it would be empty."""
import struct
import sys


class Fat:
    def __init__(self, path):
        self.file = open(path, "r+b")
        boot = self.read(0, 512)
        sector, self.per, reserved, fats, root, total = struct.unpack_from("<HBHBHH", boot, 11)
        length, = struct.unpack_from("<H", boot, 22)
        total = total or struct.unpack_from("<I", boot, 32)[0]
        self.cluster = sector * self.per
        self.table = reserved * sector
        self.root = (self.table + fats * length * sector, root * 32)
        self.data = self.root[0] + self.root[1]
        self.wide = (total * sector - self.data) // self.cluster >= 4085

    def read(self, at, n):
        self.file.seek(at)
        return self.file.read(n)

    def next(self, cluster):
        if self.wide:
            return struct.unpack("<H", self.read(self.table + 2 * cluster, 2))[0]
        pair, = struct.unpack("<H", self.read(self.table + cluster * 3 // 2, 2))
        return pair >> 4 if cluster & 1 else pair & 0xFFF

    def places(self, cluster):
        """Where a directory's entries lie; cluster 0 is the root."""
        if cluster == 0:
            yield from range(self.root[0], sum(self.root), 32)
        while 2 <= cluster < (0xFFF8 if self.wide else 0xFF8):
            at = self.data + (cluster - 2) * self.cluster
            yield from range(at, at + self.cluster, 32)
            cluster = self.next(cluster)

    def find(self, cluster, wanted):
        long = {}
        for at in self.places(cluster):
            entry = self.read(at, 32)
            if entry[0] == 0:
                break
            if entry[11] == 15:
                long[entry[0] & 31] = entry[1:11] + entry[14:26] + entry[28:32]
                continue
            name = b"".join(long[n] for n in sorted(long)).decode("utf-16-le").split("\0")[0]
            short = (entry[:8].decode("latin-1").rstrip() + "." + entry[8:11].decode("latin-1").rstrip()).rstrip(".")
            long = {}
            if entry[0] != 0xE5 and wanted in (name, short.lower()):
                return at, struct.unpack_from("<H", entry, 26)[0]
        raise SystemExit("fat_break: no " + wanted)


fat = Fat(sys.argv[1])
for path in sys.argv[2:]:
    at, cluster = 0, 0
    for part in path.split("/"):
        at, cluster = fat.find(cluster, part)
    is_dir = fat.read(at + 11, 1)[0] & 0x10
    fat.file.seek(at + 26)
    fat.file.write(b"\0\0" if is_dir else b"\xe0\xff")
