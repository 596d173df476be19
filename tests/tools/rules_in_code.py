#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""rules_in_code.py [TREE]: docs/rules-in-code.md, made from the sources of TREE.

A function refuses by a rule when the rule's enumerator stands in it, other than to
be compared. A function that is handed a rule, to refuse by it for others, is not
named: those that hand it over are. Which programs a file is for is told from what
main calls, and what that calls.
"""
import collections
import re
import sys
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "mutate"))
from source import functions, sources  # noqa: E402

HEAD = """# Who refuses what

Every rule of airgap-rules(7), and the functions in which it is named to refuse by it. The folder of a file is its
room ([design.md](design.md)). The programs are those in which the file's refusal can be reached.
`python3 tests/tools/rules_in_code.py >docs/rules-in-code.md` makes this page; `tests/e2e/92-manuals.t` compares it.

| rule | refused in | by | programs |
| --- | --- | --- | --- |
"""
NOBODY = "nothing refuses by it yet"
# Each with the folders of which it links nothing.
PROGRAMS = {
    "airgap-ca": ("ca/cmd/main.c", ("transfer/online/", "token/cmd/")),
    "airgap-transfer": ("transfer/online/cmd/main.c", ("ca/", "token/")),
}
NAMED = re.compile(r"(?<![=!]= )(?<!case )\bRULE_([A-Z0-9_]+)")


class Program:
    """The functions of one program that its main reaches."""

    def __init__(self, files, main, others):
        self.public = collections.defaultdict(list)  # function -> files that have it
        self.bodies = {}  # (file, function) -> its code
        self.tables = {}  # file -> what stands outside of its functions
        for s in files:
            if s.path.startswith(others):
                continue
            last, outside = 0, ""
            for name, begin, end in functions(s):
                if not re.search(rf"^static[^;{{}}()]*\n{name}\(", s.code, re.M):
                    self.public[name].append(s.path)
                self.bodies[s.path, name] = s.code[begin:end]
                outside += s.code[last:begin]
                last = end
            self.tables[s.path] = re.sub(r"\([^()]*\)", "", outside + s.code[last:])
        self.reached, todo = set(), [(main, "main")]
        while todo:
            at = todo.pop()
            if at not in self.reached:
                self.reached.add(at)
                todo += self.called(*at)

    def called(self, path, name):
        """What a function calls, what it hands over to be called, and what the
        tables of its file name."""
        handed = r"[{,(=?:]\s*&?(\w+)(?=\s*[,:;)}])"
        body, table = self.bodies[path, name], self.tables[path]
        words = set(re.findall(r"\b(\w+)\(", body) + re.findall(handed, body) + re.findall(handed, table))
        for word in words:
            if (path, word) in self.bodies:
                yield path, word
            else:
                for other in self.public.get(word, ()):
                    yield other, word


def holder(code, at):
    """The table in which a place outside of all functions lies."""
    found = re.findall(r"(\w+)\[[^\]]*\]\s*=\s*\{", code[:at])
    return found[-1] + "[]"


def places(source):
    """Rule and function of each place that refuses by one."""
    bodies = list(functions(source))
    for match in NAMED.finditer(source.code):
        home = [name for name, begin, end in bodies if begin <= match.start() < end]
        yield match.group(1), home[0] if home else None, match.start()


def is_reached(reached, path, function):
    """Is the function, or for a table any function of its file?"""
    return any(r[0] == path and function in (None, r[1]) for r in reached)


def main():
    top = Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parent.parent)
    files = sources(top)
    reach = {program: Program(files, *which).reached for program, which in PROGRAMS.items()}
    rules = dict(re.findall(r'^RULE\((\w+), "([A-Z0-9-]+)"', (top / "transfer/rules.def").read_text(), re.M))
    found = collections.defaultdict(list)
    for s in files:
        if s.path == "transfer/rule.c":
            continue
        by_rule = collections.defaultdict(dict)
        for rule, home, at in places(s):
            if rule in rules:
                by_rule[rule][home or holder(s.code, at)] = home
        for rule, homes in by_rule.items():
            programs = [p for p in PROGRAMS if any(is_reached(reach[p], s.path, h) for h in homes.values())]
            found[rule].append((s.path, homes, programs))
    print(HEAD, end="")
    for rule, name in rules.items():
        if not found[rule]:
            print(f"| {name} | {NOBODY} | | |")
        for path, homes, programs in found[rule]:
            print(f"| {name} | `{path}` | {', '.join(f'`{h}`' for h in homes)} | {', '.join(programs)} |")


main()
