#!/bin/bash
# make bench: measures against peers in the same run, prints a table, writes bench.json.
# usage: scripts/bench.sh --build DIR --out FILE
set -euo pipefail
cd "$(dirname "$0")/.."

BUILD= OUT=
while [ $# -gt 0 ]; do
    case $1 in
    --build) BUILD=$(cd "$2" && pwd); shift 2 ;;
    --out) OUT=$2; shift 2 ;;
    *) echo "usage: scripts/bench.sh --build DIR --out FILE" >&2; exit 2 ;;
    esac
done
[ -n "$BUILD" ] && [ -n "$OUT" ] || { echo "usage: scripts/bench.sh --build DIR --out FILE" >&2; exit 2; }

WORLD=$(mktemp -d)/world
. demo/lib.sh
new_world
trap 'stop_world; rm -rf "$(dirname "$WORLD")"' EXIT

# Commands and bytes that a card sees while a program does something: from the simulator's trace.
traced() { # name, command…
    local name=$1
    shift
    : >"$WORLD/log/card.trace"
    "$@" >"$WORLD/log/$name.out" 2>&1 || { cat "$WORLD/log/$name.out"; return 1; }
    cp "$WORLD/log/card.trace" "$WORLD/log/$name.trace"
}

list_login_sign() { # module, token label
    TOOL_PIN=1234 pkcs11-tool --module "$1" --token-label "$2" --login --pin env:TOOL_PIN -O \
        --sign --mechanism SHA256-RSA-PKCS --id 01 -i "$WORLD/documents/message" -o "$WORLD/documents/signature"
}

echo "a message" >"$WORLD/documents/message"
"$BUILD/tests/support/make_testcard" "$WORLD/cards/bench.card" >/dev/null
start_pcscd || { echo "bench: pcscd cannot be run here, and without it there is no OpenSC to compare with" >&2; exit 1; }
start_daemon card "$PROGRAM_SIM" run --card "$WORLD/cards/bench.card" --vpcd "127.0.0.1:$VPCD_PORT" --trace "$WORLD/log/card.trace"
until_true card_present
export JPKI_READER="pcsc:$VPCD_READER"
THEIRS=$(find /usr/lib -name opensc-pkcs11.so | head -n 1)

echo "bench: list, log in, sign once"
traced ours list_login_sign "$MODULE" 'JPKI (User Authentication)'
traced theirs list_login_sign "$THEIRS" 'JPKI (User Authentication PIN)'
echo "bench: signatures of the simulated card against OpenSSL (10 s)"
"$BUILD/tests/bench/bench_sim" >"$WORLD/log/bench_sim"
echo "bench: OCSP answers against openssl ocsp (30 s)"
JPKI_CA="$BUILD/ca/jpki-ca" tests/bench/ca_ocsp.sh >"$WORLD/log/ca_ocsp"

scripts/bench_table.py --out "$OUT" --ours "$WORLD/log/ours.trace" --theirs "$WORLD/log/theirs.trace" --sim "$WORLD/log/bench_sim" \
    --ocsp "$WORLD/log/ca_ocsp"
