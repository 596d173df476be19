#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Where a PIN may come from, where it lies while it is needed, and that a refused
# one is never tried again. Run as root, which alone can look into the process of
# a user who is not.
. "$(dirname "$0")/../lib/lib.sh"
needs pkcs11-tool opensc
needs "${CC:-gcc}" gcc

make_ca
enrol_online
CONF=$(home_of ca)/token.conf

# ---- a file ---------------------------------------------------------------------------

KEY=$(sed -n 's/^ca = .*object=\([^?;]*\).*/\1/p' "$CONF")
check() { run token check "$(uri ca ";object=$KEY")"; }
check
status 0 'a PIN comes from a file of ours alone'
for mode in 640 604 660 606; do
	must chmod $mode "$WORK/pin"
	check
	status 5 "not from one of mode $mode"
	says "PIN file $WORK/pin: others may read it \\(mode 0$mode\\): chmod 600 it" 'which is said'
	run ca transfer-key --key-type ec-p256 --out "$STICK" --yes
	status 5 "nor does the CA take it (mode $mode)"
done
must chmod 600 "$WORK/pin"
must mkfifo -m 600 "$WORK/fifo"
run token check "pkcs11:token=ca;object=$KEY?module-path=$MODULE&pin-source=file:$WORK/fifo"
status 5 'and a fifo is not waited for'
says 'not a regular file' 'but refused'

# ---- nor a URI -------------------------------------------------------------------------

run token check "pkcs11:token=ca?pin-value=$PIN"
status 2 "a PIN in the URI is refused"
quiet "$PIN" "and not repeated"
for bad in "pkcs11:token=ca;colour=red?pin-value=$PIN" "pkcs11:token=%zz?pin-value=$PIN"; do
	run token check "$bad"
	status 2 "a PIN in a URI that is wrong otherwise is refused"
	quiet "$PIN" "and not repeated either"
done

# ---- and not the file of another user ---------------------------------------------------

if [ "$(id -u)" != 0 ]; then
	LAST=
	fail 'files can be given to another user' 'run this test as root'
	done_testing
fi
must chown 65534 "$WORK/pin"
check
status 5 'not from the file of another user'
says "PIN file $WORK/pin: belongs to another user \\(65534\\)" 'which is said'
must chown 0 "$WORK/pin"

# ---- while the prompt stands ---------------------------------------------------------

# A user who is not root and may lock 64 KiB, as is usual.
# The program lies where that user may go, which a checkout need not.
must chmod 711 "$WORK"
must chown -R 65533 "$WORK/tokens"
must install -m 755 "$BIN/airgap-token" "$WORK/airgap-token"
"$PYTHON" - "$WORK/airgap-token" "$(uri_ask ca ";object=$KEY")" >"$WORK/seen" 2>&1 <<'EOF_PY'
import os, pty, re, resource, sys, termios, time

WRONG = b"73918264"
pid, fd = pty.fork()
if pid == 0:
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (65536, 65536))
    os.setgroups([])
    os.setgid(65533)
    os.setuid(65533)
    os.environ["TERM"] = "dumb"
    os.execv(sys.argv[1], [sys.argv[1], "check", sys.argv[2]])

def asked(n):
    shown = b""
    while shown.count(b"PIN of token") < n:
        shown += os.read(fd, 1000)
    while termios.tcgetattr(fd)[3] & termios.ECHO:
        time.sleep(0.01)
    time.sleep(0.2)

def areas(child):
    """Each mapping that can be written to: begin, end, KiB locked, name."""
    area = None
    for line in open(f"/proc/{child}/smaps"):
        head = re.match(r"([0-9a-f]+)-([0-9a-f]+) (rw)?.{2,4} \S+ \S+ \S+ *(\S*)", line)
        if head:
            area = head
        elif line.startswith("Locked:") and area.group(3):
            yield int(area.group(1), 16), int(area.group(2), 16), int(line.split()[1]), area.group(4)

def holds(child, wanted):
    with open(f"/proc/{child}/mem", "rb", 0) as memory:
        for begin, end, _, name in areas(child):
            if end - begin > 1 << 28:  # the sanitisers keep terabytes
                continue
            memory.seek(begin)
            if wanted in memory.read(end - begin):
                return name or "a page of its own"
    return "nowhere"

asked(1)
child = int(open(f"/proc/{pid}/task/{pid}/children").read().split()[0])
print("its memory is", "root's" if os.stat(f"/proc/{child}/mem").st_uid == 0 else "the user's")
print("core", re.search(r"Max core file size +(\w+) +(\w+)", open(f"/proc/{child}/limits").read()).groups())
# What is locked of the stack is an area beside the rest of it, and has no name.
found = list(areas(child))
stack = [area for area in found if area[3] == "[stack]"]
edges = {edge for begin, end, _, _ in stack for edge in (begin, end)}
locked = [area for area in found if area[2]]
on_stack = [area for area in locked if area in stack or edges & set(area[:2])]
print("stack locked:", bool(on_stack))
print("page locked:", any(area not in on_stack for area in locked))
os.write(fd, WRONG[:4])
os.write(fd, WRONG[4:] + b"\n")
asked(1)
print("refused PIN in the token process:", holds(child, WRONG))
print("in the program:", holds(pid, WRONG))
os.write(fd, b"\x03")
while True:
    try:
        if not os.read(fd, 1000):
            break
    except OSError:
        break
print("status", os.WEXITSTATUS(os.waitpid(pid, 0)[1]))
EOF_PY
comment <"$WORK/seen"
seen() { like "$(cat "$WORK/seen")" "^$1\$" "$2"; }
seen "its memory is root's" 'another process of the same user cannot read where the PIN is'
seen "core \\('0', '0'\\)" 'no core is left of it'
# The sanitisers' run-time has an mlock of its own, which does nothing: the plain build tells.
case $BUILD in
*/debug) ;;
*)
	seen 'stack locked: True' 'what is typed goes to memory that is not swapped out'
	seen 'page locked: True' 'and so does what is kept of it'
	;;
esac
seen 'refused PIN in the token process: nowhere' 'a refused PIN is gone when the next is asked for'
seen 'in the program: nowhere' 'and never was anywhere else'
must chown -R 0 "$WORK/tokens"

# ---- a refused one is not tried again --------------------------------------------------

SHIM_SO=$WORK/shim.so
# shellcheck disable=SC2046 # a list of flags
must "${CC:-gcc}" -shared -fPIC $(pkg-config --cflags p11-kit-1) \
	-o "$SHIM_SO" "$TOP/tests/lib/shim.c" -ldl
SPY=$(find /usr/lib -name pkcs11-spy.so -print -quit)
[ -n "$SPY" ] || { fail 'pkcs11-spy.so is here' 'Debian package: opensc-pkcs11'; done_testing; }

# shim WORDS ARG...: airgap-token with the misbehaving module
shim() { SHIM=$1 token "${@:2}"; }
shimmed="pkcs11:token=ca;object=$KEY?module-path=$SHIM_SO&pin-source=file:$WORK/pin"
run shim final-try check "$shimmed"
status 5 "a token at its final try is refused"
says '\-\-last-try' "and names the option"
run shim final-try check "$shimmed" --last-try
status 0 "--last-try uses it"
run shim locked check "$shimmed" --last-try
status 5 "a locked PIN is not tried"
says 'locked' "and says so"

# What the process holds right after a refusal, looked at during the next call.
cat >"$WORK/holds.py" <<'EOF_PY'
import re, sys
pid, wanted = sys.argv[1], open(sys.argv[2], "rb").read().strip()
found = "nowhere"
with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
    for line in maps:
        area = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
        if area is None:
            continue
        begin, end = (int(x, 16) for x in area.groups())
        if end - begin > 1 << 28:
            continue
        memory.seek(begin)
        if wanted in memory.read(end - begin):
            found = line.strip()
print(found)
EOF_PY
printf '73918264\n' >"$WORK/wrong"
chmod 600 "$WORK/wrong"
look='"$PYTHON" "$WORK/holds.py" "$TOKEN_PID" "$WORK/wrong" >>"$WORK/held"'
SHIM=login-refused run watched "$look" -- token check "pkcs11:token=ca;object=$KEY?module-path=$SHIM_SO&pin-source=file:$WORK/wrong"
status 5 'a refused PIN from a file'
is "$(sort -u "$WORK/held")" nowhere 'is wiped before anything else is asked of the token'

# A key that wants the PIN for each signature, and several to make: what is asked for
# before the first is refused must not cost a try each.
must pkcs11-tool --module "$MODULE" --login --pin "$PIN" --token-label ca --keypairgen \
	--key-type EC:prime256v1 --label always --id 77 --always-auth --usage-sign --sensitive
must pkcs11-tool --module "$MODULE" --login --pin "$PIN" --token-label ca --keypairgen \
	--key-type EC:prime256v1 --label manifests --id 78 --usage-sign --sensitive
STICK=$(stick always)
run ca @always init --subject 'CN=Always' --token "$(uri ca)" --use-key pkcs11:object=always \
	--transfer-key pkcs11:object=manifests --scope example.org --profiles tls --out "$STICK" --yes --json
status 0 'a CA whose key wants the PIN for each signature'
CA_HEX=$(json fingerprint)
enrol_online @always
must csr_openssl web ec-p256 /CN=web.example.org DNS:web.example.org
must transfer @always request "$WORK/web.csr" --profile tls-server --series 6x31d+7d --out "$STICK"
must sed -i "s|module-path=[^&?]*|module-path=$SPY|" "$(home_of always)/token.conf"
logins() { grep -c '^[0-9]*: C_Login' "$WORK/spy.log"; }
spied() { PKCS11SPY=$SHIM_SO PKCS11SPY_OUTPUT=$WORK/spy.log SHIM=$1 "${@:2}"; }
# The token process may write what is there, and make nothing new beside a home.
: >"$WORK/spy.log"
run spied context-refused ca @always sign "$STICK" --yes --expect "$REQUESTER_HEX"
status 5 'the token refuses it for the first signature'
says 'wrong PIN' 'which is said'
is "$(logins)" 2 'for six signatures it was tried once, after the one login'
: >"$WORK/spy.log"
run spied '' ca @always sign "$STICK" --yes --expect "$REQUESTER_HEX"
status 0 'the same command signs when the token takes it'
is "$(logins)" 7 'with one login for all, and one for each of the six'

done_testing
