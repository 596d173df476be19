# SPDX-License-Identifier: Apache-2.0
"""The acts of a CA's life after its first day: CRLs, a longer or a new certificate, one
by another CA, one that was made elsewhere; and what a web root shows of it."""
import glob
import hashlib
import os
import sqlite3

from cryptography import x509

import acts
import audit

SERIES = 2  # regular CRLs, each with a shadow where there are any


def rows(path, sql):
    """What the database has, or nothing where there is none."""
    if not os.path.exists(path):
        return []
    db = sqlite3.connect("file:%s?mode=ro" % path, uri=True)
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


def crls_of(top):
    """[(number, serials, DER)] of the CRLs below it, sorted."""
    found = []
    for name in glob.glob(os.path.join(top, "**", "*.crl"), recursive=True):
        with open(name, "rb") as f:
            der = f.read()
        crl = x509.load_der_x509_crl(der)
        number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        found.append((number, {entry.serial_number for entry in crl}, der))
    return sorted(found, key=lambda one: one[0])


def want_head(j):
    """The ledger is whole, and is what each response on the stick says."""
    heads = sorted(glob.glob(j.b.path("stick", "airgap-ca", "responses", "*", "manifest.cose")))
    j.again(j.b.ca("ledger", "verify", *[word for name in heads for word in ("--head", name)]),
            (0,), "ledger verify:")


class Crl(acts.Act):
    """A series for a requester with a certificate that is revoked."""
    name, clean = "crl", (0,)
    processes = {"0": "crl", "0.1": "token"}
    others = "judge"

    def argv(self, b):
        return b.ca_argv("crl", b.path("stick"), "--series", str(SERIES), "--every", "7d",
                         "--overlap", "2d", "--yes", "--json")

    def signed(self, b):
        """The numbers in the ledger, and whether a response has them."""
        ledger = b.path("home-ca", "ledger.db")
        return ([n for n, in rows(ledger, "SELECT number FROM crl")],
                bool(rows(ledger, "SELECT 1 FROM crl_series")),
                len(rows(ledger, "SELECT 1 FROM record WHERE kind = %d" % audit.MANIFEST)))

    def judge(self, j):
        b = j.b
        j.again(b.ca("ledger", "verify"), (0,), "ledger verify, after the fault:")
        numbers, begun, manifests = self.signed(b)
        early = acts.responses(b)
        there = crls_of(b.path("stick"))
        j.want({n for n, _, _ in there} <= set(numbers), "on the stick, and not in the ledger")
        if j.run.status == 0:
            j.want(len(there) == SERIES, "status 0 and", len(there), "CRLs on the stick")
        j.again(b.run(*self.argv(b)), (0,), "the next run:")
        self.judge_end(j, early, numbers)
        if len(there) == SERIES:
            return "whole" if j.run.status == 0 else "told"
        return "kept" if manifests > 1 else "begun" if begun else "nothing"

    def judge_end(self, j, early, numbers):
        b = j.b
        late = acts.responses(b)
        j.want(all(late.get(path) == data for path, data in early.items()),
               "what lay on the stick has changed")
        there = crls_of(b.path("stick"))
        j.want(len({n for n, _, _ in there}) == len({der for _, _, der in there}),
               "a number stands for two CRLs:", [n for n, _, _ in there])
        revoked = int(self.tools.revoked, 16)
        j.want(len(there) >= SERIES and all(revoked in serials for _, serials, _ in there),
               "on the stick:", [(n, len(serials)) for n, serials, _ in there])
        j.want(set(numbers) <= set(self.signed(b)[0]), "a CRL is lost from the ledger")
        j.again(b.transfer("install", b.path("stick")), (0,), "install:")
        want_head(j)
        # Another series is above all of them, the numbers that nobody saw included.
        used = [n for n, in rows(b.path("home-ca", "ledger.db"), "SELECT last FROM crl_series")]
        j.again(b.run(*self.argv(b)), (0,), "another series:")
        news = {n for n, _, _ in crls_of(b.path("stick"))} - {n for n, _, _ in there}
        j.want(len(news) == SERIES and min(news) > max(used), "another series:", news, "after", used)


class ChangeCa(acts.Act):
    """What renew-ca and rollover have in common: once, whatever happens on the way."""
    clean, keys = (0,), 0
    processes = {"0": "change", "0.1": "token"}
    others = "judge"

    def argv(self, b):
        return b.ca_argv(*self.command, "--out", b.path("stick"), "--yes", "--json")

    def in_force(self, b):
        return b.ca("ledger").out.count(self.words + ": in force")

    def begun(self, b):
        return b.ca("ledger").out.count(self.words + ": may be signed") > self.in_force(b)

    def n_keys(self, b):
        return len(glob.glob(b.path("tokens", "*", "*.object"))) - self.tools.known_files

    def judge(self, j):
        b = j.b
        j.again(b.ca("ledger", "verify"), (0,), "ledger verify, after the fault:")
        had, begun, made = self.in_force(b), self.begun(b), self.n_keys(b)
        cards = b.path("stick", "airgap-ca", "cards", "*.cose")
        responses = len(glob.glob(b.path("stick", "airgap-ca", "responses", "*", "manifest.cose")))
        if j.run.status == 0:
            j.want(had == 1 and responses == 2, "status 0 and not all is done")
        # What is in force is handed out; the same command would begin another one.
        go_on = b.ca_argv("resend", b.path("stick")) if had else self.argv(b)
        j.again(b.run(*go_on), (0,), "the next run:")
        if had:
            j.again(b.ca("export", b.path("stick")), (0,), "export:")
        self.judge_end(j, cards)
        if had:
            return "kept" if responses < 2 else "whole" if j.run.status == 0 else "told"
        return "begun" if begun or made else "nothing"

    def judge_end(self, j, cards):
        b = j.b
        j.want(self.in_force(b) == 1 and not self.begun(b), "in force:", self.in_force(b))
        # A key that was made and is in no ledger stays on the token beside the next one.
        j.want(self.n_keys(b) in (self.keys, 2 * self.keys), "files of keys:", self.n_keys(b))
        want_head(j)
        j.want(len(glob.glob(cards)) >= 1, "no card")
        for name in glob.glob(cards):
            with open(name, "rb") as f:
                audit.cose_verify.verify("card", f.read())
        j.again(b.transfer("install", b.path("stick")), (0,), "install:")
        # The requester goes on, and gets what the new certificate vouches for.
        j.again(b.transfer("request", self.tools.csrs[1], "--profile", "tls-server", "--out", b.path("stick")),
                (0,), "request:")
        j.again(b.ca("sign", b.path("stick"), "--yes"), (0,), "sign:")
        j.again(b.transfer("install", b.path("stick")), (0,), "install, at the end:")
        listed = acts.loads(b.transfer("list", "--json").out).get("certificates", [])
        j.want(len(listed) == 2, len(listed), "certificates installed")


class RenewCa(ChangeCa):
    """A later end for the same key, and what tells the requester."""
    name, command, words = "renew-ca", ("renew-ca", "--days", "4000"), "renewed"


class Rollover(ChangeCa):
    """A new key, the certificates across, and what tells the requester."""
    name, command, words, keys = "rollover", ("rollover", "--key-type", "ec-p384"), "new key", 2


class Import(acts.Act):
    """The certificate that another CA gave the one that waits."""
    name, clean = "import", (0,)
    processes = {"0": "import", "0.1": "adoption", "0.2": "token"}
    others = "judge"

    def argv(self, b):
        return b.ca_argv("import", b.path("came", "chain.pem"), "--out", b.path("stick"), "--yes", home="sub")

    def judge(self, j):
        b = j.b
        cards = b.path("stick", "airgap-ca", "cards", "*.cose")
        had_card = bool(glob.glob(cards))
        waits = os.path.exists(b.path("home-sub", "waiting.csr"))
        had = b.ca("status", home="sub").status == 0
        if j.run.status == 0:
            j.want(had and had_card and not waits, "status 0 and not all is done")
        again = b.run(*self.argv(b))
        j.want(again.status == (7 if had else 0), "the next run: status", again.status, again.err)
        card = j.again(b.ca("export", b.path("stick"), "--json", home="sub"), (0,), "export:")
        j.want(not os.path.exists(b.path("home-sub", "waiting.csr")), "it still waits")
        j.again(b.ca("ledger", "verify", home="sub"), (0,), "ledger verify:")
        found = glob.glob(cards)
        j.want(len(found) == 1, "cards:", found)
        j.again(b.transfer("enroll", b.path("stick"), "--label", "new", "--expect",
                           acts.loads(card.out).get("fingerprint", ""), home="fresh"), (0,), "enroll:")
        if had_card:
            return "whole" if j.run.status == 0 else "told"
        return "kept" if had else "begun" if not waits else "nothing"


class Adopt(acts.Act):
    """A CA of openssl ca with what it has issued and revoked."""
    name, clean = "adopt", (0,)
    processes = {"0": "init", "0.1": "adoption", "0.2": "token"}
    others = "judge"

    def argv(self, b):
        old = b.path("old")
        return b.ca_argv("init", "--adopt", os.path.join(old, "ca.pem"), "--use-key", "pkcs11:object=old-ca",
                         "--token", self.tools.token, "--scope", "example.org",
                         "--index", os.path.join(old, "index.txt"), "--certs", os.path.join(old, "newcerts"),
                         "--crlnumber", os.path.join(old, "crlnumber"), "--out", b.path("stick"), "--yes",
                         home="adopted")

    def judge(self, j):
        b = j.b
        cards = b.path("stick", "airgap-ca", "cards", "*.cose")
        had_card = bool(glob.glob(cards))
        had = os.path.exists(b.path("home-adopted", "ledger.db"))
        if j.run.status == 0:
            j.want(had and had_card, "status 0 and not all is done")
        again = b.run(*self.argv(b))
        j.want(again.status == (7 if had else 0), "the next run: status", again.status, again.err)
        j.again(b.ca("export", b.path("stick"), home="adopted"), (0,), "export:")
        j.want(len(glob.glob(cards)) == 1, "cards:", glob.glob(cards))
        j.again(b.ca("ledger", "verify", home="adopted"), (0,), "ledger verify:")
        listed = acts.loads(b.ca("list", "--json", home="adopted").out).get("certificates", [])
        states = sorted(c["status"] for c in listed)
        j.want(states == ["revoked", "valid", "valid"], "of before:", states)
        if had_card:
            return "whole" if j.run.status == 0 else "told"
        if had:
            return "kept"
        keys = glob.glob(b.path("tokens", "*", "*.object"))
        return "begun" if len(keys) > self.tools.old_files else "nothing"


class Published(acts.Act):
    """What publish and emergency have in common: a web root that is whole at any time."""
    clean = (0,)

    def shown(self, b):
        """{name: bytes} of the web root; what ours were while they were written is not there."""
        found = {}
        for name in sorted(os.listdir(b.path("web"))):
            with open(b.path("web", name), "rb") as f:
                found[name] = hashlib.sha256(f.read()).hexdigest()
        return found

    def number(self, b):
        there = crls_of(b.path("web"))
        return there[0][0] if there else 0

    def refused(self, b):
        there = crls_of(b.path("web"))
        return bool(there) and int(self.tools.served, 16) in there[0][1]

    def judge(self, j):
        b = j.b
        done = self.done(b)
        j.want(b.transfer("list").status == 0, "the store is not whole")
        if j.run.status == 0:
            j.want(done, "status 0 and not all is done")
        j.again(b.run(*self.argv(b)), (0,), "the next run:")
        j.want(self.done(b), "not all is there at the end")
        left = [name for name in self.shown(b) if "airgap-new" in name or name.endswith(".tmp")]
        j.want(not left, "left there:", left)
        self.judge_end(j)
        if done:
            return "whole" if j.run.status == 0 else "told"
        return "begun" if self.begun(b) else "nothing"


class Publish(Published):
    """A web root's first files."""
    name = "publish"
    processes = {"0": "publish"}

    def argv(self, b):
        return b.transfer_argv("publish", b.path("web"))

    def done(self, b):
        return {"ca.crt", "ca.pem", "ca.crl"} <= set(self.shown(b))

    def begun(self, b):
        return bool(set(self.shown(b)) - {".", ".."})

    def judge_end(self, j):
        j.want(not self.refused(j.b), "a good certificate is refused")
        j.again(j.b.transfer("rotate"), (0, 1), "rotate:")
        j.want(self.done(j.b), "rotate has taken something away")


class Emergency(Published):
    """The shadow of today takes the place of the CRL in the web root."""
    name = "emergency"
    processes = {"0": "emergency"}

    def begin(self, b):
        """The store knows the web root by its whole path."""
        if b.transfer("publish", b.path("web")).status != 0:
            raise RuntimeError("the web root cannot be published")

    def argv(self, b):
        return b.transfer_argv("emergency", "--yes", "--pass-source", b.path("pass", "pass"))

    def done(self, b):
        return self.refused(b)

    def begun(self, b):
        return "emergency since" in b.transfer("status").err

    def judge_end(self, j):
        b = j.b
        said = b.transfer("status")
        j.want("emergency since" in said.err, "status does not tell of it")
        # The CA hears of it before it signs anything.
        j.again(b.transfer("request", self.tools.csrs[1], "--profile", "tls-server", "--out", b.path("stick")),
                (0,), "request:")
        j.again(b.ca("sign", b.path("stick"), "--yes"), (0,), "sign:")
        shown = acts.loads(b.ca("show", self.tools.served, "--json").out).get("status")
        j.want(shown == "revoked", "at the CA the certificate is", shown)


LATER = (Crl, RenewCa, Rollover, Import, Adopt, Publish, Emergency)
