#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The CA certificate at enrolment. Each card is whole, signed, and offered with the
# right SHA-256: what refuses it is the one thing that is wrong in the certificate.
. "$(dirname "$0")/../lib/lib.sh"

make_ca
mkdir "$WORK/cards"
"$PYTHON" "$TOP/tests/tools/make_ca_cards.py" "$(home_of ca)/policy.conf" "$WORK/cards" \
	>"$WORK/cards.list" || { fail "preparation: the cards"; done_testing; }

freeze "$WORK/cards"
n_bad=0
while IFS=$'\t' read -r name digest rule pattern promise; do
	run transfer @pinned enroll "$WORK/cards/$name.cose" --label x --expect "$digest"
	if [ "$rule" = - ]; then
		status 0 "$promise"
		rm -rf "$(home_of pinned)"
		continue
	fi
	n_bad=$((n_bad + 1))
	case $rule in CA-DATES) wanted=7 ;; *) wanted=3 ;; esac
	refused "$wanted" "$rule" "$pattern" "no CA $promise"
	rm -rf "$(home_of pinned)" # of one that was pinned all the same
done <"$WORK/cards.list"
ok "more than a hundred of them ($n_bad)" test "$n_bad" -gt 100

done_testing
