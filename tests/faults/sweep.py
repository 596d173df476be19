#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Faults at the system calls of every process of every act.

usage: sweep.py STATE SETTINGS.json [--some N | --all] [--jobs N] [--act NAME]
                [--results FILE]

STATE/ACT holds what each act begins with. The points are counted by runs without
a fault. One line a point that is not good, "not ok: POINT: why", then one for
each act, "ok" or "not ok", and the exit status says whether all were.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import re
import shutil
import sys
import threading
import time

sys.dont_write_bytecode = True
import acts  # noqa: E402
import all_acts  # noqa: E402
import bench  # noqa: E402
import points  # noqa: E402

COUNTINGS = 6
SAME_RUN_AGAIN = 10  # of the points that changed nothing, each tenth goes on
# A point is out of reach when a run happens to make fewer calls: a wait less, or
# the last one of a reader that is not needed any more. So many of all, at most.
MOST_MISSED = 0.02


class Tools:
    """What SETTINGS.json says."""

    def __init__(self, path):
        with open(path) as f:
            self.__dict__.update(json.load(f))


class Sweep:
    def __init__(self, options):
        self.options = options
        self.tools = Tools(options.settings)
        self.acts = {a.name: a(self.tools) for a in all_acts.ACTS
                     if options.act in (None, a.name)}
        self.local = threading.local()
        self.lock = threading.Lock()
        self.began = time.monotonic()
        self.workers = self.done = self.total = self.unchanged = 0
        self.results = []  # (point, outcome, [what is wrong])

    def state(self, act):
        return os.path.join(self.options.state, act.name)

    def worker(self, n):
        return os.path.join(os.path.dirname(os.path.abspath(self.options.state)), "worker-%d" % n)

    def bench(self):
        if not hasattr(self.local, "bench"):
            with self.lock:
                self.workers += 1
                n = self.workers
            self.local.bench = bench.Bench(
                self.worker(n), self.tools)
        return self.local.bench

    def restore(self, b, act):
        b.restore(self.state(act))
        act.begin(b)

    def count_once(self, act):
        b = self.bench()
        self.restore(b, act)
        counts, run = b.count(act.argv(b))
        if run.status not in act.clean:
            raise SystemExit("%s without a fault: status %d\n%s" % (act.name, run.status, run.err))
        return counts

    def count(self, act, pool):
        """The points that each of a few runs reaches, as many at a time as later:
        how often processes wait for each other depends on that, too."""
        every = list(pool.map(self.count_once, [act] * COUNTINGS))
        least = {key: min(counts[key] for counts in every)
                 for key in every[0] if all(key in counts for counts in every)}
        b = self.bench()
        self.restore(b, act)
        act.before = b.fingerprint()
        return points.points_of(act.name, least)

    def judge(self, act, j):
        """An outcome; what is wrong is in j.wrong."""
        hits = j.b.hits()
        if "hit" not in hits:
            j.want(j.run.status in act.clean, "out of reach, and status", j.run.status)
            return "missed"
        # Of a directory it may be for another name in it; only the first one
        # must never be forgotten.
        again = hits.get("again")
        j.want(again is None or (os.path.isdir(again) and j.run.status not in (0, 1)),
               "a failed sync was tried again:", again)
        j.want(j.run.status not in (8, 124, 125) and j.run.status not in
               (128 + 6, 128 + 11), "status", j.run.status)
        failed_write = (j.point.fault in ("EIO", "ENOSPC") and
                        points.class_of(j.point.call) in ("write", "sync", "rename") and
                        hits["hit"].startswith((j.b.path("home-"), j.b.path("stick"))))
        j.want(not failed_write or j.run.status not in (0, 1),
               "a failed", j.point.call, "and status", j.run.status)
        act.judge_message(j)
        if j.b.fingerprint() == act.before:
            j.want(j.run.status not in (0, 1), "nothing done, and status", j.run.status)
            with self.lock:
                self.unchanged += 1
                if self.unchanged % SAME_RUN_AGAIN != 1:
                    return "nothing"
        try:
            return act.judge(j)
        except Exception as e:  # whatever it is, this point is not good
            j.want(False, repr(e))
            return "wrong"

    def try_point(self, point):
        act, b = self.acts[point.act], self.bench()
        self.restore(b, act)
        j = acts.Judge(b, point, b.faulty(point, act.argv(b)))
        status, err, hits = j.run.status, j.run.err, b.hits()
        outcome = self.judge(act, j)
        # A sync is never tried again; the loader of programs and modules gives
        # up, and the C library loses output: both say so, and harm nobody.
        file = hits.get("hit", "")
        if (point.fault == "EINTR" and points.class_of(point.call) != "sync" and
                status != 127 and not re.search(r"\.so(\.[0-9]+)*$", file)):
            j.want(outcome in ("whole", "missed") or
                   (outcome in ("told", "begun", "nothing") and file.startswith("pipe:")), "EINTR:", outcome, file)
        with self.lock:
            self.results.append((point, outcome, status, j.wrong))
            self.done += 1
            if j.wrong:
                print("not ok: %s: status %d, %s: %s\n%s" % (
                    name_of(point), status, outcome, "; ".join(j.wrong), err.strip()[-600:]), flush=True)
            self.progress()

    def list(self, every):
        for key, n in collections.Counter((p.act, p.process, points.class_of(p.call), p.fault)
                                          for p in every).items():
            print(*key, n)
        return len(every)

    def progress(self):
        if self.done % 100 == 0 or self.done == self.total:
            print("  %d of %d points, %d s" % (self.done, self.total, time.monotonic() - self.began),
                  file=sys.stderr, flush=True)

    def mend(self, every):
        """What was wrong in an earlier run, again; its other results stay."""
        with open(self.options.mend) as f:
            self.earlier = json.load(f)
        wrong = {(p[0], p[1], p[2], p[3], p[4]) for p in self.earlier["points"] if p[7]}
        return [p for p in every if (p.act, self.acts[p.act].role(p.process), *p[2:]) in wrong]

    def run(self):
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            every = [p for act in self.acts.values() for p in self.count(act, pool)]
            return self.sweep(every, pool)

    def sweep(self, every, pool):
        if self.options.list:
            return self.list(every)
        chosen = self.mend(every) if self.options.mend else every if self.options.all else points.sample(every, self.options.some)
        self.total = len(chosen)
        for done in [pool.submit(self.try_point, p) for p in chosen]:
            done.result()
        return len(every)


def name_of(p):
    return "%s: %s at %s %d of process %s" % (p.act, p.fault, p.call, p.n, p.process)


def write_results(sweep, every):
    found = [[p.act, sweep.acts[p.act].role(p.process), *p[2:], outcome, status, wrong]
             for p, outcome, status, wrong in sorted(sweep.results)]
    text = {"every": every, "all": sweep.options.all, "jobs": sweep.options.jobs,
            "seconds": round(time.monotonic() - sweep.began), "mended": 0, "points": found}
    if sweep.options.mend:
        text = dict(sweep.earlier, mended=len(found))
        text["points"] = sorted([p for p in text["points"] if not p[7]] + found)
    with open(sweep.options.results, "w") as f:
        json.dump(text, f)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("state")
    parser.add_argument("settings")
    parser.add_argument("--some", type=int, default=200)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--list", action="store_true", help="only count the points")
    parser.add_argument("--mend", help="only what is wrong in these results; the others are kept")
    parser.add_argument("--act")
    parser.add_argument("--results")
    options = parser.parse_args()
    sweep = Sweep(options)
    every = sweep.run()
    bad = False
    for act in sweep.acts:
        mine = [r for r in sweep.results if r[0].act == act]
        wrong = sum(bool(r[3]) for r in mine)
        missed = sum(r[1] == "missed" for r in mine)
        for point in sorted(r[0] for r in mine if r[1] == "missed"):
            print("  out of reach:", name_of(point))
        bad |= wrong != 0
        print("%s: %s: %d faults, %d wrong, %d out of reach" % (
            "ok" if wrong == 0 else "not ok", act, len(mine), wrong, missed))
    missed = sum(r[1] == "missed" for r in sweep.results)
    if missed > max(1, MOST_MISSED * len(sweep.results)):
        print("not ok: %d of %d faults were out of reach" % (missed, len(sweep.results)))
        bad = True
    if options.results:
        write_results(sweep, every)
    for n in range(1, sweep.workers + 1):
        shutil.rmtree(sweep.worker(n))
    return bad


if __name__ == "__main__":
    sys.exit(main())
