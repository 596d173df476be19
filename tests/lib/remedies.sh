# SPDX-License-Identifier: Apache-2.0
# For the tests that follow remedies (promise 31), sourced behind lib.sh: what was refused,
# and with which words, and that what they say to do leads out.

# remedy_of RULE: as the table of rules has it
remedy_of() {
	sed -n "/^RULE([A-Z0-9_]*, \"$1\"/,/)\$/p" "$TOP/transfer/rules.def" |
		sed -n '3s/^\t"\(.*\)")$/\1/p'
}
# stopped STATUS RULE WHAT: by that rule, with its remedy
stopped() {
	local why=() said
	# The home that a command is told with is 93-typed.t's.
	said=$(tr -s ' \n' ' ' <<<"$ERR$([ "${4:-}" != stdout ] || echo "$OUT")" |
		sed -E 's/(airgap-(ca|transfer)) --home [^ ]+ ([a-z])/\1 \3/g')
	[ "$STATUS" = "$1" ] || why+=("status $STATUS; wanted: $1")
	[[ $said == *"[$2]"* ]] || why+=("wanted: [$2]")
	[ -n "$(remedy_of "$2")" ] && [[ $said == *"$(remedy_of "$2")"* ]] ||
		why+=("wanted: $(remedy_of "$2")")
	if [ ${#why[@]} = 0 ]; then pass "$2: $3"; else fail "$2: $3" "${why[@]}"; fi
}
# leads RULE WHERE: the remedy was followed by the last run
leads() { is "$STATUS" 0 "$1 leads out: $2"; }
