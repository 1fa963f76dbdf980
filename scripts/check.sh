#!/bin/bash
# Every test, in two builds: as shipped (plus the named fault points), and under AddressSanitizer and
# UndefinedBehaviorSanitizer (unit, checks and flow: the interoperability clients load the module into processes that
# are not instrumented). Closes with one line of counts. A skipped test fails the run: nothing here is optional.
set -uo pipefail
cd "$(dirname "$0")/.."

configure() { # folder, options…
    local folder=$1
    shift
    [ -f "$folder/build.ninja" ] || meson setup "$folder" --werror -Dfaults=true "$@" >/dev/null || exit 1
    if ! ninja -C "$folder" >"$folder/ninja.log" 2>&1; then
        grep -v '^\[' "$folder/ninja.log"
        echo "check: the build in $folder failed"
        exit 1
    fi
}

run() { # folder, suites…
    local folder=$1 suites=()
    shift
    for suite in "$@"; do suites+=(--suite "$suite"); done
    meson test -C "$folder" --no-rebuild --print-errorlogs --timeout-multiplier "${JPKI_TIMEOUT_MULTIPLIER:-3}" "${suites[@]}"
}

configure build-check
configure build-asan -Db_sanitize=address,undefined -Db_lundef=false

# Leaks inside foreign libraries are named one by one in this file; everything else is ours and fails.
export LSAN_OPTIONS="suppressions=$PWD/tests/support/lsan.supp:print_suppressions=0"
export ASAN_OPTIONS="detect_stack_use_after_return=1:abort_on_error=0"
export UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1"

run build-check unit checks flow interop
run build-asan unit flow

exec scripts/summary.py build-check/meson-logs/testlog.json build-asan/meson-logs/testlog.json
