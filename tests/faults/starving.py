#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every allocation of every process of every command fails in turn, and each runs
under low limits.

usage: starving.py STATE SETTINGS.json [--some N | --all] [--jobs N] [--act NAME]
                   [--results FILE]

Each allocation that the programs themselves make fails once, and then all from
it on; of those that libraries make, a fixed sample. A run may end as without a
fault, and then it says what it says without one; or with the status and the
sentence of a lack of memory. What it left is judged as in sweep.py.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import re
import shutil
import struct
import sys
import threading
import time

sys.dont_write_bytecode = True
import acts  # noqa: E402
import all_acts  # noqa: E402
import bench  # noqa: E402
import looks  # noqa: E402
import points  # noqa: E402
from sweep import Tools  # noqa: E402

COUNTINGS = 2
OF_LIBRARIES = 40  # of all allocations of a process, those of libraries included
TOKEN, MEMORY = 5, 6  # the exit status
SHORT = "out of memory|failed to map segment"
NO_PROCESS = "no [a-z]+ process: Resource temporarily unavailable"
# Limits that a login or a service may have set, and what must be said under one.
LIMITS = {
    "nofile": (range(3, 26), "Too many open files"),
    "as": ([m << 20 for m in range(4, 84, 4)], SHORT),
    "fsize": ([0, 1, 511, 512, 1024, 3000, 4096, 8192, 12288, 20000, 40000, 65536], "File too large"),
}
# The sanitisers want terabytes of addresses.
if os.environ.get("BUILD", "").endswith("/debug"):
    del LIMITS["as"]
# A software token that may not write is broken for good, and a card has no files.
WRITES_TOKEN = ("init", "tk-check")
# What the loader says before any program of ours runs, and its status.
LOADER, NOT_LOADED = 127, "error while loading shared libraries"
CRASHED = "does not start|process (died of SIG(SEGV|ABRT|SYS)|has gone)"
WHOSE = ("ours", "any", "fork")
HOW = ("once", "on")
HEAD = struct.Struct("=56sIIQQQ")  # struct starve_file in starve.c
ROW = struct.Struct("=56sQQQ")
ROWS = 64


class StarvedBench(bench.Bench):
    """Runs a command that has less memory than it wants."""

    def __init__(self, top, tools):
        super().__init__(top, tools)
        self.shared = os.path.join(top, "starve")

    def starved(self, argv, process="", whose="ours", n=0, how="once"):
        with open(self.shared, "wb") as f:
            f.write(HEAD.pack(process.encode(), WHOSE.index(whose), HOW.index(how), n, 0, 0))
            f.write(bytes(ROW.size * ROWS))
        kept = self.env
        self.env = dict(kept, LD_PRELOAD=self.tools.starve, STARVE=self.shared)
        try:
            return self.run(*argv)
        finally:
            self.env = kept

    def limited(self, argv, limit, n):
        return self.run("prlimit", "--%s=%d" % (limit, n), *argv)

    def read_shared(self):
        """How many failed, and {(process, whose): n}."""
        with open(self.shared, "rb") as f:
            data = f.read()
        _, _, _, _, hits, used = HEAD.unpack_from(data)
        counts = {}
        for i in range(used):
            name, *all_of = ROW.unpack_from(data, HEAD.size + i * ROW.size)
            for whose, n in zip(WHOSE, all_of):
                counts[name.rstrip(b"\0").decode(), whose] = n
        return hits, counts


# What differs between two runs that say the same.
VARIES = (
    (r"[0-9a-f]{8,}", "HEX"),
    (r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?)?", "TIME"),
    (r"\d\d:\d\d(:\d\d)?", "TIME"),
    (r"\d+(\.\d+)? (ms|us|s)\b", "SECONDS"),
    (r"worker-\d+", "WORKER"),
)


# What the C library or the C++ one of a token's module prints when it gives up.
GIVEN_UP = (r"terminate called after throwing an instance of 'std::bad_alloc'\s+"
            r"what\(\):\s+std::bad_alloc\n|cannot allocate memory for thread-local data: ABORT\n")


def plain(run):
    text = re.sub(GIVEN_UP, "", run.out + "\n" + run.err)
    for what, name in VARIES:
        text = re.sub(what, name, text)
    text = re.sub(r"\s+", " ", text)
    return re.sub(r"(: |SHA-256 HEX )([a-zA-Z]+ ){16}", r"\1WORDS ", text)


class Starving:
    def __init__(self, options):
        self.options = options
        self.tools = Tools(options.settings)
        every = [a(self.tools) for a in all_acts.ACTS] + looks.looks(self.tools)
        self.acts = {a.name: a for a in every if options.act in (None, a.name)}
        self.local = threading.local()
        self.lock = threading.Lock()
        self.began = time.monotonic()
        self.workers = self.done = self.total = 0
        self.results = []  # (point, outcome, status, [what is wrong])

    def state(self, act):
        return os.path.join(self.options.state, getattr(act, "state", act.name))

    def worker(self, n):
        return os.path.join(os.path.dirname(os.path.abspath(self.options.state)), "worker-%d" % n)

    def bench(self):
        if not hasattr(self.local, "bench"):
            with self.lock:
                self.workers += 1
                n = self.workers
            self.local.bench = StarvedBench(self.worker(n), self.tools)
        return self.local.bench

    def count(self, act):
        """The points that each of a few runs reaches; what it says and does."""
        b, every = self.bench(), []
        for _ in range(COUNTINGS):
            b.restore(self.state(act))
            act.begin(b)
            act.before = b.fingerprint()
            if isinstance(act, looks.Look):
                act.at_first = act.kept(b)
            run = b.starved(act.argv(b))
            if run.status not in act.clean:
                raise SystemExit("%s without a fault: status %d\n%s" % (act.name, run.status, run.err))
            said = plain(run)
            if every and said != act.said:
                raise SystemExit("%s says two things:\n%s\n%s" % (act.name, act.said, said))
            act.said, act.left = said, run.status
            every.append(b.read_shared()[1])
        least = {key: min(counts[key] for counts in every)
                 for key in every[0] if all(key in counts for counts in every)}
        return self.points_of(act, least)

    def points_of(self, act, least):
        found = []
        for (process, whose), most in sorted(least.items()):
            numbers = range(1, most + 1)
            if whose == "any":
                numbers = sorted(numbers, key=lambda n: points.rank(act.name, process, n))[:OF_LIBRARIES]
            found += [points.Point(act.name, process, whose, n, how)
                      for how in HOW for n in sorted(numbers)]
        return found + [points.Point(act.name, "0", limit, n, "limit")
                        for limit, (numbers, _) in LIMITS.items() for n in numbers
                        if limit != "fsize" or act.name not in WRITES_TOKEN]

    def judge(self, act, j, hits):
        run = j.run
        if hits == 0:
            j.want(run.status in act.clean, "out of reach, and status", run.status)
            return "missed"
        if run.status in act.clean:
            j.want(run.status == act.left and plain(run) == act.said,
                   "it says something else:\n", plain(run), "\n instead of\n", act.said)
        else:
            # A library that crashes of it cannot say so; a vendor's module is one.
            wanted = (LIMITS[j.point.call][1] if j.point.fault == "limit" else
                      NO_PROCESS if j.point.call == "fork" else SHORT)
            if run.status == LOADER and NOT_LOADED in run.err:
                wanted, run.status = NOT_LOADED, MEMORY
            crash = j.point.call in ("any", "as") and re.search(CRASHED, run.err)
            token = j.point.call == "as" or act.role(j.point.process) == "token"
            j.want(run.status == MEMORY or (crash and token and run.status == TOKEN),
                   "status", run.status)
            j.want(crash or re.search(wanted, run.err), "not said:", wanted)
        if j.b.fingerprint() == act.before:
            j.want(act.name not in [a.name for a in all_acts.ACTS] or
                   run.status not in (0, 1), "nothing done, and status", run.status)
            return "whole" if run.status in act.clean else "nothing"
        try:
            return act.judge(j)
        except Exception as e:  # whatever it is, this point is not good
            j.want(False, repr(e))
            return "wrong"

    def try_point(self, point):
        act, b = self.acts[point.act], self.bench()
        b.restore(self.state(act))
        act.begin(b)
        if point.fault == "limit":
            run, hits = b.limited(act.argv(b), point.call, point.n), 1
        else:
            run = b.starved(act.argv(b), point.process, point.call, point.n, point.fault)
            hits = b.read_shared()[0]
        j = acts.Judge(b, point, run)
        outcome = self.judge(act, j, hits)
        with self.lock:
            self.results.append((point, outcome, run.status, j.wrong))
            self.done += 1
            if j.wrong:
                print("not ok: %s: status %d, %s: %s\n%s" % (
                    name_of(point), run.status, outcome, "; ".join(j.wrong), run.err.strip()[-600:]), flush=True)
            if self.done % 100 == 0 or self.done == self.total:
                print("  %d of %d points, %d s" % (self.done, self.total, time.monotonic() - self.began),
                      file=sys.stderr, flush=True)

    def run(self):
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            every = [p for found in pool.map(self.count, self.acts.values()) for p in found
                     if self.options.only in (None, p.fault)]
            if self.options.list:
                for key, n in collections.Counter((p.act, p.process, p.call, p.fault) for p in every).items():
                    print(*key, n)
                return
            chosen = every if self.options.all else points.spread(every, self.options.some)
            self.total = len(chosen)
            for done in [pool.submit(self.try_point, p) for p in chosen]:
                done.result()


def name_of(p):
    if p.fault == "limit":
        return "%s: under a limit of %s=%d" % (p.act, p.call, p.n)
    return "%s: allocation %d (%s, %s) of process %s fails" % (p.act, p.n, p.call, p.fault, p.process)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("state")
    parser.add_argument("settings")
    parser.add_argument("--some", type=int, default=60)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--list", action="store_true", help="only count the points")
    parser.add_argument("--act")
    parser.add_argument("--only", help="points of this kind: once, on, limit")
    parser.add_argument("--results")
    options = parser.parse_args()
    starving = Starving(options)
    starving.run()
    bad = False
    for act in starving.acts:
        mine = [r for r in starving.results if r[0].act == act]
        wrong = sum(bool(r[3]) for r in mine)
        bad |= wrong != 0
        print("%s: %s starved: %d allocations, %d wrong, %d out of reach" % (
            "ok" if wrong == 0 else "not ok", act, len(mine), wrong, sum(r[1] == "missed" for r in mine)))
    if options.results:
        with open(options.results, "w") as f:
            json.dump({"all": options.all, "seconds": round(time.monotonic() - starving.began), "jobs": options.jobs,
                       "points": [[p.act, starving.acts[p.act].role(p.process), *p[2:], outcome, status, wrong]
                                  for p, outcome, status, wrong in sorted(starving.results)]}, f)
    for n in range(1, starving.workers + 1):
        shutil.rmtree(starving.worker(n))
    return bad


if __name__ == "__main__":
    sys.exit(main())
