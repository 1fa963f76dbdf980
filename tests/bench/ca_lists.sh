#!/bin/sh
# ca_lists.sh — a revocation list of a million entries, CPU and memory, against OpenSSL's own encoder (BENCH_ENTRIES=10000000: of ten)
. "$(dirname "$0")/bench_lib.sh"
W=$(mktemp -d)
trap 'rm -rf "$W"' EXIT
ENTRIES=${BENCH_ENTRIES:-1000000}
"$BUILD/tests/bench/bench_lists" "$BUILD/ca/jpki-ca" "$ENTRIES" > "$W/rounds"
row "list of $ENTRIES entries, written, judged, signed: CPU" s lower 0.025 "$(column "$W/rounds" ours 2)" "$(column "$W/rounds" theirs 2)" \
    "X509_CRL_sign and i2d_X509_CRL of the same entries"
row "list of $ENTRIES entries, written, judged, signed: memory" MiB lower 1.0 "$(column "$W/rounds" ours 3)" 64 "a bound of our own"
row "list of $ENTRIES entries from the book, and the one ahead, compared, handed over: CPU" s lower - "$(column "$W/rounds" book 2)" \
    "$(column "$W/rounds" theirs 2)" "X509_CRL_sign and i2d_X509_CRL of the entries, once"
row "list of $ENTRIES entries from the book, and the one ahead: memory" MiB lower 1.0 "$(column "$W/rounds" book 3)" 64 "a bound of our own"
