# SPDX-License-Identifier: Apache-2.0
"""The commands that faults are put into, and what must hold after one.

Each act says how it is run, what is looked at after the fault, how the operator
goes on (the same command again), and what must be true then. `judge` gives one
of OUTCOMES and a list of what is wrong, which is empty.
"""
import glob
import json
import os
import re
import sqlite3

from cryptography import x509

import audit

OUTCOMES = {
    "nothing": "nothing had been done; the same command does it all",
    "begun": "a part was done; the same command goes on and ends it",
    "kept": "done and stored, not handed out; the same command hands it out",
    "told": "all was done, the run was killed or reports the failure; again: no harm",
    "whole": "the run does its work all the same, and says so",
}


class Judge:
    """Gathers what is wrong with one point."""

    def __init__(self, bench, point, run):
        self.b, self.point, self.run, self.wrong = bench, point, run, []

    def want(self, fact, *why):
        if not fact:
            self.wrong.append(" ".join(str(w) for w in why))

    def again(self, run, statuses, what):
        self.want(run.status in statuses, what, "status", run.status, run.err)
        return run


def loads(text):
    try:
        return json.loads(text)
    except ValueError:
        return {}


class Act:
    processes = {}
    others = "other"

    def __init__(self, tools):
        self.tools = tools

    def begin(self, b):
        """What its state needs beside what was kept."""

    def role(self, process):
        return self.processes.get(process, self.others)

    def judge_message(self, j):
        """A child that was killed is named."""
        if j.point.fault == "KILL" and j.point.process != "0":
            j.want(j.run.status in self.clean or
                   (j.run.status in (5, 6) and
                    "the %s process" % self.role(j.point.process) in j.run.err),
                   "not said: the", self.role(j.point.process), "process: status", j.run.status)


def responses(b):
    """{path: bytes} of the responses on the stick."""
    found = b.files("stick/airgap-ca/responses")
    return {path: data for path, data in found.items()
            if "/.tmp-" not in path and data is not None}


def want_stick(j, early, n):
    """What lay there is the same, and there are n responses and nothing else."""
    late = responses(j.b)
    j.want(all(late.get(path) == data for path, data in early.items()),
           "what lay on the stick has changed")
    names = sorted(os.listdir(j.b.path("stick", "airgap-ca", "responses")))
    j.want(len(names) == n and all(re.fullmatch("[0-9a-f]{8}-[0-9a-f]{8}-[0-9]{6}", name)
                                   for name in names), "on the stick:", names)
    return late, names


class Sign(Act):
    """Two bundles of a requester who is met: 4 series of 3, one of them refused,
    which is two batches; and a single certificate."""
    name, clean, certificates, bundles = "sign", (1,), 10, 2
    processes = {"0": "signer", "0.1": "token", "0.2": "judge"}
    others = "reader"

    def argv(self, b):
        return b.ca_argv("sign", b.path("stick"), "--yes", "--json",
                         "--expect", self.tools.requester)

    def places(self, found):
        return {os.path.dirname(path) for path in found}

    def judge(self, j):
        b = j.b
        j.again(b.ca("ledger", "verify"), (0,), "ledger verify, after the fault:")
        crashed = audit.Ledger(b.path("home-ca", "ledger.db"))
        asked_before = audit.by_ca(b.signed)
        early = responses(b)
        states = [crashed.bundles[n] for n in sorted(crashed.bundles)]
        said = loads(j.run.out).get("responses", [])
        if j.run.status in (0, 1):
            j.want(states == [True, True] and len(self.places(early)) == 2 and
                   len({r["path"] for r in said}) == 2,
                   "status", j.run.status, "and not all is done")

        again = b.run(*self.argv(b))
        # A refusal is told by the run that refuses; a stored answer is no news.
        j.again(again, (0, 1) if states[:1] == [True] else (1,), "the next run:")
        if True in states:
            j.want("was answered before" in again.err, "not said: answered")
        if False in states:
            j.want(re.search(r"unfinished +an\s+earlier\s+run\s+signed", again.err),
                   "not said: unfinished")
        late, names = want_stick(j, early, 2)
        self.judge_end(j, crashed, asked_before, names)
        if states == [True, True] and set(early) == set(late):
            return "whole" if j.run.status in self.clean else "told"
        if states == [True, True]:
            return "kept"
        return "begun" if states else "nothing"

    def judge_end(self, j, crashed, asked_before, names):
        b = j.b
        top = b.path("stick", "airgap-ca", "responses")
        final = audit.Ledger(b.path("home-ca", "ledger.db"))
        audit.check_history(crashed, final, asked_before, audit.by_ca(b.signed), self.bundles)
        audit.check_left(top, final)
        audit.check_manifests(top)
        j.again(b.transfer("install", b.path("stick")), (1,), "install:")
        listed = loads(b.transfer("list", "--json").out).get("certificates", [])
        j.want(len(listed) == self.certificates, len(listed), "certificates installed")
        j.again(b.ca("ledger", "verify", "--head",
                     os.path.join(top, names[-1], "manifest.cose")), (0,), "ledger verify, at the end:")


class Install(Act):
    """Two responses: nine certificates and a refusal, then one more."""
    name, clean, certificates = "install", (1,), 10
    processes = {"0": "install"}

    def argv(self, b):
        return b.transfer_argv("install", b.path("stick"))

    def stored(self, b):
        run = b.transfer("list", "--json")
        return len(loads(run.out).get("certificates", [])) if run.status == 0 else -1

    def files(self, j):
        names = glob.glob(j.b.path("home-online", "certs", "*", "*.pem"))
        for name in names:
            with open(name, "rb") as f:
                x509.load_pem_x509_certificate(f.read())
        return len(names)

    def judge(self, j):
        b = j.b
        stored, files = self.stored(b), self.files(j)
        j.want(stored in (0, 9, 10), stored, "certificates stored: a part of a response")
        j.want(files <= stored, files, "files of", stored, "certificates")
        if j.run.status in (0, 1):
            j.want(stored == files == self.certificates, "status", j.run.status, "and not all is done")
        j.again(b.run(*self.argv(b)), (0,) if stored == 10 else (0, 1), "the next run:")
        j.want(self.stored(b) == self.files(j) == self.certificates, "not all is there at the end")
        j.want(os.path.getsize(b.path("home-online", "ca.pem")) > 0, "no ca.pem")
        left = [f for f in b.files("home-online") if re.search(r"(\.tmp|\.new|-journal)$", f)]
        j.want(not left, "left there:", left)
        if stored == files == self.certificates:
            return "whole" if j.run.status in self.clean else "told"
        return "nothing" if stored == 0 else "begun" if stored == 9 else "kept"


class Init(Act):
    """A new CA with two new keys, and its card."""
    name, clean = "init", (0,)
    processes = {"0": "init", "0.1": "token"}

    def argv(self, b):
        return b.ca_argv("init", "--subject", "CN=New CA", "--token", self.tools.new_token,
                         "--key-type", "ec-p256", "--scope", "example.org", "--profiles", "tls",
                         "--out", b.path("stick"), "--yes", home="new")

    def judge(self, j):
        b = j.b
        cards = b.path("stick", "airgap-ca", "cards", "*.cose")
        had_card = glob.glob(cards)
        had_ledger = os.path.exists(b.path("home-new", "ledger.db"))
        if j.run.status == 0:
            j.want(had_card and had_ledger, "status 0 and not all is done")
        again = b.run(*self.argv(b))
        if had_ledger:
            j.want(again.status == 7 and " export MEDIA" in again.err,
                   "init in a CA: status", again.status, again.err)
        else:
            j.want(again.status == 0, "the next run: status", again.status, again.err)
        card = j.again(b.ca("export", b.path("stick"), "--json", home="new"), (0,), "export:")
        j.again(b.transfer("enroll", b.path("stick"), "--label", "new", "--expect",
                           loads(card.out).get("fingerprint", ""), home="fresh"), (0,), "enroll:")
        j.again(b.ca("ledger", "verify", home="new"), (0,), "ledger verify:")
        found = glob.glob(cards)
        j.want(len(found) == 1 and (not had_card or had_card == found), "cards:", found)
        for name in found:
            with open(name, "rb") as f:
                audit.cose_verify.verify("card", f.read())
        if had_card:
            return "whole" if j.run.status == 0 else "told"
        if had_ledger:
            return "kept"
        keys = glob.glob(b.path("tokens", "*", "*.object"))
        return "begun" if len(keys) > self.tools.token_files else "nothing"


class Request(Act):
    """A bundle of two requests."""
    name, clean = "request", (0,)
    processes = {"0": "request"}
    others = "reader"

    def argv(self, b):
        return b.transfer_argv("request", *self.tools.csrs, "--profile", "tls-server", "--out", b.path("stick"))

    def sent(self, j):
        """How many bundles are open, and how many lie on the stick."""
        b = j.b
        there = glob.glob(b.path("stick", "airgap-ca", "requests", "*.cose"))
        if not os.path.exists(b.path("home-online", "store.db")):
            return 0, len(there)
        db = sqlite3.connect("file:%s?mode=ro" % b.path("home-online", "store.db"), uri=True)
        known = {row[0].hex(): row[1] for row in db.execute("SELECT id, sha256 FROM bundle")}
        n = db.execute("SELECT count(*) FROM bundle WHERE state = 1").fetchone()[0]
        db.close()
        for name in there:
            with open(name, "rb") as f:
                digest = audit.hashlib.sha256(f.read()).digest()
            j.want(known.get(os.path.basename(name)[:-5]) == digest, "not what was sent:", name)
        return n, len(there)

    def judge(self, j):
        b = j.b
        b.transfer("status")  # rolls back what was not committed
        there = self.sent(j)
        j.want(there in ((0, 0), (1, 0), (1, 1)), "open, on the stick:", there)
        if j.run.status == 0:
            j.want(there == (1, 1), "status 0 and not all is done")
        # By turns: what is recorded goes once more, or all is asked anew.
        if there == (1, 0) and j.point.n % 2:
            j.again(b.transfer("request", "--again", "--out", b.path("stick")), (0,), "request --again:")
        else:
            j.again(b.run(*self.argv(b)), (0,), "the next run:")
        end = self.sent(j)
        j.want(end in ((1, 1), (2, 1), (2, 2)), "open, on the stick, at the end:", end)
        j.again(b.ca("sign", b.path("stick"), "--yes", "--expect", self.tools.requester), (0,), "sign:")
        j.again(b.transfer("install", b.path("stick")), (0,), "install:")
        j.want(self.sent(j)[0] == 0, "still open")
        listed = loads(b.transfer("list", "--json").out).get("certificates", [])
        j.want(len(listed) in (2, 4), len(listed), "certificates installed")
        if there == (1, 1):
            return "whole" if j.run.status == 0 else "told"
        return "kept" if there == (1, 0) else "nothing"


class Enroll(Act):
    """The CA is pinned and the requester's key is made."""
    name, clean = "enroll", (0,)
    processes = {"0": "enroll"}

    def argv(self, b):
        return b.transfer_argv("enroll", b.path("stick"), "--label", "new", "--expect",
                               self.tools.ca, "--json", home="new")

    def status(self, b):
        return b.transfer("request", *self.tools.csrs, "--profile", "tls-server",
                          "--out", b.path("stick"), "-n", home="new").status

    def judge(self, j):
        b = j.b
        had = self.status(b) == 0
        if j.run.status == 0:
            j.want(had and loads(j.run.out).get("fingerprint"), "status 0 and not all is done")
        again = b.run(*self.argv(b))
        j.want(again.status in ((0, 7) if had else (0,)), "the next run:", again.status, again.err)
        j.want(self.status(b) == 0, "no request can be made")
        if had:
            return "whole" if j.run.status == 0 else "told"
        return "nothing"


class Abandon(Act):
    """A bundle whose signing stopped: two series whole, one begun."""
    name, clean, certificates = "abandon", (1,), 6
    processes = {"0": "abandon", "0.1": "token", "0.2": "judge"}
    others = "reader"

    def bundle(self, b):
        return os.path.basename(glob.glob(b.path("stick", "airgap-ca", "requests", "*.cose"))[0])[:-5]

    def argv(self, b):
        return b.ca_argv("abandon", self.bundle(b), b.path("stick"), "--yes", "--json")

    def judge(self, j):
        b = j.b
        top = b.path("stick", "airgap-ca", "responses")
        there = glob.glob(os.path.join(top, "[0-9a-f]*", "manifest.cose"))
        j.again(b.ca("ledger", "verify"), (0,), "ledger verify, after the fault:")
        crashed = audit.Ledger(b.path("home-ca", "ledger.db"), may_give_up=True)
        early = responses(b)
        closed = list(crashed.bundles.values()) == [True]
        if j.run.status in (0, 1):
            j.want(closed and there, "status", j.run.status, "and not all is done")
        j.again(b.run(*self.argv(b)), (1,), "the next run:")
        _, names = want_stick(j, early, 1)
        final = audit.Ledger(b.path("home-ca", "ledger.db"), may_give_up=True)
        audit.check_history(crashed, final, [], audit.by_ca(b.signed), 1)
        audit.check_left(top, final)
        audit.check_manifests(top)
        j.want(len(final.results) == self.certificates, len(final.results), "certificates are good")
        j.again(b.transfer("install", b.path("stick")), (1,), "install:")
        listed = loads(b.transfer("list", "--json").out).get("certificates", [])
        j.want(len(listed) == self.certificates, len(listed), "certificates installed")
        j.again(b.ca("ledger", "verify", "--head", os.path.join(top, names[0], "manifest.cose")),
                (0,), "ledger verify, at the end:")
        # The requester asks once more for what was given up, and gets it.
        j.again(b.transfer("request", "--again", "--out", b.path("stick")), (0,), "request --again:")
        j.again(b.ca("sign", b.path("stick"), "--yes"), (0, 1), "sign:")
        if there:
            return "whole" if j.run.status in self.clean else "told"
        return "kept" if closed else "nothing"


class Restore(Act):
    """The home of a CA from its backup."""
    name, clean = "restore", (0,)
    processes = {"0": "restore"}

    def argv(self, b):
        return b.ca_argv("restore", b.path("backup", "old.db"), "--yes", "--token",
                         self.tools.token, home="second")

    def judge(self, j):
        b = j.b
        had = os.path.exists(b.path("home-second"))
        if j.run.status == 0:
            j.want(had, "status 0 and not all is done")
        # A home that is there gets its token; nothing else is done to it.
        j.again(b.run(*self.argv(b)), (0,), "the next run:")
        j.want(not os.path.exists(b.path("home-second.restore-tmp")), "half a home is left")
        j.again(b.ca("ledger", "verify", home="second"), (0,), "ledger verify:")
        # Until somebody says what is lost it signs nothing; then it finds its token.
        j.again(b.ca("recover", "--lost", "what was signed since", "--yes", home="second"), (0,), "recover --lost:")
        j.again(b.ca("export", b.path("stick"), home="second"), (0,), "export:")
        final = audit.Ledger(b.path("home-second", "ledger.db"))
        j.want(len(final.results) == 1, len(final.results), "certificates in the restored ledger")
        if had:
            return "whole" if j.run.status == 0 else "told"
        return "nothing"


class Recover(Act):
    """Two responses that a restored ledger lacks, from the online side."""
    name, clean = "recover", (0,)
    processes = {"0": "recover"}
    others = "reader"

    def argv(self, b):
        return b.ca_argv("recover", b.path("stick"), "--yes", "--json")

    def heads(self, b):
        top = b.path("stick", "airgap-ca", "history", "*", "*", "manifest.cose")
        return [word for name in sorted(glob.glob(top)) for word in ("--head", name)]

    def judge(self, j):
        b = j.b
        j.again(b.ca("ledger", "verify"), (0,), "ledger verify, after the fault:")
        before = audit.Ledger(b.path("home-ca", "ledger.db"))
        knows = b.ca("ledger", "verify", *self.heads(b)).status == 0
        if j.run.status == 0:
            j.want(knows, "status 0 and not all is done")
        j.again(b.run(*self.argv(b)), (0,), "the next run:")
        j.again(b.ca("ledger", "verify", *self.heads(b)), (0,), "ledger verify, at the end:")
        final = audit.Ledger(b.path("home-ca", "ledger.db"))
        j.want(before.results.items() <= final.results.items(), "a result is lost")
        listed = loads(b.ca("list", "--json").out).get("certificates", [])
        j.want(len(listed) == 3 and all(c["status"] == "valid" for c in listed), "listed:", listed)
        # And the exchange goes on where it was.
        j.again(b.transfer("request", self.tools.csrs[0], "--profile", "tls-server",
                           "--out", b.path("stick")), (0,), "request:")
        j.again(b.ca("sign", b.path("stick"), "--yes"), (0,), "sign:")
        j.again(b.transfer("install", b.path("stick")), (0,), "install:")
        if knows:
            return "whole" if j.run.status == 0 else "told"
        return "nothing"


class Revoke(Act):
    """A certificate and its key, at the laptop."""
    name, clean = "revoke", (0,)
    processes = {"0": "revoke"}

    def argv(self, b):
        return b.ca_argv("revoke", self.tools.serial, "--reason", "keyCompromise", "--yes", "--json")

    def judge(self, j):
        b = j.b
        j.again(b.ca("ledger", "verify"), (0,), "ledger verify, after the fault:")
        had = loads(b.ca("show", self.tools.serial, "--json").out).get("status") == "revoked"
        if j.run.status == 0:
            j.want(had, "status 0 and it is not revoked")
        again = j.again(b.run(*self.argv(b)), (0,), "the next run:")
        j.want(loads(again.out).get("recorded") is not had, "recorded, and it was", had, again.out)
        db = sqlite3.connect("file:%s?mode=ro" % b.path("home-ca", "ledger.db"), uri=True)
        rows = db.execute("SELECT (SELECT count(*) FROM revocation), (SELECT count(*) FROM revoked_key)").fetchone()
        db.close()
        j.want(rows == (1, 1), "certificates and keys that are revoked:", rows)
        j.again(b.ca("ledger", "verify"), (0,), "ledger verify, at the end:")
        # Nobody gets a certificate for that key.
        j.again(b.transfer("request", self.tools.csrs[0], "--profile", "tls-server", "--out", b.path("stick")),
                (0,), "request:")
        signed = j.again(b.ca("sign", b.path("stick"), "--yes"), (1, 4), "sign:")
        j.want("[KEY-REVOKED]" in signed.err, "not said: KEY-REVOKED")
        if had:
            return "whole" if j.run.status in self.clean else "told"
        return "nothing"


FIRST = (Init, Enroll, Request, Sign, Install, Abandon, Restore, Recover, Revoke)
