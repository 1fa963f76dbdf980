#!/bin/bash
# module.sh — the module against OpenSC's, one card behind a real PC/SC service: commands, bytes, CPU, time on a contactless link
set -euo pipefail
. "$(dirname "$0")/bench_lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
root=$(mktemp -d)
WORLD=$root/world
. demo/lib.sh
new_world
trap 'stop_world; rm -rf "$root"' EXIT
export BENCH_PIN=1234
THEIRS=$(find /usr/lib -name opensc-pkcs11.so | head -n 1)
PEER="OpenSC $(dpkg-query -W -f '${source:Upstream-Version}' opensc-pkcs11) on the same card"
ROUNDS=3

start_pcscd || { echo "no PC/SC service here ($NO_PCSCD), and without it no OpenSC to compare with"; exit 1; }
# What OpenSC keeps on disk from one process to the next is not cold.
export HOME=$root XDG_CACHE_HOME=$root/cache

cost() { # file of costs, what, module, scenario, times
    local file=$1 what=$2
    rm -rf "$XDG_CACHE_HOME"
    printf '%s %s\n' "$what" "$("$here/card_cost.py" "$PROGRAM_SIM" "$WORLD/run/control" "$BUILD/tests/bench/bench_p11" "${@:3}")" >>"$file"
}

# A second list is what two cost more than one. Values of a column, one a round: file, scenario, column (2 commands, 3 bytes, …).
warm() {
    paste -d ' ' <(column "$1" list "$2" | tr ' ' '\n') <(column "$1" lists "$2" | tr ' ' '\n') |
        awk '{ d = ($2 - $1) / 10; print (d > 0 ? d : 0) }' | paste -sd ' '
}
values() { if [ "$2" = warm ]; then warm "$1" "$3"; else column "$1" "$2" "$3"; fi; }

compare() { # kind of card, switches of make_testcard
    local kind=$1 ours=$root/ours.$1 theirs=$root/theirs.$1 what
    "$BUILD/tests/support/make_testcard" "$WORLD/cards/$kind" mynumber "$2" >"$WORLD/log/make"
    start_daemon card "$PROGRAM_SIM" run --card "$WORLD/cards/$kind" --vpcd "127.0.0.1:$VPCD_PORT" --control "$WORLD/run/control" \
        --time contactless:106 --sleep
    until_true card_present
    export JPKI_READER="pcsc:$VPCD_READER"
    for _ in $(seq $ROUNDS); do
        for what in "list list 1" "lists list 11" "sign sign 1" "signs sign 10"; do
            read -r name scenario times <<<"$what"
            cost "$ours" "$name" "$MODULE" "$scenario" "$times"
            cost "$theirs" "$name" "$THEIRS" "$scenario" "$times"
        done
    done
    kill_daemon card
    # commands' goals; nothing may cost more bytes; the rest is told
    for what in "list:cold list:0.38" "warm:warm list:1" "sign:cold login and signature:0.25" "signs:login and ten signatures:1"; do
        IFS=: read -r name words goal <<<"$what"
        words="$words, $kind"
        row "$words: commands" APDU lower "$goal" "$(values "$ours" "$name" 2)" "$(values "$theirs" "$name" 2)" "$PEER"
        row "$words: bytes both ways" byte lower 1 "$(values "$ours" "$name" 3)" "$(values "$theirs" "$name" 3)" "$PEER"
        row "$words: CPU of the processes" ms lower 1 "$(values "$ours" "$name" 5)" "$(values "$theirs" "$name" 5)" "$PEER"
        row "$words: wall time, contactless 106 kbit/s model" ms lower 1 "$(values "$ours" "$name" 6)" "$(values "$theirs" "$name" 6)" "$PEER"
    done
}

compare "extended length" short-ids=yes
compare "short length only" lengths=short
