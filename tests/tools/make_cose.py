#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Changes a bundle, manifest or card and signs it again, as an attacker who has
some key would, by libraries that are not ours (cbor2, cryptography).

    make_cose.py [--key PEM] [--cert PEM] IN OUT [PYTHON]

PYTHON is run with these names:
    p     the payload, decoded       h     the protected header, decoded
    raw   set to bytes: the payload  head  set to bytes: the header, encoded
    sig   set to bytes: the signature instead of the key's
    file  set to a function: the whole file's bytes to the bytes written
Without --key the signature stays as it was. --cert is put into x5chain (33);
for a bundle, the kid (4) and the key in the payload become those of --key
unless PYTHON sets `own = False`.
"""
import argparse
import hashlib

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

DIGEST = {256: (-7, hashes.SHA256()), 384: (-35, hashes.SHA384()),
          521: (-36, hashes.SHA512())}


def encode(value):
    return cbor2.dumps(value, canonical=True)


def spki(key):
    return key.public_key().public_bytes(
        serialization.Encoding.DER,
        serialization.PublicFormat.SubjectPublicKeyInfo)


def sign(key, head, payload):
    size = (key.curve.key_size + 7) // 8
    digest = DIGEST[key.curve.key_size][1]
    tbs = encode(["Signature1", head, b"", payload])
    r, s = utils.decode_dss_signature(key.sign(tbs, ec.ECDSA(digest)))
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--key")
    args.add_argument("--cert")
    args.add_argument("source")
    args.add_argument("to")
    args.add_argument("change", nargs="?", default="")
    args = args.parse_args()

    with open(args.source, "rb") as f:
        old_head, unprotected, old, sig = cbor2.load(f).value
    env = {"p": cbor2.loads(old), "h": cbor2.loads(old_head), "raw": None,
           "head": None, "sig": None, "file": lambda b: b, "own": True,
           "cbor2": cbor2, "hashlib": hashlib, "encode": encode}
    exec(args.change, env)
    key = None
    if args.key:
        with open(args.key, "rb") as f:
            key = serialization.load_pem_private_key(f.read(), None)
        env["h"][1] = DIGEST[key.curve.key_size][0]
        if 4 in env["h"] and env["own"]:
            env["h"][4] = hashlib.sha256(spki(key)).digest()
            env["p"][13][1] = spki(key)
    if args.cert:
        with open(args.cert, "rb") as f:
            cert = x509.load_pem_x509_certificate(f.read())
        env["h"][33] = cert.public_bytes(serialization.Encoding.DER)
    head = env["head"] if env["head"] is not None else encode(env["h"])
    payload = env["raw"] if env["raw"] is not None else encode(env["p"])
    if key is not None:
        sig = sign(key, head, payload)
    if env["sig"] is not None:
        sig = env["sig"]
    whole = b"\xd2" + encode([head, unprotected, payload, sig])
    with open(args.to, "wb") as f:
        f.write(env["file"](whole))


main()
