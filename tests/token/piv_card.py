#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A virtual PIV card in a reader of vpcd, and a socket by which a test makes it misbehave.

    piv_card.py FILE PORT SOCKET [--serial N] [--firmware 5.4.3] [--log FILE]

FILE is what the card keeps (piv.py); it is made when it is not there, and FILE.root.pem is then the root of its
attestations. PORT is vpcd's on this machine. Whoever connects to SOCKET sends one line and gets one back
(tell.py does that):

    eject, insert       the card is out of its reader, or in it again
    swap FILE           another card is in the reader
    delay MS            each command takes so much longer
    on NAME [N] DEED    what the N-th command NAME from now on (the first) comes to:
                          answer SW   it is not carried out, and the status word is this one
                          hang        it is never answered, or late: `off` lets it go on, `eject` and `swap` do not
                          eject       the card is pulled, and it is not carried out
                          wrong       it is carried out, and its signature is another one
    off                 nothing of the two above stands any more, and no touch comes for the key that waits
    touch hold|give|auto
                        a key that wants a touch waits for one, fifteen seconds at most; the touch comes; each comes
                        at once, as at first
    await hang|touch    answered when the card does that
    counts              how many commands of each name there were, and how many AUTHENTICATEs for each slot, as JSON
    tries               how many PIN tries are left

NAME is one of NAMES below, or ANY. A PIN that is tried is a VERIFY; the question whether one is wanted is another
name, and so is the management key's GENERAL AUTHENTICATE, for those cost no try and use no key.

vpcd's protocol: the card connects; a message is its length in two bytes and the bytes; one of a single byte is
for the reader: 0 power off, 1 power on, 2 reset, 4 send the ATR
(https://frankmorgner.github.io/vsmartcard/virtualsmartcard/api.html).
"""
import argparse
import collections
import json
import os
import socket
import threading

import piv

# That of a YubiKey 5: OpenSC chooses its driver by it.
ATR = bytes.fromhex("3bfd1300008131fe158073c021c057597562694b657940")
OFF, ON, RESET, SEND_ATR = 0, 1, 2, 4
NAMES = {0xA4: "SELECT", 0xCB: "GET-DATA", 0xDB: "PUT-DATA", 0x20: "VERIFY", 0x24: "CHANGE", 0x2C: "UNBLOCK",
         0x47: "GENERATE", 0x87: "AUTHENTICATE", 0xC0: "GET-RESPONSE", 0xF7: "METADATA", 0xF8: "SERIAL",
         0xF9: "ATTEST", 0xFA: "SET-TRIES", 0xFB: "RESET", 0xFD: "VERSION", 0xFE: "IMPORT", 0xFF: "SET-MANAGEMENT"}
TOUCH_SECONDS = 15
# pcscd looks for the card a few times a second. One that was pulled and put back meanwhile is none to it for ever, so
# two looks, of which one may be a client's, find nothing.
MISSES = 2


def name_of(apdu):
    """Its name, and none for the parts of a chain before the last."""
    if len(apdu) < 4 or apdu[0] & 0x10:
        return None
    if apdu[1] == 0x20 and not piv.parts_of(apdu)[0]:
        return "VERIFY-STATE"
    if apdu[1] == 0x87 and apdu[3] == piv.MANAGEMENT:
        return "MANAGE"
    return NAMES.get(apdu[1], "OTHER")


class Reader:
    """The reader's end: one thread takes commands from vpcd, one each what a test says."""

    def __init__(self, memory, port, log):
        self.port, self.log = port, log
        self.changed = threading.Condition()
        self.card = piv.Card(memory, self.touched)
        self.inserted, self.link, self.misses = True, None, 0
        self.counts = collections.Counter()
        self.delay = 0
        self.deeds = []  # [NAME, how many commands until then, deed, its word]
        self.doing = None  # "hang" or "touch"
        self.touches = None  # None: each comes at once

    # ---- vpcd

    def serve(self):
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.inserted)
                missed = self.misses
                link = self.link = socket.create_connection(("127.0.0.1", self.port))
            try:
                self.attend(link)
            except OSError:
                pass
            link.close()
            with self.changed:
                if self.inserted and self.link is link and not missed:
                    return  # vpcd has left

    def attend(self, link):
        """Until the link ends, or the reader has looked for a card that it has to miss first."""
        stream = link.makefile("rb")
        while True:
            # vpcd writes length and body apart; without this the second waits for our kernel.
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            size = stream.read(2)
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            message = stream.read(int.from_bytes(size, "big"))
            if len(size) < 2 or not message:
                return
            if message == bytes([SEND_ATR]) and self.misses:
                self.misses -= 1
                return
            answer = self.control(message[0]) if len(message) == 1 else self.command(message)
            if answer is not None:
                link.sendall(len(answer).to_bytes(2, "big") + answer)

    def control(self, what):
        if what == SEND_ATR:
            return ATR
        self.card.power()
        return None

    def command(self, apdu):
        name = name_of(apdu)
        with self.changed:
            link = self.link
            if name:
                self.counts[name] += 1
            if name == "AUTHENTICATE":
                self.counts["%02x" % apdu[3]] += 1
            deed, word = self.deed(name)
            if deed == "hang":
                self.wait("hang", None)
            if deed == "eject":
                self.eject()
            if self.delay:
                self.wait(None, self.delay)
            if self.link is not link:
                return None
        self.card.spoil = deed == "wrong"
        if deed == "answer":
            self.card.fail()
            answer = bytes.fromhex(word)
        else:
            answer = self.card.answer(apdu)
        if self.log:
            print(name or "(more)", apdu[2:4].hex(), answer[-2:].hex(), file=self.log, flush=True)
        return answer

    def deed(self, name):
        for at, (wanted, left, deed, word) in enumerate(self.deeds):
            if name and wanted in (name, "ANY"):
                self.deeds[at][1] = left - 1
                if left == 1:
                    del self.deeds[at]
                    return deed, word
        return None, None

    def wait(self, doing, seconds, until=lambda: False):
        """Until the card is out, or `off` ends what it does; with the lock."""
        link, self.doing = self.link, doing
        self.changed.notify_all()
        self.changed.wait_for(lambda: self.link is not link or self.doing != doing or until(), seconds)
        self.doing = None

    def touched(self):
        with self.changed:
            if self.touches is None:
                return True
            self.wait("touch", TOUCH_SECONDS, lambda: self.touches)
            come, self.touches = self.touches, 0
            return bool(come)

    # ---- what a test says; each with the lock

    def eject(self):
        self.inserted = False
        if self.link:
            self.link.shutdown(socket.SHUT_RDWR)
        self.link, self.misses = None, MISSES

    def insert(self):
        self.inserted = True

    def swap(self, path):
        self.eject()
        self.card = piv.Card(memory_of(path), self.touched)
        self.insert()

    def set_delay(self, milliseconds):
        self.delay = int(milliseconds) / 1000

    def on(self, name, *words):
        number = 1
        if words[0].isdigit():
            number, words = int(words[0]), words[1:]
        deed, word = words[0], (words + (None,))[1]
        if name not in (*NAMES.values(), "ANY", "VERIFY-STATE", "MANAGE") or number < 1 or \
                deed not in ("answer", "hang", "eject", "wrong") or (deed == "answer") != (word is not None):
            raise ValueError
        if word:
            int(word, 16).to_bytes(2, "big")
        self.deeds.append([name, number, deed, word])

    def off(self):
        self.deeds, self.delay, self.doing = [], 0, None

    def touch(self, how):
        self.touches = {"hold": 0, "give": 1, "auto": None}[how]

    def await_(self, doing):
        if not self.changed.wait_for(lambda: self.doing == doing, 60):
            raise ValueError

    def show_counts(self):
        return json.dumps(self.counts)

    def tries(self):
        return str(self.card.memory.left[piv.PIN])

    def told(self, words):
        words = words.split()
        orders = {"eject": self.eject, "insert": self.insert, "swap": self.swap, "delay": self.set_delay,
                  "on": self.on, "off": self.off, "touch": self.touch, "await": self.await_,
                  "counts": self.show_counts, "tries": self.tries}
        try:
            with self.changed:
                answer = orders[words[0]](*words[1:]) or "done"
                self.changed.notify_all()
        except (KeyError, TypeError, ValueError, IndexError):
            answer = "what? " + " ".join(words)
        return answer

    def listen(self, path):
        """Each caller has a thread, for one that awaits something must not keep others out."""
        def attend(caller):
            with caller, caller.makefile("rw") as stream:
                print(self.told(stream.readline()), file=stream, flush=True)
        server = socket.socket(socket.AF_UNIX)
        server.bind(path)
        server.listen()

        def accept():
            while True:
                threading.Thread(target=attend, args=server.accept()[:1], daemon=True).start()
        threading.Thread(target=accept, daemon=True).start()


def memory_of(path, **chosen):
    new = not os.path.exists(path)
    memory = piv.Memory(path, **chosen)
    if new:
        with open(path + ".root.pem", "w") as file:
            file.write(memory.root)
    return memory


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("port", type=int)
    parser.add_argument("socket")
    parser.add_argument("--serial", type=int)
    parser.add_argument("--firmware", default="5.4.3")
    parser.add_argument("--log", type=argparse.FileType("w"))
    given = parser.parse_args()
    firmware = tuple(int(n) for n in given.firmware.split("."))
    reader = Reader(memory_of(given.file, serial=given.serial, firmware=firmware), given.port, given.log)
    reader.listen(given.socket)
    reader.serve()


if __name__ == "__main__":
    main()
