# SPDX-License-Identifier: Apache-2.0
# The library of the end-to-end tests: TAP, throw-away tokens and homes, and the
# three programs run as an operator would run them. A test begins with
#
#	. "$(dirname "$0")/lib.sh"
#
# and ends with done_testing. It drives what lies in $BUILD/bin (build/bin).
# Everything it makes lies in $WORK, which is removed at the end; KEEP=1 keeps
# it and says where. A test runs as root or as a plain user.
#
# Checks, each one TAP line; DESC states the promise:
#	ok DESC CMD...		CMD succeeds
#	nok STATUS DESC CMD...	it fails, with that status and no other: a program, a
#				file or a tool that is not there is not what was meant
#	is GOT WANT DESC	the same text
#	like TEXT REGEX DESC	unlike TEXT REGEX DESC	(grep -E)
# After `run CMD...`, which leaves $STATUS, $OUT and $ERR (texts):
#	status N DESC		the exit status
#	says REGEX DESC		on stderr, for people;	quiet REGEX DESC: not there
#	prints REGEX DESC	on stdout, for programs
#	rule NAME DESC		stderr names that rule
#	wants STATUS RULE DESC	a refusal: both at once
# Steps that are not the point of the test:
#	must CMD...		or the test ends here, failed
#	needs TOOL PACKAGE	likewise, naming the Debian package
#
# Who runs what; @NAME picks another home, of another CA or another host:
#	ca [@NAME] ARG...	airgap-ca, off the network (see on_network)
#	transfer [@NAME] ARG...	airgap-transfer
#	token ARG...		airgap-token
#	on_network CMD...	the interfaces of this machine are seen
#	at TIME CMD...		with the clock there ("2027-03-01 12:00:00", UTC), for
#				these three; any other program wants faketime of its own
#	replugged STICK CMD...	with that stick on another mount, as when it was pulled and
#				plugged in again: check believes no other
#	dialogue REGEX ANSWER [REGEX ANSWER]... -- CMD...
#				at a terminal, typing ANSWER when REGEX is seen;
#				what the terminal showed is $OUT
#
# Materials:
#	new_token LABEL		an empty SoftHSM token with PIN $PIN
#	uri LABEL [ATTRS]	its URI with a pin-source; ATTRS like ";object=x"
#	uri_ask LABEL [ATTRS]	without one: the PIN is asked for
#	stick NAME		makes a medium, prints its path
#	csr_openssl NAME TYPE SUBJECT [SAN]	$WORK/NAME.key, $WORK/NAME.csr
#	csr_certtool NAME TYPE SUBJECT [DNS]...	the same by GnuTLS
#	json PATH [FILE]	a value of the last run's JSON: json responses.0.path
#	make_ca [@NAME] [INIT OPTION]...	token, init, card on $STICK
#	lose_transfer_keys	what make_ca's token has of them is deleted
#	make_known_ca		the same; the test has its keys: $WORK/ca-key.key and
#				$WORK/transfer-key.key
#	enrol_online [@NAME]	enrols with that CA by --expect; $REQUESTER_HEX

set -u
umask 022
export LC_ALL=C.UTF-8 TZ=UTC PATH="$PATH:/usr/sbin:/sbin"
unset AIRGAP_CA_HOME AIRGAP_TRANSFER_HOME NO_COLOR OPENSSL_CONF

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=${BUILD:-$TOP/build}
BIN=$BUILD/bin
PYTHON=/usr/bin/python3
MODULE=/usr/lib/softhsm/libsofthsm2.so
PIN=123456
SO_PIN=12345678
# id-kp-airgapTransfer
TRANSFER_EKU=1.2.840.113556.1.8000.2554.3773.5453.29442.19178.39301.1412352.7229322
SUCCESSION=$TRANSFER_EKU.1 # the mark of the CA's own next keys
LIMIT=${LIMIT:-120}	# seconds that a program may take before it is killed
export PROMPT_LIMIT=${PROMPT_LIMIT:-60}	# and before a dialogue gives it up

WORK=$(mktemp -d "${TMPDIR:-/tmp}/airgap-test.XXXXXX") || exit 1
STICK=$WORK/stick
export SOFTHSM2_CONF=$WORK/softhsm2.conf
export XDG_DATA_HOME=$WORK/xdg HOME=$WORK
mkdir -p "$WORK/tokens" "$STICK"
printf '%s\n' "directories.tokendir = $WORK/tokens" \
	'objectstore.backend = file' 'log.level = ERROR' >"$SOFTHSM2_CONF"
(umask 077; printf '%s\n' "$PIN" >"$WORK/pin"; printf '%s\n' "$SO_PIN" >"$WORK/so-pin")

# faketime is preloaded before the sanitisers' run-time, and they mind.
case $BUILD in
*/debug) export ASAN_OPTIONS=verify_asan_link_order=0${ASAN_OPTIONS:+:$ASAN_OPTIONS} ;;
esac

# ---- TAP --------------------------------------------------------------------------

tap_n=0
tap_failed=0
tap_done=
STATUS= OUT= ERR= LAST=

unmount_all() {
	local what where
	while read -r what where _; do
		case $where in "$WORK"/*) umount -l "$where" ;; esac
	done </proc/mounts
}

leave() {
	local left=$?
	if [ -z "$tap_done" ]; then
		echo "# the test ended before done_testing (status $left)"
		[ "$left" != 0 ] || left=1
	fi
	if [ -n "${KEEP:-}" ]; then
		echo "# kept: $WORK"
	else
		unmount_all
		chmod -R u+rwX "$WORK" 2>/dev/null
		rm -rf "$WORK"
	fi
	exit "$left"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

comment() { sed 's/^/#   /'; }

pass() {
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $1"
}

# fail DESC [WHY]...: with what the last run said, which is what one needs.
fail() {
	tap_n=$((tap_n + 1))
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_n - $1"
	shift
	local why
	for why; do printf '%s\n' "$why" | comment; done
	[ -n "$LAST" ] || return 0
	{
		echo "last run: $LAST"
		echo "status: $STATUS"
		printf 'stderr: %s\n' "$ERR"
		printf 'stdout: %.2000s\n' "$OUT"
	} | comment
}

done_testing() {
	tap_done=yes
	echo "1..$tap_n"
	exit $((tap_failed > 0))
}

ok() {
	local desc=$1
	shift
	if "$@" >"$WORK/ok.log" 2>&1; then
		pass "$desc"
	else
		fail "$desc" "failed: $*" "$(head -20 "$WORK/ok.log")"
	fi
}

nok() {
	local wanted=$1 desc=$2 left
	shift 2
	case $wanted in
	[1-9] | [1-9][0-9]) ;;
	*) fail "$desc" "nok: no status to fail with: $wanted"; return ;;
	esac
	"$@" >"$WORK/ok.log" 2>&1
	left=$?
	if [ "$left" = "$wanted" ]; then
		pass "$desc"
	else
		fail "$desc" "status $left, wanted $wanted: $*" "$(head -20 "$WORK/ok.log")"
	fi
}

is() {
	if [ "$1" = "$2" ]; then pass "$3"; else fail "$3" "got:    $1" "wanted: $2"; fi
}

matches() { printf '%s\n' "$1" | grep -Eq -- "$2"; }

like() {
	if matches "$1" "$2"; then pass "$3"; else fail "$3" "got: $1" "wanted: /$2/"; fi
}

unlike() {
	if matches "$1" "$2"; then fail "$3" "got: $1" "not wanted: /$2/"; else pass "$3"; fi
}

must() {
	if ! "$@" >"$WORK/must.log" 2>&1; then
		LAST=
		fail "preparation: $*" "$(head -30 "$WORK/must.log")"
		done_testing
	fi
}

needs() {
	command -v "$1" >/dev/null && return
	fail "$1 is here" "Debian package: $2 (make deps)"
	done_testing
}

run() {
	LAST="$*"
	"$@" >"$WORK/out" 2>"$WORK/err" </dev/null
	STATUS=$?
	OUT=$(tr -d '\0' <"$WORK/out")
	ERR=$(tr -d '\0' <"$WORK/err")
}

status() { is "$STATUS" "$1" "$2"; }
says() { like "$ERR" "$1" "$2"; }
quiet() { unlike "$ERR" "$1" "$2"; }
prints() { like "$OUT" "$1" "$2"; }
rule() { like "$ERR" "\\[$1\\]" "$2"; }

wants() {
	if [ "$STATUS" = "$1" ] && matches "$ERR" "\\[$2\\]"; then
		pass "$3"
	else
		fail "$3" "wanted: status $1 and [$2]"
	fi
}

# ---- the programs -----------------------------------------------------------------

# How a process of this user gets a network of its own, which has no interface up;
# where a container forbids that, airgap-ca is told that the network is known.
unshare_net=none
for way in -n -rn; do
	if unshare $way true 2>/dev/null; then unshare_net=$way; break; fi
done

# And mounts of its own: nothing else will do where a stick has to be mounted anew. The
# root of a chroot may be no mount, and has no propagation to change: what is mounted
# there may be seen outside, and is unmounted by whoever did.
unshare_mount=(-rm)
if unshare -m --propagation unchanged true 2>/dev/null; then unshare_mount=(-m --propagation unchanged); fi
if unshare -m true 2>/dev/null; then unshare_mount=(-m); fi

WHEN=	# set by at
NETWORK= # set by on_network
REPLUGGED= # set by replugged
at() { local WHEN=$1; shift; "$@"; }
replugged() { local REPLUGGED=$1; shift; "$@"; }
on_network() { local NETWORK=yes; "$@"; }

# command_of ca|transfer|token ARG... -> ARGV, what is really run
command_of() {
	local who=$1 name=
	shift
	ARGV=()
	case ${1:-} in @*) name=${1#@}; shift ;; esac
	case $who in
	ca)
		name=${name:-ca}
		[ -z "$REPLUGGED" ] || ARGV+=(unshare "${unshare_mount[@]}" -- sh -c
			'mount --bind "$0" "$0" && "$@"; s=$?; umount -l "$0"; exit $s' "$REPLUGGED")
		if [ -z "$NETWORK" ] && [ "$unshare_net" != none ]; then
			ARGV+=(unshare "$unshare_net" --)
		fi
		;;
	transfer) name=${name:-online} ;;
	token) ;;
	*) ARGV=("$who" "$@"); return ;;
	esac
	if [ -n "$WHEN" ]; then
		ARGV+=(env FAKETIME_DONT_FAKE_MONOTONIC=1 faketime -f "@$WHEN")
	fi
	ARGV+=("$BIN/airgap-$who")
	[ "$who" = token ] || ARGV+=(--home "$WORK/home-$name")
	ARGV+=("$@")
	if [ "$who$NETWORK$unshare_net" = canone ]; then
		case ${1:-} in init | export | sign | abandon | transfer-key) ARGV+=(--allow-network) ;; esac
	fi
}

# Without a terminal, so that nothing ever waits for a person, and not for ever.
alone() {
	[ -z "$WHEN" ] || needs faketime faketime
	command_of "$@"
	timeout -k 5 "$LIMIT" setsid -w "${ARGV[@]}"
}
ca() { alone ca "$@"; }
transfer() { alone transfer "$@"; }
token() { alone token "$@"; }

home_of() { echo "$WORK/home-$1"; }

# A token process sees neither home nor signer, and is not to be looked into by its
# children, so whoever watches a module at work stands outside: tests/lib/shim.c asks, and
# waits for the answer.
# watched CMD -- CMD...: the second, and when the module asks the first, with what is to be
# signed in $SHIM_DATA and the token process in $TOKEN_PID. $SHIM is `run` where nothing else is said.
watched() {
	local first=$1 watcher
	shift 2
	rm -rf "$WORK/watch"
	must mkdir "$WORK/watch"
	must mkfifo "$WORK/watch/asked" "$WORK/watch/seen"
	# Open for both: it has no end, whoever is killed while asking.
	while read -r TOKEN_PID SHIM_DATA; do
		[ "$TOKEN_PID" != end ] || break
		export SHIM_DATA
		eval "$first" </dev/null
		# Whoever asked may be gone.
		timeout 5 sh -c "echo seen >$WORK/watch/seen"
	done <>"$WORK/watch/asked" &
	watcher=$!
	SHIM=${SHIM:-run} SHIM_RUN="echo \$PPID \$SHIM_DATA >$WORK/watch/asked; read seen <$WORK/watch/seen" "$@"
	STATUS=$?
	echo end >"$WORK/watch/asked"
	wait "$watcher"
	return "$STATUS"
}

# dialogue REGEX ANSWER... -- CMD: leaves OUT (all that the terminal showed) and
# STATUS; 124 when a prompt did not come, 125 when the program left before it.
dialogue() {
	local pairs=()
	needs expect expect
	while [ "$1" != -- ]; do pairs+=("$1" "$2"); shift 2; done
	shift
	LAST="$*"
	while :; do
		case $1 in
		at) local WHEN=$2; shift 2 ;;
		on_network) local NETWORK=yes; shift ;;
		*) break ;;
		esac
	done
	command_of "$@"
	cat >"$WORK/dialogue.exp" <<-'EXPECT'
		set timeout $env(PROMPT_LIMIT)
		log_user 1
		match_max 200000
		set n [lindex $argv 0]
		set pairs [lrange $argv 1 $n]
		# Expect's own exit would wait for a program that waits for us.
		proc give_up {why status} {
			puts "\n($why)"
			catch { exec kill -KILL -- -[exp_pid] }
			exit $status
		}
		spawn -noecho {*}[lrange $argv [expr {$n + 1}] end]
		foreach {pattern answer} $pairs {
			expect {
				-re $pattern { send -- "$answer\r" }
				timeout { give_up "no /$pattern/ came" 124 }
				eof { give_up "left before /$pattern/" 125 }
			}
		}
		# On one line this would be a pattern, and wait for ever after it.
		expect {
			eof { }
			timeout { give_up "does not end" 124 }
		}
		# What has left the terminal may still not end, and wait has no limit.
		proc has_ended {} {
			if {[catch { open "/proc/[exp_pid]/stat" } file]} { return 1 }
			set state [read $file]
			close $file
			return [regexp {\) Z } $state]
		}
		for {set n 0} {![has_ended]} {incr n} {
			if {$n == $timeout * 20} { give_up "does not end" 124 }
			after 50
		}
		lassign [wait] pid spawn os status
		exit $status
	EXPECT
	TERM=dumb timeout -k 5 "$LIMIT" expect "$WORK/dialogue.exp" "${#pairs[@]}" "${pairs[@]}" \
		"${ARGV[@]}" >"$WORK/out" 2>"$WORK/err" </dev/null
	STATUS=$?
	# What expect itself has to say, of a pattern for one, is on its stderr.
	OUT=$(cat "$WORK/out" "$WORK/err" | tr -d '\0\r')
	ERR=$OUT
}

# ---- materials --------------------------------------------------------------------

new_token() {
	needs softhsm2-util softhsm2
	must softhsm2-util --init-token --free --label "$1" \
		--so-pin "$SO_PIN" --pin "$PIN"
}

uri_ask() { echo "pkcs11:token=$1${2:-}?module-path=$MODULE"; }
uri() { echo "$(uri_ask "$@")&pin-source=file:$WORK/pin"; }

stick() {
	mkdir -p "$WORK/stick-$1" && echo "$WORK/stick-$1"
}

openssl_key() {
	case $1 in
	ec-p256) openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 ;;
	ec-p384) openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 ;;
	ec-p521) openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 ;;
	ed25519) openssl genpkey -algorithm ED25519 ;;
	rsa-*) openssl genpkey -algorithm RSA -pkeyopt "rsa_keygen_bits:${1#rsa-}" ;;
	*) echo "no key type $1" >&2; return 1 ;;
	esac
}

csr_openssl() {
	local san=()
	[ -z "${4:-}" ] || san=(-addext "subjectAltName=$4")
	openssl_key "$2" >"$WORK/$1.key" 2>"$WORK/key.log" &&
		openssl req -new -key "$WORK/$1.key" -subj "$3" "${san[@]}" \
			-out "$WORK/$1.csr"
}

csr_certtool() {
	local name=$1 type=$2 cn=$3 key=()
	needs certtool gnutls-bin
	shift 3
	case $type in
	ec-p256) key=(--key-type ecdsa --curve secp256r1) ;;
	ec-p384) key=(--key-type ecdsa --curve secp384r1) ;;
	ed25519) key=(--key-type ed25519) ;;
	rsa-*) key=(--key-type rsa --bits "${type#rsa-}") ;;
	esac
	{
		echo "cn = \"$cn\""
		local dns
		for dns; do echo "dns_name = \"$dns\""; done
	} >"$WORK/$name.tmpl"
	certtool --generate-privkey "${key[@]}" --outfile "$WORK/$name.key" &&
		certtool --generate-request --load-privkey "$WORK/$name.key" \
			--template "$WORK/$name.tmpl" --outfile "$WORK/$name.csr"
}

json() {
	"$PYTHON" -c '
import json, sys
value = json.load(open(sys.argv[2]))
for step in sys.argv[1].split("."):
    value = value[int(step)] if isinstance(value, list) else value[step]
print(value if isinstance(value, str) else json.dumps(value))
' "$1" "${2:-$WORK/out}"
}

# A CA with scope example.org and the profiles tls, whose card lies on $STICK;
# $CA_HEX is its fingerprint. Options given come after, so --profiles may repeat
# nothing: give all of your own options or none.
make_ca() {
	local who=() label=ca
	case ${1:-} in @*) who=("$1"); label=${1#@}; shift ;; esac
	[ $# -gt 0 ] || set -- --scope example.org --profiles tls
	new_token "$label"
	run ca "${who[@]}" init --subject "CN=Test CA $label" \
		--token "$(uri "$label")" --key-type ec-p256 --out "$STICK" \
		--yes --json "$@"
	[ "$STATUS" = 0 ] || { fail "preparation: init"; done_testing; }
	CA_HEX=$(json fingerprint)
}

# The token's keys whose label says "transfer": no longer there.
lose_transfer_keys() {
	local label type tool
	tool=(pkcs11-tool --module "$MODULE" --token-label ca --login --pin "$PIN")
	for type in privkey pubkey; do
		for label in $("${tool[@]}" --list-objects --type $type 2>/dev/null |
			sed -n 's/^ *label: *//p' | grep transfer); do
			must "${tool[@]}" --delete-object --type $type --label "$label"
		done
	done
}

# What an attacker has who got at the CA's keys, or a CA that lies.
# Options as for make_ca.
make_known_ca() {
	local key id=0
	[ $# -gt 0 ] || set -- --scope example.org --profiles tls
	new_token ca
	for key in ca-key transfer-key; do
		id=$((id + 1))
		openssl_key ec-p256 >"$WORK/$key.key"
		must openssl pkcs8 -topk8 -nocrypt -in "$WORK/$key.key" -out "$WORK/$key.p8"
		must softhsm2-util --import "$WORK/$key.p8" --token ca --label "$key" \
			--id "0$id" --pin "$PIN"
	done
	run ca init --subject "CN=Test CA" --token "$(uri ca)" \
		--use-key pkcs11:object=ca-key --transfer-key pkcs11:object=transfer-key \
		--out "$STICK" --yes --json "$@"
	[ "$STATUS" = 0 ] || { fail "preparation: init"; done_testing; }
	CA_HEX=$(json fingerprint)
}

# enrol_online [@NAME] [LABEL]: enrolled with the CA of the last make_ca.
enrol_online() {
	local who=() label=online
	case ${1:-} in @*) who=("$1"); label=${1#@}; shift ;; esac
	run transfer "${who[@]}" enroll "$STICK" --label "$label" \
		--expect "$CA_HEX" --json
	[ "$STATUS" = 0 ] || { fail "preparation: enroll"; done_testing; }
	REQUESTER_HEX=$(json fingerprint)
}

# ---- bad input --------------------------------------------------------------------

# Nothing signed, stored or left behind: `freeze` remembers what the homes and
# the given directories (else the stick) hold, `unchanged` compares.
#
#	freeze [DIR...]		remember
#	unchanged DESC		as it was then
#	refused STATUS RULE REGEX DESC
#				all that a refusal owes: the status, one sentence
#				with the rule (which matches REGEX), the remedy,
#				and nothing changed since freeze
#	mount_small DIR [SIZE]	a tmpfs, which goes at the end; root alone can
#	cose [OPTION...] IN OUT [PYTHON]	see make_cose.py

# Databases by what they say: SQLite may touch its files without changing that.
contents() {
	"$PYTHON" - "$@" <<'EOF_PY'
import hashlib, os, sqlite3, stat, sys

def said(path):
    if path.endswith(".db"):
        with sqlite3.connect("file:%s?mode=ro" % path, uri=True) as db:
            return "\n".join(db.iterdump()).encode()
    with open(path, "rb") as f:
        return f.read() if os.path.getsize(path) < 1 << 26 else b"huge"

for top in sys.argv[1:]:
    for folder, folders, files in os.walk(top):
        folders.sort()
        for name in sorted(folders + files):
            path = os.path.join(folder, name)
            if path.endswith((".db-wal", ".db-shm", ".db.lock")):
                continue
            mode = os.lstat(path).st_mode
            what = stat.filemode(mode)
            if stat.S_ISREG(mode):
                what += " " + hashlib.sha256(said(path)).hexdigest()
            elif stat.S_ISLNK(mode):
                what += " " + os.readlink(path)
            print(path, what)
EOF_PY
}

freeze() {
	[ $# -gt 0 ] || set -- "$STICK"
	FROZEN=("$WORK"/home-* "$@")
	contents "${FROZEN[@]}" >"$WORK/frozen"
}

unchanged() {
	local found
	found=$(contents "${FROZEN[@]}" | diff "$WORK/frozen" -)
	if [ -z "$found" ]; then pass "$1"; else fail "$1" "$found"; fi
}

refused() {
	local why=() change one
	# A person reads one line; a narrow terminal cuts it nowhere.
	one=$(printf '%s\n' "$ERR" | grep -cE '^(airgap-[a-z]*|Stopped): .*\[[A-Z0-9-]+\]$')
	[ "$STATUS" = "$1" ] || why+=("status $STATUS; wanted: $1")
	[ "$one" = 1 ] || why+=("$one sentences; wanted: 1")
	matches "$ERR" "^(airgap-[a-z]*|Stopped): .*\\[$2\\]\$" || why+=("wanted: [$2]")
	matches "$ERR" "^(airgap-[a-z]*|Stopped): .*($3)" || why+=("wanted: /$3/")
	matches "$ERR" '^ *remedy +[^ ]' || why+=("wanted: a remedy")
	change=$(contents "${FROZEN[@]}" | diff "$WORK/frozen" -)
	[ -z "$change" ] || why+=("changed:" "$change")
	if [ ${#why[@]} = 0 ]; then pass "$4"; else fail "$4" "${why[@]}"; fi
}

mount_small() {
	mkdir -p "$1"
	mount -t tmpfs -o "size=${2:-64k},mode=700" none "$1" 2>"$WORK/mount.log" &&
		return
	LAST=
	fail "a file system can be mounted" \
		"run this test as root, in a container with CAP_SYS_ADMIN" \
		"$(cat "$WORK/mount.log")"
	done_testing
}

cose() { "$PYTHON" "$TOP/tests/tools/make_cose.py" "$@"; }

# flip FILE [OFFSET]: that byte, or the last one, is another from now on, whatever it was
flip() { "$PYTHON" -c 'import sys
at = int(sys.argv[2])
b = bytearray(open(sys.argv[1], "rb").read()); b[at] ^= 1; open(sys.argv[1], "wb").write(b)' "$1" "${2:--1}"; }
