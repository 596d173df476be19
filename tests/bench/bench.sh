#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What one certificate costs, beside others and beside what nobody can do without,
# all in one run on this machine: read the ratios, not the microseconds. A benchmark,
# never a test. It prints Markdown; UPDATE=docs/performance.md puts that into the page.
#
#	SIZES="100 1000 10000 100000"	requests in a bundle
#	KEYS="ec-p256 rsa-3072"		the CA's key
#	PAST="0 1000000"		certificates in the ledger before
#	REVOKED=1000000			entries of a CRL, and certificates of two
#					ledgers in which 1,000 are signed, with all
#					revoked and with none; 0: nothing of this
#	RUNS=3				the median of so many counts (once above 10,000)
#	OPENSSL_MAX=10000		`openssl ca` rewrites its whole index for each
#					batch and looks each name up in it: above this
#					number of requests it is left out
#	CERTTOOL_MAX=100		one process for each certificate: as many suffice
#
# ours: sign and install as shipped, with every check. limit: tests/bench/limit.c, in
# one thread. token: C_Sign alone, `airgap-token bench`. openssl: `openssl ca` in one
# batch with the token's key by way of engine pkcs11; certtool: GnuTLS with the same key.
set -eu
BUILD=${BUILD:-$(cd "$(dirname "$0")/../.." && pwd)/build}
TOP=$(cd "$(dirname "$0")/../.." && pwd)
SIZES=${SIZES:-100 1000 10000 100000}
KEYS=${KEYS:-ec-p256 rsa-3072}
PAST=${PAST:-0 1000000}
REVOKED=${REVOKED:-1000000}
RUNS=${RUNS:-3}
OPENSSL_MAX=${OPENSSL_MAX:-10000}
CERTTOOL_MAX=${CERTTOOL_MAX:-100}
MODULE=${MODULE:-/usr/lib/softhsm/libsofthsm2.so}
case ${UPDATE:-} in '' | /*) ;; *) UPDATE=$TOP/$UPDATE ;; esac
PATH=$BUILD/bin:$BUILD/bench:$PATH:/usr/sbin:/sbin
export LC_ALL=C.UTF-8 TZ=UTC PIN=123456 GNUTLS_PIN=123456 PKCS11_MODULE_PATH=$MODULE

# Nothing is removed before the end: a file system that has just forgotten many
# files is slow to make new ones (ext4 for five minutes).
work=$(mktemp -d "${TMPDIR:-/tmp}/airgap-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir tokens csr
printf '%s\n' "directories.tokendir = $work/tokens" 'objectstore.backend = file' \
	'log.level = ERROR' >softhsm2.conf
export SOFTHSM2_CONF=$work/softhsm2.conf
(umask 077; echo "$PIN" >pin)
say() { echo "bench: $*" >&2; }
die() { cat "$work/log" >&2; exit 1; }
quiet() { "$@" >"$work/log" 2>&1 || die; }
hex() { sed -n 's/.*"fingerprint":"\([0-9a-f]*\)".*/\1/p' "$1"; }

# row WHAT WALL CPU KIB PER: seconds of PER certificates
row() { echo "$key $past $n $1 $2 $3 $4 $5" >>"$work/rows"; }
# measured WHAT PER CMD...
measured() {
	local what=$1 per=$2 wall cpu kib
	shift 2
	measure "$work/took" "$@" >"$work/log" 2>&1 || die
	read -r wall cpu kib <"$work/took" # the lines behind it are for people
	row "$what" "$wall" "$cpu" "$kib" "$per"
}

# ---- one CA key -------------------------------------------------------------------

make_ca() {
	quiet softhsm2-util --init-token --free --label "$key" --so-pin 12345678 --pin $PIN
	mkdir "ca-$key"
	uri="pkcs11:token=$key?module-path=$MODULE&pin-source=file:$work/pin"
	airgap-ca --home "$work/ca-$key/home" init --subject "CN=Bench CA $key" --token "$uri" \
		--key-type "$key" --scope example.org --profiles tls --out "ca-$key" --yes \
		--allow-network --json >"ca-$key/init.json" 2>"$work/log" || die
	name=$(airgap-token list --module "$MODULE" 2>/dev/null |
		sed -n "s/.*token=$key;.*object=\(ca-[0-9a-f]*\).*/\1/p" | head -1)
}

# The ledger of $past certificates, a copy for each run: no key is certified for two
# requesters.
laptop() {
	local with=ca-$key/past-$past
	if [ ! -d "$with" ]; then
		cp -a "ca-$key/home" "$with"
		if [ "$past" != 0 ]; then
			say "$key: a ledger of $past certificates"
			quiet make_ledger "$with/ledger.db" "$past"
			quiet airgap-ca --home "$work/$with" ledger verify
		fi
	fi
	laptop=$dir/laptop
	cp -a "$with" "$laptop"
}

# ---- ours -------------------------------------------------------------------------

ours() {
	local i
	dir=$work/run-$key-$past-$n-$1
	mkdir -p "$dir/csr" "$dir/stick"
	laptop
	for ((i = 1; i <= n; i++)); do echo "$work/csr/h$i.csr"; done | xargs ln -t "$dir/csr"
	cp -a "ca-$key/airgap-ca" "$dir/stick/"
	airgap-transfer --home "$dir/server" enroll "$dir/stick" --label "b-$past-$n-$1" \
		--expect "$(hex "ca-$key/init.json")" --json >"$dir/enroll.json" 2>"$work/log" || die
	measured request "$n" airgap-transfer --home "$dir/server" request "$dir/csr" \
		--profile tls-server --out "$dir/stick"
	sync
	measured sign "$n" airgap-ca --home "$laptop" sign "$dir/stick" --yes \
		--expect "$(hex "$dir/enroll.json")" --allow-network
	rm "$laptop/ledger.db"
	sync
	measured install "$n" airgap-transfer --home "$dir/server" install "$dir/stick"
	ca_pem=$(echo "$dir"/stick/airgap-ca/responses/*/ca.pem)
}

# ---- the others -------------------------------------------------------------------

limits() {
	local wall cpu rest
	limit "$MODULE" "$key" "$name" "$ca_pem" csr 1 "$n" >took 2>"$work/log" || die
	{
		read -r wall cpu
		row limit-sign "$wall" "$cpu" 0 "$n"
		read -r wall cpu rest
		row limit-install "$wall" "$cpu" 0 "$n"
	} <took
}

openssl_ca() {
	local i dir=$work/openssl-$key-$n-$1
	[ "$n" -le "$OPENSSL_MAX" ] || return 0
	mkdir -p "$dir/out"
	: >"$dir/index.txt"
	cat >"$dir/ca.cnf" <<-CNF
		[ca]
		default_ca = bench
		[bench]
		database = $dir/index.txt
		new_certs_dir = $dir/out
		rand_serial = yes
		certificate = $ca_pem
		default_md = sha256
		default_days = 31
		policy = any
		copy_extensions = copy
		[any]
		commonName = supplied
	CNF
	for ((i = 1; i <= n; i++)); do echo "csr/h$i.csr"; done >"$dir/list"
	# shellcheck disable=SC2046 # file names of ours
	measured openssl "$n" openssl ca -engine pkcs11 -keyform engine \
		-keyfile "pkcs11:token=$key;object=$name;type=private;pin-value=$PIN" \
		-config "$dir/ca.cnf" -batch -notext -infiles $(cat "$dir/list")
}

certtool_each() {
	local some=$((n < CERTTOOL_MAX ? n : CERTTOOL_MAX))
	printf '%s\n' 'expiration_days = 31' honor_crq_extensions tls_www_server signing_key >tmpl
	# shellcheck disable=SC2016 # for the inner shell
	measured certtool "$some" bash -c 'for ((i = 1; i <= $1; i++)); do
		certtool --provider="$2" --generate-certificate --load-request "csr/h$i.csr" \
			--load-ca-certificate "$3" --load-ca-privkey "$4" --template tmpl \
			--outfile certtool.pem || exit 1
		done' - "$some" "$MODULE" "$ca_pem" "pkcs11:token=$key;object=$name;type=private"
}

token_alone() {
	local rate
	airgap-token bench "pkcs11:token=$key;object=$name?module-path=$MODULE&pin-source=file:$work/pin" \
		--seconds 2 --threads 1 --json >token.json 2>"$work/log" || die
	rate=$(tr ',{}' '\n' <token.json | sed -n 's/.*"[a-z_]*\(rate\|per_second\)":\([0-9.]*\).*/\2/p' | head -1)
	row token "$(awk "BEGIN { print 1 / ${rate:-1} }")" 0 0 1
}

# signs WHAT LEDGER RUN: a bundle of a new requester, $dir is its
signs() {
	local i some=$((most < 1000 ? most : 1000))
	dir=$work/$1-$key-$3
	mkdir -p "$dir/csr" "$dir/stick"
	for ((i = 1; i <= some; i++)); do echo "$work/csr/h$i.csr"; done | xargs ln -t "$dir/csr"
	cp -a "ca-$key/airgap-ca" "$dir/stick/"
	airgap-transfer --home "$dir/server" enroll "$dir/stick" --label "$1-$3" \
		--expect "$(hex "ca-$key/init.json")" --json >"$dir/enroll.json" 2>"$work/log" || die
	quiet airgap-transfer --home "$dir/server" request "$dir/csr" --profile tls-server --out "$dir/stick"
	sync
	measured "$1" "$some" airgap-ca --home "$2" sign "$dir/stick" --yes \
		--expect "$(hex "$dir/enroll.json")" --allow-network
}

# ledger_of NAME REVOKED: of $REVOKED certificates, so many of them revoked. Its requester
# goes: the manifests of that past are none that a response could follow.
ledger_of() {
	say "$key: a ledger of $REVOKED certificates, $2 of them revoked"
	cp -a "ca-$key/home" "$work/ca-$key/$1"
	quiet make_ledger "$work/ca-$key/$1/ledger.db" "$REVOKED" "$2"
	quiet airgap-ca --home "$work/ca-$key/$1" requester remove the-past --yes
}

# What revocations cost who signs; then a CRL of them all, from the ledger to the stick, and
# its installation; beside it, the same by openssl, which signs one into a file. Each run
# has ledgers of its own: no key is certified for two requesters.
crls() {
	local r crl=$work/crl-$key
	ledger_of unrevoked 0
	ledger_of revoked "$REVOKED"
	for ((r = 1; r <= RUNS; r++)); do
		mkdir -p "$crl/$r/stick"
		cp -a "ca-$key/unrevoked" "$crl/$r/unrevoked"
		signs sign-unrevoked "$crl/$r/unrevoked" "$r"
		rm "$crl/$r/unrevoked/ledger.db"
		cp -a "ca-$key/revoked" "$crl/$r/home"
		signs sign-revoked "$crl/$r/home" "$r"
		quiet airgap-transfer --home "$dir/server" install "$dir/stick"
		sync
		measured crl 1 airgap-ca --home "$crl/$r/home" crl "$crl/$r/stick" --series 1 --every 7d --yes \
			--allow-network
		rm "$crl/$r/home/ledger.db"
		sync
		measured crl-install 1 airgap-transfer --home "$dir/server" install "$crl/$r/stick"
	done
	awk -v n="$REVOKED" 'BEGIN { for (i = 1; i <= n; i++)
		printf "R\t301231235959Z\t261201000000Z,keyCompromise\t7A%030X\tunknown\t/CN=x\n", i }' >"$crl/index.txt"
	printf '%s\n' '[ca]' 'default_ca = bench' '[bench]' "database = $crl/index.txt" \
		"certificate = $ca_pem" 'default_md = sha256' 'default_crl_days = 10' >"$crl/ca.cnf"
	measured openssl-crl 1 openssl ca -gencrl -engine pkcs11 -keyform engine \
		-keyfile "pkcs11:token=$key;object=$name;type=private;pin-value=$PIN" \
		-config "$crl/ca.cnf" -out "$crl/crl.pem"
}

# ---- all of it --------------------------------------------------------------------

most=$(printf '%s\n' $SIZES | sort -n | tail -1)
say "making $most requests"
make_csrs csr 1 "$most"
: >rows
for key in $KEYS; do
	make_ca
	for n in $SIZES; do
		runs=$RUNS
		[ "$n" -le 10000 ] || runs=1
		for past in $PAST; do
			for ((r = 1; r <= runs; r++)); do
				say "$key, $n requests, $past before: run $r of $runs"
				ours "$r"
				limits
				[ "$past" = "${PAST%% *}" ] || continue
				openssl_ca "$r"
				certtool_each
				token_alone
			done
		done
	done
	[ "$REVOKED" = 0 ] || crls
done

# ---- the page ---------------------------------------------------------------------

version() { dpkg-query -W -f '${Version}' "$1" 2>/dev/null || echo '?'; }
tables() {
	printf 'Measured on %s: %s, %s cores, Linux %s, %s; OpenSSL %s, SoftHSM %s,\n' \
		"$(date +%Y-%m-%d)" "$(lscpu | sed -n 's/^Model name: *//p')" "$(nproc)" "$(uname -r)" \
		"$(. /etc/os-release && echo "$PRETTY_NAME")" "$(openssl version | cut -d' ' -f2)" \
		"$(version softhsm2)"
	printf 'SQLite %s, GnuTLS %s. Load average at the end: %s. Medians of %s runs (one above 10,000).\n' \
		"$(version libsqlite3-0)" "$(version gnutls-bin)" "$(cut -d' ' -f1 /proc/loadavg)" "$RUNS"
	awk -f "$TOP/tests/bench/report.awk" rows
}
tables >report.md
cat report.md
if [ -n "${UPDATE:-}" ]; then
	awk -v report=report.md '/^<!-- bench -->/ { print; print ""; while ((getline line <report) > 0) print line
		print ""; skip = 1 }
		/^<!-- end of bench -->/ { skip = 0 }
		!skip || /^<!-- end/ { if (!/^<!-- bench/) print }' "$UPDATE" >page.md
	cat page.md >"$UPDATE"
fi
