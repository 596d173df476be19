#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Cards of CAs that nobody should pin: each is right but for one thing in the CA
certificate or in one above it, and everything is signed again, so that nothing else is
wrong. Certificates are written here byte by byte, by no code of ours.

    make_ca_cards.py POLICY DIR

makes DIR/NAME.cose for each, and prints a line for each, with tabs between:
NAME, the SHA-256 of its CA certificate, the rule that refuses it ("-": it is good, and
must be pinned), a pattern of the sentence, and what is tested.
"""
import hashlib
import sys
import time

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

NOW = int(time.time())
DAY = 86400
DER, SPKI = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
TRANSFER = "1.2.840.113556.1.8000.2554.3773.5453.29442.19178.39301.1412352.7229322"

# ---- DER --------------------------------------------------------------------------


def tlv(tag, *parts):
    body = b"".join(parts)
    n = len(body)
    size = bytes([n]) if n < 128 else n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([tag]) + (size if n < 128 else bytes([0x80 | len(size)]) + size) + body


def seq(*parts):
    return tlv(0x30, *parts)


def oid(text):
    arcs = [int(x) for x in text.split(".")]
    out = b""
    for arc in [40 * arcs[0] + arcs[1]] + arcs[2:]:
        some = [arc & 127]
        while arc > 127:
            arc >>= 7
            some.append(128 | arc & 127)
        out += bytes(reversed(some))
    return tlv(6, out)


def integer(n):
    return tlv(2, n.to_bytes(n.bit_length() // 8 + 1, "big", signed=True))


def moment(at):
    return tlv(0x17, time.strftime("%y%m%d%H%M%SZ", time.gmtime(at)).encode())


def name(*attributes):
    return seq(*(tlv(0x31, seq(oid(kind), tlv(tag, text))) for kind, tag, text in attributes))


CN, O = "2.5.4.3", "2.5.4.10"
US = name((CN, 12, b"Test CA"))
ROOT, MIDDLE = name((CN, 12, b"Root")), name((CN, 12, b"Middle"))

# ---- keys and algorithms ------------------------------------------------------------

ECDSA_256, ECDSA_512 = seq(oid("1.2.840.10045.4.3.2")), seq(oid("1.2.840.10045.4.3.4"))
ECDSA_384, ECDSA_1 = seq(oid("1.2.840.10045.4.3.3")), seq(oid("1.2.840.10045.4.1"))
RSA_256 = seq(oid("1.2.840.113549.1.1.11"), b"\5\0")
RSA_1 = seq(oid("1.2.840.113549.1.1.5"), b"\5\0")
RSA_MD5 = seq(oid("1.2.840.113549.1.1.4"), b"\5\0")
ECDSA_MD5 = seq(oid("1.2.840.10045.4.3.9"))
ED = seq(oid("1.3.101.112"))
HASH = {ECDSA_256: hashes.SHA256(), ECDSA_384: hashes.SHA384(), ECDSA_512: hashes.SHA512(),
        ECDSA_1: hashes.SHA1(), RSA_256: hashes.SHA256(), RSA_1: hashes.SHA1(), ED: None}


def p256():
    return ec.generate_private_key(ec.SECP256R1())


def spki_of(key):
    return key.public_key().public_bytes(DER, SPKI)


def ski_of(spki):
    return hashlib.sha256(spki).digest()[:20]


def algorithm_of(key):
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return ED
    if isinstance(key, rsa.RSAPrivateKey):
        return RSA_256
    return {256: ECDSA_256, 384: ECDSA_384}.get(key.curve.key_size, ECDSA_512)


def sign(key, algorithm, tbs):
    digest = HASH.get(algorithm, hashes.SHA256())
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(tbs)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(tbs, padding.PKCS1v15(), digest)
    return key.sign(tbs, ec.ECDSA(digest))


def is_prime(n):
    if any(n % p == 0 for p in SMALL):
        return n in SMALL
    d, s = n - 1, 0
    while d % 2 == 0:
        d, s = d // 2, s + 1
    for a in SMALL[:12]:
        x = pow(a, d, n)
        if x in (1, n - 1):
            continue
        for _ in range(s - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


SMALL = [p for p in range(2, 2000) if all(p % q for q in range(2, int(p ** .5) + 1))]


def rsa_of_primes(p, q, e=65537):
    d = pow(e, -1, (p - 1) * (q - 1))
    return rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p),
                                 rsa.RSAPublicNumbers(e, p * q)).private_key()


def close_primes():
    good = rsa.generate_private_key(65537, 2048).private_numbers()
    q = good.p + 2
    while not is_prime(q) or (q - 1) % 65537 == 0:
        q += 2
    return rsa_of_primes(max(good.p, q), min(good.p, q))


def explicit_curve(key):
    """The same P-256, spelt out instead of named (RFC 5480 2.1.1 forbids it)."""
    p = 2 ** 256 - 2 ** 224 + 2 ** 192 + 2 ** 96 - 1
    b = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b
    g = bytes.fromhex("046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
                      "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")
    n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551
    params = seq(integer(1), seq(oid("1.2.840.10045.1.1"), integer(p)),
                 seq(tlv(4, (p - 3).to_bytes(32, "big")), tlv(4, b.to_bytes(32, "big"))),
                 tlv(4, g), integer(n), integer(1))
    return seq(seq(oid("1.2.840.10045.2.1"), params), tlv(3, b"\0" + spki_of(key)[-65:]))


def compressed(key):
    point = key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)
    return seq(seq(oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")), tlv(3, b"\0" + point))


# ---- a certificate --------------------------------------------------------------------

SKI, KU, BC = "2.5.29.14", "2.5.29.15", "2.5.29.19"
NC, POLICIES, AKI = "2.5.29.30", "2.5.29.32", "2.5.29.35"
LIMITS, EKU = "2.5.29.36", "2.5.29.37"
TRUE, FALSE = b"\1\1\xff", b"\1\1\0"


def bits(*octets, unused):
    return tlv(3, bytes([unused]), bytes(octets))


class Cert:
    """A CA certificate while it can still be changed: fields hold DER."""

    def __init__(self, key, subject, issuer=None, path_len=0):
        self.key, self.subject, self.issuer = key, subject, issuer or subject
        self.signer, self.algorithm, self.outer = key, algorithm_of(key), None
        self.spki = spki_of(key)
        self.version, self.serial = tlv(0xa0, integer(2)), tlv(2, b"\x41" + bytes(range(15)))
        self.begins, self.ends = moment(NOW - 10 * DAY), moment(NOW + 3650 * DAY)
        self.unique, self.tail, self.spoil, self.raw = b"", b"", None, None
        self.ext = [(BC, True, seq(TRUE, integer(path_len))),
                    (KU, True, bits(0x86, unused=1)),
                    (SKI, False, tlv(4, ski_of(self.spki)))]

    def put(self, kind, critical, value):
        """Instead of the one of that kind, or behind the others."""
        new = (kind, critical, value)
        if kind in [e[0] for e in self.ext]:
            self.ext = [new if e[0] == kind else e for e in self.ext]
        else:
            self.ext.append(new)

    def add(self, kind, critical, value):
        self.ext.append((kind, critical, value))

    def drop(self, kind):
        self.ext = [e for e in self.ext if e[0] != kind]

    def ski(self):
        """What those below name: without one of its own, SHA-1 of the key's bits."""
        return next((e[2][2:] for e in self.ext if e[0] == SKI),
                    x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()).digest)

    def by(self, above):
        """Issued by `above`."""
        self.issuer, self.signer = above.subject, above.key
        self.algorithm = algorithm_of(above.key)
        self.put(AKI, False, seq(tlv(0x80, above.ski())))

    def aki(self, value, critical=False):
        self.put(AKI, critical, value)

    def der(self):
        extensions = []
        for kind, critical, value in self.ext:
            said = {True: TRUE, False: b"", None: FALSE}[critical]
            extensions.append(seq(oid(kind), said, tlv(4, value)))
        tbs = seq(self.version, self.serial, self.algorithm, self.issuer,
                  seq(self.begins, self.ends), self.subject, self.spki, self.unique,
                  tlv(0xa3, seq(*extensions)) if extensions else b"", self.tail)
        signature = sign(self.signer, self.outer or self.algorithm, tbs)
        if self.spoil:
            signature = self.spoil(signature)
        der = seq(tbs, self.outer or self.algorithm, tlv(3, b"\0" + signature))
        return self.raw(der) if self.raw else der


def transfer_cert(ca, key):
    t = Cert(key, name((O, 12, b"Test CA"), ("2.5.4.11", 12, b"transfer")))
    t.by(ca)
    t.serial = tlv(2, b"\x42" + bytes(range(15)))
    t.begins, t.ends = moment(NOW - DAY), moment(NOW + 1000 * DAY)
    t.ext = [(BC, True, seq()), (KU, True, bits(0x80, unused=7)),
             (EKU, True, seq(oid(TRANSFER))), (SKI, False, tlv(4, ski_of(t.spki))),
             (AKI, False, seq(tlv(0x80, ca.ski())))]
    return t.der()


def card(ca, above, policy):
    key = p256()
    certs = [c.der() for c in [ca] + above]
    head = cbor2.dumps({1: -7, 3: "application/vnd.airgap-ca.ca-card+cbor",
                        33: transfer_cert(ca, key)}, canonical=True)
    payload = cbor2.dumps({1: 1, 2: hashlib.sha256(certs[0]).digest(), 3: certs, 4: NOW,
                           5: policy}, canonical=True)
    tbs = cbor2.dumps(["Signature1", head, b"", payload], canonical=True)
    r, s = utils.decode_dss_signature(key.sign(tbs, ec.ECDSA(hashes.SHA256())))
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    file = b"\xd2" + cbor2.dumps([head, {}, payload, signature], canonical=True)
    return file, hashlib.sha256(certs[0]).hexdigest()


# ---- what is changed --------------------------------------------------------------------

ROWS = []


def row(code, rule, pattern, promise, key=None):
    """One change: `ca` is the CA's certificate, `above` a list of those above it."""
    ROWS.append((code, rule, pattern, promise, key))


def good(code, promise, key=None):
    row(code, "-", "", promise, key)


def bad(code, pattern, promise, key=None):
    row(code, "CA-CERT", pattern, promise, key)


def subtree(base, more=b""):
    return seq(base, more)


def permitted(*bases):
    return seq(tlv(0xa0, *(subtree(b) for b in bases)))


def dns(text):
    return tlv(0x82, text)


UNDER = "root = Cert(p256(), ROOT, path_len=1); ca.by(root); above += [root]; "
CHAIN = ("root = Cert(p256(), ROOT, path_len=2); middle = Cert(p256(), MIDDLE, path_len=1); "
         "middle.by(root); ca.by(middle); above += [middle, root]; ")
SRV = tlv(0xa0, oid("1.3.6.1.5.5.7.8.7"), tlv(0xa0, tlv(0x16, b"example.org")))

good("", "the plain one is pinned")
good("ca.aki(seq(tlv(0x80, ca.ski())))", "so is one that names its own key")
good("ca.put(BC, True, seq(TRUE))", "one without a path length")
good("ca.put(NC, True, permitted(dns(b'example.org'), SRV))", "one with critical constraints")
good("ca.put(NC, False, seq(tlv(0xa0, seq(dns(b'example.org'))), "
     "tlv(0xa1, seq(tlv(0x87, bytes(8))), seq(tlv(0x87, bytes(32))))))",
     "one with constraints that are not critical, and no addresses")
good("ca.put(NC, True, permitted(tlv(0x87, bytes([10, 0, 0, 0, 255, 128, 0, 0])), "
     "tlv(0x81, b'a@example.org'), tlv(0x81, b'.example.org'), tlv(0x86, b'.example.org'), "
     "tlv(0xa4, US)))", "one with constraints of every kind")
good("ca.add('1.2.3.4', False, seq())", "one with an unknown extension that nobody need know")
good("ca.ends = tlv(0x18, b'20510101000000Z')", "one that ends after 2050")
OWN_AKI = "tlv(0xa1, tlv(0xa4, ca.subject)), tlv(0x82, ca.serial[2:])"
good("ca.aki(seq(tlv(0x80, ca.ski()), " + OWN_AKI + "))",
     "one whose authorityKeyIdentifier has its name and serial too, as easy-rsa's")
good("ca.aki(seq(" + OWN_AKI + "))", "one whose authorityKeyIdentifier has nothing else")
good("ca.put(BC, False, seq(TRUE))", "one with uncritical basicConstraints, as easy-rsa's")
good("ca.put(KU, False, bits(0x06, unused=1))", "one with uncritical keyUsage")
good("ca.drop(KU)", "one without keyUsage, as openssl's own configuration makes it")
good("ca.put(KU, True, bits(0x84, unused=2))", "one that may not sign CRLs")
good("ca.put(KU, True, bits(0xae, 0x80, unused=7))", "one with every use there is")
good("ca.put(SKI, False, tlv(4, hashlib.sha1(ca.spki[-65:]).digest()))",
     "one with a SHA-1 subjectKeyIdentifier")
good("ca.put(SKI, False, tlv(4, b'key'))", "one with another identifier")
good("ca.drop(SKI)", "one without a subjectKeyIdentifier")
good("ca.subject = ca.issuer = name((CN, 20, b'Test CA \\xe9'))",
     "one whose name is a TeletexString")
good("ca.subject = ca.issuer = name((CN, 30, 'Test CA \u00e9'.encode('utf-16-be')))",
     "one whose name is a BMPString")
good("ca.algorithm = ECDSA_1", "one that signed itself with SHA-1")
good("ca.algorithm = ECDSA_512", "one that signed itself with another SHA-2")
good("ca.algorithm = RSA_1", "one of RSA that signed itself with SHA-1",
     key=lambda: rsa.generate_private_key(65537, 2048))
good("", "one with an RSA key", key=lambda: rsa.generate_private_key(65537, 2048))
good("", "one with a P-384 key", key=lambda: ec.generate_private_key(ec.SECP384R1()))
good(UNDER, "one below a root")
good(CHAIN, "one below two others")
good("root = Cert(ed25519.Ed25519PrivateKey.generate(), ROOT, path_len=1); ca.by(root); "
     "above += [root]", "one below a root with an Ed25519 key")

row("ca.ends = moment(NOW - DAY)", "CA-DATES", "its validity ended at ", "that has ended")
row("ca.begins = moment(NOW + DAY)", "CA-DATES", "its validity begins at ", "that has not begun")
bad("ca.begins, ca.ends = ca.ends, ca.begins", "it ends before it begins", "that ends first")
bad("ca.ends = tlv(0x17, b'300230000000Z')", "a broken date", "that ends on 30 February")
bad("ca.ends = tlv(0x17, b'301301000000Z')", "a broken date", "that ends in a 13th month")
bad("ca.ends = tlv(0x17, b'300101240000Z')", "a broken date", "that ends at 24 h")
bad("ca.ends = tlv(0x17, b'3001010000Z')", "not to the second", "whose date has no seconds")
bad("ca.ends = tlv(0x17, b'300101000000+0000')", "not to the second", "whose date has an offset")
bad("ca.ends = tlv(0x18, b'20300101000000Z')", "a broken date",
    "whose year 2030 is a GeneralizedTime")
bad("ca.begins = tlv(0x18, b'20260101000000.5Z')", "not to the second",
    "whose date has fractions")

bad("ca.issuer = ROOT", "no authorityKeyIdentifier, and another issuer",
    "whose issuer is another name")
bad("ca.issuer = ROOT; ca.aki(seq(tlv(0x80, ca.ski())))", "issuer is not its subject, byte",
    "whose issuer is another name, and which names its own key")
bad("ca.issuer = name((CN, 19, b'Test CA')); ca.aki(seq(tlv(0x80, ca.ski())))",
    "issuer is not its subject, byte", "whose issuer is spelt as another type of string")
bad("ca.subject = ca.issuer = seq()", "an empty subject", "without a name")
bad("ca.issuer = seq(); ca.aki(seq(tlv(0x80, ca.ski())))", "an empty issuer",
    "without an issuer")
bad("ca.subject = ca.issuer = name((CN, 28, 'Test CA'.encode('utf-32-be')))",
    "of a type out of use", "whose name is a UniversalString")
bad("ca.subject = ca.issuer = name((CN, 12, b''))", "empty or no text", "whose CN is empty")
bad("ca.subject = ca.issuer = name((CN, 12, b'Test\\x1b[2J'))", "empty or no text",
    "whose CN drives a terminal")
# OpenSSL reads no certificate below it, and so not the one that signed the card.
row("ca.subject = ca.issuer = name((CN, 12, b'Test\\xff'))", "CA-CERT|TRANSFER-CERT",
    "not UTF-8|none with a usable key", "whose CN is no UTF-8")
bad("ca.subject = ca.issuer = seq(tlv(0x31))", "a malformed name", "whose name has an empty RDN")

bad("ca.serial = integer(0)", "its serial is not a positive", "with the serial 0")
bad("ca.serial = integer(-5)", "its serial is not a positive", "with a negative serial")
bad("ca.serial = tlv(2, b'\\x41' + bytes(20))", "its serial is not a positive",
    "with a serial of 21 octets")
bad("ca.serial = tlv(2, b'\\0\\x41')", "not in its shortest form",
    "with a serial that has a zero in front")
bad("ca.version = b''", "not X.509 v3", "that says v1 by saying nothing")
bad("ca.version = tlv(0xa0, integer(1))", "not X.509 v3", "of version 2")
bad("ca.version = tlv(0xa0, integer(3))", "not X.509 v3", "of version 4")
bad("ca.unique = tlv(0x81, b'\\0abc')", "not one X.509 v3", "with an issuerUniqueID")
bad("ca.tail = tlv(0xa4, seq())", "not one certificate|not one X.509 v3",
    "with a field more than there is")
bad("ca.raw = lambda der: der + b'\\0'", "bytes behind the value", "with a byte behind it")
bad("ca.raw = lambda der: b'\\x30\\x83\\0' + der[2:]", "no DER value|header that is not DER",
    "whose length is not the shortest")

bad("ca.algorithm = ECDSA_MD5", "signed with an algorithm that is not",
    "that signed itself with what nobody knows")
bad("ca.algorithm = RSA_MD5", "signed with an algorithm that is not", "signed with MD5",
    key=lambda: rsa.generate_private_key(65537, 2048))
bad("ca.outer = ECDSA_1", "its two signature algorithms differ", "signed with SHA-1 outside only")
bad("ca.outer, ca.algorithm = ECDSA_256, ECDSA_512", "its two signature algorithms differ",
    "whose two algorithms differ")
bad("ca.algorithm = seq(oid('1.2.840.10045.4.3.2'), b'\\5\\0')",
    "signed with an algorithm that is not", "whose algorithm has a parameter")
bad("ca.algorithm = seq(oid('1.2.840.113549.1.1.11'))", "signed with an algorithm that is not",
    "of RSA, whose algorithm lacks its NULL",
    key=lambda: rsa.generate_private_key(65537, 2048))
bad("ca.signer = p256()", "not of its own key", "signed by another key")
bad("ca.spoil = lambda s: s[:-1] + bytes([s[-1] ^ 1])", "not of its own key",
    "whose signature has one bit turned")

bad("", "its key is not RSA, P-256 or P-384", "with a P-521 key",
    key=lambda: ec.generate_private_key(ec.SECP521R1()))
bad("", "its key is not RSA, P-256 or P-384", "with a secp256k1 key",
    key=lambda: ec.generate_private_key(ec.SECP256K1()))
bad("", "its key is not RSA, P-256 or P-384", "with an Ed25519 key",
    key=ed25519.Ed25519PrivateKey.generate)
bad("", "an RSA key of 1024 bits", "with a short RSA key",
    key=lambda: rsa.generate_private_key(65537, 1024))
bad("", "KEY-RSA-EXPONENT", "with the RSA exponent 3",
    key=lambda: rsa.generate_private_key(3, 2048))
bad("", "KEY-CLOSE-PRIMES", "with an RSA key of two close primes", key=close_primes)
bad("ca.spki = compressed(ca.key)", "KEY-EC-POINT", "whose key is a compressed point")
bad("ca.spki = explicit_curve(ca.key)", "KEY-EC-PARAMS|not RSA, P-256",
    "whose key spells its curve out")

bad("ca.drop(BC)", "no basicConstraints", "without basicConstraints")
bad("ca.put(BC, True, seq())", "no basicConstraints with cA TRUE", "that is no CA")
bad("ca.put(BC, False, seq())", "no basicConstraints with cA TRUE",
    "that is no CA, and need not be read")
bad("ca.put(BC, True, seq(FALSE, integer(0)))", "no basicConstraints with cA TRUE",
    "that says cA FALSE")
bad("ca.put(BC, True, seq(b'\\1\\1\\1', integer(0)))", "not strict DER|broken extension",
    "whose TRUE is 01")
bad("ca.put(BC, True, seq(TRUE, integer(-1)))", "pathLenConstraint|broken extension",
    "with a negative path length")
bad("ca.put(BC, True, seq(TRUE, integer(256)))", "pathLenConstraint", "with a path length of 256")
bad("ca.put(BC, True, seq(TRUE, integer(0), integer(0)))", "pathLenConstraint|broken extension",
    "with something behind its path length")

bad("ca.put(KU, True, bits(0x82, unused=1))", "keyUsage has no keyCertSign",
    "without keyCertSign")
bad("ca.put(KU, False, bits(0x82, unused=1))", "keyUsage has no keyCertSign",
    "without keyCertSign, be it critical or not")
bad("ca.put(KU, True, bits(0x86, unused=0))", "no named bit list",
    "whose keyUsage has zeros at its end")
bad("ca.put(KU, True, tlv(3, b'\\0'))", "no named bit list|broken extension",
    "whose keyUsage is empty")

bad(UNDER + "ca.drop(SKI)", "no subjectKeyIdentifier",
    "below a root, without a subjectKeyIdentifier")
bad("ca.put(SKI, False, tlv(4))", "subjectKeyIdentifier is not one",
    "with an empty subjectKeyIdentifier")
bad("ca.put(SKI, False, tlv(4, bytes(65)))", "subjectKeyIdentifier is not one",
    "with a subjectKeyIdentifier of 65 octets")
bad("ca.put(SKI, True, tlv(4, ca.ski()))", "a critical extension besides",
    "with a critical subjectKeyIdentifier")
bad("ca.aki(seq(tlv(0x80, bytes(20))))", "authorityKeyIdentifier is not of itself",
    "whose authorityKeyIdentifier is not its subjectKeyIdentifier")
bad("ca.aki(seq(tlv(0x80, ca.ski()), tlv(0xa1, tlv(0xa4, ROOT)), tlv(0x82, ca.serial[2:])))",
    "not of itself", "whose authorityKeyIdentifier has another name")
bad("ca.aki(seq(tlv(0x80, ca.ski()), tlv(0xa1, tlv(0xa4, US)), tlv(0x82, b'\\x41')))",
    "not of itself", "whose authorityKeyIdentifier has another serial")
bad("ca.aki(seq(tlv(0x80, ca.ski()), tlv(0xa1, tlv(0xa4, US))))",
    "not of itself", "whose authorityKeyIdentifier has a name without a serial")
bad("ca.aki(seq())", "is empty|broken extension", "whose authorityKeyIdentifier is empty")
bad(UNDER + "ca.aki(seq(tlv(0x80, root.ski()), tlv(0xa1, tlv(0xa4, ROOT)), "
    "tlv(0x82, root.serial[2:])))", "not a keyid alone",
    "below a root, whose serial its authorityKeyIdentifier has")
bad("ca.aki(seq(tlv(0x80, ca.ski())), critical=True)", "a critical extension besides",
    "with a critical authorityKeyIdentifier")

bad("ca.add(SKI, False, tlv(4, ca.ski()))", "stands twice|broken extension",
    "with an extension twice")
bad("ca.add(BC, True, seq(TRUE))", "stands twice|broken extension",
    "with two basicConstraints")
bad("ca.add('1.2.3.4', False, seq()); ca.add('1.2.3.4', False, seq())", "stands twice",
    "with an unknown extension twice")
bad("ca.add('1.2.3.4', True, seq())", "a critical extension besides",
    "with an unknown critical extension")
bad("ca.add(LIMITS, True, seq(tlv(0x80, b'\\0')))", "a critical extension besides",
    "with critical policyConstraints")
bad("ca.add(POLICIES, True, seq(seq(oid('2.5.29.32.0'))))", "a critical extension besides",
    "with critical certificatePolicies")
bad("ca.add(EKU, True, seq(oid('1.3.6.1.5.5.7.3.1')))", "an extKeyUsage",
    "with a critical extKeyUsage")
bad("ca.add(EKU, False, seq(oid('1.3.6.1.5.5.7.3.1')))", "an extKeyUsage", "with an extKeyUsage")
bad("ca.add('1.2.3.4', None, seq())", "critical FALSE is written out",
    "that writes critical FALSE out")
bad("ca.add('1.2.3.4', False, b'\\x30\\x01')", "not strict DER",
    "with an extension that is cut short")
bad("ca.add('1.2.3.4', False, seq() + b'\\0')", "not strict DER",
    "with a byte behind an extension's value")
bad("ca.ext = []", "no X.509 v3|not one X.509 v3|basicConstraints", "without extensions")

NCB = "nameConstraints are malformed|broken extension"
bad("ca.put(NC, True, seq())", NCB, "whose constraints are empty")
bad("ca.put(NC, True, seq(tlv(0xa0)))", NCB, "whose constraints permit an empty list")
bad("ca.put(NC, True, permitted(dns(b'.example.org')))", NCB,
    "whose constraint has a dot in front")
bad("ca.put(NC, True, permitted(dns(b'*.example.org')))", NCB, "whose constraint is a wildcard")
bad("ca.put(NC, True, permitted(dns(b'example..org')))", NCB, "whose constraint has two dots")
bad("ca.put(NC, True, permitted(dns(b'example.org\\0.evil.com')))", NCB,
    "whose constraint has a NUL")
bad("ca.put(NC, True, permitted(dns('\\u00e9.org'.encode())))", NCB,
    "whose constraint is not ASCII")
bad("ca.put(NC, True, permitted(tlv(0x87, bytes(4))))", NCB, "whose constraint has no mask")
bad("ca.put(NC, True, permitted(tlv(0x87, bytes([10, 0, 0, 0, 255, 0, 255, 0]))))", NCB,
    "whose constraint has a mask with a hole")
bad("ca.put(NC, True, seq(tlv(0xa0, subtree(dns(b'example.org'), tlv(0x80, b'\\0')))))", NCB,
    "whose constraint writes the minimum 0")
bad("ca.put(NC, True, seq(tlv(0xa0, subtree(dns(b'example.org'), tlv(0x81, b'\\3')))))", NCB,
    "whose constraint has a maximum")
bad("ca.put(NC, True, permitted(tlv(0x88, oid('1.2.3')[2:])))", NCB,
    "whose constraint is a registeredID")
bad("ca.put(NC, True, permitted(tlv(0x86, b'https://example.org/')))", NCB,
    "whose constraint is a whole URI")
bad("ca.put(NC, True, permitted(tlv(0x81, b'@example.org')))", NCB,
    "whose constraint is half a mailbox")
bad("ca.put(NC, True, permitted(tlv(0xa0, oid('1.3.6.1.5.5.7.8.7'))))", NCB,
    "whose constraint is an otherName without a value")
bad("ca.put(NC, True, seq(tlv(0xa0, seq(dns(b'example.org'))), tlv(0xa2)))", NCB,
    "whose constraints have a third list")
bad("ca.put(NC, True, seq(tlv(0xa1, seq(dns(b'a.org'))), tlv(0xa0, seq(dns(b'b.org')))))", NCB,
    "whose constraints stand in the wrong order")

bad(UNDER + "above.clear()", "an issuer that is not here",
    "below a root that is not there")
bad(CHAIN + "above.pop()", "an issuer that is not here", "whose chain ends early")
bad(UNDER + "root.put(BC, True, seq(TRUE, integer(0)))", "certificate 2 allows 0 below",
    "below a root that allows none below")
bad(CHAIN + "root.put(BC, True, seq(TRUE, integer(1)))", "certificate 3 allows 1 below",
    "two below a root that allows one")
bad(UNDER + "root.put(BC, True, seq())", "certificate 2: no basicConstraints",
    "below what is no CA")
bad(UNDER + "root.put(KU, True, bits(0x82, unused=1))", "certificate 2: its keyUsage has no keyCertSign",
    "below what may sign no certificates")
bad(UNDER + "root.algorithm = ECDSA_1", "certificate 2: signed with an algorithm",
    "below a root signed with SHA-1")
bad(UNDER + "ca.algorithm = ECDSA_1", "signed with an algorithm", "that a root signed with SHA-1")
bad("root = Cert(rsa.generate_private_key(65537, 1024), ROOT, path_len=1); ca.by(root); "
    "above += [root]", "certificate 2: .*KEY-RSA-SIZE", "below a root with a short key")
row(UNDER + "root.ends = moment(NOW - DAY)", "CA-DATES", "certificate 2: its validity ended",
    "below a root that has ended")
row(UNDER + "root.begins = moment(NOW + DAY)", "CA-DATES", "certificate 2: its validity begins",
    "below a root that has not begun")
bad(UNDER + "ca.aki(seq(tlv(0x80, bytes(20))))", "certificate 2 did not issue",
    "that names another key than the root's")
bad(UNDER + "ca.drop(AKI)", "no authorityKeyIdentifier", "that names no key above it")
bad(UNDER + "ca.signer = p256()", "certificate 2 did not issue",
    "that the root did not sign")
bad(UNDER + "ca.issuer = MIDDLE", "certificate 2 did not issue",
    "whose issuer is not the root's name")
bad(UNDER + "root.spoil = lambda s: s[:-1] + bytes([s[-1] ^ 1])",
    "certificate 2: its signature is not", "below a root with a bad signature")
bad(CHAIN + "above.reverse()", "certificate 2 did not issue", "whose chain stands upside down")
bad("above.append(Cert(p256(), ROOT))", "did not issue|above one that signed itself",
    "with a root above that it does not need")
bad("above.append(Cert(ca.key, US))", "certificate 2 is above one that signed itself",
    "that signed itself, below another of its own key")
bad(UNDER + "root.add('1.2.3.4', True, seq())", "certificate 2: a critical extension besides",
    "below a root with an unknown critical extension")


def main():
    with open(sys.argv[1], "rb") as f:
        policy = f.read()
    for i, (code, rule, pattern, promise, key) in enumerate(ROWS):
        ca, above = Cert((key or p256)(), US), []
        exec(code, dict(globals(), ca=ca, above=above))
        file, digest = card(ca, above, policy)
        with open(f"{sys.argv[2]}/{i:03}.cose", "wb") as f:
            f.write(file)
        print(f"{i:03}", digest, rule, pattern or "-", promise, sep="\t")


main()
