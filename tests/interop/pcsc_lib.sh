# pcsc_lib.sh — what the suites behind a real PC/SC service share: a pcscd that is nobody else's, a world, steps that are named when
# they fail. Sourced with the suite's arguments: BUILD.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/pcscd_lib.sh"
own_pcscd "$0" "$@"
BUILD=$(realpath "$1")
cd "$(dirname "$0")/../.."
root=$(mktemp -d /tmp/jpki-opensc-XXXXXX)
WORLD=$root/world
. demo/lib.sh
new_world
trap 'stop_world; rm -rf "$root"' EXIT
step=start
fail() { echo "FAILED: $step: $*"; tail -n 20 "$WORLD/said"; exit 1; }
want() { grep -qF -- "$1" "$WORLD/said" || fail "'$1' is missing"; }
run() { "$@" >"$WORLD/said" 2>&1 || fail "exit status $? of $*"; }
THEIRS=$(find /usr/lib -name opensc-pkcs11.so | head -n 1)
AUTH_PIN=1234 SIGN_PIN=ABC123
export AUTH_PIN SIGN_PIN
echo "what is signed" >"$WORLD/documents/message"
start_pcscd || { echo "no PC/SC service here"; exit 1; }
