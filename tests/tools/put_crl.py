#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Put a CRL into an online store as `install` leaves it there, for tests of what comes after.

put_crl.py STORE CA.PEM KEY.PEM NUMBER THIS NEXT [--shadow PASSFILE] [SERIAL...]

Dates are seconds since 1970. The serials, in hexadecimal, are revoked at THIS for a key
that leaked. With --shadow it is sealed under the passphrase in that file, by other code
than ours.
"""
import datetime
import hashlib
import os
import sqlite3
import sys

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

store, ca, key, number, this, next_, *rest = sys.argv[1:]
shadow = rest[1] if rest[:1] == ["--shadow"] else None
serials = rest[2:] if shadow else rest
ca = x509.load_pem_x509_certificate(open(ca, "rb").read())
key = serialization.load_pem_private_key(open(key, "rb").read(), None)


def moment(text):
    return datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=int(text))


def make():
    ski = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    crl = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(ca.subject)
        .last_update(moment(this))
        .next_update(moment(next_))
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ski), False)
        .add_extension(x509.CRLNumber(int(number)), False)
    )
    for serial in sorted(serials, key=bytes.fromhex):
        crl = crl.add_revoked_certificate(
            x509.RevokedCertificateBuilder()
            .serial_number(int(serial, 16))
            .revocation_date(moment(this))
            .add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), False)
            .build()
        )
    return crl.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def seal(plain):
    words = open(shadow).readline().strip().lower().replace("-", "").replace(" ", "")
    salt, iv = b"a salt for tests", os.urandom(12)
    cost = 14
    made = hashlib.scrypt(words.encode(), salt=salt, n=1 << cost, r=8, p=1, dklen=32, maxmem=1 << 28)
    header = cbor2.dumps(
        {1: 3, 3: "application/vnd.airgap-ca.shadow-crl+cbor", 5: iv, -70001: [salt, cost, 8, 1]}
    )
    sealed = AESGCM(made).encrypt(iv, plain, cbor2.dumps(["Encrypt0", header, b""]))
    return cbor2.dumps(cbor2.CBORTag(16, [header, {}, sealed]))


crl = make()
spki = ca.public_key().public_bytes(
    serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
)
name = f"crl-{number}.{'shadow' if shadow else 'crl'}"
data = seal(crl) if shadow else crl
folder = os.path.join(os.path.dirname(store), "crl")
os.makedirs(folder, mode=0o700, exist_ok=True)
with open(os.open(os.path.join(folder, name), os.O_WRONLY | os.O_CREAT, 0o600), "wb") as out:
    out.write(data)
with sqlite3.connect(store) as db:
    db.execute(
        "INSERT INTO crl (number, sha256, issuer, manifest, this_update, next_update, revoked,"
        " shadow, file, file_sha256)"
        " VALUES (?, ?, ?, (SELECT max(sequence) FROM manifest), ?, ?, ?, ?, ?, ?)",
        (
            int(number),
            hashlib.sha256(crl).digest(),
            hashlib.sha256(spki).digest(),
            int(this),
            int(next_),
            len(serials),
            int(shadow is not None),
            name,
            hashlib.sha256(data).digest(),
        ),
    )
