#!/bin/sh
# ca-audit.sh — the trail and its seals: changed, missing and cut rows, a chain made anew, seals taken away; a time-stamp over
# the published head; a disk on which nothing more can be written.
. "$(dirname "$0")/ca-world.sh"

export JPKI_CLOCK=-3700 # the first hour is over: the trail takes no row from before its last one
founded time-stamp 000000 stamper
openssl genrsa -out "$W/holder.key" 2048 2> /dev/null
check "serve" start
soon test -s "$W/ca/publication/audit/head" || fail "nothing is sealed at the start"
first=$(cat "$W/ca/publication/audit/head")
request_file enrol-1 462012 319800217 20350217145959Z
check "a certificate" ir auth "$W/holder.key" "$W/holder.pem"
same "not sealed again at once" "$first" "$(cat "$W/ca/publication/audit/head")"
stop
[ "$first" != "$(cat "$W/ca/publication/audit/head")" ] || fail "not sealed at the stop"
HEAD=$W/ca/publication/audit/head
openssl x509 -in "$W/ops-ca.pem" -noout -pubkey > "$W/ops.pub"
check "a seal is checked by openssl" openssl dgst -sha256 -verify "$W/ops.pub" -signature "$HEAD.sig" "$HEAD"
audit() { "$JPKI_CA" audit-verify --state "$W/ca" "$@"; }
check "the trail" audit
grep -q "rows, unbroken, 2 seals" "$W/said" || fail "two seals"
check "an operator's work between" identity verifier 000000 verifier
unset JPKI_CLOCK
check "serve an hour later" start
stop
check "sealed each hour" audit
grep -q ", 3 seals" "$W/said" || fail "three seals: $(cat "$W/said")"
mkdir "$W/kept"
cp "$HEAD" "$HEAD.sig" "$W/kept"
cp -r "$W/ca" "$W/sound"
check "with a head that was kept elsewhere" audit --head "$W/kept/head"
request_file enrol-2 462012 319800217 20350217145959Z
check "serve" start
check "another certificate" ir auth "$W/holder.key" "$W/holder2.pem"
stop
check "it still holds for the older head" audit --head "$W/kept/head"
rm -rf "$W/ca"
cp -r "$W/sound" "$W/ca"

# --- every kind of change, on a copy each ---------------------------------------------------------------------------------------
cat > "$W/chain.py" << 'EOF'
# makes the chain of hashes anew, as somebody would who can write the book and knows how the trail is made
import hashlib, sqlite3, struct, sys
book = sqlite3.connect(sys.argv[1])
book.execute(sys.argv[2])
previous = bytes(32)
for number, (row, time, *texts) in enumerate(book.execute(
        "SELECT sequence, time, actor, action, subject, detail FROM audit ORDER BY sequence").fetchall(), 1):
    data = previous + struct.pack(">qq", number, time)
    for text in texts:
        data += struct.pack(">I", len(text.encode())) + text.encode()
    previous = hashlib.sha256(data).digest()
    book.execute("UPDATE audit SET sequence = ?, hash = ? WHERE sequence = ?", (number, previous, row))
book.commit()
EOF
spoil() { # what, words of the refusal, command …
    what=$1
    words=$2
    shift 2
    rm -rf "$W/ca"
    cp -r "$W/sound" "$W/ca"
    "$@" || fail "$what: could not be done"
    refuse "$what" audit
    grep -q "$words" "$W/said" || fail "$what: says $(cat "$W/said")"
}
sql() { python3 -c 'import sqlite3, sys; b = sqlite3.connect(sys.argv[1]); b.execute(sys.argv[2]); b.commit()' "$W/ca/ca.db" "$1"; }
for column in time actor action subject detail; do
    spoil "a changed $column" "row 5 was changed" sql "UPDATE audit SET $column = $column || 1 WHERE sequence = 5"
done
spoil "a changed hash" "row 5 was changed" sql "UPDATE audit SET hash = zeroblob(32) WHERE sequence = 5"
spoil "a row taken out" "row 5 is missing" sql "DELETE FROM audit WHERE sequence = 5"
spoil "the first row" "row 1 is missing" sql "DELETE FROM audit WHERE sequence = 1"
spoil "a cut tail" "is missing, and a seal" sql "DELETE FROM audit WHERE sequence = (SELECT MAX(sequence) FROM audit)"
spoil "a chain made anew" "another one than a seal in the book sealed" python3 "$W/chain.py" "$W/ca/ca.db" "UPDATE audit SET actor = 'nobody' WHERE sequence = 5"
spoil "a row out of a chain made anew" "another one than a seal" python3 "$W/chain.py" "$W/ca/ca.db" "DELETE FROM audit WHERE sequence = 5"
spoil "a certificate that the trail does not tell of" "does not tell that auth" sql "UPDATE certificates SET serial = '7F' WHERE authority = 'auth' AND municipality <> ''"
spoil "a seal of another key" "signature of a seal" sql "UPDATE seals SET signature = zeroblob(256)"
spoil "a seal of another row" "signature of a seal" sql "UPDATE seals SET sequence = sequence + 1 WHERE sequence = (SELECT MAX(sequence) FROM seals)"
spoil "a published head that was changed" "does not verify" sed -i 's/^\([0-9]*\)$/\11/' "$W/ca/publication/audit/head"
spoil "no published head" "audit/head" rm "$W/ca/publication/audit/head"
# seals taken away with the tail they sealed: the published head tells, and where that is gone too, the one kept elsewhere
cut() {
    sql "DELETE FROM audit WHERE sequence > (SELECT MIN(sequence) FROM seals) AND action NOT IN ('issued', 'revoked')" &&
        sql "DELETE FROM seals WHERE sequence > (SELECT MIN(sequence) FROM seals)" &&
        python3 "$W/chain.py" "$W/ca/ca.db" "DELETE FROM audit WHERE 0"
}
spoil "seals taken away" "head sealed" cut
rm "$W/ca/publication/audit/head"
sql "DELETE FROM seals"
check "all seals taken away: nothing in the house can tell" audit
refuse "but the head that was kept can" audit --head "$W/kept/head"
rm -rf "$W/ca"
cp -r "$W/sound" "$W/ca"

# --- a time-stamp over the published head, by a time-stamping authority that is not part of this program --------------------------
cat > "$W/tsa.cnf" << EOF
[tsa]
default_tsa = one
[one]
serial = $W/tsa.serial
crypto_device = builtin
signer_cert = $W/stamper/cert.pem
certs = $W/ops-ca.pem
signer_key = $W/stamper/key.pem
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
EOF
echo 01 > "$W/tsa.serial"
openssl ts -query -data "$HEAD" -sha256 -cert -out "$W/kept/head.tsq" 2> /dev/null
check "stamped" openssl ts -reply -config "$W/tsa.cnf" -queryfile "$W/kept/head.tsq" -out "$W/kept/head.tsr"
check "and checked" openssl ts -verify -data "$W/kept/head" -in "$W/kept/head.tsr" -CAfile "$W/ops-ca.pem"
keep() { "$JPKI_CA" audit-stamp --state "$W/ca" --trust "$W/ops-ca.pem" "$@"; }
cp "$HEAD" "$W/kept/stamped"
cp "$HEAD.sig" "$W/kept/stamped.sig"
check "another row" identity verifier 000000 another
check "and another seal" "$JPKI_CA" audit-seal --state "$W/ca"
refuse "a stamp over another head" keep --response "$W/kept/head.tsr"
grep -q "that is trusted" "$W/said" || fail "refused otherwise: $(cat "$W/said")"
refuse "what is no stamp" keep --response "$W/kept/head" --head "$W/kept/stamped"
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=nobody -keyout "$W/nobody.key" -out "$W/nobody.pem" 2> /dev/null
refuse "a stamp that is not trusted" "$JPKI_CA" audit-stamp --state "$W/ca" --trust "$W/nobody.pem" --response "$W/kept/head.tsr" --head "$W/kept/stamped"
grep -q "that is trusted" "$W/said" || fail "refused otherwise: $(cat "$W/said")"
check "it is kept with its seal" keep --response "$W/kept/head.tsr" --head "$W/kept/stamped"
check "and counted" audit
grep -q "1 time-stamps (not checked" "$W/said" || fail "$(cat "$W/said")"
check "and checked too" audit --stamp-trust "$W/ops-ca.pem"
grep -q "1 time-stamps$" "$W/said" || fail "$(cat "$W/said")"
refuse "by nobody's trust" audit --stamp-trust "$W/nobody.pem"
cp "$W/ca/ca.db" "$W/unspoilt.db"
sqlite3 "$W/ca/ca.db" "UPDATE seals SET stamp = (SELECT stamp FROM seals WHERE stamp IS NOT NULL) WHERE sequence = (SELECT MIN(sequence) FROM seals)"
refuse "a stamp moved to another seal" audit --stamp-trust "$W/ops-ca.pem"
cp "$W/unspoilt.db" "$W/ca/ca.db"

# --- killed around a seal ---------------------------------------------------------------------------------------------------------
if [ -n "${JPKI_FAULTS:-}" ]; then
    for point in seal.after_sign seal.after_record; do
        check "$point: something to seal" identity verifier 000000 "verifier-$point"
        code=0
        JPKI_FAULT=$point "$JPKI_CA" audit-seal --state "$W/ca" > "$W/said" 2>&1 || code=$?
        same "$point: killed" 137 "$code"
        check "$point: the trail" audit
        check "$point: again" "$JPKI_CA" audit-seal --state "$W/ca"
        check "$point: the trail with the seal" audit
    done
fi

# --- nothing can be written any more: nothing is signed any more ------------------------------------------------------------------
blocks=$((($(stat -c %s "$W/ca/ca.db") + 300000) / 512))
before=$(count auth certificates)
( ulimit -f $blocks && exec "$JPKI_CA" serve --state "$W/ca" --identity "$W/authority" --pid-file "$W/pid" > "$W/out" 2> /dev/null ) &
PID=$!
rm -f "$W/pid"
for _ in $(seq 600); do [ ! -f "$W/pid" ] || break; sleep 0.05; done
PORT=$(sed -n 's/listening on port //p' "$W/out")
answered=0 refused=0
for n in $(seq 60); do
    request_file "full-$n" 462012 319800217 20350217145959Z
    if ir auth "$W/holder.key" "$W/full-$n.pem" > "$W/said" 2>&1; then
        answered=$((answered + 1))
        [ $refused = 0 ] || fail "signed with a full disk"
    else
        refused=$((refused + 1))
        [ ! -s "$W/full-$n.pem" ] || fail "a certificate in a refusal"
        [ $refused -lt 3 ] || break
    fi
done
[ $refused = 3 ] || fail "the disk did not fill up"
[ "$answered" -ge 1 ] || fail "nothing was issued before"
kill -0 "$PID" || fail "the authorities died of a full disk"
kill "$PID"
wait "$PID" 2> /dev/null || true # it may not have been able to seal
PID=
check "the trail" audit
now=$(count auth certificates)
[ "$now" -le $((before + answered + 1)) ] || fail "$now certificates, $before before and $answered answered"
same "each signed certificate stands in the trail" "$now" "$(python3 -c 'import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute("SELECT COUNT(*) FROM audit WHERE action = ? AND subject LIKE ?", ("issued", "auth %")).fetchone()[0])' "$W/ca/ca.db")"
check "with room again" start
check "the refused one is issued" ir auth "$W/holder.key" "$W/again.pem"
stop
check "the trail" audit
echo "$CHECKS checks"
