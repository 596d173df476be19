# SPDX-License-Identifier: Apache-2.0
# Sourced after lib.sh: build_faults builds the driver, killed uses it; prepare_faults
# makes what sweep.py begins with, in $STATES (one directory an act) and $SETTINGS;
# sweep_faults OPTION... runs it.

# A medium in memory where there may be one: thousands of states are written, and only
# programs die. Not in /dev, of which the token process sees nothing but its devices.
FAULTS_DIR=$WORK/faults
mkdir "$FAULTS_DIR"
mount -t tmpfs -o mode=700 none "$FAULTS_DIR" 2>/dev/null || true
STATES=$FAULTS_DIR/states
SETTINGS=$FAULTS_DIR/settings.json
FAULT=$FAULTS_DIR/fault
SHIM_SO=$FAULTS_DIR/shim.so
STARVE_SO=$FAULTS_DIR/starve.so

# state ACT THING...: what lies there now is what that act begins with
state() {
	local act=$1 what
	shift
	mkdir -p "$STATES/$act"
	for what; do must cp -a "$WORK/$what" "$STATES/$act/"; done
}

# shellcheck disable=SC2046 # lists of flags
build_faults() {
	must "${CC:-gcc}" -std=c17 -D_GNU_SOURCE -O2 -Wall -Wextra -o "$FAULT" \
		"$TOP/tests/faults/fault.c" $(pkg-config --cflags --libs libseccomp)
	must "${CC:-gcc}" -std=c17 -D_GNU_SOURCE -O2 -Wall -Wextra -shared -fPIC \
		-o "$STARVE_SO" "$TOP/tests/faults/starve.c" -ldl
	must "${CC:-gcc}" -shared -fPIC $(pkg-config --cflags p11-kit-1) \
		-o "$SHIM_SO" "$TOP/tests/lib/shim.c" -ldl
}

# killed PROCESS CALL N WHO ARG...: as lib.sh runs WHO, but for that process, which
# is killed at its N-th CALL; "not hit" when it never came to that
killed() { faulty "$1" "$2" "$3" KILL "${@:4}"; }

# faulty PROCESS CALL N WHAT WHO ARG...: likewise with another fault: EIO, ENOSPC, EINTR
faulty() {
	local point=("$1" "$2" "$3" "$4") args=() arg
	shift 4
	command_of "$@"
	for arg in "${ARGV[@]}"; do
		case $arg in
		"$BIN"/airgap-*) args+=("$FAULT" "$WORK/hit" "${point[@]}") ;;
		esac
		args+=("$arg")
	done
	FAULT_SKIP=$WORK/tokens timeout -k 5 "$LIMIT" setsid -w "${args[@]}"
	local status=$?
	[ -s "$WORK/hit" ] || echo 'not hit'
	return $status
}

# read_of FILE WHO ARG...: where a process of that command, which must change nothing,
# reads FILE: PROCESS read N, in $POINT
read_of() {
	local file=$1 process n
	shift
	for process in 0.1 0.2 0.3 0.4 0.5; do
		for ((n = 1; n < 12; n++)); do
			faulty $process read $n EIO "$@" >/dev/null 2>&1
			case $(cat "$WORK/hit") in
			*"/$file") POINT=("$process" read "$n"); return ;;
			'') break ;;
			esac
		done
	done
	POINT=(nobody read 1)
}

prepare_faults() {
	local name requester ca
	build_faults
	# The token process makes no file beside what is hidden from it.
	: >"$WORK/signed"
	export SHIM=log SHIM_LOG=$WORK/signed
	new_token new
	state init stick tokens
	make_ca --scope example.org --scope example.net --profiles tls
	enrol_online
	state enroll stick
	must sed -i "s#module-path=[^&]*#module-path=$SHIM_SO#" "$WORK/home-ca/token.conf"
	for name in one.example.org two.example.org three.example.org four.example.net; do
		must csr_openssl "$name" ec-p256 "/CN=$name" "DNS:$name"
	done
	state request home-ca home-online stick tokens
	must transfer request "$WORK"/*.csr --profile tls-server --series 3x31d+7d --out "$STICK"
	must transfer request "$WORK/one.example.org.csr" --profile tls-client --out "$STICK"
	# Refused by a policy that the requester does not have yet.
	must sed -i 's/^scope = .*/scope = example.org/' "$WORK/home-ca/policy.conf"
	state sign home-ca home-online stick tokens
	run ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
	status 1 'without a fault: nine signed, one refused, and one more'
	is "$(grep -c '^ca-' "$SHIM_LOG")" 10 'the token signed ten times'
	is "$(grep -c . "$SHIM_LOG")" 12 'and twice a manifest'
	state install home-online stick
	requester=$REQUESTER_HEX ca=$CA_HEX
	must mkdir "$WORK/aside"
	must mv "$WORK/home-ca" "$WORK/home-online" "$STICK" "$WORK/tokens" "$WORK/aside/"
	prepare_abandon
	prepare_recover
	prepare_look
	prepare_change
	prepare_published
	prepare_import
	prepare_adopt
	remove
	must mv "$WORK"/aside/* "$WORK/"
	REQUESTER_HEX=$requester CA_HEX=$ca
	write_settings
}

remove() { rm -rf "$WORK/home-ca" "$WORK/home-online" "$STICK" "$WORK/tokens"; }

# fresh: a CA of its own with its requester, by way of an empty stick
fresh() {
	remove
	mkdir "$STICK" "$WORK/tokens"
	make_ca --scope example.org --profiles tls
	enrol_online
	must sed -i "s#module-path=[^&]*#module-path=$SHIM_SO#" "$WORK/home-ca/token.conf"
}

prepare_abandon() {
	fresh
	must transfer request "$WORK"/*.org.csr --profile tls-server --series 3x31d+7d --out "$STICK"
	export SHIM=sign-error SHIM_AFTER=7
	run ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
	status 5 'stopped after seven of nine'
	export SHIM=log
	unset SHIM_AFTER
	state abandon home-ca home-online stick tokens
}

# visit NAME: one request to the CA and back
visit() {
	must transfer request "$WORK/$1.example.org.csr" --profile tls-server --out "$STICK"
	must ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
	must transfer install "$STICK"
}

prepare_recover() {
	fresh
	visit one
	mkdir "$WORK/backup"
	must ca backup "$WORK/backup/old.db"
	state restore backup stick tokens
	visit two
	visit three
	must transfer history --out "$STICK"
	rm -rf "$WORK/home-ca"
	must ca restore "$WORK/backup/old.db" --yes --token "$(uri ca)"
	must sed -i "s#module-path=[^&]*#module-path=$SHIM_SO#" "$WORK/home-ca/token.conf"
	state recover home-ca home-online stick tokens
}

# What commands look at: a certificate, a bundle that waits under a policy that
# has changed, and loose CSRs.
prepare_look() {
	fresh
	visit one
	state revoke home-ca home-online stick tokens
	must transfer request "$WORK/two.example.org.csr" --profile tls-server --out "$STICK"
	echo '# changed' >>"$WORK/home-ca/policy.conf"
	run ca list --json
	LOOK_SERIAL=$(json certificates.0.serial)
	mkdir "$WORK/loose"
	must cp "$WORK"/*.org.csr "$WORK/loose/"
	state look home-ca home-online stick tokens loose
}

# Another certificate or key for the CA, and CRLs.
prepare_change() {
	fresh
	visit one
	run ca list --json
	REVOKED=$(json certificates.0.serial)
	KNOWN_FILES=$(find "$WORK/tokens" -name '*.object' | wc -l)
	state renew-ca home-ca home-online stick tokens
	state rollover home-ca home-online stick tokens
	must ca revoke "$REVOKED" --reason superseded --yes
	state crl home-ca home-online stick tokens
}

# CRLs and shadows that are due: a CRL is from an hour on.
prepare_published() {
	local earlier
	earlier=$(date -u -d '-2 hours' '+%Y-%m-%d %H:%M:%S')
	at "$earlier" fresh
	must sed -i '/^\[ca\]/a crl = 2x7d+1d' "$WORK/home-ca/policy.conf"
	printf '[requester online]\nemergency = yes\n' >>"$WORK/home-ca/policy.conf"
	at "$earlier" visit one
	run ca list --json
	SERVED=$(json certificates.0.serial)
	mkdir "$WORK/web" "$WORK/pass"
	(umask 077; ca emergency online >"$WORK/pass/pass" 2>"$WORK/err")
	state publish home-online web
	state emergency home-ca home-online stick tokens web pass
}

# A CA that waits for what another one certified.
prepare_import() {
	remove
	mkdir "$STICK" "$WORK/tokens" "$WORK/came"
	new_token root
	must ca @root init --subject 'CN=Root' --token "$(uri root)" --scope example.org --profiles tls,sub-ca --yes
	new_token sub
	must ca @sub init --csr "$STICK/sub.csr" --subject 'CN=Sub CA' --token "$(uri sub)" --scope example.org --yes
	must ca @root sign --loose --profile sub-ca "$STICK" --yes
	cat "$STICK"/airgap-ca/responses/*/{sub,ca}.pem >"$WORK/came/chain.pem"
	rm -rf "$STICK" "$WORK/home-root"
	mkdir "$STICK"
	state import home-sub stick tokens came
	rm -rf "$WORK/home-sub" "$WORK/came"
}

# What openssl ca leaves: two certificates that are good, and a revoked one.
prepare_adopt() {
	local old=$WORK/old i
	remove
	mkdir -p "$STICK" "$WORK/tokens" "$old/newcerts"
	printf '%s\n' '[ca]' 'default_ca = it' '[it]' 'dir = .' 'database = index.txt' 'new_certs_dir = newcerts' \
		'serial = serial' 'crlnumber = crlnumber' 'default_md = sha256' 'default_days = 365' \
		'unique_subject = no' 'policy = any' 'x509_extensions = leaf' '[leaf]' 'basicConstraints = CA:FALSE' '[any]' 'commonName = supplied' '[v3_ca]' \
		'subjectKeyIdentifier = hash' 'basicConstraints = critical,CA:true' '[req]' 'distinguished_name = dn' '[dn]' >"$old/ca.cnf"
	: >"$old/index.txt"
	echo 01 >"$old/serial"
	echo 1F >"$old/crlnumber"
	openssl_key ec-p256 >"$old/ca.key" 2>/dev/null
	must openssl req -x509 -new -config "$old/ca.cnf" -extensions v3_ca -key "$old/ca.key" -subj '/CN=Old CA' \
		-days 3000 -out "$old/ca.pem"
	for i in one two three; do
		(cd "$old" && must openssl ca -batch -config ca.cnf -cert ca.pem -keyfile ca.key -in "$WORK/$i.example.org.csr" -out $i.pem)
	done
	(cd "$old" && must openssl ca -config ca.cnf -cert ca.pem -keyfile ca.key -revoke two.pem -crl_reason superseded)
	new_token ca
	must openssl pkcs8 -topk8 -nocrypt -in "$old/ca.key" -out "$old/ca.p8"
	must softhsm2-util --import "$old/ca.p8" --token ca --label old-ca --id 01 --pin "$PIN"
	rm "$old/ca.p8"
	OLD_FILES=$(find "$WORK/tokens" -name '*.object' | wc -l)
	state adopt old stick tokens
	rm -rf "$old"
}

write_settings() {
	local options=()
	[ "$unshare_net" != none ] || options=(--allow-network)
	"$PYTHON" - "$SETTINGS" "${options[@]}" -- \
		"bin=$BIN" "fault=$FAULT" "requester=$REQUESTER_HEX" "ca=$CA_HEX" "new_token=$(uri new)" "token=$(uri ca)" \
		"starve=$STARVE_SO" "serial=$LOOK_SERIAL" "revoked=$REVOKED" "served=$SERVED" "module=$MODULE" \
		"token_files=$(find "$STATES/init/tokens" -name '*.object' | wc -l)" "known_files=$KNOWN_FILES" "old_files=$OLD_FILES" \
		"csrs=$WORK/one.example.org.csr $WORK/two.example.org.csr" <<'EOF_PY'
import json, sys
at = sys.argv.index("--")
found = dict(word.split("=", 1) for word in sys.argv[at + 1:])
for name in found:
    if name.endswith("_files"):
        found[name] = int(found[name])
found.update(csrs=found["csrs"].split(), ca_options=sys.argv[2:at])
json.dump(found, open(sys.argv[1], "w"))
EOF_PY
}

starve_programs() {
	local fence=()
	[ "$unshare_net" = none ] || fence=(unshare "$unshare_net" --)
	"${fence[@]}" "$PYTHON" "$TOP/tests/faults/starving.py" "$STATES" "$SETTINGS" "$@"
}

# One network of their own for all of them, where this user may have one.
sweep_faults() {
	local fence=()
	[ "$unshare_net" = none ] || fence=(unshare "$unshare_net" --)
	"${fence[@]}" "$PYTHON" "$TOP/tests/faults/sweep.py" "$STATES" "$SETTINGS" "$@"
}
