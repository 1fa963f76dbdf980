#!/bin/bash
# Two family members' cards with one and the same number in EF 0006, both in readers behind a real PC/SC service: their tokens have other
# serial numbers and PKCS#11 URIs, and each PIN goes to its own card only.
# usage: family.sh BUILD
. "$(dirname "$0")/pcsc_lib.sh"

unset OPENSC_CONF # both readers are ours
export OLD_PIN=1234 MOTHER_PIN=1234 SON_PIN=4321 XDG_RUNTIME_DIR=$root XDG_CONFIG_HOME=$root
unset JPKI_READER
d=$WORLD/documents

step="two cards with one number"
for who in mother son; do run "$BUILD/tests/support/make_testcard" "$WORLD/cards/$who"; done
port=35963
for who in mother son; do
    start_daemon $who "$PROGRAM_SIM" run --card "$WORLD/cards/$who" --vpcd "127.0.0.1:$port" --trace "$WORLD/log/$who" || fail "$who's card"
    port=$((port + 1))
done
for VPCD_READER in "${VPCD_READERS[@]%:*}"; do
    until_true card_present || fail "no card in $VPCD_READER"
    run opensc-tool --reader "$VPCD_READER" --send-apdu 00A4040C0AD392F000260100000001 --send-apdu 00B08600A0
    sed -n '/^Received.*SW1=0x90/,$p' "$WORLD/said" | grep '^[0-9A-F][0-9A-F] ' >"$d/ef0006.$VPCD_READER"
done
[ -s "$d/ef0006.$VPCD_READER" ] || fail "EF 0006 was not read"
cmp "$d"/ef0006.* || fail "the two cards differ in EF 0006 already"

step="the tokens have other serial numbers, the two of one card the same"
run p11tool --provider "$MODULE" --list-token-urls
grep 'token=JPKI' "$WORLD/said" | sort >"$d/urls"
[ "$(wc -l <"$d/urls")" = 4 ] && [ "$(sort -u "$d/urls" | wc -l)" = 4 ] || fail "four tokens, each with a URI of its own: $(cat "$d/urls")"
sed -n 's/.*serial=\([^;]*\).*/\1/p' "$d/urls" | sort | uniq -c | awk '{ print $1 }' | paste -sd ' ' >"$d/counts"
[ "$(cat "$d/counts")" = "2 2" ] || fail "serial numbers: $(cat "$d/urls")"
cp "$WORLD/said" "$d/first"
run p11tool --provider "$MODULE" --list-token-urls
cmp "$d/first" "$WORLD/said" || fail "the next process gives other URIs"

# Whose card a URI is: that of the certificate, which no other card has.
step="a URI is one card's"
serial_of() { # reader: of its authentication token
    pkcs11-tool --module "$MODULE" -L 2>/dev/null | awk -v reader="$1" '/^Slot / { here = index($0, reader) }
        here && /token label.*User Authentication/ { mine = 1 } here && mine && /serial num/ { print $NF; exit }'
}
mother=$(serial_of 'Virtual PCD 00 00') son=$(serial_of 'Virtual PCD 00 01')
[ -n "$mother" ] && [ -n "$son" ] && [ "$mother" != "$son" ] || fail "serial numbers '$mother' and '$son'"
token() { echo "pkcs11:token=JPKI%20%28User%20Authentication%29;serial=$1"; }
for who in mother son; do
    run p11tool --provider "$MODULE" --export "$(token "${!who}");id=%01;type=cert" --outfile "$d/$who.pem"
done
cmp -s "$d/mother.pem" "$d/son.pem" && fail "two URIs lead to one certificate"

with_pin() { grep -cE '^> 00 20 00 8[0-9A-F]* VERIFY \[|^> 00 2[04] .. .. (VERIFY|CHANGE REFERENCE DATA) \[' "$WORLD/log/$1" || true; }
presents() { # whose, how many times their card got a PIN, the other's none
    local other=son
    [ "$1" = mother ] || other=mother
    [ "$(with_pin "$1")" = "$2" ] || fail "$1's card got $(with_pin "$1") PINs, not $2: $(cat "$WORLD/log/$1")"
    [ "$(with_pin $other)" = 0 ] || fail "a PIN for $1's card went to $other's: $(cat "$WORLD/log/$other")"
}
begin() { step=$1; : >"$WORLD/log/mother"; : >"$WORLD/log/son"; }
slot_of() { # whose: the slot's number
    pkcs11-tool --module "$MODULE" -L 2>/dev/null | awk -v serial="${!1}" '/^Slot / { slot = $3; gsub(/[():]/, "", slot) }
        /token label.*User Authentication/ { mine = 1 } /token label.*Digital/ { mine = 0 } mine && /serial num/ && $NF == serial { print slot; exit }'
}

begin "the son changes his PIN"
run pkcs11-tool --module "$MODULE" --slot "$(slot_of son)" --login --pin env:OLD_PIN --change-pin --new-pin env:SON_PIN
[ "$(with_pin mother)" = 0 ] || fail "the son's PINs went to his mother's card"
[ "$(with_pin son)" -ge 1 ] || fail "no PIN reached the son's card"

begin "each signs by URI with the own PIN"
run env GNUTLS_PIN="$SON_PIN" p11tool --provider "$MODULE" --login --test-sign "$(token "$son");id=%01;type=private"
presents son 1
begin "the mother too"
run env GNUTLS_PIN="$MOTHER_PIN" p11tool --provider "$MODULE" --login --test-sign "$(token "$mother");id=%01;type=private"
presents mother 1

begin "the mother's PIN is wrong for the son's card: one try of his, none of hers"
pkcs11-tool --module "$MODULE" --slot "$(slot_of son)" --login --pin env:MOTHER_PIN -O >"$WORLD/said" 2>&1 && fail "it was taken"
want CKR_PIN_INCORRECT
presents son 1
begin "what his card refused is not remembered against hers"
run pkcs11-tool --module "$MODULE" --slot "$(slot_of mother)" --login --pin env:MOTHER_PIN -O
presents mother 1
begin "and not sent to his again"
pkcs11-tool --module "$MODULE" --slot "$(slot_of son)" --login --pin env:MOTHER_PIN -O >"$WORLD/said" 2>&1 && fail "it was taken"
want CKR_PIN_INCORRECT
presents son 0
begin "his own gives him his tries back"
run pkcs11-tool --module "$MODULE" --slot "$(slot_of son)" --login --pin env:SON_PIN -O
presents son 1
echo "two cards with one number: everything held"
