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

write_settings() {
	local options=()
	[ "$unshare_net" != none ] || options=(--allow-network)
	"$PYTHON" - "$SETTINGS" "$BIN" "$FAULT" "$REQUESTER_HEX" "$CA_HEX" \
		"$(uri new)" "$(uri ca)" "$STARVE_SO" "$LOOK_SERIAL" "$MODULE" "$WORK/one.example.org.csr" "$WORK/two.example.org.csr" \
		"$(find "$STATES/init/tokens" -name '*.object' | wc -l)" \
		"${options[@]}" <<'EOF_PY'
import json, sys
out, bin, fault, requester, ca, new, token, starve, serial, module, one, two, files, *options = sys.argv[1:]
json.dump({"bin": bin, "fault": fault, "requester": requester, "ca": ca, "new_token": new, "token": token,
           "starve": starve, "serial": serial, "module": module,
           "csrs": [one, two], "token_files": int(files), "ca_options": options}, open(out, "w"))
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
