#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The DER of a certificate as text, every field on a line of its own.

usage: der_text.py CERTIFICATE [ISSUER]

Nothing is left out and nothing but DER is known here: each element is its tag, then its
value; extensions are gone into, and what fits stands on one line. What differs from run
to run is shown as what it must be, or not at all like that: <serial> is positive, of
16 bytes and no small number, <key-id> the first 160 bits of the key's SHA-256 (RFC 7093
2), <issuer-key-id> that of the issuer's. Times have their tag, and are cut to the hour.
"""
import base64
import hashlib
import re
import sys

NAMES = {
    "2.5.4.3": "commonName", "2.5.4.10": "organizationName",
    "1.2.840.113549.1.1.1": "rsaEncryption",
    "1.2.840.113549.1.1.11": "sha256WithRSAEncryption",
    "1.2.840.10045.2.1": "ecPublicKey", "1.2.840.10045.3.1.7": "P-256",
    "1.3.132.0.34": "P-384", "1.2.840.10045.4.3.2": "ecdsa-with-SHA256",
    "1.2.840.10045.4.3.3": "ecdsa-with-SHA384",
    "2.5.29.14": "subjectKeyIdentifier", "2.5.29.15": "keyUsage",
    "2.5.29.17": "subjectAltName", "2.5.29.19": "basicConstraints",
    "2.5.29.30": "nameConstraints", "2.5.29.31": "cRLDistributionPoints",
    "2.5.29.35": "authorityKeyIdentifier", "2.5.29.37": "extKeyUsage",
    "1.3.6.1.5.5.7.1.1": "authorityInfoAccess", "1.3.6.1.5.5.7.48.1": "ocsp",
    "1.3.6.1.5.5.7.3.1": "serverAuth", "1.3.6.1.5.5.7.3.2": "clientAuth",
    "1.3.6.1.5.5.7.8.5": "xmppAddr", "1.3.6.1.5.5.7.8.7": "dnsSRV",
}
TEXTS = {12: "UTF8String", 19: "PrintableString", 22: "IA5String"}
TIMES = {23: "UTCTime", 24: "GeneralizedTime"}
USES = ("digitalSignature nonRepudiation keyEncipherment dataEncipherment keyAgreement"
        " keyCertSign cRLSign").split()


def elements(data):
    """(tag byte, value) of each element; strict about lengths."""
    at = 0
    while at < len(data):
        tag, n, at = data[at], data[at + 1], at + 2
        if n >= 0x80:
            size, n = n & 0x7F, int.from_bytes(data[at:at + (n & 0x7F)], "big")
            assert n >= 0x80 and data[at] != 0, "a length that is not the shortest"
            at += size
        assert at + n <= len(data), "an element beyond its end"
        yield tag, data[at:at + n]
        at += n


def oid(value):
    parts, n = [], 0
    for byte in value:
        n = n << 7 | byte & 0x7F
        if not byte & 0x80:
            parts.append(n)
            n = 0
    first = min(parts[0] // 40, 2)
    text = ".".join(map(str, [first, parts[0] - 40 * first] + parts[1:]))
    return NAMES.get(text, text)


def der_of(path):
    data = open(path, "rb").read()
    pem = re.search(rb"-----BEGIN CERTIFICATE-----(.*?)-----END", data, re.S)
    return base64.b64decode(pem.group(1)) if pem else data


def tbs_of(der):
    ((_, certificate),) = elements(der)
    (_, tbs), _, _ = elements(certificate)
    return list(elements(tbs))


def key_of(der):
    _, (_, bits) = elements(tbs_of(der)[6][1])
    return bits[1:]


def key_id(der):
    return hashlib.sha256(key_of(der)).digest()[:20]


class Text:
    def __init__(self, der, issuer):
        self.known = {key_id(issuer): "<issuer-key-id>", key_id(der): "<key-id>"}
        self.key = key_of(der)
        self.serial = tbs_of(der)[1][1]

    def bits(self, value):
        if value[1:] == self.key:
            return "<key>"
        if len(value) > 8:
            return "<signature>"
        uses = [use for i, use in enumerate(USES) if value[1 + i // 8] & 0x80 >> i % 8]
        assert value[0] == 7 - USES.index(uses[-1]) % 8, "trailing zero bits"
        return " ".join(uses)

    def integer(self, value):
        number = int.from_bytes(value, "big", signed=True)
        if value == self.serial and number > 0xFFFF:
            assert len(value) == 16 and value[0] & 0x80 == 0
            return "<serial>"
        return str(number)

    def primitive(self, tag, value):
        if tag == 1:
            return "BOOLEAN " + {b"\0": "FALSE", b"\xff": "TRUE"}[value]
        if tag == 2:
            return "INTEGER " + self.integer(value)
        if tag == 3:
            return "BIT STRING " + self.bits(value)
        if tag == 5 and not value:
            return "NULL"
        if tag == 6:
            return oid(value)
        if tag in TEXTS:
            return "%s %s" % (TEXTS[tag], value.decode())
        if tag in TIMES:
            return "%s %s" % (TIMES[tag], value.decode()[:-5])
        name = "[%d]" % (tag & 0x1F) if tag & 0x80 else "OCTET STRING" if tag == 4 else "%02x" % tag
        if value in self.known:
            return "%s %s" % (name, self.known[value])
        if tag & 0x80 and value.isascii() and value.decode().isprintable():
            return "%s %s" % (name, value.decode())
        return "%s %s" % (name, value.hex())

    def tree(self, data):
        """A list of texts, and of (text, list) for what holds others."""
        for tag, value in elements(data):
            if tag == 4 and value not in self.known:
                yield "OCTET STRING", list(self.tree(value))
            elif tag & 0x20:
                kind = {0x30: "SEQUENCE", 0x31: "SET"}.get(tag, "[%d]" % (tag & 0x1F))
                yield kind, list(self.tree(value))
            else:
                yield self.primitive(tag, value)

    def short(self, node):
        if isinstance(node, str):
            return node
        return "%s { %s }" % (node[0], ", ".join(map(self.short, node[1])))

    def show(self, node, depth=0):
        text = "  " * depth + self.short(node)
        if isinstance(node, str) or len(text) <= 96:
            print(text)
            return
        print("  " * depth + node[0])
        for part in node[1]:
            self.show(part, depth + 1)


def main(path, issuer=None):
    der = der_of(path)
    text = Text(der, der_of(issuer) if issuer else der)
    for node in text.tree(der):
        text.show(node)


if __name__ == "__main__":
    main(*sys.argv[1:])
