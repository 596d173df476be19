#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The same faults in `openssl ca`: the same driver, the same rule for the points.

usage: openssl_ca.py DIR SETTINGS.json --results FILE [--jobs N]

A CA with one certificate in its index signs two more in one run (-infiles),
with its defaults but for unique_subject, which would refuse the second run.
After the fault the same command runs again, an hour later. Nothing here passes or fails: what
became of each point is counted, the worst that is true of it.
"""
import argparse
import concurrent.futures
import glob
import json
import os
import shutil
import subprocess
import sys
import threading
import time

from cryptography import x509

sys.dont_write_bytecode = True
import bench  # noqa: E402
import points  # noqa: E402

SIGNED = 1  # 3.0 writes -out anew for each of several requests
END = b"-----END CERTIFICATE-----\n"
CONFIG = """
[ca]
default_ca = one
[one]
database = %(top)s/ca/index.txt
new_certs_dir = %(top)s/ca/out
serial = %(top)s/ca/serial
certificate = %(top)s/ca/ca.pem
private_key = %(top)s/ca/ca.key
default_md = sha256
default_days = 31
unique_subject = no
policy = any
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
"""


def openssl(*argv):
    subprocess.run(["openssl", *argv], check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def argv_of(b):
    return [shutil.which("openssl"), "ca", "-config", b.path("ca", "ca.cnf"), "-batch", "-notext",
            "-out", b.path("ca", "signed.pem"), "-infiles", b.path("ca", "1.csr"), b.path("ca", "2.csr")]


def prepare(b, state):
    """A CA, as its documentation has it, whose first certificate is an old one."""
    top = b.path("ca")
    os.makedirs(os.path.join(top, "out"))
    with open(os.path.join(top, "ca.cnf"), "w") as f:
        f.write(CONFIG % {"top": b.top})
    with open(os.path.join(top, "serial"), "w") as f:
        f.write("1000\n")
    open(os.path.join(top, "index.txt"), "w").close()
    key = os.path.join(top, "ca.key")
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    openssl("req", "-x509", "-new", "-key", key, "-subj", "/CN=CA", "-days", "3650", "-config",
            os.path.join(top, "ca.cnf"), "-out", os.path.join(top, "ca.pem"))
    for n in (0, 1, 2):
        csr = os.path.join(top, "%d.csr" % n)
        openssl("req", "-new", "-key", key, "-subj", "/CN=%d.example.org" % n, "-config",
                os.path.join(top, "ca.cnf"), "-out", csr)
    run = b.run("openssl", "ca", "-config", os.path.join(top, "ca.cnf"), "-batch", "-notext",
                "-out", os.path.join(top, "old.pem"), "-in", os.path.join(top, "0.csr"))
    assert run.status == 0, run.err
    shutil.copytree(top, os.path.join(state, "ca"))


def certificates(b):
    """{serial: {DER}} of all that lies there whole."""
    found = {}
    for name in glob.glob(b.path("ca", "out", "*.pem")) + [b.path("ca", "signed.pem")]:
        if not os.path.exists(name):
            continue
        with open(name, "rb") as f:
            blocks = f.read().split(END)[:-1]
        for block in blocks:
            cert = x509.load_pem_x509_certificate(block + END)
            found.setdefault(cert.serial_number, set()).add(cert.tbs_certificate_bytes)
    return found


def index(b):
    try:
        with open(b.path("ca", "index.txt")) as f:
            return [int(line.split("\t")[3], 16) for line in f if line.strip()]
    except (OSError, IndexError, ValueError):
        return []


def signed(b):
    try:
        with open(b.path("ca", "signed.pem"), "rb") as f:
            return f.read().count(END)
    except OSError:
        return 0


def outcome(b, before, run, hits):
    if "hit" not in hits:
        return "missed"
    unchanged = b.fingerprint() == before
    early, done = certificates(b), (sorted(index(b)) == [0x1000, 0x1001, 0x1002] and signed(b) == SIGNED and
                                    os.path.exists(b.path("ca", "serial")))
    lied = run.status == 0 and not done
    again = b.run("faketime", "-f", "+1h", *argv_of(b))
    late, listed = certificates(b), index(b)
    for serial, ders in late.items():
        early.setdefault(serial, set()).update(ders)
    if any(len(ders) > 1 for ders in early.values()):
        return "twice"
    if 0x1000 not in listed:
        return "lost"
    if again.status != 0:
        return "stuck"
    if not set(early) <= set(listed):
        return "unlisted"
    if lied:
        return "lied"
    if unchanged:
        return "nothing"
    return ("whole" if run.status == 0 else "told") if done else "begun"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("dir")
    parser.add_argument("settings")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--results")
    options = parser.parse_args()
    with open(options.settings) as f:
        tools = argparse.Namespace(**json.load(f))
    local, lock, began, results = threading.local(), threading.Lock(), time.monotonic(), []
    benches = []

    def place():
        if not hasattr(local, "b"):
            with lock:
                top = os.path.join(options.dir, "openssl-%d" % len(benches))
                local.b = bench.Bench(top, tools)
                benches.append(top)
            local.state = top + ".state"
            prepare(local.b, local.state)
            local.before = local.b.fingerprint()
        return local.b

    def attempt(point):
        b = place()
        b.restore(local.state)
        before = b.fingerprint()
        run = b.faulty(point, argv_of(b))
        found = outcome(b, before, run, b.hits())
        with lock:
            results.append([*point, found, run.status, []])

    b = place()
    counts, run = b.count(argv_of(b))
    assert run.status == 0, run.err
    every = points.points_of("openssl ca", counts)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(attempt, every))
    for top in benches:
        shutil.rmtree(top)
        shutil.rmtree(top + ".state")
    version = subprocess.run(["openssl", "version"], stdout=subprocess.PIPE, check=True).stdout.decode().split()[1]
    with open(options.results, "w") as f:
        json.dump({"every": len(every), "seconds": round(time.monotonic() - began), "version": version,
                   "jobs": options.jobs, "points": sorted(results)}, f)


if __name__ == "__main__":
    main()
