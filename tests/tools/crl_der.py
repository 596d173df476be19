# SPDX-License-Identifier: Apache-2.0
"""CRLs put together byte by byte and signed with pyca/cryptography: every part can be
another. Not a program; tests/vectors/crl/make.py and tests/tools/make_response.py use it.
"""
import datetime
import hashlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

ECDSA256, ECDSA384 = "300a06082a8648ce3d040302", "300a06082a8648ce3d040303"
RSA256 = "300d06092a864886f70d01010b0500"


def tlv(tag, *parts):
    body = b"".join(bytes.fromhex(p) if isinstance(p, str) else p for p in parts)
    n = len(body)
    octets = (n.bit_length() + 7) // 8
    size = bytes([n]) if n < 128 else bytes([0x80 + octets]) + n.to_bytes(octets, "big")
    return bytes([tag]) + size + body


def integer(n):
    return tlv(2, n.to_bytes(n.bit_length() // 8 + 1, "big"))


def time(at, generalized=False):
    t = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=at)
    if t.year >= 2050 or generalized:
        return tlv(0x18, t.strftime("%Y%m%d%H%M%SZ").encode())
    return tlv(0x17, t.strftime("%y%m%d%H%M%SZ").encode())


def extension(oid, value, critical=False):
    return tlv(0x30, tlv(6, oid), "0101ff" if critical else b"", tlv(4, value))


def reason(code):
    return extension("551d15", tlv(10, bytes([code])))


def since(at):
    return extension("551d18", time(at, True))


def entry(serial, at, *extensions):
    """serial: its magnitude, as bytes."""
    body = tlv(0x30, *extensions) if extensions else b""
    return tlv(0x30, integer(int.from_bytes(serial, "big")), time(at), body)


def number(n):
    return extension("551d14", integer(n))


def aki(key_id):
    return extension("551d23", tlv(0x30, tlv(0x80, key_id)))


def algorithm(key):
    if isinstance(key, rsa.RSAPrivateKey):
        return bytes.fromhex(RSA256)
    return bytes.fromhex(ECDSA384 if key.curve.name == "secp384r1" else ECDSA256)


def sign(key, tbs):
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(tbs, padding.PKCS1v15(), hashes.SHA256())
    digest = hashes.SHA384() if key.curve.name == "secp384r1" else hashes.SHA256()
    return key.sign(tbs, ec.ECDSA(digest))


def issuer_of(cert):
    """Name and subjectKeyIdentifier of an x509.Certificate."""
    ski = cert.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    return cert.subject.public_bytes(), ski.value.digest


def key_id(cert):
    spki = cert.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).digest()


def crl(key, cert, n, this, until, entries=(), **other):
    """A CRL as it should be, but for `other`: version, inner, issuer, next (bytes),
    revoked (bytes), extensions (a list), outer, signature, behind_tbs, behind."""
    name, ski = issuer_of(cert)
    inner = other.get("inner", algorithm(key))
    revoked = other.get("revoked", tlv(0x30, *entries) if entries else b"")
    tbs = tlv(0x30, other.get("version", bytes.fromhex("020101")), inner,
              other.get("issuer", name), time(this), other.get("next", time(until)), revoked,
              other.get("list", tlv(0xa0, tlv(0x30, *other.get("extensions", [aki(ski), number(n)])))),
              other.get("behind_tbs", b""))
    signature = other.get("signature") or sign(key, tbs)
    return tlv(0x30, tbs, other.get("outer", inner), tlv(3, b"\0", signature),
               other.get("behind_signature", b"")) + other.get("behind", b"")
