#!/bin/bash
# Stock OpenSC and GnuTLS at the software card behind a real PC/SC service: recognise, list, log in and sign with both keys; the
# Juki card as far as OpenSC knows such a card; and a tampered one.
# usage: opensc.sh BUILD
. "$(dirname "$0")/pcsc_lib.sh"

"$BUILD/tests/support/make_testcard" "$WORLD/cards/card" >"$WORLD/said"
put() { # card file: into the reader
    start_daemon card "$PROGRAM_SIM" run --card "$1" --vpcd "127.0.0.1:$VPCD_PORT" --trace "$WORLD/log/trace" || fail "the card does not start"
    until_true card_present || fail "the card is not in the reader"
}
take() {
    kill_daemon card
    card_away() { ! card_present; }
    until_true card_away || fail "the card is still in the reader"
}

step="opensc-tool"
put "$WORLD/cards/card"
run opensc-tool --reader "$VPCD_READER" --atr --name
want '3b:da:13:ff:81:31:fb:46:80:12:39:2f:31:c1:73:c6:01:c0:3b'
want 'jpki'

step="what OpenSC asks for other cards is refused: the first that is not is SELECT of the JPKI application"
first=$(grep -n '< 9000' "$WORLD/log/trace" | head -n 1)
[ "${first#*:}" = '> 00 A4 04 0C SELECT [10] D392F000260100000001 < 9000 done' ] || fail "$first"
[ "${first%%:*}" -ge 25 ] || fail "OpenSC asked for fewer cards than it does: $first"

step="pkcs15-tool --dump"
run pkcs15-tool --reader "$VPCD_READER" --dump
for line in 'PIN [User Authentication PIN]' 'PIN [Digital Signature PIN]' 'Tries left     : 3' 'Tries left     : 5' \
    'Private RSA Key [User Authentication Key]' 'Private RSA Key [Digital Signature Key]' 'X.509 Certificate [User Authentication Certificate]' \
    'X.509 Certificate [User Authentication Certificate CA]' 'X.509 Certificate [Digital Signature Certificate CA]'; do want "$line"; done

step="pkcs11-tool lists"
run pkcs11-tool --module "$THEIRS" -L
want 'JPKI (User Authentication PIN)'
want 'JPKI (Digital Signature PIN)'
run pkcs11-tool --module "$THEIRS" -O
want 'User Authentication Certificate'

sign() { # module, token label, variable of the PIN, id
    run pkcs11-tool --module "$1" --token-label "$2" --login --pin "env:$3" --read-object --type cert --id "$4" -o "$WORLD/documents/cert.$4.der"
    run pkcs11-tool --module "$1" --token-label "$2" --login --pin "env:$3" --sign --mechanism SHA256-RSA-PKCS --id "$4" \
        -i "$WORLD/documents/message" -o "$WORLD/documents/signature"
    openssl x509 -inform DER -in "$WORLD/documents/cert.$4.der" -noout -pubkey >"$WORLD/documents/key.pem"
    run openssl dgst -sha256 -verify "$WORLD/documents/key.pem" -signature "$WORLD/documents/signature" "$WORLD/documents/message"
    want 'Verified OK'
}
step="OpenSC logs in and signs with the authentication key"
sign "$THEIRS" 'JPKI (User Authentication PIN)' AUTH_PIN 01
step="OpenSC logs in and signs with the signature key"
sign "$THEIRS" 'JPKI (Digital Signature PIN)' SIGN_PIN 02
step="both modules read the same bytes"
cp "$WORLD/documents/cert.01.der" "$WORLD/documents/opensc.01" && cp "$WORLD/documents/cert.02.der" "$WORLD/documents/opensc.02"
export JPKI_READER="pcsc:$VPCD_READER"
sign "$MODULE" 'JPKI (User Authentication)' AUTH_PIN 01
sign "$MODULE" 'JPKI (Digital Signature)' SIGN_PIN 02
cmp "$WORLD/documents/cert.01.der" "$WORLD/documents/opensc.01" || fail "authentication certificate"
cmp "$WORLD/documents/cert.02.der" "$WORLD/documents/opensc.02" || fail "signature certificate"

step="p11tool through both modules"
run env GNUTLS_PIN="$AUTH_PIN" p11tool --provider "$THEIRS" --login --test-sign 'pkcs11:token=JPKI%20%28User%20Authentication%20PIN%29;id=%01;type=private'
run env GNUTLS_PIN="$AUTH_PIN" p11tool --provider "$MODULE" --login --test-sign 'pkcs11:token=JPKI%20%28User%20Authentication%29;id=%01;type=private'

step="a wrong PIN costs one try, and OpenSC sees it"
WRONG=9999 pkcs11-tool --module "$THEIRS" --token-label 'JPKI (User Authentication PIN)' --login --pin env:WRONG -O >"$WORLD/said" 2>&1 && fail "a wrong PIN was taken"
want 'CKR_PIN_INCORRECT'
run pkcs15-tool --reader "$VPCD_READER" --dump
want 'Tries left     : 2'
take

step="a tampered card"
run "$PROGRAM_SIM" tamper --card "$WORLD/cards/card" --yes
put "$WORLD/cards/card"
opensc-tool --reader "$VPCD_READER" --send-apdu 00A4040C0AD392F000260100000001 >"$WORLD/said" 2>&1 || true
want 'SW1=0x6F, SW2=0x00'
for module in "$THEIRS" "$MODULE"; do
    pkcs11-tool --module "$module" -L >"$WORLD/said" 2>&1 || fail "$module"
    if grep -q 'token label' "$WORLD/said"; then fail "$module has a token"; fi
done
take

step="a Juki card: its application is found, and OpenSC stops at the PIN that such a card does not have"
run "$PROGRAM_SIM" create --card "$WORLD/cards/juki" --issuer-key "$WORLD/cards/issuer.key" --profile juki --specimen
: >"$WORLD/log/trace"
put "$WORLD/cards/juki"
run opensc-tool --reader "$VPCD_READER" --atr --name
want '3b:e0:00:ff:81:31:fe:45:14'
want 'jpki'
pkcs15-tool --reader "$VPCD_READER" --dump >"$WORLD/said" 2>&1 && fail "pkcs15-tool knows the card"
want 'Unsupported card'
grep -A 1 'SELECT \[10\] D392F000260100000001 < 9000' "$WORLD/log/trace" | grep -qF '> 00 A4 02 0C SELECT [2] 0018 < 6A82' || fail "it stopped elsewhere"
pkcs11-tool --module "$THEIRS" -L >"$WORLD/said" 2>&1 || fail "pkcs11-tool"
want 'token not recognized'
take

step="the next card: two tokens that log in, with keys that OpenSC takes for RSA and cannot sign with"
run "$PROGRAM_SIM" create --card "$WORLD/cards/next" --issuer-key "$WORLD/cards/issuer.key" --profile next --specimen
put "$WORLD/cards/next"
run pkcs11-tool --module "$THEIRS" -L
want 'JPKI (User Authentication PIN)'
want 'JPKI (Digital Signature PIN)'
run pkcs11-tool --module "$THEIRS" --token-label 'JPKI (Digital Signature PIN)' --login --pin env:SIGN_PIN -O
want 'Private Key Object; RSA'
pkcs11-tool --module "$THEIRS" --token-label 'JPKI (User Authentication PIN)' --login --pin env:AUTH_PIN --sign --mechanism RSA-PKCS \
    --id 01 -i "$WORLD/documents/message" -o "$WORLD/documents/signature" >"$WORLD/said" 2>&1 && fail "OpenSC signed with P-384"
grep -q 'VERIFY \[4\] < 9000' "$WORLD/log/trace" || fail "it did not log in"
want 'CKR_FUNCTION_FAILED'
echo "OpenSC and GnuTLS: everything held"
