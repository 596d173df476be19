#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Can the commands that are told to be typed be typed?

told_commands.py BIN FILE...: finds each command line of ours in the sentences of C sources
(their string literals) and in the code of Markdown pages, gives its placeholders a value,
and runs it in an empty home. Prints a line for each that is refused as a wrong usage:
its command or an option does not exist, or an operand is missing.

A command line is what stands in quotes or backquotes, or alone at the end of a line. It
is all that one has to type: a program's sentence names no command without its operands."""

import os
import re
import shlex
import subprocess
import sys
import tempfile

OURS = r"airgap-(?:ca|token|transfer) [a-z%][^`'\n]*"
ALONE = r"airgap-(?:ca|token|transfer) [a-z][^`':\n]* (?:--|[A-Z%])[^`'\n]*"
# In quotes; or on a line of its own, or after a colon, up to the end of the line.
TOLD = re.compile(rf"`({OURS})`|'({OURS})'|(?:^|: | {{2,}})({ALONE})$", re.M)
# In a page, a command without operands or options is a word of the sentence.
SPOKEN = re.compile(r"airgap-[a-z]+ [a-z-]+")
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
VALUES = {
    "DUR": "30d", "N": "1", "SEQ": "1", "TYPE": "ec-p256", "TYPE:X": "dns:www.example.org",
    "HEX": "00" * 32, "SHA256": "00" * 32, "SERIAL": "0102", "ID": "00" * 16, "FORMAT": "pemfile",
    "DN": "CN=x", "D": "example.org", "DOMAIN": "example.org", "H": "www.example.org",
    "J": "a@example.org", "URI": "pkcs11:token=x", "NxDUR": "2x30d", "P": "tls-server",
    "LABEL": "online", "CN=NAME": "CN=x", "STICK": ".", "MEDIA": ".",
    "NAME": "online", "REASON": "superseded", "%s": ".",
}


def sentences(path):
    """(line, text) of all that a program says, or that a page shows as code."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if path.endswith(".md"):
        for match in re.finditer(r"`[^`\n]+`", text):
            yield text.count("\n", 0, match.start()) + 1, match.group()
        return
    end, line, joined = None, 0, ""
    for match in LITERAL.finditer(text):
        between = text[end:match.start()] if end is not None else None
        # Adjacent literals are one; a macro between them is a part of it.
        if between is None or not re.fullmatch(r"\s*(?:PRI\w+\s*)?", between):
            if joined:
                yield line, joined
            line, joined = text.count("\n", 0, match.start()) + 1, ""
        joined += match.group(1)
        end = match.end()
    if joined:
        yield line, joined


def commands(path):
    for line, text in sentences(path):
        text = text.replace("\\n", "\n").replace('\\"', '"')
        for match in TOLD.finditer(text):
            yield line, next(part for part in match.groups() if part)


def words(command, none):
    """The command with a value for each placeholder; what is optional is left out."""
    command = re.sub(r"\[[^\]]*\]", "", command).replace(" ...", "").rstrip(".;,)")
    for word in shlex.split(re.sub(r"(?<! )%s", "", command)):
        word = word.rstrip(",;")
        if word in VALUES:
            yield VALUES[word]
        elif re.fullmatch(r"[A-Z][A-Z-]*", word):
            yield none
        else:
            yield word


def refused(programs, command):
    """What is said where the command is one that there is not."""
    with tempfile.TemporaryDirectory() as empty:
        environment = {"HOME": empty, "PATH": os.environ["PATH"], "XDG_STATE_HOME": empty,
                       "SOFTHSM2_CONF": "/dev/null"}
        program, *rest = words(command, os.path.join(empty, "none"))
        done = subprocess.run([os.path.join(programs, program), *rest], text=True, env=environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, timeout=60, cwd=empty)
    return done.stderr.splitlines()[0] if done.returncode == 2 else None


def main(programs, *paths):
    programs = os.path.abspath(programs)
    told = {}
    for path in paths:
        for line, command in commands(path):
            if path.endswith(".md") and (SPOKEN.fullmatch(command) or "..." in command):
                continue
            if command not in told:
                told[command] = refused(programs, command)
            if told[command]:
                print(f"{path}:{line}: {command}: {told[command]}")
    if len(told) < 2:
        print("no commands are found: is this the right place?")


if __name__ == "__main__":
    main(*sys.argv[1:])
