#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Make a file whose items are small on the wire and may be large in memory.

usage: make_heavy.py KIND GOOD OUT [KEY [CERT]]

GOOD is a good bundle or manifest; one list of its payload becomes as long as KIND
says. With KEY (PEM) it is signed again by that key; with CERT too, a manifest as
by that certificate; without, its signature stays and fits no more. The encoding
is deterministic: what is refused is the list.

KIND is a word for the list, or N of it:
  bundle:   requests[=N]  names[=N] (of each of 100,000 requests)  csrs[=N] (of 60 KiB)
            revocations[=N]  shadows[=N]
  manifest: results[=N]  certs[=N] (of 100 results)  serials[=N]  files[=N]
"""
import sys

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate

dumps = lambda value: cbor2.dumps(value, canonical=True)


def head(major, n):
    """The shortest head of CBOR."""
    if n < 24:
        return bytes([major << 5 | n])
    width = next(w for w in (1, 2, 4, 8) if n < 1 << 8 * w)
    return bytes([major << 5 | 23 + width.bit_length()]) + n.to_bytes(width, "big")


def array(items):
    return head(4, len(items)) + b"".join(items)


def request(i, csr=bytes(64), names=0):
    """As small as the grammar lets one be."""
    tail = b"\x07" + head(4, names) + dumps([0, "a"]) * names if names else b""
    return (head(5, 5 if names else 4) + b"\x01" + dumps("%x" % i) + b"\x02" + dumps(csr) +
            b"\x03\x61a\x04\xa1\x02\x01" + tail)


def result(i, certs):
    one = (b"\xa6\x01\x41\x01\x02\x58\x20" + bytes(32) + b"\x03\x61a\x04\x00\x05\x00\x06\x58\x20" + bytes(32))
    return (b"\xa3\x01" + dumps("%x" % i) + b"\x02\x58\x20" + bytes(32) + b"\x03" + head(4, certs) + one * certs)


def lists(kind, n):
    """Key of the payload and encoding of the list."""
    if kind == "requests":
        return 9, array([request(i) for i in range(n or 100000)])
    if kind == "names":
        return 9, array([request(i, names=n or 100) for i in range(100000)])
    if kind == "csrs":
        return 9, array([request(i, csr=bytes(61440)) for i in range(n or 1000)])
    if kind == "revocations":
        return 10, array([b"\xa2\x01\x41\x01\x02\x00"] * (n or 10000))
    if kind == "shadows":
        return 12, array([b"\x01"] * (n or 1000))
    if kind == "results":
        return 8, array([result(i, 1) for i in range(n or 100000)])
    if kind == "certs":
        return 8, array([result(i, n or 120) for i in range(100)])
    if kind == "serials":
        return 9, array([b"\xa2\x01" + head(4, n or 1000) + b"\x41\x01" * (n or 1000) + b"\x02\x00"] * 10000)
    if kind == "files":
        return 11, array([b"\xa3\x01\x61a\x02\x00\x03\x58\x20" + bytes(32)] * (n or 10000))
    raise SystemExit(__doc__)


def sign(key, tbs):
    r, s = utils.decode_dss_signature(key.sign(tbs, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def main():
    word, good, out = sys.argv[1:4]
    kind, _, n = word.partition("=")
    with open(good, "rb") as f:
        protected, _, payload, signature = cbor2.loads(f.read()).value
    at, heavy = lists(kind, int(n or 0))
    entries = {k: dumps(v) for k, v in cbor2.loads(payload).items()}
    entries[at] = heavy
    payload = head(5, len(entries)) + b"".join(dumps(k) + entries[k] for k in sorted(entries))
    if len(sys.argv) > 5:
        with open(sys.argv[5], "rb") as f:
            der = load_pem_x509_certificate(f.read()).public_bytes(Encoding.DER)
        protected = dumps({**cbor2.loads(protected), 33: der})
    if len(sys.argv) > 4:
        with open(sys.argv[4], "rb") as f:
            key = load_pem_private_key(f.read(), None)
        signature = sign(key, b"\x84\x6aSignature1" + dumps(protected) + b"\x40" + head(2, len(payload)) + payload)
    with open(out, "wb") as f:
        f.write(b"\xd2\x84" + dumps(protected) + b"\xa0" + head(2, len(payload)) + payload + dumps(signature))


if __name__ == "__main__":
    main()
