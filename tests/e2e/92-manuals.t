# SPDX-License-Identifier: Apache-2.0
# The manuals tell what the programs do: commands, options, statuses and rules are
# compared with the tables that the programs are made of, and so is the completion.
. "$(dirname "$0")/../lib/lib.sh"

needs mandoc mandoc
cd "$TOP" || exit 1
shopt -s globstar

# ---- the pages ---------------------------------------------------------------------------
# Whether a page that is referred to exists depends on where mandoc looks; the next check
# says it of ours.
lint() { mandoc -Tlint "$@" 2>&1 | grep -v 'referenced manual not found\|outdated mandoc.db'; }
for page in docs/man/*.[1-8]; do
	is "$(lint "$page")" '' "${page##*/}: mandoc has nothing to say"
done
lacking=
while read -r name section; do
	[ -e "docs/man/$name.$section" ] || lacking+=" $name($section)"
done < <(sed -nE 's/^\.Xr (airgap-[a-z-]+) ([1-8]).*/\1 \2/p' docs/man/* | sort -u)
is "$lacking" '' 'every page of ours that a page refers to is there'

# ---- programs ----------------------------------------------------------------------------
# told PROGRAM STATUSES [MANUAL]
told() { "$PYTHON" tests/tools/manuals.py "$BIN/$1" "${3:-docs/man/$1.1}" "$2" 2>&1; }
is "$(told airgap-ca 012345678)" '' 'airgap-ca.1: commands, options and statuses'
is "$(told airgap-token 012568)" '' 'airgap-token.1: commands, options and statuses'
is "$(told airgap-transfer 01234678)" '' 'airgap-transfer.1: commands, options and statuses'

# The comparison itself: a page with something taken out or put in is found out.
page=docs/man/airgap-ca.1
sed '/^\.Op Fl -path-len/d' $page >"$WORK/page"
like "$(told airgap-ca 012345678 "$WORK/page")" '^init --path-len: in the usage text only$' \
	'an option that the SYNOPSIS lacks is found'
sed '/^\.It Fl -path-len/d' $page >"$WORK/page"
like "$(told airgap-ca 012345678 "$WORK/page")" '^init --path-len: not described$' \
	'an option without a description is found'
sed 's/^\.It Fl -path-len/&gth/' $page >"$WORK/page"
like "$(told airgap-ca 012345678 "$WORK/page")" '^--path-length: described, but no command' \
	'an option that no command takes is found'
sed 's/^\.Cm export$/.Cm exports/' $page >"$WORK/page"
like "$(told airgap-ca 012345678 "$WORK/page")" '^exports: in the SYNOPSIS, but no command$' \
	'a command that there is not is found'
sed '/^\.It 7$/d' $page >"$WORK/page"
like "$(told airgap-ca 012345678 "$WORK/page")" '^EXIT STATUS: 01234568 are told' \
	'a missing status is found'

# ---- commands that are told ----------------------------------------------------------------
# What a sentence says to type can be typed, with a value for each name in capitals.
# not_commands FILE...
not_commands() { "$PYTHON" tests/tools/told_commands.py "$BIN" "$@" 2>&1; }
is "$(not_commands {base,ca,token,transfer}/**/*.[ch] transfer/rules.def)" '' \
	'each command that a program tells one to type is a whole one'
is "$(not_commands README.md SECURITY.md docs/*.md)" '' 'and each in a page'
sed 's/`airgap-ca clock accept`/`airgap-ca clock accepted`/; s/airgap-ca resend STICK/airgap-ca resend/
	s/--out STICK/--to STICK/' transfer/rules.def >"$WORK/told.def"
is "$(not_commands "$WORK/told.def" | grep -oE 'airgap-[a-z]+: [^;]+' | sort -u)" \
	"airgap-ca: clock wants the word 'accept'
airgap-ca: resend wants one MEDIA, not 0
airgap-transfer: unknown option --to" 'one that is not is found'

# ---- rules -------------------------------------------------------------------------------
# airgap-rules(7) is made from the table of rules, which a unit test compares. Each rule of it
# is one by which something is refused.
described=$(sed -n 's/^\.It Sy //p' docs/man/airgap-rules.7 | sort)
spoken=$(cat {transfer,ca}/**/*.c | grep -oE 'RULE_[A-Z0-9_]+' | sed 's/^RULE_//; s/_/-/g' | sort -u)
ok 'the page has the rules' test "$(wc -l <<<"$described")" -gt 50
is "$(comm -23 <(echo "$described") <(echo "$spoken") | tr '\n' ' ')" '' \
	'every rule is one that something is refused by'
# differs TREE: how the page of who refuses what is other than the sources of a tree say
differs() { diff docs/rules-in-code.md <("$PYTHON" tests/tools/rules_in_code.py "$1" 2>&1); }
is "$(differs .)" '' 'docs/rules-in-code.md says who refuses what (tests/tools/rules_in_code.py makes it)'
must mkdir "$WORK/rules"
must cp -r base token transfer ca "$WORK/rules"
must sed -i 's/RULE_NETWORK_UP/RULE_CLOCK_AHEAD/' "$WORK/rules/ca/home/network.c"
like "$(differs "$WORK/rules")" '^> \| CLOCK-AHEAD .* `network_check`.* airgap-ca \|$' 'a place that refuses by it anew is found'
like "$(differs "$WORK/rules")" '^> \| NETWORK-UP \| nothing refuses' 'and a rule that nobody refuses by any more'

# ---- promises ----------------------------------------------------------------------------
# wrong_promises FILE: its tests and checks that there are not, and its numbers without any
wrong_promises() {
	local line file name promise= kept= refused=
	while read -r line; do
		case $line in
		'### '*)
			[ -z "$promise$kept$refused" ] || echo "$promise"
			promise=${line#'### '} kept=no refused=no
			;;
		'*Not built*: '*) promise= kept= refused= ;;
		'- kept: '*) kept= ;;
		'- refused: '*) refused= ;;
		esac
		[ -n "$kept$refused" ] || promise=
		case $line in '- '* | '| '*'`'*) ;; *) continue ;; esac
		file=${line#*\`} file=${file%%\`*}
		[ -f "$file" ] || { echo "$file"; continue; }
		while read -r name; do
			[ -z "$name" ] || grep -qF -- "$name" "$file" || echo "$file: $name"
		done < <(grep -oE '"[^"]+"' <<<"$line" | tr -d '"')
	done <"$1"
	[ -z "$promise" ] || echo "$promise"
}
page=docs/promises.md
is "$(grep '^### ' $page | grep -vE '^### [1-9][0-9]*\. ')$(grep -oE '^### [0-9]+' $page | uniq -d)" '' \
	'each promise has a number of its own'
ok 'there are thirty at least' test "$(grep -c '^### ' $page)" -ge 30
is "$(wrong_promises $page)" '' 'each has its tests, and every check that it names is there'
sed 's/"yes is not Yes"/"no is Yes"/; s/50-loop/50-hoop/; /refused.*wrong PIN from/,/^$/d' $page >"$WORK/page"
sed -i '/^- kept.*41-clock/d' "$WORK/page"
is "$(wrong_promises "$WORK/page" | sort -u)" '18. A wrong clock signs nothing
28. The PIN stays where it is typed
tests/e2e/35-init.t: no is Yes
tests/e2e/50-hoop.t' 'one that is not is found'

# Promise 31 has each rule once: followed, a person's, or not followed yet.
remedies_told() {
	sed -n '/^### 31\./,/^### 32\|^### 33/p' "$1" | grep -v '^- ' | sed 's/`[^|]*//' |
		grep -oE '\b[A-Z][A-Z0-9]*(-[A-Z0-9]+)*\b' | grep -xF -f <(echo "$described") | sort
}
is "$(remedies_told $page)" "$described" 'the remedy of each rule is followed, or is said not to be'
sed '/^| GAP /d; s/, LINT,/, GAP-LINT,/' $page >"$WORK/page"
is "$(comm -13 <(remedies_told "$WORK/page") <(echo "$described") | tr '\n' ' ')" 'GAP LINT ' 'one that is left out is found'

# ---- mutations ---------------------------------------------------------------------------
# Each rule of the table has a mutation or is one that nothing can provoke yet, and each
# mutation still applies (tests/mutate).
run "$PYTHON" tests/mutate/mutate --check
status 0 'each mutation applies, and each rule has one'
prints '^[0-9]+ mutations apply' 'which are counted'
must mkdir -p "$WORK/tree/tests" "$WORK/tree/docs"
must cp -r base token transfer ca "$WORK/tree"
must cp docs/promises.md "$WORK/tree/docs"
# but SED FILE: what is said of a tree in which that file is changed
but() {
	cp -r tests/mutate tests/e2e tests/unit "$WORK/tree/tests"
	cp transfer/rules.def "$WORK/tree/transfer/rules.def"
	must sed -i "$1" "$WORK/tree/$2"
	run "$PYTHON" "$WORK/tree/tests/mutate/mutate" --check
}
but '/^FORK |/d' tests/mutate/rules.list
is "$STATUS" 2 'a rule without a mutation is found'
says 'refuses by FORK, which has no line' 'and named'
but 's/^RULE(ABANDONED,.*/RULE(NEW, "NEW", RC_POLICY, SCOPE_REQUEST, "", "")\n&/' transfer/rules.def
says 'no mutation and no line in rules.list: NEW' 'so is one that nothing refuses by'
but 's/^FORK |/FOLK |/' tests/mutate/rules.list
says 'there is no rule FOLK' 'and a line for a rule that is gone'
but 's/^at = serial.0. &= .*/at = serial[1] \&= 0x7f/' tests/mutate/checks.list
says 'is found 0 times; wanted once' 'and a check that is written otherwise by now'
but '0,/^tests = .*/s//tests = e2e\/00-nothing/' tests/mutate/checks.list
says 'there is no e2e/00-nothing' 'and a test that is gone'

# ---- completion --------------------------------------------------------------------------
for program in airgap-ca airgap-token airgap-transfer; do
	run "$BIN/$program" --completion
	status 0 "$program makes its completion"
	printf '%s\n' "$OUT" >"$WORK/$program.bash"
	ok "$program: bash reads it" bash -n "$WORK/$program.bash"
done
# complete WORD...: what bash offers for the last of them
complete_words() (
	. "$WORK/$1.bash"
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
	"_${1//-/_}"
	echo "${COMPREPLY[*]}"
)
is "$(complete_words airgap-ca s)" 'sign show status' 'commands'
is "$(complete_words airgap-ca --home /x tr)" 'transfer-key' 'a command behind an option of all'
is "$(complete_words airgap-ca init --path)" '--path-len' 'options of a command'
is "$(complete_words airgap-ca requester '')" 'list remove' 'what a command is asked to do'
is "$(complete_words airgap-ca sign --out '')" '' 'an option'\''s value is a file, not a word'
is "$(complete_words airgap-transfer enroll --rep)" '--replace' 'of the online side'
is "$(complete_words airgap-token key)" 'keygen' 'of the token'

done_testing
