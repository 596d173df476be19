#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Make the golden files and the hostile corpus of tests/vectors/format.

Nothing of airgap-ca is used: CBOR is put together byte by byte here, keys and
signatures come from python3-cryptography. A file that is there is kept, because
most signatures differ on every run: remove one to have it made anew.

    golden:   bundle.cose (EdDSA), manifest.cose and card.cose (ES256)
    algs:     alg-NAME.cose, a bundle by each algorithm
    shadow:   shadow.cose, SHADOW_PLAIN under SHADOW_PASS (python's scrypt and AES-256-GCM)
    hostile:  hostile/NAME.cose, each validly signed where that makes sense, and
              hostile.txt with a line "NAME KIND RULE" for each
"""
import hashlib
import os
import subprocess
import tempfile

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

here = os.path.dirname(os.path.abspath(__file__))
TYPES = {
    "bundle": "application/vnd.airgap-ca.csr-bundle+cbor",
    "manifest": "application/vnd.airgap-ca.transfer-manifest+cbor",
    "card": "application/vnd.airgap-ca.ca-card+cbor",
}


class Raw(bytes):
    """An item that is encoded already."""


def head(major, n):
    if n < 24:
        return bytes([major << 5 | n])
    for info, width in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if n < 1 << 8 * width:
            return bytes([major << 5 | info]) + n.to_bytes(width, "big")


def enc(x):
    if isinstance(x, Raw):
        return bytes(x)
    if x is None:
        return b"\xf6"
    if isinstance(x, int):
        return head(0, x) if x >= 0 else head(1, -1 - x)
    if isinstance(x, bytes):
        return head(2, len(x)) + x
    if isinstance(x, str):
        return head(3, len(x.encode())) + x.encode()
    if isinstance(x, list):
        return head(4, len(x)) + b"".join(map(enc, x))
    pairs = sorted((enc(k), enc(v)) for k, v in x.items())
    return head(5, len(pairs)) + b"".join(k + v for k, v in pairs)


SHADOW_PASS = b"0001-0203-0405-0607-0809-0a0b-0c0d-0e0f"
SHADOW_PLAIN = bytes(range(256)) * 3


def shadow():
    salt, iv = bytes(range(16)), bytes(range(100, 112))
    header = enc({1: 3, 3: "application/vnd.airgap-ca.shadow-crl+cbor", 5: iv, -70001: [salt, 14, 8, 1]})
    key = hashlib.scrypt(SHADOW_PASS.replace(b"-", b""), salt=salt, n=1 << 14, r=8, p=1, dklen=32)
    sealed = AESGCM(key).encrypt(iv, SHADOW_PLAIN, enc(["Encrypt0", header, b""]))
    return b"\xd0" + enc([header, {}, sealed])


def sha(text):
    return hashlib.sha256(text if isinstance(text, bytes) else text.encode()).digest()


def save(name, data):
    if not os.path.exists(os.path.join(here, name)):
        with open(os.path.join(here, name), "wb") as f:
            f.write(data)


def load(name):
    with open(os.path.join(here, name), "rb") as f:
        return f.read()


# ---- keys and certificates, made once ------------------------------------------

requester = ed25519.Ed25519PrivateKey.from_private_bytes(sha("golden requester"))
spki = requester.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def key_from(text):
    """A key that needs no file: it guards nothing."""
    return ec.derive_private_key(int.from_bytes(sha(text), "big") >> 1, ec.SECP256R1())


def pem(key):
    return key.private_bytes(
        Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


ca_key, transfer_key = key_from("golden ca"), key_from("golden transfer")


def certificates():
    eku = "1.2.840.113556.1.8000.2554.3773.5453.29442.19178.39301.1412352.7229322"
    for file, key, name, issuer, extensions in (
            ("ca", ca_key, "Golden CA", [], ["basicConstraints=critical,CA:TRUE,pathlen:0",
                                     "keyUsage=critical,keyCertSign,cRLSign"]),
            ("transfer", transfer_key, "Golden CA transfer", ["-CA", "ca.der"],
             ["basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature",
              "extendedKeyUsage=critical," + eku])):
        if os.path.exists(os.path.join(here, file + ".der")):
            continue
        with tempfile.NamedTemporaryFile() as own, tempfile.NamedTemporaryFile() as ca:
            own.write(pem(key))
            own.flush()
            ca.write(pem(ca_key))
            ca.flush()
            subprocess.run(
                ["openssl", "req", "-x509", "-new", "-key", own.name, "-subj", "/CN=" + name,
                 "-days", "7300", "-sha256", "-config", "/dev/null", "-outform", "DER",
                 "-out", file + ".der", *issuer, *(["-CAkey", ca.name] if issuer else [])]
                + [a for e in extensions for a in ("-addext", e)], cwd=here, check=True)
    return load("ca.der"), load("transfer.der")


ca_der, transfer_der = certificates()


# ---- COSE_Sign1 ----------------------------------------------------------------

def sign(alg, tbs):
    if alg == -8:
        return requester.sign(tbs)
    r, s = utils.decode_dss_signature(transfer_key.sign(tbs, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def cose(kind, payload, protected=None, unprotected=None, tag=b"\xd2", tail=b"", signature=None):
    """`payload` is encoded; `protected` overrides header parameters (None drops one)."""
    alg = -8 if kind == "bundle" else -7
    header = {1: alg, 3: TYPES[kind]}
    header[4 if kind == "bundle" else 33] = sha(spki) if kind == "bundle" else transfer_der
    if isinstance(protected, Raw):
        header = bytes(protected)
    else:
        header.update(protected or {})
        header = enc({k: v for k, v in header.items() if v is not None})
    signature = signature or sign(alg, enc(["Signature1", header, b"", payload]))
    return tag + enc([header, unprotected or {}, payload, signature]) + tail


# ---- the golden payloads: every optional field is used -----------------------------

csr = bytes(range(64))  # only its size is the format's business
bundle = {
    1: 1, 2: sha("bundle")[:16], 3: sha(ca_der), 4: 1795442400, 5: 7, 7: 1798034400,
    8: {1: 3, 2: sha("manifest 3"), 3: [41, sha("ledger 41")]},
    9: [
        {1: "web-1", 2: csr, 3: "tls-server", 4: {2: 2678400}},
        {1: "web.2", 2: csr + b"\xff", 3: "xmpp-server",
         4: {1: 1795446000, 3: 12, 4: 2678400, 5: 604800}, 5: "Gr\u00fc\u00dfe",
         6: b"\x01\x02\x03",
         7: [[0, "a.example"], [1, "_xmpp-client.a.example"], [2, "j@a.example"],
             [3, "192.0.2.1"], [4, "m@a.example"], [5, "https://a.example/"]]},
    ],
    10: [{1: b"\x7f" * 20, 2: 4}, {2: 1, 3: 1795000000, 4: sha("lost key")}],
    11: {1: 12, 2: 604800, 3: 86400},
    12: [9, 9007199254740991],
    13: ["web-host", spki],
}
manifest = {
    1: 1, 2: sha(ca_der), 3: 4, 4: sha("manifest 3"),
    5: {1: sha("bundle")[:16], 2: sha("bundle file")}, 6: 1795528800, 7: 1826000000,
    8: [
        {1: "web-1", 2: sha(csr), 3: [
            {1: b"\x11" * 16, 2: sha("cert 1"), 3: "0001-web-1.pem", 4: 1795525200,
             5: 1798203599, 6: sha("ca key")}]},
        {1: "web.2", 2: sha(csr + b"\xff"), 4: "NAME-SCOPE", 5: "a.example is not in scope"},
    ],
    9: [{1: [b"\x7f" * 20], 2: 0}, {1: [], 2: 3, 3: "REVOKE-DENIED", 4: "not yours"}],
    10: [{1: 10, 2: 1795528800, 3: 1796133600, 4: sha("crl 10"), 5: "crl-10.crl", 6: 1,
          7: sha("ca key"), 8: 0},
         {1: 11, 2: 1795528800, 3: 1796133600, 4: sha("crl 11"), 5: "crl-11.crl", 6: 0,
          7: sha("ca key"), 8: 1}],
    11: [{1: "ca.pem", 2: 1234, 3: sha("ca.pem")}],
    12: [57, sha("ledger 57")], 13: sha("policy"), 14: sha(spki),
    15: [{1: 0, 2: [transfer_der]}, {1: 3, 2: [ca_der]}],
}
card = {1: 1, 2: sha(ca_der), 3: [ca_der], 4: 1795442400, 5: b"[ca]\nscope = a.example\n"}
golden = {"bundle": bundle, "manifest": manifest, "card": card}

# ---- the hostile corpus --------------------------------------------------------------

cases = []


def case(name, kind, rule, data):
    cases.append((name, kind, rule))
    save(os.path.join("hostile", name + ".cose"), data)


def payload_case(name, kind, rule, payload):
    case(name, kind, rule, cose(kind, payload))


def changed(kind, path, value):
    """The golden payload with one value replaced (or, with ..., taken out)."""
    def put(node, keys):
        node = dict(node) if isinstance(node, dict) else list(node)
        if len(keys) > 1:
            node[keys[0]] = put(node[keys[0]], keys[1:])
        elif value is ...:
            del node[keys[0]]
        else:
            node[keys[0]] = value
        return node
    return enc(put(golden[kind], path))


def cbor_cases():
    for name, item in (
            ("float", b"\xfb\x41\xda\xc0\x46\x58\x00\x00\x00"), ("half-float", b"\xf9\x3c\x00"),
            ("tag", b"\xc1\x1a\x6b\x03\xe1\x60"), ("undefined", b"\xf7"), ("simple", b"\xf0"),
            ("long-head", b"\x1b\x00\x00\x00\x00\x6b\x03\xe1\x60"), ("reserved", b"\x1c"),
            ("break", b"\xff"), ("cut", b"\x1a\x6b"), ("huge-string", b"\x5b" + b"\xff" * 8),
            ("huge-array", b"\x9b" + b"\xff" * 8), ("huge-map", b"\xbb" + b"\xff" * 8)):
        payload_case("value-" + name, "card", "CBOR", changed("card", [4], Raw(item)))
    for name, item in (
            ("indefinite-bytes", b"\x5f\x41\x00\xff"), ("indefinite-text", b"\x7f\x61a\xff"),
            ("indefinite-array", b"\x9f\xff"), ("indefinite-map", b"\xbf\xff"),
            ("utf8-overlong", b"\x62\xc0\xaf"), ("utf8-surrogate", b"\x63\xed\xa0\x80"),
            ("utf8-beyond", b"\x64\xf4\x90\x80\x80"), ("utf8-cut", b"\x61\xc3"),
            ("too-deep", b"\x81" * 16 + b"\x00")):
        payload_case("value-" + name, "card", "CBOR", changed("card", [5], Raw(item)))
    keys = [enc(k) + enc(card[k]) for k in card]
    payload_case("keys-unsorted", "card", "CBOR", b"\xa5" + b"".join(keys[1:] + keys[:1]))
    payload_case("keys-doubled", "card", "CBOR", b"\xa6" + keys[0] + b"".join(keys))
    payload_case("payload-trailing", "card", "CBOR", enc(card) + b"\x00")
    payload_case("payload-5-bytes", "card", "CBOR", b"\x9a\x10\x00\x00\x00")
    payload_case("payload-5-bytes-map", "bundle", "CBOR", b"\xba\x10\x00\x00\x00")
    case("file-5-bytes", "bundle", "CBOR", b"\xd2\x9a\x10\x00\x00")
    case("file-trailing", "card", "CBOR", cose("card", enc(card), tail=b"\x00"))


def envelope_cases():
    good = enc(card)
    case("no-tag", "card", "COSE-FORM", cose("card", good, tag=b""))
    case("long-tag", "card", "COSE-FORM", cose("card", good, tag=b"\xd8\x12"))
    case("tag-98", "card", "COSE-FORM", cose("card", good, tag=b"\xd8\x62"))
    case("two-tags", "card", "CBOR", cose("card", good, tag=b"\xd2\xd2"))
    case("unprotected-alg", "card", "COSE-FORM", cose("card", good, unprotected={1: -7}))
    case("header-extra", "card", "COSE-FORM", cose("card", good, {2: [1]}))
    case("header-no-alg", "card", "COSE-FORM", cose("card", good, {1: None}))
    case("header-no-cert", "card", "COSE-FORM", cose("card", good, {33: None}))
    case("header-kid", "card", "COSE-FORM", cose("card", good, {4: sha(spki), 33: None}))
    case("header-empty", "card", "CBOR", cose("card", good, Raw(b"\xff")))
    case("header-cert-array", "card", "COSE-FORM", cose("card", good, {33: [transfer_der]}))
    case("header-long-head", "card", "CBOR", cose("card", good, Raw(
        b"\xa3\x01\x38\x06" + enc(3) + enc(TYPES["card"]) + enc(33) + enc(transfer_der))))
    case("alg-rs256", "card", "COSE-ALG", cose("card", good, {1: -257}))
    case("alg-es256k", "card", "COSE-ALG", cose("card", good, {1: -47}))
    for alg, size, name in ((-49, 3309, "ml-dsa-65"), (-50, 4627, "ml-dsa-87"), (-1000, 5000, "to-come")):
        for kind in ("card", "bundle"):
            case("alg-%s-%s" % (name, kind), kind, "COSE-ALG",
                 cose(kind, good if kind == "card" else enc(bundle), {1: alg}, signature=bytes(size)))
    case("alg-text", "card", "COSE-FORM", cose("card", good, {1: "ES256"}))
    case("alg-eddsa-with-ec", "card", "COSE-ALG", cose("card", good, {1: -8}))
    case("alg-es256-with-ed25519", "bundle", "COSE-ALG", cose("bundle", enc(bundle), {1: -7}))
    case("alg-es384", "card", "COSE-FORM", cose("card", good, {1: -35}))
    case("type-unknown", "card", "COSE-TYPE", cose("card", good, {3: "text/plain"}))
    case("type-number", "card", "COSE-FORM", cose("card", good, {3: 60}))
    data = bytearray(cose("card", good))
    data[-1] ^= 1
    case("signature-wrong", "card", "COSE-SIGNATURE", bytes(data))
    protected = enc({1: -7, 3: TYPES["card"], 33: transfer_der})
    case("signature-zero", "card", "COSE-SIGNATURE",
         b"\xd2" + enc([protected, {}, good, bytes(64)]))
    case("signature-der", "card", "COSE-FORM", b"\xd2" + enc([protected, {}, good, transfer_key.sign(
        enc(["Signature1", protected, b"", good]), ec.ECDSA(hashes.SHA256()))]))
    case("signature-short", "card", "COSE-FORM", b"\xd2" + enc([protected, {}, good, bytes(63)]))
    case("signature-long", "card", "COSE-FORM", b"\xd2" + enc([protected, {}, good, bytes(4628)]))
    case("payload-detached", "card", "COSE-FORM", b"\xd2" + enc([protected, {}, None, bytes(64)]))
    case("three-parts", "card", "COSE-FORM", b"\xd2" + enc([protected, {}, good]))


def schema_cases():
    new = changed
    for name, path, value in (
            ("version-2", [1], 2), ("id-short", [2], bytes(15)), ("ca-id-long", [3], bytes(33)),
            ("created-late", [4], 253402300800), ("created-negative", [4], -1),
            ("sequence-0", [5], 0), ("sequence-33-bits", [5], 1 << 32), ("key-6", [6], 0),
            ("key-24", [24], 0), ("key-text", ["x"], 0), ("head-empty", [8], {}),
            ("head-missing", [8], ...), ("requests-missing", [9], ...),
            ("requests-map", [9], {}), ("csr-63", [9, 0, 2], bytes(63)),
            ("csr-65537", [9, 0, 2], bytes(65537)), ("validity-empty", [9, 0, 4], {}),
            ("validity-0", [9, 0, 4], {2: 0}), ("validity-long", [9, 0, 4], {2: 3155760001}),
            ("validity-both", [9, 0, 4], {2: 1, 3: 2, 4: 1, 5: 0}),
            ("series-1", [9, 1, 4, 3], 1), ("series-121", [9, 1, 4, 3], 121),
            ("series-no-overlap", [9, 1, 4, 5], ...), ("comment-empty", [9, 1, 5], ""),
            ("comment-513", [9, 1, 5], "x" * 513), ("serial-empty", [9, 1, 6], b""),
            ("serial-21", [9, 1, 6], b"\x01" * 21), ("serial-zero-first", [9, 1, 6], b"\x00\x01"),
            ("names-empty", [9, 1, 7], []), ("name-type-99", [9, 1, 7, 0], [99, "a"]),
            ("name-empty", [9, 1, 7, 0], [0, ""]), ("name-3072", [9, 1, 7, 0], [0, "a" * 3072]),
            ("reason-hold", [10, 0, 2], 6), ("reason-7", [10, 0, 2], 7),
            ("reason-11", [10, 0, 2], 11), ("revoke-nothing", [10, 0], {2: 1}),
            ("revoke-both", [10, 0], {1: b"\x01", 2: 1, 4: bytes(32)}),
            ("crl-0", [11, 1], 0), ("crl-121", [11, 1], 121), ("shadow-empty", [12], []),
            ("shadow-0", [12], [0]), ("shadow-54-bits", [12], [9007199254740992]),
            ("spki-31", [13, 1], bytes(31)), ("spki-4097", [13, 1], bytes(4097)),
            ("requester-3", [13], ["a", spki, 1])):
        payload_case("bundle-" + name, "bundle", "CBOR-SCHEMA", new("bundle", path, value))
    for name, path, value in (
            ("label-upper", [13, 0], "Web"), ("label-64", [13, 0], "a" * 64),
            ("label-dash", [13, 0], "a-"), ("request-id-empty", [9, 0, 1], ""),
            ("request-id-slash", [9, 0, 1], "../x"), ("profile-33", [9, 0, 3], "a" * 33),
            ("profile-newline", [9, 0, 3], "tls\n")):
        payload_case("bundle-" + name, "bundle", "FORMAT-TEXT", new("bundle", path, value))
    payload_case("bundle-id-twice", "bundle", "DUPLICATE-ID", new("bundle", [9, 1, 1], "web-1"))
    for name, path, value in (
            ("previous-null", [4], None), ("first-with-previous", [3], 1),
            ("loose-with-previous", [14], None), ("result-both", [8, 0, 4], "POP"),
            ("result-neither", [8, 0, 3], ...), ("result-no-certs", [8, 0, 3], []),
            ("refused-no-words", [8, 1, 5], ...), ("status-4", [9, 0, 2], 4),
            ("shadow-2", [10, 0, 8], 2), ("crl-number-0", [10, 0, 1], 0),
            ("size-negative", [11, 0, 2], -1), ("ledger-3", [12], [1, bytes(32), 0]),
            ("changes-empty", [15], []), ("change-4", [15, 0, 1], 4),
            ("change-no-cert", [15, 0, 2], []), ("digest-31", [13], bytes(31))):
        payload_case("manifest-" + name, "manifest", "CBOR-SCHEMA", new("manifest", path, value))
    for name, path, value in (
            ("file-dot", [11, 0, 1], ".."), ("file-slash", [11, 0, 1], "a/b"),
            ("file-101", [11, 0, 1], "a" * 101), ("file-end-dot", [11, 0, 1], "ca."),
            ("rule-lower", [8, 1, 4], "pop"), ("rule-1", [8, 1, 4], "A"),
            ("rule-33", [8, 1, 4], "A" * 33)):
        payload_case("manifest-" + name, "manifest", "FORMAT-TEXT", new("manifest", path, value))
    for name, path, value in (
            ("no-certs", [3], []), ("cert-63", [3], [bytes(63)]), ("cert-65537", [3], [bytes(65537)]),
            ("policy-empty", [5], b""), ("policy-262145", [5], bytes(262145)),
            ("policy-text", [5], "x"), ("key-6", [6], 0)):
        payload_case("card-" + name, "card", "CBOR-SCHEMA", new("card", path, value))


# ---- a bundle by each algorithm ------------------------------------------------------

def signed_by(key, alg, how):
    own = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    payload = enc({**bundle, 13: ["web-host", own]})
    header = enc({1: alg, 3: TYPES["bundle"], 4: sha(own)})
    signature = how(key, enc(["Signature1", header, b"", payload]))
    return b"\xd2" + enc([header, {}, payload, signature])


def ecdsa(digest, width):
    def how(key, tbs):
        r, s = utils.decode_dss_signature(key.sign(tbs, ec.ECDSA(digest)))
        return r.to_bytes(width, "big") + s.to_bytes(width, "big")
    return how


def pss(digest, salt, mgf=None):
    return lambda key, tbs: key.sign(
        tbs, padding.PSS(padding.MGF1(mgf or digest), salt), digest)


def algorithm_cases():
    s256, s384, s512 = hashes.SHA256(), hashes.SHA384(), hashes.SHA512()
    for name, alg, curve, how in (
            ("es256", -7, ec.SECP256R1(), ecdsa(s256, 32)),
            ("es384", -35, ec.SECP384R1(), ecdsa(s384, 48)),
            ("es512", -36, ec.SECP521R1(), ecdsa(s512, 66))):
        save("alg-%s.cose" % name, signed_by(ec.generate_private_key(curve), alg, how))
    key = rsa.generate_private_key(65537, 2048)
    for name, alg, how in (("ps256", -37, pss(s256, 32)), ("ps384", -38, pss(s384, 48)),
                           ("ps512", -39, pss(s512, 64))):
        save("alg-%s.cose" % name, signed_by(key, alg, how))
    for name, alg, how in (
            ("salt-0", -37, pss(s256, 0)), ("salt-long", -37, pss(s256, 222)),
            ("mgf1-sha1", -37, pss(s256, 32, hashes.SHA1())), ("other-hash", -37, pss(s384, 48)),
            ("pkcs1", -37, lambda k, tbs: k.sign(tbs, padding.PKCS1v15(), s256))):
        case("pss-" + name, "bundle", "COSE-SIGNATURE", signed_by(key, alg, how))
    small = rsa.generate_private_key(65537, 1024)
    case("rsa-1024", "bundle", "COSE-ALG", signed_by(small, -37, pss(s256, 32)))
    p384 = ec.generate_private_key(ec.SECP384R1())
    case("es256-with-p384", "bundle", "COSE-ALG", signed_by(
        p384, -7, lambda k, tbs: ecdsa(s256, 48)(k, tbs)[:64]))
    k1 = ec.generate_private_key(ec.SECP256K1())
    case("es256-with-secp256k1", "bundle", "COSE-ALG", signed_by(k1, -7, ecdsa(s256, 32)))


def main():
    os.makedirs(os.path.join(here, "hostile"), exist_ok=True)
    for kind, payload in golden.items():
        save(kind + ".cose", cose(kind, enc(payload)))
    save("shadow.cose", shadow())
    cbor_cases()
    envelope_cases()
    schema_cases()
    algorithm_cases()
    with open(os.path.join(here, "hostile.txt"), "w", encoding="ascii") as f:
        f.writelines("%s %s %s\n" % c for c in cases)


if __name__ == "__main__":
    main()
