#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Do the manuals tell what the programs take?

manuals.py PROGRAM MANUAL STATUSES: compares `PROGRAM --help` and each `PROGRAM COMMAND --help`,
which come from the command tables, with the manual's SYNOPSIS, its option lists and its
exit statuses. Prints a line for each difference; none when there is none."""

import re
import subprocess
import sys

COMMON = {"home", "json", "yes", "help", "version", "completion"}
OPTION = re.compile(r"--([a-z][a-z0-9-]*)")


def help_of(program, *words):
    return subprocess.run([program, *words, "--help"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def commands(program):
    """name -> (options of the synopsis, options of the table)."""
    listed = help_of(program).split("commands:\n")[1].split("\n\n")[0]
    for line in listed.splitlines():
        name = line.split()[0]
        synopsis, rest = help_of(program, name).split("\n\n", 1)
        table = re.findall(r"^  --([a-z][a-z0-9-]*)", rest, re.M)
        yield name, set(OPTION.findall(synopsis)), set(table) - COMMON


def macros(text, name):
    return re.findall(r"^\." + name + r" (.*)$", text, re.M)


def synopsis(manual):
    """command -> options, of the manual's SYNOPSIS."""
    text = manual.split(".Sh SYNOPSIS\n")[1].split(".Sh ")[0]
    found = {}
    for block in re.split(r"^\.Nm .*\n", text, flags=re.M)[1:]:
        name = macros(block, "Cm")[0].split()[0]
        found.setdefault(name, set()).update(re.findall(r"Fl -([a-z][a-z0-9-]*)", block))
    return found


def compare(program, manual):
    told, programs = synopsis(manual), list(commands(program))
    described = {o for item in macros(manual, "It") for o in
                 re.findall(r"Fl -([a-z][a-z0-9-]*)", item)}
    described |= set(re.findall(r"^\.Fl -([a-z][a-z0-9-]*)", manual, re.M))
    shared = set(re.findall(r"^\.It Fl -([a-z][a-z0-9-]*)",
                            "".join(re.split(r"^\.Ss Options of ", manual, flags=re.M)[1:]), re.M))
    items = {item.split()[1] for item in macros(manual, "It") if item.startswith("Cm ")}
    for name, in_synopsis, in_table in programs:
        if name not in told:
            yield f"{name}: not in the SYNOPSIS"
            continue
        if name not in items:
            yield f"{name}: no item describes it"
        for option in sorted(in_synopsis ^ told[name]):
            where = "SYNOPSIS" if option in told[name] else "usage text"
            yield f"{name} --{option}: in the {where} only"
        for option in sorted(in_synopsis - in_table):
            yield f"{name} --{option}: in the usage text, but not taken"
        for option in sorted(in_table - in_synopsis - shared):
            yield f"{name} --{option}: taken, but not in the usage text"
        for option in sorted(in_table - described):
            yield f"{name} --{option}: not described"
    for name in sorted(set(told) - {p[0] for p in programs}):
        yield f"{name}: in the SYNOPSIS, but no command"
    taken = set.union(COMMON, *(p[2] for p in programs))
    for option in sorted(described - taken):
        yield f"--{option}: described, but no command takes it"


def statuses(manual):
    text = manual.split(".Sh EXIT STATUS\n")[1].split(".Sh ")[0]
    return "".join(macros(text, "It"))


if __name__ == "__main__":
    with open(sys.argv[2], encoding="ascii") as file:
        page = file.read()
    for difference in compare(sys.argv[1], page):
        print(difference)
    if statuses(page) != sys.argv[3]:
        print(f"EXIT STATUS: {statuses(page)} are told, wanted {sys.argv[3]}")
