#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ledger_verify.py LEDGER [RECORD:HASH]...: check a ledger's chain and tables.

Written from airgap-ledger(5) alone, with none of airgap-ca's code, so that the
two check each other. LEDGER is a ledger.db, or an SQL dump of one (*.sql).
RECORD:HASH is a ledger head that a manifest carries. Exits 0 when all is well.
"""
import datetime
import hashlib
import sqlite3
import sys

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import serialization

UINT, BYTES, TEXT = int, bytes, str

# kind: name, {key: (field, type)}, optional keys
KINDS = {
    1: ("init", {1: ("ca_cert", BYTES), 2: ("transfer_cert", BYTES)}),
    2: ("policy", {1: ("digest", BYTES), 2: ("text", BYTES)}),
    3: ("enrol", {1: ("label", TEXT), 2: ("spki", BYTES)}),
    4: ("remove", {1: ("key_id", BYTES)}),
    5: ("bundle", {1: ("id", BYTES), 2: ("digest", BYTES),
                   3: ("requester", BYTES), 4: ("sequence", UINT)}),
    6: ("intent", {1: ("bundle", UINT), 2: ("request", UINT),
                   3: ("slot", UINT), 4: ("serial", BYTES),
                   5: ("tbs", BYTES), 6: ("not_before", UINT),
                   7: ("not_after", UINT), 8: ("key_id", BYTES),
                   9: ("request_id", TEXT), 10: ("profile", TEXT)}),
    7: ("result", {1: ("intent", UINT), 2: ("der", BYTES)}),
    8: ("refusal", {1: ("bundle", UINT), 2: ("request", UINT),
                    3: ("request_id", TEXT), 4: ("rule", TEXT),
                    5: ("reason", TEXT)}),
    9: ("void", {1: ("intent", UINT), 2: ("why", TEXT)}),
    10: ("manifest", {1: ("channel", BYTES), 2: ("sequence", UINT),
                      3: ("bundle", UINT), 4: ("file", BYTES)}),
    11: ("clock", {1: ("before", UINT)}),
    12: ("transfer", {1: ("cert", BYTES)}),
    13: ("network", {1: ("interfaces", TEXT)}),
    14: ("arrived", {1: ("key_id", BYTES), 2: ("sequence", UINT)}),
    15: ("abandon", {1: ("bundle", UINT)}),
    16: ("checked", {1: ("channel", BYTES), 2: ("sequence", UINT)}),
    17: ("restored", {1: ("digest", BYTES)}),
    18: ("import", {1: ("channel", BYTES), 2: ("sequence", UINT),
                    3: ("bundle_id", BYTES), 4: ("bundle_digest", BYTES),
                    5: ("bundle_sequence", UINT), 6: ("count", UINT),
                    7: ("file", BYTES)}),
    19: ("regained", {1: ("request", UINT), 2: ("slot", UINT),
                      3: ("request_id", TEXT), 4: ("profile", TEXT),
                      5: ("der", BYTES)}),
    20: ("recovered", {1: ("words", TEXT)}),
    21: ("history", {1: ("channel", BYTES), 2: ("sequence", UINT),
                     3: ("whole", UINT)}),
    22: ("revoked", {1: ("serial", BYTES), 2: ("reason", UINT),
                     3: ("since", UINT), 4: ("not_after", UINT),
                     5: ("bundle", UINT), 6: ("date", UINT)}),
    23: ("key_revoked", {1: ("key_id", BYTES), 2: ("reason", UINT),
                         3: ("since", UINT)}),
    24: ("crl", {1: ("number", UINT), 2: ("this_update", UINT),
                 3: ("next_update", UINT), 4: ("issuer", BYTES),
                 5: ("requester", BYTES), 6: ("upto", UINT),
                 7: ("kept", UINT), 8: ("revoked", UINT),
                 9: ("digest", BYTES), 10: ("signature", BYTES),
                 11: ("salt", BYTES), 12: ("iv", BYTES)}),
    28: ("crl_series", {1: ("first", UINT), 2: ("last", UINT),
                        3: ("start", UINT), 4: ("count", UINT),
                        5: ("period", UINT), 6: ("overlap", UINT),
                        7: ("generation", UINT)}),
    26: ("adopted", {1: ("crl_next", UINT)}),
    27: ("adopted_cert", {1: ("serial", BYTES), 2: ("not_after", UINT),
                          3: ("subject", TEXT), 4: ("der", BYTES)}),
    29: ("crl_seen", {1: ("number", UINT), 2: ("digest", BYTES)}),
    30: ("listed", {1: ("serial", BYTES)}),
}
OPTIONAL = {(2, 2), (18, 3), (18, 4), (19, 4), (22, 3), (22, 6), (23, 3), (24, 5), (24, 11), (24, 12),
            (27, 4)}
REASONS = (0, 1, 2, 3, 4, 5, 9, 10)
LOOSE = bytes(32)


class Wrong(Exception):
    pass


def want(truth, n, why):
    if not truth:
        raise Wrong(f"record {n}: {why}")


def sha256(data):
    return hashlib.sha256(data).digest()


def serial_of(der):
    number = x509.load_der_x509_certificate(der).serial_number
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def manifest_of(file):
    return cbor2.loads(cbor2.loads(file).value[2])


def spki_of(der):
    return x509.load_der_x509_certificate(der).public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def begin(key_id):
    return int.from_bytes(key_id[:8], "big", signed=True)


class Tables:
    """What the records come to."""

    def __init__(self):
        self.policy, self.requester, self.bundle = {}, {}, {}
        self.manifest, self.serial, self.certificate = {}, {}, {}
        self.revocation, self.revoked_key = {}, {}
        self.crl_series, self.crl = {}, {}
        self.listed = set()

    def add_serial(self, n, serial):
        want(serial not in self.serial, n, "a serial twice")
        self.serial[serial] = n

    def apply(self, n, at, kind, policy_id, b):
        if kind != 19:
            self.regaining = None
        self.at = at
        getattr(self, "apply_" + KINDS[kind][0])(n, policy_id, b)

    def apply_init(self, n, _, b):
        self.add_serial(n, serial_of(b["ca_cert"]))
        self.add_serial(n, serial_of(b["transfer_cert"]))

    def apply_transfer(self, n, _, b):
        self.add_serial(n, serial_of(b["cert"]))

    def apply_policy(self, n, policy_id, b):
        if "text" in b:
            want(sha256(b["text"]) == b["digest"], n, "policy's digest")
            want(policy_id == len(self.policy) + 1, n, "policy's id")
            self.policy[policy_id] = (b["digest"], n)
        want(self.policy[policy_id][0] == b["digest"], n, "another policy")

    def apply_enrol(self, n, _, b):
        key = sha256(b["spki"])
        q = self.requester.setdefault(key, dict(
            last_bundle=0, last_manifest=0, arrived=0, removed=-1))
        want(q["removed"] != 0, n, "enrolled already")
        want(not any(r["removed"] == 0 and r["label"] == b["label"]
                     for r in self.requester.values()), n, "label in use")
        q.update(label=b["label"], n=n, removed=0)

    def known(self, n, key):
        want(key in self.requester, n, "unknown requester")
        return self.requester[key]

    def apply_remove(self, n, _, b):
        q = self.known(n, b["key_id"])
        want(q["removed"] == 0, n, "removed already")
        q["removed"] = n

    def apply_bundle(self, n, _, b):
        want(all((x[0], x[2]) != (b["id"], b["requester"]) for x in self.bundle.values()), n,
             "id twice")
        self.bundle[n] = [b["id"], b["digest"], b["requester"],
                          b["sequence"], 0, 0]
        if b["requester"] != LOOSE:
            q = self.known(n, b["requester"])
            want(q["removed"] == 0, n, "removed requester")
            want(b["sequence"] > q["last_bundle"], n, "old sequence")
            q["last_bundle"] = b["sequence"]

    def open_bundle(self, n, bundle):
        want(bundle in self.bundle and self.bundle[bundle][4:] == [0, 0], n,
             "no such open bundle")

    def apply_intent(self, n, _, b):
        self.open_bundle(n, b["bundle"])
        self.add_serial(n, b["serial"])
        self.certificate[n] = [b["bundle"], b["not_after"], 0, 0, begin(b["key_id"])]

    def outcome(self, n, intent, column):
        want(intent in self.certificate and
             self.certificate[intent][2:4] == [0, 0], n, "no open intent")
        self.certificate[intent][column] = n

    def apply_result(self, n, _, b):
        self.outcome(n, b["intent"], 2)

    def apply_void(self, n, _, b):
        row = self.certificate.get(b["intent"])
        want(row and row[3] == 0, n, "no intent, or void already")
        if row[2]:
            self.open_bundle(n, row[0])
        row[3] = n

    def apply_refusal(self, n, _, b):
        self.open_bundle(n, b["bundle"])

    def apply_manifest(self, n, _, b):
        last = max((s for c, s in self.manifest if c == b["channel"]),
                   default=0)
        want(b["sequence"] == last + 1, n, "a gap in the channel")
        if b["bundle"]:
            self.open_bundle(n, b["bundle"])
            want(self.bundle[b["bundle"]][2] == b["channel"], n,
                 "the bundle of another requester")
            self.bundle[b["bundle"]][4] = b["sequence"]
        if b["channel"] != LOOSE:
            self.known(n, b["channel"])["last_manifest"] = b["sequence"]
        self.manifest[b["channel"], b["sequence"]] = [
            n, sha256(b["file"]), b["bundle"], 0]

    def apply_arrived(self, n, _, b):
        q = self.known(n, b["key_id"])
        want(q["arrived"] < b["sequence"] <= q["last_manifest"], n,
             "nothing under way")
        q["arrived"] = b["sequence"]

    def apply_abandon(self, n, _, b):
        self.open_bundle(n, b["bundle"])
        self.bundle[b["bundle"]][5] = n

    def apply_checked(self, n, _, b):
        row = self.manifest.get((b["channel"], b["sequence"]))
        want(row and row[3] == 0, n, "no response, or checked before")
        row[3] = n

    def apply_restored(self, n, _, b):
        pass

    def apply_recovered(self, n, _, b):
        pass

    def apply_history(self, n, _, b):
        pass

    def apply_import(self, n, _, b):
        last = max((s for c, s in self.manifest if c == b["channel"]),
                   default=0)
        want(b["sequence"] == last + 1, n, "a gap in the channel")
        m = manifest_of(b["file"])
        want(m[3] == b["sequence"] and m[14] == b["channel"], n,
             "the manifest of another place")
        want(m[12][0] == b["count"], n, "another ledger head")
        want(("bundle_id" in b) == (m[5] is not None), n,
             "a bundle, or none")
        bundle = 0
        if "bundle_id" in b:
            want(m[5] == {1: b["bundle_id"], 2: b["bundle_digest"]}, n,
                 "the manifest of another bundle")
            bundle = next((k for k, x in self.bundle.items()
                           if (x[0], x[2]) == (b["bundle_id"], b["channel"])), n)
            row = self.bundle.setdefault(
                bundle, [b["bundle_id"], b["bundle_digest"], b["channel"],
                         b["bundle_sequence"], 0, 0])
            want(row[1:3] == [b["bundle_digest"], b["channel"]] and
                 row[4] == 0, n, "its bundle is known otherwise")
            row[4:] = [b["sequence"], 0]
        q = self.requester.setdefault(b["channel"], dict(
            label="", n=n, removed=n, last_bundle=0))
        q["last_bundle"] = max(q["last_bundle"], b["bundle_sequence"])
        q["last_manifest"] = q["arrived"] = b["sequence"]
        self.manifest[b["channel"], b["sequence"]] = [
            n, sha256(b["file"]), bundle, 0]
        self.regaining = (bundle, m)
        numbers = [c[1] for c in m[10]]
        if numbers:
            self.crl_series.setdefault(max(numbers) + 1000, (max(numbers), n))

    def apply_regained(self, n, _, b):
        want(self.regaining is not None, n, "no import is before it")
        bundle, m = self.regaining
        entry = m[8][b["request"]][3][b["slot"]]
        want(entry[2] == sha256(b["der"]), n, "not what the manifest lists")
        serial = serial_of(b["der"])
        if serial in self.serial and serial not in self.listed:
            row = self.certificate[self.serial[serial]]
            want(row[0] == bundle and (row[2] == 0 or row[3] != 0), n,
                 "its serial has another certificate")
            row[2] = n
        else:
            self.listed.discard(serial)
            self.serial[serial] = n
            end = x509.load_der_x509_certificate(b["der"]).not_valid_after
            end = int(end.replace(tzinfo=datetime.timezone.utc).timestamp())
            self.certificate[n] = [bundle, end, n, 0, begin(sha256(spki_of(b["der"])))]

    def apply_revoked(self, n, _, b):
        want(b["serial"] in self.serial, n, "a serial that was never used")
        want(b["serial"] not in self.revocation, n, "revoked already")
        want(b["reason"] in REASONS, n, "a reason that is none")
        want(b["bundle"] == 0 or b["bundle"] in self.bundle, n, "no bundle")
        want(b.get("date", 0) <= self.at, n, "a revocation of the future")
        self.revocation[b["serial"]] = (
            n, b.get("date") or self.at, b["reason"], b.get("since"), b["not_after"])

    def apply_key_revoked(self, n, _, b):
        want(b["key_id"] not in self.revoked_key, n, "revoked already")
        want(b["reason"] in REASONS, n, "a reason that is none")
        self.revoked_key[b["key_id"]] = n

    def apply_crl_series(self, n, _, b):
        want(0 < b["first"] <= b["last"], n, "no numbers")
        want(all(last < b["first"] for last in self.crl_series), n,
             "numbers that were used")
        self.crl_series[b["last"]] = (b["first"], n)

    def apply_crl(self, n, _, b):
        newest = max(self.crl_series.items(), key=lambda s: s[1][1],
                     default=(0, (0, 0)))
        want(newest[1][0] <= b["number"] <= newest[0], n, "another series")
        want(b["number"] not in self.crl, n, "a number twice")
        want(("requester" in b) == ("salt" in b) == ("iv" in b), n,
             "a salt and an iv are a shadow's")
        self.crl[b["number"]] = n

    def apply_adopted(self, n, _, b):
        pass

    def apply_adopted_cert(self, n, _, b):
        self.add_serial(n, b["serial"])
        if "der" in b:
            serial = x509.load_der_x509_certificate(b["der"]).serial_number
            want(int.from_bytes(b["serial"], "big") == serial, n, "another serial")

    def apply_crl_seen(self, n, _, b):
        self.crl_series.setdefault(b["number"] + 1000, (b["number"], n))

    def apply_listed(self, n, _, b):
        self.add_serial(n, b["serial"])
        self.listed.add(b["serial"])

    def apply_clock(self, n, _, b):
        pass

    def apply_network(self, n, _, b):
        pass

    def rows(self):
        yield "policy", [(i, d, n) for i, (d, n) in self.policy.items()]
        yield "requester", [
            (k, q["label"], q["n"], q["removed"], q["last_bundle"],
             q["last_manifest"], q["arrived"])
            for k, q in self.requester.items()]
        yield "bundle", [(n, *b) for n, b in self.bundle.items()]
        yield "manifest", [(*k, *m) for k, m in self.manifest.items()]
        yield "serial", list(self.serial.items())
        yield "certificate", [(n, *c) for n, c in self.certificate.items()]
        yield "revocation", [(s, *r) for s, r in self.revocation.items()]
        yield "revoked_key", list(self.revoked_key.items())
        yield "crl_series", [(k, *s) for k, s in self.crl_series.items()]
        yield "crl", list(self.crl.items())


def body_of(n, kind, raw):
    want(kind in KINDS, n, f"kind {kind} is unknown")
    fields = KINDS[kind][1]
    body = cbor2.loads(raw)
    want(cbor2.dumps(body, canonical=True) == raw, n, "not deterministic CBOR")
    want(list(body) == sorted(body), n, "keys out of order")
    want(set(body) <= set(fields), n, "an unknown field")
    for key, (name, kind_of) in fields.items():
        if key in body:
            want(type(body[key]) is kind_of, n, f"{name} is of another type")
        else:
            want((kind, key) in OPTIONAL, n, f"{name} is missing")
    return {fields[key][0]: value for key, value in body.items()}


def walk(db, heads):
    tables, previous, last_at, policy = Tables(), bytes(32), 0, None
    count, other = 0, set()
    for n, at, kind, policy_id, raw, digest in db.execute(
            "SELECT n, at, kind, policy, body, hash FROM record ORDER BY n"):
        body = body_of(n, kind, raw) if n == count + 1 or kind == 18 else {}
        if kind == 18:
            count = max(count, body["count"])
        count += 1
        want(n == count, count, "is missing")
        want(at >= last_at or kind == 11, n, "its time goes back")
        if kind == 11:
            want(body["before"] == last_at, n, "another time before it")
        if kind == 2:
            policy = policy_id
        want(policy == policy_id, n, "the policy changed without a record")
        tables.apply(n, at, kind, policy_id, body)
        item = cbor2.dumps([n, previous, at, kind, tables.policy[policy][0],
                            cbor2.loads(raw)], canonical=True)
        want(sha256(item) == digest, n, "its hash does not fit")
        if kind == 18:
            other.discard(tuple(manifest_of(body["file"])[12]))
        if n in heads and heads[n] != digest:
            other.add((n, heads[n]))
        previous, last_at = digest, at
    for n, _ in other:
        want(False, n, "a head of another history")
    for n in heads:
        want(n <= count, n, "a head knows it, the ledger ends before")
    return tables, count


def compare(db, tables):
    known = {r[0] for r in db.execute("SELECT name FROM sqlite_master")}
    for name, rows in tables.rows():
        if name not in known and not rows:
            continue  # an older ledger, which has nothing to put there
        stored = set(db.execute(f"SELECT * FROM {name}"))
        if name == "certificate":  # the last column is of version 7, and empty in older rows
            begins = {row[0]: row[5] for row in rows}
            stored = {(*r[:5], begins.get(r[0]) if len(r) == 5 or r[5] is None else r[5])
                      for r in stored}
        for row in stored ^ set(rows):
            raise Wrong(f"table {name}: row {row[0]!r} is not what the "
                        "records say")


def main(path, *heads):
    if path.endswith(".sql"):
        db = sqlite3.connect(":memory:")
        with open(path, encoding="utf-8") as f:
            db.executescript(f.read())
    else:
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        want(db.execute("PRAGMA user_version").fetchone()[0] in (1, 2, 3, 4, 5, 6, 7), 0,
             "another version")
        tables, count = walk(db, {
            int(n): bytes.fromhex(h)
            for n, h in (head.split(":") for head in heads)})
        compare(db, tables)
    except Wrong as wrong:
        print(f"{path}: {wrong}")
        return 1
    print(f"{path}: {count} records, whole")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
