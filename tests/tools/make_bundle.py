#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Make a bundle as a hostile or old online side would: signed, and unchecked.

usage: make_bundle.py --home DIR --card FILE --out DIR [option]... < REQUESTS

The requester is the one whose online store DIR is; the CA is the card's. The
bundle follows docs/transfer.cddl in its form (deterministic CBOR, COSE_Sign1
with ES256), so that what is refused is what it says. REQUESTS is a JSON array:

  {"id": TEXT, "csr": FILE (DER or PEM), "profile": TEXT,
   "duration": SECONDS | "series": [COUNT, PERIOD, OVERLAP],
   "not_before": EPOCH, "comment": TEXT, "replaces": HEX,
   "names": [[TYPE 0..5, TEXT]...], "raw": true (the file as it is)}

All but id, csr and profile may be left out. Prints the bundle's path.
"""
import argparse
import base64
import hashlib
import json
import os
import re
import sys
import time

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import (
    Encoding, PublicFormat, load_pem_private_key)

TYPE = "application/vnd.airgap-ca.csr-bundle+cbor"
PEM = re.compile(rb"-----BEGIN [A-Z ]+-----\r?\n(.*?)-----END", re.S)


def encode(value):
    """Keys are small integers here: canonical order is numeric order."""
    return cbor2.dumps(value, canonical=True)


def payload_of(message):
    return cbor2.loads(cbor2.loads(message).value[2])


def read(path):
    with open(path, "rb") as f:
        return f.read()


def csr_bytes(request):
    data = read(request["csr"])
    block = None if request.get("raw") else PEM.search(data)
    return base64.b64decode(block.group(1)) if block else data


def validity_of(request):
    if "series" in request:
        count, period, overlap = request["series"]
        validity = {3: count, 4: period, 5: overlap}
    else:
        validity = {2: request.get("duration", 86400)}
    if "not_before" in request:
        validity[1] = request["not_before"]
    return validity


def request_of(request):
    out = {1: request["id"], 2: csr_bytes(request), 3: request["profile"],
           4: validity_of(request)}
    if "comment" in request:
        out[5] = request["comment"]
    if "replaces" in request:
        out[6] = bytes.fromhex(request["replaces"])
    if "names" in request:
        out[7] = request["names"]
    return out


def head_of(path):
    """What a requester echoes of the manifest that it accepted last."""
    data = read(path)
    manifest = payload_of(data)
    return {1: manifest[3], 2: hashlib.sha256(data).digest(), 3: manifest[12]}


def sign(key, payload):
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    protected = encode({1: -7, 3: TYPE, 4: hashlib.sha256(spki).digest()})
    tbs = encode(["Signature1", protected, b"", payload])
    r, s = utils.decode_dss_signature(key.sign(tbs, ec.ECDSA(hashes.SHA256())))
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return encode(cbor2.CBORTag(18, [protected, {}, payload, signature]))


def arguments():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--home", required=True)
    p.add_argument("--card", required=True)
    p.add_argument("--out", required=True, help="the stick")
    p.add_argument("--label", default="online")
    p.add_argument("--sequence", type=int, default=int(time.time()) + 60,
                   help="default: above what the home itself has sent")
    p.add_argument("--head", metavar="MANIFEST")
    p.add_argument("--created", type=int, default=int(time.time()))
    return p.parse_args()


def main():
    args = arguments()
    key = load_pem_private_key(read(os.path.join(args.home, "requester.pem")), None)
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    bundle_id = os.urandom(16)
    payload = encode({
        1: 1, 2: bundle_id, 3: payload_of(read(args.card))[2], 4: args.created,
        5: args.sequence, 8: head_of(args.head) if args.head else None,
        9: [request_of(r) for r in json.load(sys.stdin)], 10: [],
        13: [args.label, spki]})
    folder = os.path.join(args.out, "airgap-ca", "requests")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, bundle_id.hex() + ".cose")
    with open(path, "wb") as f:
        f.write(sign(key, payload))
    print(path)


if __name__ == "__main__":
    main()
