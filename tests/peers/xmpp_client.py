#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A client of XMPP for the tests: logs in, sends one message, sees what becomes of it.

xmpp_client.py login WHO
xmpp_client.py send WHO WHO

WHO is user@domain/address[,option]...: the client connects to that address, and the
options are
    password=P          log in by SASL PLAIN ("secret")
    cert=F              by SASL EXTERNAL with this PEM of key and certificate
    authzid=J           asking to be J (with EXTERNAL; else no authorization identity)
    ca=F                the server's certificate must verify for the domain under F
    direct              TLS at once on port 5223 (XEP-0368), no STARTTLS
    port=N              another port than those

`login` prints the address that the server bound. `send` prints "arrived" when the second
one was given the message of the first, else "bounced CONDITION: TEXT". Whatever the server
refuses is printed as "refused WHAT", with status 1.
"""
import base64
import re
import socket
import ssl
import sys
import time
import xml.etree.ElementTree as ET

PATIENCE = 40  # seconds until a peer that says nothing is given up


class Refused(Exception):
    pass


class Client:
    def __init__(self, who):
        jid, *options = who.split(",")
        jid, self.address = jid.split("/")
        self.user, self.domain = jid.split("@")
        self.option = dict(o.partition("=")[::2] for o in options)
        self.sock = None
        self.begin_parsing()

    # ---- the stream ----------------------------------------------------------------

    def begin_parsing(self):
        self.parser = ET.XMLPullParser(["start", "end"])
        self.depth = 0
        self.elements = []

    def write(self, text):
        try:
            self.sock.sendall(text.encode())
        except ConnectionError:
            pass  # why is told to who reads

    def parse(self, data):
        self.parser.feed(data)
        for event, element in self.parser.read_events():
            self.depth += 1 if event == "start" else -1
            if event == "end" and self.depth == 1:
                self.elements.append(element)

    def element(self):
        """The next child of the stream; its tag without the namespace."""
        while not self.elements:
            try:
                data = self.sock.recv(16384)
            except ssl.SSLError as e:
                raise Refused("tls " + (e.reason or str(e))) from e
            except ConnectionError as e:
                raise Refused("connection") from e
            if not data:
                raise Refused("connection")
            self.parse(data)
        element = self.elements.pop(0)
        tag = element.tag.split("}")[1]
        if tag == "error":
            raise Refused("stream " + element[0].tag.split("}")[1])
        return tag, element

    def open_stream(self):
        self.begin_parsing()
        self.write("<?xml version='1.0'?><stream:stream to='%s' version='1.0' xmlns='jabber:client'"
                   " xmlns:stream='http://etherx.jabber.org/streams'>" % self.domain)
        tag, features = self.element()
        if tag != "features":
            raise Refused("features: " + tag)
        return features

    def start_tls(self):
        context = ssl.create_default_context(cafile=self.option.get("ca"))
        if "ca" not in self.option:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if "cert" in self.option:
            context.load_cert_chain(self.option["cert"])
        if "direct" in self.option:
            context.set_alpn_protocols(["xmpp-client"])
        try:
            self.sock = context.wrap_socket(self.sock, server_hostname=self.domain)
        except ssl.SSLCertVerificationError as e:
            raise Refused("certificate: " + e.verify_message) from e
        except ssl.SSLError as e:
            raise Refused("tls " + (e.reason or str(e))) from e

    # ---- logging in ----------------------------------------------------------------

    def secure(self):
        direct = "direct" in self.option
        port = int(self.option.get("port", 5223 if direct else 5222))
        self.sock = socket.create_connection((self.address, port), PATIENCE)
        if not direct:
            features = self.open_stream()
            if features.find("{*}starttls") is None:
                raise Refused("no STARTTLS")
            self.write("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
            tag, _ = self.element()
            if tag != "proceed":
                raise Refused("STARTTLS: " + tag)
        self.start_tls()

    def authenticate(self, features):
        offered = [m.text for m in features.iter() if m.tag.endswith("}mechanism")]
        if "cert" in self.option:
            mechanism, text = "EXTERNAL", self.option.get("authzid", "")
        else:
            mechanism = "PLAIN"
            text = "\0%s\0%s" % (self.user, self.option.get("password", "secret"))
        if mechanism not in offered:
            raise Refused("%s is not offered, but %s" % (mechanism, " ".join(sorted(offered))))
        self.write("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='%s'>%s</auth>"
                   % (mechanism, base64.b64encode(text.encode()).decode() or "="))
        tag, element = self.element()
        if tag != "success":
            why = element[0].tag.split("}")[1] if len(element) else tag
            raise Refused("%s: %s" % (mechanism, why))

    def ask(self, kind, inner):
        self.write("<iq type='%s' id='q'>%s</iq>" % (kind, inner))
        while True:
            tag, element = self.element()
            if tag == "iq" and element.get("id") == "q":
                return element

    def log_in(self):
        self.secure()
        self.authenticate(self.open_stream())
        features = self.open_stream()
        bound = self.ask("set", "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>")
        jid = bound.find(".//{*}jid")
        if jid is None:
            raise Refused("bind")
        if features.find("{*}session") is not None:
            self.ask("set", "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>")
        self.jid = jid.text
        return self

    # ---- a message -----------------------------------------------------------------

    def fate(self, other):
        """What becomes of a message to `other`."""
        other.write("<presence/>")
        other.ask("get", "<query xmlns='jabber:iq:roster'/>")  # answered after the presence
        self.write("<message to='%s' type='chat' id='m'><body>a word</body></message>" % other.jid)
        end = time.monotonic() + PATIENCE
        while True:
            for client in (other, self):
                client.sock.settimeout(0.1)
                try:
                    tag, element = client.element()
                except (TimeoutError, ssl.SSLWantReadError):
                    if time.monotonic() > end:
                        raise Refused("nothing was heard of the message") from None
                    continue
                finally:
                    client.sock.settimeout(PATIENCE)
                if tag != "message":
                    continue
                if client is self:
                    error = element.find("{*}error")
                    said = error.findtext("{*}text", default="")
                    return "bounced %s: %s" % (error[0].tag.split("}")[1], said)
                sender = re.sub("/.*", "", element.get("from"))
                return "arrived" if sender == re.sub("/.*", "", self.jid) else "forged " + sender


def main(verb, *who):
    clients = [Client(w) for w in who]
    try:
        for client in clients:
            client.log_in()
        print(clients[0].jid if verb == "login" else clients[0].fate(clients[1]))
    except Refused as e:
        print("refused", e)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
