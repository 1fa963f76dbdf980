#!/bin/bash
# story-kill.sh — each program of the story killed (as by kill -9) at each of its named points, restarted, and the step told
# again: it ends in the same world. The points are read from the sources, so a new one is tested by being written.
# usage: story-kill.sh BUILD SOURCE      (a build with -Dfaults=true)
set -uo pipefail
BUILD=$(realpath "$1") source=$(realpath "$2")
folder=$(mktemp -d /tmp/jpki-kill-XXXXXX)
WORLD=$folder/world
cd "$source" || exit 1
. demo/lib.sh
. demo/steps.sh
AUTH_PIN=1234 SIGN_PIN=JPKI2026 CODE_OF_TOWN=462012 JPKI_DEMO_PCSC=no
new_world
trap 'stop_world; rm -rf "$folder"' EXIT
fail() {
    echo "FAILED: $*"
    tail -n 4 "$WORLD"/log/{ca,national,municipal,card}.log "$WORLD/log/said" 2>/dev/null
    exit 1
}

# --- a world without a card yet ----------------------------------------------------------------------------------------
story_ground
story_authorities
story_registries
mapfile -t residents < <("$PROGRAM_REGISTRY" sample --store "$WORLD/municipal.db" --adult --count 120 |
    sed -n 's/.*"code":"\([0-9]*\)".*/\1/p')
[ ${#residents[@]} -ge 100 ] || fail "only ${#residents[@]} residents"

points_of() { # file name patterns below the source: the names of the points there
    grep -rhoE 'fault_point\("[^"]*"\)' --include='*.c' "$@" | sed 's/fault_point("//; s/")//' | sort -u
}
# What every program of the house passes: several times in one step.
common=(store.before_commit store.before_commit:2 store.after_commit store.after_commit:3)

# --- one enrolment, torn ------------------------------------------------------------------------------------------------
enrolled=0
moved=0
new_card() {
    kill_daemon card KILL
    rm -f "$WORLD"/cards/resident.card*
    "$PROGRAM_SIM" create --card "$WORLD/cards/resident.card" --issuer-key "$WORLD/cards/issuer.key" >/dev/null || fail "create"
}
numbers() { # authority, what status said: how many certificates, active, revoked
    sed -n "s/.*\"authority\": *\"$1\",\([^}]*\).*/\1/p" <<<"$2" |
        sed -n 's/.*"certificates": *\([0-9]*\).*"active": *\([0-9]*\).*"revoked": *\([0-9]*\).*/\1 \2 \3/p'
}
trail_holds() { # what
    "$PROGRAM_CA" audit-verify --state "$WORLD/ca" >"$WORLD/log/said" 2>&1 || fail "$1: the audit trail: $(cat "$WORLD/log/said")"
}
same_world() { # what: as many certificates as residents with a card; none pending, none doubled
    local said auth sign
    said=$("$PROGRAM_CA" status --state "$WORLD/ca" --json) || fail "$1: $said"
    auth=$(numbers auth "$said") sign=$(numbers sign "$said")
    [ "$auth" = "$enrolled $enrolled 0" ] || fail "$1: authentication certificates (all, active, revoked): $auth, but $enrolled cards"
    [ "$sign" = "$enrolled $((enrolled - moved)) $moved" ] || fail "$1: signature certificates: $sign, but $enrolled cards, $moved moved"
    # A link of the trail that is broken stays so: where the authorities were not killed, the look at the end is enough.
    case $1 in ca\ *) trail_holds "$1" ;; esac
}
restart_with() { # daemon, fault: some are reached in the start already
    kill_daemon "$1" KILL
    JPKI_FAULT=$2 restart_daemon "$1" || restart_daemon "$1" || fail "$1 does not start again after $2"
}

torn_enrolment() { # program, point
    local program=$1 point=$2 what="$1 killed at $2"
    RESIDENT=${residents[$enrolled]:-}
    [ -n "$RESIDENT" ] || fail "$what: the town has no more than ${#residents[@]} adults"
    new_card
    if [ "$program" = card ]; then JPKI_FAULT=$point start_card || fail "card"; else start_card || fail "card"; fi
    export JPKI_READER=sim:$WORLD/run/card.sock
    case $program in
    desk) (export JPKI_FAULT=$point; enrol) >"$WORLD/log/said" 2>&1 ;;
    card) enrol >"$WORLD/log/said" 2>&1 ;;
    *)
        restart_with "$program" "$point"
        enrol >"$WORLD/log/said" 2>&1
        ;;
    esac
    local first=$?
    [ "$program" = desk ] || { kill_daemon "$program" KILL; restart_daemon "$program" || fail "$what: no restart"; }
    enrol >"$WORLD/log/said" 2>&1 || fail "$what: the repeat failed: $(tail -n 1 "$WORLD/log/said")"
    enrolled=$((enrolled + 1))
    rm -f "$WORLD"/documents/*.pem
    all_certificates >"$WORLD/log/said" 2>&1 && certificates_active >"$WORLD/log/said" 2>&1 || fail "$what: $(cat "$WORLD/log/said")"
    same_world "$what"
    cp "$WORLD/documents/sign.pem" "$WORLD/cards/sign-$((enrolled - 1)).pem"
    printf '%-9s %-28s %s\n' "$program" "$point" "$([ $first -eq 0 ] && echo 'not in the way' || echo 'torn, resumed')"
    [ $first -eq 0 ] || torn=$((torn + 1))
}

# --- a move, torn ---------------------------------------------------------------------------------------------------------
move_once() {
    "$PROGRAM_REGISTRY" move --node "$MUNICIPAL" --identity "$WORLD/identities/registrar" --code "$RESIDENT" \
        --address "鹿児島県鹿児島市山下町１１番１号" --date "$(date -u +%Y-%m-%d)" --request "move-$moved"
}
torn_move() { # program, point: of the first resident with a card who has not moved yet
    local what="$1 killed at $2 in a move" first
    [ $moved -lt $enrolled ] || fail "$what: everybody has moved"
    RESIDENT=${residents[$moved]}
    cp "$WORLD/cards/sign-$moved.pem" "$WORLD/documents/sign.pem"
    restart_with "$1" "$2"
    move_once >"$WORLD/log/said" 2>&1
    first=$?
    sleep 0.5 # the notice is on its way; the kill below is at any moment of it
    kill_daemon "$1" KILL
    restart_daemon "$1" || fail "$what: no restart"
    move_once >"$WORLD/log/said" 2>&1 || fail "$what: the repeat failed: $(cat "$WORLD/log/said")"
    until_true certificate_revoked || fail "$what: not revoked"
    until_true crl_names_it || fail "$what: not in the list"
    moved=$((moved + 1))
    same_world "$what"
    printf '%-9s %-28s move: %s\n' "$1" "$2" "$([ $first -eq 0 ] && echo 'recorded at once' || echo 'torn, repeated')"
}
crl_names_it() { # any list of the folder: the story's own look at the first one is not enough here
    local crl
    for crl in "$WORLD"/publication/sign/*/*.crl; do
        openssl crl -inform DER -in "$crl" -noout -text | grep -q "Serial Number: $(certificate_serial sign)" && return 0
    done
    return 1
}

registry_points() { # those that an enrolment or a 転居 passes; the others are torn in tests of their own
    points_of middleware/registry |
        grep -v 'letter\|leave\|arrive\|supply\|card\|_act$\|confirm\|consent\|disclose\|correction\|provide\|copy'
}

torn=0
for point in $(points_of middleware/desk) "${common[@]}"; do torn_enrolment desk "$point"; done
for point in $(points_of applet-sim) sim.before_save:3 sim.after_save:5 sim.before_save:9; do torn_enrolment card "$point"; done
for point in $(points_of ca | grep -v '^ceremony\|^identity\|^approval\|compromise\|event\|revoke') "${common[@]}" file.before_place:2; do torn_enrolment ca "$point"; done
for point in $(registry_points | grep -v 'event\|move') "${common[@]}"; do
    case $point in *intake*) ;; *) torn_enrolment municipal "$point" ;; esac
    case $point in *send* | *acknowledge* | *link*) ;; *) torn_enrolment national "$point" ;; esac
done
[ "$torn" -ge 30 ] || fail "only $torn of $enrolled enrolments were torn: the points are not reached"
for point in $(registry_points | grep -v link) "${common[@]:0:3}"; do
    case $point in *intake* | *event*) ;; *) torn_move municipal "$point" ;; esac
    case $point in *send* | *acknowledge* | *move*) ;; *) torn_move national "$point" ;; esac
done
for point in $(points_of ca | grep 'event\|revoke\|^crl') file.before_place:2; do torn_move ca "$point"; done
trail_holds "in the end"
echo "$enrolled enrolments ($torn torn), $moved moves: the same world each time"
