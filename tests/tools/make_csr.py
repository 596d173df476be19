#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes requests that no tool makes: a weak key, or a part that is not in its form.

    make_csr.py KEYS DIR

KEYS is tests/vectors/key. Into DIR goes a file for each row below, and a line for it
on standard output: FILE RULE WORDS, as tests/e2e/60-bad-csr.t has them. A weak key
does not sign its request, for it is looked at first: without that look the request
would be refused by another rule, CSR-POP.
"""
import os
import sys

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def tlv(tag, *parts):
    body = b"".join(bytes.fromhex(p) if isinstance(p, str) else p for p in parts)
    n = len(body)
    size = bytes([n]) if n < 128 else b"\x81" + bytes([n]) if n < 256 else b"\x82" + n.to_bytes(2, "big")
    return bytes([tag]) + size + body


KEY = ec.generate_private_key(ec.SECP256R1())
CN = tlv(0x30, tlv(0x31, tlv(0x30, "0603550403", tlv(0x0c, b"pair.example.org"))))
EXTENSION_REQUEST = "06092a864886f70d01090e"


def ed25519(*bits):
    return tlv(0x30, tlv(0x30, "06032b6570"), tlv(3, "00", *bits))


def request(spki=None, subject=CN, attributes=b""):
    signature = tlv(0x30, "020101020101")
    if spki is None:
        spki = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        info = tlv(0x30, "020100", subject, spki, tlv(0xa0, attributes))
        signature = KEY.sign(info, ec.ECDSA(hashes.SHA256()))
    info = tlv(0x30, "020100", subject, spki, tlv(0xa0, attributes))
    return tlv(0x30, info, tlv(0x30, "06082a8648ce3d040302"), tlv(3, "00", signature))


def attribute(oid, *values):
    return tlv(0x30, oid, tlv(0x31, *values))


def extended(*extensions):
    return request(attributes=attribute(EXTENSION_REQUEST, tlv(0x30, *extensions)))


def extension(oid, value):
    return tlv(0x30, tlv(6, oid), tlv(4, value))


def rows(keys):
    def key(name):
        with open(os.path.join(keys, name + ".der"), "rb") as f:
            return request(f.read())

    basic, usage, eku, san = "551d13", "551d0f", "551d25", "551d11"
    p = (1 << 255) - 19
    return [
        ("weak-even", "KEY-RSA-MODULUS", "modulus is even", key("even")),
        ("weak-factor", "KEY-RSA-MODULUS", "751 divides", key("factor-751")),
        ("weak-roca", "KEY-ROCA", "Infineon", key("roca")),
        ("weak-close", "KEY-CLOSE-PRIMES", "Fermat", key("close-100")),
        ("weak-known-rsa", "KEY-BLOCKED", "private half of this key is public", key("known-rfc-9500-2-1-1")),
        ("weak-known-ec", "KEY-BLOCKED", "private half of this key is public", key("known-rfc-9500-2-3-1")),
        ("weak-known-ed25519", "KEY-BLOCKED", "private half of this key is public", key("known-rfc-8032-7-1-1")),
        ("key-ed25519-not-canonical", "KEY-ED25519-POINT", "canonical form",
         request(ed25519((p + 3).to_bytes(32, "little")))),
        ("key-ed25519-31-bytes", "KEY-DER", "Ed25519 key of 31 bytes", request(ed25519(bytes(31)))),
        ("key-rsa-no-numbers", "KEY-DER", "not an RSAPublicKey",
         request(tlv(0x30, tlv(0x30, "06092a864886f70d010101", "0500"), tlv(3, "00", tlv(0x30, "0500"))))),
        ("names-subject", "CSR-FORM", "a subject of no known form",
         request(subject=tlv(0x30, tlv(0x31, tlv(0x30, "020101"))))),
        ("form-attribute", "CSR-FORM", "an attribute of no known form", request(attributes=tlv(0x30, "020101"))),
        ("form-extension", "CSR-FORM", "an extension of no known form", extended(tlv(0x30, "0500"))),
        ("form-extension-value", "CSR-FORM", "an extension of no known form",
         extended(tlv(0x30, tlv(6, basic), "0500"))),
        ("form-basic", "CSR-FORM", "basicConstraints of no known form", extended(extension(basic, "0500"))),
        ("form-basic-behind", "CSR-FORM", "basicConstraints of no known form",
         extended(extension(basic, tlv(0x30, "0500")))),
        ("form-usage", "CSR-FORM", "keyUsage of no known form", extended(extension(usage, "0500"))),
        ("form-eku", "CSR-FORM", "extendedKeyUsage of no known form", extended(extension(eku, "0500"))),
        ("form-eku-inside", "CSR-FORM", "extendedKeyUsage of no known form",
         extended(extension(eku, tlv(0x30, "0500")))),
        ("names-form", "CSR-FORM", "subjectAltName: a header that is not DER", extended(extension(san, tlv(0x30, "8205")))),
        ("names-other", "NAME-FORM", "an otherName of no known form",
         extended(extension(san, tlv(0x30, tlv(0xa0, "0500"))))),
    ]


def main():
    for name, rule, words, der in rows(sys.argv[1]):
        with open(os.path.join(sys.argv[2], name + ".der"), "wb") as f:
            f.write(der)
        print(name + ".der", rule, words)


main()
