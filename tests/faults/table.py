#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""docs/faults.md from what sweep.py and openssl_ca.py found.

usage: table.py OURS.json THEIRS.json >docs/faults.md
       table.py --starved STARVED.json >>docs/faults.md
       table.py --check docs/faults.md
"""
import collections
import json
import os
import platform
import re
import sys

sys.dont_write_bytecode = True
import acts  # noqa: E402
import all_acts  # noqa: E402
import points  # noqa: E402
import starving  # noqa: E402

GOOD = ("nothing", "begun", "kept", "told", "whole")
BAD = ("twice", "lost", "stuck", "unlisted", "lied")
FAULTS = ("KILL", "EIO", "ENOSPC", "EINTR")
ACTS = [act.name for act in all_acts.ACTS]
SWEPT = [act.name for act in acts.FIRST]  # whole, for the page that there is; the others by 300 points each
CLASSES = (*points.CLASSES, "other")

HEAD = """# Faults, and what became of them

`make check-faults` makes this page. It runs each command with one fault at one system call of one
of its processes, for every call and every fault that the rule below gives it. Then it runs the same
command again and looks at what both left. A row's numbers are points, one run with one fault each.

- **The fault.** KILL ends that process before the call. EIO, ENOSPC and EINTR are its answer. Calls are counted
  for each process by runs without a fault (`tests/faults/fault.c` traces and injects).
- **Which call gets which.** KILL: every call. {rule}
- **Left out.** The calls of the software token on its own files: a card has none.
- **The commands.** `init`: a CA with two new keys and its card. `enroll`: a new server. `request`: a bundle of two
  requests. `sign`: a requester that is met, a bundle of four series of three of which one is refused, in two
  batches, and a second bundle. `install`: both responses. `abandon`: a bundle whose signing stopped with two
  series whole and one begun. `restore`: a home from its backup. `recover`: two responses that the
  restored ledger lacks.
- **What must hold** after the second run, or the point is wrong. In the ledger: no serial has two TBS and no TBS
  two signatures, each TBS that the token was given was there before, no record of the first run is lost, each
  intent has a result or is void. `ledger verify --head` is satisfied. On the stick: each response is whole and nothing
  else is there, and what lay there after the fault is the same byte for byte. Its manifests verify by
  `tests/tools/cose_verify.py`, and the server installs all of it. Nothing was removed or mended by hand; `sign` said
  what the unfinished run had left.
- **And of the first run:** status 0 or 1 only when all was done, never after a failed write, sync or rename of a
  file in a home or on the stick. No sync that failed is tried again. An EINTR is not noticed, except at a sync
  (never tried again), in the loader (gives up) and where output is printed (said).
- A point that left every byte as it was is tried again only each tenth time: they all begin alike.

The words at the heads of the columns:

| | |
| --- | --- |
| nothing | nothing had been done; the same command does it all |
| begun | a part was done; the same command goes on from there and ends it |
| kept | all was done and stored, and not handed out; the same command hands it out |
| told | all was done, and the run was killed after it or says that something failed; the same command does no harm |
| whole | the run does its work in spite of the fault, and says so |
| missed | the run made fewer such calls than those without a fault (it waited less), so none was hit |
| **wrong** | anything else |

"""


def rule_text():
    def calls_of(fault):
        return sorted(call for calls in points.CLASSES.values() for call in calls.split()
                      if fault in points.faults_of(call))
    return " ".join("%s: %s." % (fault, ", ".join(
        "%s" % name if all(fault in points.faults_of(c) for c in calls.split()) else
        "%s (%s)" % (name, " ".join(c for c in calls.split() if c in calls_of(fault)))
        for name, calls in points.CLASSES.items() if any(c in calls_of(fault) for c in calls.split())))
        for fault in FAULTS[1:])


def row(cells):
    return "| %s |\n" % " | ".join(str(c) if c != 0 else "." for c in cells)


def counted(found, key):
    table = collections.defaultdict(collections.Counter)
    for p in found["points"]:
        act, process, call, n, fault, outcome, status, wrong = p
        table[key(act, process, points.class_of(call), fault)]["wrong" if wrong else outcome] += 1
    return table


def ours_table(found):
    table = counted(found, lambda *key: key)
    text = row(("command", "process", "calls", "fault", "points", *GOOD, "missed", "**wrong**"))
    text += row(["---"] * 4 + ["---:"] * 8)
    order = {name: i for i, name in enumerate((*ACTS, *CLASSES, *FAULTS))}
    for key in sorted(table, key=lambda k: (order[k[0]], k[1] != k[0], k[1], order[k[2]], order[k[3]])):
        n = table[key]
        text += row((*key, sum(n.values()), *(n[o] for o in GOOD), n["missed"], n["wrong"]))
    total = sum(table.values(), collections.Counter())
    text += row(("all", "", "", "", sum(total.values()), *(total[o] for o in GOOD), total["missed"],
                 total["wrong"]))
    return text


def theirs_table(ours, theirs):
    names = {"twice": "one serial, two certificates", "lost": "history lost", "stuck": "every later run fails",
             "unlisted": "signed, not in the index", "lied": "exit 0, and not done"}
    text = row(("program", "calls", "fault", "points", "no harm", *(names[b] for b in BAD)))
    text += row(["---"] * 3 + ["---:"] * (2 + len(BAD)))
    for who, found in (("`openssl ca`", theirs), ("`airgap-ca sign`", ours)):
        table = counted(found, lambda act, process, kind, fault: (act, kind, fault))
        for kind in CLASSES:
            for fault in FAULTS:
                n = sum((c for (a, k, f), c in table.items()
                         if (k, f) == (kind, fault) and a in ("sign", "openssl ca")), collections.Counter())
                total = sum(n.values())
                harm = sum(n[b] for b in BAD) + n["wrong"]
                if total:
                    text += row((who, kind, fault, total, total - harm, *(n[b] for b in BAD)))
    return text


def renames(theirs):
    """Each rename of openssl ca by itself: that is where its files change."""
    text = row(("rename of `openssl ca`", "KILL", "EIO", "ENOSPC")) + row(["---"] * 4)
    at = {}
    for _, _, call, n, fault, outcome, status, _ in theirs["points"]:
        if call == "rename":
            at.setdefault(n, {})[fault] = "%s%s" % (outcome, ", exit 0" if status == 0 else "")
    for n, found in sorted(at.items()):
        text += row((n, *(found.get(f, "") for f in ("KILL", "EIO", "ENOSPC"))))
    return text


def machine():
    model = ""
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as f:
            model = (re.findall(r"model name\s*: (.*)", f.read()) or [""])[0]
    system = ""
    if os.path.exists("/etc/os-release"):
        with open("/etc/os-release") as f:
            system = (re.findall(r'PRETTY_NAME="(.*)"', f.read()) or [""])[0]
    return "%s, Linux %s, %s %s, %d cores" % (
        system, platform.release(), platform.machine(), model, os.cpu_count())


STICKS = """
## Sticks

`make check-media` boots user-mode Linux, which has FAT on any machine, for each test of `tests/media`. What reached the
device counts, and not what the kernel still holds: that is what is left when a stick is pulled.

| what is done to the stick | what must hold | test |
| --- | --- | --- |
| pulled at once after exit 0, ten times each: request, sign, history, backup (onto it, and into a file), export; mounted as mount(8) does, and with `flush` | all that looked whole is whole, by the kernel and by `fsck.vfat` | `10-pull.t`, `11-pull-flush.t` |
| `check` while it is still mounted | nothing is proven or recorded | `20-replug.t` |
| writes to its tables are dropped; it wraps | found by `check` after it was pulled, with what is lost, and `resend` | `20-replug.t` |
| a directory, a file, all of `responses/`, a bundle is an I/O error | named, the others looked at, with what to do | `30-unreadable.t` |
| pulled while it is mounted, and then asked | no command finds "nothing to do" | `30-unreadable.t` |
| mounted for another user | `backup FILE` works, and says who may read it | `30-unreadable.t` |
| power fails after each write to it, while a response is written (dm-log-writes) | a name is of whole bytes; the same command again makes it whole | `40-cuts.t` |
"""


def page(ours, theirs):
    text = HEAD.format(rule=rule_text())
    text += "Made on %s; files on a tmpfs. %d points in %d s, %d at a time.\n\n" % (
        machine(), len(ours["points"]), ours["seconds"], ours["jobs"])
    if ours.get("mended"):
        text += ("Of these %d were wrong at first; what was wrong with them was mended, and they alone "
                 "were run again.\n\n" % ours["mended"])
    text += "## All points\n\n" + ours_table(ours)
    text += """
## Beside `openssl ca`

OpenSSL %s signs two requests for a CA that has one certificate in its index, with its defaults except
`unique_subject = no`, which would refuse the second run. It is the same driver, the same rule, the same machine
(`tests/faults/openssl_ca.py`, %d points). After the fault the same command runs again, an hour later. A point counts once, under the
first of the columns on the right that is true of it.

""" % (theirs["version"], len(theirs["points"]))
    text += theirs_table(ours, theirs)
    text += "\nWhere its files change their names (twice: one serial, two certificates; stuck: every later run fails; lost:\n"
    text += "the index has lost its history; unlisted: signed, and not in the index):\n\n" + renames(theirs)
    return text + STICKS


STARVED = """
## Without memory, descriptors, room in files or processes

`tests/faults/starving.py`: each of the programs' own allocations fails once, and then all from it on. Of all
allocations, those of OpenSSL, SQLite and the other libraries included, %(sample)d in each process do. Each fork fails, and each
command runs under low limits of its open files, its memory and the size of its files. `tests/faults/starve.c` is loaded before
the programs and counts and fails in shared memory, so that processes behind their filters starve like any other.

- **The commands** are those above, and those that only look.
- **What must hold** is what holds above. Besides, a run that ends well (status 0 or 1) says word for word what a run
  without a fault says. Any other ends with status 6, and its sentence names what it ran short of. Nothing is refused.
- **Left out.** The allocations of libseccomp 2.5, which frees twice, reads at NULL or loops where one fails. A crash
  there is told as a lack of memory.
- A library that crashes for want of memory cannot say why: the process that died of it is named instead. That of the token
  is status 5 when its module crashed. What the loader says before a program begins is its own.

%(points)d points, %(which)s, in %(seconds)d s, %(jobs)d at a time; the words are those above.

"""
HOW = {"once": "once", "on": "from then on", "limit": "limit"}
WHAT = {"ours": "own memory", "any": "all memory", "fork": "processes", "nofile": "open files", "as": "memory",
        "fsize": "size of files"}


def starved_page(found):
    table = collections.defaultdict(collections.Counter)
    for act, process, what, _, how, outcome, _, wrong in found["points"]:
        table[act, WHAT[what], HOW[how]]["wrong" if wrong else outcome] += 1
    text = STARVED % {"sample": starving.OF_LIBRARIES, "points": len(found["points"]),
                      "which": "which are all" if found["all"] else "a sample that is spread evenly",
                      "seconds": found["seconds"], "jobs": found["jobs"]}
    text += row(("command", "short of", "how", "points", *GOOD, "missed", "**wrong**"))
    text += row(["---"] * 3 + ["---:"] * 8)
    for key, n in table.items():
        text += row((*key, sum(n.values()), *(n[o] for o in GOOD), n["missed"], n["wrong"]))
    total = sum(table.values(), collections.Counter())
    return text + row(("all of these", "", "", sum(total.values()), *(total[o] for o in GOOD), total["missed"],
                       total["wrong"]))


def check(path):
    """What the page says of itself: no point wrong, and all of them there."""
    with open(path) as f:
        text = f.read()
    total = re.search(r"^\| all \|.*\| (\d+) \|" + r" [\d.]+ \|" * 7 + "$", text, re.M)
    wrong = re.search(r"^\| all \|.*\| (\S+) \|$", text, re.M)
    if not total or wrong[1] != "." or int(total[1]) < 5000:
        raise SystemExit("%s: not all points, or some wrong: run `make check-faults`" % path)
    for act in SWEPT:
        if not re.search(r"^\| %s \| .*\| KILL \|" % act, text, re.M):
            raise SystemExit("%s: no points of %s: run `make check-faults`" % (path, act))
    if HEAD.format(rule=rule_text()) not in text:
        raise SystemExit("%s: the rule has changed since: run `make check-faults`" % path)
    starved = re.search(r"^\| all of these \|.*\| (\S+) \|$", text, re.M)
    if not starved or starved[1] != ".":
        raise SystemExit("%s: what starved is not there, or wrong: run `make check-faults`" % path)
    for line in re.findall(r"^\| `airgap-ca sign` .*$", text, re.M):
        if not line.endswith("| . | . | . | . | . |"):
            raise SystemExit("%s: %s" % (path, line))


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--check":
        check(sys.argv[2])
        return
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    if sys.argv[1] == "--starved":
        with open(sys.argv[2]) as f:
            sys.stdout.write(starved_page(json.load(f)))
        return
    with open(sys.argv[1]) as ours, open(sys.argv[2]) as theirs:
        sys.stdout.write(page(json.load(ours), json.load(theirs)))


if __name__ == "__main__":
    main()
