#!/bin/bash
# The main job from nothing to a verified, installed certificate, on a throw-away
# SoftHSM token in a temporary directory. Each step is shown as the operator types and
# sees it; the answers are typed by expect(1). Nothing outside of the directory is
# touched. `make demo` runs it; PACE=2 stops two seconds before each step.
set -u
export LC_ALL=C.UTF-8 TZ=UTC
BUILD=${BUILD:-$(cd "$(dirname "$0")/../.." && pwd)/build}
PATH=$BUILD/bin:$PATH:/usr/sbin:/sbin
PIN=123456

work=$(mktemp -d "${TMPDIR:-/tmp}/airgap-demo.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
mkdir tokens STICK
printf '%s\n' "directories.tokendir = $work/tokens" 'objectstore.backend = file' \
	'log.level = ERROR' >softhsm2.conf
export SOFTHSM2_CONF=$work/softhsm2.conf
export AIRGAP_CA_HOME=$work/laptop AIRGAP_TRANSFER_HOME=$work/server

# The laptop has no network: here, a network namespace without an interface that is up.
offline=()
for way in -n -rn; do
	if unshare $way true 2>/dev/null; then offline=(unshare "$way" --); break; fi
done
allow=()
[ ${#offline[@]} -gt 0 ] || allow=(--allow-network)

cat >typist.exp <<'EXPECT'
# typist.exp PAIRS... -- COMMAND...: types ANSWER when REGEX is seen.
set timeout 60
set at [lsearch -exact $argv --]
spawn -noecho {*}[lrange $argv [expr {$at + 1}] end]
foreach {pattern answer} [lrange $argv 0 [expr {$at - 1}]] {
	expect {
		-re $pattern { after 300; send -- "$answer\r" }
		timeout { exit 124 }
		eof { exit 125 }
	}
}
expect eof
lassign [wait] pid spawn os status
exit $status
EXPECT

bold= plain=
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\033[1m' plain=$'\033[0m'; else export NO_COLOR=1; fi

step=0
title() {
	step=$((step + 1))
	printf '\n%s== %d. %s%s\n\n' "$bold" "$step" "$1" "$plain"
	sleep "${PACE:-0}"
}

failed() {
	printf '\nThe demo stopped at step %d: status %d.\n' "$step" "$1" >&2
	exit 1
}

# What is typed, quoted where a shell wants it.
shown() {
	local word line=
	for word; do
		case $word in *[!a-zA-Z0-9_./:=,+@-]*) word="\"$word\"" ;; esac
		line="$line $word"
	done
	printf '%s%s$%s%s\n' "$bold" "$host" "$line" "$plain"
}

# laptop [REGEX ANSWER]... -- COMMAND, and the same on the server.
typed() {
	local answers=()
	while [ "$1" != -- ]; do answers+=("$1" "$2"); shift 2; done
	shift
	shown "$@"
	if [ ${#answers[@]} -gt 0 ]; then
		expect typist.exp "${answers[@]}" -- "${prefix[@]}" "$@" || failed $?
	else
		"${prefix[@]}" "$@" </dev/null 2>&1 || failed $?
	fi
}
laptop() { local host=laptop prefix=("${offline[@]}"); typed "$@"; }
server() { local host=server prefix=(); typed "$@"; }

yes='Type Yes[^\n]*: ?$'
pin='PIN[^\n]*: ?$'

echo "airgap-ca: an offline CA, from nothing to an installed certificate."
echo "The token is a SoftHSM one (PIN $PIN), the stick is a directory; both vanish at the end."

title "The laptop: an empty token"
laptop -- softhsm2-util --init-token --free --label demo --so-pin 12345678 --pin $PIN

title "The laptop: a CA whose key is made on the token, for one domain, and its card"
laptop "$yes" Yes "$pin" $PIN -- airgap-ca init --subject "CN=XMPP CA for example.org" \
	--token pkcs11:token=demo --scope example.org --profiles xmpp --out STICK "${allow[@]}"

title "The server: enrol with that CA, comparing 16 words with the laptop's"
server "$yes" Yes -- airgap-transfer enroll STICK --label chat

title "The server: ask for a year of monthly certificates, with a key made here"
server -- airgap-transfer request --profile xmpp-server --new-key ec-p256 \
	--domain example.org --host chat.example.org --series 12x31d+7d --out STICK

title "The laptop: who asks, what would be signed; Yes, the PIN once, and it is signed"
laptop "$yes" Yes "$yes" Yes "$pin" $PIN -- airgap-ca sign STICK "${allow[@]}"

title "The server: prove what came back, and store it, all or nothing"
server -- airgap-transfer install STICK
server -- airgap-transfer list

title "Somebody else's eyes: OpenSSL on what was installed"
host=server
shown ls server/certs/example.org
ls server/certs/example.org || failed $?
first=$(ls server/certs/example.org/*.pem | head -1)
server -- openssl verify -x509_strict -purpose sslserver -verify_hostname chat.example.org \
	-CAfile server/ca.pem "$first"
server -- openssl x509 -in "$first" -noout -subject -issuer -dates -ext subjectAltName

title "The laptop: what the ledger says of it all"
laptop -- airgap-ca ledger verify

printf '\n%sDone: a CA key that never left its token, and %s certificates that prove it.%s\n' "$bold" \
	"$(ls server/certs/example.org | wc -l)" "$plain"
