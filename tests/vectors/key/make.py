#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Make the SubjectPublicKeyInfo files beside this script (see README)."""
import math
import pathlib
import random

from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import rsa

HERE = pathlib.Path(__file__).parent
RNG = random.Random("airgap-ca tests/vectors/key")


def is_prime(n):
    if any(n % p == 0 for p in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)):
        return False
    d, s = n - 1, 0
    while d % 2 == 0:
        d, s = d // 2, s + 1
    for _ in range(20):
        x = pow(RNG.randrange(2, n - 1), d, n)
        if x in (1, n - 1):
            continue
        for _ in range(s - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def next_prime(n):
    n |= 1
    while not is_prime(n):
        n += 2
    return n


def prime(bits):
    # the two top bits set, so that two of them make 2 * bits
    return next_prime(RNG.getrandbits(bits) | 3 << (bits - 2))


def write(name, n):
    key = rsa.RSAPublicNumbers(65537, n).public_key()
    (HERE / name).write_bytes(key.public_bytes(
        ser.Encoding.DER, ser.PublicFormat.SubjectPublicKeyInfo))


def rounds(n, p, q):
    """How many a >= sqrt(n) Fermat's method tries until a^2 - n is a square."""
    root = math.isqrt(n)
    return (p + q) // 2 - (root if root * root == n else root + 1) + 1


def close(wanted):
    p = prime(1024)
    apart = math.isqrt(8 * p * (2 * wanted - 1) // 2)
    while True:
        q = next_prime(p + apart)
        if rounds(p * q, p, q) == wanted:
            return p * q
        apart += 2 if rounds(p * q, p, q) < wanted else -(1 << 500)


def roca(skip=None):
    """k * M + 65537^a mod M, as the faulty generator makes primes (Nemec and
    others, CCS 2017). With skip, that prime is left out of M in the modulus."""
    small = [p for p in range(2, 354) if all(p % d for d in range(2, p))]
    m = math.prod(small)  # the 71 first primes, for keys of 2048 bits

    def one():
        while True:
            k = RNG.getrandbits(1024 - m.bit_length()) | 3 << (
                1022 - m.bit_length())
            p = k * m + pow(65537, RNG.getrandbits(64), m)
            if p.bit_length() == 1024 and is_prime(p):
                return p
    n = one() * one()
    if skip is not None:
        # same residues but modulo one prime, where 65537 makes a subgroup only
        powers = {pow(65537, i, skip) for i in range(skip)}
        step = m // skip
        while n % skip in powers or n % skip == 0:
            n += step * 2
    return n


def main():
    write("roca.der", roca())
    write("roca-but-for-11.der", roca(skip=11))
    write("close-100.der", close(100))
    write("close-101.der", close(101))
    big = prime(1024)
    write("square.der", big * big)
    for factor in (751, 757):
        q = next_prime((3 << 2046) // factor)
        write(f"factor-{factor}.der", factor * q)
    write("even.der", (3 << 2046) + 2 * RNG.getrandbits(2000))


main()
