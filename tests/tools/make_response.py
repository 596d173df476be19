#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Changes the first certificate of a response, and what its manifest says, and signs
both again: what a CA that lies could make. By libraries that are not ours.

    make_response.py CA-KEY TRANSFER-KEY RESPONSE PYTHON

PYTHON is run with these names:
    p      the manifest's payload      entry  what it says of the certificate
    tbs    the certificate without its signature; set to other bytes
    key    set to another private key: who signs the certificate
    der    set to bytes: the certificate instead
    swap(OLD, NEW)  puts NEW for OLD, of the same length, into tbs, in its last place
    behind(MORE)    puts MORE into tbs as the last of its extensions
    d      the module crl_der; ca  the CA's certificate; ca_key  its key
    crl(N, THIS, UNTIL, ENTRIES=(), **OTHER)  adds a CRL (crl_der.crl) and says so in
           the manifest; gives what the manifest says, to be changed
    shadow(N, THIS, UNTIL, BYTES)  adds an encrypted one, whatever its bytes are
    now    when the manifest was signed; serial  the first certificate's
"""
import base64
import hashlib
import os
import sys

import cbor2
import crl_der as d
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


def encode(value):
    return cbor2.dumps(value, canonical=True)


def load_key(path):
    with open(path, "rb") as f:
        return serialization.load_pem_private_key(f.read(), None)


def new_key():
    return ec.generate_private_key(ec.SECP256R1())


def spki(key):
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def tlv(tag, body):
    n = len(body)
    size = bytes([n]) if n < 128 else bytes([0x81, n]) if n < 256 else b"\x82" + n.to_bytes(2, "big")
    return bytes([tag]) + size + body


def split(der):
    """A certificate of 256 bytes or more: its tbs, the algorithm behind it."""
    tbs = der[4:8 + int.from_bytes(der[6:8], "big")]
    rest = der[4 + len(tbs):]
    return tbs, rest[:2 + rest[1]]


def main():
    ca_key, transfer_key, folder, change = sys.argv[1:]
    with open(folder + "/manifest.cose", "rb") as f:
        head, unprotected, payload, _ = cbor2.load(f).value
    p = cbor2.loads(payload)
    entry = p[8][0][3][0]
    name = entry[3]
    with open(f"{folder}/{name}") as f:
        lines = f.read().splitlines()
    begin, end = lines.index(BEGIN), lines.index(END)
    old = base64.b64decode("".join(lines[begin + 1:end]))
    tbs, algorithm = split(old)
    env = {"p": p, "entry": entry, "tbs": tbs, "algorithm": algorithm, "key": load_key(ca_key),
           "der": None, "new_key": new_key, "spki": spki, "hashlib": hashlib, "tlv": tlv}

    def swap(was, becomes):
        at = env["tbs"].rindex(was)
        assert len(was) == len(becomes)
        env["tbs"] = env["tbs"][:at] + becomes + env["tbs"][at + len(was):]

    def behind(more):
        for at in range(4, len(tbs)):
            for size in range(4, 9):  # of both heads, [3] and SEQUENCE
                extensions = tbs[at + size:]
                if tlv(0xa3, tlv(0x30, extensions)) == tbs[at:]:
                    env["tbs"] = tlv(0x30, tbs[4:at] + tlv(0xa3, tlv(0x30, extensions + more)))
                    return
        raise SystemExit("no extensions")

    with open(folder + "/ca.pem", "rb") as f:
        ca = x509.load_pem_x509_certificate(f.read())

    def put(n, this, until, name, digest, revoked, kind):
        p[10].append({1: n, 2: this, 3: until, 4: digest, 5: name, 6: revoked,
                      7: d.key_id(ca), 8: kind})
        return p[10][-1]

    def crl(n, this, until, entries=(), key=None, **other):
        der = other.pop("der", None) or d.crl(key or env["ca_key"], ca, n, this, until, entries, **other)
        with open(f"{folder}/crl-{n}.crl", "wb") as f:
            f.write(der)
        return put(n, this, until, f"crl-{n}.crl", hashlib.sha256(der).digest(), len(entries), 0)

    def shadow(n, this, until, content):
        name = f"crl-{n}.shadow"
        with open(f"{folder}/{name}", "wb") as f:
            f.write(content)
        p[11].append({1: name, 2: len(content), 3: hashlib.sha256(content).digest()})
        return put(n, this, until, name, hashlib.sha256(b"plain").digest(), 1, 1)

    env["swap"], env["behind"] = swap, behind
    env.update(d=d, ca=ca, ca_key=env["key"], crl=crl, shadow=shadow, now=p[6], os=os,
               folder=folder, serial=entry[1])
    exec(change, env)
    der = env["der"]
    if der is None and (env["tbs"], env["algorithm"]) == (tbs, algorithm) and "signed" not in env:
        der = old
    if der is None:
        signature = env["key"].sign(env["tbs"], ec.ECDSA(hashes.SHA256()))
        der = tlv(0x30, env["tbs"] + env["algorithm"] + tlv(3, b"\0" + signature))
    if der != old:
        entry[2] = hashlib.sha256(der).digest()
        text = base64.b64encode(der).decode()
        body = [text[i:i + 64] for i in range(0, len(text), 64)]
        pem = "\n".join(lines[:begin + 1] + body + lines[end:]) + "\n"
        with open(f"{folder}/{name}", "w") as f:
            f.write(pem)
        for listed in p[11]:
            if listed[1] == name:
                listed[2], listed[3] = len(pem), hashlib.sha256(pem.encode()).digest()
    for touched in env.get("last", ()):  # after all that follows from the certificate
        touched()
    payload = encode(p)
    r, s = utils.decode_dss_signature(load_key(transfer_key).sign(
        encode(["Signature1", head, b"", payload]), ec.ECDSA(hashes.SHA256())))
    with open(folder + "/manifest.cose", "wb") as f:
        f.write(b"\xd2" + encode([head, unprotected, payload,
                                  r.to_bytes(32, "big") + s.to_bytes(32, "big")]))


main()
