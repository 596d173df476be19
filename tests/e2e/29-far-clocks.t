#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Clocks at the ends of what certificates and files can say: refused before anything is
# made, or nothing comes of it at all.
. "$(dirname "$0")/../lib/lib.sh"

keys() { find "$WORK/tokens" -name '*.object' | wc -l; }
new_token far
none=$(keys)
far() { # TIME WORDS ARG...
	run at "$1" ca @far init --subject CN=Far --token "$(uri far)" --key-type ec-p256 \
		--out "$STICK" --scope example.org --profiles tls --yes --date "$2" "${@:3}"
}
no_ca() { # DESC
	status 7 "$1"
	is "$(keys)" "$none" "no key was made"
	nok 1 "and no CA" test -e "$WORK/home-far/ledger.db"
}
far '1970-01-01 00:00:20' '1 January 1970'
no_ca "a clock that stands at its beginning"
says 'the clock says 1970-01-01T00:00:[0-9]*Z, where no CA can be made: set it right' "is said to be one"
far '9999-12-31 12:00:00' '31 December 9999'
no_ca "one at the end of all years"
says 'where no CA can be made' "likewise"
far '9991-01-01 00:00:00' '1 January 9991'
no_ca "one from which the usual days do not fit"
says 'give --days, at most 32[0-9][0-9]' "says how many do"
far '9991-01-01 00:00:00' '1 January 9991' --days 3000
status 0 "which are taken"
far '1970-01-02 00:00:10' '2 January 1970' --days 30
status 7 "a CA lives there: nothing more is tried"

# ---- what is no name ----------------------------------------------------------------

new_token named
before=$(keys)
named() { # SUBJECT ARG...
	run ca @named init --subject "$1" --token "$(uri named)" --key-type ec-p256 "${@:2}"
}
while IFS='|' read -r text what; do
	named "CN=$(printf '%b' "$text")" --yes
	status 2 "$what in the CA's name"
	says 'CN has the control character U\+[0-9A-F]*' "is said to be one"
	is "$(keys)" "$before" "before a key is made"
done <<'T'
a\033b|an escape
a\tb|a tab
a\0302\0205b|a control character of two bytes
a\0342\0200\0256b|what turns the direction of text
T
named 'CN=a\00b' -n
says 'subject +CN=a00b$' "the review shows the name that was read, not what was typed"
named 'CN=  lead trail  , O=x\, y' -n
says 'subject +CN=lead trail, O=x\\\\?, y$' "without blanks that nobody will see"

# ---- after 2106 -----------------------------------------------------------------------
STICK=$(stick after)

make_ca --scope example.org --profiles tls --days 36525
enrol_online
numbers=
for then in '2106-02-07 06:00:00' '2106-03-01 00:00:00' '2106-03-02 00:00:00'; do
	run at "$then" transfer request --profile tls-server --new-key ec-p256 \
		--name "dns:h${then:5:2}${then:8:2}.example.org" --out "$STICK"
	status 0 "$then: something is asked for"
	must at "$then" ca clock accept --yes
	run at "$then" ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
	status 0 "$then: and signed"
	run at "$then" transfer install "$STICK" --json
	status 0 "$then: and installed"
	numbers+=" $(json sequence)"
done
is "$numbers" " 1 2 3" "seconds in 32 bits are no end of it"

done_testing
