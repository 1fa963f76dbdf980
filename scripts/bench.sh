#!/bin/bash
# make bench: runs the subjects of tests/bench against their peers, prints a table of what they measured and writes it as JSON.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'HELP'
usage: scripts/bench.sh --build DIR --out FILE [SUBJECT…]
       scripts/bench.sh --list

Measures against peers in the same run, prints a table and writes FILE (JSON). A subject is a file of tests/bench;
without names all of them run. How a subject and a row are made: docs/TESTING.md.

  --build DIR    the folder that was built into
  --out FILE     the rows as JSON
  --list         the subjects, a line each
  --help         this text

Exit status: 0 every subject ran (a goal that was missed is named in the table), 1 a subject failed, 2 used wrongly.
HELP
}
misused() {
    echo "bench: $*; see --help" >&2
    exit 2
}

SUBJECTS=()
for file in tests/bench/*.sh; do
    name=$(basename "$file" .sh)
    [ "$name" = bench_lib ] || SUBJECTS+=("$name")
done

BUILD= OUT= CHOSEN=()
while [ $# -gt 0 ]; do
    case $1 in
    --build | --out)
        [ $# -ge 2 ] || misused "$1 wants a value"
        if [ "$1" = --out ]; then OUT=$(realpath -m "$2"); else BUILD=$(cd "$2" && pwd) || misused "$2 is no folder"; fi
        shift 2
        ;;
    --list)
        for name in "${SUBJECTS[@]}"; do sed -n "s/^# $name\.sh — /$name: /p" "tests/bench/$name.sh"; done
        exit 0
        ;;
    --help) usage; exit 0 ;;
    -*) misused "unknown option $1" ;;
    *)
        [[ " ${SUBJECTS[*]} " == *" $1 "* ]] || misused "no subject '$1' (there are: ${SUBJECTS[*]})"
        CHOSEN+=("$1")
        shift
        ;;
    esac
done
[ -n "$BUILD" ] && [ -n "$OUT" ] || misused "--build and --out are needed"
[ ${#CHOSEN[@]} -gt 0 ] || CHOSEN=("${SUBJECTS[@]}")

ROWS=$(mktemp -d)
trap 'rm -rf "$ROWS"' EXIT
FAILED=()
for name in "${CHOSEN[@]}"; do
    echo "bench: $name"
    : >"$ROWS/$name"
    if ! BUILD=$BUILD BENCH_ROWS=$ROWS/$name "tests/bench/$name.sh" >"$ROWS/said" 2>&1; then
        tail -n 30 "$ROWS/said"
        echo "bench: $name failed: its rows are missing"
        FAILED+=("$name")
        rm "$ROWS/$name"
    fi
done
rm -f "$ROWS/said"
[ ${#FAILED[@]} -lt ${#CHOSEN[@]} ] || exit 1
scripts/bench_table.py --out "$OUT" "$ROWS"/*
[ ${#FAILED[@]} -eq 0 ] || { echo "bench: failed: ${FAILED[*]}"; exit 1; }
