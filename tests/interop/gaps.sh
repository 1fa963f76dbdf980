#!/bin/bash
# A thief at a real PC/SC service: between the calls of a program that is logged in, after kill -9 of it and of its keeper.
# usage: gaps.sh BUILD
. "$(dirname "$0")/pcsc_lib.sh"

"$BUILD/tests/support/make_testcard" "$WORLD/cards/card" >"$WORLD/said"
start_daemon card "$PROGRAM_SIM" run --card "$WORLD/cards/card" --vpcd "127.0.0.1:$VPCD_PORT" || fail "the card does not start"
until_true card_present || fail "the card is not in the reader"

step="test_pkcs11_gaps behind PC/SC"
run "$BUILD/tests/unit/pkcs11/test_pkcs11_gaps" "$MODULE" "$VPCD_READER"
want '[  PASSED  ] 3 test(s).'
step="no try was spent"
run pkcs15-tool --reader "$VPCD_READER" --dump
want 'Tries left     : 3'
want 'Tries left     : 5'
