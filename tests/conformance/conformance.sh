#!/bin/bash
# The conformance suite on three modules: ours and OpenSC's on the same card behind a real PC/SC service, and SoftHSM2's. What becomes of
# each row must be what docs/CONFORMANCE.md says, and of ours no row may fail.
# usage: conformance.sh BUILD [--print]: with --print the page's table as it would have to be
set -euo pipefail
. "$(dirname "$0")/../interop/pcscd_lib.sh"
own_pcscd "$0" "$@"
BUILD=$(realpath "$1")
print=${2:-}
cd "$(dirname "$0")/../.."
root=$(mktemp -d /tmp/jpki-conformance-XXXXXX)
WORLD=$root/world
. demo/lib.sh
new_world
trap 'stop_world; rm -rf "$root"' EXIT
PROGRAM=$BUILD/tests/conformance/jpki-pkcs11-conformance
export AUTH_PIN=1234 SIGN_PIN=ABC123 HSM_PIN=24681357 HSM_SO_PIN=13572468

judge() {
    local name=$1 module=$2 status=0
    shift 2
    "$PROGRAM" --module "$module" --summary "$root/$name.json" "$@" >"$root/$name.tap" 2>"$root/$name.err" || status=$?
    [ "$status" -le 1 ] || { cat "$root/$name.tap" "$root/$name.err"; echo "exit status $status"; exit 1; }
}

# Two cards in the two readers, so that both modules are judged at the same time.
"$BUILD/tests/support/make_testcard" "$WORLD/cards/card" >"$WORLD/log/make"
cp "$WORLD/cards/card" "$WORLD/cards/other"
cp "$WORLD/cards/card.key" "$WORLD/cards/other.key"
start_pcscd || { echo "no PC/SC service, and without it no OpenSC to compare with"; exit 1; }
unset OPENSC_CONF # of one reader
start_daemon card "$PROGRAM_SIM" run --card "$WORLD/cards/card" --vpcd 127.0.0.1:35963
start_daemon other "$PROGRAM_SIM" run --card "$WORLD/cards/other" --vpcd 127.0.0.1:35964
for VPCD_READER in "Virtual PCD 00 00" "Virtual PCD 00 01"; do
    until_true card_present || { echo "no card in $VPCD_READER"; exit 1; }
done
echo 'app default { ignored_readers = "Virtual PCD 00 00"; }' >"$root/opensc.conf"
card=(--spend-tries --pin 'JPKI (User=env:AUTH_PIN' --pin 'JPKI (Digital=env:SIGN_PIN' --private-certificates 'JPKI (Digital')
JPKI_READER="pcsc:Virtual PCD 00 00" JPKI_KEEP_MS=20 judge ours "$MODULE" "${card[@]}" &
ours=$!
OPENSC_CONF=$root/opensc.conf judge opensc "$(find /usr/lib -name opensc-pkcs11.so | head -n 1)" "${card[@]}" &
opensc=$!

# SoftHSM2 is no card: the rows of the national profile are not for it.
step() { "$@" >"$root/step" 2>&1 || { cat "$root/step"; exit 1; }; }
step pkcs11-tool --module "$SOFTHSM" --init-token --slot-index 0 --label generic --so-pin env:HSM_SO_PIN
step pkcs11-tool --module "$SOFTHSM" --token-label generic --init-pin --login --login-type so --so-pin env:HSM_SO_PIN --new-pin env:HSM_PIN
step pkcs11-tool --module "$SOFTHSM" --token-label generic --login --pin env:HSM_PIN --keypairgen --key-type rsa:2048 --id 01 --label key
PKCS11_MODULE_PATH=$SOFTHSM step openssl req -new -x509 -engine pkcs11 -keyform engine -subj /CN=nobody -days 2 -outform DER \
    -key "pkcs11:token=generic;id=%01;type=private?pin-value=$HSM_PIN" -out "$root/cert.der"
step pkcs11-tool --module "$SOFTHSM" --token-label generic --login --pin env:HSM_PIN --write-object "$root/cert.der" --type cert --id 01 \
    --label certificate
judge softhsm "$SOFTHSM" --spend-tries --profile generic --pin 'generic=env:HSM_PIN'

wait $ours
wait $opensc
"$PROGRAM" --list >"$root/list"
tests/conformance/conformance_page.py docs/CONFORMANCE.md "$root/list" "$root/ours.json" "$root/opensc.json" "$root/softhsm.json" $print
