# SPDX-License-Identifier: Apache-2.0
"""The keys of the virtual PIV card: made, imported, used, attested.

Algorithms by the numbers of SP 800-78-4, table 6-2, and Yubico's RSA 3072 and 4096 (firmware 5.7,
https://docs.yubico.com/yesdk/users-manual/application-piv/commands.html, "Generate asymmetric").
"""
import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils
from cryptography.x509.oid import NameOID

import tlv

RSA_BITS = {0x06: 1024, 0x07: 2048, 0x05: 3072, 0x16: 4096}
CURVES = {0x11: ec.SECP256R1, 0x14: ec.SECP384R1}
FIRMWARE_5_7 = (0x05, 0x16)
# A digest of any length counts as the number that it is; the library wants to know its hash.
HASHES = {20: hashes.SHA1, 28: hashes.SHA224, 32: hashes.SHA256, 48: hashes.SHA384}


def generate(algorithm):
    if algorithm in CURVES:
        return ec.generate_private_key(CURVES[algorithm]())
    return rsa.generate_private_key(65537, RSA_BITS[algorithm])


def imported(algorithm, parts):
    """Import asymmetric key: 06 is a scalar; 01 and 02 are primes, the rest of RSA follows from them."""
    if algorithm in CURVES:
        return ec.derive_private_key(int.from_bytes(parts[0x06], "big"), CURVES[algorithm]())
    p, q = (int.from_bytes(parts[tag], "big") for tag in (0x01, 0x02))
    d = pow(65537, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(65537, p * q)
    return rsa.RSAPrivateNumbers(p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q),
                                 rsa.rsa_crt_iqmp(p, q), public).private_key()


def public_tlv(key):
    """SP 800-73-4, part 2, table 11: the data objects within 7F49."""
    public = key.public_key()
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return tlv.make(0x86, public.public_bytes(serialization.Encoding.X962,
                                                  serialization.PublicFormat.UncompressedPoint))
    numbers = public.public_numbers()
    return tlv.make(0x81, numbers.n.to_bytes(key.key_size // 8, "big")) + \
        tlv.make(0x82, numbers.e.to_bytes(3, "big"))


def use(key, challenge):
    """SP 800-73-4, part 2, A.4: the signature of a digest, or RSA without any padding."""
    size = (key.key_size + 7) // 8
    if isinstance(key, ec.EllipticCurvePrivateKey):
        width = min((n for n in HASHES if n >= len(challenge)), default=size + 1)
        if not challenge or width > size:
            raise ValueError("no digest for this key")
        return key.sign(challenge.rjust(width, b"\0"), ec.ECDSA(utils.Prehashed(HASHES[width]())))
    numbers = key.private_numbers()
    message = int.from_bytes(challenge, "big")
    if len(challenge) != size or message >= numbers.public_numbers.n:
        raise ValueError("no block for this key")
    at_p, at_q = pow(message, numbers.dmp1, numbers.p), pow(message, numbers.dmq1, numbers.q)
    return ((at_p - at_q) * numbers.iqmp % numbers.p * numbers.q + at_q).to_bytes(size, "big")


def agree(key, point):
    """SP 800-73-4, part 2, A.5: the x of an ECDH."""
    return key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(key.curve, point))


def to_text(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption()).decode()


def from_text(text):
    return serialization.load_pem_private_key(text.encode(), None)


# ---- attestation: https://developers.yubico.com/PIV/Introduction/PIV_attestation.html

def _name(common):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _certificate(subject, public, issuer, key, extensions):
    builder = x509.CertificateBuilder(_name(issuer), _name(subject), public, x509.random_serial_number(),
                                      datetime.datetime(2016, 3, 14), datetime.datetime(2052, 4, 17))
    for value, critical in extensions:
        builder = builder.add_extension(value, critical)
    return builder.sign(key, hashes.SHA256())


ROOT = "Virtual PIV Root CA Serial %d"
ISSUER = "Virtual PIV Attestation"


def attestation_chain(serial):
    """A root of this card's own, and what slot F9 has: (root certificate, F9's key, F9's certificate)."""
    root, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    top = _certificate(ROOT % serial, root.public_key(), ROOT % serial, root,
                       [(x509.BasicConstraints(True, 1), True)])
    return top, key, _certificate(ISSUER, key.public_key(), ROOT % serial, root,
                                  [(x509.BasicConstraints(True, 0), True)])


def attest(slot, public, issuer_key, firmware, serial, policies):
    def states(arc, value):
        oid = x509.ObjectIdentifier("1.3.6.1.4.1.41482.3.%d" % arc)
        return x509.UnrecognizedExtension(oid, value), False
    number = serial.to_bytes(serial.bit_length() // 8 + 1, "big")
    made = _certificate("YubiKey PIV Attestation %x" % slot, public, ISSUER, issuer_key, [
        states(3, bytes(firmware)), states(7, tlv.make(0x02, number)),
        states(8, bytes(policies)), states(9, b"\x01")])
    return made.public_bytes(serialization.Encoding.DER)
