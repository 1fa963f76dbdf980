#!/bin/bash
# The same questions to OpenSC's module and to ours, on the same card in the same reader behind a real PC/SC service; every
# difference must be in docs/DIFFERENCES.md.
# usage: differences.sh BUILD
set -euo pipefail
. "$(dirname "$0")/pcscd_lib.sh"
own_pcscd "$0" "$@"
BUILD=$(realpath "$1")
cd "$(dirname "$0")/../.."
root=$(mktemp -d /tmp/jpki-differences-XXXXXX)
WORLD=$root/world
. demo/lib.sh
new_world
trap 'stop_world; rm -rf "$root"' EXIT
"$BUILD/tests/support/make_testcard" "$WORLD/cards/card" >"$WORLD/log/make"
start_pcscd || { echo "no PC/SC service, and without it no OpenSC to compare with"; exit 1; }
start_daemon card "$PROGRAM_SIM" run --card "$WORLD/cards/card" --vpcd "127.0.0.1:$VPCD_PORT" --trace "$WORLD/log/trace"
until_true card_present
export JPKI_READER="pcsc:$VPCD_READER"
theirs=$(find /usr/lib -name opensc-pkcs11.so | head -n 1)
timeout 60 "$BUILD/tests/interop/p11_transcript" "$MODULE" >"$root/ours"
timeout 60 "$BUILD/tests/interop/p11_transcript" "$theirs" >"$root/theirs"
tests/interop/differences.py docs/DIFFERENCES.md "$root/ours" "$root/theirs"
