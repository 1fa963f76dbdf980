#!/bin/bash
# sim.sh — the simulated card in process: signatures against OpenSSL's own, commands, memory
set -euo pipefail
. "$(dirname "$0")/bench_lib.sh"
out=$(mktemp)
trap 'rm -f "$out"' EXIT
"$BUILD/tests/bench/bench_sim" >"$out"
row "RSA-2048 signatures of the simulated card, in process" 1/s higher 0.9 "$(column "$out" round 2)" "$(column "$out" round 3)" \
    "OpenSSL EVP_PKEY_sign in the same process"
row "commands to the simulated card, in process (READ BINARY 256)" 1/s higher 1 "$(column "$out" commands 2)" 100000 "a bound of our own"
row "memory of a simulated card, $(column "$out" cards 2) in one process, each used" byte lower 1 "$(column "$out" cards 3)" 131072 \
    "a bound of our own"
