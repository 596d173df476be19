#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""architecture.py TREE: what in TREE goes against the design, one line each.

Each line begins with the name of the check, as tests/e2e/91-architecture.t lists
them. The arrows are those of TREE/docs/arrows. Comments and strings are no code.
"""
import collections
import os
import re
import sys

FOLDERS = ("base", "token", "transfer", "ca")
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
STRING = re.compile(r'"(?:\\.|[^"\\\n])*"')
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def blank(match):
    """As many lines, and nothing on them."""
    return re.sub(r"[^\n]+", " ", match.group(0))


class Source:
    def __init__(self, tree, path):
        with open(os.path.join(tree, path), encoding="utf-8") as f:
            self.text = f.read()
        self.path = path
        self.room = os.path.dirname(path)
        self.folder = path.split("/")[0]
        self.name = os.path.basename(path)
        self.program = self.name == "main.c" or self.name.startswith("cmd_")
        self.code = COMMENT.sub(blank, self.text)
        self.bare = STRING.sub('""', self.code)

    def lines(self, pattern, code=None):
        code = self.code if code is None else code
        for match in re.finditer(pattern, code, re.M):
            line = code.count("\n", 0, match.start(0)) + 1
            yield "%s:%d: %s" % (self.path, line, " ".join(match.group(0).split()))


def read_arrows(tree):
    """The table: floor of each room, and the arrows between folders."""
    floor, arrows = {}, collections.defaultdict(set)
    with open(os.path.join(tree, "docs", "arrows"), encoding="utf-8") as f:
        rows = [line.split() for line in f if line.strip() and line[0] != "#"]
    for n, row in enumerate(rows):
        if row[0] == "floor":
            floor.update((room, n) for room in row[1:])
        else:
            arrows[row[1]].update(row[2:])
    return floor, arrows


def allowed(source, target, floor, arrows):
    room = os.path.dirname(target)
    folder = target.split("/")[0]
    if room == source.room or room == "base":
        return True
    if folder == source.folder:
        return floor[room] < floor[source.room]
    return room in arrows[source.folder] or target in arrows[source.folder]


def check_arrows(tree, sources):
    floor, arrows = read_arrows(tree)
    for s in sources:
        if s.room not in floor:
            yield "arrows: %s: no room of docs/arrows" % s.path
            continue
        for kind, target in INCLUDE.findall(s.code):
            if kind == "<":
                continue
            if os.path.dirname(target) not in floor:
                yield "arrows: %s: %s is in no room" % (s.path, target)
            elif not allowed(s, target, floor, arrows):
                yield "arrows: %s includes %s" % (s.path, target)


# What only one place may do: name, pattern, and the paths that may.
ONLY = (
    ("pkcs11", r'#\s*include\s*[<"](?:libp11|p11-kit/|pkcs11).*|C_GetFunctionList|CK_FUNCTION_LIST', r"token/"),
    ("cbor", r'#\s*include\s*[<"]cbor(?:\.h|/).*', r"transfer/"),
    ("database", r'sqlite3_open\w*\("?[^"]', r"base/db\.c$"),
    ("clock", r"(?<!\w)(?:time|gettimeofday)\(|CLOCK_REALTIME", r"base/clock\.c$"),
    ("sync", r"(?<!\w)(?:fsync|fdatasync|syncfs)\s*\(", r"base/(?:file|db_vfs)\.c$"),
    ("lock", r"(?<!\w)flock\s*\(", r"base/file\.c$"),
    ("resolve", r"SYS_openat2", r"base/file\.c$"),
    ("grow", r"(?<!\w)(?:realloc|reallocarray)\s*\(", r"base/(list|err)\.c$"),
    ("certificate", r"(?<!\w)d2i_X509\s*\(", r"transfer/x509/cert\.c$|token/card/attest\.c$"),
    ("shell", r"(?<!\w)(?:system|popen)\s*\(", None),
    ("unbounded", r"(?<!\w)(?:strcpy|strcat|sprintf|vsprintf|gets)\s*\(", None),
    ("secret", r'getpass|getenv\("[A-Z_]*PIN', None),
    ("deprecated", r"OPENSSL_SUPPRESS_DEPRECATED|OPENSSL_API_COMPAT", None),
)
# And what only programs may: the last are the files that do it for them.
PROGRAMS = (
    ("print", r"(?<!\w)(?:printf|puts|putchar|perror|vprintf)\s*\(", r"base/(?:cmd|term)\.c$"),
    ("stdout", r"(?<!\w)(?:stdout|stderr|STDOUT_FILENO|STDERR_FILENO)(?!\w)", r"base/(?:cmd|term)\.c$"),
    ("exit", r"(?<!\w)(?:exit|_exit|quick_exit|abort)\s*\(", r"base/(?:cmd|child)\.c$"),
)


def check_only(sources):
    for name, pattern, where in ONLY:
        for s in sources:
            if where is None or not re.match(where, s.path):
                yield from ("%s: %s" % (name, line) for line in s.lines(pattern))
    for name, pattern, where in PROGRAMS:
        for s in sources:
            if s.name.endswith(".c") and not s.program and not re.match(where, s.path):
                yield from ("%s: %s" % (name, line) for line in s.lines(pattern))


def defined(source):
    """Tags, enumerators and macros that a file defines, with what they are."""
    macros = set(re.findall(r"^\s*#\s*define\s+(\w+)", source.bare, re.M))
    # What is undefined again, as for a list that is included twice, lasts nowhere.
    macros -= set(re.findall(r"^\s*#\s*undef\s+(\w+)", source.bare, re.M))
    for name in macros:
        yield "macro", name
    code = re.sub(r"^\s*#(?:.*\\\n)*.*", "", source.bare, flags=re.M)
    for kind, tag, body in re.findall(
        r"\b(struct|union|enum)\s+(\w+)?\s*\{((?:[^{}]|\{[^{}]*\})*)\}?", code
    ):
        if tag:
            yield kind, tag
        if kind == "enum":
            for name in re.findall(r"(?:^|,)\s*(\w+)", body):
                yield "enumerator", name


def check_twice(sources):
    """A tag, enumerator or macro stands for one thing, and so does a static."""
    places = collections.defaultdict(set)
    statics = collections.defaultdict(set)
    public = collections.defaultdict(set)
    for s in sources:
        for kind, name in defined(s):
            places[name].add((s.path, kind))
        mine = set(re.findall(r"^static[^;{}=()]*\n(\w+)\(", s.bare, re.M))
        for name in mine:
            statics[name].add(s.path)
        for name in re.findall(r"^(\w+)\([^;]*?\)\s*\n\{", s.bare, re.M):
            if name not in mine:
                public[name].add(s.path)
    for name, where in sorted(places.items()):
        if len(where) > 1:
            yield "twice: %s: %s" % (name, " ".join(sorted("%s(%s)" % w for w in where)))
    for name, where in sorted(statics.items()):
        where = where | public[name]
        if len(where) > 1:
            yield "static: %s: %s" % (name, " ".join(sorted(where)))


def check_heads(sources):
    for s in sources:
        lines = s.text.split("\n")
        if lines[0] != "/* SPDX-License-Identifier: Apache-2.0 */":
            yield "licence: %s" % s.path
        if not lines[1].startswith("/*"):
            yield "purpose: %s" % s.path


def main():
    tree = sys.argv[1]
    sources = []
    for folder in FOLDERS:
        for top, _, names in os.walk(os.path.join(tree, folder)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    path = os.path.relpath(os.path.join(top, name), tree)
                    sources.append(Source(tree, path))
    sources.sort(key=lambda s: s.path)
    for found in (check_arrows(tree, sources), check_only(sources), check_twice(sources), check_heads(sources)):
        for line in found:
            print(line)


main()
