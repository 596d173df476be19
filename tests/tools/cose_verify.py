#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Verify a bundle, manifest or card without any code of airgap-ca.

usage: cose_verify.py bundle FILE
       cose_verify.py manifest|card FILE [CA-CERT]

COSE_Sign1 by python3-cbor2 and python3-cryptography. A bundle verifies under
the key that it carries, whose digest must be its kid; a manifest or card under
the certificate in its x5chain. With CA-CERT (PEM or DER) that certificate must
be signed by the CA. Prints "good ALG KEY-ID"; exits 1 when not good.
"""
import hashlib
import sys

import cbor2
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import (
    Encoding, PublicFormat, load_der_public_key)

TYPES = {
    "bundle": "application/vnd.airgap-ca.csr-bundle+cbor",
    "manifest": "application/vnd.airgap-ca.transfer-manifest+cbor",
    "card": "application/vnd.airgap-ca.ca-card+cbor",
}
ECDSA = {-7: ("ES256", "secp256r1", 32, hashes.SHA256),
         -35: ("ES384", "secp384r1", 48, hashes.SHA384),
         -36: ("ES512", "secp521r1", 66, hashes.SHA512)}
PSS = {-37: ("PS256", hashes.SHA256), -38: ("PS384", hashes.SHA384), -39: ("PS512", hashes.SHA512)}


class Bad(Exception):
    pass


def want(fact, why):
    if not fact:
        raise Bad(why)


def verify_signature(alg, key, signature, tbs):
    """RFC 9053 section 2, RFC 8230 section 2. Returns the algorithm's name."""
    if alg in ECDSA:
        name, curve, width, digest = ECDSA[alg]
        want(isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == curve,
             "%s with another kind of key" % name)
        want(len(signature) == 2 * width, "a signature of %d bytes" % len(signature))
        r, s = (int.from_bytes(part, "big") for part in (signature[:width], signature[width:]))
        key.verify(utils.encode_dss_signature(r, s), tbs, ec.ECDSA(digest()))
    elif alg in PSS:
        name, digest = PSS[alg]
        want(isinstance(key, rsa.RSAPublicKey), "%s with another kind of key" % name)
        key.verify(signature, tbs, padding.PSS(padding.MGF1(digest()), digest.digest_size), digest())
    else:
        name = "EdDSA"
        want(alg == -8 and isinstance(key, ed25519.Ed25519PublicKey), "alg %d" % alg)
        key.verify(signature, tbs)
    return name


def signed_by(cert, ca):
    """A CA certificate's signature on another: PKCS#1 v1.5 or ECDSA."""
    want(cert.issuer == ca.subject, "another issuer than the CA")
    key = ca.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(cert.signature, cert.tbs_certificate_bytes, padding.PKCS1v15(),
                   cert.signature_hash_algorithm)
    else:
        key.verify(cert.signature, cert.tbs_certificate_bytes, ec.ECDSA(cert.signature_hash_algorithm))


def load_certificate(data):
    if data.startswith(b"-----BEGIN"):
        return x509.load_pem_x509_certificate(data)
    return x509.load_der_x509_certificate(data)


def verify(kind, data, ca=None):
    want(data[:1] == b"\xd2", "no tag 18")
    message = cbor2.loads(data)
    want(message.tag == 18 and len(message.value) == 4, "not a COSE_Sign1")
    protected, unprotected, payload, signature = message.value
    header = cbor2.loads(protected)
    want(unprotected == {}, "unprotected header")
    want(header[3] == TYPES[kind], "content type %s" % header[3])
    if kind == "bundle":
        want(set(header) == {1, 3, 4}, "header %s" % sorted(header))
        spki = cbor2.loads(payload)[13][1]
        want(hashlib.sha256(spki).digest() == header[4], "kid of another key")
        key = load_der_public_key(spki)
    else:
        want(set(header) == {1, 3, 33}, "header %s" % sorted(header))
        cert = x509.load_der_x509_certificate(header[33])
        key = cert.public_key()
        if ca is not None:
            signed_by(cert, ca)
    tbs = cbor2.dumps(["Signature1", protected, b"", payload])
    name = verify_signature(header[1], key, signature, tbs)
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return "good %s %s" % (name, hashlib.sha256(spki).hexdigest())


def main():
    if len(sys.argv) not in (3, 4) or sys.argv[1] not in TYPES:
        raise SystemExit(__doc__)
    with open(sys.argv[2], "rb") as f:
        data = f.read()
    ca = None
    if len(sys.argv) == 4:
        with open(sys.argv[3], "rb") as f:
            ca = load_certificate(f.read())
    try:
        print(verify(sys.argv[1], data, ca))
    except (Bad, KeyError, ValueError, InvalidSignature) as e:
        print("%s: %s: %s" % (sys.argv[2], type(e).__name__, e), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
