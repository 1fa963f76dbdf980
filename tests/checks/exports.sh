#!/bin/sh
# A library exports its functions and nothing else: all that the list of its page names, no more.
# usage: exports.sh LIBRARY PAGE PREFIX
set -eu
module=$1
page=$2
prefix=$3
exported=$(nm -D --defined-only "$module" | awk '$2 != "A" {print $3}' | sed 's/@.*//' | sort)
documented=$(sed -n "s/^| \`\($prefix[A-Za-z_]*\)\` |.*/\1/p" "$page" | sort)
[ -n "$documented" ] || { echo "$page names no functions"; exit 1; }
if [ "$exported" != "$documented" ]; then
    echo "exported (+) and documented (-) symbols differ:"
    printf '%s\n' "$documented" >"${TMPDIR:-/tmp}/documented.$$"
    printf '%s\n' "$exported" | diff "${TMPDIR:-/tmp}/documented.$$" - || true
    rm -f "${TMPDIR:-/tmp}/documented.$$"
    exit 1
fi
echo "$(echo "$exported" | wc -l) symbols, all documented"
