# SPDX-License-Identifier: Apache-2.0
"""What a fault and the run after it left, looked at by code that is not ours."""
import glob
import hashlib
import os
import sqlite3
import sys

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "tools"))
import cose_verify  # noqa: E402

END = b"-----END CERTIFICATE-----\n"
BUNDLE, INTENT, RESULT, VOID, MANIFEST = 5, 6, 7, 9, 10


class Ledger:
    """The records of a ledger, by what they say. What has a result is void later
    only where a bundle may be given up."""

    def __init__(self, path, may_give_up=False):
        self.may_give_up = may_give_up
        db = sqlite3.connect("file:%s?mode=ro" % path, uri=True)
        self.serials, self.digests, self.intents = {}, set(), {}
        self.results, self.voids, self.bundles = {}, set(), {}
        for n, kind, body in db.execute(
                "SELECT n, kind, body FROM record ORDER BY n"):
            self.take(n, kind, cbor2.loads(body))
        db.close()

    def take(self, n, kind, b):
        if kind == BUNDLE:
            self.bundles[n] = False
        elif kind == INTENT:
            if b[4] in self.serials:
                raise ValueError("serial %s has two TBS" % b[4].hex())
            self.serials[b[4]] = n
            self.intents[n] = b
            self.digests.add(b[5].hex())
        elif kind in (RESULT, VOID):
            if kind == VOID and self.may_give_up:
                self.results.pop(b[1], None)
            if b[1] in self.results or b[1] in self.voids:
                raise ValueError("record %d: a second outcome" % n)
            if kind == RESULT:
                self.results[b[1]] = b[2]
            else:
                self.voids.add(b[1])
        elif kind == MANIFEST and b[3]:
            self.bundles[b[3]] = True


def by_ca(path):
    """The digests that the CA's key was given, in order."""
    if not os.path.exists(path):
        return []
    with open(path) as f:
        pairs = [line.split() for line in f]
    return [digest for label, digest in pairs if label.startswith("ca-")]


def check_left(responses, final):
    """All that lies on the stick is what the ledger has, and all of it."""
    left = 0
    for name in glob.glob(os.path.join(responses, "*", "0*.pem")):
        with open(name, "rb") as f:
            blocks = f.read().split(END)[:-1]
        for block in blocks:
            cert = x509.load_pem_x509_certificate(block + END)
            n = final.serials.get(cert.serial_number.to_bytes(16, "big"))
            if n is None or n not in final.results:
                raise ValueError("a certificate left without a result")
            if final.results[n] != cert.public_bytes(Encoding.DER):
                raise ValueError("a certificate left with other bytes")
            tbs = hashlib.sha256(cert.tbs_certificate_bytes).digest()
            if final.intents[n][5] != tbs:
                raise ValueError("a certificate left with another TBS")
            left += 1
    if left != len(final.results):
        raise ValueError("%d certificates signed, %d left"
                         % (len(final.results), left))


def check_history(crashed, final, asked_before, asked, bundles):
    """Every TBS is in the ledger first, is signed once, and nothing is lost."""
    if not set(asked_before) <= crashed.digests:
        raise ValueError("signed, but no intent after the fault")
    if not set(asked) <= final.digests:
        raise ValueError("signed without an intent")
    if len(set(asked)) != len(asked):
        raise ValueError("one TBS was signed twice")
    for n, intent in crashed.intents.items():
        if final.intents.get(n) != intent:
            raise ValueError("intent %d is lost" % n)
    for n, der in crashed.results.items():
        if final.results.get(n) != der and not (final.may_give_up and n in final.voids):
            raise ValueError("result %d is lost" % n)
    for n in final.intents:
        if n not in final.results and n not in final.voids:
            raise ValueError("intent %d has no end" % n)
    if len(final.bundles) != bundles or not all(final.bundles.values()):
        raise ValueError("a bundle is unanswered")


def check_manifests(responses):
    """Each manifest verifies under the CA whose certificate lies beside it."""
    for name in glob.glob(os.path.join(responses, "*", "manifest.cose")):
        with open(os.path.join(os.path.dirname(name), "ca.pem"), "rb") as f:
            ca = cose_verify.load_certificate(f.read())
        with open(name, "rb") as f:
            cose_verify.verify("manifest", f.read(), ca)
