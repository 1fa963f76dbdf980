#!/bin/bash
# Configures a build folder (once) and builds into it. Speaks only when there is something to do or something is wrong.
# usage: scripts/build.sh FOLDER [options for meson setup…]
set -uo pipefail
cd "$(dirname "$0")/.."
[ $# -ge 1 ] || { echo "usage: scripts/build.sh FOLDER [options for meson setup…]" >&2; exit 2; }
FOLDER=$1
shift
mkdir -p "$FOLDER" || exit 1

if [ ! -f "$FOLDER/build.ninja" ]; then
    echo "build: configuring $FOLDER"
    meson setup "$FOLDER" "$@" >"$FOLDER/setup.log" 2>&1 || { tail -n 20 "$FOLDER/setup.log"; exit 1; }
fi
if ninja -C "$FOLDER" -n 2>/dev/null | grep -q 'no work to do'; then exit 0; fi

echo "build: building into $FOLDER"
SECONDS=0
ninja -C "$FOLDER" >"$FOLDER/ninja.log" 2>&1 &
NINJA=$!
# A sign of life every 15 seconds: how many steps of how many.
while kill -0 $NINJA 2>/dev/null; do
    sleep 0.5
    if [ $SECONDS -ge $((${SAID:=0} + 15)) ]; then
        SAID=$SECONDS
        tail -c 4096 "$FOLDER/ninja.log" | sed -n 's/^\(\[[0-9]*\/[0-9]*\]\).*/\1/p' | tail -n 1 | sed "s|.*|build: $FOLDER & steps, $SECONDS s|"
    fi
done
if ! wait $NINJA; then
    grep -v '^\[[0-9]*/[0-9]*\] ' "$FOLDER/ninja.log"
    echo "build: $FOLDER could not be built (all that was said: $FOLDER/ninja.log)"
    exit 1
fi
echo "build: $FOLDER is ready ($SECONDS s)"
