#!/bin/bash
# Two cards in the two readers of a real PC/SC service, put in and taken out while it runs: stock OpenSC, GnuTLS and this project's
# module see both, tell them apart and sign with each, also at the same time.
# usage: two_cards.sh BUILD
. "$(dirname "$0")/pcsc_lib.sh"

unset OPENSC_CONF # both readers are ours
readers=("${VPCD_READERS[@]%:*}") ports=("${VPCD_READERS[@]##*:}")
control=$WORLD/run/control
sim() { run "$PROGRAM_SIM" "$@"; }
has_card() { opensc-tool -l 2>/dev/null | grep -q "^[0-9]* *Yes .*${readers[$1]}"; }
is_empty() { opensc-tool -l 2>/dev/null | grep -q "^[0-9]* *No .*${readers[$1]}"; }
insert() { # reader, card
    sim insert --control "$control" --card "$WORLD/cards/$2" "$1"
    until_true has_card "$1" || fail "reader $1 has no card"
}
eject() {
    sim eject --control "$control" "$1"
    until_true is_empty "$1" || fail "reader $1 still has a card"
}
slot_of() { # module, reader, token label: the slot's number, as pkcs11-tool says it
    pkcs11-tool --module "$1" -L 2>/dev/null | awk -v reader="${readers[$2]}" -v label="$3" '
        /^Slot / { slot = $3; here = index($0, reader); gsub(/[():]/, "", slot) }
        here && /token label/ && index($0, label) { print slot; exit }'
}
sign() { # module, reader, token label, file: certificate, signature, verified
    local slot
    slot=$(slot_of "$1" "$2" "$3")
    [ -n "$slot" ] || fail "no token '$3' in reader $2"
    run pkcs11-tool --module "$1" --slot "$slot" --read-object --type cert --id 01 -o "$4.der"
    pkcs11-tool --module "$1" --slot "$slot" --login --pin env:AUTH_PIN --sign --mechanism SHA256-RSA-PKCS --id 01 \
        -i "$WORLD/documents/message" -o "$4.signature" >"$4.said" 2>&1 || { cp "$4.said" "$WORLD/said"; fail "signing in reader $2"; }
    openssl x509 -inform DER -in "$4.der" -noout -pubkey >"$4.key"
    run openssl dgst -sha256 -verify "$4.key" -signature "$4.signature" "$WORLD/documents/message"
}
theirs_label='JPKI (User Authentication PIN)' ours_label='JPKI (User Authentication)'
d=$WORLD/documents

step="make two cards"
sim create --card "$WORLD/cards/a" --issuer-key "$WORLD/cards/issuer" --serial 11 --specimen
sim create --card "$WORLD/cards/b" --issuer-key "$WORLD/cards/issuer" --serial 22 --specimen --contactless
start_daemon cards "$PROGRAM_SIM" run --vpcd "127.0.0.1:${ports[0]}" --vpcd "127.0.0.1:${ports[1]}" --control "$control" ||
    fail "the simulator does not start"

step="one after the other comes"
is_empty 0 && is_empty 1 || fail "the readers are not empty"
insert 0 a
is_empty 1 || fail "one card is in both readers"
insert 1 b

step="OpenSC: both are known, by two answers to reset and two serial numbers"
for reader in 0 1; do
    run opensc-tool --reader "${readers[$reader]}" --atr --name
    want jpki
    cp "$WORLD/said" "$d/name.$reader"
    run opensc-tool --reader "${readers[$reader]}" --send-apdu 00A4040C0AD392F000260100000001 --send-apdu 00B0865010
    cp "$WORLD/said" "$d/serial.$reader"
done
grep -q '^3b:da:13' "$d/name.0" && grep -q '^3b:88:80:01' "$d/name.1" || fail "the answers to reset: $(cat "$d"/name.*)"
grep -q 0000000000000011 "$d/serial.0" && grep -q 0000000000000022 "$d/serial.1" || fail "the serial numbers: $(cat "$d"/serial.*)"

step="both modules: two tokens of each card"
for module in "$THEIRS" "$MODULE"; do
    run pkcs11-tool --module "$module" -L
    [ "$(grep -c 'token label *: JPKI (User Authentication' "$WORLD/said")" = 2 ] || fail "authentication tokens of $module"
    [ "$(grep -c 'token label *: JPKI (Digital Signature' "$WORLD/said")" = 2 ] || fail "signature tokens of $module"
done

step="p11tool lists both cards' tokens"
run p11tool --provider "$THEIRS" --list-token-urls
[ "$(grep -c 'token=JPKI' "$WORLD/said")" = 4 ] || fail "four tokens through OpenSC"
run p11tool --provider "$MODULE" --list-token-urls
[ "$(grep 'token=JPKI' "$WORLD/said" | grep -c 'serial=00000011')" = 2 ] || fail "the first card's tokens"
[ "$(grep 'token=JPKI' "$WORLD/said" | grep -c 'serial=00000022')" = 2 ] || fail "the second card's tokens"
token=$(grep 'serial=00000022.*User%20Authentication' "$WORLD/said")
run env GNUTLS_PIN="$AUTH_PIN" p11tool --provider "$MODULE" --login --test-sign "$token;id=%01;type=private"

step="each signs with its own key"
for reader in 0 1; do
    sign "$THEIRS" $reader "$theirs_label" "$d/opensc.$reader"
    sign "$MODULE" $reader "$ours_label" "$d/ours.$reader"
    cmp "$d/opensc.$reader.der" "$d/ours.$reader.der" || fail "the certificates of reader $reader"
done
cmp -s "$d/opensc.0.der" "$d/opensc.1.der" && fail "two cards with one certificate"

step="both at the same time"
pids=
for reader in 0 1; do
    slot=$(slot_of "$THEIRS" $reader "$theirs_label")
    for n in 1 2 3; do
        pkcs11-tool --module "$THEIRS" --slot "$slot" --login --pin env:AUTH_PIN --sign --mechanism SHA256-RSA-PKCS --id 01 \
            -i "$d/message" -o "$d/together.$reader.$n" >"$d/together.$reader.$n.said" 2>&1 || exit 1
    done &
    pids="$pids $!"
done
for pid in $pids; do wait "$pid" || { cat "$d"/together.*.said >"$WORLD/said"; fail "one of them"; }; done
for reader in 0 1; do
    for n in 1 2 3; do cmp "$d/together.$reader.$n" "$d/opensc.$reader.signature" || fail "signature $n of reader $reader"; done
done

step="one goes, the other stays"
eject 0
[ -z "$(slot_of "$THEIRS" 0 "$theirs_label")" ] || fail "OpenSC still has its token"
sign "$THEIRS" 1 "$theirs_label" "$d/alone"
cmp "$d/alone.der" "$d/opensc.1.der" || fail "it is another card"
sim export --card "$WORLD/cards/a" --out "$d/a" # its file is free
openssl x509 -in "$d/a/auth.pem" -outform DER | cmp - "$d/opensc.0.der" || fail "not the certificate that OpenSC read"

step="they change places"
eject 1
insert 0 b
insert 1 a
sign "$THEIRS" 0 "$theirs_label" "$d/changed.0"
sign "$MODULE" 1 "$ours_label" "$d/changed.1"
cmp "$d/changed.0.der" "$d/opensc.1.der" && cmp "$d/changed.1.der" "$d/opensc.0.der" || fail "the certificates did not go with the cards"

step="no try was lost"
eject 0
eject 1
for card in a b; do
    sim show --card "$WORLD/cards/$card"
    want 'auth: key yes, certificate yes, CA certificate yes, PIN yes, 3 of 3 tries left'
done
echo "two cards in two readers: everything held"
