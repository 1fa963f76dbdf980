#!/bin/bash
# The main job, end to end, on real parts: one resident, one card, one signature, one verdict.
# usage: demo/demo.sh [--build DIR] [--world DIR] [--stop | --remove]
set -uo pipefail
cd "$(dirname "$0")/.."

BUILD=build
WORLD=world
ACTION=tell
while [ $# -gt 0 ]; do
    case $1 in
    --build | --world)
        [ $# -ge 2 ] || { echo "demo: $1 needs a folder" >&2; exit 2; }
        [ "$1" = --build ] && BUILD=$2 || WORLD=$2
        shift 2
        ;;
    --stop | --remove) ACTION=${1#--}; shift ;;
    --help | -h) sed -n '2,3s/^# //p' "$0"; exit 0 ;;
    *) echo "demo: unknown argument '$1' (--help)" >&2; exit 2 ;;
    esac
done
BUILD=$(cd "$BUILD" && pwd) || exit 2
case $WORLD in /*) ;; *) WORLD=$PWD/$WORLD ;; esac
# shellcheck source=demo/lib.sh
. demo/lib.sh
export LC_ALL=${LC_ALL:-C.UTF-8}

if [ "$ACTION" != tell ]; then
    [ -f "$WORLD/.open-jpki-world" ] || { echo "demo: $WORLD is not a world of open-jpki" >&2; exit 1; }
    stop_world
    [ "$ACTION" = remove ] && rm -rf "$WORLD"
    exit 0
fi

AUTH_PIN=1234
SIGN_PIN=JPKI2026
CODE_OF_TOWN=462012

new_world
SECONDS=0
STARTED=$(date +%s)
say "open-jpki: one resident, one card, one signature, one verdict" "open-jpki: 一人の住民、一枚のカード、一つの署名、一つの判定"
say "(the world: $WORLD)" "(世界: $WORLD)"

. demo/steps.sh

story_ground
story_authorities
story_registries
story_card
story_desk
story_modules
story_signatures
story_verdict
story_move
story_login
story_end
