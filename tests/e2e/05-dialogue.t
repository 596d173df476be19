#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The dialogues of these tests end, whatever the program at the terminal does.
export PROMPT_LIMIT=2
. "$(dirname "$0")/../lib/lib.sh"
deaf='trap "" HUP TERM INT; echo ready'

dialogue ready yes -- bash -c 'echo ready; read -r word; echo "<$word>"; exit 3'
status 3 'the status is that of the program'
prints '<yes>' 'which was answered'
dialogue never yes -- bash -c "$deaf; sleep 600"
status 124 'a prompt that does not come is given up'
prints 'no /never/ came' 'and said'
dialogue never yes -- bash -c 'echo ready; exit 3'
status 125 'a program that left before its prompt is told from that'
dialogue ready yes -- bash -c "$deaf; sleep 600"
status 124 'a program that does not end is given up'
dialogue ready yes -- bash -c "$deaf; sleep 600 & exit 3"
is "$STATUS" 124 'and so is one whose child keeps the terminal'
dialogue ready yes -- bash -c "$deaf; exec <&- >&- 2>&-; sleep 600"
status 124 'and one that has left the terminal and goes on'
dialogue 'a[b' yes -- bash -c "$deaf; sleep 600"
nok 1 'a pattern that is none is no success' [ "$STATUS" = 0 ]
prints 'brackets|bracket' 'and expect says why'
# ---- and nok: what must fail does so with its own status ------------------------------

# verdict ARG...: what nok says of it
verdict() { nok "$@" | sed -n 's/^\(ok\|not ok\) .*/\1/p'; }
is "$(verdict 1 'no such line' grep -q nothing "$0.nowhere")" 'not ok' 'a file that is missing is not what was meant'
is "$(verdict 1 'no such tool' "$WORK/no-tool")" 'not ok' 'nor is a tool'
is "$(verdict 127 'no such tool' "$WORK/no-tool")" 'not ok' 'not even where that is asked for'
is "$(verdict 1 'it works' true)" 'not ok' 'nor is success'
is "$(verdict 1 'it fails' false)" ok 'the status that was wanted is'

done_testing
