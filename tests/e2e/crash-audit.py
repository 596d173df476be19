# SPDX-License-Identifier: Apache-2.0
"""What 70-crash.t kept of each fault, looked at by code that is not ours.

Each operand is a directory with
    crashed.db   the ledger after the fault     final.db   after the next run
    signed       what the token was given, a line "LABEL DIGEST" each, in both
    before       how many of those lines the fault left
    left/        every *.pem that ever lay on the stick, in any folder
and one line is printed for each directory: its name, and "good" or what is not.
"""
import glob
import hashlib
import os
import sqlite3
import sys

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

END = b"-----END CERTIFICATE-----\n"
BUNDLE, INTENT, RESULT, VOID, MANIFEST = 5, 6, 7, 9, 10


class Ledger:
    def __init__(self, path):
        db = sqlite3.connect("file:%s?mode=ro" % path, uri=True)
        self.serials, self.digests, self.intents = {}, set(), {}
        self.results, self.voids, self.bundles = {}, set(), {}
        for n, kind, body in db.execute(
                "SELECT n, kind, body FROM record ORDER BY n"):
            b = cbor2.loads(body)
            if kind == BUNDLE:
                self.bundles[n] = False
            elif kind == INTENT:
                if b[4] in self.serials:
                    raise ValueError("serial %s has two TBS" % b[4].hex())
                self.serials[b[4]] = n
                self.intents[n] = b
                self.digests.add(b[5].hex())
            elif kind == RESULT:
                if b[1] in self.results or b[1] in self.voids:
                    raise ValueError("record %d: a second outcome" % n)
                self.results[b[1]] = b[2]
            elif kind == VOID:
                if b[1] in self.results or b[1] in self.voids:
                    raise ValueError("record %d: a second outcome" % n)
                self.voids.add(b[1])
            elif kind == MANIFEST and b[3]:
                self.bundles[b[3]] = True
        db.close()


def lines(path):
    if not os.path.exists(path):
        return []
    with open(path) as f:
        return [line.split() for line in f]


def by_ca(pairs):
    return [digest for label, digest in pairs if label.startswith("ca-")]


def check_left(point, final):
    left = 0
    for name in glob.glob(os.path.join(point, "left", "**", "0*.pem"),
                          recursive=True):
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
    if left < len(final.results):
        raise ValueError("%d certificates signed, %d left"
                         % (len(final.results), left))


def audit(point):
    crashed = Ledger(os.path.join(point, "crashed.db"))
    final = Ledger(os.path.join(point, "final.db"))
    asked = lines(os.path.join(point, "signed"))
    with open(os.path.join(point, "before")) as f:
        before = int(f.read())
    if not set(by_ca(asked[:before])) <= crashed.digests:
        raise ValueError("signed, but no intent after the fault")
    digests = by_ca(asked)
    if not set(digests) <= final.digests:
        raise ValueError("signed without an intent")
    if len(set(digests)) != len(digests):
        raise ValueError("one TBS was signed twice")
    for n, intent in crashed.intents.items():
        if final.intents.get(n) != intent:
            raise ValueError("intent %d is lost" % n)
    for n, der in crashed.results.items():
        if final.results.get(n) != der:
            raise ValueError("result %d is lost" % n)
    for n in final.intents:
        if n not in final.results and n not in final.voids:
            raise ValueError("intent %d has no end" % n)
    if len(final.bundles) != 1 or not all(final.bundles.values()):
        raise ValueError("a bundle is unanswered")
    check_left(point, final)


bad = False
for point in sys.argv[1:]:
    try:
        audit(point)
        print(os.path.basename(point), "good")
    except Exception as e:  # whatever it is, this point is not good
        bad = True
        print(os.path.basename(point), repr(e))
sys.exit(bad)
