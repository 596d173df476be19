# SPDX-License-Identifier: Apache-2.0
"""The commands that only look: a failure may cost them their answer, and must not
change it."""
import glob
import os

import acts


class Look(acts.Act):
    """What it says without a fault, or that it could not; nothing is changed."""
    state = "look"
    clean = (0, 1)
    processes = {"0": "command"}
    others = "reader"

    def kept(self, b):
        """A software token writes as it is looked at."""
        return b.files("home-ca", "home-online", "stick", "loose")

    def judge(self, j):
        j.want(self.kept(j.b) == self.at_first, "something was changed")
        return "whole" if j.run.status in self.clean else "nothing"


def one(b, *names):
    return sorted(glob.glob(b.path(*names)))[0]


def bundle(b):
    return one(b, "stick", "airgap-ca", "requests", "*.cose")


def response(b):
    return one(b, "stick", "airgap-ca", "responses", "*", "manifest.cose")


def key(b):
    """The transfer key, as the CA's home has it."""
    with open(b.path("home-ca", "token.conf")) as f:
        return [line.split(" = ", 1)[1].strip() for line in f if line.startswith("transfer")][0]


LOOKS = (
    ("ca-list", lambda b, t: b.ca_argv("list")),
    ("ca-show", lambda b, t: b.ca_argv("show", t.serial)),
    ("ca-status", lambda b, t: b.ca_argv("status")),
    ("ca-ledger", lambda b, t: b.ca_argv("ledger")),
    ("ca-verify", lambda b, t: b.ca_argv("ledger", "verify", "--head", response(b))),
    ("ca-policy", lambda b, t: b.ca_argv("policy", "check")),
    ("ca-check", lambda b, t: b.ca_argv("check", "-n", b.path("stick"))),
    ("ca-requester", lambda b, t: b.ca_argv("requester", "list")),
    ("ca-sign-n", lambda b, t: b.ca_argv("sign", "-n", b.path("stick"))),
    ("ca-loose-n", lambda b, t: b.ca_argv(
        "sign", "-n", "--loose", "--profile", "tls-server", b.path("loose"))),
    ("tr-list", lambda b, t: b.transfer_argv("list")),
    ("tr-status", lambda b, t: b.transfer_argv("status")),
    ("tr-verify", lambda b, t: b.transfer_argv("verify", b.path("stick"))),
    ("tr-inspect", lambda b, t: b.transfer_argv("inspect", bundle(b))),
    ("tr-request-n", lambda b, t: b.transfer_argv(
        "request", "-n", *t.csrs, "--profile", "tls-server", "--out", b.path("stick"))),
    ("tr-posh", lambda b, t: b.transfer_argv("posh", "one.example.org")),
    ("tr-tlsa", lambda b, t: b.transfer_argv("tlsa", "one.example.org")),
    ("tk-list", lambda b, t: [os.path.join(t.bin, "airgap-token"), "list", "--module", t.module]),
    ("tk-check", lambda b, t: [os.path.join(t.bin, "airgap-token"), "check", key(b)]),
)


def looks(tools):
    """An act for each of them."""
    found = []
    for name, argv in LOOKS:
        act = Look(tools)
        act.name = name
        if name.startswith("tk-") or "sign" in name or "loose" in name:
            act.processes = dict(act.processes, **{"0.1": "token", "0.2": "judge"})
        act.argv = lambda b, argv=argv: argv(b, tools)
        found.append(act)
    return found
