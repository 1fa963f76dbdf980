# bench_lib.sh — what every subject of the benchmark shares. Sourced by sh or bash; scripts/bench.sh has set BUILD (the build folder)
# and BENCH_ROWS (where this subject's rows go).
: "${BUILD:?a subject is run by scripts/bench.sh}" "${BENCH_ROWS:?a subject is run by scripts/bench.sh}"

# One row of the table: name, unit, which is better (lower, higher), goal (the ratio of ours to the peer's, - for none), our value or
# values, the peer's, who the peer is. Of several values the median counts.
row() {
    [ $# -eq 7 ] || { echo "row: seven fields are due: $*" >&2; return 1; }
    printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$@" >>"$BENCH_ROWS"
}

# Words of the lines of a file that begin with a given word, one word a line: file, first word, which word (from 1).
column() {
    awk -v first="$2" -v at="$3" '$1 == first { print $at }' "$1" | paste -sd ' '
}
