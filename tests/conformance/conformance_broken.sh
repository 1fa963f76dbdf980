#!/bin/bash
# The conformance program can fail: on a module with one flaw (broken_module.c) the row of that name fails, for every row; without a flaw
# none does. And it is used wrongly in all the ways there are.
# usage: conformance_broken.sh CONFORMANCE BROKEN-MODULE JPKI-SIM MAKE-TESTCARD MODULE
set -euo pipefail
program=$(realpath "$1") broken=$(realpath "$2") sim=$(realpath "$3") make=$(realpath "$4")
JPKI_BROKEN_REAL=$(realpath "$5")
export JPKI_BROKEN_REAL
folder=$(mktemp -d /tmp/jpki-broken-XXXXXX)
sim_pid=
trap '[ -z "$sim_pid" ] || kill "$sim_pid" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
"$make" card >make.out 2>&1
"$sim" run --card card --socket sock --pid-file pid >sim.out 2>&1 &
sim_pid=$!
for _ in $(seq 100); do [ -s pid ] && break; sleep 0.05; done
export JPKI_READER=sim:$folder/sock JPKI_KEEP_MS=0 XDG_RUNTIME_DIR=$folder AUTH_PIN=1234 SIGN_PIN=ABC123 WRONG_PIN=9999
auth=(--module "$broken" --token 'JPKI (User' --pin 'JPKI (User=env:AUTH_PIN' --spend-tries)
sign=(--module "$broken" --token 'JPKI (Digital' --pin 'JPKI (Digital=env:SIGN_PIN' --private-certificates 'JPKI (Digital')
bad=0
flawed() { echo "FAILED: $*"; tail -n 5 out; bad=1; }

"$program" "${auth[@]}" >out 2>err || flawed "without a flaw rows fail"
grep -q '^not ok' out && flawed "without a flaw rows fail"
# A module that wants a login for each signature is held to that.
JPKI_ALWAYS_AUTHENTICATE=yes "$program" "${sign[@]}" login.always-authenticate 'sign.*' 'mechanism.*' >out 2>err ||
    flawed "CKA_ALWAYS_AUTHENTICATE"
rows=$("$program" --list | cut -f1)
for row in $rows; do
    who=("${auth[@]}") status=0
    case $row in
    object.certificate-personal) who=("${sign[@]}") ;;
    token.unique | login.one-token | session.close-all-one) who=("${auth[@]:0:2}" "${auth[@]:4}") ;; # both tokens
    esac
    [ "$row" != token.unique ] || who=(--module "$broken") # whose labels are others
    JPKI_BROKEN=$row "$program" "${who[@]}" "$row" >out 2>err || status=$?
    [ "$status" = 1 ] && grep -q "^not ok [0-9]* - $row" out || flawed "$row does not see its flaw (exit $status)"
done

# PINs: a wrong one is sent once and never again; without one nothing is presented; none is in the output.
status=0
"$program" --module "$JPKI_BROKEN_REAL" --token 'JPKI (User' --pin 'JPKI (User=env:WRONG_PIN' 'login.*' 'sign.*' --spend-tries >out 2>err || status=$?
[ $status = 2 ] || flawed "options behind rows are taken"
"$program" --module "$JPKI_BROKEN_REAL" --token 'JPKI (User' --pin 'JPKI (User=env:WRONG_PIN' --spend-tries 'login.*' 'sign.*' >out 2>err && flawed "a wrong PIN"
[ "$(grep -c '^not ok' out)" = 1 ] || flawed "a wrong PIN fails more than one row"
grep -q 'it is not sent again' out || flawed "a wrong PIN is not held back"
grep -q 9999 out err && flawed "a PIN is in the output"
"$program" "${auth[@]}" token.info login.pin >out 2>err || flawed "the right PIN afterwards"
"$program" --module "$JPKI_BROKEN_REAL" 'login.*' >out 2>err || flawed "without a PIN rows fail"
grep -v 'SKIP no PIN was given' out | grep -q '^ok' && flawed "without a PIN a login was tried"
"$program" "${auth[@]}" --tries 2 login.wrong-pin >out 2>err || flawed "--tries 2"
grep -q 'SKIP fewer than two tries would remain' out || flawed "a try is spent where two do not remain"
printf '1234\n' | "$program" --module "$broken" --token 'JPKI (User' --pin 'JPKI (User=fd:0' --summary sum login.pin >out 2>err || flawed "--pin fd:0"
grep -q '"result": "passed"' sum || flawed "no summary"

while read -r words; do
    status=0
    # shellcheck disable=SC2086 # words
    "$program" $words >out 2>&1 || status=$?
    [ $status = 2 ] || flawed "exit $status of: $words"
done <<WRONG
--nonsense
--module
session.info
--module $folder/none
--module $broken no.such.row
--module $broken --profile none
--module $broken --timeout 0
--module $broken --token nobody
--module $broken --pin nobody=env:AUTH_PIN
--module $broken --pin env:AUTH_PIN
--module $broken --pin JPKI=env:NO_SUCH
--module $broken --pin JPKI=9999
WRONG
"$program" --help >out || flawed "--help"
[ $bad = 0 ]
echo "$(wc -w <<<"$rows") rows, each sees its flaw"
