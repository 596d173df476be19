# SPDX-License-Identifier: Apache-2.0
"""The virtual PIV card: what it keeps, and what it answers to each command.

A table, COMMANDS, goes from an instruction byte to the method that carries it out; each says where it is
described: "PIV 3.2.1" is that section of NIST SP 800-73-4, part 2, and "Yubico: NAME" the page of that name at
https://docs.yubico.com/yesdk/users-manual/application-piv/commands.html (reset, PIN tries, metadata and the
like). It does what OpenSC, ykcs11 and yubico-piv-tool ask of a YubiKey 5, and refuses the rest.
"""
import json
import os
import random

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

import piv_key
import tlv

AID = bytes.fromhex("a000000308000010000100")
MANAGEMENT, ATTESTATION = 0x9B, 0xF9
PIN, PUK = 0x80, 0x81
SLOTS = (0x9A, 0x9C, 0x9D, 0x9E, *range(0x82, 0x96))
# Policies as Yubico numbers them ("PIN and touch policies").
NEVER, ONCE, ALWAYS = 1, 2, 3
TOUCH_NEVER, TOUCH_ALWAYS, TOUCH_CACHED = 1, 2, 3
DEFAULT_PIN_POLICY = {0x9C: ALWAYS, 0x9E: NEVER}  # PIV part 1, table 4b; all others ONCE
# PIV part 1, table 3: fingerprints, printed information, facial image and iris want the PIN.
PIN_TO_READ = (0x5FC103, 0x5FC109, 0x5FC108, 0x5FC121)
ATTESTATION_CERTIFICATE = 0x5FFF01
CIPHERS = {0x00: (8, 24), 0x03: (8, 24), 0x08: (16, 16), 0x0A: (16, 24), 0x0C: (16, 32)}  # block, key
FACTORY_SECRETS = {PIN: b"123456\xff\xff", PUK: b"12345678"}
FACTORY_KEY = bytes(range(1, 9)) * 3

OK = 0x9000
WRONG_LENGTH, NOT_ALLOWED, BLOCKED, CONDITIONS = 0x6700, 0x6982, 0x6983, 0x6985
BAD_DATA, NOT_FOUND, BAD_P1P2, NO_REFERENCE, NO_INSTRUCTION = 0x6A80, 0x6A82, 0x6A86, 0x6A88, 0x6D00


class Refused(Exception):
    """The status word that a command ends with."""

    def __init__(self, status):
        super().__init__("%04x" % status)
        self.status = status


def numbered(kept):
    """JSON has words for keys; ours are numbers again."""
    return {int(name) if name.isdigit() else name: value for name, value in kept.items()}


def want(true, status):
    if not true:
        raise Refused(status)


class Memory:
    """What a card keeps without power, in a file: a new card is made where there is none."""

    def __init__(self, path, serial=None, firmware=(5, 4, 3)):
        self.path = path
        if os.path.exists(path):
            with open(path) as file:
                self.__dict__.update(json.load(file, object_hook=numbered))
            return
        self.firmware = list(firmware)
        self.serial = serial or random.randrange(10**6, 10**8)
        root, key, certificate = piv_key.attestation_chain(self.serial)
        pem = serialization.Encoding.PEM
        self.root = root.public_bytes(pem).decode()
        self.attestation_key = piv_key.to_text(key)
        self.attestation = certificate.public_bytes(serialization.Encoding.DER).hex()
        self.factory()

    def factory(self):
        """What Yubico: Reset leaves; the attestation stays."""
        self.tries = {PIN: 3, PUK: 3}
        self.factory_secrets()
        self.management = FACTORY_KEY.hex()
        # From 5.7 on it is for AES-192.
        self.management_cipher = 0x0A if self.firmware >= [5, 7] else 0x03
        self.keys = {}
        self.objects = {ATTESTATION_CERTIFICATE: (
            tlv.make(0x70, bytes.fromhex(self.attestation)) + tlv.make(0x71, b"\0") + tlv.make(0xFE)).hex()}
        self.save()

    def factory_secrets(self):
        self.secrets = {who: secret.hex() for who, secret in FACTORY_SECRETS.items()}
        self.left = dict(self.tries)

    def save(self):
        kept = {name: value for name, value in self.__dict__.items() if name != "path"}
        with open(self.path + ".new", "w") as file:
            json.dump(kept, file, indent=1)
        os.rename(self.path + ".new", self.path)


class Card:
    """One card under power. `touched` is called when a key waits for a touch, and says whether one came."""

    def __init__(self, memory, touched):
        self.memory = memory
        self.touched = touched
        self.spoil = False  # the next signature is a wrong one
        self.power()

    def power(self):
        """A reset: PIV 3.1.1, every security status is lost."""
        self.verified = self.fresh = self.just_now = False
        self.managed = self.cached = False
        self.selected = False
        self.awaited = None  # what proves the management key
        self.chained = self.rest = b""

    # ---- ISO 7816-4: chains of commands in, of responses out

    def answer(self, apdu):
        """The response to a command, status word included."""
        if len(apdu) < 4:
            return WRONG_LENGTH.to_bytes(2, "big")
        cla, ins, p1, p2 = apdu[:4]
        data, most = parts_of(apdu)
        if ins == 0xC0 and self.rest:
            return self._portion(most)
        data = self.chained + data
        self.chained = data if cla & 0x10 else b""
        if cla & 0x10:
            return OK.to_bytes(2, "big")
        # A PIN for each use is for the one command that follows it.
        self.fresh, self.just_now = False, self.fresh
        try:
            command = COMMANDS.get(ins)
            want(command and (self.selected or ins == 0xA4), NO_INSTRUCTION)
            self.rest = command(self, p1, p2, data) or b""
        except Refused as refusal:
            self.rest = b""
            return refusal.status.to_bytes(2, "big")
        except (ValueError, KeyError):
            self.rest = b""
            return BAD_DATA.to_bytes(2, "big")
        return self._portion(most)

    def fail(self):
        """A command that a test lets fail ends its chain, and takes the PIN that was for it."""
        self.fresh, self.chained, self.rest = False, b"", b""

    def _portion(self, most):
        now, self.rest = self.rest[:most], self.rest[most:]
        status = 0x6100 + min(len(self.rest), 255) if self.rest else OK
        return now + status.to_bytes(2, "big")

    # ---- commands

    def select(self, p1, p2, data):
        """PIV 3.1.1: PIV again, or what is not here, changes no security status."""
        want(p1 == 4, BAD_P1P2)
        want(len(data) >= 5 and AID.startswith(data), NOT_FOUND)
        self.selected = True
        return tlv.make(0x61, tlv.make(0x4F, AID[5:]), tlv.make(0x79, tlv.make(0x4F, AID[:5])))

    def get_data(self, p1, p2, data):
        """PIV 3.1.2."""
        name = int.from_bytes(tlv.parse(data)[0x5C], "big")
        want(name not in PIN_TO_READ or self.verified, NOT_ALLOWED)
        want(name in self.memory.objects, NOT_FOUND)
        return tlv.make(0x53, bytes.fromhex(self.memory.objects[name]))

    def put_data(self, p1, p2, data):
        """PIV 3.3.1; an empty object is deleted."""
        want(self.managed, NOT_ALLOWED)
        parts = tlv.parse(data)
        name = int.from_bytes(parts[0x5C], "big")
        self.memory.objects.pop(name, None)
        if parts[0x53]:
            self.memory.objects[name] = parts[0x53].hex()
        self.memory.save()

    def _compare(self, who, secret):
        """A try at the PIN or PUK: PIV 3.2.1, and never one more than are left."""
        left = self.memory.left
        want(left[who] > 0, BLOCKED)
        if secret.hex() != self.memory.secrets[who]:
            left[who] -= 1
            self.memory.save()
            if who == PIN:
                self.verified = False
            raise Refused(0x63C0 + left[who])
        left[who] = self.memory.tries[who]
        self.memory.save()

    def verify(self, p1, p2, data):
        """PIV 3.2.1: without data it tells the tries, with P1 FF it forgets the PIN."""
        want(p2 == PIN, NO_REFERENCE)
        if p1 == 0xFF:
            self.verified = False
        elif not data:
            left = self.memory.left[PIN]
            want(left, BLOCKED)
            want(self.verified, 0x63C0 + left)
        else:
            want(len(data) == 8, BAD_DATA)
            self._compare(PIN, data)
            self.verified = self.fresh = True

    def change(self, p1, p2, data):
        """PIV 3.2.2: CHANGE REFERENCE DATA, the old one and the new one."""
        want(p2 in (PIN, PUK), NO_REFERENCE)
        want(len(data) == 16, BAD_DATA)
        self._compare(p2, data[:8])
        self.memory.secrets[p2] = data[8:].hex()
        self.memory.save()

    def unblock(self, p1, p2, data):
        """PIV 3.2.3: RESET RETRY COUNTER, the PUK and a new PIN."""
        want(p2 == PIN, NO_REFERENCE)
        want(len(data) == 16, BAD_DATA)
        self._compare(PUK, data[:8])
        self.memory.secrets[PIN] = data[8:].hex()
        self.memory.left[PIN] = self.memory.tries[PIN]
        self.memory.save()

    def generate(self, p1, p2, data):
        """PIV 3.3.2, with policies as Yubico: Generate asymmetric has them."""
        want(self.managed, NOT_ALLOWED)
        parts = tlv.parse(tlv.parse(data)[0xAC])
        algorithm = parts[0x80][0]
        key = self._new_key(p2, algorithm, parts, lambda: piv_key.generate(algorithm), imported=False)
        return tlv.make(0x7F49, piv_key.public_tlv(key))

    def import_key(self, p1, p2, data):
        """Yubico: Import asymmetric."""
        want(self.managed, NOT_ALLOWED)
        parts = tlv.parse(data)
        self._new_key(p2, p1, parts, lambda: piv_key.imported(p1, parts), imported=True)

    def _new_key(self, slot, algorithm, parts, make, imported):
        want(slot in SLOTS, BAD_P1P2)
        known = algorithm in piv_key.CURVES or algorithm in piv_key.RSA_BITS
        new_enough = algorithm not in piv_key.FIRMWARE_5_7 or self.memory.firmware >= [5, 7]
        want(known and new_enough, BAD_DATA)
        key = make()
        pin = parts.get(0xAA, b"\0")[0] or DEFAULT_PIN_POLICY.get(slot, ONCE)
        touch = parts.get(0xAB, b"\0")[0] or TOUCH_NEVER
        self.memory.keys[slot] = {"algorithm": algorithm, "pin": pin, "touch": touch,
                                       "imported": imported, "key": piv_key.to_text(key)}
        self.memory.save()
        return key

    def authenticate(self, p1, p2, data):
        """PIV 3.2.4: GENERAL AUTHENTICATE, to the card with 9B and otherwise with a key."""
        parts = tlv.parse(tlv.parse(data)[0x7C])
        if p2 == MANAGEMENT:
            return self._manage(p1, parts)
        kept = self.memory.keys.get(p2)
        want(kept and kept["algorithm"] == p1, BAD_DATA)
        self._permit(kept)
        key = piv_key.from_text(kept["key"])
        if 0x85 in parts:
            return tlv.make(0x7C, tlv.make(0x82, piv_key.agree(key, parts[0x85])))
        made = piv_key.use(key, parts[0x81])
        if self.spoil:
            self.spoil, made = False, made[:-1] + bytes([made[-1] ^ 1])
        return tlv.make(0x7C, tlv.make(0x82, made))

    def _permit(self, kept):
        want(kept["pin"] == NEVER or (self.just_now if kept["pin"] == ALWAYS else self.verified), NOT_ALLOWED)
        if kept["touch"] == TOUCH_ALWAYS or kept["touch"] == TOUCH_CACHED and not self.cached:
            want(self.touched(), NOT_ALLOWED)
            self.cached = kept["touch"] == TOUCH_CACHED

    def _manage(self, algorithm, parts):
        """PIV A.1: the card proves itself with 80 (witness), or only the other side, with 81 (challenge)."""
        want(algorithm in (0x00, self.memory.management_cipher), BAD_DATA)
        block = CIPHERS[algorithm][0]
        awaited, self.awaited = self.awaited, None
        fresh = os.urandom(block)
        if parts.get(0x80) == b"":
            self.awaited = fresh
            return tlv.make(0x7C, tlv.make(0x80, self._encrypt(fresh)))
        if parts.get(0x81) == b"":
            self.awaited = self._encrypt(fresh)
            return tlv.make(0x7C, tlv.make(0x81, fresh))
        self.managed = awaited is not None and awaited == parts.get(0x80, parts.get(0x82))
        want(self.managed, NOT_ALLOWED)
        if 0x80 in parts:
            want(len(parts[0x81]) == block, BAD_DATA)
            return tlv.make(0x7C, tlv.make(0x82, self._encrypt(parts[0x81])))
        return b""

    def _encrypt(self, text):
        key = bytes.fromhex(self.memory.management)
        block = CIPHERS[self.memory.management_cipher][0]
        cipher = algorithms.TripleDES(key) if block == 8 else algorithms.AES(key)
        return Cipher(cipher, modes.ECB()).encryptor().update(text)

    def set_management(self, p1, p2, data):
        """Yubico: Set management key."""
        want(self.managed, NOT_ALLOWED)
        want(p1 == 0xFF and p2 in (0xFE, 0xFF), BAD_P1P2)
        algorithm, reference, size = data[:3]
        want(algorithm in CIPHERS and reference == MANAGEMENT and size == CIPHERS[algorithm][1] == len(data) - 3,
             BAD_DATA)
        self.memory.management, self.memory.management_cipher = data[3:].hex(), algorithm
        self.memory.save()

    def metadata(self, p1, p2, data):
        """Yubico: Get metadata."""
        memory = self.memory
        if p2 in (PIN, PUK):
            factory = memory.secrets[p2] == FACTORY_SECRETS[p2].hex()
            return tlv.make(0x01, b"\xff") + tlv.make(0x05, bytes([factory])) + \
                tlv.make(0x06, bytes([memory.tries[p2], memory.left[p2]]))
        if p2 == MANAGEMENT:
            return tlv.make(0x01, bytes([memory.management_cipher])) + tlv.make(0x02, bytes([0, TOUCH_NEVER])) + \
                tlv.make(0x05, bytes([memory.management == FACTORY_KEY.hex()]))
        kept = memory.keys.get(p2)
        want(kept, NO_REFERENCE)
        return tlv.make(0x01, bytes([kept["algorithm"]])) + \
            tlv.make(0x02, bytes([kept["pin"], kept["touch"]])) + \
            tlv.make(0x03, bytes([2 if kept["imported"] else 1])) + \
            tlv.make(0x04, piv_key.public_tlv(piv_key.from_text(kept["key"])))

    def attest(self, p1, p2, data):
        """Yubico: Create attestation statement; of keys made here alone."""
        kept = self.memory.keys.get(p1)
        want(kept, NO_REFERENCE)
        want(not kept["imported"], BAD_DATA)
        return piv_key.attest(p1, piv_key.from_text(kept["key"]).public_key(),
                              piv_key.from_text(self.memory.attestation_key), self.memory.firmware,
                              self.memory.serial, (kept["pin"], kept["touch"]))

    def version(self, p1, p2, data):
        """Yubico: Get version."""
        return bytes(self.memory.firmware)

    def serial(self, p1, p2, data):
        """Yubico: Get serial number."""
        return self.memory.serial.to_bytes(4, "big")

    def set_tries(self, p1, p2, data):
        """Yubico: Set PIN retries: both go back to their factory values."""
        want(self.managed and self.verified, NOT_ALLOWED)
        self.memory.tries = {PIN: p1, PUK: p2}
        self.memory.factory_secrets()
        self.memory.save()

    def reset(self, p1, p2, data):
        """Yubico: Reset PIV: with PIN and PUK both blocked."""
        want(not any(self.memory.left.values()), CONDITIONS)
        self.memory.factory()
        self.power()
        self.selected = True


def parts_of(apdu):
    """A command's data, and how much it wants back: of the short form and of the long one (ISO 7816-4, 5.2)."""
    body = apdu[4:]
    width = 2 if len(body) > 2 and body[0] == 0 else 1
    body = body[width - 1:]  # the zero that tells the long form
    all_there_is = 256 ** width
    if len(body) <= width:
        return b"", int.from_bytes(body, "big") or all_there_is
    end = width + int.from_bytes(body[:width], "big")
    return body[width:end], int.from_bytes(body[end:], "big") or all_there_is


COMMANDS = {
    0xA4: Card.select, 0xCB: Card.get_data, 0xDB: Card.put_data,
    0x20: Card.verify, 0x24: Card.change, 0x2C: Card.unblock,
    0x47: Card.generate, 0x87: Card.authenticate,
    0xF7: Card.metadata, 0xF8: Card.serial, 0xF9: Card.attest, 0xFA: Card.set_tries, 0xFB: Card.reset,
    0xFD: Card.version, 0xFE: Card.import_key, 0xFF: Card.set_management,
}
