#!/bin/bash
# The main job, end to end, on real parts: one resident, one card, one signature, one verdict.
set -uo pipefail

usage() {
    cat <<'TXT'
usage: demo/demo.sh [--build FOLDER] [--world FOLDER] [--no-pcsc]     tell the story in a new world, which goes on
       demo/demo.sh [--world FOLDER] --stop                           stop its daemons
       demo/demo.sh [--world FOLDER] --remove                         stop them and remove the world

  --build FOLDER   where open-jpki was built (default: build)
  --world FOLDER   the world; one that is there from an earlier story is replaced (default: world)
  --no-pcsc        leave pcscd alone: use the simulator's own socket, and skip what needs PC/SC

Folders are relative to the current one, the defaults to the repository. Speaks Japanese in a Japanese locale. Exit status: 0 every
step held, 1 one did not, 2 wrong arguments.
TXT
}
wrong() {
    echo "demo: $1 (--help)" >&2
    exit 2
}

TOP=$(cd "$(dirname "$0")/.." && pwd) || exit 1
BUILD=$TOP/build
WORLD=$TOP/world
ACTION=tell
while [ $# -gt 0 ]; do
    case $1 in
    --build | --world)
        { [ $# -ge 2 ] && [ -n "$2" ]; } || wrong "$1 needs a folder"
        FOLDER=$(realpath -ms -- "$2")
        [ "$1" = --build ] && BUILD=$FOLDER || WORLD=$FOLDER
        shift 2
        ;;
    --no-pcsc) export JPKI_DEMO_PCSC=no; shift ;;
    --stop | --remove) [ "$ACTION" = tell ] || wrong "--stop or --remove, once"; ACTION=${1#--}; shift ;;
    --help | -h) usage; exit 0 ;;
    *) wrong "unknown argument '$1'" ;;
    esac
done
case $WORLD in
/ | *$'\n'* | *[\"\\\$]*) wrong "the world's folder may not be the root folder, nor have a line break or one of \" \\ \$ in its name" ;;
esac
# A socket of the world has its path in 108 bytes.
[ "$(printf %s "$WORLD/run/card.sock" | wc -c)" -lt 108 ] || wrong "the path of the world's folder is too long for its socket: $WORLD"
cd "$TOP" || exit 1
# shellcheck source=demo/lib.sh
. demo/lib.sh

if [ "$ACTION" != tell ]; then
    [ -f "$WORLD/.open-jpki-world" ] || { echo "demo: $WORLD is not a world of open-jpki" >&2; exit 1; }
    stop_world || exit 1
    [ "$ACTION" = stop ] || rm -rf "$WORLD"
    exit
fi
for PROGRAM in "$PROGRAM_CA" "$PROGRAM_REGISTRY" "$PROGRAM_DESK" "$PROGRAM_SIM" "$PROGRAM_JPKI"; do
    [ -x "$PROGRAM" ] || wrong "there is no $PROGRAM: is $BUILD where open-jpki was built (make build)?"
done

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
