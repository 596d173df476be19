#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""CSRs for a CA below another, in the forms that other CAs write them.

    make_sub_ca_csr.py DIR

Into DIR go FORM.csr and FORM.key for each row of FORMS, whose comment says whose form
it is and where that is written. No row is copied from a real one: what counts is which
extensions are there, in which form.

    make_sub_ca_csr.py DIR NAME SUBJECT ASK...

makes one more: SUBJECT as TAG:TYPE=TEXT,..., with the string type of each attribute
(u: UTF8String, p: PrintableString, i: IA5String, t: TeletexString, b: BMPString); ASK is
ca, path=N, usage, permit=DOMAIN, bad-constraints.
"""
import os
import sys

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding, NoEncryption, PrivateFormat, PublicFormat)


def tlv(tag, *parts):
    body = b"".join(bytes.fromhex(p) if isinstance(p, str) else p for p in parts)
    n = len(body)
    size = bytes([n]) if n < 128 else b"\x81" + bytes([n]) if n < 256 else b"\x82" + n.to_bytes(2, "big")
    return bytes([tag]) + size + body


TYPES = {"CN": "550403", "O": "55040a", "OU": "55040b", "C": "550406", "DC": "0992268993f22c640119",
         "serialNumber": "550405"}
TAGS = {"u": 12, "p": 19, "i": 22, "t": 20, "b": 30}


def subject(text):
    rdns = []
    for part in [p for p in text.split(",") if p]:
        kind, value = part.split("=", 1)
        tag, kind = kind.split(":")
        value = value.encode("utf-16-be" if tag == "b" else "latin-1" if tag == "t" else "utf-8")
        rdns.append(tlv(0x31, tlv(0x30, tlv(6, TYPES[kind]), tlv(TAGS[tag], value))))
    return tlv(0x30, *rdns)


def extension(oid, value, critical=False):
    return tlv(0x30, tlv(6, oid), *(["0101ff"] if critical else []), tlv(4, value))


def basic(path=None, critical=True):
    limit = [] if path is None else [tlv(2, path.to_bytes(path.bit_length() // 8 + 1, "big"))]
    return extension("551d13", tlv(0x30, "0101ff", *limit), critical)


def usage(bits, critical=True):
    return extension("551d0f", tlv(3, "01" if bits & 2 else "02", bytes([bits])), critical)


def san(*names):
    return extension("551d11", tlv(0x30, *[tlv(0x82, n.encode()) for n in names]))


def permit(domain):
    return extension("551d1e", tlv(0x30, tlv(0xa0, tlv(0x30, tlv(0x82, domain.encode())))), True)


EXTENSION_REQUEST = "2a864886f70d01090e"
DIGITAL, ENCIPHER, CERT_SIGN, CRL_SIGN = 0x80, 0x20, 0x04, 0x02


def wanted(*extensions):
    return tlv(0x30, tlv(6, EXTENSION_REQUEST), tlv(0x31, tlv(0x30, *extensions)))


# certreq and AD CS tell of Windows (MS-WCCE 2.2.2.7) and the caller.
OS_VERSION = tlv(0x30, tlv(6, "2b0601040182370d0203"), tlv(0x31, tlv(22, b"10.0.20348.2")))
CLIENT = tlv(0x30, tlv(6, "2b06010401823715" "14"),
             tlv(0x31, tlv(0x30, "020105", tlv(12, b"subca.corp.example.org"), tlv(12, b"CORP\\admin"),
                           tlv(12, b"certreq.exe"))))

FORMS = {
    # step certificate create NAME --csr: no basicConstraints, no keyUsage, the subject as a SAN
    # (smallstep/cli, command/certificate/create.go: "Use subject as default san").
    "step": (256, "p:CN=Example Intermediate CA", [wanted(san("Example Intermediate CA"))]),
    # Vault intermediate/generate: nothing but the SANs that are given
    # (hashicorp/vault, sdk/helper/certutil/helpers.go: createCSR).
    "vault": (3072, "u:O=Example,u:CN=Vault CA", []),
    # The same with add_basic_constraints, "for AD CS": critical, CA:TRUE, no path length.
    "vault-basic": (3072, "u:CN=Vault Basic CA", [wanted(basic(), san("Vault Basic CA"))]),
    # cert-manager isCA: keyUsage with its default usages, basicConstraints under a feature option
    # (cert-manager, pkg/util/pki/csr.go: GenerateCSR).
    "cert-manager": (256, "p:CN=cert-manager-ca",
                     [wanted(usage(DIGITAL | ENCIPHER | CERT_SIGN), basic(), san("cert-manager-ca"))]),
    # EJBCA, a CA signed by an external one: a subject and a key, an empty set of attributes
    # (Keyfactor/ejbca-ce, X509CAImpl.createRequest).
    "ejbca": (384, "u:CN=EJBCA Sub CA,u:O=Example,p:C=SE", []),
    # AD CS, a standalone subordinate CA: CA version, template name, SKI, keyUsage, basicConstraints,
    # in attributes of Windows (MS-WCCE 2.2.2.7.7, MS-WCCE 3.2.1.4.2.1).
    "ad-cs": (4096, "i:DC=org,i:DC=example,u:CN=example-SUBCA-CA",
              [OS_VERSION, CLIENT,
               wanted(extension("2b0601040182371501", "020100"),
                      extension("551d0e", tlv(4, bytes(20))),
                      extension("2b060104018237140" "2", tlv(30, "SubCA".encode("utf-16-be"))),
                      usage(DIGITAL | CERT_SIGN | CRL_SIGN, False), basic())]),
    # openssl req with v3_ca of its own openssl.cnf, and a path length.
    "openssl": (256, "p:C=SE,u:O=Example,u:CN=OpenSSL Sub CA",
                [wanted(basic(0), usage(CERT_SIGN | CRL_SIGN), permit("example.org"))]),
}


def new_key(bits):
    if bits > 521:
        return rsa.generate_private_key(65537, bits)
    return ec.generate_private_key(ec.SECP256R1() if bits == 256 else ec.SECP384R1())


def request(key, name, attributes):
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    info = tlv(0x30, "020100", name, spki, tlv(0xa0, *attributes))
    if isinstance(key, rsa.RSAPrivateKey):
        signature = key.sign(info, padding.PKCS1v15(), hashes.SHA256())
        algorithm = tlv(0x30, "06092a864886f70d01010b0500")
    else:
        signature = key.sign(info, ec.ECDSA(hashes.SHA256()))
        algorithm = tlv(0x30, "06082a8648ce3d040302")
    return tlv(0x30, info, algorithm, tlv(3, "00", signature))


def write(where, name, key, der):
    with open(os.path.join(where, name + ".csr"), "wb") as f:
        f.write(der)
    with open(os.path.join(where, name + ".key"), "wb") as f:
        f.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


ASKS = {"ca": basic(), "usage": usage(CERT_SIGN | CRL_SIGN),
        "bad-constraints": extension("551d1e", tlv(0x30, tlv(0xa5, "0500")), True)}


def ask(text):
    if text.startswith("path="):
        return basic(int(text[5:]))
    if text.startswith("permit="):
        return permit(text[7:])
    return ASKS[text]


if len(sys.argv) == 2:
    for form, (bits, name, attributes) in FORMS.items():
        key = new_key(bits)
        write(sys.argv[1], form, key, request(key, subject(name), attributes))
else:
    key = new_key(256)
    asked = [ask(a) for a in sys.argv[4:]]
    write(sys.argv[1], sys.argv[2], key,
          request(key, subject(sys.argv[3]), [wanted(*asked)] if asked else []))
