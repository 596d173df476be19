#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""cover.py [--aim] [--missed FILE]... [--save FILE] [--before FILE] BUILD

What the tests of a `make cover` build ran, from gcc's own counts (gcov): lines
and branches by room, and each file below the room's aim. An object that no test
linked counts in full. A header counts with the room that it lies in.

  --aim          exit with 1 when a room is below its aim
  --missed FILE  print the lines of FILE that did not run, and no table
  --save FILE    keep the counts there, for --before of a later run
  --before FILE  a column in front: what had run by then (unit tests alone)
"""

import argparse
import collections
import json
import os
import subprocess
import sys

HIGH = ("transfer/x509", "transfer/format", "transfer/reader", "transfer/judge")
FOLDERS = ("base", "transfer", "token", "ca")


def aim_of(room):
    """In percent of lines. What prints and asks is met end to end."""
    if room.endswith("/cmd"):
        return 0
    return 95 if room in HIGH else 90


class Counts:
    """Of one file: line -> times, and (line, n-th branch) -> times."""

    def __init__(self, lines=(), branches=()):
        self.lines = collections.Counter()
        self.branches = collections.Counter()
        for line, times in lines:
            self.lines[line] += times
        for line, n, times in branches:
            self.branches[line, n] += times

    def add(self, line):
        number = line["line_number"]
        self.lines[number] += line["count"]
        for n, branch in enumerate(line.get("branches", ())):
            self.branches[number, n] += branch["count"]

    def saved(self):
        return [list(self.lines.items()),
                [(*at, times) for at, times in self.branches.items()]]

    def missed(self):
        """As "12, 40-44": neighbours of the lines that have code."""
        runs, last = [], None
        for number in sorted(self.lines):
            if self.lines[number]:
                last = None
                continue
            if last is None:
                runs.append([number, number])
            runs[-1][1] = last = number
        return ", ".join("%d" % a if a == b else "%d-%d" % (a, b)
                         for a, b in runs)


class Share:
    """How many of how many."""

    def __init__(self):
        self.ran = self.all = 0

    def add(self, counter):
        self.ran += sum(1 for times in counter.values() if times)
        self.all += len(counter)
        return self

    def percent(self):
        return 100 * self.ran / self.all if self.all else 100.0

    def __str__(self):
        return "%5d of %5d %5.1f" % (self.ran, self.all, self.percent())


def objects(build):
    for folder in FOLDERS:
        for at, _, names in os.walk(os.path.join(build, folder)):
            for name in sorted(names):
                if name.endswith(".gcno"):
                    yield os.path.join(at, name)


def measure(build):
    """File -> Counts. A .gcno whose .gcda is missing reads as never run."""
    found = collections.defaultdict(Counts)
    notes = list(objects(build))
    if not notes:
        sys.exit("%s: nothing here was built by `make cover`" % build)
    said = subprocess.run(
        ["gcov", "--json-format", "--stdout", "--branch-probabilities"] + notes,
        check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    for document in said.splitlines():
        for file in json.loads(document)["files"]:
            name = os.path.normpath(file["file"])
            if name.split("/")[0] not in FOLDERS:
                continue
            counts = found[name]
            for line in file["lines"]:
                counts.add(line)
    return found


def rooms_of(found):
    rooms = collections.defaultdict(list)
    for name in sorted(found):
        rooms[os.path.dirname(name)].append(name)
    return rooms


def share(found, names, what):
    total = Share()
    for name in names:
        if name in found:
            total.add(getattr(found[name], what))
    return total


def row(name, names, found, before):
    cells = [str(share(found, names, what)) for what in ("lines", "branches")]
    if before is not None:
        cells.insert(0, "%5.1f" % share(before, names, "lines").percent())
    return "%-34s %s" % (name, "   ".join(cells))


def table(found, before):
    """Print it; the rooms below their aim."""
    low = []
    head = ["%-20s" % "lines run, percent", "branches taken"]
    if before is not None:
        head.insert(0, "units")
    print("%-34s %s" % ("room (aim)", "   ".join(head)))
    for room, names in sorted(rooms_of(found).items()):
        aim = aim_of(room)
        label = "%s (%d)" % (room, aim) if aim else room
        print(row(label, names, found, before))
        if share(found, names, "lines").percent() < aim:
            low.append(room)
        for name in names:
            if share(found, [name], "lines").percent() < aim:
                print(row("  " + os.path.basename(name), [name], found, before))
    print(row("all", sorted(found), found, before))
    return low


def main():
    ask = argparse.ArgumentParser(description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--aim", action="store_true")
    ask.add_argument("--missed", action="append", default=[])
    ask.add_argument("--save")
    ask.add_argument("--before")
    ask.add_argument("build")
    args = ask.parse_args()

    found = measure(args.build)
    if args.save:
        with open(args.save, "w", encoding="utf-8") as file:
            json.dump({n: c.saved() for n, c in found.items()}, file)
    for name in args.missed:
        if name not in found:
            sys.exit("%s: no such source in %s" % (name, args.build))
        print("%s: %s" % (name, found[name].missed() or "nothing"))
    if args.missed:
        return
    before = None
    if args.before:
        with open(args.before, encoding="utf-8") as file:
            before = {n: Counts(*c) for n, c in json.load(file).items()}
    low = table(found, before)
    if low and args.aim:
        sys.exit("below the aim: " + ", ".join(low))


main()
