#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Check files against docs/transfer.cddl without any code of airgap-ca.

usage: cddl.py RULE FILE...        RULE: signed-csr-bundle, ca-card-file ...
       cddl.py --same FILE         the grammar of FILE, which says all of a payload

A small reader of CDDL (RFC 8610), as much of it as that grammar uses: maps,
arrays, occurrence (? * + n*m), choices, ranges, literals, tags, .size, .regexp and
.cbor. What it does not know is an error, never a pass. Deterministic encoding
(RFC 8949 4.2.1), which CDDL cannot say, is checked on the bytes: for the file
and for every byte string under .cbor.
"""
import io
import os
import re
import sys

import cbor2

GRAMMAR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "transfer.cddl")
DEPTH_MAX = 16


class Wrong(Exception):
    """The file is not what the grammar says; the message says where."""


# ---- deterministic encoding, by our own walk over the bytes --------------------------

def walk(data, at, depth=0, tag_allowed=False):
    """Return the offset behind the item at `at`; refuse any other encoding of it."""
    if at >= len(data):
        raise Wrong("byte %d: the input ends" % at)
    start, major, info = at, data[at] >> 5, data[at] & 31
    at += 1
    value = info
    if info > 27:
        raise Wrong("byte %d: indefinite or reserved" % start)
    if info >= 24:
        width = 1 << info - 24
        if at + width > len(data):
            raise Wrong("byte %d: the input ends within a head" % start)
        value = int.from_bytes(data[at:at + width], "big")
        at += width
        if major == 7 or value < (24, 1 << 8, 1 << 16, 1 << 32)[info - 24]:
            raise Wrong("byte %d: a float, or a head longer than needed" % start)
    if major in (2, 3):
        if at + value > len(data):
            raise Wrong("byte %d: a string longer than the input" % start)
        if major == 3:
            try:
                data[at:at + value].decode("utf-8", "strict")
            except UnicodeDecodeError as e:
                raise Wrong("byte %d: not UTF-8" % start) from e
        return at + value
    if major == 4 or major == 5:
        if depth == DEPTH_MAX:
            raise Wrong("byte %d: too deep" % start)
        last = None
        for _ in range(value):
            if major == 5:
                end = walk(data, at, depth + 1)
                key = data[at:end]
                if last is not None and last >= key:
                    raise Wrong("byte %d: keys unsorted or doubled" % at)
                last, at = key, end
            at = walk(data, at, depth + 1)
        return at
    if major == 6:
        if not tag_allowed or value not in (16, 18):
            raise Wrong("byte %d: a tag" % start)
        return walk(data, at, depth)
    if major == 7 and value not in (20, 21, 22):
        raise Wrong("byte %d: a simple value" % start)
    return at


def decode(data, tag_allowed=False):
    if walk(data, 0, 0, tag_allowed) != len(data):
        raise Wrong("bytes after the item")
    stream = io.BytesIO(data)
    value = cbor2.CBORDecoder(stream).decode()
    return value


# ---- the grammar --------------------------------------------------------------------

TOKEN = re.compile(r"""\s+|;[^\n]*|"(?P<text>[^"]*)"|(?P<tag>\#6\.\d+)|(?P<ctl>\.(?:size|regexp|cbor))"""
                   r"""|(?P<range>\.\.)|(?P<arrow>=>)|(?P<int>-?\d+)|(?P<id>[a-z][a-z0-9-]*)"""
                   r"""|(?P<op>[=/?*+:,(){}\[\]])""")


def tokens(text):
    at, out = 0, []
    while at < len(text):
        m = TOKEN.match(text, at)
        if m is None:
            raise SystemExit("%s: cannot read %r" % (GRAMMAR, text[at:at + 20]))
        if m.lastgroup:
            out.append((m.lastgroup, m.group(m.lastgroup)))
        at = m.end()
    return out


class Parser:
    """Recursive descent; a type is a tuple whose first element names its form."""

    def __init__(self, text):
        self.toks, self.at = tokens(text) + [("end", "")], 0
        self.rules = {}
        while self.peek()[0] != "end":
            name = self.take("id")
            self.take("op", "=")
            self.rules[name] = self.type()

    def peek(self, ahead=0):
        return self.toks[min(self.at + ahead, len(self.toks) - 1)]

    def take(self, kind, text=None):
        tok = self.peek()
        if tok[0] != kind or text not in (None, tok[1]):
            raise SystemExit("%s: found %r, wanted %s" % (GRAMMAR, tok[1], text or kind))
        self.at += 1
        return tok[1]

    def accept(self, kind, text=None):
        tok = self.peek()
        if tok[0] == kind and text in (None, tok[1]):
            self.at += 1
            return True
        return False

    def type(self):
        choices = [self.type1()]
        while self.accept("op", "/"):
            choices.append(self.type1())
        return choices[0] if len(choices) == 1 else ("choice", choices)

    def type1(self):
        left = self.type2()
        if self.accept("range"):
            return ("range", left[1], self.type2()[1])
        kind, text = self.peek()
        if kind == "ctl":
            self.at += 1
            return ("ctl", text, left, self.type2())
        return left

    def type2(self):
        kind, text = self.peek()
        self.at += 1
        if kind == "int":
            return ("literal", int(text))
        if kind == "text":
            return ("literal", text)
        if kind == "id":
            return ("name", text)
        if kind == "tag":
            self.take("op", "(")
            inner = self.type()
            self.take("op", ")")
            return ("tag", int(text[3:]), inner)
        if (kind, text) == ("op", "("):
            inner = self.type()
            self.take("op", ")")
            return inner
        if (kind, text) == ("op", "{"):
            return ("map", self.group("}"))
        if (kind, text) == ("op", "["):
            return ("array", self.group("]"))
        raise SystemExit("%s: found %r where a type was wanted" % (GRAMMAR, text))

    def group(self, end):
        entries = []
        while not self.accept("op", end):
            entries.append(self.entry())
            self.accept("op", ",")
        return entries

    def entry(self):
        """(least, most, key or None, type)"""
        least, most = 1, 1
        for mark, lo, hi in (("?", 0, 1), ("*", 0, None), ("+", 1, None)):
            if self.accept("op", mark):
                least, most = lo, hi
        if self.peek()[0] == "int" and self.peek(1) == ("op", "*"):
            least = int(self.take("int"))
            self.take("op", "*")
            most = int(self.take("int"))
        key = None
        if self.peek(1) == ("op", ":"):  # a member name: for readers only, in an array
            self.at += 2
        elif self.peek(1) == ("arrow", "=>"):
            key = self.type2()[1]
            self.take("arrow")
        return least, most, key, self.type()


# ---- matching -----------------------------------------------------------------------

PRELUDE = {
    "uint": lambda v: type(v) is int and v >= 0,
    "int": lambda v: type(v) is int,
    "bstr": lambda v: type(v) is bytes,
    "tstr": lambda v: type(v) is str,
    "null": lambda v: v is None,
}


class Grammar:
    def __init__(self, text):
        self.rules = Parser(text).rules

    def match(self, typ, value, where):
        getattr(self, "match_" + typ[0])(typ, value, where)

    def match_name(self, typ, value, where):
        if typ[1] in self.rules:
            self.match(self.rules[typ[1]], value, where)
        elif typ[1] not in PRELUDE:
            raise SystemExit("%s: no rule %s" % (GRAMMAR, typ[1]))
        elif not PRELUDE[typ[1]](value):
            raise Wrong("%s: not a %s" % (where, typ[1]))

    def match_literal(self, typ, value, where):
        if type(value) is not type(typ[1]) or value != typ[1]:
            raise Wrong("%s: %r, wanted %r" % (where, value, typ[1]))

    def match_range(self, typ, value, where):
        if type(value) is not int or not typ[1] <= value <= typ[2]:
            raise Wrong("%s: %r, wanted %d..%d" % (where, value, typ[1], typ[2]))

    def match_choice(self, typ, value, where):
        reasons = []
        for option in typ[1]:
            try:
                return self.match(option, value, where)
            except Wrong as e:
                reasons.append(str(e))
        raise Wrong(" / ".join(reasons))

    def match_tag(self, typ, value, where):
        if not isinstance(value, cbor2.CBORTag) or value.tag != typ[1]:
            raise Wrong("%s: not tag %d" % (where, typ[1]))
        self.match(typ[2], value.value, where)

    def match_ctl(self, typ, value, where):
        _, control, target, argument = typ
        self.match(target, value, where)
        if control == ".cbor":
            self.match(argument, decode(value), where)
        elif control == ".regexp":
            if re.fullmatch(argument[1], value) is None:  # XSD: anchored at both ends
                raise Wrong("%s: %r does not follow %s" % (where, value, argument[1]))
        elif type(value) is int:
            raise SystemExit("%s: .size of a number" % GRAMMAR)
        else:  # .size counts bytes, of text too
            size = len(value.encode() if type(value) is str else value)
            self.match(argument, size, where + ": size")

    def match_map(self, typ, value, where):
        if not isinstance(value, dict):
            raise Wrong("%s: not a map" % where)
        known = set()
        for least, _, key, item in typ[1]:
            known.add(key)
            if key in value:
                self.match(item, value[key], "%s.%s" % (where, key))
            elif least:
                raise Wrong("%s: key %r is missing" % (where, key))
        for key in value:
            if key not in known or type(key) is bool:
                raise Wrong("%s: key %r has no place here" % (where, key))

    def match_array(self, typ, value, where):
        if not isinstance(value, (list, tuple)):
            raise Wrong("%s: not an array" % where)
        at = 0
        for least, most, _, item in typ[1]:
            taken = 0
            # A repeated entry is always the last one in this grammar.
            while at < len(value) and (most is None or taken < most):
                self.match(item, value[at], "%s[%d]" % (where, at))
                at, taken = at + 1, taken + 1
            if taken < least:
                raise Wrong("%s: %d items are too few" % (where, len(value)))
        if at != len(value):
            raise Wrong("%s: %d items are too many" % (where, len(value)))


def check(rule, data):
    with open(GRAMMAR, encoding="utf-8") as f:
        grammar = Grammar(f.read())
    grammar.match(("name", rule), decode(data, tag_allowed=True), rule)


# ---- two grammars ---------------------------------------------------------------------

PAYLOADS = ("csr-bundle", "transfer-manifest", "ca-card")


def differ(ours, theirs, where):
    """Refuse the first place where two types, or parts of them, are not the same."""
    if type(ours) is type(theirs) and isinstance(ours, (list, tuple)) and len(ours) == len(theirs):
        for i, (a, b) in enumerate(zip(ours, theirs)):
            entry = isinstance(a, tuple) and len(a) == 4 and isinstance(a[0], int)
            differ(a, b, "%s.%s" % (where, a[2] if entry and a[2] is not None else i) if entry else where)
    elif ours != theirs:
        raise Wrong("%s: %r where %s has %r" % (where, theirs, os.path.basename(GRAMMAR), ours))


def names_in(typ):
    if isinstance(typ, tuple) and typ[:1] == ("name",):
        yield typ[1]
    elif isinstance(typ, (list, tuple)):
        for part in typ:
            yield from names_in(part)


def same(path):
    """Rule by rule from the payloads down: neither has one that the other lacks."""
    with open(GRAMMAR, encoding="utf-8") as f:
        ours = Parser(f.read()).rules
    with open(path, encoding="utf-8") as f:
        theirs = Parser(f.read()).rules
    todo, done = list(PAYLOADS), set()
    while todo:
        name = todo.pop()
        if name in done or name in PRELUDE:
            continue
        done.add(name)
        if name not in ours or name not in theirs:
            raise Wrong("%s: only one of the two has it" % name)
        differ(ours[name], theirs[name], name)
        todo += names_in(ours[name])
    if set(theirs) != done:
        raise Wrong("%s: nothing uses it" % ", ".join(sorted(set(theirs) - done)))
    return len(done)


def main():
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    if sys.argv[1] == "--same":
        try:
            print("%s: the same %d rules" % (sys.argv[2], same(sys.argv[2])))
        except Wrong as e:
            print("%s: %s" % (sys.argv[2], e), file=sys.stderr)
            return 1
        return 0
    for path in sys.argv[2:]:
        with open(path, "rb") as f:
            data = f.read()
        try:
            check(sys.argv[1], data)
        except Wrong as e:
            print("%s: %s" % (path, e), file=sys.stderr)
            return 1
        print("%s: follows %s" % (path, sys.argv[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
