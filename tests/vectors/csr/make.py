#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Make the requests beside this script (see README). Keys are drawn anew, so a
second run makes other bytes of the same kinds. Needs openssl and certtool. With
names of files as arguments, only those that this script makes by itself."""
import base64
import pathlib
import subprocess
import sys
import tempfile

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

HERE = pathlib.Path(__file__).parent
ONLY = sys.argv[1:]


# ---- DER --------------------------------------------------------------------

def tlv(tag, *parts):
    body = b"".join(parts)
    n = len(body)
    if n < 0x80:
        return bytes([tag, n]) + body
    size = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + body


def seq(*parts):
    return tlv(0x30, *parts)


def oid(text):
    arcs = [int(a) for a in text.split(".")]
    out = b""
    for a in [40 * arcs[0] + arcs[1]] + arcs[2:]:
        groups = [a & 0x7f]
        while a := a >> 7:
            groups.append(a & 0x7f | 0x80)
        out += bytes(reversed(groups))
    return tlv(6, out)


def integer(n):
    return tlv(2, n.to_bytes(n.bit_length() // 8 + 1, "big"))


def bits(body):
    return tlv(3, b"\0", body)


NULL = tlv(5)
TRUE = tlv(1, b"\xff")
SAN, BC, KU, EKU, SKI, NC, POL = (
    "2.5.29.17", "2.5.29.19", "2.5.29.15", "2.5.29.37", "2.5.29.14",
    "2.5.29.30", "2.5.29.32")
RSA, PSS = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10"
EC_KEY, P256_OID = "1.2.840.10045.2.1", "1.2.840.10045.3.1.7"


def name(*attributes):
    return seq(*(tlv(0x31, seq(oid(o), tlv(tag, value)))
                 for o, tag, value in attributes))


CN = name(("2.5.4.3", 0x0c, b"www.example.org"))


def ext(o, value, critical=None):
    flag = b"" if critical is None else tlv(1, b"\xff" if critical else b"\0")
    return seq(oid(o), flag, tlv(4, value))


def dns(*names):
    return seq(*(tlv(0x82, n) for n in names))


def other(o, tag, value):
    return tlv(0xa0, oid(o), tlv(0xa0, tlv(tag, value)))


def wanted(*exts):
    return seq(oid("1.2.840.113549.1.9.14"), tlv(0x31, seq(*exts)))


SAN_OK = ext(SAN, dns(b"www.example.org"))


# ---- requests -----------------------------------------------------------------

def spki_of(key):
    return key.public_key().public_bytes(
        ser.Encoding.DER, ser.PublicFormat.SubjectPublicKeyInfo)


class Ecdsa:
    alg = seq(oid("1.2.840.10045.4.3.2"))

    def __init__(self, curve=ec.SECP256R1()):
        self.key = ec.generate_private_key(curve)
        self.spki = spki_of(self.key)

    def sign(self, tbs):
        return self.key.sign(tbs, ec.ECDSA(hashes.SHA256()))


class Rsa:
    def __init__(self, key, alg="1.2.840.113549.1.1.11", h=hashes.SHA256()):
        self.key, self.h = key, h
        self.spki = spki_of(key)
        self.alg = seq(oid(alg), NULL)

    def sign(self, tbs):
        return self.key.sign(tbs, padding.PKCS1v15(), self.h)


class Pss:
    """RSASSA-PSS, whose hashes have no NULL (RFC 4055 2.1)."""
    def __init__(self, key):
        sha = seq(oid("2.16.840.1.101.3.4.2.1"))
        self.key, self.spki = key, spki_of(key)
        self.alg = seq(oid(PSS), seq(
            tlv(0xa0, sha), tlv(0xa1, seq(oid("1.2.840.113549.1.1.8"), sha)),
            tlv(0xa2, integer(32))))

    def sign(self, tbs):
        return self.key.sign(tbs, padding.PSS(
            padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())


class Ed:
    alg = seq(oid("1.3.101.112"))

    def __init__(self):
        self.key = ed25519.Ed25519PrivateKey.generate()
        self.spki = spki_of(self.key)

    def sign(self, tbs):
        return self.key.sign(tbs)


class Unsigned:
    """Keys that nothing here can sign with."""
    def __init__(self, spki, alg):
        self.spki, self.alg = spki, alg

    def sign(self, _):
        return b"\x30\x06\x02\x01\x01\x02\x01\x01"


P256 = Ecdsa()


def csr(attributes=(), who=P256, subject=CN, version=0, sort=True):
    attributes = sorted(attributes) if sort else attributes
    info = seq(integer(version), subject, who.spki, tlv(0xa0, *attributes))
    return seq(info, who.alg, bits(who.sign(info)))


def write(file, der):
    if not ONLY or file + ".der" in ONLY:
        (HERE / (file + ".der")).write_bytes(der)


def write_text(file, text):
    if not ONLY or file in ONLY:
        (HERE / file).write_bytes(text if isinstance(text, bytes) else text.encode())


def asks(file, *exts):
    write(file, csr([wanted(*exts)]))


def pem(der, label="CERTIFICATE REQUEST"):
    text = base64.encodebytes(der).decode().replace("\n", "")
    lines = [text[i:i + 64] for i in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines,
                      f"-----END {label}-----", ""])


# ---- by other programs ----------------------------------------------------------

def openssl(*args):
    subprocess.run(["openssl", *args], check=True, capture_output=True)


def by_openssl():
    def req(file, *args):
        with tempfile.NamedTemporaryFile() as key:
            openssl("req", "-new", "-nodes", "-subj", "/CN=chat.sjd.se",
                    "-keyout", key.name, "-outform", "DER", "-out",
                    str(HERE / (file + ".der")), *args)

    def ec_req(file, curve, *more):
        req(file, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:" + curve,
            *more)

    names = ("-addext", "subjectAltName=DNS:josefsson.org,DNS:Chat.sjd.se,"
             "IP:192.0.2.1,IP:2001:db8::1,email:a@josefsson.org,"
             "URI:https://josefsson.org/a,"
             "otherName:1.3.6.1.5.5.7.8.7;IA5:_xmpp-client.josefsson.org,"
             "otherName:1.3.6.1.5.5.7.8.5;UTF8:simon@josefsson.org")
    ec_req("good-openssl-p256", "P-256", *names)
    ec_req("good-openssl-p384", "P-384")
    ec_req("good-openssl-p521", "P-521")
    req("good-openssl-rsa2048", "-newkey", "rsa:2048")
    req("good-openssl-rsa3744", "-newkey", "rsa:3744")
    req("good-openssl-ed25519", "-newkey", "ed25519")
    req("good-openssl-pss", "-newkey", "rsa:2048", "-sha384", "-sigopt",
        "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:-1")
    req("good-openssl-extensions", "-newkey", "ed25519", "-addext",
        "basicConstraints=critical,CA:FALSE", "-addext",
        "keyUsage=critical,digitalSignature,keyAgreement,decipherOnly",
        "-addext", "extendedKeyUsage=serverAuth,clientAuth", "-addext",
        "subjectKeyIdentifier=hash", "-addext", "tlsfeature=status_request")
    req("key-rsa-1024", "-newkey", "rsa:1024")
    req("key-rsa-e3", "-newkey", "rsa:2048", "-pkeyopt",
        "rsa_keygen_pubexp:3")
    ec_req("key-ec-explicit", "P-256", "-pkeyopt", "ec_param_enc:explicit")
    ec_req("key-ec-p224", "P-224")
    ec_req("key-ec-secp256k1", "secp256k1")
    req("key-ed448", "-newkey", "ed448")
    with tempfile.TemporaryDirectory() as d:
        openssl("dsaparam", "-out", d + "/p", "2048")
        openssl("gendsa", "-out", d + "/k", d + "/p")
        openssl("req", "-new", "-key", d + "/k", "-subj", "/CN=chat.sjd.se",
                "-outform", "DER", "-out", str(HERE / "key-dsa.der"))


def by_gnutls():
    with tempfile.TemporaryDirectory() as d:
        (pathlib.Path(d) / "t").write_text(
            'cn = "www.example.org"\ndns_name = "www.example.org"\n'
            "tls_www_server\nsigning_key\n"
            'challenge_password = "secret words"\n')
        subprocess.run(["certtool", "--generate-privkey", "--ecc", "--outfile",
                        d + "/k"], check=True, capture_output=True)
        subprocess.run(["certtool", "--generate-request", "--load-privkey",
                        d + "/k", "--template", d + "/t", "--outder",
                        "--outfile", str(HERE / "good-gnutls.der")],
                       check=True, capture_output=True)


# ---- keys ----------------------------------------------------------------------

def keys():
    sound = rsa.generate_private_key(65537, 2048)
    n = sound.public_key().public_numbers().n

    def with_exponent(file, e):
        spki = seq(seq(oid(RSA), NULL), bits(seq(integer(n), integer(e))))
        write(file, csr(who=Unsigned(spki, Rsa(sound).alg)))

    longer = seq(seq(oid(RSA), NULL), bits(seq(
        integer(n | 1 << 2048), integer(65537))))
    write("key-rsa-2049", csr(who=Unsigned(longer, Rsa(sound).alg)))
    with_exponent("key-rsa-e1", 1)
    with_exponent("key-rsa-e-even", 65538)
    with_exponent("key-rsa-e-65-bits", (1 << 64) + 1)

    def with_point(file, point):
        spki = seq(seq(oid(EC_KEY), oid(P256_OID)), bits(point))
        write(file, csr(who=Unsigned(spki, P256.alg)))

    point = P256.spki[-65:]
    parity = point[-1] & 1
    with_point("key-ec-infinity", b"\0")
    with_point("key-ec-compressed", bytes([2 + parity]) + point[1:33])
    with_point("key-ec-hybrid", bytes([6 + parity]) + point[1:])
    with_point("key-ec-off-curve", point[:-1] + bytes([point[-1] ^ 1]))
    with_point("key-ec-short", point[:-1])
    write("key-ed25519-small-order", csr(who=Unsigned(
        seq(seq(oid("1.3.101.112")), bits(b"\1" + bytes(31))), Ed.alg)))
    bare = Rsa(sound)
    bare.spki = seq(seq(oid(RSA)), bits(seq(integer(n), integer(65537))))
    bare.alg = seq(oid("1.2.840.113549.1.1.11"))
    write("good-rsa-no-null", csr([wanted(SAN_OK)], who=bare))

    write("sig-md5", csr(who=Rsa(sound, "1.2.840.113549.1.1.4", hashes.MD5())))
    write("sig-sha1", csr(who=Rsa(
        sound, "1.2.840.113549.1.1.5", hashes.SHA1())))
    write("sig-sha224", csr(who=Rsa(
        sound, "1.2.840.113549.1.1.14", hashes.SHA224())))
    no_null = Rsa(sound)
    no_null.alg = seq(oid("1.2.840.113549.1.1.11"))
    write("good-sig-rsa-no-null", csr(who=no_null))
    extra = Rsa(sound)
    extra.alg = seq(oid("1.2.840.113549.1.1.11"), integer(0))
    write("sig-rsa-parameters", csr(who=extra))
    null = Ecdsa()
    null.alg = seq(oid("1.2.840.10045.4.3.2"), NULL)
    write("good-ecdsa-null", csr([wanted(SAN_OK)], who=null))
    curve = Ecdsa()
    curve.alg = seq(oid("1.2.840.10045.4.3.2"), oid(P256_OID))
    write("sig-ecdsa-parameters", csr(who=curve))
    ed_null = Ed()
    ed_null.alg = seq(oid("1.3.101.112"), NULL)
    write("sig-ed25519-null", csr(who=ed_null))
    write("good-pss-no-null", csr([wanted(SAN_OK)], who=Pss(sound)))
    misfit = Rsa(sound)
    misfit.alg = P256.alg
    write("sig-misfit", csr(who=misfit))
    unknown = Rsa(sound)
    unknown.alg = seq(oid("1.2.3.4"), NULL)
    write("sig-unknown", csr(who=unknown))


# ---- what is asked ---------------------------------------------------------------

def extensions():
    asks("ask-ca", ext(BC, seq(TRUE), True))
    asks("ask-ca-uncritical", ext(BC, seq(TRUE)))
    asks("ask-path-len", ext(BC, seq(integer(0)), True))
    asks("ask-cert-sign", ext(KU, tlv(3, b"\x02\x04"), True))
    asks("ask-crl-sign", ext(KU, tlv(3, b"\x01\x02"), True))
    asks("ask-any-eku", ext(EKU, seq(oid("2.5.29.37.0"))))
    asks("ask-code-signing", ext(EKU, seq(oid("1.3.6.1.5.5.7.3.3"))))
    asks("ask-transfer-eku", ext(EKU, seq(
        oid("1.2.840.113556.1.8000.2554.3773.5453.29442.19178.39301.1412352.7229322"))))
    asks("ask-critical-unknown", ext("1.2.3.4", NULL, True))
    asks("ask-critical-ski", ext(SKI, tlv(4, bytes(20)), True))
    asks("ask-critical-name-constraints", ext(NC, seq(), True))
    asks("ask-critical-policy", ext(POL, seq(seq(oid("1.2.3.4"))), True))
    asks("good-asks-name-constraints", ext(NC, seq()))
    asks("good-asks-policy", ext(POL, seq(seq(oid("1.2.3.4")))))
    asks("good-asks-broken", ext(SKI, b"\4\x80"), ext("1.2.3.4", b""), SAN_OK)
    asks("good-unknown-extension", SAN_OK, ext("1.2.3.4", NULL))
    asks("form-extension-twice", SAN_OK, SAN_OK)
    asks("good-critical-false", ext(SAN, dns(b"a.example.org"), False))
    asks("good-ca-false", ext(BC, seq(tlv(1, b"\0")), True))
    asks("good-no-extensions")
    asks("form-san-empty", ext(SAN, seq()))
    asks("form-ku-empty", ext(KU, b""))
    asks("form-boolean", seq(oid(SAN), tlv(1, b"\x01"),
                             tlv(4, dns(b"a.example.org"))))

    password = seq(oid("1.2.840.113549.1.9.7"),
                   tlv(0x31, tlv(0x0c, b"secret")))
    write("good-challenge", csr([password, wanted(SAN_OK)]))
    write("good-attributes-order",
          csr(sorted([password, wanted(SAN_OK)], reverse=True), sort=False))
    write("good-challenge-control", csr([seq(oid("1.2.840.113549.1.9.7"),
                                     tlv(0x31, tlv(0x0c, b"a\nb")))]))
    write("good-attribute-unknown", csr([seq(oid("1.3.6.1.4.1.311.13.2.3"),
                                        tlv(0x31, tlv(0x16, b"6.1")))]))
    write("attribute-twice", csr([wanted(SAN_OK), wanted(SAN_OK)]))
    # szOID_CERT_EXTENSIONS, as Windows named an extensionRequest once
    write("good-ms-extensions", csr([seq(oid("1.3.6.1.4.1.311.2.1.14"),
                                         tlv(0x31, seq(SAN_OK)))]))
    write("attribute-two-lists", csr([seq(oid("1.3.6.1.4.1.311.2.1.14"),
                                          tlv(0x31, seq(SAN_OK))), wanted(SAN_OK)]))
    # an attribute without a value, as one of pyca's vectors has it; twice the
    # same one; one whose value has a long tag
    write("good-attributes", csr([
        seq(oid("1.2.840.113549.1.9.2"), tlv(0x31)), password, password,
        seq(oid("1.2.840.113549.1.9.20"), tlv(0x31, b"\x9f\x81\0\1\1")),
        wanted(SAN_OK)]))
    write("good-no-values", csr([seq(oid("1.2.840.113549.1.9.14"), tlv(0x31))]))


def names():
    srv, jid = "1.3.6.1.5.5.7.8.7", "1.3.6.1.5.5.7.8.5"
    asks("good-srv", ext(SAN, seq(
        other(srv, 0x16, b"_xmpp-server.example.org"))))
    asks("good-jid", ext(SAN, seq(
        other(jid, 0x0c, "j\u00fcrg@example.org".encode()))))
    asks("name-srv-utf8", ext(SAN, seq(
        other(srv, 0x0c, b"_xmpp-server.example.org"))))
    asks("name-jid-ia5", ext(SAN, seq(other(jid, 0x16, b"a@example.org"))))
    asks("name-other", ext(SAN, seq(other("1.2.3.4", 0x0c, b"a"))))
    asks("name-directory", ext(SAN, seq(tlv(0xa4, CN))))
    asks("name-registered-id", ext(SAN, seq(tlv(0x88, b"\x2a\x03"))))
    asks("name-nul", ext(SAN, dns(b"www.example.org\0.evil.test")))
    asks("name-u-label", ext(SAN, dns("b\u00fccher.example.org".encode())))
    asks("name-space", ext(SAN, dns(b" ")))
    asks("name-wildcard-inside", ext(SAN, dns(b"www.*.example.org")))
    asks("name-srv-tcp", ext(SAN, seq(
        other(srv, 0x16, b"_xmpp-client._tcp.example.org"))))
    asks("name-ip-5", ext(SAN, seq(tlv(0x87, bytes(5)))))
    asks("name-101", ext(SAN, dns(
        *(b"a%d.example.org" % i for i in range(101)))))
    asks("good-100-names", ext(SAN, dns(
        *(b"a%d.example.org" % i for i in range(100)))))


def subjects():
    def cn(file, tag, value):
        write(file, csr(subject=name(("2.5.4.3", tag, value))))

    cn("text-cn-newline", 0x0c, b"www.example.org\nYes")
    cn("text-cn-escape", 0x0c, b"\x1b[2J")
    cn("text-cn-nul", 0x16, b"www.example.org\0.evil.test")
    cn("text-cn-c1", 0x0c, "\u009b2J".encode())
    cn("form-cn-utf8", 0x0c, b"\xff\xfe")
    cn("text-cn-octets", 0x04, b"www")
    cn("good-cn-bmp", 0x1e, "Jürg".encode("utf-16-be"))
    cn("good-cn-words", 0x0c, b"XMPP server for example.org")
    cn("good-cn-upper", 0x13, b"WWW.Example.ORG")
    cn("good-cn-numeric", 0x12, b"4711")
    cn("good-cn-domain-bmp", 0x1e, "www.Example.org".encode("utf-16-be"))
    cn("good-cn-domain-t61", 0x14, b"www.example.org")
    cn("good-cn-domain-ia5", 0x16, b"www.example.org")
    cn("good-cn-domain-wide", 0x1e, "www.exampl\u0165.org".encode("utf-16-be"))
    write("good-subject", csr([wanted(SAN_OK)], subject=name(
        ("2.5.4.5", 0x12, b"556 000"), ("2.5.4.45", 0x03, b"\0\1"),
        ("2.5.4.10", 0x0c, b"two\nlines"), ("2.5.4.3", 0x0c, b"\x1b[2J"))))
    write("good-no-subject", csr([wanted(SAN_OK)], subject=seq()))
    write("form-empty-rdn", csr(subject=seq(tlv(0x31))))


# ---- in the shape of software that runs nowhere here ---------------------------

def windows(*san):
    """certreq -new: three attributes of Windows, and extensions that it adds."""
    def ms(o, value):
        return seq(oid("1.3.6.1.4.1.311." + o), tlv(0x31, value))

    extensions = [
        ext(KU, tlv(3, b"\5\xa0"), True), ext(EKU, seq(oid("1.3.6.1.5.5.7.3.1"))),
        ext(SAN, seq(*san)),
        # application policies, template, S/MIME capabilities
        ext("1.3.6.1.4.1.311.21.10", seq(seq(oid("1.3.6.1.5.5.7.3.1")))),
        ext("1.3.6.1.4.1.311.20.2", tlv(0x1e, "WebServer".encode("utf-16-be"))),
        ext("1.2.840.113549.1.9.15", seq(seq(oid("1.2.840.113549.3.7")))),
        ext(SKI, tlv(4, bytes(range(20))))]
    return csr([
        ms("13.2.3", tlv(0x16, b"10.0.19045.2")),
        ms("21.20", seq(integer(5), tlv(0x0c, b"LAB-PC"), tlv(0x0c, b"LAB\\admin"),
                        tlv(0x0c, b"certreq.exe"))),
        ms("13.2.2", seq(integer(1), tlv(
            0x1e, "Microsoft Software Key Storage Provider".encode("utf-16-be")),
            tlv(3, b"\0"))),
        wanted(*extensions),
    ], who=Rsa(rsa.generate_private_key(65537, 2048)), sort=False,
        subject=name(("2.5.4.6", 0x13, b"SE"), ("2.5.4.3", 0x13, b"www.example.org")))


def shapes():
    der = windows(tlv(0x82, b"WWW.example.org"), tlv(0x82, b"www.example.org"))
    text = pem(der, "NEW CERTIFICATE REQUEST").replace("\n", "\r\n")
    write_text("real/windows-certreq.pem", text)
    write_text("real/windows-utf8-bom.pem", b"\xef\xbb\xbf" + text.encode())
    write_text("real/windows-utf16.pem", b"\xff\xfe" + text.encode("utf-16-le"))
    write_text("real/windows-utf16-big.pem", b"\xfe\xff" + text.encode("utf-16-be"))
    write("real/windows-upn", windows(
        tlv(0x82, b"www.example.org"),
        other("1.3.6.1.4.1.311.20.2.3", 0x0c, b"admin@lab.example.org")))
    # prosodyctl cert request: an XmppAddr without a local part
    write("real/prosodyctl", csr([wanted(ext(BC, seq()), ext(SAN, seq(
        tlv(0x82, b"example.org"),
        other("1.3.6.1.5.5.7.8.5", 0x0c, b"example.org"),
        other("1.3.6.1.5.5.7.8.7", 0x16, b"_xmpp-server.example.org"))))],
        subject=name(("2.5.4.6", 0x13, b"SE"), ("2.5.4.3", 0x0c, b"example.org"),
                     ("1.2.840.113549.1.9.1", 0x16, b"xmpp@example.org"))))
    # a printer: its address, and what it calls itself
    write("real/appliance-ip", csr([wanted(ext(SAN, seq(
        tlv(0x87, bytes([192, 0, 2, 7])))))], subject=name(("2.5.4.3", 0x0c, b"192.0.2.7"))))
    write("real/appliance-short", csr(subject=name(("2.5.4.3", 0x0c, b"printer"))))
    # Keychain Access and others: a friendly name
    write("real/friendly-name", csr([wanted(SAN_OK), seq(
        oid("1.2.840.113549.1.9.20"), tlv(0x31, tlv(0x1e, "My key".encode("utf-16-be"))))]))


# ---- form ----------------------------------------------------------------------

def form():
    der = csr([wanted(SAN_OK)])
    write("good", der)
    write("form-trailing", der + b"\0")
    write("form-two", der + der)
    write("form-cut", der[:-1])
    write("good-version-1", csr(version=1))
    write("good-version-2", csr(version=2))
    write("form-version-3", csr(version=3))
    n = len(der) - 4
    write("form-long-length", b"\x30\x83\0" + n.to_bytes(2, "big") + der[4:])
    write("form-indefinite", b"\x30\x80" + der[4:] + b"\0\0")
    broken = bytearray(der)
    broken[der.index(b"www.example.org") + 2] ^= 1
    write("pop-changed", bytes(broken))
    write_text("good.pem", pem(der))
    write_text("good-new.pem", pem(der, "NEW CERTIFICATE REQUEST"))
    write_text("good-crlf.pem", 
        "\r\n " + pem(der).replace("\n", "\r\n") + "\n\n")
    write_text("good-explained.pem", "Subject: x\n" + pem(der))
    write_text("form-text-after.pem", pem(der) + "x\n")
    write_text("form-two.pem", pem(der) + pem(der))
    write_text("form-certificate.pem", pem(der, "CERTIFICATE"))
    write_text("form-labels.pem", pem(der).replace(
        "END C", "END NEW C"))
    write_text("form-no-end.pem", pem(der).split("-----END")[0])
    write_text("form-header.pem", pem(der).replace(
        "REQUEST-----\n", "REQUEST-----\nProc-Type: 4\n\n", 1))
    write_text("form-base64.pem", pem(der).replace("\nMI", "\nM?"))
    write_text("form-trailing.pem", pem(der + b"\0"))
    write_text("form-padding.pem", 
        "-----BEGIN CERTIFICATE REQUEST-----\nMAF=\n"
        "-----END CERTIFICATE REQUEST-----\n")
    write_text("form-text.pem", "this is no request\n")


if not ONLY:
    by_openssl()
    by_gnutls()
keys()
extensions()
names()
subjects()
shapes()
form()
