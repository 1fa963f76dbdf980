#!/bin/sh
# The module exports Cryptoki functions and nothing else: all that docs/MODULE.md's list names, no more.
set -eu
top=$1
module=$2
exported=$(nm -D --defined-only "$module" | awk '{print $3}' | sed 's/@.*//' | sort)
documented=$(sed -n 's/^| `\(C_[A-Za-z]*\)` |.*/\1/p' "$top/docs/MODULE.md" | sort)
[ -n "$documented" ] || { echo "docs/MODULE.md names no functions"; exit 1; }
if [ "$exported" != "$documented" ]; then
    echo "exported (+) and documented (-) symbols differ:"
    printf '%s\n' "$documented" >"${TMPDIR:-/tmp}/documented.$$"
    printf '%s\n' "$exported" | diff "${TMPDIR:-/tmp}/documented.$$" - || true
    rm -f "${TMPDIR:-/tmp}/documented.$$"
    exit 1
fi
echo "$(echo "$exported" | wc -l) symbols, all documented"
