#!/bin/sh
# ca-publication.sh — revocation lists from the book to the world: read by OpenSSL, GnuTLS and NSS, on time without the authorities,
# whole after kill -9 at each step of publishing and with a full disk, entries kept until one list after the certificate's end.
. "$(dirname "$0")/ca-world.sh"
PUBLIC=$W/ca/publication
founded
check "serve" start
openssl genrsa -out "$W/holder.key" 2048 2> /dev/null
for n in 1 2 3; do
    request_file "enrol-$n" 462012 319800217 20350217145959Z
    check "a certificate" ir auth "$W/holder.key" "$W/auth$n.pem"
done
check "and one of the other authority" ir sign "$W/holder.key" "$W/sign.pem"
TOWN=auth/Kagoshima-ken/Kagoshima-shi.crl
ONE=$(serial "$W/auth1.pem") TWO=$(serial "$W/auth2.pem")
"$JPKI_CA" revoke --state "$W/ca" --authority auth --serial "$ONE" --reason keyCompromise
"$JPKI_CA" revoke --state "$W/ca" --authority auth --serial "$TWO" --reason unspecified
has() { openssl crl -inform DER -in "$PUBLIC/$1" -noout -text | grep -q "Serial Number: $2$"; } # path serial
lacks() { ! has "$1" "$2"; }

# --- read by others ---------------------------------------------------------------------------------------------------------
check "the town's list names the one" has $TOWN "$ONE"
check "and the other" has $TOWN "$TWO"
check "all lists anew" "$JPKI_CA" crl --state "$W/ca" # a list of everything follows once an hour
check "the list of everything names them too" has auth/all.crl "$ONE"
check "and nothing of the other authority" lacks sign/all.crl "$ONE"
openssl crl -inform DER -in "$PUBLIC/$TOWN" -noout -text > "$W/text"
grep -A4 "Issuing Distribution Point: critical" "$W/text" | grep -q "CN = Kagoshima-shi CRLDP" || fail "the scope"
openssl crl -inform DER -in "$PUBLIC/auth/ca.crl" -noout -text | grep -A5 "Issuing Distribution Point: critical" | grep -q "Only CA Certificates" || fail "the scope of the authorities' list"
! openssl crl -inform DER -in "$PUBLIC/auth/all.crl" -noout -text | grep -q "Issuing Distribution Point" || fail "a scope where there is none"
for list in $TOWN sign/Kagoshima-ken/Kagoshima-shi.crl auth/ca.crl sign/ca.crl auth/all.crl sign/all.crl ops/ca.crl; do
    a=${list%%/*}
    check "$list: openssl" openssl crl -inform DER -in "$PUBLIC/$list" -CAfile "$W/$a-ca.pem" -noout
    grep -q "verify OK" "$W/said" || fail "$list: openssl says $(cat "$W/said")"
    check "$list: GnuTLS" certtool --verify-crl --inder --infile "$PUBLIC/$list" --load-ca-certificate "$PUBLIC/$a/ca.cer"
    ! grep -qi "not verified" "$W/said" || fail "$list: GnuTLS says $(cat "$W/said")"
done
# NSS knows no scopes: it takes the lists without one
mkdir "$W/nss"
certutil -N -d "$W/nss" --empty-password
certutil -A -d "$W/nss" -n auth -t CT,C,C -i "$PUBLIC/auth/ca.cer"
check "NSS takes the list of everything" crlutil -I -d "$W/nss" -i "$PUBLIC/auth/all.crl"
crlutil -L -d "$W/nss" -n auth > "$W/text"
[ "$(grep -c "Serial Number" "$W/text")" = 2 ] || fail "NSS reads $(cat "$W/text")"
python3 -c 'import sys; b = bytearray(open(sys.argv[1], "rb").read()); b[-9] ^= 1; open(sys.argv[2], "wb").write(b)' "$PUBLIC/auth/all.crl" "$W/bent.crl"
! crlutil -I -d "$W/nss" -i "$W/bent.crl" > "$W/said" 2>&1 || fail "NSS takes a list with a bent signature"
stop

# --- on time whatever happens -------------------------------------------------------------------------------------------------
publish() { "$JPKI_CA" publisher --once --state "$W/ca"; }
up=$((0x$(number $TOWN)))
export JPKI_CLOCK=+129000
check "a list that is due is still in force" publish
same "and stays" "$up" $((0x$(number $TOWN)))
export JPKI_CLOCK=+130000 # a day and a half
check "nobody made a new one: the one that was signed ahead" publish
same "is published" $((up + 1)) $((0x$(number $TOWN)))
check "for every list" rises sign/ca.crl 1
check "with every entry" has $TOWN "$TWO"
ahead=$(date -u -d "$(openssl crl -inform DER -in "$PUBLIC/$TOWN" -noout -nextupdate | sed 's/nextUpdate=//')" +%s)
[ "$ahead" -gt $(($(date +%s) + 8 * 86400)) ] || fail "for a week"
check "once" publish
same "once" $((up + 1)) $((0x$(number $TOWN)))
check "the authorities are back" start
check "their list follows" soon rises $TOWN $((up + 1))
stop
unset JPKI_CLOCK
refuse "the clock goes back: what was published last is later" "$JPKI_CA" crl --state "$W/ca"
export JPKI_CLOCK=+131000
check "and forth" "$JPKI_CA" crl --state "$W/ca"

# --- killed, and a full disk: the old list or the new one, then the new one --------------------------------------------------------
sound() { openssl crl -inform DER -in "$PUBLIC/$TOWN" -CAfile "$W/auth-ca.pem" -noout 2>&1 | grep -q "verify OK"; }
handed() { for f in "$W"/ca/lists/auth/462012.1-*.crl; do f=${f##*-}; echo "${f%.crl}"; done; }
if [ -n "$JPKI_FAULTS" ]; then
    for point in before_copy after_copy after_judge after_memory file.before_place after_put_up; do
        case $point in file*) ;; *) point=publisher.$point ;; esac
        up=$((0x$(number $TOWN)))
        for other in "$PUBLIC"/auth/all.crl "$PUBLIC"/auth/ca.crl; do touch "$other"; done
        JPKI_FAULT=$point "$JPKI_CA" crl --state "$W/ca" > "$W/said" 2>&1 && fail "$point: nothing happened"
        check "$point: a sound list" sound
        check "$point: again" publish
        check "$point: the new one" rises $TOWN "$up"
        same "$point: the one that was handed over" "$(handed)" $((0x$(number $TOWN)))
        same "$point: nothing torn" "" "$(find "$PUBLIC" "$W/ca/lists" -name '*.part')"
        check "$point: the trail" "$JPKI_CA" audit-verify --state "$W/ca"
    done
fi
up=$((0x$(number $TOWN)))
refuse "a full disk while lists are made" sh -c "ulimit -f 1; exec '$JPKI_CA' crl --state '$W/ca'"
same "the old list" "$up" $((0x$(number $TOWN)))
rm "$PUBLIC/auth/all.crl"
refuse "a full disk while lists are published" sh -c "ulimit -f 1; exec '$JPKI_CA' publisher --once --state '$W/ca'"
[ ! -f "$PUBLIC/auth/all.crl" ] || fail "half a list"
same "nothing torn" "" "$(find "$PUBLIC" -name '*.part')"
check "room again" publish
check "the list is back" has auth/all.crl "$ONE"
check "and the next one" "$JPKI_CA" crl --state "$W/ca"
check "with a higher number" rises $TOWN "$up"

# --- what is handed over and is not what its name says -----------------------------------------------------------------------------
up=$((0x$(number $TOWN)))
cp "$PUBLIC/auth/ca.crl" "$W/ca/lists/auth/462012.1-9999.crl"
refuse "a list of another scope" publish
grep -q "refused: list '462012' of auth by key 1, number 9999" "$W/said" || fail "says $(cat "$W/said")"
same "the last one stays" "$up" $((0x$(number $TOWN)))
rm "$W/ca/lists/auth/462012.1-9999.crl"
check "and the right one" publish

# --- an entry stays on one list after the certificate's end -------------------------------------------------------------------------
end=$(date -u -d "$(openssl x509 -in "$W/auth1.pem" -noout -enddate | sed 's/notAfter=//')" +%s)
at() { JPKI_CLOCK=$(date -u -d "@$(($end + $1))" +%Y-%m-%dT%H:%M:%SZ); }
at -3600
check "years later" "$JPKI_CA" clock --state "$W/ca" --accept
check "an hour before the end" "$JPKI_CA" crl --state "$W/ca"
check "listed" has $TOWN "$ONE"
if [ -n "$JPKI_FAULTS" ]; then
    at 3600
    JPKI_FAULT=publisher.before_copy "$JPKI_CA" crl --state "$W/ca" > "$W/said" 2>&1 && fail "published"
fi
at 7200
check "the first list after the end that is published" "$JPKI_CA" crl --state "$W/ca"
check "still listed" has $TOWN "$ONE"
check "and in the list of everything" has auth/all.crl "$ONE"
at 10800
check "the second one" "$JPKI_CA" crl --state "$W/ca"
check "no more" lacks $TOWN "$ONE"
check "nor there" lacks auth/all.crl "$ONE"
check "the trail" "$JPKI_CA" audit-verify --state "$W/ca"
echo "$CHECKS checks"
