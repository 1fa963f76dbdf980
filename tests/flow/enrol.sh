#!/bin/sh
# enrol.sh — the counter with real daemons: two registry nodes, the authorities with their keys in SoftHSM, the software card
# behind its socket, and jpki-desk; undisturbed, killed after each of its steps, and with each daemon away.
# usage: enrol.sh JPKI_CA JPKI_REGISTRY JPKI_SIM JPKI_DESK JPKI
set -eu
ca=$(realpath "$1") registry=$(realpath "$2") sim=$(realpath "$3") desk=$(realpath "$4") jpki=$(realpath "$5")
world=$(mktemp -d /tmp/jpki-enrol-XXXXXX)
pids=
finish() {
    for pid in $pids; do kill "$pid" 2>/dev/null || :; done
    wait 2>/dev/null || :
    [ -n "${KEEP_WORLD:-}" ] || rm -rf "$world"
}
trap finish EXIT
fail() {
    echo "FAILED: $*" >&2
    for log in "$world"/*.log; do echo "--- $log" >&2; tail -5 "$log" >&2; done
    exit 1
}
cd "$world"
umask 077

# A daemon: start NAME PROGRAM…; its port is in NAME.out, its pid in NAME.started.
start() {
    name=$1
    shift
    rm -f "$name.pid"
    "$@" --pid-file "$name.pid" >"$name.out" 2>>"$name.log" &
    pids="$pids $!"
    echo $! >"$name.started"
    n=0
    until [ -s "$name.pid" ]; do
        n=$((n + 1))
        [ $n -lt 300 ] || fail "$name does not start"
        kill -0 "$(cat "$name.started")" 2>/dev/null || fail "$name ended"
        sleep 0.1
    done
}
port_of() { cat "$1.out" "$1.log" | sed -n 's/.*port \([0-9][0-9]*\)$/\1/p' | tail -1; }
drop() {
    kill -9 "$(cat "$1.started")"
    wait "$(cat "$1.started")" 2>/dev/null || :
}

# --- the world -----------------------------------------------------------------------------------------------------------
mkdir tokens
printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n' "$world" >softhsm2.conf
export SOFTHSM2_CONF="$world/softhsm2.conf"
softhsm2-util --init-token --free --label flow --pin user-pin --so-pin officer-pin >/dev/null
echo user-pin >pin
module=$(for m in /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so; do [ -e "$m" ] && echo "$m" && break; done)
"$ca" found --unattended --state ca --token flow --module "$module" --pin-file pin --operations p-384 # desk, nodes and authorities have P-384 identities
identity() { "$ca" identity --state ca --role "$1" --name "$2" --municipality "$3" --out "id/$2"; }
identity ca authority 000000
identity node-national nation 000000
identity node-municipal town 462012
identity desk-officer officer 462012
identity desk-officer elsewhere 131016
identity verifier verifier 000000
identity registrar registrar 462012
"$registry" populate --store town.db --municipality 462012 --residents 40 >/dev/null
code() { "$registry" sample --store town.db --adult --count 9 | sed -n "$1"'s/.*"code":"\([0-9]*\)".*/\1/p'; }
one=$(code 1) two=$(code 2) three=$(code 3) four=$(code 4)

ca_port=0
start_ca() {
    start ca "$ca" serve --state ca --identity id/authority --port $ca_port
    ca_port=$(port_of ca)
}
start_ca
start nation "$registry" serve --role national --store nation.db --identity id/nation --port 0 --ca "https://127.0.0.1:$ca_port"
nation="https://127.0.0.1:$(port_of nation)"
town_port=0
start_town() {
    start town "$registry" serve --role municipal --store town.db --identity id/town --port $town_port --national "$nation"
    town_port=$(port_of town)
}
start_town

# A blank card in a reader: card NAME [PROFILE].
card() {
    "$sim" create --card "$1.card" --issuer-key issuer.key --profile "${2:-mynumber}" >/dev/null
    start "$1" "$sim" run --card "$1.card" --socket "$world/$1.socket"
}
# The desk: enrol CARD CODE [OFFICER]; desk_exec becomes the desk itself, so that its pid is the one to kill.
printf '1234\nabc123\n' >pins
enrol() { (desk_exec "$@"); }
desk_exec() {
    exec "$desk" enrol --identity "id/${3:-officer}" --registry "https://127.0.0.1:$town_port" --ca "https://127.0.0.1:$ca_port" \
        --issuer-key issuer.key --state desk --publication ca/publication --code "$2" --reader "sim:$world/$1.socket" \
        --card-expiry 2035-03-01 --pins-fd 3 --yes ${options:-} 3<"${pins:-pins}"
}
serial() { "$desk" show --state desk "$(card_number "$1")" | sed -n "s/^$2: \([0-9A-F]*\) .*/\1/p"; }
card_number() { "$jpki" card status --reader "sim:$world/$1.socket" | grep -o '[0-9]\{16\}' | head -1; }
issued() { "$ca" status --state ca --json | tr -d '\n' | sed 's/.*"certificates": *\([0-9]*\).*/\1/'; }
state_is() {
    "$ca" certificate --state ca --authority "$2" --serial "$(serial "$1" "$2")" | grep -qi "$3" || fail "$1: $2 is not $3"
}
check() {
    state_is "$1" auth active
    state_is "$1" sign active
    "$registry" confirm --node "$nation" --identity id/verifier --authority sign --serial "$(serial "$1" sign)" >confirm.out
    grep -q current confirm.out || fail "$1: the network does not confirm: $(cat confirm.out)"
    "$jpki" card certificate --which auth --reader "sim:$world/$1.socket" >"$1.auth.pem" || fail "$1: the card is unreadable"
    [ "$(openssl x509 -in "$1.auth.pem" -noout -serial)" = "serial=$(serial "$1" auth)" ] || fail "$1: another certificate on the card"
}

# --- undisturbed, and again ----------------------------------------------------------------------------------------------
card first
enrol first "$one" >first.out || fail "the enrolment"
[ "$(sed 's/:.*//' first.out | tr '\n' ' ')" = "identify card personalise keys certify write pins activate compare link confirm done " ] ||
    fail "other steps: $(cat first.out)"
check first
enrol first "$one" >again.out || fail "the finished enrolment again"
[ "$(sed 's/:.*//' again.out)" = done ] || fail "a finished enrolment was done again"
enrol first "$two" >/dev/null 2>refused.log && fail "another resident got a finished card"
grep -rq "$one" desk && fail "the resident's code is in the desk's record"
echo "undisturbed: ok"

# --- killed again and again ------------------------------------------------------------------------------------------------
card second
killed=0
for steps in 1 1 1 1 1 4 1 1 1; do # after so many finished steps of a run; PINs live only in the run that asked for them
    : >second.out
    desk_exec second "$two" >second.out 2>second.log &
    pid=$!
    n=0
    until [ "$(grep -vc -e '^identify:' -e '^card:' second.out)" -ge $steps ] || ! kill -0 $pid 2>/dev/null; do
        n=$((n + 1))
        [ $n -lt 3000 ] || fail "the second enrolment hangs"
        sleep 0.01
    done
    kill -9 $pid 2>/dev/null || :
    wait $pid 2>/dev/null || :
    grep -q '^done:' second.out && break
    killed=$((killed + 1))
done
[ $killed -ge 3 ] || fail "killed only $killed times"
enrol second "$two" >second.out || fail "the torn enrolment is not taken up again"
grep -q '^done:' second.out || fail "not done"
check second
echo "killed $killed times: ok"

# --- a daemon away -------------------------------------------------------------------------------------------------------
card third
drop ca
enrol third "$three" >third.out 2>third.log && fail "enrolled without authorities"
grep -q '^keys:' third.out || fail "did not come as far as the keys"
start_ca
enrol third "$three" elsewhere >/dev/null 2>third.log && fail "an officer of another municipality"
drop town
enrol third "$three" >third.out 2>third.log && fail "enrolled without a registry"
start_town
enrol third "$three" >third.out || fail "the third enrolment"
check third
echo "daemons away: ok"

# --- given up: the resident moved between "certify" and "link", or the card broke -------------------------------------------
abandon() { "$desk" abandon --identity "id/${2:-officer}" --ca "https://127.0.0.1:$ca_port" --state desk --yes "$(card_number "$1")"; }
card fourth
echo short >short.pins
(pins=short.pins && enrol fourth "$four") >fourth.out 2>fourth.log && fail "enrolled with a PIN that is none"
state_is fourth auth pending
state_is fourth sign pending
"$registry" move --node "https://127.0.0.1:$town_port" --identity id/registrar --code "$four" --address "鹿児島県鹿児島市城山町９番９号" \
    --date "$(TZ=Asia/Tokyo date +%Y-%m-%d)" --request moved-away >/dev/null || fail "the move"
enrol fourth "$four" >fourth.out 2>fourth.log && fail "enrolled with an address that is no longer so"
grep -q '^compare:' fourth.out || fail "did not come as far as the link: $(cat fourth.out)"
abandon fourth elsewhere >/dev/null 2>&1 && fail "another municipality's officer gave it up"
(card_number() { echo 1; }; abandon fourth) >/dev/null 2>&1 && fail "gave up what is not there"
"$desk" abandon --identity id/officer --ca "https://127.0.0.1:$ca_port" --state desk "$(card_number fourth)" </dev/null >/dev/null 2>&1 &&
    fail "gave up without a yes"
drop ca
abandon fourth >/dev/null 2>&1 && fail "gave up without authorities"
start_ca
number=$(card_number fourth)
for n in 1 2 3; do # killed in the middle, or through already
    "$desk" abandon --identity id/officer --ca "https://127.0.0.1:$ca_port" --state desk --yes "$number" >abandon.out 2>/dev/null &
    sleep 0.0$n
    kill -9 $! 2>/dev/null || :
    wait $! 2>/dev/null || :
done
abandon fourth >abandon.out || fail "not given up"
grep -q '^abandoned:' abandon.out || fail "abandon says $(cat abandon.out)"
state_is fourth auth revoked
state_is fourth sign revoked
enrol fourth "$four" >/dev/null 2>&1 && fail "an abandoned enrolment was gone on with"
card fifth
enrol fifth "$four" >fifth.out || fail "the person cannot start on another card"
check fifth
abandon fifth >/dev/null 2>&1 && fail "gave up a finished enrolment"
check fifth
"$desk" enrol --identity id/officer --registry "https://127.0.0.1:$town_port" --ca "https://127.0.0.1:$ca_port" --issuer-key issuer.key \
    --state desk --code "$(code 5)" --reader "sim:$world/fifth.socket" --card-expiry 2035-03-01 --pins-fd 3 3<pins >/dev/null 2>&1 &&
    fail "enrolled although nobody compared the person"
echo "given up: ok"

# --- a ward: the authority is told, and gives the authentication certificate alone -------------------------------------------------
with_options() { (options=$1 && shift && enrol "$@"); }
card ward
with_options --ward ward "$(code 6)" >ward.out 2>ward.log && fail "a ward got a signature certificate"
grep -q "adult ward" ward.log || fail "refused otherwise: $(cat ward.log)"
grep -q '^refused:.*--without-sign' ward.out || fail "no way out is named: $(cat ward.out)"
state_is ward auth pending
enrol ward "$(code 6)" >/dev/null 2>ward.log && fail "gone on with as nobody's ward"
with_options "--ward --without-sign" ward "$(code 6)" >ward.out || fail "a ward's authentication certificate"
state_is ward auth active
[ -z "$(serial ward sign)" ] || fail "the ward's card has a signature certificate"
"$jpki" card certificate --which auth --reader "sim:$world/ward.socket" >/dev/null || fail "the ward's card is unreadable"
card alone
with_options --without-sign alone "$(code 7)" >alone.out || fail "the authentication certificate alone"
enrol alone "$(code 7)" >/dev/null || fail "a finished enrolment again"
state_is alone auth active
card torn
(pins=short.pins && options=--without-sign && enrol torn "$(code 8)") >/dev/null 2>&1 && fail "enrolled with a PIN that is none"
abandon torn >/dev/null || fail "an enrolment without the signature certificate is not given up"
state_is torn auth revoked
echo "wards: ok"

# --- the next card, P-384, once the authorities have keys of that suite --------------------------------------------------------
rekey() { # authority suite
    for p in a b; do
        [ -e $p.key ] || openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out $p.key 2>/dev/null
        openssl pkey -in $p.key -pubout -out $p.pem
    done
    printf '{"ceremony":"rekey","authority":"%s","suite":"%s","hsm":"pkcs11:token=flow?module-path=%s&pin-source=file:%s","persons":[{"name":"A","role":"administrator","key":"a.pem"},{"name":"B","role":"witness","key":"b.pem"}]}' \
        "$1" "$2" "$module" "$world/pin" >"rekey-$1"
    "$ca" ceremony --state ca --script "rekey-$1" --make-keys >/dev/null || return 1
    for p in a b; do openssl dgst -sha256 -sign $p.key -out $p.sig ca/ceremony-plan.txt; done
    "$ca" ceremony --state ca --script "rekey-$1" --confirm A=a.sig --confirm B=b.sig >/dev/null
}
card next next
enrol next "$(code 9)" >/dev/null 2>next.log && fail "an RSA authority took a P-384 key"
grep -q "RSA of 2048 bits" next.log || fail "refused otherwise: $(cat next.log)"
rekey sign p-384 2>next.log && fail "a ceremony while the authorities serve"
grep -q "stop it" next.log || fail "the ceremony does not say what to do: $(cat next.log)"
kill "$(cat ca.started)"
wait "$(cat ca.started)" || fail "serve did not end with 0"
for a in sign auth; do rekey $a p-384 || fail "$a: a P-384 key"; done
start_ca
enrol next "$(code 9)" >next.out || fail "the next card"
check next
openssl x509 -in next.auth.pem -noout -text | grep -q "ecdsa-with-SHA384" || fail "not of the next suite"
card today
enrol today "$(code 1)" >/dev/null 2>next.log && fail "a P-384 authority took an RSA key"
grep -q "named curve P-384" next.log || fail "refused otherwise: $(cat next.log)"
echo "the next card: ok"

"$desk" list --state desk >list.out
grep -q ' abandoned ' list.out || fail "list: $(cat list.out)"
[ "$(grep -c ' done ' list.out)" = 7 ] || fail "list: $(cat list.out)"
"$ca" audit-verify --state ca >/dev/null || fail "the audit trail"
total=$("$ca" status --state ca --json)
echo "$total" | tr -d ' \n' | grep -o '"authority":"[a-z]*"[^}]*"certificates":[0-9]*' | grep -v ops >totals.out || :
echo "authorities: $(cat totals.out | tr '\n' ' ')"
grep '"sign"' totals.out | grep -q '"certificates":6$' || fail "sign: $total"
grep '"auth"' totals.out | grep -q '"certificates":9$' || fail "auth: $total" # two cards and one torn without the other
echo "enrol: ok"
