#!/bin/bash
# What one certificate costs: N requests (default 1000, ec-p256) signed by ours with
# every check, judge, ledger and manifest; by `openssl ca` in one batch, which checks
# little and keeps one text file; and the bare token's own rate, which nobody can beat.
# Ratios are from this one run on this machine. A benchmark, never a test.
set -eu
BUILD=${BUILD:-$(cd "$(dirname "$0")/.." && pwd)/build}
N=${N:-1000}
PATH=$BUILD/bin:$PATH:/usr/sbin:/sbin
export LC_ALL=C.UTF-8 TZ=UTC
module=/usr/lib/softhsm/libsofthsm2.so

work=$(mktemp -d "${TMPDIR:-/tmp}/airgap-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir tokens STICK csr
printf '%s\n' "directories.tokendir = $work/tokens" 'objectstore.backend = file' \
	'log.level = ERROR' >softhsm2.conf
export SOFTHSM2_CONF=$work/softhsm2.conf
export AIRGAP_CA_HOME=$work/laptop AIRGAP_TRANSFER_HOME=$work/server
(umask 077; echo 123456 >pin)
softhsm2-util --init-token --free --label bench --so-pin 12345678 --pin 123456 >/dev/null
uri="pkcs11:token=bench?module-path=$module&pin-source=file:$work/pin"

# measured NAME CMD...: wall and CPU seconds into NAME_wall, NAME_cpu
measured() {
	local name=$1 TIMEFORMAT='%R %U %S' wall user sys
	shift
	{ time "$@" >"$work/log" 2>&1; } 2>"$work/time" || { cat "$work/log" >&2; exit 1; }
	read -r wall user sys <"$work/time"
	printf -v "${name}_wall" %s "$wall"
	printf -v "${name}_cpu" %s "$(awk "BEGIN { print $user + $sys }")"
}
per() { awk "BEGIN { printf \"%.0f\", $1 * 1000000 / $N }"; }
ratio() { awk "BEGIN { printf \"%.2f\", $1 / $2 }"; }

echo "making $N requests"
cat >openssl.cnf <<'CNF'
[req]
distinguished_name = dn
[dn]
[ca]
default_ca = bench
[bench]
database = index.txt
new_certs_dir = out
serial = serial
rand_serial = yes
certificate = ossl-ca.pem
private_key = ossl-ca.key
default_md = sha256
default_days = 31
policy = any
copy_extensions = copy
[any]
commonName = supplied
CNF
openssl ecparam -name prime256v1 -genkey -noout -out key.pem
i=0
while [ $i -lt "$N" ]; do
	i=$((i + 1))
	openssl ecparam -name prime256v1 -genkey -noout -out csr/$i.key
	openssl req -new -key csr/$i.key -subj "/CN=h$i.example.org" \
		-addext "subjectAltName=DNS:h$i.example.org" -out csr/$i.csr
	rm csr/$i.key
done 2>/dev/null

airgap-ca init --subject "CN=Bench CA" --token "$uri" --key-type ec-p256 --scope example.org \
	--profiles tls --out STICK --yes --allow-network --json >init.json 2>init.log || { cat init.log >&2; exit 1; }
hex() { sed -n 's/.*"fingerprint":"\([0-9a-f]*\)".*/\1/p' "$1"; }
airgap-transfer enroll STICK --label bench --expect "$(hex init.json)" --json >enroll.json 2>/dev/null
measured request airgap-transfer request csr --profile tls-server --out STICK
measured ours airgap-ca sign STICK --yes --expect "$(hex enroll.json)" --allow-network
measured install airgap-transfer install STICK

openssl ecparam -name prime256v1 -genkey -noout -out ossl-ca.key
openssl req -x509 -new -key ossl-ca.key -subj "/CN=Bench CA" -days 3650 -out ossl-ca.pem
mkdir out && : >index.txt && : >index.txt.attr
measured openssl openssl ca -config openssl.cnf -batch -notext -infiles csr/*.csr

name=$(airgap-token list --module $module 2>/dev/null | sed -n 's/.*\(object=[^;?& ]*\).*/\1/p' | head -1)
airgap-token bench "pkcs11:token=bench;${name:-object=CA}?module-path=$module&pin-source=file:$work/pin" \
	--seconds 2 --threads 1 --json >token.json 2>token.log || { cat token.log >&2; exit 1; }
rate=$(tr ',{}' '\n' <token.json | sed -n 's/.*"[a-z_]*\(rate\|per_second\)":\([0-9.]*\).*/\2/p' | head -1)

printf '\n%-34s %12s %12s\n' "$N certificates, us each" wall CPU
printf '%-34s %12s %12s\n' "airgap-ca sign, all of it" "$(per "$ours_wall")" "$(per "$ours_cpu")" \
	"openssl ca, one batch" "$(per "$openssl_wall")" "$(per "$openssl_cpu")" \
	"airgap-transfer request" "$(per "$request_wall")" "$(per "$request_cpu")" \
	"airgap-transfer install" "$(per "$install_wall")" "$(per "$install_cpu")"
printf '%-34s %12s\n' "the token alone, one thread" "$(awk "BEGIN { printf \"%.0f\", 1000000 / ${rate:-1} }")"
printf '\nairgap-ca / openssl ca: wall %s, CPU %s\n' \
	"$(ratio "$ours_wall" "$openssl_wall")" "$(ratio "$ours_cpu" "$openssl_cpu")"
