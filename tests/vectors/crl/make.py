#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the CRLs of this directory anew, by a CA that it makes too."""
import datetime
import os
import subprocess
import sys
import tempfile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../tools"))
import crl_der as d  # noqa: E402

THIS, WEEK = 1800000000, 7 * 86400
UNTIL = THIS + WEEK
PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER


def authority(name, key):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CRL vectors")])
    start = datetime.datetime(2026, 1, 1)
    cert = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
            .public_key(key.public_key()).serial_number(7).not_valid_before(start)
            .not_valid_after(start.replace(year=2060))
            .add_extension(x509.BasicConstraints(True, 0), True)
            .add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .sign(key, hashes.SHA256()))
    write(name + ".pem", cert.public_bytes(PEM))
    return cert


def write(name, content):
    with open(os.path.join(HERE, name), "wb") as f:
        f.write(content)


def by_openssl(key, cert, folder):
    with open(folder + "/ca.cnf", "w") as f:
        f.write(f"""[ca]
default_ca=x
[x]
database={folder}/index.txt
crlnumber={folder}/crlnumber
default_md=sha256
crl_extensions=e
[e]
authorityKeyIdentifier=keyid
""")
    with open(folder + "/index.txt", "w") as f:
        for serial, why in (("01", ""), ("1234", ",keyCompromise"), ("80FF", ",superseded"),
                            ("8A" * 20, ",CACompromise")):
            f.write(f"R\t300101000000Z\t260101000000Z{why}\t{serial}\tunknown\t/CN={serial}\n")
    with open(folder + "/crlnumber", "w") as f:
        f.write("2A\n")
    with open(folder + "/ca.pem", "wb") as f:
        f.write(cert.public_bytes(PEM))
    subprocess.run(["openssl", "ca", "-config", folder + "/ca.cnf", "-gencrl", "-keyfile",
                    folder + "/key.pem", "-cert", folder + "/ca.pem", "-crl_lastupdate",
                    "20270115080000Z", "-crl_nextupdate", "20270122080000Z", "-out",
                    folder + "/crl.pem"], check=True)
    return subprocess.check_output(["openssl", "crl", "-in", folder + "/crl.pem", "-outform", "der"])


def by_gnutls(folder, revoke):
    """`revoke`: a certificate to be in it, or None."""
    with open(folder + "/crl.cfg", "w") as f:
        f.write("crl_next_update = 7\ncrl_number = 43\n")
    more = ["--load-certificate", revoke] if revoke else []
    subprocess.run(["certtool", "--generate-crl", "--load-ca-privkey", folder + "/key.pem",
                    "--load-ca-certificate", folder + "/ca.pem", "--template", folder + "/crl.cfg",
                    "--outder", "--outfile", folder + "/crl.der", *more], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(folder + "/crl.der", "rb") as f:
        return f.read()


def by_pyca(key, cert, n):
    when = datetime.datetime(2027, 1, 15, 8)
    crl = (x509.CertificateRevocationListBuilder().issuer_name(cert.subject)
           .last_update(when).next_update(when + datetime.timedelta(7))
           .add_extension(x509.CRLNumber(n), False)
           .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), False))
    for serial, why in ((0x0102, x509.ReasonFlags.key_compromise), (0x7F00, None)):
        one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(
            when - datetime.timedelta(1))
        if why:
            one = one.add_extension(x509.CRLReason(why), False).add_extension(
                x509.InvalidityDate(when - datetime.timedelta(30)), False)
        crl = crl.add_revoked_certificate(one.build())
    return crl.sign(key, hashes.SHA256()).public_bytes(DER)


def bad(key, cert):
    ski = d.issuer_of(cert)[1]
    one = d.entry(b"\x01", THIS)
    idp = d.extension("551d1c", d.tlv(0x30, "8101ff"), True)
    usual = [d.aki(ski), d.number(9)]

    def crl(entries=(), n=9, this=THIS, until=UNTIL, **other):
        return d.crl(key, cert, n, this, until, entries, **other)

    def listing(*extensions, at=THIS, serial=b"\x05"):
        return crl([d.entry(serial, at, *extensions)])

    good = crl([one])
    yield "version-1", crl(version=b"")
    yield "version-3", crl(version=bytes.fromhex("020102"))
    yield "algorithm-sha1", crl(inner=bytes.fromhex("300906072a8648ce3d0401"))
    yield "algorithm-outer", crl(outer=bytes.fromhex(d.ECDSA384))
    yield "issuer-empty", crl(issuer=b"\x30\0")
    yield "next-none", crl(next=b"")
    yield "next-equal", crl(until=THIS)
    yield "time-type", crl(next=d.time(UNTIL, True))
    yield "time-day", crl(next=d.tlv(0x17, b"270230000000Z"))
    yield "list-empty", crl(revoked=b"\x30\0")
    yield "number-none", crl(extensions=usual[:1])
    yield "number-zero", crl(n=0)
    yield "number-large", crl(n=1 << 53)
    yield "number-160-bit", crl(n=1 << 159)
    yield "number-twice", crl(extensions=usual + usual[1:])
    yield "aki-none", crl(extensions=usual[1:])
    yield "aki-twice", crl(extensions=usual[:1] + usual)
    yield "aki-serial", crl(extensions=[d.extension("551d23", d.tlv(0x30, d.tlv(0x80, ski), "820101")), usual[1]])
    yield "extensions-none", crl(list=b"")
    yield "extensions-empty", crl(list=d.tlv(0xa0, "020101"))
    yield "critical-number", crl(extensions=[usual[0], d.extension("551d14", d.integer(9), True)])
    yield "critical-unknown", crl(extensions=usual + [d.extension("2a0304", "0500", True)])
    yield "unknown", crl(extensions=usual + [d.extension("2a0304", "0500")])
    yield "idp", crl(extensions=usual + [idp])
    yield "delta", crl(extensions=usual + [d.extension("551d1b", d.integer(8), True)])
    yield "default-written", crl(extensions=[usual[0], d.tlv(0x30, "0603551d14", "010100", d.tlv(4, d.integer(9)))])
    yield "entry-critical", listing(d.tlv(0x30, "0603551d15", "0101ff", d.tlv(4, "0a0101")))
    yield "entry-issuer", listing(d.extension("551d1d", d.tlv(0x30, d.tlv(0xa4, d.issuer_of(cert)[0])), True))
    yield "entry-unknown", listing(d.extension("2a0304", "0500"))
    for code in (0, 6, 7, 8, 11):
        yield f"reason-{code}", listing(d.reason(code))
    yield "reason-twice", listing(d.reason(1), d.reason(1))
    yield "since-type", listing(d.extension("551d18", d.time(THIS)))
    yield "since-twice", listing(d.since(THIS), d.since(THIS))
    yield "entry-future", listing(at=THIS + 1)
    yield "entry-no-extension", crl([d.tlv(0x30, "020105", d.time(THIS), "3000")])
    yield "serial-zero", listing(serial=b"\0")
    yield "serial-negative", crl([d.tlv(0x30, "0201ff", d.time(THIS))])
    yield "serial-21", listing(serial=b"\x01" * 21)
    yield "serial-long-form", crl([d.tlv(0x30, "02020001", d.time(THIS))])
    yield "order", crl([d.entry(b"\x02", THIS), one])
    yield "order-twice", crl([one, one])
    yield "order-longer", crl([d.entry(b"\x01\x02", THIS), one])
    yield "entry-large", crl([d.tlv(0x30, d.integer(5), d.time(THIS), d.tlv(0x30, *[d.reason(1)] * 9))])
    yield "behind", good + b"\0"
    yield "behind-signature", crl(behind_signature=b"\x05\0")
    yield "behind-tbs", crl(behind_tbs=b"\x05\0")
    yield "cut", good[:-1]
    yield "cut-entries", good[:60]
    yield "nothing", b""
    yield "indefinite", b"\x30\x80" + good[4:] + b"\0\0"
    yield "claims-2gib", b"\x30\x84\x80\0\0\0" + good[4:]
    yield "claims-entries", good.replace(d.tlv(0x30, one), b"\x30\x84\x7f\xff\xff\xff" + one)
    yield "certificate", cert.public_bytes(DER)


def main():
    key = ec.generate_private_key(ec.SECP256R1())
    cert = authority("ca", key)
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/key.pem", "wb") as f:
            f.write(key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        write("good-openssl.der", by_openssl(key, cert, folder))
        write("good-gnutls.der", by_gnutls(folder, folder + "/ca.pem"))
        write("bad-gnutls-none.der", by_gnutls(folder, None))
    write("good-pyca.der", by_pyca(key, cert, 44))
    write("good-2050.der", d.crl(key, cert, (1 << 53) - 1, 2524607999, 2524608000 + WEEK,
                                 [d.entry(b"\xff" * 19 + b"\x01", 2524607999, d.since(1), d.reason(10))]))
    for name, other in (("rsa", rsa.generate_private_key(65537, 2048)), ("p384", ec.generate_private_key(ec.SECP384R1()))):
        write(f"good-{name}.der", d.crl(other, authority("ca-" + name, other), 1, THIS, UNTIL, [d.entry(b"\x09", THIS)]))
    write("good-none.der", d.crl(key, cert, 2, THIS, UNTIL))
    good = d.crl(key, cert, 9, THIS, UNTIL, [d.entry(b"\x01", THIS)])
    write("signature-other-key.der", d.crl(other, cert, 9, THIS, UNTIL, [d.entry(b"\x01", THIS)]))
    write("signature-flipped.der", good[:-1] + bytes([good[-1] ^ 1]))
    write("signature-entry.der", good.replace(b"\x02\x01\x01\x17", b"\x02\x01\x02\x17"))
    write("signature-none.der", d.crl(key, cert, 9, THIS, UNTIL, signature=b"\x30\0"))
    for name, content in bad(key, cert):
        write(f"bad-{name}.der", content)


main()
