#!/bin/bash
# story.sh — the whole demonstration over the simulator's own socket, without PC/SC; in English or Japanese.
# usage: story.sh BUILD SOURCE
set -uo pipefail
build=$(realpath "$1") source=$(realpath "$2")
folder=$(mktemp -d /tmp/jpki-story-XXXXXX)
trap '"$source/demo/demo.sh" --build "$build" --world "$folder/world" --stop; rm -rf "$folder"' EXIT

said=$(LC_ALL=C.UTF-8 JPKI_DEMO_PCSC=no "$source/demo/demo.sh" --build "$build" --world "$folder/world") || { echo "$said"; exit 1; }
echo "$said"
expect() { grep -qF -- "$1" <<<"$said" || { echo "the story did not say: $1"; exit 1; }; }
expect "Every step that was taken held"
expect "with the consent, the relying party hears the new address"
expect "skipped, it needs PC/SC: OpenSC's module lists the card"
[ "$(grep -c '✓' <<<"$said")" -ge 35 ] || { echo "too few steps were checked"; exit 1; }
grep -q '✗' <<<"$said" && { echo "a step failed, but the exit status was 0"; exit 1; }

# No PIN may stand in any log, nor a resident's code (the demonstration's own log of commands apart).
pins='JPKI2026'
grep -rl -e "$pins" "$folder/world/log" && { echo "a PIN stands in a log"; exit 1; }
code=$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["code"])' "$folder/world/resident.json")
grep -rl --exclude=demo.log --exclude=last -e "$code" "$folder/world/log" && { echo "a resident code stands in a log"; exit 1; }

# A folder that is not ours is left alone.
mkdir "$folder/mine" && echo precious >"$folder/mine/file"
"$source/demo/demo.sh" --build "$build" --world "$folder/mine" >/dev/null 2>&1 && { echo "a foreign folder was taken"; exit 1; }
[ "$(cat "$folder/mine/file")" = precious ] || { echo "a foreign folder was changed"; exit 1; }
exit 0
