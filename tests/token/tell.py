#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""tell.py SOCKET WORD...: says a line to a virtual card (piv_card.py) and prints its answer.

Status 1: it was none.
"""
import socket
import sys

with socket.socket(socket.AF_UNIX) as link:
    link.connect(sys.argv[1])
    link.sendall(" ".join(sys.argv[2:]).encode() + b"\n")
    answer = link.makefile().readline().rstrip("\n")
print(answer)
sys.exit(not answer or answer.startswith("what?"))
