#!/bin/bash
# Every test, in two builds: as shipped (plus the named fault points), and under AddressSanitizer and
# UndefinedBehaviorSanitizer (unit, checks and flow: the interoperability clients load the module into processes that
# are not instrumented). Closes with one line of counts. A skipped test fails the run: nothing here is optional.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

# What tests do to a store is to kill the process above it, and a kill leaves memory as it leaves a disk: where root has the room for
# it, their folders are in memory. The same /tmp for nobody else; a tree that is itself below /tmp would not be seen any more.
free=$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo)
case $PWD/ in /tmp/*) free=0 ;; esac
if [ -z "${JPKI_CHECK_TMP:-}" ] && [ "$(id -u)" -eq 0 ] && [ "${free:-0}" -gt 4000000 ] &&
    unshare --mount sh -c 'mount -t tmpfs tmpfs /tmp' 2>/dev/null; then
    # shellcheck disable=SC2016 # the inner shell's own
    JPKI_CHECK_TMP=memory exec unshare --mount sh -c 'mount -t tmpfs -o mode=1777 tmpfs /tmp && unset TMPDIR && exec scripts/check.sh'
fi

say() { echo "check: $* ($((SECONDS / 60)) min $((SECONDS % 60)) s so far)"; }

configure() { # folder, options…
    local folder=$1
    shift
    scripts/build.sh "$folder" --werror -Dfaults=true -Dpostgres=enabled "$@" || exit 1
}

run() { # folder, suites…
    local folder=$1 suites=()
    shift
    say "$folder: the suites $*"
    rm -f "$folder/meson-logs/$log" # a run that does not come about is not to be counted by an older one
    for suite in "$@"; do suites+=(--suite "$suite"); done
    meson test -C "$folder" --no-rebuild --print-errorlogs --timeout-multiplier "${JPKI_TIMEOUT_MULTIPLIER:-3}" \
        --num-processes $((2 * $(nproc))) "${alone[@]}" "${suites[@]}" # much of a test is waiting: for a daemon, a clock, a card
}

# Where root may, each test has a loopback of its own: a port that one has closed for a moment is not another one's. (meson names its log
# after the wrapper.)
alone=() log=testlog.json
! scripts/alone.sh true 2>/dev/null || { alone=(--wrapper "'$PWD/scripts/alone.sh'"); log=testlog-alone.sh.json; }
export PATH=/usr/bin:/bin:$PATH # the packages' programs, not others of their names

SECONDS=0
configure build-check
# Little optimised, with lines but without variables: half of the time to compile, and the sanitizers see no less. (What may be cut
# short is judged in the other build: with less known of the values, the compiler thinks more of it possible.)
configure build-asan -Db_sanitize=address,undefined -Db_lundef=false -Doptimization=1 '-Dc_args=-g1 -Wno-format-truncation'

# Leaks inside foreign libraries are named one by one in this file; everything else is ours and fails.
export LSAN_OPTIONS="suppressions=$PWD/tests/support/lsan.supp:print_suppressions=0"
export ASAN_OPTIONS="detect_stack_use_after_return=1:abort_on_error=0"
export UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1"

run build-check unit checks flow interop
run build-asan unit flow

say "every suite has run"
exec scripts/summary.py "build-check/meson-logs/$log" "build-asan/meson-logs/$log"
