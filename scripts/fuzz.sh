#!/bin/bash
# Fuzzes the harnesses of tests/fuzz for a while: scripts/fuzz.sh [--keep] SECONDS [NAME…]   (all of them without a name)
# New inputs gather in build-fuzz/corpus/NAME; an input that went wrong stays there as crash-…, and the exit status is 1.
# --keep: puts what reaches new code, as small as it gets, into tests/fuzz/corpus/NAME.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
FOLDER=build-fuzz
usage="usage: scripts/fuzz.sh [--keep] SECONDS [NAME…]"
KEEP=
case ${1:-} in
--help) sed -n '2,4s/^# //p' "$0"; exit 0 ;;
--keep) KEEP=yes; shift ;;
esac
[[ ${1:-} =~ ^[0-9]+$ ]] || { echo "$usage" >&2; exit 2; }
FOR=$1
shift
for name in "$@"; do
    [ -f "tests/fuzz/fuzz_$name.c" ] || { echo "fuzz: there is no tests/fuzz/fuzz_$name.c" >&2; exit 2; }
done
[ $# -gt 0 ] || set -- $(cd tests/fuzz && ls fuzz_*.c | sed 's/^fuzz_\(.*\)\.c$/\1/')

scripts/setup.sh build fuzz || exit 1
[ -f $FOLDER/build.ninja ] || CC=clang meson setup $FOLDER -Dfuzz=true -Dfaults=true >/dev/null || exit 1
ninja -C $FOLDER fuzz >$FOLDER/ninja.log 2>&1 || { grep -v '^\[' $FOLDER/ninja.log | head -n 40; exit 1; }

export LSAN_OPTIONS="suppressions=$PWD/tests/support/lsan.supp:print_suppressions=0"
export UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1"
STATUS=0
for name in "$@"; do
    program=$FOLDER/tests/fuzz/fuzz_$name
    own=$FOLDER/corpus/$name kept=tests/fuzz/corpus/$name
    mkdir -p "$own" "$kept"
    echo "fuzz: $name for $FOR s"
    nice -n 19 "$program" -max_total_time="$FOR" -max_len=4096 -timeout=60 -print_final_stats=0 -verbosity=0 \
        -artifact_prefix="$own/" "$own" "$kept" >"$own.log" 2>&1 ||
        { STATUS=1; echo "fuzz: $name went wrong:"; tail -n 40 "$own.log"; continue; }
    [ $KEEP ] || continue
    nice -n 19 "$program" -merge=1 -max_len=4096 -verbosity=0 "$kept" "$own" >>"$own.log" 2>&1 || STATUS=1
    echo "fuzz: $name: $(ls "$kept" | wc -l) inputs kept, $(du -sb "$kept" | cut -f 1) bytes"
done
exit $STATUS
