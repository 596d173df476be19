# SPDX-License-Identifier: Apache-2.0
"""A place to break things in: one worker's copy of a prepared state."""
import hashlib
import os
import shutil
import subprocess

LIMIT = 120  # seconds; a run that takes longer hangs


class Run:
    """What a command said."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err


class Bench:
    """A directory with the state of one act, restored before each fault."""

    def __init__(self, top, tools):
        self.top, self.tools = top, tools
        self.signed = os.path.join(top, "token-signed")
        self.log = os.path.join(top, "fault.log")
        os.makedirs(os.path.join(top, "tokens"))
        conf = os.path.join(top, "token.conf")
        with open(conf, "w") as f:
            f.write("directories.tokendir = %s/tokens\n"
                    "objectstore.backend = file\nlog.level = ERROR\n" % top)
        self.env = dict(os.environ, SOFTHSM2_CONF=conf, HOME=top,
                        SHIM="log", SHIM_LOG=self.signed,
                        FAULT_SKIP=os.path.join(top, "token"))

    def path(self, *names):
        return os.path.join(self.top, *names)

    def restore(self, state):
        """Everything as it was kept; what was not there goes."""
        for name in os.listdir(self.top):
            path = self.path(name)
            if os.path.isdir(path):
                shutil.rmtree(path)
            elif name != "token.conf":
                os.unlink(path)
        for name in os.listdir(state):
            shutil.copytree(os.path.join(state, name), self.path(name),
                            symlinks=True)
        # A token process makes no file beside what is hidden from it.
        open(self.signed, "w").close()

    def run(self, *argv):
        try:
            done = subprocess.run(
                argv, env=self.env, stdin=subprocess.DEVNULL, timeout=LIMIT,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.top,
                start_new_session=True)
        except subprocess.TimeoutExpired as late:
            return Run(124, "", "no end in %d s\n%s" % (LIMIT, late.stderr))
        return Run(done.returncode, done.stdout.decode(errors="replace"),
                   done.stderr.decode(errors="replace"))

    def ca(self, *argv, home="ca"):
        return self.run(*self.ca_argv(*argv, home=home))

    def transfer(self, *argv, home="online"):
        return self.run(*self.transfer_argv(*argv, home=home))

    def ca_argv(self, *argv, home="ca"):
        return [os.path.join(self.tools.bin, "airgap-ca"), "--home",
                self.path("home-" + home), *argv, *self.tools.ca_options]

    def transfer_argv(self, *argv, home="online"):
        return [os.path.join(self.tools.bin, "airgap-transfer"), "--home",
                self.path("home-" + home), *argv]

    def faulty(self, point, argv):
        """`argv` with that fault; what was hit lies in self.log."""
        return self.run(self.tools.fault, self.log, point.process, point.call,
                        str(point.n), point.fault, *argv)

    def count(self, argv):
        """{(process, call): n} of `argv` without a fault, and the run."""
        run = self.run(self.tools.fault, self.log, *argv)
        counts = {}
        with open(self.log) as f:
            for line in f:
                process, call, n = line.split()
                counts[process, call] = int(n)
        # The first one starts the command, which is not its own doing.
        if counts.get(("0", "execve")) == 1:
            del counts["0", "execve"]
        return counts, run

    def hits(self):
        """The driver's report: {"hit": FILE, "again": FILE}, as it has them."""
        found = {}
        with open(self.log) as f:
            for line in f:
                words = line.rstrip("\n").split(" ", 4)
                found[words[0]] = words[-1]
        return found

    def files(self, *names):
        """{path: bytes} of all that lies there; a directory has None."""
        found = {}
        for name in names:
            for folder, _, files in os.walk(self.path(name)):
                found[os.path.relpath(folder, self.top)] = None
                for one in files:
                    path = os.path.join(folder, one)
                    with open(path, "rb") as f:
                        found[os.path.relpath(path, self.top)] = f.read()
        return found

    def fingerprint(self):
        """The bytes of everything but what the harness itself keeps."""
        names = [n for n in os.listdir(self.top)
                 if os.path.isdir(self.path(n))]
        digest = hashlib.sha256()
        for path, data in sorted(self.files(*names).items()):
            digest.update(repr((path, data and hashlib.sha256(data).digest()))
                          .encode())
        return digest.digest()
