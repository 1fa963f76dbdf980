#!/bin/bash
# demo.sh — the demonstration on real parts (pcscd, OpenSC and all), in Japanese, twice: the second starts from nothing.
# usage: demo.sh BUILD SOURCE
set -uo pipefail
build=$(realpath "$1") source=$(realpath "$2")
folder=$(mktemp -d /tmp/jpki-demo-XXXXXX)
trap '"$source/demo/demo.sh" --build "$build" --world "$folder/a world" --stop; rm -rf "$folder"' EXIT

for round in 1 2; do
    said=$(env -u LC_ALL LANG=ja_JP.UTF-8 "$source/demo/demo.sh" --build "$build" --world "$folder/a world") || { echo "$said"; exit 1; }
    grep -qF 'すべて成立しました' <<<"$said" || { echo "$said"; echo "round $round: the story did not end well"; exit 1; }
    grep -qF 'OpenSC 標準モジュールも一覧し' <<<"$said" || { echo "$said"; echo "round $round: OpenSC was not compared: no PC/SC?"; exit 1; }
done
echo "$said"
