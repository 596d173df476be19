# SPDX-License-Identifier: Apache-2.0
"""C sources as mutate.py sees them: where they refuse, and how a check is put
behind a number.

Nothing here goes by line numbers. A place is found by what is written there, in
a copy of the file in which comments, strings and directives are blanked out, so
that a bracket in a sentence is no bracket.
"""
import re
from pathlib import Path

ROOMS = ("base", "transfer", "token", "ca")
BLANK = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)


class Unfit(Exception):
    """A mutation that does not apply, and why."""


def blanked(text):
    """The same length, without what is no code."""
    def blank(match):
        found = match.group(0)
        inside = re.sub(r"[^\n]", " ", found[1:-1])
        return found[0] + inside + found[-1] if found[0] in "\"'" else " " + inside + " "

    code = BLANK.sub(blank, text)
    return DIRECTIVE.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), code)


class Source:
    """One file: text, code (blanked) and what is to be put into it."""

    def __init__(self, path, top):
        self.path = str(path.relative_to(top))
        self.text = path.read_text()
        self.code = blanked(self.text)
        self.pieces = []

    def closing(self, at):
        """The bracket that closes the one at `at`."""
        depth = 0
        for i in range(at, len(self.code)):
            if self.code[i] in "([{":
                depth += 1
            elif self.code[i] in ")]}":
                depth -= 1
                if depth == 0:
                    return i
        raise Unfit(f"{self.path}: a bracket is not closed")

    def opening(self, at):
        """The bracket that opens what is closed at `at`."""
        depth = 0
        for i in range(at, -1, -1):
            if self.code[i] in ")]}":
                depth += 1
            elif self.code[i] in "([{":
                depth -= 1
                if depth == 0:
                    return i
        raise Unfit(f"{self.path}: a bracket is not opened")

    def word_before(self, at):
        """The last word before `at`, and where it begins."""
        found = re.search(r"(\w+)\s*$", self.code[:at])
        return (found.group(1), found.start(1)) if found else ("", at)

    def statement(self, at):
        """Begin and end (behind its semicolon) of the statement around `at`."""
        begin = end = at
        while self.code[begin - 1] not in ";{}:":
            if self.code[begin - 1] in ")]":
                begin = self.opening(begin - 1)
                if self.word_before(begin)[0] in ("if", "for", "while"):
                    begin = self.closing(begin) + 1
                    break
            else:
                begin -= 1
        begin += len(self.code[begin:]) - len(self.code[begin:].lstrip())
        if self.code[begin:begin + 5] == "else ":
            begin += 5
        while self.code[end] != ";":
            end = self.closing(end) + 1 if self.code[end] in "([{" else end + 1
        return begin, end + 1

    def condition(self, at):
        """The inside of the brackets of the `if` that governs the statement
        around `at`, directly or as the first words of its block; or None."""
        begin, _ = self.statement(at)
        before = len(self.code[:begin].rstrip()) - 1
        if self.code[before] == "{":
            before = len(self.code[:before].rstrip()) - 1
        if self.code[before] != ")":
            return None
        opened = self.opening(before)
        return (opened + 1, before) if self.word_before(opened)[0] == "if" else None

    def condition_around(self, at):
        """The inside of the brackets of the `if` in whose condition `at` lies; or None."""
        depth = 0
        for i in range(at, -1, -1):
            if self.code[i] == ")":
                depth += 1
            elif self.code[i] == "(":
                depth -= 1
                if depth < 0 and self.word_before(i)[0] == "if":
                    return i + 1, self.closing(i)
            elif self.code[i] in ";{}":
                break
        return None

    def put(self, begin, end, before, after):
        """Put words around a stretch; stretches may lie in each other."""
        self.pieces.append((begin, end, before, after))

    def changed(self):
        """The text with all that was put into it."""
        points = []
        for order, (begin, end, before, after) in enumerate(self.pieces):
            points.append((begin, 1, -end, order, before))
            points.append((end, 0, -begin, -order, after))
        out, last = [], 0
        for at, _, _, _, words in sorted(points):
            out += [self.text[last:at], words]
            last = at
        return "".join(out) + self.text[last:]


def sources(top):
    """All files of the programs."""
    return [Source(p, top) for room in ROOMS for p in sorted((top / room).rglob("*.c"))]


class Refusal:
    """A place that refuses: a call of rule_refuse(RULE_X, "sentence", ...), or
    of a function of the same file that does so for it."""

    def __init__(self, source, begin, end, name):
        self.source, self.begin, self.end, self.name = source, begin, end, name
        call = source.text[begin:end]
        self.words = re.sub(r"\s+", " ", re.sub(r'"\s+"', "", call))
        named = [w.replace("_", "-") for w in re.findall(r"\bRULE_([A-Z0-9_]+)", call)]
        self.rule = named[0] if named else None


REFUSES = r"\w*refuse(?:_\w+)?"


def is_helper(name):
    """Does a function of that name refuse for others?"""
    return re.fullmatch(REFUSES, name) is not None


def functions(source):
    """Name, begin and end of the body of each function."""
    for match in re.finditer(r"^(\w+)\(", source.code, re.M):
        closed = source.closing(match.end() - 1)
        body = re.match(r"\s*\{", source.code[closed + 1:])
        if body:
            begin = closed + body.end()
            yield match.group(1), begin, source.closing(begin)


def refusals(files, rules):
    """Each place that refuses by one of `rules`. Of a function that refuses for
    others it is the calls that count; what they pass on stands in them."""
    calls = []
    inside = {}
    for source in files:
        if source.path.endswith("/rule.c"):
            continue
        bodies = list(functions(source))
        for match in re.finditer(rf"\b({REFUSES})\s*\(", source.code):
            if source.code[match.start() - 1] == "\n":
                continue
            call = Refusal(source, match.start(), source.closing(match.end() - 1) + 1,
                           match.group(1))
            if call.rule not in rules:
                call.rule = None
            home = [name for name, begin, end in bodies if begin <= call.begin < end]
            call.home = home[0] if home else ""
            calls.append(call)
            if is_helper(call.home):
                inside.setdefault((source.path, call.home), []).append(call)
    # What a helper refuses by is what the one call in it does. One that has
    # several rules to choose from is no helper: the places are in it.
    def named_in(call):
        helper = inside.get((call.source.path, call.name)) or next(
            (v for (_, name), v in inside.items() if name == call.name), [])
        return {c.rule for c in helper if c.rule}

    for _ in range(4):
        for call in calls:
            if call.rule is None and call.name != "rule_refuse":
                names = named_in(call)
                call.rule = names.pop() if len(names) == 1 else None
    several = {(c.source.path, c.home) for c in calls
               if len({d.rule for d in inside.get((c.source.path, c.home), []) if d.rule}) > 1}
    for call in calls:
        call.several = (call.source.path, call.home) in several
    return [c for c in calls if (not is_helper(c.home) or c.several) and
            (c.rule is not None or c.name == "rule_refuse")]
