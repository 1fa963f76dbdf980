#!/bin/bash
# The benchmark's own reporting: a row that misses its goal says so, a row that is none is refused by name and number, and so is a
# subject that does not exist.
# usage: bench_rows.sh TOP
set -euo pipefail
cd "$1"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
checks=0
fail() { echo "FAILED: $*"; cat "$folder/said"; exit 1; }
table() { # exit status, pattern, row: fields divided by |
    local status=0
    checks=$((checks + 1))
    tr '|' '\t' <<<"$3" >"$folder/rows"
    scripts/bench_table.py --out "$folder/json" "$folder/rows" >"$folder/said" 2>&1 || status=$?
    [ "$status" = "$1" ] || fail "exit $status, not $1: $3"
    grep -qE -- "$2" "$folder/said" || fail "'$2' is missing: $3"
}
table 0 'ratio +0.25 +goal <= 0.25 +met '          'commands|APDU|lower|0.25|16|64|them'
table 0 'ratio +0.266 +goal <= 0.25 +MISSED'       'commands|APDU|lower|0.25|17|64|them'
table 0 'bench: missed: rows: rate'                'rate|1/s|higher|0.9|80|100|them'
table 0 '1 goals met, 0 missed'                    'rate|1/s|higher|0.9|1 95 900|100|the median counts'
table 0 '0 goals met, 0 missed'                    'told only|ms|lower|-|5|4|them'
table 0 'ratio +1 +goal <= 1 +met '                'nothing against nothing|APDU|lower|1|0|0|them'
table 0 'ratio +none +goal <= 1 +MISSED'           'something against nothing|APDU|lower|1|3|0|them'
table 1 "rows, row 1: '' is no measured value"     'nothing measured|ms|lower|1||4|them'
table 1 "'nan' is no measured value"               'no number|ms|lower|1|nan|4|them'
table 1 'row 1: 6 fields'                          'no peer name|ms|lower|1|5|4'
table 1 'neither lower nor higher'                 'no direction|ms|less|1|5|4|them'
grep -q '"ratio": 0.2656' <(tr '|' '\t' <<<'c|APDU|lower|0.25|17|64|them' >"$folder/rows" &&
    scripts/bench_table.py --out "$folder/json" "$folder/rows" >"$folder/said" && cat "$folder/json") || fail "the JSON has no ratio"
for wrong in "" "--build . --out $folder/x nonsense" "--build . --nonsense" "--build"; do
    status=0
    # shellcheck disable=SC2086 # words
    scripts/bench.sh $wrong >"$folder/said" 2>&1 || status=$?
    [ $status = 2 ] || fail "exit $status of: bench.sh $wrong"
done
scripts/bench.sh --help >"$folder/said"
scripts/bench.sh --list >"$folder/said"
[ "$(wc -l <"$folder/said")" = "$(find tests/bench -name '*.sh' ! -name bench_lib.sh | wc -l)" ] || fail "a subject does not say what it is"
echo "$checks rows"
